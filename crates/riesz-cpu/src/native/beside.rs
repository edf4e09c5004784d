//! Copies of a long body side by side: each operation of all of them before the next.
//!
//! A chain of operations that wait for each other keeps the processor busy only if there are several. Copies
//! one after the other are several as long as the processor looks far enough ahead; a long body (a
//! polynomial of high degree by Horner's rule) is beyond that.

use super::blocking::{Blocking, WORK, cost, costs};
use super::fold::pairwise;
use super::graph::{Combine, Id};
use super::lower::{Lower, Step};
use crate::nest::{Inst, Nest, Op};
use riesz_core::DType;
use smallvec::SmallVec;

/// What all copies of a body may cost together: their code must stay in the first-level cache.
const LONGEST: usize = 2048;

/// Cycles until the result of an addition or a product is there.
const LATENCY: usize = 4;

/// Registers that copies side by side leave to what is in none of them: numbers that all share, and what
/// an operation needs while it runs.
pub(super) const SPARE: usize = 6;

/// How many copies of a body, along the innermost loop, stand side by side, and the most values of one that
/// are alive at a time; none for a body that is short, does not wait, or has no registers left.
pub(super) fn copies(blocking: &Blocking, nest: &Nest, registers: usize) -> Option<(usize, usize)> {
    let inner = nest.extents.len().checked_sub(1)?;
    let cost: usize = costs(nest).iter().sum();
    let folds = nest.stores.iter().filter_map(|s| s.fold);
    if cost <= WORK / 2
        || nest.body.iter().any(is_called)
        || folds.into_iter().any(|f| f.along >> inner & 1 == 0)
        || chain(nest) < 2 * cost
    {
        return None;
    }
    let live = alive(nest, inner);
    let full =
        nest.extents[inner] / if blocking.vector == Some(inner) { blocking.lanes } else { 1 };
    let fits = |&copies: &usize| {
        copies * live + SPARE <= registers && copies * cost <= LONGEST && 2 * copies <= full
    };
    Some(([8, 4, 2].into_iter().find(fits)?, live))
}

impl Lower<'_> {
    /// The copies along the innermost loop side by side: each operation of all of them before the next,
    /// and what is folded at once, so that few values are alive. What is stored comes last, as it may lie
    /// where something is loaded from: in the same operand, or in another that was given the same memory.
    pub(super) fn bodies(&mut self) -> Option<()> {
        let nest = self.nest;
        let inner = nest.extents.len() - 1;
        for d in 0..inner {
            self.copy[d] = self.steps[d][0];
        }
        let steps = self.steps[inner].clone();
        let mut copies: Vec<Vec<Id>> = vec![Vec::with_capacity(nest.body.len()); steps.len()];
        let mut folds: Vec<SmallVec<[usize; 1]>> = vec![SmallVec::new(); nest.body.len()];
        let is_fold = |s: &usize| nest.stores[*s].fold.is_some();
        for s in (0..nest.stores.len()).filter(is_fold) {
            folds[nest.stores[s].value as usize].push(s);
        }
        for (i, folds) in folds.iter().enumerate() {
            for (values, &step) in copies.iter_mut().zip(&steps) {
                self.copy[inner] = step;
                values.push(self.instruction(i, values)?);
            }
            for &s in folds {
                self.store_copies(s, &copies, &steps)?;
            }
        }
        let mut stored = (0..nest.stores.len()).filter(|s| !is_fold(s));
        stored.try_for_each(|s| self.store_copies(s, &copies, &steps))
    }

    /// What a store does with the values of all copies.
    fn store_copies(&mut self, s: usize, copies: &[Vec<Id>], steps: &[Step]) -> Option<()> {
        let inner = self.nest.extents.len() - 1;
        let store = &self.nest.stores[s];
        if store.fold.is_some() && steps.iter().all(|step| !step.partial) {
            return self.join_all(s, copies);
        }
        for (values, &step) in copies.iter().zip(steps) {
            self.copy[inner] = step;
            match store.fold {
                Some(_) => self.join(s, 0, values)?,
                None => self.store(store, values[store.value as usize])?,
            }
        }
        Some(())
    }

    /// Joins the values of copies of the body that are full: combined pairwise first, as an accumulator in
    /// memory is best loaded and stored once. Products are summed one by one, without rounding.
    fn join_all(&mut self, store: usize, copies: &[Vec<Id>]) -> Option<()> {
        let (combine, number, _) = self.combination(store)?;
        let value = self.nest.stores[store].value;
        let is_truth = self.nest.body[value as usize].ty == DType::Bool;
        let is_product =
            combine == Combine::Sum && copies.iter().any(|c| self.product(value, c).is_some());
        if is_truth || is_product {
            return copies.iter().try_for_each(|values| self.join(store, 0, values));
        }
        let mut values = copies[0].clone();
        let all = copies.iter().map(|c| c[value as usize]).collect();
        values[value as usize] = pairwise(&self.graph, combine, number, all)?;
        self.join(store, 0, &values)
    }
}

/// Cycles until the last operation of a body is done if none has to wait but for its arguments. Elementary
/// functions do several things at a time themselves.
fn chain(nest: &Nest) -> usize {
    let mut done: Vec<usize> = Vec::with_capacity(nest.body.len());
    for (inst, cost) in nest.body.iter().zip(costs(nest)) {
        let own = match (&inst.op, cost) {
            (Op::Load(_) | Op::Index { .. } | Op::Const(_), _) => 0,
            (_, 1) => LATENCY,
            (_, cost) => cost,
        };
        let before = inst.op.arguments().iter().map(|&a| done[a as usize]).max().unwrap_or(0);
        done.push(before + own);
    }
    done.into_iter().max().unwrap_or(0)
}

/// The most values that are alive at a time, of those that differ from one iteration of a loop to the next.
/// What is folded is so at once, what is stored at the end.
fn alive(nest: &Nest, dim: usize) -> usize {
    let mut varies: Vec<bool> = Vec::with_capacity(nest.body.len());
    let mut last: Vec<usize> = (0..nest.body.len()).collect();
    for (i, inst) in nest.body.iter().enumerate() {
        let by_loop = match &inst.op {
            Op::Load(access) | Op::Gather { access, .. } => access.strides[dim] != 0,
            Op::Index { dim: d, .. } => *d == dim,
            _ => false,
        };
        let arguments = inst.op.arguments();
        varies.push(by_loop || arguments.iter().any(|&a| varies[a as usize]));
        arguments.iter().for_each(|&a| last[a as usize] = i);
    }
    for store in nest.stores.iter().filter(|store| store.fold.is_none()) {
        last[store.value as usize] = nest.body.len() - 1;
    }
    let mut ends = vec![0usize; nest.body.len()];
    let (mut now, mut most) = (0usize, 0);
    for i in (0..nest.body.len()).filter(|&i| varies[i]) {
        ends[last[i]] += 1;
    }
    for i in 0..nest.body.len() {
        now += usize::from(varies[i]);
        most = most.max(now);
        now -= ends[i];
    }
    most
}

/// Whether an operation is a call of a function.
pub(super) fn is_called(inst: &Inst) -> bool {
    matches!(inst.op, Op::Special(..)) || cost(inst) >= 80
}
