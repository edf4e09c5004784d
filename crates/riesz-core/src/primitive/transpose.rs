//! `transpose`: the axes in another order. For a matrix, rows become columns.

use super::*;
use crate::types::{DType, Shape};

/// Axis `i` of the result is axis `order[i]` of the argument.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Transpose {
    /// A permutation of the axes.
    pub order: Vec<usize>,
}

impl Transpose {
    /// The permutation that undoes this one.
    pub fn inverse(&self) -> Transpose {
        let mut order = vec![0; self.order.len()];
        for (to, &from) in self.order.iter().enumerate() {
            order[from] = to;
        }
        Transpose { order }
    }
}

impl Primitive for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("order", Attribute::ints(&self.order))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let from = &args[0].shape;
        support::expect_axes(&self.order, from)?;
        if self.order.len() != from.rank() {
            return Err(Error::shape(format!(
                "the order {:?} does not name every axis of shape {from}",
                self.order
            )));
        }
        let shape: Shape = self.order.iter().map(|&axis| from[axis]).collect();
        Ok(smallvec![args[0].with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let strides = args[0].shape().strides();
        let shape: Shape = self.order.iter().map(|&axis| args[0].shape()[axis]).collect();
        Ok(vec![args[0].rearrange(&shape, |out| {
            Some(self.order.iter().zip(out).map(|(&axis, i)| i * strides[axis]).sum())
        })])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0].map(|ct| apply(self.inverse(), &[ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        let order = std::iter::once(0).chain(self.order.iter().map(|a| a + 1)).collect();
        apply(Transpose { order }, args)
    }
}

impl Listed for Transpose {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "transpose").then(|| Ok(Transpose { order: a.sizes("order")? }))
    }
    fn samples() -> Vec<Sample> {
        let case = |from: &[usize], order: &[usize]| Sample {
            prim: Transpose { order: order.into() }.into(),
            args: vec![support::spread(DType::F64, from, -2.0, 2.0)],
        };
        vec![
            case(&[2, 3], &[1, 0]),
            case(&[2, 3, 4], &[2, 0, 1]),
            case(&[], &[]),
            case(&[0, 2], &[1, 0]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("transpose", "x", "the axes in another order")
            .transpose("transpose(c) back"),
        ]
    }
}
