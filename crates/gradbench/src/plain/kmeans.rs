//! The cost of some centroids, every distance computed.

use crate::input::Input;
use crate::work::{Work, number, work};
use riesz::prelude::*;

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let points = input.field("points")?.tensor(2)?;
    let dimension = points.shape()[1];
    let points = points.into_vec::<f64>()?;
    let centroids = input.field("centroids")?.tensor(2)?.into_vec::<f64>()?;
    work(move || Ok(cost(&points, &centroids, dimension)), |y| number(*y))
}

fn cost(points: &[f64], centroids: &[f64], dimension: usize) -> f64 {
    let mut total = 0.0;
    for point in points.chunks_exact(dimension) {
        let mut nearest = f64::INFINITY;
        for centroid in centroids.chunks_exact(dimension) {
            let mut distance = 0.0;
            for (p, c) in point.iter().zip(centroid) {
                distance += (p - c) * (p - c);
            }
            nearest = nearest.min(distance);
        }
        total += nearest;
    }
    total
}
