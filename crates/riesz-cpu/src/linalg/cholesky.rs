//! Cholesky's factorisation, by blocks.

use super::blocked::{self, Blocked, Steps};
use super::gram::BAND;
use super::scratch::Scratch;
use super::team::Team;
use super::update::Update;
use super::vector::Registers;
use crate::simd::Isa;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Cholesky<'a, T> {
    matrix: Blocked<'a, T>,
    /// The first pivot that is not positive, or n.
    failed: AtomicUsize,
}

// SAFETY: what threads write is said where the methods are called.
unsafe impl<T> Sync for Cholesky<'_, T> {}

/// A = L·Lᵀ in place in the lower triangle of a symmetric n×n matrix, of which nothing else is read; what is above
/// is anything then. Gives the first pivot that is not positive, or n.
///
/// # Safety
/// `a` is writable.
pub(super) unsafe fn cholesky<T: Registers>(
    (isa, team): (Isa, Team),
    n: usize,
    a: *mut T,
    ld: usize,
    scratch: &mut Scratch,
) -> usize {
    let matrix = Blocked::new(isa, (n, n), a, ld, scratch);
    let all = Cholesky { matrix, failed: AtomicUsize::new(n) };
    // SAFETY: the caller's.
    unsafe { blocked::run(team, &all) };
    all.failed.into_inner()
}

impl<T> Cholesky<'_, T> {
    /// Whether there is nothing more to do. A panel is factored after all before it were, so that everyone
    /// who is told of it knows.
    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) < self.matrix.shape().1
    }
}

impl<T: Registers> Steps<T> for Cholesky<'_, T> {
    fn blocked(&self) -> &Blocked<'_, T> {
        &self.matrix
    }

    unsafe fn factor(&self, p: usize) {
        if self.has_failed() {
            return;
        }
        let (isa, ld) = (self.matrix.isa, self.matrix.ld());
        let (first, panel) = (self.matrix.start(p), self.matrix.panel(p));
        let corner = self.matrix.at(first, first);
        // SAFETY: the caller's: rows and columns from the first on.
        unsafe {
            panel.read(isa, corner, ld);
            let bad = panel.cholesky(isa);
            if bad < panel.w {
                self.failed.store(first + bad, Ordering::Relaxed);
                return;
            }
            panel.write(isa, corner, ld);
        }
    }

    unsafe fn tell(&self, p: usize, columns: Range<usize>) {
        if self.has_failed() {
            return;
        }
        let (first, panel) = (self.matrix.start(p), self.matrix.panel(p));
        let n = self.matrix.shape().1;
        let product = |rows: Range<usize>, columns: Range<usize>| {
            let from = |i: usize| panel.at.wrapping_add(i - first).cast_const();
            let update = Update {
                m: rows.len(),
                n: columns.len(),
                k: panel.w,
                a: from(rows.start),
                lda: panel.ld,
                b: from(columns.start),
                ldb: panel.ld,
                c: self.matrix.at(rows.start, columns.start),
                ldc: self.matrix.ld(),
                from: None,
            };
            // SAFETY: the caller's: rows and columns after those of the panel.
            unsafe { update.run(self.matrix.isa) }
        };
        // Around the diagonal by bands, as what is beyond it is for nothing.
        for i in columns.clone().step_by(BAND) {
            let end = (i + BAND).min(columns.end);
            product(i..end, columns.start..end);
        }
        product(columns.end..n, columns);
    }
}
