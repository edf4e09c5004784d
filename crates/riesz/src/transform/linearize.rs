//! `linearize`: the value of a function and its differential, a linear map.

use super::linear_map::LinearMap;
use super::space::Space;
use super::{Recorded, record};
use crate::tree::VarTree;
use riesz_core::{Unzipped, current_source, inline};

/// The value of `f` at `x` and its differential Df(x), to be applied, composed, added, transposed
/// or written as a matrix.
///
/// # Errors
/// Left in the trace when no leaf of the argument or of the result is a float.
///
/// ```
/// use riesz::prelude::*;
/// let f = compile(|x: Var| {
///     let (y, df) = linearize(|x: Var| x.square(), x);
///     (y, df.matrix())
/// });
/// let (_, matrix) = f.call(&Tensor::from([1.0, 2.0]))?;
/// assert_eq!(matrix, Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn linearize<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, x: A) -> (R, LinearMap<A, R>) {
    let source = current_source();
    let Some(recorded) = record(&f, &x) else {
        // The function itself failed, so only it can say what it would have given.
        let (input, y) = (Space::of(&x), f(x));
        let map = LinearMap::failed(input, Space::of(&y), source);
        return (y, map);
    };
    let halves = recorded.linearize(source);
    let Recorded { program, args, argument, result } = recorded;
    match halves {
        Some(Unzipped { primal, linear, .. }) => {
            let mut y = inline(&primal, &args);
            let known = y.split_off(program.outputs().len());
            (result.tree(&y), LinearMap::from_program(linear, known, argument, result, source))
        }
        None => (result.tree(&[]), LinearMap::failed(argument, result, source)),
    }
}
