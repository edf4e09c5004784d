//! sinh, cosh, tanh from e^x − 1 in a little more than working precision.

use super::exp::{clamp, reduce, tail};
use crate::simd::value::{Arith, Value, divide, pick, two_sum};

/// The hyperbolic tangent: t/(t+2) with t = e^(2|x|) − 1.
#[inline(always)]
pub fn tanh<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let a = R::TANH_LIMIT.smaller(a);
    let (th, tl) = expm1_pair::<R, A>(a + a);
    let (dh, dl) = two_sum(th, R::of(2.0));
    let y = divide::<R, A>((th, tl), (dh, dl + tl)).with_sign(x);
    pick(x.magnitude().less(R::IDENTITY), x, y)
}

/// (e^x − e^(−x))/2.
#[inline(always)]
pub fn sinh<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let one = R::of(1.0);
    let near = R::TANH_LIMIT.smaller(a);
    let (th, tl) = expm1_pair::<R, A>(near);
    let small =
        R::of(0.5) * (th + (th / (th + one) + tl * (one + one / ((th + one) * (th + one)))));
    let y = pick(a.greater(R::TANH_LIMIT), half_exp::<R, A>(a), small);
    let y = pick(a.ordered(), y.with_sign(x), x);
    pick(a.less(R::IDENTITY), x, y)
}

/// (e^x + e^(−x))/2.
#[inline(always)]
pub fn cosh<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let near = R::TANH_LIMIT.smaller(a);
    let (th, tl) = expm1_pair::<R, A>(near);
    let half = R::of(0.5);
    let (eh, el) = two_sum(th, R::of(1.0));
    let small = A::fma(half, eh, A::fma(half, el + tl, half / eh));
    let y = pick(a.greater(R::TANH_LIMIT), half_exp::<R, A>(a), small);
    pick(a.ordered(), y, x)
}

/// e^x − 1 as hi + lo for 0 ≤ x ≤ 2·TANH_LIMIT.
#[inline(always)]
fn expm1_pair<R: Value, A: Arith>(x: R) -> (R, R) {
    let (magic, r, c) = reduce::<R, A>(x);
    let (ph, pl) = tail::<R, A>(r, c);
    let s = R::power_of_two(magic);
    let (h, e) = two_sum(s - R::of(1.0), s * ph);
    (h, A::fma(s, pl, e))
}

/// e^x/2 for large x, up to the overflow of the result.
#[inline(always)]
fn half_exp<R: Value, A: Arith>(x: R) -> R {
    let x = clamp(x, R::of(0.0), R::EXP_RANGE.1 + R::of(2.0));
    let (magic, r, c) = reduce::<R, A>(x);
    let (ph, pl) = tail::<R, A>(r, c);
    (R::of(1.0) + (ph + pl)).times_power::<A>(magic - R::of(1.0))
}
