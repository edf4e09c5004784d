//! `hessian` and `hvp`: second derivatives of a scalar function.

use super::grad::gradient;
use super::jacobian::blocks;
use super::jvp::jvp;
use super::linearize::linearize;
use super::record;
use crate::tree::VarTree;
use riesz_core::{Prim, Var, current_source};

/// The Hessian of a function that gives one number: the Jacobian of its gradient, symmetric. The tree
/// of the argument with, in the place of each leaf, the tree of the argument; a block has the shapes
/// of both leaves: n×n for a vector. From 64 unknowns on, one half is computed and the other mirrors it,
/// unless the function has derivatives of its own ([`custom_jvp`](crate::custom_jvp),
/// [`custom_vjp`](crate::custom_vjp)), which need not be those of anything.
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
#[track_caller]
pub fn hessian<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> A::With<A> {
    let source = current_source();
    move |x: A| {
        let (slope, map) = linearize(gradient("hessian", source, &f), x.clone());
        let unknowns: usize = x.leaves().iter().map(|leaf| leaf.ty().size()).sum();
        let matrix = map.matrix();
        let matrix = match unknowns >= HALVED && is_symmetric(&f, &x) {
            true => matrix.mirrored(),
            false => matrix,
        };
        blocks(matrix, &slope, &x)
    }
}

/// The order from which on computing half of a Hessian is worth mirroring it.
const HALVED: usize = 64;

/// Whether the derivatives of a function are what they are for all x; a rule that the user gives may be
/// no derivative of anything, and the Jacobian of what it says has two different halves.
fn is_symmetric<A: VarTree>(f: impl Fn(A) -> Var, x: &A) -> bool {
    let Some(recorded) = record(f, x) else { return false };
    // A stack of its own: programs may be nested deeply.
    let mut open = vec![&recorded.program];
    while let Some(program) = open.pop() {
        for eq in program.equations() {
            match &eq.prim {
                Prim::CustomVjp(_) => return false,
                Prim::CustomJvp(c) if !c.exact => return false,
                prim => open.extend(prim.bodies()),
            }
        }
    }
    true
}

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
#[track_caller]
pub fn hvp<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A, A) -> A {
    let gradient = gradient("hvp", current_source(), f);
    move |x, v| jvp(&gradient, x, v).1
}
