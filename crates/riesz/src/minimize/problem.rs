//! What a solver is given: an objective, constraints and bounds over flat vectors.
//!
//! Nothing here knows of programs or tensors; whoever has those flattens them and implements
//! [`Objective`] and [`Constraints`]. Closures serve through [`FnObjective`] and [`FnConstraints`].

use std::fmt;

use super::solution::MinimizeError;

/// A function ℝⁿ → ℝ with its gradient.
///
/// A point outside the function's domain (the logarithm of a negative number, the determinant of
/// an indefinite matrix) is said by a value that is NaN or infinite: a search then takes a shorter
/// step. An [`EvalError`] says that evaluation itself broke, and ends the run.
pub trait Objective {
    /// The number n of variables.
    fn dim(&self) -> usize;

    /// The value at `x`, with the gradient written to `grad`; both slices have length n.
    fn value_grad(&mut self, x: &[f64], grad: &mut [f64]) -> Result<f64, EvalError>;

    /// Writes the Hessian at `x` times `v` to `out`; `None` when there is no such product.
    fn hvp(&mut self, _x: &[f64], _v: &[f64], _out: &mut [f64]) -> Option<Result<(), EvalError>> {
        None
    }
}

/// A vector-valued function c: ℝⁿ → ℝᵐ with its transposed Jacobian.
///
/// Used as equalities c(x) = 0 and as inequalities c(x) ≤ 0.
pub trait Constraints {
    /// The number n of variables.
    fn dim(&self) -> usize;

    /// The number m of constraints.
    fn count(&self) -> usize;

    /// Writes c(x), of length m, to `out`.
    fn value(&mut self, x: &[f64], out: &mut [f64]) -> Result<(), EvalError>;

    /// Overwrites `out`, of length n, with J(x)ᵀ·`weights`, where `weights` has length m.
    ///
    /// Called right after [`value`](Constraints::value) at the same `x`.
    fn vjp(&mut self, x: &[f64], weights: &[f64], out: &mut [f64]) -> Result<(), EvalError>;
}

/// An evaluation that broke, as text: any error can be put in with [`EvalError::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError(String);

impl EvalError {
    /// Keeps the message of any error.
    pub fn new(error: impl fmt::Display) -> EvalError {
        EvalError(error.to_string())
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EvalError {}

impl From<String> for EvalError {
    fn from(message: String) -> EvalError {
        EvalError(message)
    }
}

impl From<&str> for EvalError {
    fn from(message: &str) -> EvalError {
        EvalError(message.to_owned())
    }
}

/// Simple bounds l ≤ x ≤ u, entry by entry; ±∞ where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl Bounds {
    /// Bounds from two vectors of the same length.
    ///
    /// # Errors
    /// When the lengths differ, a bound is NaN, or an interval is empty.
    pub fn new(lower: Vec<f64>, upper: Vec<f64>) -> Result<Bounds, MinimizeError> {
        if lower.len() != upper.len() {
            return Err(MinimizeError::WrongLength {
                what: "the upper bounds",
                expected: lower.len(),
                found: upper.len(),
            });
        }
        for (index, (&lower, &upper)) in lower.iter().zip(&upper).enumerate() {
            // Also refuses [∞, ∞] and [−∞, −∞], intervals without a finite point, and NaN.
            let holds_a_number =
                lower <= upper && lower < f64::INFINITY && upper > f64::NEG_INFINITY;
            if !holds_a_number {
                return Err(MinimizeError::EmptyInterval { index, lower, upper });
            }
        }
        Ok(Bounds { lower, upper })
    }

    /// No bounds on any of `dim` variables.
    pub fn free(dim: usize) -> Bounds {
        Bounds { lower: vec![f64::NEG_INFINITY; dim], upper: vec![f64::INFINITY; dim] }
    }

    /// x ≥ 0 in all `dim` variables.
    pub fn non_negative(dim: usize) -> Bounds {
        Bounds { lower: vec![0.0; dim], upper: vec![f64::INFINITY; dim] }
    }

    /// The number of variables.
    pub fn dim(&self) -> usize {
        self.lower.len()
    }

    /// The lower bounds l.
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// The upper bounds u.
    pub fn upper(&self) -> &[f64] {
        &self.upper
    }

    /// Moves every entry of `x` to the nearest point of its interval.
    pub fn project(&self, x: &mut [f64]) {
        for (x, (lower, upper)) in x.iter_mut().zip(self.lower.iter().zip(&self.upper)) {
            *x = x.max(*lower).min(*upper);
        }
    }

    /// The gradient without the components that a bound holds back.
    pub(super) fn free_gradient(&self, x: &[f64], gradient: &[f64]) -> Vec<f64> {
        let free =
            |i: usize, g: f64| if g > 0.0 { x[i] > self.lower[i] } else { x[i] < self.upper[i] };
        gradient.iter().enumerate().map(|(i, &g)| if free(i, g) { g } else { 0.0 }).collect()
    }

    /// ‖P(x − g) − x‖∞, which is zero exactly where x in the box is a stationary point.
    pub(super) fn projected_gradient_norm(&self, x: &[f64], gradient: &[f64]) -> f64 {
        self.projected_step_norm(x, gradient, 1.0)
    }

    /// ‖P(x − t·g) − x‖∞.
    pub(super) fn projected_step_norm(&self, x: &[f64], gradient: &[f64], t: f64) -> f64 {
        let mut norm: f64 = 0.0;
        for (i, (x, g)) in x.iter().zip(gradient).enumerate() {
            let g = t * g;
            // Not P(x − g) − x: the difference of near-equal numbers would lose a small g.
            norm = norm.max(if g > 0.0 {
                g.min(x - self.lower[i])
            } else {
                -g.max(x - self.upper[i])
            });
        }
        norm
    }
}

/// An objective, with whatever constrains it.
///
/// `&mut objective` becomes a problem without constraints by itself.
pub struct Problem<'a> {
    pub(super) objective: &'a mut dyn Objective,
    pub(super) bounds: Option<Bounds>,
    pub(super) equalities: Option<&'a mut dyn Constraints>,
    pub(super) inequalities: Option<&'a mut dyn Constraints>,
}

impl<'a> Problem<'a> {
    /// The unconstrained problem: minimise `objective` over ℝⁿ.
    pub fn new(objective: &'a mut dyn Objective) -> Problem<'a> {
        Problem { objective, bounds: None, equalities: None, inequalities: None }
    }

    /// Adds l ≤ x ≤ u.
    pub fn bounds(mut self, bounds: Bounds) -> Problem<'a> {
        self.bounds = Some(bounds);
        self
    }

    /// Adds c(x) = 0.
    pub fn equalities(mut self, constraints: &'a mut dyn Constraints) -> Problem<'a> {
        self.equalities = Some(constraints);
        self
    }

    /// Adds c(x) ≤ 0.
    pub fn inequalities(mut self, constraints: &'a mut dyn Constraints) -> Problem<'a> {
        self.inequalities = Some(constraints);
        self
    }
}

impl<'a, O: Objective> From<&'a mut O> for Problem<'a> {
    fn from(objective: &'a mut O) -> Problem<'a> {
        Problem::new(objective)
    }
}

type ValueGrad<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<f64, EvalError> + 'a;
type Product<'a> = dyn FnMut(&[f64], &[f64], &mut [f64]) -> Result<(), EvalError> + 'a;
type Value<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<(), EvalError> + 'a;

/// An [`Objective`] from closures.
pub struct FnObjective<'a> {
    dim: usize,
    value_grad: Box<ValueGrad<'a>>,
    hvp: Option<Box<Product<'a>>>,
}

impl<'a> FnObjective<'a> {
    /// From `value_grad(x, grad) -> value`.
    pub fn new(
        dim: usize,
        value_grad: impl FnMut(&[f64], &mut [f64]) -> Result<f64, EvalError> + 'a,
    ) -> FnObjective<'a> {
        FnObjective { dim, value_grad: Box::new(value_grad), hvp: None }
    }

    /// Adds the Hessian-vector product `hvp(x, v, out)`.
    pub fn with_hvp(
        mut self,
        hvp: impl FnMut(&[f64], &[f64], &mut [f64]) -> Result<(), EvalError> + 'a,
    ) -> FnObjective<'a> {
        self.hvp = Some(Box::new(hvp));
        self
    }
}

impl Objective for FnObjective<'_> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn value_grad(&mut self, x: &[f64], grad: &mut [f64]) -> Result<f64, EvalError> {
        (self.value_grad)(x, grad)
    }

    fn hvp(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Option<Result<(), EvalError>> {
        self.hvp.as_mut().map(|hvp| hvp(x, v, out))
    }
}

/// [`Constraints`] from closures.
pub struct FnConstraints<'a> {
    dim: usize,
    count: usize,
    value: Box<Value<'a>>,
    vjp: Box<Product<'a>>,
}

impl<'a> FnConstraints<'a> {
    /// From `value(x, out)` and `vjp(x, weights, out)`, for `dim` variables and `count` constraints.
    pub fn new(
        dim: usize,
        count: usize,
        value: impl FnMut(&[f64], &mut [f64]) -> Result<(), EvalError> + 'a,
        vjp: impl FnMut(&[f64], &[f64], &mut [f64]) -> Result<(), EvalError> + 'a,
    ) -> FnConstraints<'a> {
        FnConstraints { dim, count, value: Box::new(value), vjp: Box::new(vjp) }
    }
}

impl Constraints for FnConstraints<'_> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn count(&self) -> usize {
        self.count
    }

    fn value(&mut self, x: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        (self.value)(x, out)
    }

    fn vjp(&mut self, x: &[f64], weights: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        (self.vjp)(x, weights, out)
    }
}
