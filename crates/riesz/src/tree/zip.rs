//! Two trees leaf by leaf.

use super::{Tree, VarTree, with_leaves};
use riesz_core::{Error, Var, current_source, fail};

/// The tree of `f` of each pair of leaves of two trees with one structure: an update of parameters by
/// their gradients.
///
/// # Errors
/// Left in the trace when the trees differ in structure.
///
/// ```
/// use riesz::prelude::*;
/// let step = compile(|(w, b): (Var, Var)| {
///     let g = grad(|(w, b): (Var, Var)| (w.square().sum() + b) * 0.5)((w, b));
///     zip_map(&(w, b), &g, |p, g| p - 0.1 * g)
/// });
/// let (w, b) = step.call(&(Tensor::from([1.0, 2.0]), Tensor::from(3.0)))?;
/// assert_eq!((w, b), (Tensor::from([0.9, 1.8]), Tensor::from(2.95)));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn zip_map<A: VarTree>(x: &A, y: &A, mut f: impl FnMut(Var, Var) -> Var) -> A {
    if !x.same::<Var>(y) {
        fail(Error::usage(difference(x, y)).at("zip_map", current_source()));
        return x.map(&mut |_| Var::poison());
    }
    let pairs = x.leaves().into_iter().zip(y.leaves());
    with_leaves(x, pairs.map(|(x, y)| f(x, y)).collect::<Vec<_>>(), &Var::poison())
}

/// In what two trees that are not the same differ, in words.
pub(crate) fn difference<A: Tree, B: Tree>(x: &A, y: &B) -> String {
    let (x, y) = (x.paths(), y.paths());
    let only =
        |here: &[String], there: &[String]| here.iter().find(|path| !there.contains(path)).cloned();
    match (only(&x, &y), only(&y, &x)) {
        (Some(path), _) => format!("the trees differ: only the first has a leaf {path}"),
        (_, Some(path)) => format!("the trees differ: only the second has a leaf {path}"),
        _ => "the trees differ in a static field or the variant of an enum".to_string(),
    }
}
