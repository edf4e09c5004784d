//! Regions: nests one after the other, loops around them, choices, and library calls.

use super::alike::{list, numbered};
use super::asm::{Arg, Asm, Label};
use super::call;
use super::carry::Rounds;
use super::line::Line;
use super::lower::lower;
use super::machine::Machine;
use crate::nest::{Call, Fold, Inst, Nest, Op, Operand, Reduction, Region, Step, Store};
use iced_x86::Code;
use iced_x86::Register;
use riesz_core::DType;
use rustc_hash::FxHashMap as HashMap;
use std::collections::hash_map::Entry;

/// The work of a nest, in elements times operations, from which on its outermost loop can be given a
/// range when it runs: below, two threads are not worth their meeting.
const WORTH_SPLITTING: usize = 1 << 12;

/// Whether it is worth it that the code of a region takes a range of the outermost loop of its only nest.
pub(super) fn splits(region: &Region) -> bool {
    let [Step::Nest(nest)] = region.steps.as_slice() else { return false };
    let count = nest.extents.iter().fold(1usize, |n, &e| n.saturating_mul(e));
    let cost: usize = super::blocking::costs(nest).iter().sum();
    nest.extents.first().is_some_and(|&n| n > 1)
        && count.saturating_mul(cost.max(1)) >= WORTH_SPLITTING
}

/// Bytes of code that a processor keeps ready; beyond, nests that are alike share theirs. Code in line
/// is a little faster as long as it is found there, and much slower when it is not.
const IN_LINE: usize = 1 << 15;

/// Writes the code of regions.
pub(super) struct Control<'a> {
    machine: Machine,
    region: &'a Region,
    /// The library calls, at fixed addresses.
    calls: call::Calls,
    /// The nests beyond what is in line, and the routines of those that came again.
    known: HashMap<Nest, Option<Label>>,
    /// Routines that are called and not written yet.
    routines: Vec<(Label, Nest)>,
}

impl<'a> Control<'a> {
    pub(super) fn new(region: &'a Region, wide: bool) -> Control<'a> {
        Control {
            machine: Machine::new(wide),
            region,
            calls: Vec::new(),
            known: HashMap::default(),
            routines: Vec::new(),
        }
    }

    /// What was written, with the library calls that its code knows the addresses of.
    pub(super) fn finish(self) -> (Machine, call::Calls) {
        (self.machine, self.calls)
    }

    /// The whole region as the body of a function; `listed`: its operands are places in a list, which
    /// is given with each call; `ranged`: so is a range of the outermost loop of its only nest.
    pub(super) fn region(&mut self, listed: bool, ranged: bool) -> Option<()> {
        let frame = self.machine.frame;
        self.machine.listed = listed;
        if listed {
            let to = Arg::M(Asm::slot(frame.list));
            self.machine.asm.ins(Code::Mov_rm64_r64, &[to, Arg::R(Register::RCX)]);
        }
        let given =
            [(frame.table, Register::RDI), (frame.from, Register::RSI), (frame.to, Register::RDX)];
        for (word, register) in given {
            let to = Arg::M(Asm::slot(word));
            self.machine.asm.ins(Code::Mov_rm64_r64, &[to, Arg::R(register)]);
        }
        let good = Arg::M(Asm::slot(frame.good));
        self.machine.asm.immediate(Code::Mov_rm64_imm32, &[good], 1);
        let region = self.region;
        self.steps(&region.steps, ranged)?;
        self.machine.asm.ins(Code::Mov_r64_rm64, &[Arg::R(Register::RAX), good]);
        let out = self.machine.asm.label();
        self.machine.asm.jump(Code::Jmp_rel32_64, out);
        self.write_routines()?;
        self.machine.write_cold();
        Some(())
    }

    fn steps(&mut self, steps: &[Step], ranged: bool) -> Option<()> {
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            match step {
                Step::Nest(nest) => match self.line(nest, steps.as_slice(), ranged)? {
                    0 => self.nest(nest, ranged)?,
                    count => steps = steps.as_slice()[count - 1..].iter(),
                },
                // Shared by threads, so whoever runs a plan walks through them.
                Step::Strips(_) => return None,
                Step::Loop { count, windows, advance, exchange, body } => {
                    if *count == 0 {
                        continue;
                    }
                    self.open_windows(windows);
                    let advance = &self.in_bytes(advance);
                    let rounds = Rounds::Count { count: *count, windows, advance, exchange };
                    if !self.line_loop(&rounds, [&[], body])? {
                        self.repeat(*count, advance, exchange, body)?;
                    }
                }
                Step::While { test, flag, body } => {
                    let rounds = Rounds::While { test: test.len(), flag: *flag };
                    if self.line_loop(&rounds, [test, body])? {
                        continue;
                    }
                    let (head, end) = (self.machine.asm.label(), self.machine.asm.label());
                    self.machine.asm.here(head);
                    self.steps(test, false)?;
                    self.skip_unless(*flag, end);
                    self.steps(body, false)?;
                    self.machine.asm.jump(Code::Jmp_rel32_64, head);
                    self.machine.asm.here(end);
                }
                Step::If { flag, yes, no } => {
                    let (other, end) = (self.machine.asm.label(), self.machine.asm.label());
                    self.skip_unless(*flag, other);
                    self.steps(yes, false)?;
                    self.machine.asm.jump(Code::Jmp_rel32_64, end);
                    self.machine.asm.here(other);
                    self.steps(no, false)?;
                    self.machine.asm.here(end);
                }
                Step::Call(call) => self.call(call),
            }
        }
        Some(())
    }

    /// Writes a nest with those behind it that can be one straight line with it: how many there are, 0 if
    /// nothing was written.
    fn line(&mut self, first: &Nest, behind: &[Step], ranged: bool) -> Option<usize> {
        let wide = self.machine.wide;
        if ranged || self.machine.asm.written() > IN_LINE {
            return Some(0);
        }
        let mut line = Line::default();
        let nests = behind.iter().map_while(|step| match step {
            Step::Nest(nest) => Some(nest),
            _ => None,
        });
        let count = std::iter::once(first).chain(nests).take_while(|n| line.push(n, wide)).count();
        if count < 2 {
            return Some(0);
        }
        match line.lower(wide, &mut self.machine.helpers) {
            Some(lowered) => self.machine.nest(&lowered).map(|()| count),
            None => Some(0),
        }
    }

    /// Writes a loop of nests without loops; false if there are others, and nothing was written.
    fn line_loop(&mut self, rounds: &Rounds, steps: [&[Step]; 2]) -> Option<bool> {
        let wide = self.machine.wide;
        let mut line = Line::default();
        for step in steps.into_iter().flatten() {
            if !matches!(step, Step::Nest(nest) if line.push(nest, wide)) {
                return Some(false);
            }
        }
        match line.lower_loop(rounds, wide, &mut self.machine.helpers) {
            Some(lowered) => self.machine.nest(&lowered).map(|()| true),
            None => Some(false),
        }
    }

    fn skip_unless(&mut self, flag: Operand, to: Label) {
        self.machine.address(Register::RAX, flag);
        let byte = Arg::M(Asm::at(Register::RAX, 0));
        self.machine.asm.ins(Code::Cmp_rm8_imm8, &[byte, Arg::I(0)]);
        self.machine.asm.jump(Code::Je_rel32_64, to);
    }

    fn nest(&mut self, nest: &Nest, ranged: bool) -> Option<()> {
        if nest.extents.contains(&0) {
            return self.empty(nest);
        }
        if !self.machine.listed && self.machine.asm.written() > IN_LINE && self.shared(nest) {
            return Some(());
        }
        self.in_line(nest, ranged)
    }

    fn in_line(&mut self, nest: &Nest, ranged: bool) -> Option<()> {
        let wide = self.machine.wide;
        let lowered = lower(nest, wide, ranged, &mut self.machine.helpers)?;
        self.machine.nest(&lowered)
    }

    /// Calls the routine of a nest, if one like it was there before.
    fn shared(&mut self, nest: &Nest) -> bool {
        let (numbered, operands) = numbered(nest);
        let routine = match self.known.entry(numbered) {
            Entry::Vacant(place) => {
                place.insert(None);
                return false;
            }
            Entry::Occupied(mut known) => match *known.get() {
                Some(routine) => routine,
                None => {
                    let routine = self.machine.asm.label();
                    self.routines.push((routine, known.key().clone()));
                    *known.get_mut() = Some(routine);
                    routine
                }
            },
        };
        let asm = &mut self.machine.asm;
        let list = Arg::M(asm.constant_list(&list(&operands)));
        asm.ins(Code::Lea_r64_m, &[Arg::R(Register::RDX), list]);
        asm.jump(Code::Call_rel32_64, routine);
        true
    }

    /// The routines, with frames beyond that of the function.
    fn write_routines(&mut self) -> Option<()> {
        self.machine.asm.reserve_all();
        for (label, nest) in std::mem::take(&mut self.routines) {
            self.machine.listed = true;
            let asm = &mut self.machine.asm;
            asm.align();
            asm.here(label);
            asm.enter();
            let to = Arg::M(Asm::slot(self.machine.frame.list));
            asm.ins(Code::Mov_rm64_r64, &[to, Arg::R(Register::RDX)]);
            self.in_line(&nest, false)?;
            self.machine.asm.leave();
        }
        Some(())
    }

    /// A nest whose body never runs: what it folds is the identity.
    fn empty(&mut self, nest: &Nest) -> Option<()> {
        for store in &nest.stores {
            let Some(Fold { op, along, accumulate: false }) = store.fold else { continue };
            let kept = |d: &usize| along >> d & 1 == 0;
            let dims: Vec<usize> = (0..nest.extents.len()).filter(kept).collect();
            let mut access = store.access.clone();
            access.strides = dims.iter().map(|&d| store.access.strides[d]).collect();
            let ty = nest.body[store.value as usize].ty;
            let fill = Nest {
                extents: dims.iter().map(|&d| nest.extents[d]).collect(),
                vector: dims.len().checked_sub(1),
                body: vec![Inst { op: Op::Const(identity(op, ty)), ty }],
                stores: vec![Store { value: 0, access, fold: None }],
                flag: None,
            };
            if !fill.extents.contains(&0) {
                self.nest(&fill, false)?;
            }
        }
        Some(())
    }

    /// Gives each window the address of what it is a part of, and so many elements more.
    fn open_windows(&mut self, windows: &[(Operand, Operand, isize)]) {
        let entry = |o: Operand| Arg::M(Asm::at(Register::RCX, 8 * i64::from(o)));
        let (rax, rdx) = (Arg::R(Register::RAX), Arg::R(Register::RDX));
        let table = Arg::M(Asm::slot(self.machine.frame.table));
        let asm = &mut self.machine.asm;
        asm.ins(Code::Mov_r64_rm64, &[Arg::R(Register::RCX), table]);
        for &(window, of, start) in windows {
            let size = self.region.operands[window as usize].size();
            asm.number(Register::RAX, (start as i64).wrapping_mul(size as i64) as u64);
            asm.ins(Code::Mov_r64_rm64, &[rdx, entry(of)]);
            asm.ins(Code::Add_rm64_r64, &[rdx, rax]);
            asm.ins(Code::Mov_rm64_r64, &[entry(window), rdx]);
        }
    }

    /// Numbers of elements as bytes.
    fn in_bytes(&self, advance: &[(Operand, isize)]) -> Vec<(Operand, i64)> {
        let size = |operand: Operand| self.region.operands[operand as usize].size() as i64;
        advance.iter().map(|&(o, by)| (o, (by as i64).wrapping_mul(size(o)))).collect()
    }

    /// The steps `count` times; the table is afterwards as it was.
    fn repeat(
        &mut self,
        count: usize,
        advance: &[(Operand, i64)],
        exchange: &[(Operand, Operand)],
        body: &[Step],
    ) -> Option<()> {
        let (rax, rdx) = (Arg::R(Register::RAX), Arg::R(Register::RDX));
        let mut touched: Vec<Operand> = advance.iter().map(|a| a.0).collect();
        touched.extend(exchange.iter().flat_map(|&(a, b)| [a, b]));
        touched.sort_unstable();
        touched.dedup();
        let mark = self.machine.asm.mark();
        let entry = |o: Operand| Arg::M(Asm::at(Register::RCX, 8 * i64::from(o)));
        let saved: Vec<u32> = touched.iter().map(|_| self.machine.asm.reserve(8)).collect();
        let counter = Arg::M(Asm::slot(self.machine.asm.reserve(8)));
        let table = Arg::M(Asm::slot(self.machine.frame.table));
        let rcx = Arg::R(Register::RCX);
        let asm = &mut self.machine.asm;
        asm.ins(Code::Mov_r64_rm64, &[rcx, table]);
        for (&operand, &word) in touched.iter().zip(&saved) {
            asm.ins(Code::Mov_r64_rm64, &[rax, entry(operand)]);
            asm.ins(Code::Mov_rm64_r64, &[Arg::M(Asm::slot(word)), rax]);
        }
        asm.number(Register::RAX, count as u64);
        asm.ins(Code::Mov_rm64_r64, &[counter, rax]);
        let head = asm.label();
        asm.here(head);
        self.steps(body, false)?;
        let asm = &mut self.machine.asm;
        asm.ins(Code::Mov_r64_rm64, &[rcx, table]);
        for &(operand, by) in advance {
            asm.number(Register::RAX, by as u64);
            asm.ins(Code::Add_rm64_r64, &[entry(operand), rax]);
        }
        for &(a, b) in exchange {
            asm.ins(Code::Mov_r64_rm64, &[rax, entry(a)]);
            asm.ins(Code::Mov_r64_rm64, &[rdx, entry(b)]);
            asm.ins(Code::Mov_rm64_r64, &[entry(a), rdx]);
            asm.ins(Code::Mov_rm64_r64, &[entry(b), rax]);
        }
        asm.immediate(Code::Sub_rm64_imm32, &[counter], 1);
        asm.jump(Code::Jne_rel32_64, head);
        asm.ins(Code::Mov_r64_rm64, &[rcx, table]);
        for (&operand, &word) in touched.iter().zip(&saved) {
            asm.ins(Code::Mov_r64_rm64, &[rax, Arg::M(Asm::slot(word))]);
            asm.ins(Code::Mov_rm64_r64, &[entry(operand), rax]);
        }
        asm.release(mark);
        Some(())
    }

    fn call(&mut self, call: &Call) {
        let call = Box::new(call.clone());
        let address: *const Call = &*call;
        self.calls.push(call);
        let table = Arg::M(Asm::slot(self.machine.frame.table));
        let good = Arg::M(Asm::slot(self.machine.frame.good));
        let asm = &mut self.machine.asm;
        asm.number(Register::RDI, address as u64);
        asm.ins(Code::Mov_r64_rm64, &[Arg::R(Register::RSI), table]);
        asm.number(Register::RAX, call::routine as *const () as u64);
        asm.ins(Code::VEX_Vzeroupper, &[]);
        asm.ins(Code::Call_rm64, &[Arg::R(Register::RAX)]);
        asm.ins(Code::And_rm64_r64, &[good, Arg::R(Register::RAX)]);
    }
}

/// The bits of what changes nothing in a fold.
fn identity(op: Reduction, ty: DType) -> u64 {
    let (low, high) = match ty {
        DType::F64 => (f64::NEG_INFINITY.to_bits(), f64::INFINITY.to_bits()),
        DType::F32 => (f32::NEG_INFINITY.to_bits().into(), f32::INFINITY.to_bits().into()),
        DType::I32 => (i32::MIN as u32 as u64, i32::MAX as u64),
        DType::I64 => (i64::MIN as u64, i64::MAX as u64),
        DType::Bool => (0, 1),
    };
    match op {
        Reduction::Sum => 0,
        Reduction::Max => low,
        Reduction::Min => high,
    }
}
