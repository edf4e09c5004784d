//! Cholesky's factorisation.

/// L with L·Lᵀ = A for a symmetric positive definite n×n matrix, of which the lower triangle is
/// read (Golub & Van Loan, algorithm 4.2.1). `Err(j)`: the leading minor of order j is not positive.
pub(crate) fn cholesky(a: &[f64], n: usize) -> Result<Vec<f64>, usize> {
    let mut l = vec![0.0; n * n];
    for j in 0..n {
        for i in j..n {
            let known: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = a[i * n + j] - known;
            l[i * n + j] = if i > j {
                rest / l[j * n + j]
            } else if rest > 0.0 && rest.is_finite() {
                rest.sqrt()
            } else {
                return Err(j + 1);
            };
        }
    }
    Ok(l)
}
