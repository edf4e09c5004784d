//! Programs with structure: views of views, edges, reductions in a row, many uses.

use crate::common::check;
use crate::strips::plan;
use riesz_core::check::direction;
use riesz_core::var::{ConvOptions, Window};
use riesz_core::{DType, Tensor, Type, Var, trace};
use riesz_cpu::nest::Step;
use riesz_cpu::plan::{Place, Plan};

fn run(shapes: &[&[usize]], f: impl FnOnce(&[Var]) -> Vec<Var>) -> usize {
    let types: Vec<Type> = shapes.iter().map(|s| Type::new(DType::F64, *s)).collect();
    let program = trace(&types, f).unwrap_or_else(|e| panic!("{e}"));
    let program = riesz_core::simplify(&program, &Default::default());
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    check(&program, &args).region.steps.len()
}

#[test]
fn a_chain_is_one_nest() {
    let steps = run(&[&[1000]], |x| {
        let y = (x[0].tanh() * (-x[0].square()).exp() + x[0].square().log1p() * x[0].sin()).sqrt();
        vec![y, y.sum()]
    });
    assert_eq!(steps, 1);
}

#[test]
fn shifted_differences_are_cut_at_the_edges() {
    run(&[&[10]], |x| {
        let (a, b) = (x[0].slice_axis(0, 1, 10), x[0].slice_axis(0, 0, 9));
        let d = (a - b.square()) * 3.0;
        vec![d.sum(), d.pad_axis(0, 0, 1) + (d * 2.0).pad_axis(0, 1, 0)]
    });
}

#[test]
fn softmax_reads_its_argument_row_by_row() {
    run(&[&[5, 7]], |x| vec![x[0].softmax(1), x[0].log_softmax(0), x[0].logsumexp()]);
}

#[test]
fn views_of_views() {
    run(&[&[4, 6]], |x| {
        let y = x[0].exp().reshape([2, 2, 6]).transpose(&[2, 0, 1]).reshape([12, 2]);
        let z = x[0].flip(&[1]).t().slice_step(0, 0, 6, 2).reshape([12])
            + y.slice_axis(1, 0, 1).reshape([12]);
        let w = Var::concat(&[z, y.reshape([24]), z.square()], 0);
        vec![y, z, w, w.reshape([6, 8]).sum_axes(&[0]), x[0].reshape([3, 8])]
    });
}

#[test]
fn products_of_views() {
    run(&[&[30, 40], &[40, 50]], |x| {
        let (a, b) = (x[0], x[1]);
        let c = a.dot(b);
        vec![
            c,
            b.t().dot(a.t()),
            c.slice_axis(0, 3, 25).dot(b.t()).tanh(),
            a.flip(&[0]).dot(b.slice_step(1, 0, 50, 2)),
            a.dot(b.slice_axis(1, 3, 4)).sum(),
        ]
    });
}

#[test]
fn stacks_of_products() {
    run(&[&[3, 2, 17, 19], &[3, 2, 19, 18], &[5, 3, 4], &[5, 4]], |x| {
        let y = x[0].matmul(x[1]);
        let z = x[2].dot_general(x[3], &[(2, 1)], &[(0, 0)]);
        vec![y.square(), y.sum_axes(&[1, 3]), z, (z * 2.0).sum_axes(&[0])]
    });
}

#[test]
fn convolutions_of_views() {
    run(&[&[4, 6, 9, 12], &[8, 3, 3, 3], &[6, 4, 12, 9]], |x| {
        let options = ConvOptions {
            stride: vec![2, 1],
            padding: vec![(1, 1), (0, 2)],
            groups: 2,
            ..ConvOptions::default()
        };
        let plain = ConvOptions::default();
        let turned = x[2].transpose(&[1, 0, 3, 2]);
        let part = turned.slice_axis(1, 1, 4).flip(&[3]);
        let y = x[0].conv(x[1], &options);
        let window = Window { size: vec![2, 2], ..Window::default() };
        vec![
            y.tanh(),
            (turned + x[0]).conv(x[1], &options).max_pool(&window),
            part.conv(x[1].flip(&[2, 3]), &plain),
            turned.slice_step(3, 0, 12, 3).slice_axis(1, 0, 3).conv(x[1], &plain).avg_pool(&window),
        ]
    });
}

#[test]
fn many_values_are_joined_in_place() {
    run(&[&[6]], |x| {
        let parts: Vec<Var> = (0..6).map(|i| x[0].at(i).exp() * i as f64).collect();
        let whole = Var::stack(&parts, 0);
        vec![whole, whole.reshape([2, 3]).sum_axes(&[1])]
    });
}

#[test]
fn a_value_used_by_everyone() {
    run(&[&[8]], |x| {
        let y = x[0].exp();
        let mut results = vec![y.sum()];
        for i in 0..12 {
            results.push((y * f64::from(i)).slice_axis(0, i as usize % 4, 8).sum());
        }
        results
    });
}

#[test]
fn long_chains_are_divided() {
    run(&[&[3]], |x| {
        let mut y = x[0];
        for i in 0..3000 {
            y = (y * 0.5).sin() + x[0] * (1.0 / (1.0 + f64::from(i)));
        }
        vec![y]
    });
}

#[test]
fn empty_values() {
    run(&[&[0, 3], &[4]], |x| {
        let empty = x[0].exp();
        vec![empty, empty.sum(), empty.sum_axes(&[0]), x[1].slice_axis(0, 2, 2), x[0].t().dot(x[0])]
    });
}

#[test]
fn results_that_are_arguments_or_each_other() {
    run(&[&[2, 3]], |x| {
        let y = x[0].exp();
        vec![x[0], y, y, x[0].reshape([6]), y.reshape([3, 2]), y.t()]
    });
}

/// On tiles the last one has a single element, which is read once more after a result took its place.
#[test]
fn an_argument_that_is_given_away_is_still_read() {
    run(&[&[513]], |x| vec![2.0 * x[0], x[0].sum()]);
    run(&[&[1]], |x| vec![2.0 * x[0], Var::concat(&[x[0], x[0]], 0)]);
}

#[test]
fn a_factor_made_of_a_transposed_product_lies_as_that_does() {
    let types = [&[3, 20, 20][..], &[50, 20]].map(|s| Type::new(DType::F64, s));
    let program = trace(&types, |x| {
        let z = Var::einsum("kij,nj->kni", &[x[0], x[1]]);
        vec![Var::einsum("kni,nj->kij", &[z.sin() * z, x[1]])]
    });
    let program = program.unwrap_or_else(|e| panic!("{e}"));
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    let plan = check(&program, &args);
    let mut nests = plan.region.steps.iter().filter_map(|step| match step {
        Step::Nest(nest) if nest.body.len() > 1 => Some(nest),
        _ => None,
    });
    let nest = nests.next().unwrap_or_else(|| panic!("{plan}"));
    assert!(nest.accesses().all(|a| a.strides[..] == [1]), "{plan}");
}

#[test]
fn what_is_joined_to_be_transposed_is_written_once() {
    let steps = run(&[&[4, 30]], |x| {
        let part = |i: usize| (x[0] * (i as f64 + 1.0)).slice_axis(0, i, i + 1);
        vec![Var::concat(&[part(3), part(0), part(2), part(1), part(0)], 0).t()]
    });
    assert_eq!(steps, 1);
    run(&[&[4, 3, 5]], |x| {
        let part = |i: usize| x[0].exp().slice_axis(1, i % 3, i % 3 + 1);
        let joined = Var::concat(&[part(0), part(1), part(2), part(4), part(3)], 1);
        let turned = joined.transpose(&[2, 0, 1]);
        let other = Var::concat(&[part(0), part(1), part(1), part(2)], 2);
        vec![turned, turned.sum_axes(&[1]), other.transpose(&[1, 2, 0]), other]
    });
}

#[test]
fn what_many_nests_go_on_with_is_computed_once() {
    // y ← y + M·(y/2): each sum is read by the next product and by the next sum.
    let matrix = Type::new(DType::F64, [10, 10]);
    let program = trace(&[matrix.clone(), Type::new(DType::F64, [10])], |x| {
        vec![(0..30).fold(x[1], |y, _| y + x[0].dot(y * 0.5))]
    });
    let program = program.unwrap_or_else(|e| panic!("{e}"));
    let args =
        [direction(&matrix, 1).unwrap(), direction(&Type::new(DType::F64, [10]), 2).unwrap()];
    let plan = check(&program, &args);
    for step in &plan.region.steps {
        let Step::Nest(nest) = step else { continue };
        assert!(nest.body.len() < 10, "{nest:?}");
    }
}

/// Bytes of the largest buffer that is neither an argument nor a result.
fn largest_between(plan: &Plan) -> usize {
    let between = plan.buffers.iter().filter(|b| matches!(b.place, Place::Workspace(_)));
    between.map(|b| b.bytes()).max().unwrap_or(0)
}

#[test]
fn what_is_stored_is_what_is_expensive() {
    // Two nests need eˣ, repeated along the columns or the rows of a matrix, or everywhere: neither that nor
    // its products are stored for it.
    for shape in [&[500][..], &[400, 1], &[1]] {
        let plan = plan(&[shape, &[400, 500]], DType::F64, |x| {
            let factor = x[0].exp().broadcast_to([400, 500]);
            let product = factor * x[1];
            vec![product + factor * product.sum_axes(&[0]).broadcast_to([400, 500])]
        });
        assert!(largest_between(&plan) < 8 * 400 * 500 / 8, "{plan}");
    }
}

#[test]
fn what_is_only_repeated_is_not_stored() {
    // Many nests need eˣ along the columns of a matrix.
    let plan = plan(&[&[50], &[40, 50]], DType::F64, |x| {
        let factor = x[0].exp().broadcast_to([40, 50]);
        let next =
            |sums: Var| (factor * (x[1] + sums.broadcast_to([40, 50]))).sum_axes(&[0]) * 0.01;
        vec![(0..8).fold(x[0], |sums, _| next(sums))]
    });
    assert_eq!(largest_between(&plan), 400, "{plan}");
}

/// The numbers of a tensor as indices below a bound.
fn indices(x: Var, bound: f64) -> Var {
    ((x.sin() * 0.5 + 0.5) * (bound - 1.0)).round().cast(DType::I64)
}

#[test]
fn tangents_lie_where_the_jacobian_has_them() {
    // A batch in front becomes the columns: a product, the indices, and one nest that reads whole rows.
    let steps = run(&[&[200, 12], &[4, 12, 3], &[70]], |x| {
        let moved = Var::einsum("vk,dki->dvi", &[x[0], x[1]]);
        let taken = moved.take(indices(x[2], 200.0), 1);
        vec![(taken * 2.0).reshape([4, 210]).t()]
    });
    assert_eq!(steps, 3);
    // Read in other orders too, as other shapes, and by those that need it row by row.
    run(&[&[200, 12], &[4, 12, 3], &[5, 14]], |x| {
        let moved = Var::einsum("vk,dki->dvi", &[x[0], x[1]]);
        let i = indices(x[2], 200.0);
        let sum = moved + moved.tanh();
        let flat = moved.reshape([4, 600]);
        vec![
            sum.take(i, 1).reshape([4, 210]).t(),
            moved.flip(&[1]).take(i, 1).transpose(&[1, 2, 3, 0]),
            flat.sum_axes(&[0]) + sum.reshape([4, 600]).exp().sum_axes(&[0]),
            flat.t().slice_axis(0, 3, 40),
            flat.dot(flat.t()),
            moved.sort(1),
        ]
    });
    run(&[&[9, 40, 12], &[9, 12, 30], &[6]], |x| {
        let stack = x[0].matmul(x[1]).transpose(&[2, 0, 1]);
        let i = indices(x[2], 9.0);
        vec![stack.take(i, 1), stack.take(i, 0).transpose(&[2, 1, 0]), stack.sum_axes(&[1])]
    });
}

#[test]
fn what_an_index_names_is_read_as_a_whole() {
    // Tables of three corners, blended at points: the loop of the points is outside, the rest is one row.
    let types = [
        Type::new(DType::F64, [40, 3, 3, 7]),
        Type::new(DType::F64, [500, 2]),
        Type::new(DType::I64, [500]),
    ];
    let program = trace(&types, |x| {
        let corners = x[0].take(x[2], 0);
        let corner = |i| corners.slice_axis(1, i, i + 1).reshape([500, 3, 7]);
        let share = |i| x[1].slice_axis(1, i, i + 1).expand_dims(2).broadcast_to([500, 3, 7]);
        vec![corner(0) * share(0) + corner(1) * share(1) + corner(2)]
    });
    let program = riesz_core::simplify(&program.unwrap(), &Default::default());
    let indices: Vec<i64> = (0..500).map(|i| i * 17 % 40).collect();
    let mut args: Vec<Tensor> = (0..2).map(|i| direction(&types[i], i as u64).unwrap()).collect();
    args.push(Tensor::from(indices));
    let plan = check(&program, &args);
    let [Step::Nest(nest)] = plan.region.steps.as_slice() else { panic!("{plan}") };
    assert_eq!((nest.extents.as_slice(), nest.vector), (&[500, 21][..], Some(1)), "{plan}");
}

#[test]
fn views_are_gathered_without_a_copy() {
    let steps = run(&[&[30, 20], &[7]], |x| {
        let i = indices(x[1], 20.0);
        vec![x[0].t().take(i, 0), x[0].flip(&[0]).slice_step(1, 0, 20, 2).take(i / 2, 1)]
    });
    assert_eq!(steps, 3);
    run(&[&[6, 5], &[4]], |x| {
        let i = indices(x[1], 5.0);
        let row = x[0].at(0).broadcast_to([3, 5]);
        let padded = x[0].pad_axis(0, 1, 0);
        vec![
            row.take(i, 1),
            row.t().take(i, 0),
            padded.take(i, 0),
            x[0].reshape([10, 3]).take(i, 0),
        ]
    });
}

#[test]
fn a_long_chain_may_end_where_an_argument_was() {
    // The last argument is read after the chain's value is there, and may be given away for it.
    run(&[&[200], &[200]], |x| {
        let y = (0..40).fold(x[0], |y, _| y * 0.5 + x[1]);
        vec![y, x[0] + y * 3.0]
    });
    // Two nests, so that no loop has a range; one vector of the outer loop, and a part of one.
    for n in [6, 12, 20] {
        run(&[&[n], &[17]], |x| {
            let a = x[0].reshape([n, 1]).broadcast_to([n, 17]);
            let t = x[1].reshape([1, 17]).broadcast_to([n, 17]);
            let y = (0..45).fold(a, |y, _| y * t + a);
            vec![y.sum_axes(&[1]), x[1] * 2.0]
        });
    }
}

#[test]
fn gathers_from_other_shapes_of_views() {
    let types = [Type::new(DType::F64, [30, 4, 3]), Type::new(DType::I64, [5])];
    let program = trace(&types, |x| {
        let one = |i| x[0].at(i).t().reshape([2, 6]).t().take(x[1], 0);
        (0..30).map(one).collect()
    });
    let program = riesz_core::simplify(&program.unwrap(), &Default::default());
    let args = [direction(&types[0], 1).unwrap(), Tensor::from([3i64, 0, 5, 2, 2])];
    check(&program, &args);
}
