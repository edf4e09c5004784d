//! `lu`: Gaussian elimination with partial pivoting, P·L·U = A.

use super::matrix::{
    columns, rows, solve_left, solve_right, strict_lower, tall_or_wide_sample,
};
use super::*;
use crate::types::{DType, Shape};

/// Three results for a matrix of m×n, or for each in a stack, with k = min(m, n): the order `p` of
/// its rows (m whole numbers), L of m×k with a unit diagonal, U of k×n, so that row i of L·U is row
/// `p[i]` of A.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Lu;

impl Primitive for Lu {
    fn name(&self) -> &'static str {
        "lu"
    }
    fn output_count(&self) -> usize {
        3
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, m, n) = support::expect_matrices(&args[0])?;
        let k = m.min(n);
        let with = |tail: &[usize]| -> Shape { batch.iter().chain(tail).copied().collect() };
        Ok(smallvec![
            Type::new(DType::I64, with(&[m])),
            args[0].with_shape(with(&[m, k])),
            args[0].with_shape(with(&[k, n])),
        ])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let (_, m, n) = support::expect_matrices(&args[0].ty())?;
        support::factor_each(args[0], &types, |a| {
            let (p, l, u) = dense::rectangular_lu(a, m, n);
            Ok(vec![p.iter().map(|&i| i as f64).collect(), l, u])
        })
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// With the rows in order, A = L·U and dA = dL·U + L·dU. Let L₁, U₁ be the leading k×k blocks and
    /// M = L₁⁻¹·dA₁₁·U₁⁻¹ = L₁⁻¹dL₁ + dU₁·U₁⁻¹: the first term is strictly lower, the second upper
    /// triangular, so dL₁ = L₁·low(M) and dU₁ = up(M)·U₁. The rows below (m > n) have
    /// dL₂ = (dA₂ − L₂·dU)·U₁⁻¹, the columns to the right (m < n) dU₂ = L₁⁻¹·dA₂ − low(M)·U₂.
    /// (Walter & Lehmann 2010, *Algorithmic differentiation of linear algebra functions*.)
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let Some(da) = dx[0] else { return smallvec![None; 3] };
        let (p, l, u) = (y[0], y[1], y[2]);
        let Some((lead, &[m, n])) = x[0].shape().split_last_chunk::<2>().map(|(b, t)| (b.len(), t))
        else {
            return smallvec![None; 3];
        };
        let k = m.min(n);
        let da = apply(Gather { axis: lead, batch: lead }, &[da, p])[0];
        let unit_lower = TriangularSolve { unit: true, ..TriangularSolve::LOWER };
        let (l1, u1) = (rows(l, 0, k), columns(u, 0, k));
        let middle =
            solve_right(solve_left(unit_lower, l1, columns(rows(da, 0, k), 0, k)), u1);
        let low = strict_lower(middle);
        let dl1 = l1.matmul(low);
        let du1 = middle.triu().matmul(u1);
        if m > n {
            let dl2 = rows(da, k, m) - rows(l, k, m).matmul(du1);
            let dl = Var::concat(&[dl1, solve_right(dl2, u1)], lead);
            smallvec![None, Some(dl), Some(du1)]
        } else if m < n {
            let du2 = solve_left(unit_lower, l1, columns(da, k, n)) - low.matmul(columns(u, k, n));
            smallvec![None, Some(dl1), Some(Var::concat(&[du1, du2], lead + 1))]
        } else {
            smallvec![None, Some(dl1), Some(du1)]
        }
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Lu, args)
    }
}

impl Listed for Lu {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "lu").then_some(Ok(Lu))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[4, 2], &[2, 3], &[0, 0]]
            .map(|shape| Sample { prim: Lu.into(), args: vec![tall_or_wide_sample(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("lu", "A", "the order p of the rows, L and U with A[p] = L·U")
            .differential("dL = L·low(M), dU = up(M)·U, where M = L⁻¹·dA[p]·U⁻¹ (square A)")
            .domain("matrices whose leading square block is regular"),
        ]
    }
}
