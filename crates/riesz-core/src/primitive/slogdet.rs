//! `slogdet`: the sign and the logarithm of |det A|, which do not overflow where det does.

use super::dense::Lu;
use super::inverse::regular;
use super::*;

/// Two results for a square matrix, or for each in a stack: the sign of the determinant (0 when
/// singular) and log|det A| (−∞ when singular).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SLogDet;

impl Primitive for SLogDet {
    fn name(&self) -> &'static str {
        "slogdet"
    }
    fn output_count(&self) -> usize {
        2
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, _) = support::expect_square(&args[0])?;
        let ty = args[0].with_shape(batch);
        Ok(smallvec![ty.clone(), ty])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (batch, n) = support::expect_square(&args[0].ty())?;
        let sign = support::each_matrix(args[0], &batch, |a| {
            let lu = Lu::new(a, n);
            let sign_of = |p: f64| if p == 0.0 { 0.0 } else { p.signum() };
            Ok(vec![lu.pivots().fold(lu.sign(), |s, p| s * sign_of(p))])
        })?;
        let log = support::each_matrix(args[0], &batch, |a| {
            Ok(vec![Lu::new(a, n).pivots().map(|p| p.abs().ln()).sum()])
        })?;
        Ok(vec![sign, log])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// d log|det A| = tr(A⁻¹·dA) = ⟨A⁻ᵀ, dA⟩; the sign is flat.
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        let rank = x[0].rank();
        let slope = |da| apply(Inverse, x)[0].t().scale(da).sum_axes(&[rank - 2, rank - 1]);
        smallvec![None, dx[0].map(slope)]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(SLogDet, args)
    }
}

impl Listed for SLogDet {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "slogdet").then_some(Ok(SLogDet))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[0, 0]]
            .map(|shape| Sample { prim: SLogDet.into(), args: vec![regular(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("slogdet", "A", "the sign of det A, and log|det A|")
            .differential("0, and ⟨A⁻ᵀ, dA⟩")
            .domain("regular matrices; (0, -inf) where singular"),
        ]
    }
}
