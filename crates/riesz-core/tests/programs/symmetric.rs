//! Which matrices are known to be symmetric: their transposes go away, and only theirs.

use crate::structured::simplified;
use riesz_core::control::{Steps, scan};
use riesz_core::{DType, Prim, Program, Result, Type, Var};

/// The program simplified, which has the same values up to rounding.
#[track_caller]
fn simple(shapes: &[&[usize]], f: impl FnOnce(&[Var]) -> Var) -> Result<Program> {
    simplified(1e-13, shapes, f)
}

fn transposes(program: &Program) -> usize {
    program.equations().iter().filter(|eq| matches!(eq.prim, Prim::Transpose(_))).count()
}

/// Aᵀ·A + I.
fn normal(a: Var) -> Var {
    let n = a.shape()[1];
    a.t().dot(a) + Var::eye(DType::F64, n)
}

#[test]
fn a_symmetric_matrix_is_not_transposed() -> Result<()> {
    let gone = |f: fn(Var) -> Var| -> Result<()> {
        let program = simple(&[&[4, 4]], |x| f(x[0]))?;
        assert_eq!(transposes(&program), 0, "{program:?}");
        Ok(())
    };
    gone(|a| normal(a).t())?;
    gone(|a| (normal(a).inverse() * 2.0 - normal(a).exp()).t())?;
    gone(|a| normal(a).dot(normal(a)).t())?;
    gone(|a| normal(a).powi(3).t())?;
    // One transpose is left: the one that makes it symmetric.
    let sum = simple(&[&[4, 4]], |x| (x[0] + x[0].t()).t() * 3.0)?;
    assert_eq!(transposes(&sum), 1);
    Ok(())
}

#[test]
fn a_stack_of_symmetric_matrices_is_not_transposed() -> Result<()> {
    let turned = |v: Var| v.transpose(&[0, 2, 1]);
    let gram = |v: Var| v.dot_general(v, &[(1, 1)], &[(0, 0)]);
    let program = simple(&[&[3, 2, 4]], |x| turned(gram(x[0]).sin()))?;
    assert_eq!(transposes(&program), 0);
    // Exchanging the stack with a side of the matrices is another thing.
    let program = simple(&[&[4, 2, 4]], |x| gram(x[0]).transpose(&[1, 0, 2]).sin())?;
    assert_eq!(transposes(&program), 1);
    Ok(())
}

#[test]
fn a_matrix_that_is_not_symmetric_is_transposed() -> Result<()> {
    let kept = |shapes: &[&[usize]], f: fn(&[Var]) -> Var| -> Result<()> {
        let program = simple(shapes, |x| f(x).t())?;
        assert_eq!(transposes(&program), 1, "{program:?}");
        Ok(())
    };
    kept(&[&[4, 4]], |x| x[0].exp())?;
    kept(&[&[4, 4]], |x| normal(x[0]) + x[0])?;
    kept(&[&[4, 4]], |x| x[0] - 2.0 * x[0].flip(&[0]))?;
    kept(&[&[4, 4], &[4]], |x| normal(x[0]) * x[1].broadcast_to([4, 4]))?;
    kept(&[&[3, 3], &[3, 3]], |x| Var::select(x[0].gt(0.0), normal(x[0]), normal(x[1])))?;
    // A − Aᵀ is not: it changes its sign.
    let program = simple(&[&[4, 4]], |x| (x[0] - x[0].t()).t().sin())?;
    assert!(transposes(&program) > 0);
    Ok(())
}

/// A row of a symmetric matrix is not one, and neither is what becomes of its rows one by one.
#[test]
fn rows_are_not_symmetric() -> Result<()> {
    let program = simple(&[&[4, 4]], |x| {
        let step = |c: &[Var], row: &[Var]| (vec![c[0] + row[0]], vec![c[0] * row[0]]);
        let zeros = Var::zeros(&Type::new(DType::F64, [4]));
        let (_, rows) = scan(Steps::new(4), &[zeros], &[normal(x[0])], step);
        rows[0].t()
    })?;
    assert_eq!(transposes(&program), 1);
    Ok(())
}

/// Half of a product is computed where both factors are one matrix and its transpose.
#[test]
fn a_symmetric_square_is_a_product_with_the_transpose() -> Result<()> {
    let program = simple(&[&[4, 4]], |x| {
        let y = normal(x[0]).inverse();
        y.dot(-y) + y.t().dot(y) * 3.0
    })?;
    let products: Vec<_> = program
        .equations()
        .iter()
        .filter_map(|eq| match &eq.prim {
            Prim::Dot(dot) => Some((dot.contract.clone(), eq.inputs[0] == eq.inputs[1])),
            _ => None,
        })
        .collect();
    assert!(products.len() == 2 && products.iter().all(|p| *p == (vec![(0, 0)], true)));
    Ok(())
}
