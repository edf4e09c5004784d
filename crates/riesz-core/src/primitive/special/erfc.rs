//! 1 − erf(x), to the last digit in its tail too.

use super::double::Double;
use std::f64::consts::FRAC_2_SQRT_PI;

/// 2/√π
const TWO_BY_SQRT_PI: Double = Double { high: FRAC_2_SQRT_PI, low: 1.533_545_961_316_588e-17 };

/// The complementary error function.
pub(crate) fn erfc(x: f64) -> f64 {
    if !(0.8..=27.3).contains(&x) {
        return libm::erfc(x);
    }
    if x < 3.0 {
        return (Double::from(1.0) - erf_series(x, 80)).value();
    }
    // e^(−x²)/√π·1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))) (DLMF 7.9.1).
    let x = Double::from(x);
    let fraction = (1..70).rev().fold(x, |f, k| x + Double::from(0.5 * f64::from(k)) / f);
    let scale = TWO_BY_SQRT_PI * 0.5;
    ((-(x * x)).exp() * scale / fraction).value()
}

/// erf(y) = 2/√π·Σ (−1)ᵏ·y²ᵏ⁺¹/(k!(2k + 1)) (DLMF 7.6.1).
pub(super) fn erf_series(y: f64, terms: u32) -> Double {
    let square = -(Double::from(y) * y);
    let (mut term, mut total) = (Double::from(y), Double::from(y));
    for k in 1..terms {
        term = term * square / f64::from(k);
        total = total + term / f64::from(2 * k + 1);
    }
    total * TWO_BY_SQRT_PI
}
