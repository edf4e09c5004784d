//! `inverse`: A⁻¹ of a square matrix, or of each in a stack.

use super::dense::{Lu, identity};
use super::*;
use crate::types::DType;

/// The inverse; an error when a matrix is exactly singular.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Inverse;

impl Primitive for Inverse {
    fn name(&self) -> &'static str {
        "inverse"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_square(&args[0])?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = support::expect_square(&args[0].ty())?;
        let inverse = support::each_matrix(args[0], args[0].shape(), |a| {
            let lu = Lu::new(a, n);
            if lu.is_singular() {
                return Err(singular(n));
            }
            Ok(lu.solve(&identity(n), n))
        })?;
        Ok(vec![inverse])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// A·Y = I, so dA·Y + A·dY = 0 and dY = −Y·dA·Y.
    fn differential(&self, _: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        smallvec![dx[0].map(|da| -y[0].matmul(da).matmul(y[0]))]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Inverse, args)
    }
}

/// What every operation says of a matrix that has no inverse.
pub fn singular(n: usize) -> Error {
    Error::value(format!("the {n}×{n} matrix is singular: it has no inverse"))
        .help("is a column a combination of others? a small multiple of the identity may help")
}

/// Matrices far from singular: dominant diagonals.
pub(super) fn regular(shape: &[usize]) -> Tensor {
    let t = support::spread(DType::F64, shape, -1.0, 1.0);
    let n = shape.last().copied().unwrap_or(1).max(1);
    let values: Vec<f64> = t
        .to_f64()
        .iter()
        .enumerate()
        .map(|(i, v)| if i / n % n == i % n { v + 2.0 + (i % n) as f64 } else { *v })
        .collect();
    Tensor::from_f64(&values, shape, DType::F64).unwrap_or(t)
}

impl Listed for Inverse {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "inverse").then_some(Ok(Inverse))
    }
    fn samples() -> Vec<Sample> {
        [&[1, 1][..], &[3, 3], &[2, 2, 2], &[0, 0]]
            .map(|shape| Sample { prim: Inverse.into(), args: vec![regular(shape)] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("inverse", "A", "A⁻¹")
            .differential("-A⁻¹·dA·A⁻¹")
            .domain("regular matrices"),
        ]
    }
}
