//! The space a tree lives in: what a linear map goes between.

use super::tuple_of;
use crate::tree::{Tree, VarTree, skeleton, with_leaves};
use riesz_core::{DType, Error, Result, Source, Type, Var, fail};

/// The structure of a tree and the types of its leaves. Its directions are the trees like it; a leaf
/// that is no float cannot move, and stands in a direction as zeros.
#[derive(Clone)]
pub(super) struct Space<A: VarTree> {
    skeleton: A::Skeleton,
    types: Vec<Type>,
}

impl<A: VarTree> Space<A> {
    /// The space of `x`.
    pub fn of(x: &A) -> Space<A> {
        Space::new(skeleton(x), x.leaves().iter().map(|v| v.ty()).collect())
    }

    /// The space of trees with this structure and these types.
    pub fn new(skeleton: A::Skeleton, types: Vec<Type>) -> Space<A> {
        Space { skeleton, types }
    }

    /// The types of all leaves.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// Which leaves can move.
    pub fn moves(&self) -> impl Iterator<Item = bool> {
        self.types.iter().map(|ty| ty.dtype.is_float())
    }

    /// The types of the leaves that can move.
    pub fn directions(&self) -> Vec<Type> {
        self.types.iter().filter(|ty| ty.dtype.is_float()).cloned().collect()
    }

    /// The number of dimensions: of elements that can move.
    pub fn dim(&self) -> usize {
        self.directions().iter().map(Type::size).sum()
    }

    /// The tree with these leaves, poisoned where there are too few.
    pub fn tree(&self, leaves: &[Var]) -> A {
        with_leaves(&self.skeleton, leaves.iter().copied(), &Var::poison())
    }

    /// The tree whose leaves that can move are these; zeros elsewhere.
    pub fn direction(&self, moving: &[Var]) -> A {
        let mut moving = moving.iter().copied();
        self.skeleton.map(&mut |i| match self.types.get(i.0) {
            Some(ty) if !ty.dtype.is_float() => Var::zeros(ty),
            _ => moving.next().unwrap_or_else(Var::poison),
        })
    }

    /// The leaves of a direction that can move, or nothing and an error in the trace when `dx` is of
    /// another space. `what` says whose direction it is.
    pub fn moving(&self, dx: &A, what: &str, name: &str, source: Source) -> Option<Vec<Var>> {
        let leaves = dx.leaves();
        let given: Vec<Type> = leaves.iter().map(|v| v.ty()).collect();
        if leaves.iter().any(|v| v.is_poisoned()) {
            return None;
        }
        if given != self.types {
            let (given, types) = (tuple_of(&given), tuple_of(&self.types));
            fail(
                Error::shape(format!("the direction is {given}, {what} is {types}"))
                    .at(name, source),
            );
            return None;
        }
        Some(
            leaves.into_iter().zip(self.moves()).filter(|pair| pair.1).map(|pair| pair.0).collect(),
        )
    }

    /// Refuses a space without dimensions because nothing in it is a float.
    pub fn expect_moving(&self, what: &str) -> Result<()> {
        if self.types.is_empty() || self.moves().any(|moves| moves) {
            return Ok(());
        }
        let message = match &self.types[..] {
            [ty] => format!("{what} is {}, which has no derivative", ty.dtype),
            types => format!("{what} is {}; nothing in it has a derivative", tuple_of(types)),
        };
        Err(Error::usage(message)
            .help("differentiate by f32 or f64 values; convert with `.cast(DType::F64)`"))
    }

    /// The element type of all leaves that can move.
    pub fn dtype(&self) -> Option<DType> {
        let types = self.directions();
        let first = types.first()?.dtype;
        types.iter().all(|ty| ty.dtype == first).then_some(first)
    }
}
