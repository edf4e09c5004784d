//! What is said about the names of a formula: those that nobody declared, that have no value, that
//! are not used.

use riesz_lang::ast::{Declaration, Formula, Kind, Size};
use riesz_lang::dims::Dims;
use riesz_lang::typed::{Op, Shape, Typed, Variable, declaration_text};
use riesz_lang::{Checker, Diagnostic, Span, is_greek};

/// Remarks on a formula that fits: names whose kind may not be the one that was meant, and definitions
/// that are not used. `before` is the checker without the formula.
pub fn remarks(formula: &Formula, before: &Checker, after: &Checker) -> Vec<String> {
    let mut remarks = Vec::new();
    let vars = &after.typed().vars;
    let taken = |v: &&Variable| !v.declared && v.shape.kind == Kind::Vector && is_greek(&v.name);
    let greek: Vec<String> =
        vars.iter().filter(taken).map(|v| format!("{}: scalar", v.name)).collect();
    remarks.extend(undeclared(&greek, Kind::Vector));
    let vectors = before.as_vectors(formula, after);
    let vectors: Vec<String> = vectors.iter().map(declaration_text).collect();
    remarks.extend(undeclared(&vectors, Kind::Scalar));
    remarks.extend(formula.unused());
    remarks
}

/// The error of a formula that does not fit, with the declaration of names with which it would.
pub fn explained(
    error: Diagnostic,
    formula: &Formula,
    before: &Checker,
    after: &Typed,
) -> Diagnostic {
    let declarations = before.remedy(formula, after).unwrap_or_default();
    let Some(first) = declarations.first() else { return error };
    let was = if first.kind == Kind::Scalar { Kind::Vector } else { Kind::Scalar };
    let texts: Vec<String> = declarations.iter().map(declaration_text).collect();
    let Some(remark) = undeclared(&texts, was) else { return error };
    let help = match &error.help {
        Some(help) => format!("{help}; {remark}"),
        None => remark,
    };
    error.help(help)
}

/// That the names of these declarations have none, and so are of the kind that they were taken for.
fn undeclared(declarations: &[String], taken: Kind) -> Option<String> {
    let names: Vec<&str> = declarations.iter().filter_map(|d| d.split(':').next()).collect();
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let names = listed(&names, ", ");
    let (one, other) = match taken {
        Kind::Scalar => ("scalar", "vector"),
        Kind::Vector | Kind::Row | Kind::Matrix => ("vector", "number"),
    };
    let declare = listed(declarations, "; ");
    match declarations.len() {
        0 => None,
        1 => Some(format!(
            "{names} is not declared, so it is a {one}; if it is a {other}: --declare '{declare}'"
        )),
        _ => Some(format!(
            "{names} are not declared, so they are {one}s; if they are {other}s: --declare '{declare}'"
        )),
    }
}

/// The complaint that a formula whose names all need values does not fit, if names without one are in the way: those
/// within `error` that nobody declared, and which have the kind of their first letter only.
pub fn missing(
    error: &Diagnostic,
    formula: &Formula,
    before: &Checker,
    after: &Typed,
) -> Option<Diagnostic> {
    let within = |span: Span| error.span.start <= span.start && span.end <= error.span.end;
    let mut found: Vec<(&Variable, Span)> = Vec::new();
    for node in after.nodes.iter().filter(|node| within(node.span)) {
        let Op::Var(v) = node.op else { continue };
        let var = after.var(v);
        if !var.declared && !found.iter().any(|(known, _)| known.name == var.name) {
            found.push((var, node.span));
        }
    }
    let meant = before.remedy(formula, after).unwrap_or_default();
    let value = |v: &Variable| match meant.iter().find(|d| d.name.name == v.name) {
        Some(d) => declared_example(d),
        None => example(v.shape, &after.dims),
    };
    let names: Vec<_> = found.iter().map(|(v, span)| (v.name.as_str(), value(v), *span)).collect();
    no_value(&names)
}

/// The complaint that names have no value, at the first of them; each with a value for example.
pub fn no_value(names: &[(&str, String, Span)]) -> Option<Diagnostic> {
    let &(first, _, span) = names.first()?;
    let all: Vec<String> = names.iter().map(|(name, ..)| format!("`{name}`")).collect();
    let (have, it) = if names.len() == 1 { ("has", "it") } else { ("have", "them") };
    let error = Diagnostic::new(format!("{} {have} no value", listed(&all, ", ")), span);
    Some(match first {
        "pi" => error.help("it is no constant of the language: --at 'pi=3.141592653589793'"),
        "e" => error.help("write exp(…) for its powers, or give it: --at 'e=2'"),
        _ => {
            let values: Vec<String> =
                names.iter().map(|(name, value, _)| format!("{name}={value}")).collect();
            let values = listed(&values, "; ");
            error.help(format!("give {it}: --at '{values}', or from a file: --data {first}=FILE"))
        }
    })
}

/// The first of some things with something between them.
fn listed(all: &[String], between: &str) -> String {
    /// More fill a screen.
    const SHOWN: usize = 12;
    let rest = if all.len() > SHOWN { format!("{between}…") } else { String::new() };
    all[..all.len().min(SHOWN)].join(between) + &rest
}

/// A value of this shape, small where a size is not known.
pub fn example(shape: Shape, dims: &Dims) -> String {
    written(shape.kind, dims.value(shape.rows), dims.value(shape.cols))
}

/// A value for this declaration.
fn declared_example(d: &Declaration) -> String {
    let size = |i: usize| match d.sizes.get(i) {
        Some(Size::Fixed(n)) => Some(*n),
        Some(Size::Named(_)) | None => None,
    };
    written(d.kind, size(0), size(d.sizes.len().max(1) - 1))
}

fn written(kind: Kind, rows: Option<usize>, cols: Option<usize>) -> String {
    /// Examples are short.
    const LONGEST: usize = 4;
    let size = |n: Option<usize>| n.filter(|n| *n <= LONGEST).unwrap_or(2);
    let list = |from: usize, n: usize| {
        let numbers: Vec<String> = (from..from + n).map(|k| k.to_string()).collect();
        format!("[{}]", numbers.join(","))
    };
    let (m, n) = (size(rows), size(cols));
    match kind {
        Kind::Scalar => "2".to_owned(),
        Kind::Vector => list(1, m),
        Kind::Row => list(1, n),
        Kind::Matrix => {
            let all: Vec<String> = (0..m).map(|i| list(1 + i * n, n)).collect();
            format!("[{}]", all.join(","))
        }
    }
}
