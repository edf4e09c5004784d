//! What the steps of a loop keep for reverse mode, and that what is made again is the same.

use crate::differentiate::{close, gradient_program, numbers, types};
use proptest::prelude::*;
use riesz_core::control::{self, Steps};
use riesz_core::primitive::Scan;
use riesz_core::{Prim, Program, Result, Tensor, Var, eval, jvp, trace};

/// The scans of a program, in order.
fn scans(program: &Program) -> Vec<&Scan> {
    let equations = program.equations().iter();
    equations.filter_map(|eq| if let Prim::Scan(s) = &eq.prim { Some(s) } else { None }).collect()
}

type Step<'a> = &'a dyn Fn(Var, Var) -> Var;

/// Σ y², for y after so many steps y ← step(x, y) from x, by a scan and without one.
fn sums(n: usize, steps: usize, step: Step<'_>) -> Result<[Program; 2]> {
    let args = types(&[numbers(&[n], 1), numbers(&[n], 2)]);
    let scanned = trace(&args, |x| {
        let next = |y: &[Var], _: &[Var]| (vec![step(x[1], y[0])], vec![]);
        vec![control::scan(Steps::new(steps), &x[..1], &[], next).0[0].square().sum()]
    })?;
    let unrolled =
        trace(&args, |x| vec![(0..steps).fold(x[0], |y, _| step(x[1], y)).square().sum()])?;
    Ok([scanned, unrolled])
}

/// Holds gradient and second derivative of the scan against those of the program without one.
fn check(n: usize, steps: usize, step: Step<'_>) -> Result<Program> {
    let programs = sums(n, steps, step)?;
    let args: Vec<Tensor> = (1..=4).map(|k| numbers(&[n], k)).collect();
    let [scanned, unrolled] =
        programs.each_ref().map(|program| gradient_program(program, &[true, true]));
    let (scanned, unrolled) = (scanned?, unrolled?);
    for second in [false, true] {
        let of = |program: &Program| match second {
            true => eval(&jvp(program, &[true, true])?, &args),
            false => eval(program, &args[..2]),
        };
        for (a, b) in of(&scanned)?.iter().zip(of(&unrolled)?) {
            close(&a.to_f64(), &b.to_f64(), 1e-11);
        }
    }
    Ok(scanned)
}

/// Heun's method for y′ = x·(what stands before y): its stages are made again from the state.
fn heun(x: Var, y: Var) -> Var {
    let field = |y: Var| {
        let n = y.shape().size();
        x * Var::concat(&[y.literal(1.0).reshape([1]), y.slice_axis(0, 0, n - 1)], 0) * y
    };
    let k = field(y);
    y + 0.05 * (k + field(y + 0.1 * k))
}

#[test]
fn a_long_loop_keeps_its_states() -> Result<()> {
    // 40 states of 32000 bytes are more than a cache holds; of each step nothing else is kept.
    let gradient = check(4000, 40, &heun)?;
    assert_eq!(scans(&gradient)[0].ys(), 1, "{gradient}");
    Ok(())
}

#[test]
fn a_short_loop_keeps_what_it_needs() -> Result<()> {
    let gradient = check(10, 40, &heun)?;
    assert!(scans(&gradient)[0].ys() > 1, "{gradient}");
    Ok(())
}

#[test]
fn elementary_functions_are_kept() -> Result<()> {
    // The slope of tanh is made of its value, which is kept; the state, which the product needs, is too.
    let gradient = check(4000, 40, &|x, y| (x * (0.5 * y * y + x)).tanh() + 0.1 * y)?;
    assert_eq!(scans(&gradient)[0].ys(), 2, "{gradient}");
    Ok(())
}

/// One more value of a step.
fn grown(values: &[Var], (operation, a, b): (u8, usize, usize)) -> Var {
    let (a, b) = (values[a % values.len()], values[b % values.len()]);
    let n = a.shape().size();
    match operation {
        0 | 1 => a * b,
        2 => a - b,
        3 => Var::concat(&[a.slice_axis(0, 3, n), b.slice_axis(0, 0, 3)], 0),
        4 => a.flip(&[0]).square(),
        5 => a.maximum(b),
        6 => Var::select(a.gt(b), a, 0.5 * b),
        7 => a.sin(),
        8 => (a * b).sum() / n as f64 * a,
        _ => a.abs() + b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_steps(choices in prop::collection::vec((0u8..10, 0usize..20, 0usize..20), 3..12)) {
        let step = |x: Var, y: Var| {
            let mut values = vec![y, x];
            for &choice in &choices {
                values.push(0.5 * grown(&values, choice));
            }
            0.7 * y + 0.2 * values[values.len() - 1].sin()
        };
        check(3000, 50, &step).unwrap_or_else(|e| panic!("{e}"));
    }
}
