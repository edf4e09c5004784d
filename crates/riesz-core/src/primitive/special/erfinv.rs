//! The inverse of the error function.

use super::erfc::{erf_series, erfc};
use std::f64::consts::FRAC_2_SQRT_PI;

/// y with erf(y) = x; ±∞ at ±1, NaN beyond.
pub(crate) fn erfinv(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude == 1.0 {
        return x * f64::INFINITY;
    }
    if magnitude > 1.0 || magnitude.is_nan() {
        return f64::NAN;
    }
    if magnitude < 1e-9 {
        // √π/2·x, in two parts; the next term is πx²/12 of it.
        return x.mul_add(0.886_226_925_452_758, x * -3.833_293_249_912_899e-17);
    }
    let y = start(magnitude);
    let y = if magnitude <= 0.5 { central(magnitude, y) } else { tail(1.0 - magnitude, y) };
    y.copysign(x)
}

/// Winitzki's formula (2008), to three digits.
fn start(x: f64) -> f64 {
    const A: f64 = 0.147;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (std::f64::consts::PI * A) + log / 2.0;
    ((half * half - log / A).sqrt() - half).sqrt()
}

/// Newton's method on erf(y) = x, the last residual in twice the precision.
fn central(x: f64, mut y: f64) -> f64 {
    let slope = |y: f64| FRAC_2_SQRT_PI * (-y * y).exp();
    for _ in 0..3 {
        y -= (libm::erf(y) - x) / slope(y);
    }
    y - (erf_series(y, 24) - x).value() / slope(y)
}

/// Newton's method on log erfc(y) = log q: nearly a parabola, so it converges from any start, and the
/// relative error of erfc shrinks by 1/(2y²).
fn tail(q: f64, mut y: f64) -> f64 {
    for _ in 0..5 {
        let c = erfc(y);
        let excess = (c - q) / c;
        y += -(-excess).ln_1p() * c / (FRAC_2_SQRT_PI * (-y * y).exp());
    }
    y
}
