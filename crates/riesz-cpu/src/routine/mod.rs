//! Library calls: what a plan does that is no nest.
//!
//! A [`Routine`] is made for one equation, with the shapes and strides of its operands, and run on their
//! addresses. `of` chooses it: one small file a family. A primitive without a routine of its own runs
//! through its reference meaning, so every program has a plan.

mod cofactor;
mod convolution;
mod factored;
mod factors;
mod indexed;
mod linear;
mod lines;
mod loops;
mod ordered;
mod partial;
mod product;
mod random;
mod reference;
mod running;
mod stack;

pub use convolution::Convolution;
pub use loops::Loop;
pub use partial::{Counted, Partial, is_long};
pub use product::Product;
pub use reference::{Reference, read, write};

use crate::linalg::Triangle;
use crate::nest::Routine;
use crate::simd::Isa;
use indexed::{Action, Indexed};
use ordered::Argsort;
use riesz_core::{Prim, Type};
use running::{Cumulative, Recurrence};
use stack::{OnMatrices, Stack};
use std::sync::Arc;

/// The routine of a primitive, for arguments and results of these types.
pub fn of(prim: &Prim, inputs: &[Type], outputs: &[Type]) -> Arc<dyn Routine> {
    let types: Vec<Type> = inputs.iter().chain(outputs).cloned().collect();
    match prim {
        Prim::Inverse(_) => matrices(&types, |_, n| linear::Inverse { n }),
        Prim::Solve(_) => matrices(&types, |_, n| linear::Solve { n, k: columns(&types[1]) }),
        Prim::Det(_) => matrices(&types, |_, n| linear::Det { n }),
        Prim::SLogDet(_) => matrices(&types, |_, n| linear::SLogDet { n }),
        Prim::Cofactor(_) => matrices(&types, |_, n| cofactor::Cofactor { n }),
        Prim::CofactorTangent(_) => matrices(&types, |_, n| cofactor::CofactorTangent { n }),
        Prim::TriangularSolve(t) => matrices(&types, |_, n| {
            let triangle = Triangle { lower: t.lower, unit: t.unit, transposed: t.transposed };
            linear::TriangularSolve { n, k: columns(&types[1]), triangle }
        }),
        Prim::Cholesky(_) => matrices(&types, |_, n| factors::Cholesky { n }),
        Prim::Lu(_) => matrices(&types, |m, n| factors::Lu { m, n }),
        Prim::Qr(_) => matrices(&types, |m, n| factors::Qr { m, n }),
        Prim::Eigh(_) => matrices(&types, |_, n| factors::Eigh { n }),
        Prim::Svd(_) => matrices(&types, |m, n| factors::Svd { m, n }),
        Prim::Pinv(_) => matrices(&types, |m, n| factors::Pinv { m, n }),
        Prim::Conv(conv) if inputs[0].dtype.is_float() => {
            let strides = inputs[0].shape.strides();
            let strides: Vec<isize> = strides.iter().map(|&s| s as isize).collect();
            Arc::new(Convolution::new(conv, (&inputs[0].shape, 0, &strides), &inputs[1]))
        }
        Prim::Gather(g) => index(Action::Gather, g.axis, g.batch, inputs),
        Prim::ScatterAdd(s) => index(Action::Add, s.axis, s.batch, inputs),
        Prim::ScatterSet(s) => index(Action::Set, s.axis, s.batch, inputs),
        Prim::ScatterExtreme(s) => {
            let action = if s.largest { Action::Max } else { Action::Min };
            index(action, s.axis, s.batch, inputs)
        }
        Prim::Argsort(s) => Arc::new(Argsort::new(s.axis, s.descending, &inputs[0])),
        Prim::Cumulative(c) => Arc::new(Cumulative::new(c.op, c.axis, c.reverse, &inputs[0])),
        Prim::Recurrence(r) => Arc::new(Recurrence::new(r.axis, r.reverse, &inputs[0])),
        Prim::RandomBits(r) => {
            let (keys, n, isa) = (inputs[0].size() / 2, r.shape.size(), Isa::best());
            Arc::new(random::RandomBits { keys, n, bits: r.bits, isa })
        }
        Prim::FoldIn(_) => Arc::new(random::FoldIn { keys: inputs[0].size() / 2 }),
        Prim::Permutation(p) => {
            let (keys, isa) = (inputs[0].size() / 2, Isa::best());
            Arc::new(random::Permutation { keys, n: p.n, isa })
        }
        _ => Arc::new(Reference {
            prim: prim.clone(),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
        }),
    }
}

/// The routine that factors the matrices of a type and keeps the factors, in a tensor of the same type and a
/// list of rows for each; its operands are these three.
pub fn factor(matrix: &Type, rows: &Type) -> Arc<dyn Routine> {
    let types = [matrix, matrix, rows].map(Type::clone);
    matrices(&types, |_, n| factored::Factor { n })
}

/// The routine of a primitive that begins with the factors of its first argument, or of its transpose, where
/// these are known: its operands are the factors and those of types `others`.
pub fn from_factors(
    prim: &Prim,
    (matrix, rows): (&Type, &Type),
    transposed: bool,
    others: &[Type],
) -> Arc<dyn Routine> {
    let types: Vec<Type> = [matrix, rows].into_iter().chain(others).cloned().collect();
    let what = match prim {
        Prim::Inverse(_) => factored::What::Inverse,
        Prim::Det(_) => factored::What::Det,
        Prim::SLogDet(_) => factored::What::SLogDet,
        _ => factored::What::Solve { k: columns(&others[0]), transposed },
    };
    matrices(&types, |_, n| factored::FromFactors { n, what })
}

fn index(action: Action, axis: usize, batch: usize, inputs: &[Type]) -> Arc<dyn Routine> {
    Arc::new(Indexed::new(action, axis, batch, &inputs[0], &inputs[1]))
}

/// A function of the m×n matrices that the first argument is a stack of.
fn matrices<F: OnMatrices + 'static>(
    types: &[Type],
    function: impl FnOnce(usize, usize) -> F,
) -> Arc<dyn Routine> {
    let (batch, m, n) = match &*types[0].shape {
        [batch @ .., m, n] => (batch.len(), *m, *n),
        // A number or a vector is refused by the shape rules of all these.
        other => (other.len(), 0, 0),
    };
    Arc::new(Stack::new(function(m, n), batch, types))
}

/// The length of the last axis.
fn columns(ty: &Type) -> usize {
    ty.shape.last().copied().unwrap_or(0)
}
