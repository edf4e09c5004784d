//! `stop_gradient`: a value taken for a constant.

use crate::tree::VarTree;

/// The same values, through which no derivative passes.
///
/// ```
/// use riesz::prelude::*;
/// let slope = compile(grad(|x: Var| x * stop_gradient(x)));
/// assert_eq!(slope.call(&Tensor::from(3.0))?, Tensor::from(3.0));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn stop_gradient<T: VarTree>(tree: T) -> T {
    tree.map(&mut |leaf| leaf.stop_gradient())
}
