//! The same bits on any number of threads.

use crate::common::close;
use riesz_core::check::direction;
use riesz_core::{DType, Program, Tensor, Type, Var, eval, trace};
use riesz_cpu::nest::Step;
use riesz_cpu::run::{Executable, Options, set_threads};

fn same_bits(shapes: &[&[usize]], dtype: DType, f: impl FnOnce(&[Var]) -> Vec<Var>) {
    let types: Vec<Type> = shapes.iter().map(|s| Type::new(dtype, *s)).collect();
    let program: Program = trace(&types, f).unwrap_or_else(|e| panic!("{e}"));
    let program = riesz_core::simplify(&program, &Default::default());
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    let expected = eval(&program, &args).unwrap();
    for native in [true, false] {
        let options = Options { native, ..Options::default() };
        let executable = Executable::with(&program, options).unwrap();
        set_threads(1);
        let alone = executable.run(&args).unwrap();
        for (e, a) in expected.iter().zip(&alone) {
            let tolerance = if dtype == DType::F32 { 2e-3 } else { 1e-9 };
            assert!(close(e, a, tolerance), "{}\n{e:?}\n{a:?}", executable.plan());
        }
        for threads in [2, 3, 8] {
            set_threads(threads);
            assert_eq!(executable.run(&args).unwrap(), alone, "{threads} threads");
        }
    }
}

#[test]
fn long_vectors() {
    for dtype in [DType::F64, DType::F32] {
        same_bits(&[&[100_003]], dtype, |x| {
            let y = (x[0].sin() * 2.0).exp() + x[0].cos();
            vec![y, y.sum(), y.max(), (y * Var::iota(DType::F64, 100_003).cast(dtype)).sum()]
        });
    }
}

/// Horner's rule at many points, and the sums of its residual with the powers: chains in copies side by side.
#[test]
fn a_polynomial_and_its_gradient() {
    for dtype in [DType::F64, DType::F32] {
        same_bits(&[&[30_011], &[90]], dtype, |x| {
            let (t, c) = (x[0].tanh(), x[1]);
            let y = (0..90).rev().fold(t.zeros_like(), |y, j| y * t + c.at(j));
            let powers = (1..90).scan(y - t.sign(), |power, _| {
                let before = *power;
                *power = before * t;
                Some(before.sum())
            });
            [y].into_iter().chain(powers).collect()
        });
    }
}

#[test]
fn matrices_by_rows_and_columns() {
    same_bits(&[&[1003, 201], &[201]], DType::F64, |x| {
        let z = x[0].dot(x[1]);
        let s = z.sigmoid();
        vec![z.softplus().sum(), s.dot(x[0]), x[0].tanh().sum_axes(&[0]), x[0].exp().sum_axes(&[1])]
    });
}

#[test]
fn integers_and_truth_values() {
    same_bits(&[&[300_000]], DType::F64, |x| {
        let large = x[0].gt(0.5);
        vec![
            large.any(),
            large.all(),
            large.cast(DType::I64).sum(),
            (x[0] * 100.0).cast(DType::I32).max(),
        ]
    });
}

#[test]
fn products_and_what_follows_them() {
    for dtype in [DType::F64, DType::F32] {
        same_bits(&[&[260, 300], &[300, 270], &[4, 100, 60], &[4, 60, 90]], dtype, |x| {
            let y = x[0].dot(x[1]).tanh();
            vec![y, y.sum_axes(&[0]), x[2].matmul(x[3]), y.t().dot(y)]
        });
        // Small ones have pieces of few rows.
        same_bits(&[&[100, 98], &[98, 90]], dtype, |x| {
            vec![x[0].dot(x[1]), x[1].t().dot(x[0].t()), x[0].dot(x[0].t()), x[0].t().dot(x[0])]
        });
    }
}

/// Whose blocks wait for one another, and of which columns or rows are divided.
#[test]
fn factors_and_what_follows_from_them() {
    for dtype in [DType::F64, DType::F32] {
        for n in [100, 430] {
            same_bits(&[&[n, n], &[n, 70], &[n]], dtype, move |x| {
                let eye = Var::eye(dtype, n);
                let (a, s) = (x[0] + n as f64 / 4.0 * eye, x[0].t().dot(x[0]) + eye);
                let direct = [a.solve(x[1]), a.solve(x[2]), a.t().solve(x[1]), a.logdet()];
                let positive = [s.solve(x[1]), s.logdet(), s.cholesky(), (s + eye).inverse()];
                [direct, positive].concat()
            });
            same_bits(&[&[n, n], &[n, 70]], dtype, move |x| {
                let a = x[0] + n as f64 / 4.0 * Var::eye(dtype, n);
                vec![a.inverse(), (a + a).solve(x[1]), (3.0 * a).logdet()]
            });
        }
    }
}

/// More rows than columns, more columns than rows, and a symmetric matrix that is not positive definite.
#[test]
fn factors_of_other_shapes() {
    same_bits(&[&[300, 120], &[120, 300], &[140, 140], &[140]], DType::F64, |x| {
        let end = Var::iota(DType::F64, 140).gt(138.0).cast(DType::F64);
        let s = x[2].dot(x[2].t()) + Var::eye(DType::F64, 140) - (1e3 * end).diag();
        let (tall, wide) = (x[0].lu(), x[1].lu());
        vec![tall.1, tall.2, wide.1, wide.2, s.solve(x[3])]
    });
}

#[test]
fn a_fold_of_middling_length_is_in_parts_where_threads_are_awake() {
    let nests = |n: usize| {
        let plan = crate::strips::plan(&[&[40_000], &[n, n]], DType::F64, |x| {
            vec![x[0].exp().sum(), x[1].dot(x[1])]
        });
        plan.region.steps.iter().filter(|step| matches!(step, Step::Nest(_))).count()
    };
    assert_eq!(nests(2), 2);
    assert!(nests(300) > 2);
}
