//! `riesz derive`: the derivative of a formula as a formula.
//!
//! A formula is shown only if it agrees with the program's derivative at random points.

use crate::differentiate::Order;
use crate::input::{FormulaArgs, Question, Values};
use crate::sample::{CERTAIN, are_near};
use crate::{Exit, Failure, Io, json, sample};
use clap::ValueEnum;
use riesz::Tensor;
use riesz_lang::formula::{Derivative, Form, Request, derive, latex, rust};
use riesz_lang::interp::{Dense, evaluate};
use riesz_lang::typed::VarId;
use serde_json::json;

/// How many points a formula must be right at.
const POINTS: usize = 3;
/// The relative error that counts as rounding.
const TOLERANCE: f64 = 1e-9;

/// Print the derivative of a formula as a formula.
///
/// By a vector or matrix: the gradient of a scalar, the Jacobian of a vector; of anything else the
/// differential, in which d followed by the name is the direction. The formula is checked against
/// the program's derivative before it is shown. JSON: {"formula", "kind", "latex", "rust",
/// "variables", "notes"}.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    formula: FormulaArgs,
    /// Differentiate by this variable. With two names, x,y, the derivative by y of the gradient by x
    #[arg(long, value_name = "NAME")]
    wrt: String,
    /// 1: gradient or Jacobian. 2: Hessian of a scalar
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2), default_value_t = 1)]
    #[arg(allow_negative_numbers = true)]
    order: u8,
    /// Print the differential: what is linear in the direction dx of f(x + dx) - f(x); with --order 2
    /// that of the gradient
    #[arg(long)]
    differential: bool,
    /// Print the Jacobian of vec(f) by vec(X), with columns below columns, by kron; the
    /// differential, with a note, where X occurs transposed or the language has no such form
    #[arg(long, conflicts_with_all = ["differential", "order"])]
    kron: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// In the language of formulas
    Text,
    /// For a paper
    Latex,
    /// As a function on `riesz::Var`
    Rust,
    /// All of these, and what it is
    Json,
}

impl Args {
    /// Whether errors are to be JSON too.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let question = Question::read(&args.formula, Values::None, io)?;
    let (wrt, order) = question.request(&args.wrt, args.order)?;
    let names: Vec<&str> = args.wrt.split(',').map(str::trim).collect();
    let (found, plain) = match (order, names.as_slice()) {
        (Order::Mixed(_), &[x, y, ..]) => (Request::Mixed(x, y), None),
        (Order::Second, _) => {
            (Request::Second(&args.wrt), Some(Request::HessianProduct(&args.wrt)))
        }
        _ if args.kron => (Request::VecJacobian(&args.wrt), Some(Request::Differential(&args.wrt))),
        _ => (Request::First(&args.wrt), Some(Request::Differential(&args.wrt))),
    };
    let found = plain.filter(|_| args.differential).unwrap_or(found);
    let formula = |request| {
        derive(&question.typed, question.root, request)
            .map_err(|e| Failure::text(e, "expression", &question.text))
    };
    let mut derivative = formula(found)?;
    let asked = Asked { wrt, order, kron: args.kron };
    if let Err(why) = confirm(&question, asked, &derivative) {
        let Some(plain) = plain.filter(|_| derivative.form != Form::Differential) else {
            return Err(why);
        };
        derivative = formula(plain)?;
        confirm(&question, asked, &derivative)?;
        io.note(&format!("{}; this is the differential", why.message()));
    } else if args.kron && derivative.form == Form::Differential {
        io.note(
            "the language has no form with kron for this, such as where the direction is transposed \
             (vec(dX') is a permutation of vec(dX)); this is the differential",
        );
    }
    let text = match args.format {
        Format::Text => derivative.text.clone(),
        Format::Latex => latex(&derivative.formula),
        Format::Rust => rust(&derivative.typed, derivative.root),
        Format::Json => json!({
            "formula": derivative.text,
            "kind": derivative.form.name(),
            "latex": latex(&derivative.formula),
            "rust": rust(&derivative.typed, derivative.root),
            "variables": question.typed.declarations_text(),
            "notes": json::notes(io, None),
        })
        .to_string(),
    };
    io.print(&format!("{text}\n"))?;
    Ok(Exit::Success)
}

/// Which derivative was asked for.
#[derive(Clone, Copy)]
struct Asked {
    wrt: VarId,
    order: Order,
    kron: bool,
}

/// Refuses a formula that differs from the program's derivative at a random point.
fn confirm(question: &Question, asked: Asked, derivative: &Derivative) -> Result<(), Failure> {
    let (one, other) = question.both_sizes();
    for sized in [Some(one), other].into_iter().flatten() {
        if agreements(sized, asked, derivative)? > 0 {
            return Ok(());
        }
    }
    let message = "the formula cannot be held against the program's derivative: at none of the points that were \
                   tried is it finite, and certain to some digits";
    let help = "say more of the variables, as in `--declare 'X: spd matrix[n,n]; a: positive scalar'`, or give them \
                sizes, as in `--declare 'X: matrix[2,4]'`";
    Err(Failure::failed(message).help(help))
}

/// At how many points a formula agrees with the program's derivative.
///
/// # Errors
/// When it differs at one, where the program's derivative is finite and does not hang on its last digits, as beside
/// a singular matrix.
fn agreements(
    mut sized: Question,
    asked: Asked,
    derivative: &Derivative,
) -> Result<usize, Failure> {
    let Asked { wrt, order, kron } = asked;
    // The variable that was differentiated by last, and so has a direction.
    let last = if let Order::Mixed(y) = order { y } else { wrt };
    let mut agreed = 0;
    for (seed, interval) in (0..12).map(|k| (k as u64 + 1, sample::INTERVALS[k % 4])) {
        sized.values.iter_mut().for_each(|v| *v = None);
        sized.fill(interval, seed)?;
        let direction =
            sample::value(sized.typed.var(last), &sized.typed.dims, (-1.0, 1.0), seed + 40)
                .map_err(|e| sized.failure(&e))?;
        let program_at = |question: &Question| -> Option<Vec<f64>> {
            let (_, program) = question.point().evaluate(Some((wrt, order))).ok()?;
            let program = program?;
            Some(match derivative.form {
                Form::Differential => along(&program, &direction),
                Form::Jacobian if kron => columns(&program, direction.shape().rank()),
                Form::Gradient | Form::Jacobian | Form::Hessian => program.to_f64(),
            })
        };
        let Some(expected) = program_at(&sized) else { continue };
        if expected.iter().any(|x| !x.is_finite()) {
            continue;
        }
        let mut point: Vec<Option<Dense>> =
            sized.values.iter().map(|v| v.as_ref().map(dense)).collect();
        if derivative.form == Form::Differential {
            point.push(Some(dense(&direction)));
        }
        let value = evaluate(&derivative.typed, derivative.root, &point)
            .map_err(|e| Failure::failed(format!("the formula cannot be evaluated: {e}")))?;
        // A constructor such as vector(1) may take its size from the shape the derivative has.
        let numbers = if value.data.len() == 1 && expected.len() > 1 {
            vec![value.data[0]; expected.len()]
        } else {
            value.data
        };
        if are_near(&numbers, &expected, TOLERANCE) {
            agreed += 1;
            if agreed == POINTS {
                break;
            }
            continue;
        }
        let nearby = program_at(&sized.nearby()?);
        if nearby.is_some_and(|other| are_near(&other, &expected, CERTAIN)) {
            let message = format!("`{}` is not the program's derivative", derivative.text);
            return Err(Failure::failed(message));
        }
    }
    Ok(agreed)
}

/// A derivative, whose last axes are the variable's, applied to a direction.
fn along(derivative: &Tensor, direction: &Tensor) -> Vec<f64> {
    let (d, v) = (derivative.to_f64(), direction.to_f64());
    d.chunks(v.len().max(1)).map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum()).collect()
}

/// A derivative as the matrix whose rows are the entries of the function and whose columns those of
/// the variable, its last `rank` axes; both with columns below columns.
fn columns(derivative: &Tensor, rank: usize) -> Vec<f64> {
    let (x, axes) = (derivative.to_f64(), derivative.shape().to_vec());
    let (f, v) = axes.split_at(axes.len() - rank.min(axes.len()));
    let (rows, cols) = (by_columns(f), by_columns(v));
    let width = cols.len();
    rows.iter().flat_map(|r| cols.iter().map(move |c| r * width + c)).map(|k| x[k]).collect()
}

/// The row-major positions of the entries of an array, column after column.
fn by_columns(axes: &[usize]) -> Vec<usize> {
    match axes {
        &[m, n] => (0..n).flat_map(|j| (0..m).map(move |i| i * n + j)).collect(),
        _ => (0..axes.iter().product()).collect(),
    }
}

fn dense(t: &Tensor) -> Dense {
    let (rows, cols) = match &**t.shape() {
        [m, n] => (*m, *n),
        [n] => (*n, 1),
        _ => (1, 1),
    };
    Dense { rows, cols, data: t.to_f64() }
}
