//! `riesz derive`: the derivative of a formula as a formula.
//!
//! A formula is shown only if it agrees with the program's derivative at random points.

use crate::differentiate::Order;
use crate::input::{FormulaArgs, Question};
use crate::{Exit, Failure, Io, sample};
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
/// "variables"}.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    formula: FormulaArgs,
    /// Differentiate by this variable
    #[arg(long, value_name = "NAME")]
    wrt: String,
    /// 1: gradient or Jacobian. 2: Hessian of a scalar
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2), default_value_t = 1)]
    order: u8,
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
    let question = Question::read(&args.formula, None)?;
    let (wrt, order) = question.request(&args.wrt, args.order)?;
    let second = order == Order::Second;
    let (found, plain) = if second {
        (Request::Second(&args.wrt), Request::HessianProduct(&args.wrt))
    } else {
        (Request::First(&args.wrt), Request::Differential(&args.wrt))
    };
    let formula = |request| {
        derive(&question.typed, question.root, request)
            .map_err(|e| Failure::text(e, "expression", &question.text))
    };
    let mut derivative = formula(found)?;
    match confirm(&question, wrt, order, &derivative) {
        Ok(()) => {}
        Err(why) if derivative.form == Form::Differential => return Err(why),
        Err(why) => {
            derivative = formula(plain)?;
            confirm(&question, wrt, order, &derivative)?;
            io.note(&format!("{}; this is the differential", why.message()));
        }
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
        })
        .to_string(),
    };
    io.print(&format!("{text}\n"))?;
    Ok(Exit::Success)
}

/// Refuses a formula that differs from the program's derivative at a random point.
fn confirm(
    question: &Question,
    wrt: VarId,
    order: Order,
    derivative: &Derivative,
) -> Result<(), Failure> {
    let mut sized = question.sized();
    let mut agreed = 0;
    for (seed, interval) in (0..12).map(|k| (k as u64 + 1, sample::INTERVALS[k % 4])) {
        sized.values.iter_mut().for_each(|v| *v = None);
        sized.fill(interval, seed)?;
        let direction =
            sample::value(sized.typed.var(wrt), &sized.typed.dims, (-1.0, 1.0), seed + 40)
                .map_err(|e| sized.failure(&e))?;
        let Ok((_, Some(program))) = sized.point().evaluate(Some((wrt, order))) else { continue };
        let expected = match derivative.form {
            Form::Differential => along(&program, &direction),
            Form::Gradient | Form::Jacobian | Form::Hessian => program.to_f64(),
        };
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
        let size = expected.iter().fold(1.0f64, |a, b| a.max(b.abs()));
        let same = numbers.len() == expected.len()
            && numbers.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= TOLERANCE * size);
        if !same {
            let message = format!("`{}` is not the program's derivative", derivative.text);
            return Err(Failure::failed(message));
        }
        agreed += 1;
        if agreed == POINTS {
            return Ok(());
        }
    }
    if agreed > 0 { Ok(()) } else { Err(Failure::failed("no point was found where it is finite")) }
}

/// A derivative, whose last axes are the variable's, applied to a direction.
fn along(derivative: &Tensor, direction: &Tensor) -> Vec<f64> {
    let (d, v) = (derivative.to_f64(), direction.to_f64());
    d.chunks(v.len().max(1)).map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum()).collect()
}

fn dense(t: &Tensor) -> Dense {
    let (rows, cols) = match &**t.shape() {
        [m, n] => (*m, *n),
        [n] => (*n, 1),
        _ => (1, 1),
    };
    Dense { rows, cols, data: t.to_f64() }
}
