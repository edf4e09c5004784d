//! c: a chain of transcendental functions.

use crate::case::{BOTH, Case, value_and_derivative};
use crate::data::stream;
use crate::size::factors;
use riesz::prelude::*;

/// Value and gradient.
pub const CHAIN: Case = Case {
    name: "c_chain",
    sizes: &["1000", "100000", "10000000"],
    dtypes: BOTH,
    into: false,
    prepare: |size, dtype| {
        let [n] = factors(size)?;
        value_and_derivative(value_and_grad(chain), stream(6).times(2.0).tensor(&[n], dtype)?)
    },
};

fn chain(x: Var) -> Var {
    (x.tanh() * (-x.square()).exp() + x.square().log1p() * x.sin()).sum()
}
