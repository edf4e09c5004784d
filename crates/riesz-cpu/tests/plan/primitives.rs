//! Every primitive of the list, alone and as a part of a fused program.

use crate::common::check;
use riesz_core::{Prim, Tensor, Type, trace};

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
