//! Panels: some columns of a row-major matrix, transposed so that each is contiguous, and factored.
//!
//! A blocked factorisation takes a few columns at a time, factors them, and subtracts their product from
//! what is to the right. A column of a row-major matrix is scattered; in a panel it is a row, along which
//! pivots are sought and multiples subtracted by vectors, and the product reads it as it lies.

use super::column::{cholesky_columns, eliminate_columns, upper};
use super::tile::{Entries, Even, Tiles};
use super::turn::turn;
use super::vector::{Registers, with_registers};
use crate::simd::Isa;

/// Columns that are factored before the others of the panel are told of them.
const STEP: usize = 16;

/// The most lanes that a vector has: columns have room for a multiple of it.
pub(super) const VECTOR: usize = 16;

/// `w` columns of `len` numbers each; column c begins at `at + c·ld`. Zeros follow up to the end of a vector,
/// as long as all is finite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel<T> {
    pub at: *mut T,
    pub w: usize,
    pub len: usize,
    pub ld: usize,
}

impl<T> Panel<T> {
    /// Column c.
    pub(super) fn column(&self, c: usize) -> *mut T {
        self.at.wrapping_add(c * self.ld)
    }
}

impl<T: Registers> Panel<T> {
    /// Fills it from the `len`×`w` part of a matrix at `from`, in rows `ldf` apart.
    ///
    /// # Safety
    /// That part is readable, the panel writable, and they do not overlap.
    pub unsafe fn read(&self, isa: Isa, from: *const T, ldf: usize) {
        // SAFETY: the caller's; a column has room for whole vectors.
        unsafe {
            turn(isa, self.len, self.w, from, ldf, self.at, self.ld);
            let more = self.len.next_multiple_of(VECTOR) - self.len;
            (0..self.w).for_each(|c| self.column(c).add(self.len).write_bytes(0, more));
        }
    }

    /// The reverse of `read`.
    ///
    /// # Safety
    /// As for `read`, with the roles exchanged.
    pub unsafe fn write(&self, isa: Isa, to: *mut T, ldt: usize) {
        // SAFETY: the caller's.
        unsafe { turn(isa, self.w, self.len, self.at, self.ld, to, ldt) }
    }

    /// Gaussian elimination with partial pivoting, w ≤ len: `pivots[c]` is the row exchanged with row c. The
    /// first column with a zero pivot, or w.
    ///
    /// # Safety
    /// The panel is writable, and `pivots` for w entries.
    pub unsafe fn eliminate(&self, isa: Isa, pivots: *mut usize) -> usize {
        let panel = *self;
        let mut singular = self.w;
        let mut first = 0;
        while first < self.w {
            let end = (first + STEP).min(self.w);
            // SAFETY: the caller's; columns up to `end` are at most w.
            let zero = with_registers!(isa, eliminate_columns::<T, 2 | 4>(
                panel: Panel<T>, first: usize, end: usize, pivots: *mut usize) -> usize);
            if zero < end {
                singular = singular.min(zero);
            }
            // The columns to the right: first the rows of U, then what is below them.
            for c in end..self.w {
                // SAFETY: the caller's; a step is whole where there are columns to the right of it.
                with_registers!(isa, upper::<T>(
                    panel: Panel<T>, first: usize, end: usize, c: usize));
            }
            // SAFETY: the columns to the right and the rows below are inside the panel.
            unsafe { self.subtract(isa, first, end, self.column(end).wrapping_add(first), true) };
            first = end;
        }
        singular
    }

    /// Cholesky's factorisation A = L·Lᵀ of the symmetric upper left w×w square, and the rows of L below it.
    /// The first column whose pivot is not positive, or w.
    ///
    /// # Safety
    /// The panel is writable.
    pub unsafe fn cholesky(&self, isa: Isa) -> usize {
        let panel = *self;
        let mut first = 0;
        while first < self.w {
            let end = (first + STEP).min(self.w);
            // SAFETY: the caller's; columns up to `end` are at most w.
            let bad = with_registers!(isa, cholesky_columns::<T>(
                panel: Panel<T>, first: usize, end: usize) -> usize);
            if bad < end {
                return bad;
            }
            // SAFETY: the columns to the right and the rows below are inside the panel.
            unsafe { self.subtract(isa, first, end, self.column(first).wrapping_add(end), false) };
            first = end;
        }
        self.w
    }

    /// Columns from `end` on −= coefficients × columns `first..end`, in the rows from `end` on. The
    /// coefficient of column l for column c is at `coefficients`, moved on by c columns and l rows if
    /// `right`, else by l columns and c rows.
    ///
    /// # Safety
    /// The panel is writable and the coefficients are in it, in rows above or columns before.
    unsafe fn subtract(
        &self,
        isa: Isa,
        first: usize,
        end: usize,
        coefficients: *const T,
        right: bool,
    ) {
        let ld = self.ld as isize;
        let (rows, columns) = if right { (Even(ld), Even(1)) } else { (Even(1), Even(ld)) };
        let product = Tiles {
            m: self.w - end,
            n: self.len - end,
            k: end - first,
            alpha: T::of(-1.0),
            a: Entries { at: coefficients, rows, columns },
            b: self.column(first).wrapping_add(end),
            ldb: ld,
            beta: T::of(1.0),
            c: self.column(end).wrapping_add(end),
            ldc: ld,
        };
        // SAFETY: the caller's: the result is in columns from `end` on and rows from `end` on.
        unsafe { product.run(isa) }
    }
}
