//! Work that several threads may share, and how far it is.

use std::sync::atomic::{AtomicUsize, Ordering};

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress<'a>(pub &'a [AtomicUsize]);

/// How often a thread looks before it lets others run: there may be more threads than processors.
const LOOKS: usize = 1 << 12;

impl Progress<'_> {
    /// Waits until a block has so many steps behind it; what they wrote can be read then.
    pub fn wait(&self, block: usize, steps: usize) {
        let mut looks = 0;
        while self.0[block].load(Ordering::Acquire) < steps {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    /// Says that a block has so many steps behind it.
    pub fn reach(&self, block: usize, steps: usize) {
        self.0[block].store(steps, Ordering::Release);
    }
}
