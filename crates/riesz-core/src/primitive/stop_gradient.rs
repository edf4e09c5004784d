//! `stop_gradient`: the identity, through which no tangent passes.

use super::*;
use crate::types::DType;

/// Its value is its argument, its differential is zero by decree.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StopGradient;

impl Primitive for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![args[0].clone()])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(StopGradient, args)
    }
}

impl Listed for StopGradient {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "stop_gradient").then_some(Ok(StopGradient))
    }
    /// Integers only: the laws compare with differences, which this exists to contradict.
    fn samples() -> Vec<Sample> {
        let case = |shape| Sample {
            prim: StopGradient.into(),
            args: vec![support::spread(DType::I32, shape, -3.0, 3.0)],
        };
        support::edge_shapes().map(case).into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("stop_gradient", "x", "x, through which no tangent passes").differential("0"),
        ]
    }
}
