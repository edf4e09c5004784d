//! `riesz minimize`: a problem file to its minimum.

use crate::{Exit, Failure, Io, display, json};
use riesz::minimize::{Control, Options, Progress, Status};
use riesz_lang::formula::{Request, derive};
use riesz_lang::model::{Model, ModelError, Outcome};
use serde_json::{Map, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many numbers of a solution are printed before the rest is counted.
const SHOWN: usize = 64;
/// The least time between two progress lines.
const PACE: Duration = Duration::from_millis(100);

/// Minimise a problem stated in a file.
///
/// JSON: {"status", "objective", "gradient_norm", "constraint_violation", "iterations",
/// "evaluations", "seconds", "method", "variables"}; status is "converged", "max_iterations" or
/// "failed". The exit code is 1 unless it converged.
#[derive(clap::Args, Debug)]
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
    method: Option<String>,
    /// Stop after so many iterations
    #[arg(long, value_name = "N")]
    max_iter: Option<usize>,
    /// Stop when the gradient is this small, relative to the objective
    #[arg(long, value_name = "T")]
    tol: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
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
        io.print(&describe(&model))?;
    }
    let outcome = {
        let mut line = ProgressLine { io, shown: None, quiet: args.json };
        let outcome = model.minimize(&options, &mut |p| line.show(p)).map_err(fail)?;
        line.end();
        outcome
    };
    let report = if args.json { as_json(&outcome) } else { as_text(&outcome) };
    io.print(&report)?;
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
    if let Some(method) = &args.method {
        options.method = method
            .parse()
            .map_err(|e: riesz::minimize::MinimizeError| ModelError::Argument(e.to_string()))?;
    }
    options.max_iterations = args.max_iter.unwrap_or(options.max_iterations);
    options.tolerance = args.tol.unwrap_or(options.tolerance);
    Ok(options)
}

/// The problem as understood: names, shapes, where the numbers come from, and the gradient.
fn describe(model: &Model) -> String {
    let mut text = String::new();
    if !model.parameters().is_empty() {
        text += "parameters\n";
    }
    for p in model.parameters() {
        text += &format!("  {}  from {}\n", p.declaration, p.source);
    }
    text += "variables\n";
    for v in model.variables() {
        text += &format!("  {}  starts at {}\n", v.declaration, v.start_source);
    }
    let problem = model.problem();
    let sense = match problem.sense {
        riesz_lang::ast::Sense::Min => "minimise",
        riesz_lang::ast::Sense::Max => "maximise",
    };
    let objective = model.text(problem.ast.span(problem.objective.root));
    text += &format!("{sense}\n  {objective}\n");
    if !problem.constraints.is_empty() {
        text += "subject to\n";
    }
    for c in &problem.constraints {
        text += &format!("  {}\n", model.text(c.span));
    }
    text += "gradient\n";
    for v in model.variables() {
        // A formula is for reading; the solver uses the program's derivative in any case.
        let formula = derive(model.typed(), model.objective(), Request::First(&v.name));
        let formula = formula.map_or_else(|e| format!("({})", e.message), |d| d.text);
        text += &format!("  by {}: {formula}\n", v.name);
    }
    text + "\n"
}

/// One line that is written over on a terminal, several plain ones elsewhere.
struct ProgressLine<'a, 'b> {
    io: &'a mut Io<'b>,
    shown: Option<Instant>,
    quiet: bool,
}

impl ProgressLine<'_, '_> {
    fn show(&mut self, p: &Progress) -> Control {
        let soon = self.shown.is_some_and(|at| at.elapsed() < PACE);
        if self.quiet || (soon && !self.io.terminal) {
            return Control::Continue;
        }
        self.shown = Some(Instant::now());
        let line = format!(
            "iteration {:>5}  value {:>18}  gradient {:>9.2e}  {:>8.2} s",
            p.iteration,
            display::number(p.value),
            p.gradient_norm,
            p.seconds
        );
        // Progress that cannot be shown is no reason to stop.
        let _ = match self.io.terminal {
            true => write!(self.io.err, "\r\x1b[2K{line}"),
            false => writeln!(self.io.err, "{line}"),
        };
        let _ = self.io.err.flush();
        Control::Continue
    }

    fn end(&mut self) {
        if self.io.terminal && !self.quiet {
            let _ = writeln!(self.io.err);
        }
    }
}

fn as_json(outcome: &Outcome) -> String {
    let s = &outcome.solution;
    let status = match s.status {
        Status::Converged => "converged",
        Status::MaxIterations => "max_iterations",
        Status::Failed | Status::Interrupted => "failed",
    };
    let variables: Map<String, serde_json::Value> =
        outcome.variables.iter().map(|(name, t)| (name.clone(), json::tensor(t))).collect();
    let object = json!({
        "status": status,
        "objective": json::number(s.objective),
        "gradient_norm": json::number(s.gradient_norm),
        "constraint_violation": json::number(s.constraint_violation),
        "iterations": s.iterations,
        "evaluations": s.evaluations,
        "seconds": json::number(s.seconds),
        "method": s.method.to_string(),
        "variables": variables,
    });
    format!("{object}\n")
}

fn as_text(outcome: &Outcome) -> String {
    let s = &outcome.solution;
    let mut text = format!("{}: {}\n", s.status, s.reason);
    text += &format!("method                {} ({})\n", s.method, s.method_reason);
    text += &format!("objective             {}\n", display::short(s.objective, 16));
    text += &format!("gradient norm         {:.2e}\n", s.gradient_norm);
    text += &format!("constraint violation  {:.2e}\n", s.constraint_violation);
    text += &format!(
        "{} iterations, {} evaluations, {:.3} s\n\n",
        s.iterations, s.evaluations, s.seconds
    );
    for (name, value) in &outcome.variables {
        text += &format!("{name}, a {}\n", display::shape(value.shape()));
        if value.len() <= SHOWN {
            text += &display::tensor(value);
        } else {
            let first: Vec<String> =
                value.to_f64().iter().take(SHOWN / 8).map(|x| display::number(*x)).collect();
            let more = value.len() - first.len();
            text += &format!("[ {}  … and {more} more; --json has all ]\n", first.join("  "));
        }
    }
    text
}
