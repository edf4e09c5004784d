//! The line search of Hager and Zhang.
//!
//! Looks along φ(α) = f(x + αd), φ'(0) < 0, for a step that satisfies the strong Wolfe conditions
//! (Nocedal & Wright, *Numerical Optimization*, 2nd ed., eq. 3.7)
//!
//! ```text
//! φ(α) ≤ φ(0) + δ₁αφ'(0)   and   |φ'(α)| ≤ σ|φ'(0)|
//! ```
//!
//! or the approximate ones, which ask of the derivative what rounding hides in the value:
//!
//! ```text
//! (2δ−1)φ'(0) ≥ φ'(α) ≥ σφ'(0)   and   φ(α) ≤ φ(0) + ε
//! ```
//!
//! Near a minimiser φ(α) − φ(0) is of the order of (gradient)², lost in the rounding of φ once the
//! gradient is about 1e-8; φ' is not, so the search works on to gradients of 1e-12 and less.
//! The interval [a, b] it shrinks by secant steps always has φ(a) ≤ φ(0) + ε, φ'(a) < 0 and
//! φ'(b) ≥ 0, which holds a local minimiser.
//!
//! Source: W. W. Hager and H. Zhang, "A new conjugate gradient method with guaranteed descent and
//! an efficient line search", SIAM J. Optim. 16 (2005), steps B0–B3, U0–U3, S1–S4, L0–L3.
//! Beyond the paper: points outside the domain (NaN, ∞) shorten the step, and α may be limited.

use super::problem::{Bounds, EvalError, Objective};
use super::run::Run;
use super::vector::{dot, step_to};

const SUFFICIENT_DECREASE: f64 = 1e-4;
const APPROXIMATE_DECREASE: f64 = 0.1;
const CURVATURE: f64 = 0.9;
const EXPANSION: f64 = 5.0;
/// The interval must shrink by this factor in two secant steps, or it is bisected.
const SHRINKAGE: f64 = 0.66;
/// An interval [a, b] narrower than this times b will not satisfy the conditions any more.
const NARROW: f64 = 1e-11;
const MAX_TRIALS: usize = 60;

/// A point of the line. `value` is +∞ for a point outside the domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    pub alpha: f64,
    pub value: f64,
    pub slope: f64,
}

pub(super) enum Search {
    /// Take this step; `x_new` and `gradient_new` are about it.
    Accepted(Trial),
    /// No step to be had.
    Failed,
}

/// A line through `x` along `direction`, and where a trial puts its point and gradient.
pub(super) struct Line<'l> {
    pub objective: &'l mut dyn Objective,
    pub x: &'l [f64],
    pub direction: &'l [f64],
    /// If given, every trial is put back into the box: only rounding can leave it for α ≤ `limit`.
    pub bounds: Option<&'l Bounds>,
    pub x_new: &'l mut [f64],
    pub gradient_new: &'l mut [f64],
    /// φ(0).
    pub value: f64,
    /// φ'(0) < 0.
    pub slope: f64,
    /// The largest step; may be ∞.
    pub limit: f64,
}

impl Line<'_> {
    /// Searches from the step `first`. An accepted point differs from `x`.
    pub fn search(&mut self, run: &mut Run, first: f64) -> Result<Search, EvalError> {
        Ok(match self.hunt(run, first)? {
            Some(trial) if self.x_new != self.x => Search::Accepted(trial),
            _ => Search::Failed,
        })
    }

    fn hunt(&mut self, run: &mut Run, first: f64) -> Result<Option<Trial>, EvalError> {
        let rounding = run.rounding(self.value);
        let origin = Trial { alpha: 0.0, value: self.value, slope: self.slope };
        let mut hunt = Hunt { line: self, run, rounding, trials: 0, accepted: None };
        let (low, high) = hunt.bracket_and_shrink(origin, first)?;
        if let Some(trial) = hunt.accepted {
            return Ok(Some(trial));
        }
        // The Wolfe conditions do not hold: a kink, or rounding. Take an end of the interval that
        // is lower than the start; of the two the upper, behind the kink, where the difference of
        // the gradients tells more (Lewis & Overton, "Nonsmooth optimization via quasi-Newton
        // methods", Math. Program. 141 (2013)).
        for end in [high, Some(low)].into_iter().flatten() {
            if end.alpha > 0.0 && end.value < origin.value {
                return hunt.at(end.alpha).map(Some);
            }
        }
        Ok(None)
    }
}

struct Hunt<'h, 'l, 'r, 'o> {
    line: &'h mut Line<'l>,
    run: &'r mut Run<'o>,
    rounding: f64,
    trials: usize,
    accepted: Option<Trial>,
}

impl Hunt<'_, '_, '_, '_> {
    /// Evaluates φ(alpha), and notes the trial if it satisfies the Wolfe conditions.
    fn at(&mut self, alpha: f64) -> Result<Trial, EvalError> {
        let line = &mut *self.line;
        self.trials += 1;
        step_to(line.x_new, line.x, alpha, line.direction);
        if let Some(bounds) = line.bounds {
            bounds.project(line.x_new);
        }
        let value = self.run.evaluate(line.objective, line.x_new, line.gradient_new)?;
        let slope = dot(line.gradient_new, line.direction);
        // A gradient with an entry that is not finite has no finite slope: ∞·0 is NaN.
        if !(value.is_finite() && slope.is_finite()) {
            return Ok(Trial { alpha, value: f64::INFINITY, slope: f64::INFINITY });
        }
        let trial = Trial { alpha, value, slope };
        if self.satisfies_wolfe(&trial) {
            self.accepted = Some(trial);
        }
        Ok(trial)
    }

    fn satisfies_wolfe(&self, trial: &Trial) -> bool {
        let (value, slope) = (self.line.value, self.line.slope);
        let strong = trial.value <= value + SUFFICIENT_DECREASE * trial.alpha * slope
            && trial.slope.abs() <= CURVATURE * slope.abs();
        let approximate = trial.value <= value + self.rounding
            && trial.slope <= (2.0 * APPROXIMATE_DECREASE - 1.0) * slope
            && trial.slope >= CURVATURE * slope;
        strong || approximate
    }

    fn low_enough(&self, trial: &Trial) -> bool {
        trial.value <= self.line.value + self.rounding
    }

    fn done(&self) -> bool {
        self.accepted.is_some() || self.trials >= MAX_TRIALS
    }

    /// The paper's algorithm; returns the last interval, if no trial is accepted.
    fn bracket_and_shrink(
        &mut self,
        origin: Trial,
        first: f64,
    ) -> Result<(Trial, Option<Trial>), EvalError> {
        let (mut a, mut b) = match self.bracket(origin, first)? {
            (low, Some(high)) => (low, high),
            (low, None) => return Ok((low, None)),
        };
        while !self.done() {
            let width = b.alpha - a.alpha;
            if width <= NARROW * b.alpha {
                break;
            }
            (a, b) = self.secant_twice(a, b)?;
            if !self.done() && b.alpha - a.alpha > SHRINKAGE * width {
                (a, b) = self.update(a, b, 0.5 * (a.alpha + b.alpha))?;
            }
        }
        Ok((a, Some(b)))
    }

    /// Steps B0–B3: expands until an interval holds a minimiser. Without an upper end, the search
    /// is over: the first trial is the best there is (limit reached, or domain's edge).
    fn bracket(&mut self, origin: Trial, first: f64) -> Result<(Trial, Option<Trial>), EvalError> {
        let limit = self.line.limit;
        let mut low = origin;
        // Outside the domain, as far as known.
        let mut edge = f64::INFINITY;
        let mut alpha = first.min(limit);
        loop {
            let trial = self.at(alpha)?;
            if self.done() {
                return Ok((low, None));
            }
            if trial.value == f64::INFINITY {
                edge = alpha;
                // From the start go back in large strides, later halve.
                let back = if low.alpha == 0.0 { 0.1 } else { 0.5 };
                alpha = low.alpha + back * (edge - low.alpha);
                if alpha <= low.alpha || edge - low.alpha <= NARROW * edge {
                    return Ok((low, None));
                }
                continue;
            }
            if trial.slope >= 0.0 {
                return Ok((low, Some(trial)));
            }
            if !self.low_enough(&trial) {
                let (a, b) = self.bisect(low, trial)?;
                return Ok((a, Some(b)));
            }
            low = trial;
            if alpha >= limit {
                self.accepted = Some(trial);
                return Ok((low, None));
            }
            if trial.value < self.run.unbounded_below {
                self.accepted = Some(trial);
                return Ok((low, None));
            }
            let mut next = (EXPANSION * alpha).min(limit);
            if next >= edge {
                next = 0.5 * (alpha + edge);
            }
            alpha = next;
        }
    }

    /// Step U3: φ'(a) < 0 and φ(b) too high; halves until φ' ≥ 0 at the upper end.
    fn bisect(&mut self, mut a: Trial, mut b: Trial) -> Result<(Trial, Trial), EvalError> {
        while !self.done() && b.alpha - a.alpha > NARROW * b.alpha {
            let middle = self.at(0.5 * (a.alpha + b.alpha))?;
            if middle.value.is_finite() && middle.slope >= 0.0 {
                return Ok((a, middle));
            }
            if self.low_enough(&middle) {
                a = middle;
            } else {
                b = middle;
            }
        }
        Ok((a, b))
    }

    /// Steps U0–U3: the interval after a trial at `alpha`.
    fn update(&mut self, a: Trial, b: Trial, alpha: f64) -> Result<(Trial, Trial), EvalError> {
        if !(alpha > a.alpha && alpha < b.alpha) {
            return Ok((a, b));
        }
        let trial = self.at(alpha)?;
        if trial.value.is_finite() && trial.slope >= 0.0 {
            Ok((a, trial))
        } else if self.low_enough(&trial) {
            Ok((trial, b))
        } else {
            self.bisect(a, trial)
        }
    }

    /// Steps S1–S4.
    fn secant_twice(&mut self, a: Trial, b: Trial) -> Result<(Trial, Trial), EvalError> {
        let alpha = cubic(a, b, self.rounding).unwrap_or_else(|| secant(a, b));
        let (low, high) = self.update(a, b, alpha)?;
        if self.done() {
            return Ok((low, high));
        }
        let again = if alpha == high.alpha {
            secant(b, high)
        } else if alpha == low.alpha {
            secant(a, low)
        } else {
            return Ok((low, high));
        };
        self.update(low, high, again)
    }
}

/// The zero of the line through φ'(a) and φ'(b); NaN, which no interval holds, if there is none.
fn secant(a: Trial, b: Trial) -> f64 {
    (a.alpha * b.slope - b.alpha * a.slope) / (b.slope - a.slope)
}

/// The minimiser of the cubic through both values and slopes (Nocedal & Wright, eq. 3.59), if the
/// values differ by more than rounding and it lies well inside the interval.
fn cubic(a: Trial, b: Trial, rounding: f64) -> Option<f64> {
    let width = b.alpha - a.alpha;
    if (b.value - a.value).abs() <= rounding {
        return None;
    }
    let d1 = a.slope + b.slope - 3.0 * (b.value - a.value) / width;
    let d2 = (d1 * d1 - a.slope * b.slope).sqrt();
    let alpha = b.alpha - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    let inside = alpha > a.alpha + 0.01 * width && alpha < b.alpha - 0.01 * width;
    inside.then_some(alpha)
}
