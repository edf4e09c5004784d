//! Least squares of a polynomial against the sign function on a grid, and the gradient by the
//! polynomial's coefficients.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval =
    Eval { name: "llsq", functions: &[("primal", prepare_primal), ("gradient", prepare_gradient)] };

fn prepare_primal(input: &Input) -> Result<Box<dyn Work>> {
    let n = input.field("n")?.count()?;
    compiled(move |x: Var| primal(x, n), input.field("x")?.tensor(1)?, nested)
}

fn prepare_gradient(input: &Input) -> Result<Box<dyn Work>> {
    let n = input.field("n")?.count()?;
    compiled(grad(move |x: Var| primal(x, n)), input.field("x")?.tensor(1)?, nested)
}

fn primal(x: Var, n: usize) -> Var {
    let t = Var::iota(x.dtype(), n) * (2.0 / (n as f64 - 1.0)) - 1.0;
    let fit = polynomial(x, t);
    0.5 * (t.sign() - fit).square().sum()
}

/// Horner's rule at all points at once.
fn polynomial(x: Var, t: Var) -> Var {
    let degrees = (0..x.shape().size()).rev();
    degrees.fold(t.zeros_like(), |y, j| y * t + x.at(j))
}
