//! `while_loop`, and `fori` with a range of values.

use crate::{at, close, derivatives, same};
use riesz::prelude::*;

/// xⁿ with n a value.
fn power(x: Var, n: Var) -> Var {
    fori(n, |_, y: Var| y * x, x.ones_like())
}

#[test]
fn derivatives_of_a_power() {
    let x: f64 = 1.3;
    derivatives(
        &|x| power(x, Var::constant(5i64)),
        x,
        [x.powi(5), 5.0 * x.powi(4), 20.0 * x.powi(3), 60.0 * x * x],
        1e-13,
    );
    derivatives(&|x| power(x, Var::constant(0i32)) * x, x, [x, 1.0, 0.0, 0.0], 1e-15);
}

#[test]
fn doubling_until_it_exceeds_ten() -> Result<()> {
    // The line of the table of traps: x doubled until it exceeds 10, times x.
    let f = |x: Var| x * while_loop(|y: Var| y.le(10.0), |y| 2.0 * y, x);
    // From 1: 16·x².
    derivatives(&f, 1.0, [16.0, 32.0, 32.0, 0.0], 1e-15);
    close(at(grad(f), 3.0)?, 24.0, 0.0);
    close(at(grad(f), 11.0)?, 22.0, 0.0);
    Ok(())
}

/// √a by Newton's iteration until it does not change: the derivatives are those of the root.
fn root(a: Var) -> Var {
    let next = |x: Var| 0.5 * (x + a / x);
    let moves = |(x, before): (Var, Var)| (x - before).abs().gt(1e-14 * x);
    while_loop(moves, |(x, _)| (next(x), x), (next(a), a)).0
}

#[test]
fn derivatives_of_an_iteration_that_converges() {
    let a: f64 = 2.0;
    let s = a.sqrt();
    derivatives(&root, a, [s, 0.5 / s, -0.25 / (a * s), 0.375 / (a * a * s)], 1e-10);
}

#[test]
fn more_rounds_than_are_kept() -> Result<()> {
    // xₖ₊₁ = xₖ + h·sin(xₖ)·a: the derivatives by forward mode, which keeps nothing, against those
    // by reverse mode, with numbers of rounds around the ends of runs and of the schedule.
    for rounds in [1i64, 31, 32, 33, 64, 200, 1500] {
        let f = |x: Var| {
            let a = x.at(1);
            let n = Var::constant(rounds);
            fori(n, |_, x: Var| x + 0.003 * x.sin() * a, x.at(0))
        };
        let x = Tensor::from([0.4, 1.1]);
        let forward = run(jacobian_by(f, Mode::Forward), &x)?;
        let reverse = run(jacobian_by(f, Mode::Reverse), &x)?;
        same(&reverse, &forward, 1e-12);
        // tan(x/2) grows by e^{h·a} a round as h → 0; the reference is the loop in plain numbers.
        let (mut y, mut by_x, mut by_a) = (0.4f64, 1.0, 0.0);
        for _ in 0..rounds {
            let (s, c) = y.sin_cos();
            (by_x, by_a) = (by_x * (1.0 + 0.0033 * c), by_a * (1.0 + 0.0033 * c) + 0.003 * s);
            y += 0.003 * s * 1.1;
        }
        same(&reverse, &Tensor::from([by_x, by_a]), 1e-12);
    }
    Ok(())
}

#[test]
fn a_million_rounds_are_reversed_in_the_memory_of_a_few() -> Result<()> {
    // y ← y·(1 + h·a), as often as an argument says.
    let f = |a: Var, n: Var| fori(n, |_, y: Var| y + 1e-6 * a * y, a.ones_like());
    let slope = compile(|(a, n): (Var, Var)| grad(|a| f(a, n))(a));
    let rounds = 1_000_000i64;
    let args = (Tensor::from(0.7), Tensor::from(rounds));
    let plan = riesz_cpu::plan::Plan::new(&slope.program(&args)?)?;
    assert!(plan.workspace <= 4_000, "{}", plan.workspace);
    // n·h·(1 + h·a)ⁿ⁻¹
    let expected = (1e-6f64 * 0.7).ln_1p() * (rounds - 1) as f64;
    close(slope.call(&args)?.item()?, expected.exp(), 1e-10);
    Ok(())
}

#[test]
fn second_derivatives_with_more_rounds_than_are_kept() -> Result<()> {
    // aⁿ for n = 70: three runs, so checkpoints are set in the first reversal and in its own.
    let f = |a: Var| power(a, Var::constant(70i64));
    let a: f64 = 1.01;
    close(at(grad(grad(f)), a)?, 70.0 * 69.0 * a.powi(68), 1e-12);
    Ok(())
}

#[test]
fn instances_end_each_in_its_round() -> Result<()> {
    let n = Tensor::from([0i64, 3, 1, 40]);
    let x = Tensor::from([1.3, 1.1, -0.5, 1.02]);
    let values: Vec<(i32, f64)> = [0, 3, 1, 40].into_iter().zip(x.to_f64()).collect();
    let expected = |f: &dyn Fn(i32, f64) -> f64| {
        Tensor::from(values.iter().map(|&(n, x)| f(n, x)).collect::<Vec<_>>())
    };
    let f = |(x, n): (Var, Var)| power(x, n);
    let slope = |(x, n): (Var, Var)| grad(|x| power(x, n))(x);
    let second = |(x, n): (Var, Var)| grad(grad(|x| power(x, n)))(x);
    let args = (x, n);
    same(&run(vmap(f), &args)?, &expected(&|n, x| x.powi(n)), 1e-14);
    let slopes = expected(&|n, x| f64::from(n) * x.powi(n - 1));
    same(&run(vmap(slope), &args)?, &slopes, 1e-13);
    let of_sum = |(x, n): (Var, Var)| grad(|x| vmap(f)((x, n)).sum())(x);
    same(&run(of_sum, &args)?, &slopes, 1e-13);
    let curvatures = expected(&|n, x| f64::from(n * (n - 1)) * x.powi(n - 2));
    same(&run(vmap(second), &args)?, &curvatures, 1e-12);
    let of_slopes = |(x, n): (Var, Var)| grad(|x| of_sum((x, n)).sum())(x);
    same(&run(of_slopes, &args)?, &curvatures, 1e-12);
    // One base for all counts.
    let shared = vmap_axes(f, [None, Some(0)], [0]);
    let y = run(shared, &(Tensor::from(2.0), Tensor::from([0i64, 1, 5])))?;
    assert_eq!(y, Tensor::from([1.0, 2.0, 32.0]));
    Ok(())
}

#[test]
fn an_instance_that_has_ended_cannot_fail() -> Result<()> {
    // Each instance walks to the end of the list; past it there is nothing to read.
    let walk = |(x, from): (Var, Var)| {
        while_loop(
            |(i, _): (Var, Var)| i.lt(4),
            |(i, sum)| (i + 1, sum + x.take(i, 0).square()),
            (from, x.at(0) * 0.0),
        )
        .1
    };
    let each = vmap_axes(walk, [None, Some(0)], [0]);
    let x = Tensor::from([1.0, 2.0, 3.0, 4.0]);
    let args = (x, Tensor::from([0i64, 3, 4]));
    assert_eq!(run(&each, &args)?, Tensor::from([30.0, 16.0, 0.0]));
    let slopes = |(x, from): (Var, Var)| grad(|x| each((x, from)).sum())(x);
    assert_eq!(run(slopes, &args)?, Tensor::from([2.0, 4.0, 6.0, 16.0]));
    Ok(())
}

#[test]
fn the_order_of_loops_and_instances_does_not_matter() -> Result<()> {
    // A loop over instances, and instances of a loop: A·x until it is short, over rows.
    let shrink = |x: Var| while_loop(|x: Var| x.dot(x).gt(0.1), |x| 0.7 * x.sin(), x);
    let x = Tensor::from([[1.0, 2.0], [0.1, 0.1], [-0.5, 0.3]]);
    let each = run(jacobian(vmap(shrink)), &x)?;
    let own = run(vmap(jacobian(shrink)), &x)?;
    for i in 0..3 {
        for k in 0..2 {
            for l in 0..2 {
                let block = each.to_f64()[((i * 2 + k) * 3 + i) * 2 + l];
                close(block, own.to_f64()[(i * 2 + k) * 2 + l], 1e-14);
            }
        }
    }
    Ok(())
}

#[test]
fn ranges_may_start_anywhere() -> Result<()> {
    // Σ i·x for i from a to b.
    let f = |(x, (a, b)): (Var, (Var, Var))| {
        fori(a..b, |i, sum: Var| sum + i.cast(DType::F64) * x, x.zeros_like())
    };
    let args = |a: i64, b: i64| (Tensor::from(2.0), (Tensor::from(a), Tensor::from(b)));
    assert_eq!(run(f, &args(-2, 4))?, Tensor::from(6.0));
    assert_eq!(run(f, &args(4, 4))?, Tensor::from(0.0));
    assert_eq!(run(f, &args(4, 2))?, Tensor::from(0.0));
    let fixed = |x: Var| fori(3..6, |i, sum: Var| sum + i.cast(DType::F64) * x, x.zeros_like());
    close(at(grad(fixed), 1.0)?, 12.0, 0.0);
    Ok(())
}
