//! What Riesz needs against the same primal written as plain loops, for GradBench's workloads.
//!
//! Most of GradBench's tools cannot be installed together, but each eval's primal in plain loops runs
//! anywhere, and what the best tool needs for a derivative is known as a multiple of that. Primal by
//! loops, primal by Riesz, derivative by Riesz and by those peers that can be installed run in turns,
//! so the ratios are of pairs.

use crate::evals;
use crate::input::Input;
use crate::peers::{self, Peers, flat};
use crate::plain;
use crate::work::Work;
use crate::workloads;
use riesz::prelude::*;
use riesz_bench::entry::{Entry, Problem, Time, median};
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

/// Inputs that peers are also held to: the default workloads of ode have a gradient that underflows.
const COMPARED: &[(&str, Make)] = &[("ode", || workloads::ode(6, 20))];

/// The evals that nest derivatives; they have no primal of their own.
const NESTED: &[(&str, Make)] =
    &[("particle", || json!({ "w": 0.0 })), ("saddle", || json!({ "start": [1.0, 1.0] }))];

/// Times the chosen workloads: a table in Markdown with what went wrong below it, each row also given
/// to `progress`, and whether every row was timed and no peer had other numbers.
pub fn table(choice: &Choice, peers: &mut Peers, mut progress: impl FnMut(&str)) -> (String, bool) {
    let (names, rule) = peers.head();
    let mut text = format!(
        "| eval | workload | plain primal | Riesz primal | Riesz derivative | primal/plain | \
         derivative/plain | best tool's |{names}\n|---|---|---|---|---|---|---|---|{rule}\n",
    );
    let (mut notes, mut is_sound) = (Vec::new(), true);
    let mut add = |eval: &str, workload: &str, row: Result<Row>| {
        let row = row.unwrap_or_else(Row::Failed);
        is_sound &= row.is_sound();
        let line = format!("| {eval} | {workload} {}", row.cells());
        progress(&line);
        text.push_str(&line);
        text.push('\n');
        let note = |(who, what): &_| format!("(!) {eval} {workload}, {who}: {what}\n");
        notes.extend(row.problems().iter().map(note));
    };
    let wanted = |eval: &str| choice.evals.is_empty() || choice.evals.iter().any(|e| e == eval);
    for w in WORKLOADS.iter().filter(|w| wanted(w.eval) && !(choice.small_only && w.is_largest)) {
        add(w.eval, w.name, w.time(choice.rounds, peers));
    }
    for (name, input) in NESTED.iter().filter(|nested| wanted(nested.0)) {
        add(name, "fastest of four", nested(name, &input(), choice.rounds, peers));
    }
    for note in notes {
        text.push('\n');
        text.push_str(&note);
    }
    (text, is_sound)
}

/// What stands in a row from its third cell on.
enum Row {
    /// The cells, and which peers had what problem.
    Timed { cells: String, problems: Vec<(String, Problem)> },
    /// Riesz has no result.
    Failed(Error),
}

impl Row {
    /// Of Riesz' cells and what peers needed, and the `problems` they had on inputs that are not timed.
    fn new(
        own: &str,
        derivative: Vec<f64>,
        entries: Vec<Entry>,
        mut problems: Vec<(String, Problem)>,
    ) -> Row {
        let times: Vec<Time> = entries.into_iter().map(Entry::result).collect();
        let riesz = Time { seconds: derivative, ..Time::default() };
        let cells = format!("{own}{}", peers::cells(&times, &riesz));
        problems.extend(times.into_iter().filter_map(|t| Some((t.name, t.problem?))));
        Row::Timed { cells, problems }
    }

    fn cells(&self) -> String {
        match self {
            Row::Timed { cells, .. } => cells.clone(),
            Row::Failed(error) => format!("| {error} |"),
        }
    }

    fn problems(&self) -> &[(String, Problem)] {
        match self {
            Row::Timed { problems, .. } => problems,
            Row::Failed(_) => &[],
        }
    }

    /// Whether Riesz has a result, and no peer another one. A peer that has none is not timed.
    fn is_sound(&self) -> bool {
        let differs = |(_, problem): &(_, Problem)| matches!(problem, Problem::Differs(_));
        !matches!(self, Row::Failed(_)) && !self.problems().iter().any(differs)
    }
}

/// The fastest of an eval's functions, with its name.
fn nested(name: &str, value: &Value, rounds: usize, peers: &mut Peers) -> Result<Row> {
    let input = Input::new(value);
    let mut best: Option<(f64, &str, Box<dyn Work>)> = None;
    for (function, prepare) in evals::find(name).map(|eval| eval.functions).unwrap_or_default() {
        let mut work = prepare(&input)?;
        let time = time(&mut *work)?;
        if best.as_ref().is_none_or(|best| time < best.0) {
            best = Some((time, function, work));
        }
    }
    let (_, function, mut work) = best.ok_or_else(|| Error::usage("not implemented"))?;
    let mut entries = peers.prepare(name, value, &flat(&work.output()?));
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        seconds.push(time(&mut *work)?);
        peers::measure(&mut entries);
    }
    let own = format!("| – | – | {} ({function}) | – | – | – |", milliseconds(median(&seconds)));
    Ok(Row::new(&own, seconds, entries, Vec::new()))
}

/// The plan of a function of an eval on its smaller workload here, or on the largest, with the times of its
/// steps.
///
/// # Errors
/// When there is no such function, or it cannot be compiled.
pub fn explain(eval: &str, function: &str, is_largest: bool) -> Result<String> {
    let is_meant = |w: &&Workload| w.eval == eval && w.is_largest == is_largest;
    let known = WORKLOADS.iter().find(is_meant).map(|w| (w.input)());
    let nested = NESTED.iter().find(|n| n.0 == eval).map(|n| n.1());
    let unknown = || Error::usage(format!("there is no function {function} of an eval {eval}"));
    let input = known.or(nested).ok_or_else(unknown)?;
    let functions = evals::find(eval).map(|eval| eval.functions).unwrap_or_default();
    let prepare = functions.iter().find(|f| f.0 == function).ok_or_else(unknown)?.1;
    prepare(&Input::new(&input))?.explain()
}

impl Workload {
    fn time(&self, rounds: usize, peers: &mut Peers) -> Result<Row> {
        let missing = || Error::usage("not implemented");
        let eval = evals::find(self.eval).ok_or_else(missing)?;
        let derived = eval.functions[1].1;
        let mut problems = Vec::new();
        for (_, make) in COMPARED.iter().filter(|(name, _)| *name == self.eval) {
            let value = make();
            let mut work = derived(&Input::new(&value))?;
            work.run()?;
            problems.extend(peers.check(self.eval, &value, &flat(&work.output()?)));
        }
        let value = (self.input)();
        let input = Input::new(&value);
        let mut plain = plain::find(self.eval).ok_or_else(missing)?(&input)?;
        let mut primal = eval.functions[0].1(&input)?;
        let mut derivative = derived(&input)?;
        derivative.run()?;
        let mut entries = peers.prepare(self.eval, &value, &flat(&derivative.output()?));
        let mut seconds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            seconds[0].push(time(&mut *plain)?);
            seconds[1].push(time(&mut *primal)?);
            seconds[2].push(time(&mut *derivative)?);
            peers::measure(&mut entries);
        }
        let [plain, primal, derivative] =
            seconds.map(|seconds| Time { seconds, ..Time::default() });
        let [a, b, c] = [&plain, &primal, &derivative].map(|time| time.cell(milliseconds));
        let (by_primal, by_derivative) = (primal.over(&plain), derivative.over(&plain));
        let own =
            format!("| {a} | {b} | {c} | {by_primal:.2} | {by_derivative:.2} | {} |", self.best);
        Ok(Row::new(&own, derivative.seconds, entries, problems))
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
    Ok(median(&runs))
}

/// Seconds as milliseconds with three digits.
pub fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1e3;
    let digits = (2.0 - ms.log10().floor()).clamp(0.0, 5.0) as usize;
    format!("{ms:.digits$} ms")
}

#[cfg(test)]
mod tests {
    use super::{Problem, Row, milliseconds};
    use riesz::Error;

    #[test]
    fn a_row_without_a_result_or_with_another_one_is_not_sound() {
        let with = |problem: Option<Problem>| Row::Timed {
            cells: String::new(),
            problems: problem.map(|p| ("jax".to_owned(), p)).into_iter().collect(),
        };
        assert!(with(None).is_sound());
        assert!(with(Some(Problem::Failed("the shapes differ".to_owned()))).is_sound());
        assert!(!with(Some(Problem::Differs("number 3".to_owned()))).is_sound());
        assert!(!Row::Failed(Error::usage("there is no such file")).is_sound());
    }

    #[test]
    fn three_digits() {
        assert_eq!(milliseconds(0.001234), "1.23 ms");
        assert_eq!(milliseconds(0.1234), "123 ms");
        assert_eq!(milliseconds(12.3), "12300 ms");
        assert_eq!(milliseconds(0.00001234), "0.0123 ms");
    }
}
