//! `checkpoint` and scans that keep less: the same numbers in less memory.

use crate::{close, derivatives, same};
use riesz::prelude::*;
use riesz_core::{Primitive, Program, SimplifyOptions, peak_bytes};

fn names(program: &Program) -> Vec<&'static str> {
    program.equations().iter().map(|eq| eq.prim.name()).collect()
}

#[test]
fn derivatives_are_the_same() {
    let f = |x: Var| checkpoint(|y: Var| (y * x).sin().exp())(x.square());
    let plain = |x: Var| (x.square() * x).sin().exp();
    let x = 0.8;
    let expected = [
        crate::at(plain, x),
        crate::at(grad(plain), x),
        crate::at(grad(grad(plain)), x),
        crate::at(grad(grad(grad(plain))), x),
    ]
    .map(|y| y.unwrap_or(f64::NAN));
    // Independently: with u = x³, f = e^{sin u}, f′ = 3x²·cos u·f.
    let u: f64 = x * x * x;
    close(expected[1], 3.0 * x * x * u.cos() * u.sin().exp(), 1e-15);
    derivatives(&f, x, expected, 1e-12);
}

#[test]
fn the_forward_run_is_made_again_and_not_merged() -> Result<()> {
    let layer = |x: Var| x.sin();
    let inside = |f: &dyn Fn(Var) -> Var, x: Var| f(f(f(x))).sum();
    let x = Tensor::from([0.1, 0.2]);
    let count = |program: &Program, name| names(program).iter().filter(|n| **n == name).count();
    let kept = compile(grad(|x: Var| inside(&layer, x))).program(&x)?;
    assert_eq!((count(&kept, "sin"), count(&kept, "barrier")), (2, 0));
    let whole = compile(grad(|x: Var| checkpoint(|x: Var| inside(&layer, x))(x))).program(&x)?;
    assert_eq!((count(&whole, "cos"), count(&whole, "barrier")), (3, 1));
    // Nothing of the first run is asked for but its value.
    let value = compile(value_and_grad(|x: Var| checkpoint(|x: Var| inside(&layer, x))(x)));
    assert_eq!(count(&value.program(&x)?, "sin"), 5);
    // Forwards there is one run.
    let forward = |x: Var| jvp(|x: Var| checkpoint(|x: Var| inside(&layer, x))(x), x, x);
    let program = compile(forward).program(&x)?;
    assert_eq!((count(&program, "sin"), count(&program, "barrier")), (3, 0));
    Ok(())
}

#[test]
fn instances_and_captured_values() -> Result<()> {
    let f = |(a, x): (Var, Var)| checkpoint(|x: Var| (a * x).tanh())(x).sum();
    let args = (Tensor::from([0.5, 2.0]), Tensor::from([[1.0, 2.0], [3.0, -1.0]]));
    let (by_a, by_x) = run(vmap(grad(f)), &args)?;
    let plain = |(a, x): (Var, Var)| (a * x).tanh().sum();
    let (a, x) = run(vmap(grad(plain)), &args)?;
    same(&by_a, &a, 1e-15);
    same(&by_x, &x, 1e-15);
    Ok(())
}

/// The logistic map with a rate for every step, as carry and results.
fn logistic(options: ScanOptions) -> impl Fn((Var, Var)) -> (Var, Var) + Copy {
    move |(x, rates)| {
        let step = |x: Var, r: Var| {
            let x = r * x * (1.0 - x);
            (x, x.square())
        };
        scan_with(step, x, rates, &options)
    }
}

#[test]
fn scans_that_keep_less_give_the_same() -> Result<()> {
    for length in [1usize, 7, 16, 23, 100] {
        let rates: Vec<f64> = (0..length).map(|i| 2.0 + (i as f64 * 0.37).sin()).collect();
        let args = (Tensor::from(0.3), Tensor::from(rates));
        for reverse in [false, true] {
            let plain = ScanOptions { reverse, ..ScanOptions::default() };
            let total = |f: &dyn Fn((Var, Var)) -> (Var, Var), x: (Var, Var)| {
                let (last, ys) = f(x);
                last + ys.sum()
            };
            let f = logistic(plain);
            let (value, slopes) = run(value_and_grad(|x| total(&f, x)), &args)?;
            let second = |f: &dyn Fn((Var, Var)) -> (Var, Var), x: (Var, Var)| {
                let (_, by_rates) = grad(|x| total(f, x))(x);
                by_rates.square().sum()
            };
            let seconds = run(grad(|x| second(&f, x)), &args)?;
            for checkpoints in [Checkpoints::Sqrt, Checkpoints::Within(48 * (length / 2 + 6))] {
                let g = logistic(ScanOptions { checkpoints, ..plain });
                let (v, s) = run(value_and_grad(|x| total(&g, x)), &args)?;
                same(&v, &value, 1e-15);
                same(&s.0, &slopes.0, 1e-13);
                same(&s.1, &slopes.1, 1e-13);
                let t = run(grad(|x| second(&g, x)), &args)?;
                same(&t.0, &seconds.0, 1e-12);
                same(&t.1, &seconds.1, 1e-12);
            }
        }
    }
    Ok(())
}

#[test]
fn a_million_steps_are_reversed_within_the_bytes_that_are_allowed() -> Result<()> {
    const STEPS: usize = 1_000_000;
    let types = [riesz_core::Type::scalar(DType::F64), riesz_core::Type::new(DType::F64, [STEPS])];
    // Arguments and gradients, and one number for each that is on its way.
    let outside = 3 * 8 * STEPS;
    let program = |checkpoints| -> Result<Program> {
        let f = logistic(ScanOptions { reverse: false, checkpoints });
        let program = riesz_core::trace(&types, |x| {
            let (by_x, by_rates) = grad(|x| f(x).0)((x[0], x[1]));
            vec![by_x, by_rates]
        })?;
        riesz_core::lower(&program, &SimplifyOptions::default())
    };
    let peak = |checkpoints| -> Result<usize> { Ok(peak_bytes(&program(checkpoints)?)) };
    let everything = peak(Checkpoints::None)?;
    // The states; the other factors of the products are made again from them.
    assert!((outside..outside + 8 * STEPS).contains(&everything), "{everything}");
    for budget in [200_000, 60_000, 40_000] {
        let some = peak(Checkpoints::Within(budget))?;
        assert!(some <= outside + budget + 1_000, "{some} with {budget}");
        // What a run takes besides its arguments and results: the rates and the slopes cut in pieces.
        let plan = riesz_cpu::plan::Plan::new(&program(Checkpoints::Within(budget))?)?;
        assert!(plan.workspace <= 16 * STEPS + budget, "{} with {budget}", plan.workspace);
    }
    let root = peak(Checkpoints::Sqrt)?;
    assert!(root <= outside + 100_000, "{root}");
    let too_few = peak(Checkpoints::Within(10_000));
    let text = too_few.err().map_or_else(String::new, |e| e.to_string());
    assert!(text.contains("10000 bytes") && text.contains("are enough"), "{text}");
    Ok(())
}

#[test]
fn a_chunk_that_fits_in_the_caches_counts_with_all_it_keeps() -> Result<()> {
    // The whole loop would keep only the state of each step, a short chunk keeps all twelve stages.
    const STEPS: usize = 1_000_000;
    let types = [8, STEPS].map(|n| riesz_core::Type::new(DType::F64, [n]));
    for budget in [400_000, 200_000] {
        let options = ScanOptions { reverse: false, checkpoints: Checkpoints::Within(budget) };
        let step = |y: Var, r: Var| ((0..12).fold(y, |y, _| y + r * y * (1.0 - y)), r);
        let last = |x: Var, rates: Var| scan_with(step, x, rates, &options).0.sum();
        let program = riesz_core::trace(&types, |x| vec![grad(|y: Var| last(y, x[1]))(x[0])])?;
        let program = riesz_core::lower(&program, &SimplifyOptions::default())?;
        let some = peak_bytes(&program);
        assert!(some <= 3 * 8 * STEPS + budget + 1_000, "{some} with {budget}");
    }
    Ok(())
}

#[test]
fn a_million_steps_give_the_derivative() -> Result<()> {
    // x ← x·(1 + rᵢ): d/drᵢ of the product is the product over 1 + rᵢ.
    const STEPS: usize = 1_000_000;
    let rate = |i: usize| 1e-6 * ((i % 7) as f64 - 3.0);
    let rates = Tensor::from((0..STEPS).map(rate).collect::<Vec<_>>());
    let f = |r: Var| {
        let options = ScanOptions { checkpoints: Checkpoints::Within(50_000), reverse: false };
        scan_with(|x: Var, r: Var| (x + x * r, x), r.at(0) * 0.0 + 1.0, r, &options).0
    };
    let slopes = run(grad(f), &rates)?.to_f64();
    let product: f64 = (0..STEPS).map(|i| rate(i).ln_1p()).sum::<f64>().exp();
    for i in [0, 1, 3, 500_000, STEPS - 1] {
        close(slopes[i], product / (1.0 + rate(i)), 1e-9);
    }
    Ok(())
}
