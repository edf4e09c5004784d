//! x^y as e^(y·log|x|), the logarithm and the product in twice the working precision.
//!
//! y·log|x| may be 700 and its last bit then matters 700-fold, so log|x| is needed to about 2^−66
//! (f64): 2s + ⅔s³ are carried as pairs, the rest of the series as a plain number.

use super::exp::{clamp, reduce, tail};
use crate::simd::value::{Arith, Value, fast_two_sum, pick, poly, two_sum};

/// x^y with the conventions of C's pow: x^0 = 1 and 1^y = 1 even for NaN, (−∞ … 0)^y = NaN unless y
/// is an integer, 0^y and ∞^y with the sign of an odd y.
#[inline(always)]
pub fn pow<R: Value, A: Arith>(x: R, y: R) -> R {
    let (zero, one) = (R::of(0.0), R::of(1.0));
    let a = x.magnitude();
    let (lh, ll) = log_pair::<R, A>(a);
    // Beyond the clamp the result is 0, 1 or ∞ whatever x is; without it the product overflows.
    let v = clamp(y, -R::POW_LIMIT, R::POW_LIMIT);
    let (ph, pe) = A::product(lh, v);
    let pl = A::fma(ll, v, pe);
    let y_size = y.magnitude();
    let small = y_size.less(R::IDENTITY * R::IDENTITY);
    let pl = pick(small, zero, pl);
    let (low, high) = R::EXP_RANGE;
    let inside = ph.greater(low) & ph.less(high);
    let ph = clamp(ph, low, high);
    let pl = pick(inside, pl, zero);
    let (magic, r, c) = reduce::<R, A>(ph);
    let (th, tl) = tail::<R, A>(r, c);
    let rest = A::fma(pl, one + th, tl); // e^(r + pl) = e^r·(1 + pl): pl is far above c
    let size = (one + (th + rest)).times_power::<A>(magic);

    // |x| = 0 or ∞: the size is 0 or ∞.
    let grows = !(a.greater(one) ^ y.greater(zero));
    let end = pick(grows, R::INFINITY, zero);
    let size = pick(a.equal(zero) | a.equal(R::INFINITY), end, size);
    let integer = y_size.nearest().equal(y_size);
    let half = y_size * R::of(0.5);
    let odd = integer & !half.nearest().equal(half);
    let signed = pick(odd, size.with_sign(x), size);
    let defined = integer | x.at_least(zero) | a.equal(R::INFINITY);
    let signed = pick(defined, signed, R::NAN);
    let signed = pick(x.ordered() & y.ordered(), signed, x + y);
    pick(y.equal(zero) | x.equal(one), one, signed)
}

/// log a as hi + lo for a > 0 (anything at 0, ∞, NaN).
#[inline(always)]
fn log_pair<R: Value, A: Arith>(a: R) -> (R, R) {
    let (k, m) = a.split_any();
    let one = R::of(1.0);
    let two = R::of(2.0);
    let f = m - one; // exact
    let (dh, dl) = fast_two_sum(two, f);
    // s = f/d as a pair.
    let inverse = one / dh;
    let sh = f * inverse;
    let (p, e) = A::product(sh, dh);
    let sl = (((f - p) - e) - sh * dl) * inverse;
    let (zh, ze) = A::product(sh, sh);
    let zl = A::fma(sh + sh, sl, ze);
    // log m = 2s + s·z·(2/3 + z·Q(z)).
    let q = zh * poly::<R, A>(R::POW_LOG, zh);
    let (third, third_lo) = R::pair(0.6666666666666666, 3.700743415417188e-17);
    let (ch, ce) = fast_two_sum(third, q);
    let cl = ce + third_lo;
    let (szh, sze) = A::product(sh, zh);
    let szl = A::fma(sh, zl, A::fma(sl, zh, sze));
    let (th, te) = A::product(szh, ch);
    let tl = A::fma(szh, cl, A::fma(szl, ch, te));
    let (hi, lo) = R::LN2;
    let (h1, e1) = two_sum(k * hi, sh + sh);
    let (h2, e2) = two_sum(h1, th);
    fast_two_sum(h2, e2 + (e1 + (tl + A::fma(k, lo, sl + sl))))
}
