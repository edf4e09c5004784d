//! Trees of values: what functions take and give.
//!
//! Every finite-dimensional space is Rⁿ: a number, a matrix, a tuple of them, a list, a struct is a
//! *tree* whose leaves in order are one long vector ([`flatten`], [`unflatten`]). The same tree has
//! [`Var`]s as leaves while a function is traced and [`Tensor`]s outside: a struct is generic over
//! what is at its leaves, and `#[derive(Tree)]` does the rest.
//!
//! ```
//! use riesz::prelude::*;
//!
//! #[derive(Clone, Tree)]
//! struct Dense<T> {
//!     w: T,
//!     b: T,
//! }
//!
//! #[derive(Clone, Tree)]
//! struct Mlp<T> {
//!     layers: Vec<Dense<T>>,
//!     scale: Option<T>,
//!     #[tree(static)]
//!     leak: f64, // not a value but a part of the structure: another number is another program
//! }
//!
//! let loss = compile(grad(|m: Mlp<Var>| {
//!     let x = Var::constant([1.0, -1.0]);
//!     let run = |x: Var, d: &Dense<Var>| {
//!         let z = d.w.dot(x) + d.b;
//!         z.maximum(m.leak * z)
//!     };
//!     m.layers.iter().fold(x, run).sum()
//! }));
//! let layer = Dense { w: Tensor::from([[1.0, 2.0]]), b: Tensor::from([0.5]) };
//! let g = loss.call(&Mlp { layers: vec![layer], scale: None, leak: 0.1 })?;
//! assert_eq!(g.layers[0].w, Tensor::from([[0.1, -0.1]])); // 1 − 2 + 0.5 is on the leaky side
//! # Ok::<(), Error>(())
//! ```
//!
//! **Leaves that cannot move.** A leaf may be a tensor of integers or truth values. Such a leaf has no
//! derivative: its tangents and cotangents are zeros of its own type and shape, and it is no part of
//! the vector of [`flatten`]. A transformation of an argument without any float leaf is an error.
//!
//! What is no tree does not compile:
//!
//! ```compile_fail,E0277
//! # use riesz::prelude::*;
//! #[derive(Clone, Tree)]
//! struct Shared<T> {
//!     w: std::rc::Rc<T>, // `Rc<T>` is not a tree of values
//! }
//! ```

mod containers;
mod vector;
mod zip;

pub use vector::{Flat, flatten, unflatten};
pub use zip::zip_map;

use riesz_core::{Tensor, Var};
use std::fmt;

/// A tree with leaves of one type. Derived: `#[derive(Clone, Tree)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tree of values",
    label = "this is neither a value nor a tree of values",
    note = "a struct or enum becomes a tree by `#[derive(Clone, Tree)]`; it is generic over its leaves",
    note = "a field that is configuration and not a value is marked `#[tree(static)]`"
)]
pub trait Tree: Clone {
    /// What is at the leaves.
    type Leaf: Leaf;
    /// The same tree with other leaves, or with a tree in the place of each leaf.
    type With<M: Tree>: Tree<Leaf = M::Leaf>;

    /// The same tree with each leaf replaced, in order.
    fn map<M: Tree>(&self, f: &mut impl FnMut(&Self::Leaf) -> M) -> Self::With<M>;

    /// Shows each leaf and the way to it, in order.
    fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a Self::Leaf));

    /// Gives each leaf, to be changed, in order.
    fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut Self::Leaf));

    /// Whether the other tree differs in nothing but the leaves: the same lengths of lists, keys of
    /// maps, variants of enums and static fields.
    fn same<M: Tree>(&self, other: &Self::With<M>) -> bool;

    /// The leaves, in order.
    fn leaves(&self) -> Vec<Self::Leaf> {
        let mut leaves = Vec::new();
        self.visit(&Path::root(), &mut |_, leaf| leaves.push(leaf.clone()));
        leaves
    }

    /// How a person would write each leaf: `.layers[0].w`; the leaf that is a whole tree has no name.
    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.visit(&Path::root(), &mut |path, _| paths.push(path.to_string()));
        paths
    }
}

/// A type that can be at the leaves of a tree; it is a tree with one leaf itself.
pub trait Leaf: Tree<Leaf = Self> {}

/// The position of a leaf: a tree of these remembers a structure without its values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Index(pub usize);

macro_rules! leaf {
    ($($ty:ty),*) => {$(
        impl Tree for $ty {
            type Leaf = $ty;
            type With<M: Tree> = M;
            fn map<M: Tree>(&self, f: &mut impl FnMut(&$ty) -> M) -> M { f(self) }
            #[inline]
            fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a $ty)) { f(path, self) }
            #[inline]
            fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut $ty)) { f(self) }
            fn same<M: Tree>(&self, _: &M) -> bool { true }
        }
        impl Leaf for $ty {}
    )*};
}
leaf!(Var, Tensor, Index);

/// The way from the root of a tree to a part of it. It lives on the stack of [`Tree::visit`].
pub struct Path<'a>(Option<(&'a Path<'a>, Step<'a>)>);

/// One step down a tree.
#[derive(Clone, Copy)]
pub enum Step<'a> {
    /// To a field, or a position of a tuple.
    Field(&'a str),
    /// To an element of a list.
    Element(usize),
    /// To the value of a key.
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// The empty path.
    pub fn root() -> Path<'static> {
        Path(None)
    }

    /// This path and one step more.
    pub fn then(&'a self, step: Step<'a>) -> Path<'a> {
        Path(Some((self, step)))
    }
}

impl Path<'_> {
    /// Whether one of the keys is the empty text.
    pub(crate) fn has_empty_key(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|(before, step)| matches!(step, Step::Key("")) || before.has_empty_key())
    }

    /// The steps joined by dots, as the leaves of a tree are called in files: `layers.0.w`.
    pub fn dotted(&self) -> String {
        let Some((before, step)) = &self.0 else { return String::new() };
        let mut name = before.dotted();
        if !name.is_empty() {
            name.push('.');
        }
        name + &match step {
            Step::Field(name) | Step::Key(name) => String::from(*name),
            Step::Element(i) => i.to_string(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((before, step)) = &self.0 else { return Ok(()) };
        before.fmt(f)?;
        match step {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Element(i) => write!(f, "[{i}]"),
            Step::Key(key) => write!(f, "[{key:?}]"),
        }
    }
}

/// A tree of traced values that has a twin of tensors: what transformations accept and return.
/// Every [`Tree`] of `Var`s is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tree of traced values",
    label = "the leaves should be `Var`",
    note = "arguments and results of a traced function are `Var`, tuples, arrays, `Vec`, `Option`, \
            `BTreeMap<String, _>`, `Box` of trees, and types with `#[derive(Clone, Tree)]`"
)]
pub trait VarTree:
    Tree<Leaf = Var, With<Var> = Self, With<Tensor> = Self::Tensors, With<Index> = Self::Skeleton>
{
    /// The twin outside of a trace.
    type Tensors: Tree<
            Leaf = Tensor,
            With<Var> = Self,
            With<Tensor> = Self::Tensors,
            With<Index> = Self::Skeleton,
        >;
    /// The structure alone.
    type Skeleton: Tree<
            Leaf = Index,
            With<Var> = Self,
            With<Tensor> = Self::Tensors,
            With<Index> = Self::Skeleton,
        >;
}

impl<T> VarTree for T
where
    T: Tree<Leaf = Var, With<Var> = T>,
    T::With<Tensor>: Tree<
            Leaf = Tensor,
            With<Var> = T,
            With<Tensor> = T::With<Tensor>,
            With<Index> = T::With<Index>,
        >,
    T::With<Index>: Tree<
            Leaf = Index,
            With<Var> = T,
            With<Tensor> = T::With<Tensor>,
            With<Index> = T::With<Index>,
        >,
{
    type Tensors = T::With<Tensor>;
    type Skeleton = T::With<Index>;
}

/// The structure of a tree, its leaves numbered in order.
pub fn skeleton<T: Tree>(tree: &T) -> T::With<Index> {
    let mut next = 0;
    tree.map(&mut |_| {
        next += 1;
        Index(next - 1)
    })
}

/// The tree of `like` with other leaves, in order; `missing` where there are too few.
pub(crate) fn with_leaves<T: Tree, M: Leaf>(
    like: &T,
    leaves: impl IntoIterator<Item = M>,
    missing: &M,
) -> T::With<M> {
    let mut leaves = leaves.into_iter();
    like.map(&mut |_| leaves.next().unwrap_or_else(|| missing.clone()))
}
