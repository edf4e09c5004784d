//! The numbers of parameters: from files, literals and formulas of earlier parameters.
//!
//! Each parameter is read, fitted to its declaration (which gives the sizes their numbers) and
//! checked against its facts, in order. A one-column table serves as a vector, one number as a
//! scalar, a list as a matrix with one column; nothing else is reshaped.

use super::{ModelError, Parameter, brief, constants, declaration_of, diagnose, facts, locate};
use crate::ast::{Data, Declaration, Kind, Literal, Problem, Size};
use crate::diagnostic::{Diagnostic, Span};
use crate::infer::Checker;
use crate::lexer::Token;
use crate::memory;
use crate::parser::Parser;
use crate::typed::{Shape, VarId, declaration_text};
use riesz::io::{self, Choice, Selection};
use riesz::{DType, ErrorKind, Tensor};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which parameter gave a size its number, for messages.
type Sizes = BTreeMap<String, (usize, String, Span)>;

/// Reads all parameters and declares them.
pub(super) fn load(
    checker: &mut Checker,
    problem: &Problem,
    text: &str,
    base: &Path,
    overrides: &[(String, String)],
) -> Result<Vec<Parameter>, ModelError> {
    check_overrides(problem, overrides)?;
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut sizes = Sizes::new();
    for (i, p) in problem.parameters.iter().enumerate() {
        let d = &p.declaration;
        let replaced = overrides.iter().rev().find(|(name, _)| *name == d.name.name);
        let (value, source, place) = match (replaced, &p.data) {
            (Some((name, file)), _) => {
                (read_file(name, file)?, format!("from {file}, by --data"), None)
            }
            (None, Some(Data::File { path, span, rows, columns, chosen })) => {
                let (path, array) = of_array(path);
                let selection = selection(rows.clone(), columns.clone(), array);
                let found = locate(base, path);
                let value = io::read(&found, &selection).map_err(|e| {
                    let mut error = diagnose(&e, *span).note(format!("read for `{}`", d.name.name));
                    if e.kind() == ErrorKind::Io {
                        let help = "the path is relative to the problem file".to_owned();
                        error.help.get_or_insert(help);
                    }
                    error
                })?;
                let array = array.map_or_else(String::new, |name| format!(":{name}"));
                let chosen = text.get(chosen.range()).unwrap_or_default();
                (value, format!("from {path}{array}{chosen}"), Some(*span))
            }
            (None, Some(Data::Literal(literal))) => {
                let value = literal_value(literal)?;
                (value, written(text, literal.span), Some(literal.span))
            }
            (None, Some(Data::Formula(e))) => {
                let root = checker.expr(&problem.ast, *e).map_err(|e| later(e, problem, i))?;
                let shape = checker.typed().shape(root);
                let span = problem.ast.span(e.root);
                declare(checker, d);
                fit_formula(checker, d, shape, span, &sizes)?;
                let typed = checker.typed();
                // The result is copied on its way.
                let copies = memory::bytes(shape, &typed.dims).saturating_mul(3);
                memory::fits(typed, &typed.dims, &[root], copies)?;
                let values: Vec<_> = parameters.iter().map(|p| Some(p.value.clone())).collect();
                let value = constants::value(checker.typed(), root, &values)
                    .map_err(|e| diagnose(&e, span))?;
                (value, written(text, span), Some(span))
            }
            (None, None) => return Err(no_data(d).into()),
        };
        if checker.typed().vars.len() == i {
            declare(checker, d);
        }
        let value = fit(checker, d, i, value, place, &mut sizes)?;
        check(d, &value, &source, place)?;
        let declaration = declaration_of(checker.typed(), VarId(i as u32));
        parameters.push(Parameter { name: d.name.name.clone(), declaration, source, value });
    }
    Ok(parameters)
}

/// The files that a problem names, and those that overrides may mean: where a selection or the name of an
/// array may begin, with and without it.
pub(super) fn files(
    problem: &Problem,
    base: &Path,
    overrides: &[(String, String)],
) -> Vec<PathBuf> {
    let named = problem.parameters.iter().filter_map(|p| match &p.data {
        Some(Data::File { path, .. }) => Some(locate(base, of_array(path).0)),
        _ => None,
    });
    let meant = overrides.iter().flat_map(|(_, file)| {
        let front = opening_bracket(file).map_or(file.as_str(), |at| &file[..at]);
        [file, of_array(file).0, front, of_array(front).0].map(PathBuf::from)
    });
    named.chain(meant).collect()
}

/// An error in one line, with its advice.
fn told(error: &riesz::Error) -> String {
    match error.help_text() {
        "" => error.message().to_owned(),
        help => format!("{} ({help})", error.message()),
    }
}

/// The words for numbers that are written in the problem.
fn written(text: &str, span: Span) -> String {
    brief(text, span).map_or_else(|| "written in the problem".to_owned(), |t| format!("= {t}"))
}

fn declare(checker: &mut Checker, d: &Declaration) {
    checker.declare(d);
}

/// Refuses overrides of what is no parameter.
fn check_overrides(problem: &Problem, overrides: &[(String, String)]) -> Result<(), ModelError> {
    let declared = || problem.parameters.iter().filter(|p| p.is_declared());
    let names = || declared().map(|p| p.declaration.name.name.as_str());
    for (name, _) in overrides {
        if names().any(|n| n == name) {
            continue;
        }
        let what = if problem.variables.iter().any(|v| v.name.name == *name) {
            "is a variable, not a parameter".to_owned()
        } else {
            let all: Vec<&str> = names().collect();
            let all = if all.is_empty() { "there are none".into() } else { all.join(", ") };
            format!("is not a parameter of this problem (parameters: {all})")
        };
        return Err(ModelError::Argument(format!("--data {name}: `{name}` {what}")));
    }
    Ok(())
}

/// The numbers of a file that an argument `--data name=file` gives, with or without a selection
/// (`file.csv`, `file.csv[:, 1:]` or `file.npz:name`); the path is relative to the working directory.
///
/// # Errors
/// When there is no such file, or no such rows and columns, or it holds no numbers.
pub fn read_file(name: &str, file: &str) -> Result<Tensor, ModelError> {
    let argument = |text: String| ModelError::Argument(format!("--data {name}: {text}"));
    let (path, array) = of_array(file);
    let whole = selection(Choice::All, Choice::All, array);
    let read = |path: &str, first: &Selection, others: &[Selection]| {
        io::read_first(Path::new(path), first, others).map_err(|e| argument(told(&e)))
    };
    let Some(at) = opening_bracket(file) else { return read(path, &whole, &[]) };
    match chosen(&file[at..]) {
        // An array of the file that is called just that, `name[0]`, comes before a selection.
        Ok(Some((rows, columns))) if array.is_some() => {
            let (path, array) = of_array(&file[..at]);
            read(path, &whole, &[selection(rows, columns, array)])
        }
        Ok(Some((rows, columns))) => read(&file[..at], &selection(rows, columns, None), &[]),
        Ok(None) => read(path, &whole, &[]),
        Err(e) => {
            let wrong = argument(format!("the selection `{}`: {e}", &file[at..]));
            let named = array.and_then(|_| read(path, &whole, &[]).ok());
            named.ok_or(wrong)
        }
    }
}

/// Where the bracket opens that the last character of a text closes, if it is one; brackets in quotes do not
/// count.
fn opening_bracket(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0usize, false);
    if !text.ends_with(']') {
        return None;
    }
    for (at, c) in text.char_indices().rev() {
        match c {
            '"' => quoted = !quoted,
            ']' if !quoted => depth += 1,
            '[' if !quoted && depth == 1 => return Some(at),
            '[' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The rows and columns of a selection `[rows, columns]`, if there is nothing behind it.
fn chosen(text: &str) -> Result<Option<(Choice, Choice)>, Diagnostic> {
    // As behind a file in a problem.
    let text = format!("\"\"{text}");
    let mut parser = Parser::new(&text)?;
    match parser.data()? {
        Data::File { rows, columns, .. } if *parser.peek() == Token::Newline => {
            Ok(Some((rows, columns)))
        }
        _ => Ok(None),
    }
}

/// A path and the name of an array behind it: `weights.npz:w`.
fn of_array(path: &str) -> (&str, Option<&str>) {
    let holds_several = |path: &str| {
        let ending = Path::new(path).extension().map(|e| e.to_string_lossy().to_lowercase());
        matches!(ending.as_deref(), Some("npz" | "safetensors"))
    };
    // The first colon behind such an ending: names of arrays may have colons, and so may paths.
    let mut colons = path.match_indices(':').map(|(at, _)| at);
    match colons.find(|&at| holds_several(&path[..at])) {
        Some(at) => (&path[..at], Some(&path[at + 1..])),
        None => (path, None),
    }
}

fn selection(rows: Choice, columns: Choice, array: Option<&str>) -> Selection {
    Selection { rows, columns, array: array.map(str::to_owned), allow_non_finite: false }
}

/// A literal as a tensor.
pub(super) fn literal_value(literal: &Literal) -> Result<Tensor, Diagnostic> {
    let axes = match literal.kind {
        Kind::Scalar => vec![],
        Kind::Vector | Kind::Row => vec![literal.data.len()],
        Kind::Matrix => vec![literal.rows, literal.cols],
    };
    Tensor::new(literal.data.clone(), axes).map_err(|e| diagnose(&e, literal.span))
}

/// A formula may name only what stands before it.
fn later(error: Diagnostic, problem: &Problem, i: usize) -> Diagnostic {
    let mut rest = problem.parameters[i..].iter().map(|p| &p.declaration.name.name);
    match rest.find(|name| error.message == format!("`{name}` is not declared")) {
        Some(name) => Diagnostic::new(format!("`{name}` has no value here yet"), error.span)
            .help("a formula may use the parameters declared before it"),
        None => error,
    }
}

fn no_data(d: &Declaration) -> Diagnostic {
    let name = &d.name.name;
    Diagnostic::new(format!("`{name}` has no data"), d.name.span)
        .note("this parameter")
        .help(format!("write {name} = \"file.csv\" here, or give --data {name}=FILE"))
}

/// Makes the shape of a formula that of its declaration.
fn fit_formula(
    checker: &mut Checker,
    d: &Declaration,
    shape: Shape,
    span: Span,
    sizes: &Sizes,
) -> Result<(), Diagnostic> {
    let declared = checker.typed().vars[checker.typed().vars.len() - 1].shape;
    let before = checker.typed().dims.clone();
    let dims = &mut checker.typed.dims;
    let fits = declared.kind == shape.kind
        && dims.unify(declared.rows, shape.rows)
        && dims.unify(declared.cols, shape.cols);
    if fits {
        return Ok(());
    }
    let text = shape.text(&before);
    let error = Diagnostic::new(
        format!("`{}` is declared {}, but this is {text}", d.name.name, declared_type(d)),
        span,
    )
    .note(format!("this is {text}"))
    .label(d.name.span, format!("declared {}", declared_type(d)));
    let error = label_sizes(error, d, sizes);
    Err(match (declared.kind, shape.kind) {
        (Kind::Vector, Kind::Scalar) => error.help("vector(c) is a vector with every entry c"),
        (Kind::Matrix, Kind::Scalar) => error.help("write matrix(c) or c*eye"),
        (Kind::Vector, Kind::Row) => error.help("transpose it with '"),
        _ => error,
    })
}

/// The type of a declaration as written: `matrix[m,n]`.
fn declared_type(d: &Declaration) -> String {
    let text = declaration_text(d);
    text.split_once(": ").map(|(_, ty)| ty.to_owned()).unwrap_or(text)
}

/// Says where the sizes of a declaration come from.
fn label_sizes(mut error: Diagnostic, d: &Declaration, sizes: &Sizes) -> Diagnostic {
    for size in &d.sizes {
        if let Size::Named(name) = size
            && let Some((n, from, span)) = sizes.get(name)
            && !error.labels.iter().any(|l| l.span == *span)
        {
            error = error.label(*span, format!("{name} is {n} since `{from}`"));
        }
    }
    error
}

/// Brings data to the declared shape, and gives the sizes of the declaration their numbers.
fn fit(
    checker: &mut Checker,
    d: &Declaration,
    i: usize,
    value: Tensor,
    place: Option<Span>,
    sizes: &mut Sizes,
) -> Result<Tensor, ModelError> {
    let shape = checker.typed().vars[i].shape;
    let axes = value.shape().to_vec();
    let lengths = match (d.kind, axes.as_slice()) {
        (Kind::Scalar, _) if value.len() == 1 => Some((1, 1)),
        (Kind::Vector, []) => Some((1, 1)),
        (Kind::Vector, &[n] | &[n, 1] | &[1, n]) => Some((n, 1)),
        (Kind::Matrix, []) => Some((1, 1)),
        (Kind::Matrix, &[m]) => Some((m, 1)),
        (Kind::Matrix, &[m, n]) => Some((m, n)),
        _ => None,
    };
    let fits = lengths
        .is_some_and(|(m, n)| checker.set_size(shape.rows, m) && checker.set_size(shape.cols, n));
    if !fits {
        return Err(misfit(d, &axes, place, sizes).into());
    }
    for size in &d.sizes {
        if let Size::Named(name) = size
            && !sizes.contains_key(name)
        {
            let dim = checker.typed.dims.named(name);
            if let Some(n) = checker.typed().dims.value(dim) {
                sizes.insert(name.clone(), (n, d.name.name.clone(), d.name.span));
            }
        }
    }
    let wanted = crate::lower::axes(shape, &checker.typed().dims);
    let wanted = wanted.map_err(|e| diagnose(&e, d.name.span))?;
    let fitted = Tensor::from_f64(&value.to_f64(), wanted, DType::F64);
    Ok(fitted.map_err(|e| diagnose(&e, d.name.span))?)
}

/// The complaint that data do not fit a declaration.
fn misfit(d: &Declaration, axes: &[usize], place: Option<Span>, sizes: &Sizes) -> Diagnostic {
    let data = match axes {
        [] => "one number".to_owned(),
        [n] => format!("a list of {n}"),
        [m, n] => format!("{m} by {n}"),
        _ => format!("an array with {} axes", axes.len()),
    };
    let (name, declared) = (&d.name.name, declared_type(d));
    let message = format!("the data of `{name}` are {data}, which does not fit {declared}");
    let mut error =
        Diagnostic::new(message, d.name.span).note(format!("`{name}` is declared {declared}"));
    if let Some(place) = place {
        error = error.label(place, format!("these are {data}"));
    }
    error = label_sizes(error, d, sizes);
    match (d.kind, axes) {
        (Kind::Vector, [_, n]) if *n > 1 => {
            error.help("choose one column, such as \"file.csv\"[:, 0]")
        }
        (Kind::Scalar, _) => error.help("choose one entry, such as \"file.csv\"[0, 0]"),
        (Kind::Matrix, [m, n]) if d.square && m != n => {
            error.help(format!("{declared} is square; choose rows and columns with [a:b, c:d]"))
        }
        (Kind::Matrix | Kind::Vector, _) if !d.sizes.is_empty() => {
            error.help("change the declaration, or choose rows and columns: \"file.csv\"[a:b, c:d]")
        }
        _ => error,
    }
}

/// Checks that the numbers are finite and what the declaration says of them.
fn check(
    d: &Declaration,
    value: &Tensor,
    source: &str,
    place: Option<Span>,
) -> Result<(), ModelError> {
    let name = &d.name.name;
    let complain = |message: String| {
        let error = Diagnostic::new(message, d.name.span).note(format!("`{name}`"));
        match place {
            Some(place) => error.label(place, "these are its data"),
            None => error.help(format!("its data are {source}")),
        }
    };
    let x = value.to_f64();
    if let Some(k) = x.iter().position(|x| !x.is_finite()) {
        let entry = facts::entry(value, k);
        return Err(complain(format!("in `{name}`, {entry} is {}", x[k])).into());
    }
    match facts::violated(&d.facts, value) {
        Some(what) => {
            let error = complain(format!("`{name}` is declared {what}"));
            Err(error.help("correct the data, or declare it without this fact").into())
        }
        None => Ok(()),
    }
}
