//! Logarithms: log, log2, log10, log1p.
//!
//! x = 2^k·m with √½ ≤ m < √2, f = m − 1, s = f/(2+f), log m = 2·atanh(s) as f − s·(f − R(s²)):
//! the arrangement of fdlibm's e_log.c (Sun Microsystems 1993), whose error stays below 1 ulp.

use crate::simd::value::{Arith, Value, pick, poly};

/// The natural logarithm; NaN below 0, −∞ at 0.
#[inline(always)]
pub fn log<R: Value, A: Arith>(x: R) -> R {
    let (k, m) = x.split_any();
    edges(x, join::<R, A>(k, m - R::of(1.0), R::of(0.0)))
}

/// log(1 + x), accurate for small x.
#[inline(always)]
pub fn log1p<R: Value, A: Arith>(x: R) -> R {
    let one = R::of(1.0);
    let u = one + x;
    let c = pick(u.greater(R::of(2.0)), one - (u - x), x - (u - one));
    let y = log1p_of_sum::<R, A>(u, c);
    pick(x.magnitude().less(R::IDENTITY), x, edges(u, y))
}

/// log(u + c) for u ≥ 0 and |c| at most an ulp of u.
#[inline(always)]
pub(super) fn log1p_of_sum<R: Value, A: Arith>(u: R, c: R) -> R {
    let (k, m) = u.split();
    // c/u to a few digits is enough: 1/m = (1−s)/(1+s), s = (m−1)/(m+1).
    let one = R::of(1.0);
    let f = m - one;
    let s = f / (R::of(2.0) + f);
    let inverse = one - (s + s) * (one - s * (one - s));
    let c = (c * inverse).over_power(k);
    join_with::<R, A>(k, f, s, c)
}

/// The logarithm to base 2.
#[inline(always)]
pub fn log2<R: Value, A: Arith>(x: R) -> R {
    let (k, m) = x.split_any();
    // 1/ln 2 as a pair.
    let base = R::pair(std::f64::consts::LOG2_E, 2.0355273740931033e-17);
    edges(x, in_base::<R, A>(k, R::of(0.0), m, base))
}

/// The logarithm to base 10.
#[inline(always)]
pub fn log10<R: Value, A: Arith>(x: R) -> R {
    let (k, m) = x.split_any();
    // 1/ln 10 as a pair; log10 2 in a short part (exact times k) and the rest.
    let base = R::pair(std::f64::consts::LOG10_E, 1.098319650216765e-17);
    let short = R::of(0.301025390625);
    edges(x, in_base::<R, A>(k * short, k * R::of(4.6050389811952137e-6), m, base))
}

/// kh + kl + log(m)·base, the middle product in twice the precision.
#[inline(always)]
fn in_base<R: Value, A: Arith>(kh: R, kl: R, m: R, (bh, bl): (R, R)) -> R {
    let f = m - R::of(1.0);
    let s = f / (R::of(2.0) + f);
    let z = s * s;
    let half = R::of(0.5) * f * f;
    let (_, square_rest) = A::product(R::of(0.5) * f, f);
    let rest = s * (half + z * poly::<R, A>(R::LOG, z)) - square_rest;
    // log m = f − f²/2 + rest
    let hi = f - half;
    let lo = ((f - hi) - half) + rest;
    let (ph, pl) = A::product(hi, bh);
    let sum = kh + ph;
    let e = (kh - sum) + ph; // |kh| ≥ |ph| or kh = 0, and then this is 0
    sum + (e + (pl + A::fma(hi, bl, A::fma(lo, bh, kl))))
}

/// k·ln 2 + log(1 + f) + c.
#[inline(always)]
fn join<R: Value, A: Arith>(k: R, f: R, c: R) -> R {
    join_with::<R, A>(k, f, f / (R::of(2.0) + f), c)
}

#[inline(always)]
fn join_with<R: Value, A: Arith>(k: R, f: R, s: R, c: R) -> R {
    let (hi, lo) = R::LN2;
    let z = s * s;
    let half = R::of(0.5) * f * f;
    let r = z * poly::<R, A>(R::LOG, z);
    let small = A::fma(s, half + r, A::fma(k, lo, c));
    A::fma(k, hi, f - (half - small))
}

/// What a logarithm gives at 0, ∞, NaN and below 0, and `y` elsewhere.
#[inline(always)]
fn edges<R: Value>(x: R, y: R) -> R {
    let y = pick(x.less(R::INFINITY), y, x);
    let zero = R::of(0.0);
    let at_zero = pick(x.equal(zero), -R::INFINITY, R::NAN);
    pick(x.greater(zero), y, at_zero)
}
