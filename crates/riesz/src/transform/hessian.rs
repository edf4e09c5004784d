//! `hessian` and `hvp`: second derivatives of a scalar function.

use super::grad::grad;
use super::jacobian::blocks;
use super::jvp::jvp;
use super::linearize::linearize;
use crate::tree::VarTree;
use riesz_core::Var;

/// The Hessian of a function that gives one number: the Jacobian of its gradient, symmetric. The tree
/// of the argument with, in the place of each leaf, the tree of the argument; a block has the shapes
/// of both leaves: n×n for a vector. From 64 unknowns on, one half is computed and the other mirrors it.
///
/// # Errors
/// Left in the trace when the result is not one number, or the argument is not a float.
///
/// ```
/// use riesz::prelude::*;
/// let h = compile(hessian(|x: Var| x.square().sum()));
/// assert_eq!(h.call(&Tensor::from([1.0, 2.0]))?, Tensor::from([[2.0, 0.0], [0.0, 2.0]]));
/// # Ok::<(), Error>(())
/// ```
pub fn hessian<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> A::With<A> {
    let gradient = grad(f);
    move |x: A| {
        let (slope, map) = linearize(&gradient, x.clone());
        let matrix = map.matrix();
        let matrix = if matrix.shape()[0] < HALVED { matrix } else { matrix.mirrored() };
        blocks(matrix, &slope, &x)
    }
}

/// The order from which on computing half of a Hessian is worth mirroring it.
const HALVED: usize = 64;

/// The Hessian at `x` times `v`, at the cost of a small multiple of one gradient: forward over
/// reverse, without the matrix.
///
/// # Errors
/// Left in the trace as for [`hessian`].
///
/// ```
/// use riesz::prelude::*;
/// let f = |x: Var| x.powi(3).sum();
/// let product = compile(|(x, v): (Var, Var)| hvp(f)(x, v));
/// let v = product.call(&(Tensor::from([1.0, 2.0]), Tensor::from([1.0, 1.0])))?;
/// assert_eq!(v, Tensor::from([6.0, 12.0]));
/// # Ok::<(), Error>(())
/// ```
pub fn hvp<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A, A) -> A {
    let gradient = grad(f);
    move |x, v| jvp(&gradient, x, v).1
}
