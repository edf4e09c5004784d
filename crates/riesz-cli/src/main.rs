//! The `riesz` command: hands the arguments, the standard streams and Ctrl-C to the library.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether there is a run that can end where it is.
static RUNNING: AtomicBool = AtomicBool::new(false);
/// Whether Ctrl-C was pressed while there was.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What a shell expects of a program that Ctrl-C has ended.
const ENDED_BY_CTRL_C: i32 = 130;

fn main() -> ExitCode {
    // Where there is no handler to be had, Ctrl-C kills, as everywhere.
    let _ = ctrlc::set_handler(|| {
        if !RUNNING.load(Ordering::Relaxed) || INTERRUPTED.swap(true, Ordering::Relaxed) {
            exit(ENDED_BY_CTRL_C);
        }
        eprintln!("\nstopping after this iteration; Ctrl-C again stops at once");
    });
    let (mut out, mut err) = (stdout().lock(), stderr());
    let terminal = err.is_terminal();
    // Whoever asks is in the middle of a run.
    let interrupted = &|| {
        RUNNING.store(true, Ordering::Relaxed);
        INTERRUPTED.load(Ordering::Relaxed)
    };
    let mut io = riesz_cli::Io { terminal, interrupted, ..riesz_cli::Io::new(&mut out, &mut err) };
    let code = riesz_cli::run(std::env::args_os(), &mut io);
    // Nobody is left to be told when flushing fails.
    let _ = out.flush();
    ExitCode::from(code)
}
