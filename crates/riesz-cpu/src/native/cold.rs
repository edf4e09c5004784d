//! Code that is seldom run, behind the rest: failures, and arguments out of the range of the inlined
//! functions. And calls, which save what they may not keep.

use super::asm::{Arg, Asm, Label};
use super::graph::Size;
use super::machine::{Machine, TAIL, Tail};
use crate::nest::Operand;
use iced_x86::Code;
use iced_x86::Register;

/// A piece of it: from where it is reached, and where it goes on.
pub(super) enum Cold {
    /// Something has failed; `listed` as in [`Machine`].
    Fail { out: Label, back: Label, flag: Option<Operand>, listed: bool },
    /// An index in `rax` is out of range; it becomes 0.
    FailIndex { out: Label, back: Label, flag: Option<Operand>, listed: bool },
    /// Some lanes of `to` come from a function of `x`.
    Repair { out: Label, back: Label, helper: u16, x: u8, to: u8, size: Size, lanes: Lanes },
}

/// The lanes of a nest, and the size of those of truth values.
type Lanes = (usize, Size);

/// What a function may change, of the registers for pointers and counters.
const VOLATILE: [Register; 7] = [
    Register::RCX,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];

impl Machine {
    /// Writes the cold code. It comes back to nests whose frames are in use.
    pub(super) fn write_cold(&mut self) {
        self.asm.reserve_all();
        // A function and the lanes it is called for, and where that is done.
        let mut rescues: Vec<(u16, Lanes, Label)> = Vec::new();
        for cold in std::mem::take(&mut self.cold) {
            match cold {
                Cold::Fail { out, back, flag, listed } => {
                    self.asm.here(out);
                    self.listed = listed;
                    self.fail(flag);
                    self.asm.jump(Code::Jmp_rel32_64, back);
                }
                Cold::FailIndex { out, back, flag, listed } => {
                    self.asm.here(out);
                    self.listed = listed;
                    self.fail(flag);
                    self.asm.number(Register::RAX, 0);
                    self.asm.jump(Code::Jmp_rel32_64, back);
                }
                Cold::Repair { out, back, helper, x, to, size, lanes } => {
                    self.asm.here(out);
                    (self.lanes, self.truth) = lanes;
                    let same = |r: &&(u16, Lanes, Label)| (r.0, r.1) == (helper, lanes);
                    let rescue = match rescues.iter().find(same) {
                        Some(known) => known.2,
                        None => {
                            let rescue = self.asm.label();
                            rescues.push((helper, lanes, rescue));
                            rescue
                        }
                    };
                    let (first, result) = (self.frame.first, self.frame.result);
                    self.spill(first, x, size);
                    self.spill(result, to, size);
                    self.asm.jump(Code::Call_rel32_64, rescue);
                    self.reload(to, result, size);
                    self.asm.jump(Code::Jmp_rel32_64, back);
                }
            }
        }
        for (helper, lanes, label) in rescues {
            self.asm.here(label);
            self.rescue(helper, lanes);
        }
    }

    /// A routine that calls a function on the vector in the frame, and leaves all registers as they were.
    fn rescue(&mut self, helper: u16, lanes: Lanes) {
        self.asm.enter();
        let mark = self.asm.mark();
        let vectors = self.registers(Size::B8).map(|r| (r, Size::B8));
        let masks = self.registers(Size::Mask).map(|r| (r, Size::Mask)).filter(|_| self.wide);
        let saved: Vec<(u8, Size)> = vectors.chain(masks).collect();
        let slots: Vec<u32> = saved.iter().map(|_| self.asm.reserve(64)).collect();
        let whole = if self.wide { 8 } else { 4 };
        self.lanes = whole;
        for (&(register, size), &slot) in saved.iter().zip(&slots) {
            self.spill(slot, register, size);
        }
        (self.lanes, self.truth) = lanes;
        self.call_helper(helper, false, None);
        self.lanes = whole;
        for (&(register, size), &slot) in saved.iter().zip(&slots) {
            self.reload(register, slot, size);
        }
        self.asm.release(mark);
        self.asm.leave();
    }

    /// The run has failed; changes `rax`.
    fn fail(&mut self, flag: Option<Operand>) {
        let good = Arg::M(Asm::slot(self.frame.good));
        self.asm.immediate(Code::Mov_rm64_imm32, &[good], 0);
        if let Some(operand) = flag {
            self.address(Register::RAX, operand);
            let flag = Arg::M(Asm::at(Register::RAX, 0));
            self.asm.ins(Code::Mov_rm8_imm8, &[flag, Arg::I(1)]);
        }
    }

    /// Register ← the address of an operand.
    pub(super) fn address(&mut self, to: Register, operand: Operand) {
        let table = Arg::M(Asm::slot(self.frame.table));
        if self.listed {
            self.distance(to, operand);
            self.asm.ins(Code::Add_r64_rm64, &[Arg::R(to), table]);
            return self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(to), Arg::M(Asm::at(to, 0))]);
        }
        self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(to), table]);
        let entry = Arg::M(Asm::at(to, 8 * i64::from(operand)));
        self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(to), entry]);
    }

    /// Calls the function with this number on the vectors in the frame. `tail`: only the lanes of the
    /// tail count; `fails`: results that do not exist fail the run, and set this flag.
    pub(super) fn call_helper(&mut self, helper: u16, tail: bool, fails: Option<Option<Operand>>) {
        let mark = self.asm.mark();
        let words: Vec<u32> = VOLATILE.iter().map(|_| self.asm.reserve(8)).collect();
        for (&register, &word) in VOLATILE.iter().zip(&words) {
            self.asm.ins(Code::Mov_rm64_r64, &[Arg::M(Asm::slot(word)), Arg::R(register)]);
        }
        let mask = self.asm.reserve(8);
        if self.wide {
            self.asm.ins(Code::VEX_Kmovw_m16_kr, &[Arg::M(Asm::slot(mask)), Arg::R(TAIL)]);
        }
        let frame = self.frame;
        let places = [
            (Register::RSI, frame.first),
            (Register::RDX, frame.second),
            (Register::RCX, frame.result),
        ];
        for (register, slot) in places {
            self.asm.ins(Code::Lea_r64_m, &[Arg::R(register), Arg::M(Asm::slot(slot))]);
        }
        self.asm.number(Register::R8, self.lanes as u64);
        match self.tail {
            Tail::Known(n) if tail => self.asm.number(Register::R8, n as u64),
            Tail::Left(word) if tail => {
                // The smaller of the lanes and of what is left.
                let left = Arg::M(Asm::slot(word));
                self.asm.ins(Code::Cmp_r64_rm64, &[Arg::R(Register::R8), left]);
                self.asm.ins(Code::Cmova_r64_rm64, &[Arg::R(Register::R8), left]);
            }
            _ => {}
        }
        let (apply, argument) = self.helpers.address(helper);
        self.asm.number(Register::RDI, argument);
        self.asm.number(Register::RAX, apply);
        self.asm.ins(Code::VEX_Vzeroupper, &[]);
        self.asm.ins(Code::Call_rm64, &[Arg::R(Register::RAX)]);
        for (&register, &word) in VOLATILE.iter().zip(&words) {
            self.asm.ins(Code::Mov_r64_rm64, &[Arg::R(register), Arg::M(Asm::slot(word))]);
        }
        if self.wide {
            self.asm.ins(Code::VEX_Kmovw_kr_km16, &[Arg::R(TAIL), Arg::M(Asm::slot(mask))]);
        }
        if let Some(flag) = fails {
            let (out, back) = (self.asm.label(), self.asm.label());
            let rax = Arg::R(Register::RAX);
            self.asm.ins(Code::Test_rm64_r64, &[rax, rax]);
            self.asm.jump(Code::Jne_rel32_64, out);
            self.asm.here(back);
            self.cold.push(Cold::Fail { out, back, flag, listed: self.listed });
        }
        self.asm.release(mark);
    }
}
