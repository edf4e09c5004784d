//! e: a training step of one transformer block.

use super::mlp::weights;
use crate::case::{Case, training};
use crate::data::stream;
use riesz::prelude::*;

const BATCH: usize = 8;
const LENGTH: usize = 128;
const WIDTH: usize = 256;
const HEADS: usize = 8;

/// Attention with 8 heads and a perceptron of four times the width, each after a layer norm.
pub const TRANSFORMER: Case = Case {
    name: "e_transformer",
    sizes: &["b8s128d256h8"],
    dtypes: &[DType::F32],
    into: false,
    prepare: |_, dtype| {
        let d = WIDTH;
        let near_one = |number| stream(number).times(0.1).plus(1.0).tensor(&[d], dtype);
        let small = |number, n| stream(number).times(0.1).tensor(&[n], dtype);
        let matrix = |number, m, n| weights(number, m).tensor(&[m, n], dtype);
        let parameters = [
            near_one(40)?,
            small(41, d)?,
            matrix(42, d, d)?,
            matrix(43, d, d)?,
            matrix(44, d, d)?,
            matrix(45, d, d)?,
            near_one(46)?,
            small(47, d)?,
            matrix(48, d, 4 * d)?,
            small(49, 4 * d)?,
            matrix(50, 4 * d, d)?,
            small(51, d)?,
        ];
        training(loss, parameters, stream(52).tensor(&[BATCH, LENGTH, d], dtype)?)
    },
};

fn loss(parameters: [Var; 12], x: Var) -> Var {
    let [gain1, shift1, query, key, value, out, gain2, shift2, up, bias1, down, bias2] = parameters;
    let x = x + attention(layer_norm(x, gain1, shift1), query, key, value).dot(out);
    let h = layer_norm(x, gain2, shift2);
    let x = x + gelu(h.dot(up) + bias1).dot(down) + bias2;
    x.square().mean()
}

fn layer_norm(x: Var, gain: Var, shift: Var) -> Var {
    let centred = x - x.mean_axes(&[2]).keep_axes(&[2]);
    let variance = centred.square().mean_axes(&[2]).keep_axes(&[2]);
    centred * (variance + 1e-5).rsqrt() * gain + shift
}

/// Softmax of query against key for each head, times the values; heads beside each other again.
fn attention(h: Var, query: Var, key: Var, value: Var) -> Var {
    let width = WIDTH / HEADS;
    let heads = |t: Var| t.reshape([BATCH, LENGTH, HEADS, width]).transpose(&[0, 2, 1, 3]);
    let (q, k, v) = (heads(h.dot(query)), heads(h.dot(key)), heads(h.dot(value)));
    let scores = q.matmul(k.transpose(&[0, 1, 3, 2])) / (width as f64).sqrt();
    let mixed = scores.softmax(3).matmul(v);
    mixed.transpose(&[0, 2, 1, 3]).reshape([BATCH, LENGTH, WIDTH])
}

/// The form with tanh (Hendrycks and Gimpel 2016), as the other systems have it here.
fn gelu(x: Var) -> Var {
    let root = (2.0 / std::f64::consts::PI).sqrt();
    0.5 * x * (1.0 + (root * (x + 0.044715 * x * x * x)).tanh())
}
