//! `broadcast`: repeats a tensor along new axes. Its transpose sums over them.

use super::*;
use crate::types::{DType, Shape};

/// The result has `shape`; axis `i` of the argument becomes axis `axes[i]` of it (in increasing
/// order, of the same length), and the argument is repeated along all others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Broadcast {
    /// The shape of the result.
    pub shape: Shape,
    /// Where each axis of the argument goes.
    pub axes: Vec<usize>,
}

impl Broadcast {
    /// The axes of the result along which the argument is repeated.
    pub fn new_axes(&self) -> Vec<usize> {
        (0..self.shape.rank()).filter(|axis| !self.axes.contains(axis)).collect()
    }
}

impl Primitive for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("shape", Attribute::ints(&self.shape)), ("axes", Attribute::ints(&self.axes))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let from = &args[0].shape;
        support::expect_axes(&self.axes, &self.shape)?;
        let fits = from.rank() == self.axes.len()
            && self.axes.is_sorted()
            && from.iter().zip(&self.axes).all(|(&n, &axis)| n == self.shape[axis]);
        if !fits {
            return Err(Error::shape(format!(
                "cannot repeat a tensor of shape {from} to shape {} with its axes at {:?}",
                self.shape, self.axes
            )));
        }
        Ok(smallvec![args[0].with_shape(self.shape.clone())])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let strides = args[0].shape().strides();
        Ok(vec![args[0].rearrange(&self.shape, |out| {
            Some(self.axes.iter().zip(&strides).map(|(&axis, s)| out[axis] * s).sum())
        })])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0].map(|ct| ct.sum_axes(&self.new_axes()))]
    }
    fn batch(&self, args: &[Var], _: &[bool], n: usize) -> Vars {
        let axes = std::iter::once(0).chain(self.axes.iter().map(|a| a + 1)).collect();
        apply(Broadcast { shape: self.shape.with_leading(n), axes }, args)
    }
}

impl Listed for Broadcast {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "broadcast").then(|| {
            Ok(Broadcast { shape: a.sizes("shape")?.into(), axes: a.sizes("axes")? })
        })
    }
    fn samples() -> Vec<Sample> {
        let case = |from: &[usize], shape: &[usize], axes: &[usize]| Sample {
            prim: Broadcast { shape: shape.into(), axes: axes.into() }.into(),
            args: vec![support::spread(DType::F64, from, -2.0, 2.0)],
        };
        vec![
            case(&[], &[3], &[]),
            case(&[2], &[2, 3], &[0]),
            case(&[3], &[2, 3], &[1]),
            case(&[2, 2], &[2, 1, 2, 3], &[0, 2]),
            case(&[2], &[2, 0], &[0]),
            case(&[0], &[2, 0], &[1]),
            case(&[2], &[2], &[0]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("broadcast", "x", "x repeated along new axes")
            .transpose("reduce_sum(c) over the new axes"),
        ]
    }
}
