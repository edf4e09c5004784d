//! `custom_jvp`: a function with a differential written by hand.

use super::place;
use super::space::Space;
use crate::tree::{Index, Tree, VarTree, skeleton};
use riesz_core::{Error, Source, Var, control, current_source, fail};

/// The function `f` with the differential `rule`, which is given the argument x, the result y = f(x)
/// and a direction dx, and gives the tangent dy. It must be linear in dx; reverse mode follows from it.
///
/// What `f` captures of the values around is not the rule's business: by that, `f` itself is
/// differentiated. [`check_grads`](crate::check_grads) compares a rule with differences.
///
/// # Errors
/// Left in the trace when the rule is not linear in the direction, or gives another tree than `f` or
/// leaves of other types.
///
/// ```
/// use riesz::prelude::*;
/// // log(1 + eˣ), whose derivative as written is ∞/∞ for large x.
/// let log1pexp = custom_jvp(|x: Var| (1.0 + x.exp()).log(), |x, _, dx| x.sigmoid() * dx);
/// let slope = compile(grad(log1pexp));
/// assert_eq!(slope.call(&Tensor::from(1000.0))?, Tensor::from(1.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn custom_jvp<A: VarTree, R: VarTree>(
    f: impl Fn(A) -> R,
    rule: impl Fn(A, R, A) -> R,
) -> impl Fn(A) -> R {
    let source = current_source();
    move |x| {
        let space = Space::of(&x);
        let result = std::cell::OnceCell::new();
        let y = control::custom_jvp(
            source,
            false,
            &x.leaves(),
            |x| {
                let y = f(space.tree(x));
                let leaves = y.leaves();
                let _ = result.set(Space::of(&y));
                leaves
            },
            |x, y, dx| match result.get() {
                Some(result) => {
                    let dy = rule(space.tree(x), result.tree(y), space.direction(dx));
                    moving("the tangent", &dy, result, source)
                }
                None => vec![],
            },
        );
        match result.into_inner() {
            Some(result) => result.tree(&y),
            None => f(x),
        }
    }
}

/// The leaves of a tangent or cotangent that can move; an error is left in the trace when it is another
/// tree than it should be.
pub(super) fn moving<T: VarTree>(
    what: &str,
    direction: &T,
    space: &Space<T>,
    source: Source,
) -> Vec<Var> {
    let expected: T = place(&skeleton(direction), &[]);
    let like = space.tree(&[]);
    if !skeleton(&like).same::<Index>(&skeleton(&expected)) {
        let message = format!("{what} that the rule gives is another tree than it should be");
        fail(Error::usage(message).at("custom rule", source).help("keep the same lists and keys"));
        return vec![];
    }
    let pairs = direction.leaves().into_iter().zip(space.moves().collect::<Vec<_>>());
    pairs.filter(|(_, moves)| *moves).map(|(leaf, _)| leaf).collect()
}
