//! `riesz eval`: the value of a formula at a point, and its derivative there.

use crate::differentiate::Order;
use crate::input::{FormulaArgs, Question, ValueArgs, Values};
use crate::{Exit, Failure, Io, display, json};
use riesz::Tensor;
use riesz_core::counted;
use riesz_lang::ast::Kind;
use riesz_lang::typed::VarId;
use serde_json::json;

/// Evaluate a formula at a point, and its derivative there.
///
/// JSON: {"value", "shape", "derivative", "derivative_shape", "notes"}; tensors are nested arrays, scalars
/// plain numbers, and what is no finite number is "NaN", "Infinity" or "-Infinity". A row (x') is
/// a 1×n matrix. Without --wrt the derivative and its shape are null. "notes" has the remarks and
/// warnings that are printed beside the result.
///
/// When a number is not finite, a warning says which operation made it, and the exit code is 1.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    formula: FormulaArgs,
    #[command(flatten)]
    values: ValueArgs,
    /// Differentiate by this variable: the gradient of a scalar, the Jacobian of a vector, and
    /// otherwise a tensor with the shape of the formula followed by that of the variable. With two
    /// names, x,y, the derivative by y of the gradient by x
    #[arg(long, value_name = "NAME")]
    wrt: Option<String>,
    /// 1: gradient or Jacobian. 2: Hessian of a scalar
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2), default_value_t = 1)]
    #[arg(allow_negative_numbers = true)]
    #[arg(requires = "wrt")]
    order: u8,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Say what was understood: shapes, the program that is run, and its plan: what is fused and
    /// called, operations and bytes, and how far each step is from the limit of this machine
    #[arg(long, conflicts_with = "json")]
    explain: bool,
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let question = Question::read(&args.formula, Values::All(&args.values), io)?;
    let wrt = args.wrt.as_deref().map(|w| question.request(w, args.order)).transpose()?;
    question.all_given()?;
    for v in wrt.iter().flat_map(|(v, order)| match order {
        Order::Mixed(y) => vec![*v, *y],
        Order::First | Order::Second => vec![*v],
    }) {
        if question.values[v.index()].is_none() {
            let name = &question.typed.var(v).name;
            return Err(Failure::input(format!("`{name}` has no value")).help("give it with --at"));
        }
    }
    let wanted = |name: &&String| {
        !args.wrt.iter().flat_map(|w| w.split(',')).any(|w| w.trim() == name.as_str())
    };
    let unused: Vec<String> =
        question.unused.iter().filter(wanted).map(|name| format!("`{name}`")).collect();
    match unused.as_slice() {
        [] => {}
        [one] => io.note(&format!("{one} has a value and does not occur in the expression")),
        all => {
            io.note(&format!("{} have values and do not occur in the expression", all.join(", ")))
        }
    }
    question.affordable()?;
    let point = question.point();
    let program = point.program(wrt).map_err(|e| question.failure(&e))?;
    question.fits(&program)?;
    let (value, derivative) = point.evaluate(wrt).map_err(|e| question.failure(&e))?;
    let value = as_user_sees(&question, value)?;
    let results = (&value, derivative.as_ref());
    let warning = if !value.is_finite() {
        Some(question.not_finite("the value", &program))
    } else if derivative.as_ref().is_some_and(|d| !d.is_finite()) {
        Some(question.not_finite("the derivative", &program))
    } else {
        None
    };
    if args.json {
        io.print(&as_json(results, json::notes(io, warning.as_ref())))?;
    } else {
        print(args, wrt, &question, &program, results, io)?;
    }
    let Some(warning) = warning else { return Ok(Exit::Success) };
    warning.warn(io);
    Ok(Exit::Failed)
}

/// One object, in one line.
fn as_json((value, derivative): (&Tensor, Option<&Tensor>), notes: serde_json::Value) -> String {
    let object = json!({
        "value": json::tensor(value),
        "shape": json::shape(value.shape()),
        "derivative": derivative.map(json::tensor),
        "derivative_shape": derivative.map(|d| json::shape(d.shape())),
        "notes": notes,
    });
    format!("{object}\n")
}

fn print(
    args: &Args,
    wrt: Option<(VarId, Order)>,
    question: &Question,
    program: &riesz::Program,
    (value, derivative): (&Tensor, Option<&Tensor>),
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    if args.explain {
        let (runs, plan) = question.point().explain(wrt).map_err(|e| question.failure(&e))?;
        io.print(&format!("{}{plan}\n", explain(question, program, &runs)))?;
    }
    if [Some(value), derivative].into_iter().flatten().any(display::is_shortened) {
        io.note(display::SHORTENED);
    }
    let Some(derivative) = derivative else { return io.print(&display::tensor(value)) };
    let name = match (wrt, value.shape().rank()) {
        (Some((_, Order::Second)), _) => "Hessian",
        (Some((_, Order::Mixed(_))), _) => "second derivative",
        (_, 0) => "gradient",
        (_, 1) => "Jacobian",
        _ => "derivative",
    };
    let wrt = args.wrt.as_deref().unwrap_or_default();
    io.print(&format!(
        "value, a {}\n{}\n{name} by {wrt}, a {}\n{}",
        display::shape(value.shape()),
        display::tensor(value),
        display::shape(derivative.shape()),
        display::tensor(derivative)
    ))
}

/// A row has one axis in a program, and is a matrix with one row to a person.
fn as_user_sees(question: &Question, value: Tensor) -> Result<Tensor, Failure> {
    match question.typed.shape(question.root).kind {
        Kind::Row => value.reshape([1, value.len()]).map_err(|e| question.failure(&e)),
        Kind::Scalar | Kind::Vector | Kind::Matrix => Ok(value),
    }
}

/// What was understood; `traced` is the program before it is simplified to the one that runs.
fn explain(question: &Question, traced: &riesz::Program, runs: &riesz::Program) -> String {
    let mut text = format!("expression {}\n", question.text);
    let dims = &question.typed.dims;
    for v in question.typed.declarations() {
        text += &format!("  {}\n", riesz_lang::typed::declaration_text(&v));
    }
    text += &format!("  gives {}\n", question.typed.shape(question.root).text(dims));
    let before = traced.equations().len();
    let count = counted(runs.equations().len(), "equation");
    text += &format!("program, {count} ({before} before it was simplified)\n");
    runs.to_string().lines().for_each(|line| text += &format!("  {line}\n"));
    text + "\n"
}
