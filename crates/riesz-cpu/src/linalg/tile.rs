//! Products whose result is computed tile by tile in registers, from operands as they lie.
//!
//! C = α·A·B + β·C where the rows of B and C are contiguous. Entries of A are read one by one, from
//! anywhere: A(i, l) lies at the sum of an offset for i and one for l, so that A may be transposed, or the
//! patches of a picture that a convolution multiplies. Nothing is packed: best for operands that fit the
//! second cache, which is what blocked algorithms are made of; for more there is `packed`.

use super::vector::{Registers, Vector};
#[cfg(target_arch = "x86_64")]
use crate::simd::isa::Level;
use crate::simd::{Isa, Value};
use std::ops::Range;

/// The offsets along one side of a matrix.
pub(super) trait Steps: Copy {
    /// The offset of number `i`.
    ///
    /// # Safety
    /// `i` is below the length of that side.
    unsafe fn at(self, i: usize) -> isize;
}

/// The same distance from each to the next.
#[derive(Clone, Copy)]
pub(super) struct Even(pub isize);

impl Steps for Even {
    #[inline(always)]
    unsafe fn at(self, i: usize) -> isize {
        self.0 * i as isize
    }
}

/// A matrix that is read entry by entry: (i, l) lies at `at + rows(i) + columns(l)`.
#[derive(Clone, Copy)]
pub(super) struct Entries<T, R, C> {
    pub at: *const T,
    pub rows: R,
    pub columns: C,
}

/// Which terms of the rows count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// All of them, in every row.
    Straight,
    /// In the last row all, in the one before it all but the last, and so on: a lower triangle ends there.
    Lower,
    /// In the first row all, in the next all but the first, and so on: an upper triangle begins there.
    Upper,
}

/// The edges of [`Edge`], each a type.
pub(super) trait Edges: Copy {
    const EDGE: Edge;
}

macro_rules! edges {
    ($($name:ident),*) => {$(
        #[derive(Clone, Copy)]
        pub(super) struct $name;
        impl Edges for $name {
            const EDGE: Edge = Edge::$name;
        }
    )*};
}
edges!(Straight, Lower, Upper);

/// Tiles of more rows do not follow an edge: A is zero beyond it, so to multiply there is right, and short code.
const FOLLOWS: usize = 4;

/// A product C = α·A·B + β·C of m×k by k×n; C is not read if β = 0.
#[derive(Clone, Copy)]
pub(super) struct Tiles<T, R, C> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub alpha: T,
    pub a: Entries<T, R, C>,
    pub b: *const T,
    /// From one row of B to the next.
    pub ldb: isize,
    pub beta: T,
    pub c: *mut T,
    /// From one row of C to the next.
    pub ldc: isize,
}

impl<T: Registers, R: Steps, C: Steps> Tiles<T, R, C> {
    /// Computes the product.
    ///
    /// # Safety
    /// The entries of A and B are readable, those of C writable, and readable if β ≠ 0; C overlaps
    /// neither A nor B, nor itself.
    pub unsafe fn run(self, isa: Isa) {
        // SAFETY: the caller's.
        unsafe { self.run_to::<Straight>(isa) }
    }

    /// Computes the product of an A with an edge, beyond which it is zero.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; if there is an edge, k ≥ m.
    pub unsafe fn run_along(self, isa: Isa, edge: Edge) {
        // SAFETY: the caller's.
        unsafe {
            match edge {
                Edge::Straight => self.run_to::<Straight>(isa),
                Edge::Lower => self.run_to::<Lower>(isa),
                Edge::Upper => self.run_to::<Upper>(isa),
            }
        }
    }

    #[inline(always)]
    unsafe fn run_to<E: Edges>(self, isa: Isa) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
        unsafe fn avx512<T: Registers, R: Steps, C: Steps, E: Edges>(p: Tiles<T, R, C>) {
            // SAFETY: the caller's.
            unsafe { p.rows::<T::Avx512, E, 12, 4>() }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<T: Registers, R: Steps, C: Steps, E: Edges>(p: Tiles<T, R, C>) {
            // SAFETY: the caller's.
            unsafe { p.rows::<T::Avx2, E, 6, 2>() }
        }
        // SAFETY: an `Isa` exists only for instructions this processor has; the rest is the caller's.
        unsafe {
            match isa.level() {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512::<T, R, C, E>(self),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2::<T, R, C, E>(self),
                _ => self.rows::<T::Baseline, E, 4, 2>(),
            }
        }
    }

    /// `M` rows at a time, then `F`, and one or two that are left by themselves: the rows of C are written
    /// from end to end, and B is read again for each block of them, from the second cache.
    #[inline(always)]
    unsafe fn rows<V: Vector<Number = T>, E: Edges, const M: usize, const F: usize>(self) {
        let mut i = 0;
        // SAFETY: the rows from i on are below m.
        unsafe {
            while i + M <= self.m || self.m - i > 2 * F {
                self.columns::<V, E, M>(i);
                i += M.min(self.m - i);
            }
            while i + 2 < self.m {
                self.wide_columns::<V, E, F>(i);
                i += F.min(self.m - i);
            }
            if i < self.m {
                self.wide_columns::<V, E, 2>(i);
            }
        }
    }

    /// Four vectors of columns at a time, or the last ones: for few rows, whose sums are few.
    #[inline(always)]
    unsafe fn wide_columns<V: Vector<Number = T>, E: Edges, const M: usize>(&self, i: usize) {
        let mut j = 0;
        while j < self.n {
            let left = self.n - j;
            let vectors = left.div_ceil(V::LANES).min(4);
            let last = (left - (vectors - 1) * V::LANES).min(V::LANES);
            // SAFETY: the columns from j on are below n.
            unsafe {
                match vectors {
                    4 => self.tile::<V, E, M, 4>(i, j, last),
                    3 => self.tile::<V, E, M, 3>(i, j, last),
                    2 => self.tile::<V, E, M, 2>(i, j, last),
                    _ => self.tile::<V, E, M, 1>(i, j, last),
                }
            }
            j += vectors * V::LANES;
        }
    }

    /// Two vectors of columns at a time, or the last one.
    #[inline(always)]
    unsafe fn columns<V: Vector<Number = T>, E: Edges, const M: usize>(&self, i: usize) {
        let mut j = 0;
        while j < self.n {
            let left = self.n - j;
            // SAFETY: the columns from j on are below n.
            unsafe {
                if left > V::LANES {
                    self.tile::<V, E, M, 2>(i, j, (left - V::LANES).min(V::LANES));
                } else {
                    self.tile::<V, E, M, 1>(i, j, left);
                }
            }
            j += 2 * V::LANES;
        }
    }

    /// M rows from row i on, or as many as there are: rows beyond the last repeat it and are not stored; N
    /// vectors of columns from column j on, of the last of which `last` lanes count.
    #[inline(always)]
    unsafe fn tile<V: Vector<Number = T>, E: Edges, const M: usize, const N: usize>(
        &self,
        i: usize,
        j: usize,
        last: usize,
    ) {
        let rows = M.min(self.m - i);
        // SAFETY: rows i … i + rows are below m, l < k, and the lanes are those of columns below n.
        unsafe {
            let mut row = [self.a.at; M];
            for (r, row) in row.iter_mut().enumerate() {
                *row = self.a.at.offset(self.a.rows.at(i + r.min(rows - 1)));
            }
            let read = self.beta != T::of(0.0);
            if read {
                for r in 0..rows {
                    let to = self.c.wrapping_add(j).wrapping_offset((i + r) as isize * self.ldc);
                    for n in 0..N {
                        V::prefetch(to.wrapping_add(n * V::LANES));
                    }
                }
            }
            let mut sums = [[V::splat(T::of(0.0)); N]; M];
            let Range { start, end } = self.common_terms::<E, M>(i, rows);
            let b = self.b.add(j);
            let term = |l: usize| (b.wrapping_offset(l as isize * self.ldb), self.a.columns.at(l));
            if E::EDGE == Edge::Upper && M <= FOLLOWS {
                for t in 0..M {
                    if t < rows {
                        let (b, column) = term(start - rows + t);
                        add::<V, M, N>(&mut sums, (0, t + 1), row, column, b, last);
                    }
                }
            }
            let mut at = b.wrapping_offset(start as isize * self.ldb);
            for l in start..end {
                add::<V, M, N>(&mut sums, (0, M), row, self.a.columns.at(l), at, last);
                at = at.wrapping_offset(self.ldb);
            }
            if E::EDGE == Edge::Lower && M <= FOLLOWS {
                for t in 0..M {
                    if t < rows {
                        let (b, column) = term(end + t);
                        add::<V, M, N>(&mut sums, (t, M), row, column, b, last);
                    }
                }
            }
            let (alpha, beta) = (V::splat(self.alpha), V::splat(self.beta));
            let zero = V::splat(T::of(0.0));
            for (r, sums) in sums.into_iter().enumerate().take(rows) {
                let to = self.c.add(j).offset((i + r) as isize * self.ldc);
                for (n, sum) in sums.into_iter().enumerate() {
                    let to = to.add(n * V::LANES);
                    let lanes = if n + 1 < N { V::LANES } else { last };
                    let old = if read { beta.fma(V::load_first(to, lanes), zero) } else { zero };
                    alpha.fma(sum, old).store_first(to, lanes);
                }
            }
        }
    }

    /// The terms that count in all rows of a tile, those from row i on.
    #[inline(always)]
    fn common_terms<E: Edges, const M: usize>(&self, i: usize, rows: usize) -> Range<usize> {
        let edge = if M <= FOLLOWS { rows } else { 0 };
        match E::EDGE {
            Edge::Straight => 0..self.k,
            Edge::Lower => 0..self.k - self.m + i + rows - edge,
            Edge::Upper => i + edge..self.k,
        }
    }
}

/// Adds a term to the sums of some rows of a tile.
///
/// # Safety
/// The entries of A that `row` and `column` name are readable, and the numbers of B that the lanes are.
#[inline(always)]
unsafe fn add<V: Vector, const M: usize, const N: usize>(
    sums: &mut [[V; N]; M],
    (from, to): (usize, usize),
    row: [*const V::Number; M],
    column: isize,
    b: *const V::Number,
    last: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut v = [V::splat(V::Number::of(0.0)); N];
        for (n, v) in v.iter_mut().enumerate() {
            let at = b.add(n * V::LANES);
            *v = if n + 1 < N { V::load(at) } else { V::load_first(at, last) };
        }
        for r in 0..M {
            if (from..to).contains(&r) {
                let x = V::splat(*row[r].offset(column));
                for n in 0..N {
                    sums[r][n] = x.fma(v[n], sums[r][n]);
                }
            }
        }
    }
}
