//! a: logistic regression, value and gradient.

use crate::case::{BOTH, Case, value_and_derivative};
use crate::data::stream;
use crate::size::factors;
use riesz::prelude::*;

/// Value and gradient of the mean loss by the weights.
pub const LOGISTIC: Case = Case {
    name: "a_logreg",
    sizes: &["1000x100", "100000x100"],
    dtypes: BOTH,
    into: false,
    prepare: |size, dtype| {
        let [rows, columns] = factors(size)?;
        let x = stream(1).tensor(&[rows, columns], dtype)?;
        let labels: Vec<f64> =
            stream(2).values(rows).iter().map(|&u| f64::from(u8::from(u > 0.0))).collect();
        let y = Tensor::from_f64(&labels, [rows], dtype)?;
        let w = stream(3).times(0.1).tensor(&[columns], dtype)?;
        value_and_derivative(
            |(w, x, y): (Var, Var, Var)| value_and_grad(|w| loss(w, x, y))(w),
            (w, x, y),
        )
    },
};

fn loss(w: Var, x: Var, y: Var) -> Var {
    let z = x.dot(w);
    (z.softplus() - y * z).mean()
}
