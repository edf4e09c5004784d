//! What is done with a program once nothing differentiates it any more, before it is planned.

use crate::error::Result;
use crate::inline_calls::inline_calls;
use crate::merge::merge_loops;
use crate::primitive::{Attribute, Primitive};
use crate::program::Program;
use crate::simplify::{SimplifyOptions, simplify};
use std::borrow::Cow;

/// The program simplified, with loops that run side by side merged and calls opened: nothing is left that
/// exists for the sake of differentiation.
///
/// # Errors
/// When forward mode needs the transpose of a backward rule that is not linear.
pub fn lower(program: &Program, options: &SimplifyOptions) -> Result<Program> {
    let mut program = simplify(program, options);
    let inside = |(_, a): &(&str, Attribute)| matches!(a, Attribute::Program(_));
    if !program.equations().iter().any(|eq| eq.prim.attributes().iter().any(inside)) {
        return Ok(program);
    }
    // A loop is merged while it still counts for the other; then calls are opened, whose loops may fit.
    let merged = merge_loops(&program)?;
    let opened = inline_calls(&merged)?;
    if let Cow::Owned(opened) = opened {
        program = simplify(&opened, options);
    } else if let Cow::Owned(merged) = merged {
        program = simplify(&merged, options);
    }
    if let Cow::Owned(merged) = merge_loops(&program)? {
        program = simplify(&merged, options);
    }
    Ok(program)
}
