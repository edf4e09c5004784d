//! `solve`: X with A·X = B, for matrices or stacks of them.

use super::dense::Lu;
use super::inverse::{regular, singular};
use super::*;
use crate::types::DType;

/// `solve(A, B)` with A of shape `[…, n, n]` and B of shape `[…, n, k]`. Linear in B.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Solve;

impl Primitive for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        let (batch, n) = support::expect_square(&args[0])?;
        let (other, m, _) = support::expect_matrices(&args[1])?;
        if args[0].dtype != args[1].dtype {
            return support::expect_same(&args[0], &args[1]).map(|()| smallvec![]);
        }
        if n != m || batch != other {
            let lead: String = batch.iter().map(|d| format!("{d},")).collect();
            return Err(Error::shape(format!(
                "the right-hand side has shape {}, and should have [{lead}{n},k] for a matrix of {}",
                args[1].shape, args[0].shape
            )));
        }
        Ok(smallvec![args[1].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = support::expect_square(&args[0].ty())?;
        let (_, _, k) = support::expect_matrices(&args[1].ty())?;
        let b = args[1].to_f64();
        let mut at = 0;
        let x = support::each_matrix(args[0], args[1].shape(), |a| {
            let lu = Lu::new(a, n);
            if lu.is_singular() {
                return Err(singular(n));
            }
            at += n * k;
            Ok(lu.solve(&b[at - n * k..at], k))
        })?;
        Ok(vec![x])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b10))
    }
    /// A·X = B, so dA·X + A·dX = dB and dX = solve(A, dB − dA·X).
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let moved = dx[0].map(|da| -da.matmul(y[0]));
        smallvec![add(dx[1], moved).map(|rhs| apply(Solve, &[x[0], rhs])[0])]
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![None, ct[0].map(|ct| apply(Solve, &[args[0].known().t(), ct])[0])]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        // One matrix and many right-hand sides: one factorisation, the instances as columns.
        if !batched[0] && args[0].rank() == 2 {
            let [n, k] = [1, 2].map(|axis| args[1].shape()[axis]);
            let count = args[1].shape()[0];
            let columns = args[1].transpose(&[1, 0, 2]).reshape([n, count * k]);
            let x = apply(Solve, &[args[0], columns])[0];
            return smallvec![x.reshape([n, count, k]).transpose(&[1, 0, 2])];
        }
        apply(Solve, &batch_all(args, batched, n))
    }
}

impl Listed for Solve {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "solve").then_some(Ok(Solve))
    }
    fn samples() -> Vec<Sample> {
        [(&[3, 3][..], &[3, 2][..]), (&[2, 2, 2], &[2, 2, 1]), (&[1, 1], &[1, 0]), (&[0, 0], &[0, 2])]
            .map(|(a, b)| Sample {
                prim: Solve.into(),
                args: vec![regular(a), support::spread(DType::F64, b, -2.0, 2.0)],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("solve", "A, B", "the X with A·X = B")
            .differential("solve(A, dB - dA·X)")
            .transpose("for B: solve(Aᵀ, c)")
            .domain("regular matrices A"),
        ]
    }
}
