//! The error function.

use super::exp::exp;
use crate::simd::value::{Arith, Value, pick, poly};

/// erf x = 2/√π ∫₀ˣ e^(−t²) dt.
///
/// Up to ¾ an odd polynomial; above, 1 − e^(−x²)·P((x−2)/(x+2)), where the relative error of the
/// subtracted part counts by at most erfc(¾)/erf(¾) = 0.4.
#[inline(always)]
pub fn erf<R: Value, A: Arith>(x: R) -> R {
    let a = x.magnitude();
    let z = a * a;
    let (hi, lo) = R::pair(std::f64::consts::FRAC_2_SQRT_PI, 1.533545961316588e-17);
    let near = A::fma(a, hi, a * A::fma(z, poly::<R, A>(R::ERF, z), lo));
    let b = R::ERF_LIMIT.smaller(a);
    let two = R::of(2.0);
    let u = (b - two) / (b + two);
    let far = R::of(1.0) - exp::<R, A>(-(b * b)) * poly::<R, A>(R::ERFC, u);
    let y = pick(a.less(R::of(0.75)), near, far);
    let y = y.with_sign(x);
    pick(x.ordered(), y, x)
}
