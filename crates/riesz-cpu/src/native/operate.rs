//! Operations that are more than one instruction with its operands: what they need of the registers,
//! and what is written.

use super::allocate::Allocate;
use super::asm::{Arg, Asm, Mem};
use super::codes::Replaces;
use super::cold::Cold;
use super::graph::{Id, Num, Op, Place, Size};
use super::machine::{Base, SCRATCH_MASK, Src};
use iced_x86::Code;
use iced_x86::Register;
use smallvec::SmallVec;

impl Allocate<'_> {
    /// Writes one operation.
    pub(super) fn node(&mut self, id: Id) -> Option<()> {
        let node = self.linear.nodes[id as usize];
        let args = self.args(id);
        match node.op {
            Op::Const(_) => Some(()),
            Op::Load(_) if self.linear.late[id as usize] => Some(()),
            Op::Load(place) | Op::Peek(place) => {
                let to = self.result(id)?;
                self.machine.load(to, place, node.size);
                Some(())
            }
            Op::PeekFirst(place, count) => {
                let to = self.result(id)?;
                self.machine.load_first(to, place, count);
                Some(())
            }
            Op::StoreFirst(place, count) => {
                let from = self.read(args[0])?;
                self.machine.store_first(from, place, count);
                self.done_with(&args);
                Some(())
            }
            Op::Counter(group) => {
                let to = self.result(id)?;
                self.machine.counter(to, group, node.size);
                Some(())
            }
            Op::Steps(step) => {
                let to = self.result(id)?;
                self.machine.steps(to, step, node.size);
                Some(())
            }
            Op::Fma(num, p, a) => self.fma(id, (num, p, a), &args),
            Op::Begin(number, from) => self.begin_accumulator(number, from),
            Op::Join(number, tail) => self.join(number, tail, &args),
            Op::End(number) => {
                self.end(number, id);
                Some(())
            }
            Op::Now(number) => {
                let to = self.result(id)?;
                match self.places[number as usize] {
                    Src::Reg(from) => self.machine.copy(to, from, node.size),
                    Src::Slot(slot) => self.machine.reload(to, slot, node.size),
                    Src::Word(_) | Src::Place(_) => return None,
                }
                Some(())
            }
            Op::Set(number) => {
                let size = self.size(args[0]);
                let from = self.read(args[0])?;
                match self.places[number as usize] {
                    Src::Reg(to) => self.machine.copy(to, from, size),
                    Src::Slot(slot) => self.machine.spill(slot, from, size),
                    Src::Word(_) | Src::Place(_) => return None,
                }
                self.done_with(&args);
                Some(())
            }
            Op::Leave => {
                let mask = self.read(args[0])?;
                self.machine.leave_unless(mask);
                self.done_with(&args);
                Some(())
            }
            Op::Lanes(combine, num) => {
                let to = self.tied(id, args[0], &args)?;
                self.machine.fold_lanes(combine, num, to)
            }
            Op::Store(place) => {
                let size = self.size(args[0]);
                let from = self.read(args[0])?;
                self.machine.store(from, place, size);
                self.done_with(&args);
                Some(())
            }
            Op::Check => {
                let mask = self.read(args[0])?;
                self.machine.fail_where(mask, self.lowered.flag);
                self.done_with(&args);
                Some(())
            }
            Op::Gather(place) => self.gather(id, place, &args),
            Op::Reach { stride, bound } => {
                let (index, from) = (self.read(args[0])?, self.size(args[0]));
                self.machine.reach((index, from), stride, bound, self.lowered.flag);
                self.done_with(&args);
                let to = self.result(id)?;
                self.machine.low_from_rax(to, node.size);
                Some(())
            }
            Op::Fetch(place) => {
                let (offset, from) = (self.read(args[0])?, self.size(args[0]));
                let mem = self.machine.reached((offset, from), place);
                self.done_with(&args);
                let to = self.result(id)?;
                self.machine.load_from(to, mem, place, node.size);
                Some(())
            }
            Op::Call(helper, fails) => self.call(id, helper, fails, &args),
            Op::Repair(helper) => self.repair(id, helper, &args),
            _ => self.simple(id),
        }
    }

    fn fma(&mut self, id: Id, kind: (Num, bool, bool), args: &[Id]) -> Option<()> {
        let [a, b, c] = [args[0], args[1], args[2]];
        for &arg in args {
            self.touch(arg);
        }
        // The result replaces an operand that is not needed any more: the addend, or a factor.
        let (replaced, replaces, second, third) = if self.dies(c) {
            let (second, third) = if self.in_register(a) { (a, b) } else { (b, a) };
            (c, Replaces::Addend, second, third)
        } else {
            let (factor, other) =
                if self.dies(b) && !self.dies(a) || !self.in_register(a) { (b, a) } else { (a, b) };
            if !self.dies(factor) && !self.in_register(c) {
                let (second, third) = if self.in_register(a) { (a, b) } else { (b, a) };
                (c, Replaces::Addend, second, third)
            } else if self.in_register(other) {
                (factor, Replaces::FactorPlusMemory, other, c)
            } else {
                (factor, Replaces::FactorTimesMemory, c, other)
            }
        };
        let second = self.read(second)?;
        let third = self.source(third, true)?;
        let to = self.tied(id, replaced, args)?;
        self.machine.fma(kind, replaces, to, second, third, false)
    }

    fn begin_accumulator(&mut self, number: u16, from: Option<Place>) -> Option<()> {
        let accumulator = self.accumulator(number.into());
        let size = accumulator.num.size();
        let place = self.begin(number)?;
        let register = match place {
            Src::Reg(register) => register,
            _ => self.take(size)?,
        };
        match from {
            Some(place) => self.machine.load(register, place, size),
            None => self.machine.constant(register, accumulator.identity, size),
        }
        if let Src::Slot(slot) = place {
            self.machine.spill(slot, register, size);
        }
        Some(())
    }

    fn join(&mut self, number: u16, tail: bool, args: &[Id]) -> Option<()> {
        let accumulator = self.accumulator(number.into());
        let size = accumulator.num.size();
        for &arg in args {
            self.touch(arg);
        }
        let place = self.places[number as usize];
        let (second, value) = match *args {
            [a, b] => {
                let (second, third) = if self.in_register(a) { (a, b) } else { (b, a) };
                (Some(self.read(second)?), self.source(third, true)?)
            }
            _ => (None, self.source(args[0], true)?),
        };
        let register = match place {
            Src::Reg(register) => register,
            _ => self.take(size)?,
        };
        if let Src::Slot(slot) = place {
            self.machine.reload(register, slot, size);
        }
        match second {
            Some(second) => {
                let kind = (accumulator.num, false, false);
                self.machine.fma(kind, Replaces::Addend, register, second, value, tail)?;
            }
            None => {
                self.machine.join(accumulator.combine, accumulator.num, register, value, tail)?;
            }
        }
        if let Src::Slot(slot) = place {
            self.machine.spill(slot, register, size);
        }
        self.done_with(args);
        Some(())
    }

    fn gather(&mut self, id: Id, place: Place, args: &[Id]) -> Option<()> {
        let size = self.size(id);
        let index_size = self.size(args[0]);
        let index = self.read(args[0])?;
        let mask = self.read(args[1])?;
        let to = self.result(id)?;
        let mem = self.machine.mem(place);
        let mem = self.machine.without_index(mem);
        if size == Size::Mask {
            self.machine.gather_truth(to, index, index_size, mem);
        } else {
            self.machine.constant(to, 0, size);
            let mem = Mem { index: self.machine.reg(index, index_size), ..mem };
            if self.machine.wide {
                let from = self.machine.reg(mask, Size::Mask);
                let mask = [Arg::R(SCRATCH_MASK), Arg::R(from)];
                self.machine.asm.ins(Code::VEX_Kmovw_kr_km16, &mask);
                self.machine.gather(to, mem, size, index_size);
            } else {
                self.machine.gather_narrow(to, mem, mask, size, index_size);
            }
        }
        self.done_with(args);
        Some(())
    }

    /// Calls a function with vectors in the frame.
    fn call(&mut self, id: Id, helper: u16, fails: bool, args: &[Id]) -> Option<()> {
        let arity = args.iter().take_while(|&&a| self.size(a) != Size::Mask).count();
        let tail = args.len() > arity;
        let buffers = [self.machine.frame.first, self.machine.frame.second];
        for (&arg, slot) in args[..arity].iter().zip(buffers) {
            let from = self.read(arg)?;
            self.machine.spill(slot, from, self.size(arg));
        }
        self.done_with(args);
        self.clear();
        let kept = self.occupied();
        let slots: SmallVec<[u32; 32]> =
            kept.iter().map(|_| self.machine.asm.reserve(64)).collect();
        for (&(register, size), &slot) in kept.iter().zip(&slots) {
            self.machine.spill(slot, register, size);
        }
        let flag = fails.then_some(self.lowered.flag);
        self.machine.call_helper(helper, tail, flag);
        for (&(register, size), &slot) in kept.iter().zip(&slots) {
            self.machine.reload(register, slot, size);
        }
        let to = self.result(id)?;
        self.machine.reload(to, self.machine.frame.result, self.size(id));
        Some(())
    }

    /// The first argument, but where the third holds what the function says of the second.
    fn repair(&mut self, id: Id, helper: u16, args: &[Id]) -> Option<()> {
        let size = self.size(id);
        let x = self.read(args[1])?;
        let mask = self.read(args[2])?;
        for &arg in args {
            self.touch(arg);
        }
        let to = self.tied(id, args[0], args)?;
        let (out, back) = (self.machine.asm.label(), self.machine.asm.label());
        self.machine.branch_if_any(mask, out);
        self.machine.asm.here(back);
        let lanes = (self.machine.lanes, self.machine.truth);
        self.machine.cold.push(Cold::Repair { out, back, helper, x, to, size, lanes });
        Some(())
    }

    /// An argument in a register stays there during the instruction.
    fn touch(&mut self, id: Id) {
        if self.in_register(id) {
            let _ = self.read(id);
        }
    }
}

/// What is written for single operations that leave the straight line.
impl super::machine::Machine {
    /// Jumps if any lane of a mask is set.
    pub(super) fn branch_if_any(&mut self, mask: u8, to: super::asm::Label) {
        self.bits(mask);
        if !self.wide {
            let eax = Arg::R(Register::EAX);
            self.asm.ins(Code::Test_rm32_r32, &[eax, eax]);
            return self.asm.jump(Code::Jne_rel32_64, to);
        }
        let lanes = (1i32 << self.lanes) - 1;
        self.asm.immediate(Code::Test_rm32_imm32, &[Arg::R(Register::EAX)], lanes);
        self.asm.jump(Code::Jne_rel32_64, to);
    }

    /// `eax` ← a bit for each lane of a mask; with AVX-512 there may be more bits.
    pub(super) fn bits(&mut self, mask: u8) {
        if !self.wide {
            return self.bits_narrow(Register::EAX, mask);
        }
        let mask = self.reg(mask, Size::Mask);
        self.asm.ins(Code::VEX_Kmovw_r32_kr, &[Arg::R(Register::EAX), Arg::R(mask)]);
    }

    /// The run has failed if any lane of a mask is set.
    pub(super) fn fail_where(&mut self, mask: u8, flag: Option<u32>) {
        let (out, back) = (self.asm.label(), self.asm.label());
        self.branch_if_any(mask, out);
        self.asm.here(back);
        self.cold.push(Cold::Fail { out, back, flag, listed: self.listed });
    }

    /// `rax` ← index·stride; an index that is not below the bound fails, and counts as 0. Changes `rdx`.
    fn reach(&mut self, index: (u8, Size), stride: i32, bound: u64, flag: Option<u32>) {
        let rax = Arg::R(Register::RAX);
        self.rax_from_low(index);
        let (out, back) = (self.asm.label(), self.asm.label());
        if let Ok(bound) = i32::try_from(bound) {
            self.asm.immediate(Code::Cmp_rm64_imm32, &[rax], bound);
        } else {
            self.asm.number(Register::RDX, bound);
            self.asm.ins(Code::Cmp_r64_rm64, &[rax, Arg::R(Register::RDX)]);
        }
        self.asm.jump(Code::Jae_rel32_64, out);
        self.asm.here(back);
        self.cold.push(Cold::FailIndex { out, back, flag, listed: self.listed });
        self.asm.immediate(Code::Imul_r64_rm64_imm32, &[rax, rax], stride);
    }

    /// The address of a place moved by the bytes in the first lane; uses `rax`.
    fn reached(&mut self, offset: (u8, Size), place: Place) -> Mem {
        let rax = Arg::R(Register::RAX);
        self.rax_from_low(offset);
        let pointer = self.bases[place.group as usize];
        if let Base::Register(base) = pointer {
            return Mem { index: Register::RAX, ..Asm::at(base, place.disp.into()) };
        }
        let base = |base: Base| match base {
            Base::Register(register) => Arg::R(register),
            Base::Word(word) | Base::Standing(word, _) => Arg::M(Asm::slot(word)),
            Base::None => Arg::M(Asm::slot(0)),
        };
        self.asm.ins(Code::Add_r64_rm64, &[rax, base(pointer)]);
        if let Base::Standing(_, distance) = pointer {
            let distance = base(self.bases[distance as usize]);
            self.asm.ins(Code::Add_r64_rm64, &[rax, distance]);
        }
        Asm::at(Register::RAX, place.disp.into())
    }

    /// `rax` ← the whole number in the first lane.
    fn rax_from_low(&mut self, (from, size): (u8, Size)) {
        let rax = Arg::R(Register::RAX);
        let low = Arg::R(super::asm::vector(from, 0));
        match size {
            Size::B4 => {
                self.asm.ins(Code::EVEX_Vmovd_rm32_xmm, &[Arg::R(Register::EAX), low]);
                self.asm.ins(Code::Movsxd_r64_rm32, &[rax, Arg::R(Register::EAX)]);
            }
            _ => self.asm.ins(Code::EVEX_Vmovq_rm64_xmm, &[rax, low]),
        }
    }

    /// The first lane ← `rax`.
    fn low_from_rax(&mut self, to: u8, size: Size) {
        let low = Arg::R(super::asm::vector(to, 0));
        match size {
            Size::B4 => {
                self.asm.ins(Code::EVEX_Vmovd_xmm_rm32, &[low, Arg::R(Register::EAX)]);
            }
            _ => self.asm.ins(Code::EVEX_Vmovq_xmm_rm64, &[low, Arg::R(Register::RAX)]),
        }
    }

    /// Truth values at the distances in a vector, one by one through the frame.
    fn gather_truth(&mut self, to: u8, index: u8, index_size: Size, mem: Mem) {
        let (distances, bytes) = (self.frame.first, self.frame.result);
        self.spill(distances, index, index_size);
        let base = Arg::R(mem.base);
        // The pointer may be in `rax`; the distance goes to `rdx`.
        for lane in 0..16 {
            let byte = Arg::M(Asm::slot(bytes + lane));
            if lane as usize >= self.lanes {
                self.asm.ins(Code::Mov_rm8_imm8, &[byte, Arg::I(0)]);
                continue;
            }
            let rdx = Arg::R(Register::RDX);
            match index_size {
                Size::B4 => {
                    let from = Arg::M(Asm::slot(distances + 4 * lane));
                    self.asm.ins(Code::Movsxd_r64_rm32, &[rdx, from]);
                }
                _ => {
                    let from = Arg::M(Asm::slot(distances + 8 * lane));
                    self.asm.ins(Code::Mov_r64_rm64, &[rdx, from]);
                }
            }
            self.asm.ins(Code::Add_r64_rm64, &[rdx, base]);
            let from = Arg::M(Asm::at(Register::RDX, mem.disp));
            self.asm.ins(Code::Movzx_r32_rm8, &[Arg::R(Register::EDX), from]);
            self.asm.ins(Code::Mov_rm8_r8, &[byte, Arg::R(Register::DL)]);
        }
        if !self.wide {
            return self.truth_of_bytes_narrow(to, Arg::M(Asm::slot(bytes)));
        }
        let scratch = Arg::R(super::asm::vector(self.scratch(), 0));
        let from = Arg::M(Asm::slot(bytes));
        self.asm.ins(Code::EVEX_Vmovdqu8_xmm_k1z_xmmm128, &[scratch, from]);
        let to = Arg::R(self.reg(to, Size::Mask));
        self.asm.ins(Code::EVEX_Vptestmb_kr_k1_xmm_xmmm128, &[to, scratch, scratch]);
    }
}
