//! `scan` and `fori` with a number of steps known beforehand.

use crate::{at, close, derivatives, same};
use riesz::prelude::*;

/// xⁿ, by multiplying.
fn power(x: Var, n: usize) -> Var {
    fori(n, |_, y: Var| y * x, x.ones_like())
}

#[test]
fn derivatives_of_a_power() {
    let x: f64 = 1.3;
    derivatives(
        &|x| power(x, 5),
        x,
        [x.powi(5), 5.0 * x.powi(4), 20.0 * x.powi(3), 60.0 * x * x],
        1e-14,
    );
    // With the base carried as well: y ← y·b, b ← b·b gives x^(2ⁿ−1).
    let doubling = |x: Var| fori(3, |_, (y, b): (Var, Var)| (y * b, b * b), (x.ones_like(), x)).0;
    derivatives(
        &doubling,
        x,
        [x.powi(7), 7.0 * x.powi(6), 42.0 * x.powi(5), 210.0 * x.powi(4)],
        1e-14,
    );
}

#[test]
fn no_steps_and_one() -> Result<()> {
    derivatives(&|x| power(x, 0) * x, 1.3, [1.3, 1.0, 0.0, 0.0], 0.0);
    derivatives(&|x| power(x, 1), 1.3, [1.3, 1.0, 0.0, 0.0], 1e-15);
    let f = |x: Var| scan(|c: Var, x: Var| (c + x, c * x), Var::constant(3.0), x);
    let none = Tensor::from(Vec::<f64>::new());
    let (last, ys) = run(f, &none)?;
    assert_eq!((last, ys.shape().to_string()), (Tensor::from(3.0), "[0]".to_string()));
    assert_eq!(run(grad(|x: Var| f(x).0), &none)?.len(), 0);
    Ok(())
}

/// hₜ = tanh(W·hₜ₋₁ + xₜ), and Σₜ |hₜ|²: the same computation written out.
fn recurrent((w, h, xs): (Var, Var, Var)) -> Var {
    let (_, norms) = scan(
        |h: Var, x: Var| {
            let h = (w.dot(h) + x).tanh();
            (h, h.dot(h))
        },
        h,
        xs,
    );
    norms.sum()
}

fn written_out((w, mut h, xs): (Var, Var, Var)) -> Var {
    let mut sum = h.at(0) * 0.0;
    for t in 0..5 {
        h = (w.dot(h) + xs.at(t)).tanh();
        sum += h.dot(h);
    }
    sum
}

fn recurrent_arguments() -> Result<(Tensor, Tensor, Tensor)> {
    let xs: Vec<f64> = (0..10).map(|i| (f64::from(i) * 0.7).sin()).collect();
    Ok((
        Tensor::from([[0.5, -0.3], [0.2, 0.8]]),
        Tensor::from([0.1, -0.4]),
        Tensor::new(xs, [5, 2])?,
    ))
}

#[test]
fn a_recurrence_is_what_it_is_written_out() -> Result<()> {
    let args = recurrent_arguments()?;
    let (value, gradient) = run(value_and_grad(recurrent), &args)?;
    let (expected, slopes) = run(value_and_grad(written_out), &args)?;
    same(&value, &expected, 1e-15);
    same(&gradient.0, &slopes.0, 1e-14);
    same(&gradient.1, &slopes.1, 1e-14);
    same(&gradient.2, &slopes.2, 1e-14);
    Ok(())
}

#[test]
fn second_derivatives_of_a_recurrence() -> Result<()> {
    let (w, h, xs) = recurrent_arguments()?;
    // Hessian by h, forwards over backwards and backwards twice, and the mixed one by W and xs.
    let by = |f: fn((Var, Var, Var)) -> Var, mode: Mode| {
        let (w, xs) = (w.clone(), xs.clone());
        run(
            move |h: Var| {
                let (w, xs) = (Var::constant(w.clone()), Var::constant(xs.clone()));
                jacobian_by(grad(move |h| f((w, h, xs))), mode)(h)
            },
            &h,
        )
    };
    let expected = by(written_out, Mode::Forward)?;
    same(&by(recurrent, Mode::Forward)?, &expected, 1e-14);
    same(&by(recurrent, Mode::Reverse)?, &expected, 1e-14);
    let mixed = |f: fn((Var, Var, Var)) -> Var| {
        run(
            move |(w, h, xs): (Var, Var, Var)| {
                let inner = move |w: Var| grad(move |xs| f((w, h, xs)))(xs).square().sum();
                grad(inner)(w)
            },
            &(w.clone(), h.clone(), xs.clone()),
        )
    };
    same(&mixed(recurrent)?, &mixed(written_out)?, 1e-13);
    Ok(())
}

#[test]
fn instances_of_every_argument() -> Result<()> {
    let args = recurrent_arguments()?;
    let stack = |t: &Tensor| {
        let values: Vec<f64> = [1.0, 0.5, -0.3]
            .iter()
            .flat_map(|s| t.to_f64().into_iter().map(move |v| s * v))
            .collect();
        Tensor::new(values, t.shape().with_leading(3))
    };
    let (w, h, xs) = (stack(&args.0)?, stack(&args.1)?, stack(&args.2)?);
    let all = [
        (w.clone(), h.clone(), xs.clone(), [Some(0), Some(0), Some(0)]),
        (w, args.1.clone(), args.2.clone(), [Some(0), None, None]),
        (args.0.clone(), h, args.2.clone(), [None, Some(0), None]),
        (args.0.clone(), args.1.clone(), xs, [None, None, Some(0)]),
    ];
    for (w, h, xs, axes) in all {
        let args = (w, h, xs);
        let one = vmap_axes(grad(recurrent), axes, [0]);
        let (a, b) = (run(one, &args)?, run(vmap_axes(grad(written_out), axes, [0]), &args)?);
        same(&a.0, &b.0, 1e-14);
        same(&a.1, &b.1, 1e-14);
        same(&a.2, &b.2, 1e-14);
    }
    Ok(())
}

#[test]
fn the_other_way_round() -> Result<()> {
    // yₜ = xₜ + yₜ₊₁/2: each x counts half as much one step further back.
    let options = ScanOptions { reverse: true, ..ScanOptions::default() };
    let f =
        |x: Var| scan_with(|y: Var, x: Var| (x + 0.5 * y, x + 0.5 * y), x.at(0) * 0.0, x, &options);
    let x = Tensor::from([1.0, 2.0, 4.0]);
    let (last, ys) = run(f, &x)?;
    assert_eq!((last, ys), (Tensor::from(3.0), Tensor::from([3.0, 4.0, 4.0])));
    assert_eq!(run(grad(|x: Var| f(x).0), &x)?, Tensor::from([1.0, 0.5, 0.25]));
    let expected = Tensor::from([[1.0, 0.5, 0.25], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]);
    for mode in [Mode::Forward, Mode::Reverse] {
        assert_eq!(run(jacobian_by(|x: Var| f(x).1, mode), &x)?, expected);
    }
    Ok(())
}

#[test]
fn loops_in_loops_with_values_of_both_around() -> Result<()> {
    // Σᵢ Σⱼ≤i a·i·j for i, j < 4, by loops whose inner range is a value of the outer.
    let f = |a: Var| {
        fori(
            4,
            |i, sum: Var| {
                let i_as = i.cast(DType::F64);
                fori(i + 1, |j, sum: Var| sum + a * i_as * j.cast(DType::F64), sum)
            },
            a.zeros_like(),
        )
    };
    let expected: f64 = (0..4).flat_map(|i| (0..=i).map(move |j| f64::from(i * j))).sum();
    derivatives(&f, 2.0, [2.0 * expected, expected, 0.0, 0.0], 1e-14);
    Ok(())
}

#[test]
fn derivatives_inside_a_loop() -> Result<()> {
    // Ten steps of descent on ½a·x² from 1 give (1 − η·a)¹⁰.
    let f = |a: Var| {
        let objective = |x: Var| 0.5 * a * x.square();
        fori(10, |_, x: Var| x - 0.1 * grad(objective)(x), a.ones_like())
    };
    let r: f64 = 1.0 - 0.1 * 2.0;
    derivatives(&f, 2.0, [r.powi(10), -r.powi(9), 0.9 * r.powi(8), -0.72 * r.powi(7)], 1e-13);
    Ok(())
}

#[test]
fn what_is_carried_may_be_whole_numbers_and_truth_values() -> Result<()> {
    // The signs alternate by a truth value, the power by a whole number: Σ (−1)ᵏ·xᵏ, k < 6.
    let f = |x: Var| {
        let init = (x.zeros_like(), x.ones_like(), Var::constant(true), Var::constant(0i32));
        fori(
            6,
            |_, (sum, power, plus, k): (Var, Var, Var, Var)| {
                let term = Var::select(plus, power, -power);
                (sum + term, power * x, plus.not(), k + 1)
            },
            init,
        )
        .0
    };
    let x: f64 = 0.7;
    let value: f64 = (0..6).map(|k| (-x).powi(k)).sum();
    let slope: f64 = (1..6).map(|k| -f64::from(k) * (-x).powi(k - 1)).sum();
    close(at(f, x)?, value, 1e-15);
    close(at(grad(f), x)?, slope, 1e-14);
    Ok(())
}

#[test]
fn a_chain_of_many_steps() -> Result<()> {
    // x ← x + h·a·x: (1 + h·a)ⁿ; with n = 100 000 nothing may grow with nesting.
    let n = 100_000;
    let h = 1.0 / f64::from(n);
    let f = |a: Var| fori(n as usize, |_, x: Var| x + h * a * x, a.ones_like());
    let growth = (f64::from(n) * (0.5 * h).ln_1p()).exp();
    close(at(f, 0.5)?, growth, 1e-10);
    close(at(grad(f), 0.5)?, growth / (1.0 + 0.5 * h), 1e-10);
    Ok(())
}
