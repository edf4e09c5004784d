//! Factorisations: `cholesky`, `lu`, `qr`, `eigh`, `svd`, and `pinv`, which follows from the last.

use super::stack::{OnMatrices, Operands};
use crate::linalg::{self, MatPtr, Scalar, Scratch, Status};
use crate::run::pool;
use crate::simd::Isa;

/// to = (A + Aᵀ)/2 for an n×n matrix.
fn symmetric_part<T: Scalar>(n: usize, a: &[T], to: &mut [T]) {
    let half = T::of(0.5);
    for i in 0..n {
        for j in 0..=i {
            let mean = half * a[i * n + j] + half * a[j * n + i];
            (to[i * n + j], to[j * n + i]) = (mean, mean);
        }
    }
}

/// Whether there is a result: NaN for what is not finite is one.
fn has_result(status: Status) -> bool {
    matches!(status, Status::Done | Status::NotFinite)
}

/// `cholesky` of matrices of order n.
pub struct Cholesky {
    /// n
    pub n: usize,
}

impl OnMatrices for Cholesky {
    fn name(&self) -> String {
        format!("cholesky {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        self.n.pow(3) / 6
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::cholesky_room::<T>(self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        let size = self.n * self.n;
        // SAFETY: the caller's: a matrix and its factor.
        let (a, l) = unsafe { (at.read::<T>(0, size), at.write::<T>(1, size)) };
        symmetric_part(self.n, a, l);
        linalg::cholesky(isa, pool::run, self.n, l, scratch) == Status::Done
    }
}

/// `lu` of m×n matrices.
pub struct Lu {
    /// m
    pub m: usize,
    /// n
    pub n: usize,
}

impl OnMatrices for Lu {
    fn name(&self) -> String {
        format!("lu {}x{}", self.m, self.n)
    }
    fn cost(&self) -> usize {
        self.m * self.n * self.m.min(self.n) / 2
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::lu_room::<T>(self.m, self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        let (m, n) = (self.m, self.n);
        let k = m.min(n);
        // SAFETY: the caller's: a matrix, the order of its rows, and its factors.
        unsafe {
            let (a, rows) = (at.read::<T>(0, m * n), at.write::<i64>(1, m));
            let (l, u) = (at.write::<T>(2, m * k), at.write::<T>(3, k * n));
            linalg::lu(isa, pool::run, (m, n), a, rows, l, u, scratch);
        }
        true
    }
}

/// `qr` of m×n matrices.
pub struct Qr {
    /// m
    pub m: usize,
    /// n
    pub n: usize,
}

impl OnMatrices for Qr {
    fn name(&self) -> String {
        format!("qr {}x{}", self.m, self.n)
    }
    fn cost(&self) -> usize {
        2 * self.m * self.n * self.m.min(self.n)
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::qr_room::<T>(self.m, self.n)
    }
    unsafe fn run<T: Scalar>(&self, _: Isa, at: Operands, scratch: Scratch) -> bool {
        let (m, n) = (self.m, self.n);
        let k = m.min(n);
        // SAFETY: the caller's: a matrix and its factors.
        let (a, q, r) =
            unsafe { (at.read::<T>(0, m * n), at.write::<T>(1, m * k), at.write::<T>(2, k * n)) };
        has_result(linalg::qr(m, n, a, q, r, scratch))
    }
}

/// `eigh` of matrices of order n.
pub struct Eigh {
    /// n
    pub n: usize,
}

impl OnMatrices for Eigh {
    fn name(&self) -> String {
        format!("eigh {0}x{0}", self.n)
    }
    fn gives_up(&self) -> bool {
        true
    }
    fn cost(&self) -> usize {
        9 * self.n.pow(3)
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::room::<T>(self.n * self.n) + linalg::eigh_room::<T>(self.n)
    }
    unsafe fn run<T: Scalar>(&self, _: Isa, at: Operands, mut scratch: Scratch) -> bool {
        let n = self.n;
        // SAFETY: the caller's: a matrix, its eigenvalues and eigenvectors.
        let (a, w, v) =
            unsafe { (at.read::<T>(0, n * n), at.write::<T>(1, n), at.write::<T>(2, n * n)) };
        let symmetric = scratch.numbers(n * n);
        symmetric_part(n, a, symmetric);
        has_result(linalg::eigh(n, symmetric, w, v, scratch))
    }
}

/// `svd` of m×n matrices.
pub struct Svd {
    /// m
    pub m: usize,
    /// n
    pub n: usize,
}

impl OnMatrices for Svd {
    fn name(&self) -> String {
        format!("svd {}x{}", self.m, self.n)
    }
    fn gives_up(&self) -> bool {
        true
    }
    fn cost(&self) -> usize {
        9 * self.m * self.n * self.m.min(self.n)
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::svd_room::<T>(self.m, self.n)
    }
    unsafe fn run<T: Scalar>(&self, _: Isa, at: Operands, scratch: Scratch) -> bool {
        let (m, n) = (self.m, self.n);
        let k = m.min(n);
        // SAFETY: the caller's: a matrix and its factors.
        unsafe {
            let (a, u) = (at.read::<T>(0, m * n), at.write::<T>(1, m * k));
            let (s, vt) = (at.write::<T>(2, k), at.write::<T>(3, k * n));
            has_result(linalg::svd((m, n), a, u, s, vt, scratch))
        }
    }
}

/// `pinv` of m×n matrices.
pub struct Pinv {
    /// m
    pub m: usize,
    /// n
    pub n: usize,
}

impl OnMatrices for Pinv {
    fn name(&self) -> String {
        format!("pinv {}x{}", self.m, self.n)
    }
    fn gives_up(&self) -> bool {
        true
    }
    fn cost(&self) -> usize {
        10 * self.m * self.n * self.m.min(self.n)
    }
    fn room<T: Scalar>(&self) -> usize {
        let (m, n) = (self.m, self.n);
        let k = m.min(n);
        let factors = linalg::room::<T>(m * k) + linalg::room::<T>(k) + linalg::room::<T>(k * n);
        let (v, ut, to) = ((1, n as isize), (1, k as isize), (m as isize, 1));
        let product = linalg::multiply_raw_room(size_of::<T>(), (n, m, k), v, ut, to);
        factors + linalg::svd_room::<T>(m, n).max(product)
    }
    /// V·diag(s)⁻¹·Uᵀ, where singular values of at most max(m, n)·ε·(the largest) count as 0 and their
    /// inverses too.
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, mut scratch: Scratch) -> bool {
        let (m, n) = (self.m, self.n);
        let k = m.min(n);
        // SAFETY: the caller's: a matrix and its pseudo-inverse.
        let (a, p) = unsafe { (at.read::<T>(0, m * n), at.write::<T>(1, n * m)) };
        let (u, s, vt) = (scratch.numbers::<T>(m * k), scratch.numbers(k), scratch.numbers(k * n));
        if !has_result(linalg::svd((m, n), a, u, s, vt, scratch.again())) {
            return false;
        }
        let zero = T::of(0.0);
        let least = s.first().map_or(0.0, |s| s.wide()) * <T as Scalar>::EPSILON * m.max(n) as f64;
        for (row, s) in vt.chunks_exact_mut(n.max(1)).zip(&*s) {
            let negligible = s.wide() <= least;
            row.iter_mut().for_each(|v| *v = if negligible { zero } else { *v / *s });
        }
        let (one, step) = (T::of(1.0), k as isize);
        let v = MatPtr { at: vt.as_ptr(), row: 1, col: n as isize };
        let ut = MatPtr { at: u.as_ptr(), row: 1, col: step };
        let to = MatPtr { at: p.as_mut_ptr(), row: m as isize, col: 1 };
        // SAFETY: n×k by k×m, into n×m.
        unsafe { linalg::multiply_raw(isa, (n, m, k), one, v, ut, zero, to, scratch) };
        true
    }
}
