//! `grad`: the Riesz representative of the differential of a scalar function.

use super::{ok, poisoned, record};
use crate::tree::VarTree;
use riesz_core::{Source, Var, current_source, inline, transpose};

/// The gradient of a function that gives one number: a tree like its argument, with
/// Df(x)\[dx\] = ⟨grad f(x), dx⟩ summed over the leaves.
///
/// # Errors
/// Left in the trace when the result is not one number, or no leaf is a float.
///
/// ```
/// use riesz::prelude::*;
/// let slope = compile(grad(|x: Var| x.sin()));
/// assert_eq!(slope.call(&Tensor::from(0.0))?, Tensor::from(1.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn grad<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> A {
    gradient("grad", current_source(), f)
}

/// The value and the gradient at once, at the cost of a small multiple of the value alone.
///
/// # Errors
/// As [`grad`].
///
/// ```
/// use riesz::prelude::*;
/// let f = compile(value_and_grad(|(x, y): (Var, Var)| x * y));
/// let (value, (dx, dy)) = f.call(&(Tensor::from(3.0), Tensor::from(4.0)))?;
/// assert_eq!((value, dx, dy), (Tensor::from(12.0), Tensor::from(4.0), Tensor::from(3.0)));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn value_and_grad<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> (Var, A) {
    both("value_and_grad", current_source(), f)
}

/// [`grad`] for a transformation that is made of it, whose name and place stand in errors.
pub(crate) fn gradient<A: VarTree>(
    name: &'static str,
    source: Source,
    f: impl Fn(A) -> Var,
) -> impl Fn(A) -> A {
    let both = both(name, source, f);
    move |x| both(x).1
}

/// [`value_and_grad`] for a transformation that is made of it, whose name and place stand in errors.
pub(crate) fn both<A: VarTree>(
    name: &'static str,
    source: Source,
    f: impl Fn(A) -> Var,
) -> impl Fn(A) -> (Var, A) {
    move |x| {
        let attempt = || {
            let recorded = record(&f, &x)?;
            let dtype = recorded.number(name, source)?;
            let halves = recorded.linearize(source)?;
            let backward = ok(transpose(&halves.linear, halves.residuals))?;
            let mut outputs = inline(&halves.primal, &recorded.args);
            let mut args = outputs.split_off(1);
            args.push(Var::constant(riesz_core::Tensor::scalar(1.0)).cast(dtype));
            Some((outputs[0], recorded.argument.direction(&inline(&backward, &args))))
        };
        match attempt() {
            Some((value, gradient)) => (value, gradient),
            None => (Var::poison(), poisoned(&x)),
        }
    }
}
