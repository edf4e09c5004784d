//! Nests over one long loop, strip by strip: what they compute, and what must not become one.

use crate::common::check;
use proptest::prelude::*;
use riesz_core::check::direction;
use riesz_core::{DType, Tensor, Type, Var, trace};
use riesz_cpu::nest::{Band, Nest, Step, Strips};
use riesz_cpu::plan::{Buffer, Place, Plan, donors};
use riesz_cpu::run::{Executable, set_threads};

/// Plans a program of arguments of these shapes and compares it with its meaning.
pub fn plan(shapes: &[&[usize]], dtype: DType, f: impl FnOnce(&[Var]) -> Vec<Var>) -> Plan {
    let types: Vec<Type> = shapes.iter().map(|s| Type::new(dtype, *s)).collect();
    let program = trace(&types, f).unwrap_or_else(|e| panic!("{e}"));
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    let plan = check(&program, &args);
    let executable = Executable::new(&program).unwrap();
    set_threads(1);
    let alone = executable.run(&args).unwrap();
    for threads in [2, 3, 8] {
        set_threads(threads);
        assert_eq!(executable.run(&args).unwrap(), alone, "{threads} threads");
    }
    plan
}

fn strips(plan: &Plan) -> Vec<&Strips> {
    let mut found = Vec::new();
    for step in &plan.region.steps {
        if let Step::Strips(strips) = step {
            found.push(strips);
        }
    }
    found
}

/// Whether nothing in the workspace has as many elements as a value of the program.
fn has_no_whole(plan: &Plan, elements: usize) -> bool {
    let mut workspace = plan.buffers.iter().filter(|b| matches!(b.place, Place::Workspace(_)));
    workspace.all(|b| b.len < elements / 2)
}

/// Sums along the short axis, which nothing fuses with what follows.
fn normalised(x: Var) -> Var {
    let e = (x - x.max_axes(&[1]).expand_dims(1)).exp();
    e / e.sum_axes(&[1]).expand_dims(1)
}

#[test]
fn what_only_the_nests_use_holds_one_strip() {
    for dtype in [DType::F64, DType::F32] {
        let plan =
            plan(&[&[20_011, 12]], dtype, |x| vec![normalised(normalised(normalised(x[0])))]);
        let found = strips(&plan);
        assert_eq!(found.len(), 1, "{plan}");
        assert_eq!(found[0].length, 20_011, "{plan}");
        assert!(found[0].count() > 8, "{plan}");
        assert!(has_no_whole(&plan, 20_011 * 12), "{plan}");
    }
}

#[test]
fn rows_and_columns() {
    // The long axis first and last, and a nest whose loops are one.
    let plan = plan(&[&[10_000, 7], &[7, 10_000]], DType::F64, |x| {
        let a = normalised(x[0]);
        let b = x[1].exp() / x[1].exp().sum_axes(&[0]).expand_dims(0);
        let c = a.t() * b;
        let d = c.sum_axes(&[0]);
        vec![(c * d.expand_dims(0)).t(), a, d]
    });
    assert!(!strips(&plan).is_empty(), "{plan}");
}

#[test]
fn steps_between_that_have_nothing_to_do_with_them() {
    let plan = plan(&[&[30_000, 8], &[3, 3]], DType::F64, |x| {
        let a = normalised(x[0]);
        let inverse = x[1].dot(x[1].t()).tanh().sum_axes(&[0]);
        let b = normalised(a);
        vec![b * inverse.sum(), inverse]
    });
    assert!(!strips(&plan).is_empty(), "{plan}");
}

#[test]
fn joined_parts() {
    let plan = plan(&[&[16_000, 6]], DType::F64, |x| {
        let a = normalised(x[0]);
        let part = |i| a.slice_axis(1, i, i + 1) * f64::from(i as u32 + 1);
        let joined = Var::concat(&[part(0), part(3), part(1), a, part(5)], 1);
        vec![normalised(joined)]
    });
    assert!(!strips(&plan).is_empty(), "{plan}");
}

#[test]
fn folds_along_the_long_loop() {
    // Logistic regression: the matrix is read once for the loss and its gradient.
    for dtype in [DType::F64, DType::F32] {
        let plan = plan(&[&[20_011, 30], &[30], &[20_011]], dtype, |x| {
            let z = x[0].dot(x[1]);
            let probability = 1.0 / (1.0 + (-z).exp());
            let loss = ((1.0 + z.exp()).log() - z * x[2]).sum();
            let gradient = x[0].t().dot(probability - x[2]);
            vec![loss, gradient, gradient.square().sum() + z.max()]
        });
        let found = strips(&plan);
        assert_eq!(found.len(), 1, "{plan}");
        let reads = |band: &&Band| {
            let of = |nest: &Nest| nest.accesses().any(|a| a.operand == 0 || a.operand == 1);
            band.task.nest().is_some_and(of)
        };
        assert_eq!(found[0].body.iter().filter(reads).count(), 2, "{plan}");
        assert!(plan.buffers.iter().all(|b| b.len != 20_011 || b.place == Place::Argument(2)));
    }
    // What is folded is complete before it is read, and other folds than sums have places too.
    let plan = plan(&[&[50_000, 8]], DType::F64, |x| {
        let a = normalised(x[0]);
        let (low, high) = (a.min_axes(&[0]), a.max_axes(&[0]));
        let b = normalised((a - low.expand_dims(0)) / (high - low).expand_dims(0));
        vec![b.square().sum_axes(&[0]), b.sum(), b.min_axes(&[0]), low]
    });
    assert_eq!(strips(&plan).len(), 2, "{plan}");
}

#[test]
fn what_reads_its_neighbours_stays_apart() {
    let plan = plan(&[&[40_000, 4]], DType::F64, |x| {
        let a = normalised(x[0]);
        let before = a.slice_axis(0, 0, 39_999);
        let after = a.slice_axis(0, 1, 40_000);
        let b = normalised(before * after);
        vec![b, a.sum_axes(&[0]), a.flip(&[0]).cumsum(0)]
    });
    // All of `a` is there when its neighbours are read.
    let whole = |b: &Buffer| matches!(b.place, Place::Workspace(_)) && b.len == 160_000;
    assert!(plan.buffers.iter().any(whole), "{plan}");
}

#[test]
fn batches_of_products_with_what_makes_and_reads_them() {
    // Attention: scores, weights that sum to 1, and what they mix.
    for dtype in [DType::F64, DType::F32] {
        let shape: &[usize] = &[20, 130, 60];
        let plan = plan(&[shape; 3], dtype, |x| {
            let scores = Var::einsum("bik,bjk->bij", &[x[0], x[1]]) * 0.3;
            let weights = (scores - scores.max_axes(&[2]).expand_dims(2)).exp();
            let weights = weights / weights.sum_axes(&[2]).expand_dims(2);
            vec![Var::einsum("bij,bjk->bik", &[weights, x[2]])]
        });
        let found = strips(&plan);
        assert_eq!(found.len(), 1, "{plan}");
        assert_eq!(found[0].body.iter().filter(|b| b.task.call().is_some()).count(), 2, "{plan}");
        assert!(has_no_whole(&plan, 20 * 130 * 130), "{plan}");
    }
    // What mixes the batch comes between.
    let plan = plan(&[&[16, 100, 90], &[16, 90, 100]], DType::F64, |x| {
        let y = x[0].matmul(x[1]);
        let z = y.tanh() / y.square().sum_axes(&[0]).expand_dims(0).sqrt();
        vec![z.matmul(x[0]).cos(), y.flip(&[0]).matmul(x[0]).sum_axes(&[2])]
    });
    assert!(!strips(&plan).is_empty(), "{plan}");
}

/// How many products a plan runs in strips.
fn products(plan: &Plan) -> usize {
    let bodies = strips(plan).into_iter().flat_map(|found| &found.body);
    bodies.filter(|band| band.task.call().is_some()).count()
}

#[test]
fn a_product_with_its_bias_and_activation() {
    // A layer for many rows, whose result lies row by row or column by column.
    for dtype in [DType::F64, DType::F32] {
        let shapes: &[&[usize]] = &[&[5_003, 70], &[70, 150], &[150], &[150, 40]];
        let plan = plan(shapes, dtype, |x| {
            let hidden = (x[0].dot(x[1]) + x[2]).tanh();
            vec![hidden.dot(x[3]).relu(), hidden.sum_axes(&[1])]
        });
        assert_eq!(products(&plan), 2, "{plan}");
        assert!(has_no_whole(&plan, 5_003 * 150), "{plan}");
    }
    plan(&[&[5_003, 70], &[70, 150], &[150]], DType::F64, |x| {
        vec![(x[0].dot(x[1]) + x[2]).tanh().t(), x[1].t().dot(x[0].t()).sin()]
    });
}

#[test]
fn a_product_with_the_update_of_a_parameter() {
    // A step of descent for a matrix: its gradient is never whole, and the step may be made in place.
    for dtype in [DType::F64, DType::F32] {
        let plan = plan(&[&[4_800, 250], &[130, 4_800], &[130, 250]], dtype, |x| {
            vec![x[0] - 0.1 * x[1].t().dot(x[2])]
        });
        assert_eq!(products(&plan), 1, "{plan}");
        assert!(has_no_whole(&plan, 4_800 * 250), "{plan}");
        assert_eq!(donors(&plan), [Some(0)], "{plan}");
    }
    // What else reads the matrix in the same strips would find it changed.
    let plan = plan(&[&[3_000, 250], &[130, 3_000], &[130, 250]], DType::F64, |x| {
        let product = x[1].t().dot(x[2]);
        let sums = product.sum_axes(&[1]).expand_dims(1);
        vec![x[0] - 0.1 * product, (x[0] * sums).sum_axes(&[1])]
    });
    assert_eq!(products(&plan), 1, "{plan}");
    assert_eq!(donors(&plan), [None, None], "{plan}");
}

#[test]
fn the_gradient_of_layers_for_many_rows() {
    // Forward and back in one pass over the rows: what a layer makes is nowhere whole.
    for dtype in [DType::F64, DType::F32] {
        let shapes: &[&[usize]] = &[&[5_003, 70], &[70, 150], &[150], &[150, 40]];
        let plan = plan(shapes, dtype, |x| {
            let hidden = (x[0].dot(x[1]) + x[2]).tanh();
            let error = hidden.dot(x[3]).sin() * 0.01;
            let back = error.dot(x[3].t()) * (1.0 - hidden * hidden);
            vec![hidden.t().dot(error), x[0].t().dot(back), back.sum_axes(&[0])]
        });
        assert_eq!(strips(&plan).len(), 1, "{plan}");
        assert_eq!(products(&plan), 5, "{plan}");
        assert!(has_no_whole(&plan, 5_003 * 150), "{plan}");
    }
}

#[test]
fn a_product_whose_other_factor_would_be_read_too_often() {
    let layer =
        |shapes: &[&[usize]]| plan(shapes, DType::F32, |x| vec![(x[0].dot(x[1]) + x[2]).relu()]);
    let plan = layer(&[&[1024, 900], &[900, 800], &[800]]);
    assert_eq!(products(&plan), 0, "{plan}");
    // So many rows are worth it.
    let plan = layer(&[&[8_192, 90], &[90, 800], &[800]]);
    assert_eq!(products(&plan), 1, "{plan}");
}

#[test]
fn strips_of_many_layers_have_many_rows() {
    // What a layer makes is needed no longer than until the next has read it.
    let plan = plan(&[&[1_000, 200], &[200, 200], &[200]], DType::F64, |x| {
        vec![(0..12).fold(x[0], |h, _| (h.dot(x[1]) * 0.1 + x[2]).relu())]
    });
    assert_eq!(products(&plan), 12, "{plan}");
    for found in strips(&plan) {
        assert!(found.size >= 32 && found.size.is_multiple_of(8), "{plan}");
        assert!(found.count().is_multiple_of(8), "{plan}");
    }
}

#[test]
fn a_jacobian_lies_as_its_transpose_from_the_beginning() {
    // Tangents come first in the product, and last in the result; between them each row is scaled.
    for dtype in [DType::F64, DType::F32] {
        let plan = plan(&[&[100], &[200, 100], &[1000, 200], &[1000]], dtype, |x| {
            let first = x[1].t() * x[1].dot(x[0]).cos().expand_dims(0);
            vec![(first.dot(x[2].t()) * x[3].expand_dims(0)).t()]
        });
        let found = strips(&plan);
        assert_eq!(found.len(), 1, "{plan}");
        assert_eq!((found[0].length, found[0].body.len()), (1000, 2), "{plan}");
    }
}

#[test]
fn a_product_that_needs_scratch_in_strips_only() {
    // Its pieces have few rows, or few columns.
    let plan = plan(&[&[250, 100], &[100, 256], &[256, 100]], DType::F32, |x| {
        vec![(0..4).fold(x[0], |h, _| h + (h.dot(x[1]) * 0.01).tanh().dot(x[2]) * 0.01)]
    });
    assert!(products(&plan) > 0, "{plan}");
    let plan = self::plan(&[&[30_000, 64], &[30_000, 32]], DType::F32, |x| {
        let (a, b) = (x[0].sin(), x[1].cos());
        vec![a.t().dot(b) * 1e-3, a.sum_axes(&[0])]
    });
    assert_eq!(products(&plan), 1, "{plan}");
}

#[test]
fn integers_and_what_has_no_result_in_strips() {
    let numbers = |n: usize, k: usize, by: i64| {
        let all = (0..n * k).map(|i| (i as i64 * by) % 13 - 6).collect::<Vec<_>>();
        Tensor::new(all, [n, k]).unwrap()
    };
    for zero in [false, true] {
        let (n, k) = (8_192, 40);
        let args = [numbers(n, k, 7), numbers(k, 60, 5), numbers(n, 60, 3)];
        let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
        let program = trace(&types, |x| {
            let y = x[0].dot(x[1]) + x[0].literal(3.0);
            let by = if zero { x[2] } else { x[2] * x[2] + x[2].literal(1.0) };
            vec![y / by - y, x[0].t().dot(y)]
        });
        let program = program.unwrap_or_else(|e| panic!("{e}"));
        let plan = check(&program, &args);
        assert!(products(&plan) > 0, "{plan}");
    }
}

#[test]
fn small_nests_between_products_keep_to_their_strips() {
    // The mean takes so little that code for it alone would not be split, and there is room for that of a strip.
    for dtype in [DType::F64, DType::F32] {
        let plan = plan(&[&[1024, 160], &[160, 160]], dtype, |x| {
            let mean = x[0].mean_axes(&[1]).expand_dims(1);
            let variance = (x[0] - mean).square().mean_axes(&[1]).expand_dims(1);
            let y = ((x[0] - mean) / (variance + 1e-3).sqrt()).reshape([8, 128, 160]);
            vec![y.matmul(y.transpose(&[0, 2, 1])), y.reshape([1024, 160]).dot(x[1])]
        });
        assert_eq!(products(&plan), 2, "{plan}");
    }
}

/// A value of a random program: any operation of a few that keep the number of its elements small.
fn grown(values: &[Var], choice: (u8, usize, usize)) -> Var {
    let (operation, a, b) = choice;
    let (a, b) = (values[a % values.len()], values[b % values.len()]);
    let (n, k) = (a.shape()[0], a.shape()[1]);
    match operation % 12 {
        0 => a.sin(),
        1 => a * b,
        2 => a.sum_axes(&[1]).expand_dims(1) * b,
        3 => a.max_axes(&[0]).expand_dims(0) - b,
        4 => a.flip(&[1]) + b,
        5 => a.flip(&[0]) * b,
        6 => Var::concat(&[a.slice_axis(1, 1, k), b.slice_axis(1, 0, 1)], 1),
        7 => Var::concat(&[a.slice_axis(0, 7, n), b.slice_axis(0, 0, 7)], 0),
        8 => a.sum_axes(&[0]).expand_dims(0).tanh() * b,
        9 => b.min_axes(&[0]).expand_dims(0) + a * a.square().mean().sqrt(),
        10 => (0..k).fold(b, |sum, i| sum - a.slice_axis(1, i, i + 1).reshape([n]).expand_dims(1)),
        _ => {
            let parts: Vec<Var> = (0..k).map(|i| a.slice_axis(1, k - 1 - i, k - i).cos()).collect();
            Var::concat(&parts, 1) * b.reshape([n * k]).reshape([n, k])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_programs(
        choices in prop::collection::vec((0u8..12, 0usize..50, 0usize..50), 4..16),
        n in 4_096usize..6_000,
        k in 4usize..7,
        wanted in 1usize..4,
    ) {
        plan(&[&[n, k]], DType::F64, |x| {
            let mut values = vec![x[0]];
            for &choice in &choices {
                let new = grown(&values, choice);
                values.push(new * 0.5);
            }
            values.iter().rev().step_by(2).take(wanted).copied().collect()
        });
    }

    #[test]
    fn random_batches_of_products(
        choices in prop::collection::vec((0u8..8, 0usize..50, 0usize..50), 3..9),
        (batch, n) in (8usize..20, 60usize..90),
        wanted in 1usize..3,
    ) {
        plan(&[&[batch, n, n], &[n, n]], DType::F64, |x| {
            let mut values = vec![x[0], x[1].broadcast_to([batch, n, n])];
            for &(operation, a, b) in &choices {
                let (a, b) = (values[a % values.len()], values[b % values.len()]);
                values.push(match operation {
                    0 => a.matmul(b) * 0.1,
                    1 => a.matmul(b.transpose(&[0, 2, 1])) * 0.1,
                    2 => a.tril().matmul(b) * 0.1,
                    3 => (a * b).sin(),
                    4 => a / (1.0 + b.square().sum_axes(&[2]).expand_dims(2)),
                    5 => a.sum_axes(&[0]).expand_dims(0) * 0.1 + b,
                    6 => a.flip(&[0]) - b,
                    _ => a.transpose(&[0, 2, 1]).tanh(),
                });
            }
            values.iter().rev().step_by(2).take(wanted).copied().collect()
        });
    }

    #[test]
    fn random_layers(
        choices in prop::collection::vec((0u8..9, 0usize..50, 0usize..50), 4..12),
        (n, k) in (300usize..1_200, 129usize..180),
        wanted in 1usize..4,
    ) {
        plan(&[&[n, k], &[k, k], &[k]], DType::F64, |x| {
            let mut values = vec![x[0]];
            for &(operation, a, b) in &choices {
                let (a, b) = (values[a % values.len()], values[b % values.len()]);
                values.push(match operation {
                    0 | 1 => a.dot(x[1]) * 0.1 + x[2],
                    2 => a.dot(x[1].t()).tanh() * 0.1,
                    3 => a - 0.1 * b.dot(a.t().dot(b) * 1e-3),
                    4 => a / (1.0 + b.square().sum_axes(&[1]).expand_dims(1)),
                    5 => a.sum_axes(&[0]).expand_dims(0) * 0.01 - b,
                    6 => a.flip(&[0]) + b.relu(),
                    7 => x[1].t().dot(a.t()).t() * 0.1,
                    _ => (a * b).sin(),
                });
            }
            values.iter().rev().step_by(2).take(wanted).copied().collect()
        });
    }
}
