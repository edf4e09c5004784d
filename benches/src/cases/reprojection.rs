//! h: the Jacobians of the reprojection error of bundle adjustment, one for each observation.

use crate::case::{BOTH, Case, derivative};
use crate::data::stream;
use crate::size::factors;
use riesz::prelude::*;

/// A 2 by 15 Jacobian for each observation: rotation, centre, focal length, principal point,
/// distortion, point, weight. The observations are along the last axis, as the fastest peers have them.
pub const REPROJECTION: Case = Case {
    name: "h_ba",
    sizes: &["10000", "100000"],
    dtypes: BOTH,
    into: false,
    prepare: |size, dtype| {
        let [n] = factors(size)?;
        let mut p = stream(80).times(0.3).values(n * 15);
        for (offset, shift) in [(6, 1.0), (13, 5.0), (14, 1.0)] {
            p.iter_mut().skip(offset).step_by(15).for_each(|v| *v += shift);
        }
        let columns = |rows| run(|rows: Var| rows.t(), &rows);
        let p = columns(Tensor::from_f64(&p, [n, 15], dtype)?)?;
        let feature = columns(stream(81).tensor(&[n, 2], dtype)?)?;
        let one = |(p, q): (Var, Var)| jacobian(|p| residual(p, q))(p);
        derivative(vmap_axes(one, [Some(1)], [2]), (p, feature))
    },
};

fn residual(parameters: Var, feature: Var) -> Var {
    let p = |i| parameters.at(i);
    let r = [p(0), p(1), p(2)];
    let x = [p(11) - p(3), p(12) - p(4), p(13) - p(5)];
    let [x, y, z] = rotate(r, x);
    let (x, y) = (x / z, y / z);
    let square = x * x + y * y;
    let scale = p(6) * (1.0 + p(9) * square + p(10) * square * square);
    let image = [x * scale + p(7), y * scale + p(8)];
    p(14) * (Var::stack(&image, 0) - feature)
}

/// Rodrigues' formula: `x` turned about the axis `r` by the angle ‖r‖.
fn rotate(r: [Var; 3], x: [Var; 3]) -> [Var; 3] {
    let angle = dot(r, r).sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let a = r.map(|r| r / angle);
    let along = dot(a, x) * (1.0 - cos);
    let turned = cross(a, x);
    std::array::from_fn(|i| x[i] * cos + turned[i] * sin + a[i] * along)
}

fn dot(a: [Var; 3], b: [Var; 3]) -> Var {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [Var; 3], b: [Var; 3]) -> [Var; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
