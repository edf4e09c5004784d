//! `riesz check`: the differential against differences, the transpose against inner products.

use crate::differentiate::Order;
use crate::input::{FormulaArgs, Question, ValueArgs, Values};
use crate::sample::{CERTAIN, are_near};
use crate::{Exit, Failure, Io, display, json, sample};
use riesz::Tensor;
use riesz_core::check::{Break, Errors, Kink, check_program};
use riesz_lang::Diagnostic;
use riesz_lang::typed::{ExprId, VarId};
use serde_json::json;

/// The error of the differential that still counts as rounding, as a multiple of its size.
const DIFFERENTIAL: f64 = 1e-7;
/// The same where a part of the formula has a kink and the whole has none, as a·|a| at 0: there the
/// differences are of first order.
const BENT: f64 = 1e-5;
/// The error of ⟨Jv, u⟩ = ⟨v, Jᵀu⟩ that still counts as rounding.
const TRANSPOSE: f64 = 1e-12;

/// Check the derivative of a formula at a point: the differential against differences, the
/// transpose against inner products.
///
/// Variables without a value get a random one, and small sizes. JSON: {"ok", "differential_error",
/// "transpose_error", "kink", "notes"}. The exit code is 1 when a law does not hold. Where rounding
/// makes the differences too coarse to tell, a note says so and "ok" is null.
///
/// At a kink, as of abs(x) at 0, the slopes on both sides differ, and the differential must lie
/// between them; "kink" is then {"kind": "kink", "slopes", "differential"}, and null elsewhere. Where
/// the formula jumps or its domain ends ("jump", "edge") there is no derivative, and the law does not
/// hold.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    formula: FormulaArgs,
    /// Differentiate by this variable
    #[arg(long, value_name = "NAME")]
    wrt: String,
    #[command(flatten)]
    values: ValueArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What was measured at a point.
struct Measured {
    errors: Errors,
    /// What is in the way of a derivative of the formula there, in the entry where it shows most.
    kink: Option<Kink>,
    /// The part of the expression that it comes from, innermost first.
    part: Option<(ExprId, Kink)>,
}

impl Measured {
    /// The error of the differential: at a kink, how far it is outside the slopes of both sides.
    fn differential(&self) -> f64 {
        match self.kink {
            Some(kink) if kink.kind == Break::Kink => kink.outside(),
            _ => self.errors.differential,
        }
    }

    /// How large that may be.
    fn allowed(&self) -> f64 {
        if self.kink.is_none() && self.part.is_some() { BENT } else { DIFFERENTIAL }
    }

    fn differential_holds(&self) -> bool {
        let broken = self.kink.is_some_and(|kink| kink.kind != Break::Kink);
        !broken && self.differential() <= self.allowed()
    }

    /// Whether the differences cannot tell whether the differential holds.
    fn is_undecided(&self) -> bool {
        self.kink.is_none() && self.errors.coarse && !self.differential_holds()
    }

    fn transpose_holds(&self) -> bool {
        self.errors.transpose <= TRANSPOSE
    }
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let mut question = Question::read(&args.formula, Values::Some(&args.values), io)?;
    let wrt = question.variable(&args.wrt)?;
    let measured = measure_certain(&mut question, wrt)?;
    let undecided = measured.is_undecided();
    let failed = !(measured.differential_holds() || undecided) || !measured.transpose_holds();
    let warning = explained(&question, &measured);
    if undecided {
        io.note(
            "the differences are too coarse here to tell: with every step they are rounded by more than is \
             allowed, or the formula bends too much; a point or numbers nearer to 1 may tell",
        );
    }
    if args.json {
        let object = json!({
            "ok": if undecided && !failed { None } else { Some(!failed) },
            "differential_error": json::number(measured.differential()),
            "transpose_error": json::number(measured.errors.transpose),
            "kink": measured.kink.map(|kink| json!({
                "kind": word(kink.kind),
                "slopes": [json::number(kink.before), json::number(kink.after)],
                "differential": json::number(kink.differential),
            })),
            "notes": json::notes(io, warning.as_ref()),
        });
        io.print(&format!("{object}\n"))?;
    } else {
        let verdict = |holds: bool| if holds { "ok" } else { "FAILED" };
        let against = match measured.kink {
            Some(kink) if kink.kind == Break::Kink => "differential between both slopes    ",
            _ => "differential against differences    ",
        };
        io.print(&format!(
            "{against} {:8.1e}  at most {:.0e}  {}\n\
             transpose against the inner product  {:8.1e}  at most {TRANSPOSE:.0e}  {}\n",
            measured.differential(),
            measured.allowed(),
            if undecided { "too coarse to tell" } else { verdict(measured.differential_holds()) },
            measured.errors.transpose,
            verdict(measured.transpose_holds()),
        ))?;
    }
    if let Some(warning) = warning {
        warning.warn(io);
    }
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

fn word(kind: Break) -> &'static str {
    match kind {
        Break::Kink => "kink",
        Break::Jump => "jump",
        Break::Edge => "edge",
    }
}

/// Why there is no derivative to hold the differential against, with the place it comes from.
fn explained(question: &Question, measured: &Measured) -> Option<Failure> {
    let (part, at_part) = measured.part?;
    let span = question.typed.node(part).span;
    let number = |x: f64| display::short(x, 4);
    let (message, help) = match measured.kink {
        None if measured.differential_holds() || measured.is_undecided() => return None,
        None => (
            "a part of the formula has no derivative at this point".to_owned(),
            "what is chosen for it need not be right for the whole; choose another point with --at",
        ),
        Some(kink) => match kink.kind {
            Break::Kink => (
                format!(
                    "the formula has a kink at this point: along a random direction the slope is {} \
                     before it and {} after it, and the differential is {}",
                    number(kink.before),
                    number(kink.after),
                    number(kink.differential)
                ),
                "anything between the two slopes is a fair choice; to check the derivative, choose \
                 another point with --at",
            ),
            Break::Jump => (
                format!(
                    "the formula jumps at this point, or its slope is unbounded: there is no \
                     derivative, and the differential says {}",
                    number(kink.differential)
                ),
                "to check the derivative, choose another point with --at",
            ),
            Break::Edge => (
                "this point is at the edge of the domain, or too near it: there is a value on one side only"
                    .to_owned(),
                "to check the derivative, choose a point inside with --at",
            ),
        },
    };
    let note = match at_part.kind {
        Break::Kink => "this has a kink",
        Break::Jump => "this jumps",
        Break::Edge => "this has no value on one side",
    };
    let diagnostic = Diagnostic::new(message, span).note(note).help(help);
    Some(Failure::domain(diagnostic, "expression", &question.text))
}

/// What is measured with small sizes where none are given; with others where the derivative is not certain with the
/// first: of `X*X'` and `X'*X` one is singular.
fn measure_certain(question: &mut Question, wrt: VarId) -> Result<Measured, Failure> {
    let (mut sized, other) = question.both_sizes();
    let holds = |m: &Measured| m.differential_holds() && m.transpose_holds();
    let mut result = measure(&mut sized, wrt);
    let certain = |question: &Question, result: &Result<Measured, Failure>| {
        result.as_ref().is_ok_and(|m| holds(m) || is_certain(question, wrt))
    };
    if let Some(mut other) = other.filter(|_| !certain(&sized, &result)) {
        let second = measure(&mut other, wrt);
        if certain(&other, &second) {
            (sized, result) = (other, second);
        }
    }
    *question = sized;
    result
}

/// Whether the derivative at a point is nearly that at a point nearby.
fn is_certain(question: &Question, wrt: VarId) -> bool {
    let derivative = |question: &Question| -> Option<Vec<f64>> {
        let (_, derivative) = question.point().evaluate(Some((wrt, Order::First))).ok()?;
        Some(derivative?.to_f64())
    };
    let nearby = question.nearby().ok();
    let both = derivative(question).zip(nearby.as_ref().and_then(derivative));
    both.is_some_and(|(here, there)| are_near(&there, &here, CERTAIN))
}

/// What is measured at the point that was given, or at the first random one where the formula and
/// both laws are finite.
fn measure(question: &mut Question, wrt: VarId) -> Result<Measured, Failure> {
    let given = question.values.clone();
    let mut last = None;
    for (seed, interval) in (1u64..).zip(sample::INTERVALS) {
        question.values = given.clone();
        question.fill(interval, seed)?;
        let program = question.point().program(None).map_err(|e| question.failure(&e))?;
        question.fits(&program)?;
        let at: Vec<Tensor> = question.values.iter().flatten().cloned().collect();
        let marks: Vec<bool> = (0..question.values.len())
            .filter(|&i| question.values[i].is_some())
            .map(|i| i == wrt.index())
            .collect();
        match check_program(&program, &at, &marks, seed) {
            Ok(errors) => {
                let (kink, part) = kinks(question, &at, &marks, seed)?;
                let finite = errors.differential.is_finite() && errors.transpose.is_finite();
                if finite || kink.is_some() {
                    return Ok(Measured { errors, kink, part });
                }
                last = Some(no_value(question, &given, &program, wrt));
            }
            Err(error) => last = Some(question.failure(&error)),
        }
    }
    Err(last.unwrap_or_else(|| Failure::failed("there is no point to check at")))
}

/// What is in the way of a derivative: of the whole, and of the innermost part.
type Kinks = (Option<Kink>, Option<(ExprId, Kink)>);

fn kinks(question: &Question, at: &[Tensor], marks: &[bool], seed: u64) -> Result<Kinks, Failure> {
    let (parts, program) = question.point().parts().map_err(|e| question.failure(&e))?;
    // Where the parts cannot be followed there is nothing to say about them.
    let found = riesz_core::check::kinks(&program, at, marks, seed).unwrap_or_default();
    let whole = found.last().copied().flatten();
    let part = parts.into_iter().zip(found).find_map(|(part, kink)| Some((part, kink?)));
    Ok((whole, part))
}

/// The formula or its derivative is not finite at the point.
fn no_value(
    question: &Question,
    given: &[Option<Tensor>],
    program: &riesz::Program,
    wrt: VarId,
) -> Failure {
    if given.iter().any(Option::is_none) {
        return Failure::failed("the formula has no finite value at any of the points tried")
            .help("give a point where it has one with --at, or declare where its variables lie");
    }
    let value = question.not_finite("the value", program);
    if value.has_place() {
        return value;
    }
    if let Ok(program) = question.point().program(Some((wrt, Order::First))) {
        let derivative = question.not_finite("the derivative", &program);
        if derivative.has_place() {
            return derivative;
        }
    }
    Failure::failed("the differences leave the domain: the point is too near its edge")
        .help("choose another point with --at")
}
