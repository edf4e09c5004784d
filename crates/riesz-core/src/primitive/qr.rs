//! `qr`: A = Q·R with orthonormal columns in Q and an upper triangular R, reduced.

use super::matrix::{columns, solve_right, strict_lower, tall_or_wide_sample};
use super::*;
use crate::types::Shape;

/// Two results for a matrix of m×n, or for each in a stack, with k = min(m, n): Q of m×k and R of
/// k×n. The diagonal of R is not negative, which makes the factors of a matrix whose first k columns
/// are independent unique.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Qr;

impl Primitive for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }
    fn output_count(&self) -> usize {
        2
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, m, n) = support::expect_matrices(&args[0])?;
        let k = m.min(n);
        let with = |tail: [usize; 2]| -> Shape { batch.iter().copied().chain(tail).collect() };
        Ok(smallvec![args[0].with_shape(with([m, k])), args[0].with_shape(with([k, n]))])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let (_, m, n) = support::expect_matrices(&args[0].ty())?;
        support::factor_each(args[0], &types, |a| {
            let (q, r) = dense::qr(a, m, n);
            Ok(vec![q, r])
        })
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// For the first k columns, dA·R⁻¹ = dQ + Q·(dR·R⁻¹) =: T. With C = Qᵀ·T: C = Ω + dR·R⁻¹, where
    /// Ω = QᵀdQ is antisymmetric because QᵀQ = I, and the other term is upper triangular. So below
    /// the diagonal Ω is C, hence Ω = low(C) − low(C)ᵀ, dR = (C − Ω)·R, dQ = T − Q·(C − Ω). Columns
    /// beyond the m-th (m < n) have R₂ = QᵀA₂ with square Q: dR₂ = Qᵀ·dA₂ − Ω·R₂.
    /// (Walter & Lehmann 2010; Roberts & Roberts 2020, *QR and LQ decomposition matrix
    /// backpropagation algorithms for square, wide, and deep matrices*.)
    fn differential(&self, _: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let Some(da) = dx[0] else { return smallvec![None; 2] };
        let (q, r) = (y[0], y[1]);
        let Some((lead, &[k, n])) = r.shape().split_last_chunk::<2>().map(|(b, t)| (b.len(), t))
        else {
            return smallvec![None; 2];
        };
        let r1 = columns(r, 0, k);
        let t = solve_right(columns(da, 0, k), r1);
        let c = q.t().matmul(t);
        let low = strict_lower(c);
        let turn = low - low.t();
        let upper = c - turn;
        let dq = t - q.matmul(upper);
        let dr1 = upper.matmul(r1);
        if n == k {
            return smallvec![Some(dq), Some(dr1)];
        }
        let dr2 = q.t().matmul(columns(da, k, n)) - turn.matmul(columns(r, k, n));
        smallvec![Some(dq), Some(Var::concat(&[dr1, dr2], lead + 1))]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Qr, args)
    }
}

impl Listed for Qr {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "qr").then_some(Ok(Qr))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[4, 2], &[2, 3], &[3, 0], &[0, 0]]
            .map(|shape| Sample { prim: Qr.into(), args: vec![tall_or_wide_sample(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("qr", "A", "Q with orthonormal columns and an upper triangular R with A = Q·R")
            .differential(
                "dR = (C - Ω)·R, dQ = dA·R⁻¹ - Q·(C - Ω), where C = Qᵀ·dA·R⁻¹ and Ω = low(C) - low(C)ᵀ",
            )
            .domain("matrices whose first min(m, n) columns are independent"),
        ]
    }
}
