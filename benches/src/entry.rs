//! A system's part in a comparison: the ways it has of doing the work, timed round by round.
//!
//! In a round every system is timed for a moment, one after the other. So what slows the machine for a
//! while slows all of them, and a ratio is the median of the rounds' ratios.

use crate::process::System;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// A system this many times slower than the best is timed only once.
const HOPELESS: f64 = 10.0;
/// A variant this many times slower than its system's best is timed only once.
const INFERIOR: f64 = 1.3;

/// What went wrong with a system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It has no result or no time, and this is why.
    Failed(String),
    /// Its numbers are not those that are expected, and this is where.
    Differs(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Failed(why) => f.write_str(why),
            Problem::Differs(at) => write!(f, "numbers differ: {at}"),
        }
    }
}

/// One system's part in a case: its variants, and those that are still timed.
pub struct Entry<'s> {
    /// Its worker, which has prepared the case.
    pub system: &'s mut System,
    /// The ways of writing it.
    pub variants: Vec<Variant>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

/// One way of writing a case.
pub struct Variant {
    name: String,
    seconds: Vec<f64>,
    retired: bool,
}

/// What one system needed.
#[derive(Default)]
pub struct Time {
    /// The system.
    pub name: String,
    /// Which way of writing it was fastest.
    pub variant: String,
    /// The median of each round, in seconds for one call.
    pub seconds: Vec<f64>,
    /// The slower ways, and the median of each in seconds.
    pub others: Vec<(String, f64)>,
    /// What went wrong.
    pub problem: Option<Problem>,
}

impl<'s> Entry<'s> {
    /// The part of a system, from its answer to the request to prepare a case.
    pub fn new(system: &'s mut System, answer: &Value) -> Entry<'s> {
        let names = answer["variants"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let variants = names
            .map(|name| Variant { name: name.to_owned(), seconds: Vec::new(), retired: false })
            .collect();
        let problem = answer["error"].as_str().map(|why| Problem::Failed(why.to_owned()));
        Entry { system, variants, problem }
    }

    /// Times every variant that may still be the best.
    pub fn measure(&mut self, seconds: f64, patience: Duration) {
        for variant in self.variants.iter_mut().filter(|variant| !variant.retired) {
            let request = json!({ "measure": variant.name, "seconds": seconds });
            let answer = self.system.ask(&request, patience);
            match answer["median_s"].as_f64() {
                Some(median) => variant.seconds.push(median),
                None => {
                    variant.retired = true;
                    let error = answer["error"].as_str().unwrap_or("no time in the answer");
                    // That its numbers are wrong is said, whatever comes later.
                    self.problem.get_or_insert(Problem::Failed(error.to_owned()));
                }
            }
        }
    }

    fn best(&self) -> f64 {
        let last = self.variants.iter().filter_map(|variant| variant.seconds.last());
        last.copied().fold(f64::INFINITY, f64::min)
    }

    /// The times of the variant with the least median.
    pub fn result(self) -> Time {
        let timed = self.variants.into_iter().filter(|variant| !variant.seconds.is_empty());
        let mut timed: Vec<Variant> = timed.collect();
        timed.sort_by(|a, b| median(&a.seconds).total_cmp(&median(&b.seconds)));
        let mut timed = timed.into_iter();
        let (variant, seconds) = timed.next().map(|v| (v.name, v.seconds)).unwrap_or_default();
        let others = timed.map(|v| (v.name, median(&v.seconds))).collect();
        let (name, problem) = (self.system.name.clone(), self.problem);
        Time { name, variant, seconds, others, problem }
    }
}

/// Stops timing what cannot be the best of these systems.
pub fn retire(entries: &mut [Entry]) {
    let best = entries.iter().map(Entry::best).fold(f64::INFINITY, f64::min);
    for entry in entries {
        let own = entry.best();
        for variant in &mut entry.variants {
            let time = variant.seconds.last().copied().unwrap_or(f64::INFINITY);
            variant.retired |= time > INFERIOR * own || own > HOPELESS * best;
        }
    }
}

impl Time {
    /// The fastest of some systems that were timed.
    pub fn best<'t>(times: impl IntoIterator<Item = &'t Time>) -> Option<&'t Time> {
        let timed = times.into_iter().filter(|time| !time.seconds.is_empty());
        timed.min_by(|a, b| median(&a.seconds).total_cmp(&median(&b.seconds)))
    }

    /// The median ratio to another's times, over the rounds that both took part in.
    pub fn over(&self, other: &Time) -> f64 {
        let pairs = self.seconds.iter().zip(&other.seconds);
        median(&pairs.map(|(own, other)| own / other).collect::<Vec<_>>())
    }

    /// The time as a cell of a table, in which `show` writes seconds.
    pub fn cell(&self, show: fn(f64) -> String) -> String {
        let Time { variant, seconds, problem, .. } = self;
        match (seconds.is_empty(), problem) {
            (true, Some(problem)) => {
                let text = problem.to_string().replace('|', "/").replace('\n', " ");
                text.chars().take(60).collect()
            }
            (true, None) => "–".to_owned(),
            (false, Some(_)) => format!("{} (!)", show(median(seconds))),
            (false, None) if variant.is_empty() => show(median(seconds)),
            (false, None) => format!("{} ({variant})", show(median(seconds))),
        }
    }
}

/// The middle value; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, Time, median};

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_cell_says_what_went_wrong() {
        let show = |seconds: f64| format!("{seconds} s");
        let good = Time { variant: "back".to_owned(), seconds: vec![2.0], ..Time::default() };
        assert_eq!(good.cell(show), "2 s (back)");
        let failed = Time { problem: Some(Problem::Failed("a|b".into())), ..Time::default() };
        assert_eq!(failed.cell(show), "a/b");
        let doubtful = Time { seconds: vec![3.0], ..failed };
        assert_eq!(doubtful.cell(show), "3 s (!)");
    }
}
