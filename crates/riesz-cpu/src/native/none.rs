//! Machine code on processors that it is not written for, and where the program is interpreted (Miri): none,
//! and the tile kernels run everything.

use crate::nest::{Region, Source};
use crate::simd::Isa;

/// A region as machine code: there is none here.
#[derive(Debug)]
pub enum Code {}

/// No code.
pub fn compile(_: &Region, _: Isa) -> Option<Code> {
    None
}

/// No code.
pub fn compile_all(regions: &[Source], _: Isa) -> Codes {
    Codes { codes: regions.iter().map(|_| None).collect(), bytes: 0 }
}

/// Regions as machine code.
pub struct Codes {
    /// The code of each region: none.
    pub codes: Vec<Option<Code>>,
    /// Bytes of code.
    pub bytes: usize,
}

impl Code {
    /// Whether `run` does only the range it is given.
    pub fn splits(&self) -> bool {
        match *self {}
    }

    /// Runs the region.
    ///
    /// # Safety
    /// Nothing to keep: there is no code.
    pub unsafe fn run(&self, _: *mut *mut u8, _: (usize, usize)) -> bool {
        match *self {}
    }

    /// The instructions as text.
    pub fn listing(&self) -> String {
        match *self {}
    }
}
