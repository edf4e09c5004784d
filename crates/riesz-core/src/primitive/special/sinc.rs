//! sin(πx)/(πx) and its derivatives.

use super::double::{Double, PI, sin_cos_pi};

/// The n-th derivative of sin(πx)/(πx), which is πⁿ·g⁽ⁿ⁾(πx) for g(z) = sin(z)/z.
pub(crate) fn sinc(n: u32, x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    if x.is_nan() {
        return x;
    }
    let x = if n.is_multiple_of(2) { x.abs() } else { x };
    let z = PI * x;
    let order = f64::from(n);
    // Without derivatives the quotient is best, as it is exact at the zeros.
    let by_series = if n == 0 { x.abs() < 1e-20 } else { z.high.abs() < order + 4.0 };
    let g = if by_series { series(n, z) } else { recurrence(n, x, z) };
    (g * PI.powi(n)).value()
}

/// g⁽ⁿ⁾(z) = Σ (−1)ᵏ·z²ᵏ⁻ⁿ/((2k − n)!·(2k + 1)) over 2k ≥ n: sin(z)/z = Σ (−1)ᵏz²ᵏ/(2k + 1)!,
/// differentiated term by term.
fn series(n: u32, z: Double) -> Double {
    let first = n.div_ceil(2);
    let sign = if first.is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut power = if n.is_multiple_of(2) { Double::from(sign) } else { z * sign };
    let square = -(z * z);
    let mut total = Double::from(0.0);
    for k in first..first + 40 + 2 * n {
        total = total + power / f64::from(2 * k + 1);
        let e = f64::from(2 * k - n);
        power = power * square / ((e + 1.0) * (e + 2.0));
    }
    total
}

/// z·g⁽ᵏ⁾ + k·g⁽ᵏ⁻¹⁾ = sin⁽ᵏ⁾(z): upwards, which is stable for |z| > k.
fn recurrence(n: u32, x: f64, z: Double) -> Double {
    let (s, c) = sin_cos_pi(x);
    let mut g = s / z;
    for k in 1..=n {
        let turned = match k % 4 {
            0 => s,
            1 => c,
            2 => -s,
            _ => -c,
        };
        g = (turned - g * f64::from(k)) / z;
    }
    g
}
