//! Gradient descent, in the two forms of the lecture.
//!
//! Every d with ⟨d, ∇f⟩ < 0 descends; −∇f descends steepest. How far to go is answered either by a
//! line search, or by trust: the linear model f(x₀) + ⟨∇f, x − x₀⟩ is believed where
//! ρ(x, x₀) = ‖x − x₀‖ ≤ ε, and minimised there by the step −ε∇f/‖∇f‖.
//!
//! Sources: Nocedal & Wright, *Numerical Optimization*, 2nd ed., section 3.3 (line search) and
//! algorithm 4.1 (radius of a trust region, here with a linear model). Both converge linearly with
//! a rate that worsens with the condition of the Hessian; they are here to learn from and as a
//! measure for the others.

use super::line_search::{Line, Search};
use super::problem::{EvalError, Objective};
use super::run::{Ending, Run, State};
use super::vector::{difference, dot, first_non_finite, norm_inf, norm2, step_to};

/// Steepest descent with a line search.
pub(super) fn solve_line_search(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &mut State,
) -> Result<Ending, EvalError> {
    let n = at.x.len();
    let mut x_new = vec![0.0; n];
    let mut gradient_new = vec![0.0; n];
    // As with L-BFGS, the first step has length 1 or less.
    let mut first = recall(run).unwrap_or(1.0_f64.min(1.0 / norm2(&at.gradient)));
    let mut curved = false;
    loop {
        let direction: Vec<f64> = at.gradient.iter().map(|g| -g).collect();
        let slope = -dot(&at.gradient, &at.gradient);
        let left = if curved { -0.5 * slope * first } else { f64::INFINITY };
        if let Some(ending) = run.check(at, || left) {
            return Ok(keep(run, first, ending));
        }
        if !slope.is_finite() {
            return Ok(Ending::Failed("the gradient is too large to square".to_owned()));
        }
        let search = Line {
            objective,
            x: &at.x,
            direction: &direction,
            bounds: None,
            x_new: &mut x_new,
            gradient_new: &mut gradient_new,
            value: at.value,
            slope,
            limit: f64::INFINITY,
        }
        .search(run, first)?;
        let Search::Accepted(trial) = search else {
            return Ok(run.no_lower_value(at, -0.5 * slope * first));
        };
        let s = difference(&x_new, &at.x);
        let y = difference(&gradient_new, &at.gradient);
        // Barzilai and Borwein's length, the minimiser of ‖s − αy‖, begins the next search.
        let (sy, yy) = (dot(&s, &y), dot(&y, &y));
        curved = sy > 0.0 && (sy / yy).is_normal();
        first = if curved { sy / yy } else { trial.alpha };
        std::mem::swap(&mut at.x, &mut x_new);
        std::mem::swap(&mut at.gradient, &mut gradient_new);
        at.value = trial.value;
        at.gradient_norm = norm_inf(&at.gradient);
        if let Some(ending) = run.accepted(at, norm2(&s)) {
            return Ok(keep(run, first, ending));
        }
    }
}

/// Steepest descent with steps of length at most ε.
///
/// For a quadratic the gain is at least half of what the linear model predicts exactly as long as
/// the step does not pass the minimiser of the line; so ε doubles above 3/4, and halves below 1/4.
pub(super) fn solve_trust_region(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &mut State,
) -> Result<Ending, EvalError> {
    let n = at.x.len();
    let mut x_new = vec![0.0; n];
    let mut gradient_new = vec![0.0; n];
    let mut radius = first_radius(run);
    loop {
        // The linear model gains without end.
        if let Some(ending) = run.check(at, || f64::INFINITY) {
            return Ok(keep(run, radius, ending));
        }
        let norm = norm2(&at.gradient);
        step_to(&mut x_new, &at.x, -radius / norm, &at.gradient);
        let s = difference(&x_new, &at.x);
        let predicted = radius * norm;
        if s.iter().all(|s| *s == 0.0) {
            return Ok(run.no_lower_value(at, predicted));
        }
        let value = run.evaluate(objective, &x_new, &mut gradient_new)?;
        let gain = gain(run, at, &s, value, &gradient_new);
        let ratio = gain / predicted;
        // A NaN ratio, from a point outside the domain, goes with the failures.
        radius *= if ratio > 0.75 {
            2.0
        } else if ratio >= 0.25 {
            1.0
        } else {
            0.5
        };
        if ratio > 0.1 {
            std::mem::swap(&mut at.x, &mut x_new);
            std::mem::swap(&mut at.gradient, &mut gradient_new);
            at.value = value;
            at.gradient_norm = norm_inf(&at.gradient);
            if let Some(ending) = run.accepted(at, norm2(&s)) {
                return Ok(keep(run, radius, ending));
            }
        }
    }
}

/// The radius to begin with: that of a saved run, or the one in the options.
pub(super) fn first_radius(run: &mut Run) -> f64 {
    recall(run).unwrap_or(run.options.initial_radius)
}

/// The length a saved run would have tried next.
fn recall(run: &mut Run) -> Option<f64> {
    run.recall()?.number("length").ok().filter(|length| *length > 0.0)
}

/// Remembers the length to try next.
pub(super) fn keep(run: &mut Run, length: f64, ending: Ending) -> Ending {
    run.remembered.put("length", [length]);
    ending
}

/// f(x) − f(x + s); NaN outside the domain.
///
/// Where the difference of the values is lost in their rounding, the trapezium of the slopes,
/// −½⟨∇f(x) + ∇f(x + s), s⟩, tells it to third order in s.
pub(super) fn gain(run: &Run, at: &State, s: &[f64], value: f64, gradient: &[f64]) -> f64 {
    if !value.is_finite() || first_non_finite(gradient).is_some() {
        return f64::NAN;
    }
    let gain = at.value - value;
    if gain.abs() <= run.rounding(at.value) {
        -0.5 * (dot(&at.gradient, s) + dot(gradient, s))
    } else {
        gain
    }
}
