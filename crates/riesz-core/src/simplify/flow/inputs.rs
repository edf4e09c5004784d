//! What goes into a body: constants written inside, doubles once, and what can be computed before.

use super::Rewriter;
use crate::body::Body;
use crate::primitive::{Prim, Primitive};
use crate::program::{Program, Value};
use crate::tensor::Tensor;
use crate::trace::{Var, inline, trace};
use crate::types::{Shape, Type};
use smallvec::SmallVec;

/// An argument of a body.
#[derive(Clone)]
pub(super) enum Feed {
    /// A value of the program around, and whether the equation is linear in it.
    Outer(Value, bool),
    /// Every element one number.
    Splat(Tensor, Shape),
    /// A small tensor.
    Literal(Tensor),
}

/// How an argument that stays the same is best fed.
pub(super) fn feed(rw: &Rewriter<'_>, v: Value, linear: bool) -> Feed {
    let ty = rw.ty(v).clone();
    if let Some(number) = rw.splat(v)
        && let Ok(scalar) = Tensor::from_f64(&[number], Shape::scalar(), ty.dtype)
        // Large whole numbers are not kept by the way through f64.
        && (ty.dtype.is_float() || number.abs() < 9e15)
    {
        return Feed::Splat(scalar, ty.shape);
    }
    match rw.small_constant(v) {
        Some(tensor) if tensor.len() <= 16 => Feed::Literal(tensor),
        _ => Feed::Outer(v, linear),
    }
}

/// The constants among the feeds, each once, and for each feed which of them it is.
pub(super) fn distinct(feeds: &[Feed]) -> (Vec<(Value, bool)>, Vec<Option<usize>>) {
    let mut constants: Vec<(Value, bool)> = Vec::new();
    let places = feeds
        .iter()
        .map(|feed| match feed {
            Feed::Outer(v, linear) => {
                let known = constants.iter().position(|c| *c == (*v, *linear));
                Some(known.unwrap_or_else(|| {
                    constants.push((*v, *linear));
                    constants.len() - 1
                }))
            }
            _ => None,
        })
        .collect();
    (constants, places)
}

/// The literal of a feed inside a body; `None` for a value from outside.
pub(super) fn literal(feed: &Feed) -> Option<Var> {
    match feed {
        Feed::Outer(..) => None,
        Feed::Splat(number, shape) => {
            Some(Var::constant(number.clone()).broadcast_to(shape.clone()))
        }
        Feed::Literal(tensor) => Some(Var::constant(tensor.clone())),
    }
}

/// A body whose first arguments are fed so: from the constants that are left and its other arguments.
pub(super) fn fed(body: &Program, feeds: &[Feed]) -> Option<Body> {
    let (constants, places) = distinct(feeds);
    let of = |i: usize| body.input_types()[i].clone();
    let mut types: Vec<Type> = (0..constants.len())
        .filter_map(|c| places.iter().position(|p| *p == Some(c)).map(of))
        .collect();
    types.extend_from_slice(&body.input_types()[feeds.len()..]);
    let program = trace(&types, |x| {
        let (constants, rest) = x.split_at(constants.len());
        let mut args: Vec<Var> = feeds
            .iter()
            .zip(&places)
            .map(|(feed, place)| match place {
                Some(c) => constants[*c],
                None => literal(feed).unwrap_or_else(Var::poison),
            })
            .collect();
        args.extend(rest);
        inline(body, &args)
    });
    program.ok().map(Body::new)
}

/// Whether an operation only arranges elements or is known beforehand: nothing is gained by doing it
/// before a loop.
fn arranges(prim: &Prim) -> bool {
    matches!(
        prim,
        Prim::Constant(_)
            | Prim::Iota(_)
            | Prim::Broadcast(_)
            | Prim::Reshape(_)
            | Prim::Transpose(_)
            | Prim::Slice(_)
            | Prim::Flip(_)
            | Prim::StopGradient(_)
            | Prim::Barrier(_)
    )
}

/// The values of a body that can be computed from its first `consts` inputs alone, are worth it, and are
/// used by the rest. With `safe`, only what cannot fail.
pub(super) fn invariants(body: &Program, consts: usize, safe: bool) -> Vec<Value> {
    let of: Vec<bool> = (0..body.inputs).map(|i| i >= consts).collect();
    let mut varies = body.dependents(&of);
    if safe {
        // What can fail stays, and with it what depends on it.
        for eq in body.equations() {
            let types: SmallVec<[Type; 3]> =
                eq.inputs.iter().map(|&v| body.ty(v).clone()).collect();
            let stays = eq.prim.can_fail(&types) || eq.inputs.iter().any(|v| varies[v.index()]);
            if stays {
                eq.outputs().for_each(|v| varies[v.index()] = true);
            }
        }
    }
    // From the end: what the varying equations use, and what arrangements kept inside use.
    let mut asked = vec![false; body.len()];
    body.outputs().iter().for_each(|v| asked[v.index()] = true);
    let mut hoisted = Vec::new();
    for eq in body.equations().iter().rev() {
        if !eq.outputs().any(|v| asked[v.index()]) {
            continue;
        }
        let stays = varies[eq.first.index()] || arranges(&eq.prim) || eq.inputs.is_empty();
        match stays {
            true => eq.inputs.iter().for_each(|v| asked[v.index()] = true),
            false => hoisted.extend(eq.outputs().filter(|v| asked[v.index()])),
        }
    }
    hoisted.reverse();
    hoisted
}
