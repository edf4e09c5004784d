//! `while_loop`: a computation repeated as long as a condition holds.

use super::cond::remember;
use super::place;
use super::scan::keeps_structure;
use crate::tree::{VarTree, skeleton};
use riesz_core::{Var, control, current_source};

/// Repeats `body` as long as `condition` holds of the state, beginning with `init`; the state at which
/// it does not.
///
/// Differentiated in both modes. How often the body runs is not known beforehand, so the reverse mode
/// keeps a fixed number of states and makes the others again: the memory does not grow with the number
/// of rounds, the time by a small factor (with *N* rounds, 1 + the number of repetitions of the
/// binomial schedule: 2 below 4000 rounds, 3 below 30 000).
///
/// Over instances ([`vmap`](crate::vmap)) it runs until all have ended; those that have keep their
/// state.
///
/// # Errors
/// Left in the trace when the condition does not give one truth value, or the state changes its tree,
/// element types or shapes.
///
/// ```
/// use riesz::prelude::*;
/// // Doubled until it exceeds 10: from 3 that is 3·4.
/// let f = |x: Var| while_loop(|y: Var| y.le(10.0), |y| y + y, x);
/// let f = compile(value_and_grad(f));
/// assert_eq!(f.call(&Tensor::from(3.0))?, (Tensor::from(12.0), Tensor::from(4.0)));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn while_loop<S: VarTree>(condition: impl Fn(S) -> Var, body: impl Fn(S) -> S, init: S) -> S {
    let source = current_source();
    let structure = skeleton(&init);
    let mut carried = None;
    let last = control::while_loop(
        &init.leaves(),
        |state| condition(place(&structure, state)),
        |state| remember(body(place(&structure, state)), &mut carried),
    );
    keeps_structure::<S>("while", &structure, carried, source);
    place(&structure, &last)
}
