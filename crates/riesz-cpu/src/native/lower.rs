//! From a nest to blocks of operations: loops, copies of the body, and accumulators.
//!
//! The loops become a tree of blocks, each the inside of a part of a loop. At every leaf the body is
//! expanded once for each copy; value numbering keeps what copies share, and what does not depend on
//! a loop ends up outside of it. Pointers move with the loops by fixed numbers of bytes.
//!
//! A fold has its accumulators inside the innermost loop that it keeps: they begin there, are joined
//! in the leaves and end after the loops inside. If a loop outside of that one is folded too, they
//! begin and end in memory, which is filled with the identity before.

use super::blocking::{Blocking, Part};
use super::call::Helpers;
use super::expand::{Expand, num};
use super::fold::Fold;
use super::graph::{Block, Graph, Id, NONE, Node, Op, Pattern, Place, Size, Trips};
use super::held::{Event, Held};
use crate::nest::{Access, Nest, Operand, Store};
use riesz_core::DType;
use rustc_hash::FxHashMap as HashMap;
use smallvec::{SmallVec, smallvec};

/// A pointer into an operand, or a number, that moves with the loops.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    /// None: a number.
    pub(super) operand: Option<Operand>,
    /// Where it starts: bytes, or the number.
    pub(super) start: i64,
    /// For each loop, what one iteration adds.
    pub(super) strides: SmallVec<[i64; 4]>,
}

/// A nest, ready for registers.
pub(super) struct Lowered {
    pub(super) graph: Graph,
    pub(super) groups: Vec<Group>,
    /// For each pointer, the one with the distance that it has in common with others.
    pub(super) shared: Vec<Option<u16>>,
    /// For each block, what is added to pointers at the end of each trip.
    pub(super) moves: Vec<Vec<(u16, i64)>>,
    /// Lanes of the tail, if known now.
    pub(super) tail: Option<usize>,
    pub(super) flag: Option<Operand>,
    /// Whether the range of the outermost loop is given at run time.
    pub(super) ranged: bool,
    /// The iterations of the outermost loop, if its vectors run under a mask.
    pub(super) masked: Option<usize>,
    /// How many accumulators may have registers.
    pub(super) accumulators: usize,
}

/// One iteration that a block does, relative to where the pointers are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) index: i64,
    pub(super) partial: bool,
}

pub(super) struct Lower<'a> {
    pub(super) nest: &'a Nest,
    pub(super) blocking: Blocking,
    pub(super) graph: Graph,
    groups: Vec<Group>,
    known: HashMap<Group, u16>,
    pub(super) helpers: &'a mut Helpers,
    /// The block we are in.
    pub(super) block: u16,
    /// For each loop around, its block, if it is one of its own.
    own: SmallVec<[Option<u16>; 4]>,
    /// For each loop around, the iterations done in one trip.
    pub(super) steps: Vec<SmallVec<[Step; 8]>>,
    /// Of those, the ones of the copy being made.
    pub(super) copy: SmallVec<[Step; 4]>,
    pub(super) folds: Vec<Fold>,
    /// How often each instruction's value is used.
    pub(super) uses: Vec<u32>,
    /// What of memory is in registers, where nests without loops follow one another.
    pub(super) held: Option<Held>,
}

/// Pointers and accumulators are counted in 16 bits.
const MANY: usize = 60_000;

/// Lowers a nest without empty loops; none if it has distances that do not fit in 32 bits.
pub(super) fn lower(
    nest: &Nest,
    wide: bool,
    ranged: bool,
    helpers: &mut Helpers,
) -> Option<Lowered> {
    let blocking = Blocking::of(nest, wide, ranged);
    let tail = if blocking.counts_down() { None } else { blocking.tail(nest) };
    let masked = blocking.masked.then(|| nest.extents[0]);
    let mut lower = Lower::new(nest, blocking, wide, helpers);
    lower.inside(0, None)?;
    lower.finish_folds()?;
    Some(Lowered { ranged, masked, ..lower.finish(tail, nest.flag)? })
}

impl<'a> Lower<'a> {
    /// Nothing yet; the first nest is this one.
    pub(super) fn new(
        nest: &'a Nest,
        blocking: Blocking,
        wide: bool,
        helpers: &'a mut Helpers,
    ) -> Lower<'a> {
        let truth = if blocking.eight { Size::B8 } else { Size::B4 };
        let mut lower = Lower {
            nest,
            graph: Graph::new(blocking.lanes, wide, truth),
            blocking: blocking.clone(),
            groups: Vec::new(),
            known: HashMap::default(),
            helpers,
            block: 0,
            own: SmallVec::new(),
            steps: Vec::new(),
            copy: SmallVec::new(),
            folds: Vec::new(),
            uses: Vec::new(),
            held: None,
        };
        lower.turn_to(nest, blocking);
        lower
    }

    /// What follows is this nest.
    pub(super) fn turn_to(&mut self, nest: &'a Nest, blocking: Blocking) {
        let depth = nest.extents.len();
        (self.nest, self.blocking) = (nest, blocking);
        self.own = smallvec![None; depth];
        self.steps = vec![SmallVec::new(); depth];
        self.copy = smallvec![Step { index: 0, partial: false }; depth];
        self.uses = vec![0; nest.body.len()];
        for inst in &nest.body {
            inst.op.arguments().iter().for_each(|&a| self.uses[a as usize] += 1);
        }
        nest.stores.iter().for_each(|s| self.uses[s.value as usize] += 1);
    }

    /// Everything, ready for registers; none if there is too much of it.
    pub(super) fn finish(mut self, tail: Option<usize>, flag: Option<Operand>) -> Option<Lowered> {
        if self.groups.len() > MANY || self.graph.accumulators.len() > MANY {
            return None;
        }
        let shared = match self.held {
            // Nothing moves.
            Some(_) => vec![None; self.groups.len()],
            None => super::address::share(&mut self.groups),
        };
        let moves = super::address::moves(&self.graph, &self.groups, &shared);
        Some(Lowered {
            accumulators: self.blocking.accumulators,
            graph: self.graph,
            groups: self.groups,
            shared,
            moves,
            tail,
            flag,
            ranged: false,
            masked: None,
        })
    }

    /// The loops from `dim` on; `fill`: only to write the identity of this store to its places.
    pub(super) fn inside(&mut self, dim: usize, fill: Option<usize>) -> Option<()> {
        if dim == self.nest.extents.len() {
            return self.leaf(fill);
        }
        let along = |s: usize| self.nest.stores[s].fold.map_or(0, |f| f.along);
        if fill.is_none() {
            for s in 0..self.nest.stores.len() {
                if self.fills_at(s) == Some(dim) {
                    let outer = self.enter(None, Trips::Once, 0, false);
                    self.inside(dim, Some(s))?;
                    self.block = outer;
                }
            }
        }
        if fill.is_some_and(|s| along(s) >> dim & 1 == 1) {
            self.steps[dim] = smallvec![Step { index: 0, partial: false }];
            return self.inside(dim + 1, fill);
        }
        let parts = self.blocking.parts(self.nest, dim);
        let alone = parts.len() == 1 && parts[0].trips == Trips::Once;
        let mut moved = false;
        for part in parts {
            let outer = self.block;
            if !alone {
                moved |= part.trips != Trips::Once;
                self.enter(Some(dim), part.trips, part.step, moved);
                self.own[dim] = Some(self.block);
            }
            self.steps[dim] = self.part_steps(dim, part);
            self.inside(dim + 1, fill)?;
            self.own[dim] = None;
            self.block = outer;
        }
        Some(())
    }

    fn part_steps(&self, dim: usize, part: Part) -> SmallVec<[Step; 8]> {
        let unit = if self.blocking.vector == Some(dim) { self.blocking.lanes } else { 1 };
        (0..part.copies)
            .map(|c| Step {
                index: part.start + (c * unit) as i64,
                partial: part.partial && c + 1 == part.copies,
            })
            .collect()
    }

    /// A block inside the present one, which is returned.
    pub(super) fn enter(
        &mut self,
        dim: Option<usize>,
        trips: Trips,
        step: u64,
        moves: bool,
    ) -> u16 {
        let outer = self.block;
        let mut blocks = self.graph.blocks.borrow_mut();
        let id = blocks.len() as u16;
        let depth = blocks[outer as usize].depth + 1;
        blocks[outer as usize].kids.push(id);
        blocks.push(Block {
            parent: outer,
            depth,
            dim: dim.map(|d| d as u8),
            trips,
            step,
            moves,
            before: Vec::new(),
            kids: Vec::new(),
            after: Vec::new(),
        });
        drop(blocks);
        self.block = id;
        outer
    }

    /// Whether the inside of a loop runs more than once.
    fn repeats(&self, dim: usize) -> bool {
        let parts = self.blocking.parts(self.nest, dim);
        parts.len() > 1 || parts[0].trips != Trips::Once
    }

    /// The outermost folded loop of a store that has a kept one inside; there its places must hold
    /// what was folded before.
    pub(super) fn outer_fold(&self, store: usize) -> Option<usize> {
        let along = self.nest.stores[store].fold?.along;
        let depth = self.nest.extents.len();
        let outer = (0..depth).find(|&d| along >> d & 1 == 1 && self.repeats(d))?;
        (outer + 1..depth).any(|d| along >> d & 1 == 0 && self.repeats(d)).then_some(outer)
    }

    fn fills_at(&self, store: usize) -> Option<usize> {
        let fold = self.nest.stores[store].fold?;
        if fold.accumulate { None } else { self.outer_fold(store) }
    }

    /// The innermost block around that belongs to a loop which `along` does not name.
    pub(super) fn home(&self, along: u32) -> u16 {
        let kept = |d: &usize| along >> d & 1 == 0;
        let own = (0..self.own.len()).rev().filter(kept).find_map(|d| self.own[d]);
        own.unwrap_or(0)
    }

    /// All copies of the body.
    fn leaf(&mut self, fill: Option<usize>) -> Option<()> {
        let depth = self.nest.extents.len();
        let mut at: SmallVec<[usize; 4]> = smallvec![0; depth];
        if fill.is_none() && self.blocking.side_by_side {
            return self.bodies();
        }
        loop {
            for d in 0..depth {
                self.copy[d] = self.steps[d][at[d]];
            }
            match fill {
                Some(s) => self.fill(s)?,
                None => self.body(&at)?,
            }
            let Some(d) = (0..depth).rev().find(|&d| at[d] + 1 < self.steps[d].len()) else {
                return Some(());
            };
            at[d] += 1;
            at[d + 1..].fill(0);
        }
    }

    /// Which copy along the loops of `along` the one at `at` is.
    fn copy_along(&self, at: &[usize], along: u32) -> usize {
        let folded = (0..at.len()).filter(|d| along >> d & 1 == 1);
        folded.fold(0, |n, d| n * self.steps[d].len() + at[d])
    }

    fn body(&mut self, at: &[usize]) -> Option<()> {
        let nest = self.nest;
        let mut values: Vec<Id> = Vec::with_capacity(nest.body.len());
        for i in 0..nest.body.len() {
            values.push(self.instruction(i, &values)?);
        }
        for (s, store) in nest.stores.iter().enumerate() {
            if let Some(fold) = store.fold {
                let chain = self.copy_along(at, fold.along) % self.blocking.chains.max(1);
                self.join(s, chain, &values)?;
            }
        }
        for store in nest.stores.iter().filter(|s| s.fold.is_none()) {
            self.store(store, values[store.value as usize])?;
        }
        Some(())
    }

    /// An operation of the body in the present copy.
    pub(super) fn instruction(&mut self, i: usize, values: &[Id]) -> Option<Id> {
        let tail = if self.partial() { self.tail() } else { NONE };
        let nest = self.nest;
        let mut expand = Expand { graph: &self.graph, nest, helpers: &mut *self.helpers, tail };
        match expand.instruction(i, values) {
            Some(value) => Some(value),
            None => self.by_loops(i, values),
        }
    }

    pub(super) fn store(&mut self, store: &Store, value: Id) -> Option<()> {
        let ty = self.nest.body[store.value as usize].ty;
        let place = self.place(&store.access, ty)?.0;
        self.put(store.access.operand, place, ty, value);
        Some(())
    }

    /// A value to its place in memory, unless that is not to have it now.
    pub(super) fn put(&mut self, operand: Operand, place: Place, ty: DType, value: Id) {
        let event = Event { operand, place, number: num(ty), stores: true };
        if self.held.as_mut().is_none_or(|held| held.store(event, value)) {
            self.effect(Op::Store(place), [value, NONE, NONE]);
        }
    }

    /// Whether the copy has only the lanes of the tail.
    pub(super) fn partial(&self) -> bool {
        self.blocking.vector.is_some_and(|v| self.copy[v].partial)
    }

    /// The mask of the lanes of the tail.
    pub(super) fn tail(&self) -> Id {
        let block = match self.blocking.vector {
            Some(0) if self.blocking.counts_down() => self.own[0].unwrap_or(0),
            _ => 0,
        };
        self.graph.add_in(Op::Tail, [NONE; 3], Size::Mask, block, false, false)
    }

    /// An operation that is done where we are.
    pub(super) fn effect(&self, op: Op, args: [Id; 3]) -> Id {
        let node =
            Node { op, args, size: Size::B8, block: self.block, after: false, uniform: false };
        self.graph.push(node)
    }

    /// Where an access lies for the present copy, and the block that depends on.
    pub(super) fn place(&mut self, access: &Access, ty: DType) -> Option<(Place, u16)> {
        let bytes = ty.size() as i64;
        let mut strides: SmallVec<[i64; 4]> =
            access.strides.iter().map(|&s| s as i64 * bytes).collect();
        let moved: i64 = strides.iter().zip(&self.copy).map(|(s, c)| s * c.index).sum();
        let offset = access.offset as i64 * bytes;
        // Elements of one operand share a pointer; far ones get another.
        let start = offset & !((1 << 29) - 1);
        let disp = i32::try_from(offset - start + moved).ok()?;
        let vector = self.blocking.vector.map_or(0, |v| strides[v]);
        let pattern = match vector {
            0 => Pattern::Same,
            s if s == bytes => Pattern::Forward,
            s if s == -bytes => Pattern::Backward,
            s => Pattern::Every(i32::try_from(s).ok().filter(|s| s.unsigned_abs() < 1 << 26)?),
        };
        let block = self.depends(&strides);
        let masked = vector != 0 && self.partial();
        if self.held.is_some() {
            // Pointers that all nests share, to operands without far elements.
            strides.clear();
            if start != 0 {
                return None;
            }
        }
        let group = self.group(Group { operand: Some(access.operand), start, strides });
        Some((Place { group, disp, pattern, bytes: bytes as u8, masked }, block))
    }

    pub(super) fn group(&mut self, group: Group) -> u16 {
        *self.known.entry(group).or_insert_with_key(|group| {
            self.groups.push(group.clone());
            (self.groups.len() - 1) as u16
        })
    }

    /// The innermost block around whose pointers differ, for these strides, from those outside.
    pub(super) fn depends(&self, strides: &[i64]) -> u16 {
        let blocks = self.graph.blocks.borrow();
        let moving = |d: usize| {
            let own = self.own[d].filter(|_| strides[d] != 0)?;
            blocks[own as usize].moves.then_some(own)
        };
        (0..strides.len()).rev().find_map(moving).unwrap_or(0)
    }

    /// The inner of two blocks, one of which is inside the other.
    pub(super) fn inner(&self, a: u16, b: u16) -> u16 {
        let blocks = self.graph.blocks.borrow();
        if blocks[a as usize].depth >= blocks[b as usize].depth { a } else { b }
    }
}
