//! Gaussian elimination with partial pivoting.

/// P·A = L·U with partial pivoting, in one matrix, and the sign of the permutation.
pub(crate) struct Lu {
    n: usize,
    lu: Vec<f64>,
    rows: Vec<usize>,
    sign: f64,
}

impl Lu {
    /// Factors an n×n matrix (Golub & Van Loan, *Matrix Computations*, algorithm 3.4.1).
    pub(crate) fn new(a: &[f64], n: usize) -> Lu {
        let mut lu = a.to_vec();
        let mut rows: Vec<usize> = (0..n).collect();
        let mut sign = 1.0;
        for k in 0..n {
            let largest =
                (k..n).fold(
                    k,
                    |best, i| {
                        if lu[i * n + k].abs() > lu[best * n + k].abs() { i } else { best }
                    },
                );
            if largest != k {
                for j in 0..n {
                    lu.swap(k * n + j, largest * n + j);
                }
                rows.swap(k, largest);
                sign = -sign;
            }
            if lu[k * n + k] == 0.0 {
                continue;
            }
            for i in k + 1..n {
                let factor = lu[i * n + k] / lu[k * n + k];
                lu[i * n + k] = factor;
                for j in k + 1..n {
                    lu[i * n + j] -= factor * lu[k * n + j];
                }
            }
        }
        Lu { n, lu, rows, sign }
    }

    /// The diagonal of U.
    pub(crate) fn pivots(&self) -> impl Iterator<Item = f64> + Clone + '_ {
        (0..self.n).map(|i| self.lu[i * self.n + i])
    }

    /// The sign of the permutation.
    pub(crate) fn sign(&self) -> f64 {
        self.sign
    }

    /// Whether a pivot is exactly zero.
    pub(crate) fn is_singular(&self) -> bool {
        self.pivots().any(|p| p == 0.0)
    }

    /// X with A·X = B, for an n×k matrix B.
    pub(crate) fn solve(&self, b: &[f64], k: usize) -> Vec<f64> {
        let n = self.n;
        let mut x: Vec<f64> =
            self.rows.iter().flat_map(|&r| b[r * k..(r + 1) * k].to_vec()).collect();
        for i in 0..n {
            for p in 0..i {
                for j in 0..k {
                    x[i * k + j] -= self.lu[i * n + p] * x[p * k + j];
                }
            }
        }
        for i in (0..n).rev() {
            for p in i + 1..n {
                for j in 0..k {
                    x[i * k + j] -= self.lu[i * n + p] * x[p * k + j];
                }
            }
            for j in 0..k {
                x[i * k + j] /= self.lu[i * n + i];
            }
        }
        x
    }
}

/// A\[rows\] = L·U of an m×n matrix with k = min(m, n): the rows as they were chosen, L of m×k with
/// a unit diagonal, U of k×n (Golub & Van Loan, section 3.4).
pub(crate) fn rectangular_lu(a: &[f64], m: usize, n: usize) -> (Vec<usize>, Vec<f64>, Vec<f64>) {
    let mut w = a.to_vec();
    let mut rows: Vec<usize> = (0..m).collect();
    let k = m.min(n);
    for c in 0..k {
        let larger = |best: usize, i: usize| {
            if w[i * n + c].abs() > w[best * n + c].abs() { i } else { best }
        };
        let pivot = (c..m).fold(c, larger);
        if pivot != c {
            (0..n).for_each(|j| w.swap(c * n + j, pivot * n + j));
            rows.swap(c, pivot);
        }
        if w[c * n + c] == 0.0 {
            continue;
        }
        for i in c + 1..m {
            let factor = w[i * n + c] / w[c * n + c];
            w[i * n + c] = factor;
            for j in c + 1..n {
                w[i * n + j] -= factor * w[c * n + j];
            }
        }
    }
    let mut l = vec![0.0; m * k];
    let mut u = vec![0.0; k * n];
    for i in 0..m {
        for j in 0..n {
            if j < i.min(k) {
                l[i * k + j] = w[i * n + j];
            } else if i < k {
                u[i * n + j] = w[i * n + j];
            }
        }
        if i < k {
            l[i * k + i] = 1.0;
        }
    }
    (rows, l, u)
}
