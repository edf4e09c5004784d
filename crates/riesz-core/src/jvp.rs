//! Forward mode: (x) → y becomes (x, dx) → (y, dy).
//!
//! Each equation is written again, followed by its differential. A tangent that is known to be zero
//! is never written, so what does not depend on the directions costs nothing.

use crate::error::Result;
use crate::primitive::{Prim, Primitive};
use crate::program::Program;
use crate::trace::{Var, inline, trace, trace_open, with_source};
use crate::types::Type;
use crate::verify::verify;

/// The program with directions for the inputs marked in `wrt`, which must be floats.
///
/// Inputs: those of `program`, then one tangent for each marked input. Outputs: those of `program`,
/// then one tangent for each output that is a float.
///
/// # Errors
/// When a rule fails, which is a mistake in that rule.
pub fn jvp(program: &Program, wrt: &[bool]) -> Result<Program> {
    let mut types: Vec<Type> = program.input_types().to_vec();
    types.extend(program.input_types().iter().zip(wrt).filter(|w| *w.1).map(|w| w.0.clone()));
    let result = trace(&types, |args| {
        let (primals, mut directions) = args.split_at(program.inputs);
        let mut dx: Vec<Option<Var>> = vec![None; program.inputs];
        for (dx, _) in dx.iter_mut().zip(wrt).filter(|w| *w.1) {
            if let Some((first, rest)) = directions.split_first() {
                (*dx, directions) = (Some(*first), rest);
            }
        }
        let (mut y, dy) = push_forward(program, primals, &dx);
        let tangents = program.outputs.iter().zip(&y).zip(dy);
        let tangents: Vec<Var> = tangents
            .filter(|((v, _), _)| program.ty(**v).dtype.is_float())
            .map(|((_, y), dy)| dy.unwrap_or_else(|| y.zeros_like()))
            .collect();
        y.extend(tangents);
        y
    })?;
    verify(&result)?;
    Ok(result)
}

/// The differential of `f` at `x` in the direction `dx`: what a rule uses when the shortest way to
/// say its differential is a formula to be differentiated.
pub fn differential_of(
    f: impl FnOnce(&[Var]) -> Vec<Var>,
    x: &[Var],
    dx: &[Option<Var>],
) -> Vec<Option<Var>> {
    let types: Vec<Type> = x.iter().map(|x| x.ty()).collect();
    match trace_open(&types, f) {
        Ok(traced) => {
            let mut args = x.to_vec();
            args.extend(traced.captures);
            let mut directions = dx.to_vec();
            directions.resize(args.len(), None);
            push_forward(&traced.program, &args, &directions).1
        }
        Err(error) => vec![Some(crate::trace::fail(error))],
    }
}

/// Writes `program` and its differential into the current frame.
pub(crate) fn push_forward(
    program: &Program,
    x: &[Var],
    dx: &[Option<Var>],
) -> (Vec<Var>, Vec<Option<Var>>) {
    if dx.iter().all(Option::is_none) {
        return (inline(program, x), vec![None; program.outputs.len()]);
    }
    let mut primal: Vec<Var> = x.to_vec();
    let mut tangent: Vec<Option<Var>> = dx.to_vec();
    for eq in &program.equations {
        let x: Vec<Var> = eq.inputs.iter().map(|v| primal[v.index()]).collect();
        let dx: Vec<Option<Var>> = eq.inputs.iter().map(|v| tangent[v.index()]).collect();
        let (y, dy) = with_source(eq.source, || differentiate(&eq.prim, &x, &dx));
        primal.extend(y);
        tangent.extend(dy);
    }
    let of = |v: &crate::program::Value| v.index();
    let y = program.outputs.iter().map(|v| primal[of(v)]).collect();
    let dy = program.outputs.iter().map(|v| tangent[of(v)]).collect();
    (y, dy)
}

fn differentiate(
    prim: &Prim,
    x: &[Var],
    dx: &[Option<Var>],
) -> (crate::trace::Vars, crate::primitive::Tangents) {
    if dx.iter().any(Option::is_some)
        && let Some(both) = prim.value_and_differential(x, dx)
    {
        return both;
    }
    let y = crate::trace::apply(prim.clone(), x);
    let moves = dx.iter().any(Option::is_some) && y.iter().any(|y| y.dtype().is_float());
    let dy = if moves { prim.differential(x, &y, dx) } else { y.iter().map(|_| None).collect() };
    (y, dy)
}
