//! `scatter_max`, `scatter_min`: the largest or smallest of an element and what is put on it.

use super::gather::parse_axes;
use super::scatter_set::{expect_updates, update_cases};
use super::*;
use crate::tensor::{Data, Element};
use crate::types::DType;

/// `scatter_max(x, indices, updates)` is the largest of each element of `x` and the updates
/// [`Gather`] with the same axes would have taken from it; NaN if one of them is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ScatterExtreme {
    /// Whether the largest wins, or the smallest.
    pub largest: bool,
    /// The axis that is indexed.
    pub axis: usize,
    /// How many leading axes all arguments share.
    pub batch: usize,
}

impl ScatterExtreme {
    fn gather(&self) -> Gather {
        Gather { axis: self.axis, batch: self.batch }
    }

    fn put<T: Element + PartialOrd>(
        &self,
        x: &Tensor,
        values: &[T],
        index: &Tensor,
        updates: &[T],
    ) -> Result<Tensor> {
        let mut out = values.to_vec();
        self.gather().visit(x.shape(), index, |from, to| {
            let (old, new) = (out[to], updates[from]);
            let better = if self.largest { new > old } else { new < old };
            // NaN, which is unequal to itself, wins and stays.
            let is_nan = |v: T| v.partial_cmp(&v).is_none();
            if !is_nan(old) && (better || is_nan(new)) {
                out[to] = new;
            }
        })?;
        Tensor::new(out, x.shape().clone())
    }
}

impl Primitive for ScatterExtreme {
    fn name(&self) -> &'static str {
        if self.largest { "scatter_max" } else { "scatter_min" }
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        self.gather().attributes()
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 3)?;
        support::expect_number(&args[0])?;
        expect_updates(&self.gather(), args)
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let [x, index, updates] = args else {
            return Err(Error::shape("takes 3 arguments"));
        };
        Ok(vec![match (x.data(), updates.data()) {
            (Data::F32(v), Data::F32(u)) => self.put(x, v, index, u),
            (Data::F64(v), Data::F64(u)) => self.put(x, v, index, u),
            (Data::I32(v), Data::I32(u)) => self.put(x, v, index, u),
            (Data::I64(v), Data::I64(u)) => self.put(x, v, index, u),
            _ => Err(Error::shape("the updates have another element type")),
        }?])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// The extreme moves with the mean of what attains it, be it the element or an update; where
    /// it is NaN nothing does, and the mean of none is NaN.
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let (gather, indices, dtype) = (self.gather(), x[1], x[0].dtype());
        let add = ScatterAdd { axis: self.axis, batch: self.batch };
        let at = |v: Var| apply(gather.clone(), &[v, indices])[0];
        let old = x[0].eq(y[0]).cast(dtype);
        let new = x[2].eq(at(y[0])).cast(dtype);
        let count = apply(add.clone(), &[old, indices, new])[0];
        let part = |share: Var, of: Option<Var>| match of {
            Some(dx) => share.scale(dx),
            None => share.zeros_like(),
        };
        let (old, new) = (part(old / count, dx[0]), part(new / at(count), dx[2]));
        smallvec![Some(apply(add, &[old, indices, new])[0])]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None; 3]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let ScatterExtreme { largest, axis, batch } = *self;
        let inner = ScatterExtreme { largest, axis: axis + 1, batch: batch + 1 };
        apply(inner, &batch_all(args, batched, n))
    }
}

impl Listed for ScatterExtreme {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        let largest = match name {
            "scatter_max" => true,
            "scatter_min" => false,
            _ => return None,
        };
        Some(parse_axes(a).map(|(axis, batch)| ScatterExtreme { largest, axis, batch }))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for largest in [true, false] {
            for (axis, batch, args) in update_cases() {
                all.push(Sample { prim: ScatterExtreme { largest, axis, batch }.into(), args });
            }
            let whole = |n: usize, lo: f64| support::spread(DType::I32, [n], lo, 5.0);
            let args = vec![whole(3, -4.0), Tensor::from([2i64, 2]), whole(2, -3.0)];
            all.push(Sample { prim: ScatterExtreme { largest, axis: 0, batch: 0 }.into(), args });
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("scatter_max", "x, index, updates", "the largest of each element and the updates put on it")
            .differential("the mean of dx and dupdates over those that attain y")
            .domain("indices within the axis, counted from 0")
            .kinks("equal shares at ties; NaN where y is"),
            About::new("scatter_min", "x, index, updates", "the smallest of each element and the updates put on it")
            .differential("the mean of dx and dupdates over those that attain y")
            .domain("indices within the axis, counted from 0")
            .kinks("equal shares at ties; NaN where y is"),
        ]
    }
}
