//! Gaussian elimination with partial pivoting, by blocks.

use super::blocked::{self, Blocked, Steps};
use super::scratch::{Scratch, room as bytes};
use super::team::Team;
use super::update::{Rows, Update, Upper};
use super::vector::{Registers, Vector, with_registers};
use crate::simd::Isa;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Elimination<'a, T> {
    matrix: Blocked<'a, T>,
    /// The matrix as it is given, with rows as far apart: the first step reads it.
    from: *const T,
    /// Its rows in the order in which the first panel leaves them.
    order: *mut usize,
    /// The first zero pivot there is yet.
    singular: AtomicUsize,
}

// SAFETY: what threads write is said where the methods are called.
unsafe impl<T> Sync for Elimination<'_, T> {}

/// Columns whose rows are exchanged together.
const COLUMNS: usize = 128;

/// Bytes of scratch that elimination of m×n needs.
pub(super) fn room<T>(m: usize, n: usize) -> usize {
    blocked::room::<T>(m, n) + bytes::<usize>(m)
}

/// P·A = L·U for the m×n matrix at `from`; the factors are written at `a`, rows `ld` apart at both. Row i of P·A
/// is row `rows[i]` of A. Gives the first zero pivot, or min(m, n), and whether P is odd.
///
/// # Safety
/// `from` is readable, `a` writable, and they do not overlap; `rows` has m entries.
pub(super) unsafe fn lu<T: Registers>(
    (isa, team): (Isa, Team),
    (m, n): (usize, usize),
    from: *const T,
    a: *mut T,
    ld: usize,
    rows: *mut i64,
    scratch: &mut Scratch,
) -> (usize, bool) {
    let matrix = Blocked::new(isa, (m, n), a, ld, scratch);
    let (order, singular) = (scratch.raw(m), AtomicUsize::new(m.min(n)));
    let all = Elimination { matrix, from, order, singular };
    let last = all.matrix.start(all.matrix.panels());
    // SAFETY: the caller's. The columns to the left of each panel have been told of all before it; every
    // piece exchanges rows of columns of its own. Rows and pivots are below m.
    unsafe {
        blocked::run(team, &all);
        all.matrix.team(team)(last.div_ceil(COLUMNS), &|piece| {
            let from = piece * COLUMNS;
            for p in 0..all.matrix.panels() {
                let to = (from + COLUMNS).min(all.matrix.start(p));
                if from < to {
                    all.exchange(p, from..to);
                }
            }
        });
        (0..m).for_each(|i| *rows.add(i) = i as i64);
        let mut odd = false;
        for p in 0..all.matrix.panels() {
            let first = all.matrix.start(p);
            for i in first..all.matrix.start(p + 1) {
                let j = first + *all.matrix.pivots.add(i);
                std::ptr::swap(rows.add(i), rows.add(j));
                odd ^= i != j;
            }
        }
        (all.singular.into_inner(), odd)
    }
}

impl<T: Registers> Elimination<'_, T> {
    /// Exchanges rows of some columns as panel p did.
    ///
    /// # Safety
    /// The panel is factored, and nobody else uses these columns.
    unsafe fn exchange(&self, p: usize, columns: Range<usize>) {
        let first = self.matrix.start(p);
        let (isa, at, ld) =
            (self.matrix.isa, self.matrix.at(first, columns.start), self.matrix.ld());
        let (n, count) = (columns.len(), self.matrix.panel(p).w);
        let pivots = self.matrix.pivots.wrapping_add(first).cast_const();
        // As many pivots, all rows of the matrix.
        with_registers!(isa, exchange::<T>(
            at: *mut T, ld: usize, n: usize, pivots: *const usize, count: usize))
    }
}

impl<T: Registers> Steps<T> for Elimination<'_, T> {
    fn blocked(&self) -> &Blocked<'_, T> {
        &self.matrix
    }

    unsafe fn factor(&self, p: usize) {
        let Blocked { isa, pivots, .. } = self.matrix;
        let (first, panel) = (self.matrix.start(p), self.matrix.panel(p));
        let (corner, ld) = (self.matrix.at(first, first), self.matrix.ld());
        // SAFETY: the caller's: rows and columns from the first on.
        unsafe {
            panel.read(isa, if p == 0 { self.from } else { corner.cast_const() }, ld);
            let zero = panel.eliminate(isa, pivots.add(first));
            if zero < panel.w {
                self.singular.fetch_min(first + zero, Ordering::Relaxed);
            }
            panel.write(isa, corner, ld);
            if p == 0 {
                (0..panel.len).for_each(|i| self.order.add(i).write(i));
                (0..panel.w).for_each(|i| self.order.add(i).swap(self.order.add(*pivots.add(i))));
            }
        }
    }

    unsafe fn tell(&self, p: usize, columns: Range<usize>) {
        let (isa, first, panel) = (self.matrix.isa, self.matrix.start(p), self.matrix.panel(p));
        let above = self.matrix.at(first, columns.start);
        // SAFETY: the caller's: the rows of the panel, and below them those that are left.
        unsafe {
            let mut from = None;
            if p == 0 {
                // The matrix is not here yet: its rows come in the order that they are to have.
                let (at, ld) = (self.from.add(columns.start), self.matrix.ld());
                for i in 0..panel.w {
                    let row = at.add(*self.order.add(i) * ld);
                    above.add(i * ld).copy_from_nonoverlapping(row, columns.len());
                }
                from = Some(Rows { at, ld, order: self.order.add(panel.w) });
            } else {
                self.exchange(p, columns.clone());
            }
            let (l, ldl, ldx) = (panel.at.cast_const(), panel.ld, self.matrix.ld());
            let n = columns.len();
            Upper { k: panel.w, n, l, ldl, x: above, ldx }.run(isa);
            Update {
                m: panel.len - panel.w,
                n,
                k: panel.w,
                a: l.add(panel.w),
                lda: ldl,
                b: above,
                ldb: ldx,
                // Where no row is left, beyond the end.
                c: above.wrapping_add(panel.w * ldx),
                ldc: ldx,
                from,
            }
            .run(isa);
        }
    }
}

/// Exchanges row i with row `pivots[i]`, one after the other, in n columns of rows `ld` apart.
///
/// # Safety
/// They are writable.
#[inline(always)]
unsafe fn exchange<V: Vector>(
    at: *mut V::Number,
    ld: usize,
    n: usize,
    pivots: *const usize,
    count: usize,
) {
    for i in 0..count {
        // SAFETY: the caller's: columns below n of two different rows.
        unsafe {
            let pivot = *pivots.add(i);
            if pivot == i {
                continue;
            }
            let (x, y) = (at.add(i * ld), at.add(pivot * ld));
            let mut j = 0;
            while j < n {
                let lanes = V::LANES.min(n - j);
                let (x, y) = (x.add(j), y.add(j));
                let (u, v) = (V::load_first(x, lanes), V::load_first(y, lanes));
                v.store_first(x, lanes);
                u.store_first(y, lanes);
                j += lanes;
            }
        }
    }
}
