//! log Σ exp in two passes.

use crate::input::Input;
use crate::work::{Work, number, work};
use riesz::prelude::*;

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let x = input.field("x")?.tensor(1)?.into_vec::<f64>()?;
    work(move || Ok(primal(&x)), |y| number(*y))
}

fn primal(x: &[f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + x.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}
