//! A·Aᵀ, of which half is computed.

use super::product::{MatPtr, Strides, multiply_raw, multiply_raw_room};
use super::scratch::Scratch;
use super::tile::{Entries, Even, Tiles};
use super::{Scalar, turn::turn};
use crate::simd::Isa;

/// Rows of the result that are computed together; of a small one it is a band, as a few panels cannot be
/// divided evenly.
const PANEL: usize = 64;
/// The largest order that is small.
const SMALL: usize = 3 * PANEL;
/// From this order on, half the work is worth more than one large product.
const LARGE: usize = 40;
/// Rows of a symmetric result that are computed together by tiles: what is beyond the diagonal is for
/// nothing.
pub const BAND: usize = 24;
/// Bytes of A that stay in the second cache, from which tiles are computed.
const CACHE: usize = 3 << 18;
/// Sums of fewer terms are not worth reading and writing the result.
const SHORTEST: usize = 64;

/// How many panels A·Aᵀ of this order is cut in; 0 if it is better computed as any product.
pub fn gram_panels(m: usize) -> usize {
    if m < LARGE { 0 } else { m.div_ceil(panel_rows(m)) }
}

/// How many rows a panel has.
fn panel_rows(m: usize) -> usize {
    if (PANEL + 1..=SMALL).contains(&m) { BAND } else { PANEL }
}

/// Whether panels are computed by tiles, and then from how many columns of A at a time: the rows of Aᵀ lie
/// in one piece, and enough of them stay in the cache.
fn tiled(size: usize, (m, k): (usize, usize), a: Strides) -> Option<usize> {
    let deep = CACHE / (size * m.max(1));
    (k > 0 && a.0 == 1 && deep >= SHORTEST).then_some(deep)
}

/// Bytes of scratch for a panel, for elements of `size` bytes.
pub fn gram_room(size: usize, (m, k): (usize, usize), a: Strides, c: Strides) -> usize {
    match tiled(size, (m, k), a) {
        Some(_) => 0,
        None => {
            let upper = (c.0.max(c.1), 1);
            multiply_raw_room(size, (panel_rows(m).min(m), m, k), a, (a.1, a.0), upper)
        }
    }
}

/// Panel number `panel` of C = A·Aᵀ + β·C, for β = 0 or 1 and a C that is symmetric in the second case:
/// some rows from their diagonal block on, and what mirrors them.
///
/// # Safety
/// As for [`multiply_raw`] with shape (m, m, k); C is row by row, or column by column.
///
/// # Panics
/// If there is less scratch than [`gram_room`] says.
pub unsafe fn multiply_gram_panel<T: Scalar>(
    isa: Isa,
    panel: usize,
    (m, k): (usize, usize),
    a: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
    scratch: Scratch,
) {
    let first = panel * panel_rows(m);
    let (rows, columns) = (panel_rows(m).min(m - first), m - first);
    let distance = c.row.max(c.col);
    if let Some(deep) = tiled(size_of::<T>(), (m, k), (a.row, a.col)) {
        // SAFETY: the caller's.
        return unsafe { by_tiles(isa, (first, rows), (m, k), deep, a, beta, c) };
    }
    // SAFETY: the caller's: rows from the first on, columns from the first on, and what is beside the
    // diagonal block again with rows and columns exchanged.
    unsafe {
        // Without columns A has no such row.
        let from = a.at.wrapping_offset(first as isize * a.row);
        let to = c.at.offset(first as isize * (1 + distance));
        let rows_of_a = MatPtr { at: from, ..a };
        let columns_of_a = MatPtr { at: from, row: a.col, col: a.row };
        let upper = MatPtr { at: to, row: distance, col: 1 };
        let one = T::of(1.0);
        multiply_raw(isa, (rows, columns, k), one, rows_of_a, columns_of_a, beta, upper, scratch);
        let (right, below) = (to.add(rows), to.offset(rows as isize * distance));
        let distance = distance as usize;
        turn(isa, rows, columns - rows, right, distance, below, distance);
    }
}

/// Rows first … first + rows by bands, each from its diagonal block on, `deep` terms of the sums at a time.
///
/// # Safety
/// As for [`multiply_gram_panel`], with contiguous columns of A.
unsafe fn by_tiles<T: Scalar>(
    isa: Isa,
    (first, rows): (usize, usize),
    (m, k): (usize, usize),
    deep: usize,
    a: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
) {
    let distance = c.row.max(c.col);
    let bands = || (first..first + rows).step_by(BAND).map(|i| (i, BAND.min(first + rows - i)));
    for l in (0..k).step_by(deep) {
        for (i, rows) in bands() {
            // SAFETY: the caller's: rows and columns from i on, terms from l on.
            unsafe {
                let from = a.at.offset(i as isize + l as isize * a.col);
                Tiles {
                    m: rows,
                    n: m - i,
                    k: deep.min(k - l),
                    alpha: T::of(1.0),
                    a: Entries { at: from, rows: Even(1), columns: Even(a.col) },
                    b: from,
                    ldb: a.col,
                    beta: if l == 0 { beta } else { T::of(1.0) },
                    c: c.at.offset(i as isize * (1 + distance)),
                    ldc: distance,
                }
                .run(isa);
            }
        }
    }
    for (i, rows) in bands() {
        // SAFETY: the caller's: what is right of the diagonal block, and what mirrors it.
        unsafe {
            let block = c.at.offset(i as isize * (1 + distance));
            let (right, below) = (block.add(rows), block.offset(rows as isize * distance));
            let distance = distance as usize;
            turn(isa, rows, m - i - rows, right, distance, below, distance);
        }
    }
}
