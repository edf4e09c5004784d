//! The parts that work on raw memory, interpreted by Miri, which sees what no test does: a read past the
//! end, of what was never written, or of what another thread writes.
//!
//! Miri needs a nightly compiler with the components `miri` and `rust-src`, and takes some minutes. It runs
//! the tests in `crates/riesz-cpu/tests/plan/small.rs` and the folder beside it, on kernels for every processor:
//! machine code and the functions of one instruction set are not Rust that can be interpreted.

use crate::checked;
use std::path::Path;
use std::process::Command;

/// Installs what is missing and runs the tests.
pub fn run(root: &Path) -> Result<(), String> {
    let parts =
        ["toolchain", "install", "nightly", "--component", "miri", "--component", "rust-src"];
    checked(Command::new("rustup").args(parts).args(["--profile", "minimal"]))?;
    let tests = ["--package", "riesz-cpu", "--test", "plan", "--", "small::"];
    let mut cargo = Command::new("cargo");
    cargo
        .args(["+nightly", "miri", "test"])
        .args(tests)
        // The clock is read, and addresses are kept in tables.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-permissive-provenance")
        .env("RIESZ_ISA", "baseline")
        // A toolchain named by the one that runs this would win over `+nightly`.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .current_dir(root);
    checked(&mut cargo)
}
