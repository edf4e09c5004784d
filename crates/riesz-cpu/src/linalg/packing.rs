//! What the matrix library allocates for a product: copies of operands that do not lie as its kernels
//! read them. It decides by itself; this follows its rules, so that memory is known before a run.

use super::thin::is_thin;
use crate::simd::Isa;

/// The strides of a matrix, in elements, from row to row and from column to column.
pub type Strides = (isize, isize);

/// The columns of the first operand that are packed at a time.
const DEPTH: usize = 512;
/// Bytes of the second-level cache, in which blocks of packed rows stay.
const CACHE: usize = 1 << 20;

/// About how many bytes the library allocates during a product C = A·B of this shape, for elements of
/// `size` bytes.
pub fn packed_bytes(
    size: usize,
    (m, n, k): (usize, usize, usize),
    a: Strides,
    b: Strides,
    c: Strides,
) -> usize {
    if m <= 1 || n <= 1 || k <= 2 || is_thin((m, n, k), a, b, c) {
        return 0;
    }
    // Kernels write columns; a result row by row is that of Bᵀ·Aᵀ.
    let by_rows = c.1.unsigned_abs() < c.0.unsigned_abs();
    let (m, n, left, right) = if by_rows { (n, m, b.1, a.1) } else { (m, n, a.0, b.0) };
    // The library looks at the processor itself, whatever instructions we are to use.
    let wide = Isa::available().any(|isa| isa.name() == "avx512");
    let lanes = if wide { 64 } else { 32 } / size;
    let (rows, depth) = (3 * lanes, k.min(DEPTH));
    let packs_left = m <= 2 * (CACHE / size / depth) && (m % lanes != 0 || left != 1);
    let packs_right = m > if right == 1 { 128 * rows } else { 2 * rows };
    let left = if packs_left { m.next_multiple_of(rows) } else { 0 };
    let right = if packs_right { n.next_multiple_of(lanes) } else { 0 };
    size * depth * (left + right)
}
