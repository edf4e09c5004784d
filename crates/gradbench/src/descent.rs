//! Gradient descent as the evals `particle` and `saddle` have it, written so that it can be
//! differentiated itself, and derivatives by either mode.

use riesz::prelude::*;

/// How a derivative is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// One forward pass for each variable.
    Forward,
    /// One backward pass.
    Reverse,
}

/// Value and gradient of a function of a vector that gives a number.
pub fn slope(f: impl Fn(Var) -> Var, by: By) -> impl Fn(Var) -> (Var, Var) {
    move |x| match by {
        By::Forward => {
            let directions = Var::eye(x.dtype(), x.shape().size());
            let (values, slopes) = vmap(|d: Var| jvp(&f, x, d))(directions);
            (values.at(0), slopes)
        }
        By::Reverse => value_and_grad(&f)(x),
    }
}

/// A point, the value and the gradient there, successes since the rate changed, the rate.
type State = (Var, Var, Var, Var, Var);

/// The point where descent from `start` ends: at a gradient or a step no longer than 1e-5. The rate
/// doubles after ten successes and is halved after each failure.
pub fn minimum(f: impl Fn(Var) -> Var, by: By, start: Var) -> Var {
    const SMALL: f64 = 1e-5;
    let value_and_slope = slope(f, by);
    let (value, gradient) = value_and_slope(start);
    let length = |x: Var| x.square().sum().sqrt();
    let raised = |successes: Var, rate: Var| {
        let ten = successes.eq(10.0);
        (Var::select(ten, 0.0, successes), Var::select(ten, 2.0 * rate, rate))
    };
    let goes_on = |(x, _, gradient, successes, rate): State| {
        let next = x - raised(successes, rate).1 * gradient;
        length(gradient).gt(SMALL).and(length(x - next).gt(SMALL))
    };
    let step = |(x, value, gradient, successes, rate): State| {
        let (successes, rate) = raised(successes, rate);
        let next = x - rate * gradient;
        let (next_value, next_gradient) = value_and_slope(next);
        let better = next_value.lt(value);
        (
            Var::select(better, next, x),
            Var::select(better, next_value, value),
            Var::select(better, next_gradient, gradient),
            Var::select(better, successes + 1.0, 0.0),
            Var::select(better, rate, 0.5 * rate),
        )
    };
    let none = value.literal(0.0);
    let state = (start, value, gradient, none, value.literal(SMALL));
    while_loop(goes_on, step, state).0
}
