//! Machine code at run time, for x86-64.
//!
//! A [`Region`] becomes one function: its nests, the loops around them and the calls between them.
//! The way of a nest:
//!
//! - `blocking` chooses lanes, unrolling and blocks; `lower` makes the tree of loops with a copy of
//!   the body at each leaf; `expand` says what each instruction becomes, with the elementary functions
//!   of `simd::math` written down by `symbol`; `fold` keeps accumulators; `address` moves pointers.
//! - All that is values of a `graph` of `operation`s, numbered, so that what is common is computed
//!   once and what a loop does not change is computed outside of it; `linear` puts them in order.
//! - `allocate` walks along the code and gives registers, `looping` across loops; `operate` says what
//!   each operation needs of them. `machine`, `moves` and `access`, and `narrow` before AVX-512, write
//!   the instructions that `codes` names, through `asm`; `cold` is what seldom runs.
//! - `nest` puts pointers and loops around that, `control` the steps around nests, and `memory` makes
//!   the result executable.
//!
//! What holds: memory is never writable and executable at once; the code touches only what the nest's
//! accesses name, the table, and its own stack frame; it keeps no state, so any number of threads may
//! run it at once. What has no form here gives no code, and the caller has another way.

mod access;
mod address;
mod allocate;
mod asm;
mod blocking;
mod call;
mod codes;
mod cold;
mod control;
mod expand;
mod fold;
mod graph;
mod linear;
mod looping;
mod lower;
mod machine;
mod memory;
mod moves;
mod narrow;
mod nest;
mod operate;
mod operation;
mod symbol;

use crate::nest::Region;
use crate::simd::Isa;
use crate::simd::isa::Level;
use std::sync::Arc;

/// A region as machine code.
pub struct Code {
    memory: Arc<memory::Memory>,
    /// Where its instructions begin and end in memory.
    at: usize,
    end: usize,
    splits: bool,
    /// What the code calls, at the addresses it has.
    _helpers: call::Helpers,
    _calls: call::Calls,
}

type Function = unsafe extern "sysv64" fn(*mut *mut u8, usize, usize) -> u64;

/// Compiles a region; none where this processor or region cannot.
pub fn compile(region: &Region, isa: Isa) -> Option<Code> {
    compile_all(&[region], isa).pop().flatten()
}

/// Compiles regions into one piece of executable memory: making memory executable costs as much as
/// compiling a small region.
pub fn compile_all(regions: &[&Region], isa: Isa) -> Vec<Option<Code>> {
    let written: Vec<Option<Written>> = regions.iter().map(|region| write(region, isa)).collect();
    let pieces: Vec<&[u8]> =
        written.iter().flatten().map(|w| w.function.bytes.as_slice()).collect();
    let Some((memory, places)) = memory::Memory::with(&pieces) else {
        return regions.iter().map(|_| None).collect();
    };
    let memory = Arc::new(memory);
    let mut places = places.into_iter();
    let place = |w: Option<Written>, places: &mut std::vec::IntoIter<usize>| {
        let w = w?;
        let at = places.next()?;
        Some(Code {
            memory: memory.clone(),
            at: at + w.function.entry,
            end: at + w.function.end,
            splits: w.splits,
            _helpers: w.helpers,
            _calls: w.calls,
        })
    };
    written.into_iter().map(|w| place(w, &mut places)).collect()
}

/// The code of a region that is not yet executable.
struct Written {
    function: asm::Function,
    splits: bool,
    helpers: call::Helpers,
    calls: call::Calls,
}

fn write(region: &Region, isa: Isa) -> Option<Written> {
    // All processors with AVX2 have BMI2 too; a virtual one might hide it.
    let wide = match isa.level() {
        Level::Baseline => return None,
        Level::Avx2 => false,
        Level::Avx512 => true,
    };
    if !is_x86_feature_detected!("bmi2") {
        return None;
    }
    debug_assert_eq!(region.verify(), Ok(()));
    let machine = machine::Machine::new(wide);
    let mut control = control::Control { machine, region, calls: Vec::new() };
    control.region()?;
    let control::Control { mut machine, calls, .. } = control;
    let helpers = std::mem::take(&mut machine.helpers);
    let function = machine.asm.finish()?;
    Some(Written { function, splits: control::splits(region), helpers, calls })
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of code", self.end - self.at)
    }
}

impl Code {
    /// Whether `run` does only the range it is given: the region is a single nest, with enough work
    /// that it is worth cutting in pieces. Otherwise the range has no meaning.
    pub fn splits(&self) -> bool {
        self.splits
    }

    /// Runs the region on a table of addresses; with [`Code::splits`], the half-open `range` of the
    /// outermost loop of its nest. Whether every index was in range, every divisor not zero and every
    /// call had a result.
    ///
    /// # Safety
    /// The table has an entry for each operand of the region, which holds every element that the
    /// accesses of the region's nests reach; what is written overlaps nothing that runs at the same
    /// time, and within a nest only loads with the same access. Operands of calls are as their
    /// routines want them. The range lies within the extent of the loop.
    pub unsafe fn run(&self, addresses: *mut *mut u8, range: (usize, usize)) -> bool {
        // SAFETY: at this place of executable memory lies a function that was written with this
        // calling convention and these arguments.
        let function: Function = unsafe { std::mem::transmute(self.memory.address(self.at)) };
        // SAFETY: the caller's.
        unsafe { function(addresses, range.0, range.1) != 0 }
    }

    /// The instructions as text, one a line.
    pub fn listing(&self) -> String {
        use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};
        let bytes = self.memory.bytes(self.at..self.end);
        let mut decoder = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE);
        let mut formatter = IntelFormatter::new();
        let mut text = String::new();
        while decoder.can_decode() {
            let instruction = decoder.decode();
            text += &format!("{:6x}  ", instruction.ip());
            formatter.format(&instruction, &mut text);
            text.push('\n');
        }
        text
    }
}
