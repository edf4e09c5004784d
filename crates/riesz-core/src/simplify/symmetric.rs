//! Symmetric matrices: which values are, and what that spares.
//!
//! Structural, as the other facts: Aᵀ·A is symmetric, so is an identity, a sum or an inverse of what is,
//! and every elementwise function of it. Of a stack of matrices it is said of each. It holds over the
//! reals: that the rounding of an inverse may differ from that of its transpose is why the rules are
//! stable and not exact.
//!
//! With it a transpose goes away, and a product with itself becomes one of a matrix and its transpose, of
//! which half is computed.

use super::Class::Stable;
use super::Rule;
use super::facts::Fact;
use super::rewriter::{Rewriter, Step};
use crate::primitive::compare::Compare;
use crate::primitive::{Binary, Dot, Prim, Transpose, Unary};
use crate::program::{Program, Value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "transpose_of_symmetric",
        class: Stable,
        says: "transpose(S) -> S, for a symmetric S",
        apply: transpose_of_symmetric,
    },
    Rule {
        name: "dot_with_symmetric",
        class: Stable,
        says: "dot(S, x) along the last axis of a symmetric S -> along the first",
        apply: dot_with_symmetric,
    },
    Rule {
        name: "dot_with_multiple",
        class: Stable,
        says: "dot(x, c*x) -> c*dot(x, x)",
        apply: dot_with_multiple,
    },
];

/// Whether the result of an equation about to be written is symmetric.
pub(super) fn is_symmetric(program: &Program, known: &[Fact], prim: &Prim, x: &[Value]) -> bool {
    let shape = |v: Value| &program.ty(v).shape;
    let all = |of: &[Value]| of.iter().all(|v| known[v.index()].symmetric);
    match prim {
        Prim::Unary(_) | Prim::IntegerPower(_) | Prim::Cast(_) | Prim::StopGradient(_) => all(x),
        Prim::Select(_) | Prim::Scale(_) | Prim::Logical(_) | Prim::Inverse(_) => all(x),
        Prim::Binary(op) => all(x) || commutes(*op) && are_transposed(program, x),
        // The mask of an identity.
        Prim::Compare(op) => {
            let axis = |v: Value| match definition(program, v) {
                Some((Prim::Iota(iota), _)) => Some(iota.axis),
                _ => None,
            };
            let last = shape(x[0]).rank().checked_sub(2);
            let mask = || match (last, axis(x[0]), axis(x[1])) {
                (Some(last), Some(a), Some(b)) => a != b && a.min(b) == last,
                _ => false,
            };
            all(x) || matches!(op, Compare::Eq | Compare::Ne) && is_square(shape(x[0])) && mask()
        }
        Prim::Broadcast(b) => b.axes.is_empty() && is_square(&b.shape),
        Prim::Constant(c) => {
            let &[.., n] = &c.0.shape()[..] else { return false };
            is_square(c.0.shape()) && n > 0 && c.0.dtype().is_float() && {
                let same = |m: &[f64]| (0..n).all(|i| (0..i).all(|j| m[i * n + j] == m[j * n + i]));
                c.0.to_f64().chunks_exact(n * n).all(same)
            }
        }
        Prim::Dot(dot) => {
            let along_same = |pairs: &[(usize, usize)]| pairs.iter().all(|(a, b)| a == b);
            let square = |v: Value| shape(v).rank() == dot.batch.len() + 2;
            x[0] == x[1]
                && square(x[0])
                && along_same(&dot.batch)
                && dot.contract.len() == 1
                && (along_same(&dot.contract) || all(x) && stacks_come_first(dot))
        }
        _ => false,
    }
}

/// Whether what is multiplied are the matrices of stacks: the last two axes.
fn stacks_come_first(dot: &Dot) -> bool {
    dot.batch.iter().enumerate().all(|(i, pair)| *pair == (i, i))
}

fn is_square(shape: &[usize]) -> bool {
    matches!(shape, [.., m, n] if m == n)
}

fn commutes(op: Binary) -> bool {
    matches!(op, Binary::Add | Binary::Mul | Binary::Max | Binary::Min | Binary::Hypot)
}

/// What defines a value, unless it is an input or one of several results.
fn definition(program: &Program, v: Value) -> Option<(&Prim, &[Value])> {
    let at = program.equations.partition_point(|eq| eq.first <= v).checked_sub(1)?;
    let eq = &program.equations[at];
    (eq.count == 1).then_some((&eq.prim, &eq.inputs[..]))
}

/// Whether one of two matrices is the transpose of the other.
fn are_transposed(program: &Program, x: &[Value]) -> bool {
    let &[a, b] = x else { return false };
    let turned = |v: Value, of: Value| match definition(program, v) {
        Some((Prim::Transpose(Transpose { order }), &[x])) => x == of && swaps_last(order),
        _ => false,
    };
    is_square(&program.ty(a).shape) && (turned(a, b) || turned(b, a))
}

/// Whether an order of axes exchanges the last two.
fn swaps_last(order: &[usize]) -> bool {
    let Some((lead, &[a, b])) = order.split_last_chunk::<2>() else { return false };
    (a, b) == (lead.len() + 1, lead.len()) && lead.iter().enumerate().all(|(i, &axis)| i == axis)
}

fn transpose_of_symmetric(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Transpose(Transpose { order }), &[x]) = (s.prim, s.x) else { return None };
    (rw.fact(x).symmetric && swaps_last(order)).then_some(x)
}

/// The only free axis takes the place of the one that is summed, so the result has the same axes.
fn dot_with_symmetric(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Dot(dot), &[a, b]) = (s.prim, s.x) else { return None };
    let &[(p, q)] = dot.contract.as_slice() else { return None };
    let turned = |v: Value, axis: usize, batch: fn(&(usize, usize)) -> usize| {
        let first = rw.shape(v).rank().checked_sub(2)?;
        let stacks = dot.batch.len() == first && dot.batch.iter().all(|pair| batch(pair) < first);
        (rw.fact(v).symmetric && axis == first + 1 && stacks).then_some(first)
    };
    let (along_a, along_b) = (turned(a, p, |pair| pair.0), turned(b, q, |pair| pair.1));
    if along_a.is_none() && along_b.is_none() {
        return None;
    }
    let contract = vec![(along_a.unwrap_or(p), along_b.unwrap_or(q))];
    rw.make(Dot { contract, batch: dot.batch.clone() }, &[a, b])
}

/// A product of a matrix with itself can be symmetric, which one with its multiple does not look like.
fn dot_with_multiple(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Dot(dot), &[a, b]) = (s.prim, s.x) else { return None };
    if rw.shape(a).rank() < 2 || s.ty.size() > rw.ty(a).size() {
        return None;
    }
    let dot = dot.clone();
    if rw.is_unary(b, Unary::Neg) == Some(a) || rw.is_unary(a, Unary::Neg) == Some(b) {
        let x = if rw.is_unary(b, Unary::Neg) == Some(a) { a } else { b };
        let product = rw.make(dot, &[x, x])?;
        return rw.unary(Unary::Neg, product);
    }
    let (c, x) = multiple(rw, b, a).map(|c| (c, a)).or_else(|| Some((multiple(rw, a, b)?, b)))?;
    let product = rw.make(dot, &[x, x])?;
    let c = rw.spread(c, &s.ty.shape)?;
    rw.binary(Binary::Mul, c, product)
}

/// The number c, if `v` is c·x and c near enough to 1 that the product of x with itself has the same range.
fn multiple(rw: &Rewriter<'_>, v: Value, x: Value) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = rw.def(v)? else { return None };
    let other = if a == x { b } else { (b == x).then_some(a)? };
    let (number, _) = rw.is_broadcast(other)?;
    let near = |c: f64| (1e-3..=1e3).contains(&c.abs());
    (rw.ty(number).shape.rank() == 0 && rw.splat(number).is_some_and(near)).then_some(number)
}
