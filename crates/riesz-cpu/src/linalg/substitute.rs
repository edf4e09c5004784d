//! Substitution with a triangle: X := T⁻¹·X, tile by tile in registers.
//!
//! Everything is a forward substitution with a lower triangle: an upper triangle read from its last row
//! and column backwards is one, and so is the transpose of either. A block of rows of X is loaded once,
//! what is known is subtracted from it, its own triangle is solved, all in registers, and stored.

// Index loops over arrays are what the compiler keeps in registers.
#![allow(clippy::needless_range_loop)]

use super::Kernels;
use super::vector::{Registers, Vector, with_registers};
use crate::simd::Isa;

/// A triangle of a matrix in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner<T> {
    /// Its order.
    pub n: usize,
    /// The entry that is used first.
    pub at: *const T,
    /// From one row to the one that is used after it.
    pub row: isize,
    /// From one column to the one that is used after it.
    pub column: isize,
    /// The diagonal is 1 and not read.
    pub unit: bool,
}

impl<T> Corner<T> {
    /// The lower triangle of an n×n matrix, whose rows and columns are `row` and `column` apart.
    ///
    /// # Safety
    /// The matrix is in memory.
    pub unsafe fn lower(n: usize, at: *const T, row: isize, column: isize, unit: bool) -> Self {
        Corner { n, at, row, column, unit }
    }

    /// The upper triangle, from its end.
    ///
    /// # Safety
    /// The matrix is in memory.
    pub unsafe fn upper(n: usize, at: *const T, row: isize, column: isize, unit: bool) -> Self {
        let last = n.max(1) as isize - 1;
        // SAFETY: the caller's: the last entry.
        let at = unsafe { at.offset(last * (row + column)) };
        Corner { n, at, row: -row, column: -column, unit }
    }

    /// Without its first rows and columns.
    ///
    /// # Safety
    /// There are as many.
    pub unsafe fn after(self, rows: usize) -> Self {
        let at = self.at.wrapping_offset(rows as isize * (self.row + self.column));
        Corner { n: self.n - rows, at, ..self }
    }
}

/// The right-hand sides: k columns side by side, rows `ld` apart in the order in which they are used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<T> {
    /// The row that is used first.
    pub at: *mut T,
    /// How many columns.
    pub k: usize,
    /// From one row to the one that is used after it.
    pub ld: isize,
}

/// X := T⁻¹·X.
///
/// # Safety
/// The triangle is readable and X writable, and they do not overlap.
pub(super) unsafe fn substitute<T: Registers + Kernels>(isa: Isa, t: Corner<T>, x: Sides<T>) {
    let contiguous = t.column.abs() == 1 || (t.row.abs() == 1 && x.ld.abs() == 1);
    if x.k == 1 && contiguous {
        // SAFETY: the caller's.
        return unsafe { one::<T>(isa, t, x) };
    }
    with_registers!(isa, columns::<T, 4 | 8>(t: Corner<T>, x: Sides<T>))
}

/// Two vectors of columns at a time.
#[inline(always)]
unsafe fn columns<V: Vector, const M: usize>(t: Corner<V::Number>, x: Sides<V::Number>) {
    let mut j = 0;
    while j < x.k {
        let left = x.k - j;
        // SAFETY: the columns from j on are below k.
        unsafe {
            let x = Sides { at: x.at.add(j), ..x };
            if left > V::LANES {
                rows::<V, M, 2>(t, x, (left - V::LANES).min(V::LANES));
            } else {
                rows::<V, M, 1>(t, x, left);
            }
        }
        j += 2 * V::LANES;
    }
}

/// The rows that do not fill a block come first, where little is known.
#[inline(always)]
unsafe fn rows<V: Vector, const M: usize, const N: usize>(
    t: Corner<V::Number>,
    x: Sides<V::Number>,
    last: usize,
) {
    let mut i = 0;
    // SAFETY: the rows from i on are below n.
    unsafe {
        while i < t.n % M {
            block::<V, 1, N>(t, x, i, last);
            i += 1;
        }
        while i < t.n {
            block::<V, M, N>(t, x, i, last);
            i += M;
        }
    }
}

/// Rows i … i + M, after all before them.
#[inline(always)]
unsafe fn block<V: Vector, const M: usize, const N: usize>(
    t: Corner<V::Number>,
    x: Sides<V::Number>,
    i: usize,
    last: usize,
) {
    use crate::simd::Value;
    let zero = <V::Number as Value>::of(0.0);
    let one = <V::Number as Value>::of(1.0);
    // SAFETY: rows and columns up to i + M are inside the triangle, and lanes up to `last` of the last
    // vector inside X.
    unsafe {
        let mut row = [t.at; M];
        let mut sums = [[V::splat(zero); N]; M];
        for r in 0..M {
            row[r] = t.at.offset((i + r) as isize * t.row);
            let from = x.at.offset((i + r) as isize * x.ld);
            for n in 0..N {
                let at = from.add(n * V::LANES);
                sums[r][n] = if n + 1 < N { V::load(at) } else { V::load_first(at, last) };
            }
        }
        let mut known = x.at.cast_const();
        for l in 0..i {
            let mut v = [V::splat(zero); N];
            for (n, v) in v.iter_mut().enumerate() {
                let at = known.add(n * V::LANES);
                *v = if n + 1 < N { V::load(at) } else { V::load_first(at, last) };
            }
            for r in 0..M {
                let a = V::splat(*row[r].offset(l as isize * t.column));
                for n in 0..N {
                    sums[r][n] = a.fnma(v[n], sums[r][n]);
                }
            }
            known = known.offset(x.ld);
        }
        for r in 0..M {
            for p in 0..r {
                let a = V::splat(*row[r].offset((i + p) as isize * t.column));
                for n in 0..N {
                    sums[r][n] = a.fnma(sums[p][n], sums[r][n]);
                }
            }
            if !t.unit {
                let pivot = *row[r].offset((i + r) as isize * t.column);
                let inverse = one / pivot;
                // The inverse of a subnormal number may be infinite where the quotient is not.
                if inverse.magnitude() < <V::Number as Value>::INFINITY {
                    for n in 0..N {
                        sums[r][n] = sums[r][n].mul(V::splat(inverse));
                    }
                } else {
                    for n in 0..N {
                        sums[r][n] = sums[r][n].div(V::splat(pivot));
                    }
                }
            }
            let to = x.at.offset((i + r) as isize * x.ld);
            for n in 0..N {
                let lanes = if n + 1 < N { V::LANES } else { last };
                sums[r][n].store_first(to.add(n * V::LANES), lanes);
            }
        }
    }
}

/// How many unknowns are found one by one before the others are told of them.
const STEP: usize = 8;

/// One column: matrix–vector products between small triangles.
///
/// # Safety
/// As for [`substitute`]; rows or columns of the triangle are contiguous.
unsafe fn one<T: Registers + Kernels>(isa: Isa, t: Corner<T>, x: Sides<T>) {
    let (plus, minus) = (T::of(1.0), T::of(-1.0));
    let mut i = 0;
    while i < t.n {
        let m = STEP.min(t.n - i);
        // SAFETY: the block and what is before and after it are inside the triangle and X; the products
        // read what is known and write what is not.
        unsafe {
            let own = t.after(i);
            let here = x.at.offset(i as isize * x.ld);
            if t.column.abs() == 1 && i > 0 {
                // The known ones, in the order in which they lie.
                let row = t.at.offset(i as isize * t.row);
                let (row, known) = match t.column {
                    1 => (row, x.at),
                    _ => (row.sub(i - 1), x.at.offset((i - 1) as isize * x.ld)),
                };
                let step = t.column * x.ld;
                T::rows_times(isa, m, i, minus, row, t.row, known, step, plus, here, x.ld);
            }
            for r in 0..m as isize {
                let mut sum = *here.offset(r * x.ld);
                for p in 0..r {
                    let a = *own.at.offset(r * t.row + p * t.column);
                    sum = sum - a * *here.offset(p * x.ld);
                }
                if !t.unit {
                    sum = sum / *own.at.offset(r * (t.row + t.column));
                }
                *here.offset(r * x.ld) = sum;
            }
            let left = t.n - i - m;
            if t.column.abs() != 1 && left > 0 {
                // In the order in which they lie.
                let first = if t.row == 1 { m } else { m + left - 1 } as isize;
                let (rest, to) = (own.at.offset(first * t.row), here.offset(first * x.ld));
                T::columns_times(isa, m, left, minus, rest, t.column, here, x.ld, plus, to);
            }
        }
        i += m;
    }
}
