//! The command from outside: arguments in, text and an exit code out.

mod commands;
mod data;
mod fuzz;
mod graph;
mod language;
mod minimize;
mod primitives;

use serde_json::Value;
use std::path::PathBuf;

/// Runs the command: its exit code, its output, and what it says beside it.
pub fn riesz(args: &[&str]) -> (u8, String, String) {
    run(args, &|| false)
}

/// The same, interrupted when `interrupted` says so.
pub fn run(args: &[&str], interrupted: &dyn Fn() -> bool) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = riesz_cli::Io { interrupted, ..riesz_cli::Io::new(&mut out, &mut err) };
    let args = std::iter::once("riesz").chain(args.iter().copied()).map(Into::into);
    let code = riesz_cli::run(args, &mut io);
    (code, String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
}

/// The exit code and the object that was printed.
pub fn json(args: &[&str]) -> (u8, Value) {
    let (code, out, _) = riesz(args);
    (code, serde_json::from_str(&out).unwrap_or(Value::Null))
}

/// All numbers in nested arrays.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(parts) => parts.iter().flat_map(numbers).collect(),
        number => number.as_f64().into_iter().collect(),
    }
}

/// Numbers equal up to rounding.
#[track_caller]
pub fn close(found: &Value, expected: &[f64]) {
    let found = numbers(found);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-14 * b.abs().max(1.0), "{found:?} is not {expected:?}");
    }
}

/// An empty directory for the files of one test.
pub fn scratch(test: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    // What an earlier run left is in the way; that nothing did is no error.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    directory
}
