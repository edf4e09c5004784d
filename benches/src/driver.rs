//! Times Riesz and the peers in turns: for each case every system prepares it, their numbers are
//! compared, and then each is timed for a moment, one after the other, several times over. So what
//! slows the machine for a while slows all of them, and a ratio is the median of paired ratios.

use crate::cases;
use crate::options::Options;
use crate::process::System;
use crate::report::{Row, Time};
use riesz::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

/// What a worker has for each preparation and measurement; the slowest of the peers compile long.
const PATIENCE: Duration = Duration::from_secs(120);
/// A peer this many times slower than the best is timed only once.
const HOPELESS: f64 = 10.0;
/// A variant this many times slower than its peer's best is timed only once.
const INFERIOR: f64 = 1.3;

/// Times every chosen case and calls `done` with each row as it is complete.
pub fn run(options: &Options, mut done: impl FnMut(Row)) {
    for &threads in &options.threads {
        let mut riesz = System::new("riesz", vec![options.own.clone(), "worker".into()], threads);
        let mut peers: Vec<System> = options.peers.iter().map(|p| p.system(threads)).collect();
        for case in cases::ALL.iter().filter(|case| options.wants(case.name)) {
            for size in case.sizes {
                for dtype in case.dtypes {
                    let work = Work { case: case.name, size, dtype: *dtype, threads };
                    done(work.time(options, &mut riesz, &mut peers));
                }
            }
        }
    }
}

struct Work<'a> {
    case: &'static str,
    size: &'a str,
    dtype: DType,
    threads: usize,
}

/// One system's part in a case: its variants, and those that are still timed.
struct Entry<'s> {
    system: &'s mut System,
    variants: Vec<Variant>,
    problem: Option<String>,
}

struct Variant {
    name: String,
    seconds: Vec<f64>,
    retired: bool,
}

impl Work<'_> {
    fn time(&self, options: &Options, riesz: &mut System, peers: &mut [System]) -> Row {
        let mut reference = None;
        let mut entries: Vec<Entry> = std::iter::once(riesz)
            .chain(peers)
            .filter_map(|system| self.prepare(system, &mut reference))
            .collect();
        for _ in 0..options.rounds {
            for entry in &mut entries {
                entry.measure(options.seconds);
            }
            retire(&mut entries);
        }
        let mut times = entries.into_iter().map(|entry| {
            let name = entry.system.name.clone();
            Time { name, ..entry.result() }
        });
        let own = times.next().unwrap_or_default();
        Row {
            case: self.case.to_owned(),
            size: self.size.to_owned(),
            dtype: self.dtype,
            threads: self.threads,
            riesz: own,
            peers: times.collect(),
        }
    }

    /// Asks a system for the case, and holds its numbers against the first system's.
    fn prepare<'s>(
        &self,
        system: &'s mut System,
        reference: &mut Option<(f64, Option<f64>)>,
    ) -> Option<Entry<'s>> {
        let dtype = if self.dtype == DType::F32 { "float32" } else { "float64" };
        let request = json!({ "case": self.case, "n": self.size, "dtype": dtype });
        let answer = system.ask(&request, PATIENCE);
        if answer["missing"] == true {
            return None;
        }
        let mut entry = Entry { system, variants: Vec::new(), problem: None };
        if let Some(error) = answer["error"].as_str() {
            entry.problem = Some(error.to_owned());
            return Some(entry);
        }
        let numbers =
            (answer["checksum"].as_f64().unwrap_or(f64::NAN), answer["objective"].as_f64());
        match reference {
            None => *reference = Some(numbers),
            // An estimate has no numbers.
            Some(_) if answer["checksum"].is_null() => {}
            Some(expected) => entry.problem = disagreement(*expected, numbers, self.dtype),
        }
        let names = answer["variants"].as_array().into_iter().flatten().filter_map(Value::as_str);
        entry.variants = names
            .map(|name| Variant { name: name.to_owned(), seconds: Vec::new(), retired: false })
            .collect();
        Some(entry)
    }
}

/// How two systems' numbers differ, if by more than rounding explains.
fn disagreement(
    expected: (f64, Option<f64>),
    found: (f64, Option<f64>),
    dtype: DType,
) -> Option<String> {
    let tolerance = if dtype == DType::F32 { 1e-3 } else { 1e-9 };
    let close = |a: f64, b: f64| (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0);
    let objectives = expected.1.zip(found.1);
    if !close(expected.0, found.0) || objectives.is_some_and(|(a, b)| !close(a, b)) {
        return Some(format!("numbers differ: {found:?}, not {expected:?}"));
    }
    None
}

impl Entry<'_> {
    fn measure(&mut self, seconds: f64) {
        for variant in self.variants.iter_mut().filter(|variant| !variant.retired) {
            let request = json!({ "measure": variant.name, "seconds": seconds });
            let answer = self.system.ask(&request, PATIENCE);
            match answer["median_s"].as_f64() {
                Some(median) => variant.seconds.push(median),
                None => {
                    variant.retired = true;
                    let error = answer["error"].as_str().unwrap_or("no time in the answer");
                    self.problem = Some(error.to_owned());
                }
            }
        }
    }

    fn best(&self) -> f64 {
        let last = self.variants.iter().filter_map(|variant| variant.seconds.last());
        last.copied().fold(f64::INFINITY, f64::min)
    }

    /// The times of the variant with the least median.
    fn result(self) -> Time {
        let timed = self.variants.into_iter().filter(|variant| !variant.seconds.is_empty());
        let best = timed.min_by(|a, b| median(&a.seconds).total_cmp(&median(&b.seconds)));
        let (variant, seconds) = best.map(|v| (v.name, v.seconds)).unwrap_or_default();
        Time { name: String::new(), variant, seconds, problem: self.problem }
    }
}

/// Stops timing what cannot be the best.
fn retire(entries: &mut [Entry]) {
    let best = entries.iter().skip(1).map(Entry::best).fold(f64::INFINITY, f64::min);
    for entry in entries.iter_mut().skip(1) {
        let own = entry.best();
        for variant in &mut entry.variants {
            let time = variant.seconds.last().copied().unwrap_or(f64::INFINITY);
            variant.retired |= time > INFERIOR * own || own > HOPELESS * best;
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
    use super::{disagreement, median};
    use riesz::prelude::DType;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn numbers_may_differ_by_rounding_only() {
        let expected = (100.0, Some(-5.0));
        assert_eq!(disagreement(expected, (100.0 + 1e-8, Some(-5.0)), DType::F64), None);
        assert_eq!(disagreement(expected, (100.0, None), DType::F64), None);
        assert!(disagreement(expected, (100.001, Some(-5.0)), DType::F64).is_some());
        assert!(disagreement(expected, (100.0, Some(-5.1)), DType::F32).is_some());
        assert!(disagreement(expected, (f64::NAN, Some(-5.0)), DType::F32).is_some());
    }
}
