//! Random programs under random compositions of transformations, as many as one likes.
//!
//! The cases are those of `crates/riesz/tests/random`; a few run with the other tests. Case `s` is the
//! same on every machine, so runs with seeds further on continue where one ended.

use std::path::Path;
use std::process::Command;

/// Runs the cases that `--seed` and `--count` name.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let (mut seed, mut count) = (0, 10_000);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let place = match name.as_str() {
            "--seed" => &mut seed,
            "--count" => &mut count,
            _ => return Err(format!("`{name}` is neither --seed nor --count")),
        };
        let value = rest.next().ok_or_else(|| format!("{name} needs a number"))?;
        *place = value.parse().map_err(|_| format!("{name} is `{value}`, not a whole number"))?;
    }
    let status = Command::new(env!("CARGO"))
        .args(["test", "--package", "riesz", "--test", "random", "--", "--nocapture"])
        .env("RIESZ_FUZZ_SEED", u64::to_string(&seed))
        .env("RIESZ_FUZZ_COUNT", u64::to_string(&count))
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("a case is wrong: it is named above with its seed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use std::path::Path;

    #[test]
    fn wrong_arguments_are_named() {
        let refused = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| a.to_string()).collect();
            run(Path::new("."), &arguments).unwrap_err()
        };
        assert!(refused(&["--cases", "3"]).contains("--cases"));
        assert!(refused(&["--seed"]).contains("needs a number"));
        assert!(refused(&["--count", "many"]).contains("`many`"));
    }
}
