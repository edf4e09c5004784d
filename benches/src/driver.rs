//! Times Riesz and the peers in turns: for each case every system prepares it, their numbers are
//! compared, and then each is timed for a moment, one after the other, several times over.

use crate::cases;
use crate::options::Options;
use crate::report::Row;
use riesz::prelude::*;
use riesz_bench::entry::{Entry, Problem, retire};
use riesz_bench::process::System;
use serde_json::json;
use std::time::Duration;

/// What a worker has for each preparation and measurement; the slowest of the peers compile long.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long nothing is timed before a system with several threads is: those of the last one may still look for
/// work, OpenBLAS's for 70 ms after a product.
const SILENCE: Duration = Duration::from_millis(100);

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

impl Work<'_> {
    fn time(&self, options: &Options, riesz: &mut System, peers: &mut [System]) -> Row {
        let mut reference = None;
        let mut entries: Vec<Entry> = std::iter::once(riesz)
            .chain(peers)
            .filter_map(|system| self.prepare(system, &mut reference))
            .collect();
        for _ in 0..options.rounds {
            for entry in &mut entries {
                if self.threads > 1 {
                    std::thread::sleep(SILENCE);
                }
                entry.measure(options.seconds, PATIENCE);
            }
            retire(entries.get_mut(1..).unwrap_or_default());
        }
        let mut times = entries.into_iter().map(Entry::result);
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
        let mut entry = Entry::new(system, &answer);
        if entry.problem.is_some() {
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
        Some(entry)
    }
}

/// How two systems' numbers differ, if by more than rounding explains.
fn disagreement(
    expected: (f64, Option<f64>),
    found: (f64, Option<f64>),
    dtype: DType,
) -> Option<Problem> {
    let tolerance = if dtype == DType::F32 { 1e-3 } else { 1e-9 };
    let close = |a: f64, b: f64| (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0);
    let objectives = expected.1.zip(found.1);
    if !close(expected.0, found.0) || objectives.is_some_and(|(a, b)| !close(a, b)) {
        return Some(Problem::Differs(format!("{found:?}, not {expected:?}")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::disagreement;
    use riesz::prelude::DType;

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
