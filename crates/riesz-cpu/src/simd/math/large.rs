//! sin, cos, tan of arguments too large for `trig.rs`: scalar, by Payne and Hanek's method.
//!
//! x·2/π modulo 4 needs only a window of the digits of 2/π: those whose product with x's mantissa
//! is neither a multiple of 4 nor below the last bit wanted (Payne & Hanek 1983). With 192 bits the
//! reduced argument is right to 2^−137, 75 bits even for the f64 closest to a multiple of π/2.

use super::trig::on_octant;
use crate::simd::value::{Arith, Plain, divide, fast_two_sum};

/// sin x for any finite |x| ≥ 1; NaN for infinities.
pub fn sin(x: f64) -> f64 {
    quadrant(x, |n, s, c| {
        let (h, l) = if n & 1 == 0 { s } else { c };
        if n & 2 == 0 { h + l } else { -(h + l) }
    })
}

/// cos x, as above.
pub fn cos(x: f64) -> f64 {
    quadrant(x, |n, s, c| {
        let (h, l) = if n & 1 == 0 { c } else { s };
        if (n + 1) & 2 == 0 { h + l } else { -(h + l) }
    })
}

/// tan x, as above.
pub fn tan(x: f64) -> f64 {
    quadrant(x, |n, s, c| {
        let (s, c) = (fast_two_sum(s.0, s.1), fast_two_sum(c.0, c.1));
        if n & 1 == 0 { divide::<f64, Plain>(s, c) } else { -divide::<f64, Plain>(c, s) }
    })
}

/// `f` of (n mod 4, sin r, cos r) with x = n·π/2 + r.
fn quadrant(x: f64, f: impl Fn(u64, (f64, f64), (f64, f64)) -> f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (n, r, y) = reduce(x.abs());
    let (n, r, y) = if x < 0.0 { (n.wrapping_neg(), -r, -y) } else { (n, r, y) };
    let (s, c) = on_octant::<f64, Plain>(r, y);
    f(n & 3, s, c)
}

/// (n mod 4, r, y) with x = n·π/2 + r + y, |r| ≤ π/4, for finite x ≥ 1.
fn reduce(x: f64) -> (u64, f64, f64) {
    let bits = x.to_bits();
    let mantissa = u128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    // x = mantissa·2^e with −52 ≤ e ≤ 971. Bit i of 2/π (from 1) has weight 2^−i and counts from
    // i = e − 1 on; the table starts 63 zeros before bit 1.
    let e = (bits >> 52) as i64 - 1075;
    let start = (e - 1 + 63) as usize;
    let (word, shift) = (start / 64, start % 64);
    let window = |k: usize| -> u128 {
        let pair =
            (u128::from(TWO_OVER_PI[word + k]) << 64) | u128::from(TWO_OVER_PI[word + k + 1]);
        (pair >> (64 - shift)) & u128::from(u64::MAX)
    };
    let low = mantissa * window(2);
    let middle = mantissa * window(1) + (low >> 64);
    let high = (mantissa * window(0) + (middle >> 64)) as u64;
    let (middle, low) = (middle as u64, low as u64);
    // Two bits of integer, 190 of fraction.
    let mut n = high >> 62;
    let mut fraction = [(high << 2) | (middle >> 62), (middle << 2) | (low >> 62), low << 2];
    let above_half = fraction[0] >> 63 == 1;
    if above_half {
        n += 1;
        let (a, carry) = (!fraction[2]).overflowing_add(1);
        let (b, carry) = (!fraction[1]).overflowing_add(u64::from(carry));
        fraction = [(!fraction[0]).wrapping_add(u64::from(carry)), b, a];
    }
    // The leading 106 bits as two f64; each conversion is of at most 53 bits and so exact.
    let piece = |from: u32| -> u64 {
        let (word, shift) = ((from / 64) as usize, from % 64);
        let at = |k: usize| u128::from(fraction.get(k).copied().unwrap_or(0));
        ((((at(word) << 64) | at(word + 1)) >> (75 - shift)) & ((1 << 53) - 1)) as u64
    };
    let zeros = match fraction {
        [0, 0, c] => 128 + c.leading_zeros(),
        [0, b, _] => 64 + b.leading_zeros(),
        [a, ..] => a.leading_zeros(),
    };
    let scale = |from: u32| 2f64.powi(-53 - from as i32);
    let hi = piece(zeros) as f64 * scale(zeros);
    let lo = piece(zeros + 53) as f64 * scale(zeros + 53);
    // times π/2
    let (p, q) = (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17);
    let (rh, re) = Plain::product(hi, p);
    let (r, y) = fast_two_sum(rh, re + (hi * q + lo * p));
    if above_half { (n, -r, -y) } else { (n, r, y) }
}

/// 64 zero bits and then 1344 bits of 2/π, as computed with mpmath.
#[rustfmt::skip]
const TWO_OVER_PI: [u64; 22] = [
    0x0000_0000_0000_0000, 0xa2f9_836e_4e44_1529, 0xfc27_57d1_f534_ddc0, 0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561, 0xb724_6e3a_424d_d2e0, 0x0649_2eea_09d1_921c, 0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484, 0xe99c_7026_b45f_7e41, 0x3991_d639_8353_39f4, 0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f, 0xef2f_118b_5a0a_6d1f, 0x6d36_7ecf_27cb_09b7, 0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b, 0x3d07_39f7_8a52_92ea, 0x6bfb_5fb1_1f8d_5d08, 0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d, 0xa9e3_9161_5ee6_1b08,
];
