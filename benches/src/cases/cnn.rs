//! f: a training step of a small convolutional network.

use super::mlp::weights;
use crate::case::{Case, training};
use crate::data::stream;
use riesz::prelude::*;
use riesz::{ConvOptions, Window};

/// Two convolutions with pooling, then a perceptron, on 64 pictures of 28 by 28.
pub const CNN: Case = Case {
    name: "f_cnn",
    sizes: &["b64"],
    dtypes: &[DType::F32],
    into: false,
    prepare: |_, dtype| {
        let small = |number, n| stream(number).times(0.1).tensor(&[n], dtype);
        let parameters = [
            weights(60, 9).tensor(&[32, 1, 3, 3], dtype)?,
            small(61, 32)?,
            weights(62, 288).tensor(&[64, 32, 3, 3], dtype)?,
            small(63, 64)?,
            weights(64, 3136).tensor(&[3136, 128], dtype)?,
            small(65, 128)?,
            weights(66, 128).tensor(&[128, 10], dtype)?,
            small(67, 10)?,
        ];
        let pictures = stream(68).tensor(&[64, 1, 28, 28], dtype)?;
        training(loss, parameters, (pictures, Tensor::from(stream(69).digits(64))))
    },
};

fn loss([k1, c1, k2, c2, w1, d1, w2, d2]: [Var; 8], (pictures, labels): (Var, Var)) -> Var {
    let h = layer(layer(pictures, k1, c1), k2, c2);
    let h = (h.reshape([64, 3136]).dot(w1) + d1).relu();
    let scores = (h.dot(w2) + d2).log_softmax(1);
    -scores.take_along_axis(labels.expand_dims(1), 1).mean()
}

/// Convolution that keeps the lengths, bias, relu, and the largest of each two by two.
fn layer(x: Var, kernel: Var, bias: Var) -> Var {
    let same = ConvOptions { padding: vec![(1, 1), (1, 1)], ..ConvOptions::default() };
    let channels = bias.shape().size();
    let h = (x.conv(kernel, &same) + bias.reshape([channels, 1, 1])).relu();
    h.max_pool(&Window { size: vec![2, 2], ..Window::default() })
}
