//! Strips: nests and products over one long loop, each a few of its iterations at a time.
//!
//! Nests one after the other write and read whole buffers, which come from memory each time if they are
//! longer than the cache. Strip by strip, what one nest writes is still in the cache when the next reads
//! it, and a buffer that only these nests use holds no more than one strip (strip mining and tiling;
//! Wolfe, *More iteration space tiling*, 1989).

use super::{Access, Call, Loops, Nest, Op, Operand};

/// Nests whose outermost loops are one long loop. Every strip of it goes through all of them before the
/// next does.
///
/// What holds: a strip reads nothing that another strip writes, so strips can run in any order and at the
/// same time; a store that is folded along the long loop adds to a place of those strips.
#[derive(Clone, Debug, PartialEq)]
pub struct Strips {
    /// The iterations of the long loop.
    pub length: usize,
    /// The iterations of a strip; the last may have fewer.
    pub size: usize,
    /// The buffers of which every strip has a part.
    pub locals: Vec<Local>,
    /// What is done for each strip, in order.
    pub body: Vec<Band>,
}

/// A nest or a call in strips.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// What is done for the whole loop.
    pub task: Task,
    /// Of a call, in which of its ways it is seen; 0 for a nest.
    pub way: usize,
    /// How many iterations of its outermost loop are one of the long loop.
    pub each: usize,
}

/// What is done in strips.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// A nest.
    Nest(Nest),
    /// A routine that has loops.
    Call(Call),
}

impl Task {
    /// The nest, if it is one.
    pub fn nest(&self) -> Option<&Nest> {
        match self {
            Task::Nest(nest) => Some(nest),
            Task::Call(_) => None,
        }
    }

    /// The nest, to be changed, if it is one.
    pub fn nest_mut(&mut self) -> Option<&mut Nest> {
        match self {
            Task::Nest(nest) => Some(nest),
            Task::Call(_) => None,
        }
    }

    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Task::Nest(_) => None,
            Task::Call(call) => Some(call),
        }
    }
}

impl Band {
    /// The loops of a call, in the way in which it is seen; none of a nest.
    pub fn loops(&self) -> Option<Loops> {
        self.task.call()?.function.ways().into_iter().nth(self.way)
    }

    /// Whether it is a call that is summed along the long loop.
    pub fn is_sum(&self) -> bool {
        self.loops().is_some_and(|loops| loops.is_sum())
    }

    /// The iterations of its outermost loop for these iterations of the long loop.
    pub fn range(&self, (from, to): (usize, usize)) -> (usize, usize) {
        (from * self.each, to * self.each)
    }
}

/// A buffer with room for each of the strips that run at the same time, `room` elements, at most
/// [`TOGETHER`](super::TOGETHER) times. It holds what one strip makes and reads, and the accesses of the nests
/// are those of a buffer for the whole loop: what is there for the first iteration of a strip lies at the start
/// of its room. Or, with a stride of 0, it holds what strips have folded so far, or is the scratch of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// The buffer.
    pub operand: Operand,
    /// Elements from one iteration of the long loop to the next.
    pub stride: isize,
    /// Elements of the part of one strip.
    pub room: usize,
    /// Whether a strip goes on from what is there: then every n-th strip has the same room, whoever runs it.
    /// Elsewhere it may have any that is free.
    pub kept: bool,
}

impl Local {
    /// By how many elements the address of the buffer moves for a strip that begins at iteration `from`
    /// and has the room of this number.
    pub fn shift(&self, number: usize, from: usize) -> isize {
        (number * self.room) as isize - self.stride * from as isize
    }
}

impl Strips {
    /// How many strips there are.
    pub fn count(&self) -> usize {
        self.length.div_ceil(self.size.max(1))
    }

    /// The iterations of a strip.
    pub fn range(&self, strip: usize) -> (usize, usize) {
        let from = strip * self.size;
        (from, (from + self.size).min(self.length))
    }
}

impl Nest {
    /// The iterations `from..to` of the outermost loop.
    pub fn part(&self, from: usize, to: usize) -> Nest {
        let mut part = self.clone();
        if let Some(extent) = part.extents.first_mut() {
            *extent = to - from;
        }
        for access in part.accesses_mut() {
            access.offset += access.strides.first().map_or(0, |s| s * from as isize);
        }
        for inst in &mut part.body {
            if let Op::Index { dim: 0, start, step } = &mut inst.op {
                *start = start.wrapping_add(step.wrapping_mul(from as i64));
            }
        }
        part
    }

    /// Whether it reads an operand nowhere but where it writes another one, with one store that is no fold
    /// and does not read that one: both can be the same memory, as the loads come first.
    pub fn writes_where_it_reads(&self, read: Operand, written: Operand) -> bool {
        let mut stores = self.stores.iter().filter(|store| store.access.operand == written);
        let (Some(store), None) = (stores.next(), stores.next()) else { return false };
        let to = (store.access.offset, &store.access.strides);
        store.fold.is_none()
            && self.body.iter().all(|inst| match &inst.op {
                Op::Load(from) if from.operand == read => (from.offset, &from.strides) == to,
                Op::Load(from) | Op::Gather { access: from, .. } => {
                    from.operand != read && from.operand != written
                }
                _ => true,
            })
    }

    /// Every access.
    pub fn accesses(&self) -> impl Iterator<Item = &Access> {
        let loads = self.body.iter().filter_map(|inst| match &inst.op {
            Op::Load(access) | Op::Gather { access, .. } => Some(access),
            _ => None,
        });
        loads.chain(self.stores.iter().map(|s| &s.access))
    }

    /// Every access, to be changed.
    pub fn accesses_mut(&mut self) -> impl Iterator<Item = &mut Access> {
        let loads = self.body.iter_mut().filter_map(|inst| match &mut inst.op {
            Op::Load(access) | Op::Gather { access, .. } => Some(access),
            _ => None,
        });
        loads.chain(self.stores.iter_mut().map(|s| &mut s.access))
    }
}
