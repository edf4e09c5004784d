//! What the commands on formulas are given: an expression, declarations, values.
//!
//! A [`Question`] is an expression whose shapes are known, and the values of those variables that
//! have one. A value fixes sizes before the expression is read, so that shape errors show numbers;
//! a name that is not declared takes its kind from its value, and from its first letter otherwise.

use crate::Failure;
use crate::sample::Sizes;
use crate::{Io, display, names, sample};
use riesz::{Source, Tensor};
use riesz_lang::ast::{Assignment, Declaration, Facts, Ident, Kind, Literal, Size};
use riesz_lang::dims::Dims;
use riesz_lang::typed::{ExprId, Op, Typed, VarId};
use riesz_lang::{
    Checker, Diagnostic, Span, lower, memory, model, parse_assignments, parse_declarations,
    parse_formula,
};

/// The arguments that say what a formula is.
#[derive(clap::Args, Debug)]
pub struct FormulaArgs {
    /// The formula, such as "x'*A*x + sum(exp(x))"
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    pub expr: String,
    /// Kinds, sizes and facts of names, such as 'x: vector[n]; P: spd[n]; c: scalar positive'.
    /// Other names take their kind from their value, or else from their first letter: a-g scalar,
    /// h-z vector, A-Z matrix
    #[arg(long, value_name = "DECLARATIONS")]
    pub declare: Option<String>,
}

/// The arguments that give values.
#[derive(clap::Args, Debug)]
pub struct ValueArgs {
    /// Values, such as 'x=[1,2]; A=[[1,2],[3,4]]'
    #[arg(long, value_name = "VALUES", default_value = "", hide_default_value = true)]
    pub at: String,
    /// Read a value from a CSV, .npy, .npz or .safetensors file, such as X=data.csv,
    /// 'y=data.csv[:, 0]' or W=weights.npz:w; rows and columns are counted from 0
    #[arg(long, value_name = "NAME=FILE")]
    pub data: Vec<String>,
}

impl ValueArgs {
    /// Whether there is none.
    pub fn are_empty(&self) -> bool {
        self.at.is_empty() && self.data.is_empty()
    }
}

/// Which values a command takes.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// None.
    None,
    /// Some, and it chooses the others.
    Some(&'a ValueArgs),
    /// All.
    All(&'a ValueArgs),
}

impl<'a> Values<'a> {
    fn args(self) -> Option<&'a ValueArgs> {
        match self {
            Values::None => None,
            Values::Some(args) | Values::All(args) => Some(args),
        }
    }

    fn are_complete(self) -> bool {
        matches!(self, Values::All(_))
    }
}

/// Names and files of arguments `--data NAME=FILE`.
///
/// # Errors
/// Without a `=`.
pub fn files(data: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |text: &String| match text.split_once('=') {
        Some((name, file)) => Ok((name.trim().to_string(), file.trim().to_string())),
        None => Err(Failure::input(format!("--data {text}: expected NAME=FILE"))
            .help("for instance --data X=measurements.csv")),
    };
    data.iter().map(split).collect()
}

/// An expression with its shapes, and the values that were given.
pub struct Question {
    /// The expression as written.
    pub text: String,
    /// Its shapes. Sizes that a value fixed are numbers.
    pub typed: Typed,
    /// The expression in `typed`.
    pub root: ExprId,
    /// A value for each variable of `typed`, where one is known.
    pub values: Vec<Option<Tensor>>,
    /// Names that were given a value the expression does not use.
    pub unused: Vec<String>,
}

impl Question {
    /// Reads an expression with its declarations and values.
    ///
    /// # Errors
    /// Wrong text, wrong shapes, values that do not fit a declaration or each other.
    pub fn read(
        args: &FormulaArgs,
        values: Values<'_>,
        io: &mut Io<'_>,
    ) -> Result<Question, Failure> {
        let text = args.expr.clone();
        let in_expr = |e: Diagnostic| Failure::text(e, "expression", &text);
        let declared = args.declare.as_deref().unwrap_or_default();
        let declarations =
            parse_declarations(declared).map_err(|e| Failure::text(e, "--declare", declared))?;
        let at = values.args().map_or("", |v| v.at.as_str());
        let in_at = |e: Diagnostic| Failure::text(e, "--at", at);
        let written = parse_assignments(at).map_err(in_at)?;
        let read = from_files(values, &written, &declarations)?;
        // A value from a file has no place in a text.
        let wrong = |a: &Assignment, e: Diagnostic| match written.contains(a) {
            true => in_at(e),
            false => Failure::input(format!("--data {}: {e}", a.name.name)),
        };
        let assignments: Vec<&Assignment> = written.iter().chain(&read).collect();
        let formula = parse_formula(&text).map_err(in_expr)?;

        let mut checker = Checker::new();
        for d in &declarations {
            checker.declare(d);
        }
        for &a in &assignments {
            if !declarations.iter().any(|d| d.name.name == a.name.name) {
                checker.declare(&from_value(a));
            }
            fit(&mut checker, a).map_err(|e| wrong(a, e))?;
        }
        let before = checker.clone();
        let root = checker.formula(&formula).map_err(|e| {
            let after = checker.typed();
            let missing = || names::missing(&e, &formula, &before, after);
            let missing = if values.are_complete() { missing() } else { None };
            in_expr(missing.unwrap_or_else(|| names::explained(e, &formula, &before, after)))
        })?;
        names::remarks(&formula, &before, &checker).iter().for_each(|remark| io.note(remark));
        let typed = checker.finish().map_err(in_expr)?;
        if let Some((a, b)) = contradiction(&typed.dims) {
            let message = format!("the sizes {a} and {b} are not the same");
            let error = Diagnostic::new(message, typed.node(root).span);
            return Err(in_expr(error.note("this needs them to be")));
        }

        let mut values = vec![None; typed.vars.len()];
        for &a in &assignments {
            let Some(v) = typed.find_var(&a.name.name) else { continue };
            let variable = typed.var(v);
            if let Some(fact) = sample::violated(variable, &a.value) {
                let message = format!("`{}` is declared {fact}, and its value is not", a.name.name);
                return Err(wrong(a, Diagnostic::new(message, a.value.span)));
            }
            let value = lower::tensor(variable.shape, &typed.dims, &a.value.data)
                .map_err(|e| Failure::program(&e, "--at", at))?;
            values[v.index()] = Some(value);
        }
        let mut question = Question { text, typed, root, values, unused: Vec::new() };
        let used = question.used();
        let names = assignments.iter().map(|a| &a.name.name);
        question.unused = names
            .filter(|n| question.typed.find_var(n).is_some_and(|v| !used[v.index()]))
            .cloned()
            .collect();
        Ok(question)
    }

    /// The same question with a small number for every size that has none.
    pub fn sized(&self, sizes: Sizes) -> Question {
        let mut typed = self.typed.clone();
        sample::choose_sizes(&mut typed, sizes);
        let (text, unused) = (self.text.clone(), self.unused.clone());
        Question { text, typed, root: self.root, values: self.values.clone(), unused }
    }

    /// The same question with small numbers for sizes that have none: with the one choice where matrices are wide, and
    /// with the other if that is another.
    pub fn both_sizes(&self) -> (Question, Option<Question>) {
        let lengths = |question: &Question| -> Vec<_> {
            let dims = &question.typed.dims;
            question.typed.vars.iter().map(|v| lower::axes(v.shape, dims).ok()).collect()
        };
        let (one, other) = (self.sized(Sizes::Rising), self.sized(Sizes::Falling));
        let differ = lengths(&one) != lengths(&other);
        (one, Some(other).filter(|_| differ))
    }

    /// Gives every variable without a value a random one that satisfies its facts.
    ///
    /// # Errors
    /// When a size is not known.
    pub fn fill(&mut self, interval: (f64, f64), seed: u64) -> Result<(), Failure> {
        let help = "symbols instead of numbers as sizes are given small ones";
        self.affordable().map_err(|e| e.help(help))?;
        for i in 0..self.values.len() {
            if self.values[i].is_none() {
                let made = sample::value(
                    &self.typed.vars[i],
                    &self.typed.dims,
                    interval,
                    seed * 1000 + i as u64,
                );
                self.values[i] = Some(made.map_err(|e| self.failure(&e))?);
            }
        }
        Ok(())
    }

    /// The same question at a point so near that what is well conditioned is the same there to nine digits.
    ///
    /// # Errors
    /// None, for values that are there.
    pub fn nearby(&self) -> Result<Question, Failure> {
        let mut other = self.sized(Sizes::Rising);
        for (i, value) in other.values.iter_mut().enumerate() {
            let Some(x) = value else { continue };
            // All entries by the same factor, which keeps facts such as symmetry.
            let scale = 1.0 + 1e-10 * (i + 1) as f64;
            let moved: Vec<f64> = x.to_f64().iter().map(|v| v * scale).collect();
            let shape = x.shape().clone();
            *x = Tensor::new(moved, shape).map_err(|e| self.failure(&e))?;
        }
        Ok(other)
    }

    /// Refuses an expression whose values do not fit into memory together.
    ///
    /// # Errors
    /// Points at the largest part.
    pub fn affordable(&self) -> Result<(), Failure> {
        memory::fits(&self.typed, &self.typed.dims, &[self.root], 0)
            .map_err(|e| Failure::text(e, "expression", &self.text))
    }

    /// Whether the expression uses each variable.
    pub fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.typed.vars.len()];
        for (node, reached) in self.typed.nodes.iter().zip(self.typed.reachable(self.root)) {
            if let (Op::Var(v), true) = (node.op, reached) {
                used[v.index()] = true;
            }
        }
        used
    }

    /// The variable with this name.
    ///
    /// # Errors
    /// When there is none; says which there are, and which may be meant.
    pub fn variable(&self, name: &str) -> Result<VarId, Failure> {
        if let Some(v) = self.typed.find_var(name) {
            return Ok(v);
        }
        let names: Vec<&str> = self.typed.vars.iter().map(|v| v.name.as_str()).collect();
        let message = format!("there is no variable `{name}` to differentiate by");
        Err(Failure::input(message).help(
            match riesz_core::suggestion(name, names.iter().copied()) {
                _ if names.is_empty() => "the expression has no variables".to_string(),
                Some(near) => format!("is it `{near}`?"),
                None => format!("the variables are {}", names.join(", ")),
            },
        ))
    }

    /// Refuses an expression with variables that have no value.
    ///
    /// # Errors
    /// Names all of them, and points at the first.
    pub fn all_given(&self) -> Result<(), Failure> {
        let (dims, reached) = (&self.typed.dims, self.typed.reachable(self.root));
        let mut missing: Vec<(&str, String, Span)> = Vec::new();
        let mut known: Vec<bool> = self.values.iter().map(Option::is_some).collect();
        for (node, _) in self.typed.nodes.iter().zip(reached).filter(|(_, r)| *r) {
            let Op::Var(v) = node.op else { continue };
            if !std::mem::replace(&mut known[v.index()], true) {
                let var = self.typed.var(v);
                missing.push((&var.name, names::example(var.shape, dims), node.span));
            }
        }
        let Some(error) = names::no_value(&missing) else { return Ok(()) };
        let first = missing.first().and_then(|(name, ..)| self.typed.find_var(name));
        let shape = first.map_or(String::new(), |v| self.typed.var(v).shape.text(dims));
        Err(Failure::text(error.note(format!("this is {shape}")), "expression", &self.text))
    }

    /// An error of a program that was lowered from this expression.
    pub fn failure(&self, error: &riesz::Error) -> Failure {
        Failure::program(error, "expression", &self.text)
    }

    /// Which operation of a program at the values that were given makes a number that is not finite
    /// of finite ones; `what` is not finite.
    pub fn not_finite(&self, what: &str, program: &riesz::Program) -> Failure {
        let values: Vec<Tensor> = self.values.iter().flatten().cloned().collect();
        let message = format!("{what} is not finite");
        let Err(error) = riesz_core::check_finite(program, &values) else {
            return Failure::failed(message);
        };
        let Source::Text { start, end } = error.source() else {
            return Failure::failed(format!("{message}: {error}"));
        };
        let message = format!("{message}: {} {}", error.operation(), error.message());
        let note = if what == "the derivative" { "by the derivative of this" } else { "here" };
        let diagnostic = Diagnostic::new(message, Span::new(start as usize, end as usize))
            .note(note)
            .help("choose another point with --at, where it is defined");
        Failure::domain(diagnostic, "expression", &self.text)
    }

    /// A complaint about the whole expression.
    pub fn complaint(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message, self.typed.node(self.root).span)
    }

    /// Refuses a program whose values do not fit into memory together.
    ///
    /// # Errors
    /// Says how much it would take.
    pub fn fits(&self, program: &riesz::Program) -> Result<(), Failure> {
        let types = program.equations().iter().flat_map(|eq| eq.outputs());
        let bytes = types.fold(0usize, |sum, v| sum.saturating_add(program.ty(v).bytes()));
        if bytes <= memory::LIMIT {
            return Ok(());
        }
        let error = self
            .complaint(format!("this takes {}", memory::in_words(bytes)))
            .note(format!("at most {} GiB are used", memory::LIMIT >> 30));
        Err(Failure::text(error, "expression", &self.text))
    }
}

/// Two sizes that were assumed to be the same while they were symbols, and are not.
pub fn contradiction(dims: &Dims) -> Option<(usize, usize)> {
    dims.assumed().find_map(|(a, b)| match (dims.value(a), dims.value(b)) {
        (Some(a), Some(b)) if a != b => Some((a, b)),
        _ => None,
    })
}

/// The values that files give. A table with one column is a vector, as in a problem file, unless it
/// is declared a matrix.
fn from_files(
    values: Values<'_>,
    written: &[Assignment],
    declarations: &[Declaration],
) -> Result<Vec<Assignment>, Failure> {
    let mut all: Vec<Assignment> = Vec::new();
    for (name, file) in files(values.args().map_or(&[], |v| &v.data))? {
        if written.iter().chain(&all).any(|a| a.name.name == name) {
            return Err(
                Failure::input(format!("`{name}` is given twice")).help("by --at or by one --data")
            );
        }
        let read = model::read_file(&name, &file).map_err(|e| Failure::input(e.to_string()))?;
        let declared = declarations.iter().find(|d| d.name.name == name).map(|d| d.kind);
        let (kind, rows, cols) = match (&**read.shape(), declared) {
            ([], _) | ([1] | [1, 1], Some(Kind::Scalar)) => (Kind::Scalar, 1, 1),
            ([n], _) => (Kind::Vector, *n, 1),
            ([n, 1], declared) if declared != Some(Kind::Matrix) => (Kind::Vector, *n, 1),
            ([m, n], _) => (Kind::Matrix, *m, *n),
            _ => {
                let shape = display::shape(read.shape());
                let message = format!("--data {name}: {file} holds a {shape}");
                return Err(Failure::input(message).help("a value is at most a matrix"));
            }
        };
        let span = Span::default();
        let value = Literal { kind, rows, cols, data: read.to_f64(), span };
        all.push(Assignment { name: Ident { name, span }, value });
    }
    Ok(all)
}

/// The declaration a value amounts to.
fn from_value(a: &Assignment) -> Declaration {
    let (rows, cols) = (Size::Fixed(a.value.rows), Size::Fixed(a.value.cols));
    let sizes = match a.value.kind {
        Kind::Scalar => vec![],
        Kind::Vector | Kind::Row => vec![rows],
        Kind::Matrix => vec![rows, cols],
    };
    let (kind, facts) = (a.value.kind, Facts::default());
    Declaration { name: a.name.clone(), kind, sizes, square: false, facts }
}

/// Makes the sizes of a variable those of its value.
fn fit(checker: &mut Checker, a: &Assignment) -> Result<(), Diagnostic> {
    let Ident { name, span } = &a.name;
    let Some(v) = checker.typed().find_var(name) else { return Ok(()) };
    let shape = checker.typed().var(v).shape;
    let declared = shape.text(&checker.typed().dims);
    let given = match a.value.kind {
        Kind::Scalar => "scalar".to_string(),
        Kind::Vector | Kind::Row => format!("vector[{}]", a.value.rows),
        Kind::Matrix => format!("matrix[{},{}]", a.value.rows, a.value.cols),
    };
    let wrong = |help: String| {
        Diagnostic::new(format!("`{name}` is {declared}, and its value is {given}"), *span)
            .label(a.value.span, format!("this is {given}"))
            .help(help)
    };
    if shape.kind != a.value.kind {
        return Err(wrong(format!(
            "write {name}={}",
            names::example(shape, &checker.typed().dims)
        )));
    }
    let fits =
        checker.set_size(shape.rows, a.value.rows) && checker.set_size(shape.cols, a.value.cols);
    if !fits {
        return Err(wrong("one symbol is one size wherever it stands".to_string()));
    }
    Ok(())
}
