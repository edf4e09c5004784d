//! What follows from the factors of a square matrix: `inverse`, `solve`, `det`, `slogdet`; and
//! `triangular_solve`.

use super::stack::{OnMatrices, Operands};
use crate::linalg::{self, Scalar, Scratch, Status, Triangle};
use crate::run::pool;
use crate::simd::Isa;

/// `inverse` of matrices of order n.
pub struct Inverse {
    /// n
    pub n: usize,
}

impl OnMatrices for Inverse {
    fn name(&self) -> String {
        format!("inverse {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        self.n.pow(3)
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::invert_room::<T>(self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        let size = self.n * self.n;
        // SAFETY: the caller's: a matrix and its inverse.
        let (a, out) = unsafe { (at.read::<T>(0, size), at.write::<T>(1, size)) };
        linalg::inverse(isa, pool::run, self.n, a, out, scratch) == Status::Done
    }
}

/// `solve` with matrices of order n and k right-hand sides.
pub struct Solve {
    /// n
    pub n: usize,
    /// k
    pub k: usize,
}

impl OnMatrices for Solve {
    fn name(&self) -> String {
        format!("solve {0}x{0}, {1}", self.n, self.k)
    }
    fn cost(&self) -> usize {
        self.n.pow(2) * (self.n / 3 + self.k)
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::solve_room::<T>(self.n, self.k)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        let (n, k) = (self.n, self.k);
        // SAFETY: the caller's: a matrix, right-hand sides and solutions.
        let (a, b, x) =
            unsafe { (at.read::<T>(0, n * n), at.read::<T>(1, n * k), at.write::<T>(2, n * k)) };
        linalg::solve(isa, pool::run, n, a, k, b, x, scratch) == Status::Done
    }
}

/// `det` of matrices of order n.
pub struct Det {
    /// n
    pub n: usize,
}

impl OnMatrices for Det {
    fn name(&self) -> String {
        format!("det {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        self.n.pow(3) / 3
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::det_room::<T>(self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        // SAFETY: the caller's: a matrix and a number.
        unsafe {
            let a = at.read::<T>(0, self.n * self.n);
            *at.at::<T>(1) = linalg::det(isa, pool::run, self.n, a, scratch);
        }
        true
    }
}

/// `slogdet` of matrices of order n.
pub struct SLogDet {
    /// n
    pub n: usize,
}

impl OnMatrices for SLogDet {
    fn name(&self) -> String {
        format!("slogdet {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        self.n.pow(3) / 3
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::det_room::<T>(self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        // SAFETY: the caller's: a matrix and two numbers.
        unsafe {
            let a = at.read::<T>(0, self.n * self.n);
            (*at.at::<T>(1), *at.at::<T>(2)) = linalg::slogdet(isa, pool::run, self.n, a, scratch);
        }
        true
    }
}

/// `triangular_solve` with matrices of order n and k right-hand sides.
pub struct TriangularSolve {
    /// n
    pub n: usize,
    /// k
    pub k: usize,
    /// Which triangle.
    pub triangle: Triangle,
}

impl OnMatrices for TriangularSolve {
    fn name(&self) -> String {
        format!("triangular_solve {0}x{0}, {1}", self.n, self.k)
    }
    fn cost(&self) -> usize {
        self.n.pow(2) / 2 * self.k
    }
    fn room<T: Scalar>(&self) -> usize {
        0
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, _: Scratch) -> bool {
        let (n, k) = (self.n, self.k);
        // SAFETY: the caller's: a matrix, right-hand sides and solutions.
        let (a, b, x) =
            unsafe { (at.read::<T>(0, n * n), at.read::<T>(1, n * k), at.write::<T>(2, n * k)) };
        x.copy_from_slice(b);
        linalg::solve_triangular(isa, n, a, self.triangle, k, x) == Status::Done
    }
}
