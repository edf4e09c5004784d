//! `riesz check`: the differential against differences, the transpose against inner products.

use crate::input::{FormulaArgs, Question};
use crate::{Exit, Failure, Io, sample};
use riesz::Tensor;
use riesz_core::check::{Errors, check_program};
use serde_json::json;

/// The error of the differential that still counts as rounding, as a multiple of its size.
const DIFFERENTIAL: f64 = 1e-7;
/// The error of ⟨Jv, u⟩ = ⟨v, Jᵀu⟩ that still counts as rounding.
const TRANSPOSE: f64 = 1e-12;

/// Check the derivative of a formula at a point: the differential against differences, the
/// transpose against inner products.
///
/// Without --at the point is random and the sizes are small. JSON: {"ok", "differential_error",
/// "transpose_error"}. The exit code is 1 when a law does not hold.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    formula: FormulaArgs,
    /// Differentiate by this variable
    #[arg(long, value_name = "NAME")]
    wrt: String,
    /// Values, such as 'x=[1,2]; A=[[1,2],[3,4]]'; variables without one get a random one
    #[arg(long, value_name = "VALUES", default_value = "")]
    at: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let mut question = Question::read(&args.formula, Some(&args.at))?;
    let wrt = question.variable(&args.wrt)?;
    let errors = measure(&mut question, wrt)?;
    let ok = errors.differential <= DIFFERENTIAL && errors.transpose <= TRANSPOSE;
    if args.json {
        let object = json!({
            "ok": ok,
            "differential_error": crate::json::number(errors.differential),
            "transpose_error": crate::json::number(errors.transpose),
        });
        io.print(&format!("{object}\n"))?;
    } else {
        let verdict = |holds: bool| if holds { "ok" } else { "FAILED" };
        io.print(&format!(
            "differential against differences     {:8.1e}  at most {DIFFERENTIAL:.0e}  {}\n\
             transpose against the inner product  {:8.1e}  at most {TRANSPOSE:.0e}  {}\n",
            errors.differential,
            verdict(errors.differential <= DIFFERENTIAL),
            errors.transpose,
            verdict(errors.transpose <= TRANSPOSE),
        ))?;
    }
    Ok(if ok { Exit::Success } else { Exit::Failed })
}

/// The errors at the point that was given, or at the first random one where the formula and both
/// laws are finite.
fn measure(question: &mut Question, wrt: riesz_lang::typed::VarId) -> Result<Errors, Failure> {
    sample::choose_sizes(&mut question.typed);
    let given = question.values.clone();
    let mut last =
        Err(Failure::failed("the formula has no finite value at any of the points tried"));
    for (seed, interval) in (1u64..).zip(sample::INTERVALS) {
        question.values = given.clone();
        question.fill(interval, seed)?;
        let point = question.point();
        let program = point.program(None).map_err(|e| question.failure(&e))?;
        question.fits(&program)?;
        let at: Vec<Tensor> = question.values.iter().flatten().cloned().collect();
        let marks: Vec<bool> = (0..question.values.len())
            .filter(|&i| question.values[i].is_some())
            .map(|i| i == wrt.index())
            .collect();
        match check_program(&program, &at, &marks, seed) {
            Ok(errors) if errors.differential.is_finite() && errors.transpose.is_finite() => {
                return Ok(errors);
            }
            Ok(_) => {}
            Err(error) => last = Err(question.failure(&error)),
        }
    }
    last
}
