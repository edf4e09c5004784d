//! `riesz minimize`: a problem file to its minimum.
//!
//! What is printed is in the files beside this one: the problem as understood ([`describe`]), a line
//! that follows the run ([`progress`]), the solution ([`report`]) and the picture ([`plot`]).

mod describe;
mod plot;
mod progress;
mod report;

use crate::{Exit, Failure, Io};
use progress::ProgressLine;
use riesz::minimize::{Control, Method, Options, Status};
use riesz_lang::model::{Model, ModelError};
use std::path::{Path, PathBuf};

/// Minimise a problem stated in a file.
///
/// Prints the problem as understood, the formula of the gradient and the solution. JSON: {"status",
/// "objective", "gradient_norm", "constraint_violation", "iterations", "evaluations", "seconds",
/// "method", "variables"}; status is "converged", "max_iterations", "failed", or "interrupted" after
/// Ctrl-C, which ends a run at its best point so far. The exit code is 1 unless it converged.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  riesz minimize examples/logistic.rz --plot convergence.svg")]
pub struct Args {
    /// The problem file
    #[arg(value_name = "FILE.rz")]
    file: PathBuf,
    /// Read a parameter from another file, such as X=other.csv or 'y=other.csv[:, 0]'
    #[arg(long, value_name = "NAME=FILE")]
    data: Vec<String>,
    /// The solver: auto, lbfgs, newton-cg, gradient-descent, gradient-trust-region, lbfgsb or
    /// augmented-lagrangian
    #[arg(long, value_name = "NAME")]
    method: Option<Method>,
    /// Stop after so many iterations
    #[arg(long, value_name = "N")]
    max_iter: Option<usize>,
    /// Stop when the gradient is this small, relative to the objective
    #[arg(long, value_name = "T")]
    tol: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Draw how the value and the gradient norm converged
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
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
    let base = args.file.parent().unwrap_or_else(|| Path::new("."));
    let model = Model::load(&text, base, &overrides(&args.data)?).map_err(fail)?;
    let options = options(args, &model).map_err(fail)?;
    if !args.json {
        io.print(&describe::describe(&model))?;
    }
    let line = ProgressLine::new(io.terminal && !args.json);
    let mut progress = |p: &riesz::minimize::Progress| {
        line.show(p);
        if (io.interrupted)() { Control::Stop } else { Control::Continue }
    };
    let outcome = model.minimize(&options, &mut progress).map_err(fail)?;
    line.end(io.err);
    if let Some(file) = &args.plot {
        let title = args.file.file_name().map_or(name.clone(), |n| n.to_string_lossy().into());
        std::fs::write(file, plot::convergence(&title, &outcome.solution))
            .map_err(|e| Failure::unwritten_file(file, &e))?;
    }
    io.print(&if args.json { report::json(&outcome) } else { report::text(&outcome) })?;
    Ok(if outcome.solution.status == Status::Converged { Exit::Success } else { Exit::Failed })
}

fn overrides(data: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |text: &String| match text.split_once('=') {
        Some((name, file)) => Ok((name.trim().to_string(), file.trim().to_string())),
        None => Err(Failure::input(format!("--data {text}: expected NAME=FILE"))
            .help("for instance --data X=measurements.csv")),
    };
    data.iter().map(split).collect()
}

/// What the file asks for, and what the arguments ask for instead.
fn options(args: &Args, model: &Model) -> Result<Options, ModelError> {
    let mut options = model.options()?;
    options.method = args.method.unwrap_or(options.method);
    options.max_iterations = args.max_iter.unwrap_or(options.max_iterations);
    options.tolerance = args.tol.unwrap_or(options.tolerance);
    Ok(options)
}
