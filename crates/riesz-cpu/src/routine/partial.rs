//! Products of matrices of which a part is known to be zero, or not read: triangles, and gradients by them.
//!
//! Zero times infinity is no number. So terms are left out only where the second factor is finite. That is
//! seen from a row of the result that leaves none out: were one of its terms not finite, nor were it. Only
//! if it is not does the factor itself have to be looked at.

use super::product::{Loop, PIECE, moved, size};
use crate::linalg::{Band, MatPtr, Scalar, all_finite, multiply_bands};
use crate::nest::{Loops, Routine, TOGETHER};
use crate::simd::Isa;
use riesz_core::DType;
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

/// A product of tensors, Σ x·y, row by row in bands.
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
    bands: Vec<Band>,
    cut: Cut,
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

impl Partial {
    /// The product over `loops`, for operands that begin at `offset`; none if it is better computed whole.
    /// The columns have to lie beside each other in y and in the result.
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
        let rows = if row.extent < LARGE { ROWS } else { LARGE_ROWS };
        let bands: Vec<Band> = (0..row.extent)
            .step_by(rows)
            .map(|from| {
                let rows = from..(from + rows).min(row.extent);
                let terms = hull(&counted.terms[rows.clone()]);
                Band { columns: hull(&counted.columns[rows.clone()]), terms, rows }
            })
            .collect();
        let whole = row.extent * column.extent * sum.extent;
        let mut product =
            Partial { dtype, isa, offset, row, column, sum, around, bands, cut: Cut::Around(1) };
        let each = product.each();
        let fits = column.y == 1 && column.z == 1 && dtype.is_float();
        if !fits || whole < SMALL || each > whole - whole / 5 {
            return None;
        }
        if product.times() < TOGETHER && each >= PIECE {
            product.cut = Cut::Bands(product.bands.len().min(TOGETHER));
        } else {
            product.cut = Cut::Around((PIECE / each.max(1)).max(1));
        }
        Some(product)
    }

    /// The multiplications of one product of matrices.
    fn each(&self) -> usize {
        self.bands.iter().map(|b| b.rows.len() * b.terms.len() * b.columns.len()).sum()
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
                let x = addresses[0].cast::<T>().offset(x).cast_const();
                let y = addresses[1].cast::<T>().offset(y).cast_const();
                let z = addresses[2].cast::<T>().offset(z);
                let a = MatPtr { at: x, row: self.row.x, col: self.sum.x };
                let bands = || self.bands.iter().skip(skipped).step_by(step);
                let (k, n) = (self.sum.extent, self.column.extent);
                let (b, c) = ((y, self.sum.y), (z, self.row.z));
                multiply_bands(self.isa, bands(), n, a, b, c);
                if bands().all(|band| band.terms == (0..k)) {
                    continue;
                }
                let whole = bands().find(|band| band.terms == (0..k) && band.columns == (0..n));
                let row = whole.map(|band| z.offset(band.rows.start as isize * c.1).cast_const());
                let is_finite = row.is_some_and(|row| all_finite(self.isa, 1, n, row, c.1))
                    || all_finite(self.isa, k, n, y, b.1);
                if !is_finite {
                    let all: Vec<Band> =
                        bands().map(|band| Band { terms: 0..k, ..band.clone() }).collect();
                    multiply_bands(self.isa, all.iter(), n, a, b, c);
                }
            }
        }
    }
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

    fn loops(&self) -> Option<Loops> {
        let loops = self.around.iter().chain([&self.row, &self.column, &self.sum]);
        let loops: Vec<Loop> = loops.copied().collect();
        (!self.around.is_empty()).then(|| Loop::all(&loops, self.offset))
    }

    unsafe fn run_iterations(&self, (from, to): (usize, usize), addresses: &[*mut u8]) -> bool {
        let inner = size(&self.around[1..]);
        // SAFETY: the caller's.
        unsafe { self.some(from * inner..to * inner, (0, 1), addresses) }
    }
}
