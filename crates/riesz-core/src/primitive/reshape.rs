//! `reshape`: the same elements, in the same row-major order, in another shape.

use super::*;
use crate::types::{DType, Shape};

/// Changes the shape to one of the same size.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reshape {
    /// The shape of the result.
    pub shape: Shape,
}

impl Primitive for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("shape", Attribute::ints(&self.shape))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        if args[0].size() != self.shape.size() {
            return Err(Error::shape(format!(
                "{} has {} elements, shape {} has {}",
                args[0],
                args[0].size(),
                self.shape,
                self.shape.size()
            )));
        }
        Ok(smallvec![args[0].with_shape(self.shape.clone())])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![args[0].reshape(self.shape.clone())?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0].map(|ct| ct.reshape(args[0].ty().shape))]
    }
    fn batch(&self, args: &[Var], _: &[bool], n: usize) -> Vars {
        apply(Reshape { shape: self.shape.with_leading(n) }, args)
    }
}

impl Listed for Reshape {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "reshape").then(|| Ok(Reshape { shape: a.sizes("shape")?.into() }))
    }
    fn samples() -> Vec<Sample> {
        let case = |from: &[usize], to: &[usize]| Sample {
            prim: Reshape { shape: to.into() }.into(),
            args: vec![support::spread(DType::F64, from, -2.0, 2.0)],
        };
        vec![case(&[2, 3], &[3, 2]), case(&[], &[1, 1]), case(&[0, 3], &[2, 0]), case(&[4], &[4])]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("reshape", "x", "the same elements, row by row, in another shape")
            .transpose("reshape(c)"),
        ]
    }
}
