//! Other systems beside Riesz: each in a process of its own, given the same input, held to the same
//! numbers before it is timed.
//!
//! The worker is `benches/peers/worker.py`. A request names an eval, a file with the input and a file
//! for the derivative; the derivative's numbers, one way of writing it after the other, are doubles in
//! the byte order of the machine. Requests for times are those of `riesz-bench`.
//!
//! ```text
//! {"eval": "lse", "input": "input.json", "output": "output"}
//!     → {"variants": ["eager", "compiled"], "failed": {}}, or {"error": "…"}
//! ```

use crate::calibrate::milliseconds;
use riesz_bench::entry::{Entry, Problem, Time};
use riesz_bench::process::{System, confine};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// The systems that have the evals.
const NAMES: &[&str] = &["jax", "torch"];

/// What a worker has for each answer; compiling may take a minute for each way of writing it.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long a system is timed in each round.
const SECONDS: f64 = 0.1;

/// How far a number may be from ours, of its own size or a thousandth of the largest.
const TOLERANCE: f64 = 1e-8;

/// The workers, and a folder for what they are given and give.
pub struct Peers {
    systems: Vec<System>,
    folder: PathBuf,
}

impl Peers {
    /// The workers of some systems; with any, this process is confined to their core.
    ///
    /// # Errors
    /// When a name is not known, the process cannot be confined, or there is no folder for the files.
    pub fn new(names: &[&str], python: &str, scripts: &Path) -> Result<Peers, String> {
        let script = scripts.join("worker.py").to_string_lossy().into_owned();
        let mut systems = Vec::new();
        for &name in names {
            if !NAMES.contains(&name) {
                return Err(format!("unknown peer {name}; there are {}", NAMES.join(" ")));
            }
            let command = [python, &script, "--peer", name, "--threads", "1"].map(str::to_owned);
            systems.push(System::new(name, command.to_vec(), 1));
        }
        let folder = std::env::temp_dir().join(format!("riesz-gradbench-{}", std::process::id()));
        if !systems.is_empty() {
            confine(1)?;
            fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        Ok(Peers { systems, folder })
    }

    /// What stands above and below a table's columns of these systems.
    pub fn head(&self) -> (String, String) {
        if self.systems.is_empty() {
            return (String::new(), String::new());
        }
        let names: String = self.systems.iter().map(|s| format!(" {} |", s.name)).collect();
        (format!("{names} best/riesz |"), "---|".repeat(self.systems.len() + 1))
    }

    /// Has every system prepare an eval's derivative and compares its numbers with ours. What failed
    /// or differs is not timed.
    pub fn prepare<'s>(
        &'s mut self,
        eval: &str,
        input: &Value,
        expected: &[f64],
    ) -> Vec<Entry<'s>> {
        let path = self.folder.join("input.json");
        // The systems stand unprepared, and their entries say why.
        let unwritten = if self.systems.is_empty() { None } else { write(&path, input).err() };
        let folder = &self.folder;
        let prepare = |system: &'s mut System| {
            let (answer, problem) = match &unwritten {
                Some(error) => failed(format!("{}: {error}", path.display())),
                None => ask(system, eval, &path, folder, expected),
            };
            Entry { problem, ..Entry::new(system, &answer) }
        };
        self.systems.iter_mut().map(prepare).collect()
    }

    /// Compares an eval's derivative on an input that is not timed; what went wrong.
    pub fn check(&mut self, eval: &str, input: &Value, expected: &[f64]) -> Vec<(String, Problem)> {
        let entries = self.prepare(eval, input, expected);
        entries.into_iter().filter_map(|e| Some((e.system.name.clone(), e.problem?))).collect()
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It is a folder for temporary files; what cannot be removed does no harm there.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// One more round of times.
pub fn measure(entries: &mut [Entry]) {
    for entry in &mut *entries {
        entry.measure(SECONDS, PATIENCE);
    }
    riesz_bench::entry::retire(entries);
}

/// The cells of a row: each system's time, and the best one's over that of Riesz.
pub fn cells(times: &[Time], riesz: &Time) -> String {
    if times.is_empty() {
        return String::new();
    }
    let mut text: String = times.iter().map(|t| format!(" {} |", t.cell(milliseconds))).collect();
    let ratio = Time::best(times).map(|best| best.over(riesz));
    // Writing to a string cannot fail.
    let _ = match ratio {
        Some(ratio) => write!(text, " {ratio:.2} |"),
        None => write!(text, " – |"),
    };
    text
}

/// Every number of a tree, fields in the order of their names, as `inputs.py` has them.
pub fn flat(value: &Value) -> Vec<f64> {
    fn collect(value: &Value, into: &mut Vec<f64>) {
        match value {
            Value::Array(all) => all.iter().for_each(|v| collect(v, into)),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|field| field.0);
                fields.into_iter().for_each(|(_, v)| collect(v, into));
            }
            other => into.push(other.as_f64().unwrap_or(f64::NAN)),
        }
    }
    let mut all = Vec::new();
    collect(value, &mut all);
    all
}

fn write(path: &Path, input: &Value) -> io::Result<()> {
    let mut file = BufWriter::new(fs::File::create(path)?);
    serde_json::to_writer(&mut file, input)?;
    io::Write::flush(&mut file)
}

/// A system's answer, with only those variants whose numbers are right, and what was the problem with others.
fn ask(
    system: &mut System,
    eval: &str,
    input: &Path,
    folder: &Path,
    expected: &[f64],
) -> (Value, Option<Problem>) {
    let output = folder.join("output");
    let request = json!({ "eval": eval, "input": input, "output": output });
    let answer = system.ask(&request, PATIENCE);
    if let Some(error) = answer["error"].as_str() {
        return failed(error.to_owned());
    }
    match fs::read(&output) {
        Ok(bytes) => {
            let numbers: Vec<f64> =
                bytes.as_chunks::<8>().0.iter().map(|&bytes| f64::from_ne_bytes(bytes)).collect();
            let (good, problem) = judged(&answer, &numbers, expected);
            (json!({ "variants": good }), problem)
        }
        Err(error) => failed(format!("{}: {error}", output.display())),
    }
}

/// No variant, and why.
fn failed(why: String) -> (Value, Option<Problem>) {
    (json!({}), Some(Problem::Failed(why)))
}

/// The variants of an answer whose numbers are right; what is wrong with the others, which outweighs what
/// failed.
fn judged<'a>(
    answer: &'a Value,
    numbers: &[f64],
    expected: &[f64],
) -> (Vec<&'a str>, Option<Problem>) {
    let variants: Vec<&str> =
        answer["variants"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let failures: Vec<String> = answer["failed"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, error)| format!("{name} {}", error.as_str().unwrap_or("failed")))
        .collect();
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    let each = numbers.len() / variants.len().max(1);
    for (i, name) in variants.into_iter().enumerate() {
        match difference(&numbers[i * each..(i + 1) * each], expected) {
            None => good.push(name),
            Some(difference) => wrong.push(format!("{name}, {difference}")),
        }
    }
    let problem = match (wrong.is_empty(), failures.is_empty()) {
        (false, _) => Some(Problem::Differs([wrong, failures].concat().join("; "))),
        (true, false) => Some(Problem::Failed(failures.join("; "))),
        (true, true) => None,
    };
    (good, problem)
}

/// Where numbers are not those that are expected.
fn difference(found: &[f64], expected: &[f64]) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} of them, not {}", found.len(), expected.len()));
    }
    let largest = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let is_far = |(a, b): (&f64, &f64)| {
        let far = (a - b).abs() > TOLERANCE * b.abs().max(1e-3 * largest);
        far || a.is_nan() != b.is_nan()
    };
    let at = found.iter().zip(expected).position(is_far)?;
    Some(format!("number {at} is {:e}, not {:e}", found[at], expected[at]))
}

#[cfg(test)]
mod tests {
    use super::{Peers, cells, difference, flat, judged};
    use riesz_bench::entry::{Problem, Time};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn numbers_may_differ_by_rounding_only() {
        let expected = [1000.0, 1.0, 1e-6];
        assert_eq!(difference(&expected, &expected), None);
        assert_eq!(difference(&[1000.0 + 1e-6, 1.0, 1.001e-6], &expected), None);
        assert!(difference(&[1000.0, 1.0 + 1e-7, 1e-6], &expected).is_some());
        assert!(difference(&[1000.0, 1.0, f64::NAN], &expected).is_some());
        assert!(difference(&[1000.0, 1.0], &expected).is_some());
        assert!(difference(&[0.0], &[0.0]).is_none());
    }

    #[test]
    fn wrong_numbers_are_told_from_no_numbers() {
        let expected = [1.0, 2.0];
        let both = json!({ "variants": ["eager", "compiled"], "failed": {} });
        assert_eq!(
            judged(&both, &[1.0, 2.0, 1.0, 2.0], &expected),
            (vec!["eager", "compiled"], None)
        );
        let (good, problem) = judged(&both, &[1.0, 2.0, 1.0, 3.0], &expected);
        assert_eq!(good, ["eager"]);
        assert!(matches!(problem, Some(Problem::Differs(at)) if at.starts_with("compiled")));
        // Whatever a message says, a way that failed has given no wrong number.
        let one = json!({ "variants": ["eager"], "failed": { "compiled": "shapes differ" } });
        let (good, problem) = judged(&one, &expected, &expected);
        assert_eq!(
            (good, problem),
            (vec!["eager"], Some(Problem::Failed("compiled shapes differ".into())))
        );
    }

    #[test]
    fn fields_are_in_the_order_of_their_names() {
        assert_eq!(flat(&json!({ "q": [[3, 4]], "alpha": [1, 2.5] })), [1.0, 2.5, 3.0, 4.0]);
    }

    #[test]
    fn the_best_peer_is_held_against_riesz() {
        let time = |seconds: &[f64]| Time { seconds: seconds.to_vec(), ..Time::default() };
        let row = cells(&[time(&[0.009]), time(&[0.002, 0.008])], &time(&[0.001, 0.002]));
        assert_eq!(row, " 9.00 ms | 5.00 ms | 3.00 |");
        assert_eq!(cells(&[], &time(&[1.0])), "");
    }

    #[test]
    fn an_unknown_peer_is_named() {
        let error = Peers::new(&["excel"], "python3", Path::new(".")).err().expect("no such peer");
        assert!(error.contains("excel"), "{error}");
    }
}
