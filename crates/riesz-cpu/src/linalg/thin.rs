//! Products with few rows, few columns, or sums of few terms, and those with a small B that lies row by row.
//!
//! To copy blocks of both factors before they are multiplied costs more for these than the product, or a good
//! part of it. Here the result is computed by tiles from A as it lies, and from blocks of B, which are copied,
//! to the stack, only where the rows of B do not lie in one piece.

use super::product::{MatPtr, Strides};
use super::tile::{Entries, Even, Tiles};
use super::turn::copy;
use super::vector::Registers;
use crate::simd::Isa;
use std::mem::MaybeUninit;

/// Sums of more terms than this are cut, so that a block of B has no more rows than there are pages at hand.
const DEEP: usize = 128;
/// The columns of a block of B that is not copied.
const WIDE: usize = 256;
/// The elements of a block that is copied: half of the first cache.
const COPIED: usize = 2048;
/// The columns of such a block, where there are many.
const COPIED_WIDE: usize = 32;

/// The most rows, columns or terms of products that are thin.
const FEW: usize = 16;
/// The most columns of a B that is small: for so few, nothing is gained by a copy of A.
const NARROW: usize = 128;
/// The most rows of one: it stays in the second cache, and where its rows lie in one piece nothing is gained
/// by a copy of it.
const SMALL: usize = 256;

/// Whether a product C = A·B of m×k by k×n, for a B with these strides and a C with contiguous rows, is one
/// of these.
pub(super) fn is_thin((m, n, k): (usize, usize, usize), b: Strides) -> bool {
    m.min(n).min(k) <= FEW || b.1 == 1 && n <= NARROW && k <= SMALL
}

/// C = α·A·B + β·C for a C with contiguous rows.
///
/// # Safety
/// As for [`super::multiply_raw`], with a shape without zeros.
pub(super) unsafe fn multiply_thin<T: Registers>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    (c, ldc): (*mut T, isize),
) {
    let copied = b.col != 1;
    let (wide, deep) = match copied {
        false => (WIDE, DEEP),
        true if n <= COPIED_WIDE => (n, COPIED / n),
        // Short sums leave room for more columns.
        true => (COPIED / k.min(COPIED / COPIED_WIDE), COPIED / COPIED_WIDE),
    };
    let mut block = [const { MaybeUninit::<T>::uninit() }; COPIED];
    for j in (0..n).step_by(wide) {
        let columns = wide.min(n - j);
        for l in (0..k).step_by(deep) {
            let terms = deep.min(k - l);
            // SAFETY: the terms and columns of the block are those of A, B and C, and as many elements fit
            // where they are copied.
            unsafe {
                let from = b.at.offset(l as isize * b.row + j as isize * b.col);
                let (b, ldb) = if copied {
                    let to = block.as_mut_ptr().cast::<T>();
                    copy(isa, (terms, columns), MatPtr { at: from, ..b }, to, columns);
                    (to.cast_const(), columns as isize)
                } else {
                    (from, b.row)
                };
                let from = a.at.offset(l as isize * a.col);
                let a = Entries { at: from, rows: Even(a.row), columns: Even(a.col) };
                let beta = if l == 0 { beta } else { T::of(1.0) };
                let c = c.add(j);
                Tiles { m, n: columns, k: terms, alpha, a, b, ldb, beta, c, ldc }.run(isa);
            }
        }
    }
}
