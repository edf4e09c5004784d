//! What Riesz needs against the same primal written as plain loops, for GradBench's workloads.
//!
//! Most of GradBench's tools cannot be installed together, but each eval's primal in plain loops runs
//! anywhere, and what the best tool needs for a derivative is known as a multiple of that. Primal by
//! loops, primal by Riesz and derivative by Riesz run in turns, so the ratios are of pairs.

use crate::evals;
use crate::input::Input;
use crate::plain;
use crate::work::Work;
use crate::workloads;
use riesz::prelude::*;
use serde_json::{Value, json};
use std::time::Instant;

/// Makes an input.
type Make = fn() -> Value;

/// A workload of an eval, and the ratio of derivative to plain primal that the best tool reaches.
struct Workload {
    eval: &'static str,
    name: &'static str,
    is_largest: bool,
    best: f64,
    input: Make,
}

const WORKLOADS: &[Workload] = &[
    small("gmm", "d=32 k=25 n=1000", 2.7, || workloads::gmm(32, 25, 1000)),
    largest("gmm", "d=64 k=100 n=1000", 2.7, || workloads::gmm(64, 100, 1000)),
    small("ba", "ba3, p=182072", 14.0, || workloads::ba(161, 48126, 182_072)),
    largest("ba", "ba14, p=1255268", 14.0, || workloads::ba(356, 226_730, 1_255_268)),
    small("lstm", "l=4 c=4096", 3.5, || workloads::lstm(4, 4096)),
    largest("lstm", "l=6 c=8192", 3.5, || workloads::lstm(6, 8192)),
    small("ht", "c=1600", 5.4, || workloads::ht(1600, 10_000, false)),
    largest("ht", "c=100000", 5.4, || workloads::ht(100_000, 10_000, false)),
    small("kmeans", "k=100 n=10000 d=8", 1.1, || workloads::kmeans(100, 10_000, 8)),
    largest("kmeans", "k=1000 n=10000 d=16", 1.1, || workloads::kmeans(1000, 10_000, 16)),
    small("lse", "n=160000", 0.8, || workloads::lse(160_000)),
    largest("lse", "n=1280000", 0.8, || workloads::lse(1_280_000)),
    small("llsq", "n=4096 m=128", 2.0, || workloads::llsq(4096, 128)),
    largest("llsq", "n=16392 m=128", 2.0, || workloads::llsq(16_392, 128)),
    small("ode", "n=10000 s=10", 1.6, || workloads::ode(10_000, 10)),
    largest("ode", "n=100000 s=100", 1.6, || workloads::ode(100_000, 100)),
    small("det", "9", 3.0, || workloads::det(9)),
    largest("det", "11", 3.0, || workloads::det(11)),
];

const fn small(eval: &'static str, name: &'static str, best: f64, input: Make) -> Workload {
    Workload { eval, name, is_largest: false, best, input }
}

const fn largest(eval: &'static str, name: &'static str, best: f64, input: Make) -> Workload {
    Workload { is_largest: true, ..small(eval, name, best, input) }
}

/// Which workloads are timed.
pub struct Choice {
    /// The evals; none means all.
    pub evals: Vec<String>,
    /// Whether the largest workload of each eval is left out.
    pub small_only: bool,
    /// How often each function is timed.
    pub rounds: usize,
}

/// Times the chosen workloads; a table in Markdown, each row also given to `progress`.
pub fn table(choice: &Choice, mut progress: impl FnMut(&str)) -> String {
    let mut text = String::from(
        "| eval | workload | plain primal | Riesz primal | Riesz derivative | primal/plain | \
         derivative/plain | best tool's |\n|---|---|---|---|---|---|---|---|\n",
    );
    let wanted = |w: &&Workload| {
        (choice.evals.is_empty() || choice.evals.iter().any(|e| e == w.eval))
            && !(choice.small_only && w.is_largest)
    };
    for workload in WORKLOADS.iter().filter(wanted) {
        let row = match workload.time(choice.rounds) {
            Ok(row) => row,
            Err(error) => format!("| {} | {} | {error} |", workload.eval, workload.name),
        };
        progress(&row);
        text.push_str(&row);
        text.push('\n');
    }
    for (name, input) in NESTED {
        if choice.evals.is_empty() || choice.evals.iter().any(|e| e == name) {
            let row = match nested(name, &input(), choice.rounds) {
                Ok(best) => format!("| {name} | fastest of four | – | – | {best} | – | – | – |"),
                Err(error) => format!("| {name} | fastest of four | {error} |"),
            };
            progress(&row);
            text.push_str(&row);
            text.push('\n');
        }
    }
    text
}

/// The evals that nest derivatives; they have no primal of their own.
const NESTED: &[(&str, Make)] =
    &[("particle", || json!({ "w": 0.0 })), ("saddle", || json!({ "start": [1.0, 1.0] }))];

/// The time of the fastest of an eval's functions, with its name.
fn nested(name: &str, input: &Value, rounds: usize) -> Result<String> {
    let functions = evals::find(name).map(|eval| eval.functions).unwrap_or_default();
    let mut best = (f64::INFINITY, "");
    for (function, prepare) in functions {
        let mut work = prepare(&Input::new(input))?;
        let times = (0..rounds).map(|_| time(&mut *work)).collect::<Result<Vec<_>>>()?;
        let time = median(times);
        if time < best.0 {
            best = (time, function);
        }
    }
    Ok(format!("{} ({})", milliseconds(best.0), best.1))
}

/// The plan of a function of an eval on its smaller workload here.
///
/// # Errors
/// When there is no such function, or it cannot be compiled.
pub fn explain(eval: &str, function: &str) -> Result<String> {
    let known = WORKLOADS.iter().find(|w| w.eval == eval).map(|w| (w.input)());
    let nested = NESTED.iter().find(|n| n.0 == eval).map(|n| n.1());
    let unknown = || Error::usage(format!("there is no function {function} of an eval {eval}"));
    let input = known.or(nested).ok_or_else(unknown)?;
    let functions = evals::find(eval).map(|eval| eval.functions).unwrap_or_default();
    let prepare = functions.iter().find(|f| f.0 == function).ok_or_else(unknown)?.1;
    prepare(&Input::new(&input))?.explain()
}

impl Workload {
    fn time(&self, rounds: usize) -> Result<String> {
        let missing = || Error::usage("not implemented");
        let value = (self.input)();
        let input = Input::new(&value);
        let eval = evals::find(self.eval).ok_or_else(missing)?;
        let mut plain = plain::find(self.eval).ok_or_else(missing)?(&input)?;
        let mut primal = eval.functions[0].1(&input)?;
        let mut derivative = eval.functions[1].1(&input)?;
        let mut seconds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            seconds[0].push(time(&mut *plain)?);
            seconds[1].push(time(&mut *primal)?);
            seconds[2].push(time(&mut *derivative)?);
        }
        let ratio = |a: usize| {
            let pairs = seconds[a].iter().zip(&seconds[0]);
            median(pairs.map(|(a, b)| a / b).collect())
        };
        let (by_primal, by_derivative) = (ratio(1), ratio(2));
        let [plain, primal, derivative] = seconds.map(|s| milliseconds(median(s)));
        Ok(format!(
            "| {} | {} | {plain} | {primal} | {derivative} | {by_primal:.2} | {by_derivative:.2} | {} |",
            self.eval, self.name, self.best
        ))
    }
}

/// The median time of a run in seconds: at least three runs and a tenth of a second of them.
pub fn time(work: &mut dyn Work) -> Result<f64> {
    let mut runs = Vec::new();
    while runs.len() < 3 || runs.iter().sum::<f64>() < 0.1 {
        let began = Instant::now();
        work.run()?;
        runs.push(began.elapsed().as_secs_f64());
        if runs[0] > 1.0 {
            break;
        }
    }
    Ok(median(runs))
}

/// The middle value, the higher of the two middle ones of an even number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds as milliseconds with three digits.
pub fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1e3;
    let digits = (2.0 - ms.log10().floor()).clamp(0.0, 5.0) as usize;
    format!("{ms:.digits$} ms")
}

#[cfg(test)]
mod tests {
    use super::{median, milliseconds};

    #[test]
    fn three_digits() {
        assert_eq!(milliseconds(0.001234), "1.23 ms");
        assert_eq!(milliseconds(0.1234), "123 ms");
        assert_eq!(milliseconds(12.3), "12300 ms");
        assert_eq!(milliseconds(0.00001234), "0.0123 ms");
    }

    #[test]
    fn the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
