//! What is different before AVX-512: truth values are lanes with all bits set or none, and accesses of
//! some lanes only go through `vmaskmov` or one by one.
//!
//! The lanes of truth values are as wide as the widest lanes of the nest. Two vector registers are
//! scratch, 15 as with AVX-512 and 14.

use super::access::further;
use super::asm::{Arg, Asm, Mem, vector, widened};
use super::codes;
use super::graph::{Combine, Logic, Num, One, Op, Pattern, Place, Size, Test, Two};
use super::machine::{Machine, Src, Tail};
use iced_x86::Code;
use iced_x86::Register;

/// The other scratch register.
const SECOND: u8 = 14;

impl Machine {
    /// A constant in every lane, among the constants.
    pub(super) fn repeated(&mut self, bits: u64, size: Size) -> Mem {
        let mut bytes = [0; 64];
        let n = if size == Size::B4 { 4 } else { 8 };
        for chunk in bytes.chunks_mut(n) {
            chunk.copy_from_slice(&bits.to_le_bytes()[..n]);
        }
        self.asm.constant_vector(bytes)
    }

    pub(super) fn constant_narrow(&mut self, to: u8, bits: u64, size: Size) {
        let r = self.r(to, size);
        let ones = if size == Size::B4 { 0xffff_ffff } else { u64::MAX };
        let w = self.width(size);
        match bits {
            0 => self.asm.ins(widened(Code::VEX_Vpxor_xmm_xmm_xmmm128, w), &[r, r, r]),
            b if b == ones => {
                self.asm.ins(widened(Code::VEX_Vpcmpeqd_xmm_xmm_xmmm128, w), &[r, r, r]);
            }
            _ => {
                let from = Arg::M(self.repeated(bits, size));
                self.asm.ins(widened(Code::VEX_Vmovaps_xmm_xmmm128, w), &[r, from]);
            }
        }
    }

    pub(super) fn counter_narrow(&mut self, to: u8, base: Register, size: Size) {
        let (low, r) = (Arg::R(vector(to, 0)), self.r(to, size));
        self.asm.ins(Code::VEX_Vmovq_xmm_rm64, &[low, Arg::R(base)]);
        let code = match size {
            Size::B4 => Code::VEX_Vpbroadcastd_xmm_xmmm32,
            _ => Code::VEX_Vpbroadcastq_xmm_xmmm64,
        };
        self.asm.ins(widened(code, self.width(size)), &[r, low]);
    }

    /// A register with the truth values of `mask` in lanes of that size.
    fn mask_for(&mut self, mask: u8, size: Size) -> u8 {
        if size == Size::Mask || size == self.truth {
            return mask;
        }
        // From lanes of 8 bytes to lanes of 4: every other word.
        let low = |r: u8| Arg::R(vector(r, 0));
        if self.lanes == 4 {
            let whole = Arg::R(vector(mask, 1));
            let code = Code::VEX_Vextractf128_xmmm128_ymm_imm8;
            self.asm.ins(code, &[low(SECOND), whole, Arg::I(1)]);
            let code = Code::VEX_Vshufps_xmm_xmm_xmmm128_imm8;
            self.asm.ins(code, &[low(SECOND), low(mask), low(SECOND), Arg::I(0x88)]);
        } else {
            let code = Code::VEX_Vpshufd_xmm_xmmm128_imm8;
            self.asm.ins(code, &[low(SECOND), low(mask), Arg::I(0x08)]);
        }
        SECOND
    }

    /// Comparisons, logic, choices and the tail.
    pub(super) fn truth_narrow(
        &mut self,
        op: Op,
        to: u8,
        args: &[Src],
        sizes: &[Size],
        size: Size,
    ) -> Option<()> {
        let dst = self.r(to, size);
        let w = self.width(size);
        match op {
            Op::Compare(test, num) => self.compare_narrow(test, num, to, args, sizes[0])?,
            Op::Logic(f) => {
                let (a, b) = (self.arg(args[0], size), self.arg(args[1], size));
                let (code, a, b) = match f {
                    Logic::And => (Code::VEX_Vpand_xmm_xmm_xmmm128, a, b),
                    Logic::Or => (Code::VEX_Vpor_xmm_xmm_xmmm128, a, b),
                    Logic::Xor => (Code::VEX_Vpxor_xmm_xmm_xmmm128, a, b),
                    Logic::AndNot => (Code::VEX_Vpandn_xmm_xmm_xmmm128, b, a),
                };
                self.asm.ins(widened(code, w), &[dst, a, b]);
            }
            Op::Blend => {
                let Src::Reg(mask) = args[0] else { return None };
                let mask = self.mask_for(mask, size);
                let mask = self.r(mask, size);
                let yes = self.arg(args[1], size);
                if args[2] == Src::Word(0) {
                    let code = widened(Code::VEX_Vpand_xmm_xmm_xmmm128, w);
                    self.asm.ins(code, &[dst, mask, yes]);
                    return Some(());
                }
                let no = self.arg(args[2], size);
                let code = match size {
                    Size::B4 => Code::VEX_Vblendvps_xmm_xmm_xmmm128_xmm,
                    _ => Code::VEX_Vblendvpd_xmm_xmm_xmmm128_xmm,
                };
                self.asm.ins(widened(code, w), &[dst, no, yes, mask]);
            }
            Op::One(One::Lane(lane), _) => {
                let a = self.arg(args[0], size);
                let (code, every) = codes::lane(self.truth, w);
                self.asm.ins(code, &[dst, a, Arg::I(lane * every)]);
            }
            Op::Tail => {
                let from = Arg::M(Asm::slot(self.tails[usize::from(self.truth == Size::B8)]));
                self.asm.ins(widened(Code::VEX_Vmovaps_xmm_xmmm128, w), &[dst, from]);
            }
            _ => return None,
        }
        Some(())
    }

    fn compare_narrow(
        &mut self,
        test: Test,
        num: Num,
        to: u8,
        args: &[Src],
        of: Size,
    ) -> Option<()> {
        let w = self.width(of);
        let r = self.r(to, of);
        let (a, b) = (self.arg(args[0], of), self.arg(args[1], of));
        match (test, num) {
            (_, Num::F32 | Num::F64) => {
                let (code, predicate) = codes::compare(test, num, false)?;
                self.asm.ins(widened(code, w), &[r, a, b, Arg::I(predicate)]);
            }
            (Test::Eq, _) => {
                let code = match of {
                    Size::B4 => Code::VEX_Vpcmpeqd_xmm_xmm_xmmm128,
                    _ => Code::VEX_Vpcmpeqq_xmm_xmm_xmmm128,
                };
                self.asm.ins(widened(code, w), &[r, a, b]);
            }
            (Test::Lt, _) => {
                let code = match of {
                    Size::B4 => Code::VEX_Vpcmpgtd_xmm_xmm_xmmm128,
                    _ => Code::VEX_Vpcmpgtq_xmm_xmm_xmmm128,
                };
                self.asm.ins(widened(code, w), &[r, b, a]);
            }
            _ => return None,
        }
        if of != self.truth {
            let code = widened(Code::VEX_Vpmovsxdq_xmm_xmmm64, self.width(Size::Mask));
            let (whole, low) = (self.r(to, Size::Mask), Arg::R(vector(to, 0)));
            self.asm.ins(code, &[whole, low]);
        }
        Some(())
    }

    /// register ⊕= value for maxima and minima that are not one instruction.
    pub(super) fn extreme_narrow(
        &mut self,
        combine: Combine,
        num: Num,
        w: usize,
        register: u8,
        value: Src,
    ) -> Option<()> {
        let (s, t) = (self.arg_wide(self.scratch(), w), self.arg_wide(SECOND, w));
        let a = self.arg_wide(register, w);
        // The value is needed twice, in a register: one scratch register may hold it already.
        let value = match value {
            Src::Reg(b) => self.arg_wide(b, w),
            other => {
                let from = self.arg(other, num.size());
                self.asm.ins(widened(Code::VEX_Vmovups_xmm_xmmm128, w), &[s, from]);
                s
            }
        };
        if num == Num::I64 {
            let code = widened(Code::VEX_Vpcmpgtq_xmm_xmm_xmmm128, w);
            let (x, y) = if combine == Combine::Max { (value, a) } else { (a, value) };
            self.asm.ins(code, &[t, x, y]);
            let code = widened(Code::VEX_Vblendvpd_xmm_xmm_xmmm128_xmm, w);
            self.asm.ins(code, &[a, a, value, t]);
            return Some(());
        }
        let (f, join) = match combine {
            Combine::Max => (Two::Larger, Two::And),
            _ => (Two::Smaller, Two::Or),
        };
        let f = widened(codes::two(f, num, false)?, w);
        let join = widened(codes::two(join, num, false)?, w);
        let (compare, predicate) = codes::compare(Test::Unordered, num, false)?;
        let or = widened(Code::VEX_Vorps_xmm_xmm_xmmm128, w);
        // Both orders agree but for zeros of different sign; a NaN is the result of one of them.
        self.asm.ins(f, &[t, a, value]);
        self.asm.ins(f, &[s, value, a]);
        self.asm.ins(widened(compare, w), &[a, t, s, Arg::I(predicate)]);
        self.asm.ins(join, &[t, t, s]);
        self.asm.ins(or, &[a, a, t]);
        Some(())
    }

    /// The lanes of the tail as vectors in the frame, if they are known.
    pub(super) fn tails_narrow(&mut self) {
        self.tails = [self.asm.reserve(64), self.asm.reserve(64)];
        let Tail::Known(n) = self.tail else { return };
        for (slot, size, lane) in [(self.tails[0], Size::B4, 4), (self.tails[1], Size::B8, 8)] {
            let w = self.width(size);
            if w > 1 {
                continue; // there are no such lanes
            }
            let mut bytes = [0; 64];
            bytes[..n * lane].fill(0xff);
            let from = Arg::M(self.asm.constant_vector(bytes));
            let scratch = self.r(self.scratch(), size);
            self.asm.ins(widened(Code::VEX_Vmovaps_xmm_xmmm128, w), &[scratch, from]);
            let to = Arg::M(Asm::slot(slot));
            self.asm.ins(widened(Code::VEX_Vmovaps_xmmm128_xmm, w), &[to, scratch]);
        }
    }

    /// The same where their number is in the frame.
    pub(super) fn tail_left_narrow(&mut self, left: u32) {
        for (slot, size) in [(self.tails[0], Size::B4), (self.tails[1], Size::B8)] {
            let w = self.width(size);
            if w > 1 {
                continue; // there are no such lanes
            }
            let scratch = self.scratch();
            let r = self.r(scratch, size);
            self.steps(scratch, 1, size);
            let (broadcast, compare) = match size {
                Size::B4 => (Code::VEX_Vpbroadcastd_xmm_xmmm32, Code::VEX_Vpcmpgtd_xmm_xmm_xmmm128),
                _ => (Code::VEX_Vpbroadcastq_xmm_xmmm64, Code::VEX_Vpcmpgtq_xmm_xmm_xmmm128),
            };
            let second = self.r(SECOND, size);
            self.asm.ins(widened(broadcast, w), &[second, Arg::M(Asm::slot(left))]);
            self.asm.ins(widened(compare, w), &[r, second, r]);
            let to = Arg::M(Asm::slot(slot));
            self.asm.ins(widened(Code::VEX_Vmovaps_xmmm128_xmm, w), &[to, r]);
        }
    }

    /// Scratch register ← the lanes of the tail.
    fn tail_mask(&mut self, size: Size) -> Arg {
        let slot = self.tails[usize::from(size == Size::B8)];
        let scratch = self.r(self.scratch(), size);
        let code = widened(Code::VEX_Vmovaps_xmm_xmmm128, self.width(size));
        self.asm.ins(code, &[scratch, Arg::M(Asm::slot(slot))]);
        scratch
    }

    /// Register ← the elements that the tail has.
    pub(super) fn load_tail_narrow(&mut self, to: u8, mem: Mem, place: Place, size: Size) {
        let dst = self.r(to, size);
        let w = self.width(size);
        let lane = i64::from(place.bytes);
        let stride = match place.pattern {
            Pattern::Forward if self.lanes as i64 * lane >= 16 => {
                let code = match size {
                    Size::B4 => Code::VEX_Vmaskmovps_xmm_xmm_m128,
                    _ => Code::VEX_Vmaskmovpd_xmm_xmm_m128,
                };
                let mask = self.tail_mask(size);
                return self.asm.ins(widened(code, w), &[dst, mask, Arg::M(mem)]);
            }
            Pattern::Forward => return self.load_strided(to, mem, place, lane as i32, size),
            Pattern::Backward => -lane,
            Pattern::Every(stride) => stride.into(),
            Pattern::Same => 0,
        };
        // One by one through the frame.
        let buffer = Asm::slot(self.frame.result);
        self.constant_narrow(to, 0, size);
        let code = widened(Code::VEX_Vmovaps_xmmm128_xmm, w);
        self.asm.ins(code, &[Arg::M(buffer), dst]);
        self.each_lane(place, |m, i| {
            m.move_element(lane, further(buffer, lane * i), further(mem, stride * i))
        });
        self.asm.ins(widened(Code::VEX_Vmovaps_xmm_xmmm128, w), &[dst, Arg::M(buffer)]);
    }

    /// The elements that the tail has ← register.
    pub(super) fn store_tail_narrow(&mut self, from: u8, mem: Mem, place: Place, size: Size) {
        let src = self.r(from, size);
        let w = self.width(size);
        let lane = i64::from(place.bytes);
        let known = self.present(place).is_some();
        let stride = match place.pattern {
            Pattern::Forward if !known => {
                let code = match size {
                    Size::B4 => Code::VEX_Vmaskmovps_m128_xmm_xmm,
                    _ => Code::VEX_Vmaskmovpd_m128_xmm_xmm,
                };
                let mask = self.tail_mask(size);
                return self.asm.ins(widened(code, w), &[Arg::M(mem), mask, src]);
            }
            Pattern::Forward => lane,
            Pattern::Backward => -lane,
            Pattern::Every(stride) => stride.into(),
            Pattern::Same => 0,
        };
        if known {
            return self.store_strided(from, mem, place, stride as i32, size);
        }
        let buffer = Asm::slot(self.frame.result);
        self.asm.ins(widened(Code::VEX_Vmovaps_xmmm128_xmm, w), &[Arg::M(buffer), src]);
        self.each_lane(place, |m, i| {
            m.move_element(lane, further(mem, stride * i), further(buffer, lane * i))
        });
    }

    /// Memory ← memory, 4 or 8 bytes, through `rdx`.
    fn move_element(&mut self, bytes: i64, to: Mem, from: Mem) {
        if bytes == 4 {
            let edx = Arg::R(Register::EDX);
            self.asm.ins(Code::Mov_r32_rm32, &[edx, Arg::M(from)]);
            self.asm.ins(Code::Mov_rm32_r32, &[Arg::M(to), edx]);
        } else {
            let rdx = Arg::R(Register::RDX);
            self.asm.ins(Code::Mov_r64_rm64, &[rdx, Arg::M(from)]);
            self.asm.ins(Code::Mov_rm64_r64, &[Arg::M(to), rdx]);
        }
    }

    /// Register ← truth values from as many bytes, 0 or 1, as there are lanes.
    pub(super) fn truth_of_bytes_narrow(&mut self, to: u8, bytes: Arg) {
        let w = self.width(Size::Mask);
        let (dst, s) = (self.r(to, Size::Mask), self.r(self.scratch(), Size::Mask));
        let (widen, subtract) = match self.truth {
            Size::B4 => (Code::VEX_Vpmovzxbd_xmm_xmmm32, Code::VEX_Vpsubd_xmm_xmm_xmmm128),
            _ => (Code::VEX_Vpmovzxbq_xmm_xmmm16, Code::VEX_Vpsubq_xmm_xmm_xmmm128),
        };
        self.asm.ins(widened(widen, w), &[dst, bytes]);
        // 0 − 1 has all bits set.
        self.constant_narrow(self.scratch(), 0, Size::Mask);
        self.asm.ins(widened(subtract, w), &[dst, s, dst]);
    }

    /// Register ← a bit for each truth value.
    pub(super) fn bits_narrow(&mut self, to: Register, mask: u8) {
        let code = match (self.truth, self.width(Size::Mask)) {
            (Size::B4, 0) => Code::VEX_Vmovmskps_r32_xmm,
            (Size::B4, _) => Code::VEX_Vmovmskps_r32_ymm,
            (_, 0) => Code::VEX_Vmovmskpd_r32_xmm,
            (_, _) => Code::VEX_Vmovmskpd_r32_ymm,
        };
        let mask = self.r(mask, Size::Mask);
        self.asm.ins(code, &[Arg::R(to), mask]);
    }

    pub(super) fn load_truth_narrow(&mut self, to: u8, mem: Mem, place: Place) {
        let stride = match place.pattern {
            Pattern::Forward if !place.masked => {
                return self.truth_of_bytes_narrow(to, Arg::M(mem));
            }
            Pattern::Same => {
                let low = Arg::R(vector(self.scratch(), 0));
                self.asm.ins(Code::VEX_Vpbroadcastb_xmm_xmmm8, &[low, Arg::M(mem)]);
                return self.truth_of_bytes_narrow(to, low);
            }
            Pattern::Forward => 1,
            Pattern::Backward => -1,
            Pattern::Every(stride) => stride,
        };
        self.bytes_to_vector(mem, place, stride);
        let low = Arg::R(vector(self.scratch(), 0));
        self.truth_of_bytes_narrow(to, low);
    }

    pub(super) fn store_truth_narrow(&mut self, from: u8, mem: Mem, place: Place) {
        let (rdx, edx) = (Arg::R(Register::RDX), Arg::R(Register::EDX));
        // One bit to each byte; `rax` may hold the pointer.
        let ones = Arg::M(self.asm.constant(0x0101_0101_0101_0101, false));
        self.bits_narrow(Register::EDX, from);
        self.asm.ins(Code::VEX_Pdep_r64_r64_rm64, &[rdx, rdx, ones]);
        let to = Arg::M(mem);
        let stride = match (place.pattern, self.lanes) {
            (Pattern::Same, _) => {
                return self.asm.ins(Code::Mov_rm8_r8, &[to, Arg::R(Register::DL)]);
            }
            (Pattern::Forward, 8) if !place.masked => {
                return self.asm.ins(Code::Mov_rm64_r64, &[to, rdx]);
            }
            (Pattern::Forward, 4) if !place.masked => {
                return self.asm.ins(Code::Mov_rm32_r32, &[to, edx]);
            }
            (Pattern::Forward, _) => 1,
            (Pattern::Backward, _) => -1,
            (Pattern::Every(stride), _) => i64::from(stride),
        };
        let buffer = Asm::slot(self.frame.result);
        self.asm.ins(Code::Mov_rm64_r64, &[Arg::M(buffer), rdx]);
        self.each_lane(place, |m, i| {
            m.asm.ins(Code::Movzx_r32_rm8, &[edx, Arg::M(further(buffer, i))]);
            let to = Arg::M(further(mem, stride * i));
            m.asm.ins(Code::Mov_rm8_r8, &[to, Arg::R(Register::DL)]);
        });
    }

    /// Elements at the distances in the index register of `mem`, where `mask` holds.
    pub(super) fn gather_narrow(&mut self, to: u8, mem: Mem, mask: u8, size: Size, index: Size) {
        let code = match (size, index) {
            (Size::B8, Size::B4) => Code::VEX_Vgatherdpd_xmm_vm32x_xmm,
            (Size::B8, _) => Code::VEX_Vgatherqpd_xmm_vm64x_xmm,
            (_, Size::B4) => Code::VEX_Vgatherdps_xmm_vm32x_xmm,
            (_, _) => Code::VEX_Vgatherqps_xmm_vm64x_xmm,
        };
        let w = self.width(size).max(self.width(index));
        let mask = self.mask_for(mask, size);
        // The instruction clears its mask.
        self.copy(self.scratch(), mask, size);
        let (dst, mask) = (self.r(to, size), self.r(self.scratch(), size));
        self.asm.ins(widened(code, w), &[dst, Arg::M(mem), mask]);
    }
}
