//! `cargo xtask bench`: builds and runs the benchmarks, and writes `benches/RESULTS.md`.
//!
//! The timing itself is in the crate `riesz-bench`, which prints a table; here is what surrounds it:
//! the peers' virtual environment, and the file with the machine and the versions.

use crate::checked;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The peers that `--peers` installs and times.
const PEERS: &str = "jax,torch,torchc,casadi,floor";

/// Those of them that have GradBench's evals.
const GRADBENCH: &[&str] = &["jax", "torch"];

/// ADBench's smallest data sets, unless `--adbench FOLDER` names more.
const ADBENCH: &str = "crates/gradbench/adbench";

/// Runs the benchmarks with the arguments after `bench`.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    if arguments.iter().any(|a| a == "--help") {
        println!(
            "usage: cargo xtask bench [--peers [NAMES]] [--adbench FOLDER], and of the timing itself:\n"
        );
        print!("{}", cargo(root, &["--package", "riesz-bench", "--", "--help"], false)?);
        return Ok(());
    }
    let mut passed: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let peers = take(&mut passed, "--peers").map(|value| value.unwrap_or(PEERS));
    let adbench = match take(&mut passed, "--adbench") {
        None => ADBENCH,
        Some(folder) => folder.ok_or("--adbench needs a folder")?,
    };
    let mut call = vec!["--package", "riesz-bench", "--"];
    let python = peers.map(|_| install(root)).transpose()?;
    let python = python.as_deref().map(Path::to_string_lossy);
    if let (Some(peers), Some(python)) = (peers, &python) {
        call.extend(["--peers", peers, "--python", python]);
    }
    call.extend(&passed);
    let cases = cargo(root, &call, false)?;
    // Part of the cases, or times too short to mean anything, are for the eye only.
    if passed.iter().any(|a| ["--quick", "--cases", "--threads"].contains(a)) {
        print!("{cases}");
        return Ok(());
    }
    let mut call = vec!["--package", "gradbench", "--", "calibrate"];
    let peers = peers.map(with_gradbench).filter(|peers| !peers.is_empty());
    if let (Some(peers), Some(python)) = (&peers, &python) {
        call.extend(["--peers", peers, "--python", python]);
    }
    let calibration = cargo(root, &call, true)?;
    let data_sets = cargo(root, &["--package", "gradbench", "--", "adbench", adbench], true)?;
    let path = root.join("benches/RESULTS.md");
    let text = format!(
        "{}\n## Cases\n\n{cases}\n## GradBench\n\n{calibration}\n## ADBench\n\n{data_sets}",
        head(root)?
    );
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    eprintln!("wrote benches/RESULTS.md");
    Ok(())
}

/// Takes an option out of the arguments, and the value after it if there is one.
fn take<'a>(arguments: &mut Vec<&'a str>, option: &str) -> Option<Option<&'a str>> {
    let at = arguments.iter().position(|argument| *argument == option)?;
    arguments.remove(at);
    let has_value = arguments.get(at).is_some_and(|next| !next.starts_with("--"));
    Some(has_value.then(|| arguments.remove(at)))
}

/// Those of some peers that have GradBench's evals.
fn with_gradbench(peers: &str) -> String {
    peers.split(',').filter(|peer| GRADBENCH.contains(peer)).collect::<Vec<_>>().join(",")
}

/// The Python of a virtual environment that has the peers, made at the first use.
fn install(root: &Path) -> Result<PathBuf, String> {
    let environment = root.join("target/peers");
    let python = environment.join("bin/python");
    let installed = environment.join("installed.txt");
    let requirements = root.join("benches/peers/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(|e| format!("{}: {e}", requirements.display()))?;
    if std::fs::read_to_string(&installed).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    eprintln!("installing the peers into target/peers");
    let make = ["-m".as_ref(), "venv".as_ref(), environment.as_os_str()];
    checked(Command::new("python3").args(make))?;
    let install = ["-m", "pip", "install", "--quiet", "--requirement"];
    checked(Command::new(&python).args(install).arg(&requirements))?;
    std::fs::write(&installed, wanted).map_err(|e| format!("{}: {e}", installed.display()))?;
    Ok(python)
}

/// The machine, the day and the versions.
fn head(root: &Path) -> Result<String, String> {
    let line = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(root).output();
        let text = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
        text.unwrap_or_default()
    };
    let wanted = std::fs::read_to_string(root.join("benches/peers/requirements.txt"))
        .map_err(|e| format!("benches/peers/requirements.txt: {e}"))?;
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find(|l| l.starts_with("model name")).unwrap_or(": unknown");
    let model = model.split_once(':').map_or("unknown", |(_, name)| name.trim());
    let vector = if processor.contains("avx512f") { ", AVX-512" } else { "" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Ok(format!(
        "# Results\n\n\
         Written by `cargo xtask bench`; README.md says what is measured and how.\n\n\
         - {}, revision {}\n\
         - {model}{vector}, {cores} cores; {}\n\
         - {}\n\
         - peers: {}\n",
        line("date", &["-u", "+%Y-%m-%d"]),
        line("git", &["describe", "--always", "--dirty"]),
        line("uname", &["-sm"]),
        line("rustc", &["--version"]),
        wanted.split_whitespace().collect::<Vec<_>>().join(", "),
    ))
}

/// Builds and runs a program of the workspace; what it printed. Plain loops are a fair measure only
/// when they may use all of this machine, so what has them is built for it.
fn cargo(root: &Path, arguments: &[&str], for_this_machine: bool) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--quiet"]).args(arguments).current_dir(root);
    if for_this_machine {
        command.env("RUSTFLAGS", "-C target-cpu=native");
        command.env("CARGO_TARGET_DIR", root.join("target/native"));
    }
    let child = command.stdout(Stdio::piped()).spawn();
    let child = child.map_err(|e| format!("cargo does not start: {e}"))?;
    let output = child.wait_with_output().map_err(|e| format!("cargo: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A table with a row that is not sound is still worth reading; the reason is in it.
    match output.status.code() {
        Some(0) => Ok(text),
        Some(1) if !text.is_empty() => Ok(text),
        _ => Err(format!("cargo run {} failed", arguments.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::{take, with_gradbench};

    #[test]
    fn not_every_peer_has_gradbench() {
        assert_eq!(with_gradbench("jax,torch,torchc,casadi,floor"), "jax,torch");
        assert_eq!(with_gradbench("floor"), "");
    }

    #[test]
    fn options_are_taken_with_their_values() {
        let mut arguments = vec!["--peers", "jax,torch", "--rounds", "3", "--adbench"];
        assert_eq!(take(&mut arguments, "--peers"), Some(Some("jax,torch")));
        assert_eq!(take(&mut arguments, "--adbench"), Some(None));
        assert_eq!(take(&mut arguments, "--quick"), None);
        assert_eq!(arguments, ["--rounds", "3"]);
    }
}
