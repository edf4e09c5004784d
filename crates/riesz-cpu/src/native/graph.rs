//! The low-level operations of a nest: one processor instruction each, or a short fixed sequence.
//!
//! Every value is a vector with one lane for each of several iterations of the vector loop; a value
//! that does not depend on that loop has the same number in every lane. Values are numbered: the same
//! operation on the same values is the same value, so what functions of one argument have in common
//! is computed once. A value belongs to the innermost block (the inside of a loop, [`Block`]) that
//! it depends on, which moves what is invariant out of the loops.
//!
//! Not here: what the operations of a nest become (`expand`), and which loops there are (`lower`).

pub(super) use super::operation::*;
use crate::numbers::Numbers;
use rustc_hash::FxBuildHasher;
use std::cell::RefCell;
use std::hash::BuildHasher;

/// The number of a value.
pub(super) type Id = u32;

/// No value.
pub(super) const NONE: Id = u32::MAX;

/// A value and where it is computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) args: [Id; 3],
    pub(super) size: Size,
    /// The block it is computed in.
    pub(super) block: u16,
    /// Whether that is after the loops inside the block.
    pub(super) after: bool,
    /// Whether every lane has the same number.
    pub(super) uniform: bool,
}

impl Node {
    fn key(&self) -> Key {
        (self.op, self.args, self.size, self.block)
    }
}

/// How often a block runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trips {
    Once,
    Count(u64),
    /// While at least `step` iterations remain of the range given at run time.
    While,
    /// While any iterations remain, with a mask of those that do.
    Rest,
    /// Until an operation inside leaves.
    Open,
}

/// The inside of a loop, or a part of a loop that runs once.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) parent: u16,
    /// Number of blocks around.
    pub(super) depth: u16,
    /// Which loop of the nest; none for the nest itself and for blocks without one.
    pub(super) dim: Option<u8>,
    pub(super) trips: Trips,
    /// Iterations of the loop that one trip does.
    pub(super) step: u64,
    /// Whether the pointers that move along the loop are elsewhere than in the parent.
    pub(super) moves: bool,
    pub(super) before: Vec<Id>,
    pub(super) kids: Vec<u16>,
    pub(super) after: Vec<Id>,
}

/// A number or a register that changes: what a fold has so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accumulator {
    pub(super) combine: Combine,
    pub(super) num: Num,
    /// The identity, in every lane.
    pub(super) identity: u64,
}

/// What makes two values the same.
type Key = (Op, [Id; 3], Size, u16);

fn hash(key: &Key) -> u64 {
    FxBuildHasher.hash_one(key)
}

/// The values of a nest and the blocks they are computed in.
pub(super) struct Graph {
    nodes: RefCell<Vec<Node>>,
    /// The values that have no effects.
    known: RefCell<Numbers>,
    pub(super) blocks: RefCell<Vec<Block>>,
    pub(super) accumulators: Vec<Accumulator>,
    /// Lanes of a vector.
    pub(super) lanes: usize,
    /// Whether the processor has AVX-512.
    pub(super) wide: bool,
    /// Without mask registers, the size of the lanes that hold truth values.
    pub(super) truth: Size,
}

impl Graph {
    pub(super) fn new(lanes: usize, wide: bool, truth: Size) -> Graph {
        let root = Block {
            parent: 0,
            depth: 0,
            dim: None,
            trips: Trips::Once,
            step: 0,
            moves: false,
            before: Vec::new(),
            kids: Vec::new(),
            after: Vec::new(),
        };
        Graph {
            nodes: RefCell::new(Vec::with_capacity(64)),
            known: RefCell::new(Numbers::with_room(128)),
            blocks: RefCell::new(vec![root]),
            accumulators: Vec::new(),
            lanes,
            wide,
            truth,
        }
    }

    pub(super) fn node(&self, id: Id) -> Node {
        self.nodes.borrow()[id as usize]
    }

    pub(super) fn nodes(&self) -> std::cell::Ref<'_, Vec<Node>> {
        self.nodes.borrow()
    }

    /// The value of an operation, computed where its arguments are known.
    pub(super) fn add(&self, op: Op, args: [Id; 3], size: Size) -> Id {
        let (mut block, mut depth, mut after, mut uniform) = (0, 0, false, true);
        {
            let nodes = self.nodes.borrow();
            let blocks = self.blocks.borrow();
            for &arg in args.iter().filter(|&&a| a != NONE) {
                let node = &nodes[arg as usize];
                let inner = blocks[node.block as usize].depth;
                if inner > depth {
                    (block, depth, after) = (node.block, inner, node.after);
                } else if inner == depth {
                    after |= node.after;
                }
                uniform &= node.uniform;
            }
        }
        self.add_in(op, args, size, block, after, uniform)
    }

    /// The value of an operation that depends on a block besides its arguments.
    pub(super) fn add_in(
        &self,
        op: Op,
        args: [Id; 3],
        size: Size,
        block: u16,
        after: bool,
        uniform: bool,
    ) -> Id {
        let node = Node { op, args, size, block, after, uniform };
        if !op.is_numbered() || after {
            return self.push(node);
        }
        let key = node.key();
        let mut known = self.known.borrow_mut();
        let found = {
            let nodes = self.nodes.borrow();
            known.find(hash(&key), |id| nodes[id as usize].key() == key)
        };
        found.unwrap_or_else(|place| {
            let id = self.push(node);
            let nodes = self.nodes.borrow();
            known.put(place, id, |id| hash(&nodes[id as usize].key()));
            id
        })
    }

    /// A node of its own, whatever there is already.
    pub(super) fn push(&self, node: Node) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        let id = nodes.len() as Id;
        nodes.push(node);
        // Constants are made where they are used.
        if !matches!(node.op, Op::Const(_)) {
            let block = &mut self.blocks.borrow_mut()[node.block as usize];
            if node.after { block.after.push(id) } else { block.before.push(id) }
        }
        id
    }

    pub(super) fn constant(&self, bits: u64, size: Size) -> Id {
        self.add(Op::Const(bits), [NONE; 3], size)
    }

    pub(super) fn two(&self, op: Two, num: Num, a: Id, b: Id) -> Id {
        self.add(Op::Two(op, num), [a, b, NONE], num.size())
    }

    pub(super) fn one(&self, op: One, num: Num, a: Id) -> Id {
        self.add(Op::One(op, num), [a, NONE, NONE], num.size())
    }

    pub(super) fn compare(&self, test: Test, num: Num, a: Id, b: Id) -> Id {
        if !self.wide && !num.is_float() {
            // There is only "equal" and "greater".
            match test {
                Test::Le => return self.not(self.compare(Test::Lt, num, b, a)),
                Test::Ne => return self.not(self.compare(Test::Eq, num, a, b)),
                Test::Below => {
                    let bit = if num.size() == Size::B4 { 1 << 31 } else { 1 << 63 };
                    let sign = self.constant(bit, num.size());
                    let flip = |x| self.two(Two::Xor, num, x, sign);
                    return self.compare(Test::Lt, num, flip(a), flip(b));
                }
                _ => {}
            }
        }
        self.add(Op::Compare(test, num), [a, b, NONE], Size::Mask)
    }

    pub(super) fn logic(&self, op: Logic, a: Id, b: Id) -> Id {
        self.add(Op::Logic(op), [a, b, NONE], Size::Mask)
    }

    /// The maximum or minimum by IEEE 754-2019; of integers, the larger or smaller.
    pub(super) fn extreme(&self, op: Two, num: Num, a: Id, b: Id) -> Id {
        let nan = match num {
            Num::F32 => f32::NAN.to_bits().into(),
            _ => f64::NAN.to_bits(),
        };
        let z = match (num, self.wide) {
            (Num::I64, false) => {
                let first = self.compare(Test::Lt, num, a, b);
                let (yes, no) = if op == Two::Max { (b, a) } else { (a, b) };
                return self.blend(first, yes, no);
            }
            (Num::I32 | Num::I64, _) => return self.two(op, num, a, b),
            (_, true) => self.two(op, num, a, b),
            (_, false) => {
                // Both orders agree but for zeros of different sign.
                let (f, join) = match op {
                    Two::Max => (Two::Larger, Two::And),
                    _ => (Two::Smaller, Two::Or),
                };
                self.two(join, num, self.two(f, num, a, b), self.two(f, num, b, a))
            }
        };
        let unordered = self.compare(Test::Unordered, num, a, b);
        self.blend(unordered, self.constant(nan, num.size()), z)
    }

    /// Where two values have a bit in common.
    pub(super) fn common(&self, num: Num, a: Id, b: Id) -> Id {
        if self.wide {
            return self.add(Op::Common, [a, b, NONE], Size::Mask);
        }
        let both = self.two(Two::And, num, a, b);
        self.compare(Test::Ne, num, both, self.constant(0, num.size()))
    }

    /// A truth value in every lane.
    pub(super) fn truth(&self, value: bool) -> Id {
        self.constant(if value { u64::MAX } else { 0 }, Size::Mask)
    }

    pub(super) fn not(&self, a: Id) -> Id {
        self.logic(Logic::AndNot, self.truth(true), a)
    }

    pub(super) fn blend(&self, mask: Id, yes: Id, no: Id) -> Id {
        self.add(Op::Blend, [mask, yes, no], self.node(yes).size)
    }
}
