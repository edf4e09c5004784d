//! Programs a hundred thousand operations deep and sixty thousand wide, planned and run on the stack a
//! thread has by default. Planning takes time in proportion; a million operations take a minute
//! in this build, too long for every run of the tests.

use riesz_core::{
    Program, Result, SimplifyOptions, Tensor, Var, inline, jvp, lower, trace, transpose, unzip,
};
use riesz_cpu::run::Executable;
use std::time::Instant;

/// The program for the value of `f` and its gradient, as it is compiled.
fn with_gradient(x: &Tensor, f: impl FnOnce(Var) -> Var) -> Result<Program> {
    let program = trace(&[x.ty()], |x| vec![f(x[0])])?;
    let halves = unzip(&jvp(&program, &[true])?, 1, 1)?;
    let backward = transpose(&halves.linear, halves.residuals)?;
    let both = trace(&[x.ty()], |x| {
        let primal = inline(&halves.primal, x);
        let mut args = primal[1..].to_vec();
        args.push(primal[0].ones_like());
        vec![primal[0], inline(&backward, &args)[0]]
    })?;
    lower(&both, &SimplifyOptions::whole_program())
}

fn value_and_gradient(
    name: &str,
    x: &Tensor,
    f: impl FnOnce(Var) -> Var,
) -> Result<(f64, Vec<f64>)> {
    let clock = Instant::now();
    let program = with_gradient(x, f)?;
    let transformed = clock.elapsed();
    let executable = Executable::new(&program)?;
    let planned = clock.elapsed() - transformed;
    let y = executable.run(std::slice::from_ref(x))?;
    let ran = clock.elapsed() - transformed - planned;
    println!(
        "{name}: {} equations in {transformed:.2?}, planned in {planned:.2?}, run in {ran:.2?}",
        program.equations().len()
    );
    Ok((y[0].item()?, y[1].to_f64()))
}

#[test]
fn a_chain_of_a_hundred_thousand_operations() -> Result<()> {
    // y ← sin y + x. By hand: y′ ← cos y · y′ + 1.
    let (x, steps) = (0.3f64, 50_000);
    let (y, dy) =
        value_and_gradient("chain", &Tensor::from(x), |x| (0..steps).fold(x, |y, _| y.sin() + x))?;
    let (value, slope) = (0..steps).fold((x, 1.0), |(y, d), _| (y.sin() + x, y.cos() * d + 1.0));
    assert!((y - value).abs() < 1e-13, "{y} {value}");
    assert!((dy[0] - slope).abs() < 1e-12 * slope, "{} {slope}", dy[0]);
    Ok(())
}

#[test]
fn a_fan_out_of_sixty_thousand() -> Result<()> {
    let n = 60_000;
    let (y, dy) = value_and_gradient("fan-out", &Tensor::from(0.7), |x| {
        let parts: Vec<Var> = (0..n).map(|k| (x * f64::from(k)).sin()).collect();
        Var::stack(&parts, 0).square().sum()
    })?;
    // More values at a time than fit in the stack of a thread. Σ sin²(k·x) and Σ k·sin(2k·x).
    let terms = || (0..n).map(f64::from);
    let value: f64 = terms().map(|k| (k * 0.7).sin().powi(2)).sum();
    let slope: f64 = terms().map(|k| k * (2.0 * (k * 0.7)).sin()).sum();
    assert!((y - value).abs() < 1e-10 * value, "{y} {value}");
    let size: f64 = terms().sum();
    assert!((dy[0] - slope).abs() < 1e-12 * size, "{} {slope}", dy[0]);
    Ok(())
}
