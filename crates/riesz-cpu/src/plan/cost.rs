//! What instructions of nests cost, in additions of vectors.

use crate::nest::{Access, Inst, Nest, Op, Special};
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
    let loops = loops(body);
    let one = |i: &Inst| match &i.op {
        // One index for all lanes, and from there as a load.
        Op::Gather { access, index, .. } if loops[*index as usize] >> vector & 1 == 0 => {
            FETCH + read(access.strides[vector], collected)
        }
        _ => inst(i, vector, collected),
    };
    body.iter().map(one).sum()
}

/// The loops that each value of a body depends on, one bit each.
pub(crate) fn loops(body: &[Inst]) -> Vec<u32> {
    let mut masks: Vec<u32> = Vec::with_capacity(body.len());
    for inst in body {
        let along = |access: &Access| {
            let moves = access.strides.iter().enumerate().filter(|s| *s.1 != 0);
            moves.fold(0, |mask, (l, _)| mask | 1 << l)
        };
        let own = match &inst.op {
            Op::Load(access) | Op::Gather { access, .. } => along(access),
            Op::Index { dim, .. } => 1 << dim,
            _ => 0,
        };
        let arguments = inst.op.arguments();
        masks.push(arguments.iter().fold(own, |mask, &a| mask | masks[a as usize]));
    }
    masks
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
