//! Products with few rows, few columns, or sums of few terms; small ones for a B that lies row by row; and
//! those with few rows for a B that lies column by column.
//!
//! A library for large matrices copies blocks of both factors before it multiplies them, which for these
//! costs more than the product, or a good part of it. Here the result is computed by tiles from A as it
//! lies, and from blocks of B, which are copied, to the stack, only where the rows of B do not lie in one
//! piece.

use super::packing::Strides;
use super::product::MatPtr;
use super::tile::{Entries, Even, Tiles};
use super::turn::turn;
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

/// The most rows, columns and terms of products that are small: B stays in the second cache, and where its
/// rows lie in one piece nothing is gained by a copy.
const SMALL: usize = 112;

/// The rows of a block of a B that lies column by column, and the bytes of each: two vectors of the widest
/// kind.
const TURNED_DEEP: usize = 256;
const TURNED_WIDE: usize = 128;
/// The most rows and the fewest terms of products for which that is worth it: with more rows the library's
/// copies are cheap, and with fewer terms a tile takes long to begin and to store.
const TURNED_ROWS: usize = 256;
const TURNED_TERMS: usize = 128;
/// Room for each kind of block.
const BLOCK: usize = TURNED_DEEP * TURNED_WIDE / 4;

/// Whether a product C = A·B of m×k by k×n, with these strides, is one of these.
pub(super) fn is_thin(
    (m, n, k): (usize, usize, usize),
    a: Strides,
    b: Strides,
    c: Strides,
) -> bool {
    // A vector of the result lies along its rows, or along its columns: Cᵀ = Bᵀ·Aᵀ.
    let (rows, (down, across)) = if c.1 == 1 { (m, b) } else { (n, (a.1, a.0)) };
    let small = across == 1 && m.max(n).max(k) <= SMALL;
    m.min(n).min(k) <= 16 || small || is_turned((rows, k), down, across)
}

/// Whether B lies column by column, and few rows of A by B are computed.
fn is_turned((m, k): (usize, usize), down: isize, across: isize) -> bool {
    down == 1 && across != 1 && m <= TURNED_ROWS && k >= TURNED_TERMS
}

/// C = α·A·B + β·C; false, and nothing done, if neither rows nor columns of C lie in one piece.
///
/// # Safety
/// As for [`super::multiply_raw`], with k > 0.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn multiply_thin<T: Registers>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
) -> bool {
    let turned = |x: MatPtr<*const T>| MatPtr { at: x.at, row: x.col, col: x.row };
    // SAFETY: the caller's.
    unsafe {
        if c.col == 1 {
            by_rows(isa, (m, n, k), alpha, a, b, beta, (c.at, c.row));
        } else if c.row == 1 {
            by_rows(isa, (n, m, k), alpha, turned(b), turned(a), beta, (c.at, c.col));
        } else {
            return false;
        }
    }
    true
}

/// The product for C with contiguous rows, at a distance.
///
/// # Safety
/// As for [`multiply_thin`].
unsafe fn by_rows<T: Registers>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    (c, ldc): (*mut T, isize),
) {
    let (copied, side) = (b.col != 1, TURNED_WIDE / size_of::<T>());
    let (wide, deep) = match copied {
        false => (WIDE, DEEP),
        true if n > side && is_turned((m, k), b.row, b.col) => (side, TURNED_DEEP),
        true if n <= COPIED_WIDE => (n, COPIED / n),
        // Short sums leave room for more columns.
        true => (COPIED / k.min(COPIED / COPIED_WIDE), COPIED / COPIED_WIDE),
    };
    let mut block = [const { MaybeUninit::<T>::uninit() }; BLOCK];
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
                    copy(isa, (terms, columns), MatPtr { at: from, ..b }, to);
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

/// The matrix, row by row without gaps.
///
/// # Safety
/// Its entries are readable, as many are writable at `to`, and they do not overlap.
unsafe fn copy<T: Registers>(
    isa: Isa,
    (rows, columns): (usize, usize),
    from: MatPtr<*const T>,
    to: *mut T,
) {
    // SAFETY: the caller's.
    unsafe {
        if from.row == 1
            && let Ok(distance) = usize::try_from(from.col)
        {
            turn(isa, columns, rows, from.at, distance, to, columns);
            return;
        }
        for i in 0..rows {
            let row = from.at.offset(i as isize * from.row);
            for j in 0..columns {
                *to.add(i * columns + j) = *row.offset(j as isize * from.col);
            }
        }
    }
}
