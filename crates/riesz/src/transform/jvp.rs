//! `jvp`: forward mode, the differential in one direction.

use super::{Recorded, ok, record};
use crate::tree::VarTree;
use riesz_core::{Var, current_source, inline};

/// The value of `f` at `x` and its differential there in the direction `dx`.
///
/// # Errors
/// Left in the trace when `dx` has other types than `x`, or no leaf is a float.
///
/// ```
/// use riesz::prelude::*;
/// let f = compile(|(x, dx): (Var, Var)| jvp(|x: Var| x * x, x, dx));
/// let (y, dy) = f.call(&(Tensor::from(3.0), Tensor::from(1.0)))?;
/// assert_eq!((y, dy), (Tensor::from(9.0), Tensor::from(6.0)));
/// # Ok::<(), Error>(())
/// ```
///
/// # Panics
/// Never for functions that can be traced; an error is reported when the trace closes.
#[track_caller]
pub fn jvp<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, x: A, dx: A) -> (R, R) {
    let source = current_source();
    let attempt = |recorded: &Recorded<A, R>| {
        ok(recorded.differentiable(source))?;
        let directions = recorded.argument.moving(&dx, "the argument", "jvp", source)?;
        let forward = ok(riesz_core::jvp(&recorded.program, &recorded.moving()))?;
        let args: Vec<Var> = recorded.args.iter().chain(&directions).copied().collect();
        let mut y = inline(&forward, &args);
        let dy = y.split_off(recorded.program.outputs().len());
        Some((recorded.result.tree(&y), recorded.result.direction(&dy)))
    };
    match record(&f, &x) {
        Some(recorded) => attempt(&recorded)
            .unwrap_or_else(|| (recorded.result.tree(&[]), recorded.result.tree(&[]))),
        // The function itself failed, so only it can say what it would have given.
        None => (f(x), f(dx)),
    }
}
