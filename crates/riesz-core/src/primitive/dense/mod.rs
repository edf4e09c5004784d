//! Plain factorisations for the reference evaluator: row-major `f64`, loops, no tuning.
//!
//! The engine uses a library; these exist so that it has something independent to agree with.

mod cholesky;
mod eigh;
mod lu;
mod qr;
mod svd;

pub(crate) use cholesky::cholesky;
pub(crate) use eigh::eigh;
pub(crate) use lu::{Lu, rectangular_lu};
pub(crate) use qr::qr;
pub(crate) use svd::Svd;

/// The n×n identity.
pub(crate) fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i / n.max(1) == i % n.max(1) { 1.0 } else { 0.0 }).collect()
}

/// C = A·B for n×n matrices, either of them transposed.
pub(crate) fn product(a: &[f64], a_t: bool, b: &[f64], b_t: bool, n: usize) -> Vec<f64> {
    let at = |m: &[f64], t: bool, i: usize, j: usize| if t { m[j * n + i] } else { m[i * n + j] };
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            c[i * n + j] = (0..n).map(|k| at(a, a_t, i, k) * at(b, b_t, k, j)).sum();
        }
    }
    c
}

/// The Euclidean norm, without overflow on the way.
pub(crate) fn norm(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * x.iter().map(|v| (v / largest) * (v / largest)).sum::<f64>().sqrt()
}

/// Column `j` of a matrix with `n` columns.
pub(crate) fn column(a: &[f64], n: usize, j: usize) -> Vec<f64> {
    a.iter().skip(j).step_by(n.max(1)).copied().collect()
}

/// Aᵀ of an m×n matrix.
pub(crate) fn transposed(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    let mut t = Vec::with_capacity(a.len());
    for j in 0..n {
        t.extend((0..m).map(|i| a[i * n + j]));
    }
    t
}

/// The sign that makes the component of largest magnitude, the first of equals, positive.
pub(crate) fn orientation(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0f64, |best, &v| if v.abs() > best.abs() { v } else { best });
    if largest < 0.0 { -1.0 } else { 1.0 }
}

/// (A + Aᵀ)/2 of an n×n matrix.
pub(crate) fn symmetric_part(a: &[f64], n: usize) -> Vec<f64> {
    let half = |(i, v): (usize, &f64)| 0.5 * v + 0.5 * a[i % n * n + i / n];
    a.iter().enumerate().map(half).collect()
}
