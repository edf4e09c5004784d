//! Which element types each operation takes: a table with the word of its result, or why it refuses.
//!
//! The table is `golden/dtypes.txt`; run with `UPDATE=1` to rewrite it. Single precision is held
//! against double precision on every primitive.

use crate::differentiate::value;
use crate::golden;
use riesz_core::var::{ConvOptions, Window};
use riesz_core::{DType, Tensor, Type, Var};
use std::fmt::Write as _;

type Case = (&'static str, fn(Var) -> Var);

/// Each operation on a matrix of 2×3; what else it needs is made from that.
const CASES: &[Case] = &[
    // Map.
    ("exp", |x| x.exp()),
    ("exp2", |x| x.exp2()),
    ("expm1", |x| x.expm1()),
    ("log", |x| x.log()),
    ("log2", |x| x.log2()),
    ("log10", |x| x.log10()),
    ("log1p", |x| x.log1p()),
    ("sqrt", |x| x.sqrt()),
    ("rsqrt", |x| x.rsqrt()),
    ("cbrt", |x| x.cbrt()),
    ("recip", |x| x.recip()),
    ("square", |x| x.square()),
    ("powi 3", |x| x.powi(3)),
    ("powi -1", |x| x.powi(-1)),
    ("sin", |x| x.sin()),
    ("cos", |x| x.cos()),
    ("tan", |x| x.tan()),
    ("asin", |x| x.asin()),
    ("acos", |x| x.acos()),
    ("atan", |x| x.atan()),
    ("sinh", |x| x.sinh()),
    ("cosh", |x| x.cosh()),
    ("tanh", |x| x.tanh()),
    ("asinh", |x| x.asinh()),
    ("acosh", |x| x.acosh()),
    ("atanh", |x| x.atanh()),
    ("sigmoid", |x| x.sigmoid()),
    ("softplus", |x| x.softplus()),
    ("relu", |x| x.relu()),
    ("leaky_relu", |x| x.leaky_relu(0.5)),
    ("elu", |x| x.elu(1.0)),
    ("gelu", |x| x.gelu()),
    ("silu", |x| x.silu()),
    ("erf", |x| x.erf()),
    ("erfc", |x| x.erfc()),
    ("erfinv", |x| x.erfinv()),
    ("lgamma", |x| x.lgamma()),
    ("digamma", |x| x.digamma()),
    ("polygamma", |x| x.polygamma(1)),
    ("abs", |x| x.abs()),
    ("neg", |x| -x),
    ("sign", |x| x.sign()),
    ("floor", |x| x.floor()),
    ("ceil", |x| x.ceil()),
    ("round", |x| x.round()),
    ("trunc", |x| x.trunc()),
    ("sinc", |x| x.sinc()),
    ("is_nan", |x| x.is_nan()),
    ("is_finite", |x| x.is_finite()),
    ("clip", |x| x.clip(0, 1)),
    ("not", |x| x.not()),
    ("stop_gradient", |x| x.stop_gradient()),
    // Two arguments.
    ("add", |x| x + x),
    ("sub", |x| x - x.ones_like()),
    ("mul", |x| x * x),
    ("div", |x| x / x.ones_like()),
    ("rem", |x| x % x.ones_like()),
    ("pow", |x| x.pow(x)),
    ("atan2", |x| x.atan2(x)),
    ("hypot", |x| x.hypot(x)),
    ("maximum", |x| x.maximum(x)),
    ("minimum", |x| x.minimum(x)),
    ("logaddexp", |x| x.logaddexp(x)),
    ("xlogy", |x| x.xlogy(x)),
    ("lt", |x| x.lt(x)),
    ("eq", |x| x.eq(x)),
    ("and", |x| x.and(x)),
    ("or", |x| x.or(x)),
    ("xor", |x| x.xor(x)),
    ("select", |x| Var::select(x.eq(x), x, x)),
    // Reduce.
    ("sum", |x| x.sum()),
    ("mean", |x| x.mean()),
    ("prod", |x| x.prod()),
    ("max", |x| x.max()),
    ("min", |x| x.min()),
    ("logsumexp", |x| x.logsumexp()),
    ("softmax", |x| x.softmax(1)),
    ("log_softmax", |x| x.log_softmax(1)),
    ("var", |x| x.var()),
    ("std", |x| x.std()),
    ("norm", |x| x.norm()),
    ("norm_p 1", |x| x.norm_p(1.0)),
    ("norm_p 3", |x| x.norm_p(3.0)),
    ("norm_p inf", |x| x.norm_p(f64::INFINITY)),
    ("argmax", |x| x.argmax(0)),
    ("argmin", |x| x.argmin(0)),
    ("any", |x| x.any()),
    ("all", |x| x.all()),
    ("cumsum", |x| x.cumsum(0)),
    ("cumprod", |x| x.cumprod(0)),
    ("cummax", |x| x.cummax(0)),
    ("cummin", |x| x.cummin(0)),
    ("cumlogsumexp", |x| x.cumlogsumexp(0)),
    // Shape and index.
    ("broadcast_to", |x| x.broadcast_to([2, 2, 3])),
    ("reshape", |x| x.reshape([6])),
    ("transpose", |x| x.t()),
    ("slice", |x| x.slice_step(1, 0, 3, 2)),
    ("strided", |x| x.strided(1, None, None, -1)),
    ("pad", |x| x.pad(&[(1, 0, 1), (0, 0, 0)], 1.0)),
    ("concat", |x| Var::concat(&[x, x], 0)),
    ("stack", |x| Var::stack(&[x, x], 0)),
    ("split", |x| x.split(&[1, 1], 0)[0]),
    ("flip", |x| x.flip(&[0])),
    ("roll", |x| x.roll(1, 0)),
    ("tile", |x| x.tile(&[2, 1])),
    ("repeat", |x| x.repeat(2, 0)),
    ("take", |x| x.take(Var::constant([0i64, 0]), 0)),
    ("take by it", |x| Var::constant([1.0, 2.0]).take(x, 0)),
    ("take_along_axis", |x| x.take_along_axis(x.argsort(0), 0)),
    ("scatter_set", |x| x.scatter_set(Var::constant([0i64]), x.slice_axis(0, 1, 2), 0)),
    ("scatter_add", |x| x.scatter_add(Var::constant([0i64]), x.slice_axis(0, 1, 2), 0)),
    ("scatter_mul", |x| x.scatter_mul(Var::constant([0i64]), x.slice_axis(0, 1, 2), 0)),
    ("scatter_max", |x| x.scatter_max(Var::constant([0i64]), x.slice_axis(0, 1, 2), 0)),
    ("scatter_min", |x| x.scatter_min(Var::constant([0i64]), x.slice_axis(0, 1, 2), 0)),
    ("segment_sum", |x| x.segment_sum(Var::constant([0i64, 0]), 1)),
    ("dynamic_slice", |x| x.dynamic_slice(&[Var::constant(1i64), Var::constant(0i64)], &[1, 2])),
    ("dynamic_update_slice", |x| {
        x.dynamic_update_slice(x.slice_axis(0, 0, 1), &[Var::constant(1i64), Var::constant(0i64)])
    }),
    ("one_hot", |x| x.one_hot(2, DType::F32)),
    ("tril", |x| x.tril()),
    ("triu", |x| x.triu()),
    ("mirrored", |x| x.slice_axis(1, 0, 2).mirrored()),
    ("diag", |x| x.at(0).diag()),
    ("diagonal", |x| x.diagonal()),
    ("iota", |x| Var::iota(x.dtype(), 3)),
    ("eye", |x| Var::eye(x.dtype(), 2)),
    ("linspace", |x| Var::linspace(x.at(0).at(0), 1, 3)),
    ("sort", |x| x.sort(1)),
    ("argsort", |x| x.argsort(1)),
    ("top_k", |x| x.top_k(2, 1).0),
    // Products.
    ("dot", |x| x.dot(x.t())),
    ("matmul", |x| x.matmul(x.t())),
    ("einsum", |x| Var::einsum("ij,kj->ik", &[x, x])),
    ("outer", |x| x.at(0).outer(x.at(1))),
    ("kron", |x| x.kron(x)),
    ("conv", |x| x.reshape([1, 1, 6]).conv(x.at(0).reshape([1, 1, 3]), &ConvOptions::default())),
    ("max_pool", |x| x.reshape([1, 1, 6]).max_pool(&Window { size: vec![2], ..Window::default() })),
    ("avg_pool", |x| x.reshape([1, 1, 6]).avg_pool(&Window { size: vec![2], ..Window::default() })),
    // Linear algebra.
    ("inverse", |x| spd(x).inverse()),
    ("solve", |x| spd(x).solve(spd(x))),
    ("cholesky", |x| spd(x).cholesky()),
    ("lu", |x| spd(x).lu().1),
    ("qr", |x| x.qr().0),
    ("eigh", |x| spd(x).eigh().0),
    ("svd", |x| x.svd().1),
    ("pinv", |x| x.pinv()),
    ("det", |x| spd(x).det()),
    ("slogdet", |x| spd(x).slogdet().1),
    ("logdet", |x| spd(x).logdet()),
    ("expm", |x| spd(x).expm()),
    ("matrix_power", |x| spd(x).matrix_power(3)),
    ("trace", |x| spd(x).trace()),
    ("lstsq", |x| x.t().lstsq(x.at(0))),
    ("cond", |x| spd(x).cond()),
    // Transforms.
    ("fft", |x| x.t().fft(0)),
    ("ifft", |x| x.t().ifft(0)),
    ("rfft", |x| x.rfft(1)),
];

/// A matrix with a dominant diagonal, of the element type of `x`.
fn spd(x: Var) -> Var {
    if x.dtype() == DType::Bool {
        return Var::eye(DType::Bool, 2);
    }
    x.dot(x.t()) + 2 * Var::eye(x.dtype(), 2)
}

fn input(dtype: DType) -> Tensor {
    let values = [0.5, 0.25, 0.75, 0.125, 1.0, 0.375];
    let values = values.map(|v| if dtype.is_float() { v } else { f64::from(u8::from(v > 0.5)) });
    Tensor::from_f64(&values, [2, 3], dtype)
        .unwrap_or_else(|_| Tensor::zeros(&Type::new(dtype, [2, 3])))
}

#[test]
fn every_operation_on_every_element_type() -> std::io::Result<()> {
    let mut text = String::new();
    for (name, f) in CASES {
        let _ = writeln!(text, "{name}");
        for dtype in DType::ALL {
            let answer = match value(&[input(dtype)], |x| f(x[0])) {
                Ok(y) => y.ty().to_string(),
                Err(error) => error.to_string().lines().next().unwrap_or_default().to_string(),
            };
            let _ = writeln!(text, "  {:<5} {answer}", dtype.name());
        }
        text.push('\n');
    }
    golden::check("programs/golden/dtypes.txt", &text)
}
