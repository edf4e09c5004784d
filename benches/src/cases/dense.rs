//! g: a dense Jacobian and a dense Hessian.

use super::mlp::weights;
use crate::case::{BOTH, Case, derivative, value_and_derivative};
use crate::data::stream;
use riesz::prelude::*;

/// The Jacobian of two tanh layers from R¹⁰⁰ to R¹⁰⁰⁰.
pub const JACOBIAN: Case = Case {
    name: "g_jac",
    sizes: &["100->1000"],
    dtypes: BOTH,
    into: false,
    prepare: |_, dtype| {
        let w1 = weights(70, 100).tensor(&[200, 100], dtype)?;
        let w2 = weights(71, 200).tensor(&[1000, 200], dtype)?;
        let x = stream(72).tensor(&[100], dtype)?;
        derivative(
            |(x, w1, w2): (Var, Var, Var)| jacobian(|x: Var| w2.dot(w1.dot(x).tanh()).tanh())(x),
            (x, w1, w2),
        )
    },
};

/// The Hessian of a log-sum-exp regression in R²⁰⁰ with 1000 terms, and its value.
pub const HESSIAN: Case = Case {
    name: "g_hess_lse",
    sizes: &["200(m1000)"],
    dtypes: BOTH,
    into: false,
    prepare: |_, dtype| {
        let a = stream(73).tensor(&[1000, 200], dtype)?;
        let b = stream(74).tensor(&[1000], dtype)?;
        let x = stream(75).times(0.1).tensor(&[200], dtype)?;
        value_and_derivative(
            |(x, a, b): (Var, Var, Var)| {
                let f = |x: Var| (a.dot(x) + b).logsumexp() + 0.5 * x.square().sum();
                (f(x), hessian(f)(x))
            },
            (x, a, b),
        )
    },
};
