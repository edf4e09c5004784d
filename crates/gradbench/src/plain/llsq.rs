//! Least squares of a polynomial, powers by repeated multiplication.

use crate::input::Input;
use crate::work::{Work, number, work};
use riesz::prelude::*;

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let x = input.field("x")?.tensor(1)?.into_vec::<f64>()?;
    let n = input.field("n")?.count()?;
    work(move || Ok(primal(&x, n)), |y| number(*y))
}

fn primal(x: &[f64], n: usize) -> f64 {
    let mut total = 0.0;
    for i in 0..n {
        let t = -1.0 + i as f64 * 2.0 / (n as f64 - 1.0);
        let sign = if t > 0.0 { 1.0 } else { -f64::from(u8::from(t < 0.0)) };
        let (mut power, mut fit) = (1.0, 0.0);
        for x in x {
            fit += x * power;
            power *= t;
        }
        total += (sign - fit) * (sign - fit);
    }
    0.5 * total
}
