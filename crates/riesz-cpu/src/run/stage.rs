//! What a run does, one after the other: code for what is small, pieces on threads for what is large.
//!
//! Consecutive steps of little work become one function; a nest with much work is a function of a range
//! of its outermost loop, cut in pieces; a routine with much work cuts itself. Loops and branches are
//! walked here only if there is something inside to share, and are part of a function otherwise.

use super::pool;
use super::rooms::Rooms;
use crate::linalg::Shared;
use crate::native::{self, Code, Codes};
use crate::nest::{Call, Nest, Operand, Region, Source, Step, Store, Strips, TOGETHER, Task};
use crate::plan::{ALIGNMENT, grain, is_shared, worth_sharing};
use crate::simd::Isa;
use crate::tile::Tiles;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many pieces a large nest is cut in, if its loop is long enough: more than threads, so that none
/// waits long for the slowest.
const PIECES: usize = 8;

/// The steps of a plan, prepared.
pub struct Stages {
    stages: Vec<Stage>,
    /// Bytes of an element of each operand.
    sizes: Vec<usize>,
    /// Bytes of machine code.
    code: usize,
}

enum Stage {
    Serial(Unit),
    Shared(Unit, Vec<(usize, usize)>),
    Strips(Striped),
    Call(Call),
    Loop(Repeat),
    While { test: Vec<Stage>, flag: Operand, body: Vec<Stage> },
    If { flag: Operand, yes: Vec<Stage>, no: Vec<Stage> },
}

/// Strips, and the code of their nests.
struct Striped {
    strips: Strips,
    nests: Vec<Unit>,
}

struct Repeat {
    count: usize,
    windows: Vec<(Operand, Operand, isize)>,
    advance: Vec<(Operand, isize)>,
    exchange: Vec<(Operand, Operand)>,
    body: Vec<Stage>,
}

/// A region as machine code, or to be run on tiles.
enum Unit {
    /// With all iterations of the loop it takes a range of, if it takes one.
    Native(Code, (usize, usize)),
    Tiles(Tiles),
}

/// The addresses of the operands, which threads share while they run pieces.
#[derive(Clone, Copy)]
struct Table(*mut *mut u8);

// SAFETY: pieces of one nest, and strips, read the table and write different elements.
unsafe impl Sync for Table {}

impl Table {
    /// The address of an operand.
    ///
    /// # Safety
    /// The table has an entry for it.
    unsafe fn get(&self, operand: Operand) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { *self.0.add(operand as usize) }
    }

    /// The first entry.
    fn first(self) -> *const *mut u8 {
        self.0
    }

    /// # Safety
    /// As for `get`, and nobody else uses the entry.
    unsafe fn set(&self, operand: Operand, address: *mut u8) {
        // SAFETY: the caller's.
        unsafe { *self.0.add(operand as usize) = address }
    }
}

impl Stages {
    /// Prepares a region: compiles everything that is compiled into one piece of memory.
    pub fn new(region: &Region, isa: Isa, native: bool) -> Stages {
        let mut builder = Builder { region, regions: Vec::new() };
        let outline = builder.outline(&region.steps);
        let Codes { codes, bytes } = match native {
            true => {
                let sources = builder.regions.iter();
                let sources = sources.map(|(region, ranged)| Source { region, ranged: *ranged });
                native::compile_all(&sources.collect::<Vec<_>>(), isa)
            }
            false => Codes { codes: builder.regions.iter().map(|_| None).collect(), bytes: 0 },
        };
        let units = builder.regions.iter().zip(codes).map(|((region, _), code)| match code {
            Some(code) => Unit::Native(code, whole(region)),
            None => Unit::Tiles(Tiles::new(region, isa)),
        });
        let mut units = units.collect::<Vec<Unit>>().into_iter();
        let stages = fill(outline, &mut units);
        let sizes = region.operands.iter().map(|d| d.size()).collect();
        Stages { stages, sizes, code: bytes }
    }

    /// Bytes of machine code, with its constants.
    pub fn code_bytes(&self) -> usize {
        self.code
    }

    /// Runs everything; false when a call had no result.
    ///
    /// # Safety
    /// The table has the address of a buffer for each operand of the region, with all the elements
    /// that it accesses; buffers overlap only where the region allows it.
    pub unsafe fn run(&self, addresses: &mut [*mut u8]) -> bool {
        // SAFETY: the caller's.
        unsafe { self.stages(&self.stages, Table(addresses.as_mut_ptr()), addresses.len()) }
    }

    /// Whether everything that is not a library call is machine code.
    pub fn is_native(&self) -> bool {
        fn all(stages: &[Stage]) -> bool {
            stages.iter().all(|stage| match stage {
                Stage::Serial(unit) | Stage::Shared(unit, _) => matches!(unit, Unit::Native(..)),
                Stage::Strips(striped) => {
                    striped.nests.iter().all(|unit| matches!(unit, Unit::Native(..)))
                }
                Stage::Call(_) => true,
                Stage::Loop(repeat) => all(&repeat.body),
                Stage::While { test: a, body: b, .. } | Stage::If { yes: a, no: b, .. } => {
                    all(a) && all(b)
                }
            })
        }
        all(&self.stages)
    }

    /// # Safety
    /// As for `run`; the table has `n` entries.
    unsafe fn stages(&self, stages: &[Stage], table: Table, n: usize) -> bool {
        // SAFETY: the caller's, throughout.
        stages.iter().all(|stage| unsafe {
            match stage {
                Stage::Serial(unit) => unit.run(table, n, None),
                // Code that does not take ranges would do everything in each piece.
                Stage::Shared(unit, _) if !unit.splits() => unit.run(table, n, None),
                Stage::Shared(unit, ranges) => {
                    // Every range writes elements of its own, and nests have no calls that fail.
                    pool::run(ranges.len(), &|i| {
                        unit.run(table, n, Some(ranges[i]));
                    });
                    true
                }
                Stage::Strips(striped) => self.strips(striped, table, n),
                Stage::Call(call) => call_in_pieces(call, table),
                Stage::Loop(repeat) => self.repeat(repeat, table, n),
                Stage::While { test, flag, body } => {
                    let holds = |table: Table| *table.get(*flag).cast::<bool>();
                    let mut good = self.stages(test, table, n);
                    while good && holds(table) {
                        good = self.stages(body, table, n) && self.stages(test, table, n);
                    }
                    good
                }
                Stage::If { flag, yes, no } => {
                    let branch = if *table.get(*flag).cast::<bool>() { yes } else { no };
                    self.stages(branch, table, n)
                }
            }
        })
    }

    /// # Safety
    /// As for `stages`.
    unsafe fn strips(&self, Striped { strips, nests }: &Striped, table: Table, n: usize) -> bool {
        let good = AtomicBool::new(true);
        let count = strips.count();
        let together = count.min(TOGETHER);
        let rooms = Rooms::default();
        pool::run(together, &|number| {
            let room = rooms.take();
            // A table of its own, as the addresses of what holds one strip move.
            // SAFETY: the caller's.
            let all = unsafe { std::slice::from_raw_parts(table.first(), n) };
            let mut own: SmallVec<[*mut u8; 64]> = SmallVec::from_slice(all);
            for strip in (number..count).step_by(together) {
                let (from, to) = strips.range(strip);
                for local in &strips.locals {
                    let place = local.operand as usize;
                    let part = if local.kept { number } else { room };
                    let by = local.shift(part, from) * self.sizes[place] as isize;
                    own[place] = all[place].wrapping_offset(by);
                }
                let mut nests = nests.iter();
                for band in &strips.body {
                    let range = band.range((from, to));
                    let done = match &band.task {
                        // SAFETY: the caller's; strips write elements of their own, and have rooms of
                        // their own.
                        Task::Nest(_) => nests.next().is_none_or(|nest| unsafe {
                            nest.run(Table(own.as_mut_ptr()), n, Some(range))
                        }),
                        Task::Call(call) => {
                            let operands = call.operands.iter().map(|&o| own[o as usize]);
                            let operands: SmallVec<[*mut u8; 8]> = operands.collect();
                            // SAFETY: the same.
                            unsafe { call.function.run_iterations(band.way, range, &operands) }
                        }
                    };
                    if !done {
                        good.store(false, Ordering::Relaxed);
                    }
                }
            }
            rooms.give_back(room);
        });
        good.into_inner()
    }

    /// # Safety
    /// As for `stages`.
    unsafe fn repeat(&self, repeat: &Repeat, table: Table, n: usize) -> bool {
        let bytes = |operand: Operand, by: isize| by * self.sizes[operand as usize] as isize;
        let Repeat { count, windows, advance, exchange, body } = repeat;
        // SAFETY: the caller's, throughout; addresses past the end are not read.
        unsafe {
            for &(window, of, start) in windows {
                table.set(window, table.get(of).wrapping_offset(bytes(window, start)));
            }
            let moved = advance.iter().map(|a| a.0);
            let moved = moved.chain(exchange.iter().flat_map(|e| [e.0, e.1]));
            let before: SmallVec<[_; 16]> = moved.map(|o| (o, table.get(o))).collect();
            let mut good = true;
            for _ in 0..*count {
                good = self.stages(body, table, n);
                if !good {
                    break;
                }
                for &(operand, by) in advance {
                    table.set(operand, table.get(operand).wrapping_offset(bytes(operand, by)));
                }
                for &(a, b) in exchange {
                    let (at_a, at_b) = (table.get(a), table.get(b));
                    table.set(a, at_b);
                    table.set(b, at_a);
                }
            }
            before.into_iter().for_each(|(operand, at)| table.set(operand, at));
            good
        }
    }
}

/// # Safety
/// As for [`Stages::run`].
unsafe fn call_in_pieces(call: &Call, table: Table) -> bool {
    let operand = |&o: &Operand| {
        // SAFETY: the caller's.
        unsafe { table.get(o) }
    };
    let addresses: SmallVec<[*mut u8; 8]> = call.operands.iter().map(operand).collect();
    let (function, pieces) = (&call.function, call.function.pieces());
    if pieces <= 1 {
        // SAFETY: the caller's.
        return unsafe { function.run(&addresses) };
    }
    let scratch = function.scratch().next_multiple_of(ALIGNMENT);
    let together = pieces.min(TOGETHER);
    let good = AtomicBool::new(true);
    let addresses = Shared::new(addresses.as_slice());
    let rooms = Rooms::default();
    pool::run(together, &|t| {
        let room = rooms.take();
        let mut own: SmallVec<[*mut u8; 8]> = SmallVec::from_slice(addresses.get());
        if let (true, Some(last)) = (scratch > 0, own.last_mut()) {
            *last = last.wrapping_add(room * scratch);
        }
        // SAFETY: the caller's; pieces write different elements, and their scratch is their own.
        let all = (t..pieces).step_by(together).all(|i| unsafe { function.run_piece(i, &own) });
        rooms.give_back(room);
        if !all {
            good.store(false, Ordering::Relaxed);
        }
    });
    good.into_inner()
}

impl Unit {
    /// Whether it does only the range it is given.
    fn splits(&self) -> bool {
        match self {
            Unit::Native(code, _) => code.splits(),
            Unit::Tiles(_) => true,
        }
    }

    /// # Safety
    /// As for [`Stages::run`]; the table has `n` entries.
    unsafe fn run(&self, table: Table, n: usize, range: Option<(usize, usize)>) -> bool {
        // SAFETY: the caller's.
        unsafe {
            match self {
                Unit::Native(code, whole) => code.run(table.0, range.unwrap_or(*whole)),
                Unit::Tiles(tiles) => {
                    // A table of its own: running on tiles moves entries for loops, never for nests.
                    let mut own: SmallVec<[*mut u8; 32]> =
                        SmallVec::from_slice(std::slice::from_raw_parts(table.0, n));
                    tiles.run(&mut own, range)
                }
            }
        }
    }
}

/// All iterations of the outermost loop of a region that is one nest.
fn whole(region: &Region) -> (usize, usize) {
    match region.steps.as_slice() {
        [Step::Nest(nest)] => (0, nest.extents.first().copied().unwrap_or(0)),
        _ => (0, 0),
    }
}

/// Stages whose units are not compiled yet; units are taken in order.
enum Outline {
    Serial,
    Shared(Vec<(usize, usize)>),
    Strips(Strips),
    Call(Call),
    Loop(Repeat, Vec<Outline>),
    While(Operand, Vec<Outline>, Vec<Outline>),
    If(Operand, Vec<Outline>, Vec<Outline>),
}

impl Outline {
    fn fill(self, units: &mut std::vec::IntoIter<Unit>) -> Option<Stage> {
        Some(match self {
            Outline::Serial => Stage::Serial(units.next()?),
            Outline::Shared(ranges) => Stage::Shared(units.next()?, ranges),
            Outline::Strips(strips) => {
                let nests = strips.body.iter().filter(|band| band.task.nest().is_some());
                let nests = units.take(nests.count()).collect();
                Stage::Strips(Striped { strips, nests })
            }
            Outline::Call(call) => Stage::Call(call),
            Outline::Loop(repeat, body) => {
                Stage::Loop(Repeat { body: fill(body, units), ..repeat })
            }
            Outline::While(flag, test, body) => {
                let test = fill(test, units);
                Stage::While { test, flag, body: fill(body, units) }
            }
            Outline::If(flag, yes, no) => {
                let yes = fill(yes, units);
                Stage::If { flag, yes, no: fill(no, units) }
            }
        })
    }
}

fn fill(outlines: Vec<Outline>, units: &mut std::vec::IntoIter<Unit>) -> Vec<Stage> {
    outlines.into_iter().filter_map(|o| o.fill(units)).collect()
}

struct Builder<'a> {
    region: &'a Region,
    /// What is to be compiled, and whether it has to take a range.
    regions: Vec<(Region, bool)>,
}

impl Builder<'_> {
    fn outline(&mut self, steps: &[Step]) -> Vec<Outline> {
        let worth = worth_sharing(steps);
        let mut outlines = Vec::new();
        let mut small: Vec<Step> = Vec::new();
        for step in steps {
            if !is_shared(step, worth) {
                small.push(step.clone());
                continue;
            }
            self.serial(&mut small, &mut outlines);
            outlines.push(match step {
                Step::Nest(nest) => {
                    self.compile(vec![step.clone()], false);
                    Outline::Shared(ranges(nest))
                }
                Step::Strips(strips) => {
                    for nest in strips.body.iter().filter_map(|band| band.task.nest()) {
                        self.compile(vec![Step::Nest(nest.clone())], true);
                    }
                    Outline::Strips(strips.clone())
                }
                Step::Call(call) => Outline::Call(call.clone()),
                Step::Loop { count, windows, advance, exchange, body } => {
                    let repeat = Repeat {
                        count: *count,
                        windows: windows.clone(),
                        advance: advance.clone(),
                        exchange: exchange.clone(),
                        body: Vec::new(),
                    };
                    Outline::Loop(repeat, self.outline(body))
                }
                Step::While { test, flag, body } => {
                    let test = self.outline(test);
                    Outline::While(*flag, test, self.outline(body))
                }
                Step::If { flag, yes, no } => {
                    let yes = self.outline(yes);
                    Outline::If(*flag, yes, self.outline(no))
                }
            });
        }
        self.serial(&mut small, &mut outlines);
        outlines
    }

    fn serial(&mut self, steps: &mut Vec<Step>, outlines: &mut Vec<Outline>) {
        if !steps.is_empty() {
            self.compile(std::mem::take(steps), false);
            outlines.push(Outline::Serial);
        }
    }

    fn compile(&mut self, steps: Vec<Step>, ranged: bool) {
        let operands = Arc::clone(&self.region.operands);
        self.regions.push((Region { operands, steps }, ranged));
    }
}

/// The pieces of the outermost loop of a nest that is shared: one if it is folded.
fn ranges(nest: &Nest) -> Vec<(usize, usize)> {
    let Some(&length) = nest.extents.first() else { return vec![(0, 0)] };
    if nest.stores.iter().any(Store::is_folded_outermost) {
        return vec![(0, length)];
    }
    let grain = grain(nest);
    let size = length.div_ceil(PIECES).next_multiple_of(grain);
    (0..length.div_ceil(size)).map(|i| (i * size, ((i + 1) * size).min(length))).collect()
}
