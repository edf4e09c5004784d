//! `riesz graph`: how a formula is computed, as a picture.
//!
//! The mathematics is in [`riesz_lang::flow`]. Here [`picture`] says what is written in each box and
//! on each arrow, [`layout`] finds the places, and [`svg`] draws.

mod layout;
mod picture;
mod svg;

use crate::input::{FormulaArgs, Question, ValueArgs, Values};
use crate::{Exit, Failure, Io, sample};
use riesz_lang::flow::Flow;
use riesz_lang::typed::VarId;
use std::path::PathBuf;

/// The most boxes a picture may have.
const LARGEST: usize = 300;

/// Draw how a formula is computed: values forward, gradients back.
///
/// Every box is computed once. Black is what flows forward, red what flows back: the derivative of
/// the result by each box. Where a value is used several times, the arrows say what each use sends
/// back and the box has their sum. Without --at the picture has formulas and shapes, with it numbers
/// too.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  riesz graph \"norm2(A*x - b)^2\" --declare 'b: vector[m]' \
                        --at 'A=[[1,2],[3,4]]; x=[1,1]; b=[0,1]' --svg graph.svg")]
pub struct Args {
    #[command(flatten)]
    formula: FormulaArgs,
    /// Show the gradients on the way to this variable only
    #[arg(long, value_name = "NAME")]
    wrt: Option<String>,
    #[command(flatten)]
    values: ValueArgs,
    /// The file to write
    #[arg(long, value_name = "OUT.svg")]
    svg: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let values = &args.values;
    let values = if values.are_empty() { Values::None } else { Values::All(values) };
    let question = Question::read(&args.formula, values, io)?;
    let wrt = args.wrt.as_deref().map(|w| question.variable(w)).transpose()?;
    if wrt.is_some() && !question.typed.shape(question.root).is_scalar() {
        let shape = question.typed.shape(question.root).text(&question.typed.dims);
        let error =
            question.complaint("only a scalar has a gradient").note(format!("this is {shape}"));
        let help = "reduce it to a scalar, for instance with sum(…), or leave out --wrt";
        return Err(Failure::text(error.help(help), "expression", &question.text));
    }
    let numbers = question.values.iter().any(Option::is_some);
    if numbers {
        question.all_given()?;
        question.affordable()?;
    }
    let varies = Flow::new(&question.typed, question.root).varies(None);
    let size = varies.iter().filter(|v| **v).count();
    if size > LARGEST {
        let message = format!("this takes {size} operations, and a picture has at most {LARGEST}");
        return Err(Failure::text(question.complaint(message), "expression", &question.text));
    }
    let picture = match numbers {
        true => {
            let point = question.point();
            question.fits(&point.program(None).map_err(|e| question.failure(&e))?)?;
            draw(&question, &question, wrt).map_err(|e| question.failure(&e))?
        }
        false => symbolic(&question, wrt)?,
    };
    let (boxes, arrows) = (picture.boxes.len(), picture.arrows.len());
    let placed = layout::place(&picture);
    std::fs::write(&args.svg, svg::draw(&picture, &placed))
        .map_err(|e| Failure::unwritten_file(&args.svg, &e))?;
    io.print(&format!("{}: {boxes} boxes, {arrows} arrows\n", args.svg.display()))?;
    Ok(Exit::Success)
}

/// The picture without numbers. Formulas are held against numbers at a random point, which has sizes;
/// the shapes that are shown keep their symbols.
fn symbolic(question: &Question, wrt: Option<VarId>) -> Result<picture::Picture, Failure> {
    let mut sized = question.sized(sample::Sizes::Rising);
    let mut last = None;
    for (seed, interval) in (1u64..).zip(sample::INTERVALS) {
        sized.values.iter_mut().for_each(|v| *v = None);
        sized.fill(interval, seed)?;
        match draw(&sized, question, wrt) {
            Ok(picture) if picture.finite => return Ok(picture),
            other => last = Some(other),
        }
    }
    match last {
        Some(result) => result.map_err(|e| question.failure(&e)),
        None => Err(Failure::failed("no point was found where it is finite")),
    }
}

/// The picture of a question at a point, with the shapes of `shown`.
fn draw(at: &Question, shown: &Question, wrt: Option<VarId>) -> riesz::Result<picture::Picture> {
    let flow = Flow::new(&at.typed, at.root);
    let flowed = flow.at(&at.values, wrt)?;
    let numbers = std::ptr::eq(at, shown);
    Ok(picture::Picture::new(&flow, &flowed, &at.values, &shown.text, &shown.typed.dims, numbers))
}
