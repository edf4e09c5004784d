//! The factors of a matrix in one call, and what follows from them in others: for plans in which several
//! operations need the same factors.

use super::stack::{OnMatrices, Operands};
use crate::linalg::{self, Factors, Scalar, Scratch};
use crate::run::pool;
use crate::simd::Isa;

/// The factors of matrices of order n.
pub struct Factor {
    /// n
    pub n: usize,
}

impl OnMatrices for Factor {
    fn name(&self) -> String {
        format!("factors {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        self.n.pow(3) / 3
    }
    fn room<T: Scalar>(&self) -> usize {
        linalg::factor_room::<T>(self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        let size = self.n * self.n;
        // SAFETY: the caller's: a matrix, what becomes of it, and its rows.
        let (a, packed, rows) = unsafe {
            (at.read::<T>(0, size), at.write::<T>(1, size), at.write::<i64>(2, self.n + 1))
        };
        // Whether a matrix without an inverse has no result is for what follows to say.
        let _ = linalg::factor(isa, pool::run, self.n, a, packed, rows, scratch);
        true
    }
}

/// What follows from factors.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// The solutions for k right-hand sides, with the matrix or its transpose.
    Solve {
        /// k
        k: usize,
        /// With the transpose.
        transposed: bool,
    },
    /// The inverse.
    Inverse,
    /// The determinant.
    Det,
    /// The sign of the determinant and the logarithm of its magnitude.
    SLogDet,
}

/// What follows from the factors of matrices of order n: the first two operands are what [`Factor`] left.
pub struct FromFactors {
    /// n
    pub n: usize,
    /// What it is.
    pub what: What,
}

impl OnMatrices for FromFactors {
    fn name(&self) -> String {
        let n = self.n;
        match self.what {
            What::Solve { k, transposed: false } => format!("solve by factors {n}x{n}, {k}"),
            What::Solve { k, transposed: true } => format!("solve by factors {n}x{n} turned, {k}"),
            What::Inverse => format!("inverse by factors {n}x{n}"),
            What::Det => format!("det by factors {n}x{n}"),
            What::SLogDet => format!("slogdet by factors {n}x{n}"),
        }
    }
    fn cost(&self) -> usize {
        match self.what {
            What::Solve { k, .. } => self.n.pow(2) * k,
            What::Inverse => self.n.pow(3) * 2 / 3,
            What::Det | What::SLogDet => self.n,
        }
    }
    fn room<T: Scalar>(&self) -> usize {
        match self.what {
            What::Solve { k, transposed: true } => linalg::solve_transposed_room::<T>(self.n, k),
            What::Inverse => linalg::inverse_room::<T>(self.n),
            What::Solve { .. } | What::Det | What::SLogDet => 0,
        }
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool {
        let n = self.n;
        // SAFETY: the caller's: what is left of a matrix, its rows, and what the operation has beside it.
        unsafe {
            let factors = Factors::kept(at.read::<T>(0, n * n), at.read::<i64>(1, n + 1));
            match self.what {
                What::Solve { k, transposed } if !factors.is_singular() => {
                    let (b, x) = (at.read::<T>(2, n * k), at.write::<T>(3, n * k));
                    match transposed {
                        false => factors.solve(isa, pool::run, k, b, x),
                        true => factors.solve_transposed(isa, pool::run, k, b, x, scratch),
                    }
                }
                What::Inverse if !factors.is_singular() => {
                    factors.inverse(isa, pool::run, at.write::<T>(2, n * n), scratch);
                }
                What::Solve { .. } | What::Inverse => return false,
                What::Det => *at.at::<T>(2) = factors.det(),
                What::SLogDet => (*at.at::<T>(2), *at.at::<T>(3)) = factors.slogdet(),
            }
        }
        true
    }
}
