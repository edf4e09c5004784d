//! The few operations on `&[f64]` that every solver needs.
//!
//! Plain loops: a solver's own work is a handful of passes over the variables, small against one
//! evaluation of an objective. Both arguments have the same length wherever there are two.

/// The inner product ⟨x, y⟩.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

/// The largest absolute entry; NaN when an entry is NaN.
pub(super) fn norm_inf(x: &[f64]) -> f64 {
    // `f64::max` would drop a NaN, and a NaN gradient must never look small.
    x.iter().fold(0.0, |m: f64, v| if v.abs() > m || v.is_nan() { v.abs() } else { m })
}

/// The Euclidean norm, scaled so that neither 1e200 overflows nor 1e-200 vanishes.
pub(super) fn norm2(x: &[f64]) -> f64 {
    let scale = norm_inf(x);
    if scale == 0.0 || !scale.is_finite() {
        return scale;
    }
    scale * x.iter().map(|v| (v / scale) * (v / scale)).sum::<f64>().sqrt()
}

/// y ← y + a·x.
pub(super) fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// out ← x + a·d.
pub(super) fn step_to(out: &mut [f64], x: &[f64], a: f64, d: &[f64]) {
    for ((out, x), d) in out.iter_mut().zip(x).zip(d) {
        *out = x + a * d;
    }
}

/// x − y.
pub(super) fn difference(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(a, b)| a - b).collect()
}

/// The position and value of the first entry that is NaN or infinite.
pub(super) fn first_non_finite(x: &[f64]) -> Option<(usize, f64)> {
    x.iter().copied().enumerate().find(|(_, v)| !v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_survive_extreme_scales_and_keep_nan() {
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-15, "{a} against {b}");
        close(norm2(&[3e200, 4e200]), 5e200);
        close(norm2(&[3e-200, 4e-200]), 5e-200);
        assert_eq!(norm2(&[]), 0.0);
        assert!(norm_inf(&[f64::NAN, 1.0]).is_nan() && norm_inf(&[1.0, f64::NAN]).is_nan());
    }
}
