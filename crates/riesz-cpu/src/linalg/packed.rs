//! Large products: both factors are copied, block by block, to where a tile reads them.
//!
//! The scheme of Goto & van de Geijn, *Anatomy of high-performance matrix multiplication* (2008): a block of
//! B lies as panels two vectors wide, a block of A as panels as high as a tile, so a tile reads one stream of
//! each from its beginning to its end, whatever the strides were. Rows that lie a power of two apart, which
//! fall into the same lines of the cache, and transposes cost the copy and nothing else. Rows of B that lie
//! near each other are read where they are.

use super::product::{MatPtr, Strides};
use super::scratch::{Scratch, room};
use super::turn::copy;
use super::vector::{Registers, Vector, with_registers};
use crate::simd::{Isa, Value};
use std::mem::MaybeUninit;

/// Bytes of a column of a block of A, and of a row of a block of B: the first stays in the second cache.
const HIGH: usize = 1536;
const WIDE: usize = 2048;
/// The terms of a block, the columns of A: enough that few sums are read again and written.
const DEEP: usize = 384;
/// Bytes from a row of B to the next up to which a tile reads them as they lie: two rows in a page, so
/// that the rows of a block have few enough pages, and lines of the cache of their own.
const NEAR: usize = 2048;
/// Rows of the largest panel of A, and bytes of a row of the widest panel of B.
const PANEL_ROWS: usize = 12;
const PANEL_BYTES: usize = 128;

/// How a product is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    rows: usize,
    columns: usize,
    terms: usize,
    /// Whether B is read as it lies, but for columns that fill no panel.
    direct: bool,
}

impl Blocks {
    /// For elements of `size` bytes, a shape without zeros, and a B with these strides.
    pub fn new(size: usize, (m, n, k): (usize, usize, usize), b: Strides) -> Blocks {
        let even =
            |n: usize, most: usize, of: usize| n.div_ceil(n.div_ceil(most)).next_multiple_of(of);
        let panel = PANEL_BYTES / size;
        Blocks {
            rows: even(m, HIGH / size, PANEL_ROWS),
            columns: even(n, WIDE / size, panel),
            terms: even(k, DEEP, 1),
            direct: lies_in_rows(size, b),
        }
    }

    /// Elements of a block of A, and of what is copied of a block of B, for elements of `size` bytes.
    fn sizes(&self, size: usize) -> [usize; 2] {
        let columns = if self.direct { PANEL_BYTES / size } else { self.columns };
        [self.rows * self.terms, columns * self.terms]
    }

    /// Bytes of scratch for a product; no more for one that is smaller in any direction.
    pub fn room(size: usize, (m, n, k): (usize, usize, usize), b: Strides) -> usize {
        let blocks = Blocks {
            rows: m.min(HIGH / size).next_multiple_of(PANEL_ROWS),
            columns: n.min(WIDE / size).next_multiple_of(PANEL_BYTES / size),
            terms: k.min(DEEP),
            ..Blocks::new(size, (m, n, k), b)
        };
        blocks.sizes(size).map(|n| room::<u8>(n * size)).iter().sum()
    }
}

/// Whether a B with these strides is read as it lies, but for columns that fill no panel.
pub fn lies_in_rows(size: usize, (row, column): Strides) -> bool {
    column == 1 && row.unsigned_abs() * size <= NEAR
}

/// C = α·A·B + β·C in packed blocks.
///
/// # Safety
/// As for [`super::multiply_raw`], with a shape without zeros; the scratch has the room of the blocks.
#[allow(clippy::too_many_arguments)]
pub(super) unsafe fn multiply_packed<T: Registers>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
    mut scratch: Scratch,
) {
    let blocks = Blocks::new(size_of::<T>(), (m, n, k), (b.row, b.col));
    let [left, right] = blocks.sizes(size_of::<T>()).map(|n| scratch.raw::<T>(n));
    let product = Product { isa, m, n, k, alpha, a, b, beta, c, blocks, left, right };
    with_registers!(isa, run::<T, 6 | 12, 4 | 8, 2 | 4>(product: Product<T>));
}

/// A product, and room for a block of each factor.
#[derive(Clone, Copy)]
struct Product<T> {
    isa: Isa,
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
    blocks: Blocks,
    left: *mut T,
    right: *mut T,
}

/// Tiles of `M` rows; those at the lower edge may have `M2` or `M1`.
///
/// # Safety
/// As for [`multiply_packed`], on a processor that has the vectors.
#[inline(always)]
unsafe fn run<V: Vector, const M: usize, const M2: usize, const M1: usize>(p: Product<V::Number>)
where
    V::Number: Registers,
{
    const {
        let lanes = V::LANES;
        // Blocks are whole panels, and `pack_columns` knows their widths.
        assert!(PANEL_ROWS.is_multiple_of(M));
        assert!((PANEL_BYTES / size_of::<V::Number>()).is_multiple_of(2 * lanes));
        assert!(matches!(lanes, 2 | 4 | 8 | 16));
    }
    let Blocks { rows, columns, terms, direct } = p.blocks;
    let panel = 2 * V::LANES;
    for j in (0..p.n).step_by(columns) {
        let n = columns.min(p.n - j);
        let near = if direct { n - n % panel } else { 0 };
        for l in (0..p.k).step_by(terms) {
            let k = terms.min(p.k - l);
            let beta = if l == 0 { p.beta } else { V::Number::of(1.0) };
            // SAFETY: the caller's: the blocks lie in the matrices, and the room is that of a block.
            unsafe {
                let from = p.b.at.offset(l as isize * p.b.row + j as isize * p.b.col);
                let rest = from.offset(near as isize * p.b.col);
                pack_columns::<V>(p.isa, (n - near, k), rest, (p.b.col, p.b.row), p.right);
                for i in (0..p.m).step_by(rows) {
                    let m = rows.min(p.m - i);
                    let a = p.a.at.offset(i as isize * p.a.row + l as isize * p.a.col);
                    pack::<V::Number, M>(p.isa, (m, k), a, (p.a.row, p.a.col), p.left);
                    let at = p.c.at.offset(i as isize * p.c.row + j as isize * p.c.col);
                    let block = Block {
                        k,
                        alpha: p.alpha,
                        beta,
                        near,
                        lying: (from, p.b.row),
                        packed: (p.right, panel as isize),
                        c: MatPtr { at, ..p.c },
                    };
                    block.tiles::<V, M, M2, M1>((m, n), p.left);
                }
            }
        }
    }
}

/// Panels of B, two vectors wide.
///
/// # Safety
/// As for [`pack`].
#[inline(always)]
unsafe fn pack_columns<V: Vector>(
    isa: Isa,
    shape: (usize, usize),
    from: *const V::Number,
    strides: Strides,
    to: *mut V::Number,
) where
    V::Number: Registers,
{
    // SAFETY: the caller's.
    unsafe {
        match V::LANES {
            2 => pack::<_, 4>(isa, shape, from, strides, to),
            4 => pack::<_, 8>(isa, shape, from, strides, to),
            8 => pack::<_, 16>(isa, shape, from, strides, to),
            _ => pack::<_, 32>(isa, shape, from, strides, to),
        }
    }
}

/// Terms that are copied for all panels before the next are.
const TOGETHER: usize = 8;

/// Copies m×k numbers, with strides from one of the `m` to the next and from one of the `k`, as panels of
/// `W` of the `m`, each for one of the `k` after the other; the last panel ends with zeros.
///
/// # Safety
/// The numbers are readable, and `k` times `m`, rounded up to whole panels, writable at `to`.
#[inline(always)]
unsafe fn pack<T: Registers, const W: usize>(
    isa: Isa,
    (m, k): (usize, usize),
    from: *const T,
    (across, down): Strides,
    to: *mut T,
) {
    let (panels, rest) = (m / W, m % W);
    // SAFETY: the caller's: whole panels, then those that are left.
    unsafe {
        if across == 1 {
            for l in (0..k).step_by(TOGETHER) {
                let terms = l..k.min(l + TOGETHER);
                for p in 0..panels {
                    for l in terms.clone() {
                        let from = from.offset(l as isize * down).add(p * W);
                        to.add((p * k + l) * W).copy_from_nonoverlapping(from, W);
                    }
                }
            }
        } else {
            for p in 0..panels {
                let from = from.offset((p * W) as isize * across);
                pack_some::<T, W>(isa, (W, k), from, (across, down), to.add(p * W * k));
            }
        }
        if rest > 0 {
            let from = from.offset((panels * W) as isize * across);
            pack_some::<T, W>(isa, (rest, k), from, (across, down), to.add(panels * W * k));
        }
    }
}

/// One panel, of `m` up to `W`.
///
/// # Safety
/// As for [`pack`].
#[inline(always)]
unsafe fn pack_some<T: Registers, const W: usize>(
    isa: Isa,
    (m, k): (usize, usize),
    from: *const T,
    (across, down): Strides,
    to: *mut T,
) {
    // SAFETY: the caller's.
    unsafe {
        copy(isa, (k, m), MatPtr { at: from, row: down, col: across }, to, W);
        for l in 0..k {
            for i in m..W {
                *to.add(l * W + i) = T::of(0.0);
            }
        }
    }
}

/// A block of the result, and what it is made from beside panels of A.
#[derive(Clone, Copy)]
struct Block<T> {
    k: usize,
    alpha: T,
    beta: T,
    /// So many columns of B are read as they lie; panels begin after them.
    near: usize,
    lying: (*const T, isize),
    packed: (*const T, isize),
    c: MatPtr<*mut T>,
}

/// The elements of the largest tile.
const TILE: usize = PANEL_ROWS * PANEL_BYTES / size_of::<f32>();

impl<T: Registers> Block<T> {
    /// All tiles: for each panel of B, the panels of A.
    ///
    /// # Safety
    /// `left` has the panels of A for m rows, and B for n columns is where it should be; the entries of the
    /// result are writable, and readable if β ≠ 0.
    #[inline(always)]
    unsafe fn tiles<V: Vector<Number = T>, const M: usize, const M2: usize, const M1: usize>(
        &self,
        (m, n): (usize, usize),
        left: *const T,
    ) {
        let panel = 2 * V::LANES;
        let mut apart = [const { MaybeUninit::<T>::uninit() }; TILE];
        for j in (0..n).step_by(panel) {
            let columns = panel.min(n - j);
            for i in (0..m).step_by(M) {
                let rows = M.min(m - i);
                let part = (rows, columns);
                // SAFETY: the caller's: the panels that begin at row i and at column j.
                unsafe {
                    let a = left.add(i * self.k);
                    let b = match j.checked_sub(self.near) {
                        None => (self.lying.0.add(j), self.lying.1),
                        Some(j) => (self.packed.0.add(j * self.k), self.packed.1),
                    };
                    let to = self.c.at.offset(i as isize * self.c.row + j as isize * self.c.col);
                    let whole = MatPtr { at: to, ..self.c };
                    // Columns that do not lie side by side are computed elsewhere first.
                    let strided = self.c.col != 1 && columns > 1;
                    let at = apart.as_mut_ptr().cast::<T>();
                    let block = match strided {
                        true => Block {
                            beta: T::of(0.0),
                            c: MatPtr { at, row: panel as isize, col: 1 },
                            ..*self
                        },
                        false => Block { c: whole, ..*self },
                    };
                    match (rows, columns > V::LANES) {
                        (r, true) if r <= M1 => block.tile::<V, M, M1, 2>(a, b, part),
                        (r, true) if r <= M2 => block.tile::<V, M, M2, 2>(a, b, part),
                        (_, true) => block.tile::<V, M, M, 2>(a, b, part),
                        (r, false) if r <= M1 => block.tile::<V, M, M1, 1>(a, b, part),
                        (r, false) if r <= M2 => block.tile::<V, M, M2, 1>(a, b, part),
                        (_, false) => block.tile::<V, M, M, 1>(a, b, part),
                    }
                    if strided {
                        spread(part, (at, panel), self.beta, whole);
                    }
                }
            }
        }
    }

    /// A tile of `R` rows and `N` vectors, of which `rows` and `columns` are stored, from a panel of `M` rows
    /// and rows of B two vectors wide at a distance.
    ///
    /// # Safety
    /// As for [`Block::tiles`]; columns of the result lie side by side.
    #[inline(always)]
    unsafe fn tile<V: Vector<Number = T>, const M: usize, const R: usize, const N: usize>(
        &self,
        mut a: *const T,
        (mut b, distance): (*const T, isize),
        (rows, columns): (usize, usize),
    ) {
        // SAFETY: the caller's.
        unsafe {
            for r in 0..rows {
                let to = self.c.at.wrapping_offset(r as isize * self.c.row);
                for n in 0..N {
                    V::prefetch(to.wrapping_add(n * V::LANES));
                }
            }
            let mut sums = [[V::splat(T::of(0.0)); N]; R];
            for _ in 0..self.k {
                let mut v = [V::splat(T::of(0.0)); N];
                for (n, v) in v.iter_mut().enumerate() {
                    *v = V::load(b.add(n * V::LANES));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = V::splat(*a.add(r));
                    for n in 0..N {
                        sums[n] = x.fma(v[n], sums[n]);
                    }
                }
                (a, b) = (a.add(M), b.wrapping_offset(distance));
            }
            let read = self.beta != T::of(0.0);
            let (alpha, beta) = (V::splat(self.alpha), V::splat(self.beta));
            let zero = V::splat(T::of(0.0));
            let last = columns - (N - 1) * V::LANES;
            for (r, sums) in sums.into_iter().enumerate().take(rows) {
                let to = self.c.at.offset(r as isize * self.c.row);
                for (n, sum) in sums.into_iter().enumerate() {
                    let to = to.add(n * V::LANES);
                    let lanes = if n + 1 < N { V::LANES } else { last };
                    let old = if read { beta.fma(V::load_first(to, lanes), zero) } else { zero };
                    alpha.fma(sum, old).store_first(to, lanes);
                }
            }
        }
    }
}

/// C = A + β·C for entries at a distance from each other; A is row by row.
///
/// # Safety
/// The entries of A are readable, those of C writable, and readable if β ≠ 0.
unsafe fn spread<T: Registers>(
    (rows, columns): (usize, usize),
    (from, distance): (*const T, usize),
    beta: T,
    c: MatPtr<*mut T>,
) {
    for i in 0..rows {
        for j in 0..columns {
            // SAFETY: the caller's.
            unsafe {
                let to = c.at.offset(i as isize * c.row + j as isize * c.col);
                let new = *from.add(i * distance + j);
                *to = if beta == T::of(0.0) { new } else { new + beta * *to };
            }
        }
    }
}
