//! The data of the test problems, from a Lehmer generator: s ← 16807·s mod 2147483647.

use crate::hyper::Hyper;

pub type Matrix = Vec<Vec<f64>>;

/// `n` numbers in (0, 1); the first ten outputs are thrown away.
pub fn pvec(seed: u64, n: usize) -> Vec<f64> {
    let mut s = seed;
    let mut next = || {
        s = 16807 * s % 2_147_483_647;
        s as f64 / 2_147_483_647.0
    };
    (0..10).for_each(|_| {
        next();
    });
    (0..n).map(|_| next()).collect()
}

/// `n` numbers in (−1, 1).
pub fn vec(seed: u64, n: usize) -> Vec<f64> {
    pvec(seed, n).into_iter().map(|u| 2.0 * u - 1.0).collect()
}

fn rows(entries: &[f64], n: usize) -> Matrix {
    entries.chunks(n).map(<[f64]>::to_vec).collect()
}

pub fn pmat(seed: u64, m: usize, n: usize) -> Matrix {
    rows(&pvec(seed, m * n), n)
}

pub fn mat(seed: u64, m: usize, n: usize) -> Matrix {
    rows(&vec(seed, m * n), n)
}

pub fn times(a: &Matrix, x: &[f64]) -> Vec<f64> {
    a.iter().map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
}

/// A·x for the variables.
pub fn apply(a: &Matrix, x: &[Hyper]) -> Vec<Hyper> {
    a.iter().map(|row| row.iter().zip(x).map(|(a, x)| *x * *a).sum()).collect()
}

/// ‖A·x − b‖².
pub fn residual(a: &Matrix, x: &[Hyper], b: &[f64]) -> Hyper {
    apply(a, x).into_iter().zip(b).map(|(y, b)| (y - *b).square()).sum()
}

#[test]
fn the_generator_gives_the_known_numbers() {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-8, "{a} against {b}");
    let v = vec(101, 3);
    close(v[0], 0.467419653);
    close(v[1], -0.0778928423);
    close(v[2], 0.8549999147);
    close(vec(101, 100).iter().sum(), 6.85288084);
    close(vec(102, 20).iter().sum(), -0.524844042);
}
