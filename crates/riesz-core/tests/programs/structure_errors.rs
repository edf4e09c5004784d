//! What each structural operation says when its shapes do not fit, as a person reads it.
//!
//! The texts are in `golden/structure_errors.txt`; run with `UPDATE=1` to rewrite them. Places are
//! shown as the line of this file they name, so that they are checked and do not move.

use crate::differentiate::refusal;
use crate::golden;
use riesz_core::var::{ConvOptions, Window};
use riesz_core::{DType, Tensor, Type, Var};
use std::fmt::Write as _;

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(&Type::new(DType::F64, shape))
}

fn all() -> String {
    let mut text = String::new();
    let x = [zeros(&[2, 3]), zeros(&[4]), Tensor::from([0i64, 1]), Tensor::from([true, false])];
    let mut case = |f: fn(&[Var]) -> Var| {
        let _ = writeln!(
            text,
            "{}\n",
            golden::with_lines(&refusal(&x, f), include_str!("structure_errors.rs"), file!())
        );
    };
    // Reductions.
    case(|x| x[0].prod_axes(&[2]));
    case(|x| x[3].prod());
    case(|x| x[0].sum_axes(&[0, 0]));
    case(|x| x[0].max_axes(&[5]));
    case(|x| x[0].slice_axis(1, 0, 0).max_axes(&[1]));
    case(|x| x[2].var());
    case(|x| x[0].std_axes(&[3], 1));
    case(|x| x[0].norm_p(-1.0));
    case(|x| x[0].norm_p_axes(2.0, &[2]));
    case(|x| x[0].argmax(2));
    case(|x| x[0].slice_axis(1, 0, 0).argmin(1));
    case(|x| x[0].any());
    case(|x| x[3].all_axes(&[1]));
    // Running reductions and order.
    case(|x| x[0].cumsum(2));
    case(|x| x[3].cumprod(0));
    case(|x| x[3].cummin(0));
    case(|x| x[2].cumlogsumexp(0));
    case(|x| x[0].sort(2));
    case(|x| x[0].argsort(7));
    case(|x| x[0].top_k(4, 1).0);
    case(|x| x[0].take_along_axis(x[2], 0));
    case(|x| x[1].take_along_axis(x[1], 0));
    // Indices.
    case(|x| x[0].take(x[1], 0));
    case(|x| x[0].scatter_set(x[1], 0.0, 0));
    case(|x| x[0].scatter_set(x[2], x[1], 1));
    case(|x| x[0].scatter_add(x[2], x[1], 1));
    case(|x| x[0].scatter_max(x[2], 0.0, 2));
    case(|x| x[0].scatter_min(x[2], x[2], 0));
    case(|x| x[2].scatter_mul(x[2], 2, 0));
    case(|x| x[0].segment_sum(x[1], 3));
    case(|x| x[1].segment_sum(x[2], 3));
    case(|x| x[1].one_hot(3, DType::F64));
    case(|x| x[0].dynamic_slice(&[x[2].at(0)], &[1, 1]));
    case(|x| x[1].dynamic_slice(&[x[2]], &[1]));
    case(|x| x[1].dynamic_slice(&[x[2].at(0)], &[5]));
    case(|x| x[1].dynamic_update_slice(x[2], &[x[2].at(0)]));
    // Arrangements.
    case(|x| x[0].tile(&[usize::MAX, 2]));
    case(|x| x[0].repeat(2, 2));
    case(|x| x[0].roll(1, 3));
    case(|x| x[0].split(&[1, 1], 1)[0]);
    case(|x| x[0].strided(1, Some(4), None, 1));
    case(|x| x[0].strided(1, None, None, 0));
    case(|x| x[0].pad(&[(1, 1, 0)], 0.0));
    case(|x| x[1].pad(&[(-3, -3, 0)], 0.0));
    case(|x| x[1].pad(&[(i64::MAX, i64::MAX, usize::MAX)], 1.0));
    case(|x| Var::linspace(x[1], Var::constant([1.0, 2.0]), 3));
    case(|x| Var::linspace(x[2], 4, 3));
    case(|x| Var::concat(&[x[0], x[1]], 0));
    case(|_| Var::stack(&[], 0));
    case(|x| x[0].flip(&[2]));
    case(|x| x[0].broadcast_to([4, 3]));
    case(|x| x[0].reshape([4]));
    case(|x| x[0].transpose(&[0, 0]));
    case(|x| x[0].squeeze(0));
    case(|x| x[0].slice_axis(1, 2, 4));
    case(|x| x[0].slice_axis(2, 0, 1));
    case(|x| x[0].pad_axis(2, 0, 1));
    case(|x| x[1].at(4));
    // Products.
    case(|x| Var::einsum("ij,jk->ik", &[x[0]]));
    case(|x| Var::einsum("ij,jk->ik", &[x[0], x[1]]));
    case(|x| Var::einsum("ij,j->i", &[x[0], x[1]]));
    case(|x| Var::einsum("ii->i", &[x[0]]));
    case(|x| Var::einsum("ij->ik", &[x[0]]));
    case(|x| Var::einsum("ij->jj", &[x[0]]));
    case(|x| Var::einsum("i1->i", &[x[0]]));
    case(|x| Var::einsum("...j->j", &[x[0]]));
    case(|x| Var::einsum("i,i", &[x[2], x[3]]));
    case(|x| x[0].kron(x[1]));
    case(|x| x[0].dot(x[1]));
    case(|x| {
        let image = Var::zeros(&Type::new(DType::F64, [1, 2, 5]));
        let kernel = x[0].reshape([1, 1, 6]);
        image.conv(kernel, &ConvOptions::default())
    });
    case(|x| x[0].conv(x[1], &ConvOptions::default()));
    case(|x| {
        let image = Var::zeros(&Type::new(DType::F64, [1, 1, 5]));
        image.conv(x[0].reshape([1, 1, 6]), &ConvOptions::default())
    });
    case(|x| {
        let image = Var::zeros(&Type::new(DType::F64, [1, 3, 5]));
        let options = ConvOptions { groups: 2, ..ConvOptions::default() };
        image.conv(x[0].reshape([1, 3, 2]), &options)
    });
    case(|x| {
        let image = Var::zeros(&Type::new(DType::F64, [1, 3, 5]));
        let options = ConvOptions { stride: vec![1, 1], ..ConvOptions::default() };
        image.conv(x[0].reshape([1, 3, 2]), &options)
    });
    case(|x| x[0].max_pool(&Window { size: vec![2], ..Window::default() }));
    case(|x| {
        let padding = vec![(2, 0)];
        let window = Window { size: vec![2], padding, ..Window::default() };
        x[0].reshape([1, 1, 6]).max_pool(&window)
    });
    case(|x| {
        let window = Window { size: vec![2], stride: vec![0], ..Window::default() };
        x[0].reshape([1, 1, 6]).avg_pool(&window)
    });
    text
}

#[test]
fn errors_read_as_they_should() -> std::io::Result<()> {
    golden::check("programs/golden/structure_errors.txt", &all())
}

#[test]
fn every_error_names_an_operation_and_a_line() {
    for text in all().split("\n\n").filter(|t| !t.trim().is_empty()) {
        assert!(text.contains("\n  at `"), "{text}");
        assert!(!text.contains("no error"), "{text}");
        assert!(!text.contains("not well-formed"), "{text}");
    }
}
