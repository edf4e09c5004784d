//! What all solvers share in one run: counting, reporting, the test of convergence.
//!
//! A solver keeps its iterate in a [`State`] and changes it only when a step is accepted, so
//! whatever ends the run (an error included) leaves the last good iterate there.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use super::checkpoint::Rows;
use super::options::Options;
use super::problem::{Bounds, EvalError, Objective};
use super::solution::{Control, Progress};
use super::vector::norm_inf;

/// How a solver ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ending {
    Converged(String),
    MaxIterations,
    Interrupted,
    Unbounded,
    Failed(String),
}

/// The last accepted iterate.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub x: Vec<f64>,
    pub gradient: Vec<f64>,
    pub value: f64,
    /// ‖∇f‖∞, projected where there are bounds.
    pub gradient_norm: f64,
}

impl State {
    pub fn new(bounds: Option<&Bounds>, x: Vec<f64>, gradient: Vec<f64>, value: f64) -> State {
        let gradient_norm = match bounds {
            Some(bounds) => bounds.projected_gradient_norm(&x, &gradient),
            None => norm_inf(&gradient),
        };
        State { x, gradient, value, gradient_norm }
    }
}

/// The objective and violation behind the latest value of a merit function.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Behind {
    pub objective: f64,
    /// ‖∇f‖∞ of the objective alone.
    pub gradient_norm: f64,
    pub violation: f64,
}

pub(super) struct Run<'a> {
    pub options: &'a Options,
    /// Of the problem being solved now; a subproblem may be content with less.
    pub tolerance: f64,
    /// Of the method running now, counted from the start of the run.
    pub iteration_limit: usize,
    pub iterations: usize,
    pub evaluations: usize,
    pub hessian_products: usize,
    pub history: Vec<Progress>,
    /// The largest gradient norm of the objective at an iterate.
    pub steepest: f64,
    /// A value below this is taken as unbounded.
    pub unbounded_below: f64,
    /// Set while a merit function is minimised, so that progress tells of the objective itself.
    /// Line searches end with the evaluation of the point they accept, so this is about it.
    pub behind: Option<Rc<Cell<Behind>>>,
    /// What the method that ended wants to remember, for a checkpoint.
    pub remembered: Rows,
    /// What a saved run remembered, until the method that goes on takes it.
    pub earlier: Option<Rows>,
    stall: Stall,
    /// Whether a step was tried from the iterate that left the domain.
    left_domain: bool,
    progress: &'a mut dyn FnMut(&Progress) -> Control,
    started: Instant,
    /// Seconds of the slices of the run before this one.
    seconds_before: f64,
}

/// Watches for steps that lead nowhere, as at a kink.
#[derive(Debug, Clone, Copy)]
struct Stall {
    value: f64,
    gradient_norm: f64,
    steps: usize,
}

const NO_STALL: Stall = Stall { value: f64::INFINITY, gradient_norm: f64::INFINITY, steps: 0 };

/// Steps in a row without progress after which a run has stalled.
const STALLED: usize = 50;

impl Stall {
    /// Progress is a value lower by more than rounding, or half the gradient norm.
    fn watch(&mut self, at: &State) {
        let lower = self.value - at.value > 1e-14 * at.value.abs();
        let flatter = at.gradient_norm < 0.5 * self.gradient_norm;
        if lower || flatter {
            *self = Stall { value: at.value, gradient_norm: at.gradient_norm, steps: 0 };
        } else {
            self.steps += 1;
        }
    }
}

/// A step of so many |f|/‖∇f‖ leads beyond a pole of an order below this: f = −1/dᵖ has d = p·|f|/|f′|.
const PAST_A_POLE: f64 = 8.0;
/// What is not finite beside a value of this size may only have overflowed.
const HUGE: f64 = 1e200;
/// A change of a variable, for its size, that is small.
const SMALL: f64 = 1e-2;
/// A gradient this large is no rounding of 0.
const STEEP: f64 = 1e6;

/// A gain smaller than this fraction of the value is lost in its rounding.
const INVISIBLE: f64 = 1e-15;

/// A search may raise the value by this fraction of its size: what is lost to rounding.
const ROUNDING: f64 = 1e-10;

impl<'a> Run<'a> {
    pub fn new(options: &'a Options, progress: &'a mut dyn FnMut(&Progress) -> Control) -> Run<'a> {
        Run {
            options,
            tolerance: options.tolerance,
            iteration_limit: options.max_iterations,
            iterations: 0,
            evaluations: 0,
            hessian_products: 0,
            history: Vec::new(),
            steepest: 0.0,
            unbounded_below: f64::NEG_INFINITY,
            behind: None,
            remembered: Rows::default(),
            earlier: None,
            stall: NO_STALL,
            left_domain: false,
            progress,
            started: Instant::now(),
            seconds_before: 0.0,
        }
    }

    /// To be called before a method starts: what it minimises need not be what was before, unless
    /// it goes on where a saved run was.
    pub fn begin_method(&mut self, tolerance: f64) {
        self.tolerance = tolerance;
        self.remembered = Rows::default();
        let stall = self.earlier.as_ref().and_then(|rows| rows.find("stall"));
        self.stall = match stall {
            Some(&[value, gradient_norm, steps]) => {
                Stall { value, gradient_norm, steps: steps as usize }
            }
            _ => NO_STALL,
        };
    }

    /// What the method remembered when it was saved in the middle, once.
    pub fn recall(&mut self) -> Option<Rows> {
        self.earlier.take()
    }

    /// The watch for stalls as a row.
    pub fn stall(&self) -> [f64; 3] {
        [self.stall.value, self.stall.gradient_norm, self.stall.steps as f64]
    }

    pub fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// Says how long the run has taken before.
    pub fn began_after(&mut self, seconds: f64) {
        self.seconds_before = seconds.max(0.0);
    }

    /// Value and gradient at `x`, counted.
    pub fn evaluate(
        &mut self,
        objective: &mut dyn Objective,
        x: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, EvalError> {
        self.evaluations += 1;
        let value = objective.value_grad(x, gradient)?;
        self.left_domain |= !value.is_finite();
        Ok(value)
    }

    /// Tells the history and the callback of the iterate.
    pub fn report(&mut self, at: &State, step: f64) -> Option<Ending> {
        let behind = self.behind.as_ref().map(|behind| behind.get());
        self.steepest = self.steepest.max(behind.map_or(at.gradient_norm, |b| b.gradient_norm));
        let progress = Progress {
            iteration: self.iterations,
            value: behind.map_or(at.value, |b| b.objective),
            gradient_norm: at.gradient_norm,
            constraint_violation: behind.map_or(0.0, |b| b.violation),
            step,
            evaluations: self.evaluations,
            seconds: self.seconds(),
        };
        self.history.push(progress);
        match (self.progress)(&progress) {
            Control::Continue => None,
            Control::Stop => Some(Ending::Interrupted),
        }
    }

    /// Counts a step that was accepted, and reports it.
    pub fn accepted(&mut self, at: &State, step: f64) -> Option<Ending> {
        self.iterations += 1;
        self.left_domain = false;
        self.stall.watch(at);
        self.report(at, step)
    }

    /// The tests made before every step.
    ///
    /// `predicted` is what the method's model has left to gain, asked only when it matters: ∞ if there
    /// is no model yet.
    pub fn check(&self, at: &State, predicted: impl FnOnce() -> f64) -> Option<Ending> {
        self.check_in(None, at, predicted)
    }

    /// The tests made before every step in a box.
    pub fn check_in(
        &self,
        bounds: Option<&Bounds>,
        at: &State,
        predicted: impl FnOnce() -> f64,
    ) -> Option<Ending> {
        if at.value < self.unbounded_below {
            return Some(Ending::Unbounded);
        }
        if let Some(bound) = self.is_flat(bounds, at, 1.0) {
            return Some(Ending::Converged(format!(
                "the gradient norm {:.2e} is at most {bound:.2e}",
                at.gradient_norm
            )));
        }
        if let Some(bound) = self.is_flat(bounds, at, scale(at)) {
            let left = predicted();
            if left <= self.tolerance.powi(2).max(INVISIBLE) * at.value.abs() {
                return Some(Ending::Converged(format!(
                    "the gradient norm {:.2e} is at most {bound:.2e}, and {left:.1e} is predicted to \
                     be left",
                    at.gradient_norm
                )));
            }
        }
        if self.stall.steps >= STALLED {
            return Some(self.no_lower_value(at, (self.stall.value - at.value).max(0.0)));
        }
        (self.iterations >= self.iteration_limit).then_some(Ending::MaxIterations)
    }

    /// The bound that the gradient norm is within, if it is: tolerance times the least of `scale` and the
    /// largest gradient norm so far.
    fn is_flat(&self, bounds: Option<&Bounds>, at: &State, scale: f64) -> Option<f64> {
        let scale = self.least_scale(scale);
        // The projected gradient is no longer than the way to a bound, which is not measured by the scale
        // of the value: there a component counts as held if it is near in the scale of x.
        let reach = norm_inf(&at.x).max(1.0);
        let is_held = |bounds: &Bounds| {
            let t = reach / scale;
            bounds.projected_step_norm(&at.x, &at.gradient, t) <= self.tolerance * reach
        };
        let bound = self.tolerance * scale;
        (at.gradient_norm <= bound && bounds.is_none_or(is_held)).then_some(bound)
    }

    /// A scale for the gradient, or the largest gradient norm so far if that is less: the objective may be
    /// small, or large by a constant only.
    fn least_scale(&self, scale: f64) -> f64 {
        if self.steepest > 0.0 { scale.min(self.steepest) } else { scale }
    }

    /// What is said of a value that fell below every bound.
    ///
    /// Near a pole, or an edge where the objective is −∞, the gradient is so large for the value that a
    /// step of a few |f|/‖∇f‖, which hardly moves any variable, leads beyond it: there the objective is
    /// greater, or not finite. Where it is unbounded at infinity (−exp x, −x⁴), the step leads further down.
    pub fn unbounded(
        &mut self,
        objective: &mut dyn Objective,
        bounds: Option<&Bounds>,
        at: &State,
    ) -> String {
        let (size, reach) = (at.value.abs(), norm_inf(&at.x));
        let (sizes, reaches) = (format!("{size:.2e}"), format!("{reach:.2e}"));
        // What a bound holds back leads nowhere, however steep it is there.
        let gradient = match bounds {
            Some(bounds) => bounds.free_gradient(&at.x, &at.gradient),
            None => at.gradient.clone(),
        };
        let steepest = norm_inf(&gradient);
        let step = PAST_A_POLE * size / steepest;
        let mut beyond = at.x.clone();
        beyond.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= step * (g / steepest));
        bounds.into_iter().for_each(|bounds| bounds.project(&mut beyond));
        let mut at_edge = step <= SMALL * reach.max(1.0) && beyond != at.x;
        if at_edge {
            let value = self.evaluate(objective, &beyond, &mut vec![0.0; at.x.len()]);
            let is_edge = |value: f64| match value.is_finite() {
                true => value >= at.value,
                false => size < HUGE,
            };
            at_edge = value.is_ok_and(is_edge);
        }
        match at_edge {
            true => format!(
                "the objective is unbounded towards the edge of its domain, or a pole: its size is \
                 {sizes} where no variable is beyond {reaches}, but a little further on it is not"
            ),
            false => format!(
                "the objective seems unbounded: its size is {sizes} where the largest variable is \
                 {reaches}"
            ),
        }
    }

    /// The verdict on a point that is stationary as far as bounds go, but may be at an edge of the domain:
    /// its gradient is large, and on the bounds that hold it back the objective is not finite. It has not
    /// converged if it is −∞ there, or falls further on the way.
    pub fn at_infinite_bound(
        &mut self,
        objective: &mut dyn Objective,
        bounds: &Bounds,
        at: &State,
        reason: String,
    ) -> Ending {
        let steep = STEEP * scale(at);
        let mut held = at.x.clone();
        let moved = |(x, g): (&mut f64, &f64)| *x -= if g.abs() > steep { *g } else { 0.0 };
        held.iter_mut().zip(&at.gradient).for_each(moved);
        bounds.project(&mut held);
        if held == at.x {
            return Ending::Converged(reason);
        }
        let mut gradient = vec![0.0; at.x.len()];
        let mut value_at =
            |x: &[f64]| self.evaluate(objective, x, &mut gradient).unwrap_or(f64::NAN);
        let on_bound = value_at(&held);
        if on_bound.is_finite() {
            return Ending::Converged(reason);
        }
        let beside: Vec<f64> =
            held.iter().zip(&at.x).map(|(held, x)| held + SMALL * (x - held)).collect();
        let fall = at.value - value_at(&beside);
        // Not finite beside the bound either: NaN.
        let is_flat = fall <= self.tolerance * at.value.abs().max(1.0);
        match on_bound != f64::NEG_INFINITY && is_flat {
            true => Ending::Converged(format!(
                "{reason} (on the bounds that hold it the objective is {on_bound}, but beside them it \
                 falls no further)"
            )),
            false => Ending::Failed(format!(
                "the objective falls towards bounds on which it is not finite (its value there is \
                 {on_bound}): the minimum may lie on them, or there is none"
            )),
        }
    }

    /// The increase of `value` that may be rounding.
    pub fn rounding(&self, value: f64) -> f64 {
        ROUNDING * value.abs()
    }

    /// The verdict when no step lowers the value any more.
    ///
    /// Converged at the limit of precision, if the model of the solver predicts that no more than
    /// 1e-12·max(1, |f|) is left to gain *and* the gradient norm is small: at most √tolerance where
    /// it should be at most the tolerance. Failed otherwise.
    pub fn no_lower_value(&self, at: &State, predicted_decrease: f64) -> Ending {
        let scale = scale(at);
        let negligible = predicted_decrease <= 1e-12 * at.value.abs().max(1.0);
        if negligible && at.gradient_norm <= self.tolerance.sqrt() * scale {
            Ending::Converged(format!(
                "at the limit of precision: no step lowers the value, {predicted_decrease:.1e} is \
                 predicted to be left, and the gradient norm is {:.2e}",
                at.gradient_norm
            ))
        } else if self.left_domain {
            Ending::Failed(format!(
                "the steps that would lower the value leave the domain of the objective: the \
                 minimum may lie on its boundary, or there is none (the gradient norm is {:.2e}, \
                 wanted {:.2e})",
                at.gradient_norm,
                self.tolerance * self.least_scale(scale)
            ))
        } else {
            Ending::Failed(format!(
                "no step lowers the value, though the gradient norm is {:.2e} (wanted {:.2e}): \
                 the gradient may be wrong, the objective not smooth there, or its rounding too \
                 coarse for this tolerance",
                at.gradient_norm,
                self.tolerance * self.least_scale(scale)
            ))
        }
    }
}

/// What a gradient is compared with: max(1, |f|/max(1, ‖x‖∞)).
///
/// Relative to the value, as its rounding is; but not just to |f|, which would call any point of
/// −x or −x² with a large enough value a minimum.
fn scale(at: &State) -> f64 {
    (at.value.abs() / norm_inf(&at.x).max(1.0)).max(1.0)
}
