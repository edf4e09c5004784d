//! k: twenty operations on four numbers; what a call costs.

use crate::case::{BOTH, Case, value_and_derivative};
use crate::data::stream;
use crate::size::factors;
use riesz::prelude::*;

/// Value and gradient.
pub const DISPATCH: Case = Case {
    name: "k_dispatch",
    sizes: &["4"],
    dtypes: BOTH,
    into: true,
    prepare: |size, dtype| {
        let [n] = factors(size)?;
        value_and_derivative(value_and_grad(graph), stream(7).tensor(&[n], dtype)?)
    },
};

fn graph(x: Var) -> Var {
    let mut y = x;
    for _ in 0..4 {
        y = y.sin() * x + 0.5 * y;
    }
    (y.tanh().square() + x).sum()
}
