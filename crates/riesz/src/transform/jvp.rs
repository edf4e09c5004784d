//! `jvp`: forward mode, the differential in one direction.

use super::{ok, record};
use crate::tree::VarTree;
use riesz_core::{Error, Var, current_source, fail, inline};

/// The value of `f` at `x` and its differential there in the direction `dx`.
///
/// # Errors
/// Left in the trace when `dx` has other types than `x`, or a leaf is not a float.
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
    let directions = dx.leaves();
    let attempt = |recorded: &super::Recorded<R>| {
        ok(recorded.differentiable("the argument", &recorded.args[..recorded.leaves], source))?;
        let types = |leaves: &[Var]| leaves.iter().map(|v| v.ty()).collect::<Vec<_>>();
        let (of_x, of_dx) = (types(&recorded.args[..recorded.leaves]), types(&directions));
        if of_x != of_dx {
            fail(
                Error::shape(format!("the direction is {of_dx:?}, the argument {of_x:?}"))
                    .at("jvp", source),
            );
            return None;
        }
        let forward = ok(riesz_core::jvp(&recorded.program, &recorded.arguments()))?;
        let args: Vec<Var> = recorded.args.iter().chain(&directions).copied().collect();
        let mut y = inline(&forward, &args);
        let dy = y.split_off(recorded.program.outputs().len());
        Some((recorded.tree(&y), recorded.tree(&dy)))
    };
    match record(&f, &x) {
        Some(recorded) => {
            attempt(&recorded).unwrap_or_else(|| (recorded.tree(&[]), recorded.tree(&[])))
        }
        // The function itself failed, so only it can say what it would have given.
        None => (f(x), f(dx)),
    }
}
