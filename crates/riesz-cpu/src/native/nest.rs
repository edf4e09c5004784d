//! The code of one nest: its pointers, its loops, and a tail.

use super::allocate::Allocate;
use super::asm::{Arg, Asm, Label, Mem, low};
use super::graph::{Op, Trips};
use super::linear::Linear;
use super::lower::{Group, Lowered};
use super::machine::{Base, Machine, TAIL, Tail};
use crate::nest::Operand;
use iced_x86::Code;
use iced_x86::Register;

/// Registers for pointers, those first that need not be saved.
const POINTERS: [Register; super::address::POINTERS] = [
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::RBX,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// How many of them need not be saved.
const VOLATILE: usize = 6;

/// A loop that is being written.
pub(super) struct Counting {
    head: Label,
    end: Label,
    /// Where its trips are counted: `rcx`, or a word of the frame.
    counter: Arg,
}

impl Machine {
    /// Writes a nest; none if it needs something that this processor does not have.
    pub(super) fn nest(&mut self, lowered: &Lowered) -> Option<()> {
        let mark = self.asm.mark();
        self.lanes = lowered.graph.lanes;
        self.truth = lowered.graph.truth;
        let linear = Linear::of(&lowered.graph);
        self.tail = match lowered.tail {
            Some(n) => Tail::Known(n),
            None => Tail::None,
        };
        let ranged = lowered.ranged;
        if ranged || lowered.masked.is_some() {
            let left = self.asm.reserve(8);
            let rax = Arg::R(Register::RAX);
            match lowered.masked {
                Some(all) => self.asm.number(Register::RAX, all as u64),
                None => {
                    let (from, to) = (Asm::slot(self.frame.from), Asm::slot(self.frame.to));
                    self.asm.ins(Code::Mov_r64_rm64, &[rax, Arg::M(to)]);
                    self.asm.ins(Code::Sub_r64_rm64, &[rax, Arg::M(from)]);
                }
            }
            self.asm.ins(Code::Mov_rm64_r64, &[Arg::M(Asm::slot(left)), rax]);
            if lowered.tail.is_none() {
                self.tail = Tail::Left(left);
            }
            self.left = Some(left);
        }
        self.pointers(lowered, &linear, ranged);
        if !self.wide {
            self.tails_narrow();
        } else if let Tail::Known(n) = self.tail {
            self.asm.number(Register::RAX, (1 << n) - 1);
            self.asm.ins(Code::VEX_Kmovw_kr_r32, &[Arg::R(TAIL), Arg::R(Register::EAX)]);
        }
        Allocate::new(self, lowered, &linear).run()?;
        self.asm.release(mark);
        Some(())
    }

    /// Gives every pointer and counter that is used a register or a word of the frame, and its first
    /// value. Those used in inner blocks get the registers.
    fn pointers(&mut self, lowered: &Lowered, linear: &Linear, ranged: bool) {
        let groups = &lowered.groups;
        let mut weight = vec![0u64; groups.len()];
        let blocks = lowered.graph.blocks.borrow();
        for (id, node) in linear.nodes.iter().enumerate() {
            let written = linear.defined[id] != u32::MAX;
            if let (Some(group), true) = (super::address::group_of(node.op), written) {
                let depth = u32::from(blocks[node.block as usize].depth);
                let once = if matches!(node.op, Op::Counter(_)) { 1 } else { 2 };
                let group = lowered.shared[group as usize].unwrap_or(group);
                weight[group as usize] += once << (4 * depth.min(8));
            }
        }
        let mut order: Vec<usize> = (0..groups.len()).filter(|&g| weight[g] > 0).collect();
        order.sort_by_key(|&g| std::cmp::Reverse(weight[g]));
        self.bases = vec![Base::None; groups.len()];
        // While the pointers are set up, the table of addresses is in `rcx`.
        let table = Arg::M(Asm::slot(self.frame.table));
        self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(Register::RCX), table]);
        for (place, &g) in order.iter().enumerate() {
            match POINTERS.get(place) {
                Some(&register) => {
                    if place >= VOLATILE {
                        self.asm.save(register);
                    }
                    self.first_value(register, &groups[g], ranged);
                    self.bases[g] = Base::Register(register);
                }
                None => {
                    self.bases[g] = Base::Word(self.first_in_frame(&groups[g], ranged));
                }
            }
        }
        for (g, group) in groups.iter().enumerate() {
            if let Some(distance) = lowered.shared[g] {
                // The distance has the range in it.
                self.bases[g] = Base::Standing(self.first_in_frame(group, false), distance);
            }
        }
    }

    /// A word of the frame with the first value of a pointer or counter.
    fn first_in_frame(&mut self, group: &Group, ranged: bool) -> u32 {
        self.first_value(Register::RAX, group, ranged);
        let word = self.asm.reserve(8);
        let to = Arg::M(Asm::slot(word));
        self.asm.ins(Code::Mov_rm64_r64, &[to, Arg::R(Register::RAX)]);
        word
    }

    /// Register ← where in the table an operand of the list is, in bytes.
    pub(super) fn distance(&mut self, to: Register, operand: Operand) {
        let list = Arg::M(Asm::slot(self.frame.list));
        self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(to), list]);
        let number = Arg::M(Asm::at(to, 4 * i64::from(operand)));
        self.asm.ins(Code::Mov_r32_rm32, &[Arg::R(low(to)), number]);
    }

    /// Register ← where a pointer or counter starts, with the table in `rcx`; changes `rdx`.
    fn first_value(&mut self, to: Register, group: &Group, ranged: bool) {
        match group.operand {
            Some(operand) => {
                let entry = match self.listed {
                    false => Asm::at(Register::RCX, 8 * i64::from(operand)),
                    true => {
                        self.distance(to, operand);
                        Mem { index: to, ..Asm::at(Register::RCX, 0) }
                    }
                };
                self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(to), Arg::M(entry)]);
                self.add_number(Arg::R(to), group.start);
            }
            None => self.asm.number(to, group.start as u64),
        }
        let stride = group.strides.first().copied().unwrap_or(0);
        if ranged && stride != 0 {
            let rdx = Arg::R(Register::RDX);
            self.asm.number(Register::RDX, stride as u64);
            let from = Arg::M(Asm::slot(self.frame.from));
            self.asm.ins(Code::Imul_r64_rm64, &[rdx, from]);
            self.asm.ins(Code::Add_r64_rm64, &[Arg::R(to), rdx]);
        }
    }

    /// A register or word of the frame += a number; may change `rax`.
    fn add_number(&mut self, to: Arg, by: i64) {
        if by == 0 {
            return;
        }
        match i32::try_from(by) {
            Ok(by) => self.asm.immediate(Code::Add_rm64_imm32, &[to], by),
            Err(_) => {
                self.asm.number(Register::RAX, by as u64);
                self.asm.ins(Code::Add_rm64_r64, &[to, Arg::R(Register::RAX)]);
            }
        }
    }

    /// At the end of a trip: the pointers go on.
    pub(super) fn advance(&mut self, moves: &[(u16, i64)]) {
        for &(group, by) in moves {
            match self.bases[group as usize] {
                Base::Register(register) => self.add_number(Arg::R(register), by),
                Base::Word(word) => self.add_number(Arg::M(Asm::slot(word)), by),
                Base::Standing(..) | Base::None => {}
            }
        }
    }

    /// Where a trip of a loop begins.
    pub(super) fn loop_head(&mut self, trips: Trips, step: u64, innermost: bool) {
        let (head, end) = (self.asm.label(), self.asm.label());
        let mut counter = Arg::R(Register::RCX);
        match (trips, self.left) {
            (Trips::Once | Trips::Open, _) => {}
            (Trips::Count(n), _) => {
                if innermost {
                    self.asm.number(Register::RCX, n);
                } else {
                    counter = Arg::M(Asm::slot(self.asm.reserve(8)));
                    self.asm.number(Register::RAX, n);
                    self.asm.ins(Code::Mov_rm64_r64, &[counter, Arg::R(Register::RAX)]);
                }
            }
            (Trips::While, Some(left)) => {
                counter = Arg::M(Asm::slot(left));
                self.asm.immediate(Code::Cmp_rm64_imm32, &[counter], step as i32);
                self.asm.jump(Code::Jl_rel32_64, end);
            }
            (_, left) => {
                counter = Arg::M(Asm::slot(left.unwrap_or(0)));
                self.asm.immediate(Code::Cmp_rm64_imm32, &[counter], 0);
                self.asm.jump(Code::Jle_rel32_64, end);
            }
        }
        if innermost {
            self.asm.align();
        }
        self.asm.here(head);
        if let (Trips::Rest, Tail::Left(word), false) = (trips, self.tail, self.wide) {
            self.tail_left_narrow(word);
        } else if let (Trips::Rest, Tail::Left(word)) = (trips, self.tail) {
            // The lowest `left` bits, but no more than there are lanes: a truth value has a byte for each.
            let (eax, edx) = (Arg::R(Register::EAX), Arg::R(Register::EDX));
            let (rax, left) = (Arg::R(Register::RAX), Arg::M(Asm::slot(word)));
            self.asm.number(Register::RAX, self.lanes as u64);
            self.asm.ins(Code::Cmp_r64_rm64, &[rax, left]);
            self.asm.ins(Code::Cmova_r64_rm64, &[rax, left]);
            self.asm.ins(Code::Mov_r32_rm32, &[edx, eax]);
            self.asm.number(Register::RAX, 0xffff);
            self.asm.ins(Code::VEX_Bzhi_r32_rm32_r32, &[eax, eax, edx]);
            self.asm.ins(Code::VEX_Kmovw_kr_r32, &[Arg::R(TAIL), eax]);
        }
        self.loops.push(Counting { head, end, counter });
    }

    /// Leaves the innermost loop unless a mask holds in the first lane; changes `rax`.
    pub(super) fn leave_unless(&mut self, mask: u8) {
        let Some(end) = self.loops.last().map(|l| l.end) else { return };
        self.bits(mask);
        self.asm.immediate(Code::Test_rm32_imm32, &[Arg::R(Register::EAX)], 1);
        self.asm.jump(Code::Je_rel32_64, end);
    }

    /// Where it ends: back to the beginning, or on.
    pub(super) fn loop_end(&mut self, trips: Trips, step: u64) {
        let Some(Counting { head, end, counter }) = self.loops.pop() else { return };
        match trips {
            Trips::Once => {}
            Trips::Open => self.asm.jump(Code::Jmp_rel32_64, head),
            Trips::Count(_) => {
                self.asm.immediate(Code::Sub_rm64_imm32, &[counter], 1);
                self.asm.jump(Code::Jne_rel32_64, head);
            }
            Trips::While => {
                let code = Code::Sub_rm64_imm32;
                self.asm.immediate(code, &[counter], step as i32);
                self.asm.immediate(Code::Cmp_rm64_imm32, &[counter], step as i32);
                self.asm.jump(Code::Jge_rel32_64, head);
            }
            Trips::Rest => {
                self.asm.immediate(Code::Sub_rm64_imm32, &[counter], step as i32);
                self.asm.jump(Code::Jg_rel32_64, head);
            }
        }
        self.asm.here(end);
    }
}
