//! What a well-formed program is, checked after every pass in debug builds.
//!
//! Values are numbered densely and defined before use, every equation has the types its shape rule
//! gives, and a *linear* program is linear in the inputs that are said to be: a sum of terms, each
//! of which contains one of them once.

use crate::error::{Error, ErrorKind, Result};
use crate::primitive::{Linearity, Prim, Primitive};
use crate::program::{Equation, Program};
use crate::types::Type;

/// Checks that a program is well-formed; does nothing in release builds.
///
/// # Errors
/// Says which equation is wrong. That is a mistake in the pass that wrote it.
pub fn verify(program: &Program) -> Result<()> {
    if cfg!(debug_assertions) { verify_always(program) } else { Ok(()) }
}

/// Checks that a program is well-formed and linear in all inputs after the first `known`; does
/// nothing in release builds.
///
/// # Errors
/// As [`verify`].
pub fn verify_linear(program: &Program, known: usize) -> Result<()> {
    if cfg!(debug_assertions) {
        verify_always(program)?;
        verify_linear_always(program, known)
    } else {
        Ok(())
    }
}

/// [`verify`] in every build: for programs that come from outside.
///
/// # Errors
/// Says which equation is wrong.
pub fn verify_always(program: &Program) -> Result<()> {
    let mut defined = program.inputs;
    for (i, eq) in program.equations.iter().enumerate() {
        let wrong = |what: String| Err(malformed(i, eq, what));
        if let Some(v) = eq.inputs.iter().find(|v| v.index() >= defined) {
            return wrong(format!("{v:?} is used before it is defined"));
        }
        if eq.first.index() != defined {
            return wrong(format!("its first result is {:?}, not %{defined}", eq.first));
        }
        defined += eq.count as usize;
        if defined > program.len() {
            return wrong("it has results without types".to_string());
        }
        let types: Vec<Type> = eq.inputs.iter().map(|&v| program.ty(v).clone()).collect();
        let inferred = eq.prim.infer(&types).map_err(|e| e.at(eq.prim.name(), eq.source))?;
        let stated: Vec<&Type> = eq.outputs().map(|v| program.ty(v)).collect();
        if !inferred.iter().eq(stated.iter().copied()) {
            return wrong(format!(
                "it is said to give {stated:?}, its shape rule says {inferred:?}"
            ));
        }
    }
    if defined != program.len() {
        return Err(internal(format!("{} values, {defined} defined", program.len())));
    }
    match program.outputs.iter().find(|v| v.index() >= defined) {
        Some(v) => Err(internal(format!("the result {v:?} is not defined"))),
        None => Ok(()),
    }
}

/// Whether an equation is linear in those of its arguments that are marked; otherwise where they are.
/// For a sum, an argument that is not linear would be an affine part, unless it is one of the `zeros`.
pub(crate) fn linear_in(eq: &Equation, linear: &[bool], zeros: &[bool]) -> Result<(), Vec<usize>> {
    let at: Vec<usize> = (0..eq.inputs.len()).filter(|&k| linear[eq.inputs[k].index()]).collect();
    if at.is_empty() {
        return Ok(());
    }
    let fits = match eq.prim.linearity() {
        Linearity::Nonlinear => false,
        Linearity::Together(set) => (0..eq.inputs.len())
            .all(|k| at.contains(&k) == set.contains(k) || zeros[eq.inputs[k].index()]),
        Linearity::Each(set) => at.len() == 1 && set.contains(at[0]),
    };
    if fits { Ok(()) } else { Err(at) }
}

fn verify_linear_always(program: &Program, known: usize) -> Result<()> {
    let of: Vec<bool> = (0..program.inputs).map(|i| i >= known).collect();
    let linear = program.dependents(&of);
    // The value of a residual is not known here: it may be zero.
    let zeros = zeros(program, |i| i < known);
    for (i, eq) in program.equations.iter().enumerate() {
        if let Err(at) = linear_in(eq, &linear, &zeros) {
            return Err(malformed(i, eq, format!("it is not linear in its arguments {at:?}")));
        }
    }
    Ok(())
}

/// Which values are zero, which any linear sum may contain: zeros written into the program, what is
/// empty, and what linear primitives make of zeros. `input` says which inputs may be.
pub(crate) fn zeros(program: &Program, input: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut zero: Vec<bool> = (0..program.inputs).map(input).collect();
    for eq in &program.equations {
        let of = |k: usize| zero[eq.inputs[k].index()];
        let is_zero = match (&eq.prim, eq.prim.linearity()) {
            (Prim::Constant(c), _) => c.0.to_f64().iter().all(|&x| x == 0.0),
            (_, Linearity::Nonlinear) => false,
            (_, Linearity::Together(set)) => {
                (0..eq.inputs.len()).all(|k| !set.contains(k) || of(k))
            }
            (_, Linearity::Each(set)) => (0..eq.inputs.len()).any(|k| set.contains(k) && of(k)),
        };
        zero.extend(eq.outputs().map(|v| is_zero || program.ty(v).size() == 0));
    }
    zero
}

fn malformed(i: usize, eq: &Equation, what: String) -> Error {
    internal(format!("equation {i} ({}): {what}", eq.prim.name())).at(eq.prim.name(), eq.source)
}

fn internal(what: String) -> Error {
    Error::new(ErrorKind::Internal, format!("the program is not well-formed: {what}"))
}
