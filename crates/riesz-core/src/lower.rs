//! What is done with a program once nothing differentiates it any more, before it is planned.

use crate::error::Result;
use crate::inline_calls::inline_calls;
use crate::merge::merge_loops;
use crate::program::Program;
use crate::reorder::reorder_products;
use crate::simplify::{SimplifyOptions, simplify};
use std::borrow::Cow;

/// The program simplified, with loops that run side by side merged, calls opened and products in the cheapest
/// order: nothing is left that exists for the sake of differentiation.
///
/// # Errors
/// When forward mode needs the transpose of a backward rule that is not linear.
pub fn lower(program: &Program, options: &SimplifyOptions) -> Result<Program> {
    let mut program = simplify(program, options);
    if program.equations().iter().any(|eq| !eq.prim.bodies().is_empty()) {
        program = opened(program, options)?;
    }
    if let Cow::Owned(reordered) = reorder_products(&program)? {
        program = simplify(&reordered, options);
    }
    Ok(program)
}

fn opened(mut program: Program, options: &SimplifyOptions) -> Result<Program> {
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
