//! What is declared of a value beside its shape, checked on numbers.

use super::Diagnostic;
use crate::ast::{Declaration, Facts};
use riesz::Tensor;

/// How far a matrix in a file may be from symmetric, relative to its largest entry.
const SYMMETRY: f64 = 1e-10;

/// What a value contradicts, in words, or `None`. Shapes fit already.
pub(super) fn violated(facts: &Facts, value: &Tensor) -> Option<String> {
    let x = value.to_f64();
    if let Some(k) = x.iter().position(|x| facts.positive && *x <= 0.0) {
        return Some(format!("positive, but {} is {}", entry(value, k), x[k]));
    }
    if let Some((lo, hi)) = facts.range
        && let Some(k) = x.iter().position(|x| !(lo..=hi).contains(x))
    {
        return Some(format!("in [{lo},{hi}], but {} is {}", entry(value, k), x[k]));
    }
    let &[m, n] = &value.shape()[..] else { return None };
    if m != n {
        return None;
    }
    let largest = x.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let pairs = || (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    if facts.diagonal
        && let Some((i, j)) = pairs().find(|&(i, j)| i != j && x[i * n + j] != 0.0)
    {
        return Some(format!("diagonal, but {} is {}", entry(value, i * n + j), x[i * n + j]));
    }
    let differ = |&(i, j): &(usize, usize)| {
        let difference: f64 = x[i * n + j] - x[j * n + i];
        difference.abs() > SYMMETRY * largest
    };
    if facts.symmetric
        && let Some((i, j)) = pairs().find(differ)
    {
        let (a, b) = (i * n + j, j * n + i);
        let (first, second) = (entry(value, a), entry(value, b));
        return Some(format!("symmetric, but {first} is {} and {second} is {}", x[a], x[b]));
    }
    if facts.spd && !has_cholesky(&x, n, 0.0) {
        return Some("positive definite, but its Cholesky factorisation fails".into());
    }
    // Rounding may push a smallest eigenvalue of 0 below it.
    if facts.psd && !has_cholesky(&x, n, 1e-12 * largest * n as f64 + f64::MIN_POSITIVE) {
        return Some("positive semidefinite, but it has a negative eigenvalue".into());
    }
    let product = |i: usize, j: usize| (0..n).map(|k| x[k * n + i] * x[k * n + j]).sum::<f64>();
    if facts.orthogonal && pairs().any(|(i, j)| (product(i, j) - f64::from(i == j)).abs() > 1e-8) {
        return Some("orthogonal, but its transpose is not its inverse".into());
    }
    if facts.posdet {
        let det = riesz::run(|a: riesz::Var| a.det(), value).ok();
        let det = det.and_then(|d| d.item::<f64>().ok()).unwrap_or(f64::NAN);
        if det.is_nan() || det <= 0.0 {
            return Some(format!("of positive determinant, but its determinant is {det}"));
        }
    }
    None
}

/// The position of an element in words: `the entry [2,0]`.
pub(super) fn entry(value: &Tensor, mut k: usize) -> String {
    let mut index = Vec::new();
    for &n in value.shape().iter().rev() {
        index.push((k % n.max(1)).to_string());
        k /= n.max(1);
    }
    index.reverse();
    if index.is_empty() { "it".into() } else { format!("the entry [{}]", index.join(",")) }
}

/// Whether X + shift·I is positive definite: whether it has a Cholesky factor. Only the lower
/// triangle of `x`, n×n row by row, is read.
pub(super) fn has_cholesky(x: &[f64], n: usize, shift: f64) -> bool {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let (row, other) = (&l[i * n..i * n + j], &l[j * n..j * n + j]);
            let known: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            let rest = x[i * n + j] - known;
            if i != j {
                l[i * n + j] = rest / l[j * n + j];
            } else if rest + shift > 0.0 && rest.is_finite() {
                l[i * n + i] = (rest + shift).sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

/// Refuses facts of a variable that no solver here can keep.
pub(super) fn supported(d: &Declaration) -> Result<(), Diagnostic> {
    let name = &d.name.name;
    let complain = |fact: &str, help: String| {
        let message = format!("a {fact} variable cannot be minimised over");
        Err(Diagnostic::new(message, d.name.span).note("declared here").help(help))
    };
    match d.facts {
        Facts { psd: true, spd: false, .. } => complain(
            "psd",
            format!("declare it spd, or write it as {name}*{name}' with a free matrix {name}"),
        ),
        Facts { posdet: true, .. } => {
            complain("posdet", format!("declare it matrix, and use logdet({name}) as a barrier"))
        }
        _ => Ok(()),
    }
}
