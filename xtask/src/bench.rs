//! `cargo xtask bench`: builds and runs the benchmarks, and writes `benches/RESULTS.md`.
//!
//! The timing itself is in the crate `riesz-bench`, which prints a table; here is what surrounds it:
//! the peers' virtual environment, and the file with the machine and the versions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The peers that `--peers` installs and times.
const PEERS: &str = "jax,torch,torchc,casadi,floor";

/// Runs the benchmarks with the arguments after `bench`.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let with_peers = arguments.iter().any(|a| a == "--peers");
    let passed: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|a| *a != "--peers").collect();
    cargo(root, &["build", "--release", "--package", "riesz-bench"], false)?;
    let mut call = vec!["run", "--release", "--quiet", "--package", "riesz-bench", "--"];
    let python = with_peers.then(|| peers(root)).transpose()?;
    let python = python.as_deref().map(Path::to_string_lossy);
    if let Some(python) = &python {
        call.extend(["--peers", PEERS, "--python", python]);
    }
    call.extend(&passed);
    let table = cargo(root, &call, true)?;
    // Part of the cases, or times too short to mean anything, are for the eye only.
    if passed.iter().any(|a| ["--quick", "--cases", "--threads"].contains(a)) {
        print!("{table}");
        return Ok(());
    }
    let path = root.join("benches/RESULTS.md");
    let text = format!("{}\n{table}", head(root)?);
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    eprintln!("wrote benches/RESULTS.md");
    Ok(())
}

/// The Python of a virtual environment that has the peers, made at the first use.
fn peers(root: &Path) -> Result<PathBuf, String> {
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

/// Runs cargo; its output is what the program printed.
fn cargo(root: &Path, arguments: &[&str], keep: bool) -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = if keep { Stdio::piped() } else { Stdio::inherit() };
    let child = Command::new(cargo)
        .args(arguments)
        .current_dir(root)
        .stdout(output)
        .spawn()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    let output = child.wait_with_output().map_err(|e| format!("cargo: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A table with a row that is not sound is still worth reading; the reason is in it.
    match output.status.code() {
        Some(0 | 1) if keep && !text.is_empty() => Ok(text),
        Some(0) => Ok(text),
        _ => Err(format!("cargo {} failed", arguments.join(" "))),
    }
}

fn checked(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?} does not start: {error}")),
    }
}
