//! Which method a problem gets, and why.

use super::options::Method;
use super::problem::Problem;
use super::solution::MinimizeError;

/// A method, and why that one.
pub(super) struct Choice {
    pub asked: Method,
    pub method: Method,
    pub reason: String,
}

/// The method for a problem of this structure.
pub(super) fn choose(problem: &Problem, asked: Method) -> Result<Choice, MinimizeError> {
    let constraints = problem.equalities.is_some() || problem.inequalities.is_some();
    let unsupported = |what, instead| MinimizeError::Unsupported { method: asked, what, instead };
    let (method, reason) = match asked {
        Method::Auto if constraints => (
            Method::AugmentedLagrangian,
            "there are constraints other than bounds on variables".to_owned(),
        ),
        Method::Auto if problem.bounds.is_some() => {
            (Method::Lbfgsb, "the only constraints are bounds on variables".to_owned())
        }
        Method::Auto => (Method::Lbfgs, "there are no constraints".to_owned()),
        Method::AugmentedLagrangian => (asked, "asked for".to_owned()),
        _ if constraints => {
            return Err(unsupported("constraints other than bounds", Method::AugmentedLagrangian));
        }
        Method::Lbfgsb => (asked, "asked for".to_owned()),
        _ if problem.bounds.is_some() => return Err(unsupported("bounds", Method::Lbfgsb)),
        _ => (asked, "asked for".to_owned()),
    };
    Ok(Choice { asked, method, reason })
}
