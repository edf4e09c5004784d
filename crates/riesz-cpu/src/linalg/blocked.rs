//! The order of a factorisation by blocks of columns.
//!
//! A block is factored as a panel, and what is to the right is told of it; that is a step, and every block
//! takes them in order. Pieces of this work go to threads: with the first block to the right goes its own
//! factoring, so that the next step's panel is ready when the others have ended this one ("look-ahead").
//! Which numbers are computed how depends on the matrix' size alone.

use super::panel::{Panel, VECTOR};
use super::scratch::{Scratch, room as bytes};
use super::team::{Progress, Team, alone};
use crate::simd::Isa;
use std::ops::Range;
use std::sync::atomic::AtomicUsize;

/// How many columns are factored together: more for larger matrices, whose products are then longer.
fn width(n: usize) -> usize {
    match n {
        0..=40 => 8,
        41..=128 => 16,
        129..=400 => 32,
        _ => WIDEST,
    }
}

/// The most columns that are factored together.
const WIDEST: usize = 64;

/// Multiplications of a factorisation that are worth more than one thread.
const SHARED: usize = 1 << 20;

/// Multiplications that are worth a piece of their own.
const PIECE: usize = 1 << 16;

/// Panels that are in memory at the same time: the one that is told about, and the next.
const PANELS: usize = 2;

/// From one column of a panel to the next: not a power of two, or all would fall on the same lines of
/// the cache.
fn spacing(len: usize) -> usize {
    let ld = len.next_multiple_of(VECTOR);
    if ld.is_multiple_of(64) { ld + VECTOR } else { ld }
}

/// How an m×n matrix is cut in blocks of columns, the first of which are factored.
#[derive(Clone, Copy, Debug)]
struct Cut {
    m: usize,
    n: usize,
    /// How many columns are factored.
    k: usize,
    /// How many columns a block has.
    w: usize,
}

impl Cut {
    fn new(m: usize, n: usize) -> Cut {
        let k = m.min(n);
        Cut { m, n, k, w: width(k) }
    }

    /// How many blocks are factored.
    fn panels(&self) -> usize {
        self.k.div_ceil(self.w)
    }

    fn blocks(&self) -> usize {
        self.panels() + (self.n - self.k).div_ceil(self.w)
    }

    /// The first column of a block; n after the last.
    fn start(&self, block: usize) -> usize {
        match block.checked_sub(self.panels()) {
            None => block * self.w,
            Some(beyond) => (self.k + beyond * self.w).min(self.n),
        }
    }

    /// Whether threads share the work.
    fn is_shared(&self) -> bool {
        self.m * self.n * self.k / 3 >= SHARED
    }

    /// How many blocks are told together about panel p, but for the first.
    fn together(&self, p: usize) -> usize {
        PIECE.div_ceil((self.m - self.start(p)) * self.w * self.w)
    }

    /// The blocks that are told about panel p in its pieces, one after the other.
    fn parts(&self, p: usize) -> usize {
        match self.blocks() - p - 1 {
            0 => 0,
            _ if !self.is_shared() => 1,
            rest => 1 + (rest - 1).div_ceil(self.together(p)),
        }
    }

    /// The blocks of such a piece.
    fn part(&self, p: usize, part: usize) -> Range<usize> {
        let (first, blocks) = (p + 1, self.blocks());
        if !self.is_shared() {
            return first..blocks;
        }
        let together = self.together(p);
        match part.checked_sub(1) {
            None => first..first + 1,
            Some(part) => {
                let from = first + 1 + part * together;
                from..(from + together).min(blocks)
            }
        }
    }
}

/// Bytes of scratch that the factorisations of m×n need.
pub(super) fn room<T>(m: usize, n: usize) -> usize {
    let cut = Cut::new(m, n);
    let panels = bytes::<T>(PANELS * cut.w * spacing(m));
    panels + bytes::<usize>(cut.k) + bytes::<AtomicUsize>(cut.blocks())
}

/// A matrix that is factored in place, row-major, and the scratch for it.
pub(super) struct Blocked<'a, T> {
    pub isa: Isa,
    cut: Cut,
    a: *mut T,
    ld: usize,
    panels: *mut T,
    /// A number for each column that is factored.
    pub pivots: *mut usize,
    progress: Progress<'a>,
}

impl<'a, T> Blocked<'a, T> {
    /// An m×n matrix with rows `ld` apart.
    pub fn new(
        isa: Isa,
        (m, n): (usize, usize),
        a: *mut T,
        ld: usize,
        scratch: &mut Scratch<'a>,
    ) -> Blocked<'a, T> {
        let cut = Cut::new(m, n);
        let panels = scratch.raw(PANELS * cut.w * spacing(m));
        let pivots = scratch.raw(cut.k);
        let progress = Progress::new(scratch.counters(cut.blocks()));
        Blocked { isa, cut, a, ld, panels, pivots, progress }
    }

    /// m and n.
    pub fn shape(&self) -> (usize, usize) {
        (self.cut.m, self.cut.n)
    }

    /// From one row to the next.
    pub fn ld(&self) -> usize {
        self.ld
    }

    /// Entry (i, j), or where it would be.
    pub fn at(&self, i: usize, j: usize) -> *mut T {
        self.a.wrapping_add(i * self.ld + j)
    }

    /// How many panels there are.
    pub fn panels(&self) -> usize {
        self.cut.panels()
    }

    /// The first row and column of panel p, or the end of the last.
    pub fn start(&self, p: usize) -> usize {
        self.cut.start(p).min(self.cut.k)
    }

    /// Panel p, with rows from its diagonal on.
    pub fn panel(&self, p: usize) -> Panel<T> {
        let (first, end) = (self.start(p), self.start(p + 1));
        let len = self.cut.m - first;
        let at = self.panels.wrapping_add(p % PANELS * self.cut.w * spacing(self.cut.m));
        Panel { at, w: end - first, len, ld: spacing(len) }
    }

    /// Whether threads share the work.
    pub fn team(&self, team: Team) -> Team {
        if self.cut.is_shared() { team } else { alone }
    }
}

/// What a factorisation does.
pub(super) trait Steps<T>: Sync {
    /// The matrix.
    fn blocked(&self) -> &Blocked<'_, T>;

    /// Factors panel p, whose columns know of all before.
    ///
    /// # Safety
    /// As promised to [`run`]; nobody else uses these columns or the panel.
    unsafe fn factor(&self, p: usize);

    /// Tells columns about panel p.
    ///
    /// # Safety
    /// As promised to [`run`]; nobody else uses these columns, nor writes the panel.
    unsafe fn tell(&self, p: usize, columns: Range<usize>);
}

/// Runs a factorisation. If a piece panics, no other waits for it, and the team hands the panic on.
///
/// # Safety
/// The matrix is writable, its scratch new.
pub(super) unsafe fn run<T, S: Steps<T>>(team: Team, steps: &S) {
    let Blocked { cut, progress, .. } = steps.blocked();
    let panels = cut.panels();
    if panels == 0 {
        return;
    }
    let count: usize = (0..panels).map(|p| cut.parts(p)).sum();
    let team = steps.blocked().team(team);
    team(1 + count, &|piece| {
        // SAFETY: the caller's; the team runs each piece once.
        progress.piece(|| unsafe { run_piece(piece, steps) });
    });
}

/// One piece: the first panel, or some blocks that are told about a panel, and the next panel if it is there.
///
/// # Safety
/// As for [`run`]; each piece once, and none before those that are counted before it have begun.
unsafe fn run_piece<T, S: Steps<T>>(piece: usize, steps: &S) {
    let Blocked { cut, progress, .. } = steps.blocked();
    let Some(mut part) = piece.checked_sub(1) else {
        // SAFETY: the caller's; others wait for the first step of block 0.
        unsafe { steps.factor(0) };
        progress.reach(0, 1);
        return;
    };
    let mut p = 0;
    while part >= cut.parts(p) {
        part -= cut.parts(p);
        p += 1;
    }
    // Everything that is waited for belongs to an earlier piece.
    let blocks = cut.part(p, part);
    if !progress.wait(p, p + 1) || !blocks.clone().all(|b| progress.wait(b, p)) {
        return;
    }
    // SAFETY: the caller's; of each step a block is in one piece only, and its steps come one after
    // the other.
    unsafe { steps.tell(p, cut.start(blocks.start)..cut.start(blocks.end)) };
    blocks.for_each(|b| progress.reach(b, p + 1));
    if part == 0 && p + 1 < cut.panels() {
        // The next panel takes the memory of the one before, of which all must have been told.
        if p > 0 && !(p + 1..cut.blocks()).all(|b| progress.wait(b, p)) {
            return;
        }
        // SAFETY: as above.
        unsafe { steps.factor(p + 1) };
        progress.reach(p + 1, p + 2);
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::Workspace;
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// A factorisation that does nothing, and panics in one of its steps.
    struct Failing<'a> {
        matrix: Blocked<'a, f64>,
        factored: Option<usize>,
        told: Option<usize>,
    }

    // SAFETY: nothing is written.
    unsafe impl Sync for Failing<'_> {}

    impl Steps<f64> for Failing<'_> {
        fn blocked(&self) -> &Blocked<'_, f64> {
            &self.matrix
        }
        unsafe fn factor(&self, p: usize) {
            assert!(self.factored != Some(p), "panel {p} fails");
        }
        unsafe fn tell(&self, p: usize, _: Range<usize>) {
            assert!(self.told != Some(p), "telling about panel {p} fails");
        }
    }

    /// Threads that go on with the next piece until none is left.
    fn three(count: usize, piece: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        match next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                            i if i < count => piece(i),
                            _ => break,
                        }
                    }
                });
            }
        });
    }

    /// Whether running it panics, in a matrix that threads share.
    fn fails(team: Team, factored: Option<usize>, told: Option<usize>) -> bool {
        let n = 200;
        let mut workspace = Workspace::default();
        let mut scratch = workspace.scratch(room::<f64>(n, n));
        let matrix = Blocked::new(Isa::best(), (n, n), std::ptr::null_mut(), n, &mut scratch);
        assert!(matrix.cut.is_shared());
        let steps = Failing { matrix, factored, told };
        // SAFETY: no step reads or writes anything.
        catch_unwind(AssertUnwindSafe(|| unsafe { run(team, &steps) })).is_err()
    }

    #[test]
    fn nobody_waits_for_a_piece_that_panicked() {
        for team in [alone as Team, three, crate::run::pool::run] {
            assert!(!fails(team, None, None));
            for p in 0..4 {
                assert!(fails(team, Some(p), None), "factoring {p}");
                assert!(fails(team, None, Some(p)), "telling {p}");
            }
            assert!(!fails(team, None, None));
        }
    }
}
