//! Where the variables start: as written, or at a default that lies in the domain.
//!
//! Without a start a variable begins at 0, a positive definite or orthogonal one at the identity,
//! one in the simplex at its centre; where the objective is not finite there, at 1. Where the
//! gradient vanishes at a default (a saddle, such as 0 for `A - U*V'`), the variables without a
//! start begin at small fixed numbers instead. Bounds are kept throughout.

use super::constraints::Limits;
use super::functions::{Functions, outside};
use super::space::Space;
use super::{brief, constants, data, diagnose, facts};
use crate::ast::{Data, Kind, Problem, Start};
use crate::diagnostic::{Diagnostic, Span};
use crate::infer::Checker;
use crate::typed::{ExprId, Typed, VarId};
use riesz::Tensor;

/// A start as written: its value, or the expression of it.
#[derive(Debug, Clone)]
pub(super) enum Written {
    Value(Tensor, Span),
    Expression(ExprId, Span),
}

/// Gives the starts their shapes, which are those of their variables.
pub(super) fn read(
    checker: &mut Checker,
    problem: &Problem,
) -> Result<Vec<Option<Written>>, Diagnostic> {
    let mut starts: Vec<Option<Written>> = vec![None; problem.variables.len()];
    for start in &problem.start {
        let Some(i) = problem.variables.iter().position(|v| v.name.name == start.name.name) else {
            continue;
        };
        starts[i] = Some(read_one(checker, problem, start, problem.parameters.len() + i)?);
    }
    Ok(starts)
}

fn read_one(
    checker: &mut Checker,
    problem: &Problem,
    start: &Start,
    v: usize,
) -> Result<Written, Diagnostic> {
    let (name, wanted) = (&start.name.name, checker.typed().vars[v].shape);
    let wanted_text = wanted.text(&checker.typed().dims);
    let (written, found, span) = match &start.value {
        Data::Literal(literal) => {
            let (kind, cols) = match (literal.kind, wanted.kind) {
                // A list is also a matrix with one column.
                (Kind::Vector, Kind::Matrix) => (Kind::Matrix, 1),
                (kind, _) => (kind, literal.cols),
            };
            let fits = kind == wanted.kind
                && checker.set_size(wanted.rows, literal.rows)
                && checker.set_size(wanted.cols, cols);
            let found = match literal.kind {
                Kind::Matrix => format!("matrix[{},{}]", literal.rows, literal.cols),
                _ => format!("vector[{}]", literal.rows),
            };
            let value = data::literal_value(literal)?;
            (fits.then_some(Written::Value(value, literal.span)), found, literal.span)
        }
        Data::Formula(e) => {
            let root = checker.expr(&problem.ast, *e)?;
            let shape = checker.typed().shape(root);
            let dims = &mut checker.typed.dims;
            let found = shape.text(dims);
            let fits = shape.kind == wanted.kind
                && dims.unify(shape.rows, wanted.rows)
                && dims.unify(shape.cols, wanted.cols);
            let span = problem.ast.span(e.root);
            (fits.then_some(Written::Expression(root, span)), found, span)
        }
        Data::File { span, .. } => {
            return Err(Diagnostic::new("a start is not read from a file", *span)
                .help("make it a parameter, and start at the parameter"));
        }
    };
    written.ok_or_else(|| {
        let message = format!("`{name}` is {wanted_text}, but its start is {found}");
        let error = Diagnostic::new(message, span)
            .note(format!("this is {found}"))
            .label(start.name.span, format!("this is {wanted_text}"));
        match (wanted.kind, found.as_str()) {
            (Kind::Vector, "scalar") => error.help("vector(c) is a vector with every entry c"),
            (Kind::Matrix, "scalar") => error.help("write matrix(c) or c*eye"),
            _ => error,
        }
    })
}

impl Written {
    /// Where it is written.
    fn span(&self) -> Span {
        match self {
            Written::Value(_, span) | Written::Expression(_, span) => *span,
        }
    }

    /// The same with ids of nodes that are larger.
    pub fn moved(self, shift: u32) -> Written {
        match self {
            Written::Expression(e, span) => Written::Expression(ExprId(e.0 + shift), span),
            value => value,
        }
    }
}

/// The coordinates of the start, and for each variable in words where it comes from.
pub(super) fn choose(
    typed: &Typed,
    problem: &Problem,
    text: &str,
    written: &[Option<Written>],
    spaces: &[Space],
    limits: &Limits,
    functions: &Functions,
) -> Result<(Vec<f64>, Vec<String>), Diagnostic> {
    let parameters = problem.parameters.len();
    let given = given(typed, problem, written, spaces, functions)?;
    let candidate = |kind: Default| -> Vec<f64> {
        let mut x = Vec::new();
        for (i, space) in spaces.iter().enumerate() {
            let simplex = limits.simplices.iter().any(|v| v.index() == parameters + i);
            match &given[i] {
                Some(value) => x.extend(space.pack(value)),
                None => {
                    let orthogonal = typed.vars[parameters + i].facts.orthogonal;
                    x.extend(space.pack(&kind.value(space, i, simplex, orthogonal)));
                }
            }
        }
        if let Some(bounds) = &limits.bounds {
            bounds.project(&mut x);
        }
        x
    };
    let free = given[..problem.variables.len()].iter().any(Option::is_none);
    let kinds = [Default::Zero, Default::One, Default::Identity, Default::Scattered];
    let (mut chosen, mut flat) = (None, false);
    let mut reason = None;
    for kind in if free { &kinds[..] } else { &kinds[..1] } {
        // Where one default has no direction, another with equal entries hardly has a better one.
        if flat && *kind != Default::Scattered {
            continue;
        }
        let x = candidate(*kind);
        match attempt(functions, &x) {
            Ok(gradient) => {
                let moves = gradient.iter().any(|g| *g != 0.0);
                if moves || chosen.is_none() {
                    chosen = Some((*kind, x));
                }
                if moves {
                    break;
                }
                flat = true;
            }
            Err(Reason::Broken(error)) => {
                let span = problem.ast.span(problem.objective.root);
                return Err(diagnose(&error, span));
            }
            Err(Reason::Outside(why)) => {
                reason.get_or_insert(why);
            }
        }
    }
    let Some((kind, x)) = chosen else {
        let why = reason.unwrap_or_else(|| "the objective is not finite there".into());
        return Err(no_start(problem, &given, &why));
    };
    let sources = problem.variables.iter().enumerate().map(|(i, _)| match &written[i] {
        Some(w) => brief(text, w.span()).unwrap_or("what is written").to_owned(),
        None => {
            let simplex = limits.simplices.iter().any(|v| v.index() == parameters + i);
            let orthogonal = typed.vars[parameters + i].facts.orthogonal;
            kind.words(&spaces[i], simplex, orthogonal).to_owned()
        }
    });
    Ok((x, sources.collect()))
}

/// The values of the starts that are written, checked against the facts of their variables.
fn given(
    typed: &Typed,
    problem: &Problem,
    written: &[Option<Written>],
    spaces: &[Space],
    functions: &Functions,
) -> Result<Vec<Option<Tensor>>, Diagnostic> {
    let parameters = problem.parameters.len();
    let varies = constants::varies(typed, parameters);
    let mut values = Vec::new();
    for (i, start) in written.iter().enumerate() {
        let (value, span) = match start {
            None => {
                values.push(None);
                continue;
            }
            Some(Written::Value(value, span)) => (value.clone(), *span),
            Some(Written::Expression(e, span)) => {
                if varies[e.index()] {
                    return Err(Diagnostic::new("a start depends on a variable", *span)
                        .help("use parameters and numbers only"));
                }
                let value = constants::value(typed, *e, functions.parameters());
                (value.map_err(|e| diagnose(&e, *span))?, *span)
            }
        };
        let name = &problem.variables[i].name.name;
        let value = value.reshape(spaces[i].axes()).map_err(|e| diagnose(&e, span))?;
        if value.to_f64().iter().any(|x| !x.is_finite()) {
            let message = format!("the start of `{name}` has entries that are not finite");
            return Err(Diagnostic::new(message, span));
        }
        // Bounds are kept by moving the start into them.
        let facts = crate::ast::Facts {
            positive: false,
            range: None,
            orthogonal: false,
            ..typed.var(VarId((parameters + i) as u32)).facts
        };
        if let Some(what) = facts::violated(&facts, &value) {
            let message = format!("the start of `{name}` is to be {what}");
            return Err(Diagnostic::new(message, span).note("this start"));
        }
        values.push(Some(value));
    }
    // Variables that the problem does not name.
    values.resize(spaces.len(), None);
    Ok(values)
}

/// Where variables start that have no start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Default {
    Zero,
    One,
    /// As 1, with square matrices the identity.
    Identity,
    Scattered,
}

impl Default {
    fn value(self, space: &Space, i: usize, simplex: bool, orthogonal: bool) -> Tensor {
        let axes = space.axes();
        let (n, side) = (axes.iter().product::<usize>(), axes.first().copied().unwrap_or(1));
        let square = axes.len() == 2 && axes[1] == side;
        // The Lehmer generator; any fixed numbers would do, but not the same for two variables:
        // from U = V, U - V has no direction and U*V' stays symmetric.
        let mut state = 12345 + 10_007 * i as u64;
        let mut scattered = |scale: f64| {
            state = 16807 * state % 2_147_483_647;
            scale * (2.0 * (state as f64 / 2_147_483_647.0) - 1.0)
        };
        let diagonal = |k: usize| f64::from(square && k / side == k % side);
        let entry = |k: usize| match self {
            Default::Scattered if space.definite || orthogonal => {
                diagonal(k) * (1.0 + 0.1 * scattered(1.0))
            }
            _ if space.definite || orthogonal => diagonal(k),
            _ if simplex => 1.0 / n as f64,
            Default::Zero => 0.0,
            Default::Identity if square => diagonal(k),
            Default::One | Default::Identity => 1.0,
            Default::Scattered => scattered(0.5),
        };
        let values: Vec<f64> = (0..n).map(entry).collect();
        Tensor::new(values, axes.to_vec()).unwrap_or_else(|_| Tensor::scalar(f64::NAN))
    }

    fn words(self, space: &Space, simplex: bool, orthogonal: bool) -> &'static str {
        match self {
            Default::Zero | Default::One | Default::Identity if space.definite || orthogonal => {
                "the identity"
            }
            Default::Zero | Default::One | Default::Identity if simplex => {
                "the centre of the simplex"
            }
            Default::Zero => "0, the default",
            Default::Identity if matches!(space.axes(), [m, n] if m == n) => "the identity",
            Default::One | Default::Identity => "1, the default where 0 is outside the domain",
            Default::Scattered => "small fixed numbers: at the defaults there is no direction",
        }
    }
}

/// Why a start cannot be.
enum Reason {
    /// Evaluation has no finite result there.
    Outside(String),
    /// Evaluation breaks anywhere.
    Broken(riesz::Error),
}

/// The gradient at a start.
fn attempt(functions: &Functions, x: &[f64]) -> Result<Vec<f64>, Reason> {
    let wrong = |error: riesz::Error| {
        if outside(&error) {
            Reason::Outside(error.message().into())
        } else {
            Reason::Broken(error)
        }
    };
    let mut gradient = vec![0.0; x.len()];
    match functions.evaluate(x, &mut gradient).map_err(wrong)? {
        None => return Err(Reason::Outside("a variable is not positive definite there".into())),
        Some(value) if !value.is_finite() => {
            return Err(Reason::Outside(format!("the objective is {value} there")));
        }
        Some(_) => {}
    }
    if gradient.iter().any(|g| !g.is_finite()) {
        return Err(Reason::Outside("the gradient is not finite there".into()));
    }
    if functions.residuals(x).map_err(wrong)?.iter().any(|c| !c.is_finite()) {
        return Err(Reason::Outside("a constraint is not finite there".into()));
    }
    Ok(gradient)
}

fn no_start(problem: &Problem, given: &[Option<Tensor>], why: &str) -> Diagnostic {
    let without = problem.variables.iter().zip(given).find(|(_, g)| g.is_none());
    match (without, problem.start.first()) {
        (Some((d, _)), _) => {
            let message = format!("the problem cannot start at the defaults 0 and 1: {why}");
            Diagnostic::new(message, d.name.span)
                .note(format!("`{}` has no start", d.name.name))
                .help(format!("give one inside the domain: start  {} = …", d.name.name))
        }
        (None, Some(start)) => {
            Diagnostic::new(format!("the problem cannot start here: {why}"), start.name.span)
                .note("the start is outside the domain")
                .help("choose a start where the objective and the constraints are finite")
        }
        (None, None) => Diagnostic::new(why, problem.ast.span(problem.objective.root)),
    }
}
