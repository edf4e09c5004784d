//! Rounding, signs, maxima: functions of a few instructions.

use crate::simd::real::{Arith, Real, nearest, pick};

/// −x.
#[inline(always)]
pub fn neg<R: Real, A: Arith>(x: R) -> R {
    -x
}

/// |x|.
#[inline(always)]
pub fn abs<R: Real, A: Arith>(x: R) -> R {
    x.magnitude()
}

/// −1, 0 or 1; ±0 and NaN stay as they are.
#[inline(always)]
pub fn sign<R: Real, A: Arith>(x: R) -> R {
    let one = R::of(1.0).with_sign(x);
    let nonzero = (x > R::of(0.0)) | (x < R::of(0.0));
    pick(nonzero, one, x)
}

/// 1/x.
#[inline(always)]
pub fn recip<R: Real, A: Arith>(x: R) -> R {
    R::of(1.0) / x
}

/// √x.
#[inline(always)]
pub fn sqrt<R: Real, A: Arith>(x: R) -> R {
    x.root()
}

/// x².
#[inline(always)]
pub fn square<R: Real, A: Arith>(x: R) -> R {
    x * x
}

/// The nearest integer, ties to even.
#[inline(always)]
pub fn round<R: Real, A: Arith>(x: R) -> R {
    nearest(x)
}

/// The largest integer not above x.
#[inline(always)]
pub fn floor<R: Real, A: Arith>(x: R) -> R {
    let r = nearest(x);
    let down = r - R::of(1.0);
    let y = pick(r > x, down, r);
    y.with_sign(x)
}

/// The smallest integer not below x.
#[inline(always)]
pub fn ceil<R: Real, A: Arith>(x: R) -> R {
    let r = nearest(x);
    let up = r + R::of(1.0);
    let y = pick(r < x, up, r);
    // −0.5 rounds up to −0, as in C; a positive result has a positive x.
    y.with_sign(x)
}

/// x without its fraction.
#[inline(always)]
pub fn trunc<R: Real, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let r = nearest(a);
    let down = r - R::of(1.0);
    let y = pick(r > a, down, r);
    y.with_sign(x)
}

/// The larger one; NaN if either is NaN; +0 is larger than −0 (IEEE 754-2019 maximum).
#[inline(always)]
pub fn max<R: Real, A: Arith>(x: R, y: R) -> R {
    let m = pick(x > y, x, y);
    let m = pick(x == y, x.and(y), m);
    pick(x == x, m, x)
}

/// The smaller one; NaN if either is NaN; −0 is smaller than +0 (IEEE 754-2019 minimum).
#[inline(always)]
pub fn min<R: Real, A: Arith>(x: R, y: R) -> R {
    let m = pick(x < y, x, y);
    let m = pick(x == y, x.or(y), m);
    pick(x == x, m, x)
}

/// c·t, and 0 where t is 0, even for infinite or NaN c: a linear map sends zero to zero.
#[inline(always)]
pub fn scale<R: Real, A: Arith>(c: R, t: R) -> R {
    let zero = R::of(0.0);
    let product = c * t;
    pick(t == zero, zero, product)
}
