//! Every finite-dimensional space is Rⁿ: a tree as one vector, and back.

use super::{Leaf, Tree, with_leaves};
use riesz_core::{DType, Error, Result, Tensor, Type, Var, current_source, fail};

/// The leaves that can be joined to one vector.
pub trait Flat: Leaf {
    /// What a step that can fail returns: `T` inside a trace, where nothing fails at once, and
    /// `Result<T>` outside.
    type Outcome<T>;

    /// Element type and shape.
    fn type_of(&self) -> Type;

    /// Leaves of one element type as one vector.
    ///
    /// # Errors
    /// When they cannot be stored.
    fn join(leaves: &[Self], dtype: DType) -> Result<Self>;

    /// The elements of a vector from `start` on, in the shape of `ty`.
    ///
    /// # Errors
    /// When there are too few.
    fn part(&self, start: usize, ty: &Type) -> Result<Self>;

    /// The result; inside a trace an error is left there, and `poisoned` says what stands for it.
    fn outcome<T>(result: Result<T>, poisoned: impl FnOnce(Self) -> T) -> Self::Outcome<T>;
}

impl Flat for Var {
    type Outcome<T> = T;
    fn type_of(&self) -> Type {
        self.ty()
    }
    fn join(leaves: &[Var], _: DType) -> Result<Var> {
        let flat: Vec<Var> = leaves.iter().map(|v| v.reshape([v.shape().size()])).collect();
        Ok(if let [one] = flat[..] { one } else { Var::concat(&flat, 0) })
    }
    fn part(&self, start: usize, ty: &Type) -> Result<Var> {
        Ok(self.slice_axis(0, start, start + ty.size()).reshape(ty.shape.clone()))
    }
    fn outcome<T>(result: Result<T>, poisoned: impl FnOnce(Var) -> T) -> T {
        result.unwrap_or_else(|error| poisoned(fail(error)))
    }
}

impl Flat for Tensor {
    type Outcome<T> = Result<T>;
    fn type_of(&self) -> Type {
        self.ty()
    }
    fn join(leaves: &[Tensor], dtype: DType) -> Result<Tensor> {
        // By way of f64, which holds every f32.
        let values: Vec<f64> = leaves.iter().flat_map(Tensor::to_f64).collect();
        Tensor::from_f64(&values, [values.len()], dtype)
    }
    fn part(&self, start: usize, ty: &Type) -> Result<Tensor> {
        let values = self.to_f64();
        Tensor::from_f64(&values[start..start + ty.size()], ty.shape.clone(), ty.dtype)
    }
    fn outcome<T>(result: Result<T>, _: impl FnOnce(Tensor) -> T) -> Result<T> {
        result
    }
}

/// The elements of all float leaves, in order, as one vector: a `Var` for a tree of `Var`s, a
/// `Result<Tensor>` for a tree of tensors.
///
/// # Errors
/// When no leaf is a float, or they are not all f32 or all f64.
///
/// ```
/// use riesz::prelude::*;
/// let tree = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), vec![Tensor::from(5.0), Tensor::from(7i64)]);
/// let v = flatten(&tree)?;
/// assert_eq!(v, Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0])); // integers are no part of it
/// assert_eq!(unflatten(&tree, v)?, tree);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn flatten<A: Tree<Leaf: Flat>>(tree: &A) -> <A::Leaf as Flat>::Outcome<A::Leaf> {
    let source = current_source();
    let floats = tree.leaves().into_iter().filter(|leaf| leaf.type_of().dtype.is_float());
    let joined = one_type(tree)
        .and_then(|dtype| A::Leaf::join(&floats.collect::<Vec<_>>(), dtype))
        .map_err(|e| e.at("flatten", source));
    A::Leaf::outcome(joined, |vector| vector)
}

/// The tree like `like` whose float leaves have the elements of `vector`, in order; other leaves are
/// those of `like`. The inverse of [`flatten`].
///
/// # Errors
/// When the vector has another length or element type than [`flatten`] would give.
#[track_caller]
pub fn unflatten<A: Tree<Leaf: Flat>>(
    like: &A,
    vector: A::Leaf,
) -> <A::Leaf as Flat>::Outcome<A::With<A::Leaf>> {
    let source = current_source();
    let tree = parts(like, &vector).map_err(|e| e.at("unflatten", source));
    A::Leaf::outcome(tree.map(|leaves| with_leaves(like, leaves, &vector)), |poison| {
        like.map(&mut |_| poison.clone())
    })
}

fn parts<A: Tree<Leaf: Flat>>(like: &A, vector: &A::Leaf) -> Result<Vec<A::Leaf>> {
    let mut leaves = like.leaves();
    let is_float = |leaf: &A::Leaf| leaf.type_of().dtype.is_float();
    let size = leaves.iter().filter(|leaf| is_float(leaf)).map(|leaf| leaf.type_of().size()).sum();
    let (expected, given) = (Type::new(one_type(like)?, [size]), vector.type_of());
    if given != expected {
        return Err(Error::shape(format!("the vector is {given}, the tree needs {expected}")));
    }
    let mut start = 0;
    for leaf in leaves.iter_mut().filter(|leaf| is_float(leaf)) {
        let ty = leaf.type_of();
        *leaf = vector.part(start, &ty)?;
        start += ty.size();
    }
    Ok(leaves)
}

/// The element type of all float leaves.
fn one_type<A: Tree<Leaf: Flat>>(tree: &A) -> Result<DType> {
    let types = tree.leaves().into_iter().map(|leaf| leaf.type_of().dtype);
    let mut floats = types.zip(tree.paths()).filter(|(dtype, _)| dtype.is_float());
    let Some((dtype, first)) = floats.next() else {
        return Err(Error::usage("the tree has no float leaf, so it is no vector"));
    };
    match floats.find(|(other, _)| *other != dtype) {
        None => Ok(dtype),
        Some((other, path)) => Err(Error::shape(format!(
            "one vector cannot hold leaf {first}, which is {dtype}, and leaf {path}, which is {other}"
        ))
        .help("convert leaves to one type with `.cast(DType::F64)`")),
    }
}
