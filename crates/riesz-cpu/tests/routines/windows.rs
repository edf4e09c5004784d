//! Convolutions against the reference evaluator.

use crate::calls::{Close, agree};
use crate::common::random;
use riesz_core::primitive::Conv;
use riesz_core::{DType, Tensor};

/// Shapes of images and kernels, strides and dilations.
type Case = (&'static [usize], &'static [usize], &'static [usize], &'static [usize]);

const CASES: &[Case] = &[
    // Vectors along the kernels: few and many of them, of windows, and of terms.
    (&[1, 2, 3, 9, 11], &[1, 10, 3, 3, 3], &[1, 1], &[1, 1]),
    (&[2, 2, 3, 9, 11], &[2, 17, 3, 3, 2], &[2, 3], &[2, 1]),
    (&[1, 1, 2, 7], &[1, 150, 2, 3], &[1], &[1]),
    (&[1, 2, 70, 6, 6], &[1, 9, 70, 3, 2], &[1, 1], &[1, 1]),
    (&[1, 3, 1, 40, 40], &[1, 8, 1, 3, 3], &[1, 1], &[1, 1]),
    (&[1, 2, 2, 4, 5, 6], &[1, 8, 2, 2, 3, 2], &[1, 1, 2], &[1, 1, 1]),
    // Along the windows.
    (&[1, 2, 3, 12, 40], &[1, 2, 3, 3, 3], &[1, 1], &[1, 1]),
    (&[1, 2, 3, 12, 40], &[1, 2, 3, 3, 3], &[2, 1], &[1, 3]),
    (&[1, 1, 40, 4, 30], &[1, 3, 40, 3, 3], &[1, 1], &[1, 1]),
    (&[5, 2, 1, 12, 90], &[5, 1, 1, 3, 3], &[1, 1], &[1, 1]),
    // Along the terms.
    (&[1, 2, 2, 9, 30], &[1, 3, 2, 8, 28], &[1, 1], &[1, 1]),
    (&[3, 1, 20, 9, 21], &[3, 1, 20, 7, 17], &[1, 2], &[1, 1]),
    // Along nothing that is long.
    (&[1, 2, 2, 9], &[1, 2, 2, 3], &[2], &[3]),
    (&[1, 2, 3], &[1, 2, 3], &[], &[]),
    // Nothing at all.
    (&[1, 0, 2, 4], &[1, 3, 2, 2], &[1], &[1]),
    (&[1, 2, 0, 4], &[1, 3, 0, 2], &[1], &[1]),
    (&[0, 2, 2, 4], &[0, 9, 2, 2], &[1], &[1]),
];

#[test]
fn convolutions() {
    for &(x, k, stride, dilation) in CASES {
        for (dtype, close) in [
            (DType::F64, Close(1e-12)),
            (DType::F32, Close(1e-5)),
            (DType::I64, Close(0.0)),
            (DType::I32, Close(0.0)),
        ] {
            let tensor = |shape: &[usize], seed| {
                let values = random::<f64>(shape.iter().product(), seed);
                let values: Vec<f64> = match dtype.is_float() {
                    true => values,
                    false => values.iter().map(|v| (v * 50.0).round()).collect(),
                };
                Tensor::from_f64(&values, shape, dtype).unwrap()
            };
            let conv = Conv { stride: stride.into(), dilation: dilation.into() };
            agree(&conv.into(), &[&tensor(x, 1), &tensor(k, 2)], close);
        }
    }
}
