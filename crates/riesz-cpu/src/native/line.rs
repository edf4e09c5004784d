//! Nests without loops, one after the other, as one straight line; and a `while` of them as one loop.
//!
//! Small programs are made of nests that do a few operations each on what the nest before has stored. In one
//! graph they share what they have in common, and numbers go from one to the next in registers ([`Held`]).
//! All of them have the same lanes; where a nest has no loop in the lanes, every lane does the same.
//!
//! What a loop carries stays in registers from trip to trip and is stored behind it; what no trip changes is
//! computed before it.

use super::beside::is_called;
use super::blocking::Blocking;
use super::call::Helpers;
use super::graph::{Accumulator, Combine, Id, NONE, Node, Num, Op, Pattern, Place, Size, Trips};
use super::held::{Event, Held, Role};
use super::lower::{Lower, Lowered};
use crate::nest::{Binary, Nest, Op as NestOp, Operand};

/// The most operations of a line: beyond, registers are needed for other things than to remember.
const LONGEST: usize = 512;

/// The most copies of a body in a line.
const COPIES: usize = 4;

/// Nests that can be one straight line.
#[derive(Clone, Default)]
pub(super) struct Line<'a> {
    nests: Vec<(&'a Nest, Blocking)>,
    /// Lanes of those that have a loop in the lanes, and the lanes of the tail.
    lanes: Option<(usize, Option<usize>)>,
    flag: Option<Operand>,
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

    /// A loop of them: the first `test` leave in `flag` whether the others are done again, and those
    /// again. None if that cannot be.
    pub(super) fn lower_while(
        mut self,
        test: usize,
        flag: Operand,
        wide: bool,
        helpers: &mut Helpers,
    ) -> Option<Lowered> {
        let tail = self.settle();
        // Once to see what is loaded and stored.
        let mut lower = self.begin(wide, helpers)?;
        let mut first = 0;
        for (i, (nest, blocking)) in self.nests.iter().enumerate() {
            if i == test {
                first = lower.held.as_ref()?.events.len();
            }
            lower.append(nest, blocking.clone())?;
        }
        let seen = lower.held.take()?;
        if test == self.nests.len() {
            first = seen.events.len();
        }
        let of_flag = |e: &&Event| e.operand == flag;
        let mut stored = seen.events[..first].iter().filter(of_flag).filter(|e| e.stores);
        let decides = stored.next_back().map(|e| e.place).filter(|p| p.pattern == Pattern::Same)?;
        // Nobody reads it before it is known to be false.
        let is_silent = seen.events.iter().filter(of_flag).count() == 1;
        let roles = seen.roles(first);
        let groups = lower.into_groups();

        let mut lower = self.begin(wide, helpers)?;
        lower.set_groups(groups);
        let carried = lower.carry(&roles);
        lower.enter(None, Trips::Open, 0, false);
        for &(operand, place, number, accumulator) in &carried {
            let now = lower.now(accumulator, place, number.size());
            lower.held.as_mut()?.put(operand, place, now);
        }
        if is_silent {
            lower.held.as_mut()?.will_change(flag, true);
        }
        for (i, (nest, blocking)) in self.nests.iter().enumerate() {
            if i == test {
                lower.leave(flag, decides)?;
            }
            lower.append(nest, blocking.clone())?;
        }
        if test == self.nests.len() {
            lower.leave(flag, decides)?;
        }
        for &(operand, place, _, accumulator) in &carried {
            let value = lower.held.as_ref()?.at(operand, place)?;
            if lower.graph.node(value).op != Op::Now(accumulator) {
                lower.effect(Op::Set(accumulator), [value, NONE, NONE]);
            }
        }
        for &(_, place, number, accumulator) in &carried {
            let size = number.size();
            let last = lower.behind(Op::End(accumulator), [NONE; 3], size);
            lower.behind(Op::Store(place), [last, NONE, NONE], size);
        }
        if is_silent {
            let no = lower.graph.truth(false);
            lower.behind(Op::Store(decides), [no, NONE, NONE], Size::Mask);
        }
        lower.finish(tail, self.flag)
    }

    /// Gives all nests the same lanes; those of the tail.
    fn settle(&mut self) -> Option<usize> {
        let eight = self.nests.iter().any(|n| n.1.eight);
        let alone = if eight { 2 } else { 4 };
        let (lanes, tail) = self.lanes.unwrap_or((alone, None));
        for (_, blocking) in &mut self.nests {
            (blocking.lanes, blocking.eight) = (lanes, eight);
        }
        tail
    }

    fn begin<'b>(&self, wide: bool, helpers: &'b mut Helpers) -> Option<Lower<'b>>
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

/// An operand that a loop carries: where, its lanes, and its accumulator.
type Carried = (Operand, Place, Num, u16);

impl<'a> Lower<'a> {
    /// A nest without loops after those before.
    fn append(&mut self, nest: &'a Nest, blocking: Blocking) -> Option<()> {
        self.turn_to(nest, blocking);
        self.inside(0, None)?;
        self.finish_folds()
    }

    /// Accumulators for what a loop carries, before it.
    fn carry(&mut self, roles: &[(Operand, Role)]) -> Vec<Carried> {
        let mut carried = Vec::new();
        for (operand, role) in roles {
            let is_carried = matches!(role, Role::Carried(_));
            if let Some(held) = &mut self.held {
                held.will_change(*operand, is_carried);
            }
            let Role::Carried(places) = role else { continue };
            for &(place, num) in places {
                let number = self.graph.accumulators.len() as u16;
                self.graph.accumulators.push(Accumulator {
                    combine: Combine::Sum,
                    num,
                    identity: 0,
                });
                self.effect(Op::Begin(number, Some(place)), [NONE; 3]);
                carried.push((*operand, place, num, number));
            }
        }
        carried
    }

    /// What is carried, at the beginning of a trip.
    fn now(&self, number: u16, place: Place, size: Size) -> Id {
        let uniform = place.pattern == Pattern::Same;
        let (op, block) = (Op::Now(number), self.block);
        self.graph.push(Node { op, args: [NONE; 3], size, block, after: false, uniform })
    }

    /// The end of the loop, unless what is stored at a place holds.
    fn leave(&mut self, flag: Operand, place: Place) -> Option<()> {
        let holds = self.held.as_ref()?.at(flag, place)?;
        self.effect(Op::Leave, [holds, NONE, NONE]);
        Some(())
    }

    /// An operation behind the loop.
    fn behind(&self, op: Op, args: [Id; 3], size: Size) -> Id {
        self.graph.push(Node { op, args, size, block: 0, after: true, uniform: false })
    }
}
