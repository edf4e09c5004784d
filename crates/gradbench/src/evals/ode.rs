//! Runge–Kutta for a system of differential equations, and the gradient of the last component by the
//! coefficients.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval =
    Eval { name: "ode", functions: &[("primal", prepare_primal), ("gradient", prepare_gradient)] };

fn prepare_primal(input: &Input) -> Result<Box<dyn Work>> {
    let steps = input.field("s")?.count()?;
    compiled(move |x: Var| solve(x, steps), input.field("x")?.tensor(1)?, nested)
}

fn prepare_gradient(input: &Input) -> Result<Box<dyn Work>> {
    let steps = input.field("s")?.count()?;
    let last = move |x: Var| solve(x, steps).at(x.shape().size() - 1);
    compiled(grad(last), input.field("x")?.tensor(1)?, nested)
}

/// y(2) for y′ = f(y), y(0) = 0, by the classical method of fourth order.
fn solve(x: Var, steps: usize) -> Var {
    let h = 2.0 / steps as f64;
    let step = |_, y: Var| {
        let k1 = field(x, y);
        let k2 = field(x, y + 0.5 * h * k1);
        let k3 = field(x, y + 0.5 * h * k2);
        let k4 = field(x, y + h * k3);
        y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    };
    fori(steps, step, x.zeros_like())
}

/// x₀, x₁y₀, x₂y₁, …
fn field(x: Var, y: Var) -> Var {
    let one = x.literal(1.0).reshape([1]);
    x * Var::concat(&[one, y.slice_axis(0, 0, y.shape().size() - 1)], 0)
}
