//! Which operation made a number that is not finite.
//!
//! A result that is NaN or infinite came through a chain of values that are not finite. The chain is
//! followed back to where it begins: an equation whose arguments are finite. So an infinity that a
//! `select` has masked is not blamed for another one. The bodies of loops and branches are gone
//! through in order instead, since nobody keeps what they computed.

use crate::error::{Error, Result};
use crate::eval::{check_arguments, eval_by};
use crate::primitive::{Prim, Primitive};
use crate::program::{Equation, Program};
use crate::tensor::Tensor;
use std::cell::Cell;

thread_local! {
    /// Whether evaluating a program refuses what is not finite. Primitives evaluate their bodies
    /// themselves, so this is how they are told.
    static STRICT: Cell<bool> = const { Cell::new(false) };
}

/// Runs a program by its reference meaning, and refuses results that are not finite.
///
/// # Errors
/// Names the operation that made such a number of finite ones, and where it was written; and as
/// [`eval`](crate::eval).
///
/// ```
/// use riesz_core::{DType, Tensor, Type, check_finite, trace};
/// let f = trace(&[Type::scalar(DType::F64)], |x| vec![x[0].log().sin() + 1.0])?;
/// let error = check_finite(&f, &[Tensor::from(0.0)]).unwrap_err();
/// assert!(error.to_string().starts_with("log"), "{error}");
/// assert!(check_finite(&f, &[Tensor::from(1.0)]).is_ok());
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn check_finite(program: &Program, args: &[Tensor]) -> Result<()> {
    check_arguments(program, args)?;
    let mut finite: Vec<bool> = args.iter().map(Tensor::is_finite).collect();
    let results = eval_by(program, args, &mut |_, eq, x| {
        let y = eq.prim.eval(x)?;
        finite.extend(y.iter().map(Tensor::is_finite));
        Ok(y)
    })?;
    if results.iter().all(Tensor::is_finite) {
        return Ok(());
    }
    let mut blamed = vec![false; finite.len()];
    program.outputs.iter().for_each(|v| blamed[v.index()] = !finite[v.index()]);
    let mut origin = None;
    for (i, eq) in program.equations.iter().enumerate().rev() {
        if eq.outputs().any(|v| blamed[v.index()]) {
            eq.inputs.iter().for_each(|v| blamed[v.index()] |= !finite[v.index()]);
            if eq.inputs.iter().all(|v| finite[v.index()]) {
                origin = Some(i);
            }
        }
    }
    let argument = (0..args.len()).find(|&i| blamed[i]);
    match (argument, origin) {
        (Some(i), _) => Err(Error::value(format!("argument {} has {}", i + 1, bad_of(&args[i])))
            .help("numbers that come in must be finite")),
        // Once more, to look at the numbers, and into the body if it has one.
        (None, origin) => eval_by(program, args, &mut |i, eq, x| match origin == Some(i) {
            true => blame(eq, x),
            false => eq.prim.eval(x),
        })
        .map(drop),
    }
}

/// The results of an equation, or the reason why they are not finite.
fn blame(eq: &Equation, args: &[&Tensor]) -> Result<Vec<Tensor>> {
    let before = STRICT.replace(true);
    let results = eq.prim.eval(args);
    STRICT.set(before);
    let results = results?;
    match results.iter().find(|y| !y.is_finite()) {
        Some(bad) => Err(refused(eq, args, bad)),
        None => Ok(results),
    }
}

fn refused(eq: &Equation, args: &[&Tensor], bad: &Tensor) -> Error {
    let (name, of) = (bad_of(bad), arguments_of(args, bad));
    match &eq.prim {
        Prim::Constant(_) => Error::value(format!("a constant has {name}")),
        _ => Error::value(format!("makes {name} of {of}"))
            .help("keep its arguments where it is defined, or mask them with `select` before it"),
    }
}

/// The numbers the first one that is not finite was made of, where entries are made of entries.
fn arguments_of(args: &[&Tensor], bad: &Tensor) -> String {
    let entry = bad.to_f64().iter().position(|x| !x.is_finite());
    match entry {
        Some(k) if matches!(args.len(), 1 | 2) && args.iter().all(|a| a.shape() == bad.shape()) => {
            let numbers: Vec<String> = args.iter().map(|a| a.to_f64()[k].to_string()).collect();
            numbers.join(" and ")
        }
        _ => "finite numbers".to_string(),
    }
}

/// The first number that is not finite.
fn bad_of(tensor: &Tensor) -> String {
    let bad = tensor.to_f64().into_iter().find(|x| !x.is_finite()).unwrap_or(f64::NAN);
    if bad.is_nan() { "NaN".to_string() } else { bad.to_string() }
}

/// Whether [`eval`](crate::eval) refuses what is not finite, in this thread, now.
pub(crate) fn is_strict() -> bool {
    STRICT.get()
}

/// Evaluates the body of a loop or branch; the first number that is not finite is an error.
pub(crate) fn eval_strictly(program: &Program, args: &[Tensor]) -> Result<Vec<Tensor>> {
    eval_by(program, args, &mut |_, eq, x| match x.iter().all(|t| t.is_finite()) {
        true if !matches!(eq.prim, Prim::Constant(_)) => blame(eq, x),
        _ => eq.prim.eval(x),
    })
}
