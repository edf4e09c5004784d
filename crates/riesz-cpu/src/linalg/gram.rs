//! A·Aᵀ, of which half is computed.

use super::product::{MatPtr, multiply_raw};
use super::{Scalar, turn::turn};
use crate::simd::Isa;

/// Rows of the result that are computed together.
pub const PANEL: usize = 64;
/// From this order on, half the work is worth more than one large product.
const LARGE: usize = 2 * PANEL;

/// How many panels A·Aᵀ of this order is cut in; 0 if it is better computed as any product.
pub fn gram_panels(m: usize) -> usize {
    if m < LARGE { 0 } else { m.div_ceil(PANEL) }
}

/// Panel number `panel` of C = A·Aᵀ + β·C, for β = 0 or 1 and a C that is symmetric in the second case:
/// some rows from their diagonal block on, and what mirrors them.
///
/// # Safety
/// As for [`multiply_raw`] with shape (m, m, k); C is row by row, or column by column.
pub unsafe fn multiply_gram_panel<T: Scalar>(
    isa: Isa,
    panel: usize,
    (m, k): (usize, usize),
    a: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
) {
    let first = panel * PANEL;
    let (rows, columns) = (PANEL.min(m - first), m - first);
    let distance = c.row.max(c.col);
    // SAFETY: the caller's: rows from the first on, columns from the first on, and what is beside the
    // diagonal block again with rows and columns exchanged.
    unsafe {
        let from = a.at.offset(first as isize * a.row);
        let to = c.at.offset(first as isize * (1 + distance));
        let rows_of_a = MatPtr { at: from, ..a };
        let columns_of_a = MatPtr { at: from, row: a.col, col: a.row };
        let upper = MatPtr { at: to, row: distance, col: 1 };
        let one = T::of(1.0);
        multiply_raw(isa, (rows, columns, k), one, rows_of_a, columns_of_a, beta, upper);
        let (right, below) = (to.add(rows), to.offset(rows as isize * distance));
        let distance = distance as usize;
        turn(isa, rows, columns - rows, right, distance, below, distance);
    }
}
