//! The exponential family: exp, exp2, expm1, the logistic function, softplus.
//!
//! All start from x = n·ln 2 + r with |r| ≤ ln(2)/2 (Cody & Waite 1980) and a polynomial for
//! e^r − 1; 2^n is made from the bits of n.

use super::log::log1p_of_sum;
use crate::simd::value::{Arith, Value, divide, fast_two_sum, pick, poly, two_sum};

/// e^x.
#[inline(always)]
pub fn exp<R: Value, A: Arith>(x: R) -> R {
    let (low, high) = R::EXP_RANGE;
    let x = clamp(x, low, high);
    let (n, r, _) = reduce::<R, A>(x);
    let y = R::of(1.0) + A::fma(r * r, poly::<R, A>(R::EXP, r), r);
    y.times_power::<A>(n)
}

/// 2^x.
#[inline(always)]
pub fn exp2<R: Value, A: Arith>(x: R) -> R {
    let (low, high) = R::EXP_RANGE;
    // The range is that of e^x; in powers of two it is wider by 1/ln 2.
    let x = clamp(x, low * R::of(1.5), high * R::of(1.5));
    let magic = x + R::MAGIC;
    let r = x - (magic - R::MAGIC);
    let (hi, lo) = R::pair(std::f64::consts::LN_2, 2.3190468138462996e-17);
    let tail = A::fma(r * r, poly::<R, A>(R::EXP2, r), r * lo);
    let y = R::of(1.0) + A::fma(r, hi, tail);
    y.times_power::<A>(magic)
}

/// e^x − 1 without cancellation near 0.
#[inline(always)]
pub fn expm1<R: Value, A: Arith>(x: R) -> R {
    let (_, high) = R::EXP_RANGE;
    let v = clamp(x, R::of(-44.0), high); // below, it is −1 to the last bit
    let (magic, r, c) = reduce::<R, A>(v);
    let (ph, pl) = tail::<R, A>(r, c);
    let one = R::of(1.0);
    let half = R::of(0.5);
    // s = 2^(n-1): e^x − 1 = 2·(s·p + (s − ½)), so that n = 1024 does not overflow early.
    let s = R::power_of_two(magic - one);
    let (h, e) = two_sum(s - half, s * ph);
    let y = h + A::fma(s, pl, e);
    let y = y + y;
    pick(x.magnitude().less(R::IDENTITY), x, y)
}

/// 1/(1 + e^(−x)).
#[inline(always)]
pub fn sigmoid<R: Value, A: Arith>(x: R) -> R {
    let (eh, el) = exp_pair::<R, A>(-x.magnitude());
    let one = R::of(1.0);
    let (dh, dl) = fast_two_sum(one, eh);
    let negative = x.less(R::of(0.0));
    let nh = pick(negative, eh, one);
    let nl = pick(negative, el, R::of(0.0));
    divide::<R, A>((nh, nl), (dh, dl + el))
}

/// log(1 + e^x) = max(x, 0) + log1p(e^(−|x|)).
#[inline(always)]
pub fn softplus<R: Value, A: Arith>(x: R) -> R {
    let (eh, el) = exp_pair::<R, A>(-x.magnitude());
    let one = R::of(1.0);
    let (u, c) = fast_two_sum(one, eh);
    let y = log1p_of_sum::<R, A>(u, c + el);
    // For e below the last bit of 1, log1p(e) = e, also when e is subnormal.
    let y = pick(eh.less(R::IDENTITY), eh, y);
    let positive = pick(x.greater(R::of(0.0)), x, R::of(0.0));
    let sum = positive + y;
    pick(x.ordered(), sum, x)
}

/// e^x as hi + lo for x ≤ 0 (0 below the range, and then lo = 0 too).
#[inline(always)]
fn exp_pair<R: Value, A: Arith>(x: R) -> (R, R) {
    let x = R::EXP_RANGE.0.larger(x);
    let (magic, r, c) = reduce::<R, A>(x);
    let (ph, pl) = tail::<R, A>(r, c);
    let (h, l) = fast_two_sum(R::of(1.0), ph);
    (h.times_power::<A>(magic), (l + pl).times_power::<A>(magic))
}

/// e^r − 1 as hi + lo, for the r and c of `reduce`.
#[inline(always)]
pub(super) fn tail<R: Value, A: Arith>(r: R, c: R) -> (R, R) {
    fast_two_sum(r, A::fma(r * r, poly::<R, A>(R::EXP, r), A::fma(r, c, c)))
}

/// (MAGIC + n, r, c) with x = n·ln 2 + r + c.
#[inline(always)]
pub(super) fn reduce<R: Value, A: Arith>(x: R) -> (R, R, R) {
    let (hi, lo) = R::LN2;
    let magic = A::fma(x, R::of(std::f64::consts::LOG2_E), R::MAGIC);
    let n = magic - R::MAGIC;
    let t = A::fma(-n, hi, x); // exact: hi is short
    let w = n * lo;
    let r = t - w;
    (magic, r, (t - r) - w)
}

/// x held in [low, high]; NaN stays.
#[inline(always)]
pub(super) fn clamp<R: Value>(x: R, low: R, high: R) -> R {
    low.larger(high.smaller(x))
}
