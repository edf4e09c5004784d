//! Which of several equal parts of a buffer are in use.

use std::sync::atomic::{AtomicU32, Ordering};

/// Parts that threads take and give back: the first that is free, which is the one that was used last if no
/// more threads come, and is still in the cache.
#[derive(Debug, Default)]
pub struct Rooms(AtomicU32);

impl Rooms {
    /// The number of a part that nobody else has until it is given back. Where no more than n threads have
    /// one at a time, it is below n; that is at most 31.
    pub fn take(&self) -> usize {
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
            Some(taken | taken.wrapping_add(1))
        });
        before.map_or(0, u32::trailing_ones) as usize
    }

    /// Gives a part back.
    pub fn give_back(&self, room: usize) {
        self.0.fetch_and(!(1 << room), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_free() {
        let rooms = Rooms::default();
        assert_eq!([rooms.take(), rooms.take(), rooms.take()], [0, 1, 2]);
        rooms.give_back(1);
        assert_eq!([rooms.take(), rooms.take()], [1, 3]);
        (0..4).for_each(|room| rooms.give_back(room));
        assert_eq!(rooms.take(), 0);
    }
}
