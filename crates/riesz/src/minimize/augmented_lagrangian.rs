//! The augmented Lagrangian, for equalities c(x) = 0 and inequalities h(x) ≤ 0.
//!
//! A sequence of problems without them (bounds stay, and are kept exactly):
//!
//! ```text
//! min  f + λᵀc + ½ρ‖c‖² + (‖max(0, μ + ρh)‖² − ‖μ‖²)/2ρ
//! ```
//!
//! after each of which λ ← λ + ρc and μ ← max(0, μ + ρh), which tend to the multipliers; ρ grows
//! tenfold only when the violation did not halve. At a solution the gradient of this merit function
//! is that of the Lagrangian f + λᵀc + μᵀh with the new multipliers, so one norm tests both.
//!
//! Sources: Nocedal & Wright, *Numerical Optimization*, 2nd ed., algorithm 17.4 (LANCELOT);
//! E. G. Birgin and J. M. Martínez, *Practical Augmented Lagrangian Methods for Constrained
//! Optimization*, SIAM 2014, algorithm 4.1 and section 12.4 (ALGENCAN) for the inequalities, the
//! first ρ and the test on ρ.

use std::cell::Cell;
use std::rc::Rc;

use super::checkpoint::{Damaged, Rows};
use super::problem::{Bounds, Constraints, EvalError, Objective};
use super::run::{Behind, Ending, Run, State};
use super::vector::{add_scaled, first_non_finite, norm_inf};
use super::{lbfgs, lbfgsb};

/// Above this the penalty drowns the objective in rounding.
const LARGEST_PENALTY: f64 = 1e14;
/// Subproblems in a row that may fail while the multipliers still move.
const MAX_FAILURES: usize = 5;

/// The row of a checkpoint with the numbers of the outer loop.
const LOOP: &str = "augmented_lagrangian";
/// The name in a checkpoint of the point where the subproblem began.
const START: &str = "subproblem";

/// One kind of constraints with its multipliers.
pub(super) struct Part<'p> {
    constraints: &'p mut dyn Constraints,
    inequality: bool,
    pub multipliers: Vec<f64>,
    /// c at the latest point.
    values: Vec<f64>,
    /// λ + ρc, or max(0, μ + ρh), there.
    weights: Vec<f64>,
}

impl<'p> Part<'p> {
    pub fn new(constraints: &'p mut dyn Constraints, inequality: bool) -> Part<'p> {
        let zeros = vec![0.0; constraints.count()];
        Part {
            constraints,
            inequality,
            multipliers: zeros.clone(),
            values: zeros.clone(),
            weights: zeros,
        }
    }

    /// Evaluates at `x`; returns the part of the merit function.
    fn evaluate(&mut self, x: &[f64], penalty: f64) -> Result<f64, EvalError> {
        self.constraints.value(x, &mut self.values)?;
        let mut merit = 0.0;
        for ((c, m), w) in self.values.iter().zip(&self.multipliers).zip(&mut self.weights) {
            *w = m + penalty * c;
            // Not (w² − m²)/2ρ, which cancels.
            merit += if self.inequality && *w <= 0.0 {
                *w = 0.0;
                -0.5 * m * m / penalty
            } else {
                m * c + 0.5 * penalty * c * c
            };
        }
        Ok(merit)
    }

    fn violation(&self) -> f64 {
        let size = |c: &f64| if self.inequality { c.max(0.0) } else { c.abs() };
        self.values.iter().map(size).fold(0.0, f64::max)
    }

    /// The violation, or what a multiplier of an inequality that does not bind has to fall by.
    fn infeasibility(&self, penalty: f64) -> f64 {
        let of = |(c, m): (&f64, &f64)| match self.inequality {
            true => c.max(-m / penalty).abs(),
            false => c.abs(),
        };
        self.values.iter().zip(&self.multipliers).map(of).fold(0.0, f64::max)
    }
}

/// The merit function.
pub(super) struct Merit<'p> {
    objective: &'p mut dyn Objective,
    pub parts: Vec<Part<'p>>,
    penalty: f64,
    product: Vec<f64>,
    behind: Rc<Cell<Behind>>,
}

impl<'p> Merit<'p> {
    pub fn new(objective: &'p mut dyn Objective, parts: Vec<Part<'p>>) -> Merit<'p> {
        let product = vec![0.0; objective.dim()];
        Merit { objective, parts, penalty: 1.0, product, behind: Rc::default() }
    }

    /// The first ρ: makes penalty and objective of one size, as far as the start can tell.
    pub fn begin(&mut self, run: &mut Run) {
        run.behind = Some(Rc::clone(&self.behind));
        let squares: f64 = self
            .parts
            .iter()
            .flat_map(|part| {
                part.values.iter().map(|c| if part.inequality { c.max(0.0) } else { *c })
            })
            .map(|c| c * c)
            .sum();
        let objective = self.behind.get().objective;
        self.penalty = (10.0 * objective.abs().max(1.0) / (0.5 * squares).max(1.0)).clamp(1.0, 1e6);
    }

    /// Adds ρ and the multipliers.
    pub fn save(&self, rows: &mut Rows) {
        rows.put("penalty", [self.penalty]);
        for (i, part) in self.parts.iter().enumerate() {
            rows.put(&format!("multipliers.{i}"), part.multipliers.as_slice());
        }
    }

    /// Takes up ρ and the multipliers of a saved run.
    pub fn restore(&mut self, run: &mut Run, rows: &Rows) -> Result<(), Damaged> {
        run.behind = Some(Rc::clone(&self.behind));
        self.penalty = rows.number("penalty")?;
        for (i, part) in self.parts.iter_mut().enumerate() {
            let count = part.multipliers.len();
            let saved = rows.get(&format!("multipliers.{i}"), count)?;
            part.multipliers.copy_from_slice(saved);
        }
        Ok(())
    }

    /// The objective and the violation at the latest point.
    pub fn behind(&self) -> Behind {
        self.behind.get()
    }

    fn infeasibility(&self) -> f64 {
        self.parts.iter().map(|part| part.infeasibility(self.penalty)).fold(0.0, f64::max)
    }
}

impl Objective for Merit<'_> {
    fn dim(&self) -> usize {
        self.product.len()
    }

    fn value_grad(&mut self, x: &[f64], grad: &mut [f64]) -> Result<f64, EvalError> {
        let objective = self.objective.value_grad(x, grad)?;
        let gradient_norm = norm_inf(grad);
        let mut value = objective;
        let mut violation: f64 = 0.0;
        for part in &mut self.parts {
            if !value.is_finite() {
                return Ok(f64::NAN);
            }
            value += part.evaluate(x, self.penalty)?;
            if first_non_finite(&part.values).is_some() {
                return Ok(f64::NAN);
            }
            violation = violation.max(part.violation());
            part.constraints.vjp(x, &part.weights, &mut self.product)?;
            add_scaled(grad, 1.0, &self.product);
        }
        self.behind.set(Behind { objective, gradient_norm, violation });
        Ok(value)
    }
}

/// Minimises from `at`, a point in the bounds where `merit` has been evaluated.
pub(super) fn solve(
    run: &mut Run,
    merit: &mut Merit,
    bounds: Option<&Bounds>,
    at: &mut State,
) -> Result<Ending, EvalError> {
    let tolerance = run.options.tolerance;
    let feasible = run.options.feasibility_tolerance;
    let mut inner_tolerance = tolerance.sqrt().max(tolerance);
    let mut before = f64::INFINITY;
    let mut failures = 0;
    let mut resumed = None;
    if let Some(rows) = &run.earlier
        && let (Ok(row), Ok(start)) = (rows.get(LOOP, 3), rows.state(START, at.x.len()))
    {
        (inner_tolerance, before, failures) = (row[0], row[1], row[2] as usize);
        resumed = Some(start);
    }
    loop {
        let start = resumed.take().unwrap_or_else(|| at.clone());
        run.begin_method(inner_tolerance);
        let ending = match bounds {
            Some(bounds) => lbfgsb::solve(run, merit, bounds, at)?,
            None => lbfgs::solve(run, merit, at)?,
        };
        match ending {
            Ending::MaxIterations | Ending::Interrupted => {
                run.remembered.put(LOOP, [inner_tolerance, before, failures as f64]);
                run.remembered.put_state(START, &start);
                return Ok(ending);
            }
            // The penalty does not hold the objective yet.
            Ending::Unbounded if merit.penalty < LARGEST_PENALTY => {
                *at = start;
                merit.penalty *= 100.0;
                refresh(run, merit, bounds, at)?;
                continue;
            }
            Ending::Unbounded | Ending::Converged(_) | Ending::Failed(_) => {}
        }
        // A search that failed leaves the merit function at another point.
        let gradient_norm = at.gradient_norm;
        refresh(run, merit, bounds, at)?;
        let infeasibility = merit.infeasibility();
        for part in &mut merit.parts {
            part.multipliers.copy_from_slice(&part.weights);
        }
        match ending {
            Ending::Unbounded => return Ok(ending),
            Ending::Converged(ref reason)
                if infeasibility <= feasible && run.tolerance <= tolerance =>
            {
                at.gradient_norm = gradient_norm;
                let violation = merit.behind().violation;
                return Ok(Ending::Converged(format!(
                    "{reason}, the violation is {violation:.1e}"
                )));
            }
            Ending::Failed(reason) => {
                failures += 1;
                if failures == MAX_FAILURES {
                    at.gradient_norm = gradient_norm;
                    return Ok(Ending::Failed(format!("in a subproblem, {reason}")));
                }
            }
            _ => failures = 0,
        }
        let stuck = infeasibility > feasible && infeasibility > 0.5 * before;
        // Close to the end it may be the gradient that is left of the subproblems, rather than the
        // penalty, that keeps up the violation.
        let refine = stuck
            && infeasibility <= 1e3 * feasible
            && inner_tolerance <= tolerance
            && inner_tolerance > 1e-3 * tolerance;
        if stuck && !refine {
            merit.penalty *= 10.0;
            if merit.penalty > LARGEST_PENALTY {
                return Ok(Ending::Failed(format!(
                    "the constraints seem to contradict each other near this point: their \
                     violation stays at {:.2e} however much it is penalised",
                    merit.behind().violation
                )));
            }
        }
        before = infeasibility;
        inner_tolerance = if refine {
            0.1 * inner_tolerance
        } else if infeasibility <= feasible {
            tolerance
        } else {
            (0.1 * inner_tolerance).max(tolerance.min(inner_tolerance))
        };
        refresh(run, merit, bounds, at)?;
    }
}

/// Brings value and gradient up to date with the multipliers and the penalty.
fn refresh(
    run: &mut Run,
    merit: &mut Merit,
    bounds: Option<&Bounds>,
    at: &mut State,
) -> Result<(), EvalError> {
    let mut gradient = std::mem::take(&mut at.gradient);
    let value = run.evaluate(merit, &at.x, &mut gradient)?;
    *at = State::new(bounds, std::mem::take(&mut at.x), gradient, value);
    Ok(())
}
