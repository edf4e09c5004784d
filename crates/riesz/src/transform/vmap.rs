//! `vmap`: a function of one instance becomes a function of many.

use super::{Recorded, ok, poisoned, record_as};
use crate::tree::VarTree;
use riesz_core::{Error, Result, Source, Type, Var, current_source, inline};

/// The function over many instances at once, which lie along the first axis of every leaf of the
/// argument and of the result. What the function captures is the same for all.
///
/// # Errors
/// Left in the trace when the leaves have different numbers of instances.
///
/// ```
/// use riesz::prelude::*;
/// let norms = compile(vmap(|x: Var| x.square().sum()));
/// assert_eq!(norms.call(&Tensor::from([[1.0, 2.0], [3.0, 4.0]]))?, Tensor::from([5.0, 25.0]));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn vmap<A: VarTree, R: VarTree>(f: impl Fn(A) -> R) -> impl Fn(A) -> R {
    vmap_axes(f, [Some(0)], [0])
}

/// As [`vmap`], with the axis along which the instances lie in each leaf of the argument, `None` for a
/// leaf that is the same for all, and the axis along which they shall lie in each leaf of the result.
/// A list has one axis for each leaf, in order, or one for all.
///
/// # Errors
/// Left in the trace as for [`vmap`]; and when an axis does not exist, a list has another length, or
/// no leaf is mapped.
///
/// ```
/// use riesz::prelude::*;
/// // Columns times numbers: x is mapped over its second axis, the results become columns.
/// let f = compile(vmap_axes(|(x, c): (Var, Var)| c * x, [Some(1), Some(0)], [1]));
/// let args = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([1.0, 10.0]));
/// assert_eq!(f.call(&args)?, Tensor::from([[1.0, 20.0], [3.0, 40.0]]));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn vmap_axes<A: VarTree, R: VarTree>(
    f: impl Fn(A) -> R,
    arguments: impl Into<Vec<Option<usize>>>,
    results: impl Into<Vec<usize>>,
) -> impl Fn(A) -> R {
    let (arguments, results) = (arguments.into(), results.into());
    let source = current_source();
    move |x| {
        let attempt = || {
            let mapped = ok(instances(&x.leaves(), &arguments).map_err(|e| e.at("vmap", source)))?;
            let recorded = record_as(&f, &x, mapped.types)?;
            map_record(&recorded, mapped.axes, mapped.count, &results, source)
        };
        // A function that failed is asked again, on poisoned values, for the tree it would have given.
        attempt().unwrap_or_else(|| f(poisoned(&x)))
    }
}

/// Writes the mapped record into the trace.
fn map_record<A: VarTree, R: VarTree>(
    recorded: &Recorded<A, R>,
    mut axes: Vec<Option<usize>>,
    n: usize,
    results: &[usize],
    source: Source,
) -> Option<R> {
    axes.resize(recorded.args.len(), None);
    let program = ok(riesz_core::vmap(&recorded.program, &axes, n))?;
    let leaves = inline(&program, &recorded.args);
    let to = ok(for_each_leaf(results, leaves.len(), "result").map_err(|e| e.at("vmap", source)))?;
    for (i, (leaf, &axis)) in leaves.iter().zip(&to).enumerate() {
        if axis >= leaf.rank().max(1) {
            let (rank, i) = (leaf.rank(), i + 1);
            let message = format!(
                "leaf {i} of the result has {rank} axes with its instances, none is {axis}"
            );
            return ok(Err(Error::shape(message).at("vmap", source)));
        }
    }
    let moved: Vec<Var> = leaves.iter().zip(to).map(|(y, axis)| y.move_axis(0, axis)).collect();
    Some(recorded.result.tree(&moved))
}

/// How the arguments are mapped.
struct Mapped {
    /// The types of one instance.
    types: Vec<Type>,
    /// The axis of each leaf.
    axes: Vec<Option<usize>>,
    /// How many instances there are.
    count: usize,
}

fn instances(leaves: &[Var], axes: &[Option<usize>]) -> Result<Mapped> {
    let axes = for_each_leaf(axes, leaves.len(), "argument")?;
    let wrong = |message: String| Err(Error::shape(message));
    let mut count: Option<usize> = None;
    let mut types = Vec::with_capacity(leaves.len());
    for (i, (leaf, axis)) in leaves.iter().zip(&axes).enumerate() {
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
        Some(count) => Ok(Mapped { types, axes, count }),
        None => wrong("no leaf is mapped".to_string()),
    }
}

/// One axis for each of `n` leaves.
fn for_each_leaf<T: Clone>(axes: &[T], n: usize, what: &str) -> Result<Vec<T>> {
    match axes {
        [one] => Ok(vec![one.clone(); n]),
        _ if axes.len() == n => Ok(axes.to_vec()),
        _ => {
            let named = axes.len();
            let message = format!("{named} axes are named for {what}s of {n} leaves");
            Err(Error::shape(message).help("name one axis for each leaf, or one for all"))
        }
    }
}
