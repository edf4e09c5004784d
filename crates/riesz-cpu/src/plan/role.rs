//! What an equation becomes: read through, computed inside a nest, folded by one, or called.

use super::cost;
use riesz_core::primitive::Dot;
use riesz_core::{Equation, Prim, Program};

/// The part an equation plays in a plan.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Role {
    /// Its result is kept with the plan.
    Constant,
    /// Its result is its argument at another index.
    View,
    /// Each element of its result is computed from elements of its arguments, in about as much time
    /// as this many additions take.
    Map(f32),
    /// Elements of the first argument at indices that the second names.
    Gather,
    /// Combines the values of a nest along loops.
    Fold,
    /// Its arguments are written to parts of its result.
    Place,
    /// A library call.
    Call,
}

/// Joins of more tensors than this are made by writing each to its place.
const JOINED_BY_INDEX: usize = 3;

/// Products with at most this many multiplications are nests: a library call costs more than they do.
const SMALL_PRODUCT: usize = 4096;

/// The role of an equation.
pub fn role(program: &Program, eq: &Equation) -> Role {
    match &eq.prim {
        Prim::Constant(c) if c.0.len() == 1 => Role::Map(0.0),
        Prim::Constant(_) => Role::Constant,
        Prim::Iota(_) => Role::Map(1.0),
        Prim::Unary(f) => Role::Map(cost::unary(*f)),
        Prim::IntegerPower(p) => Role::Map(cost::power(p.n) as f32),
        Prim::Polygamma(_) | Prim::Sinc(_) => Role::Map(400.0),
        Prim::Binary(f) => Role::Map(cost::binary(*f)),
        Prim::Scale(_) | Prim::Compare(_) | Prim::Logical(_) | Prim::Select(_) => Role::Map(1.0),
        Prim::Cast(_) => Role::Map(1.0),
        Prim::StopGradient(_)
        | Prim::Broadcast(_)
        | Prim::Reshape(_)
        | Prim::Transpose(_)
        | Prim::Slice(_)
        | Prim::Flip(_) => Role::View,
        Prim::Pad(pad) if pad.interior.iter().all(|&i| i == 0) => Role::View,
        Prim::Pad(pad) if pad.low.iter().chain(&pad.high).all(|&n| n >= 0) => Role::Place,
        Prim::Pad(_) => Role::Call,
        Prim::Concat(_) if eq.inputs.len() <= JOINED_BY_INDEX => Role::View,
        Prim::Concat(_) => Role::Place,
        Prim::Gather(_) => Role::Gather,
        Prim::Reduce(_) => Role::Fold,
        Prim::Dot(dot) => match Product::of(dot, program, eq) {
            _ if dot.contract.is_empty() => Role::Map(1.0),
            product if product.is_small() => Role::Fold,
            _ => Role::Call,
        },
        _ => Role::Call,
    }
}

/// How large a product is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    /// How many products of matrices.
    pub batch: usize,
    /// Rows of the first.
    pub m: usize,
    /// Columns of the second.
    pub n: usize,
    /// Columns of the first.
    pub k: usize,
}

impl Product {
    /// The sizes of a product.
    pub fn of(dot: &Dot, program: &Program, eq: &Equation) -> Product {
        let (x, y) = (&program.ty(eq.inputs[0]).shape, &program.ty(eq.inputs[1]).shape);
        let (lhs, rhs) = (dot.lhs(x.rank()), dot.rhs(y.rank()));
        Product {
            batch: lhs.batch.iter().map(|&a| x[a]).product(),
            m: lhs.free.iter().map(|&a| x[a]).product(),
            n: rhs.free.iter().map(|&a| y[a]).product(),
            k: lhs.contract.iter().map(|&a| x[a]).product(),
        }
    }

    /// Whether a nest is faster than a call.
    fn is_small(self) -> bool {
        self.m.min(self.n).min(self.k) <= 1 || self.m * self.n * self.k <= SMALL_PRODUCT
    }
}
