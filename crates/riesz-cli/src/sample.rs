//! Points: values that satisfy the facts declared of a variable, and whether a value does.
//!
//! Sampled points are reproducible, and generic: no two entries alike, matrices well conditioned,
//! a distance kept from the ends of intervals. Nothing here looks at the expression.

use riesz::Tensor;
use riesz_core::check::uniform;
use riesz_lang::ast::{Facts, Kind, Literal};
use riesz_lang::dims::Dims;
use riesz_lang::lower;
use riesz_lang::typed::{Typed, Variable};

/// Intervals for the entries of variables about which nothing is declared, to be tried in turn:
/// functions such as `log` and `arcsin` are not defined everywhere.
pub const INTERVALS: [(f64, f64); 4] = [(-1.5, 1.5), (0.5, 2.0), (0.1, 0.8), (1.2, 3.0)];

/// By how much a derivative may change, relative to its size, from a point to one
/// [nearby](crate::input::Question::nearby): by more it does beside a singular matrix, and at jumps.
pub const CERTAIN: f64 = 1e-4;

/// Whether numbers are those expected, but for a tolerance relative to the largest of these.
pub fn are_near(numbers: &[f64], expected: &[f64], tolerance: f64) -> bool {
    let size = expected.iter().fold(1.0f64, |a, b| a.max(b.abs()));
    numbers.len() == expected.len()
        && numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance * size)
}

/// How small sizes follow each other. A matrix is wide with the one and tall with the other, and of `X*X'` and
/// `X'*X` one is singular.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sizes {
    /// The first name has the least.
    Rising,
    /// The first name has the largest.
    Falling,
}

/// Gives every size that has no number a small one: distinct if that is possible.
pub fn choose_sizes(typed: &mut Typed, sizes: Sizes) {
    for distinct in [true, false] {
        let mut dims = typed.dims.clone();
        let names = dims.names();
        for (i, name) in names.iter().enumerate() {
            let d = dims.named(name);
            if dims.value(d).is_none() && dims.text(d) == *name {
                let place = if sizes == Sizes::Rising { i } else { names.len() - 1 - i };
                let size = dims.fixed(if distinct { 2 + place % 8 } else { 2 });
                // A symbol without a number takes any.
                let _ = dims.unify(d, size);
            }
        }
        if !distinct || crate::input::contradiction(&dims).is_none() {
            typed.dims = dims;
            return;
        }
    }
}

/// A random value of a variable with entries in an interval, unless its facts say otherwise.
///
/// # Errors
/// When its size is not known.
pub fn value(
    variable: &Variable,
    dims: &Dims,
    interval: (f64, f64),
    seed: u64,
) -> riesz::Result<Tensor> {
    let axes = lower::axes(variable.shape, dims)?;
    let size = axes.iter().product::<usize>() as u64;
    let facts = &variable.facts;
    let bounded = facts.range.map(|(lo, hi)| finite(lo, hi));
    let (lo, hi) = bounded.unwrap_or(if facts.positive { INTERVALS[1] } else { interval });
    let draw = |i: u64| lo + (hi - lo) * (0.05 + 0.9 * uniform(seed, i));
    let mut x: Vec<f64> = (0..size).map(draw).collect();
    if let (Kind::Matrix, [m, n]) = (variable.shape.kind, axes.as_slice()) {
        shape_matrix(&mut x, *m, *n, facts, bounded.is_some());
    }
    Tensor::new(x, axes)
}

/// An interval with finite ends inside another.
fn finite(lo: f64, hi: f64) -> (f64, f64) {
    match (lo.is_finite(), hi.is_finite()) {
        (true, true) => (lo, hi),
        (true, false) => (lo, lo + 2.0),
        (false, true) => (hi - 2.0, hi),
        (false, false) => INTERVALS[0],
    }
}

/// Makes a random matrix satisfy facts.
fn shape_matrix(x: &mut [f64], m: usize, n: usize, facts: &Facts, bounded: bool) {
    if facts.orthogonal && m == n {
        return orthogonalise(x, n);
    }
    if facts.symmetric && m == n {
        for i in 0..n {
            for j in 0..i {
                x[i * n + j] = x[j * n + i];
            }
        }
    }
    if facts.diagonal {
        for (k, x) in x.iter_mut().enumerate().filter(|(k, _)| k / n != k % n) {
            debug_assert!(k < m * n);
            *x = 0.0;
        }
    }
    // A dominant diagonal keeps every square matrix away from the singular ones, and makes a
    // symmetric one positive definite (Gershgorin).
    if m == n && !(bounded && !(facts.psd || facts.posdet)) {
        let largest = x.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        for i in 0..n {
            let entry = &mut x[i * n + i];
            *entry = entry.abs() + n as f64 * largest * 0.75;
        }
    }
}

/// The columns made orthonormal, one after the other (modified Gram–Schmidt, twice).
fn orthogonalise(x: &mut [f64], n: usize) {
    for i in 0..n {
        x[i * n + i] += 2.0 * n as f64;
    }
    for j in 0..n {
        for _ in 0..2 {
            for k in 0..j {
                let along: f64 = (0..n).map(|i| x[i * n + k] * x[i * n + j]).sum();
                (0..n).for_each(|i| x[i * n + j] -= along * x[i * n + k]);
            }
            let norm = (0..n).map(|i| x[i * n + j].powi(2)).sum::<f64>().sqrt();
            (0..n).for_each(|i| x[i * n + j] /= norm);
        }
    }
}

/// The first declared fact that a value contradicts.
pub fn violated(variable: &Variable, value: &Literal) -> Option<String> {
    let facts = &variable.facts;
    let (m, n, x) = (value.rows, value.cols, &value.data);
    let scale = x.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * scale;
    let all = |f: &dyn Fn(usize, usize) -> bool| (0..m).all(|i| (0..n).all(|j| f(i, j)));
    let at = |i: usize, j: usize| x[i * n + j];
    if facts.positive && x.iter().any(|x| x.is_nan() || *x <= 0.0) {
        return Some("positive".into());
    }
    if let Some((lo, hi)) = facts.range
        && x.iter().any(|x| !(lo..=hi).contains(x))
    {
        return Some(format!("in[{lo},{hi}]"));
    }
    if m != n || variable.shape.kind != Kind::Matrix {
        return None;
    }
    if facts.diagonal && !all(&|i, j| i == j || at(i, j) == 0.0) {
        return Some("diagonal".into());
    }
    if facts.symmetric && !all(&|i, j| close(at(i, j), at(j, i))) {
        return Some("symmetric".into());
    }
    if facts.spd && !has_cholesky(x, n, 0.0) {
        return Some("spd".into());
    }
    // Rounding may push the smallest eigenvalue of a semidefinite matrix below 0.
    if facts.psd && !has_cholesky(x, n, 1e-12 * scale * n as f64 + f64::MIN_POSITIVE) {
        return Some("psd".into());
    }
    let product = |i: usize, j: usize| (0..n).map(|k| at(k, i) * at(k, j)).sum::<f64>();
    if facts.orthogonal && !all(&|i, j| (product(i, j) - f64::from(i == j)).abs() < 1e-8) {
        return Some("orthogonal".into());
    }
    (facts.posdet && determinant_sign(x, n) <= 0.0).then(|| "posdet".into())
}

/// Whether X + shift·I is positive definite: whether its Cholesky factor exists.
fn has_cholesky(x: &[f64], n: usize, shift: f64) -> bool {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = x[i * n + j] - known;
            if i != j {
                l[i * n + j] = rest / l[j * n + j];
            } else if rest + shift > 0.0 {
                l[i * n + i] = (rest + shift).sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

/// The sign of a determinant, by elimination with row pivots.
fn determinant_sign(x: &[f64], n: usize) -> f64 {
    let (mut a, mut sign) = (x.to_vec(), 1.0);
    for k in 0..n {
        let larger = |&i: &usize, &j: &usize| a[i * n + k].abs().total_cmp(&a[j * n + k].abs());
        let pivot = (k..n).max_by(larger).unwrap_or(k);
        if pivot != k {
            (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
            sign = -sign;
        }
        let d = a[k * n + k];
        if d == 0.0 {
            return 0.0;
        }
        sign *= d.signum();
        for i in k + 1..n {
            let factor = a[i * n + k] / d;
            (k..n).for_each(|j| a[i * n + j] -= factor * a[k * n + j]);
        }
    }
    sign
}
