//! LU with partial pivoting and what follows from it: solve, inverse, determinant.
//!
//! P·A = L·U with L unit lower triangular and U upper triangular, packed in one row-major matrix.

use super::{Scalar, Status, Workspace, fill_nan, stack_in};
use crate::simd::Isa;
use faer::dyn_stack::StackReq;
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::linalg::triangular_solve as triangular;
use faer::{MatMut, MatRef, Par};

/// Up to this size the plain loops are faster than the library.
const SMALL: usize = 64;

/// The factors of a matrix, in the caller's memory.
#[derive(Clone, Copy, Debug)]
pub struct LuFactors<'a, T> {
    /// n
    pub order: usize,
    /// n×n, row-major: U in the upper triangle, L without its unit diagonal below.
    pub packed: &'a [T],
    /// Row i of P·A is row `pivots[i]` of A.
    pub pivots: &'a [usize],
    /// Whether P is an odd permutation: det P = −1.
    pub odd: bool,
}

/// Factors the n×n row-major `a` in place. With [`Status::Singular`] the factors are complete and right,
/// but U has a zero on its diagonal. NaN and infinities spread into the factors.
///
/// # Panics
/// If `a` has not n² entries or `pivots` not n. So for all functions here.
pub fn lu_factor<'a, T: Scalar>(
    isa: Isa,
    n: usize,
    a: &'a mut [T],
    pivots: &'a mut [usize],
    workspace: &mut Workspace,
) -> (LuFactors<'a, T>, Status) {
    let Workspace { memory, bytes, .. } = workspace;
    let (odd, status) = factor(isa, n, a, pivots, |need| stack_in(memory, bytes, need));
    (LuFactors { order: n, packed: a, pivots, odd }, status)
}

fn factor<'s, T: Scalar>(
    isa: Isa,
    n: usize,
    a: &mut [T],
    pivots: &mut [usize],
    stack: impl FnOnce(StackReq) -> &'s mut faer::dyn_stack::MemStack,
) -> (bool, Status) {
    assert!(a.len() == n * n && pivots.len() == n, "LU of a slice of the wrong length");
    if n <= SMALL {
        // SAFETY: the lengths are checked.
        let (singular, odd) = unsafe { T::eliminate(isa, n, a.as_mut_ptr(), pivots.as_mut_ptr()) };
        return (odd, if singular < n { Status::Singular(singular) } else { Status::Done });
    }
    let need = lu_in_place_scratch::<usize, T>(n, n, Par::Seq, Default::default());
    let stack = stack(StackReq::all_of(&[need, StackReq::new::<usize>(n)]));
    let (mut inverse, stack) = stack.make_with::<usize>(n, |_| 0);
    let matrix = MatMut::from_row_major_slice_mut(a, n, n);
    let (info, _) = lu_in_place(matrix, pivots, &mut inverse, Par::Seq, stack, Default::default());
    let zero = T::of(0.0);
    let singular = (0..n).find(|i| a[i * n + i] == zero);
    (info.transposition_count % 2 == 1, singular.map_or(Status::Done, Status::Singular))
}

impl<T: Scalar> LuFactors<'_, T> {
    /// X = A⁻¹·B for n×k row-major B and X.
    ///
    /// With a singular A the result has infinite or NaN entries.
    pub fn solve(&self, isa: Isa, k: usize, b: &[T], x: &mut [T]) {
        let n = self.order;
        assert!(b.len() == n * k && x.len() == n * k, "solve with a slice of the wrong length");
        if n == 0 || k == 0 {
            return;
        }
        for (row, &from) in x.chunks_exact_mut(k).zip(self.pivots) {
            row.copy_from_slice(&b[from * k..(from + 1) * k]);
        }
        self.substitute(isa, k, x);
    }

    /// A⁻¹, row-major.
    pub fn inverse(&self, isa: Isa, out: &mut [T]) {
        let n = self.order;
        assert!(out.len() == n * n, "inverse into a slice of the wrong length");
        out.fill(T::of(0.0));
        for (i, &from) in self.pivots.iter().enumerate() {
            out[i * n + from] = T::of(1.0);
        }
        self.substitute(isa, n, out);
    }

    /// X := U⁻¹·L⁻¹·X.
    fn substitute(&self, isa: Isa, k: usize, x: &mut [T]) {
        let n = self.order;
        if n <= SMALL || k == 1 {
            // SAFETY: the factors are n×n and x is n×k, as the callers checked.
            unsafe { T::substitute(isa, n, self.packed.as_ptr(), k, x.as_mut_ptr()) };
            return;
        }
        let lu = MatRef::from_row_major_slice(self.packed, n, n);
        let mut x = MatMut::from_row_major_slice_mut(x, n, k);
        triangular::solve_unit_lower_triangular_in_place(lu, x.as_mut(), Par::Seq);
        triangular::solve_upper_triangular_in_place(lu, x, Par::Seq);
    }

    /// A⁻ᵀ·b for one right-hand side; `x` holds b on entry.
    ///
    /// `scratch` has n entries.
    pub fn solve_transposed(&self, x: &mut [T], scratch: &mut [T]) {
        let n = self.order;
        assert!(x.len() == n && scratch.len() == n, "solve with a slice of the wrong length");
        // Aᵀ = Uᵀ·Lᵀ·P: forward with Uᵀ, back with Lᵀ, both by rows of the packed factors.
        for i in 0..n {
            let row = &self.packed[i * n..(i + 1) * n];
            let v = x[i] / row[i];
            x[i] = v;
            for (x, u) in x[i + 1..].iter_mut().zip(&row[i + 1..]) {
                *x -= v * *u;
            }
        }
        for i in (0..n).rev() {
            let v = x[i];
            for (x, l) in x[..i].iter_mut().zip(&self.packed[i * n..]) {
                *x -= v * *l;
            }
        }
        for (v, &to) in x.iter().zip(self.pivots) {
            scratch[to] = *v;
        }
        x.copy_from_slice(scratch);
    }

    /// det A; 1 for n = 0.
    pub fn det(&self) -> T {
        let start = if self.odd { T::of(-1.0) } else { T::of(1.0) };
        (0..self.order).fold(start, |d, i| d * self.packed[i * self.order + i])
    }

    /// (sign of det A, log|det A|), without overflow; (0, −∞) if singular, (1, 0) for n = 0.
    pub fn slogdet(&self) -> (T, T) {
        let (zero, one) = (T::of(0.0), T::of(1.0));
        let (mut sign, mut log) = (if self.odd { -one } else { one }, 0.0);
        for i in 0..self.order {
            let v = self.packed[i * self.order + i];
            if v == zero {
                return (zero, -<T as crate::simd::Value>::INFINITY);
            }
            sign = if v < zero {
                -sign
            } else if v > zero {
                sign
            } else {
                v
            };
            log += v.wide().abs().ln();
        }
        (sign, T::of(log))
    }
}

/// X with A·X = B, for row-major n×n A and n×k B and X. X is NaN if A is singular.
///
/// The solution of a system near A: the residual is a small multiple of n·ε·‖A‖·‖X‖ (Higham, §9.3).
pub fn solve<T: Scalar>(
    isa: Isa,
    n: usize,
    a: &[T],
    k: usize,
    b: &[T],
    x: &mut [T],
    workspace: &mut Workspace,
) -> Status {
    let status = with_factors(isa, n, a, workspace, |lu| lu.solve(isa, k, b, x));
    if status != Status::Done {
        fill_nan(x);
    }
    status
}

/// A⁻¹, row-major; NaN if A is singular.
pub fn inverse<T: Scalar>(
    isa: Isa,
    n: usize,
    a: &[T],
    out: &mut [T],
    workspace: &mut Workspace,
) -> Status {
    let status = with_factors(isa, n, a, workspace, |lu| lu.inverse(isa, out));
    if status != Status::Done {
        fill_nan(out);
    }
    status
}

/// det A: 0 for a matrix that elimination finds singular.
pub fn det<T: Scalar>(isa: Isa, n: usize, a: &[T], workspace: &mut Workspace) -> T {
    let mut det = T::of(0.0);
    let _ = with_factors(isa, n, a, workspace, |lu| det = lu.det());
    det
}

/// (sign of det A, log|det A|); (0, −∞) for a matrix that elimination finds singular.
pub fn slogdet<T: Scalar>(isa: Isa, n: usize, a: &[T], workspace: &mut Workspace) -> (T, T) {
    let mut result = (T::of(0.0), T::of(0.0));
    let _ = with_factors(isa, n, a, workspace, |lu| result = lu.slogdet());
    result
}

/// Factors a copy of `a` in the workspace and hands the factors to `f`.
fn with_factors<T: Scalar>(
    isa: Isa,
    n: usize,
    a: &[T],
    workspace: &mut Workspace,
    f: impl FnOnce(LuFactors<T>),
) -> Status {
    assert!(a.len() == n * n, "a matrix in a slice of the wrong length");
    let need = StackReq::all_of(&[
        StackReq::new_aligned::<T>(n * n, 64),
        lu_in_place_scratch::<usize, T>(n, n, Par::Seq, Default::default()),
        StackReq::new::<usize>(n),
    ]);
    let (stack, pivots) = workspace.stack_and_pivots(need, n);
    let (mut copy, stack) = stack.make_aligned_with::<T>(n * n, 64, |i| a[i]);
    let (odd, status) = factor(isa, n, &mut copy, pivots, |_| stack);
    f(LuFactors { order: n, packed: &copy, pivots, odd });
    status
}
