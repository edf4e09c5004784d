//! `fixed_point`: where an iteration comes to rest, differentiated without the iteration.

use super::linear_solve::Equations;
use super::root::root_by;
use crate::solvers;
use crate::tree::{VarTree, zip_map};
use riesz_core::{current_source, with_source};

/// The x with `f`(x) = x to which iterating `f` leads: a function of the start. The iteration ends when
/// no coordinate moves by more than 8 units in its last place, or the moves have stopped to shrink; after
/// 100 000 rounds at the latest. `f` captures what the fixed point depends on.
///
/// Differentiated by the equation and not by the iteration: (1 − ∂f/∂x)·dx = ∂f, in either mode and to
/// any order, so nothing of the iteration is kept.
///
/// # Errors
/// Left in the trace when `f` gives another tree than it is given, or a leaf is no float.
///
/// ```
/// use riesz::prelude::*;
/// // Heron's iteration for √a, whose derivative is 1/(2·√a).
/// let root = |a: Var| fixed_point(|x: Var| 0.5 * (x + a / x))(a);
/// let (y, slope) = compile(value_and_grad(root)).call(&Tensor::from(4.0))?;
/// assert_eq!((y, slope), (Tensor::from(2.0), Tensor::from(0.25)));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn fixed_point<A: VarTree>(f: impl Fn(A) -> A) -> impl Fn(A) -> A {
    let source = current_source();
    move |start| {
        let residual = |x: A| zip_map(&f(x.clone()), &x, |y, x| y - x);
        let iterate = |_: Equations<A>, x: A| solvers::iterate(&f, x);
        root_by(
            source,
            &residual,
            iterate,
            |a: Equations<A>, b| with_source(source, || solvers::implicit(a, b)),
            start,
        )
    }
}
