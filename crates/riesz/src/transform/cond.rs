//! `cond`: one of two computations, chosen by a truth value when the program runs.

use super::place;
use crate::tree::{Index, Tree, VarTree, skeleton};
use riesz_core::{Error, Var, control, current_source, fail};

/// The result of `on_true` where `chooses`, one truth value, holds, otherwise that of `on_false`.
/// Only one of the two is run, forwards and backwards; what they use of the values around is
/// captured.
///
/// Over instances ([`vmap`](crate::vmap)) that choose differently both are run and the results
/// selected; what an instance did not choose neither fails nor poisons its derivative.
///
/// # Errors
/// Left in the trace when `chooses` is not one truth value, or the two give different trees, element
/// types or shapes.
///
/// ```
/// use riesz::prelude::*;
/// let f = |x: Var| cond(x.gt(0.0), || x.sqrt(), || x.zeros_like());
/// let slope = compile(grad(f));
/// assert_eq!(slope.call(&Tensor::from(4.0))?, Tensor::from(0.25));
/// assert_eq!(slope.call(&Tensor::from(-4.0))?, Tensor::from(0.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn cond<R: VarTree>(chooses: Var, on_true: impl Fn() -> R, on_false: impl Fn() -> R) -> R {
    let source = current_source();
    let (mut first, mut second) = (None, None);
    let leaves = control::cond(
        chooses,
        || remember(on_true(), &mut first),
        || remember(on_false(), &mut second),
    );
    let Some(result) = first else { return on_true() };
    if let Some(other) = second
        && !result.same::<Index>(&other)
    {
        let message = "the two branches give trees of different structure";
        fail(Error::usage(message).at("cond", source).help("give the same lists and keys in both"));
    }
    place(&result, &leaves)
}

/// The leaves of a tree, whose structure is kept in `structure`.
pub(super) fn remember<T: VarTree>(tree: T, structure: &mut Option<T::Skeleton>) -> Vec<Var> {
    *structure = Some(skeleton(&tree));
    tree.leaves()
}
