//! How long compiling takes: programs of growing size, to see that the time for an equation does not
//! grow with them.

use riesz::prelude::*;

/// A function of a vector, with about so many equations.
type Family = fn(Var, usize) -> Var;

/// Programs with about a given number of equations in their gradient.
const FAMILIES: &[(&str, Family)] =
    &[("chain", chain), ("graph", graph), ("entries", entries), ("layers", layers)];

/// Compiles the gradient of each family with about so many equations, and prints what it took.
pub fn print(sizes: &[usize]) -> Result<()> {
    println!("| gradient of | equations | trace | transform | plan | µs for an equation |");
    println!("|---|---|---|---|---|---|");
    for (name, f) in FAMILIES {
        for &size in sizes {
            let x = Tensor::from((0..100).map(|i| f64::from(i) * 0.01).collect::<Vec<f64>>());
            let gradient = compile(grad(move |x: Var| f(x, size)));
            let report = gradient.report(&x)?;
            let stages = report.stages;
            let all = stages.trace + stages.transform + stages.plan;
            println!(
                "| {name} | {} | {:.4} s | {:.4} s | {:.4} s | {:.1} |",
                report.equations(),
                stages.trace,
                stages.transform,
                stages.plan,
                1e6 * all / report.equations().max(1) as f64
            );
        }
    }
    Ok(())
}

/// Elementwise operations, one after the other.
fn chain(x: Var, size: usize) -> Var {
    (0..size / 5).fold(x, |y, i| (y + 0.1 * i as f64).sin() * x).sum()
}

/// Each value from two values before it, some far away.
fn graph(x: Var, size: usize) -> Var {
    let mut values = vec![x, x.cos()];
    let mut state = 1u64;
    for _ in 0..size / 6 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let far = values[(state >> 33) as usize % values.len()];
        values.push((values[values.len() - 1] * far).tanh());
    }
    values.into_iter().fold(0.0 * x, |sum, y| sum + y).sum()
}

/// Numbers taken out of a vector one by one.
fn entries(x: Var, size: usize) -> Var {
    let long = Var::concat(&vec![x; size.div_ceil(600)], 0);
    let n = size / 6;
    let terms = (1..n).map(|i| (long.at(i) - long.at(i - 1).square()).square());
    terms.reduce(|sum, term| sum + term).unwrap_or_else(|| x.sum())
}

/// Products with matrices and elementwise operations in turn.
fn layers(x: Var, size: usize) -> Var {
    let matrix = x.reshape([10, 10]);
    (0..size / 8).fold(x.slice_axis(0, 0, 10), |y, _| matrix.dot(y).tanh() + y).sum()
}
