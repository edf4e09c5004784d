//! Where values lie: arguments, results, constants, and the workspace of a run.
//!
//! Workspace is given out by liveness: steps run in order, so a storage is live from the first step
//! that touches it to the last, and two that are never live together may share bytes.

use riesz_core::{DType, Type};
use std::collections::{BTreeMap, BTreeSet};

/// The number of a storage; also its operand in the plan's region.
pub type Storage = u32;

/// What a storage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The buffer of an argument, which is only read.
    Argument(usize),
    /// The buffer of a constant of the plan, which is only read.
    Constant(usize),
    /// A new buffer that is given to the caller.
    Result(usize),
    /// So many bytes from the start of the workspace.
    Workspace(usize),
    /// A part of another buffer, which a loop moves along it.
    Window(Storage),
}

/// A buffer and the type of its elements.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// The element type.
    pub dtype: DType,
    /// How many elements.
    pub len: usize,
    /// Where it is.
    pub place: Place,
}

impl Buffer {
    /// A buffer for a value.
    pub fn new(ty: &Type, place: Place) -> Buffer {
        Buffer { dtype: ty.dtype, len: ty.size(), place }
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        self.len * self.dtype.size()
    }
}

/// Buffers begin at multiples of this: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;

/// Gives every workspace buffer its offset, and returns the size of the workspace. `touched` has, for
/// each step in order, the buffers it reads or writes.
///
/// One walk in the order of the steps: a buffer takes the smallest hole that it fits, and leaves a hole
/// after the last step that touches it (best fit; Wilson et al., *Dynamic Storage Allocation*, 1995).
pub fn assign(buffers: &mut [Buffer], touched: &[Vec<Storage>]) -> usize {
    let mut last: Vec<usize> = vec![0; buffers.len()];
    for (step, storages) in touched.iter().enumerate() {
        storages.iter().for_each(|&s| last[s as usize] = step);
    }
    let mut holes = Holes::default();
    let mut placed = vec![false; buffers.len()];
    for (step, storages) in touched.iter().enumerate() {
        for &s in storages {
            let buffer = &mut buffers[s as usize];
            if matches!(buffer.place, Place::Workspace(_)) && !placed[s as usize] {
                placed[s as usize] = true;
                buffer.place = Place::Workspace(holes.take(buffer.bytes()));
            }
        }
        for &s in storages {
            if let Place::Workspace(at) = buffers[s as usize].place
                && last[s as usize] == step
                && std::mem::take(&mut placed[s as usize])
            {
                holes.give_back(at, buffers[s as usize].bytes());
            }
        }
    }
    holes.end
}

/// The unused parts of a workspace that grows at its end.
#[derive(Default)]
struct Holes {
    /// Offset and size, by offset.
    by_place: BTreeMap<usize, usize>,
    /// Size and offset.
    by_size: BTreeSet<(usize, usize)>,
    /// The size of the workspace.
    end: usize,
}

impl Holes {
    fn take(&mut self, bytes: usize) -> usize {
        let size = bytes.next_multiple_of(ALIGNMENT);
        if size == 0 {
            return 0;
        }
        let Some(&(found, at)) = self.by_size.range((size, 0)..).next() else {
            // The last hole may be grown at the end of the workspace.
            let at = match self.by_place.last_key_value() {
                Some((&at, &hole)) if at + hole == self.end => {
                    self.remove(at, hole);
                    at
                }
                _ => self.end,
            };
            self.end = at + size;
            return at;
        };
        self.remove(at, found);
        if found > size {
            self.insert(at + size, found - size);
        }
        at
    }

    fn give_back(&mut self, at: usize, bytes: usize) {
        let (mut at, mut size) = (at, bytes.next_multiple_of(ALIGNMENT));
        if size == 0 {
            return;
        }
        if let Some((&before, &hole)) = self.by_place.range(..at).next_back()
            && before + hole == at
        {
            self.remove(before, hole);
            (at, size) = (before, size + hole);
        }
        if let Some(&hole) = self.by_place.get(&(at + size)) {
            self.remove(at + size, hole);
            size += hole;
        }
        self.insert(at, size);
    }

    fn insert(&mut self, at: usize, size: usize) {
        self.by_place.insert(at, size);
        self.by_size.insert((size, at));
    }

    fn remove(&mut self, at: usize, size: usize) {
        self.by_place.remove(&at);
        self.by_size.remove(&(size, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_that_are_not_live_together_share_bytes() {
        let buffer = |len| Buffer { dtype: DType::F64, len, place: Place::Workspace(0) };
        let mut buffers = vec![buffer(100), buffer(50), buffer(50), buffer(100)];
        // 0 lives in steps 0 and 1, then 1 and 2 in its place, then 3 in the place of both.
        let touched = [vec![0], vec![0], vec![1, 2], vec![1], vec![3]];
        let total = assign(&mut buffers, &touched);
        assert_eq!(total, 896);
        let at: Vec<Place> = buffers.iter().map(|b| b.place).collect();
        let expected = [0, 0, 448, 0].map(Place::Workspace);
        assert_eq!(at, expected);
    }
}
