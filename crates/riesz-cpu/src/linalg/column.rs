//! Columns of a panel, factored one after the other: what is done to each along its rows, by vectors.
//!
//! A panel's columns are read as whole vectors: they begin at whole vectors, and zeros follow their last row up
//! to the end of a vector, as long as all is finite. Vectors of rows begin at multiples of their lanes, always
//! the same, so that what was just stored is read again as it was stored, which costs no time.

// Index loops over arrays are what the compiler keeps in registers.
#![allow(clippy::needless_range_loop)]

use super::panel::Panel;
use super::vector::{Vector, inverse};
use crate::simd::Value;

/// Columns that are told together about those before them.
const COLUMNS: usize = 4;

/// Vectors of a column that are told together about the columns before it.
const TOGETHER: usize = 4;

/// Elimination with partial pivoting of columns `first..end` of a panel, of which the columns before
/// `first` are done and known to the others: rows are exchanged in all its columns; `pivots[c]` is the row
/// exchanged with row c; multipliers replace what is below the pivots. A group of columns is told of those
/// before it N vectors at a time. Gives the first column with a zero pivot, or `end`.
///
/// # Safety
/// As for [`Panel::eliminate`].
#[inline(always)]
pub(super) unsafe fn eliminate_columns<V: Vector, const N: usize>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    pivots: *mut usize,
) -> usize {
    let mut singular = end;
    for from in (first..end).step_by(COLUMNS) {
        let to = (from + COLUMNS).min(end);
        // SAFETY: the caller's: columns below `end`, of which those before `from` are done.
        unsafe {
            for c in from..to {
                upper::<V>(panel, first, from, c);
            }
            if to - from == COLUMNS {
                told::<V, COLUMNS, N>(panel, first, from, from);
            } else {
                for c in from..to {
                    told::<V, 1, N>(panel, first, from, c);
                }
            }
            for c in from..to {
                if !eliminate_column::<V>(panel, from, c, pivots) {
                    singular = singular.min(c);
                }
            }
        }
    }
    singular
}

/// Elimination of column c, which has been told of the columns before `first`. Whether its pivot is not zero.
///
/// # Safety
/// As for [`Panel::eliminate`].
#[inline(always)]
unsafe fn eliminate_column<V: Vector>(
    panel: Panel<V::Number>,
    first: usize,
    c: usize,
    pivots: *mut usize,
) -> bool {
    let column = panel.column(c);
    // SAFETY: the caller's: columns below w of `len` rows; w pivots.
    unsafe {
        upper::<V>(panel, first, c, c);
        let most = below::<V, true>(panel, first, c, c);
        let pivot = find::<V>(column, c, panel.len, most);
        *pivots.add(c) = pivot;
        if pivot != c {
            for other in 0..panel.w {
                let other = panel.column(other);
                std::ptr::swap(other.add(c), other.add(pivot));
            }
        }
        let pivot = *column.add(c);
        if pivot == V::Number::of(0.0) {
            return false;
        }
        scale::<V>(column, c + 1, panel.len, pivot);
        true
    }
}

/// Cholesky's factorisation of columns `first..end` of a panel whose upper left square is symmetric, of
/// which the columns before `first` are done and known to the others. Gives the first column whose pivot is
/// not positive, or `end`.
///
/// # Safety
/// As for [`Panel::cholesky`].
#[inline(always)]
pub(super) unsafe fn cholesky_columns<V: Vector>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
) -> usize {
    let Panel { at, len, ld, .. } = panel;
    for c in first..end {
        // SAFETY: the caller's: columns below `end` of `len` rows, of which `end` are no more.
        unsafe {
            let column = at.add(c * ld);
            // The coefficients are the entries of row c; they are copied to where U's would be.
            for l in first..c {
                *column.add(l) = *at.add(l * ld + c);
            }
            below::<V, false>(panel, first, c, c);
            let pivot = *column.add(c);
            // NaN is not positive either.
            let positive = pivot > V::Number::of(0.0) && pivot < V::Number::INFINITY;
            if !positive {
                return c;
            }
            let pivot = pivot.root();
            *column.add(c) = pivot;
            scale::<V>(column, c + 1, len, pivot);
        }
    }
    end
}

/// The entries of U that columns `first..end` leave in rows `first..end` of a later column: substitution with
/// their unit triangle. What is below in the last vector of these rows is told of the columns, too.
///
/// # Safety
/// As for [`Panel::eliminate`].
#[inline(always)]
pub(super) unsafe fn upper<V: Vector>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    column: usize,
) {
    let y = panel.column(column);
    let mut i = first - first % V::LANES;
    while i < end && first < end {
        // SAFETY: the caller's: whole vectors of rows below `end`, rounded up.
        unsafe {
            let mut x = V::load(y.add(i));
            for l in first..i {
                x = V::splat(*y.add(l)).fnma(V::load(panel.column(l).add(i)), x);
            }
            // Each entry is known when those above it are, and the lanes after it are told.
            for l in first.max(i)..end.min(i + V::LANES) {
                let told = x.lane(l - i).fnma(V::load(panel.column(l).add(i)), x);
                x = told.but_first(l - i + 1, x);
            }
            x.store(y.add(i));
        }
        i += V::LANES;
    }
}

/// y\[end..len\] −= Σ y\[l\]·column l for first ≤ l < end, and the largest magnitude of what results, if none
/// is NaN. The vector that has row `end` in its midst may have been `TOLD`.
///
/// # Safety
/// As for [`Panel::eliminate`].
#[inline(always)]
unsafe fn below<V: Vector, const TOLD: bool>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    column: usize,
) -> V::Number {
    let (zero, y) = (V::Number::of(0.0), panel.column(column));
    // SAFETY: the caller's: whole vectors of rows below `len`, rounded up.
    unsafe {
        let mut most = [V::splat(zero); TOGETHER];
        let skip = end % V::LANES;
        let mut i = end - skip;
        if skip > 0 {
            let old = V::load(y.add(i));
            let mut sum = old;
            if !TOLD {
                [sum] = less::<V, 1>(panel, first, end, y, i);
                sum.but_first(skip, old).store(y.add(i));
            }
            most[0] = sum.magnitude().but_first(skip, most[0]);
            i += V::LANES;
        }
        while i + (TOGETHER - 1) * V::LANES < panel.len {
            let sums = less::<V, TOGETHER>(panel, first, end, y, i);
            for (n, sum) in sums.into_iter().enumerate() {
                most[n] = most[n].larger(sum.magnitude());
                sum.store(y.add(i + n * V::LANES));
            }
            i += TOGETHER * V::LANES;
        }
        while i < panel.len {
            let [sum] = less::<V, 1>(panel, first, end, y, i);
            most[0] = most[0].larger(sum.magnitude());
            sum.store(y.add(i));
            i += V::LANES;
        }
        let [a, b, c, d] = most;
        a.larger(b).larger(c.larger(d)).most()
    }
}

/// N vectors of a column from row i on, less their parts of columns `first..end`.
#[inline(always)]
unsafe fn less<V: Vector, const N: usize>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    y: *const V::Number,
    i: usize,
) -> [V; N] {
    // SAFETY: the caller's: whole vectors of the columns.
    unsafe {
        let mut sums = [V::splat(V::Number::of(0.0)); N];
        for (n, sum) in sums.iter_mut().enumerate() {
            *sum = V::load(y.add(i + n * V::LANES));
        }
        for l in first..end {
            let u = V::splat(*y.add(l));
            let from = panel.column(l).add(i);
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = u.fnma(V::load(from.add(n * V::LANES)), *sum);
            }
        }
        sums
    }
}

/// C columns from `column` on, in the rows from `end` on, −= their parts of columns `first..end`, N vectors at
/// a time. The vector that has row `end` in its midst has been told.
///
/// # Safety
/// As for [`Panel::eliminate`].
#[inline(always)]
unsafe fn told<V: Vector, const C: usize, const N: usize>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    column: usize,
) {
    if first == end {
        return;
    }
    let mut i = end.next_multiple_of(V::LANES);
    // SAFETY: the caller's: whole vectors of rows below `len`, rounded up.
    unsafe {
        while i + (N - 1) * V::LANES < panel.len {
            told_vectors::<V, C, N>(panel, first, end, column, i);
            i += N * V::LANES;
        }
        while i < panel.len {
            told_vectors::<V, C, 1>(panel, first, end, column, i);
            i += V::LANES;
        }
    }
}

/// N vectors from row i on of what [`told`] does.
#[inline(always)]
unsafe fn told_vectors<V: Vector, const C: usize, const N: usize>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    column: usize,
    i: usize,
) {
    // SAFETY: the caller's: whole vectors of the columns.
    unsafe {
        let (y, ld) = (panel.column(column), panel.ld);
        let mut sums = [[V::splat(V::Number::of(0.0)); N]; C];
        for c in 0..C {
            for n in 0..N {
                sums[c][n] = V::load(y.add(c * ld + i + n * V::LANES));
            }
        }
        for l in first..end {
            let mut v = [V::splat(V::Number::of(0.0)); N];
            for n in 0..N {
                v[n] = V::load(panel.column(l).add(i + n * V::LANES));
            }
            for c in 0..C {
                let u = V::splat(*y.add(c * ld + l));
                for n in 0..N {
                    sums[c][n] = u.fnma(v[n], sums[c][n]);
                }
            }
        }
        for c in 0..C {
            for n in 0..N {
                sums[c][n].store(y.add(c * ld + i + n * V::LANES));
            }
        }
    }
}

/// The first entry of x\[from..len\] whose magnitude is `size`, or `from`.
#[inline(always)]
unsafe fn find<V: Vector>(x: *const V::Number, from: usize, len: usize, size: V::Number) -> usize {
    // SAFETY: the caller's: whole vectors up to `len`.
    unsafe {
        let (wanted, none) = (V::splat(size), V::splat(V::Number::of(-1.0)));
        let mut skip = from % V::LANES;
        let mut i = from - skip;
        while i < len {
            let v = V::load(x.add(i)).magnitude().but_first(skip, none);
            let at = v.first_equal(wanted);
            if at < V::LANES {
                // Beyond the end there are zeros, which are found where all others are no numbers.
                return if i + at < len { i + at } else { from };
            }
            skip = 0;
            i += V::LANES;
        }
        from
    }
}

/// x\[from..len\] /= by
#[inline(always)]
unsafe fn scale<V: Vector>(x: *mut V::Number, from: usize, len: usize, by: V::Number) {
    let inverse = inverse(by);
    // SAFETY: the caller's: whole vectors up to `len`.
    unsafe {
        let mut skip = from % V::LANES;
        let mut i = from - skip;
        while i < len {
            let old = V::load(x.add(i));
            let v = match inverse {
                Some(inverse) => old.mul(V::splat(inverse)),
                None => old.div(V::splat(by)),
            };
            v.but_first(skip, old).store(x.add(i));
            skip = 0;
            i += V::LANES;
        }
    }
}
