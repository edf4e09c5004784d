//! The `riesz` command: hands the arguments and the standard streams to the library.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut err) = (stdout().lock(), stderr());
    let terminal = err.is_terminal();
    let mut io = riesz_cli::Io { out: &mut out, err: &mut err, terminal };
    let code = riesz_cli::run(std::env::args_os(), &mut io);
    // Nobody is left to be told when flushing fails.
    let _ = out.flush();
    ExitCode::from(code)
}
