//! `riesz minimize`: a problem file to its minimum.
//!
//! What is printed is in the files beside this one: the problem as understood ([`describe`]), a line
//! that follows the run ([`progress`]), the solution ([`report`]) and the picture ([`plot`]); a run
//! that is written to a file and goes on later is in [`saved`], which files may be written in [`targets`].

mod describe;
mod plot;
mod progress;
mod report;
mod saved;
mod targets;

use crate::input::files;
use crate::{Exit, Failure, Io, display, json};
use progress::ProgressLine;
use riesz::minimize::{Checkpoint, Control, Method, Options, Progress, Status};
use riesz_lang::model::{Model, ModelError, Outcome};
use saved::{Saved, Saver};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Minimise a problem stated in a file.
///
/// Prints the problem as understood, the formula of the gradient and the solution. JSON: {"status",
/// "objective", "gradient_norm", "constraint_violation", "iterations", "evaluations", "seconds",
/// "method", "variables", "notes", "reason"}; status is "converged", "max_iterations", "failed", or
/// "interrupted" after Ctrl-C, which ends a run at its last point, and reason says why it ended so. The exit
/// code is 1 unless it converged.
///
/// With --save a run can be interrupted or killed, and goes on with --resume with the very steps it
/// would have taken.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  riesz minimize examples/logistic.rz --plot convergence.svg
  riesz minimize large.rz --save large.run      # Ctrl-C, or a power cut
  riesz minimize large.rz --resume large.run --save large.run")]
pub struct Args {
    /// The problem file
    #[arg(value_name = "FILE.rz")]
    file: PathBuf,
    /// Read a parameter from another file, such as X=other.csv, 'y=other.csv[:, 0]' or W=other.npz:w
    #[arg(long, value_name = "NAME=FILE")]
    data: Vec<String>,
    /// The solver: auto, lbfgs, newton-cg, gradient-descent, gradient-trust-region, lbfgsb or
    /// augmented-lagrangian
    #[arg(long, value_name = "NAME")]
    method: Option<Method>,
    /// Stop after so many iterations [default: 10000]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = max_iterations)]
    max_iter: Option<usize>,
    /// Stop when every entry of the gradient is this small, relative to the largest so far if that is below 1
    /// (the bound grows with a large objective once no visible gain is left) [default: 1e-8]
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = tolerance)]
    tol: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Draw how the value and the gradient norm converged, to a file that ends in .svg
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// Write where the run stands to a file, now and then and at the end; only a saved run is replaced
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Go on with the run that --save wrote
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let name = args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|e| Failure::input(format!("the problem file {name} cannot be read: {e}")))?;
    let fail = |e: ModelError| match e {
        ModelError::Text(d) => Failure::text(d, &name, &text),
        ModelError::Argument(message) => Failure::input(message),
    };
    // Files that are wrong are known before data are read and hours have passed.
    let earlier = args.resume.as_deref().map(Saved::read).transpose()?;
    let base = args.file.parent().unwrap_or_else(|| Path::new("."));
    let overrides = files(&args.data)?;
    targets::check(args, &Model::data_files(&text, base, &overrides).map_err(fail)?)?;
    let model = Model::load(&text, base, &overrides).map_err(fail)?;
    let options = options(args, &model).map_err(fail)?;
    let earlier = earlier.map(|saved| saved.of(&model)).transpose()?;
    if !args.json {
        io.print(&describe::describe(&model))?;
    }
    let outcome = solve(args, &model, &options, earlier, io, &fail)?;
    if let Some(file) = &args.plot {
        let title = args.file.file_name().map_or(name.clone(), |n| n.to_string_lossy().into());
        std::fs::write(file, plot::convergence(&title, &outcome.solution))
            .map_err(|e| Failure::unwritten_file(file, &e))?;
    }
    if args.json {
        io.notes.splice(0..0, model.notes().iter().cloned());
        io.print(&report::json(&outcome, json::notes(io, None)))?;
    } else {
        io.print(&report::text(&outcome))?;
    }
    if !args.json && outcome.variables.iter().any(|(_, value)| display::is_shortened(value)) {
        io.note(display::SHORTENED);
    }
    Ok(if outcome.solution.status == Status::Converged { Exit::Success } else { Exit::Failed })
}

/// Runs the solver: in slices, with the run saved between them, if it is to be saved.
fn solve(
    args: &Args,
    model: &Model,
    options: &Options,
    mut earlier: Option<Checkpoint>,
    io: &mut Io<'_>,
    fail: &dyn Fn(ModelError) -> Failure,
) -> Result<Outcome, Failure> {
    let line = ProgressLine::new(io.terminal && !args.json);
    let mut saver = args.save.as_deref().map(|file| Saver::new(file, model));
    let outcome = loop {
        let due = saver.as_ref().map(Saver::due);
        let mut progress = |p: &Progress| {
            line.show(p);
            let pause = due.is_some_and(|due| Instant::now() >= due);
            if pause || (io.interrupted)() { Control::Stop } else { Control::Continue }
        };
        let slice = match &earlier {
            None => model.minimize(options, &mut progress),
            Some(checkpoint) => model.resume(checkpoint, options, &mut progress),
        };
        let outcome = slice.map_err(fail)?;
        if let Some(saver) = &mut saver {
            saver.save(&outcome.solution.checkpoint)?;
        }
        if outcome.solution.status != Status::Interrupted || (io.interrupted)() {
            break outcome;
        }
        earlier = Some(outcome.solution.checkpoint);
    };
    line.end(io.err);
    if outcome.solution.status == Status::Interrupted {
        io.note(&match &args.save {
            Some(file) => format!("to go on, add --resume {}", file.display()),
            None => "with --save FILE a run that is interrupted can go on later".to_owned(),
        });
    }
    Ok(outcome)
}

fn max_iterations(text: &str) -> Result<usize, String> {
    let default = Options::default().max_iterations;
    text.parse()
        .map_err(|_| format!("a whole number from 0 up is needed; the default is {default}"))
}

fn tolerance(text: &str) -> Result<f64, String> {
    let tolerance = text.parse().ok().filter(|t: &f64| *t > 0.0 && t.is_finite());
    let default = Options::default().tolerance;
    tolerance.ok_or_else(|| format!("a number above 0 is needed; the default is {default:e}"))
}

/// What the file asks for, and what the arguments ask for instead.
fn options(args: &Args, model: &Model) -> Result<Options, ModelError> {
    let mut options = model.options()?;
    options.method = args.method.unwrap_or(options.method);
    options.max_iterations = args.max_iter.unwrap_or(options.max_iterations);
    options.tolerance = args.tol.unwrap_or(options.tolerance);
    Ok(options)
}
