//! l: gradients through a thousand steps of a recurrent network and of a Runge–Kutta solver.

use super::mlp::weights;
use crate::case::{BOTH, Case, value_and_derivative};
use crate::data::stream;
use riesz::prelude::*;

const SIZES: &[&str] = &["T1000s16"];

/// A network with 16 states: the mean over the steps of the square of the state's length.
pub const RNN: Case = Case {
    name: "l_rnn",
    sizes: SIZES,
    dtypes: BOTH,
    into: false,
    prepare: |_, dtype| {
        let parameters = (
            weights(110, 16).tensor(&[16, 16], dtype)?,
            weights(111, 16).tensor(&[16, 16], dtype)?,
            stream(112).times(0.1).tensor(&[16], dtype)?,
        );
        let inputs = stream(113).tensor(&[1000, 16], dtype)?;
        let start = stream(114).tensor(&[16], dtype)?;
        value_and_derivative(
            |(p, x, h): ((Var, Var, Var), Var, Var)| value_and_grad(|p| mean_length(p, x, h))(p),
            (parameters, inputs, start),
        )
    },
};

/// The square of the length of a solution after a thousand steps.
pub const RK4: Case = Case {
    name: "l_ode_rk4",
    sizes: SIZES,
    dtypes: BOTH,
    into: false,
    prepare: |_, dtype| {
        let w = weights(110, 16).tensor(&[16, 16], dtype)?;
        let b = stream(112).times(0.1).tensor(&[16], dtype)?;
        let start = stream(114).tensor(&[16], dtype)?;
        value_and_derivative(
            |(p, y): ((Var, Var), Var)| value_and_grad(|p| length_at_end(p, y))(p),
            ((w, b), start),
        )
    },
};

fn mean_length((w, u, b): (Var, Var, Var), inputs: Var, start: Var) -> Var {
    let step = |(h, total): (Var, Var), x: Var| {
        let h = (w.dot(h) + u.dot(x) + b).tanh();
        ((h, total + h.square().sum()), [])
    };
    let ((_, total), _): (_, [Var; 0]) = scan(step, (start, start.literal(0.0)), inputs);
    total / 1000.0
}

fn length_at_end((w, b): (Var, Var), start: Var) -> Var {
    const H: f64 = 0.01;
    let slope = |y: Var| (w.dot(y) + b).tanh() - y;
    let step = |_, y: Var| {
        let k1 = slope(y);
        let k2 = slope(y + 0.5 * H * k1);
        let k3 = slope(y + 0.5 * H * k2);
        let k4 = slope(y + H * k3);
        y + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    };
    fori(1000, step, start).square().sum()
}
