//! Folds where there are no loops: values, not accumulators.
//!
//! What an accumulator would begin with changes nothing but the sign of a zero, so a total begins with the
//! first value, and zero is added behind it only where that may make a difference: a sum of squares has
//! no zero of that sign.

use super::fold::{Chain, combined};
use super::graph::{Combine, Id, Logic, NONE, Num, Op, Place, Two};
use super::lower::Lower;
use crate::nest::{Binary, Nest, Op as NestOp, Reg, Unary};
use riesz_core::DType;

/// What joins a total: a value, or the factors of one that is not rounded on the way.
pub(super) struct Term {
    pub(super) value: Id,
    pub(super) factors: Option<(Id, Id)>,
    /// Whether only the lanes of the tail count.
    pub(super) masked: bool,
}

impl Lower<'_> {
    /// Joins a value to what the total of a store has so far.
    pub(super) fn join_total(
        &mut self,
        store: usize,
        place: Place,
        chain: usize,
        term: Term,
    ) -> Option<()> {
        let (combine, number, identity) = self.combination(store)?;
        let s = &self.nest.stores[store];
        let ty = self.nest.body[s.value as usize].ty;
        let at = self.fold_at(store, place, 0);
        let is_first = self.folds[at].chains.iter().all(Option::is_none);
        let mut before = match self.folds[at].chains[chain] {
            Some(Chain::Value(id)) => Some(id),
            _ => None,
        };
        if self.begins_in_memory(store) {
            before = match before {
                Some(id) => Some(id),
                None if is_first => Some(self.held_at(s.access.operand, place, ty)?),
                None => Some(self.graph.constant(identity, number.size())),
            };
        }
        let tail = if term.masked { self.tail() } else { NONE };
        let g = &self.graph;
        let is_sum = combine == Combine::Sum;
        let value = match (combine, term.masked) {
            (Combine::Or, true) => g.logic(Logic::And, term.value, tail),
            (Combine::And, true) => g.logic(Logic::Or, term.value, g.not(tail)),
            (Combine::Max | Combine::Min, true) => {
                g.blend(tail, term.value, g.constant(identity, number.size()))
            }
            _ => term.value,
        };
        let across = s.fold.is_some_and(|f| self.folds_lanes(f.along));
        let value = match ty {
            DType::Bool if g.wide && across => {
                g.add(Op::Spread, [value, NONE, NONE], number.size())
            }
            _ => value,
        };
        let joined = match (term.factors, before) {
            (Some((a, b)), Some(c)) => {
                g.add(Op::Fma(number, false, false), [a, b, c], number.size())
            }
            (Some((a, b)), None) => g.two(Two::Mul, number, a, b),
            (None, Some(before)) => combined(g, combine, number, before, value),
            (None, None) => value,
        };
        let joined = match before {
            _ if !(is_sum && term.masked) => joined,
            Some(before) => g.blend(tail, joined, before),
            None => g.blend(tail, joined, g.constant(identity, number.size())),
        };
        self.folds[at].chains[chain] = Some(Chain::Value(joined));
        Some(())
    }

    /// The total as an accumulator would have it: no sum that began with 0 is −0.
    pub(super) fn without_minus_zero(&self, store: usize, number: Num, total: Id) -> Id {
        let s = &self.nest.stores[store];
        let is_sum = matches!(self.combination(store), Some((Combine::Sum, ..)));
        let differs = is_sum
            && self.held.is_some()
            && number.is_float()
            && !self.begins_in_memory(store)
            && may_be_minus_zero(self.nest, s.value);
        let g = &self.graph;
        if differs { g.two(Two::Add, number, total, g.constant(0, number.size())) } else { total }
    }
}

/// Whether a float may be −0, by the operation it comes from.
fn may_be_minus_zero(nest: &Nest, value: Reg) -> bool {
    // What instructions use comes before them.
    let mut may: Vec<bool> = Vec::with_capacity(value as usize + 1);
    for inst in &nest.body[..=value as usize] {
        may.push(match inst.op {
            NestOp::Unary(Unary::Square | Unary::Abs | Unary::Exp | Unary::Exp2, _) => false,
            NestOp::Binary(Binary::Mul, a, b) => a != b,
            // −0 + −0 only.
            NestOp::Binary(Binary::Add, a, b) => may[a as usize] && may[b as usize],
            // −0 − 0 only.
            NestOp::Binary(Binary::Sub, a, _) => may[a as usize],
            NestOp::Select(_, a, b) => may[a as usize] || may[b as usize],
            NestOp::Cast(a) => nest.body[a as usize].ty.is_float(),
            NestOp::Const(bits) => bits == sign(inst.ty),
            _ => true,
        });
    }
    may.last().is_none_or(|&may| may)
}

/// The bits of −0.
fn sign(ty: DType) -> u64 {
    if ty == DType::F32 { 1 << 31 } else { 1 << 63 }
}
