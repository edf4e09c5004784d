//! From a problem file to its minimum: data read, sizes found, facts checked, functions compiled,
//! a solver run.
//!
//! [`Model::load`] does everything that can go wrong because of the text or the data, and says what
//! is wrong as a [`Diagnostic`]; [`Model::minimize`] runs a solver of [`riesz::minimize`](mod@riesz::minimize).
//!
//! The solver works on one flat vector, in which every variable has coordinates in *its own space*
//! (a symmetric matrix its upper triangle, scaled so that inner products agree): the solver's
//! gradient is the Riesz representative there. A constraint that compares a variable with constants
//! is a bound; the others are equalities and inequalities. A variable that must be positive definite
//! has an open domain, outside of which the objective counts as +∞.
//!
//! Nothing here prints, and no file is written.

mod constants;
mod constraints;
mod data;
mod facts;
mod functions;
mod kinks;
mod run;
mod space;
mod start;

use crate::assumed::{unused_definitions, unused_note};
use crate::ast::Problem;
use crate::diagnostic::{Diagnostic, Span};
use crate::infer::Checker;
use crate::typed::{ExprId, Typed, VarId};
use crate::{memory, parse_problem, typed::declaration_text};
pub use data::read_file;
use functions::Functions;
use riesz::minimize::{Bounds, Method, Options};
use riesz::{Source, Tensor};
pub use run::Outcome;
use space::Space;
use std::path::{Path, PathBuf};

/// A problem with its data, ready to be minimised.
///
/// ```
/// use riesz_lang::model::Model;
/// use riesz::minimize::{Control, Status};
/// let text = "parameters\n  vector a = [1,2]\nvariables\n  vector x\nmin\n  norm2(x - a)^2";
/// let model = Model::load(text, std::path::Path::new("."), &[])?;
/// let outcome = model.minimize(&model.options()?, &mut |_| Control::Continue)?;
/// assert_eq!(outcome.solution.status, Status::Converged);
/// assert!((outcome.variables[0].1.to_f64()[1] - 2.0).abs() < 1e-8);
/// # Ok::<(), riesz_lang::model::ModelError>(())
/// ```
pub struct Model {
    text: String,
    problem: Problem,
    typed: Typed,
    objective: ExprId,
    parameters: Vec<Parameter>,
    variables: Vec<Variable>,
    start: Vec<f64>,
    bounds: Option<Bounds>,
    functions: Functions,
    notes: Vec<String>,
}

/// Why a problem cannot be solved as it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelError {
    /// Something at a place of the text.
    Text(Diagnostic),
    /// Something that was asked for beside the text: an override, an option.
    Argument(String),
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ModelError::Text(diagnostic) => diagnostic.fmt(f),
            ModelError::Argument(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ModelError {}

impl From<Diagnostic> for ModelError {
    fn from(diagnostic: Diagnostic) -> ModelError {
        ModelError::Text(diagnostic)
    }
}

/// A parameter with its numbers.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// Its declaration as understood: `X: matrix[569,30]`.
    pub declaration: String,
    /// Where its numbers come from, in words that go on from the declaration: `from iris.csv`,
    /// `= D'*D`.
    pub source: String,
    /// The numbers.
    pub value: Tensor,
}

/// A variable and where it starts.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// Its place among the variables of [`Model::typed`].
    pub id: VarId,
    /// Its declaration as understood: `w: vector[30]`.
    pub declaration: String,
    /// Where it starts.
    pub start: Tensor,
    /// Where that is, in words that follow "starts at".
    pub start_source: String,
    space: Space,
}

impl Model {
    /// Reads a problem and its data. `base` is the directory of the problem file; `overrides` are
    /// names of parameters with the files to read instead, relative to the working directory, each
    /// with or without a selection (`file.csv` or `file.csv[:, 1:]`).
    ///
    /// # Errors
    /// Whatever is wrong with the text or the data, with its place; an override of what is no
    /// parameter.
    pub fn load(
        text: &str,
        base: &Path,
        overrides: &[(String, String)],
    ) -> Result<Model, ModelError> {
        let problem = parse_problem(text)?;
        let mut checker = Checker::strict();
        let parameters = data::load(&mut checker, &problem, text, base, overrides)?;
        for d in &problem.variables {
            facts::supported(d)?;
            checker.declare(d);
        }
        let objective = checker.defined(&problem.ast, problem.objective, &problem.definitions)?;
        scalar(&checker, objective)?;
        let given = constraints::read(&mut checker, &problem)?;
        let starts = start::read(&mut checker, &problem)?;
        let typed = checker.finish()?;
        let spaces = sizes(&typed, &problem)?;
        affordable(&typed, &spaces)?;
        let values: Vec<Option<Tensor>> =
            parameters.iter().map(|p| Some(p.value.clone())).collect();
        let mut smoothed =
            kinks::smooth(&typed, objective, problem.sense, &given, &spaces, &values);
        let (given, spaces) = (std::mem::take(&mut smoothed.given), smoothed.spaces.clone());
        let limits = constraints::classify(&mut smoothed.typed, &problem, given, &values, &spaces)?;
        let nothing = limits.equalities.is_empty() && limits.inequalities.is_empty();
        if nothing && !constants::varies(&typed, parameters.len())[objective.index()] {
            let span = typed.node(objective).span;
            let message = "the objective does not depend on any variable";
            return Err(Diagnostic::new(message, span).note("this is constant").into());
        }
        let split: Vec<usize> = smoothed.magnitudes.iter().map(|(i, _)| *i).collect();
        let functions = Functions::new(
            &smoothed.typed,
            smoothed.objective,
            &problem,
            values,
            &spaces,
            &split,
            &limits,
        );
        let moved = |w: Option<start::Written>| w.map(|w| w.moved(smoothed.shift));
        let starts: Vec<_> = starts.into_iter().map(moved).collect();
        let (start, sources) =
            start::choose(&smoothed.typed, &problem, text, &starts, &spaces, &limits, &functions)?;
        let mut variables = Vec::new();
        let mut at = 0;
        for (i, ((d, space), start_source)) in
            problem.variables.iter().zip(&spaces).zip(sources).enumerate()
        {
            let id = VarId((parameters.len() + i) as u32);
            at += space.dim();
            variables.push(Variable {
                name: d.name.name.clone(),
                id,
                declaration: declaration_of(&typed, id),
                start: space.natural(&start[at - space.dim()..at]),
                start_source,
                space: space.clone(),
            });
        }
        let notes = notes(text, &problem, &smoothed);
        let (bounds, text) = (limits.bounds, text.to_owned());
        Ok(Model {
            text,
            problem,
            typed,
            objective,
            parameters,
            variables,
            start,
            bounds,
            functions,
            notes,
        })
    }

    /// The data files that a problem and its overrides name, as in [`load`](Self::load); nothing is read.
    ///
    /// # Errors
    /// Whatever is wrong with the text.
    pub fn data_files(
        text: &str,
        base: &Path,
        overrides: &[(String, String)],
    ) -> Result<Vec<PathBuf>, ModelError> {
        Ok(data::files(&parse_problem(text)?, base, overrides))
    }

    /// The problem as written.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// All expressions with their shapes; every size is a number.
    pub fn typed(&self) -> &Typed {
        &self.typed
    }

    /// The objective in [`typed`](Self::typed).
    pub fn objective(&self) -> ExprId {
        self.objective
    }

    /// The text of an expression or constraint of the problem.
    pub fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The parameters in order.
    pub fn parameters(&self) -> &[Parameter] {
        let declared = self.problem.parameters.iter().take_while(|p| p.is_declared()).count();
        &self.parameters[..declared]
    }

    /// The variables in order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// How many coordinates the solver works on.
    pub fn dim(&self) -> usize {
        self.start.len()
    }

    /// How the problem that is solved differs from the one that is written, and what of that is not used,
    /// in words.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The options the text asks for.
    ///
    /// # Errors
    /// A method that does not exist.
    pub fn options(&self) -> Result<Options, Diagnostic> {
        let asked = &self.problem.options;
        let mut options = Options::default();
        if let Some(method) = &asked.method {
            options.method = method.name.parse::<Method>().map_err(|e| {
                Diagnostic::new(e.to_string(), method.span).note("this is no method")
            })?;
        }
        options.max_iterations = asked.max_iter.unwrap_or(options.max_iterations);
        options.tolerance = asked.tol.unwrap_or(options.tolerance);
        Ok(options)
    }
}

/// The declaration of a variable of `typed` as understood.
fn declaration_of(typed: &Typed, id: VarId) -> String {
    typed.declarations().get(id.index()).map(declaration_text).unwrap_or_default()
}

/// Refuses an objective that is not one number.
fn scalar(checker: &Checker, objective: ExprId) -> Result<(), Diagnostic> {
    let typed = checker.typed();
    let shape = typed.shape(objective);
    if shape.is_scalar() {
        return Ok(());
    }
    let text = shape.text(&typed.dims);
    let message = format!("the objective must be a scalar, but it is {text}");
    Err(Diagnostic::new(message, typed.node(objective).span)
        .note(format!("this is {text}"))
        .help("minimise for instance its sum(…) or norm2(…)^2"))
}

/// What is written at a place, if it is short enough for a line of a report.
fn brief(text: &str, span: Span) -> Option<&str> {
    const LONG: usize = 60;
    text.get(span.range()).filter(|t| t.chars().count() <= LONG && !t.contains('\n'))
}

/// The spaces of the variables, whose sizes must be numbers now.
fn sizes(typed: &Typed, problem: &Problem) -> Result<Vec<Space>, Diagnostic> {
    let objective = problem.ast.span(problem.objective.root);
    for (a, b) in typed.dims.assumed() {
        if let (Some(x), Some(y)) = (typed.dims.value(a), typed.dims.value(b))
            && x != y
        {
            let message = format!("two sizes should be the same, but one is {x} and one is {y}");
            return Err(Diagnostic::new(message, objective)
                .note("here or in a constraint")
                .help("look at the sizes of the arguments of kron and vec"));
        }
    }
    let first = typed.vars.len() - problem.variables.len();
    let mut spaces = Vec::new();
    for (d, v) in problem.variables.iter().zip(&typed.vars[first..]) {
        let axes = crate::lower::axes(v.shape, &typed.dims).map_err(|_| {
            let text = v.shape.text(&typed.dims);
            let message = format!("the size of `{}` is not known: {text}", v.name);
            Diagnostic::new(message, d.name.span)
                .note("neither data nor the start fix its size")
                .help(format!("declare it with numbers, such as vector[10] {}", v.name))
        })?;
        spaces.push(Space::new(&v.facts, axes));
    }
    Ok(spaces)
}

/// Refuses what does not fit into memory: all values, and the vectors that a solver keeps.
fn affordable(typed: &Typed, spaces: &[Space]) -> Result<(), Diagnostic> {
    /// Pairs of steps, gradients, directions.
    const VECTORS: usize = 32;
    let dim = spaces.iter().map(Space::dim).fold(0usize, usize::saturating_add);
    let all: Vec<ExprId> = (0..typed.nodes.len()).map(|i| ExprId(i as u32)).collect();
    memory::fits(typed, &typed.dims, &all, dim.saturating_mul(8 * VECTORS))
}

/// What is not used, what became of strict bounds, and of the kinks, in words.
fn notes(text: &str, problem: &Problem, smoothed: &kinks::Smoothed) -> Vec<String> {
    let have_kinks = |spans: &[Span]| {
        let mut all: Vec<&str> =
            spans.iter().map(|s| text.get(s.range()).unwrap_or_default()).collect();
        all.dedup();
        let verb = if all.len() == 1 { "has" } else { "have" };
        format!("{} {verb} kinks", all.join(", "))
    };
    let unused = unused_definitions(&problem.ast, problem.objective, &problem.definitions);
    let mut notes = Vec::from_iter(unused_note(&unused));
    let strict = problem.constraints.iter().filter(|c| c.strict);
    let strict: Vec<&str> = strict.map(|c| text.get(c.span.range()).unwrap_or_default()).collect();
    if !strict.is_empty() {
        let strict = strict.join(", ");
        notes.push(format!("{strict}: < and > are read as <= and >=, so that the boundary counts"));
    }
    if !smoothed.replaced.is_empty() {
        notes.push(format!(
            "{}: solved with more variables and smooth constraints",
            have_kinks(&smoothed.replaced)
        ));
    }
    if !smoothed.left.is_empty() {
        notes.push(format!(
            "{} where a minimum may lie and a smooth method may stop short",
            have_kinks(&smoothed.left)
        ));
    }
    notes
}

/// An error of a program that was lowered from the text; at `fallback` if it has no place.
fn diagnose(error: &riesz::Error, fallback: Span) -> Diagnostic {
    let span = match error.source() {
        Source::Text { start, end } => Span::new(start as usize, end as usize),
        Source::Rust(_) | Source::Program { .. } | Source::Unknown => fallback,
    };
    let message = match error.operation() {
        "" | "formula" => error.message().to_owned(),
        operation => format!("{operation}: {}", error.message()),
    };
    let diagnostic = Diagnostic::new(message, span);
    match error.help_text() {
        "" => diagnostic,
        help => diagnostic.help(help),
    }
}

/// The path of a data file: as written if it is absolute, else relative to the problem file.
fn locate(base: &Path, path: &str) -> PathBuf {
    base.join(path)
}
