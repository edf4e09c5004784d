//! Small products of long sums, along which both factors lie in one piece.
//!
//! A few rows and columns do not fill vectors, but terms do: lanes are terms, and are added up at the end. What
//! the columns of a triangle need not, is not computed.

use super::product::MatPtr;
use super::tile::{Edge, Edges, Lower, Straight, Upper};
use super::vector::{Registers, Vector, some, with_registers};
#[cfg(target_arch = "x86_64")]
use crate::simd::isa::Level;
use crate::simd::real::Real;
use crate::simd::{Isa, Value};
use std::ops::Range;

/// Rows and columns of the largest patch, whose sums fill the registers: there are fewer without AVX-512.
fn side(isa: Isa) -> usize {
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => LARGE,
        _ => SMALL,
    }
}

const LARGE: usize = 5;
const SMALL: usize = 3;

/// A part of the result that is computed at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Which rows, a few.
    pub rows: Range<usize>,
    /// Which columns, as many or fewer.
    pub columns: Range<usize>,
    /// Which side of the diagonal counts, of a square; straight if both do.
    pub edge: Edge,
}

impl Patch {
    /// How many entries of the result are computed.
    pub fn entries(&self) -> usize {
        let (m, n) = (self.rows.len(), self.columns.len());
        if self.edge == Edge::Straight { m * n } else { n * (n + 1) / 2 }
    }
}

/// The patches of a result of which, row by row, these columns count.
pub fn patches(isa: Isa, counted: &[Range<usize>]) -> Vec<Patch> {
    let mut result = Vec::new();
    let mut row = 0;
    while row < counted.len() {
        let rows = row..row + height(isa, counted.len() - row);
        let some = counted[rows.clone()].iter().filter(|columns| !columns.is_empty());
        let first = some.clone().map(|columns| columns.start).min().unwrap_or(0);
        let end = some.map(|columns| columns.end).max().unwrap_or(0);
        let mut column = first;
        while column < end {
            let columns = column..column + height(isa, end - column);
            let counts =
                |i: usize, j: usize| counted[rows.start + i].contains(&(columns.start + j));
            let entries = || (0..rows.len()).flat_map(|i| (0..columns.len()).map(move |j| (i, j)));
            let edge = match rows.len() == columns.len() && rows.len() > 1 {
                true if entries().all(|(i, j)| counts(i, j) == (j <= i)) => Edge::Lower,
                true if entries().all(|(i, j)| counts(i, j) == (j >= i)) => Edge::Upper,
                _ => Edge::Straight,
            };
            if entries().any(|(i, j)| counts(i, j)) {
                result.push(Patch { rows: rows.clone(), columns: columns.clone(), edge });
            }
            column = columns.end;
        }
        row = rows.end;
    }
    result
}

/// The rows of the next patch, of so many that are left: even parts.
fn height(isa: Isa, left: usize) -> usize {
    left.div_ceil(left.div_ceil(side(isa)).max(1))
}

/// C = A·Bᵀ, where the rows of A and those of B are contiguous, at a distance, and have `k` numbers; only the
/// entries of the patches are written, of whose rows and columns there are.
///
/// # Safety
/// The rows of A and B that patches name are readable, the entries of C writable, and C overlaps neither.
pub unsafe fn multiply_inner<T: Registers>(
    isa: Isa,
    patches: &[Patch],
    k: usize,
    a: (*const T, isize),
    b: (*const T, isize),
    c: MatPtr<*mut T>,
) {
    let product = Product { k, a, b, c };
    with_registers!(isa, all::<T, 3 | 5, 2 | 4>(patches: &[Patch], product: Product<T>));
}

#[derive(Clone, Copy)]
struct Product<T> {
    k: usize,
    a: (*const T, isize),
    b: (*const T, isize),
    c: MatPtr<*mut T>,
}

/// In patches of up to `A` rows and columns; `B` and two are enough for some.
///
/// # Safety
/// As for [`multiply_inner`], on a processor that has the vectors.
#[inline(always)]
unsafe fn all<V: Vector, const A: usize, const B: usize>(patches: &[Patch], p: Product<V::Number>) {
    const { assert!((A == SMALL || A == LARGE) && B < A) };
    for patch in patches {
        let large = |n: usize| if n > B { 2 } else { usize::from(n > 2) };
        // SAFETY: the caller's.
        unsafe {
            match (large(patch.rows.len()), large(patch.columns.len()), patch.edge) {
                (2, 2, Edge::Straight) => p.patch::<V, Straight, A, A>(patch),
                (2, 1, _) => p.patch::<V, Straight, A, B>(patch),
                (2, _, Edge::Straight) => p.patch::<V, Straight, A, 2>(patch),
                (1, 2, _) => p.patch::<V, Straight, B, A>(patch),
                (1, 1, Edge::Straight) => p.patch::<V, Straight, B, B>(patch),
                (1, 0, _) => p.patch::<V, Straight, B, 2>(patch),
                (_, 2, Edge::Straight) => p.patch::<V, Straight, 2, A>(patch),
                (0, 1, _) => p.patch::<V, Straight, 2, B>(patch),
                (_, _, Edge::Straight) => p.patch::<V, Straight, 2, 2>(patch),
                (2, _, Edge::Lower) => p.patch::<V, Lower, A, A>(patch),
                (1, _, Edge::Lower) => p.patch::<V, Lower, B, B>(patch),
                (_, _, Edge::Lower) => p.patch::<V, Lower, 2, 2>(patch),
                (2, _, Edge::Upper) => p.patch::<V, Upper, A, A>(patch),
                (1, _, Edge::Upper) => p.patch::<V, Upper, B, B>(patch),
                (_, _, Edge::Upper) => p.patch::<V, Upper, 2, 2>(patch),
            }
        }
    }
}

/// Whether an entry of a patch counts.
#[inline(always)]
fn counts<E: Edges>(row: usize, column: usize) -> bool {
    match E::EDGE {
        Edge::Straight => true,
        Edge::Lower => column <= row,
        Edge::Upper => column >= row,
    }
}

impl<T: Real> Product<T> {
    /// M rows and N columns, or as many as there are: those beyond the last repeat it and are not stored.
    ///
    /// # Safety
    /// As for [`multiply_inner`].
    #[inline(always)]
    unsafe fn patch<V: Vector<Number = T>, E: Edges, const M: usize, const N: usize>(
        &self,
        patch: &Patch,
    ) {
        let (rows, columns) = (patch.rows.len(), patch.columns.len());
        // SAFETY: the caller's: these rows of A and B have k numbers, and the entries of C are there.
        unsafe {
            let mut x = [self.a.0; M];
            for (r, x) in x.iter_mut().enumerate() {
                *x = x.offset((patch.rows.start + r.min(rows - 1)) as isize * self.a.1);
            }
            let mut y = [self.b.0; N];
            for (n, y) in y.iter_mut().enumerate() {
                *y = y.offset((patch.columns.start + n.min(columns - 1)) as isize * self.b.1);
            }
            let mut sums = [[V::splat(T::of(0.0)); N]; M];
            let whole = self.k - self.k % V::LANES;
            for l in (0..whole).step_by(V::LANES) {
                add::<V, E, M, N>(&mut sums, x, y, l, V::LANES);
            }
            if whole < self.k {
                add::<V, E, M, N>(&mut sums, x, y, whole, self.k - whole);
            }
            for (r, sums) in sums.into_iter().enumerate().take(rows) {
                for (n, sum) in sums.into_iter().enumerate().take(columns) {
                    if counts::<E>(r, n) {
                        let (i, j) = (patch.rows.start + r, patch.columns.start + n);
                        let to = i as isize * self.c.row + j as isize * self.c.col;
                        *self.c.at.offset(to) = sum.sum();
                    }
                }
            }
        }
    }
}

/// Adds some terms, as many as there are lanes or fewer.
///
/// # Safety
/// They are readable in every row.
#[inline(always)]
unsafe fn add<V: Vector, E: Edges, const M: usize, const N: usize>(
    sums: &mut [[V; N]; M],
    x: [*const V::Number; M],
    y: [*const V::Number; N],
    l: usize,
    terms: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut v = [V::splat(V::Number::of(0.0)); N];
        for (v, y) in v.iter_mut().zip(y) {
            *v = some(y.add(l), terms);
        }
        for r in 0..M {
            let u: V = some(x[r].add(l), terms);
            for n in 0..N {
                if counts::<E>(r, n) {
                    sums[r][n] = u.fma(v[n], sums[r][n]);
                }
            }
        }
    }
}
