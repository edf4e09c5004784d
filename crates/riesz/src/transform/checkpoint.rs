//! `checkpoint`: compute again instead of keeping.

use super::place;
use super::space::Space;
use crate::tree::VarTree;
use riesz_core::{control, current_source};

/// The function, of which reverse mode keeps nothing but the arguments: what the backward run needs of
/// the forward run is computed a second time. Memory is traded for time; the numbers are the same.
///
/// ```
/// use riesz::prelude::*;
/// let layer = checkpoint(|x: Var| x.sin().exp());
/// let slope = compile(grad(|x: Var| layer(layer(x))));
/// let x: f64 = 0.5;
/// let y = x.sin().exp();
/// let expected = y.sin().exp() * y.cos() * y * x.cos();
/// assert!((slope.call(&Tensor::from(x))?.item::<f64>()? - expected).abs() < 1e-15);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn checkpoint<A: VarTree, R: VarTree>(f: impl Fn(A) -> R) -> impl Fn(A) -> R {
    let source = current_source();
    move |x| {
        let space = Space::of(&x);
        let mut result = None;
        let y = control::checkpoint(source, &x.leaves(), |x| {
            super::cond::remember(f(space.tree(x)), &mut result)
        });
        match result {
            Some(result) => place(&result, &y),
            None => f(x),
        }
    }
}
