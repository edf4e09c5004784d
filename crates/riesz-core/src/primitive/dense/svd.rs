//! One-sided Jacobi rotations.

use super::{column, identity, norm, orientation, transposed};

/// A = U·diag(s)·Vᵀ of an m×n matrix with k = min(m, n): U of m×k, s descending, V of n×k, by
/// one-sided Jacobi rotations (Hestenes 1958; Golub & Van Loan, section 8.6.4). U and V have
/// orthonormal columns whatever the rank is; each column of U has a positive component of largest
/// magnitude.
pub(crate) struct Svd {
    pub(crate) u: Vec<f64>,
    pub(crate) s: Vec<f64>,
    pub(crate) v: Vec<f64>,
}

impl Svd {
    pub(crate) fn new(a: &[f64], m: usize, n: usize) -> Svd {
        let k = m.min(n);
        if a.iter().any(|v| !v.is_finite()) {
            let nan = |len: usize| vec![f64::NAN; len];
            return Svd { u: nan(m * k), s: nan(k), v: nan(n * k) };
        }
        let mut svd = if m < n {
            let Svd { u, s, v } = tall(&transposed(a, m, n), n, m);
            Svd { u: v, s, v: u }
        } else {
            tall(a, m, n)
        };
        for j in 0..k {
            let sign = orientation(&column(&svd.u, k, j));
            (0..m).for_each(|i| svd.u[i * k + j] *= sign);
            (0..n).for_each(|i| svd.v[i * k + j] *= sign);
        }
        svd
    }
}

fn inner(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// For m ≥ n.
fn tall(a: &[f64], m: usize, n: usize) -> Svd {
    // Squares of scaled elements neither overflow nor vanish together. A power of two is exact.
    let largest = a.iter().fold(0.0f64, |l, v| l.max(v.abs()));
    let scale =
        if largest > 0.0 { largest.log2().floor().clamp(-1000.0, 1000.0).exp2() } else { 1.0 };
    let mut w: Vec<f64> = a.iter().map(|v| v / scale).collect();
    let mut v = identity(n);
    for _sweep in 0..60 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y) = (column(&w, n, p), column(&w, n, q));
                let (a, b, c) = (inner(&x, &x), inner(&y, &y), inner(&x, &y));
                if c.abs() <= f64::EPSILON * a.sqrt() * b.sqrt() || c == 0.0 {
                    continue;
                }
                rotated = true;
                let zeta = (b - a) / (2.0 * c);
                let t = 1f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                let sin = cos * t;
                for (of, rows) in [(&mut w, m), (&mut v, n)] {
                    for i in 0..rows {
                        let (x, y) = (of[i * n + p], of[i * n + q]);
                        of[i * n + p] = cos * x - sin * y;
                        of[i * n + q] = sin * x + cos * y;
                    }
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let lengths: Vec<f64> = (0..n).map(|j| norm(&column(&w, n, j))).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));
    let s: Vec<f64> = order.iter().map(|&j| scale * lengths[j]).collect();
    let mut vectors = vec![0.0; n * n];
    for (to, &from) in order.iter().enumerate() {
        (0..n).for_each(|i| vectors[i * n + to] = v[i * n + from]);
    }
    let directions: Vec<Vec<f64>> = order.iter().map(|&j| column(&w, n, j)).collect();
    Svd { u: orthonormal(directions, m), s, v: vectors }
}

/// Columns of length 1 along the given ones, which are orthogonal and descend in length; where one
/// is 0, or lost in rounding beside the first, any direction that completes the others.
fn orthonormal(directions: Vec<Vec<f64>>, m: usize) -> Vec<f64> {
    let k = directions.len();
    let first = directions.first().map_or(0.0, |d| norm(d));
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(k);
    for own in directions {
        let length = norm(&own);
        let unit = |e: usize| (0..m).map(|i| f64::from(u8::from(i == e))).collect::<Vec<f64>>();
        let is_direction = length > f64::EPSILON * first && length > 0.0;
        let candidates = is_direction.then_some(own).into_iter().chain((0..m).map(unit));
        let mut best = (0.0, vec![0.0; m]);
        for mut x in candidates {
            let before = norm(&x);
            // Twice is enough (Kahan; Parlett, The Symmetric Eigenvalue Problem, section 6.9).
            for _ in 0..2 {
                for q in &done {
                    let along = inner(&x, q);
                    x.iter_mut().zip(q).for_each(|(x, q)| *x -= along * q);
                }
            }
            let after = norm(&x);
            if after / before > best.0 {
                best = (after / before, x.iter().map(|x| x / after).collect());
            }
            if best.0 > 0.5 {
                break;
            }
        }
        done.push(best.1);
    }
    let mut u = vec![0.0; m * k];
    for (j, q) in done.iter().enumerate() {
        (0..m).for_each(|i| u[i * k + j] = q[i]);
    }
    u
}
