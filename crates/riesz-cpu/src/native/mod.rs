//! Machine code at run time, for x86-64.
//!
//! A [`Region`] becomes one function: its nests, the loops around them and the calls between them.
//! The way of a nest:
//!
//! - `blocking` chooses lanes, unrolling and blocks; `lower` makes the tree of loops with a copy of
//!   the body at each leaf, and `beside` puts copies of a long one side by side; `expand` says what each
//!   instruction becomes, with the elementary functions of `simd::math` written down by `symbol`, and
//!   `loads` what comes from memory or from the loops; `fold` keeps accumulators; `address` moves pointers.
//! - Nests without loops that follow one another are one graph: `line` puts them together, `held` knows what
//!   they have stored and still is in registers, `total` folds without loops; `carry` makes loops of them.
//! - All that is values of a `graph` of `operation`s, numbered, so that what is common is computed
//!   once and what a loop does not change is computed outside of it; `linear` puts them in order.
//! - `allocate` walks along the code and gives registers, `looping` across loops; `operate` says what
//!   each operation needs of them. `machine`, `moves` and `access`, and `narrow` before AVX-512, write
//!   the instructions that `codes` names, through `asm`; `cold` is what seldom runs.
//! - `nest` puts pointers and loops around that, `control` the steps around nests, and `memory` makes
//!   the result executable. Nests that are `alike` but for their buffers share code.
//!
//! What holds: memory is never writable and executable at once; the code touches only what the nest's
//! accesses name, the table, and its own stack frame; it keeps no state, so any number of threads may
//! run it at once. What has no form here gives no code, and the caller has another way.

mod access;
mod address;
mod alike;
mod allocate;
mod asm;
mod beside;
mod blocking;
mod call;
mod carry;
mod codes;
mod cold;
mod control;
mod expand;
mod fold;
mod graph;
mod held;
mod line;
mod linear;
mod loads;
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
mod total;

use crate::nest::{Region, Source};
use crate::simd::Isa;
use crate::simd::isa::Level;
use std::sync::Arc;

/// A region as machine code.
#[derive(Clone)]
pub struct Code {
    memory: Arc<memory::Memory>,
    /// Where its instructions begin and end in memory.
    at: usize,
    end: usize,
    splits: bool,
    /// Where its operands are in the table, in bytes, if the code is that of other regions too.
    list: Vec<u32>,
    /// What the code calls, at the addresses it has.
    _called: Arc<Called>,
}

/// Functions and library calls at fixed addresses.
type Called = (call::Helpers, call::Calls);

type Function = unsafe extern "sysv64" fn(*mut *mut u8, usize, usize, *const u32) -> u64;

/// Regions as machine code in one piece of executable memory.
pub struct Codes {
    /// The code of each region; none where this processor or region cannot.
    pub codes: Vec<Option<Code>>,
    /// Bytes of code and its constants.
    pub bytes: usize,
}

/// Compiles a region; none where this processor or region cannot.
pub fn compile(region: &Region, isa: Isa) -> Option<Code> {
    compile_all(&[Source { region, ranged: false }], isa).codes.pop().flatten()
}

/// Compiles regions into one piece of executable memory: making memory executable costs as much as
/// compiling a small region. Regions of one nest that are alike but for their operands share code.
pub fn compile_all(regions: &[Source], isa: Isa) -> Codes {
    let kinds = alike::kinds(regions);
    let written: Vec<Option<Written>> = kinds.iter().map(|kind| write(kind, isa)).collect();
    let pieces: Vec<&[u8]> =
        written.iter().flatten().map(|w| w.function.bytes.as_slice()).collect();
    let Some((memory, places)) = memory::Memory::with(&pieces) else {
        return Codes { codes: regions.iter().map(|_| None).collect(), bytes: 0 };
    };
    let bytes = pieces.iter().map(|piece| piece.len()).sum();
    let memory = Arc::new(memory);
    let mut places = places.into_iter();
    let mut codes = vec![None; regions.len()];
    for (kind, written) in kinds.into_iter().zip(written) {
        let Some((w, at)) = written.and_then(|w| Some((w, places.next()?))) else { continue };
        let (at, end) = (at + w.function.entry, at + w.function.end);
        let called = Arc::new(w.called);
        for (region, list) in kind.of {
            let (memory, _called) = (memory.clone(), called.clone());
            codes[region] = Some(Code { memory, at, end, splits: w.splits, list, _called });
        }
    }
    Codes { codes, bytes }
}

/// The code of a region that is not yet executable.
struct Written {
    function: asm::Function,
    splits: bool,
    called: Called,
}

fn write(kind: &alike::Kind, isa: Isa) -> Option<Written> {
    // All processors with AVX2 have BMI2 too; a virtual one might hide it.
    let wide = match isa.level() {
        Level::Baseline => return None,
        Level::Avx2 => false,
        Level::Avx512 => true,
    };
    if !is_x86_feature_detected!("bmi2") {
        return None;
    }
    let region: &Region = &kind.region;
    let splits = kind.ranged || control::splits(region);
    let mut control = control::Control::new(region, wide);
    control.region(kind.is_shared(), splits)?;
    let (mut machine, calls) = control.finish();
    let called = (std::mem::take(&mut machine.helpers), calls);
    let function = machine.asm.finish()?;
    Some(Written { function, splits, called })
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of code", self.end - self.at)
    }
}

impl Code {
    /// Whether `run` does only the range it is given: the region is a single nest, and was to take one or has
    /// so much work that cutting it in pieces is worth it. Otherwise the range has no meaning.
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
        unsafe { function(addresses, range.0, range.1, self.list.as_ptr()) != 0 }
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
