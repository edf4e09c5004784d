//! `flip`: axes in reverse. Its own transpose.

use super::*;
use crate::types::DType;

/// Reverses the order of the elements along `axes`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Flip {
    /// The axes that are reversed.
    pub axes: Vec<usize>,
}

impl Primitive for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("axes", Attribute::ints(&self.axes))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_axes(&self.axes, &args[0].shape)?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shape = args[0].shape();
        let strides = shape.strides();
        Ok(vec![args[0].rearrange(shape, |out| {
            let at = |(axis, &i): (usize, &usize)| {
                let i = if self.axes.contains(&axis) { shape[axis] - 1 - i } else { i };
                i * strides[axis]
            };
            Some(out.iter().enumerate().map(at).sum())
        })])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0].map(|ct| apply(self.clone(), &[ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Flip { axes: self.axes.iter().map(|a| a + 1).collect() }, args)
    }
}

impl Listed for Flip {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "flip").then(|| Ok(Flip { axes: a.sizes("axes")? }))
    }
    fn samples() -> Vec<Sample> {
        let case = |from: &[usize], axes: &[usize]| Sample {
            prim: Flip { axes: axes.into() }.into(),
            args: vec![support::spread(DType::F64, from, -2.0, 2.0)],
        };
        vec![case(&[4], &[0]), case(&[2, 3], &[1]), case(&[2, 0], &[0, 1]), case(&[], &[])]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("flip", "x", "axes in reverse").transpose("flip(c)"),
        ]
    }
}
