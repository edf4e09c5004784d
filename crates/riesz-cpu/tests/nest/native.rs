//! Machine code against the reference meaning.

use super::support::*;
use riesz_core::{DType, Tensor};
use riesz_cpu::nest::*;
use smallvec::smallvec;

fn numbers(n: usize) -> Tensor {
    Tensor::from((0..n).map(|i| ((i * 37) % 17) as f64 - 8.0).collect::<Vec<f64>>())
}

#[test]
fn sums_of_two_vectors_of_every_length() {
    for n in 1..70 {
        let nest = Nest {
            extents: smallvec![n],
            vector: Some(0),
            body: vec![
                inst(Op::Load(at(0, 0, &[1])), DType::F64),
                inst(Op::Load(at(1, 0, &[1])), DType::F64),
                inst(Op::Binary(Binary::Add, 0, 1), DType::F64),
            ],
            stores: vec![store(2, at(2, 0, &[1]))],
            flag: None,
        };
        check(&region(&[DType::F64; 3], nest), &[numbers(n), numbers(n), numbers(n)]);
    }
}

#[test]
fn products_of_a_matrix_and_a_vector() {
    for (m, n) in [(1, 1), (3, 5), (4, 8), (7, 33), (16, 16), (30, 100), (129, 65)] {
        for vector in [None, Some(0), Some(1)] {
            for along in [0b01, 0b10] {
                let kept = 1 - (along >> 1) as usize;
                let mut y = [0; 2];
                y[kept] = 1;
                let mut x = [1; 2];
                x[kept] = 0;
                let nest = Nest {
                    extents: smallvec![m, n],
                    vector,
                    body: vec![
                        inst(Op::Load(at(0, 0, &[n as isize, 1])), DType::F64),
                        inst(Op::Load(at(1, 0, &x)), DType::F64),
                        inst(Op::Binary(Binary::Mul, 0, 1), DType::F64),
                    ],
                    stores: vec![fold(2, at(2, 0, &y), Reduction::Sum, along)],
                    flag: None,
                };
                let most = m.max(n);
                check(&region(&[DType::F64; 3], nest), &[numbers(m * n), numbers(most), numbers(most)]);
            }
        }
    }
}
