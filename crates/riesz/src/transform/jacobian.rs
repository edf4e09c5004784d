//! `jacobian`: all partial derivatives of all results.

use super::linearize::linearize;
use crate::tree::VarTree;
use riesz_core::Var;

/// Which way a Jacobian is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Whichever costs less: the number of passes times the operations of one.
    #[default]
    Auto,
    /// One forward pass for each element of the argument.
    Forward,
    /// One backward pass for each element of the result.
    Reverse,
}

/// The Jacobian: the tree of the result with, in the place of each leaf, the tree of the argument. The
/// block of a leaf of the result and one of the argument has the shape of the first followed by that
/// of the second. For a vector of a vector, the m×n matrix.
///
/// # Errors
/// Left in the trace when no leaf of the argument or the result is a float, or they are not all f32
/// or all f64.
///
/// ```
/// use riesz::prelude::*;
/// let j = compile(jacobian(|x: Var| x * x.sum()));
/// assert_eq!(j.call(&Tensor::from([1.0, 2.0]))?, Tensor::from([[4.0, 1.0], [2.0, 5.0]]));
/// // Two results of two arguments: two by two blocks.
/// let j = compile(jacobian(|(x, c): (Var, Var)| (c * x, x.sum())));
/// let at = (Tensor::from([1.0, 2.0]), Tensor::from(3.0));
/// let ((by_x, by_c), (sum_by_x, sum_by_c)) = j.call(&at)?;
/// assert_eq!(by_x, Tensor::from([[3.0, 0.0], [0.0, 3.0]]));
/// assert_eq!((by_c, sum_by_x), (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 1.0])));
/// assert_eq!(sum_by_c, Tensor::from(0.0));
/// # Ok::<(), Error>(())
/// ```
pub fn jacobian<A: VarTree, R: VarTree>(f: impl Fn(A) -> R) -> impl Fn(A) -> R::With<A> {
    jacobian_by(f, Mode::Auto)
}

/// As [`jacobian`], in a mode of the caller's choice; the results differ only in rounding.
pub fn jacobian_by<A: VarTree, R: VarTree>(
    f: impl Fn(A) -> R,
    mode: Mode,
) -> impl Fn(A) -> R::With<A> {
    move |x: A| {
        let (y, map) = linearize(&f, x.clone());
        let matrix = match mode {
            Mode::Auto => {
                let back = map.transpose();
                if map.matrix_cost() <= back.matrix_cost() {
                    map.matrix()
                } else {
                    back.matrix().t()
                }
            }
            Mode::Forward => map.matrix(),
            Mode::Reverse => map.transpose().matrix().t(),
        };
        blocks(matrix, &y, &x)
    }
}

/// The matrix of a linear map cut into one block for each leaf of the result and of the argument.
pub(super) fn blocks<A: VarTree, R: VarTree>(matrix: Var, y: &R, x: &A) -> R::With<A> {
    let mut row = 0;
    y.map(&mut |result: &Var| {
        let (of, mut column) = (result.ty(), 0);
        let rows = if of.dtype.is_float() { of.size() } else { 0 };
        let band = matrix.slice_axis(0, row, row + rows);
        row += rows;
        x.map(&mut |leaf: &Var| {
            let by = leaf.ty();
            let shape = [&of.shape[..], &by.shape].concat();
            // What cannot move has no derivative, and none is taken by it.
            for ty in [&of, &by] {
                if !ty.dtype.is_float() {
                    return Var::zeros(&ty.with_shape(shape));
                }
            }
            column += by.size();
            band.slice_axis(1, column - by.size(), column).reshape(shape)
        })
    })
}
