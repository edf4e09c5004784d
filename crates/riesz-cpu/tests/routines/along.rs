//! Indexing, sorting, running reductions and random numbers against the reference evaluator: to the bit,
//! but for what is rounded on the way.

use crate::calls::{Close, agree, call};
use crate::common::random;
use riesz_core::primitive::*;
use riesz_core::{DType, Prim, Shape, Tensor};

const EXACT: Close = Close(0.0);

/// Numbers with ties, both zeros, infinities and NaN among them.
fn awkward(shape: &[usize], dtype: DType) -> Tensor {
    let n = shape.iter().product();
    let mut values: Vec<f64> =
        random::<f64>(n, 3).iter().map(|v| (v * 40.0).round() / 4.0).collect();
    if dtype.is_float() {
        for (i, v) in values.iter_mut().enumerate() {
            match i % 23 {
                5 => *v = -0.0,
                6 => *v = 0.0,
                11 if n > 40 => *v = f64::INFINITY,
                13 if n > 40 => *v = f64::NEG_INFINITY,
                17 if n > 40 => *v = f64::NAN,
                19 => *v *= 1e-300,
                _ => {}
            }
        }
    }
    Tensor::from_f64(&values, shape, dtype).unwrap()
}

/// Finite numbers of moderate size.
fn plain(shape: &[usize], dtype: DType) -> Tensor {
    let n = shape.iter().product();
    let values: Vec<f64> = random::<f64>(n, 4).iter().map(|v| v * 1.4).collect();
    Tensor::from_f64(&values, shape, dtype).unwrap()
}

const SHAPES: &[&[usize]] = &[
    &[0],
    &[1],
    &[7],
    &[300],
    &[5000],
    &[3, 1],
    &[20, 30],
    &[2, 0, 4],
    &[4, 9, 300],
    &[3, 700, 2],
    &[1, 5, 1],
];

#[test]
fn sorting() {
    for &shape in SHAPES {
        for axis in 0..shape.len() {
            for dtype in DType::ALL {
                for descending in [false, true] {
                    agree(&Argsort { axis, descending }.into(), &[&awkward(shape, dtype)], EXACT);
                }
            }
        }
    }
    // Many keys are sorted by digits: small ones, that share digits, and large ones.
    let n = 20_000;
    let small: Vec<i64> = (0..n).map(|i| (i * 7919) % 97).collect();
    let large: Vec<i64> =
        (0..n).map(|i: i64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15u64 as i64)).collect();
    for values in [small, large] {
        let x = Tensor::new(values, [n as usize]).unwrap();
        for descending in [false, true] {
            agree(&Argsort { axis: 0, descending }.into(), &[&x], EXACT);
        }
    }
}

#[test]
fn running_reductions() {
    for &shape in SHAPES {
        for axis in 0..shape.len() {
            for dtype in [DType::F64, DType::F32, DType::I64, DType::I32] {
                for reverse in [false, true] {
                    let close = if dtype == DType::F32 { Close(1e-6) } else { Close(1e-13) };
                    for op in [Running::Sum, Running::Product, Running::Max, Running::LogSumExp] {
                        if op == Running::LogSumExp && !dtype.is_float() {
                            continue;
                        }
                        let prim = Prim::from(Cumulative { op, axis, reverse });
                        agree(&prim, &[&plain(shape, dtype)], close);
                        agree(&prim, &[&awkward(shape, dtype)], close);
                    }
                    let prim = Prim::from(Recurrence { axis, reverse });
                    let (a, x) = (plain(shape, dtype), awkward(shape, dtype));
                    agree(&prim, &[&a, &x], close);
                    agree(&prim, &[&x, &a], close);
                }
            }
        }
    }
}

/// Shape, axis and shared axes of what is indexed; shape of the indices.
const INDEXED: &[(&[usize], usize, usize, &[usize])] = &[
    (&[5], 0, 0, &[9]),
    (&[5], 0, 0, &[]),
    (&[5], 0, 0, &[0]),
    (&[100, 30], 0, 0, &[70]),
    (&[30, 100], 1, 0, &[2, 35]),
    (&[4, 6, 5], 1, 1, &[4, 3]),
    (&[4, 6, 5], 2, 1, &[4, 3]),
    (&[4, 6, 5], 2, 2, &[4, 6, 2]),
    (&[0, 6], 1, 1, &[0, 3]),
    (&[4, 6, 0], 1, 0, &[3]),
    (&[3, 40_000], 1, 1, &[3, 50]),
];

#[test]
fn indexing() {
    for &(shape, axis, batch, index) in INDEXED {
        for dtype in DType::ALL {
            for int in [DType::I32, DType::I64] {
                let x = awkward(shape, dtype);
                let count = index.iter().product::<usize>();
                let bound = shape[axis];
                let of = |k: usize| ((k * k * 31 + 7 * k) % bound) as f64;
                let values: Vec<f64> = (0..count).map(of).collect();
                let indices = Tensor::from_f64(&values, index, int).unwrap();
                let taken: Shape =
                    [&shape[..axis], &index[batch..], &shape[axis + 1..]].concat().into();
                let updates = plain(&taken, dtype);
                let updates = if dtype.is_float() { updates } else { awkward(&taken, dtype) };
                agree(&Gather { axis, batch }.into(), &[&x, &indices], EXACT);
                let args = [&x, &indices, &updates];
                agree(&ScatterSet { axis, batch }.into(), &args, EXACT);
                if dtype != DType::Bool {
                    agree(&ScatterAdd { axis, batch }.into(), &args, EXACT);
                    for largest in [false, true] {
                        agree(&ScatterExtreme { largest, axis, batch }.into(), &args, EXACT);
                    }
                }
                // An index out of range has no result.
                for bad in [-1.0, bound as f64] {
                    let mut values = values.clone();
                    if let Some(last) = values.last_mut() {
                        *last = bad;
                        let indices = Tensor::from_f64(&values, index, int).unwrap();
                        let gather = Prim::from(Gather { axis, batch });
                        if !x.is_empty() {
                            assert!(call(&gather, &[&x, &indices]).is_none());
                            let set = Prim::from(ScatterSet { axis, batch });
                            assert!(call(&set, &[&x, &indices, &updates]).is_none());
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn random_numbers() {
    let keys = |n: usize| {
        let values: Vec<i64> =
            (0..2 * n as i64).map(|i| i.wrapping_mul(0x5851_f42d_4c95_7f2d)).collect();
        Tensor::new(values, [n, 2]).unwrap()
    };
    for count in [0, 1, 3] {
        for n in [0, 1, 2, 15, 16, 17, 1000, 40_001] {
            for bits in [1, 24, 53, 63] {
                agree(&RandomBits { shape: [n].into(), bits }.into(), &[&keys(count)], EXACT);
            }
            agree(&Permutation { n }.into(), &[&keys(count)], EXACT);
        }
        let data = Tensor::new((0..count as i64).map(|i| i - 1).collect(), [count]).unwrap();
        agree(&FoldIn.into(), &[&keys(count), &data], EXACT);
    }
}
