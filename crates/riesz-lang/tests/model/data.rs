//! The data of the test problems, from a Lehmer generator: s ← 16807·s mod 2147483647; and numbers
//! as the text of literals.

/// Rows.
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

/// An m×n matrix from `pvec`, row by row.
pub fn pmat(seed: u64, m: usize, n: usize) -> Matrix {
    pvec(seed, m * n).chunks(n).map(<[f64]>::to_vec).collect()
}

/// An m×n matrix from `vec`, row by row.
pub fn mat(seed: u64, m: usize, n: usize) -> Matrix {
    vec(seed, m * n).chunks(n).map(<[f64]>::to_vec).collect()
}

/// A·x.
pub fn times(a: &Matrix, x: &[f64]) -> Vec<f64> {
    a.iter().map(|row| row.iter().zip(x).map(|(a, x)| a * x).sum()).collect()
}

/// Zeros but for some entries, counted from 1.
pub fn sparse(n: usize, entries: &[(usize, f64)]) -> Vec<f64> {
    let mut t = vec![0.0; n];
    entries.iter().for_each(|(i, v)| t[i - 1] = *v);
    t
}

/// A vector as a literal of the language.
pub fn list(x: &[f64]) -> String {
    let numbers: Vec<String> = x.iter().map(|x| format!("{x:?}")).collect();
    format!("[{}]", numbers.join(","))
}

/// A matrix as a literal of the language.
pub fn rows(a: &Matrix) -> String {
    let rows: Vec<String> = a.iter().map(|row| list(row)).collect();
    format!("[{}]", rows.join(","))
}

#[test]
fn the_generator_gives_the_published_numbers() {
    let x = vec(101, 3);
    let expected = [0.467419653, -0.0778928423, 0.8549999147];
    assert!(x.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-9));
    let sum: f64 = mat(101, 20, 5).iter().flatten().sum();
    assert!((sum - 6.85288084).abs() < 1e-7);
}
