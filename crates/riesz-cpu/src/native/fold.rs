//! Folds: accumulators in registers, and what becomes of them.
//!
//! A place of a store has as many accumulators as there are chains; copies of the body along folded
//! loops take turns. At the end they are combined pairwise, then the lanes, if the loop in the lanes
//! is folded, by halves. A product that is only summed is not rounded on the way.
//!
//! Truth values are folded as lanes with all bits set or none.

use super::expand::num;
use super::graph::{
    Accumulator, Combine, Graph, Id, Logic, NONE, Node, Num, One, Op, Place, Size, Two,
};
use super::lower::Lower;
use super::total::Term;
use crate::nest::{Binary, Op as NestOp, Reduction};
use riesz_core::DType;

/// The accumulators of one place.
pub(super) struct Fold {
    home: u16,
    store: usize,
    place: Place,
    /// By chain; those that are not used do not exist.
    pub(super) chains: Vec<Option<Chain>>,
}

/// What one of several totals that are combined at the end has so far.
#[derive(Clone, Copy)]
pub(super) enum Chain {
    Accumulator(u16),
    Value(Id),
}

impl Lower<'_> {
    /// How the values of a store are combined, as what, and the identity.
    pub(super) fn combination(&self, store: usize) -> Option<(Combine, Num, u64)> {
        let store = &self.nest.stores[store];
        let ty = self.nest.body[store.value as usize].ty;
        let number = num(ty);
        let bits = |f64s: f64, f32s: f32, i32s: i32, i64s: i64| match ty {
            DType::F64 => f64s.to_bits(),
            DType::F32 => f32s.to_bits().into(),
            DType::I32 => u64::from(i32s as u32),
            DType::Bool if self.truths() == Num::I32 => u64::from(i32s as u32),
            DType::I64 | DType::Bool => i64s as u64,
        };
        Some(match (store.fold?.op, number) {
            (Reduction::Sum, n) => (Combine::Sum, n?, 0),
            (Reduction::Max, Some(n)) => {
                (Combine::Max, n, bits(f64::NEG_INFINITY, f32::NEG_INFINITY, i32::MIN, i64::MIN))
            }
            (Reduction::Min, Some(n)) => {
                (Combine::Min, n, bits(f64::INFINITY, f32::INFINITY, i32::MAX, i64::MAX))
            }
            (Reduction::Max, None) => (Combine::Or, self.truths(), 0),
            (Reduction::Min, None) => (Combine::And, self.truths(), bits(0.0, 0.0, -1, -1)),
        })
    }

    /// The lanes that truth values are folded in. Without mask registers they are there already.
    fn truths(&self) -> Num {
        match (self.graph.wide, self.graph.truth) {
            (false, Size::B8) => Num::I64,
            _ => Num::I32,
        }
    }

    /// The identity into the place of a store.
    pub(super) fn fill(&mut self, store: usize) -> Option<()> {
        let (combine, number, identity) = self.combination(store)?;
        let s = &self.nest.stores[store];
        let ty = self.nest.body[s.value as usize].ty;
        let place = self.place(&s.access, ty)?.0;
        let value = match combine {
            Combine::Or => self.graph.truth(false),
            Combine::And => self.graph.truth(true),
            _ => self.graph.constant(identity, number.size()),
        };
        self.effect(Op::Store(place), [value, NONE, NONE]);
        Some(())
    }

    /// Joins a value to what the fold of a store has so far.
    pub(super) fn join(&mut self, store: usize, chain: usize, values: &[Id]) -> Option<()> {
        let (combine, number, identity) = self.combination(store)?;
        let s = &self.nest.stores[store];
        let fold = s.fold?;
        let ty = self.nest.body[s.value as usize].ty;
        let place = self.place(&s.access, ty)?.0;
        let across = self.folds_lanes(fold.along);
        let masked = across && self.partial();
        let value = values[s.value as usize];
        let is_fused = combine == Combine::Sum && (self.graph.wide || !masked);
        let factors = if is_fused { self.product(s.value, values) } else { None };
        if self.held.is_some() {
            return self.join_total(store, place, chain, Term { value, factors, masked });
        }
        let home = self.home(fold.along);
        let accumulator = self.accumulator(
            store,
            home,
            place,
            chain,
            Accumulator { combine, num: number, identity },
        );
        if let Some((a, b)) = factors {
            self.effect(Op::Join(accumulator, masked), [a, b, NONE]);
            return Some(());
        }
        if is_fused && self.graph.wide {
            self.effect(Op::Join(accumulator, masked), [value, NONE, NONE]);
            return Some(());
        }
        let g = &self.graph;
        let value = match (combine, masked) {
            (_, false) => value,
            (Combine::Or, _) => g.logic(Logic::And, value, self.tail()),
            (Combine::And, _) => g.logic(Logic::Or, value, g.not(self.tail())),
            (_, _) => g.blend(self.tail(), value, g.constant(identity, number.size())),
        };
        let value = match ty {
            DType::Bool if g.wide => g.add(Op::Spread, [value, NONE, NONE], number.size()),
            _ => value,
        };
        self.effect(Op::Join(accumulator, false), [value, NONE, NONE]);
        Some(())
    }

    /// The factors of a product of floats that is used in this sum only.
    pub(super) fn product(&self, value: u32, values: &[Id]) -> Option<(Id, Id)> {
        let NestOp::Binary(Binary::Mul, a, b) = self.nest.body[value as usize].op else {
            return None;
        };
        let float = self.nest.body[value as usize].ty.is_float();
        (float && self.uses[value as usize] == 1).then(|| (values[a as usize], values[b as usize]))
    }

    /// Whether the loop in the lanes is folded.
    pub(super) fn folds_lanes(&self, along: u32) -> bool {
        self.blocking.vector.is_some_and(|v| along >> v & 1 == 1)
    }

    /// The number of a fold, which is new if there is none.
    pub(super) fn fold_at(&mut self, store: usize, place: Place, home: u16) -> usize {
        let same = |f: &Fold| (f.home, f.store, f.place) == (home, store, place);
        self.folds.iter().rposition(same).unwrap_or_else(|| {
            let chains = vec![None; self.blocking.chains.max(1)];
            self.folds.push(Fold { home, store, place, chains });
            self.folds.len() - 1
        })
    }

    fn accumulator(
        &mut self,
        store: usize,
        home: u16,
        place: Place,
        chain: usize,
        new: Accumulator,
    ) -> u16 {
        let at = self.fold_at(store, place, home);
        if let Some(Chain::Accumulator(accumulator)) = self.folds[at].chains[chain] {
            return accumulator;
        }
        let first = self.folds[at].chains.iter().all(Option::is_none);
        let from = (first && self.begins_in_memory(store)).then_some(place);
        let id = self.graph.accumulators.len() as u16;
        self.graph.accumulators.push(new);
        self.folds[at].chains[chain] = Some(Chain::Accumulator(id));
        let node = Node {
            op: Op::Begin(id, from),
            args: [NONE; 3],
            size: new.num.size(),
            block: home,
            after: false,
            uniform: false,
        };
        self.graph.push(node);
        id
    }

    /// Whether what is in the place counts.
    fn counts_memory(&self, store: usize) -> bool {
        self.nest.stores[store].fold.is_some_and(|f| f.accumulate)
            || self.outer_fold(store).is_some()
    }

    /// Whether the first accumulator starts with it. Where the lanes are combined, or are truth
    /// values, it is added at the end.
    pub(super) fn begins_in_memory(&self, store: usize) -> bool {
        let s = &self.nest.stores[store];
        let across = s.fold.is_some_and(|f| self.folds_lanes(f.along));
        let truth = self.nest.body[s.value as usize].ty == DType::Bool;
        self.counts_memory(store) && !across && !truth
    }

    /// Combines the accumulators of every place and stores the results.
    pub(super) fn finish_folds(&mut self) -> Option<()> {
        let folds = std::mem::take(&mut self.folds);
        let mut done = 0;
        while done < folds.len() {
            let together = self.neighbours(&folds[done..]);
            if together > 1 {
                self.finish_together(&folds[done..done + together])?;
            } else {
                self.finish_fold(&folds[done])?;
            }
            done += together;
        }
        Some(())
    }

    /// An operation after the loops inside a fold's home, or here if there are no loops.
    fn after(&self, fold: &Fold, op: Op, args: [Id; 3], size: Size) -> Id {
        if self.held.is_some() {
            return self.graph.add(op, args, size);
        }
        let node = Node { op, args, size, block: fold.home, after: true, uniform: false };
        self.graph.push(node)
    }

    /// The chains of a place combined pairwise.
    fn total(&self, fold: &Fold, combine: Combine, number: Num, size: Size) -> Option<Id> {
        let chains = fold.chains.iter().flatten();
        let value = |chain: &Chain| match *chain {
            Chain::Accumulator(a) => self.after(fold, Op::End(a), [NONE; 3], size),
            Chain::Value(id) => id,
        };
        let values = chains.map(value).collect();
        pairwise(&self.graph, combine, number, values)
    }

    fn finish_fold(&mut self, fold: &Fold) -> Option<()> {
        let (combine, number, _) = self.combination(fold.store)?;
        let s = &self.nest.stores[fold.store];
        let (ty, operand) = (self.nest.body[s.value as usize].ty, s.access.operand);
        let truth = ty == DType::Bool;
        let size = if truth && !self.graph.wide { Size::Mask } else { number.size() };
        let bytes = if number.size() == Size::B4 { 4 } else { 8 };
        let mut total = self.total(fold, combine, number, size)?;
        if s.fold.is_some_and(|f| self.folds_lanes(f.along)) {
            total = self.after(fold, Op::Lanes(combine, number), [total, NONE, NONE], size);
            if self.held.is_some() && self.graph.lanes * bytes > 16 {
                // Who reads it later wants it in every lane.
                let first = Op::One(One::Lane(0), number);
                total = self.after(fold, first, [total, NONE, NONE], size);
            }
        }
        total = self.without_minus_zero(fold.store, number, total);
        if self.graph.node(total).size != Size::Mask && truth {
            total = self.after(fold, Op::Common, [total, total, NONE], Size::Mask);
        }
        if self.counts_memory(fold.store) && !self.begins_in_memory(fold.store) {
            let size = if truth { Size::Mask } else { number.size() };
            let memory = match self.held {
                Some(_) => self.held_at(operand, fold.place, ty)?,
                None => self.after(fold, Op::Peek(fold.place), [NONE; 3], size),
            };
            total = combined(&self.graph, combine, number, memory, total);
        }
        if self.held.is_some() {
            self.put(operand, fold.place, ty, total);
        } else {
            self.after(fold, Op::Store(fold.place), [total, NONE, NONE], number.size());
        }
        Some(())
    }

    /// How many of these folds are sums over lanes to neighbouring places, a power of two: their
    /// lanes are added together.
    fn neighbours(&self, folds: &[Fold]) -> usize {
        let first = &folds[0];
        let Some((Combine::Sum, number, _)) = self.combination(first.store) else { return 1 };
        let along = self.nest.stores[first.store].fold.map_or(0, |f| f.along);
        let bytes = self.graph.lanes * usize::from(first.place.bytes);
        if self.held.is_some()
            || !self.graph.wide
            || !number.is_float()
            || !self.folds_lanes(along)
            || bytes < 16
        {
            return 1;
        }
        let next = |(i, f): (usize, &Fold)| {
            let disp = first.place.disp + i as i32 * i32::from(first.place.bytes);
            (f.home, f.store, f.place) == (first.home, first.store, Place { disp, ..first.place })
        };
        let run = folds.iter().enumerate().take_while(|&f| next(f)).count().min(self.graph.lanes);
        1 << run.ilog2()
    }

    /// The sums over the lanes of neighbouring folds as one vector. Halves of the vectors change
    /// places and are added, for pairs of vectors, pairs of pairs and so on; a sum of lanes for each
    /// place would take as many additions for one of them.
    fn finish_together(&self, folds: &[Fold]) -> Option<()> {
        let g = &self.graph;
        let (_, number, _) = self.combination(folds[0].store)?;
        let size = number.size();
        let mut vectors: Vec<Id> = folds
            .iter()
            .map(|f| self.total(f, Combine::Sum, number, size))
            .collect::<Option<_>>()?;
        let lane = if size == Size::B4 { 4 } else { 8 };
        let mut span = lane;
        while span < lane * g.lanes {
            let (low, high) = match span {
                4 => (Two::LowWords, Two::HighWords),
                8 => (Two::LowPairs, Two::HighPairs),
                _ => (Two::EvenQuarters, Two::OddQuarters),
            };
            vectors = vectors
                .chunks(2)
                .map(|pair| {
                    let (a, b) = (pair[0], pair[pair.len() - 1]);
                    let (x, y) = (g.two(low, number, a, b), g.two(high, number, a, b));
                    g.two(Two::Add, number, x, y)
                })
                .collect();
            span *= 2;
        }
        let first = &folds[0];
        let count = folds.len() as u8;
        let mut total = vectors[0];
        if self.counts_memory(first.store) {
            let op = Op::PeekFirst(first.place, count);
            let memory = self.after(first, op, [NONE; 3], size);
            total = g.two(Two::Add, number, memory, total);
        }
        let op = Op::StoreFirst(first.place, count);
        self.after(first, op, [total, NONE, NONE], size);
        Some(())
    }
}

/// All values as one: the first half with the second, and so on.
pub(super) fn pairwise(g: &Graph, combine: Combine, num: Num, mut values: Vec<Id>) -> Option<Id> {
    while values.len() > 1 {
        let half = values.len().div_ceil(2);
        for i in half..values.len() {
            values[i - half] = combined(g, combine, num, values[i - half], values[i]);
        }
        values.truncate(half);
    }
    values.first().copied()
}

/// a ⊕ b.
pub(super) fn combined(g: &Graph, combine: Combine, num: Num, a: Id, b: Id) -> Id {
    let truths = g.node(a).size == Size::Mask;
    match combine {
        Combine::Sum => g.two(Two::Add, num, a, b),
        Combine::Max => g.extreme(Two::Max, num, a, b),
        Combine::Min => g.extreme(Two::Min, num, a, b),
        // Truth values may be spread over lanes.
        Combine::And if truths => g.logic(Logic::And, a, b),
        Combine::Or if truths => g.logic(Logic::Or, a, b),
        Combine::And => g.two(Two::And, num, a, b),
        Combine::Or => g.two(Two::Or, num, a, b),
    }
}
