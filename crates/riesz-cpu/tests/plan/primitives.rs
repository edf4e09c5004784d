//! Every primitive of the list, alone and as a part of a fused program.

use crate::common::{check, interpret};
use riesz_core::{DType, Prim, Tensor, Type, eval, trace};
use riesz_cpu::plan::Plan;
use riesz_cpu::run::{Executable, Options};

#[test]
fn every_primitive_runs_as_a_plan() {
    for sample in Prim::samples() {
        let types: Vec<Type> = sample.args.iter().map(Tensor::ty).collect();
        let program = trace(&types, |x| riesz_core::apply(sample.prim.clone(), x).to_vec())
            .unwrap_or_else(|e| panic!("{e}"));
        check(&program, &sample.args);
    }
}

#[test]
fn every_primitive_fuses_with_what_is_around_it() {
    for sample in Prim::samples() {
        let types: Vec<Type> = sample.args.iter().map(Tensor::ty).collect();
        let program = trace(&types, |x| {
            let before: Vec<_> =
                x.iter().map(|x| if x.dtype().is_float() { *x * 1.0 } else { *x }).collect();
            let y = riesz_core::apply(sample.prim.clone(), &before);
            let after = y.iter().filter(|y| y.dtype().is_float());
            let mut results: Vec<_> = after.map(|y| (y.square() + 1.0).sum()).collect();
            results.extend(y.iter().map(|y| if y.dtype().is_float() { *y * 2.0 } else { *y }));
            results
        });
        let program = program.unwrap_or_else(|e| panic!("{e}"));
        check(&program, &sample.args);
    }
}

/// IEEE 754-2019 maximum and minimum, as in JAX: of two zeros +0 is the larger, wherever it stands.
#[test]
fn the_greatest_zero_is_positive_and_the_least_negative() {
    for dtype in [DType::F64, DType::F32] {
        for n in [2, 5, 16, 40, 300] {
            for (shape, axis) in [([1, n], 1), ([3, n], 1), ([n, 3], 0), ([n, 20], 0)] {
                let ty = Type::new(dtype, shape);
                let extremes = trace(std::slice::from_ref(&ty), |x| {
                    vec![x[0].max_axes(&[axis]), x[0].min_axes(&[axis])]
                });
                let extremes = extremes.unwrap();
                for at in [0, n / 2, n - 1] {
                    for negative in [true, false] {
                        // Zeros of one sign, and one of the other along each line.
                        let zero = |i: usize| {
                            let along = [i / shape[1], i % shape[1]][axis];
                            if (along == at) == negative { 0.0 } else { -0.0 }
                        };
                        let x: Vec<f64> = (0..ty.size()).map(zero).collect();
                        let x = [Tensor::from_f64(&x, shape, dtype).unwrap()];
                        let mut all = vec![eval(&extremes, &x).unwrap()];
                        all.extend(interpret(&Plan::new(&extremes).unwrap(), &x));
                        for native in [true, false] {
                            let options = Options { native, ..Options::default() };
                            let executable = Executable::with(&extremes, options).unwrap();
                            all.push(executable.run(&x).unwrap().to_vec());
                        }
                        for (way, found) in all.iter().enumerate() {
                            for (y, is_negative) in found.iter().zip([false, true]) {
                                let sound =
                                    |v: &f64| *v == 0.0 && v.is_sign_negative() == is_negative;
                                assert!(
                                    y.to_f64().iter().all(sound),
                                    "{way}, {ty}, {at}: {found:?}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
