//! How composed operations refuse what does not fit, in their own name.

use crate::error::{Error, Operand, Result};
use crate::primitive::support;
use crate::trace::{Var, claim, current_source, fail, has_failed, with_source};

/// Runs a composed operation: what it records is said to come from the caller's line, and what it,
/// or an operation it is made of, refuses carries its name, the operands with their types, and the
/// lines that made them. Nothing is checked when an operand failed already, as its shape is not
/// known.
#[track_caller]
pub(super) fn composed(name: &str, operands: &[Var], f: impl FnOnce() -> Result<Var>) -> Var {
    all_composed(name, operands, || Ok(vec![f()?])).pop().unwrap_or_else(Var::poison)
}

/// As [`composed`], for several results. There are none when something does not fit.
#[track_caller]
pub(super) fn all_composed(
    name: &str,
    operands: &[Var],
    f: impl FnOnce() -> Result<Vec<Var>>,
) -> Vec<Var> {
    let source = current_source();
    if let Some(&failed) = operands.iter().find(|v| v.is_poisoned()) {
        // An operation on a failed value records it when it comes from a trace that has ended.
        return vec![with_source(source, || failed.stop_gradient())];
    }
    let failed_before = has_failed();
    match with_source(source, f) {
        Ok(results) => {
            if !failed_before && has_failed() {
                claim(name, &described(operands));
            }
            results
        }
        Err(error) => vec![with_source(source, || refuse(name, operands, error))],
    }
}

/// Records an error in the name of an operation, with its operands and the caller's line.
#[track_caller]
pub(super) fn refuse(name: &str, operands: &[Var], error: Error) -> Var {
    fail(error.at(name, current_source()).with_operands(described(operands)))
}

pub(super) fn described(operands: &[Var]) -> Vec<Operand> {
    operands.iter().map(|v| Operand { ty: v.ty(), source: v.source() }).collect()
}

/// A composed function of one argument, element by element or not, that needs floats.
#[track_caller]
pub(super) fn of_floats(name: &str, x: Var, f: impl FnOnce() -> Var) -> Var {
    composed(name, &[x], || {
        support::expect_float(&x.ty())?;
        Ok(f())
    })
}

/// Refuses unless `fits`.
pub(super) fn expect(fits: bool, message: impl FnOnce() -> String) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::shape(message())) }
}
