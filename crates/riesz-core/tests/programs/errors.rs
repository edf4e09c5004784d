//! What each operation says when its arguments do not fit, as a person reads it.
//!
//! The texts are in `golden/errors.txt`; run with `UPDATE=1` to rewrite them. Places are
//! shown as the line of this file they name, so that they are checked and do not move.

use crate::differentiate::refusal;
use crate::golden;
use riesz_core::primitive::TriangularSolve;
use riesz_core::var::{ConvOptions, Window};
use riesz_core::{DType, Key, Tensor, Type, Var, trace};
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
            golden::with_lines(&refusal(&x, f), include_str!("errors.rs"), file!())
        );
    };
    // Map and two arguments.
    case(|x| x[3].exp());
    case(|x| -x[3]);
    case(|x| x[2].sqrt().sum());
    case(|x| x[3].powi(2));
    case(|x| x[2].powi(-1));
    case(|x| x[2].relu() + x[3].relu());
    case(|x| x[2].leaky_relu(0.1));
    case(|x| x[2].elu(1.0));
    case(|x| x[2].gelu());
    case(|x| x[2].silu());
    case(|x| x[2].sinc());
    case(|x| x[2].polygamma(2));
    case(|x| x[0].clip(x[1], 1.0));
    case(|x| x[0] + x[1]);
    case(|x| x[0] - x[1]);
    case(|x| x[0] * x[2]);
    case(|x| x[0] / x[1]);
    case(|x| x[1] - x[2].sum());
    case(|x| Var::select(x[3].at(0), x[2].sum(), x[1]));
    case(|x| x[0] % x[1]);
    case(|x| x[3] + x[3]);
    case(|x| x[2] + 0.5);
    case(|x| x[0].pow(x[1]));
    case(|x| x[0].atan2(x[1]));
    case(|x| x[2].hypot(x[2]));
    case(|x| x[0].maximum(x[1]));
    case(|x| x[0].minimum(x[1]));
    case(|x| x[2].logaddexp(x[2]));
    case(|x| x[0].xlogy(x[1]));
    case(|x| x[0].lt(x[1]));
    case(|x| x[0].le(x[2]));
    case(|x| x[0].gt(x[1]));
    case(|x| x[0].ge(x[1]));
    case(|x| x[0].eq(x[1]));
    case(|x| x[0].ne(x[1]));
    case(|x| x[3].and(x[2]));
    case(|x| x[3].or(x[0].gt(0.0).at(0)));
    case(|x| x[3].xor(x[1]));
    case(|x| x[0].not());
    case(|x| Var::select(x[0], 1.0, 0.0));
    case(|x| Var::select(x[3], x[0], x[0]));
    case(|x| Var::select(x[1].gt(0.0), x[1], x[2]));
    case(|x| x[0].scale(x[1]));
    case(|x| x[2].full_like(0.5));
    case(|x| x[2].literal(0.5));
    // Reductions.
    case(|x| x[3].sum());
    case(|x| x[2].mean());
    case(|x| x[0].mean_axes(&[4]));
    case(|x| x[0].min_axes(&[2]));
    case(|x| x[2].norm());
    case(|x| x[2].logsumexp());
    case(|x| x[0].logsumexp_axes(&[3]));
    case(|x| x[0].softmax(2));
    case(|x| x[2].log_softmax(0));
    case(|x| x[0].keep_axes(&[5]));
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
    case(|x| x[0].cummax(2));
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
    case(|x| x[3].scatter_mul(x[2], x[3], 0));
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
    case(|x| x[0].slice_step(1, 0, 3, 0));
    case(|x| x[0].pad_axis(2, 0, 1));
    case(|x| x[1].at(4));
    case(|x| x[0].expand_dims(4));
    case(|x| x[0].move_axis(0, 2));
    case(|x| x[0].take(x[2], 2));
    case(|x| x[0].broadcast_leading(usize::MAX));
    case(|x| Var::stack(&[x[0], x[0]], 4));
    case(|x| Var::stack(&[x[0], x[1]], 0));
    case(|_| Var::iota(DType::Bool, 3));
    case(|x| x[1].at(0).at(0));
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
    case(|x| x[0].matmul(x[1]));
    case(|x| x[0].matmul(x[1].at(0)));
    case(|x| x[0].broadcast_to([5, 2, 3]).matmul(x[0].t().broadcast_to([4, 3, 2])));
    case(|x| x[0].outer(x[2]));
    case(|x| x[0].dot_general(x[1], &[(0, 0)], &[]));
    case(|x| x[0].dot_general(x[1], &[(7, 0)], &[]));
    // Linear algebra.
    case(|x| x[0].inverse());
    case(|x| x[1].inverse());
    case(|x| square(x).solve(x[1]));
    case(|x| x[0].solve(x[1]));
    case(|x| x[0].det());
    case(|x| x[0].logdet());
    case(|x| x[1].slogdet().0);
    case(|x| x[1].trace());
    case(|x| x[1].diagonal());
    case(|x| x[1].at(0).diag());
    case(|x| x[1].tril());
    case(|x| x[1].triu());
    case(|x| x[1].mirrored());
    case(|x| x[0].matrix_power(3));
    case(|x| square(x).triangular_solve(x[1], TriangularSolve::LOWER));
    case(|x| x[0].cholesky());
    case(|x| x[2].lu().0);
    case(|x| x[1].qr().0);
    case(|x| x[0].eigh().0);
    case(|x| x[1].svd().0);
    case(|x| x[2].pinv());
    case(|x| x[1].cond());
    case(|x| x[0].lstsq(x[1]));
    case(|x| x[0].expm());
    // Fourier transforms.
    case(|x| x[0].fft(0));
    case(|x| x[0].fft(1));
    case(|x| x[1].ifft(0));
    case(|x| x[1].rfft(3));
    case(|x| x[2].rfft(0));
    case(|x| x[0].t().irfft(0, 8));
    case(|x| x[1].irfft(0, 8));
    // Random numbers.
    case(|x| Key::from_seed(x[1]).0);
    case(|x| Key(x[1]).fold_in(3).0);
    case(|x| Key(x[0]).split_many(3));
    case(|_| Key::new(1).bits([2], 64));
    case(|_| Key::new(1).uniform([2], DType::I64));
    case(|_| Key::new(1).normal([2], DType::Bool));
    case(|_| Key::new(1).gumbel([2], DType::I32));
    case(|x| Key::new(1).bernoulli(x[1], [3]));
    case(|x| Key::new(1).categorical(x[2]));
    case(|x| Key::new(1).categorical(x[1].at(0)));
    case(|x| Key(x[1]).permutation(3));
    text
}

/// The left square of the matrix.
fn square(x: &[Var]) -> Var {
    x[0].slice_axis(1, 0, 2)
}

#[test]
fn errors_read_as_they_should() -> std::io::Result<()> {
    golden::check("programs/golden/errors.txt", &all())
}

#[test]
fn every_error_names_an_operation_and_a_line() {
    for text in all().split("\n\n").filter(|t| !t.trim().is_empty()) {
        assert!(text.contains("\n  at `"), "{text}");
        assert!(!text.contains("no error"), "{text}");
        assert!(!text.contains("not well-formed"), "{text}");
    }
}

/// Operations that take whatever they are given, or only make constants.
const NEVER_REFUSE: &[&str] = &[
    "broadcast_with",
    "cast",
    "eye",
    "flatten",
    "is_finite",
    "is_nan",
    "new",
    "ones_like",
    "split",
    "stop_gradient",
    "t",
    "zeros",
    "zeros_like",
];

/// Every method of `Var` and `Key` refuses something here, or is one of a family whose members
/// refuse the same, or takes everything.
#[test]
fn every_operation_is_among_the_cases() -> std::io::Result<()> {
    let cases = include_str!("errors.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/var");
    let mut missing = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(file?.path())?;
        let methods = text.lines().filter_map(|l| l.strip_prefix("    pub fn "));
        for name in methods.filter_map(|l| l.split(['(', '<']).next()) {
            let called = [format!(".{name}("), format!("::{name}(")];
            let of_all = cases.contains(&format!(".{name}_axes("));
            let of_some = cases.contains(&format!(".{}(", name.trim_end_matches("_axes")));
            let known = of_all || of_some || called.iter().any(|c| cases.contains(c));
            if !known && !NEVER_REFUSE.contains(&name) {
                missing.push(name.to_string());
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_value_shows_what_it_is() {
    let mut kept = Var::poison();
    let f = trace(&[Type::new(DType::F64, [2, 3])], |x| {
        kept = x[0];
        assert_eq!(format!("{:?}", x[0]), "%0: f64[2,3]");
        assert_eq!(format!("{:?}", x[0].sum()), "%1: f64[]");
        vec![x[0]]
    });
    assert!(f.is_ok());
    assert_eq!(format!("{kept:?}"), "a value of a trace that has ended");
    assert_eq!(format!("{:?}", Var::poison()), "a value that failed");
}
