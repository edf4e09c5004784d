//! Products of matrices of which a part is known to be zero, or not read: triangles, and gradients by them.
//!
//! Zero times infinity is no number. So terms are left out only where the second factor is finite. That is
//! seen from a row of the result that leaves none out: were one of its terms not finite, nor were it. Only
//! if it is not does the factor itself have to be looked at.

use super::loops::{Loop, moved, size};
use super::product::PIECE;
use crate::linalg::{
    Band, Edge, MatPtr, Patch, Scalar, all_finite, multiply_bands, multiply_inner, patches,
};
use crate::nest::{Loops, Routine, TOGETHER};
use crate::simd::Isa;
use riesz_core::DType;
use smallvec::SmallVec;
use std::ops::Range;

/// What counts of a product of tensors.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Which loop is over the rows, and which over the columns.
    pub loops: [usize; 2],
    /// For each row, the terms of its sums that may be other than zero.
    pub terms: Vec<Range<usize>>,
    /// For each row, the columns that are read.
    pub columns: Vec<Range<usize>>,
}

/// A product of tensors, Σ x·y, of which not everything is computed: row by row in bands, or in patches of a
/// small result.
#[derive(Debug)]
pub struct Partial {
    dtype: DType,
    isa: Isa,
    /// Where each operand begins, in elements.
    offset: [isize; 3],
    row: Loop,
    column: Loop,
    sum: Loop,
    /// The loops around them.
    around: Vec<Loop>,
    parts: Parts,
    cut: Cut,
}

/// What is computed of each product of matrices.
#[derive(Debug)]
enum Parts {
    /// Bands of rows, in any order.
    Bands(Vec<Band>),
    /// Patches of a small result, of long sums.
    Patches(Vec<Patch>),
}

/// How a product is cut in pieces.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// So many iterations of the loops around are a piece.
    Around(usize),
    /// The bands of one product are dealt to so many.
    Bands(usize),
}

/// Rows of a band, and of one of a large product.
const ROWS: usize = 4;
const LARGE_ROWS: usize = 24;
/// Rows of a large product.
const LARGE: usize = 96;
/// The fewest multiplications of a product that is cut in bands.
const SMALL: usize = 1 << 12;
/// The most rows and columns of a result that is computed in patches, and the fewest terms of its sums.
const FEW: usize = 24;
const LONG: usize = 128;

impl Partial {
    /// The product over `loops`, for operands that begin at `offset`; none if it is better computed whole.
    /// The columns have to lie beside each other in y and in the result, or the product be [long](is_long) and
    /// the terms of its sums lie beside each other in x and in y.
    pub fn new(
        isa: Isa,
        dtype: DType,
        offset: [isize; 3],
        loops: &[Loop],
        counted: &Counted,
    ) -> Option<Partial> {
        let [row, column] = counted.loops;
        let mut sums = loops.iter().filter(|l| l.z == 0);
        let (Some(&sum), None) = (sums.next(), sums.next()) else { return None };
        let is_around = |(i, l): &(usize, &Loop)| ![row, column].contains(i) && l.z != 0;
        let around = loops.iter().enumerate().filter(is_around).map(|(_, l)| *l).collect();
        let (row, column) = (*loops.get(row)?, *loops.get(column)?);
        let shape = [row.extent, column.extent, sum.extent];
        let whole = shape.iter().product::<usize>();
        let parts = if is_long(shape, counted) && (sum.x, sum.y) == (1, 1) {
            Parts::Patches(patches(isa, &counted.columns))
        } else if column.y == 1 && column.z == 1 {
            Parts::Bands(bands(counted))
        } else {
            return None;
        };
        let cut = Cut::Around(1);
        let mut product = Partial { dtype, isa, offset, row, column, sum, around, parts, cut };
        let each = product.each();
        if !dtype.is_float() || whole < SMALL || each > whole - whole / 5 {
            return None;
        }
        product.cut = match &product.parts {
            Parts::Bands(bands) if product.times() < TOGETHER && each >= PIECE => {
                Cut::Bands(bands.len().min(TOGETHER))
            }
            _ => Cut::Around((PIECE / each.max(1)).max(1)),
        };
        Some(product)
    }

    /// The multiplications of one product of matrices.
    fn each(&self) -> usize {
        match &self.parts {
            Parts::Bands(bands) => bands.iter().map(Band::multiplications).sum(),
            Parts::Patches(patches) => {
                patches.iter().map(Patch::entries).sum::<usize>() * self.sum.extent
            }
        }
    }

    /// The multiplications that are done, as a part of those of the whole product.
    pub fn part(&self) -> f64 {
        self.each() as f64 / (self.row.extent * self.column.extent * self.sum.extent) as f64
    }

    /// How many products of matrices it is.
    fn times(&self) -> usize {
        size(&self.around)
    }

    /// Some iterations of the loops around, and some of the bands: how many are skipped first,
    /// and how far it is from one to the next.
    ///
    /// # Safety
    /// As for [`Routine::run_piece`].
    unsafe fn some(
        &self,
        around: Range<usize>,
        bands: (usize, usize),
        addresses: &[*mut u8],
    ) -> bool {
        // SAFETY: the caller's.
        unsafe {
            match self.dtype {
                DType::F32 => self.floats::<f32>(around, bands, addresses),
                DType::F64 => self.floats::<f64>(around, bands, addresses),
                DType::I32 | DType::I64 | DType::Bool => return false,
            }
        }
        true
    }

    /// # Safety
    /// As for [`Partial::some`], with operands of type `T`.
    unsafe fn floats<T: Scalar>(
        &self,
        around: Range<usize>,
        (skipped, step): (usize, usize),
        addresses: &[*mut u8],
    ) {
        for number in around {
            let [x, y, z] = moved(self.offset, &self.around, number);
            // SAFETY: the caller's: the loops stay inside the operands, and the result overlaps nothing.
            unsafe {
                let x = addresses[0].cast::<T>().wrapping_offset(x).cast_const();
                let y = addresses[1].cast::<T>().wrapping_offset(y).cast_const();
                let z = addresses[2].cast::<T>().wrapping_offset(z);
                match &self.parts {
                    Parts::Bands(all) => {
                        self.bands(all.iter().skip(skipped).step_by(step), x, y, z)
                    }
                    Parts::Patches(patches) => self.patches(patches, x, y, z),
                }
            }
        }
    }

    /// # Safety
    /// As for [`Partial::some`], of one product.
    unsafe fn bands<'a, T: Scalar>(
        &self,
        bands: impl Iterator<Item = &'a Band> + Clone,
        x: *const T,
        y: *const T,
        z: *mut T,
    ) {
        let a = MatPtr { at: x, row: self.row.x, col: self.sum.x };
        let (k, n) = (self.sum.extent, self.column.extent);
        let (b, c) = ((y, self.sum.y), (z, self.row.z));
        // SAFETY: the caller's.
        unsafe {
            multiply_bands(self.isa, bands.clone(), n, a, b, c);
            if bands.clone().all(|band| band.terms == (0..k) && band.edge == Edge::Straight) {
                return;
            }
            let whole = bands.clone().find(|band| band.terms == (0..k) && band.columns == (0..n));
            let row = whole.map(|band| z.offset(full_row(band) as isize * c.1).cast_const());
            let is_finite = row.is_some_and(|row| all_finite(self.isa, 1, n, row, c.1))
                || all_finite(self.isa, k, n, y, b.1);
            if !is_finite {
                let straight =
                    |band: &Band| Band { terms: 0..k, edge: Edge::Straight, ..band.clone() };
                let all: Vec<Band> = bands.map(straight).collect();
                multiply_bands(self.isa, all.iter(), n, a, b, c);
            }
        }
    }

    /// # Safety
    /// As for [`Partial::some`], of one product.
    unsafe fn patches<T: Scalar>(&self, patches: &[Patch], x: *const T, y: *const T, z: *mut T) {
        let c = MatPtr { at: z, row: self.row.z, col: self.column.z };
        // SAFETY: the caller's.
        unsafe {
            for (i, j) in (0..self.row.extent as isize)
                .flat_map(|i| (0..self.column.extent as isize).map(move |j| (i, j)))
            {
                *z.offset(i * c.row + j * c.col) = T::of(0.0);
            }
            let (a, b) = ((x, self.row.x), (y, self.column.y));
            multiply_inner(self.isa, patches, self.sum.extent, a, b, c);
        }
    }
}

/// Whether a product has a small result and long sums, of which all terms count: rows, columns and terms.
pub fn is_long([m, n, k]: [usize; 3], counted: &Counted) -> bool {
    m.max(n) <= FEW && k >= LONG && counted.terms.iter().all(|terms| *terms == (0..k))
}

/// Rows that have much in common; what takes longest comes first, so that no thread begins it last.
fn bands(counted: &Counted) -> Vec<Band> {
    let all = counted.terms.len();
    let height = if all < LARGE { ROWS } else { LARGE_ROWS };
    let band = |from: usize| {
        let rows = from..(from + height).min(all);
        let terms = hull(&counted.terms[rows.clone()]);
        let edge = edge(&counted.terms[rows.clone()], &terms);
        Band { columns: hull(&counted.columns[rows.clone()]), terms, edge, rows }
    };
    let mut bands: Vec<Band> = (0..all).step_by(height).map(band).collect();
    bands.sort_by_key(|band| std::cmp::Reverse(band.multiplications()));
    bands
}

/// The edge that these terms of neighbouring rows have within their hull.
fn edge(terms: &[Range<usize>], hull: &Range<usize>) -> Edge {
    let last = terms.len() - 1;
    let is = |i: usize, start: usize, end: usize| terms[i] == (hull.start + start..hull.end - end);
    match hull.len() > last && last > 0 {
        true if (0..=last).all(|i| is(i, 0, last - i)) => Edge::Lower,
        true if (0..=last).all(|i| is(i, i, 0)) => Edge::Upper,
        _ => Edge::Straight,
    }
}

/// The row of a band of which all terms count.
fn full_row(band: &Band) -> usize {
    if band.edge == Edge::Lower { band.rows.end - 1 } else { band.rows.start }
}

/// The least range that holds all of these.
fn hull(ranges: &[Range<usize>]) -> Range<usize> {
    let some = ranges.iter().filter(|r| !r.is_empty());
    let first = some.clone().map(|r| r.start).min().unwrap_or(0);
    first..some.map(|r| r.end).max().unwrap_or(0)
}

impl Routine for Partial {
    fn name(&self) -> String {
        let (m, n, k) = (self.row.extent, self.column.extent, self.sum.extent);
        let part = (100.0 * self.part()).round();
        match self.times() {
            1 => format!("{part} % of a product {m}x{n}x{k}"),
            times => format!("{part} % of {times} products {m}x{n}x{k}"),
        }
    }

    fn pieces(&self) -> usize {
        match self.cut {
            Cut::Around(each) => self.times().div_ceil(each),
            Cut::Bands(groups) => self.times() * groups,
        }
    }

    unsafe fn run_piece(&self, piece: usize, addresses: &[*mut u8]) -> bool {
        let (around, bands) = match self.cut {
            Cut::Around(each) => (piece * each..((piece + 1) * each).min(self.times()), (0, 1)),
            Cut::Bands(groups) => {
                let (at, group) = (piece / groups, piece % groups);
                (at..at + 1, (group, groups))
            }
        };
        // SAFETY: the caller's.
        unsafe { self.some(around, bands, addresses) }
    }

    fn ways(&self) -> SmallVec<[Loops; 2]> {
        let loops = self.around.iter().chain([&self.row, &self.column, &self.sum]);
        let loops: Vec<Loop> = loops.copied().collect();
        (!self.around.is_empty()).then(|| Loop::all(&loops, self.offset, 1)).into_iter().collect()
    }

    unsafe fn run_iterations(
        &self,
        _: usize,
        (from, to): (usize, usize),
        addresses: &[*mut u8],
    ) -> bool {
        let inner = size(&self.around[1..]);
        // SAFETY: the caller's.
        unsafe { self.some(from * inner..to * inner, (0, 1), addresses) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, bands};

    #[test]
    fn bands_have_every_row_and_the_longest_comes_first() {
        let n = 200;
        let lower: Vec<_> = (0..n).map(|i| 0..i + 1).collect();
        let upper: Vec<_> = (0..n).map(|i| i..n).collect();
        let all = vec![0..n; n];
        for (terms, columns) in [(&lower, &all), (&upper, &all), (&all, &lower), (&all, &upper)] {
            let counted = Counted { loops: [0, 1], terms: terms.clone(), columns: columns.clone() };
            let bands = bands(&counted);
            let work: Vec<usize> = bands.iter().map(|band| band.multiplications()).collect();
            assert!(work.is_sorted_by(|a, b| a >= b), "{work:?}");
            let mut rows: Vec<usize> = bands.into_iter().flat_map(|band| band.rows).collect();
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..n));
        }
    }
}
