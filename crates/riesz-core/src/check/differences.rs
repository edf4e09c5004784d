//! Differences of a program along a direction, and how far they can be trusted.
//!
//! A step that is too long misses what happens on the way (the waves of sin(10⁵a)), one that is too short
//! measures rounding. Neither is known beforehand, so that steps of all lengths are taken.

use super::moved;
use crate::error::{Error, Result};
use crate::eval::eval;
use crate::program::Program;
use crate::tensor::Tensor;

/// An error that no other step of the differences need improve.
const CLOSE: f64 = 1e-8;
/// An error is certain when it is so many times the doubt.
const CERTAIN: f64 = 10.0;
/// Steps shorter than this part of the point are not taken.
const LOST: f64 = 1e-11;
/// The steps at a point of magnitude 1; each is halved three times.
const STEPS: [f64; 10] = [2e-2, 2e-3, 2e-4, 2e-5, 2e-6, 2e-7, 2e-8, 2e-9, 2e-10, 2e-11];

/// A derivative by differences with one step.
struct Estimate {
    values: Vec<f64>,
    /// How far extrapolation and rounding may be off, relative to the larger of 1 and the differential.
    doubt: f64,
    /// Whether rounding is so large that nothing else need be measured: what does not move has the slope 0.
    hidden: bool,
}

/// How far the differential `jv` along `v` is from differences with the step that suits it best, relative to
/// the larger of 1 and the differential; and whether no step is fit to tell that it is wrong.
///
/// # Errors
/// When the program cannot be run with any step.
pub(super) fn compare(
    program: &Program,
    at: &[Tensor],
    wrt: &[bool],
    v: &[Tensor],
    jv: &[f64],
) -> Result<(f64, bool)> {
    let (mut least, mut outside) = (f64::NAN, None);
    let mut estimates: Vec<(f64, Estimate)> = Vec::new();
    for step in steps(at, wrt) {
        let estimate = match estimate(program, at, wrt, v, step, jv) {
            Ok(estimate) => estimate,
            Err(error) => {
                outside = Some(error);
                continue;
            }
        };
        let error = distance(jv, &estimate.values, jv);
        if !estimate.hidden {
            least = least.min(error);
        }
        if least <= CLOSE {
            return Ok((least, false));
        }
        if error.is_finite() {
            estimates.push((error, estimate));
        }
    }
    if least.is_nan() {
        least = estimates.iter().fold(f64::NAN, |least, (error, _)| least.min(*error));
    }
    match outside {
        Some(error) if least.is_nan() => Err(error),
        _ => Ok((least, !is_refuted(&estimates, jv))),
    }
}

/// Whether a step whose doubt is far below the error disagrees with the differential, and no shorter step
/// disagrees with it beyond the doubt of both.
fn is_refuted(estimates: &[(f64, Estimate)], jv: &[f64]) -> bool {
    let certain = |i: usize| {
        let (error, long) = &estimates[i];
        let agrees = |short: &Estimate| {
            distance(&long.values, &short.values, jv) <= CERTAIN * (long.doubt + short.doubt)
        };
        *error > CERTAIN * long.doubt && estimates[i + 1..].iter().all(|(_, short)| agrees(short))
    };
    (0..estimates.len()).any(certain)
}

/// The steps from long to short: for the largest entry of the point, for 1, and for its smallest entry.
fn steps(at: &[Tensor], wrt: &[bool]) -> Vec<f64> {
    let marked = at.iter().zip(wrt).filter(|w| *w.1).flat_map(|(x, _)| x.to_f64());
    let sizes: Vec<f64> = marked.map(f64::abs).filter(|x| *x > 0.0 && x.is_finite()).collect();
    let largest = sizes.iter().fold(1.0, |a: f64, x| a.max(*x));
    let smallest = sizes.iter().fold(1.0, |a: f64, x| a.min(*x));
    let mut all: Vec<f64> = STEPS.map(|s| s * largest).to_vec();
    all.extend(STEPS);
    if smallest < 1e-3 {
        all.extend(STEPS[..3].iter().map(|s| s * smallest));
    }
    // Shorter ones are lost in the rounding of the point.
    all.retain(|s| *s >= LOST * sizes.iter().fold(0.0, |a: f64, x| a.max(*x)));
    all.sort_by(|a, b| b.total_cmp(a));
    all.dedup();
    all
}

/// The largest |a − b| relative to the larger of 1 and the differential; NaN where one is.
fn distance(a: &[f64], b: &[f64], jv: &[f64]) -> f64 {
    let relative = a.iter().zip(b).zip(jv).map(|((a, b), d)| (a - b).abs() / d.abs().max(1.0));
    relative.fold(0.0, super::worse)
}

/// The derivative of the outputs along the directions: central differences with `step`, its half,
/// quarter and eighth, extrapolated (Ridders 1982; Numerical Recipes, section 5.7), keeping the best column.
fn estimate(
    program: &Program,
    at: &[Tensor],
    wrt: &[bool],
    v: &[Tensor],
    step: f64,
    jv: &[f64],
) -> Result<Estimate> {
    let mut sizes = vec![0.0f64; jv.len()];
    let mut central = |h: f64| -> Result<Vec<f64>> {
        let side = |h: f64| -> Result<Vec<f64>> {
            let outputs = eval(program, &moved(at, wrt, v, h)?)?;
            let floats = outputs.iter().filter(|t| t.dtype().is_float());
            Ok(floats.flat_map(Tensor::to_f64).collect())
        };
        let (plus, minus) = (side(h)?, side(-h)?);
        for (size, (p, m)) in sizes.iter_mut().zip(plus.iter().zip(&minus)) {
            *size = size.max(p.abs()).max(m.abs());
        }
        Ok(plus.iter().zip(minus).map(|(p, m)| (p - m) / (2.0 * h)).collect())
    };
    let mut column = Vec::new();
    for k in 0..4 {
        column.push(central(step / f64::from(1 << k))?);
    }
    let mut before = column.clone();
    for order in 1..4 {
        let factor = f64::from(1 << (2 * order));
        before.clone_from(&column);
        for k in 0..4 - order as usize {
            let next = column[k + 1].clone();
            for (c, f) in column[k].iter_mut().zip(next) {
                *c = f + (f - *c) / (factor - 1.0);
            }
        }
    }
    let values = column.swap_remove(0);
    if values.len() != jv.len() {
        return Err(Error::usage("a differential has another length than the results"));
    }
    let extrapolated = before[..2].iter().map(|b| distance(&values, b, jv));
    // Values are rounded, and so are the points they are taken at.
    let marked = at.iter().zip(wrt).filter(|w| *w.1).flat_map(|(x, _)| x.to_f64());
    let largest = marked.fold(0.0, |a: f64, x| a.max(x.abs()));
    let rounded =
        |size: f64, slope: f64| f64::EPSILON * (size + largest * slope.abs()) / (step / 8.0);
    let all = || sizes.iter().zip(jv.iter().zip(&values));
    let hidden =
        all().any(|(size, (d, x))| rounded(*size, *d) > 0.1 * d.abs().max(x.abs()).max(1.0));
    let rounded = all().map(|(size, (d, _))| rounded(*size, *d) / d.abs().max(1.0));
    let doubt = extrapolated.fold(0.0, super::worse) + rounded.fold(0.0, super::worse);
    Ok(Estimate { values, doubt, hidden })
}
