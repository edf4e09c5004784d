//! Products in the cheapest order: what they cost, counted by hand, and that they have the same values.

use crate::differentiate::numbers;
use riesz_core::control::{self, Steps};
use riesz_core::cost::operations;
use riesz_core::{DType, Program, Result, Tensor, Type, Var, eval, reorder_products, trace};
use std::borrow::Cow;

const M: usize = 50;
const N: usize = 40;
/// A matrix and a vector.
const PRODUCT: usize = 2 * M * N;

/// A, x, y and c.
fn types() -> Vec<Type> {
    [vec![M, N], vec![N], vec![M], vec![]].map(|shape| Type::new(DType::F64, shape)).to_vec()
}

/// Whole numbers, so that every order has the same sums.
fn whole(ty: &Type, seed: usize) -> Tensor {
    let number = |i: usize| ((i * 7 + seed * 3) % 5) as f64 - 2.0;
    Tensor::from_f64(&(0..ty.size()).map(number).collect::<Vec<f64>>(), ty.shape.clone(), ty.dtype)
        .unwrap()
}

fn same_values(program: &Program, reordered: &Program) -> Result<()> {
    let args: Vec<Tensor> =
        program.input_types().iter().enumerate().map(|(k, ty)| whole(ty, k)).collect();
    assert_eq!(eval(reordered, &args)?, eval(program, &args)?, "{program}\n{reordered}");
    Ok(())
}

#[test]
fn chains_cost_what_the_best_order_costs() -> Result<()> {
    let case = |f: fn(&[Var]) -> Var, least: usize| -> Result<()> {
        let written = trace(&types(), |x| vec![f(x)])?;
        let reordered = reorder_products(&written)?;
        assert_eq!(operations(&reordered), least as f64, "{written}\n{reordered}");
        same_values(&written, &reordered)
    };
    case(|x| x[0].t().dot(x[0]).dot(x[1]), 2 * PRODUCT)?;
    case(|x| x[2].dot(x[0].dot(x[0].t())), 2 * PRODUCT)?;
    // A transpose between costs what it did: it is a view to the product.
    case(|x| x[0].t().dot(x[0]).t().dot(x[1]), 2 * PRODUCT)?;
    // A known number scales what is smallest.
    case(|x| (2.0 * x[0].t()).dot(x[0]).dot(x[1]), 2 * PRODUCT + N)?;
    case(|x| (-(x[0].t().dot(x[0] / 2.0))).dot(x[1]), 2 * PRODUCT + N)?;
    // Numbers that are not known, and scaled columns, stay with their factor: repeated, and multiplied.
    case(|x| (x[3] * x[0].t()).dot(x[0]).dot(x[1]), 2 * PRODUCT + 2 * M * N)?;
    case(|x| (x[0].t() * x[2]).dot(x[0]).dot(x[1]), 2 * PRODUCT + 2 * M * N)?;
    // yᵀ(A Aᵀ)(A Aᵀ)y: four products with vectors, and one of two short ones.
    let square = |x: &[Var]| {
        let s = x[0].dot(x[0].t());
        let t = x[0].dot(x[0].t());
        x[2].dot(s.dot(t)).dot(x[2])
    };
    let written = trace(&types(), |x| vec![square(x)])?;
    let reordered = reorder_products(&written)?;
    assert_eq!(operations(&reordered), (4 * PRODUCT + 2 * N) as f64, "{reordered}");
    same_values(&written, &reordered)
}

#[test]
fn stacks_of_matrices_are_multiplied_in_order_too() -> Result<()> {
    let stack = [Type::new(DType::F64, [6, M, N]), Type::new(DType::F64, [6, N])];
    let written = trace(&stack, |x| {
        let gram = Var::einsum("bji,bjk->bik", &[x[0], x[0]]);
        vec![Var::einsum("bik,bk->bi", &[gram, x[1]])]
    })?;
    let reordered = reorder_products(&written)?;
    assert_eq!(operations(&reordered), (6 * 2 * PRODUCT) as f64, "{reordered}");
    same_values(&written, &reordered)
}

#[test]
fn the_bodies_of_loops_are_reordered() -> Result<()> {
    let written = trace(&types(), |x| {
        let body = |y: &[Var], _: &[Var]| (vec![x[0].t().dot(x[0]).dot(y[0])], vec![]);
        control::scan(Steps::new(3), &x[1..2], &[], body).0
    })?;
    let reordered = reorder_products(&written)?;
    assert_eq!(operations(&reordered), (3 * 2 * PRODUCT) as f64, "{reordered}");
    same_values(&written, &reordered)
}

#[test]
fn what_is_as_cheap_or_guards_against_overflow_stays() -> Result<()> {
    let stays = |f: fn(&[Var]) -> Vec<Var>| -> Result<()> {
        let written = trace(&types(), f)?;
        let reordered = reorder_products(&written)?;
        assert!(matches!(reordered, Cow::Borrowed(_)), "{written}\n{reordered}");
        Ok(())
    };
    stays(|x| vec![x[0].t().dot(x[0].dot(x[1]) - x[2]) / 50.0])?;
    // Another result needs the product.
    stays(|x| {
        let gram = x[0].t().dot(x[0]);
        vec![gram.dot(x[1]), gram]
    })?;
    // A·x may overflow where the scaled A does not.
    stays(|x| vec![(x[0] / x[0].norm()).dot(x[1])])?;
    stays(|x| vec![(1e-200 * x[0]).dot(x[1])])?;
    stays(|x| vec![(x[3] * x[0].t().dot(x[0])).dot(x[1])])?;
    // AᵀAB, of which half of AᵀA is computed: 1.1 n³ for n columns where B has 0.6 n, and AᵀAB as Aᵀ(AB) 1.2 n³.
    let types = [[N, N], [N, N * 6 / 10]].map(|shape| Type::new(DType::F64, shape));
    let written = trace(&types, |x| vec![x[0].t().dot(x[0]).dot(x[1])])?;
    assert!(matches!(reorder_products(&written)?, Cow::Borrowed(_)));
    Ok(())
}

/// Scales that are not known keep products within range that would be out of it in another order.
#[test]
fn scales_that_are_not_known_stay_with_what_they_scale() -> Result<()> {
    let kept = |f: fn(&[Var]) -> Var, args: &[Tensor], expected: &[f64]| -> Result<()> {
        let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
        let written = trace(&types, |x| vec![f(x)])?;
        let reordered = reorder_products(&written)?;
        for program in [&written, &*reordered] {
            let found = eval(program, args)?[0].to_f64();
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs();
            assert!(found.iter().zip(expected).all(near), "{found:?}\n{program}");
        }
        Ok(())
    };
    let large = Tensor::from([[1e200, 1e200, 1e200]]);
    let x = Tensor::from([1e200, 1.0, 1.0]);
    let c = Tensor::from(1e200);
    kept(|v| ((1.0 / v[2]) * v[0]).dot(v[1]), &[large.clone(), x.clone(), c], &[1e200])?;
    let c = Tensor::from(200.0 * std::f64::consts::LN_10);
    kept(|v| ((-v[2]).exp() * v[0]).dot(v[1]), &[large.clone(), x.clone(), c], &[1e200])?;
    // Rows scaled by 0 and 1, and columns.
    let rows = Tensor::from([[1e200, 1e200, 1e200], [1.0, 2.0, 3.0]]);
    let s = Tensor::from([0.0, 1.0]);
    let scaled = |v: &[Var]| (v[2].reshape([2, 1]) * v[0]).dot(v[1]);
    kept(scaled, &[rows, x.clone(), s], &[0.0, 1e200])?;
    let s = Tensor::from([1e-200, 1.0, 1.0]);
    kept(|v| (v[0] * v[2]).dot(v[1]), &[large, x, s], &[3e200])
}

/// A long chain goes part by part, in time that grows with its length.
#[test]
fn long_chains() -> Result<()> {
    let square = Type::new(DType::F64, [8, 8]);
    let types = [square.clone(), Type::new(DType::F64, [8])];
    let written = trace(&types, |x| vec![(0..40).fold(x[0], |y, _| y.dot(x[0])).dot(x[1])])?;
    let reordered = reorder_products(&written)?;
    let args = [numbers(&[8, 8], 1), numbers(&[8], 2)];
    let (a, b) = (eval(&written, &args)?[0].to_f64(), eval(&reordered, &args)?[0].to_f64());
    let size = a.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-11 * size), "{a:?} {b:?}");
    assert!(operations(&reordered) < operations(&written));
    let long = trace(&types, |x| vec![(0..100_000).fold(x[1], |y, _| x[0].dot(y))])?;
    assert!(matches!(reorder_products(&long)?, Cow::Borrowed(_)));
    Ok(())
}
