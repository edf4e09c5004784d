//! Panels: some columns of a row-major matrix, transposed so that each is contiguous, and factored.
//!
//! A blocked factorisation takes a few columns at a time, factors them, and subtracts their product from
//! what is to the right. A column of a row-major matrix is scattered; in a panel it is a row, along which
//! pivots are sought and multiples subtracted by vectors, and the product reads it as it lies.

use super::tile::{Entries, Even, Tiles};
use super::turn::turn;
use super::vector::{Registers, Vector, with_registers};
use crate::simd::{Isa, Value};

/// Columns that are factored before the others of the panel are told of them.
const STEP: usize = 16;

/// `w` columns of `len` numbers each; column c begins at `at + c·ld`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel<T> {
    pub at: *mut T,
    pub w: usize,
    pub len: usize,
    pub ld: usize,
}

impl<T> Panel<T> {
    /// Column c.
    fn column(&self, c: usize) -> *mut T {
        self.at.wrapping_add(c * self.ld)
    }
}

impl<T: Registers> Panel<T> {
    /// Fills it from the `len`×`w` part of a matrix at `from`, in rows `ldf` apart.
    ///
    /// # Safety
    /// That part is readable, the panel writable, and they do not overlap.
    pub unsafe fn read(&self, isa: Isa, from: *const T, ldf: usize) {
        // SAFETY: the caller's.
        unsafe { turn(isa, self.len, self.w, from, ldf, self.at, self.ld) }
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
            let zero = with_registers!(isa, eliminate_columns::<T>(
                panel: Panel<T>, first: usize, end: usize, pivots: *mut usize) -> usize);
            if zero < end {
                singular = singular.min(zero);
            }
            // The columns to the right: first the rows of U, then what is below them.
            for c in end..self.w {
                let column = self.column(c);
                for l in first..end {
                    for r in l + 1..end {
                        // SAFETY: rows below w ≤ len.
                        unsafe {
                            let multiple = *column.add(l) * *self.column(l).add(r);
                            *column.add(r) = *column.add(r) - multiple;
                        }
                    }
                }
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

/// Elimination with partial pivoting of columns `first..end` of a panel, of which the columns before
/// `first` are done and known to the others: rows are exchanged in all its columns; `pivots[c]` is the row
/// exchanged with row c; multipliers replace what is below the pivots. Gives the first column with a zero
/// pivot, or `end`.
///
/// # Safety
/// As for [`Panel::eliminate`].
#[inline(always)]
unsafe fn eliminate_columns<V: Vector>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    pivots: *mut usize,
) -> usize {
    let zero = V::Number::of(0.0);
    let Panel { at, w, len, ld } = panel;
    let mut singular = end;
    for c in first..end {
        // SAFETY: the caller's: columns below w of `len` rows, of which `end` are no more; w pivots.
        unsafe {
            let column = at.add(c * ld);
            // Rows above: this column's part of U.
            for r in first + 1..c {
                let mut sum = *column.add(r);
                for l in first..r {
                    sum = sum - *at.add(l * ld + r) * *column.add(l);
                }
                *column.add(r) = sum;
            }
            let most = subtract_columns::<V>(panel, first, c, column, c);
            let pivot = find::<V>(column, c, len, most);
            *pivots.add(c) = pivot;
            if pivot != c {
                for other in 0..w {
                    std::ptr::swap(at.add(other * ld + c), at.add(other * ld + pivot));
                }
            }
            if *column.add(c) == zero {
                singular = singular.min(c);
                continue;
            }
            scale::<V>(column, c + 1, len, *column.add(c));
        }
    }
    singular
}

/// Cholesky's factorisation of columns `first..end` of a panel whose upper left square is symmetric, of
/// which the columns before `first` are done and known to the others. Gives the first column whose pivot is
/// not positive, or `end`.
///
/// # Safety
/// As for [`Panel::cholesky`].
#[inline(always)]
unsafe fn cholesky_columns<V: Vector>(panel: Panel<V::Number>, first: usize, end: usize) -> usize {
    let Panel { at, len, ld, .. } = panel;
    for c in first..end {
        // SAFETY: the caller's: columns below `end` of `len` rows, of which `end` are no more.
        unsafe {
            let column = at.add(c * ld);
            // The coefficients are the entries of row c; they are copied to where U's would be.
            for l in first..c {
                *column.add(l) = *at.add(l * ld + c);
            }
            subtract_columns::<V>(panel, first, c, column, c);
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

/// Whole vectors from the one with entry `from` on, then what is left: `f(i, skip, lanes)` for the vector at
/// entry i, of which the first `skip` lanes are before `from` and the lanes from `lanes` on beyond the end.
/// Always the same vectors: what was just stored is read again as it was stored, which costs no time.
macro_rules! for_vectors {
    ($v:ident, $from:expr, $len:expr, |$i:ident, $skip:ident, $lanes:ident| $body:block) => {
        let (from, len) = ($from, $len);
        let mut $i = from - from % $v::LANES;
        let mut $skip = from % $v::LANES;
        while $i < len {
            let $lanes = $v::LANES.min(len - $i);
            $body
            $skip = 0;
            $i += $v::LANES;
        }
    };
}

/// The first `lanes` numbers at an address. Whole vectors without a mask: what a masked instruction has
/// stored is not read again before it is in the cache.
///
/// # Safety
/// They are readable.
#[inline(always)]
unsafe fn some<V: Vector>(at: *const V::Number, lanes: usize) -> V {
    // SAFETY: the caller's.
    unsafe { if lanes == V::LANES { V::load(at) } else { V::load_first(at, lanes) } }
}

/// The reverse of `some`.
///
/// # Safety
/// They are writable.
#[inline(always)]
unsafe fn put<V: Vector>(v: V, at: *mut V::Number, lanes: usize) {
    // SAFETY: the caller's.
    unsafe { if lanes == V::LANES { v.store(at) } else { v.store_first(at, lanes) } }
}

/// y\[from..len\] −= Σ y\[l\]·column l for first ≤ l < end ≤ from, and the largest magnitude of what
/// results, if none is NaN.
#[inline(always)]
unsafe fn subtract_columns<V: Vector>(
    panel: Panel<V::Number>,
    first: usize,
    end: usize,
    y: *mut V::Number,
    from: usize,
) -> V::Number {
    // SAFETY: the caller's: `len` numbers in each column, lanes up to there.
    unsafe {
        let mut coefficients = [V::splat(V::Number::of(0.0)); STEP];
        for l in first..end {
            coefficients[l - first] = V::splat(*y.add(l));
        }
        let zero = V::splat(V::Number::of(0.0));
        let mut most = zero;
        for_vectors!(V, from, panel.len, |i, skip, lanes| {
            let old = some::<V>(y.add(i), lanes);
            let mut sum = old;
            for l in first..end {
                let v = some::<V>(panel.column(l).add(i), lanes);
                sum = coefficients[l - first].fnma(v, sum);
            }
            if skip > 0 {
                most = most.larger(sum.magnitude().but_first(skip, zero));
                sum = sum.but_first(skip, old);
            } else {
                most = most.larger(sum.magnitude());
            }
            put::<V>(sum, y.add(i), lanes);
        });
        most.most()
    }
}

/// The first entry from `from` on whose magnitude is `size`, or `from`.
#[inline(always)]
unsafe fn find<V: Vector>(x: *const V::Number, from: usize, len: usize, size: V::Number) -> usize {
    // SAFETY: the caller's: `len` numbers.
    unsafe {
        let (wanted, none) = (V::splat(size), V::splat(V::Number::of(-1.0)));
        for_vectors!(V, from, len, |i, skip, lanes| {
            let v = some::<V>(x.add(i), lanes);
            let at = v.magnitude().but_first(skip, none).first_equal(wanted);
            if at < lanes {
                return i + at;
            }
        });
        from
    }
}

/// x\[from..len\] /= by
#[inline(always)]
unsafe fn scale<V: Vector>(x: *mut V::Number, from: usize, len: usize, by: V::Number) {
    let inverse = V::Number::of(1.0) / by;
    // The inverse of a subnormal number may be infinite where the quotient is not.
    let exact = inverse.magnitude() < V::Number::INFINITY;
    // SAFETY: the caller's: `len` numbers.
    unsafe {
        let (inverse, by) = (V::splat(inverse), V::splat(by));
        for_vectors!(V, from, len, |i, skip, lanes| {
            let old = some::<V>(x.add(i), lanes);
            let v = if exact { old.mul(inverse) } else { old.div(by) };
            let v = if skip > 0 { v.but_first(skip, old) } else { v };
            put::<V>(v, x.add(i), lanes);
        });
    }
}
