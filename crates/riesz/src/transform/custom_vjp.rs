//! `custom_vjp`: a function with a transposed differential written by hand.

use super::custom_jvp::moving;
use super::place;
use super::space::Space;
use crate::tree::VarTree;
use riesz_core::{control, current_source};
use std::cell::OnceCell;

/// The function `f` with a reverse mode of its own: `forward` gives the result and what to keep, and
/// `backward` is given what was kept and a cotangent of the result, and gives the cotangent of the
/// argument.
///
/// Reverse mode runs `backward` as it is written, so it may do what no derivative does: clip, round,
/// print. Forward mode transposes it, and for that it must be linear in the cotangent. What the three
/// capture of the values around is not the rule's business: by that, `f` itself is differentiated.
///
/// # Errors
/// Left in the trace when `forward` or `backward` give trees or types that do not fit `f`. When forward
/// mode meets a rule that is not linear, the error names the operation that is not.
///
/// ```
/// use riesz::prelude::*;
/// // The identity, which clips the gradient that passes.
/// let clip = custom_vjp(|x: Var| x, |x| (x, Vec::<Var>::new()), |_, ct| ct.clip(-1.0, 1.0));
/// let slope = compile(grad(|x: Var| clip(x).powi(3)));
/// assert_eq!(slope.call(&Tensor::from(0.5))?, Tensor::from(0.75));
/// assert_eq!(slope.call(&Tensor::from(2.0))?, Tensor::from(1.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn custom_vjp<A: VarTree, R: VarTree, S: VarTree>(
    f: impl Fn(A) -> R,
    forward: impl Fn(A) -> (R, S),
    backward: impl Fn(S, R) -> A,
) -> impl Fn(A) -> R {
    let source = current_source();
    move |x| {
        let space = Space::of(&x);
        let (result, kept) = (OnceCell::new(), OnceCell::new());
        let y = control::custom_vjp(
            source,
            &x.leaves(),
            |x| {
                let y = f(space.tree(x));
                let _ = result.set(Space::of(&y));
                y.leaves()
            },
            |x| {
                let (y, keeps) = forward(space.tree(x));
                let _ = kept.set(crate::tree::skeleton(&keeps));
                (y.leaves(), keeps.leaves())
            },
            |keeps, ct| match (kept.get(), result.get()) {
                (Some(kept), Some(result)) => {
                    let back = backward(place(kept, keeps), result.direction(ct));
                    moving("the cotangent", &back, &space, source)
                }
                _ => vec![],
            },
        );
        match result.into_inner() {
            Some(result) => result.tree(&y),
            None => f(x),
        }
    }
}
