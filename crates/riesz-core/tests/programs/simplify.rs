//! Simplified programs mean the same: on every primitive, its derivative, and by name for the rules
//! that numerics depend on.

use riesz_core::check::direction;
use riesz_core::simplify::{rules, simplify_explained};
use riesz_core::{
    DType, Prim, Program, Result, SimplifyOptions, Tensor, Type, Var, apply, eval, simplify, trace,
};
use std::collections::HashSet;

fn scalar(f: impl FnOnce(Var) -> Var) -> Result<Program> {
    trace(&[Type::scalar(DType::F64)], |x| vec![f(x[0])])
}

#[track_caller]
fn agree(a: &[Tensor], b: &[Tensor], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.ty(), b.ty(), "{what}");
        for (x, y) in a.to_f64().iter().zip(b.to_f64()) {
            let same = (x - y).abs() <= 1e-12 * x.abs().max(1.0) || (x.is_nan() && y.is_nan());
            assert!(same || *x == y, "{what}: {x} became {y}");
        }
    }
}

#[test]
fn every_primitive_and_its_derivative_keep_their_values() -> Result<()> {
    for sample in Prim::samples() {
        let types: Vec<Type> = sample.args.iter().map(Tensor::ty).collect();
        let program = trace(&types, |args| apply(sample.prim.clone(), args).to_vec())?;
        let wrt: Vec<bool> = types.iter().map(|t| t.dtype.is_float()).collect();
        let derivative = riesz_core::jvp(&program, &wrt)?;
        let mut at = sample.args.clone();
        for (ty, _) in types.iter().zip(&wrt).filter(|w| *w.1) {
            at.push(direction(ty, 5)?);
        }
        for (program, args) in [(program, &sample.args), (derivative, &at)] {
            for options in [SimplifyOptions::default(), SimplifyOptions::whole_program()] {
                let simple = simplify(&program, &options);
                let what = format!("{:?}", sample.prim);
                agree(&eval(&program, args)?, &eval(&simple, args)?, &what);
                assert_eq!(simplify(&simple, &options), simple, "{what}: not a fixed point");
            }
        }
    }
    Ok(())
}

#[test]
fn names_are_unique() {
    let names: HashSet<&str> = rules().map(|r| r.name).collect();
    assert_eq!(names.len(), rules().count());
}

/// The rule fires, and the value at `x` is `expected`, where what was written overflows or cancels.
#[track_caller]
fn rescued(rule: &str, f: impl FnOnce(Var) -> Var, x: f64, expected: f64) -> Result<()> {
    let program = scalar(f)?;
    let (simple, applied) = simplify_explained(&program, &SimplifyOptions::default());
    assert!(applied.iter().any(|a| a.rule == rule), "{rule} did not fire: {applied:?}");
    let value: f64 = eval(&simple, &[Tensor::from(x)])?[0].item()?;
    assert!((value - expected).abs() <= 1e-15 * expected.abs(), "{rule}: {value}, not {expected}");
    Ok(())
}

#[test]
fn stable_rules_rescue_naive_formulas() -> Result<()> {
    rescued("log1p_exp", |x| x.exp().log1p(), 1000.0, 1000.0)?;
    rescued("log_cosh", |x| x.cosh().log(), 1000.0, 1000.0 - std::f64::consts::LN_2)?;
    rescued("log_exp", |x| x.exp().log(), 1000.0, 1000.0)?;
    // log(1 + 1e-20) is 1e-20 to all digits.
    rescued("log_one_plus", |x| (1.0 + x).log(), 1e-20, 1e-20)?;
    rescued("exp_minus_one", |x| x.exp() - 1.0, 1e-20, 1e-20)?;
    rescued("log_sigmoid", |x| x.sigmoid().log(), -1000.0, -1000.0)
}

#[test]
fn the_norm_squared_is_a_sum_of_squares() -> Result<()> {
    let program = trace(&[Type::new(DType::F64, [3])], |x| vec![x[0].norm().square()])?;
    let (simple, applied) = simplify_explained(&program, &SimplifyOptions::default());
    assert!(applied.iter().any(|a| a.rule == "square_of_norm"), "{applied:?}");
    assert!(simple.equations().len() <= 2);
    Ok(())
}

#[test]
fn a_masked_root_keeps_its_zero() -> Result<()> {
    let root = |x: Var| Var::select(x.gt(0.0), x.sqrt(), 0.0);
    let program = riesz_core::jvp(&scalar(root)?, &[true])?;
    for options in [SimplifyOptions::default(), SimplifyOptions::whole_program()] {
        let simple = simplify(&program, &options);
        let results = eval(&simple, &[Tensor::from(0.0), Tensor::from(1.0)])?;
        assert_eq!(results[1], Tensor::from(0.0));
    }
    Ok(())
}

#[test]
fn transposes_disappear_into_products() -> Result<()> {
    let types = [Type::new(DType::F64, [3, 2]), Type::new(DType::F64, [3, 4])];
    let program = trace(&types, |x| vec![x[1].t().dot(x[0]).t()])?;
    let simple = simplify(&program, &SimplifyOptions::default());
    assert_eq!(simple.equations().len(), 1);
    Ok(())
}

#[test]
fn long_chains_take_linear_time_and_no_stack() -> Result<()> {
    let n = 200_000;
    let program = scalar(|x| (0..n).fold(x, |y, _| (y * x).sin()))?;
    let simple = simplify(&program, &SimplifyOptions::default());
    assert!(simple.equations().len() >= n);
    Ok(())
}
