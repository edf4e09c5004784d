//! Nests without loops, one after the other, as one straight line.
//!
//! Small programs are made of nests that do a few operations each on what the nest before has stored. In one
//! graph they share what they have in common, and numbers go from one to the next in registers ([`Held`]).
//! All of them have the same lanes; where a nest has no loop in the lanes, every lane does the same.

use super::beside::is_called;
use super::blocking::Blocking;
use super::call::Helpers;
use super::graph::Trips;
use super::held::Held;
use super::lower::{Lower, Lowered};
use crate::nest::{Binary, Nest, Op as NestOp, Operand};

/// The most operations of a line: beyond, registers are needed for other things than to remember.
const LONGEST: usize = 512;

/// The most copies of a body in a line.
const COPIES: usize = 4;

/// Nests that can be one straight line.
#[derive(Clone, Default)]
pub(super) struct Line<'a> {
    pub(super) nests: Vec<(&'a Nest, Blocking)>,
    /// Lanes of those that have a loop in the lanes, and the lanes of the tail.
    lanes: Option<(usize, Option<usize>)>,
    pub(super) flag: Option<Operand>,
    operations: usize,
}

impl<'a> Line<'a> {
    /// Appends a nest; false if it has loops, or other lanes than those before.
    pub(super) fn push(&mut self, nest: &'a Nest, wide: bool) -> bool {
        let Some(blocking) = straight(nest, wide) else { return false };
        let lanes = match blocking.vector {
            Some(_) => Some((blocking.lanes, blocking.tail(nest))),
            None => self.lanes,
        };
        let flag = nest.flag.or(self.flag);
        let fits = |a: Option<(usize, Option<usize>)>| a.is_none() || a == lanes;
        if !fits(self.lanes)
            || self.flag.is_some_and(|f| Some(f) != flag)
            || self.operations + nest.body.len() > LONGEST
        {
            return false;
        }
        (self.lanes, self.flag) = (lanes, flag);
        self.operations += nest.body.len();
        self.nests.push((nest, blocking));
        true
    }

    /// The nests as one graph; none if that cannot be.
    pub(super) fn lower(mut self, wide: bool, helpers: &mut Helpers) -> Option<Lowered> {
        let tail = self.settle();
        let mut lower = self.begin(wide, helpers)?;
        for (nest, blocking) in self.nests {
            lower.append(nest, blocking)?;
        }
        lower.finish(tail, self.flag)
    }

    /// Gives all nests the same lanes; those of the tail.
    pub(super) fn settle(&mut self) -> Option<usize> {
        let eight = self.nests.iter().any(|n| n.1.eight);
        let alone = if eight { 2 } else { 4 };
        let (lanes, tail) = self.lanes.unwrap_or((alone, None));
        for (_, blocking) in &mut self.nests {
            (blocking.lanes, blocking.eight) = (lanes, eight);
        }
        tail
    }

    pub(super) fn begin<'b>(&self, wide: bool, helpers: &'b mut Helpers) -> Option<Lower<'b>>
    where
        'a: 'b,
    {
        let (nest, blocking) = self.nests.first()?;
        let held = Held::new(blocking.lanes, self.lanes.and_then(|l| l.1));
        let mut lower = Lower::new(nest, blocking.clone(), wide, helpers);
        lower.held = Some(held);
        Some(lower)
    }
}

/// How a nest runs, if each of its loops is copies of the body and nothing in it is worth a loop of its own
/// or has an effect.
fn straight(nest: &Nest, wide: bool) -> Option<Blocking> {
    let count = nest.extents.iter().try_fold(1usize, |n, &e| n.checked_mul(e))?;
    if count == 0 || count > 16 * COPIES || nest.body.len() > LONGEST {
        return None;
    }
    let is_plain = |i: usize| {
        let inst = &nest.body[i];
        match &inst.op {
            NestOp::Gather { .. } | NestOp::Special(..) => false,
            NestOp::Binary(f, ..) if !inst.ty.is_float() => {
                matches!(f, Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
            }
            _ => !is_called(inst),
        }
    };
    if !(0..nest.body.len()).all(is_plain) {
        return None;
    }
    let blocking = Blocking::of(nest, wide, false);
    let mut copies = 1;
    for dim in 0..nest.extents.len() {
        let parts = blocking.parts(nest, dim);
        let [part] = parts.as_slice() else { return None };
        if part.trips != Trips::Once {
            return None;
        }
        copies *= part.copies;
    }
    let is_short = copies <= COPIES && !blocking.side_by_side && !blocking.masked;
    (is_short && (blocking.vector.is_none() || matches!(blocking.lanes, 2 | 4))).then_some(blocking)
}

impl<'a> Lower<'a> {
    /// A nest without loops after those before.
    pub(super) fn append(&mut self, nest: &'a Nest, blocking: Blocking) -> Option<()> {
        self.turn_to(nest, blocking);
        self.inside(0, None)?;
        self.finish_folds()
    }
}
