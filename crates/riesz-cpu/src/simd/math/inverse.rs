//! asin, acos, atan, atan2.

use crate::simd::value::{Arith, Value, pick, poly, two_sum};

const PI: (f64, f64) = (std::f64::consts::PI, 1.2246467991473532e-16);
const PI_2: (f64, f64) = (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17);
const PI_4: (f64, f64) = (std::f64::consts::FRAC_PI_4, 3.061616997868383e-17);

/// The arc tangent, in [−π/2, π/2].
#[inline(always)]
pub fn atan<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let (hi, lo) = angle::<R, A>(a, R::of(1.0));
    let y = (hi + lo).with_sign(x);
    pick(a.less(R::IDENTITY), x, y)
}

/// The angle of the point (x, y), in [−π, π], with C's conventions for zeros and infinities.
#[inline(always)]
pub fn atan2<R: Value, A: Arith>(y: R, x: R) -> R {
    let zero = R::of(0.0);
    let one = R::of(1.0);
    let (mut a, mut b) = (y.magnitude(), x.magnitude());
    let both = a.equal(R::INFINITY) & b.equal(R::INFINITY);
    a = pick(both, one, a);
    b = pick(both, one, b);
    // Only the sum a + b could overflow.
    let factor = pick(a.greater(R::SCALE.0) | b.greater(R::SCALE.0), R::of(0.25), one);
    a = a * factor;
    b = b * factor;
    b = pick(a.equal(zero) & b.equal(zero), one, b);
    let (hi, lo) = angle::<R, A>(a, b);
    let (ph, pl) = R::pair(PI.0, PI.1);
    let (th, tl) = two_sum(ph, -hi);
    let angle = pick(x.negative(), th + (tl + (pl - lo)), hi + lo);
    let angle = angle.with_sign(y);
    pick(x.ordered() & y.ordered(), angle, x + y)
}

/// atan(a/b) as hi + lo for a, b ≥ 0, not both 0 or ∞.
///
/// Up to tan(π/8) from the polynomial; above, from π/4 + atan((a−b)/(a+b)) or π/2 − atan(b/a).
#[inline(always)]
fn angle<R: Value, A: Arith>(a: R, b: R) -> (R, R) {
    let zero = R::of(0.0);
    let low = a.at_most(b * R::of(0.41421356237309503));
    let high = a.greater(b * R::of(2.414213562373095));
    let (q, h) = (R::pair(PI_4.0, PI_4.1), R::pair(PI_2.0, PI_2.1));
    let top = pick(high, -b, a - b);
    let top = pick(low, a, top);
    let bottom = pick(high, a, a + b);
    let bottom = pick(low, b, bottom);
    let oh = pick(high, h.0, q.0);
    let ol = pick(high, h.1, q.1);
    let oh = pick(low, zero, oh);
    let ol = pick(low, zero, ol);
    let t = top / bottom;
    let z = t * t;
    let rest = A::fma(t * z, poly::<R, A>(R::ATAN, z), ol);
    let (hi, e) = two_sum(oh, t);
    (hi, e + rest)
}

/// The arc sine, in [−π/2, π/2]; NaN outside [−1, 1].
#[inline(always)]
pub fn asin<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let (big, s, w) = arc_parts::<R, A>(a);
    let (ph, pl) = R::pair(PI_2.0, PI_2.1);
    let t = s + s;
    let h = ph - t;
    let far = h + (((ph - h) - t) + (pl - (w + w)));
    let y = pick(big, far, s + w);
    let y = y.with_sign(x);
    pick(a.less(R::IDENTITY), x, y)
}

/// The arc cosine, in [0, π]; NaN outside [−1, 1].
#[inline(always)]
pub fn acos<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let (big, s, w) = arc_parts::<R, A>(a);
    let negative = x.less(R::of(0.0));
    // |x| ≤ ½: π/2 − asin x; x > ½: 2(s+w); x < −½: π − 2(s+w).
    let (h, p) = (R::pair(PI_2.0, PI_2.1), R::pair(PI.0, PI.1));
    let (bh, bl) = (pick(big, p.0, h.0), pick(big, p.1, h.1));
    let (t, v) = (pick(big, s + s, s), pick(big, w + w, w));
    let mirrored = negative & !big;
    let (t2, v2) = (pick(mirrored, -t, t), pick(mirrored, -v, v));
    let top = bh - t2;
    let far = top + (((bh - top) - t2) + (bl - v2));
    pick(big & !negative, t + v, far)
}

/// (|x| > ½, s, w): s + w = asin a for a ≤ ½, and asin √((1−a)/2) above.
#[inline(always)]
fn arc_parts<R: Value, A: Arith>(a: R) -> (R::Mask, R, R) {
    let half = R::of(0.5);
    let zero = R::of(0.0);
    let big = a.greater(half);
    let z = pick(big, (R::of(1.0) - a) * half, a * a);
    let root = z.root();
    let (p, e) = A::product(root, root);
    let correction = ((z - p) - e) / (root + root);
    let correction = pick(root.equal(zero), zero, correction);
    let s = pick(big, root, a);
    let low = pick(big, correction, zero);
    (big, s, A::fma(s * z, poly::<R, A>(R::ASIN, z), low))
}

/// √(x² + y²) without overflow or underflow in between; ∞ if either is infinite.
#[inline(always)]
pub fn hypot<R: Value, A: Arith>(x: R, y: R) -> R {
    let (a, b) = (x.magnitude(), y.magnitude());
    let one = R::of(1.0);
    let big = a.greater(R::EXTREME.0) | b.greater(R::EXTREME.0);
    let small = a.less(R::EXTREME.1) & b.less(R::EXTREME.1);
    let down = pick(big, R::SCALE.1, one);
    let down = pick(small, R::SCALE.0, down);
    let up = pick(big, R::SCALE.0, one);
    let up = pick(small, R::SCALE.1, up);
    let (a, b) = (a * down, b * down);
    let h = A::fma(a, a, b * b).root() * up;
    pick(a.equal(R::INFINITY) | b.equal(R::INFINITY), R::INFINITY, h)
}
