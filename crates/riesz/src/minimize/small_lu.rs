//! Small dense linear systems: LU with partial pivoting, for the 2m×2m matrices of L-BFGS-B.
//!
//! Not for the variables' own dimension: m is about ten.

/// A factorised square matrix, PA = LU.
pub(super) struct SmallLu {
    n: usize,
    lu: Vec<f64>,
    rows: Vec<usize>,
}

impl SmallLu {
    /// Factorises the n×n matrix `a`, row by row; `None` if it is singular to working precision.
    pub fn new(n: usize, a: Vec<f64>) -> Option<SmallLu> {
        let mut lu = a;
        let mut rows: Vec<usize> = (0..n).collect();
        let largest = lu.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for k in 0..n {
            let pivot =
                (k..n).max_by(|&i, &j| lu[i * n + k].abs().total_cmp(&lu[j * n + k].abs()))?;
            let size = lu[pivot * n + k].abs();
            if !(size.is_finite() && size > 1e-15 * largest) {
                return None;
            }
            if pivot != k {
                rows.swap(pivot, k);
                for j in 0..n {
                    lu.swap(pivot * n + j, k * n + j);
                }
            }
            for i in k + 1..n {
                let factor = lu[i * n + k] / lu[k * n + k];
                lu[i * n + k] = factor;
                for j in k + 1..n {
                    lu[i * n + j] -= factor * lu[k * n + j];
                }
            }
        }
        Some(SmallLu { n, lu, rows })
    }

    /// A⁻¹b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x: Vec<f64> = self.rows.iter().map(|&row| b[row]).collect();
        for i in 0..n {
            for j in 0..i {
                x[i] -= self.lu[i * n + j] * x[j];
            }
        }
        for i in (0..n).rev() {
            for j in i + 1..n {
                x[i] -= self.lu[i * n + j] * x[j];
            }
            x[i] /= self.lu[i * n + i];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_with_a_zero_pivot_and_refuses_a_singular_matrix() {
        let lu = SmallLu::new(3, vec![0.0, 2.0, 1.0, 1.0, 1.0, 0.0, 3.0, 0.0, 1.0]).unwrap();
        // b = A·(1, −2, 4), by hand.
        assert_eq!(lu.solve(&[0.0, -1.0, 7.0]), [1.0, -2.0, 4.0]);
        assert!(SmallLu::new(2, vec![1.0, 2.0, 2.0, 4.0]).is_none());
        assert!(SmallLu::new(1, vec![f64::NAN]).is_none());
        assert_eq!(SmallLu::new(0, vec![]).unwrap().solve(&[]), [] as [f64; 0]);
    }
}
