//! A particle between two charges: the place of one charge for which it lands nearest to the origin.
//! The force is the gradient of a potential, so the optimiser's derivative is one of a derivative.

use crate::descent::{By, minimum, slope};
use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions; the first letter is the mode of the outer derivative.
pub const EVAL: Eval = Eval {
    name: "particle",
    functions: &[
        ("rr", |input| prepare(input, By::Reverse, By::Reverse)),
        ("ff", |input| prepare(input, By::Forward, By::Forward)),
        ("fr", |input| prepare(input, By::Forward, By::Reverse)),
        ("rf", |input| prepare(input, By::Reverse, By::Forward)),
    ],
};

fn prepare(input: &Input, outer: By, inner: By) -> Result<Box<dyn Work>> {
    let f = move |w: Var| minimum(|w| path(w, inner), outer, w.reshape([1])).squeeze(0);
    compiled(f, Tensor::from(input.field("w")?.number()?), nested)
}

/// The square of the place where the particle crosses the axis, for a parameter `[1]`.
fn path(w: Var, by: By) -> Var {
    const STEP: f64 = 0.1;
    let w = w.squeeze(0);
    let point = |x: Var, y: Var| Var::stack(&[x, y], 0);
    let (zero, ten) = (w.literal(0.0), w.literal(10.0));
    let charges = [point(ten, 10.0 - w), point(ten, zero)];
    let potential = |x: Var| {
        let nearness = |charge: Var| (x - charge).square().sum().rsqrt();
        nearness(charges[0]) + nearness(charges[1])
    };
    let force = slope(potential, by);
    let flies = |(x, _): (Var, Var)| x.at(1).gt(0.0);
    let step = |(x, v): (Var, Var)| {
        let next = x + STEP * v;
        let faster = v - STEP * force(x).1;
        (next, Var::select(next.at(1).gt(0.0), faster, v))
    };
    let start = (point(zero, w.literal(8.0)), point(w.literal(0.75), zero));
    let (x, v) = while_loop(flies, step, start);
    let back = -x.at(1) / v.at(1);
    (x.at(0) + back * v.at(0)).square()
}
