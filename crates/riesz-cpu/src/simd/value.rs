//! What the elementary functions are written for: numbers, or values of code that is being generated.
//!
//! A function in `math` is written once, over [`Value`]. For f32 and f64 it is arithmetic, inlined into
//! the vector loops; for the code generator it records operations, so the two can not differ.

use super::real::Real;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// A truth value beside a [`Value`].
pub trait Mask:
    Copy + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
}

impl Mask for bool {}

/// A floating-point number, or a name for one: f64, f32, or a value in generated code.
///
/// The methods are what the elementary functions need beyond arithmetic: constants split in
/// high and low parts, the polynomial tables, comparisons, and views of the bits that are plain vector
/// integer instructions on every instruction set (no float-to-integer conversions). Those with a
/// body are for instruction sets that have them as one instruction.
pub trait Value:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The type of the numbers.
    type Base: Real;
    /// The result of a comparison.
    type Mask: Mask;

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
    const EXP: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const EXP2: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const LOG: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const POW_LOG: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const SIN: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const COS: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const ATAN: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const ASIN: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const ERF: &'static [Self::Base];
    /// See the tables in `math/coefficients.rs`.
    const ERFC: &'static [Self::Base];

    /// The nearest value to a constant.
    fn of(c: f64) -> Self;
    /// A constant.
    fn constant(c: Self::Base) -> Self;
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
    fn bit(magic: Self, bit: u32) -> Self::Mask;
    /// 2^n for `magic` = MAGIC + n and n in the range of normal exponents.
    fn power_of_two(magic: Self) -> Self;
    /// (k, m) with self = 2^k·m, √½ ≤ m < √2, for positive normal numbers.
    fn split(self) -> (Self, Self);
    /// The sign bit.
    fn negative(self) -> Self::Mask;
    /// Bitwise and, for the maximum of two zeros.
    fn and(self, other: Self) -> Self;
    /// Bitwise or, for the minimum of two zeros.
    fn or(self, other: Self) -> Self;
    /// x < y.
    fn less(self, y: Self) -> Self::Mask;
    /// x ≤ y.
    fn at_most(self, y: Self) -> Self::Mask;
    /// x = y.
    fn equal(self, y: Self) -> Self::Mask;
    /// Not NaN.
    fn ordered(self) -> Self::Mask;
    /// `yes` where `mask` holds, else `no`.
    fn choose(mask: Self::Mask, yes: Self, no: Self) -> Self;

    /// x > y.
    #[inline(always)]
    fn greater(self, y: Self) -> Self::Mask {
        y.less(self)
    }

    /// x ≥ y.
    #[inline(always)]
    fn at_least(self, y: Self) -> Self::Mask {
        y.at_most(self)
    }

    /// x where x > y, otherwise y; so y where one is NaN.
    #[inline(always)]
    fn larger(self, y: Self) -> Self {
        pick(self.greater(y), self, y)
    }

    /// x where x < y, otherwise y; so y where one is NaN.
    #[inline(always)]
    fn smaller(self, y: Self) -> Self {
        pick(self.less(y), self, y)
    }

    /// The nearest integer, ties to even, for every x.
    #[inline(always)]
    fn nearest(self) -> Self {
        let a = self.magnitude();
        let r = (a + Self::INTEGERS) - Self::INTEGERS;
        pick(a.less(Self::INTEGERS), r, a).with_sign(self)
    }

    /// `split`, for subnormal numbers too.
    #[inline(always)]
    fn split_any(self) -> (Self, Self) {
        split_any(self)
    }

    /// x·2^n for `magic` = MAGIC + n, rounded once and correctly.
    #[inline(always)]
    fn times_power<A: Arith>(self, magic: Self) -> Self {
        times_power::<Self, A>(self, magic)
    }

    /// x·2^−k for a whole k, or anything far smaller than x where k > 60.
    #[inline(always)]
    fn over_power(self, k: Self) -> Self {
        over_power(self, k)
    }
}

/// [`Value::split_any`] by scaling subnormal numbers.
#[inline(always)]
pub fn split_any<R: Value>(x: R) -> (R, R) {
    let small = x.less(R::TINY);
    let (k, m) = pick(small, x * R::INTEGERS, x).split();
    let (bits, _) = R::INTEGERS.split();
    (pick(small, k - bits, k), m)
}

/// [`Value::times_power`] in two steps, so that overflow and subnormal results round once.
#[inline(always)]
pub fn times_power<R: Value, A: Arith>(x: R, magic: R) -> R {
    let n = magic - R::MAGIC;
    let first = A::fma(n, R::of(0.5), R::MAGIC);
    let second = (n - (first - R::MAGIC)) + R::MAGIC;
    x * R::power_of_two(first) * R::power_of_two(second)
}

/// [`Value::over_power`] by a power of two made from its bits.
#[inline(always)]
pub fn over_power<R: Value>(x: R, k: R) -> R {
    let k = R::of(60.0).smaller(k);
    x * R::power_of_two(R::MAGIC - k)
}

/// How a·b + c is computed: the one thing that differs between the instruction sets.
pub trait Arith: Copy + 'static {
    /// a·b + c, rounded once or twice.
    fn fma<R: Value>(a: R, b: R, c: R) -> R;
    /// a·b as an exact sum of two values (barring overflow and underflow).
    fn product<R: Value>(a: R, b: R) -> (R, R);
}

/// What every processor of the target can do: those with NEON have the instruction, and 32 registers.
#[cfg(target_arch = "aarch64")]
pub type Baseline = Fused;
/// What every processor of the target can do.
#[cfg(not(target_arch = "aarch64"))]
pub type Baseline = Plain;

/// a·b + c rounded once, by the processor.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[derive(Clone, Copy)]
pub struct Fused;

/// a·b + c rounded twice. Without the instruction, `mul_add` is a library call of 20 ns.
#[derive(Clone, Copy)]
pub struct Plain;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl Arith for Fused {
    #[inline(always)]
    fn fma<R: Value>(a: R, b: R, c: R) -> R {
        a.hardware_fma(b, c)
    }
    #[inline(always)]
    fn product<R: Value>(a: R, b: R) -> (R, R) {
        let p = a * b;
        (p, a.hardware_fma(b, -p))
    }
}

impl Arith for Plain {
    #[inline(always)]
    fn fma<R: Value>(a: R, b: R, c: R) -> R {
        a * b + c
    }
    /// Dekker's product on Veltkamp's halves (Dekker 1971).
    #[inline(always)]
    fn product<R: Value>(a: R, b: R) -> (R, R) {
        let (ah, al) = halves(a);
        let (bh, bl) = halves(b);
        let p = a * b;
        (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    }
}

#[inline(always)]
fn halves<R: Value>(a: R) -> (R, R) {
    let t = R::SPLIT * a;
    let hi = t - (t - a);
    (hi, a - hi)
}

/// Σ cᵢ xⁱ by Horner's rule.
#[inline(always)]
pub fn poly<R: Value, A: Arith>(c: &'static [R::Base], x: R) -> R {
    let mut sum = R::constant(c[c.len() - 1]);
    let mut i = c.len() - 1;
    while i > 0 {
        i -= 1;
        sum = A::fma(sum, x, R::constant(c[i]));
    }
    sum
}

/// a + b as an exact sum, for |a| ≥ |b| (Dekker).
#[inline(always)]
pub fn fast_two_sum<R: Value>(a: R, b: R) -> (R, R) {
    let s = a + b;
    (s, b - (s - a))
}

/// a + b as an exact sum (Knuth).
#[inline(always)]
pub fn two_sum<R: Value>(a: R, b: R) -> (R, R) {
    let s = a + b;
    let bb = s - a;
    (s, (a - (s - bb)) + (b - bb))
}

/// (nh + nl) / (dh + dl), with one rounding and a little.
#[inline(always)]
pub fn divide<R: Value, A: Arith>((nh, nl): (R, R), (dh, dl): (R, R)) -> R {
    let inverse = R::of(1.0) / dh;
    let q = nh * inverse;
    let (p, e) = A::product(q, dh);
    let rest = ((nh - p) - e) + (nl - q * dl);
    q + rest * inverse
}

/// `yes` where `condition` holds, else `no`, as a select and never a branch: a branch would keep the
/// loop around it from being vectorised.
#[inline(always)]
pub fn pick<R: Value>(condition: R::Mask, yes: R, no: R) -> R {
    R::choose(condition, yes, no)
}
