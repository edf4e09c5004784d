//! Memory that holds machine code: written first, then executable and never written again.

use memmap2::{Mmap, MmapMut};

/// Executable memory with several functions.
pub(super) struct Memory {
    map: Mmap,
}

impl Memory {
    /// A mapping with these pieces of code, each at a multiple of 64 bytes, and where they are; none
    /// if the system does not allow it.
    pub(super) fn with(pieces: &[&[u8]]) -> Option<(Memory, Vec<usize>)> {
        let mut places = Vec::with_capacity(pieces.len());
        let mut len = 0usize;
        for piece in pieces {
            places.push(len);
            len = (len + piece.len()).next_multiple_of(64);
        }
        let mut map = MmapMut::map_anon(len.max(1)).ok()?;
        for (piece, &at) in pieces.iter().zip(&places) {
            map[at..at + piece.len()].copy_from_slice(piece);
        }
        Some((Memory { map: map.make_exec().ok()? }, places))
    }

    /// The address of what is at this place.
    pub(super) fn address(&self, at: usize) -> *const u8 {
        self.map[at..].as_ptr()
    }

    pub(super) fn bytes(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.map[range]
    }
}
