//! Values, gradients, Hessians and laws of traced functions, for the integration tests.

use riesz_core::check::{check_program, direction};
use riesz_core::{
    Error, Program, Result, Tensor, Type, Var, eval, inline, jvp, trace, transpose, unzip,
};

pub fn types(args: &[Tensor]) -> Vec<Type> {
    args.iter().map(Tensor::ty).collect()
}

pub fn floats(args: &[Tensor]) -> Vec<bool> {
    args.iter().map(|a| a.dtype().is_float()).collect()
}

/// The one result of `f`.
pub fn value(args: &[Tensor], f: impl FnOnce(&[Var]) -> Var) -> Result<Tensor> {
    let mut y = eval(&trace(&types(args), |x| vec![f(x)])?, args)?;
    y.pop().ok_or_else(|| Error::usage("no result"))
}

/// The error of tracing `f`, as text.
pub fn refusal(args: &[Tensor], f: impl FnOnce(&[Var]) -> Var) -> String {
    match value(args, f) {
        Ok(y) => format!("no error, but {y}"),
        Err(error) => error.to_string(),
    }
}

/// x ↦ Σ over results ⟨∇, 1⟩: the gradients of a number, by all floats.
pub fn gradient_program(program: &Program, wrt: &[bool]) -> Result<Program> {
    let forward = jvp(program, wrt)?;
    let results = program.outputs().len();
    let halves = unzip(&forward, program.inputs().count(), results)?;
    let backward = transpose(&halves.linear, halves.residuals)?;
    trace(program.input_types(), |x| {
        let primal = inline(&halves.primal, x);
        let mut args = primal[results..].to_vec();
        let results = primal[..results].iter().filter(|y| y.dtype().is_float());
        args.extend(results.map(|y| y.ones_like()));
        inline(&backward, &args)
    })
}

/// The gradients of a number by every float argument.
pub fn gradients(args: &[Tensor], f: impl FnOnce(&[Var]) -> Var) -> Result<Vec<Tensor>> {
    let program = trace(&types(args), |x| vec![f(x)])?;
    eval(&gradient_program(&program, &floats(args))?, args)
}

/// The gradient by the only argument, as numbers.
pub fn gradient(x: &[f64], f: impl FnOnce(Var) -> Var) -> Result<Vec<f64>> {
    Ok(gradients(&[Tensor::from(x)], |x| f(x[0]))?[0].to_f64())
}

/// The Hessian by the only argument, row by row: forward over reverse.
pub fn hessian(x: &[f64], f: impl FnOnce(Var) -> Var) -> Result<Vec<Vec<f64>>> {
    let at = Tensor::from(x);
    let program = trace(&[at.ty()], |x| vec![f(x[0])])?;
    let second = jvp(&gradient_program(&program, &[true])?, &[true])?;
    let row = |i: usize| {
        let mut unit = vec![0.0; x.len()];
        unit[i] = 1.0;
        Ok(eval(&second, &[at.clone(), Tensor::from(unit)])?[1].to_f64())
    };
    (0..x.len()).map(row).collect()
}

/// Differential against differences and transpose against the inner product, to second order.
pub fn laws(args: &[Tensor], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<()> {
    let program = trace(&types(args), f)?;
    let wrt = floats(args);
    let errors = check_program(&program, args, &wrt, 5)?;
    assert!(errors.differential < 1e-7 && errors.transpose < 1e-13, "first: {errors:?}");
    let mut at = args.to_vec();
    for (arg, _) in args.iter().zip(&wrt).filter(|w| *w.1) {
        at.push(direction(&arg.ty(), 3)?);
    }
    let errors = check_program(&jvp(&program, &wrt)?, &at, &floats(&at), 9)?;
    assert!(errors.differential < 1e-6 && errors.transpose < 1e-12, "second: {errors:?}");
    Ok(())
}

/// Reproducible numbers of magnitude about 1.
pub fn numbers(shape: &[usize], seed: u64) -> Tensor {
    direction(&Type::new(riesz_core::DType::F64, shape), seed).unwrap_or_else(|e| panic!("{e}"))
}

pub fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{a:?} {b:?}");
    for (x, y) in a.iter().zip(b) {
        let same = x == y || (x.is_nan() && y.is_nan());
        assert!(same || (x - y).abs() <= tolerance * y.abs().max(1.0), "{a:?} is not {b:?}");
    }
}
