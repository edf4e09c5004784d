//! `jacobian`: all partial derivatives of all results.

use super::linearize::linearize;
use crate::tree::VarTree;
use riesz_core::Var;

/// Which way a Jacobian is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Forward when there are at least as many results as arguments, reverse otherwise.
    #[default]
    Auto,
    /// One forward pass for each element of the argument.
    Forward,
    /// One backward pass for each element of the result.
    Reverse,
}

/// The Jacobian of a function with one result: for each leaf of the argument, a value whose shape is
/// that of the result followed by that of the leaf. For a vector of a vector, the m×n matrix.
///
/// # Errors
/// Left in the trace when a leaf is not a float.
///
/// ```
/// use riesz::prelude::*;
/// let j = compile(jacobian(|x: Var| x * x.sum()));
/// assert_eq!(j.call(&Tensor::from([1.0, 2.0]))?, Tensor::from([[4.0, 1.0], [2.0, 5.0]]));
/// # Ok::<(), Error>(())
/// ```
pub fn jacobian<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> A {
    jacobian_by(f, Mode::Auto)
}

/// As [`jacobian`], in a mode of the caller's choice; the results differ only in rounding.
pub fn jacobian_by<A: VarTree>(f: impl Fn(A) -> Var, mode: Mode) -> impl Fn(A) -> A {
    move |x: A| {
        let (y, map) = linearize(&f, x.clone());
        if y.is_poisoned() {
            return super::poisoned(&x);
        }
        let columns: usize = x.leaves().iter().map(|v| v.shape().size()).sum();
        let forward = match mode {
            Mode::Auto => columns <= y.shape().size(),
            Mode::Forward => true,
            Mode::Reverse => false,
        };
        let matrix = if forward { map.matrix() } else { map.transpose().matrix().t() };
        if matrix.is_poisoned() {
            return super::poisoned(&x);
        }
        let mut start = 0;
        x.map(&mut |leaf| {
            let shape = leaf.shape();
            let part = matrix.slice_axis(1, start, start + shape.size());
            start += shape.size();
            part.reshape([y.shape().to_vec(), shape.to_vec()].concat())
        })
    }
}
