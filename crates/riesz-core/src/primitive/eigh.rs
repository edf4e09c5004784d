//! `eigh`: A = V·diag(w)·Vᵀ for a symmetric A.
//!
//! Where eigenvalues coincide, the eigenvectors are any basis of their space: no derivative of a
//! single one exists, nor one of a formula that combines them with different weights. What has one
//! is made of the eigenvalues alone and symmetric in the equal ones (Σ wᵢ², log det, their sum), or
//! of the space as a whole (its projector). The differential gives exactly those, by turning the
//! basis of such a space not at all. It cannot give that of V·f(w)·Vᵀ there for every f: with both
//! f(w) and f′(w) free, the tangents of w and V together do not carry the off-diagonal part
//! f′(w)·(VᵀdA·V). Use `inverse`, `matrix_power`, `expm` or `pinv` for such functions.

use super::matrix::{as_column, as_row, rounding, safe_recip, symmetric_part, symmetric_sample};
use super::*;

/// Two results for the symmetric part (A + Aᵀ)/2 of a matrix, or of each in a stack: the eigenvalues
/// in ascending order, and a matrix whose columns are the eigenvectors, of length 1, with a positive
/// component of largest magnitude (the first, if several are largest).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Eigh;

impl Primitive for Eigh {
    fn name(&self) -> &'static str {
        "eigh"
    }
    fn output_count(&self) -> usize {
        2
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, n) = support::expect_square(&args[0])?;
        let values = batch.iter().copied().chain([n]).collect::<crate::Shape>();
        Ok(smallvec![args[0].with_shape(values), args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let (_, n) = support::expect_square(&args[0].ty())?;
        support::factor_each(args[0], &types, |a| {
            let (w, v) = dense::eigh(&dense::symmetric_part(a, n), n);
            Ok(vec![w, v])
        })
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// A·V = V·diag(w); with E = Vᵀ·dA·V and dV = V·G, G antisymmetric because VᵀV = I:
    /// E + diag(w)·G = G·diag(w) + diag(dw). So dw = diag(E) and Gᵢⱼ = Eᵢⱼ/(wⱼ − wᵢ); Gᵢⱼ = 0 where
    /// the eigenvalues differ by no more than rounding. (Giles 2008, section 3.1.)
    fn differential(&self, _: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let Some(da) = dx[0] else { return smallvec![None; 2] };
        let (w, v) = (y[0], y[1]);
        let n = v.shape().last().copied().unwrap_or(0);
        let e = v.t().matmul(symmetric_part(da)).matmul(v);
        let gaps = safe_recip(as_row(w) - as_column(w), rounding(w, n));
        smallvec![Some(e.diagonal()), Some(v.matmul(gaps * e))]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Eigh, args)
    }
}

impl Listed for Eigh {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "eigh").then_some(Ok(Eigh))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[0, 0]]
            .map(|shape| Sample { prim: Eigh.into(), args: vec![symmetric_sample(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("eigh", "A", "the ascending eigenvalues w and the eigenvectors V of (A + Aᵀ)/2")
            .differential("dw = diag(E), dV = V·G, where E = Vᵀ·dA·V and Gᵢⱼ = Eᵢⱼ/(wⱼ − wᵢ)")
            .domain("symmetric matrices")
            .kinks("Gᵢⱼ = 0 where wᵢ = wⱼ: right for what does not depend on the basis"),
        ]
    }
}
