//! Small programs through everything that works on raw memory, few enough for Miri to interpret:
//! `cargo xtask miri`.

mod factors;
mod parts;

use crate::common::close;
use riesz_core::check::direction;
use riesz_core::control::{Steps, cond, scan, while_loop};
use riesz_core::{DType, SimplifyOptions, Tensor, Type, Var, eval, simplify, trace};
use riesz_cpu::linalg::{Mat, MatMut, Workspace, multiply, multiply_room};
use riesz_cpu::nest::Step;
use riesz_cpu::plan::Plan;
use riesz_cpu::run::Executable;
use riesz_cpu::simd::Isa;

/// Runs a program of vectors of three and four and a matrix of three by three in every way there is.
fn check(dtype: DType, f: impl FnOnce([Var; 3]) -> Vec<Var>) {
    let types: [Type; 3] = [&[3][..], &[4], &[3, 3]].map(|shape| Type::new(dtype, shape));
    let program = trace(&types, |x| f([x[0], x[1], x[2]])).unwrap_or_else(|e| panic!("{e}"));
    let program = simplify(&program, &SimplifyOptions::whole_program());
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    let expected = eval(&program, &args).unwrap();
    let executable = Executable::new(&program).unwrap();
    let compare = |given: &[Tensor]| {
        assert_eq!(given.len(), expected.len());
        let tolerance = if dtype == DType::F32 { 1e-5 } else { 1e-12 };
        for (e, g) in expected.iter().zip(given) {
            assert!(close(e, g, tolerance), "{program:?}\n{e:?}\n{g:?}");
        }
    };
    let mut results = executable.run(&args).unwrap();
    compare(&results);
    let mut places: Vec<&mut Tensor> = results.iter_mut().collect();
    executable.run_into(&args, &mut places).unwrap();
    compare(&results);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| executable.run(&args).unwrap());
        compare(&executable.run(&args).unwrap());
        compare(&other.join().unwrap());
    });
    let given: Vec<Tensor> = args.iter().map(|x| x.reshape(x.shape().clone()).unwrap()).collect();
    drop(args);
    compare(&executable.run_owned(given).unwrap());
}

#[test]
fn elements_and_sums() {
    for dtype in [DType::F64, DType::F32] {
        check(dtype, |[x, y, a]| {
            let whole = (x * 10.0).cast(DType::I64);
            let bent = Var::select(x.gt(0.0), x.exp(), x.sin() / 2.0) + a.square();
            vec![bent, bent.sum(), y.max_axes(&[0]), whole.cast(dtype) + x, x, whole % 3]
        });
    }
}

#[test]
fn elements_in_other_places() {
    check(DType::F64, |[x, y, a]| {
        let joined = Var::concat(&[x, y, a.slice_axis(0, 1, 2).reshape([3])], 0);
        let order = y.argsort(0);
        let turned = a.t().flip(&[0]);
        let scattered = y.scatter_add(order, y.sin(), 0);
        vec![joined, y.take(order, 0), turned, y.cumsum(0), scattered]
    });
}

#[test]
fn products_and_factors() {
    check(DType::F64, |[x, _, a]| {
        let spd = a.dot(a.t()) + Var::eye(DType::F64, 3);
        vec![a.dot(x), spd, spd.cholesky(), spd.solve(x), a.inverse(), a.det()]
    });
}

#[test]
fn products_in_blocks() {
    // One of a transpose, which is copied, and one whose second factor is read where it lies, but for two
    // columns. Once, as they take Miri long.
    let shapes = [[17, 17], [17, 17], [17, 17], [17, 130]];
    let types = shapes.map(|shape| Type::new(DType::F32, shape));
    let program = trace(&types, |x| vec![x[0].dot(x[1].t()), x[2].dot(x[3])]).unwrap();
    let plan = Plan::new(&program).unwrap();
    let packed = |step: &&Step| matches!(step, Step::Call(call) if call.function.scratch() > 0);
    assert_eq!(plan.region.steps.iter().filter(packed).count(), 2, "{plan}");
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    let results = Executable::new(&program).unwrap().run(&args).unwrap();
    for (expected, given) in eval(&program, &args).unwrap().iter().zip(&results) {
        assert!(close(expected, given, 1e-5), "{expected:?}\n{given:?}");
    }
}

#[test]
fn a_product_with_gaps_in_its_result() {
    let n = 17;
    let number = |i: usize| (i % 7) as f64 - 3.0;
    let (a, b): (Vec<f64>, Vec<f64>) = (0..n * n).map(|i| (number(i), number(i / 3))).unzip();
    let (a, b) = (Mat::row_major(&a, n, n), Mat::row_major(&b, n, n));
    let mut c = vec![f64::NAN; 2 * n * n - 1];
    let mut to = MatMut::new(&mut c, n, n, 2 * n, 2);
    let mut workspace = Workspace::default();
    let scratch = workspace.scratch(multiply_room(a, b, &to));
    multiply(Isa::best(), 1.0, a, b, 0.0, &mut to, scratch);
    for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let exact: f64 = (0..n).map(|l| number(i * n + l) * number((l * n + j) / 3)).sum();
        assert_eq!(c[2 * (i * n + j)], exact);
    }
    assert!(c.iter().skip(1).step_by(2).all(|v| v.is_nan()));
}

#[test]
fn loops_and_branches() {
    check(DType::F64, |[x, y, a]| {
        let (carry, ys) = scan(Steps::new(4), &[x], &[y], |h, y| {
            let next = (a.dot(h[0]) + y[0]).tanh();
            (vec![next], vec![next.sum()])
        });
        let grown = while_loop(&[x], |s| s[0].square().sum().lt(9.0), |s| vec![s[0] * 1.5]);
        let one = cond(y.sum().gt(0.0), || vec![x * 2.0], || vec![x.exp()]);
        [carry, ys, grown, one].concat()
    });
}
