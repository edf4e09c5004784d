//! Factorisations, and what is made of them: least squares, the matrix exponential.

use super::check::{composed, expect};
use crate::primitive::support::{expect_matrices, expect_square};
use crate::primitive::{Cholesky, Eigh, Lu, Pinv, Qr, Svd, TriangularSolve};
use crate::trace::{Var, apply, apply1};
use crate::types::DType;

/// Factorisations of matrices, or of stacks of them along the leading axes.
impl Var {
    /// X with T·X = `b` for the triangle T of this matrix that `of` names; a vector or a matrix `b`.
    ///
    /// ```
    /// use riesz_core::primitive::TriangularSolve;
    /// use riesz_core::{Tensor, eval, trace};
    /// let l = Tensor::from([[2.0, 0.0], [1.0, 4.0]]);
    /// let b = Tensor::from([2.0, 9.0]);
    /// let f = trace(&[l.ty(), b.ty()], |x| vec![x[0].triangular_solve(x[1], TriangularSolve::LOWER)])?;
    /// assert_eq!(eval(&f, &[l, b])?, vec![Tensor::from([1.0, 2.0])]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn triangular_solve(self, b: Var, of: TriangularSolve) -> Var {
        composed("triangular_solve", &[self, b], || {
            Ok(b.as_columns(self, |b| apply1(of, &[self, b])))
        })
    }

    /// The lower triangular L with L·Lᵀ = (A + Aᵀ)/2, positive on its diagonal. Running it on a matrix
    /// that is not positive definite is an error.
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace};
    /// let a = Tensor::from([[4.0, 2.0], [2.0, 10.0]]);
    /// let f = trace(&[a.ty()], |x| vec![x[0].cholesky()])?;
    /// assert_eq!(eval(&f, &[a])?, vec![Tensor::from([[2.0, 0.0], [1.0, 3.0]])]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn cholesky(self) -> Var {
        apply1(Cholesky, &[self])
    }

    /// (P, L, U) with P·L·U = A: a permutation matrix of m×m, L of m×k with a unit diagonal, U of k×n,
    /// where k = min(m, n). No derivative passes through P.
    #[track_caller]
    pub fn lu(self) -> (Var, Var, Var) {
        let parts = apply(Lu, &[self]);
        let order = parts[0];
        if order.is_poisoned() {
            return (parts[0], parts[1], parts[2]);
        }
        let axis = order.rank() - 1;
        let place = Var::iota(DType::I64, order.shape()[axis]);
        // Row i of L·U is row `order[i]` of A.
        let p = place.expand_dims(1).eq(order.expand_dims(axis)).cast(self.dtype());
        (p, parts[1], parts[2])
    }

    /// (Q, R) with Q·R = A, reduced: Q of m×k with orthonormal columns, R of k×n upper triangular with a
    /// diagonal that is not negative, where k = min(m, n).
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace};
    /// let a = Tensor::from([[3.0], [4.0]]);
    /// let f = trace(&[a.ty()], |x| { let (q, r) = x[0].qr(); vec![q, r] })?;
    /// let qr = eval(&f, &[a])?;
    /// assert!((qr[0].as_slice::<f64>()?[0] - 0.6).abs() < 1e-15);
    /// assert!((qr[1].as_slice::<f64>()?[0] - 5.0).abs() < 1e-15);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn qr(self) -> (Var, Var) {
        let parts = apply(Qr, &[self]);
        (parts[0], parts[1])
    }

    /// (w, V) with V·diag(w)·Vᵀ = (A + Aᵀ)/2: the eigenvalues in ascending order and the eigenvectors as
    /// columns, each with a positive component of largest magnitude. What has a derivative where
    /// eigenvalues coincide is said in [`crate::primitive::eigh`].
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace};
    /// let a = Tensor::from([[5.0, 0.0], [0.0, 2.0]]);
    /// let f = trace(&[a.ty()], |x| vec![x[0].eigh().0])?;
    /// assert_eq!(eval(&f, &[a])?, vec![Tensor::from([2.0, 5.0])]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn eigh(self) -> (Var, Var) {
        let parts = apply(Eigh, &[self]);
        (parts[0], parts[1])
    }

    /// (U, s, Vᵀ) with U·diag(s)·Vᵀ = A, reduced: U of m×k, s descending, Vᵀ of k×n, where
    /// k = min(m, n). What has a derivative where singular values coincide is said in
    /// [`crate::primitive::svd`].
    #[track_caller]
    pub fn svd(self) -> (Var, Var, Var) {
        let parts = apply(Svd, &[self]);
        (parts[0], parts[1], parts[2])
    }

    /// The Moore–Penrose inverse. Singular values of at most max(m, n)·ε times the largest count as 0.
    #[track_caller]
    pub fn pinv(self) -> Var {
        apply1(Pinv, &[self])
    }

    /// The condition number in the Euclidean norm: the largest singular value over the smallest.
    #[track_caller]
    pub fn cond(self) -> Var {
        composed("cond", &[self], || {
            let (_, s, _) = self.svd();
            if s.is_poisoned() {
                return Ok(s);
            }
            let axis = s.rank() - 1;
            Ok(s.max_axes(&[axis]) / s.min_axes(&[axis]))
        })
    }

    /// The x that minimises ‖A·x − b‖, and of all those the shortest; a vector or a matrix `b`. The
    /// derivative is that at constant rank.
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace};
    /// let (a, b) = (Tensor::from([[1.0], [1.0]]), Tensor::from([1.0, 3.0]));
    /// let f = trace(&[a.ty(), b.ty()], |x| vec![x[0].lstsq(x[1])])?;
    /// assert!((eval(&f, &[a, b])?[0].as_slice::<f64>()?[0] - 2.0).abs() < 1e-15);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn lstsq(self, b: Var) -> Var {
        composed("lstsq", &[self, b], || {
            let (_, rows, _) = expect_matrices(&self.ty())?;
            let at = if b.rank() + 1 == self.rank() { b.rank() - 1 } else { self.rank() - 2 };
            expect(b.shape().get(at) == Some(&rows), || {
                format!("the right-hand side of shape {} should have {rows} rows", b.shape())
            })?;
            Ok(b.as_columns(self, |b| {
                let inverse = self.pinv();
                let x = inverse.matmul(b);
                // One step of refinement takes back what multiplying by an inverse loses.
                x + inverse.matmul(b - self.matmul(x))
            }))
        })
    }

    /// The matrix exponential, by scaling and squaring with the Padé approximant of degree 13 (Higham
    /// 2005, *The scaling and squaring method for the matrix exponential revisited*, algorithm 2.3).
    /// Made of products and one solve, so derivatives of every order follow; the first is the method
    /// of Al-Mohy & Higham 2009. Matrices of 1-norm above 5.37·2¹⁶ give NaN.
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace};
    /// let a = Tensor::from([[0.0, 1.0], [0.0, 0.0]]);
    /// let f = trace(&[a.ty()], |x| vec![x[0].expm()])?;
    /// assert_eq!(eval(&f, &[a])?, vec![Tensor::from([[1.0, 1.0], [0.0, 1.0]])]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn expm(self) -> Var {
        composed("expm", &[self], || {
            let (_, n) = expect_square(&self.ty())?;
            Ok(if n == 0 { self } else { self.scaled_and_squared() })
        })
    }

    fn scaled_and_squared(self) -> Var {
        const THETA: f64 = 5.371_920_351_148_152;
        const SQUARINGS: i32 = 16;
        let rank = self.rank();
        // How often to halve, for each matrix of the stack: a whole number, flat in A.
        let size = self.stop_gradient().abs().sum_axes(&[rank - 2]).max_axes(&[rank - 2]);
        let halvings = (size / THETA).log2().ceil().maximum(0.0);
        let halvings = halvings.expand_dims(rank - 2).expand_dims(rank - 1);
        let mut power = pade13(self * (-halvings).exp2());
        for k in 0..SQUARINGS {
            power = Var::select(halvings.gt(f64::from(k)), power.matmul(power), power);
        }
        Var::select(halvings.gt(f64::from(SQUARINGS)), f64::NAN, power)
    }
}

/// r₁₃(A) = q(A)⁻¹·p(A), with p(A) = U + V and q(A) = V − U for its odd and even parts.
fn pade13(a: Var) -> Var {
    const B: [f64; 14] = [
        64_764_752_532_480_000.0,
        32_382_376_266_240_000.0,
        7_771_770_303_897_600.0,
        1_187_353_796_428_800.0,
        129_060_195_264_000.0,
        10_559_470_521_600.0,
        670_442_572_800.0,
        33_522_128_640.0,
        1_323_241_920.0,
        40_840_800.0,
        960_960.0,
        16_380.0,
        182.0,
        1.0,
    ];
    let n = a.shape().last().copied().unwrap_or(0);
    let one = Var::eye(a.dtype(), n);
    let a2 = a.matmul(a);
    let a4 = a2.matmul(a2);
    let a6 = a4.matmul(a2);
    let odd = a6.matmul(B[13] * a6 + B[11] * a4 + B[9] * a2)
        + B[7] * a6
        + B[5] * a4
        + B[3] * a2
        + B[1] * one;
    let u = a.matmul(odd);
    let v = a6.matmul(B[12] * a6 + B[10] * a4 + B[8] * a2)
        + B[6] * a6
        + B[4] * a4
        + B[2] * a2
        + B[0] * one;
    (v - u).solve(v + u)
}
