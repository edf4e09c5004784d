//! `vjp`: reverse mode, the transpose of the differential.

use super::linear_map::LinearMap;
use super::linearize::linearize;
use crate::tree::VarTree;
use std::rc::Rc;

/// The value of `f` at `x` and the transpose of its differential there: a function that takes a
/// cotangent of the result to a cotangent of the argument.
///
/// # Errors
/// Left in the trace when a leaf is not a float.
///
/// ```
/// use riesz::prelude::*;
/// let f = compile(|(x, ct): (Var, Var)| {
///     let (y, pull_back) = vjp(|x: Var| x.exp(), x);
///     (y, pull_back(ct))
/// });
/// let (_, back) = f.call(&(Tensor::from(0.0), Tensor::from(5.0)))?;
/// assert_eq!(back, Tensor::from(5.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn vjp<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, x: A) -> (R, impl Fn(R) -> A) {
    let (y, map) = linearize(f, x);
    let back: Rc<LinearMap<R, A>> = Rc::new(map.transpose());
    (y, move |ct| back.apply(ct))
}
