//! Products with identity and diagonal matrices are not made.

use riesz_core::check::direction;
use riesz_core::simplify::simplify_explained;
use riesz_core::{DType, Prim, Program, Result, SimplifyOptions, Tensor, Type, Var, eval, trace};

/// The program simplified, which has the same values up to a tolerance.
#[track_caller]
pub fn simplified(
    tolerance: f64,
    shapes: &[&[usize]],
    f: impl FnOnce(&[Var]) -> Var,
) -> Result<Program> {
    let types: Vec<Type> = shapes.iter().map(|s| Type::new(DType::F64, *s)).collect();
    let program = trace(&types, |x| vec![f(x)])?;
    let (simple, _) = simplify_explained(&program, &SimplifyOptions::default());
    let args: Result<Vec<Tensor>> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed)).collect();
    let args = args?;
    let (expected, given) = (eval(&program, &args)?, eval(&simple, &args)?);
    assert_eq!(expected[0].ty(), given[0].ty());
    for (e, g) in expected[0].to_f64().iter().zip(given[0].to_f64()) {
        assert!((e - g).abs() <= tolerance * e.abs().max(1.0), "{e} became {g}");
    }
    Ok(simple)
}

/// The simplified program has no product and the same values.
#[track_caller]
fn without_product(shapes: &[&[usize]], f: impl FnOnce(&[Var]) -> Var) -> Result<()> {
    let simple = simplified(1e-14, shapes, f)?;
    let products = simple.equations().iter().filter(|eq| matches!(eq.prim, Prim::Dot(_)));
    assert_eq!(products.count(), 0, "{simple:?}");
    Ok(())
}

#[test]
fn an_identity_is_not_multiplied() -> Result<()> {
    for n in [3, 20] {
        let eye = || Var::eye(DType::F64, n);
        without_product(&[&[n, 4]], |x| eye().dot(x[0]))?;
        without_product(&[&[4, n]], |x| x[0].dot(eye()))?;
        without_product(&[&[n]], |x| eye().dot(x[0]))?;
        without_product(&[&[2, n, 5]], |x| x[0].dot_general(eye(), &[(1, 0)], &[]))?;
        without_product(&[&[2, n, 5]], |x| eye().dot_general(x[0], &[(0, 1)], &[]))?;
    }
    Ok(())
}

#[test]
fn a_diagonal_matrix_scales() -> Result<()> {
    let n = 7;
    let rows = |v: Var| v.reshape([n, 1]).broadcast_to([n, n]);
    let columns = |v: Var| v.reshape([1, n]).broadcast_to([n, n]);
    let eye = || Var::eye(DType::F64, n);
    without_product(&[&[n], &[n, 4]], |x| (columns(x[0]) * eye()).dot(x[1]))?;
    without_product(&[&[n], &[n, 4]], |x| (-x[0].diag()).dot(x[1]))?;
    without_product(&[&[4, n]], |x| x[0].dot(x[0].sum().broadcast_to([n]).diag()))?;
    without_product(&[&[n], &[n, 4]], |x| (-(eye() / rows(x[0]))).dot(x[1]))?;
    without_product(&[&[n], &[4, n]], |x| x[1].dot(columns(x[0]).scale(eye() * 2.0)))?;
    without_product(&[&[n], &[n]], |x| (rows(x[0]) * (eye() * columns(x[1]))).sum_axes(&[0]))?;
    without_product(&[&[n], &[n]], |x| (rows(x[0]) * eye()).t().sum_axes(&[1]) + x[1])
}

#[test]
fn a_part_of_an_identity_shifts() -> Result<()> {
    let part = |from, to| Var::eye(DType::F64, 9).slice_axis(1, from, to);
    without_product(&[&[4, 3]], |x| part(2, 6).dot(x[0]))?;
    without_product(&[&[9, 3]], |x| part(2, 6).t().dot(x[0]))?;
    without_product(&[&[9, 3]], |x| part(5, 9).dot_general(x[0], &[(0, 0)], &[]))?;
    without_product(&[&[4]], |x| {
        let d = part(2, 6) * x[0].reshape([1, 4]).broadcast_to([9, 4]);
        d.sum_axes(&[1]).slice_axis(0, 1, 5) + d.sum_axes(&[0])
    })
}

#[test]
fn a_product_with_a_number_is_a_multiple() -> Result<()> {
    without_product(&[&[], &[2, 3]], |x| x[0].dot_general(x[1], &[], &[]))?;
    without_product(&[&[], &[2, 3]], |x| x[1].dot_general(x[0], &[], &[]))
}
