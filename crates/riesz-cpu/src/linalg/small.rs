//! Elimination for matrices of up to 16 rows, padded so that every row is whole vectors.
//!
//! The operations are those of the reference evaluator in its order, each rounded: the bits are the same
//! on every instruction set, and a matrix is found singular here exactly when it is there (in f64; f32
//! is computed in f32 here and in f64 there).

// Index loops over arrays are what the compiler keeps in registers.
#![allow(clippy::needless_range_loop)]

use crate::simd::Isa;
use crate::simd::dispatch::compiled;
use crate::simd::real::Real;
use crate::simd::value::Arith;

/// The largest order.
pub(super) const MOST: usize = 16;

/// The loops of one type. Sealed: implemented for f64 and f32 here.
///
/// # Safety
/// n ≤ 16; `a`, `lu` and `out` have n×n numbers, row-major, `rows` n, which are below n, `b` and `x` n×k.
/// `lu` may be `a`; otherwise outputs overlap no input.
#[allow(clippy::missing_safety_doc)]
pub trait Kernels: Sized {
    /// P·A = L·U in `lu`, `rows` the order of the rows: the first zero pivot or n, and whether P is odd.
    unsafe fn eliminate_small(
        isa: Isa,
        n: usize,
        a: *const Self,
        lu: *mut Self,
        rows: *mut i64,
    ) -> (usize, bool);
    /// X with A·X = B.
    unsafe fn solve_small(
        isa: Isa,
        n: usize,
        lu: *const Self,
        rows: *const i64,
        k: usize,
        b: *const Self,
        x: *mut Self,
    );
    /// A⁻¹ of A itself; the first zero pivot, and nothing written, or n.
    unsafe fn inverse_small(isa: Isa, n: usize, a: *const Self, out: *mut Self) -> usize;
    /// x with A·x = b for one right-hand side; the first zero pivot, and nothing written, or n.
    unsafe fn solve_one_small(
        isa: Isa,
        n: usize,
        a: *const Self,
        b: *const Self,
        x: *mut Self,
    ) -> usize;
}

macro_rules! kernels {
    ($($t:ident)*) => {$(
        impl Kernels for $t {
            unsafe fn eliminate_small(isa: Isa, n: usize, a: *const $t, lu: *mut $t, rows: *mut i64) -> (usize, bool) {
                compiled!(isa, eliminate::<$t, _, 0>(n: usize, a: *const $t, lu: *mut $t, rows: *mut i64)
                    -> (usize, bool))
            }
            unsafe fn solve_small(
                isa: Isa, n: usize, lu: *const $t, rows: *const i64, k: usize, b: *const $t, x: *mut $t,
            ) {
                compiled!(isa, solve::<$t, _, 0>(
                    n: usize, lu: *const $t, rows: *const i64, k: usize, b: *const $t, x: *mut $t))
            }
            unsafe fn inverse_small(isa: Isa, n: usize, a: *const $t, out: *mut $t) -> usize {
                compiled!(isa, inverse::<$t, _, 0>(n: usize, a: *const $t, out: *mut $t) -> usize)
            }
            unsafe fn solve_one_small(isa: Isa, n: usize, a: *const $t, b: *const $t, x: *mut $t) -> usize {
                compiled!(isa, solve_one::<$t, _, 0>(n: usize, a: *const $t, b: *const $t, x: *mut $t) -> usize)
            }
        }
    )*};
}

kernels!(f64 f32);

/// A matrix of up to W rows and columns; what is beyond is 0.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Padded<T, const W: usize>([[T; W]; W]);

impl<T: Real, const W: usize> Padded<T, W> {
    /// # Safety
    /// `a` has n×k numbers, n ≤ W and k ≤ W, in rows that are `ld` apart.
    #[inline(always)]
    unsafe fn read(n: usize, k: usize, a: *const T, ld: usize) -> Self {
        let mut padded = Padded([[T::of(0.0); W]; W]);
        for (i, row) in padded.0.iter_mut().enumerate().take(n) {
            for (j, v) in row.iter_mut().enumerate().take(k) {
                // SAFETY: i < n and j < k.
                *v = unsafe { *a.add(i * ld + j) };
            }
        }
        padded
    }

    /// # Safety
    /// As for `read`.
    #[inline(always)]
    unsafe fn write(&self, n: usize, k: usize, a: *mut T, ld: usize) {
        for (i, row) in self.0.iter().enumerate().take(n) {
            for (j, v) in row.iter().enumerate().take(k) {
                // SAFETY: i < n and j < k.
                unsafe { *a.add(i * ld + j) = *v };
            }
        }
    }

    /// Doolittle elimination (Golub & Van Loan, *Matrix Computations*, algorithm 3.4.1): the first zero
    /// pivot or n, and whether the permutation is odd.
    #[inline(always)]
    fn eliminate(&mut self, n: usize, rows: &mut [usize; W]) -> (usize, bool) {
        let zero = T::of(0.0);
        let Padded(a) = self;
        let (mut singular, mut odd) = (n, false);
        for (i, row) in rows.iter_mut().enumerate() {
            *row = i;
        }
        for k in 0..n {
            let (mut best, mut size) = (k, a[k][k].magnitude());
            for i in k + 1..n {
                let v = a[i][k].magnitude();
                if v > size {
                    (best, size) = (i, v);
                }
            }
            if best != k {
                a.swap(k, best);
                rows.swap(k, best);
                odd = !odd;
            }
            let pivot = a[k][k];
            if pivot == zero {
                singular = singular.min(k);
                continue;
            }
            let row = a[k];
            for other in a.iter_mut().take(n).skip(k + 1) {
                let factor = other[k] / pivot;
                // The columns before are done: their entries of the row are subtracted from copies.
                let done = *other;
                for j in 0..W {
                    other[j] = other[j] - factor * row[j];
                }
                other[..k].copy_from_slice(&done[..k]);
                other[k] = factor;
            }
        }
        (singular, odd)
    }

    /// X := U⁻¹·L⁻¹·X for n×n factors.
    #[inline(always)]
    fn substitute<const K: usize>(&self, n: usize, x: &mut [[T; K]; W]) {
        let Padded(lu) = self;
        for i in 0..n {
            let mut row = x[i];
            for p in 0..i {
                for j in 0..K {
                    row[j] = row[j] - lu[i][p] * x[p][j];
                }
            }
            x[i] = row;
        }
        for i in (0..n).rev() {
            let mut row = x[i];
            for p in i + 1..n {
                for j in 0..K {
                    row[j] = row[j] - lu[i][p] * x[p][j];
                }
            }
            for v in &mut row {
                *v = *v / lu[i][i];
            }
            x[i] = row;
        }
    }

    /// x := U⁻¹·L⁻¹·P·b for n×n factors and one right-hand side; row i of P·b is number `row(i)`.
    ///
    /// # Safety
    /// `b` and `x` have n numbers, and rows are below n.
    #[inline(always)]
    unsafe fn solve_one(&self, n: usize, row: impl Fn(usize) -> usize, b: *const T, x: *mut T) {
        let mut one = [[T::of(0.0); 1]; W];
        // SAFETY: the caller's.
        unsafe {
            for (i, v) in one.iter_mut().enumerate().take(n) {
                v[0] = *b.add(row(i));
            }
            self.substitute(n, &mut one);
            for (i, v) in one.iter().enumerate().take(n) {
                *x.add(i) = v[0];
            }
        }
    }
}

/// Calls a function for the smallest padding.
macro_rules! by_order {
    ($n:expr, $f:ident::<$t:ident>($($arg:expr),*)) => {
        if $n <= 4 {
            $f::<$t, 4>($($arg),*)
        } else if $n <= 8 {
            $f::<$t, 8>($($arg),*)
        } else {
            $f::<$t, 16>($($arg),*)
        }
    };
}

#[inline(always)]
unsafe fn eliminate<T: Real, A: Arith, const L: usize>(
    n: usize,
    a: *const T,
    lu: *mut T,
    rows: *mut i64,
) -> (usize, bool) {
    #[inline(always)]
    unsafe fn padded<T: Real, const W: usize>(
        n: usize,
        a: *const T,
        lu: *mut T,
        rows: *mut i64,
    ) -> (usize, bool) {
        let mut order = [0; W];
        // SAFETY: the caller's: n×n numbers.
        let mut m = unsafe { Padded::<T, W>::read(n, n, a, n) };
        let found = m.eliminate(n, &mut order);
        // SAFETY: the caller's: n×n numbers and n rows.
        unsafe {
            m.write(n, n, lu, n);
            for (i, row) in order.iter().enumerate().take(n) {
                *rows.add(i) = *row as i64;
            }
        }
        found
    }
    // SAFETY: the caller's.
    unsafe { by_order!(n, padded::<T>(n, a, lu, rows)) }
}

#[inline(always)]
unsafe fn solve<T: Real, A: Arith, const L: usize>(
    n: usize,
    lu: *const T,
    rows: *const i64,
    k: usize,
    b: *const T,
    x: *mut T,
) {
    #[inline(always)]
    unsafe fn padded<T: Real, const W: usize>(
        n: usize,
        lu: *const T,
        rows: *const i64,
        k: usize,
        b: *const T,
        x: *mut T,
    ) {
        // SAFETY: the caller's: n×n numbers.
        let lu = unsafe { Padded::<T, W>::read(n, n, lu, n) };
        if k == 1 {
            // SAFETY: the caller's: n rows that are below n, and n numbers twice.
            return unsafe { lu.solve_one(n, |i| *rows.add(i) as usize, b, x) };
        }
        let mut j = 0;
        while j < k {
            let wide = W.min(k - j);
            let mut part = Padded([[T::of(0.0); W]; W]);
            // SAFETY: the caller's: rows i < n of n×k numbers, columns from j on.
            unsafe {
                for (i, row) in part.0.iter_mut().enumerate().take(n) {
                    let from = b.add(*rows.add(i) as usize * k + j);
                    for (l, v) in row.iter_mut().enumerate().take(wide) {
                        *v = *from.add(l);
                    }
                }
                lu.substitute(n, &mut part.0);
                part.write(n, wide, x.add(j), k);
            }
            j += W;
        }
    }
    // SAFETY: the caller's.
    unsafe { by_order!(n, padded::<T>(n, lu, rows, k, b, x)) }
}

#[inline(always)]
unsafe fn inverse<T: Real, A: Arith, const L: usize>(n: usize, a: *const T, out: *mut T) -> usize {
    #[inline(always)]
    unsafe fn padded<T: Real, const W: usize>(n: usize, a: *const T, out: *mut T) -> usize {
        let mut order = [0; W];
        // SAFETY: the caller's: n×n numbers.
        let mut lu = unsafe { Padded::<T, W>::read(n, n, a, n) };
        let (singular, _) = lu.eliminate(n, &mut order);
        if singular < n {
            return singular;
        }
        let mut x = Padded([[T::of(0.0); W]; W]);
        for (row, &from) in x.0.iter_mut().zip(&order) {
            row[from] = T::of(1.0);
        }
        lu.substitute(n, &mut x.0);
        // SAFETY: the caller's: n×n numbers.
        unsafe { x.write(n, n, out, n) };
        n
    }
    // SAFETY: the caller's.
    unsafe { by_order!(n, padded::<T>(n, a, out)) }
}

#[inline(always)]
unsafe fn solve_one<T: Real, A: Arith, const L: usize>(
    n: usize,
    a: *const T,
    b: *const T,
    out: *mut T,
) -> usize {
    #[inline(always)]
    unsafe fn padded<T: Real, const W: usize>(
        n: usize,
        a: *const T,
        b: *const T,
        out: *mut T,
    ) -> usize {
        let mut order = [0; W];
        // SAFETY: the caller's: n×n numbers.
        let mut lu = unsafe { Padded::<T, W>::read(n, n, a, n) };
        let (singular, _) = lu.eliminate(n, &mut order);
        if singular < n {
            return singular;
        }
        // SAFETY: the caller's: n numbers twice, and rows below n.
        unsafe { lu.solve_one(n, |i| order[i], b, out) };
        n
    }
    // SAFETY: the caller's.
    unsafe { by_order!(n, padded::<T>(n, a, b, out)) }
}
