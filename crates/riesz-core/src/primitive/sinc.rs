//! `sinc`: sin(πx)/(πx) and its derivatives, each the differential of the one before.
//!
//! A formula with a masked division by x would have wrong second derivatives at 0, and cancel near
//! it; a family that contains its own derivatives is right to the last digit at every order.

use super::*;
use crate::types::DType;

/// The derivative of the given order of sin(πx)/(πx), which is 1 at 0. At most of order 30.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sinc {
    /// How often it is differentiated.
    pub order: u32,
}

/// The highest order: beyond it the series near 0 would need more than twice the precision.
const HIGHEST: u32 = 30;

impl Primitive for Sinc {
    fn name(&self) -> &'static str {
        "sinc"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("order", Attribute::Int(i64::from(self.order)))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_float(&args[0])?;
        if self.order > HIGHEST {
            return Err(Error::shape(format!(
                "the order is {}, and should be 0 to {HIGHEST}",
                self.order
            )));
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![support::map_float(args[0], |x| special::sinc(self.order, x))?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        smallvec![dx[0].map(|dx| apply(Sinc { order: self.order + 1 }, x)[0].scale(dx))]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(self.clone(), args)
    }
}

impl Listed for Sinc {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "sinc").then(|| {
            let order = u32::try_from(a.int("order")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "the order is not negative"))?;
            Ok(Sinc { order })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for order in [0, 1, 2] {
            for shape in support::edge_shapes() {
                let args = vec![support::spread(DType::F64, shape, -1.0, 1.0)];
                all.push(Sample { prim: Sinc { order }.into(), args });
            }
            all.push(Sample { prim: Sinc { order }.into(), args: vec![Tensor::from([0.0, 7.3])] });
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("sinc", "x", "the derivative of some order of sin(πx)/(πx), which is 1 at 0")
            .differential("sinc of the next order, times dx"),
        ]
    }
}
