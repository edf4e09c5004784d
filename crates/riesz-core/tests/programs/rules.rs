//! An example of every simplification rule: what is written, and what it becomes.
//!
//! The rule has to fire, the result has to be that of the form on the right, and the values have to
//! agree: to the last bit, at NaN, infinities and −0 too, where the rule says it is exact.

use crate::differentiate::{numbers, types};
use riesz_core::primitive::{
    Broadcast, Concat, Conv, Gather, IntegerPower, Pad, Reduce, Reduction, Reshape, Slice,
    Transpose,
};
use riesz_core::simplify::{Class, rules, simplify_explained};
use riesz_core::{DType, Result, SimplifyOptions, Tensor, Var, apply1, eval, simplify, trace};
use std::collections::BTreeSet;

type Form = fn(&In) -> Var;

/// What the forms are made of.
struct In {
    /// Numbers, f64[3].
    x: Var,
    y: Var,
    /// Positive numbers, f64[3].
    p: Var,
    /// A number.
    c: Var,
    /// f64[2,3] and f64[3,2].
    a: Var,
    b: Var,
    /// Truth values, bool[3].
    m: Var,
    /// Whole numbers, i64[3].
    k: Var,
}

impl In {
    fn of(x: &[Var]) -> In {
        In { x: x[0], y: x[1], p: x[2], c: x[3], a: x[4], b: x[5], m: x[6], k: x[7] }
    }

    /// Positive numbers of which simplification knows that they are not negative.
    fn sure(&self) -> Var {
        self.p.exp()
    }
}

fn args(edges: bool) -> Vec<Tensor> {
    let inf = f64::INFINITY;
    let (x, y) = match edges {
        false => (numbers(&[3], 1), numbers(&[3], 2)),
        true => (Tensor::from([-0.0, f64::NAN, inf]), Tensor::from([0.0, -inf, 1.5])),
    };
    let p = if edges { [0.0, inf, 1e-310] } else { [0.3, 1.7, 2.6] };
    vec![
        x,
        y,
        Tensor::from(p),
        Tensor::from(if edges { -inf } else { 0.7 }),
        numbers(&[2, 3], 3),
        numbers(&[3, 2], 4),
        Tensor::from([true, false, true]),
        Tensor::from([4i64, 0, -3]),
    ]
}

fn full(value: f64) -> Var {
    Var::constant(value).broadcast_to([3])
}

fn diagonal(v: Var) -> Var {
    Var::eye(DType::F64, 3) * v.broadcast_to([3, 3])
}

/// A symmetric matrix, f64[3,3].
fn symmetric(i: &In) -> Var {
    i.a.t().dot(i.a).sin()
}

/// A symmetric matrix that has an inverse.
fn regular(i: &In) -> Var {
    i.a.t().dot(i.a) + Var::eye(DType::F64, 3)
}

fn norm(x: Var) -> Var {
    let s = x.square().sum();
    let zero = s.eq(0.0);
    Var::select(zero, 0.0, Var::select(zero, 1.0, s).sqrt())
}

fn slice(x: Var, start: usize, limit: usize) -> Var {
    apply1(Slice { start: vec![start], limit: vec![limit], stride: vec![1] }, &[x])
}

fn pad(x: Var, low: i64, high: i64) -> Var {
    apply1(Pad { low: vec![low], high: vec![high], interior: vec![0] }, &[x])
}

// x − x and x/x are what two of the rules are about.
#[allow(clippy::eq_op)]
const EXAMPLES: &[(&str, Form, Form)] = &[
    ("neg_neg", |i| -(-i.x), |i| i.x),
    ("times_one", |i| i.x * 1.0, |i| i.x),
    ("over_one", |i| i.x / 1.0, |i| i.x),
    ("times_minus_one", |i| -1.0 * i.x, |i| -i.x),
    ("over_minus_one", |i| i.x / -1.0, |i| -i.x),
    ("plus_negative_zero", |i| i.x + -0.0, |i| i.x),
    ("plus_negative_zero", |i| i.k + 0, |i| i.k),
    ("minus_zero", |i| i.x - 0.0, |i| i.x),
    ("negative_zero_minus", |i| -0.0 - i.x, |i| -i.x),
    ("plus_zero", |i| i.x + 0.0, |i| i.x),
    ("plus_zero", |i| i.x - -0.0, |i| i.x),
    ("zero_minus", |i| 0.0 - i.x, |i| -i.x),
    ("plus_negative", |i| i.x + -i.y, |i| i.x - i.y),
    ("minus_negative", |i| i.x - -i.y, |i| i.x + i.y),
    ("negative_times_negative", |i| -i.x * -i.y, |i| i.x * i.y),
    ("negative_times_negative", |i| -i.x / -i.y, |i| i.x / i.y),
    ("times_negative", |i| i.x * -i.y, |i| -(i.x * i.y)),
    ("times_negative", |i| -i.x / i.y, |i| -(i.x / i.y)),
    ("negative_of_multiple", |i| -(3.0 * i.x), |i| -3.0 * i.x),
    ("negative_of_difference", |i| -(i.x - i.y), |i| i.y - i.x),
    ("plus_itself", |i| i.x + i.x, |i| 2.0 * i.x),
    ("multiple_of_multiple", |i| 3.0 * (5.0 * i.x), |i| 15.0 * i.x),
    ("plus_constants", |i| (i.x + 3.0) + 5.0, |i| i.x + 8.0),
    ("over_power_of_two", |i| i.x / 4.0, |i| 0.25 * i.x),
    ("even_of_negative", |i| (-i.x).cos(), |i| i.x.cos()),
    ("even_of_negative", |i| (-i.x).powi(4), |i| i.x.powi(4)),
    ("odd_of_negative", |i| (-i.x).sin(), |i| -i.x.sin()),
    ("odd_of_negative", |i| (-i.x).powi(3), |i| -i.x.powi(3)),
    ("abs_of_not_negative", |i| i.sure().abs(), |i| i.sure()),
    ("splat_constant", |i| i.x + Var::constant([7.0, 7.0, 7.0]), |i| i.x + 7.0),
    ("fold_constants", |i| i.x + Var::constant(2.0).exp(), |i| i.x + 2f64.exp()),
    (
        "elementwise_of_broadcasts",
        |i| (i.c.broadcast_to([3]) * full(3.0)).sin(),
        |i| (i.c * 3.0).sin().broadcast_to([3]),
    ),
    ("reduce_of_nothing", |i| i.x + slice(i.y, 1, 1).sum(), |i| i.x + Var::constant(0.0)),
    (
        "reduce_before_broadcast",
        |i| i.x.broadcast_to([2, 3]).sum_axes(&[1]),
        |i| i.x.sum().broadcast_to([2]),
    ),
    ("extreme_of_broadcast", |i| i.x.broadcast_to([2, 3]).max_axes(&[0]), |i| i.x),
    ("sum_of_broadcast", |i| i.x.broadcast_to([2, 3]).sum_axes(&[0]), |i| 2.0 * i.x),
    ("log_exp", |i| i.x.exp().log(), |i| i.x),
    ("log1p_expm1", |i| i.x.expm1().log1p(), |i| i.x),
    ("log_one_plus", |i| (1.0 + i.x).log(), |i| i.x.log1p()),
    ("log1p_exp", |i| i.x.exp().log1p(), |i| i.x.softplus()),
    ("exp_minus_one", |i| i.x.exp() - 1.0, |i| i.x.expm1()),
    ("one_minus_exp", |i| 1.0 - i.x.exp(), |i| -i.x.expm1()),
    ("expm1_plus_one", |i| i.x.expm1() + 1.0, |i| i.x.exp()),
    ("recip_one_plus_exp", |i| (1.0 + i.x.exp()).recip(), |i| (-i.x).sigmoid()),
    ("over_one_plus_exp", |i| i.y / (1.0 + i.x.exp()), |i| i.y * (-i.x).sigmoid()),
    ("exp_over_one_plus_exp", |i| i.x.exp() * (-i.x).sigmoid(), |i| i.x.sigmoid()),
    ("one_minus_sigmoid", |i| 1.0 - i.x.sigmoid(), |i| (-i.x).sigmoid()),
    ("log_sigmoid", |i| i.x.sigmoid().log(), |i| -(-i.x).softplus()),
    (
        "log_cosh",
        |i| i.x.cosh().log(),
        |i| {
            let (up, down) = (2.0 * i.x, -2.0 * i.x);
            0.5 * (up.softplus() + down.softplus()) - 2f64.ln()
        },
    ),
    (
        "log_sum_exp",
        |i| i.x.exp().sum().log(),
        |i| {
            let largest = i.x.max();
            let fixed = largest.stop_gradient();
            // Nothing is subtracted where the largest is infinite; +∞ is the result itself.
            let inf = Var::constant(f64::INFINITY);
            let zero = Var::constant(0.0);
            let shift = Var::select(fixed.abs().lt(inf), fixed, zero);
            let sum = (i.x - shift).exp().sum().log() + shift;
            Var::select(largest.eq(inf), largest, sum)
        },
    ),
    ("power_0", |i| apply1(IntegerPower { n: 0 }, &[i.x]), |_| full(1.0)),
    ("power_1", |i| apply1(IntegerPower { n: 1 }, &[i.x]), |i| i.x),
    ("power_2", |i| apply1(IntegerPower { n: 2 }, &[i.x]), |i| i.x.square()),
    ("power_minus_1", |i| i.x.powi(-1), |i| i.x.recip()),
    ("whole_power", |i| i.x.pow(5.0), |i| i.x.powi(5)),
    ("power_half", |i| i.p.pow(0.5), |i| i.p.sqrt()),
    ("power_of_power", |i| i.x.powi(3).powi(5), |i| i.x.powi(15)),
    ("product_with_itself", |i| i.x * i.x, |i| i.x.square()),
    ("one_over", |i| 1.0 / i.x, |i| i.x.recip()),
    ("recip_of_recip", |i| i.x.recip().recip(), |i| i.x),
    ("times_recip", |i| i.x * i.y.recip(), |i| i.x / i.y),
    ("over_recip", |i| i.x / i.y.recip(), |i| i.x * i.y),
    ("recip_of_sqrt", |i| i.p.sqrt().recip(), |i| i.p.rsqrt()),
    ("sqrt_of_square", |i| i.x.square().sqrt(), |i| i.x.abs()),
    ("square_of_sqrt", |i| i.sure().sqrt().square(), |i| i.sure()),
    ("square_of_norm", |i| norm(i.x).square(), |i| i.x.square().sum()),
    ("dot_of_transpose", |i| i.a.t().dot(i.a), |i| i.a.dot_general(i.a, &[(0, 0)], &[])),
    ("transpose_of_dot", |i| i.a.dot(i.b).t(), |i| i.b.dot_general(i.a, &[(0, 1)], &[])),
    ("sum_of_products", |i| i.a.dot(i.b) - i.a.dot(i.a.t()), |i| i.a.dot(i.b - i.a.t())),
    ("sum_of_products", |i| i.b.dot(i.a) + i.a.t().dot(i.a), |i| (i.b + i.a.t()).dot(i.a)),
    ("sum_of_sum", |i| i.a.sum_axes(&[1]).sum(), |i| i.a.sum()),
    ("difference_with_itself", |i| i.x - i.x, |_| full(0.0)),
    ("quotient_with_itself", |i| i.x / i.x, |_| full(1.0)),
    ("times_zero", |i| i.x * 0.0, |_| full(0.0)),
    ("zero_over", |i| 0.0 / i.x, |_| full(0.0)),
    ("exp_log", |i| i.p.log().exp(), |i| i.p),
    ("square_of_any_sqrt", |i| i.p.sqrt().square(), |i| i.p),
    ("scale_of_zero", |i| i.x.scale(full(0.0)), |_| full(0.0)),
    ("scale_by_one", |i| full(1.0).scale(i.x), |i| i.x),
    ("scale_of_nonzero", |i| i.x.scale(full(2.0)), |i| i.x * 2.0),
    (
        "scale_by_finite",
        |i| Var::constant([1.0, 2.0, 3.0]).scale(i.y),
        |i| Var::constant([1.0, 2.0, 3.0]) * i.y,
    ),
    ("scale_of_negative", |i| i.x.scale(-i.y), |i| -i.x.scale(i.y)),
    ("scale_by_negative", |i| (-i.x).scale(i.y), |i| -i.x.scale(i.y)),
    (
        "select_by_constant",
        |i| Var::select(Var::constant(true).broadcast_to([3]), i.x, i.y),
        |i| i.x,
    ),
    ("select_of_same", |i| Var::select(i.m, i.x, i.x), |i| i.x),
    ("select_by_not", |i| Var::select(i.m.not(), i.x, i.y), |i| Var::select(i.m, i.y, i.x)),
    (
        "select_of_select",
        |i| Var::select(i.m, Var::select(i.m, i.x, i.y), 5.0),
        |i| Var::select(i.m, i.x, 5.0),
    ),
    (
        "select_of_select",
        |i| Var::select(i.m, 5.0, Var::select(i.m, i.x, i.y)),
        |i| Var::select(i.m, 5.0, i.y),
    ),
    ("logical_with_constant", |i| i.m.and(Var::constant(true).broadcast_to([3])), |i| i.m),
    (
        "logical_with_constant",
        |i| i.m.or(Var::constant(true).broadcast_to([3])),
        |_| Var::constant(true).broadcast_to([3]),
    ),
    ("logical_of_same", |i| i.m.and(i.m), |i| i.m),
    ("not_not", |i| i.m.not().not(), |i| i.m),
    ("not_equal", |i| i.x.eq(i.y).not(), |i| i.x.ne(i.y)),
    ("extreme_of_same", |i| i.x.maximum(i.x), |i| i.x),
    ("move_nothing", |i| apply1(Reshape { shape: [3].into() }, &[i.x]), |i| i.x),
    ("move_nothing", |i| apply1(Transpose { order: vec![0, 1] }, &[i.a]), |i| i.a),
    ("move_nothing", |i| slice(i.x, 0, 3), |i| i.x),
    ("move_nothing", |i| pad(i.x, 0, 0), |i| i.x),
    ("move_nothing", |i| apply1(Concat { axis: 0 }, &[i.x]), |i| i.x),
    ("move_nothing", |i| i.x.flip(&[]), |i| i.x),
    ("move_nothing", |i| apply1(Broadcast { shape: [3].into(), axes: vec![0] }, &[i.x]), |i| i.x),
    ("move_nothing", |i| apply1(Reduce { op: Reduction::Sum, axes: vec![] }, &[i.x]), |i| i.x),
    ("reshape_of_reshape", |i| i.a.reshape([6]).reshape([3, 2]), |i| i.a.reshape([3, 2])),
    (
        "reshape_of_broadcast",
        |i| i.c.broadcast_to([6]).reshape([2, 3]),
        |i| i.c.broadcast_to([2, 3]),
    ),
    (
        "transpose_of_transpose",
        |i| i.a.reshape([1, 2, 3]).transpose(&[1, 2, 0]).transpose(&[2, 1, 0]),
        |i| i.a.reshape([1, 2, 3]).transpose(&[0, 2, 1]),
    ),
    (
        "transpose_of_broadcast",
        |i| i.x.broadcast_to([2, 3]).t(),
        |i| apply1(Broadcast { shape: [3, 2].into(), axes: vec![0] }, &[i.x]),
    ),
    (
        "broadcast_of_broadcast",
        |i| i.x.broadcast_leading(2).broadcast_leading(4),
        |i| i.x.broadcast_to([4, 2, 3]),
    ),
    ("slice_of_slice", |i| slice(slice(i.x, 1, 3), 1, 2), |i| slice(i.x, 2, 3)),
    ("slice_of_broadcast", |i| slice(i.c.broadcast_to([3]), 1, 3), |i| i.c.broadcast_to([2])),
    ("slice_of_pad", |i| slice(pad(i.x, 2, 1), 2, 5), |i| i.x),
    ("slice_of_concat", |i| slice(Var::concat(&[i.x, i.y], 0), 4, 6), |i| slice(i.y, 1, 3)),
    ("gather_of_steps", |i| i.x.take(Var::constant([1i64, 2]), 0), |i| slice(i.x, 1, 3)),
    ("cut_of_conv", |i| cut(conv(i, 0, 0), 1, 2), |i| conv(i, 1, 2)),
    ("flip_of_flip", |i| i.a.flip(&[0]).flip(&[1]), |i| i.a.flip(&[0, 1])),
    ("flip_of_flip", |i| i.x.flip(&[0]).flip(&[0]), |i| i.x),
    (
        "flip_of_broadcast",
        |i| i.x.broadcast_to([2, 3]).flip(&[0, 1]),
        |i| i.x.flip(&[0]).broadcast_to([2, 3]),
    ),
    ("cast_of_cast", |i| i.m.cast(DType::I32).cast(DType::F64), |i| i.m.cast(DType::F64)),
    ("pad_of_pad", |i| pad(pad(i.x, 1, 0), 2, 3), |i| pad(i.x, 3, 3)),
    ("transpose_of_symmetric", |i| regular(i).inverse().t(), |i| regular(i).inverse()),
    (
        "dot_with_symmetric",
        |i| symmetric(i).dot(i.b),
        |i| symmetric(i).dot_general(i.b, &[(0, 0)], &[]),
    ),
    ("dot_with_multiple", |i| i.a.dot((-i.a).t()), |i| -i.a.dot(i.a.t())),
    ("dot_with_multiple", |i| i.a.dot((2.0 * i.a).t()), |i| i.a.literal(2.0) * i.a.dot(i.a.t())),
    ("dot_with_diagonal", |i| diagonal(i.x).dot(i.b), |i| i.x.expand_dims(1) * i.b),
    ("sum_of_diagonal", |i| diagonal(i.x).sum_axes(&[0]), |i| i.x),
    ("dot_with_number", |i| i.c.dot(i.x), |i| i.c * i.x),
];

/// A convolution of nine numbers with stride 2.
fn conv(i: &In, low: i64, high: i64) -> Var {
    let image = |low: i64, high: i64| {
        let image = Var::concat(&[i.x, i.y, i.p], 0).reshape([1, 1, 1, 9]);
        cut(image, 2 * low, 2 * high)
    };
    let kernel = i.x.reshape([1, 1, 1, 3]);
    apply1(Conv { stride: vec![2], dilation: vec![1] }, &[image(low, high), kernel])
}

/// Cuts the last of four axes.
fn cut(x: Var, low: i64, high: i64) -> Var {
    let side = |w: i64| vec![0, 0, 0, -w];
    apply1(Pad { low: side(low), high: side(high), interior: vec![0; 4] }, &[x])
}

#[test]
fn every_rule_has_an_example() {
    let names: BTreeSet<&str> = rules().map(|r| r.name).collect();
    let shown: BTreeSet<&str> = EXAMPLES.iter().map(|e| e.0).collect();
    assert_eq!(names, shown);
}

/// The same numbers, to the last bit but for which NaN it is.
fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    let pairs = a.to_f64().into_iter().zip(b.to_f64());
    a.ty() == b.ty()
        && pairs.into_iter().all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}

fn close(a: &Tensor, b: &Tensor) -> bool {
    let pairs = a.to_f64().into_iter().zip(b.to_f64());
    a.ty() == b.ty() && pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1e-14 * b.abs().max(1.0))
}

/// What is wrong with an example, if something is.
fn fault(name: &str, form: Form, expected: Form) -> Result<Option<String>> {
    let Some(rule) = rules().find(|r| r.name == name) else { return Ok(Some("no rule".into())) };
    let options = SimplifyOptions { most: rule.class, ..SimplifyOptions::default() };
    let at = args(false);
    let program = trace(&types(&at), |x| vec![form(&In::of(x))])?;
    let (simple, applied) = simplify_explained(&program, &options);
    if applied.iter().all(|a| a.rule != name) {
        return Ok(Some(format!("did not fire in\n{program}")));
    }
    let expected = trace(&types(&at), |x| vec![expected(&In::of(x))])?;
    let expected = simplify(&expected, &options);
    if simple != expected {
        return Ok(Some(format!("gave\n{simple}\nand not\n{expected}")));
    }
    let (before, after) = (&eval(&program, &at)?[0], &eval(&simple, &at)?[0]);
    if !close(before, after) {
        return Ok(Some(format!("{before} became {after}")));
    }
    if rule.class == Class::Exact {
        let at = args(true);
        let (before, after) = (&eval(&program, &at)?[0], &eval(&simple, &at)?[0]);
        if !same_bits(before, after) {
            return Ok(Some(format!("is said to be exact, but {before} became {after}")));
        }
    }
    Ok(None)
}

#[test]
fn each_rule_does_what_it_says() -> Result<()> {
    let mut faults = Vec::new();
    for (name, form, expected) in EXAMPLES {
        faults.extend(fault(name, *form, *expected)?.map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    Ok(())
}

/// Forms that look like a rule's and are not: nothing may fire.
const COUNTEREXAMPLES: &[(&str, Form)] = &[
    ("plus_negative_zero", |i| i.x + 1e-300),
    ("minus_zero", |i| i.x - 1e-300),
    ("over_power_of_two", |i| i.x / 3.0),
    ("abs_of_not_negative", |i| i.x.abs()),
    ("square_of_sqrt", |i| i.x.sqrt().square()),
    ("power_half", |i| i.x.pow(0.25)),
    ("whole_power", |i| i.x.pow(2.5)),
    ("whole_power", |i| i.x.pow(17.0)),
    ("scale_by_finite", |i| i.x.scale(i.y)),
    ("scale_of_nonzero", |i| i.x.scale(Var::constant([1.0, 0.0, 2.0]))),
    ("select_of_same", |i| Var::select(i.m, i.x, i.y)),
    ("not_equal", |i| i.x.lt(i.y).not()),
    ("cast_of_cast", |i| i.x.cast(DType::I64).cast(DType::F64)),
    ("slice_of_pad", |i| slice(pad(i.x, 2, 1), 1, 5)),
    ("slice_of_concat", |i| slice(Var::concat(&[i.x, i.y], 0), 2, 5)),
    ("gather_of_steps", |i| i.x.take(Var::constant([2i64, 1]), 0)),
    ("gather_of_steps", |i| i.x.take(Var::constant([0i64, 0]), 0)),
    ("gather_of_steps", |i| {
        // One element of each row.
        apply1(Gather { axis: 1, batch: 1 }, &[i.a, Var::constant([0i64, 2])])
    }),
    ("pad_of_pad", |i| pad(pad(i.x, -1, 0), 2, 3)),
    ("cut_of_conv", |i| cut(conv(i, 0, 0), 1, -1)),
    ("plus_constants", |i| (i.x + i.c) + 5.0),
    ("log_one_plus", |i| (2.0 + i.x).log()),
    ("exp_minus_one", |i| i.x.exp() - 2.0),
    ("expm1_plus_one", |i| i.x.expm1() + 2.0),
];

#[test]
fn what_only_looks_like_a_rule_is_left_alone() -> Result<()> {
    for (name, form) in COUNTEREXAMPLES {
        let program = trace(&types(&args(false)), |x| vec![form(&In::of(x))])?;
        let (simple, applied) = simplify_explained(&program, &SimplifyOptions::default());
        assert!(applied.iter().all(|a| a.rule != *name), "{name} fired:\n{program}\n{simple}");
        for at in [args(false), args(true)] {
            let (before, after) = (&eval(&program, &at)?[0], &eval(&simple, &at)?[0]);
            assert!(same_bits(before, after) || close(before, after), "{name}: {before}, {after}");
        }
    }
    Ok(())
}
