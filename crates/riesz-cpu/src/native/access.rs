//! Loads and stores: neighbours, one element for all lanes, falling order, strides, truth values.
//!
//! Strided elements are put together and taken apart one by one: the processor's own gathers and
//! scatters are slower, and used only where the number of lanes is not known before.

use super::asm::{Arg, Asm, Mem, vector, widened, width};
use super::graph::{Pattern, Place, Size};
use super::machine::{Machine, SCRATCH_MASK, TAIL, Tail};
use iced_x86::Code;
use iced_x86::Register;

/// `mem`, so many bytes further.
pub(super) fn further(mem: Mem, bytes: i64) -> Mem {
    Mem { disp: mem.disp + bytes, ..mem }
}

impl Machine {
    /// Register ← elements.
    pub(super) fn load(&mut self, to: u8, place: Place, size: Size) {
        let mem = self.mem(place);
        self.load_from(to, mem, place, size);
    }

    /// Register ← elements at an address.
    pub(super) fn load_from(&mut self, to: u8, mem: Mem, place: Place, size: Size) {
        if size == Size::Mask {
            return self.load_truth(to, mem, place);
        }
        if !self.wide
            && place.masked
            && (place.pattern == Pattern::Forward || self.present(place).is_none())
        {
            return self.load_tail_narrow(to, mem, place, size);
        }
        let w = self.width(size);
        let dst = Arg::R(self.reg(to, size));
        let bytes = self.lanes * usize::from(place.bytes);
        match place.pattern {
            Pattern::Same => {
                let code = match size {
                    Size::B4 => Code::EVEX_Vpbroadcastd_xmm_k1z_xmmm32,
                    _ => Code::EVEX_Vpbroadcastq_xmm_k1z_xmmm64,
                };
                self.asm.ins(widened(code, w), &[dst, Arg::M(mem)]);
            }
            Pattern::Forward if place.masked => {
                let code = match size {
                    Size::B4 => Code::EVEX_Vmovups_xmm_k1z_xmmm128,
                    _ => Code::EVEX_Vmovupd_xmm_k1z_xmmm128,
                };
                self.asm.masked(widened(code, w), &[dst, Arg::M(mem)], TAIL, true);
            }
            Pattern::Forward if bytes == 8 => {
                self.asm.ins(Code::EVEX_Vmovsd_xmm_k1z_m64, &[dst, Arg::M(mem)]);
            }
            Pattern::Forward => {
                let code = widened(Code::EVEX_Vmovups_xmm_k1z_xmmm128, w);
                self.asm.ins(code, &[dst, Arg::M(mem)]);
            }
            Pattern::Backward if !place.masked => self.load_backward(to, mem, size),
            Pattern::Backward => self.load_strided(to, mem, place, -i32::from(place.bytes), size),
            Pattern::Every(stride) => self.load_strided(to, mem, place, stride, size),
        }
    }

    fn load_backward(&mut self, to: u8, mem: Mem, size: Size) {
        let w = self.width(size);
        let dst = Arg::R(self.reg(to, size));
        let lane = if size == Size::B4 { 4 } else { 8 };
        let mem = further(mem, -(lane * (self.lanes as i64 - 1)));
        if self.lanes == 2 {
            // Two lanes of eight bytes, or of four.
            if lane == 8 {
                let code = Code::EVEX_Vpermilpd_xmm_k1z_xmmm128b64_imm8;
                self.asm.ins(code, &[dst, Arg::M(mem), Arg::I(1)]);
            } else {
                self.asm.ins(Code::EVEX_Vmovsd_xmm_k1z_m64, &[dst, Arg::M(mem)]);
                let code = Code::EVEX_Vpshufd_xmm_k1z_xmmm128b32_imm8;
                self.asm.ins(code, &[dst, dst, Arg::I(0xe1)]);
            }
        } else if w == 0 {
            let code = Code::EVEX_Vpshufd_xmm_k1z_xmmm128b32_imm8;
            self.asm.ins(code, &[dst, Arg::M(mem), Arg::I(0x1b)]);
        } else {
            let scratch = self.scratch();
            if (self.wide, size) == (false, Size::B8) {
                let code = Code::VEX_Vpermpd_ymm_ymmm256_imm8;
                return self.asm.ins(code, &[dst, Arg::M(mem), Arg::I(0x1b)]);
            }
            self.reversal(scratch, size);
            let code = match size {
                Size::B4 => Code::EVEX_Vpermps_ymm_k1z_ymm_ymmm256b32,
                _ => Code::EVEX_Vpermpd_ymm_k1z_ymm_ymmm256b64,
            };
            let order = Arg::R(self.reg(scratch, size));
            self.asm.ins(widened(code, w - 1), &[dst, order, Arg::M(mem)]);
        }
    }

    /// Register ← the numbers of the lanes in falling order.
    fn reversal(&mut self, to: u8, size: Size) {
        let mut bytes = [0; 64];
        let n = if size == Size::B4 { 4 } else { 8 };
        for lane in 0..self.lanes {
            bytes[lane * n] = (self.lanes - 1 - lane) as u8;
        }
        let from = Arg::M(self.asm.constant_vector(bytes));
        let code = widened(Code::EVEX_Vmovaps_xmm_k1z_xmmm128, self.width(size));
        let to = Arg::R(self.reg(to, size));
        self.asm.ins(code, &[to, from]);
    }

    /// Lanes that an access has, if that is known.
    pub(super) fn present(&self, place: Place) -> Option<usize> {
        match (place.masked, self.tail) {
            (false, _) => Some(self.lanes),
            (true, Tail::Known(n)) => Some(n),
            (true, _) => None,
        }
    }

    /// The distances of strided lanes in the scratch register, and the mask of the tail in `k6`.
    fn distances(&mut self, mem: Mem, stride: i32) -> Mem {
        let mem = self.without_index(mem);
        let scratch = self.scratch();
        self.steps(scratch, stride.into(), Size::B4);
        self.asm.ins(Code::VEX_Kmovw_kr_km16, &[Arg::R(SCRATCH_MASK), Arg::R(TAIL)]);
        Mem { index: self.reg(scratch, Size::B4), ..mem }
    }

    pub(super) fn load_strided(&mut self, to: u8, mem: Mem, place: Place, stride: i32, size: Size) {
        let Some(n) = self.present(place) else {
            let mem = self.distances(mem, stride);
            self.constant(to, 0, size);
            return self.gather(to, mem, size, Size::B4);
        };
        let lane = usize::from(place.bytes);
        let per_quarter = 16 / lane;
        let scratch = self.scratch();
        for quarter in 0..n.div_ceil(per_quarter) {
            let target = vector(if quarter == 0 { to } else { scratch }, 0);
            for i in 0..per_quarter {
                let at = quarter * per_quarter + i;
                if at >= n {
                    break;
                }
                let from = Arg::M(further(mem, stride as i64 * at as i64));
                let t = Arg::R(target);
                match (lane, i) {
                    (8, 0) => self.asm.ins(Code::EVEX_Vmovsd_xmm_k1z_m64, &[t, from]),
                    (8, _) => self.asm.ins(Code::EVEX_Vmovhpd_xmm_xmm_m64, &[t, t, from]),
                    (_, 0) => self.asm.ins(Code::EVEX_Vmovss_xmm_k1z_m32, &[t, from]),
                    (_, i) => {
                        let slot = Arg::I((i as u8) << 4);
                        let code = Code::EVEX_Vinsertps_xmm_xmm_xmmm32_imm8;
                        self.asm.ins(code, &[t, t, from, slot]);
                    }
                }
            }
            if quarter > 0 {
                let w = self.width(size);
                let whole = self.arg_wide(to, w);
                let code = if self.wide {
                    widened(Code::EVEX_Vinsertf64x2_ymm_k1z_ymm_xmmm128_imm8, w - 1)
                } else {
                    Code::VEX_Vinsertf128_ymm_ymm_xmmm128_imm8
                };
                self.asm.ins(code, &[whole, whole, Arg::R(target), Arg::I(quarter as u8)]);
            }
        }
    }

    /// Elements at the distances in the index register of `mem`, in the lanes of `k6`; the index has
    /// lanes of size `index`.
    pub(super) fn gather(&mut self, to: u8, mem: Mem, size: Size, index: Size) {
        let code = match (size, index) {
            (Size::B8, Size::B4) => Code::EVEX_Vgatherdpd_xmm_k1_vm32x,
            (Size::B8, _) => Code::EVEX_Vgatherqpd_xmm_k1_vm64x,
            (_, Size::B4) => Code::EVEX_Vgatherdps_xmm_k1_vm32x,
            (_, _) => Code::EVEX_Vgatherqps_xmm_k1_vm64x,
        };
        // The wider of the two decides.
        let w = self.width(size).max(self.width(index));
        let dst = Arg::R(self.reg(to, size));
        self.asm.masked(widened(code, w), &[dst, Arg::M(mem)], SCRATCH_MASK, false);
    }

    /// Elements ← register.
    pub(super) fn store(&mut self, from: u8, place: Place, size: Size) {
        let mem = self.mem(place);
        if size == Size::Mask {
            return self.store_truth(from, mem, place);
        }
        if !self.wide && place.masked {
            return self.store_tail_narrow(from, mem, place, size);
        }
        let w = self.width(size);
        let src = Arg::R(self.reg(from, size));
        let low = Arg::R(vector(from, 0));
        let bytes = self.lanes * usize::from(place.bytes);
        match place.pattern {
            Pattern::Same if size == Size::B4 => {
                self.asm.ins(Code::EVEX_Vmovss_m32_k1_xmm, &[Arg::M(mem), low]);
            }
            Pattern::Same => self.asm.ins(Code::EVEX_Vmovsd_m64_k1_xmm, &[Arg::M(mem), low]),
            Pattern::Forward if place.masked => {
                let code = match size {
                    Size::B4 => Code::EVEX_Vmovups_xmmm128_k1z_xmm,
                    _ => Code::EVEX_Vmovupd_xmmm128_k1z_xmm,
                };
                self.asm.masked(widened(code, w), &[Arg::M(mem), src], TAIL, false);
            }
            Pattern::Forward if bytes == 8 => {
                self.asm.ins(Code::EVEX_Vmovsd_m64_k1_xmm, &[Arg::M(mem), low]);
            }
            Pattern::Forward => {
                let code = widened(Code::EVEX_Vmovups_xmmm128_k1z_xmm, w);
                self.asm.ins(code, &[Arg::M(mem), src]);
            }
            Pattern::Backward => {
                self.store_strided(from, mem, place, -i32::from(place.bytes), size)
            }
            Pattern::Every(stride) => self.store_strided(from, mem, place, stride, size),
        }
    }

    /// The first lanes ← so many neighbours.
    pub(super) fn load_first(&mut self, to: u8, place: Place, count: u8) {
        let mem = Arg::M(self.mem(place));
        let bytes = usize::from(count * place.bytes);
        let w = width(bytes);
        let to = self.arg_wide(to, w);
        match bytes {
            8 => self.asm.ins(Code::EVEX_Vmovsd_xmm_k1z_m64, &[to, mem]),
            _ => self.asm.ins(widened(Code::EVEX_Vmovups_xmm_k1z_xmmm128, w), &[to, mem]),
        }
    }

    /// So many neighbours ← the first lanes.
    pub(super) fn store_first(&mut self, from: u8, place: Place, count: u8) {
        let mem = Arg::M(self.mem(place));
        let bytes = usize::from(count * place.bytes);
        let w = width(bytes);
        let from = self.arg_wide(from, w);
        match bytes {
            8 => self.asm.ins(Code::EVEX_Vmovsd_m64_k1_xmm, &[mem, from]),
            _ => self.asm.ins(widened(Code::EVEX_Vmovups_xmmm128_k1z_xmm, w), &[mem, from]),
        }
    }

    pub(super) fn store_strided(
        &mut self,
        from: u8,
        mem: Mem,
        place: Place,
        stride: i32,
        size: Size,
    ) {
        let Some(n) = self.present(place) else {
            let mem = self.distances(mem, stride);
            let code = match size {
                Size::B4 => Code::EVEX_Vscatterdps_vm32x_k1_xmm,
                _ => Code::EVEX_Vscatterdpd_vm32x_k1_xmm,
            };
            let src = Arg::R(self.reg(from, size));
            let code = widened(code, self.width(size));
            return self.asm.masked(code, &[Arg::M(mem), src], SCRATCH_MASK, false);
        };
        let lane = usize::from(place.bytes);
        let per_quarter = 16 / lane;
        let w = self.width(size);
        for quarter in 0..n.div_ceil(per_quarter) {
            let source = if quarter == 0 {
                Arg::R(vector(from, 0))
            } else {
                let scratch = Arg::R(vector(self.scratch(), 0));
                let code = if self.wide {
                    widened(Code::EVEX_Vextractf64x2_xmmm128_k1z_ymm_imm8, w - 1)
                } else {
                    Code::VEX_Vextractf128_xmmm128_ymm_imm8
                };
                let whole = self.arg_wide(from, w);
                self.asm.ins(code, &[scratch, whole, Arg::I(quarter as u8)]);
                scratch
            };
            for i in 0..per_quarter.min(n - quarter * per_quarter) {
                let at = quarter * per_quarter + i;
                let to = Arg::M(further(mem, stride as i64 * at as i64));
                match (lane, i) {
                    (8, 0) => self.asm.ins(Code::EVEX_Vmovsd_m64_k1_xmm, &[to, source]),
                    (8, _) => self.asm.ins(Code::EVEX_Vmovhpd_m64_xmm, &[to, source]),
                    (_, 0) => self.asm.ins(Code::EVEX_Vmovss_m32_k1_xmm, &[to, source]),
                    (_, i) => {
                        let code = Code::EVEX_Vextractps_rm32_xmm_imm8;
                        self.asm.ins(code, &[to, source, Arg::I(i as u8)]);
                    }
                }
            }
        }
    }

    /// Mask register ← bytes that are 0 or 1.
    fn load_truth(&mut self, to: u8, mem: Mem, place: Place) {
        if !self.wide {
            return self.load_truth_narrow(to, mem, place);
        }
        let x = Arg::R(vector(self.scratch(), 0));
        let dst = Arg::R(self.reg(to, Size::Mask));
        match place.pattern {
            Pattern::Same => {
                self.asm.ins(Code::EVEX_Vpbroadcastb_xmm_k1z_xmmm8, &[x, Arg::M(mem)]);
            }
            Pattern::Forward if place.masked => {
                let code = Code::EVEX_Vmovdqu8_xmm_k1z_xmmm128;
                self.asm.masked(code, &[x, Arg::M(mem)], TAIL, true);
            }
            Pattern::Forward if self.lanes == 16 => {
                self.asm.ins(Code::EVEX_Vmovdqu8_xmm_k1z_xmmm128, &[x, Arg::M(mem)]);
            }
            Pattern::Forward if self.lanes == 8 => {
                self.asm.ins(Code::EVEX_Vmovq_xmm_xmmm64, &[x, Arg::M(mem)]);
            }
            Pattern::Forward if self.lanes == 4 => {
                self.asm.ins(Code::EVEX_Vmovd_xmm_rm32, &[x, Arg::M(mem)]);
            }
            Pattern::Forward => self.bytes_to_vector(mem, place, 1),
            Pattern::Backward => self.bytes_to_vector(mem, place, -1),
            Pattern::Every(stride) => self.bytes_to_vector(mem, place, stride),
        }
        self.asm.ins(Code::EVEX_Vptestmb_kr_k1_xmm_xmmm128, &[dst, x, x]);
    }

    /// Scratch register ← bytes so far apart, through the frame.
    pub(super) fn bytes_to_vector(&mut self, mem: Mem, place: Place, stride: i32) {
        let x = Arg::R(vector(self.scratch(), 0));
        let buffer = Asm::slot(self.frame.result);
        self.constant(self.scratch(), 0, Size::B4);
        self.asm.ins(Code::EVEX_Vmovaps_xmmm128_k1z_xmm, &[Arg::M(buffer), x]);
        self.each_lane(place, |m, lane| {
            let from = Arg::M(further(mem, stride as i64 * lane));
            let to = Arg::M(further(buffer, lane));
            m.asm.ins(Code::Movzx_r32_rm8, &[Arg::R(Register::EDX), from]);
            m.asm.ins(Code::Mov_rm8_r8, &[to, Arg::R(Register::DL)]);
        });
        self.asm.ins(Code::EVEX_Vmovaps_xmm_k1z_xmmm128, &[x, Arg::M(buffer)]);
    }

    /// Code for every lane that an access has.
    pub(super) fn each_lane(&mut self, place: Place, mut code: impl FnMut(&mut Machine, i64)) {
        let known = self.present(place);
        let done = self.asm.label();
        for lane in 0..known.unwrap_or(self.lanes) {
            if let (None, Tail::Left(word)) = (known, self.tail) {
                let left = [Arg::M(Asm::slot(word))];
                self.asm.immediate(Code::Cmp_rm64_imm32, &left, lane as i32);
                self.asm.jump(Code::Jbe_rel32_64, done);
            }
            code(self, lane as i64);
        }
        self.asm.here(done);
    }

    /// Bytes ← mask register.
    fn store_truth(&mut self, from: u8, mem: Mem, place: Place) {
        if !self.wide {
            return self.store_truth_narrow(from, mem, place);
        }
        let mask = self.reg(from, Size::Mask);
        let x = Arg::R(vector(self.scratch(), 0));
        let ones = Arg::M(self.asm.constant_vector([1; 64]));
        self.asm.masked(Code::EVEX_Vmovdqu8_xmm_k1z_xmmm128, &[x, ones], mask, true);
        let to = Arg::M(mem);
        let stride = match place.pattern {
            Pattern::Same => {
                return self.asm.ins(Code::EVEX_Vpextrb_r32m8_xmm_imm8, &[to, x, Arg::I(0)]);
            }
            Pattern::Forward if place.masked => {
                let code = Code::EVEX_Vmovdqu8_xmmm128_k1z_xmm;
                return self.asm.masked(code, &[to, x], TAIL, false);
            }
            Pattern::Forward if self.lanes == 16 => {
                return self.asm.ins(Code::EVEX_Vmovdqu8_xmmm128_k1z_xmm, &[to, x]);
            }
            Pattern::Forward if self.lanes == 8 => {
                return self.asm.ins(Code::EVEX_Vmovq_xmmm64_xmm, &[to, x]);
            }
            Pattern::Forward if self.lanes == 4 => {
                return self.asm.ins(Code::EVEX_Vmovd_rm32_xmm, &[to, x]);
            }
            Pattern::Forward => 1,
            Pattern::Backward => -1,
            Pattern::Every(stride) => stride,
        };
        let buffer = Asm::slot(self.frame.result);
        self.asm.ins(Code::EVEX_Vmovaps_xmmm128_k1z_xmm, &[Arg::M(buffer), x]);
        self.each_lane(place, |m, lane| {
            let (from, to) = (further(buffer, lane), further(mem, stride as i64 * lane));
            m.asm.ins(Code::Movzx_r32_rm8, &[Arg::R(Register::EDX), Arg::M(from)]);
            m.asm.ins(Code::Mov_rm8_r8, &[Arg::M(to), Arg::R(Register::DL)]);
        });
    }
}
