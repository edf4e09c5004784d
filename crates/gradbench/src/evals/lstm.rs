//! A recurrent model of characters whose matrices are diagonal: its loss on a text, and the gradient
//! by its parameters.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval = Eval {
    name: "lstm",
    functions: &[("objective", prepare_objective), ("jacobian", prepare_jacobian)],
};

/// For each layer a row of weights and one of biases, both of four gates `[2·layers,4·bits]`, and the
/// weights at both ends `[3,bits]`.
type Parameters<T> = (T, T);

/// The state at the start `[2·layers,bits]`, and the text `[characters,bits]`.
type Text<T> = (T, T);

fn prepare_objective(input: &Input) -> Result<Box<dyn Work>> {
    compiled(|(p, text): (Parameters<Var>, Text<Var>)| loss(p, text), arguments(input)?, nested)
}

fn prepare_jacobian(input: &Input) -> Result<Box<dyn Work>> {
    let f = |(p, text): (Parameters<Var>, Text<Var>)| {
        let (main, extra) = grad(|p| loss(p, text))(p);
        Var::concat(&[main.flatten(), extra.flatten()], 0)
    };
    compiled(f, arguments(input)?, nested)
}

fn arguments(input: &Input) -> Result<(Parameters<Tensor>, Text<Tensor>)> {
    let matrix = |name| input.field(name)?.tensor(2);
    let parameters = (matrix("main_params")?, matrix("extra_params")?);
    Ok((parameters, (matrix("state")?, matrix("sequence")?)))
}

fn loss((main, extra): Parameters<Var>, (state, text): Text<Var>) -> Var {
    let (characters, bits) = (text.shape()[0], text.shape()[1]);
    let inputs = text.slice_axis(0, 0, characters - 1) * extra.at(0);
    let top = run(main, state, inputs);
    let y = top * extra.at(1) + extra.at(2);
    let scores = y - (2.0 + y.exp().sum_axes(&[1])).log().expand_dims(1);
    let next = text.slice_axis(0, 1, characters);
    -(next * scores).sum() / (bits * (characters - 1)) as f64
}

/// The hidden state of the last layer after each input, `[inputs,bits]`.
fn run(main: Var, state: Var, inputs: Var) -> Var {
    let (layers, bits) = (state.shape()[0] / 2, state.shape()[1]);
    let gates = main.reshape([layers, 2, 4, bits]);
    // Weights or biases of one gate, `[layers,bits]`.
    let part = |kind: usize, gate: usize| {
        gates.slice_axis(1, kind, kind + 1).slice_axis(2, gate, gate + 1).reshape([layers, bits])
    };
    let gate = |x: Var, g: usize| x * part(0, g) + part(1, g);
    let gate_of = |layer: usize, x: Var, g: usize| x * part(0, g).at(layer) + part(1, g).at(layer);
    let pairs = state.reshape([layers, 2, bits]);
    let start = |which: usize| pairs.slice_axis(1, which, which + 1).reshape([layers, bits]);
    let step = |(hidden, cell): (Var, Var), x: Var| {
        // What depends on the step before only, is computed for all layers at once.
        let change = gate(hidden, 1).sigmoid() * gate(hidden, 3).tanh();
        let (mut below, mut hiddens, mut cells) = (x, Vec::new(), Vec::new());
        for i in 0..layers {
            let kept = cell.at(i) * gate_of(i, below, 0).sigmoid() + change.at(i);
            below = gate_of(i, below, 2).sigmoid() * kept.tanh();
            hiddens.push(below);
            cells.push(kept);
        }
        ((Var::stack(&hiddens, 0), Var::stack(&cells, 0)), below)
    };
    scan(step, (start(0), start(1)), inputs).1
}
