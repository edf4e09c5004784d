//! The `riesz` command as a function: arguments in, text and an exit code out.
//!
//! [`run`] reads the arguments and calls one command; each command is a file with its arguments and
//! one function from these to what it prints. What is wrong is a [`Failure`], and only this file
//! turns one into text or JSON. Nothing here does mathematics: programs are differentiated by
//! `riesz`, formulas by `riesz-lang`.
//!
//! Exit codes: 0 on success, 1 when the mathematics failed (a singular matrix, a number that is not
//! finite, a law that does not hold, no convergence), 2 when the input is wrong.

mod check;
mod derive;
mod differentiate;
mod display;
mod eval;
mod failure;
mod graph;
mod input;
mod json;
mod minimize;
mod names;
mod primitives;
mod sample;

pub use failure::{Exit, Failure};

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;

/// Where a command writes.
pub struct Io<'a> {
    /// Results: what was asked for, and nothing else.
    pub out: &'a mut dyn Write,
    /// Errors, notes, progress.
    pub err: &'a mut dyn Write,
    /// Whether `err` is a terminal somebody watches.
    pub terminal: bool,
    /// Whether the user wants a run to end where it is.
    pub interrupted: &'a dyn Fn() -> bool,
    /// The remarks so far, which an object on the output has too.
    pub notes: Vec<String>,
}

impl<'a> Io<'a> {
    /// Writes to `out` and `err`, which nobody watches, and is never interrupted.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Io<'a> {
        Io { out, err, terminal: false, interrupted: &|| false, notes: Vec::new() }
    }

    /// Writes a result.
    ///
    /// # Errors
    /// When the reader is gone or the disk is full.
    pub fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(|e| Failure::unwritten(&e))
    }

    /// Writes a remark beside the result, one line.
    pub fn note(&mut self, text: &str) {
        // A remark that cannot be written is no reason to lose the result.
        let _ = writeln!(self.err, "note: {text}");
        self.notes.push(text.to_owned());
    }
}

/// Differentiate formulas, check them, draw them, minimise them.
#[derive(Parser)]
#[command(
    name = "riesz",
    version,
    about = "Differentiate, evaluate and minimise formulas",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Minimize(minimize::Args),
    Eval(eval::Args),
    Derive(derive::Args),
    Check(check::Args),
    Graph(graph::Args),
    Primitives(primitives::Args),
}

impl Command {
    fn json(&self) -> bool {
        match self {
            Command::Minimize(args) => args.json,
            Command::Eval(args) => args.json,
            Command::Derive(args) => args.json(),
            Command::Check(args) => args.json,
            Command::Graph(_) => false,
            Command::Primitives(args) => args.json,
        }
    }

    fn run(&self, io: &mut Io<'_>) -> Result<Exit, Failure> {
        match self {
            Command::Minimize(args) => minimize::run(args, io),
            Command::Eval(args) => eval::run(args, io),
            Command::Derive(args) => derive::run(args, io),
            Command::Check(args) => check::run(args, io),
            Command::Graph(args) => graph::run(args, io),
            Command::Primitives(args) => primitives::run(args, io),
        }
    }
}

/// Runs the command the arguments ask for (the first is the program's name), and returns its exit
/// code.
///
/// ```
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let mut io = riesz_cli::Io::new(&mut out, &mut err);
/// let code = riesz_cli::run(["riesz", "eval", "x'*x", "--at", "x=[3,4]"].map(Into::into), &mut io);
/// assert_eq!((code, out.as_slice()), (0, b"25\n".as_slice()));
/// ```
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let (json, result) = match Cli::try_parse_from(&args) {
        Ok(cli) => (cli.command.json(), cli.command.run(io)),
        Err(error) if error.use_stderr() => (asks_for_json(&args), Err(Failure::usage(&error))),
        // Help and the version are asked for, and are results.
        Err(error) => (false, io.print(&error.render().to_string()).map(|()| Exit::Success)),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(failure) => failure.report(json, io).code(),
    }
}

/// Whether arguments that could not be read ask for JSON, so that the complaint can be JSON too.
fn asks_for_json(args: &[OsString]) -> bool {
    let format = |w: &[OsString]| w[0] == "--format" && w[1] == "json";
    args.iter().any(|a| a == "--json" || a == "--format=json") || args.windows(2).any(format)
}
