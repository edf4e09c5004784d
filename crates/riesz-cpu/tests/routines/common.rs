//! Matrices to test on, and plain loops to test against.

use riesz_cpu::simd::Real;

/// Entries in [−1, 1) from a counter.
pub fn random<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    (0..n).map(|_| T::of(next())).collect()
}

pub fn epsilon<T: Real>() -> f64 {
    // The gap above 1.
    let mut e = 1.0;
    while (T::of(1.0) + T::of(e / 2.0)).wide() > 1.0 {
        e /= 2.0;
    }
    e
}

/// Row-major m×k times k×n in f64.
pub fn plain(m: usize, n: usize, k: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            c[i * n + j] = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
        }
    }
    c
}

pub fn wide<T: Real>(x: &[T]) -> Vec<f64> {
    x.iter().map(|v| v.wide()).collect()
}

pub fn transposed<T: Copy>(rows: usize, cols: usize, x: &[T]) -> Vec<T> {
    (0..rows * cols).map(|i| x[(i % rows) * cols + i / rows]).collect()
}

pub fn distance(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    x.iter()
        .zip(y)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |m, d| if d > m || d.is_nan() { d } else { m })
}

/// Well conditioned: random plus 2·√n on the diagonal.
pub fn matrix<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut a = random::<T>(n * n, seed);
    for i in 0..n {
        a[i * n + i] = a[i * n + i] + T::of(2.0 * (n as f64).sqrt());
    }
    a
}

/// Symmetric and positive definite: B·Bᵀ + I.
pub fn positive<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let b = random::<f64>(n * n, seed);
    let product = plain(n, n, n, &b, &transposed(n, n, &b));
    product.iter().enumerate().map(|(i, v)| T::of(v + f64::from(i / n == i % n))).collect()
}

/// The n×n identity.
pub fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| f64::from(i / n == i % n)).collect()
}

/// The largest magnitude, or 1.
pub fn size<T: Real>(x: &[T]) -> f64 {
    wide(x).iter().fold(1.0, |m: f64, v| m.max(v.abs()))
}
