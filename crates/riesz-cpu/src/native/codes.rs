//! Which instruction does an operation, for vectors of 16 bytes; see `asm::widened` for wider ones.
//!
//! Each row has the form without and with AVX-512; `None` where there is no single instruction.

use super::graph::{Num, One, Test, Two};
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
        (Two::Div | Two::Larger | Two::Smaller | Two::Scale, I32 | I64) => (INVALID, INVALID),
    };
    form(wide, row)
}

/// The number that goes with [`two`] as its last operand.
pub(super) fn two_immediate(op: Two, num: Num) -> Option<u8> {
    match op {
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
        | (One::Abs | One::Left(_) | One::Right(_), F32 | F64) => (INVALID, INVALID),
    };
    Some((form(wide, row)?, immediate))
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
