//! b: the chained Rosenbrock function, its gradient and a product with its Hessian.

use crate::case::{BOTH, Case, derivative, value_and_derivative};
use crate::data::stream;
use crate::size::factors;
use riesz::prelude::*;

const SIZES: &[&str] = &["10", "1000", "1000000"];

/// Value and gradient.
pub const GRADIENT: Case = Case {
    name: "b_rosen_grad",
    sizes: SIZES,
    dtypes: BOTH,
    into: true,
    prepare: |size, dtype| {
        let [n] = factors(size)?;
        value_and_derivative(value_and_grad(rosenbrock), stream(4).tensor(&[n], dtype)?)
    },
};

/// The Hessian times a vector.
pub const HVP: Case = Case {
    name: "b_rosen_hvp",
    sizes: SIZES,
    dtypes: BOTH,
    into: true,
    prepare: |size, dtype| {
        let [n] = factors(size)?;
        let (x, v) = (stream(4).tensor(&[n], dtype)?, stream(5).tensor(&[n], dtype)?);
        derivative(|(x, v): (Var, Var)| hvp(rosenbrock)(x, v), (x, v))
    },
};

fn rosenbrock(x: Var) -> Var {
    let n = x.shape().size();
    let (a, b) = (x.slice_axis(0, 0, n - 1), x.slice_axis(0, 1, n));
    (100.0 * (b - a.square()).square() + (1.0 - a).square()).sum()
}
