//! Registers for values, along the code from its beginning to its end.
//!
//! A value stays in its register until another needs it more: the one given up is the one whose next
//! use is farthest away (Belady 1966). It goes to the frame the first time; constants are not saved,
//! they can be operands in memory. At the entry of a loop the values it needs from outside either
//! get registers they keep through the loop, or lie in memory through the loop, so that the registers
//! at its end are those at its beginning. Accumulators keep theirs from beginning to end, or have a
//! place in the frame if there are too many.

use super::graph::{Accumulator, Id, NONE, Op, Size, Trips};
use super::linear::{Item, Linear};
use super::lower::Lowered;
use super::machine::{Machine, Src, memory_arguments};
use smallvec::SmallVec;

/// Nobody's register.
pub(super) const FREE: u32 = u32::MAX;
/// An accumulator's register: this plus its number.
pub(super) const ACCUMULATORS: u32 = 1 << 31;
/// Registers that are always left for the operations themselves.
pub(super) const LEAST: usize = 4;
pub(super) const NOWHERE: u8 = u8::MAX;
pub(super) const NO_SLOT: u32 = u32::MAX;

/// A loop we are in.
pub(super) struct Loop {
    pub(super) block: u16,
    /// What keeps its register through the loop.
    pub(super) kept: Vec<(Id, u8)>,
    /// Values from outside that were saved inside: outside the loop that did not happen for sure.
    pub(super) saved: Vec<Id>,
}

/// The state of the registers at a place of the code.
pub(super) struct Allocate<'a> {
    pub(super) machine: &'a mut Machine,
    pub(super) lowered: &'a Lowered,
    pub(super) linear: &'a Linear,
    pub(super) trips: Vec<(Trips, u64, bool)>,
    pub(super) owner: [u32; 40],
    /// The depth of the outermost loop that keeps the register, from 1; 0 for none.
    pub(super) kept: [u8; 40],
    /// Registers the present instruction uses.
    pub(super) busy: u64,
    pub(super) register: Vec<u8>,
    pub(super) slot: Vec<u32>,
    next: Vec<u32>,
    /// Where the accumulators are.
    pub(super) places: Vec<Src>,
    pub(super) loops: Vec<Loop>,
    at: u32,
    /// For each value, in which search it was seen last, and how often.
    pub(super) seen: Vec<(u32, u32)>,
    pub(super) stamp: u32,
}

impl<'a> Allocate<'a> {
    pub(super) fn new(
        machine: &'a mut Machine,
        lowered: &'a Lowered,
        linear: &'a Linear,
    ) -> Allocate<'a> {
        let n = linear.nodes.len();
        let blocks = lowered.graph.blocks.borrow();
        let trips = blocks.iter().map(|b| (b.trips, b.step, b.kids.is_empty())).collect();
        Allocate {
            machine,
            lowered,
            linear,
            trips,
            owner: [FREE; 40],
            kept: [0; 40],
            busy: 0,
            register: vec![NOWHERE; n],
            slot: vec![NO_SLOT; n],
            next: linear.first[..n].to_vec(),
            places: vec![Src::Word(0); lowered.graph.accumulators.len()],
            loops: Vec::new(),
            at: 0,
            seen: vec![(0, 0); n],
            stamp: 0,
        }
    }

    /// Writes the code of the nest; none if an operation has no instruction here.
    pub(super) fn run(mut self) -> Option<()> {
        for at in 0..self.linear.items.len() {
            self.at = at as u32;
            self.busy = 0;
            match self.linear.items[at] {
                Item::Node(id) => self.node(id)?,
                Item::Enter(block) => self.enter(block),
                Item::Leave(block) => self.leave(block),
            }
        }
        Some(())
    }

    pub(super) fn size(&self, id: Id) -> Size {
        self.linear.nodes[id as usize].size
    }

    pub(super) fn constant(&self, id: Id) -> Option<u64> {
        match self.linear.nodes[id as usize].op {
            Op::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// The next place where a value is used, from the present one on.
    pub(super) fn next_use(&self, id: Id) -> Option<u32> {
        let at = self.next[id as usize];
        (at < self.linear.first[id as usize + 1]).then(|| self.linear.uses[at as usize])
    }

    pub(super) fn registers(&self, size: Size) -> std::ops::Range<u8> {
        self.machine.registers(size)
    }

    /// A register of that kind, taken from the value that is needed last if none is free.
    pub(super) fn take(&mut self, size: Size) -> Option<u8> {
        let free = |a: &Self, r: u8| a.owner[r as usize] == FREE && a.busy >> r & 1 == 0;
        let register = match self.registers(size).find(|&r| free(self, r)) {
            Some(register) => register,
            None => {
                let victim = self
                    .registers(size)
                    .filter(|&r| self.busy >> r & 1 == 0 && self.kept[r as usize] == 0)
                    .max_by_key(|&r| {
                        let id = self.owner[r as usize];
                        let next = self.next_use(id).unwrap_or(u32::MAX);
                        // What needs no saving goes first among near equals.
                        let cheap =
                            self.constant(id).is_some() || self.slot[id as usize] != NO_SLOT;
                        next.saturating_add(if cheap { 8 } else { 0 })
                    })?;
                self.give_up(victim);
                victim
            }
        };
        self.busy |= 1 << register;
        Some(register)
    }

    /// Frees a register, and saves the value in it if it is needed again.
    pub(super) fn give_up(&mut self, register: u8) {
        let id = self.owner[register as usize];
        if id == FREE || id >= ACCUMULATORS {
            return;
        }
        // A loop that keeps a value needs it again in its next trip.
        let needed = self.next_use(id).is_some() || self.kept[register as usize] != 0;
        self.owner[register as usize] = FREE;
        self.kept[register as usize] = 0;
        self.register[id as usize] = NOWHERE;
        if needed && self.constant(id).is_none() && self.slot[id as usize] == NO_SLOT {
            let size = self.size(id);
            let bytes = if size == Size::Mask && self.machine.wide { 8 } else { 64 };
            let slot = self.machine.asm.reserve(bytes);
            self.machine.spill(slot, register, size);
            self.slot[id as usize] = slot;
            if let Some(inside) = self.loops.last_mut()
                && self.linear.defined[id as usize] < self.linear.spans[inside.block as usize].0
            {
                inside.saved.push(id);
            }
        }
    }

    pub(super) fn own(&mut self, register: u8, id: Id) {
        self.owner[register as usize] = id;
        self.register[id as usize] = register;
    }

    /// The value in a register, wherever it was.
    pub(super) fn read(&mut self, id: Id) -> Option<u8> {
        let register = self.register[id as usize];
        if register != NOWHERE {
            self.busy |= 1 << register;
            return Some(register);
        }
        let size = self.size(id);
        let register = self.take(size)?;
        self.fetch(id, register)?;
        self.own(register, id);
        Some(register)
    }

    /// Register ← value, from memory.
    pub(super) fn fetch(&mut self, id: Id, register: u8) -> Option<()> {
        let node = self.linear.nodes[id as usize];
        match node.op {
            Op::Const(bits) => self.machine.constant(register, bits, node.size),
            _ if self.slot[id as usize] != NO_SLOT => {
                self.machine.reload(register, self.slot[id as usize], node.size);
            }
            Op::Load(place) if self.linear.late[id as usize] => {
                self.machine.load(register, place, node.size);
            }
            _ => return None,
        }
        Some(())
    }

    /// Where a value is that is not in a register, if an instruction can take it from there.
    pub(super) fn in_register(&self, id: Id) -> bool {
        self.register[id as usize] != NOWHERE
    }

    fn in_memory(&self, id: Id) -> Option<Src> {
        let node = self.linear.nodes[id as usize];
        if self.register[id as usize] != NOWHERE || node.size == Size::Mask {
            return None;
        }
        match node.op {
            Op::Const(bits) => Some(Src::Word(bits)),
            _ if self.slot[id as usize] != NO_SLOT => Some(Src::Slot(self.slot[id as usize])),
            Op::Load(place) if self.linear.late[id as usize] => {
                self.machine.is_operand(place, node.size).then_some(Src::Place(place))
            }
            _ => None,
        }
    }

    /// Whether it is better to have a register for a value in memory: there is one, and the value is
    /// used again soon.
    fn worth_a_register(&self, id: Id) -> bool {
        let again = self.next[id as usize] + 1;
        let end = self.linear.first[id as usize + 1];
        let soon = again < end && self.linear.uses[again as usize] < self.at + 64;
        let mut registers = self.registers(self.size(id));
        soon && registers.any(|r| self.owner[r as usize] == FREE && self.busy >> r & 1 == 0)
    }

    /// An operand: memory if that is allowed and as good.
    pub(super) fn source(&mut self, id: Id, memory: bool) -> Option<Src> {
        match self.in_memory(id) {
            Some(src) if memory && !self.worth_a_register(id) => Some(src),
            _ => Some(Src::Reg(self.read(id)?)),
        }
    }

    /// The arguments are used; those that are not needed again leave their registers.
    pub(super) fn done_with(&mut self, args: &[Id]) {
        for &id in args {
            self.next[id as usize] += 1;
        }
        for &id in args {
            let register = self.register[id as usize];
            if register == NOWHERE || self.next_use(id).is_some() {
                continue;
            }
            if self.kept[register as usize] == 0 {
                self.owner[register as usize] = FREE;
                self.register[id as usize] = NOWHERE;
                self.busy &= !(1 << register);
            }
        }
    }

    /// Whether this use of a value is its last and its register may be overwritten.
    pub(super) fn dies(&self, id: Id) -> bool {
        let register = self.register[id as usize];
        let uses_here = {
            let from = self.next[id as usize] as usize;
            let end = self.linear.first[id as usize + 1] as usize;
            self.linear.uses[from..end].iter().take_while(|&&u| u == self.at).count()
        };
        register != NOWHERE
            && self.kept[register as usize] == 0
            && self.next[id as usize] + uses_here as u32 == self.linear.first[id as usize + 1]
    }

    pub(super) fn args(&self, id: Id) -> SmallVec<[Id; 3]> {
        self.linear.nodes[id as usize].args.iter().copied().filter(|&a| a != NONE).collect()
    }

    /// A register for a result, after what died here has left.
    pub(super) fn result(&mut self, id: Id) -> Option<u8> {
        let register = self.take(self.size(id))?;
        self.own(register, id);
        if self.next_use(id).is_none() {
            // Nobody needs it: the register is free after this instruction.
            self.owner[register as usize] = FREE;
            self.register[id as usize] = NOWHERE;
        }
        Some(register)
    }

    /// An operation of one instruction.
    pub(super) fn simple(&mut self, id: Id) -> Option<()> {
        let node = self.linear.nodes[id as usize];
        let mut args = self.args(id);
        let (memory, swaps) = memory_arguments(node.op, self.machine.wide);
        if swaps && self.in_memory(args[0]).is_some() && self.in_memory(args[1]).is_none() {
            args.swap(0, 1);
        }
        let tied = matches!(node.op, Op::Ternary(_));
        let zero = node.op == Op::Blend && self.constant(args[2]) == Some(0);
        let mut sources: SmallVec<[Src; 3]> = SmallVec::new();
        let mut used = false;
        // Registers first: what is read into one may push out what another operand lies in.
        for &arg in &args {
            if self.register[arg as usize] != NOWHERE {
                self.busy |= 1 << self.register[arg as usize];
            }
        }
        for (i, &arg) in args.iter().enumerate() {
            if zero && i == 2 || node.op == Op::Ternary(0xff) {
                sources.push(Src::Word(0));
                continue;
            }
            if tied && i == 0 {
                sources.push(Src::Reg(NOWHERE));
                continue;
            }
            let source = self.source(arg, memory >> i & 1 == 1 && !used)?;
            used |= !matches!(source, Src::Reg(_));
            sources.push(source);
        }
        let sizes: SmallVec<[Size; 3]> = args.iter().map(|&a| self.size(a)).collect();
        let target = if tied {
            self.tied(id, args[0], &args)?
        } else {
            self.done_with(&args);
            self.result(id)?
        };
        self.machine.simple(node.op, target, &sources, &sizes, node.size)
    }

    /// A register for the result of `id` that already holds `arg`; all arguments are done with.
    pub(super) fn tied(&mut self, id: Id, arg: Id, args: &[Id]) -> Option<u8> {
        let size = self.size(id);
        if self.dies(arg) {
            let register = self.register[arg as usize];
            self.done_with(args);
            self.busy |= 1 << register;
            self.own(register, id);
            return Some(register);
        }
        let register = self.take(size)?;
        match self.register[arg as usize] {
            NOWHERE => self.fetch(arg, register)?,
            from => self.machine.copy(register, from, size),
        }
        self.done_with(args);
        self.own(register, id);
        Some(register)
    }

    /// Every register in use, with the size of what is in it.
    pub(super) fn occupied(&self) -> Vec<(u8, Size)> {
        let sizes = |owner: u32| match owner {
            FREE => None,
            a if a >= ACCUMULATORS => Some(self.accumulator(a - ACCUMULATORS).num.size()),
            id => Some(self.size(id)),
        };
        (0..40u8).filter_map(|r| Some((r, sizes(self.owner[r as usize])?))).collect()
    }

    /// Frees all registers that may be freed, before a call.
    pub(super) fn clear(&mut self) {
        for register in 0..40 {
            if self.owner[register as usize] != FREE && self.kept[register as usize] == 0 {
                self.give_up(register);
            }
        }
    }

    pub(super) fn accumulator(&self, number: u32) -> Accumulator {
        self.lowered.graph.accumulators[number as usize]
    }

    /// A place for an accumulator, in a register if there are enough.
    pub(super) fn begin(&mut self, number: u16) -> Option<Src> {
        let size = self.accumulator(number.into()).num.size();
        let most = self.lowered.accumulators;
        let taken = self.owner.iter().filter(|&&o| o != FREE && o >= ACCUMULATORS).count();
        let free = self.registers(size).filter(|&r| self.kept[r as usize] == 0).count();
        let place = if taken < most && free > LEAST {
            let register = self.take(size)?;
            self.owner[register as usize] = ACCUMULATORS + u32::from(number);
            self.kept[register as usize] = NOWHERE;
            Src::Reg(register)
        } else {
            Src::Slot(self.machine.asm.reserve(64))
        };
        self.places[number as usize] = place;
        Some(place)
    }

    /// The accumulator becomes the value `id`.
    pub(super) fn end(&mut self, number: u16, id: Id) {
        match self.places[number as usize] {
            Src::Reg(register) => {
                self.kept[register as usize] = 0;
                self.own(register, id);
            }
            Src::Slot(slot) => self.slot[id as usize] = slot,
            Src::Word(_) | Src::Place(_) => {}
        }
    }
}
