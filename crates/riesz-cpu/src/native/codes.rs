//! Which instruction does an operation, for vectors of 16 bytes; see `asm::widened` for wider ones.
//!
//! Each row has the form without and with AVX-512; `None` where there is no single instruction.

use super::graph::{Num, One, Size, Test, Two};
use iced_x86::Code;
use iced_x86::Code::*;

/// Picks the form for the processor.
fn form(wide: bool, (vex, evex): (Code, Code)) -> Option<Code> {
    let code = if wide { evex } else { vex };
    (code != INVALID).then_some(code)
}

pub(super) fn two(op: Two, num: Num, wide: bool) -> Option<Code> {
    use Num::*;
    let row = match (op, num) {
        (Two::Add, F64) => (VEX_Vaddpd_xmm_xmm_xmmm128, EVEX_Vaddpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Add, F32) => (VEX_Vaddps_xmm_xmm_xmmm128, EVEX_Vaddps_xmm_k1z_xmm_xmmm128b32),
        (Two::Add, I64) => (VEX_Vpaddq_xmm_xmm_xmmm128, EVEX_Vpaddq_xmm_k1z_xmm_xmmm128b64),
        (Two::Add, I32) => (VEX_Vpaddd_xmm_xmm_xmmm128, EVEX_Vpaddd_xmm_k1z_xmm_xmmm128b32),
        (Two::Sub, F64) => (VEX_Vsubpd_xmm_xmm_xmmm128, EVEX_Vsubpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Sub, F32) => (VEX_Vsubps_xmm_xmm_xmmm128, EVEX_Vsubps_xmm_k1z_xmm_xmmm128b32),
        (Two::Sub, I64) => (VEX_Vpsubq_xmm_xmm_xmmm128, EVEX_Vpsubq_xmm_k1z_xmm_xmmm128b64),
        (Two::Sub, I32) => (VEX_Vpsubd_xmm_xmm_xmmm128, EVEX_Vpsubd_xmm_k1z_xmm_xmmm128b32),
        (Two::Mul, F64) => (VEX_Vmulpd_xmm_xmm_xmmm128, EVEX_Vmulpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Mul, F32) => (VEX_Vmulps_xmm_xmm_xmmm128, EVEX_Vmulps_xmm_k1z_xmm_xmmm128b32),
        (Two::Mul, I64) => (INVALID, EVEX_Vpmullq_xmm_k1z_xmm_xmmm128b64),
        (Two::Mul, I32) => (VEX_Vpmulld_xmm_xmm_xmmm128, EVEX_Vpmulld_xmm_k1z_xmm_xmmm128b32),
        (Two::Div, F64) => (VEX_Vdivpd_xmm_xmm_xmmm128, EVEX_Vdivpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Div, F32) => (VEX_Vdivps_xmm_xmm_xmmm128, EVEX_Vdivps_xmm_k1z_xmm_xmmm128b32),
        (Two::Larger, F64) => (VEX_Vmaxpd_xmm_xmm_xmmm128, EVEX_Vmaxpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Larger, F32) => (VEX_Vmaxps_xmm_xmm_xmmm128, EVEX_Vmaxps_xmm_k1z_xmm_xmmm128b32),
        (Two::Smaller, F64) => (VEX_Vminpd_xmm_xmm_xmmm128, EVEX_Vminpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Smaller, F32) => (VEX_Vminps_xmm_xmm_xmmm128, EVEX_Vminps_xmm_k1z_xmm_xmmm128b32),
        (Two::Max, I64) => (INVALID, EVEX_Vpmaxsq_xmm_k1z_xmm_xmmm128b64),
        (Two::Max, I32) => (VEX_Vpmaxsd_xmm_xmm_xmmm128, EVEX_Vpmaxsd_xmm_k1z_xmm_xmmm128b32),
        (Two::Min, I64) => (INVALID, EVEX_Vpminsq_xmm_k1z_xmm_xmmm128b64),
        (Two::Min, I32) => (VEX_Vpminsd_xmm_xmm_xmmm128, EVEX_Vpminsd_xmm_k1z_xmm_xmmm128b32),
        (Two::Max | Two::Min, F64) => (INVALID, EVEX_Vrangepd_xmm_k1z_xmm_xmmm128b64_imm8),
        (Two::Max | Two::Min, F32) => (INVALID, EVEX_Vrangeps_xmm_k1z_xmm_xmmm128b32_imm8),
        (Two::And, F64) => (VEX_Vandpd_xmm_xmm_xmmm128, EVEX_Vandpd_xmm_k1z_xmm_xmmm128b64),
        (Two::And, F32) => (VEX_Vandps_xmm_xmm_xmmm128, EVEX_Vandps_xmm_k1z_xmm_xmmm128b32),
        (Two::And, I64) => (VEX_Vpand_xmm_xmm_xmmm128, EVEX_Vpandq_xmm_k1z_xmm_xmmm128b64),
        (Two::And, I32) => (VEX_Vpand_xmm_xmm_xmmm128, EVEX_Vpandd_xmm_k1z_xmm_xmmm128b32),
        (Two::Or, F64) => (VEX_Vorpd_xmm_xmm_xmmm128, EVEX_Vorpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Or, F32) => (VEX_Vorps_xmm_xmm_xmmm128, EVEX_Vorps_xmm_k1z_xmm_xmmm128b32),
        (Two::Or, I64) => (VEX_Vpor_xmm_xmm_xmmm128, EVEX_Vporq_xmm_k1z_xmm_xmmm128b64),
        (Two::Or, I32) => (VEX_Vpor_xmm_xmm_xmmm128, EVEX_Vpord_xmm_k1z_xmm_xmmm128b32),
        (Two::Xor, F64) => (VEX_Vxorpd_xmm_xmm_xmmm128, EVEX_Vxorpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Xor, F32) => (VEX_Vxorps_xmm_xmm_xmmm128, EVEX_Vxorps_xmm_k1z_xmm_xmmm128b32),
        (Two::Xor, I64) => (VEX_Vpxor_xmm_xmm_xmmm128, EVEX_Vpxorq_xmm_k1z_xmm_xmmm128b64),
        (Two::Xor, I32) => (VEX_Vpxor_xmm_xmm_xmmm128, EVEX_Vpxord_xmm_k1z_xmm_xmmm128b32),
        (Two::Scale, F64) => (INVALID, EVEX_Vscalefpd_xmm_k1z_xmm_xmmm128b64),
        (Two::Scale, F32) => (INVALID, EVEX_Vscalefps_xmm_k1z_xmm_xmmm128b32),
        (Two::LowWords, _) => (INVALID, EVEX_Vunpcklps_xmm_k1z_xmm_xmmm128b32),
        (Two::HighWords, _) => (INVALID, EVEX_Vunpckhps_xmm_k1z_xmm_xmmm128b32),
        (Two::LowPairs, _) => {
            (VEX_Vunpcklpd_xmm_xmm_xmmm128, EVEX_Vunpcklpd_xmm_k1z_xmm_xmmm128b64)
        }
        (Two::HighPairs, _) => (INVALID, EVEX_Vunpckhpd_xmm_k1z_xmm_xmmm128b64),
        // There are no quarters of 16 bytes: the table begins with 32, and so does this row.
        (Two::EvenQuarters | Two::OddQuarters, _) => {
            let first = EVEX_Vshuff64x2_ymm_k1z_ymm_ymmm256b64_imm8 as usize - 1;
            (INVALID, Code::try_from(first).unwrap_or(INVALID))
        }
        (Two::Div | Two::Larger | Two::Smaller | Two::Scale, I32 | I64) => (INVALID, INVALID),
    };
    form(wide, row)
}

/// The number that goes with [`two`] as its last operand.
pub(super) fn two_immediate(op: Two, num: Num, width: usize) -> Option<u8> {
    match op {
        // Two bits, or in vectors of 32 bytes one, for each quarter of the result.
        Two::EvenQuarters => Some(if width == 1 { 0b00 } else { 0b10_00_10_00 }),
        Two::OddQuarters => Some(if width == 1 { 0b11 } else { 0b11_01_11_01 }),
        Two::Max if num.is_float() => Some(0b0101),
        Two::Min if num.is_float() => Some(0b0100),
        _ => None,
    }
}

/// The instruction and its immediate operand.
pub(super) fn one(op: One, num: Num, wide: bool) -> Option<(Code, Option<u8>)> {
    use Num::*;
    let mut immediate = None;
    let row = match (op, num) {
        (One::Sqrt, F64) => (VEX_Vsqrtpd_xmm_xmmm128, EVEX_Vsqrtpd_xmm_k1z_xmmm128b64),
        (One::Sqrt, F32) => (VEX_Vsqrtps_xmm_xmmm128, EVEX_Vsqrtps_xmm_k1z_xmmm128b32),
        (One::Round(mode), F64) => {
            immediate = Some(mode);
            (VEX_Vroundpd_xmm_xmmm128_imm8, EVEX_Vrndscalepd_xmm_k1z_xmmm128b64_imm8)
        }
        (One::Round(mode), F32) => {
            immediate = Some(mode);
            (VEX_Vroundps_xmm_xmmm128_imm8, EVEX_Vrndscaleps_xmm_k1z_xmmm128b32_imm8)
        }
        (One::Exponent, F64) => (INVALID, EVEX_Vgetexppd_xmm_k1z_xmmm128b64),
        (One::Exponent, F32) => (INVALID, EVEX_Vgetexpps_xmm_k1z_xmmm128b32),
        (One::Mantissa, F64) => {
            immediate = Some(0);
            (INVALID, EVEX_Vgetmantpd_xmm_k1z_xmmm128b64_imm8)
        }
        (One::Mantissa, F32) => {
            immediate = Some(0);
            (INVALID, EVEX_Vgetmantps_xmm_k1z_xmmm128b32_imm8)
        }
        (One::Abs, I64) => (INVALID, EVEX_Vpabsq_xmm_k1z_xmmm128b64),
        (One::Abs, I32) => (VEX_Vpabsd_xmm_xmmm128, EVEX_Vpabsd_xmm_k1z_xmmm128b32),
        (One::Left(n), I64) => {
            immediate = Some(n);
            (VEX_Vpsllq_xmm_xmm_imm8, EVEX_Vpsllq_xmm_k1z_xmmm128b64_imm8)
        }
        (One::Left(n), I32) => {
            immediate = Some(n);
            (VEX_Vpslld_xmm_xmm_imm8, EVEX_Vpslld_xmm_k1z_xmmm128b32_imm8)
        }
        (One::Right(n), I64) => {
            immediate = Some(n);
            (VEX_Vpsrlq_xmm_xmm_imm8, EVEX_Vpsrlq_xmm_k1z_xmmm128b64_imm8)
        }
        (One::Right(n), I32) => {
            immediate = Some(n);
            (VEX_Vpsrld_xmm_xmm_imm8, EVEX_Vpsrld_xmm_k1z_xmmm128b32_imm8)
        }
        (One::Exponent | One::Mantissa | One::Sqrt | One::Round(_), I32 | I64)
        | (One::Abs | One::Left(_) | One::Right(_), F32 | F64)
        | (One::Lane(_), _) => (INVALID, INVALID),
    };
    Some((form(wide, row)?, immediate))
}

/// One lane in all, in vectors of 16 or 32 bytes: the instruction, and what its number is for lane 1.
pub(super) fn lane(size: Size, width: usize) -> (Code, u8) {
    match (size, width) {
        (Size::B4, _) => (EVEX_Vpermilps_xmm_k1z_xmmm128b32_imm8, 0b01_01_01_01),
        (_, 0) => (EVEX_Vpermilpd_xmm_k1z_xmmm128b64_imm8, 0b11),
        (_, _) => (EVEX_Vpermpd_ymm_k1z_ymmm256b64_imm8, 0b01_01_01_01),
    }
}

/// a·b + c by which operand the result replaces: the first factor beside a second factor in memory
/// (132), the first factor beside an addend in memory (213), the addend (231).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaces {
    FactorTimesMemory,
    FactorPlusMemory,
    Addend,
}

/// A fused multiply-add; the order of the rows is that of the encoder's table.
pub(super) fn fma(
    num: Num,
    minus_product: bool,
    minus_addend: bool,
    replaces: Replaces,
    wide: bool,
) -> Option<Code> {
    use Replaces::*;
    macro_rules! rows {
        ($($variant:ident: $vd:ident $ed:ident $vs:ident $es:ident;)*) => {
            match replaces {
                $($variant => if num == Num::F64 { ($vd, $ed) } else { ($vs, $es) },)*
            }
        };
    }
    let row = match (minus_product, minus_addend) {
        (false, false) => rows! {
            FactorTimesMemory: VEX_Vfmadd132pd_xmm_xmm_xmmm128 EVEX_Vfmadd132pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfmadd132ps_xmm_xmm_xmmm128 EVEX_Vfmadd132ps_xmm_k1z_xmm_xmmm128b32;
            FactorPlusMemory: VEX_Vfmadd213pd_xmm_xmm_xmmm128 EVEX_Vfmadd213pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfmadd213ps_xmm_xmm_xmmm128 EVEX_Vfmadd213ps_xmm_k1z_xmm_xmmm128b32;
            Addend: VEX_Vfmadd231pd_xmm_xmm_xmmm128 EVEX_Vfmadd231pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfmadd231ps_xmm_xmm_xmmm128 EVEX_Vfmadd231ps_xmm_k1z_xmm_xmmm128b32;
        },
        (false, true) => rows! {
            FactorTimesMemory: VEX_Vfmsub132pd_xmm_xmm_xmmm128 EVEX_Vfmsub132pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfmsub132ps_xmm_xmm_xmmm128 EVEX_Vfmsub132ps_xmm_k1z_xmm_xmmm128b32;
            FactorPlusMemory: VEX_Vfmsub213pd_xmm_xmm_xmmm128 EVEX_Vfmsub213pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfmsub213ps_xmm_xmm_xmmm128 EVEX_Vfmsub213ps_xmm_k1z_xmm_xmmm128b32;
            Addend: VEX_Vfmsub231pd_xmm_xmm_xmmm128 EVEX_Vfmsub231pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfmsub231ps_xmm_xmm_xmmm128 EVEX_Vfmsub231ps_xmm_k1z_xmm_xmmm128b32;
        },
        (true, false) => rows! {
            FactorTimesMemory: VEX_Vfnmadd132pd_xmm_xmm_xmmm128 EVEX_Vfnmadd132pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfnmadd132ps_xmm_xmm_xmmm128 EVEX_Vfnmadd132ps_xmm_k1z_xmm_xmmm128b32;
            FactorPlusMemory: VEX_Vfnmadd213pd_xmm_xmm_xmmm128 EVEX_Vfnmadd213pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfnmadd213ps_xmm_xmm_xmmm128 EVEX_Vfnmadd213ps_xmm_k1z_xmm_xmmm128b32;
            Addend: VEX_Vfnmadd231pd_xmm_xmm_xmmm128 EVEX_Vfnmadd231pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfnmadd231ps_xmm_xmm_xmmm128 EVEX_Vfnmadd231ps_xmm_k1z_xmm_xmmm128b32;
        },
        (true, true) => rows! {
            FactorTimesMemory: VEX_Vfnmsub132pd_xmm_xmm_xmmm128 EVEX_Vfnmsub132pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfnmsub132ps_xmm_xmm_xmmm128 EVEX_Vfnmsub132ps_xmm_k1z_xmm_xmmm128b32;
            FactorPlusMemory: VEX_Vfnmsub213pd_xmm_xmm_xmmm128 EVEX_Vfnmsub213pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfnmsub213ps_xmm_xmm_xmmm128 EVEX_Vfnmsub213ps_xmm_k1z_xmm_xmmm128b32;
            Addend: VEX_Vfnmsub231pd_xmm_xmm_xmmm128 EVEX_Vfnmsub231pd_xmm_k1z_xmm_xmmm128b64 VEX_Vfnmsub231ps_xmm_xmm_xmmm128 EVEX_Vfnmsub231ps_xmm_k1z_xmm_xmmm128b32;
        },
    };
    form(wide, row)
}

/// A comparison: the instruction and its predicate.
pub(super) fn compare(test: Test, num: Num, wide: bool) -> Option<(Code, u8)> {
    let predicate = match (test, num.is_float()) {
        (Test::Eq, _) => 0,
        (Test::Lt, true) => 0x11,
        (Test::Le, true) => 0x12,
        (Test::Lt | Test::Below, false) => 1,
        (Test::Le, false) => 2,
        (Test::Ne, _) => 4,
        (Test::Unordered, true) => 3,
        (Test::Ordered, true) => 7,
        _ => return None,
    };
    let row = match (num, test) {
        (Num::F64, _) => (VEX_Vcmppd_xmm_xmm_xmmm128_imm8, EVEX_Vcmppd_kr_k1_xmm_xmmm128b64_imm8),
        (Num::F32, _) => (VEX_Vcmpps_xmm_xmm_xmmm128_imm8, EVEX_Vcmpps_kr_k1_xmm_xmmm128b32_imm8),
        (Num::I64, Test::Below) => (INVALID, EVEX_Vpcmpuq_kr_k1_xmm_xmmm128b64_imm8),
        (Num::I32, Test::Below) => (INVALID, EVEX_Vpcmpud_kr_k1_xmm_xmmm128b32_imm8),
        (Num::I64, _) => (INVALID, EVEX_Vpcmpq_kr_k1_xmm_xmmm128b64_imm8),
        (Num::I32, _) => (INVALID, EVEX_Vpcmpd_kr_k1_xmm_xmmm128b32_imm8),
    };
    Some((form(wide, row)?, predicate))
}

/// A conversion; the second says whether the width is that of the argument and not of the result.
pub(super) fn convert(from: Num, to: Num, wide: bool) -> Option<(Code, bool)> {
    use Num::*;
    let (row, by_argument) = match (from, to) {
        (F32, F64) => ((VEX_Vcvtps2pd_xmm_xmmm64, EVEX_Vcvtps2pd_xmm_k1z_xmmm64b32), false),
        (F64, F32) => ((VEX_Vcvtpd2ps_xmm_xmmm128, EVEX_Vcvtpd2ps_xmm_k1z_xmmm128b64), true),
        (I32, F64) => ((VEX_Vcvtdq2pd_xmm_xmmm64, EVEX_Vcvtdq2pd_xmm_k1z_xmmm64b32), false),
        (I32, F32) => ((VEX_Vcvtdq2ps_xmm_xmmm128, EVEX_Vcvtdq2ps_xmm_k1z_xmmm128b32), false),
        (I64, F64) => ((INVALID, EVEX_Vcvtqq2pd_xmm_k1z_xmmm128b64), false),
        (I64, F32) => ((INVALID, EVEX_Vcvtqq2ps_xmm_k1z_xmmm128b64), true),
        (I32, I64) => ((VEX_Vpmovsxdq_xmm_xmmm64, EVEX_Vpmovsxdq_xmm_k1z_xmmm64), false),
        (I64, I32) => ((INVALID, EVEX_Vpmovqd_xmmm64_k1z_xmm), true),
        (F64, I32) => ((VEX_Vcvttpd2dq_xmm_xmmm128, EVEX_Vcvttpd2dq_xmm_k1z_xmmm128b64), true),
        (F32, I32) => ((VEX_Vcvttps2dq_xmm_xmmm128, EVEX_Vcvttps2dq_xmm_k1z_xmmm128b32), false),
        (F64, I64) => ((INVALID, EVEX_Vcvttpd2qq_xmm_k1z_xmmm128b64), false),
        (F32, I64) => ((INVALID, EVEX_Vcvttps2qq_xmm_k1z_xmmm64b32), false),
        (F32, F32) | (F64, F64) | (I32, I32) | (I64, I64) => return None,
    };
    Some((form(wide, row)?, by_argument))
}

/// Moves and shuffles whose forms without and with AVX-512 have the same operands.
const MOVES: &[(Code, Code)] = &[
    (VEX_Vmovaps_xmm_xmmm128, EVEX_Vmovaps_xmm_k1z_xmmm128),
    (VEX_Vmovaps_xmmm128_xmm, EVEX_Vmovaps_xmmm128_k1z_xmm),
    (VEX_Vmovups_xmm_xmmm128, EVEX_Vmovups_xmm_k1z_xmmm128),
    (VEX_Vmovups_xmmm128_xmm, EVEX_Vmovups_xmmm128_k1z_xmm),
    (VEX_Vpbroadcastd_xmm_xmmm32, EVEX_Vpbroadcastd_xmm_k1z_xmmm32),
    (VEX_Vpbroadcastq_xmm_xmmm64, EVEX_Vpbroadcastq_xmm_k1z_xmmm64),
    (VEX_Vmovsd_xmm_m64, EVEX_Vmovsd_xmm_k1z_m64),
    (VEX_Vmovsd_m64_xmm, EVEX_Vmovsd_m64_k1_xmm),
    (VEX_Vmovss_xmm_m32, EVEX_Vmovss_xmm_k1z_m32),
    (VEX_Vmovss_m32_xmm, EVEX_Vmovss_m32_k1_xmm),
    (VEX_Vmovhpd_xmm_xmm_m64, EVEX_Vmovhpd_xmm_xmm_m64),
    (VEX_Vmovhpd_m64_xmm, EVEX_Vmovhpd_m64_xmm),
    (VEX_Vinsertps_xmm_xmm_xmmm32_imm8, EVEX_Vinsertps_xmm_xmm_xmmm32_imm8),
    (VEX_Vextractps_rm32_xmm_imm8, EVEX_Vextractps_rm32_xmm_imm8),
    (VEX_Vpshufd_xmm_xmmm128_imm8, EVEX_Vpshufd_xmm_k1z_xmmm128b32_imm8),
    (VEX_Vpermilpd_xmm_xmmm128_imm8, EVEX_Vpermilpd_xmm_k1z_xmmm128b64_imm8),
    (VEX_Vpermilps_xmm_xmmm128_imm8, EVEX_Vpermilps_xmm_k1z_xmmm128b32_imm8),
    (VEX_Vpermpd_ymm_ymmm256_imm8, EVEX_Vpermpd_ymm_k1z_ymmm256b64_imm8),
    (VEX_Vmovd_rm32_xmm, EVEX_Vmovd_rm32_xmm),
    (VEX_Vmovq_rm64_xmm, EVEX_Vmovq_rm64_xmm),
    (VEX_Vmovq_xmm_rm64, EVEX_Vmovq_xmm_rm64),
    (VEX_Vmovupd_xmm_xmmm128, EVEX_Vmovupd_xmm_k1z_xmmm128),
    (VEX_Vmovupd_xmmm128_xmm, EVEX_Vmovupd_xmmm128_k1z_xmm),
    (VEX_Vmovd_xmm_rm32, EVEX_Vmovd_xmm_rm32),
];

/// The form without AVX-512 of a move or shuffle that is named by the other one.
pub(super) fn without_evex(evex: Code) -> Code {
    let width = |base: Code| (evex as usize).wrapping_sub(base as usize);
    let row = MOVES.iter().find(|&&(_, base)| width(base) < 2);
    row.map_or(evex, |&(vex, base)| super::asm::widened(vex, width(base)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::asm::widened;
    use Num::*;

    /// The table of the encoder goes on with wider vectors where `widened` says it does.
    #[test]
    fn wider_forms_follow_in_the_table() {
        let twos = [
            Two::Add,
            Two::Sub,
            Two::Mul,
            Two::Div,
            Two::Larger,
            Two::Smaller,
            Two::Max,
            Two::Min,
            Two::And,
            Two::Or,
            Two::Xor,
            Two::Scale,
        ];
        let ones = [
            One::Sqrt,
            One::Round(8),
            One::Exponent,
            One::Mantissa,
            One::Abs,
            One::Left(1),
            One::Right(1),
        ];
        let tests = [Test::Eq, Test::Lt, Test::Below, Test::Unordered];
        let places = [Replaces::FactorTimesMemory, Replaces::FactorPlusMemory, Replaces::Addend];
        let mut codes = Vec::new();
        for wide in [false, true] {
            for num in [F32, F64, I32, I64] {
                codes.extend(twos.iter().filter_map(|&f| two(f, num, wide)));
                codes.extend(ones.iter().filter_map(|&f| Some(one(f, num, wide)?.0)));
                codes.extend(tests.iter().filter_map(|&f| Some(compare(f, num, wide)?.0)));
                for to in [F32, F64, I32, I64] {
                    codes.extend(convert(num, to, wide).map(|c| c.0));
                }
                for (p, a) in [(false, false), (false, true), (true, false), (true, true)] {
                    codes.extend(places.iter().filter_map(|&r| fma(num, p, a, r, wide)));
                }
            }
        }
        codes.extend(MOVES.iter().map(|m| m.1).filter(|m| {
            let name = format!("{m:?}");
            ["Vmovap", "Vmovup", "Vpbroadcast", "Vpermilpd", "Vpshufd"]
                .iter()
                .any(|n| name.contains(n))
        }));
        for code in codes {
            let name = format!("{code:?}");
            let last = if name.starts_with("VEX") { 1 } else { 2 };
            let widest = ["ymm", "zmm"];
            for width in 1..=last {
                let other = format!("{:?}", widened(code, width));
                let mnemonic = |n: &str| n.split('_').take(2).collect::<Vec<_>>().join("_");
                assert_eq!(mnemonic(&other), mnemonic(&name));
                assert!(other.contains(widest[width - 1]), "{other} after {name}");
            }
        }
    }
}
