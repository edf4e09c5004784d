//! `scale`: a coefficient times a tangent, where an exact zero stays zero.
//!
//! A linear map sends zero to zero, so the differential of √ at 0 in the direction 0 is 0 although
//! its coefficient is infinite. Every differential of a nonlinear primitive multiplies with this,
//! which is what makes the gradient of `select(x > 0, sqrt(x), 0)` right at 0.

use super::*;
use crate::types::DType;

/// `scale(c, t)` is `t` where `t` is 0, whatever `c` is, and `c·t` elsewhere. Linear in `t`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scale;

impl Scale {
    /// One element.
    pub fn of(c: f64, t: f64) -> f64 {
        if t == 0.0 { t } else { c * t }
    }
}

impl Primitive for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        support::expect_float(&args[0])?;
        support::expect_same(&args[0], &args[1])?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![support::zip_float(args[0], args[1], Scale::of)?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b10))
    }
    /// Linear in the tangent; in the coefficient it is a product whose other factor is the tangent.
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        let by_tangent = dx[1].map(|dt| x[0].scale(dt));
        let by_coefficient = dx[0].map(|dc| x[1].scale(dc));
        smallvec![add(by_coefficient, by_tangent)]
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![None, ct[0].map(|ct| args[0].known().scale(ct))]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(Scale, &batch_all(args, batched, n))
    }
}

impl Listed for Scale {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "scale").then_some(Ok(Scale))
    }
    fn samples() -> Vec<Sample> {
        support::edge_shapes()
            .map(|shape| Sample {
                prim: Scale.into(),
                args: vec![
                    support::spread(DType::F64, shape.clone(), -2.0, 2.0),
                    support::spread(DType::F64, shape, 0.5, 3.0),
                ],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("scale", "c, t", "a coefficient times a tangent: c·t, and t where t is 0 whatever c is")
            .differential("scale(c, dt) + scale(t, dc)")
            .transpose("for t: scale(c, ct)"),
        ]
    }
}
