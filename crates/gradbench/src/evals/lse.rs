//! log Σ exp xᵢ with the maximum subtracted, and its gradient.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval =
    Eval { name: "lse", functions: &[("primal", prepare_primal), ("gradient", prepare_gradient)] };

fn prepare_primal(input: &Input) -> Result<Box<dyn Work>> {
    compiled(primal, input.field("x")?.tensor(1)?, nested)
}

fn prepare_gradient(input: &Input) -> Result<Box<dyn Work>> {
    compiled(grad(primal), input.field("x")?.tensor(1)?, nested)
}

/// The value does not depend on what is subtracted, so neither does the derivative.
fn primal(x: Var) -> Var {
    let largest = x.max().stop_gradient();
    largest + (x - largest).exp().sum().log()
}
