//! Products with triangles, and products of which a triangle is read: half is computed, and it is the
//! same.

use crate::common::check;
use crate::strips::plan;
use proptest::prelude::*;
use riesz_core::{DType, Tensor, Var, trace};
use riesz_cpu::nest::Step;
use riesz_cpu::plan::Plan;

/// The parts of products that are computed, in percent, as the calls of a plan say.
fn parts(plan: &Plan) -> Vec<u32> {
    let mut found = Vec::new();
    for step in &plan.region.steps {
        let calls: Vec<_> = match step {
            Step::Call(call) => vec![call],
            Step::Strips(strips) => strips.body.iter().filter_map(|b| b.task.call()).collect(),
            _ => vec![],
        };
        let part =
            |name: String| name.split_once(" % of ").and_then(|(n, _)| n.parse::<u32>().ok());
        found.extend(calls.into_iter().filter_map(|call| part(call.function.name())));
    }
    found
}

/// Lower triangular matrices of order `n` from the entries below the diagonal, row by row, and ones.
fn lower(l: Var, n: usize) -> Var {
    let places = (0..n).flat_map(|i| (0..i).map(move |j| (i * n + j) as i64));
    let places = Var::constant(places.collect::<Vec<_>>());
    let k = l.shape()[0];
    let zeros = l.literal(0.0).broadcast_to([k, n * n]);
    let ones = l.sum_axes(&[1]).expand_dims(1).broadcast_to([k, n]).cos().diag();
    zeros.scatter_add(places, l, 1).reshape([k, n, n]) + ones
}

#[test]
fn zero_times_infinity_is_no_number() {
    let n = 40;
    for bad in [f64::NAN, f64::INFINITY] {
        let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5;
        let finite: Vec<f64> = (0..n * n).map(number).collect();
        let mut other = finite.clone();
        other[20 * n + 3] = bad;
        let args = [finite, other].map(|v| Tensor::new(v, [n, n]).unwrap());
        let steps = Tensor::from_f64(
            &(0..n * n)
                .map(|i| f64::from(i / n == i % n) - f64::from(i / n == i % n + 1))
                .collect::<Vec<_>>(),
            [n, n],
            DType::F64,
        )
        .unwrap();
        let program = trace(&[args[0].ty(), args[1].ty()], |x| {
            let steps = Var::constant(steps);
            vec![x[0].tril().matmul(x[1]), x[1].matmul(x[0].tril()), steps.matmul(x[1])]
        })
        .unwrap();
        let plan = check(&program, &args);
        assert!(!parts(&plan).is_empty(), "{plan}");
    }
}

#[test]
fn shapes_without_elements() {
    for (m, n) in [(3, 5), (5, 3)] {
        plan(&[&[0, m], &[60, 50]], DType::F64, |x| {
            let nothing = x[0].sin().reshape([0, n]).slice_axis(1, 1, n - 1);
            vec![nothing.cos(), x[1].matmul(x[1].sin().t())]
        });
    }
}

#[test]
fn a_triangle_times_a_matrix() {
    for dtype in [DType::F64, DType::F32] {
        for n in [17, 40, 130] {
            let shapes: [&[usize]; 2] = [&[n, n], &[n, 50]];
            let both = plan(&shapes, dtype, |x| {
                vec![x[0].tril().matmul(x[1]), x[0].triu().matmul(x[1]), x[0].matmul(x[1])]
            });
            let found = parts(&both);
            assert!(found.len() == 2 && found.iter().all(|&p| p < 66), "{both}");
            // The columns of the other factor do not lie beside each other.
            let turned = plan(&[&[n, n], &[50, n]], dtype, |x| vec![x[0].tril().matmul(x[1].t())]);
            assert_eq!(parts(&turned).len(), 1, "{turned}");
        }
    }
}

#[test]
fn a_batch_of_triangles_in_one_product() {
    for (k, n, m) in [(3, 12, 70), (9, 20, 33), (12, 33, 300)] {
        let shapes: [&[usize]; 2] = [&[k, n * (n - 1) / 2], &[m, n]];
        let plan = plan(&shapes, DType::F64, |x| {
            let z = Var::einsum("kij,nj->kin", &[lower(x[0], n), x[1]]);
            vec![z.square().sum_axes(&[1])]
        });
        assert_eq!(parts(&plan).len(), 1, "{plan}");
    }
}

#[test]
fn of_what_nobody_reads_nothing_is_computed() {
    for (k, n, m) in [(1, 16, 300), (5, 24, 100), (10, 40, 400), (1, 150, 90)] {
        let shapes: [&[usize]; 3] = [&[k, m, n], &[m, n], &[k, n, n]];
        let plan = plan(&shapes, DType::F64, |x| {
            let whole = Var::einsum("kmi,mj->kij", &[x[0], x[1]]) + x[2];
            let flat = whole.reshape([k, n * n]);
            let places = (0..n).flat_map(|i| (0..i).map(move |j| (i * n + j) as i64));
            let places = Var::constant(places.collect::<Vec<_>>());
            vec![flat.take(places, 1), whole.tril().sin().diagonal()]
        });
        assert!(parts(&plan).iter().all(|&p| p < 75), "{plan}");
        assert_eq!(parts(&plan).len(), 1, "{plan}");
    }
    // A band, and nothing at all of some rows.
    let band = plan(&[&[60, 30], &[30, 60]], DType::F64, |x| {
        let flat = (x[0].matmul(x[1])).reshape([3600]);
        let places = (0..60usize).filter(|i| i % 7 != 0).map(|i| (i * 60 + i.max(3) - 3) as i64);
        vec![flat.take(Var::constant(places.collect::<Vec<_>>()), 0)]
    });
    assert_eq!(parts(&band).len(), 1, "{band}");
    // What is read another time is computed.
    let whole = plan(&[&[60, 30], &[30, 60]], DType::F64, |x| {
        let y = x[0].matmul(x[1]);
        vec![y.tril(), y.t()]
    });
    assert_eq!(parts(&whole), [], "{whole}");
}

/// A product with data, and one that sums over them: what is copied for the first is read by the second.
#[test]
fn a_copy_of_data_is_made_once() {
    for dtype in [DType::F64, DType::F32] {
        for (k, n, m) in [(9, 10, 500), (12, 7, 131), (30, 16, 300)] {
            let shapes: [&[usize]; 2] = [&[k, n * (n - 1) / 2], &[m, n]];
            let plan = plan(&shapes, dtype, |x| {
                let z = Var::einsum("kij,nj->kin", &[lower(x[0], n), x[1]]).sin();
                let whole = Var::einsum("kin,nj->kij", &[z, x[1]]);
                let places = (0..n).flat_map(|i| (0..i).map(move |j| (i * n + j) as i64));
                let places = Var::constant(places.collect::<Vec<_>>());
                vec![whole.reshape([k, n * n]).take(places, 1)]
            });
            assert_eq!(parts(&plan).len(), 2, "{plan}");
            let copies = plan.to_string().matches("0 operations on argument 1").count();
            assert_eq!(copies, 1, "{plan}");
        }
    }
}

/// Views that have buffers of their own lie like what they are views of, and are copied for themselves.
#[test]
fn a_copy_is_of_one_tensor_only() {
    type View = fn(Var) -> Var;
    let views: [View; 3] = [|a| a.flip(&[0]), |a| a.t(), |a| a.flip(&[0, 1]).t()];
    for view in views {
        let plan = plan(&[&[40, 40], &[40, 40]], DType::F64, |x| {
            let (turned, l) = (view(x[1]), x[0].tril());
            let product = |y| Var::einsum("ij,kj->ik", &[l, y]);
            vec![turned, product(turned), product(x[1])]
        });
        assert_eq!(parts(&plan).len(), 2, "{plan}");
    }
}

#[test]
fn what_is_zero_and_what_is_not_read_together() {
    let plan = plan(&[&[80, 80], &[80, 80]], DType::F64, |x| {
        vec![x[0].tril().matmul(x[1].sin()).tril(), x[0].tril().t().flip(&[0, 1]).matmul(x[1])]
    });
    let found = parts(&plan);
    assert!(found.len() == 2 && found.iter().any(|&p| p < 45), "{plan}");
}

/// A matrix some of whose entries are zeros, in one of the ways in which they can come about.
fn sparse(x: Var, choice: u8, seed: usize) -> Var {
    let [m, n] = [x.shape()[0], x.shape()[1]];
    let (low, high) = (1 + seed % (n / 2), 1 + seed % (n / 3));
    match choice % 7 {
        0 => x.tril(),
        1 => -x.triu(),
        2 => {
            let zeros = x.literal(0.0).broadcast_to([m, low]);
            Var::concat(&[x.slice_axis(1, low, n), zeros], 1)
        }
        3 => x.slice_axis(1, low, n - high).pad_axis(1, low, high),
        4 => x.tril().flip(&[0]) + x.tril(),
        5 => {
            let places: Vec<i64> = (0..m * n)
                .filter(|i| i % n < 2 + (i / n * 7 + seed) % n)
                .map(|i| i as i64)
                .collect();
            let taken = x.reshape([m * n]).take(Var::constant(places.clone()), 0);
            let zeros = x.literal(0.0).broadcast_to([m * n]);
            zeros.scatter_add(Var::constant(places), taken, 0).reshape([m, n])
        }
        _ => x.tril().square() * x,
    }
}

/// Some of the entries of a matrix.
fn part(x: Var, choice: u8, seed: usize) -> Var {
    let [m, n] = [x.shape()[0], x.shape()[1]];
    match choice % 6 {
        0 => x.tril().sum_axes(&[0]),
        1 => x.triu().exp() * x.tril(),
        2 => x.slice_axis(1, seed % (n / 2), n / 2 + 1),
        3 => x.t().tril(),
        4 => {
            let places = (0..m * n).filter(|i| i % n > (i / n * 3 + seed) % n).map(|i| i as i64);
            x.reshape([m * n]).take(Var::constant(places.collect::<Vec<_>>()), 0)
        }
        _ => x.slice_axis(0, 1, m).tril().sin(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_parts_of_products(
        (first, second, read) in (0u8..8, 0u8..8, prop::collection::vec(0u8..6, 1..3)),
        (m, k, n) in (20usize..60, 20usize..60, 20usize..60),
        seed in 0usize..1000,
        single in any::<bool>(),
    ) {
        let dtype = if single { DType::F32 } else { DType::F64 };
        plan(&[&[m, k], &[k, n]], dtype, |x| {
            let left = if first < 7 { sparse(x[0], first, seed) } else { x[0] };
            let right = if second < 7 { sparse(x[1], second, seed / 3) } else { x[1] };
            let product = left.matmul(right);
            read.iter().map(|&choice| part(product, choice, seed)).collect()
        });
    }
}
