//! Products of which not everything is computed: triangles, and small results of long sums.

use crate::common::close;
use riesz_core::check::direction;
use riesz_core::{DType, Tensor, Type, Var, eval, trace};
use riesz_cpu::run::Executable;

/// Compares a program of matrices m×k, k×n and n×k with its meaning.
fn check([m, n, k]: [usize; 3], f: impl FnOnce([Var; 3]) -> Vec<Var>) {
    let types = [[m, k], [k, n], [n, k]].map(|shape| Type::new(DType::F64, shape));
    let program = trace(&types, |x| f([x[0], x[1], x[2]])).unwrap_or_else(|e| panic!("{e}"));
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    let expected = eval(&program, &args).unwrap();
    let executable = Executable::new(&program).unwrap();
    let plan = executable.plan().to_string();
    assert_eq!(plan.matches(" % of a product").count(), expected.len(), "{plan}");
    let given = executable.run(&args).unwrap();
    for (e, g) in expected.iter().zip(&given) {
        assert!(close(e, g, 1e-12), "{program:?}\n{e:?}\n{g:?}");
    }
}

#[test]
fn triangles_of_which_half_is_read() {
    check([17, 18, 17], |[x, y, _]| {
        vec![x.tril().matmul(y), x.triu().matmul(y), x.matmul(y).tril()]
    });
}

#[test]
fn small_results_of_long_sums() {
    check([6, 7, 150], |[x, _, y]| vec![x.matmul(y.t()).tril(), x.square().matmul(y.t()).triu()]);
}
