//! Plain factorisations for the reference evaluator: row-major `f64`, loops, no tuning.
//!
//! The engine uses a library; these exist so that it has something independent to agree with.

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
    pub(crate) fn pivots(&self) -> impl Iterator<Item = f64> + '_ {
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

/// The n×n identity.
pub(crate) fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i / n.max(1) == i % n.max(1) { 1.0 } else { 0.0 }).collect()
}

/// A = U·diag(s)·Vᵀ for a square matrix, by one-sided Jacobi rotations (Hestenes 1958; Golub &
/// Van Loan, section 8.6.4). U and V are orthogonal even when A is singular.
pub(crate) struct Svd {
    pub(crate) u: Vec<f64>,
    pub(crate) s: Vec<f64>,
    pub(crate) v: Vec<f64>,
}

impl Svd {
    pub(crate) fn new(a: &[f64], n: usize) -> Svd {
        let mut w = a.to_vec();
        let mut v = identity(n);
        let column = |m: &[f64], j: usize| -> Vec<f64> { (0..n).map(|i| m[i * n + j]).collect() };
        let inner = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
        for _sweep in 0..60 {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let (x, y) = (column(&w, p), column(&w, q));
                    let (a, b, c) = (inner(&x, &x), inner(&y, &y), inner(&x, &y));
                    if c.abs() <= f64::EPSILON * (a * b).sqrt() || c == 0.0 {
                        continue;
                    }
                    rotated = true;
                    let zeta = (b - a) / (2.0 * c);
                    let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                    let cos = 1.0 / t.hypot(1.0);
                    let sin = cos * t;
                    for m in [&mut w, &mut v] {
                        for i in 0..n {
                            let (x, y) = (m[i * n + p], m[i * n + q]);
                            m[i * n + p] = cos * x - sin * y;
                            m[i * n + q] = sin * x + cos * y;
                        }
                    }
                }
            }
            if !rotated {
                break;
            }
        }
        let s: Vec<f64> = (0..n).map(|j| inner(&column(&w, j), &column(&w, j)).sqrt()).collect();
        let largest = s.iter().copied().fold(0.0, f64::max);
        let mut u = vec![0.0; n * n];
        // Columns with a direction first; the others complete an orthonormal basis.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| s[j].total_cmp(&s[i]));
        for (done, &j) in order.iter().enumerate() {
            let own = column(&w, j);
            let candidates = std::iter::once(own)
                .filter(|_| s[j] > f64::EPSILON * largest)
                .chain((0..n).map(|e| (0..n).map(|i| f64::from(u8::from(i == e))).collect()));
            for mut x in candidates {
                for _twice in 0..2 {
                    for &k in &order[..done] {
                        let along = inner(&x, &column(&u, k));
                        for i in 0..n {
                            x[i] -= along * u[i * n + k];
                        }
                    }
                }
                let length = inner(&x, &x).sqrt();
                if length > 1e-3 * s[j].clamp(f64::MIN_POSITIVE, 1.0) && length > 0.0 {
                    (0..n).for_each(|i| u[i * n + j] = x[i] / length);
                    // A unit vector almost inside the span so far is a bad completion.
                    if length > 0.3 || s[j] > f64::EPSILON * largest {
                        break;
                    }
                }
            }
        }
        Svd { u, s, v }
    }
}

/// C = A·B for n×n matrices, either of them transposed.
pub(crate) fn product(a: &[f64], a_t: bool, b: &[f64], b_t: bool, n: usize) -> Vec<f64> {
    let at = |m: &[f64], t: bool, i: usize, j: usize| if t { m[j * n + i] } else { m[i * n + j] };
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            c[i * n + j] = (0..n).map(|k| at(a, a_t, i, k) * at(b, b_t, k, j)).sum();
        }
    }
    c
}
