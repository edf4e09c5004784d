//! Splits (x, dx) → (y, dy) into the primal x → (y, residuals) and the linear (residuals, dx) ⊸ dy.
//!
//! What does not depend on the directions is primal; the rest is linear in them. The primal values
//! that the linear part needs are the *residuals*. Values that are cheaper to make again than to
//! keep are made again: constants and their repetitions, and in a loop what `keep.rs` finds.

use crate::error::Result;
use crate::keep::Keeping;
use crate::primitive::Prim;
use crate::program::{Equation, Program, Value};
use crate::verify::{verify, verify_linear};

/// The two halves of a differentiated program.
#[derive(Clone, Debug)]
pub struct Unzipped {
    /// From the primal inputs to the primal outputs followed by the residuals.
    pub primal: Program,
    /// From the residuals followed by the directions to the tangents; linear in the directions.
    pub linear: Program,
    /// How many residuals there are.
    pub residuals: usize,
}

/// Splits a program whose first `known` inputs are primal and whose first `results` outputs are.
///
/// # Errors
/// When the program is not linear in its other inputs.
pub fn unzip(program: &Program, known: usize, results: usize) -> Result<Unzipped> {
    unzip_keeping(program, known, results, None)
}

/// The same for a step of a loop, which keeps little.
pub(crate) fn unzip_keeping(
    program: &Program,
    known: usize,
    results: usize,
    keeping: Option<&Keeping>,
) -> Result<Unzipped> {
    let inputs: Vec<Value> = program.inputs().collect();
    let of: Vec<bool> = inputs.iter().map(|v| v.index() >= known).collect();
    let linear = program.dependents(&of);
    let asked = program.needed(program.outputs[results..].iter().copied());
    let asked = |eq: &Equation| eq.outputs().any(|v| asked[v.index()]);

    let mut again = made_again(program, &linear);
    let mut residuals = needed(program, (&linear, &again), results, asked);
    if let Some(keeping) = keeping {
        again = keeping.made_again(program, &linear, &residuals);
        let not_primal: Vec<bool> = linear.iter().zip(&again).map(|(l, a)| l | a).collect();
        let constants = made_again(program, &not_primal);
        again.iter_mut().zip(constants).for_each(|(a, constant)| *a |= constant);
        residuals = needed(program, (&linear, &again), results, asked);
    }

    let (primals, directions) = inputs.split_at(known);
    let outputs = [&program.outputs[..results], &residuals].concat();
    let primal = program.part(primals, &outputs);
    let linear = program.part(&[&residuals, directions].concat(), &program.outputs[results..]);

    verify(&primal)?;
    verify_linear(&linear, residuals.len())?;
    Ok(Unzipped { primal, linear, residuals: residuals.len() })
}

/// What the linear half needs of the primal one, if it makes some values again.
fn needed(
    program: &Program,
    (linear, again): (&[bool], &[bool]),
    results: usize,
    asked: impl Fn(&Equation) -> bool,
) -> Vec<Value> {
    let mut seen = vec![false; program.len()];
    let mut needed: Vec<Value> = Vec::new();
    let mut keep = |v: Value| {
        if !linear[v.index()] && !again[v.index()] && !seen[v.index()] {
            seen[v.index()] = true;
            needed.push(v);
        }
    };
    for eq in &program.equations {
        if asked(eq) && (linear[eq.first.index()] || again[eq.first.index()]) {
            eq.inputs.iter().for_each(|&v| keep(v));
        }
    }
    program.outputs[results..].iter().for_each(|&v| keep(v));
    needed
}

/// Constants and their repetitions: those, and only those, that the linear part asks for.
fn made_again(program: &Program, linear: &[bool]) -> Vec<bool> {
    let mut cheap = vec![false; program.len()];
    for eq in &program.equations {
        cheap[eq.first.index()] = match &eq.prim {
            Prim::Constant(c) => c.0.len() <= 16,
            Prim::Iota(_) => true,
            Prim::Broadcast(_) => cheap[eq.inputs[0].index()],
            _ => false,
        };
    }
    let mut wanted = vec![false; program.len()];
    program.outputs.iter().for_each(|v| wanted[v.index()] = true);
    for eq in program.equations.iter().rev() {
        let first = eq.first.index();
        if linear[first] || (cheap[first] && wanted[first]) {
            eq.inputs.iter().for_each(|v| wanted[v.index()] = true);
        }
    }
    cheap.iter().zip(wanted).map(|(&c, w)| c && w).collect()
}
