//! ψ⁽ⁿ⁾: the derivatives of the digamma function.

use super::double::{Double, PI, sin_cos_pi};
use super::gamma::{BERNOULLI, LARGE, digamma};

/// The n-th derivative of the digamma function, n ≤ 150. At 0, −1, −2, …: ∞ for odd n, NaN for even n.
///
/// For x > 0, (−1)ⁿ⁺¹·n!·Σ 1/(x + i)ⁿ⁺¹: the first terms, then the asymptotic series (DLMF 5.15.9);
/// for x < 0 by reflection, (−1)ⁿ·ψ⁽ⁿ⁾(1 − x) − ψ⁽ⁿ⁾(x) = π·dⁿ/dxⁿ cot πx (DLMF 5.15.6).
pub(crate) fn polygamma(n: u32, x: f64) -> f64 {
    if n == 0 {
        return digamma(x);
    }
    if x.is_nan() || x == f64::NEG_INFINITY {
        return f64::NAN;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let sign = if n % 2 == 1 { 1.0 } else { -1.0 };
    if x > 0.0 {
        let (value, exponent) = hurwitz(n, x.into());
        return libm::ldexp((value * sign).value(), clamp(exponent));
    }
    if x.floor() == x {
        return if n % 2 == 1 { f64::INFINITY } else { f64::NAN };
    }
    let (value, exponent) = hurwitz(n, Double::from(1.0) - x);
    if x > -1e-20 {
        // Beside the pole at 0 the other terms are beyond the last digit, and cot πx overflows.
        let s = libm::ilogb(x);
        let r = Double::from(1.0) / libm::ldexp(-x, -s);
        let value = r.powi(n + 1) * factorial(n);
        return libm::ldexp(value.value(), clamp(-i64::from(s) * i64::from(n + 1)));
    }
    // (−1)ⁿ times the sign (−1)ⁿ⁺¹ of ψ⁽ⁿ⁾ at a positive argument.
    let mirrored = -Double { high: ldexp(value.high, exponent), low: ldexp(value.low, exponent) };
    (mirrored - cotangent_derivative(n, x)).value()
}

fn factorial(n: u32) -> Double {
    (1..=n).fold(Double::from(1.0), |f, k| f * f64::from(k))
}

fn clamp(exponent: i64) -> i32 {
    exponent.clamp(-4000, 4000) as i32
}

fn ldexp(x: f64, exponent: i64) -> f64 {
    libm::ldexp(x, clamp(exponent))
}

/// n!·Σ_{i ≥ 0} 1/(z + i)ⁿ⁺¹ for z > 0, as a number and a power of two that it is to be scaled by:
/// all powers are of r = 2ˢ/(z + i) ≤ 2, so that none overflows or vanishes too early.
fn hurwitz(n: u32, z: Double) -> (Double, i64) {
    let s = libm::ilogb(z.high);
    let unit = |z: Double| {
        Double::from(1.0) / Double { high: libm::ldexp(z.high, -s), low: libm::ldexp(z.low, -s) }
    };
    let scale = libm::ldexp(1.0, s);
    let mut total = Double::from(0.0);
    let mut shifted = z;
    while shifted.high < LARGE + f64::from(n) {
        total = total + unit(shifted).powi(n + 1);
        shifted = shifted + 1.0;
    }
    // 1/(n·zⁿ) + 1/(2·zⁿ⁺¹) + Σ B₂ₖ·(2k+n−1)!/((2k)!·n!)/z²ᵏ⁺ⁿ, all times 2^{s(n+1)}.
    let r = unit(shifted);
    let step = r / scale;
    let power = r.powi(n);
    let order = f64::from(n);
    let mut tail = power * scale / order + power * r * 0.5;
    let mut coefficient = Double::from((order + 1.0) / 2.0);
    let mut next = power * r * step;
    for (k, &(p, q)) in (1..).zip(&BERNOULLI) {
        tail = tail + next * coefficient * p / q;
        let k = f64::from(2 * k);
        coefficient = coefficient * ((k + order) * (k + order + 1.0)) / ((k + 1.0) * (k + 2.0));
        next = next * step * step;
    }
    ((total + tail) * factorial(n), -i64::from(s) * i64::from(n + 1))
}

/// dⁿ/dxⁿ π·cot πx = πⁿ⁺¹·Dₙ(cot πx), with D₀(c) = c and Dₖ₊₁ = −(1 + c²)·Dₖ′. All coefficients of
/// Dₙ have one sign and its powers one parity: nothing cancels.
fn cotangent_derivative(n: u32, x: f64) -> Double {
    let mut d = vec![Double::from(0.0), Double::from(1.0)];
    for _ in 0..n {
        let mut next = vec![Double::from(0.0); d.len() + 1];
        for (k, &c) in d.iter().enumerate().skip(1) {
            let slope = -(c * k as f64);
            next[k - 1] = next[k - 1] + slope;
            next[k + 1] = next[k + 1] + slope;
        }
        d = next;
    }
    let (s, c) = sin_cos_pi(x);
    let cot = c / s;
    let value = d.iter().rev().fold(Double::from(0.0), |v, &c| v * cot + c);
    value * PI.powi(n + 1)
}
