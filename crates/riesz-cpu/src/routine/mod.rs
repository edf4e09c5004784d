//! Library calls: what a plan does that is no nest.
//!
//! A [`Routine`] is made for one equation, with the shapes and strides of its operands, and run on their
//! addresses. `of` chooses it: one small file a family. A primitive without a routine of its own runs
//! through its reference meaning, so every program has a plan.

mod cofactor;
mod factors;
mod linear;
mod product;
mod reference;
mod stack;

pub use product::{Loop, Product};
pub use reference::{Reference, read, write};

use crate::linalg::Triangle;
use crate::nest::Routine;
use riesz_core::{Prim, Type};
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
        _ => Arc::new(Reference {
            prim: prim.clone(),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
        }),
    }
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
