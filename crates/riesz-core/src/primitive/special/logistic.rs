//! The logistic function and its relatives.

use super::double::Double;

/// 1/(1 + e⁻ˣ), written so that nothing overflows.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// log(1 + eˣ) = max(x, 0) + log1p(e^−|x|).
pub(crate) fn softplus(x: f64) -> f64 {
    if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }
}

/// log(eˣ + eʸ), without overflow.
pub(crate) fn logaddexp(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let (low, high) = if x < y { (x, y) } else { (y, x) };
    if low == high && high.is_infinite() {
        return high;
    }
    // Here the two terms of the usual formula cancel: the sum is near 1.
    if (-2.0..=0.0).contains(&high) && low > -80.0 {
        return (Double::from(low).exp() + Double::from(high).exp()).ln().value();
    }
    high + (low - high).exp().ln_1p()
}
