//! Opens the calls that were closed for the sake of differentiation: the last step before a program
//! is planned.
//!
//! What disappears: `checkpoint`, `custom_jvp`, `custom_vjp`, `custom_backward`, `linear_solve` (its solver
//! stays) and `linear_while` (a plain loop). What appears: a `barrier` in front of a computation that
//! is made a second time on purpose, so that simplification does not merge it with the first. Branches
//! and the bodies of loops are opened too.
//!
//! A program may be differentiated again afterwards, but by what is inside: rules written by hand and
//! checkpoints are gone.

use crate::body::Body;
use crate::error::Result;
use crate::primitive::{Barrier, Checkpoint, Cond, Prim, Scan, While};
use crate::program::{Equation, Program};
use crate::trace::{Var, Vars, apply, fail, trace, with_source};
use crate::verify::verify;
use std::borrow::Cow;

/// The program with every call replaced by what it calls; borrowed when there is none.
///
/// # Errors
/// When forward mode needs the transpose of a backward rule that is not linear.
pub fn inline_calls(program: &Program) -> Result<Cow<'_, Program>> {
    if !program.equations().iter().any(|eq| opens(&eq.prim)) {
        return Ok(Cow::Borrowed(program));
    }
    let result = trace(program.input_types(), |args| write(program, args))?;
    verify(&result)?;
    Ok(Cow::Owned(result))
}

/// Whether there is something to open in it.
fn opens(prim: &Prim) -> bool {
    let inside = |body: &Body| body.equations().iter().any(|eq| opens(&eq.prim));
    match prim {
        Prim::Checkpoint(_)
        | Prim::CustomJvp(_)
        | Prim::CustomVjp(_)
        | Prim::CustomBackward(_)
        | Prim::LinearSolve(_)
        | Prim::LinearWhile(_) => true,
        Prim::Cond(c) => inside(&c.on_true) || inside(&c.on_false),
        Prim::Scan(s) => inside(&s.body),
        Prim::While(w) => inside(&w.cond) || inside(&w.body),
        _ => false,
    }
}

/// Writes the program into the current frame. Recurses as deep as calls and loops are nested.
fn write(program: &Program, args: &[Var]) -> Vec<Var> {
    let mut table: Vec<Var> = args.to_vec();
    table.reserve(program.len() - args.len());
    for eq in program.equations() {
        let x: Vec<Var> = eq.inputs.iter().map(|v| table[v.index()]).collect();
        table.extend(with_source(eq.source, || equation(eq, &x)));
    }
    program.outputs().iter().map(|v| table[v.index()]).collect()
}

fn equation(eq: &Equation, x: &[Var]) -> Vars {
    if !opens(&eq.prim) {
        return apply(eq.prim.clone(), x);
    }
    let body = |body: &Body| match inline_calls(body)? {
        Cow::Borrowed(_) => Ok(body.clone()),
        Cow::Owned(opened) => Ok(Body::new(opened)),
    };
    let opened = || -> Result<Vars> {
        Ok(match &eq.prim {
            Prim::Checkpoint(Checkpoint { body, again: false, .. }) => write(body, x).into(),
            Prim::Checkpoint(Checkpoint { body, .. }) => {
                write(body, &apply(Barrier { count: x.len() }, x)).into()
            }
            Prim::CustomJvp(custom) => write(&custom.value, x).into(),
            Prim::CustomVjp(custom) => write(&custom.value, x).into(),
            Prim::CustomBackward(rule) => write(&*rule.program()?, x).into(),
            Prim::LinearSolve(system) => write(&system.solve, x).into(),
            Prim::LinearWhile(repeat) => {
                let types: Vec<_> = x.iter().map(|v| v.ty()).collect();
                write(&trace(&types, |x| repeat.as_while(x))?, x).into()
            }
            Prim::Cond(c) => {
                let (on_true, on_false) = (body(&c.on_true)?, body(&c.on_false)?);
                apply(Cond { on_true, on_false, linear: vec![] }, x)
            }
            Prim::Scan(s) => apply(Scan { body: body(&s.body)?, linear: vec![], ..s.clone() }, x),
            Prim::While(w) => {
                let (cond, body) = (body(&w.cond)?, body(&w.body)?);
                apply(While { cond, body, consts: w.consts }, x)
            }
            other => apply(other.clone(), x),
        })
    };
    opened().unwrap_or_else(|error| eq.outputs().map(|_| fail(error.clone())).collect())
}
