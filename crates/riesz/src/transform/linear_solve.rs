//! `linear_solve`: a linear system given as a product.

use super::space::Space;
use crate::tree::VarTree;
use riesz_core::{Var, control, current_source};

/// A function of trees that a solver is given.
pub type Equations<'a, A> = &'a dyn Fn(A) -> A;

/// The x with `product`(x) = `b`. The product must be linear in its argument; what it captures of the
/// values around are the coefficients of the system. `solver` is given the product and the right side:
/// [`solvers`](crate::solvers) has [`dense`](crate::solvers::dense),
/// [`conjugate_gradients`](crate::solvers::conjugate_gradients) and [`gmres`](crate::solvers::gmres).
///
/// Differentiated by coefficients and right side in either mode, through the system and not through the
/// solver: A·dx = db − dA·x, and Aᵀ for reverse mode, where the solver is given the transposed product.
///
/// # Errors
/// Left in the trace when the product is not linear, or gives another tree than it is given.
///
/// ```
/// use riesz::prelude::*;
/// use riesz::solvers::conjugate_gradients;
/// // (1 + λ)·x = b in every coordinate, so d(Σx)/dλ = −Σ b/(1 + λ)².
/// let f = |(lambda, b): (Var, Var)| {
///     linear_solve(|x: Var| x + lambda * x, b, conjugate_gradients).sum()
/// };
/// let slopes = compile(grad(f));
/// let (by_lambda, by_b) = slopes.call(&(Tensor::from(1.0), Tensor::from([1.0, 3.0])))?;
/// assert_eq!((by_lambda, by_b), (Tensor::from(-1.0), Tensor::from([0.5, 0.5])));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn linear_solve<A: VarTree>(
    product: impl Fn(A) -> A,
    b: A,
    solver: impl Fn(Equations<A>, A) -> A,
) -> A {
    let space = Space::of(&b);
    let x = control::linear_solve(
        current_source(),
        &b.leaves(),
        |x| product(space.tree(x)).leaves(),
        |product, b| on_trees(&space, product, |product| solver(product, space.tree(b))),
    );
    space.tree(&x)
}

/// Hands a function of lists of leaves on as one of trees; the leaves of what is made of it.
pub(super) fn on_trees<A: VarTree>(
    space: &Space<A>,
    f: &dyn Fn(&[Var]) -> Vec<Var>,
    solve: impl FnOnce(Equations<A>) -> A,
) -> Vec<Var> {
    solve(&|x: A| space.tree(&f(&x.leaves()))).leaves()
}
