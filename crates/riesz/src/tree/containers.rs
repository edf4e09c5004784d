//! The trees of the standard library: tuples, arrays, lists, options, maps and boxes of trees.

use super::{Path, Step, Tree};
use std::collections::BTreeMap;

macro_rules! tuples {
    ($([$first:ident $($rest:ident)*] [$($at:tt)*])*) => {$(
        impl<$first: Tree, $($rest: Tree<Leaf = $first::Leaf>),*> Tree for ($first, $($rest,)*) {
            type Leaf = $first::Leaf;
            type With<Z: Tree> = ($first::With<Z>, $($rest::With<Z>,)*);
            fn map<Z: Tree>(&self, f: &mut impl FnMut(&Self::Leaf) -> Z) -> Self::With<Z> {
                ($(self.$at.map(f),)*)
            }
            #[inline]
            fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a Self::Leaf)) {
                $(self.$at.visit(&path.then(Step::Field(stringify!($at))), f);)*
            }
            #[inline]
            fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut Self::Leaf)) {
                $(self.$at.visit_mut(f);)*
            }
            fn same<Z: Tree>(&self, other: &Self::With<Z>) -> bool {
                $(self.$at.same::<Z>(&other.$at))&&*
            }
        }
    )*};
}
tuples! {
    [A] [0]
    [A B] [0 1]
    [A B C] [0 1 2]
    [A B C D] [0 1 2 3]
    [A B C D E] [0 1 2 3 4]
    [A B C D E F] [0 1 2 3 4 5]
    [A B C D E F G] [0 1 2 3 4 5 6]
    [A B C D E F G H] [0 1 2 3 4 5 6 7]
    [A B C D E F G H I] [0 1 2 3 4 5 6 7 8]
    [A B C D E F G H I J] [0 1 2 3 4 5 6 7 8 9]
    [A B C D E F G H I J K] [0 1 2 3 4 5 6 7 8 9 10]
    [A B C D E F G H I J K L] [0 1 2 3 4 5 6 7 8 9 10 11]
}

impl<T: Tree, const N: usize> Tree for [T; N] {
    type Leaf = T::Leaf;
    type With<M: Tree> = [T::With<M>; N];
    fn map<M: Tree>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        std::array::from_fn(|i| self[i].map(f))
    }
    fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a T::Leaf)) {
        visit_list(self, path, f);
    }
    fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut T::Leaf)) {
        self.iter_mut().for_each(|t| t.visit_mut(f));
    }
    fn same<M: Tree>(&self, other: &Self::With<M>) -> bool {
        same_list::<T, M>(self, other)
    }
}

impl<T: Tree> Tree for Vec<T> {
    type Leaf = T::Leaf;
    type With<M: Tree> = Vec<T::With<M>>;
    fn map<M: Tree>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        self.iter().map(|t| t.map(f)).collect()
    }
    fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a T::Leaf)) {
        visit_list(self, path, f);
    }
    fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut T::Leaf)) {
        self.iter_mut().for_each(|t| t.visit_mut(f));
    }
    fn same<M: Tree>(&self, other: &Self::With<M>) -> bool {
        same_list::<T, M>(self, other)
    }
}

fn visit_list<'a, T: Tree>(list: &'a [T], path: &Path, f: &mut impl FnMut(&Path, &'a T::Leaf)) {
    list.iter().enumerate().for_each(|(i, t)| t.visit(&path.then(Step::Element(i)), f));
}

fn same_list<T: Tree, M: Tree>(list: &[T], other: &[T::With<M>]) -> bool {
    list.len() == other.len() && list.iter().zip(other).all(|(t, other)| t.same::<M>(other))
}

impl<T: Tree> Tree for Option<T> {
    type Leaf = T::Leaf;
    type With<M: Tree> = Option<T::With<M>>;
    fn map<M: Tree>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        self.as_ref().map(|t| t.map(f))
    }
    fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a T::Leaf)) {
        self.iter().for_each(|t| t.visit(path, f));
    }
    fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut T::Leaf)) {
        self.iter_mut().for_each(|t| t.visit_mut(f));
    }
    fn same<M: Tree>(&self, other: &Self::With<M>) -> bool {
        match (self, other) {
            (Some(t), Some(other)) => t.same::<M>(other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl<T: Tree> Tree for BTreeMap<String, T> {
    type Leaf = T::Leaf;
    type With<M: Tree> = BTreeMap<String, T::With<M>>;
    fn map<M: Tree>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        self.iter().map(|(key, t)| (key.clone(), t.map(f))).collect()
    }
    fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a T::Leaf)) {
        self.iter().for_each(|(key, t)| t.visit(&path.then(Step::Key(key)), f));
    }
    fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut T::Leaf)) {
        self.values_mut().for_each(|t| t.visit_mut(f));
    }
    fn same<M: Tree>(&self, other: &Self::With<M>) -> bool {
        let values = self.values().zip(other.values());
        self.keys().eq(other.keys()) && { values }.all(|(t, other)| t.same::<M>(other))
    }
}

impl<T: Tree> Tree for Box<T> {
    type Leaf = T::Leaf;
    type With<M: Tree> = Box<T::With<M>>;
    fn map<M: Tree>(&self, f: &mut impl FnMut(&T::Leaf) -> M) -> Self::With<M> {
        Box::new(self.as_ref().map(f))
    }
    fn visit<'a>(&'a self, path: &Path, f: &mut impl FnMut(&Path, &'a T::Leaf)) {
        self.as_ref().visit(path, f);
    }
    fn visit_mut<'a>(&'a mut self, f: &mut impl FnMut(&'a mut T::Leaf)) {
        self.as_mut().visit_mut(f);
    }
    fn same<M: Tree>(&self, other: &Self::With<M>) -> bool {
        self.as_ref().same::<M>(other)
    }
}
