//! A saddle point by nested optimisation: the outer derivative goes through the inner optimiser.

use crate::descent::{By, minimum};
use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions; the first letter is the mode of the outer derivative.
pub const EVAL: Eval = Eval {
    name: "saddle",
    functions: &[
        ("rr", |input| prepare(input, By::Reverse, By::Reverse)),
        ("ff", |input| prepare(input, By::Forward, By::Forward)),
        ("fr", |input| prepare(input, By::Forward, By::Reverse)),
        ("rf", |input| prepare(input, By::Reverse, By::Forward)),
    ],
};

fn prepare(input: &Input, outer: By, inner: By) -> Result<Box<dyn Work>> {
    let f = move |start: Var| {
        let farthest = |p: Var| minimum(|q| -height(p, q), inner, start);
        let p = minimum(|p| height(p, farthest(p)), outer, start);
        Var::concat(&[p, farthest(p)], 0)
    };
    compiled(f, input.field("start")?.tensor(1)?, nested)
}

fn height(p: Var, q: Var) -> Var {
    p.square().sum() - q.square().sum()
}
