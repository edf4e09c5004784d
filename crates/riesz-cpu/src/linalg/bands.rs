//! Products of which not every term, or not every column of every row, counts: triangles.
//!
//! The rows are cut in bands, each with the terms of its sums and the columns that are computed. Blocks of
//! B are small enough to stay in the second cache while all bands go over them.

use super::Scalar;
use super::product::MatPtr;
use super::tile::{Edge, Entries, Even, Tiles};
use super::vector::{Registers, Vector, with_registers};
use crate::simd::{Isa, Value};
use std::ops::Range;

/// Bytes of a block of B: a part of the second cache.
const BLOCK: usize = 3 << 17;
/// Elements that fill a line of the cache, or nearly.
const LINE: usize = 16;
/// The fewest terms that are worth reading and writing a tile of C.
const SHORTEST: usize = 64;

/// Some rows of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Which rows.
    pub rows: Range<usize>,
    /// The terms of their sums that count.
    pub terms: Range<usize>,
    /// The columns that are computed; the others are set to 0.
    pub columns: Range<usize>,
    /// Which of the terms do not count in every row: A is zero there.
    pub edge: Edge,
}

impl Band {
    /// The multiplications that it takes.
    pub fn multiplications(&self) -> usize {
        let rows = self.rows.len();
        let beyond = if self.edge == Edge::Straight { 0 } else { rows * (rows - 1) / 2 };
        (rows * self.terms.len()).saturating_sub(beyond) * self.columns.len()
    }

    /// The edge of some of the terms: straight, if those are not all that are beyond it.
    fn edge_of(&self, terms: &Range<usize>) -> Edge {
        let reaches = match self.edge {
            Edge::Straight => true,
            Edge::Lower => terms.end == self.terms.end,
            Edge::Upper => terms.start == self.terms.start,
        };
        if reaches && terms.len() >= self.rows.len() { self.edge } else { Edge::Straight }
    }
}

/// Bands of a product C = A·B with `columns` columns, where the rows of B and C are contiguous, at a
/// distance.
///
/// # Safety
/// What the bands name is readable in A and B; their rows of C are writable, and C overlaps neither A nor B,
/// nor itself.
pub unsafe fn multiply_bands<'a, T: Scalar>(
    isa: Isa,
    bands: impl Iterator<Item = &'a Band> + Clone,
    columns: usize,
    a: MatPtr<*const T>,
    (b, ldb): (*const T, isize),
    (c, ldc): (*mut T, isize),
) {
    let zero = T::of(0.0);
    for band in bands.clone() {
        let computed = if band.terms.is_empty() { 0..0 } else { band.columns.clone() };
        for i in band.rows.clone() {
            // SAFETY: the caller's: a row of C, of so many columns. Zero is written as bytes that are 0.
            unsafe {
                let row = c.offset(i as isize * ldc);
                row.write_bytes(0, computed.start);
                row.add(computed.end).write_bytes(0, columns - computed.end);
            }
        }
    }
    let terms = bands.clone().map(|band| band.terms.end).max().unwrap_or(0);
    let block = BLOCK / size_of::<T>();
    let even = |n: usize, most: usize| n.div_ceil(n.div_ceil(most).max(1)).max(1);
    let wide = even(columns, block / terms.clamp(1, SHORTEST)).next_multiple_of(LINE);
    let deep = even(terms, (block / wide).max(SHORTEST));
    for l in (0..terms).step_by(deep) {
        for j in (0..columns).step_by(wide) {
            for band in bands.clone() {
                let terms = both(&band.terms, l..l + deep);
                let columns = both(&band.columns, j..j + wide);
                if terms.is_empty() || columns.is_empty() {
                    continue;
                }
                let (row, column, term) = (band.rows.start, columns.start, terms.start);
                let to = row as isize * ldc + column as isize;
                // SAFETY: the caller's: these rows, columns and terms are inside A, B and C.
                unsafe {
                    let at = a.at.offset(row as isize * a.row + term as isize * a.col);
                    Tiles {
                        m: band.rows.len(),
                        n: columns.len(),
                        k: terms.len(),
                        alpha: T::of(1.0),
                        a: Entries { at, rows: Even(a.row), columns: Even(a.col) },
                        b: b.offset(term as isize * ldb + column as isize),
                        ldb,
                        beta: if term == band.terms.start { zero } else { T::of(1.0) },
                        c: c.offset(to),
                        ldc,
                    }
                    .run_along(isa, band.edge_of(&terms));
                }
            }
        }
    }
}

/// Whether all numbers of a matrix with contiguous rows, at a distance, are finite.
///
/// # Safety
/// They are readable.
pub unsafe fn all_finite<T: Registers>(
    isa: Isa,
    rows: usize,
    columns: usize,
    at: *const T,
    distance: isize,
) -> bool {
    #[inline(always)]
    unsafe fn go<V: Vector>(
        rows: usize,
        columns: usize,
        at: *const V::Number,
        distance: isize,
    ) -> bool {
        // Zero times what is not finite is no number, and stays none in a sum.
        // SAFETY: the caller's, for every row and column.
        unsafe {
            let zero = V::splat(V::Number::of(0.0));
            let mut sums = [zero; 4];
            for i in 0..rows {
                let row = at.offset(i as isize * distance);
                for (n, j) in (0..columns).step_by(V::LANES).enumerate() {
                    let v = V::load_first(row.add(j), V::LANES.min(columns - j));
                    sums[n % 4] = v.fma(zero, sums[n % 4]);
                }
            }
            let sum = sums.into_iter().fold(zero, |sum, s| s.fma(zero, sum));
            let mut lanes = [V::Number::of(0.0); 16];
            sum.store_first(lanes.as_mut_ptr(), V::LANES);
            lanes.iter().all(|x| *x == V::Number::of(0.0))
        }
    }
    with_registers!(isa, go::<T>(
        rows: usize, columns: usize, at: *const T, distance: isize) -> bool)
}

/// What two ranges have in common.
fn both(a: &Range<usize>, b: Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}
