//! What instructions of nests cost, in additions of vectors.

use crate::nest::{Inst, Nest, Op, Special};
use riesz_core::primitive::binary::Binary;
use riesz_core::primitive::unary::Unary;

/// A whole nest whose loops are in order.
pub fn nest(nest: &Nest) -> f64 {
    let lanes = super::order::lanes(nest);
    let Some(v) = nest.vector else { return nest.body.len() as f64 };
    let collected = lanes as f64;
    let points: f64 = nest.extents.iter().map(|&n| n as f64).product();
    let vectors = points / nest.extents[v] as f64 * nest.extents[v].div_ceil(lanes) as f64;
    vectors * (body(&nest.body, v, collected) + nest.stores.len() as f64)
}

/// A body with loop `vector` in lanes, where collecting the elements of a vector one by one costs
/// `collected`.
pub fn body(body: &[Inst], vector: usize, collected: f64) -> f64 {
    // Whether each value is the same in every lane.
    let mut same: Vec<bool> = Vec::with_capacity(body.len());
    let mut sum = 0.0;
    for i in body {
        let of = |r: u32| same[r as usize];
        sum += match &i.op {
            // One index, and from there as a load.
            Op::Gather { access, index, .. } if of(*index) => {
                FETCH + read(access.strides[vector], collected)
            }
            _ => inst(i, vector, collected),
        };
        let is_same = match &i.op {
            Op::Load(access) => access.strides[vector] == 0,
            Op::Gather { access, index, .. } => access.strides[vector] == 0 && of(*index),
            Op::Index { dim, .. } => *dim != vector,
            op => op.arguments().into_iter().all(of),
        };
        same.push(is_same);
    }
    sum
}

/// Making an address of an index.
const FETCH: f64 = 1.0;

/// One instruction with loop `vector` in lanes, where collecting the elements of a vector one by one
/// costs `collected`.
pub fn inst(inst: &Inst, vector: usize, collected: f64) -> f64 {
    match &inst.op {
        Op::Const(_) | Op::Index { .. } => 0.0,
        Op::Load(access) => read(access.strides[vector], collected),
        Op::Gather { .. } => collected,
        Op::Unary(f, _) => f64::from(unary(*f)),
        Op::Power(n, _) => power(*n),
        Op::Binary(f, _, _) => f64::from(binary(*f)),
        Op::Special(Special::Polygamma(_) | Special::Sinc(_), _) => 400.0,
        Op::Fma(..)
        | Op::Scale(..)
        | Op::Compare(..)
        | Op::Logical(..)
        | Op::Select(..)
        | Op::Cast(_) => 1.0,
    }
}

fn read(stride: isize, collected: f64) -> f64 {
    match stride {
        0 => 0.2,
        1 => 1.0,
        -1 => 2.0,
        _ => collected,
    }
}

/// A store whose elements are this far apart.
pub fn write(stride: isize, collected: f64) -> f64 {
    if stride == 1 { 1.0 } else { 1.5 * collected }
}

/// xⁿ by repeated squaring.
pub fn power(n: i32) -> f64 {
    1.0 + 2.0 * f64::from(n.unsigned_abs().max(1).ilog2())
}

/// A scalar function of one number.
pub fn unary(f: Unary) -> f32 {
    use Unary::*;
    match f {
        Neg | Abs | Sign | Square | Floor | Ceil | Round | Trunc => 1.0,
        Recip | Sqrt => 4.0,
        Rsqrt => 8.0,
        Exp | Exp2 | Log => 16.0,
        Expm1 | Log2 | Log10 | Log1p | Sigmoid | Tanh | Atan | Sinh | Cosh | Sin | Cos => 25.0,
        Tan | Asin | Acos | Erf | Softplus | Cbrt | Asinh | Acosh | Atanh => 40.0,
        Erfc | Erfinv | Lgamma | Digamma => 400.0,
    }
}

/// A scalar function of two numbers.
pub fn binary(f: Binary) -> f32 {
    use Binary::*;
    match f {
        Add | Sub | Mul | Max | Min => 1.0,
        Div => 4.0,
        Hypot => 15.0,
        Xlogy => 25.0,
        Atan2 | LogAddExp => 60.0,
        Pow | Rem => 80.0,
    }
}
