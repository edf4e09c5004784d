//! How long compiling takes: programs of growing size, to see that the time for an equation does not
//! grow with them.

use crate::case::Case;
use crate::cases::transformer::TRANSFORMER;
use crate::report::pretty;
use riesz::prelude::*;
use riesz::transform::compile::Report;

/// A function of a vector, with about so many equations.
type Family = fn(Var, usize) -> Var;

/// Programs with about a given number of equations in their gradient.
const FAMILIES: &[(&str, Family)] =
    &[("chain", chain), ("graph", graph), ("entries", entries), ("layers", layers)];

/// Each is compiled so often; the fastest counts, as whatever else runs only adds time.
const TIMES: usize = 3;

/// Compiles the gradient of each family, or of `only` these, with about so many equations, and a step of
/// training of the transformer; prints what that took.
pub fn print(sizes: &[usize], only: &[String]) -> Result<()> {
    println!("| program | equations | trace | transform | plan | all | for an equation | code |");
    println!("|---|---|---|---|---|---|---|---|");
    let wanted = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
    let x = Tensor::from((0..100).map(|i| f64::from(i) * 0.01).collect::<Vec<f64>>());
    for (name, f) in FAMILIES.iter().filter(|(name, _)| wanted(name)) {
        for &size in sizes {
            row(name, || compile(grad(move |x: Var| f(x, size))).report(&x))?;
        }
    }
    if wanted("transformer") {
        let Case { sizes, dtypes, prepare, .. } = TRANSFORMER;
        row("transformer", || (prepare(sizes[0], dtypes[0])?.report)())?;
    }
    Ok(())
}

/// The line of a program.
fn row(name: &str, report: impl Fn() -> Result<Report>) -> Result<()> {
    let all = |report: &Report| report.stages.trace + report.stages.transform + report.stages.plan;
    let mut fastest = report()?;
    for _ in 1..TIMES {
        let again = report()?;
        if all(&again) < all(&fastest) {
            fastest = again;
        }
    }
    let (stages, equations) = (fastest.stages, fastest.equations());
    println!(
        "| {name} | {equations} | {} | {} | {} | {} | {} | {:.1} KiB |",
        pretty(stages.trace),
        pretty(stages.transform),
        pretty(stages.plan),
        pretty(all(&fastest)),
        pretty(all(&fastest) / equations.max(1) as f64),
        fastest.code as f64 / 1024.0
    );
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
