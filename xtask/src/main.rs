//! Tasks for developers: `cargo xtask help` lists them.
//!
//! `tidy` and `layering` read the repository and print one line per finding, `file:line: what is wrong`.
//! They exit with 0 when there is nothing to say, 1 when there is, 2 when they were called wrongly or cannot
//! read the repository. `cargo test -p xtask` runs both over the repository as well, so that no change gets past
//! the tests without them. No dependencies: this crate must build in a second.

mod bench;
mod files;
mod fuzz;
mod layering;
mod manifest;
mod miri;
mod page;
mod source;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// One violation of a house rule, at a place a person can jump to.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Path from the root of the repository.
    path: String,
    /// Line, counted from 1.
    line: usize,
    /// What is wrong and what to do.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

const USAGE: &str = "\
usage: cargo xtask TASK

tasks:
  tidy       house rules that neither rustfmt nor clippy knows (see xtask/src/tidy.rs)
  layering   the crates depend on each other only downwards (see xtask/src/layering.rs)
  fuzz       random programs under random compositions of transformations; --seed S --count N
  primitives writes docs/primitives.md from what the primitives say about themselves
  mutants    breaks each rule of riesz-core in turn and names those no test notices; takes a while;
             [--all] [--jobs N] [--list] [WORD…], see xtask/mutants/src/main.rs
  miri       the parts that work on raw memory, interpreted; installs Miri, takes some minutes
  bench      times the cases of benches/ and writes benches/RESULTS.md; with --peers [LIST] beside
             JAX, PyTorch and CasADi; further options as of `riesz-bench --help`";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy::check,
        ["layering"] => layering::check,
        ["primitives"] => return done(page::write(&root())),
        ["fuzz", ..] => return done(fuzz::run(&root(), &arguments[1..])),
        ["miri"] => return done(miri::run(&root())),
        ["mutants", ..] => return mutants(&arguments[1..]),
        ["bench", ..] => return done(bench::run(&root(), &arguments[1..])),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match task(&root()) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            for Finding { path, line, message } in &findings {
                println!("{path}:{line}: {message}");
            }
            let plural = if findings.len() == 1 { "" } else { "s" };
            eprintln!("{} finding{plural}", findings.len());
            ExitCode::FAILURE
        }
        Err(error) => done(Err(error)),
    }
}

/// Runs the crate beside this one, which needs a parser of Rust that nothing else here waits for.
fn mutants(arguments: &[String]) -> ExitCode {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "mutants", "--"])
        .args(arguments)
        .current_dir(root())
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(status.code().and_then(|c| c.try_into().ok()).unwrap_or(2)),
        Err(error) => done(Err(format!("cargo cannot be run: {error}"))),
    }
}

/// Runs a command that has to succeed.
fn checked(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?} does not start: {error}")),
    }
}

fn done(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The root of the repository: the folder above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Finding, layering, root, tidy};

    fn report(findings: Result<Vec<Finding>, String>) -> String {
        let lines = findings.expect("the repository can be read").into_iter();
        lines.map(|f| format!("{}:{}: {}\n", f.path, f.line, f.message)).collect()
    }

    #[test]
    fn the_repository_is_tidy() {
        let report = report(tidy::check(&root()));
        assert!(report.is_empty(), "\n{report}");
    }

    #[test]
    fn the_crates_depend_only_downwards() {
        let report = report(layering::check(&root()));
        assert!(report.is_empty(), "\n{report}");
    }
}
