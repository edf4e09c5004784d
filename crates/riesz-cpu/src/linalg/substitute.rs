//! Substitution with a triangle: X := T⁻¹·X, tile by tile in registers.
//!
//! Everything is a forward substitution with a lower triangle: an upper triangle read from its last row
//! and column backwards is one, and so is the transpose of either. A block of rows of X is loaded once,
//! what is known is subtracted from it, its own triangle is solved, all in registers, and stored.

// Index loops over arrays are what the compiler keeps in registers.
#![allow(clippy::needless_range_loop)]

use super::vector::{Registers, Vector, inverse, put, some, with_registers};
use crate::simd::{Isa, Value};

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

impl<T: Copy> Corner<T> {
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

    /// The entry of a row and a column, counted as they are used.
    #[inline(always)]
    fn entry(self, r: usize, c: usize) -> *const T {
        self.at.wrapping_offset(r as isize * self.row + c as isize * self.column)
    }

    /// Without its first rows and columns.
    ///
    /// # Safety
    /// There are as many.
    pub unsafe fn after(self, rows: usize) -> Self {
        let at = self.entry(rows, rows);
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
pub(super) unsafe fn substitute<T: Registers>(isa: Isa, t: Corner<T>, x: Sides<T>) {
    if x.k == 1 && x.ld.abs() == 1 && t.column == x.ld {
        return with_registers!(isa, by_rows::<T>(t: Corner<T>, x: Sides<T>));
    }
    if x.k == 1 && x.ld.abs() == 1 && t.row == x.ld {
        return with_registers!(isa, by_columns::<T>(t: Corner<T>, x: Sides<T>));
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
    let zero = V::Number::of(0.0);
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
                let inverse = inverse(pivot);
                for n in 0..N {
                    sums[r][n] = match inverse {
                        Some(inverse) => sums[r][n].mul(V::splat(inverse)),
                        None => sums[r][n].div(V::splat(pivot)),
                    };
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

/// One column, contiguous like the rows of the triangle: the known part of some sums, then their unknowns.
///
/// # Safety
/// As for [`substitute`]; t.column = x.ld = ±1.
#[inline(always)]
unsafe fn by_rows<V: Vector>(t: Corner<V::Number>, x: Sides<V::Number>) {
    // SAFETY: the caller's: rows below n.
    unsafe {
        for i in (0..t.n).step_by(STEP) {
            let m = STEP.min(t.n - i);
            if m == STEP {
                known::<V, STEP>(t, x, i, i);
            } else {
                for r in i..i + m {
                    known::<V, 1>(t, x, r, i);
                }
            }
            unknowns::<V>(Corner { n: m, ..t.after(i) }, x.at.offset(i as isize * x.ld), x.ld);
        }
    }
}

/// One column, contiguous like those of the triangle: some unknowns, and then all others are told of them.
///
/// # Safety
/// As for [`substitute`]; t.row = x.ld = ±1.
#[inline(always)]
unsafe fn by_columns<V: Vector>(t: Corner<V::Number>, x: Sides<V::Number>) {
    // SAFETY: the caller's: rows below n.
    unsafe {
        for i in (0..t.n).step_by(STEP) {
            let m = STEP.min(t.n - i);
            let own = t.after(i);
            let here = x.at.offset(i as isize * x.ld);
            let found = unknowns::<V>(Corner { n: m, ..own }, here, x.ld);
            // The nearest first: they are the next to be found.
            let mut r = m;
            while r < own.n {
                let lanes = V::LANES.min(own.n - r);
                // In the order in which they lie.
                let lowest = if x.ld > 0 { r } else { r + lanes - 1 };
                let to = here.offset(lowest as isize * x.ld);
                let mut sum = some::<V>(to, lanes);
                for (c, found) in found.iter().enumerate() {
                    sum = found.fnma(some::<V>(own.entry(lowest, c), lanes), sum);
                }
                put::<V>(sum, to, lanes);
                r += lanes;
            }
        }
    }
}

/// R sums from row i on, less what is known: their first terms.
///
/// # Safety
/// As for [`by_rows`].
#[inline(always)]
unsafe fn known<V: Vector, const R: usize>(
    t: Corner<V::Number>,
    x: Sides<V::Number>,
    i: usize,
    terms: usize,
) {
    let mut l = 0;
    // SAFETY: the caller's: entries of rows below n, and as many unknowns.
    unsafe {
        let mut sums = [V::splat(V::Number::of(0.0)); R];
        while l < terms {
            let lanes = V::LANES.min(terms - l);
            // In the order in which they lie.
            let lowest = if x.ld > 0 { l } else { l + lanes - 1 };
            let v = some::<V>(x.at.offset(lowest as isize * x.ld), lanes);
            for r in 0..R {
                sums[r] = some::<V>(t.entry(i + r, lowest), lanes).fma(v, sums[r]);
            }
            l += lanes;
        }
        for r in 0..R {
            let to = x.at.offset((i + r) as isize * x.ld);
            *to = *to - sums[r].sum();
        }
    }
}

/// Up to [`STEP`] unknowns, `ld` apart from each to the next, and what they are in every lane.
///
/// # Safety
/// The triangle is readable, and as many numbers writable as it has rows.
#[inline(always)]
unsafe fn unknowns<V: Vector>(t: Corner<V::Number>, x: *mut V::Number, ld: isize) -> [V; STEP] {
    // SAFETY: the caller's: entries of the triangle, and unknowns.
    unsafe {
        let mut inverses = [V::Number::of(1.0); STEP];
        let mut exact = t.n == STEP;
        if exact && !t.unit {
            for r in 0..STEP {
                match inverse(*t.entry(r, r)) {
                    Some(inverse) => inverses[r] = inverse,
                    None => exact = false,
                }
            }
        }
        let mut v = [V::splat(V::Number::of(0.0)); STEP];
        if exact {
            // Each is told to all others as soon as it is known: the shortest chain, in registers.
            for r in 0..STEP {
                v[r] = V::splat(*x.offset(r as isize * ld));
            }
            for p in 0..STEP {
                if !t.unit {
                    v[p] = v[p].mul(V::splat(inverses[p]));
                }
                *x.offset(p as isize * ld) = v[p].first();
                for r in p + 1..STEP {
                    v[r] = V::splat(*t.entry(r, p)).fnma(v[p], v[r]);
                }
            }
            return v;
        }
        for r in 0..t.n {
            let mut sum = V::splat(*x.offset(r as isize * ld));
            for p in 0..r {
                sum = V::splat(*t.entry(r, p)).fnma(v[p], sum);
            }
            v[r] = if t.unit { sum } else { sum.div(V::splat(*t.entry(r, r))) };
            *x.offset(r as isize * ld) = v[r].first();
        }
        v
    }
}
