//! Classical Runge–Kutta steps on one vector after the other.

use crate::input::Input;
use crate::work::{Work, numbers, work};
use riesz::prelude::*;

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let x = input.field("x")?.tensor(1)?.into_vec::<f64>()?;
    let steps = input.field("s")?.count()?;
    work(move || Ok(primal(&x, steps)), |y| numbers(y))
}

fn primal(x: &[f64], steps: usize) -> Vec<f64> {
    let n = x.len();
    let h = 2.0 / steps as f64;
    let mut y = vec![0.0; n];
    let [mut k1, mut k2, mut k3, mut k4, mut at] = [(); 5].map(|()| vec![0.0; n]);
    for _ in 0..steps {
        field(x, &y, &mut k1);
        along(&y, 0.5 * h, &k1, &mut at);
        field(x, &at, &mut k2);
        along(&y, 0.5 * h, &k2, &mut at);
        field(x, &at, &mut k3);
        along(&y, h, &k3, &mut at);
        field(x, &at, &mut k4);
        for i in 0..n {
            y[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        }
    }
    y
}

fn field(x: &[f64], y: &[f64], z: &mut [f64]) {
    z[0] = x[0];
    for i in 1..x.len() {
        z[i] = x[i] * y[i - 1];
    }
}

fn along(y: &[f64], h: f64, k: &[f64], at: &mut [f64]) {
    for i in 0..y.len() {
        at[i] = y[i] + h * k[i];
    }
}
