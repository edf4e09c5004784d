//! `slice`: every `stride`-th element from `start` up to `limit` along each axis.

use super::*;
use crate::types::{DType, Shape};

/// A box of a tensor with steps. Its transpose pads with zeros.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Slice {
    /// The first index along each axis.
    pub start: Vec<usize>,
    /// One past the last index along each axis.
    pub limit: Vec<usize>,
    /// The step along each axis, at least 1.
    pub stride: Vec<usize>,
}

impl Slice {
    /// The shape of the result.
    pub fn shape(&self) -> Shape {
        let length = |((start, limit), stride): ((&usize, &usize), &usize)| {
            limit.saturating_sub(*start).div_ceil(*stride)
        };
        self.start.iter().zip(&self.limit).zip(&self.stride).map(length).collect()
    }
}

impl Primitive for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("start", Attribute::ints(&self.start)),
            ("limit", Attribute::ints(&self.limit)),
            ("stride", Attribute::ints(&self.stride)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let from = &args[0].shape;
        let rank = from.rank();
        if [&self.start, &self.limit, &self.stride].iter().any(|v| v.len() != rank) {
            return Err(Error::shape(format!("needs a range for each of the {rank} axes of {from}")));
        }
        for axis in 0..rank {
            let (start, limit, stride) = (self.start[axis], self.limit[axis], self.stride[axis]);
            if start > limit || limit > from[axis] {
                return Err(Error::shape(format!(
                    "the range {start}..{limit} does not lie in axis {axis} of shape {from}"
                )));
            }
            if stride == 0 {
                return Err(Error::shape("a step must be at least 1"));
            }
        }
        Ok(smallvec![args[0].with_shape(self.shape())])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let strides = args[0].shape().strides();
        Ok(vec![args[0].rearrange(&self.shape(), |out| {
            let at = |axis: usize| (self.start[axis] + out[axis] * self.stride[axis]) * strides[axis];
            Some((0..out.len()).map(at).sum())
        })])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let from = args[0].ty().shape;
        let shape = self.shape();
        let high = (0..from.rank()).map(|axis| {
            let reached = match shape[axis] {
                0 => self.start[axis],
                n => self.start[axis] + (n - 1) * self.stride[axis] + 1,
            };
            (from[axis] - reached) as i64
        });
        let pad = Pad {
            low: self.start.iter().map(|&v| v as i64).collect(),
            high: high.collect(),
            interior: self.stride.iter().map(|s| s - 1).collect(),
        };
        smallvec![ct[0].map(|ct| apply(pad, &[ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], n: usize) -> Vars {
        let with = |first: usize, rest: &[usize]| {
            std::iter::once(first).chain(rest.iter().copied()).collect()
        };
        let slice = Slice {
            start: with(0, &self.start),
            limit: with(n, &self.limit),
            stride: with(1, &self.stride),
        };
        apply(slice, args)
    }
}

impl Listed for Slice {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "slice").then(|| {
            Ok(Slice {
                start: a.sizes("start")?,
                limit: a.sizes("limit")?,
                stride: a.sizes("stride")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let case = |from: &[usize], start: &[usize], limit: &[usize], stride: &[usize]| Sample {
            prim: Slice { start: start.into(), limit: limit.into(), stride: stride.into() }.into(),
            args: vec![support::spread(DType::F64, from, -2.0, 2.0)],
        };
        vec![
            case(&[5], &[1], &[4], &[1]),
            case(&[5], &[0], &[5], &[2]),
            case(&[6, 4], &[1, 2], &[6, 4], &[3, 1]),
            case(&[3], &[2], &[2], &[1]),
            case(&[], &[], &[], &[]),
            case(&[0, 2], &[0, 1], &[0, 2], &[1, 1]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("slice", "x", "every stride-th element from start up to limit along each axis")
            .transpose("pad(c)"),
        ]
    }
}
