//! `det` and what its derivatives need: the cofactors and their differential.
//!
//! D det(A)\[X\] = ⟨cof(A), X⟩ holds for singular matrices too, where the usual det(A)·A⁻ᵀ has no
//! meaning. With A = U·diag(s)·Vᵀ, cof(A) = det(U)·det(V)·U·cof(diag(s))·Vᵀ, and the cofactors of a
//! diagonal matrix, and their first differential, are products of the other singular values: no
//! division anywhere. (Magnus & Neudecker, *Matrix Differential Calculus*, section 8.4.)

use super::dense::{Lu, Svd, product};
use super::inverse::regular;
use super::*;
use crate::types::{DType, Shape};

/// The determinant of a square matrix, or of each in a stack.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Det;

/// The matrix of cofactors: the gradient of the determinant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cofactor;

/// `cofactor_tangent(A, X)`: the differential of the cofactors of A in the direction X, that is the
/// second differential of the determinant. Linear in X and its own transpose.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CofactorTangent;

/// The product of numbers in an order in which no partial product overflows or underflows unless the whole
/// does: a large one is made smaller next, any other larger. So the product of 0 and finite numbers is 0.
pub fn product_in_range(factors: impl Iterator<Item = f64> + Clone) -> f64 {
    let mut large = factors.clone().filter(|v| v.abs() > 1.0);
    let mut others = factors.filter(|v| v.abs() <= 1.0 || v.is_nan());
    let mut product = 1.0f64;
    loop {
        let next = match product.abs() > 1.0 {
            true => others.next().or_else(|| large.next()),
            false => large.next().or_else(|| others.next()),
        };
        match next {
            Some(factor) => product *= factor,
            None => return product,
        }
    }
}

impl Primitive for Det {
    fn name(&self) -> &'static str {
        "det"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, _) = support::expect_square(&args[0])?;
        Ok(smallvec![args[0].with_shape(batch)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (batch, n) = support::expect_square(&args[0].ty())?;
        let det = support::each_matrix(args[0], &batch, |a| {
            let lu = Lu::new(a, n);
            Ok(vec![lu.sign() * product_in_range(lu.pivots())])
        })?;
        Ok(vec![det])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        let rank = x[0].rank();
        let slope = |da| apply(Cofactor, x)[0].scale(da).sum_axes(&[rank - 2, rank - 1]);
        smallvec![dx[0].map(slope)]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Det, args)
    }
}

impl Primitive for Cofactor {
    fn name(&self) -> &'static str {
        "cofactor"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_square(&args[0])?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = support::expect_square(&args[0].ty())?;
        let cofactors = support::each_matrix(args[0], args[0].shape(), |a| {
            let mut g = vec![0.0; n * n];
            rotated(a, n, |s, _, _| {
                for i in 0..n {
                    g[i * n + i] = product_but(s, &[i]);
                }
                g
            })
        })?;
        Ok(vec![cofactors])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        smallvec![dx[0].map(|da| apply(CofactorTangent, &[x[0], da])[0])]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Cofactor, args)
    }
}

impl Primitive for CofactorTangent {
    fn name(&self) -> &'static str {
        "cofactor_tangent"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        support::expect_square(&args[0])?;
        support::expect_same(&args[0], &args[1])?;
        Ok(smallvec![args[0].clone()])
    }
    /// With E = Uᵀ·X·V: on the diagonal Σⱼ Eⱼⱼ Π_{k≠i,j} sₖ, off it −Eⱼᵢ Π_{k≠i,j} sₖ.
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = support::expect_square(&args[0].ty())?;
        let directions = args[1].to_f64();
        let mut at = 0;
        let tangent = support::each_matrix(args[0], args[0].shape(), |a| {
            let x = &directions[at..at + n * n];
            at += n * n;
            rotated(a, n, |s, u, v| {
                let e = product(&product(u, true, x, false, n), false, v, false, n);
                let mut g = vec![0.0; n * n];
                for i in 0..n {
                    for j in (0..n).filter(|&j| j != i) {
                        let others = product_but(s, &[i, j]);
                        g[i * n + i] += e[j * n + j] * others;
                        g[i * n + j] = -e[j * n + i] * others;
                    }
                }
                g
            })
        })?;
        Ok(vec![tangent])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b10))
    }
    /// In A, through cof(A) = det(A)·A⁻ᵀ: the third differential of the determinant, for regular A.
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        let along = dx[1].map(|dx| apply(CofactorTangent, &[x[0], dx])[0]);
        let moved = dx[0].and_then(|da| {
            let by_inverse = |a: Var| {
                let (det, inv) = (apply(Det, &[a])[0], apply(Inverse, &[a])[0]);
                let rank = a.rank();
                let inner = (inv.t() * x[1]).sum_axes(&[rank - 2, rank - 1]);
                let spread = |s: Var| s.expand_dims(rank - 2).expand_dims(rank - 1);
                let turned = inv.t().matmul(x[1].t()).matmul(inv.t());
                spread(det) * (spread(inner) * inv.t() - turned)
            };
            crate::jvp::differential_of(|a| vec![by_inverse(a[0])], &[x[0]], &[Some(da)])[0]
        });
        smallvec![add(along, moved)]
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![None, ct[0].map(|ct| apply(CofactorTangent, &[args[0].known(), ct])[0])]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(CofactorTangent, &batch_all(args, batched, n))
    }
}

/// det(U)·det(V)·U·G·Vᵀ, where G is made from the singular values and vectors of `a`.
fn rotated(
    a: &[f64],
    n: usize,
    g: impl FnOnce(&[f64], &[f64], &[f64]) -> Vec<f64>,
) -> Result<Vec<f64>> {
    if a.iter().any(|v| !v.is_finite()) {
        return Ok(vec![f64::NAN; n * n]);
    }
    let Svd { u, s, v } = Svd::new(a, n, n);
    let sign = |q: &[f64]| {
        let lu = Lu::new(q, n);
        lu.pivots().fold(lu.sign(), |d, p| d * p).signum()
    };
    let turn = sign(&u) * sign(&v);
    let g = g(&s, &u, &v);
    let c = product(&product(&u, false, &g, false, n), false, &v, true, n);
    Ok(c.into_iter().map(|c| turn * c).collect())
}

fn product_but(s: &[f64], but: &[usize]) -> f64 {
    s.iter().enumerate().filter(|(k, _)| !but.contains(k)).map(|(_, s)| s).product()
}

fn square_samples(prim: impl Into<Prim> + Clone, arity: usize) -> Vec<Sample> {
    let shapes: [Shape; 5] =
        [[1, 1].into(), [2, 2].into(), [3, 3].into(), [2, 3, 3].into(), [0, 0].into()];
    shapes
        .into_iter()
        .map(|shape| {
            let mut args = vec![regular(&shape), support::spread(DType::F64, shape, -1.0, 2.0)];
            args.truncate(arity);
            Sample { prim: prim.clone().into(), args }
        })
        .collect()
}

impl Listed for Det {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "det").then_some(Ok(Det))
    }
    fn samples() -> Vec<Sample> {
        square_samples(Det, 1)
    }
    fn about() -> Vec<About> {
        vec![
            About::new("det", "A", "the determinant").differential("⟨cofactor(A), dA⟩"),
        ]
    }
}

impl Listed for Cofactor {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "cofactor").then_some(Ok(Cofactor))
    }
    fn samples() -> Vec<Sample> {
        square_samples(Cofactor, 1)
    }
    fn about() -> Vec<About> {
        vec![
            About::new("cofactor", "A", "the cofactors of A, det(A)·A⁻ᵀ where A is regular")
            .differential("cofactor_tangent(A, dA)"),
        ]
    }
}

impl Listed for CofactorTangent {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "cofactor_tangent").then_some(Ok(CofactorTangent))
    }
    fn samples() -> Vec<Sample> {
        square_samples(CofactorTangent, 2)
    }
    fn about() -> Vec<About> {
        vec![
            About::new("cofactor_tangent", "A, X", "the differential of the cofactors of A along X")
            .differential("cofactor_tangent(A, dX) + the third differential of det")
            .transpose("for X: cofactor_tangent(A, c)")
            .domain("all; regular matrices for the differential by A"),
        ]
    }
}
