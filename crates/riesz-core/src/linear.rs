//! Programs somebody wrote that are linear in some inputs, brought into the form that can be transposed.
//!
//! A differential is a linear program by construction. A product A·x or a backward rule that a user
//! writes may be one too, but its loops and branches do not say so. A linear map is its own
//! differential, at any point; so once every operation is seen to be linear, also inside loops and
//! branches, the differential at zero is the same map in the form wanted.

use crate::error::{Error, Result};
use crate::jvp::jvp;
use crate::primitive::{Prim, Primitive};
use crate::program::{Equation, Program};
use crate::trace::{Var, inline, trace};
use crate::types::Type;
use crate::unzip::unzip;
use crate::verify::{linear_in, zeros};

/// The same map, linear in its inputs after the first `known` equation by equation.
///
/// # Errors
/// When it is not linear, naming the operation that is to blame.
pub fn as_linear(program: &Program, known: usize) -> Result<Program> {
    let of: Vec<bool> = (0..program.inputs).map(|i| i >= known).collect();
    let mut plain = true;
    let linear = dependents(program, &of, Some(&mut plain))?;
    let zeros = zeros(program, |_| false);
    for (k, v) in program.outputs.iter().enumerate() {
        if !linear[v.index()] && !zeros[v.index()] {
            let message =
                format!("result {} does not depend on what it should be linear in", k + 1);
            return Err(Error::usage(message));
        }
    }
    if plain { Ok(program.clone()) } else { differential_at_zero(program, known) }
}

/// The values that depend on the marked inputs. `Some`: each of them must do so linearly, and it is set
/// to false when an equation does not say so of itself; `None`: in whatever way.
fn dependents(program: &Program, of: &[bool], mut plain: Option<&mut bool>) -> Result<Vec<bool>> {
    let mut linear = of.to_vec();
    linear.resize(program.len(), false);
    let zeros = zeros(program, |_| false);
    for eq in &program.equations {
        if !eq.inputs.iter().any(|v| linear[v.index()]) {
            continue;
        }
        if linear_in(eq, &linear, &zeros).is_ok() {
            eq.outputs().for_each(|v| linear[v.index()] = true);
            continue;
        }
        let outputs = match (inside(eq, &linear, &zeros, plain.is_some()), &mut plain) {
            (Ok(outputs), _) => outputs,
            (Err(_), None) => vec![true; eq.count as usize],
            (Err(error), Some(_)) => return Err(error.at(eq.prim.name(), eq.source)),
        };
        if let Some(plain) = &mut plain {
            **plain = false;
        }
        for (v, is) in eq.outputs().zip(outputs) {
            linear[v.index()] = is;
        }
    }
    Ok(linear)
}

/// Which results of an equation depend on its linear arguments, looking at what is inside; an error
/// when one does, but not linearly and that is asked.
fn inside(eq: &Equation, linear: &[bool], zero: &[bool], strict: bool) -> Result<Vec<bool>> {
    let mut at: Vec<bool> = eq.inputs.iter().map(|v| linear[v.index()]).collect();
    let results = |body: &Program, at: &[bool], strict: bool| -> Result<Vec<bool>> {
        let linear = dependents(body, at, strict.then_some(&mut true))?;
        Ok(body.outputs.iter().map(|v| linear[v.index()]).collect())
    };
    let of = |body: &Program, at: &[bool]| results(body, at, strict);
    // What is carried depends on it if it does after a round, however many rounds that takes.
    let fed = |body: &Program, at: &mut Vec<bool>, consts: usize, carry: usize| {
        while let Some(k) = {
            let outputs = results(body, at, false)?;
            (0..carry).find(|&k| outputs[k] && !at[consts + k])
        } {
            at[consts + k] = true;
        }
        let mut outputs = results(body, at, strict)?;
        let stays = zeros(body, |_| false);
        for k in (0..carry).filter(|&k| at[consts + k]) {
            // Linear carries start from such a value or from zero, and become one or zero.
            let start = eq.inputs[consts + k].index();
            let starts = linear[start] || zero[start];
            if strict && !(starts && (outputs[k] || stays[body.outputs[k].index()])) {
                return Err(Error::usage("is not linear: something else is carried with it"));
            }
            outputs[k] = true;
        }
        Ok(outputs)
    };
    match &eq.prim {
        Prim::Scan(s) => fed(&s.body, &mut at, s.consts, s.carry),
        Prim::While(w) => {
            let outputs = fed(&w.body, &mut at, w.consts, w.body.outputs.len())?;
            let ends = w.cond.dependents(&at);
            match w.cond.outputs.iter().any(|v| ends[v.index()]) {
                true => Err(Error::usage("is not linear: it decides when the loop ends")),
                false => Ok(outputs),
            }
        }
        Prim::Cond(c) if !at[0] => {
            let (on, off) = (of(&c.on_true, &at[1..])?, of(&c.on_false, &at[1..])?);
            for (body, here, there) in [(&c.on_true, &on, &off), (&c.on_false, &off, &on)] {
                let zeros = zeros(body, |_| false);
                let mut outputs = body.outputs.iter().zip(here).zip(there);
                if outputs.any(|((v, here), there)| *there && !here && !zeros[v.index()]) {
                    return Err(Error::usage("is not linear: one branch is, the other is not"));
                }
            }
            Ok(on.iter().zip(&off).map(|(a, b)| a | b).collect())
        }
        Prim::Checkpoint(c) => of(&c.body, &at),
        Prim::CustomJvp(c) => of(&c.value, &at),
        _ => Err(Error::usage("is not linear in what it is given there")),
    }
}

fn differential_at_zero(program: &Program, known: usize) -> Result<Program> {
    let moves: Vec<bool> = (0..program.inputs).map(|i| i >= known).collect();
    let halves = unzip(&jvp(program, &moves)?, program.inputs, program.outputs.len())?;
    let results = program.output_types();
    trace(program.input_types(), |x| {
        let (constants, directions) = x.split_at(known);
        let zeros: Vec<Var> =
            program.input_types()[known..].iter().map(|ty: &Type| Var::zeros(ty)).collect();
        let mut residuals = inline(&halves.primal, &[constants, &zeros].concat());
        residuals.drain(..results.len());
        inline(&halves.linear, &[&residuals, directions].concat())
    })
}
