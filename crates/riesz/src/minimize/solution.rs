//! What comes back: progress on the way, the solution, and errors of the input.

use std::fmt;

use super::checkpoint::Checkpoint;
use super::options::Method;
use super::problem::EvalError;

/// One iterate, as the progress callback sees it and the history keeps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps taken; 0 is the start.
    pub iteration: usize,
    /// The objective (never a penalty or Lagrangian).
    pub value: f64,
    /// ‖∇f‖∞, projected at bounds, of the Lagrangian under constraints.
    pub gradient_norm: f64,
    /// The largest violation of a constraint; 0 without constraints.
    pub constraint_violation: f64,
    /// The Euclidean length of the step that led here; 0 at the start.
    pub step: f64,
    /// Evaluations of value and gradient so far.
    pub evaluations: usize,
    /// Time since the start.
    pub seconds: f64,
}

/// What the progress callback wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Return the solution as it is now.
    Stop,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The optimality conditions hold to the tolerances.
    Converged,
    /// [`Options::max_iterations`](super::Options::max_iterations) was reached first.
    MaxIterations,
    /// The progress callback said [`Control::Stop`].
    Interrupted,
    /// The solver could not go on; [`Solution::reason`] says why.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Converged => "converged",
            Status::MaxIterations => "max_iterations",
            Status::Interrupted => "interrupted",
            Status::Failed => "failed",
        })
    }
}

/// The end of a run: the last accepted iterate, whatever the status.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The variables, within the bounds exactly.
    pub x: Vec<f64>,
    /// The objective at `x`.
    pub objective: f64,
    /// ‖∇f‖∞ at `x`, projected at bounds, of the Lagrangian under constraints.
    pub gradient_norm: f64,
    /// max over |c_i(x)| of equalities and max(0, c_i(x)) of inequalities; 0 without constraints.
    pub constraint_violation: f64,
    /// λ of the equalities, in f + λᵀc + μᵀg; empty without equalities.
    pub equality_multipliers: Vec<f64>,
    /// μ ≥ 0 of the inequalities; empty without inequalities.
    pub inequality_multipliers: Vec<f64>,
    /// Steps taken.
    pub iterations: usize,
    /// Evaluations of value and gradient (together, one).
    pub evaluations: usize,
    /// Products of the Hessian with a vector.
    pub hessian_products: usize,
    /// Time of the whole run.
    pub seconds: f64,
    /// The method that ran, never [`Method::Auto`].
    pub method: Method,
    /// Why this method.
    pub method_reason: String,
    /// How it ended.
    pub status: Status,
    /// Why it ended so.
    pub reason: String,
    /// Every iterate's progress, the start included.
    pub history: Vec<Progress>,
    /// From where [`resume`](super::resume) goes on.
    pub checkpoint: Checkpoint,
}

/// Input that no solver can start from.
#[derive(Debug, Clone, PartialEq)]
pub enum MinimizeError {
    /// There is nothing to choose.
    NoVariables,
    /// A vector does not fit the problem.
    WrongLength {
        /// Which one.
        what: &'static str,
        /// The length it must have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
    /// The start has an entry that is NaN or infinite.
    StartNotFinite {
        /// Its position, from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The start is outside the domain of the objective or of a constraint.
    StartOutsideDomain {
        /// What was not finite there, and its value.
        what: String,
    },
    /// A pair of bounds that leaves no number.
    EmptyInterval {
        /// The variable, from 0.
        index: usize,
        /// Its lower bound.
        lower: f64,
        /// Its upper bound.
        upper: f64,
    },
    /// An option out of range.
    InvalidOption {
        /// The field of [`Options`](super::Options).
        name: &'static str,
        /// What it was.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The method cannot treat this problem's constraints.
    Unsupported {
        /// The method asked for.
        method: Method,
        /// What it cannot treat.
        what: &'static str,
        /// A method that can.
        instead: Method,
    },
    /// No method of this name.
    UnknownMethod {
        /// The name.
        name: String,
    },
    /// A saved run cannot go on.
    Checkpoint {
        /// Why not.
        what: String,
    },
    /// Evaluation failed at the start.
    Evaluation(EvalError),
}

impl fmt::Display for MinimizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MinimizeError::NoVariables => {
                f.write_str("the problem has no variables: there is nothing to minimise over")
            }
            MinimizeError::WrongLength { what, expected, found } => {
                write!(f, "{what} should have length {expected}, but the length is {found}")
            }
            MinimizeError::StartNotFinite { index, value } => {
                write!(f, "the start is {value} in entry {index}: give a finite start")
            }
            MinimizeError::StartOutsideDomain { what } => write!(
                f,
                "at the start {what}: choose a start inside the domain, where the objective, its \
                 gradient and the constraints are finite"
            ),
            MinimizeError::EmptyInterval { index, lower, upper } => {
                write!(f, "no number lies between the bounds {lower} and {upper} of entry {index}")
            }
            MinimizeError::InvalidOption { name, found, expected } => {
                write!(f, "the option {name} is {found}, but must be {expected}")
            }
            MinimizeError::Unsupported { method, what, instead } => {
                write!(f, "the method {method} cannot treat {what}: use {instead} or auto")
            }
            MinimizeError::UnknownMethod { name } => {
                write!(f, "no method is called '{name}'; the methods are")?;
                for (i, (_, name)) in Method::NAMES.iter().enumerate() {
                    write!(f, "{} {name}", if i == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            MinimizeError::Checkpoint { what } => write!(f, "the saved run cannot go on: {what}"),
            MinimizeError::Evaluation(error) => {
                write!(f, "evaluation failed at the start: {error}")
            }
        }
    }
}

impl std::error::Error for MinimizeError {}
