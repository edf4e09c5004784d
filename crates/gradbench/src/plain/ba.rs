//! The reprojection error of every observation and the error of its weight.

use crate::input::Input;
use crate::work::{Work, number, numbers, work};
use riesz::prelude::*;
use serde_json::json;

/// Reads and repeats the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let count = |name| input.field(name)?.count();
    let (n, m, p) = (count("n")?, count("m")?, count("p")?);
    let many = |name, times| {
        let one = input.field(name)?.tensor(1)?.into_vec::<f64>()?;
        Ok::<_, Error>(one.repeat(times))
    };
    let (cameras, points, features) = (many("cam", n)?, many("x", m)?, many("feat", p)?);
    let weights = vec![input.field("w")?.number()?; p];
    work(
        move || {
            let (mut errors, mut of_weights) = (vec![0.0; 2 * p], vec![0.0; p]);
            for i in 0..p {
                let (c, x) = (i % n, i % m);
                let error = &mut errors[2 * i..2 * i + 2];
                let camera = &cameras[11 * c..11 * c + 11];
                reproject(
                    camera,
                    &points[3 * x..3 * x + 3],
                    weights[i],
                    &features[2 * i..2 * i + 2],
                    error,
                );
            }
            for i in 0..p {
                of_weights[i] = 1.0 - weights[i] * weights[i];
            }
            Ok((errors, of_weights))
        },
        |(errors, of_weights): &(Vec<f64>, Vec<f64>)| {
            let p = of_weights.len();
            Ok(json!({
                "reproj_error": { "elements": numbers(&errors[..2])?, "repeated": p },
                "w_err": { "element": number(of_weights[0])?, "repeated": p },
            }))
        },
    )
}

fn reproject(camera: &[f64], point: &[f64], weight: f64, feature: &[f64], error: &mut [f64]) {
    let (r, centre) = (&camera[0..3], &camera[3..6]);
    let x = [point[0] - centre[0], point[1] - centre[1], point[2] - centre[2]];
    let square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    let turned = if square != 0.0 {
        let angle = square.sqrt();
        let (sin, cos) = angle.sin_cos();
        let a = [r[0] / angle, r[1] / angle, r[2] / angle];
        let about = cross(&a, &x);
        let along = (a[0] * x[0] + a[1] * x[1] + a[2] * x[2]) * (1.0 - cos);
        [0, 1, 2].map(|i| x[i] * cos + about[i] * sin + a[i] * along)
    } else {
        let about = cross(r, &x);
        [0, 1, 2].map(|i| x[i] + about[i])
    };
    let (u, v) = (turned[0] / turned[2], turned[1] / turned[2]);
    let s = u * u + v * v;
    let scale = camera[6] * (1.0 + camera[9] * s + camera[10] * s * s);
    error[0] = weight * (u * scale + camera[7] - feature[0]);
    error[1] = weight * (v * scale + camera[8] - feature[1]);
}

fn cross(a: &[f64], b: &[f64]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
