//! Rounding, signs, maxima: functions of a few instructions.

use crate::simd::value::{Arith, Value, pick};

/// −x.
#[inline(always)]
pub fn neg<R: Value, A: Arith>(x: R) -> R {
    -x
}

/// |x|.
#[inline(always)]
pub fn abs<R: Value, A: Arith>(x: R) -> R {
    x.magnitude()
}

/// −1, 0 or 1; ±0 and NaN stay as they are.
#[inline(always)]
pub fn sign<R: Value, A: Arith>(x: R) -> R {
    let one = R::of(1.0).with_sign(x);
    let nonzero = x.greater(R::of(0.0)) | x.less(R::of(0.0));
    pick(nonzero, one, x)
}

/// 1/x.
#[inline(always)]
pub fn recip<R: Value, A: Arith>(x: R) -> R {
    R::of(1.0) / x
}

/// √x.
#[inline(always)]
pub fn sqrt<R: Value, A: Arith>(x: R) -> R {
    x.root()
}

/// x².
#[inline(always)]
pub fn square<R: Value, A: Arith>(x: R) -> R {
    x * x
}

/// The nearest integer, ties to even.
#[inline(always)]
pub fn round<R: Value, A: Arith>(x: R) -> R {
    x.nearest()
}

/// The largest integer not above x.
#[inline(always)]
pub fn floor<R: Value, A: Arith>(x: R) -> R {
    let r = x.nearest();
    let down = r - R::of(1.0);
    let y = pick(r.greater(x), down, r);
    y.with_sign(x)
}

/// The smallest integer not below x.
#[inline(always)]
pub fn ceil<R: Value, A: Arith>(x: R) -> R {
    let r = x.nearest();
    let up = r + R::of(1.0);
    let y = pick(r.less(x), up, r);
    // −0.5 rounds up to −0, as in C; a positive result has a positive x.
    y.with_sign(x)
}

/// x without its fraction.
#[inline(always)]
pub fn trunc<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let r = a.nearest();
    let down = r - R::of(1.0);
    let y = pick(r.greater(a), down, r);
    y.with_sign(x)
}

/// The larger one; NaN if either is NaN; +0 is larger than −0 (IEEE 754-2019 maximum).
#[inline(always)]
pub fn max<R: Value, A: Arith>(x: R, y: R) -> R {
    let m = x.larger(y);
    let m = pick(x.equal(y), x.and(y), m);
    pick(x.ordered(), m, x)
}

/// The smaller one; NaN if either is NaN; −0 is smaller than +0 (IEEE 754-2019 minimum).
#[inline(always)]
pub fn min<R: Value, A: Arith>(x: R, y: R) -> R {
    let m = x.smaller(y);
    let m = pick(x.equal(y), x.or(y), m);
    pick(x.ordered(), m, x)
}

/// c·t, and 0 where t is 0, even for infinite or NaN c: a linear map sends zero to zero.
#[inline(always)]
pub fn scale<R: Value, A: Arith>(c: R, t: R) -> R {
    let zero = R::of(0.0);
    let product = c * t;
    pick(t.equal(zero), zero, product)
}
