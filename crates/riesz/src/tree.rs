//! Trees of values: what functions take and give.
//!
//! Every finite-dimensional space is Rⁿ: a number, a matrix, a tuple of them, a list, a struct is a
//! *tree* whose leaves in order are one long vector. The same tree has [`Var`]s as leaves while a
//! function is traced and [`Tensor`]s outside.

use riesz_core::{Tensor, Var};
use std::collections::BTreeMap;

/// A tree with leaves of one type.
pub trait Tree: Clone {
    /// What is at the leaves.
    type Leaf: Leaf;
    /// The same tree with other leaves.
    type With<M: Leaf>: Tree<Leaf = M>;

    /// The same tree with each leaf replaced, in order.
    fn map<M: Leaf>(&self, f: &mut impl FnMut(&Self::Leaf) -> M) -> Self::With<M>;

    /// What distinguishes trees of this type besides their leaves: lengths of lists, keys of maps.
    fn structure(&self, out: &mut Vec<String>);

    /// The leaves, in order.
    fn leaves(&self) -> Vec<Self::Leaf> {
        let mut leaves = Vec::new();
        self.map(&mut |leaf| {
            leaves.push(leaf.clone());
            Index(0)
        });
        leaves
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
            type With<M: Leaf> = M;
            fn map<M: Leaf>(&self, f: &mut impl FnMut(&$ty) -> M) -> M { f(self) }
            fn structure(&self, _: &mut Vec<String>) {}
        }
        impl Leaf for $ty {}
    )*};
}
leaf!(Var, Tensor, Index);

/// A tree of traced values that has a twin of tensors: what transformations accept and return.
/// Every [`Tree`] of `Var`s is one.
pub trait VarTree:
    Tree<Leaf = Var, With<Var> = Self, With<Tensor> = Self::Tensors, With<Index> = Self::Skeleton>
{
    /// The twin outside of a trace.
    type Tensors: Tree<Leaf = Tensor, With<Var> = Self, With<Tensor> = Self::Tensors>;
    /// The structure alone.
    type Skeleton: Tree<Leaf = Index, With<Var> = Self, With<Tensor> = Self::Tensors>;

    /// The structure of this tree, its leaves numbered in order.
    fn skeleton(&self) -> Self::Skeleton {
        let mut next = 0;
        self.map(&mut |_| {
            next += 1;
            Index(next - 1)
        })
    }
}

impl<T> VarTree for T
where
    T: Tree<Leaf = Var, With<Var> = T>,
    T::With<Tensor>: Tree<Leaf = Tensor, With<Var> = T, With<Tensor> = T::With<Tensor>>,
    T::With<Index>: Tree<Leaf = Index, With<Var> = T, With<Tensor> = T::With<Tensor>>,
{
    type Tensors = T::With<Tensor>;
    type Skeleton = T::With<Index>;
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*;)*) => {$(
        impl<$first: Tree, $($rest: Tree<Leaf = $first::Leaf>),*> Tree for ($first, $($rest,)*) {
            type Leaf = $first::Leaf;
            type With<Z: Leaf> = ($first::With<Z>, $($rest::With<Z>,)*);
            #[allow(non_snake_case)]
            fn map<Z: Leaf>(&self, f: &mut impl FnMut(&Self::Leaf) -> Z) -> Self::With<Z> {
                let ($first, $($rest,)*) = self;
                ($first.map(f), $($rest.map(f),)*)
            }
            #[allow(non_snake_case)]
            fn structure(&self, out: &mut Vec<String>) {
                let ($first, $($rest,)*) = self;
                $first.structure(out);
                $($rest.structure(out);)*
            }
        }
    )*};
}
tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
}

impl<T: Tree, const N: usize> Tree for [T; N] {
    type Leaf = T::Leaf;
    type With<M: Leaf> = [T::With<M>; N];
    fn map<M: Leaf>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        std::array::from_fn(|i| self[i].map(f))
    }
    fn structure(&self, out: &mut Vec<String>) {
        self.iter().for_each(|t| t.structure(out));
    }
}

impl<T: Tree> Tree for Vec<T> {
    type Leaf = T::Leaf;
    type With<M: Leaf> = Vec<T::With<M>>;
    fn map<M: Leaf>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        self.iter().map(|t| t.map(f)).collect()
    }
    fn structure(&self, out: &mut Vec<String>) {
        out.push(format!("[{}]", self.len()));
        self.iter().for_each(|t| t.structure(out));
    }
}

impl<T: Tree> Tree for Option<T> {
    type Leaf = T::Leaf;
    type With<M: Leaf> = Option<T::With<M>>;
    fn map<M: Leaf>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        self.as_ref().map(|t| t.map(f))
    }
    fn structure(&self, out: &mut Vec<String>) {
        out.push(if self.is_some() { "some" } else { "none" }.to_string());
        self.iter().for_each(|t| t.structure(out));
    }
}

impl<T: Tree> Tree for BTreeMap<String, T> {
    type Leaf = T::Leaf;
    type With<M: Leaf> = BTreeMap<String, T::With<M>>;
    fn map<M: Leaf>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        self.iter().map(|(key, t)| (key.clone(), t.map(f))).collect()
    }
    fn structure(&self, out: &mut Vec<String>) {
        for (key, t) in self {
            out.push(format!("{key:?}:"));
            t.structure(out);
        }
        out.push("}".to_string());
    }
}

/// The tree of `like` with other leaves, in order; `missing` where there are too few.
pub(crate) fn unflatten<T: Tree, M: Leaf>(like: &T, leaves: Vec<M>, missing: &M) -> T::With<M> {
    let mut leaves = leaves.into_iter();
    like.map(&mut |_| leaves.next().unwrap_or_else(|| missing.clone()))
}
