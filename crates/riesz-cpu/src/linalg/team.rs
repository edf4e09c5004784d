//! Work that several threads may share, and how far it is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Runs a function for each number below a count, on this thread or on several, and returns when all is
/// done. Numbers are begun in their order: a piece may wait for what earlier ones do.
pub type Team = fn(usize, &(dyn Fn(usize) + Sync));

/// Everything on the calling thread.
pub fn alone(count: usize, piece: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(piece);
}

/// The address of numbers of which pieces write different ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<P>(P);

// SAFETY: who dereferences it says why no other thread writes what is read there.
unsafe impl<P> Sync for Shared<P> {}

impl<P: Copy> Shared<P> {
    pub fn new(at: P) -> Shared<P> {
        Shared(at)
    }

    pub fn get(&self) -> P {
        self.0
    }
}

/// How many steps each of several blocks has behind it.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    steps: &'a [AtomicUsize],
    /// Whether a piece panicked, so that some steps are never made.
    ended: AtomicBool,
}

/// How often a thread looks before it lets others run: there may be more threads than processors.
const LOOKS: usize = 1 << 12;

impl<'a> Progress<'a> {
    /// Of as many blocks as there are counters, which are 0.
    pub fn new(steps: &'a [AtomicUsize]) -> Progress<'a> {
        Progress { steps, ended: AtomicBool::new(false) }
    }

    /// Runs a piece. If it panics, those who wait for its steps, now or later, wait no more.
    pub fn piece(&self, piece: impl FnOnce()) {
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let end = End(&self.ended);
        piece();
        std::mem::forget(end);
    }

    /// Waits until a block has so many steps behind it; what they wrote can be read then. False if a piece
    /// panicked: there is nothing to go on with.
    #[must_use]
    pub fn wait(&self, block: usize, steps: usize) -> bool {
        let mut looks = 0;
        while self.steps[block].load(Ordering::Acquire) < steps {
            if self.ended.load(Ordering::Acquire) {
                return false;
            }
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        true
    }

    /// Says that a block has so many steps behind it.
    pub fn reach(&self, block: usize, steps: usize) {
        self.steps[block].store(steps, Ordering::Release);
    }
}
