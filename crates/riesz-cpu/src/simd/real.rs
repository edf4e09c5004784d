//! The little that the kernels need to know about f32 and f64, and about fused multiply-add.

// The constants are written with the digits they were computed with.
#![allow(clippy::excessive_precision)]

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A floating-point type the kernels are written for: f64 and f32.
///
/// The methods are what the elementary functions need beyond arithmetic: constants split in
/// high and low parts, the polynomial tables, and views of the bits that compile to plain vector
/// integer instructions on every instruction set (no float-to-integer conversions).
pub trait Real:
    Copy
    + PartialEq
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + std::ops::Rem<Output = Self>
    + std::fmt::Debug
    + super::dispatch::Kernels
    + 'static
{
    /// 1.5·2^(mantissa bits): adding it rounds to an integer, which is then in the low bits.
    const MAGIC: Self;
    /// 2^(mantissa bits): numbers at least this large are integers.
    const INTEGERS: Self;
    /// Infinity.
    const INFINITY: Self;
    /// A quiet NaN.
    const NAN: Self;
    /// The smallest positive normal number.
    const TINY: Self;
    /// ln 2, so short that its product with any exponent is exact, and the rest.
    const LN2: (Self, Self);
    /// π/2 in four parts; products of the first three with integers below `TRIG_LIMIT`·2/π are exact.
    const PI_2: [Self; 4];
    /// The largest |x| for which `PI_2` gives sin, cos and tan their full accuracy.
    const TRIG_LIMIT: Self;
    /// Arguments outside this interval give exp 0 or ∞; at its upper end e^x = 2^n·(1 + p) with 2^(n−1)
    /// still finite.
    const EXP_RANGE: (Self, Self);
    /// Where tanh is 1 to the last bit, and e^(2x) still far from overflow.
    const TANH_LIMIT: Self;
    /// Where erf is 1 to the last bit.
    const ERF_LIMIT: Self;
    /// Veltkamp's splitting constant 2^⌈p/2⌉ + 1.
    const SPLIT: Self;
    /// Below this |x|, functions with f(x) = x + O(x²) or O(x³) return x itself.
    const IDENTITY: Self;
    /// |y| is clamped to this in x^y: beyond it the result is 0, 1 or ∞ for every x.
    const POW_LIMIT: Self;
    /// Numbers above or below these are scaled before they are squared.
    const EXTREME: (Self, Self);
    /// 2^±k, by which they are scaled.
    const SCALE: (Self, Self);

    /// See the tables in `math/coefficients.rs`.
    const EXP: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const EXP2: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const LOG: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const POW_LOG: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const SIN: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const COS: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const ATAN: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const ASIN: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const ERF: &'static [Self];
    /// See the tables in `math/coefficients.rs`.
    const ERFC: &'static [Self];

    /// The nearest value to a constant.
    fn of(c: f64) -> Self;
    /// The same number as f64.
    fn wide(self) -> f64;
    /// A constant as an unevaluated sum of two values.
    fn pair(hi: f64, lo: f64) -> (Self, Self);
    /// The processor's fused multiply-add; a library call where there is none.
    fn hardware_fma(self, b: Self, c: Self) -> Self;
    /// The correctly rounded square root.
    fn root(self) -> Self;
    /// |x|, by its bit.
    fn magnitude(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn with_sign(self, sign: Self) -> Self;
    /// `self` with its sign changed where the bit `bit` of `magic`'s integer is set.
    fn flip_if(self, magic: Self, bit: u32) -> Self;
    /// Bit `bit` of the integer n in `magic` = MAGIC + n.
    fn bit(magic: Self, bit: u32) -> bool;
    /// 2^n for `magic` = MAGIC + n and n in the range of normal exponents.
    fn power_of_two(magic: Self) -> Self;
    /// (k, m) with self = 2^k·m, √½ ≤ m < √2, for positive normal numbers.
    fn split(self) -> (Self, Self);
    /// The sign bit.
    fn negative(self) -> bool;
    /// Bitwise and, for the maximum of two zeros.
    fn and(self, other: Self) -> Self;
    /// Bitwise or, for the minimum of two zeros.
    fn or(self, other: Self) -> Self;
}

macro_rules! real {
    ($t:ident, $bits:ident, mantissa $mantissa:literal, half $half:literal, bias $bias:literal,
     { $($constants:tt)* }, $exp:ident, $exp2:ident, $log:ident, $pow:ident, $sin:ident,
     $cos:ident, $atan:ident, $asin:ident, $erf:ident, $erfc:ident, |$hi:ident, $lo:ident| $pair:expr) => {
        impl Real for $t {
            const MAGIC: $t = 1.5 * (1u64 << $mantissa) as $t;
            const INTEGERS: $t = (1u64 << $mantissa) as $t;
            const INFINITY: $t = $t::INFINITY;
            const NAN: $t = $t::NAN;
            const TINY: $t = $t::MIN_POSITIVE;
            const SPLIT: $t = ((1u64 << $half) + 1) as $t;
            $($constants)*
            const EXP: &'static [$t] = &c::$exp;
            const EXP2: &'static [$t] = &c::$exp2;
            const LOG: &'static [$t] = &c::$log;
            const POW_LOG: &'static [$t] = &c::$pow;
            const SIN: &'static [$t] = &c::$sin;
            const COS: &'static [$t] = &c::$cos;
            const ATAN: &'static [$t] = &c::$atan;
            const ASIN: &'static [$t] = &c::$asin;
            const ERF: &'static [$t] = &c::$erf;
            const ERFC: &'static [$t] = &c::$erfc;

            #[inline(always)]
            fn of(c: f64) -> $t {
                c as $t
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn pair($hi: f64, $lo: f64) -> ($t, $t) {
                $pair
            }
            #[inline(always)]
            fn hardware_fma(self, b: $t, c: $t) -> $t {
                self.mul_add(b, c)
            }
            #[inline(always)]
            fn root(self) -> $t {
                self.sqrt()
            }
            #[inline(always)]
            fn magnitude(self) -> $t {
                self.abs()
            }
            #[inline(always)]
            fn with_sign(self, sign: $t) -> $t {
                self.copysign(sign)
            }
            #[inline(always)]
            fn flip_if(self, magic: $t, bit: u32) -> $t {
                let flip = ((magic.to_bits() >> bit) & 1) << ($bits::BITS - 1);
                $t::from_bits(self.to_bits() ^ flip)
            }
            #[inline(always)]
            fn bit(magic: $t, bit: u32) -> bool {
                magic.to_bits() & (1 << bit) != 0
            }
            #[inline(always)]
            fn power_of_two(magic: $t) -> $t {
                $t::from_bits(magic.to_bits().wrapping_add($bias) << $mantissa)
            }
            #[inline(always)]
            fn split(self) -> ($t, $t) {
                let low = (std::f64::consts::FRAC_1_SQRT_2 as $t).to_bits();
                let one = (1.0 as $t).to_bits();
                let shifted = self.to_bits().wrapping_add(one - low);
                let k = $t::from_bits((shifted >> $mantissa) | Self::INTEGERS.to_bits());
                let m = $t::from_bits((shifted & ((1 << $mantissa) - 1)) + low);
                (k - (Self::INTEGERS + $bias as $t), m)
            }
            #[inline(always)]
            fn negative(self) -> bool {
                self.is_sign_negative()
            }
            #[inline(always)]
            fn and(self, other: $t) -> $t {
                $t::from_bits(self.to_bits() & other.to_bits())
            }
            #[inline(always)]
            fn or(self, other: $t) -> $t {
                $t::from_bits(self.to_bits() | other.to_bits())
            }
        }
    };
}

use super::math::coefficients as c;

real!(f64, u64, mantissa 52, half 27, bias 1023, {
    const LN2: (f64, f64) = (0.6931471805592082, 7.371002565167799e-13);
    const PI_2: [f64; 4] =
        [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32];
    const TRIG_LIMIT: f64 = 1.6e6;
    const EXP_RANGE: (f64, f64) = (-746.0, 710.0);
    const TANH_LIMIT: f64 = 20.0;
    const ERF_LIMIT: f64 = 6.0;
    const IDENTITY: f64 = 1.0 / (1u64 << 54) as f64;
    const POW_LIMIT: f64 = 1e20;
    const EXTREME: (f64, f64) = (f64::from_bits((1023 + 400) << 52), f64::from_bits((1023 - 400) << 52));
    const SCALE: (f64, f64) = (f64::from_bits((1023 + 700) << 52), f64::from_bits((1023 - 700) << 52));
}, EXP, EXP2, LOG, POW_LOG, SIN, COS, ATAN, ASIN, ERF, ERFC, |hi, lo| (hi, lo));

real!(f32, u32, mantissa 23, half 12, bias 127, {
    const LN2: (f32, f32) = (0.693145751953125, 1.4286068203094173e-06);
    const PI_2: [f32; 4] =
        [1.5703125, 0.0004837512969970703, 7.549533620476723e-08, 2.563344151594519e-12];
    const TRIG_LIMIT: f32 = 12800.0;
    const EXP_RANGE: (f32, f32) = (-105.0, 88.8);
    const TANH_LIMIT: f32 = 10.0;
    const ERF_LIMIT: f32 = 4.0;
    const IDENTITY: f32 = 1.0 / (1u64 << 25) as f32;
    const POW_LIMIT: f32 = 1e10;
    const EXTREME: (f32, f32) = (f32::from_bits((127 + 50) << 23), f32::from_bits((127 - 50) << 23));
    const SCALE: (f32, f32) = (f32::from_bits((127 + 100) << 23), f32::from_bits((127 - 100) << 23));
}, EXP_F32, EXP2_F32, LOG_F32, POW_LOG_F32, SIN_F32, COS_F32, ATAN_F32, ASIN_F32, ERF_F32, ERFC_F32,
   |hi, lo| (hi as f32, ((hi - f64::from(hi as f32)) + lo) as f32));

/// How a·b + c is computed: the one thing that differs between the instruction sets.
pub trait Arith: Copy + 'static {
    /// a·b + c, rounded once or twice.
    fn fma<R: Real>(a: R, b: R, c: R) -> R;
    /// a·b as an exact sum of two values (barring overflow and underflow).
    fn product<R: Real>(a: R, b: R) -> (R, R);
}

/// a·b + c rounded once, by the processor.
#[derive(Clone, Copy)]
pub struct Fused;

/// a·b + c rounded twice. Without the instruction, `mul_add` is a library call of 20 ns.
#[derive(Clone, Copy)]
pub struct Plain;

impl Arith for Fused {
    #[inline(always)]
    fn fma<R: Real>(a: R, b: R, c: R) -> R {
        a.hardware_fma(b, c)
    }
    #[inline(always)]
    fn product<R: Real>(a: R, b: R) -> (R, R) {
        let p = a * b;
        (p, a.hardware_fma(b, -p))
    }
}

impl Arith for Plain {
    #[inline(always)]
    fn fma<R: Real>(a: R, b: R, c: R) -> R {
        a * b + c
    }
    /// Dekker's product on Veltkamp's halves (Dekker 1971).
    #[inline(always)]
    fn product<R: Real>(a: R, b: R) -> (R, R) {
        let (ah, al) = halves(a);
        let (bh, bl) = halves(b);
        let p = a * b;
        (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    }
}

#[inline(always)]
fn halves<R: Real>(a: R) -> (R, R) {
    let t = R::SPLIT * a;
    let hi = t - (t - a);
    (hi, a - hi)
}

/// Σ cᵢ xⁱ by Horner's rule.
#[inline(always)]
pub fn poly<R: Real, A: Arith>(c: &'static [R], x: R) -> R {
    let mut sum = c[c.len() - 1];
    let mut i = c.len() - 1;
    while i > 0 {
        i -= 1;
        sum = A::fma(sum, x, c[i]);
    }
    sum
}

/// a + b as an exact sum, for |a| ≥ |b| (Dekker).
#[inline(always)]
pub fn fast_two_sum<R: Real>(a: R, b: R) -> (R, R) {
    let s = a + b;
    (s, b - (s - a))
}

/// a + b as an exact sum (Knuth).
#[inline(always)]
pub fn two_sum<R: Real>(a: R, b: R) -> (R, R) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

/// (nh + nl) / (dh + dl), with one rounding and a little.
#[inline(always)]
pub fn divide<R: Real, A: Arith>((nh, nl): (R, R), (dh, dl): (R, R)) -> R {
    let inverse = R::of(1.0) / dh;
    let q = nh * inverse;
    let (p, e) = A::product(q, dh);
    let rest = ((nh - p) - e) + (nl - q * dl);
    q + rest * inverse
}

/// `yes` where `condition` holds, else `no`, as a select and never a branch: a branch would keep the
/// loop around it from being vectorised.
#[inline(always)]
pub fn pick<T>(condition: bool, yes: T, no: T) -> T {
    std::hint::select_unpredictable(condition, yes, no)
}

/// The nearest integer, ties to even, for every x.
#[inline(always)]
pub fn nearest<R: Real>(x: R) -> R {
    let a = x.magnitude();
    let r = (a + R::INTEGERS) - R::INTEGERS;
    let r = pick(a < R::INTEGERS, r, a);
    r.with_sign(x)
}
