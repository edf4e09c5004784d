//! Registers, the frame and constants: what is moved without being changed.

use super::asm::{Arg, Asm, low, vector, widened};
use super::graph::Size;
use super::machine::{Base, Machine};
use iced_x86::Code;

impl Machine {
    /// Register ← register.
    pub(super) fn copy(&mut self, to: u8, from: u8, size: Size) {
        if to == from {
            return;
        }
        let (to, from) = (self.r(to, size), self.r(from, size));
        let code = match size {
            Size::Mask if self.wide => Code::VEX_Kmovw_kr_km16,
            _ => widened(Code::EVEX_Vmovaps_xmm_k1z_xmmm128, self.width(size)),
        };
        self.asm.ins(code, &[to, from]);
    }

    /// Frame ← register.
    pub(super) fn spill(&mut self, slot: u32, from: u8, size: Size) {
        let (to, from) = (Arg::M(Asm::slot(slot)), self.r(from, size));
        let code = match size {
            Size::Mask if self.wide => Code::VEX_Kmovw_m16_kr,
            _ => widened(Code::EVEX_Vmovaps_xmmm128_k1z_xmm, self.width(size)),
        };
        self.asm.ins(code, &[to, from]);
    }

    /// Register ← frame.
    pub(super) fn reload(&mut self, to: u8, slot: u32, size: Size) {
        let (to, from) = (self.r(to, size), Arg::M(Asm::slot(slot)));
        let code = match size {
            Size::Mask if self.wide => Code::VEX_Kmovw_kr_km16,
            _ => widened(Code::EVEX_Vmovaps_xmm_k1z_xmmm128, self.width(size)),
        };
        self.asm.ins(code, &[to, from]);
    }

    /// Register ← constant.
    pub(super) fn constant(&mut self, to: u8, bits: u64, size: Size) {
        if !self.wide {
            return self.constant_narrow(to, bits, size);
        }
        let w = self.width(size);
        let r = self.r(to, size);
        let ones = if size == Size::B4 { 0xffff_ffff } else { u64::MAX };
        let code = match (size, bits) {
            (Size::Mask, 0) => return self.asm.ins(Code::VEX_Kxorw_kr_kr_kr, &[r, r, r]),
            (Size::Mask, _) => return self.asm.ins(Code::VEX_Kxnorw_kr_kr_kr, &[r, r, r]),
            (_, 0) => {
                let r = self.arg_wide(to, 0);
                return self.asm.ins(Code::EVEX_Vpxord_xmm_k1z_xmm_xmmm128b32, &[r, r, r]);
            }
            (_, b) if b == ones => {
                let code = widened(Code::EVEX_Vpternlogd_xmm_k1z_xmm_xmmm128b32_imm8, w);
                return self.asm.ins(code, &[r, r, r, Arg::I(0xff)]);
            }
            (Size::B4, _) => Code::EVEX_Vpbroadcastd_xmm_k1z_xmmm32,
            (_, _) => Code::EVEX_Vpbroadcastq_xmm_k1z_xmmm64,
        };
        let from = Arg::M(self.asm.constant(bits, false));
        self.asm.ins(widened(code, w), &[r, from]);
    }

    /// A register seen as 16, 32 or 64 bytes.
    pub(super) fn arg_wide(&self, register: u8, width: usize) -> Arg {
        Arg::R(vector(register, width))
    }

    /// Register ← a different constant in each lane: lane·step.
    pub(super) fn steps(&mut self, to: u8, step: i64, size: Size) {
        let mut bytes = [0; 64];
        let n = if size == Size::B4 { 4 } else { 8 };
        for lane in 0..64 / n {
            let value = step.wrapping_mul(lane as i64).to_le_bytes();
            bytes[lane * n..(lane + 1) * n].copy_from_slice(&value[..n]);
        }
        let from = Arg::M(self.asm.constant_vector(bytes));
        let code = widened(Code::EVEX_Vmovaps_xmm_k1z_xmmm128, self.width(size));
        let to = self.r(to, size);
        self.asm.ins(code, &[to, from]);
    }

    /// Register ← the number a counter has reached.
    pub(super) fn counter(&mut self, to: u8, group: u16, size: Size) {
        let w = self.width(size);
        if let (false, Base::Register(base)) = (self.wide, self.bases[group as usize]) {
            return self.counter_narrow(to, base, size);
        }
        let to = self.r(to, size);
        match (self.bases[group as usize], size) {
            (Base::Register(base), Size::B4) => {
                let code = widened(Code::EVEX_Vpbroadcastd_xmm_k1z_r32, w);
                self.asm.ins(code, &[to, Arg::R(low(base))]);
            }
            (Base::Register(base), _) => {
                let code = widened(Code::EVEX_Vpbroadcastq_xmm_k1z_r64, w);
                self.asm.ins(code, &[to, Arg::R(base)]);
            }
            (Base::Word(word), Size::B4) => {
                let code = widened(Code::EVEX_Vpbroadcastd_xmm_k1z_xmmm32, w);
                self.asm.ins(code, &[to, Arg::M(Asm::slot(word))]);
            }
            (Base::Word(word), _) => {
                let code = widened(Code::EVEX_Vpbroadcastq_xmm_k1z_xmmm64, w);
                self.asm.ins(code, &[to, Arg::M(Asm::slot(word))]);
            }
            // Counters move by themselves.
            (Base::Standing(..) | Base::None, _) => {}
        }
    }
}
