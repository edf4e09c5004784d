//! `vmap`: a function of one instance becomes a function of many.

use super::{ok, poisoned, record_as};
use crate::tree::VarTree;
use riesz_core::{Error, Type, Var, current_source, fail, inline};

/// The function over many instances at once, which lie along the first axis of every leaf of the
/// argument and of the result. What the function captures is the same for all.
///
/// # Errors
/// Left in the trace when the leaves have different numbers of instances, or none lies along an axis.
///
/// ```
/// use riesz::prelude::*;
/// let norms = compile(vmap(|x: Var| x.square().sum()));
/// assert_eq!(norms.call(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]))?, Tensor::from([5.0, 25.0]));
/// # Ok::<(), Error>(())
/// ```
pub fn vmap<A: VarTree, R: VarTree>(f: impl Fn(A) -> R) -> impl Fn(A) -> R {
    move |x| {
        let axes = vec![Some(0); x.leaves().len()];
        map_over(&f, x, &axes)
    }
}

/// As [`vmap`], with the axis along which the instances lie in each leaf of the argument; `None`
/// for a leaf that is the same for all.
pub fn vmap_axes<A: VarTree, R: VarTree>(
    f: impl Fn(A) -> R,
    axes: impl Into<Vec<Option<usize>>>,
) -> impl Fn(A) -> R {
    let axes = axes.into();
    move |x| map_over(&f, x, &axes)
}

fn map_over<A: VarTree, R: VarTree>(f: &impl Fn(A) -> R, x: A, axes: &[Option<usize>]) -> R {
    let attempt = || {
        let (types, n) = ok(instances(&x.leaves(), axes))?;
        let recorded = record_as(f, &x, types)?;
        let mut all = axes.to_vec();
        all.resize(recorded.args.len(), None);
        let program = ok(riesz_core::vmap(&recorded.program, &all, n))?;
        Some(recorded.result.tree(&inline(&program, &recorded.args)))
    };
    // A function that failed is asked again, on poisoned values, for the tree it would have given.
    attempt().unwrap_or_else(|| f(poisoned(&x)))
}

/// The types of one instance, and how many there are.
fn instances(leaves: &[Var], axes: &[Option<usize>]) -> riesz_core::Result<(Vec<Type>, usize)> {
    let wrong = |message: String| Err(Error::shape(message).at("vmap", current_source()));
    if leaves.len() != axes.len() {
        let (n, m) = (axes.len(), leaves.len());
        return wrong(format!("{n} axes are named for an argument of {m} leaves"));
    }
    let mut count: Option<usize> = None;
    let mut types = Vec::with_capacity(leaves.len());
    for (i, (leaf, axis)) in leaves.iter().zip(axes).enumerate() {
        let ty = leaf.ty();
        let mut shape = ty.shape.to_vec();
        if let Some(axis) = *axis {
            if leaf.is_poisoned() {
                return wrong("the argument failed already".to_string());
            }
            if axis >= shape.len() {
                return wrong(format!("leaf {} is {ty}, it has no axis {axis}", i + 1));
            }
            let n = shape.remove(axis);
            match count {
                Some(m) if m != n => {
                    return wrong(format!("leaf {} has {n} instances, others have {m}", i + 1));
                }
                _ => count = Some(n),
            }
        }
        types.push(Type::new(ty.dtype, shape));
    }
    match count {
        Some(n) => Ok((types, n)),
        None => {
            fail(Error::shape("no leaf is mapped").at("vmap", current_source()));
            wrong("no leaf is mapped".to_string())
        }
    }
}
