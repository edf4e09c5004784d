//! The loss of a recurrent model of characters whose matrices are diagonal.

use crate::input::Input;
use crate::work::{Work, number, work};
use riesz::prelude::*;

struct Model {
    layers: usize,
    bits: usize,
    main: Vec<f64>,
    extra: Vec<f64>,
    state: Vec<f64>,
    sequence: Vec<f64>,
}

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let state = input.field("state")?.tensor(2)?;
    let matrix = |name| input.field(name)?.tensor(2)?.into_vec::<f64>();
    let model = Model {
        layers: state.shape()[0] / 2,
        bits: state.shape()[1],
        main: matrix("main_params")?,
        extra: matrix("extra_params")?,
        state: state.into_vec()?,
        sequence: matrix("sequence")?,
    };
    work(move || Ok(loss(&model)), |y| number(*y))
}

fn loss(model: &Model) -> f64 {
    let Model { layers, bits: b, main, extra, sequence, .. } = model;
    let b = *b;
    let mut state = model.state.clone();
    let (mut x, mut total) = (vec![0.0; b], 0.0);
    let steps = sequence.len() / b - 1;
    for t in 0..steps {
        for j in 0..b {
            x[j] = sequence[t * b + j] * extra[j];
        }
        for i in 0..*layers {
            let (weights, bias) = main[8 * b * i..8 * b * (i + 1)].split_at(4 * b);
            let (hidden, cell) = state[2 * b * i..2 * b * (i + 1)].split_at_mut(b);
            for j in 0..b {
                let gate = |k: usize, x: f64| x * weights[k * b + j] + bias[k * b + j];
                let forget = sigmoid(gate(0, x[j]));
                let ingate = sigmoid(gate(1, hidden[j]));
                let outgate = sigmoid(gate(2, x[j]));
                let change = gate(3, hidden[j]).tanh();
                cell[j] = cell[j] * forget + ingate * change;
                hidden[j] = outgate * cell[j].tanh();
                x[j] = hidden[j];
            }
        }
        let mut sum = 2.0;
        for j in 0..b {
            x[j] = x[j] * extra[b + j] + extra[2 * b + j];
            sum += x[j].exp();
        }
        let norm = sum.ln();
        for j in 0..b {
            total += sequence[(t + 1) * b + j] * (x[j] - norm);
        }
    }
    -total / (b * steps) as f64
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
