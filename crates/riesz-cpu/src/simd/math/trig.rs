//! sin, cos, tan for |x| ≤ `TRIG_LIMIT`; the driver computes larger arguments one by one.
//!
//! x = n·π/2 + r by Cody and Waite's subtraction, π/2 in four parts so that r keeps its relative
//! accuracy beside every multiple of π/2; then polynomials in r² on |r| ≤ π/4, with the low part
//! of r carried as in fdlibm's k_sin.c and k_cos.c (Sun Microsystems 1993).

use crate::simd::value::{Arith, Value, divide, fast_two_sum, pick, poly, two_sum};

/// sin x.
#[inline(always)]
pub fn sin<R: Value, A: Arith>(x: R) -> R {
    let (n, (sh, sl), (ch, cl)) = sin_cos::<R, A>(x);
    let y = pick(R::bit(n, 0), ch + cl, sh + sl);
    let y = y.flip_if(n, 1);
    pick(x.magnitude().less(R::IDENTITY), x, y)
}

/// cos x.
#[inline(always)]
pub fn cos<R: Value, A: Arith>(x: R) -> R {
    let (n, (sh, sl), (ch, cl)) = sin_cos::<R, A>(x);
    let y = pick(R::bit(n, 0), sh + sl, ch + cl);
    // cos = c, −s, −c, s for n = 0, 1, 2, 3: the sign is bit 1 of n + 1.
    y.flip_if(n + R::of(1.0), 1)
}

/// tan x.
#[inline(always)]
pub fn tan<R: Value, A: Arith>(x: R) -> R {
    let (n, s, c) = sin_cos::<R, A>(x);
    let (sh, sl) = fast_two_sum(s.0, s.1);
    let (ch, cl) = fast_two_sum(c.0, c.1);
    let odd = R::bit(n, 0);
    let top = (pick(odd, ch, sh), pick(odd, cl, sl));
    let bottom = (pick(odd, sh, ch), pick(odd, sl, cl));
    let y = divide::<R, A>(top, bottom).flip_if(n, 0);
    pick(x.magnitude().less(R::IDENTITY), x, y)
}

/// (MAGIC + n, sin r, cos r) with x = n·π/2 + r; the functions as in `on_octant`.
#[inline(always)]
fn sin_cos<R: Value, A: Arith>(x: R) -> (R, (R, R), (R, R)) {
    let [p1, p2, p3, p4] = R::PI_2;
    let magic = A::fma(x, R::of(std::f64::consts::FRAC_2_PI), R::MAGIC);
    let n = magic - R::MAGIC;
    let a = A::fma(-n, p1, x); // exact
    let (b, e) = two_sum(a, -(n * p2));
    let (r, f) = two_sum(b, -(n * p3));
    let (r, y) = fast_two_sum(r, e + (f - n * p4));
    let (s, c) = on_octant::<R, A>(r, y);
    (magic, s, c)
}

/// sin and cos of r + y, |r| ≤ π/4, as hi + lo with the sum not yet rounded.
#[inline(always)]
pub(super) fn on_octant<R: Value, A: Arith>(r: R, y: R) -> ((R, R), (R, R)) {
    let z = r * r;
    let half = R::of(0.5) * z;
    let one = R::of(1.0);
    let sin_rest = A::fma(r * z, poly::<R, A>(R::SIN, z), A::fma(-half, y, y));
    let w = one - half;
    let cos_rest = ((one - w) - half) + A::fma(z * z, poly::<R, A>(R::COS, z), -(r * y));
    ((r, sin_rest), (w, cos_rest))
}
