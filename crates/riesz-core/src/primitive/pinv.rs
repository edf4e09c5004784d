//! `pinv`: the Moore–Penrose inverse A⁺.
//!
//! A primitive and not a formula of `svd`, because its differential is exact where singular values
//! coincide, for instance at the identity, and that of the formula is not.

use super::matrix::tall_or_wide_sample;
use super::*;
use crate::types::{DType, Shape};

/// A⁺ of n×m for a matrix A of m×n, or for each in a stack. Singular values of at most
/// max(m, n)·ε·(the largest), with the ε of the element type, count as 0.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pinv;

impl Primitive for Pinv {
    fn name(&self) -> &'static str {
        "pinv"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, m, n) = support::expect_matrices(&args[0])?;
        Ok(smallvec![args[0].with_shape(batch.iter().copied().chain([n, m]).collect::<Shape>())])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let (_, m, n) = support::expect_matrices(&args[0].ty())?;
        let k = m.min(n);
        let epsilon =
            if args[0].dtype() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
        let inverse = support::each_matrix(args[0], &types[0].shape, |a| {
            let dense::Svd { u, s, v } = dense::Svd::new(a, m, n);
            let least = s.first().copied().unwrap_or(0.0) * epsilon * m.max(n) as f64;
            let mut p = vec![0.0; n * m];
            for (c, &s) in s.iter().enumerate().filter(|(_, s)| s.is_nan() || **s > least) {
                for i in 0..n {
                    for j in 0..m {
                        p[i * m + j] += v[i * k + c] / s * u[j * k + c];
                    }
                }
            }
            Ok(p)
        })?;
        Ok(vec![inverse])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// Where the rank does not change, from P = P·A·P, A·P and P·A symmetric:
    /// dP = −P·dA·P + P·Pᵀ·dAᵀ·(I − A·P) + (I − P·A)·dAᵀ·Pᵀ·P. (Golub & Pereyra 1973, *The
    /// differentiation of pseudo-inverses…*, theorem 4.3.) Where the rank changes A⁺ jumps.
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let (a, p) = (x[0], y[0]);
        smallvec![dx[0].map(|da| {
            let left = p.matmul(p.t()).matmul(da.t());
            let right = da.t().matmul(p.t()).matmul(p);
            let outside = left - left.matmul(a).matmul(p) + right - p.matmul(a.matmul(right));
            outside - p.matmul(da).matmul(p)
        })]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Pinv, args)
    }
}

impl Listed for Pinv {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "pinv").then_some(Ok(Pinv))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[4, 2], &[2, 3], &[3, 0], &[0, 0]]
            .map(|shape| Sample { prim: Pinv.into(), args: vec![tall_or_wide_sample(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("pinv", "A", "the Moore-Penrose inverse P = A⁺")
            .differential("-P·dA·P + P·Pᵀ·dAᵀ·(I - A·P) + (I - P·A)·dAᵀ·Pᵀ·P")
            .kinks("where the rank changes: that of changes that keep it"),
        ]
    }
}
