//! Regions run by vector kernels on tiles: the path that every processor has.
//!
//! The loop in lanes is cut in tiles of a few hundred elements that stay in the first-level cache;
//! each instruction of a body runs over a whole tile, by a kernel of [`simd`](crate::simd) that was
//! compiled for the instruction set found at run time. Values that do not depend on the loop in lanes
//! are computed once for each tile.
//!
//! What it does not do: hoist what depends on outer loops only, or keep values in registers from one
//! instruction to the next; that is for machine code (`native`).

mod instruction;
mod nest;

use crate::nest::{Region, Step};
use crate::simd::Isa;
use nest::Tiled;
use std::cell::Cell;

/// A region prepared to be run on tiles.
#[derive(Debug)]
pub struct Tiles {
    steps: Vec<Prepared>,
    sizes: Vec<usize>,
}

#[derive(Debug)]
enum Prepared {
    Nest(Box<Tiled>),
    Loop(Repeat),
    While { test: Vec<Prepared>, flag: u32, body: Vec<Prepared> },
    If { flag: u32, yes: Vec<Prepared>, no: Vec<Prepared> },
    Call(crate::nest::Call),
}

#[derive(Debug)]
struct Repeat {
    count: usize,
    windows: Vec<(u32, u32, isize)>,
    advance: Vec<(u32, isize)>,
    exchange: Vec<(u32, u32)>,
    body: Vec<Prepared>,
}

impl Tiles {
    /// Prepares a region.
    ///
    /// # Panics
    /// If there are strips in it: a mistake of who runs the plan, whose threads share them.
    pub fn new(region: &Region, isa: Isa) -> Tiles {
        let sizes: Vec<usize> = region.operands.iter().map(|d| d.size()).collect();
        Tiles { steps: prepare(&region.steps, &sizes, isa), sizes }
    }

    /// Runs the region; false when a call had no result. With a `range`, only these iterations of the
    /// outermost loop of a region that is one nest.
    ///
    /// # Safety
    /// `addresses` has one entry for each operand of the region, aligned, with all the elements that
    /// the region accesses; operands overlap only where the region allows it.
    pub unsafe fn run(&self, addresses: &mut [*mut u8], range: Option<(usize, usize)>) -> bool {
        let mut scratch = SCRATCH.take();
        // SAFETY: the caller's.
        let good = unsafe { self.steps(&self.steps, addresses, range, &mut scratch) };
        SCRATCH.set(scratch);
        good
    }

    /// # Safety
    /// As for `run`.
    unsafe fn steps(
        &self,
        steps: &[Prepared],
        addresses: &mut [*mut u8],
        range: Option<(usize, usize)>,
        scratch: &mut Scratch,
    ) -> bool {
        for step in steps {
            // SAFETY: the caller's; a loop moves addresses only to elements the region has.
            let good = unsafe {
                match step {
                    Prepared::Nest(nest) => {
                        nest.run(addresses, range, scratch);
                        true
                    }
                    Prepared::Loop(repeat) => self.repeat(repeat, addresses, scratch),
                    Prepared::While { test, flag, body } => {
                        let mut good = self.steps(test, addresses, None, scratch);
                        while good && truth(addresses, *flag) {
                            good = self.steps(body, addresses, None, scratch)
                                && self.steps(test, addresses, None, scratch);
                        }
                        good
                    }
                    Prepared::If { flag, yes, no } => {
                        let branch = if truth(addresses, *flag) { yes } else { no };
                        self.steps(branch, addresses, None, scratch)
                    }
                    Prepared::Call(call) => {
                        scratch.operands.clear();
                        scratch
                            .operands
                            .extend(call.operands.iter().map(|&o| addresses[o as usize]));
                        call.function.run(&scratch.operands)
                    }
                }
            };
            if !good {
                return false;
            }
        }
        true
    }

    /// # Safety
    /// As for `run`.
    unsafe fn repeat(
        &self,
        repeat: &Repeat,
        addresses: &mut [*mut u8],
        scratch: &mut Scratch,
    ) -> bool {
        let bytes = |operand: u32, by: isize| by * self.sizes[operand as usize] as isize;
        for &(operand, of, start) in &repeat.windows {
            // The window of a loop that does not run may lie past the end; nothing is read there.
            addresses[operand as usize] =
                addresses[of as usize].wrapping_offset(bytes(operand, start));
        }
        let Repeat { advance, exchange, body, .. } = repeat;
        let moved = advance.iter().map(|a| a.0).chain(exchange.iter().flat_map(|e| [e.0, e.1]));
        // Loops inside put their own on top.
        let first = scratch.moved.len();
        scratch.moved.extend(moved.clone().map(|o| addresses[o as usize]));
        let mut good = true;
        for _ in 0..repeat.count {
            // SAFETY: the caller's.
            good = unsafe { self.steps(body, addresses, None, scratch) };
            if !good {
                break;
            }
            for &(operand, by) in advance {
                // The last step may lead past the end, where nothing is read.
                addresses[operand as usize] =
                    addresses[operand as usize].wrapping_offset(bytes(operand, by));
            }
            for &(a, b) in exchange {
                addresses.swap(a as usize, b as usize);
            }
        }
        for (operand, at) in moved.zip(scratch.moved.drain(first..)) {
            addresses[operand as usize] = at;
        }
        good
    }
}

/// # Safety
/// The operand is one readable truth value.
unsafe fn truth(addresses: &[*mut u8], flag: u32) -> bool {
    // SAFETY: the caller's.
    unsafe { *addresses[flag as usize].cast::<bool>() }
}

fn prepare(steps: &[Step], sizes: &[usize], isa: Isa) -> Vec<Prepared> {
    let each = |step: &Step| match step {
        Step::Nest(nest) => Prepared::Nest(Box::new(Tiled::new(nest, sizes, isa))),
        Step::Strips(_) => panic!("strips are walked by who runs a plan, nest by nest"),
        Step::Loop { count, windows, advance, exchange, body } => Prepared::Loop(Repeat {
            count: *count,
            windows: windows.clone(),
            advance: advance.clone(),
            exchange: exchange.clone(),
            body: prepare(body, sizes, isa),
        }),
        Step::While { test, flag, body } => Prepared::While {
            test: prepare(test, sizes, isa),
            flag: *flag,
            body: prepare(body, sizes, isa),
        },
        Step::If { flag, yes, no } => {
            Prepared::If { flag: *flag, yes: prepare(yes, sizes, isa), no: prepare(no, sizes, isa) }
        }
        Step::Call(call) => Prepared::Call(call.clone()),
    };
    steps.iter().map(each).collect()
}

thread_local! {
    /// Kept by each thread, so that a later run allocates nothing; it stays as small as a tile.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Memory for the values of a tile, reused from nest to nest.
#[derive(Default)]
struct Scratch {
    slots: Vec<Line>,
    values: Vec<instruction::Value>,
    index: Vec<usize>,
    operands: Vec<*mut u8>,
    /// Where the operands that loops move were before.
    moved: Vec<*mut u8>,
}

/// A cache line: what slots are made of, for their alignment.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);
