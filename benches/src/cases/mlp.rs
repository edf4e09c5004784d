//! d: training steps of a multilayer perceptron on pictures' worth of numbers, and of a tiny one.

use crate::case::{BOTH, Case, training};
use crate::data::{Stream, stream};
use riesz::prelude::*;

/// Two hidden layers of 512, cross-entropy over ten classes.
pub const MLP: Case = Case {
    name: "d_mlp",
    sizes: &["128x784-512-512-10"],
    dtypes: &[DType::F32],
    into: false,
    prepare: |_, dtype| {
        let x = stream(30).tensor(&[128, 784], dtype)?;
        let labels = Tensor::from(stream(31).digits(128));
        training(cross_entropy, layers([784, 512, 512, 10], 20, dtype)?, (x, labels))
    },
};

/// One hidden layer of 32, mean square error.
pub const TINY: Case = Case {
    name: "d_tinymlp",
    sizes: &["32x16-32-1"],
    dtypes: BOTH,
    into: false,
    prepare: |_, dtype| {
        let x = stream(32).tensor(&[32, 16], dtype)?;
        let y = stream(33).tensor(&[32, 1], dtype)?;
        training(mean_square, layers([16, 32, 1], 34, dtype)?, (x, y))
    },
};

fn cross_entropy([w1, b1, w2, b2, w3, b3]: [Var; 6], (x, labels): (Var, Var)) -> Var {
    let h = (x.dot(w1) + b1).relu();
    let h = (h.dot(w2) + b2).relu();
    let scores = (h.dot(w3) + b3).log_softmax(1);
    -scores.take_along_axis(labels.expand_dims(1), 1).mean()
}

fn mean_square([w1, b1, w2, b2]: [Var; 4], (x, y): (Var, Var)) -> Var {
    let h = (x.dot(w1) + b1).tanh();
    (h.dot(w2) + b2 - y).square().mean()
}

/// A weight matrix and a bias for each pair of neighbouring widths.
fn layers<const W: usize, const N: usize>(
    widths: [usize; W],
    first: u64,
    dtype: DType,
) -> Result<[Tensor; N]> {
    let mut all = Vec::new();
    for (pair, number) in widths.windows(2).zip((first..).step_by(2)) {
        all.push(weights(number, pair[0]).tensor(pair, dtype)?);
        all.push(stream(number + 1).times(0.1).tensor(&pair[1..], dtype)?);
    }
    all.try_into().map_err(|_| Error::usage("as many layers as pairs of widths"))
}

/// Numbers in ±1/√(width of the layer before).
pub fn weights(number: u64, before: usize) -> Stream {
    stream(number).times(1.0 / (before as f64).sqrt())
}
