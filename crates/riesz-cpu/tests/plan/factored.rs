//! Matrices that several operations factor are factored once.

use crate::common::{check, interpret};
use riesz_core::check::direction;
use riesz_core::{DType, Tensor, Type, Var, eval, trace};
use riesz_cpu::nest::Step;
use riesz_cpu::plan::Plan;

/// Square matrices that are far from singular, and right-hand sides.
fn args(dtype: DType, lead: &[usize], n: usize) -> Vec<Tensor> {
    let shape = |last: usize| -> Vec<usize> { lead.iter().copied().chain([n, last]).collect() };
    let make = |shape: Vec<usize>, seed: u64, shift: f64| {
        let ty = Type::new(DType::F64, &shape[..]);
        let values = direction(&ty, seed).unwrap_or_else(|e| panic!("{e}")).to_f64();
        let on_diagonal = |i: usize| shape[shape.len() - 1] == n && i / n % n == i % n;
        let shifted = values.iter().enumerate();
        let shifted: Vec<f64> =
            shifted.map(|(i, v)| if on_diagonal(i) { v + shift } else { *v }).collect();
        Tensor::from_f64(&shifted, &shape[..], dtype).unwrap_or_else(|e| panic!("{e}"))
    };
    vec![make(shape(n), 1, n as f64 / 2.0 + 1.0), make(shape(3), 2, 0.0)]
}

/// Checks a program of a matrix and right-hand sides against its meaning; how often a matrix is factored,
/// and the names of the calls.
fn calls(args: &[Tensor], f: impl FnOnce(Var, Var) -> Vec<Var>) -> (usize, Vec<String>) {
    let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
    let program = trace(&types, |x| f(x[0], x[1])).unwrap_or_else(|e| panic!("{e}"));
    let plan = check(&program, args);
    let names: Vec<String> = plan
        .region
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Call(call) => Some(call.function.name()),
            _ => None,
        })
        .collect();
    (names.iter().filter(|name| name.contains("factors ") && !name.contains(" by ")).count(), names)
}

fn turned(a: Var) -> Var {
    let rank = a.rank();
    let order: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    a.transpose(&order)
}

#[test]
fn everything_that_follows_from_factors_shares_them() {
    for dtype in [DType::F64, DType::F32] {
        for (lead, n) in [(&[][..], 1), (&[], 5), (&[], 16), (&[], 40), (&[3], 4), (&[2, 2], 20)] {
            let (shared, names) = calls(&args(dtype, lead, n), |a, b| {
                let a = a * 1.5;
                let (sign, log) = a.slogdet();
                let x = a.solve(b);
                vec![turned(a).solve(x), x, a.inverse(), a.det(), sign, log, turned(a).det()]
            });
            assert_eq!(shared, 1, "{names:?}");
            let by = names.iter().filter(|name| name.contains(" by factors")).count();
            assert_eq!(by, 6, "{names:?}");
        }
    }
}

#[test]
fn a_symmetric_matrix_shares_the_factors_of_cholesky() {
    for n in [3, 20, 70] {
        let (shared, names) = calls(&args(DType::F64, &[], n), |a, b| {
            let s = a.t().dot(a) + Var::eye(DType::F64, n);
            vec![s.logdet(), s.inverse(), s.solve(b), s.t().solve(b)]
        });
        assert_eq!(shared, 1, "{names:?}");
    }
}

#[test]
fn what_is_needed_once_is_not_kept() {
    let (shared, names) = calls(&args(DType::F64, &[], 20), |a, b| {
        vec![a.solve(b), (a * 2.0).det(), (a * 3.0).inverse(), turned(a * 4.0).inverse()]
    });
    assert_eq!(shared, 0, "{names:?}");
    // Different matrices, and a transpose that exchanges a stack with a side.
    let (shared, names) = calls(&args(DType::F64, &[4], 4), |a, b| {
        vec![(a + 0.1).solve(b), a.transpose(&[1, 0, 2]).slogdet().1, (a - 0.1).det()]
    });
    assert_eq!(shared, 0, "{names:?}");
}

#[test]
fn inside_a_loop_a_matrix_is_factored_once_a_step() {
    use riesz_core::control::{Steps, scan};
    let args = args(DType::F64, &[], 6);
    let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
    let program = trace(&types, |x| {
        let (last, _) = scan(Steps::new(4), &[x[1]], &[], |b, _| {
            let a = x[0] + 0.01 * b[0].sum();
            (vec![a.t().solve(a.solve(b[0])) * 10.0], vec![])
        });
        last
    })
    .unwrap_or_else(|e| panic!("{e}"));
    check(&program, &args);
}

/// A singular matrix has determinants, and neither solutions nor an inverse.
#[test]
fn a_singular_matrix_has_no_solution() {
    for n in [2, 30] {
        let mut values = args(DType::F64, &[], n)[0].to_f64();
        (0..n).for_each(|i| values[i * n] = 0.0);
        let ty = Type::new(DType::F64, [n, n]);
        let singular = Tensor::from_f64(&values, [n, n], DType::F64).unwrap();
        let args = [singular, direction(&Type::new(DType::F64, [n, 1]), 3).unwrap()];
        let types = [ty, args[1].ty()];
        let program = trace(&types, |x| vec![x[0].det(), x[0].slogdet().1]).unwrap();
        let given = interpret(&Plan::new(&program).unwrap(), &args).unwrap();
        assert_eq!(given[0].to_f64(), [0.0]);
        assert_eq!(given[1].to_f64(), [f64::NEG_INFINITY]);
        let program = trace(&types, |x| vec![x[0].det(), x[0].solve(x[1])]).unwrap();
        assert!(eval(&program, &args).is_err());
        check(&program, &args);
        let program = trace(&types, |x| vec![x[0].slogdet().1, x[0].inverse()]).unwrap();
        check(&program, &args);
    }
}

#[test]
fn factors_of_a_matrix_that_is_joined_to_be_transposed() {
    calls(&args(DType::F64, &[], 5), |a, b| {
        let row = |i: usize| a.slice_axis(0, i, i + 1) * (1.0 + i as f64);
        let joined = Var::concat(&[row(0), row(1), row(2), row(3), row(4)], 0).t();
        vec![joined, joined.solve(b), joined.det()]
    });
}

#[test]
fn factors_of_a_matrix_that_could_be_updated_in_place() {
    calls(&args(DType::F64, &[], 6), |a, b| {
        let matrix = a + (0.1 * a).exp();
        let turned = matrix.t();
        let rows = Var::constant(vec![1i64, 4]);
        let updated = matrix.scatter_set(rows, b.t().slice_axis(0, 0, 2), 0);
        vec![turned, updated, turned.solve(b), turned.solve(b.exp())]
    });
}
