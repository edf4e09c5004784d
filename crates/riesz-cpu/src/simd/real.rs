//! f32 and f64 as the numbers of the kernels.

// The constants are written with the digits they were computed with.
#![allow(clippy::excessive_precision)]

use super::value::Value;

/// A floating-point type the kernels are written for: f64 and f32.
pub trait Real:
    Value<Base = Self, Mask = bool>
    + PartialEq
    + PartialOrd
    + std::ops::Rem<Output = Self>
    + std::fmt::Debug
    + super::dispatch::Kernels
    + 'static
{
    /// The same number as f64.
    fn wide(self) -> f64;
}

macro_rules! real {
    ($t:ident, $bits:ident, mantissa $mantissa:literal, half $half:literal, bias $bias:literal,
     { $($constants:tt)* }, $exp:ident, $exp2:ident, $log:ident, $pow:ident, $sin:ident,
     $cos:ident, $atan:ident, $asin:ident, $erf:ident, $erfc:ident, |$hi:ident, $lo:ident| $pair:expr) => {
        impl Real for $t {
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
        }

        impl Value for $t {
            type Base = $t;
            type Mask = bool;
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
            fn constant(c: $t) -> $t {
                c
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
            #[inline(always)]
            fn less(self, y: $t) -> bool {
                self < y
            }
            #[inline(always)]
            fn at_most(self, y: $t) -> bool {
                self <= y
            }
            #[inline(always)]
            fn equal(self, y: $t) -> bool {
                self == y
            }
            #[inline(always)]
            fn ordered(self) -> bool {
                !self.is_nan()
            }
            #[inline(always)]
            fn choose(mask: bool, yes: $t, no: $t) -> $t {
                std::hint::select_unpredictable(mask, yes, no)
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
