//! The few operations on `&[f64]` that every solver needs.
//!
//! Plain loops: a solver's own work is a handful of passes over the variables, small against one
//! evaluation of an objective. Both arguments have the same length wherever there are two.

/// Partial results kept side by side. A sum in one variable waits for each addition before the
/// next; eight at a time run in vector registers.
const LANES: usize = 8;

/// The inner product ⟨x, y⟩, always summed in the same order.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (x_blocks, y_blocks) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let (x_rest, y_rest) = (x_blocks.remainder(), y_blocks.remainder());
    for (x, y) in x_blocks.zip(y_blocks) {
        for k in 0..LANES {
            lanes[k] += x[k] * y[k];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

/// The largest absolute entry; NaN when an entry is NaN.
pub(super) fn norm_inf(x: &[f64]) -> f64 {
    // `f64::max` would drop a NaN, and a NaN gradient must never look small.
    let larger = |m: f64, v: f64| if v.abs() > m || v.is_nan() { v.abs() } else { m };
    let mut lanes = [0.0; LANES];
    let blocks = x.chunks_exact(LANES);
    let rest = blocks.remainder();
    for x in blocks {
        for k in 0..LANES {
            lanes[k] = larger(lanes[k], x[k]);
        }
    }
    lanes.iter().chain(rest).fold(0.0, |m, v| larger(m, *v))
}

/// The Euclidean norm, scaled so that neither 1e200 overflows nor 1e-200 vanishes.
pub(super) fn norm2(x: &[f64]) -> f64 {
    let squares = dot(x, x);
    if squares.is_finite() && squares > 1e-200 {
        return squares.sqrt();
    }
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

/// out ← x − y.
pub(super) fn difference_to(out: &mut [f64], x: &[f64], y: &[f64]) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        *out = x - y;
    }
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
        let long: Vec<f64> = (0..21).map(f64::from).collect();
        assert_eq!((dot(&long, &long), norm_inf(&long)), (2870.0, 20.0));
        let hidden =
            |i| norm_inf(&(0..21).map(|k| if k == i { f64::NAN } else { 1e9 }).collect::<Vec<_>>());
        assert!((0..21).all(|i| hidden(i).is_nan()));
        assert!(norm_inf(&[f64::NAN, 1.0]).is_nan() && norm_inf(&[1.0, f64::NAN]).is_nan());
    }
}
