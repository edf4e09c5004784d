//! How to minimise: the method and its limits.

use std::fmt;
use std::str::FromStr;

use super::solution::MinimizeError;

/// A solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// Chosen from the problem's structure; [`Solution::method_reason`](super::Solution) says why.
    #[default]
    Auto,
    /// Limited-memory BFGS with a Hager–Zhang line search. No constraints.
    Lbfgs,
    /// Newton's method by conjugate gradients in a trust region. No constraints.
    NewtonCg,
    /// Steepest descent with a line search. No constraints.
    GradientDescent,
    /// Steepest descent with steps of length at most ε, which adapts. No constraints.
    GradientTrustRegion,
    /// Limited-memory BFGS for bounds.
    Lbfgsb,
    /// Augmented Lagrangian, for any constraints.
    AugmentedLagrangian,
}

impl Method {
    /// Every method with the name it has in text.
    pub const NAMES: [(Method, &'static str); 7] = [
        (Method::Auto, "auto"),
        (Method::Lbfgs, "lbfgs"),
        (Method::NewtonCg, "newton-cg"),
        (Method::GradientDescent, "gradient-descent"),
        (Method::GradientTrustRegion, "gradient-trust-region"),
        (Method::Lbfgsb, "lbfgsb"),
        (Method::AugmentedLagrangian, "augmented-lagrangian"),
    ];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Method::NAMES.iter().find(|(m, _)| m == self).map_or("?", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for Method {
    type Err = MinimizeError;

    fn from_str(text: &str) -> Result<Method, MinimizeError> {
        Method::NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(method, _)| *method)
            .ok_or_else(|| MinimizeError::UnknownMethod { name: text.to_owned() })
    }
}

/// The method and its limits; start from `Options::default()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The solver.
    pub method: Method,
    /// Accepted steps after which to give up (default 10 000). For the augmented Lagrangian, the
    /// steps of all its subproblems together.
    pub max_iterations: usize,
    /// Converged when ‖∇f‖∞ ≤ `tolerance`·min(1, G) (default 1e-8), G the largest ‖∇f‖∞ so far; with
    /// max(1, |f|/max(1, ‖x‖∞)) in place of 1 once the method's model also predicts that no gain is left
    /// above max(`tolerance`², 1e-15)·|f|. ∇f is the projected gradient of the Lagrangian if there are
    /// bounds or constraints, but in G that of the objective under constraints; a bound counts as reached
    /// within `tolerance`·max(1, ‖x‖∞).
    pub tolerance: f64,
    /// The constraint violation ‖·‖∞ to reach (default 1e-9), in the constraints' own units.
    pub feasibility_tolerance: f64,
    /// Pairs of steps and gradient differences that the L-BFGS methods remember (default 10).
    pub memory: usize,
    /// The first radius of the trust-region methods (default 1), in the variables' units.
    pub initial_radius: f64,
    /// A value under −`unbounded_value`·max(1, |f(x₀)|) counts as unbounded below (default 1e20).
    pub unbounded_value: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            method: Method::Auto,
            max_iterations: 10_000,
            tolerance: 1e-8,
            feasibility_tolerance: 1e-9,
            memory: 10,
            initial_radius: 1.0,
            unbounded_value: 1e20,
        }
    }
}

impl Options {
    /// Refuses what no solver can work with.
    pub(super) fn check(&self) -> Result<(), MinimizeError> {
        let numbers = [
            ("tolerance", self.tolerance),
            ("feasibility_tolerance", self.feasibility_tolerance),
            ("initial_radius", self.initial_radius),
            ("unbounded_value", self.unbounded_value),
        ];
        for (name, value) in numbers {
            if !(value > 0.0 && value.is_finite()) {
                return Err(MinimizeError::InvalidOption {
                    name,
                    found: value.to_string(),
                    expected: "a positive finite number",
                });
            }
        }
        if self.memory == 0 {
            return Err(MinimizeError::InvalidOption {
                name: "memory",
                found: "0".to_owned(),
                expected: "at least 1",
            });
        }
        Ok(())
    }
}
