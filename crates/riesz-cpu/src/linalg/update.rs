//! What a factorisation tells the matrix to the right of a panel: rows of U, and C −= A·B below them.
//!
//! Few terms to a sum, so that reading and writing C counts: sums begin with C in registers and end there.
//! The columns of A are contiguous, as in a panel, the rows of B and C as in the matrix.

// Index loops over arrays are what the compiler keeps in registers.
#![allow(clippy::needless_range_loop)]

use super::vector::{Registers, Vector, put, some, with_registers};
use crate::simd::{Isa, Value};

/// Rows of another matrix, `ld` apart: row i is number `order[i]` there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<T> {
    pub at: *const T,
    pub ld: usize,
    pub order: *const usize,
}

/// m×n sums of k terms each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update<T> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// Column l of A begins at `a + l·lda`.
    pub a: *const T,
    pub lda: usize,
    /// Row l of B begins at `b + l·ldb`.
    pub b: *const T,
    pub ldb: usize,
    /// Row i of C begins at `c + i·ldc`.
    pub c: *mut T,
    pub ldc: usize,
    /// What A·B is subtracted from, if it is not yet in C.
    pub from: Option<Rows<T>>,
}

impl<T: Registers> Update<T> {
    /// C −= A·B, or C = (those rows) − A·B.
    ///
    /// # Safety
    /// A, B and the other rows are readable, C is writable and overlaps none of them.
    pub unsafe fn run(self, isa: Isa) {
        let update = self;
        with_registers!(isa, all_rows::<T, 6 | 12, 2 | 4>(update: Update<T>))
    }
}

/// M rows at a time and two vectors of columns; of the last rows fewer, and F vectors.
#[inline(always)]
unsafe fn all_rows<V: Vector, const M: usize, const F: usize>(u: Update<V::Number>) {
    let mut i = 0;
    // SAFETY: the rows from i on are below m.
    unsafe {
        while u.m - i >= M {
            rows::<V, M, 2>(&u, i);
            i += M;
        }
        if M > 8 && u.m - i >= 8 {
            rows::<V, 8, 2>(&u, i);
            i += 8;
        }
        if u.m - i >= 4 {
            rows::<V, 4, F>(&u, i);
            i += 4;
        }
        if u.m - i >= 2 {
            rows::<V, 2, 4>(&u, i);
            i += 2;
        }
        if u.m - i >= 1 {
            rows::<V, 1, 4>(&u, i);
        }
    }
}

/// M rows from row i on, N vectors of columns at a time.
#[inline(always)]
unsafe fn rows<V: Vector, const M: usize, const N: usize>(u: &Update<V::Number>, i: usize) {
    let mut j = 0;
    while j < u.n {
        let left = u.n - j;
        let vectors = left.div_ceil(V::LANES).min(N);
        let last = (left - (vectors - 1) * V::LANES).min(V::LANES);
        // SAFETY: M rows from i on, and these columns.
        unsafe {
            match vectors {
                4 if N >= 4 => tile::<V, M, 4>(u, i, j, last),
                3 if N >= 3 => tile::<V, M, 3>(u, i, j, last),
                2 => tile::<V, M, 2>(u, i, j, last),
                _ => tile::<V, M, 1>(u, i, j, last),
            }
        }
        j += N * V::LANES;
    }
}

/// M rows from row i on, N vectors of columns from column j on, of the last of which `last` lanes count.
#[inline(always)]
unsafe fn tile<V: Vector, const M: usize, const N: usize>(
    u: &Update<V::Number>,
    i: usize,
    j: usize,
    last: usize,
) {
    let zero = V::Number::of(0.0);
    // SAFETY: the caller's: rows below m, lanes of columns below n, terms below k.
    unsafe {
        let c = u.c.add(i * u.ldc + j);
        let mut sums = [[V::splat(zero); N]; M];
        for r in 0..M {
            let row = match u.from {
                None => c.add(r * u.ldc).cast_const(),
                Some(rows) => rows.at.add(*rows.order.add(i + r) * rows.ld + j),
            };
            for n in 0..N {
                let from = row.add(n * V::LANES);
                sums[r][n] = if n + 1 < N { V::load(from) } else { some::<V>(from, last) };
            }
        }
        let (mut a, mut b) = (u.a.add(i), u.b.add(j));
        for _ in 0..u.k {
            let mut v = [V::splat(zero); N];
            for n in 0..N {
                let from = b.add(n * V::LANES);
                v[n] = if n + 1 < N { V::load(from) } else { V::load_first(from, last) };
            }
            for r in 0..M {
                let x = V::splat(*a.add(r));
                for n in 0..N {
                    sums[r][n] = x.fnma(v[n], sums[r][n]);
                }
            }
            (a, b) = (a.wrapping_add(u.lda), b.wrapping_add(u.ldb));
        }
        for r in 0..M {
            for n in 0..N {
                let to = c.add(r * u.ldc + n * V::LANES);
                if n + 1 < N { sums[r][n].store(to) } else { put::<V>(sums[r][n], to, last) }
            }
        }
    }
}

/// Rows of U to the right of a panel: X := L⁻¹·X for the unit lower triangle in the panel's first rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upper<T> {
    /// How many rows X has.
    pub k: usize,
    /// How many columns X has.
    pub n: usize,
    /// Column j of L begins at `l + j·ldl`.
    pub l: *const T,
    pub ldl: usize,
    /// Row i of X begins at `x + i·ldx`.
    pub x: *mut T,
    pub ldx: usize,
}

impl<T: Registers> Upper<T> {
    /// X := L⁻¹·X.
    ///
    /// # Safety
    /// L is readable, X writable, and they do not overlap.
    pub unsafe fn run(self, isa: Isa) {
        let mut rest = self;
        while rest.k > 0 {
            // The first rows of X, then what is below them.
            let known = with_registers!(isa, first_rows::<T, 8 | 16>(rest: Upper<T>) -> usize);
            let diagonal = known * (rest.ldl + 1);
            let below = Upper {
                k: rest.k - known,
                l: rest.l.wrapping_add(diagonal),
                x: rest.x.wrapping_add(known * rest.ldx),
                ..rest
            };
            let update = Update {
                m: below.k,
                n: rest.n,
                k: known,
                a: rest.l.wrapping_add(known),
                lda: rest.ldl,
                b: rest.x,
                ldb: rest.ldx,
                c: below.x,
                ldc: rest.ldx,
                from: None,
            };
            // SAFETY: the caller's: rows and columns of L, and rows of X.
            unsafe { update.run(isa) };
            rest = below;
        }
    }
}

/// The first rows, as many as fill registers, or half as many as long as that is too many; gives how many.
#[inline(always)]
unsafe fn first_rows<V: Vector, const R: usize>(u: Upper<V::Number>) -> usize {
    // SAFETY: the caller's: no more rows than there are.
    unsafe {
        match u.k {
            k if k >= R => triangle::<V, R>(u),
            k if k >= 8 => triangle::<V, 8>(u),
            k if k >= 4 => triangle::<V, 4>(u),
            k if k >= 2 => triangle::<V, 2>(u),
            _ => 1,
        }
    }
}

/// The first R rows, a vector of columns after the other.
#[inline(always)]
unsafe fn triangle<V: Vector, const R: usize>(u: Upper<V::Number>) -> usize {
    let mut j = 0;
    while j < u.n {
        let lanes = V::LANES.min(u.n - j);
        // SAFETY: the caller's: R rows of X, in columns below n, and the triangle of L beside them.
        unsafe {
            let at = u.x.add(j);
            let mut x = [V::splat(V::Number::of(0.0)); R];
            for r in 0..R {
                x[r] = some::<V>(at.add(r * u.ldx), lanes);
            }
            // Written out, or the compiler keeps the rows in memory.
            macro_rules! told {
                ($($c:literal)*) => {
                    $(
                        let column = u.l.wrapping_add($c * u.ldl);
                        for r in $c + 1..R {
                            x[r] = V::splat(*column.add(r)).fnma(x[$c], x[r]);
                        }
                    )*
                };
            }
            told!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
            for r in 1..R {
                put::<V>(x[r], at.add(r * u.ldx), lanes);
            }
        }
        j += V::LANES;
    }
    R
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between −1 and 1 that follow no pattern, from a place of their own in one long list.
    fn numbers<T: Value<Base = T>>(count: usize, place: usize) -> Vec<T> {
        (0..count).map(|i| T::of(((i + place) as f64 * 12.9898).sin())).collect()
    }

    /// Lines of such numbers, `ld` apart, with NaN between them, and nothing after the last.
    fn lines<T: Value<Base = T>>(count: usize, len: usize, ld: usize, place: usize) -> Vec<T> {
        let mut lines = numbers(count.max(1) * ld, place);
        (0..lines.len()).filter(|i| i % ld >= len).for_each(|i| lines[i] = T::NAN);
        lines.truncate(lines.len() - (ld - len));
        lines
    }

    /// How far from what is right a result may be, of sums that are not large.
    fn tolerance<T>() -> f64 {
        if size_of::<T>() == 8 { 1e-12 } else { 1e-4 }
    }

    fn check_update<T: Registers>(isa: Isa, (m, n, k): (usize, usize, usize), gathered: bool) {
        let (lda, ldb, ldc, ld) = (m + 3, n + 2, n + 5, n + 1);
        let (a, b) = (lines::<T>(k, m, lda, 3), lines::<T>(k, n, ldb, 1009));
        let other = lines::<T>(m, n, ld, 4001);
        let order: Vec<usize> = (0..m).rev().collect();
        let before = numbers::<T>((m + 1) * ldc, 7001);
        let mut c = before.clone();
        let rows = Rows { at: other.as_ptr(), ld, order: order.as_ptr() };
        let (at, from) = (c.as_mut_ptr(), gathered.then_some(rows));
        let (a_at, b_at) = (a.as_ptr(), b.as_ptr());
        let update = Update { m, n, k, a: a_at, lda, b: b_at, ldb, c: at, ldc, from };
        // SAFETY: matrices that are so large.
        unsafe { update.run(isa) };
        for i in 0..=m {
            for j in 0..ldc {
                let (now, old) = (c[i * ldc + j].wide(), before[i * ldc + j].wide());
                if i == m || j >= n {
                    assert_eq!(now, old, "beyond the end");
                    continue;
                }
                let first = if gathered { other[order[i] * ld + j].wide() } else { old };
                let term = |l: usize| a[l * lda + i].wide() * b[l * ldb + j].wide();
                let want = (0..k).fold(first, |sum, l| sum - term(l));
                let error = (now - want).abs();
                assert!(error < tolerance::<T>(), "{m}×{n}, {k}: ({i}, {j}) {now} {want}");
            }
        }
    }

    fn check_upper<T: Registers>(isa: Isa, k: usize, n: usize) {
        let (ldl, ldx) = (k + 2, n + 3);
        // Small, so that the solution is not large; what is not below the diagonal is not read.
        let mut l = lines::<T>(k, k, ldl, 5);
        for i in 0..l.len() {
            l[i] = if i % ldl > i / ldl { l[i] * T::of(0.25) } else { T::NAN };
        }
        let before = numbers::<T>(k * ldx, 505);
        let mut x = before.clone();
        let upper = Upper { k, n, l: l.as_ptr(), ldl, x: x.as_mut_ptr(), ldx };
        // SAFETY: matrices that are so large.
        unsafe { upper.run(isa) };
        for i in 0..k {
            for j in 0..ldx {
                let back = (0..if j < n { i } else { 0 }).fold(x[i * ldx + j].wide(), |sum, c| {
                    sum + l[c * ldl + i].wide() * x[c * ldx + j].wide()
                });
                let want = before[i * ldx + j].wide();
                let error = (back - want).abs();
                assert!(error < tolerance::<T>(), "{k}, {n}: ({i}, {j}) {back} {want}");
            }
        }
    }

    #[test]
    fn updates_and_rows_of_u_are_those_of_plain_loops() {
        for isa in Isa::available() {
            for n in [1, 4, 8, 9, 17, 33, 70] {
                for m in [0, 1, 2, 3, 4, 6, 7, 11, 12, 13, 25] {
                    for k in [0, 1, 5, 16] {
                        for gathered in [false, true] {
                            check_update::<f64>(isa, (m, n, k), gathered);
                            check_update::<f32>(isa, (m, n, k), gathered);
                        }
                    }
                }
                for k in [0, 1, 2, 3, 5, 8, 15, 16, 17, 24, 40] {
                    check_upper::<f64>(isa, k, n);
                    check_upper::<f32>(isa, k, n);
                }
            }
        }
    }
}
