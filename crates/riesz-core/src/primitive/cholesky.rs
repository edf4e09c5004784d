//! `cholesky`: L with L·Lᵀ = A for a symmetric positive definite A.

use super::matrix::{half_lower, solve_left, symmetric_part, symmetric_sample};
use super::*;

/// The lower triangular factor, with a positive diagonal, of the symmetric part (A + Aᵀ)/2 of a
/// matrix, or of each in a stack. As a function of the symmetric part its gradient is symmetric: the
/// Riesz representative among the symmetric matrices.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cholesky;

impl Primitive for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_square(&args[0])?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = support::expect_square(&args[0].ty())?;
        let l = support::each_matrix(args[0], args[0].shape(), |a| {
            dense::cholesky(&dense::symmetric_part(a, n), n).map_err(|j| {
                Error::value(format!(
                    "the {n}×{n} matrix is not positive definite: \
                     its leading minor of order {j} is not positive"
                ))
                .help("is it a covariance of dependent variables? adding a small multiple of the identity may help")
            })
        })?;
        Ok(vec![l])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// L·Lᵀ = S, so dL·Lᵀ + L·dLᵀ = dS and, from both sides, L⁻¹dL + (L⁻¹dL)ᵀ = L⁻¹·dS·L⁻ᵀ. The
    /// left is a lower triangle plus its transpose, so L⁻¹dL = Φ(L⁻¹·dS·L⁻ᵀ), where Φ takes the
    /// lower triangle with half the diagonal. (Murray 2016, *Differentiation of the Cholesky
    /// decomposition*, equation 8.)
    fn differential(&self, _: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        smallvec![dx[0].map(|da| {
            let l = y[0];
            let half = solve_left(TriangularSolve::LOWER, l, symmetric_part(da));
            let inner = solve_left(TriangularSolve::LOWER, l, half.t());
            l.matmul(half_lower(inner))
        })]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Cholesky, args)
    }
}

impl Listed for Cholesky {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "cholesky").then_some(Ok(Cholesky))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[0, 0]]
            .map(|shape| Sample { prim: Cholesky.into(), args: vec![symmetric_sample(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("cholesky", "A", "the lower triangular L with L·Lᵀ = (A + Aᵀ)/2")
            .differential(
                "L·Φ(L⁻¹·(dA + dAᵀ)/2·L⁻ᵀ), Φ taking the lower triangle and half the diagonal",
            )
            .domain("symmetric positive definite matrices"),
        ]
    }
}
