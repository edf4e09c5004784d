//! Splits (x, dx) → (y, dy) into the primal x → (y, residuals) and the linear (residuals, dx) ⊸ dy.
//!
//! What does not depend on the directions is primal; the rest is linear in them. The primal values
//! that the linear part needs are the *residuals*. Values that are cheaper to make again than to
//! keep, constants and their repetitions, are made again.

use crate::error::Result;
use crate::primitive::Prim;
use crate::program::{Program, Value};
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
    let of: Vec<bool> = (0..program.inputs).map(|i| i >= known).collect();
    let linear = program.dependents(&of);
    let again = made_again(program, &linear);

    let mut needed = vec![false; program.len()];
    let mut residuals: Vec<Value> = Vec::new();
    let mut need = |v: Value| {
        if !linear[v.index()] && !again[v.index()] && !needed[v.index()] {
            needed[v.index()] = true;
            residuals.push(v);
        }
    };
    for eq in &program.equations {
        if linear[eq.first.index()] || again[eq.first.index()] {
            eq.inputs.iter().for_each(|&v| need(v));
        }
    }
    program.outputs[results..].iter().for_each(|&v| need(v));

    let of_primal: Vec<Value> = (0..known as u32).map(Value).collect();
    let keep_primal = |v: Value| !linear[v.index()];
    let mut outputs = program.outputs[..results].to_vec();
    outputs.extend(&residuals);
    let primal = part(program, &of_primal, keep_primal, &outputs);

    let mut of_linear = residuals.clone();
    of_linear.extend((known as u32..program.inputs as u32).map(Value));
    let keep_linear = |v: Value| linear[v.index()] || again[v.index()];
    let linear = part(program, &of_linear, keep_linear, &program.outputs[results..]);

    verify(&primal)?;
    verify_linear(&linear, residuals.len())?;
    Ok(Unzipped { primal, linear, residuals: residuals.len() })
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

/// The equations of `program` that `keep`, as a program of its own.
fn part(
    program: &Program,
    inputs: &[Value],
    keep: impl Fn(Value) -> bool,
    outputs: &[Value],
) -> Program {
    let types = inputs.iter().map(|&v| program.ty(v).clone()).collect();
    let mut result = Program::with_inputs(types);
    let mut number = vec![Value(u32::MAX); program.len()];
    for (new, old) in inputs.iter().enumerate() {
        number[old.index()] = Value(new as u32);
    }
    for eq in program.equations.iter().filter(|eq| keep(eq.first)) {
        let inputs = eq.inputs.iter().map(|v| number[v.index()]).collect();
        let types = eq.outputs().map(|v| program.ty(v).clone());
        let first = result.push(eq.prim.clone(), inputs, types, eq.source);
        for (k, v) in eq.outputs().enumerate() {
            number[v.index()] = Value(first.0 + k as u32);
        }
    }
    result.outputs = outputs.iter().map(|v| number[v.index()]).collect();
    result
}
