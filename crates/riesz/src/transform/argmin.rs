//! `argmin`: a minimiser as a function of what the objective depends on.

use super::grad::gradient;
use super::linear_solve::Equations;
use super::root::root_by;
use crate::solvers;
use crate::tree::VarTree;
use riesz_core::{Var, current_source, with_source};

/// The local minimiser of `f` that is found from a start: a function of the start, inside a function
/// that is traced. What `f` captures of the values around are the parameters of the problem, and by
/// these the minimiser is differentiated, in either mode and to any order.
///
/// The minimiser is a root of ∇f, so with the Hessian H there H·dx = −∂(∇f): no step of the minimisation
/// is differentiated or kept. It is found by Newton's method, made to descend, up to 64 variables, and by
/// L-BFGS beyond; outside of a trace [`minimize`](crate::minimize()) has more methods and says how it
/// went.
///
/// # Errors
/// Left in the trace when `f` does not give one number, or a variable is no float.
///
/// ```
/// use riesz::prelude::*;
/// // argmin ½x² − a·x is a, so half its square has the derivative a.
/// let f = |a: Var| 0.5 * argmin(|x: Var| 0.5 * x * x - a * x)(a.zeros_like()).square();
/// assert_eq!(compile(grad(f)).call(&Tensor::from(3.0))?, Tensor::from(3.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn argmin<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> A {
    let source = current_source();
    move |start| {
        let gradient = gradient("argmin", source, &f);
        let solve = |_: Equations<A>, x: A| solvers::minimise(&f, x);
        root_by(
            source,
            &gradient,
            solve,
            |a: Equations<A>, b| with_source(source, || solvers::implicit_symmetric(a, b)),
            start,
        )
    }
}
