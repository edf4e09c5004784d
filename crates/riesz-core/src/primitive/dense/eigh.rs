//! Jacobi's eigenvalue algorithm.

use super::{column, identity, norm, orientation};

/// A = V·diag(w)·Vᵀ for a symmetric n×n matrix, w ascending, by cyclic rotations (Golub & Van Loan,
/// section 8.5). Each column of V has a positive component of largest magnitude.
pub(crate) fn eigh(a: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    if a.iter().any(|v| !v.is_finite()) {
        return (vec![f64::NAN; n], vec![f64::NAN; n * n]);
    }
    let mut a = a.to_vec();
    let mut v = identity(n);
    let negligible = norm(&a) * f64::EPSILON / 1024.0;
    for _sweep in 0..60 {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let apq = a[p * n + q];
                if apq.abs() <= negligible {
                    continue;
                }
                rotated = true;
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
                let t = 1f64.copysign(theta) / (theta.abs() + theta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                let sin = t * cos;
                for i in 0..n {
                    let (x, y) = (a[i * n + p], a[i * n + q]);
                    a[i * n + p] = cos * x - sin * y;
                    a[i * n + q] = sin * x + cos * y;
                }
                for m in 0..n {
                    let (x, y) = (a[p * n + m], a[q * n + m]);
                    a[p * n + m] = cos * x - sin * y;
                    a[q * n + m] = sin * x + cos * y;
                    let (x, y) = (v[m * n + p], v[m * n + q]);
                    v[m * n + p] = cos * x - sin * y;
                    v[m * n + q] = sin * x + cos * y;
                }
                (a[p * n + q], a[q * n + p]) = (0.0, 0.0);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[i * n + i].total_cmp(&a[j * n + j]));
    let w = order.iter().map(|&i| a[i * n + i]).collect();
    let mut vectors = vec![0.0; n * n];
    for (to, &from) in order.iter().enumerate() {
        let x = column(&v, n, from);
        let sign = orientation(&x);
        (0..n).for_each(|i| vectors[i * n + to] = sign * x[i]);
    }
    (w, vectors)
}
