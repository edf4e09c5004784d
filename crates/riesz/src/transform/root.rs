//! `root`: the solution of equations, differentiated by the implicit function theorem.

use super::linear_solve::{Equations, on_trees};
use super::space::Space;
use crate::solvers;
use crate::tree::VarTree;
use riesz_core::{Source, control, current_source, with_source};

/// The x with `f`(x) = 0 that `solver` finds: a function of the start. `f` gives as many equations as
/// there are unknowns, and captures what the solution depends on. The solver is given `f` and the
/// start; [`solvers::newton`] is one, or write a [`while_loop`](crate::while_loop).
///
/// Differentiated in either mode and to any order by f alone: with J = ∂f/∂x at the solution,
/// J·dx = −∂f. What the solver did does not matter, and nothing of it is kept; the derivative is as
/// exact as the solution is. It does not depend on the start.
///
/// # Errors
/// Left in the trace when `f` or the solver give another tree than they are given, or an unknown is no
/// float. A singular J is an error of the run when it is solved by elimination.
///
/// ```
/// use riesz::prelude::*;
/// use riesz::solvers::newton;
/// // x = cos(a·x), of which d/da x = −x·sin(a·x)/(1 + a·sin(a·x)).
/// let solution = |a: Var| root(|x: Var| (a * x).cos() - x, newton)(a.ones_like());
/// let f = compile(value_and_grad(solution));
/// let (x, slope) = f.call(&Tensor::from(1.0))?;
/// let (x, slope): (f64, f64) = (x.item()?, slope.item()?);
/// assert!((x - 0.7390851332151607).abs() < 1e-15);
/// assert!((slope + x * x.sin() / (1.0 + x.sin())).abs() < 1e-15);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn root<A: VarTree>(
    f: impl Fn(A) -> A,
    solver: impl Fn(Equations<A>, A) -> A,
) -> impl Fn(A) -> A {
    let source = current_source();
    move |start| {
        root_by(
            source,
            &f,
            &solver,
            |a: Equations<A>, b| with_source(source, || solvers::implicit(a, b)),
            start,
        )
    }
}

/// As [`root`], with the solver of the linear system J·dx = −df too.
#[track_caller]
pub fn root_with<A: VarTree>(
    f: impl Fn(A) -> A,
    solver: impl Fn(Equations<A>, A) -> A,
    linear_solver: impl Fn(Equations<A>, A) -> A,
) -> impl Fn(A) -> A {
    let source = current_source();
    move |start| root_by(source, &f, &solver, &linear_solver, start)
}

pub(super) fn root_by<A: VarTree>(
    source: Source,
    f: Equations<A>,
    solver: impl Fn(Equations<A>, A) -> A,
    linear_solver: impl Fn(Equations<A>, A) -> A,
    start: A,
) -> A {
    let space = Space::of(&start);
    let x = control::root(
        source,
        &start.leaves(),
        &|x| f(space.tree(x)).leaves(),
        |start| solver(f, space.tree(start)).leaves(),
        |product, b| on_trees(&space, product, |product| linear_solver(product, space.tree(b))),
    );
    space.tree(&x)
}
