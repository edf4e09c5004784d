//! `scatter_set`: puts values at the elements of an axis that a tensor of indices names.

use super::gather::{cases, expect_indices, parse_axes};
use super::*;
use crate::tensor::Element;
use crate::types::{DType, Shape};
use crate::with_elements;

/// `scatter_set(x, indices, updates)` is `x` with each update in the place [`Gather`] with the same
/// axes would have taken it from. Where an index is repeated the last update stands, and only it
/// has a derivative. Linear in `(x, updates)` together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ScatterSet {
    /// The axis that is indexed.
    pub axis: usize,
    /// How many leading axes all arguments share.
    pub batch: usize,
}

impl ScatterSet {
    fn gather(&self) -> Gather {
        Gather { axis: self.axis, batch: self.batch }
    }

    /// Which updates stand: those whose number is found where they were put.
    fn stands(&self, x: &Type, indices: Var, updates: &Shape) -> Var {
        let number = Iota { ty: Type::new(DType::I64, [updates.size()]), axis: 0 };
        let number = apply(number, &[])[0].reshape(updates.clone());
        let empty = Var::zeros(&x.with_dtype(DType::I64));
        let put = apply(self.clone(), &[empty, indices, number])[0];
        apply(self.gather(), &[put, indices])[0].eq(number)
    }
}

impl Primitive for ScatterSet {
    fn name(&self) -> &'static str {
        "scatter_set"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        self.gather().attributes()
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        expect_updates(&self.gather(), args)
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let [x, index, updates] = args else {
            return Err(Error::shape("takes 3 arguments"));
        };
        fn put<T: Element>(
            gather: &Gather,
            x: &Tensor,
            values: &[T],
            index: &Tensor,
            updates: &Tensor,
        ) -> Result<Tensor> {
            let updates = updates.as_slice::<T>()?;
            let mut out = values.to_vec();
            gather.visit(x.shape(), index, |from, to| out[to] = updates[from])?;
            Tensor::new(out, x.shape().clone())
        }
        let gather = self.gather();
        Ok(vec![with_elements!(x.data(), v => put(&gather, x, v, index, updates))?])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b101))
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; 3] };
        let (x, indices, updates) = (args[0].ty(), args[1].known(), args[2].ty());
        let of_x = || apply(self.clone(), &[ct, indices, Var::zeros(&updates)])[0];
        let of_updates = || {
            let taken = apply(self.gather(), &[ct, indices])[0];
            Var::select(self.stands(&x, indices, &updates.shape), taken, 0.0)
        };
        smallvec![args[0].is_linear().then(of_x), None, args[2].is_linear().then(of_updates)]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let inner = ScatterSet { axis: self.axis + 1, batch: self.batch + 1 };
        apply(inner, &batch_all(args, batched, n))
    }
}

/// The type of a scatter of `updates` into `x` at whole `indices`.
pub(super) fn expect_updates(gather: &Gather, args: &[Type]) -> Result<Types> {
    support::expect_args(args, 3)?;
    expect_indices(&args[1])?;
    let expected = args[0].with_shape(gather.shape(&args[0].shape, &args[1].shape)?);
    if args[2] != expected {
        return Err(Error::shape(format!("the updates are {}, not {expected}", args[2])));
    }
    Ok(smallvec![args[0].clone()])
}

/// Arguments for a scatter: repeated indices and none at all among them. The updates differ from
/// each other and from all elements.
pub(super) fn update_cases() -> Vec<(usize, usize, Vec<Tensor>)> {
    let mut all = Vec::new();
    for (axis, batch, shape, index) in cases() {
        let from = support::spread(DType::F64, shape, -2.0, 2.0);
        if let Ok(taken) = (Gather { axis, batch }).shape(from.shape(), index.shape()) {
            let updates = support::spread(DType::F64, taken, -3.0, 3.0);
            all.push((axis, batch, vec![from, index, updates]));
        }
    }
    all
}

impl Listed for ScatterSet {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "scatter_set")
            .then(|| parse_axes(a).map(|(axis, batch)| ScatterSet { axis, batch }))
    }
    fn samples() -> Vec<Sample> {
        let case = |(axis, batch, args)| Sample { prim: ScatterSet { axis, batch }.into(), args };
        update_cases().into_iter().map(case).collect()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("scatter_set", "x, index, updates", "x with the updates put where the index says; the last stands")
            .transpose("c without the places that were set for x; gather(c, index) for updates that stand")
            .domain("indices within the axis, counted from 0"),
        ]
    }
}
