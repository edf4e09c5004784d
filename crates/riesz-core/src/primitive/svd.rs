//! `svd`: A = U·diag(s)·Vᵀ, reduced.
//!
//! Where singular values coincide, or are 0, their vectors are any basis of a space; as in `eigh`,
//! the differential turns such a basis not at all, which is exact for what does not depend on its
//! choice: symmetric functions of equal singular values, the polar factor U·Vᵀ of a regular matrix.

use super::matrix::{as_column, as_row, rounding, safe_recip, tall_or_wide_sample};
use super::*;
use crate::types::Shape;

/// Three results for a matrix of m×n, or for each in a stack, with k = min(m, n): U of m×k, the
/// singular values in descending order, and Vᵀ of k×n. Each column of U has a positive component of
/// largest magnitude. At a singular value 0 its derivative is 0: the subgradient of least norm.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Svd;

impl Primitive for Svd {
    fn name(&self) -> &'static str {
        "svd"
    }
    fn output_count(&self) -> usize {
        3
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, m, n) = support::expect_matrices(&args[0])?;
        let k = m.min(n);
        let with = |tail: &[usize]| -> Type {
            args[0].with_shape(batch.iter().chain(tail).copied().collect::<Shape>())
        };
        Ok(smallvec![with(&[m, k]), with(&[k]), with(&[k, n])])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let (_, m, n) = support::expect_matrices(&args[0].ty())?;
        support::factor_each(args[0], &types, |a| {
            let dense::Svd { u, s, v } = dense::Svd::new(a, m, n);
            Ok(vec![u, s, dense::transposed(&v, n, m.min(n))])
        })
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// With E = Uᵀ·dA·V, and QᵀdQ antisymmetric for both bases, UᵀdU =: G and VᵀdV =: H satisfy
    /// E = G·S + dS − S·H. Its diagonal is dS = diag(E). Its symmetric and antisymmetric parts
    /// separate: (G + H)ᵢⱼ = (Eᵢⱼ + Eⱼᵢ)/(sⱼ − sᵢ) and (G − H)ᵢⱼ = (Eᵢⱼ − Eⱼᵢ)/(sⱼ + sᵢ), where a
    /// divisor that is no more than rounding gives 0. Outside the span of U,
    /// (I − UUᵀ)·dU = (dA·V − U·E)·S⁻¹, and likewise for V with dAᵀ. (Townsend 2016,
    /// *Differentiating the singular value decomposition*, with G and H in those two parts.)
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let Some(da) = dx[0] else { return smallvec![None; 3] };
        let (u, s, v) = (y[0], y[1], y[2].t());
        let Some(&[m, n]) = x[0].shape().last_chunk::<2>() else { return smallvec![None; 3] };
        let (du_rest, dv_rest) = (da.matmul(v), da.t().matmul(u));
        let e = u.t().matmul(du_rest);
        let negligible = rounding(s, m.max(n));
        let differences = safe_recip(as_row(s) - as_column(s), negligible);
        let sums = safe_recip(as_row(s) + as_column(s), negligible);
        let both = differences * (e + e.t());
        let apart = sums * (e - e.t());
        let mut du = u.matmul(0.5 * (both + apart));
        let mut dv = v.matmul(0.5 * (both - apart));
        let by_s = safe_recip(as_row(s), negligible);
        if m > n {
            du += (du_rest - u.matmul(e)) * by_s;
        }
        if m < n {
            dv += (dv_rest - v.matmul(e.t())) * by_s;
        }
        let ds = Var::select(s.gt(0.0), e.diagonal(), 0.0);
        smallvec![Some(du), Some(ds), Some(dv.t())]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Svd, args)
    }
}

impl Listed for Svd {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "svd").then_some(Ok(Svd))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[4, 2], &[2, 3], &[3, 0], &[0, 0]]
            .map(|shape| Sample { prim: Svd.into(), args: vec![tall_or_wide_sample(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("svd", "A", "U, the descending singular values s, and Vᵀ with A = U·diag(s)·Vᵀ")
            .differential(
                "ds = diag(E), dU = U·G + (dA·V - U·E)·S⁻¹, dV likewise, where E = Uᵀ·dA·V, \
                 (G ± H)ᵢⱼ = (Eᵢⱼ ± Eⱼᵢ)/(sⱼ ∓ sᵢ)",
            )
            .kinks("a divisor that is 0 gives 0: right for what does not depend on the bases; ds = 0 at s = 0"),
        ]
    }
}
