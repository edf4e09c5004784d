//! Hand tracking: every vertex is moved by every bone.

use crate::input::Input;
use crate::work::{Work, numbers, work};
use riesz::prelude::*;

type Matrix = [[f64; 4]; 4];

struct Hand {
    theta: Vec<f64>,
    us: Vec<f64>,
    parents: Vec<i64>,
    relative: Vec<Matrix>,
    inverse_rest: Vec<Matrix>,
    rest: Vec<f64>,
    weights: Vec<f64>,
    triangles: Vec<i64>,
    mirrored: bool,
    which: Vec<i64>,
    points: Vec<f64>,
}

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let data = input.field("data")?;
    let model = data.field("model")?;
    let matrices = |name| {
        let all = model.field(name)?.tensor(3)?.into_vec::<f64>()?;
        let one = |m: &[f64]| std::array::from_fn(|i| std::array::from_fn(|j| m[4 * i + j]));
        Ok::<Vec<Matrix>, Error>(all.chunks_exact(16).map(one).collect())
    };
    let us = input.field("us")?.tensor(2).map_or(Ok(Vec::new()), Tensor::into_vec)?;
    let hand = Hand {
        theta: input.field("theta")?.tensor(1)?.into_vec()?,
        us,
        parents: model.field("parents")?.integers(1)?.into_vec()?,
        relative: matrices("base_relatives")?,
        inverse_rest: matrices("inverse_base_absolutes")?,
        rest: model.field("base_positions")?.tensor(2)?.into_vec()?,
        weights: model.field("weights")?.tensor(2)?.into_vec()?,
        triangles: model.field("triangles")?.integers(2)?.into_vec()?,
        mirrored: model.field("is_mirrored")?.truth()?,
        which: data.field("correspondences")?.integers(1)?.into_vec()?,
        points: data.field("points")?.tensor(2)?.into_vec()?,
    };
    work(move || Ok(objective(&hand)), |errors| numbers(errors))
}

fn objective(hand: &Hand) -> Vec<f64> {
    let mesh = posed(hand);
    let vertex = |i: i64, axis: usize| mesh[3 * i as usize + axis];
    let mut errors = vec![0.0; hand.points.len()];
    for (i, &which) in hand.which.iter().enumerate() {
        for axis in 0..3 {
            let place = if hand.us.is_empty() {
                vertex(which, axis)
            } else {
                let corners = &hand.triangles[3 * which as usize..][..3];
                let (u, v) = (hand.us[2 * i], hand.us[2 * i + 1]);
                u * vertex(corners[0], axis)
                    + v * vertex(corners[1], axis)
                    + (1.0 - u - v) * vertex(corners[2], axis)
            };
            errors[3 * i + axis] = hand.points[3 * i + axis] - place;
        }
    }
    errors
}

fn posed(hand: &Hand) -> Vec<f64> {
    let bones = hand.relative.len();
    let mut angles = vec![[0.0; 2]; bones];
    for finger in 0..5 {
        let (t, bone) = (&hand.theta[6 + 4 * finger..], 2 + 4 * finger);
        angles[bone] = [t[0], t[1]];
        angles[bone + 1][0] = t[2];
        angles[bone + 2][0] = t[3];
    }
    let mut absolute: Vec<Matrix> = Vec::with_capacity(bones);
    let mut transforms: Vec<Matrix> = Vec::with_capacity(bones);
    for b in 0..bones {
        let local = product(&hand.relative[b], &bend(angles[b]));
        absolute.push(match usize::try_from(hand.parents[b]) {
            Ok(parent) => product(&absolute[parent], &local),
            Err(_) => local,
        });
        transforms.push(product(&absolute[b], &hand.inverse_rest[b]));
    }
    let global = rotation(&hand.theta[..3]);
    let mut mesh = Vec::with_capacity(hand.rest.len() / 4 * 3);
    for (rest, weights) in hand.rest.chunks_exact(4).zip(hand.weights.chunks_exact(bones)) {
        let mut p = [0.0; 3];
        for (transform, weight) in transforms.iter().zip(weights) {
            for (p, row) in p.iter_mut().zip(transform) {
                *p += weight
                    * (row[0] * rest[0] + row[1] * rest[1] + row[2] * rest[2] + row[3] * rest[3]);
            }
        }
        if hand.mirrored {
            p[0] = -p[0];
        }
        for (row, shift) in global.iter().zip(&hand.theta[3..6]) {
            mesh.push(row[0] * p[0] + row[1] * p[1] + row[2] * p[2] + shift);
        }
    }
    mesh
}

/// Rz(side)·Rx(bend) as a motion.
fn bend([bend, side]: [f64; 2]) -> Matrix {
    let ((sx, cx), (sz, cz)) = (bend.sin_cos(), side.sin_cos());
    [
        [cz, -sz * cx, sz * sx, 0.0],
        [sz, cz * cx, -cz * sx, 0.0],
        [0.0, sx, cx, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
}

fn rotation(axis: &[f64]) -> [[f64; 3]; 3] {
    let angle = axis.iter().map(|a| a * a).sum::<f64>().sqrt();
    if angle < 1e-4 {
        return [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    }
    let (s, c) = angle.sin_cos();
    let (x, y, z) = (axis[0] / angle, axis[1] / angle, axis[2] / angle);
    let o = 1.0 - c;
    [
        [x * x + (1.0 - x * x) * c, x * y * o - z * s, x * z * o + y * s],
        [x * y * o + z * s, y * y + (1.0 - y * y) * c, y * z * o - x * s],
        [x * z * o - y * s, y * z * o + x * s, z * z + (1.0 - z * z) * c],
    ]
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let mut out = [[0.0; 4]; 4];
    for i in 0..4 {
        for j in 0..4 {
            for k in 0..4 {
                out[i][j] += a[i][k] * b[k][j];
            }
        }
    }
    out
}
