//! Householder's factorisation.

use super::norm;

/// A = Q·R of an m×n matrix with k = min(m, n): Q of m×k with orthonormal columns, R of k×n upper
/// triangular with a diagonal that is not negative (Golub & Van Loan, algorithm 5.2.1).
pub(crate) fn qr(a: &[f64], m: usize, n: usize) -> (Vec<f64>, Vec<f64>) {
    let k = m.min(n);
    let mut r = a.to_vec();
    let mut reflectors: Vec<Vec<f64>> = Vec::with_capacity(k);
    for c in 0..k {
        let mut v: Vec<f64> = (c..m).map(|i| r[i * n + c]).collect();
        let length = norm(&v);
        if length > 0.0 {
            // The sign that adds magnitudes: no cancellation.
            v[0] += length.copysign(v[0]);
            let scale = norm(&v);
            v.iter_mut().for_each(|v| *v /= scale);
        }
        reflect(&v, &mut r, c, n, c..n);
        (c + 1..m).for_each(|i| r[i * n + c] = 0.0);
        reflectors.push(v);
    }
    let mut q = vec![0.0; m * k];
    (0..k).for_each(|i| q[i * k + i] = 1.0);
    for (c, v) in reflectors.iter().enumerate().rev() {
        reflect(v, &mut q, c, k, c..k);
    }
    r.truncate(k * n);
    for c in 0..k {
        if r[c * n + c].is_sign_negative() {
            (c..n).for_each(|j| r[c * n + j] = -r[c * n + j]);
            (0..m).for_each(|i| q[i * k + c] = -q[i * k + c]);
        }
    }
    (q, r)
}

/// Applies I − 2·v·vᵀ to the rows from `first` of some columns; v has length 1, or is 0.
fn reflect(v: &[f64], a: &mut [f64], first: usize, n: usize, columns: std::ops::Range<usize>) {
    for j in columns {
        let along: f64 = v.iter().enumerate().map(|(i, v)| v * a[(first + i) * n + j]).sum();
        for (i, v) in v.iter().enumerate() {
            a[(first + i) * n + j] -= 2.0 * along * v;
        }
    }
}
