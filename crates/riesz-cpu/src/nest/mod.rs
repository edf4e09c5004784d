//! Nests: loops over a box of indices with a straight line of scalar operations inside.
//!
//! A [`Nest`] is what fused elementwise operations, broadcasts, shape changes and reductions become:
//! for every index of the box the body is computed, and each store writes its value or folds it into
//! its place. Nests, loops around them and library calls make a [`Region`], the unit that is run:
//! translated to machine code (`native`), or by vector kernels on tiles (`tile`). `eval` is the
//! meaning both are tested against.
//!
//! What holds: a body is in single-assignment form (an instruction uses earlier ones only); a store
//! without a fold writes no place twice; what a nest stores it does not load, unless load and store
//! have the same access and the store is no fold: then the loads come first, index by index.
//! [`Nest::verify`] checks what can be checked.
//!
//! Not here: what is fused with what, and where buffers lie; that is decided by `plan`.

mod eval;
mod strips;
mod verify;

pub use eval::eval;
pub use strips::{Band, Local, Strips, Task};

use riesz_core::DType;
pub use riesz_core::primitive::binary::Binary;
pub use riesz_core::primitive::compare::Compare;
pub use riesz_core::primitive::logical::Logical;
pub use riesz_core::primitive::reduce::Reduction;
pub use riesz_core::primitive::unary::Unary;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// The number of an instruction in its body, and of the value it computes.
pub type Reg = u32;

/// The number of an operand: an entry of the table of addresses a region runs on.
pub type Operand = u32;

/// Loops around a straight line of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nest {
    /// How often each loop runs, outermost first. No loops: the body runs once.
    pub extents: SmallVec<[usize; 4]>,
    /// The loop whose iterations run in the lanes of vectors; none for scalar code.
    pub vector: Option<usize>,
    /// The operations, each of which may use the ones before.
    pub body: Vec<Inst>,
    /// What is written.
    pub stores: Vec<Store>,
    /// Where a truth value is set if an index was out of range or an integer was divided by zero.
    pub flag: Option<Operand>,
}

/// An operation and the element type of its result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inst {
    /// What is computed.
    pub op: Op,
    /// The element type of the result.
    pub ty: DType,
}

/// A scalar operation. Floats follow IEEE 754 and the reference meaning of the primitive of the same
/// name; integers wrap around.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The number with these bits, in the low end.
    Const(u64),
    /// An element of a buffer.
    Load(Access),
    /// The element of a buffer `stride`·`index` elements further, for an `i32` or `i64` index in
    /// `0..bound`; another index sets the flag and reads anything that is in range.
    Gather {
        /// Where the element for index 0 is.
        access: Access,
        /// The index.
        index: Reg,
        /// Elements from one index to the next.
        stride: isize,
        /// How many indices there are; at least one.
        bound: usize,
    },
    /// `start + step·i` for the index `i` of a loop, converted from `i64`.
    Index {
        /// Which loop.
        dim: usize,
        /// The value at index 0.
        start: i64,
        /// The difference from one index to the next.
        step: i64,
    },
    /// A scalar function of one number (of a truth value: none).
    Unary(Unary, Reg),
    /// xⁿ by repeated squaring, as `integer_power` does.
    Power(i32, Reg),
    /// A scalar function of two numbers of the same type.
    Binary(Binary, Reg, Reg),
    /// a·b + c for floats, rounded once where the processor can.
    Fma(Reg, Reg, Reg),
    /// t where t is 0, c·t elsewhere, for (c, t).
    Scale(Reg, Reg),
    /// A truth value from two numbers of the same type.
    Compare(Compare, Reg, Reg),
    /// A truth value from truth values; `not` has one argument, given twice.
    Logical(Logical, Reg, Reg),
    /// The second where the first, a truth value, holds; otherwise the third.
    Select(Reg, Reg, Reg),
    /// The same number in another element type, as Rust's `as`; to a truth value: not zero.
    Cast(Reg),
    /// A function without a kernel of its own, one element at a time.
    Special(Special, Reg),
}

impl Op {
    /// Gives the registers it reads other numbers.
    pub fn rename(&mut self, number: impl Fn(Reg) -> Reg) {
        match self {
            Op::Const(_) | Op::Load(_) | Op::Index { .. } => {}
            Op::Gather { index: a, .. }
            | Op::Unary(_, a)
            | Op::Power(_, a)
            | Op::Cast(a)
            | Op::Special(_, a) => *a = number(*a),
            Op::Binary(_, a, b) | Op::Scale(a, b) | Op::Compare(_, a, b) | Op::Logical(_, a, b) => {
                (*a, *b) = (number(*a), number(*b));
            }
            Op::Fma(a, b, c) | Op::Select(a, b, c) => {
                (*a, *b, *c) = (number(*a), number(*b), number(*c));
            }
        }
    }

    /// The registers it reads.
    pub fn arguments(&self) -> SmallVec<[Reg; 3]> {
        match *self {
            Op::Const(_) | Op::Load(_) | Op::Index { .. } => SmallVec::new(),
            Op::Gather { index: a, .. }
            | Op::Unary(_, a)
            | Op::Power(_, a)
            | Op::Cast(a)
            | Op::Special(_, a) => SmallVec::from_slice(&[a]),
            Op::Binary(_, a, b) | Op::Scale(a, b) | Op::Compare(_, a, b) | Op::Logical(_, a, b) => {
                SmallVec::from_slice(&[a, b])
            }
            Op::Fma(a, b, c) | Op::Select(a, b, c) => SmallVec::from_slice(&[a, b, c]),
        }
    }
}

/// Scalar functions that are called, not inlined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// The n-th derivative of the digamma function.
    Polygamma(u32),
    /// The n-th derivative of sin(πx)/(πx).
    Sinc(u32),
}

/// Where the element for an index of the box lies: operand `operand`, element `offset` + Σ strides·i.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Which buffer.
    pub operand: Operand,
    /// The element for the index 0 of every loop.
    pub offset: isize,
    /// For each loop, the elements from one iteration to the next; 0 where the loop does not matter.
    pub strides: SmallVec<[isize; 4]>,
}

/// A result of a nest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// What is stored; its type is that of the buffer.
    pub value: Reg,
    /// Where to.
    pub access: Access,
    /// How the values that fall on the same element are combined.
    pub fold: Option<Fold>,
}

impl Store {
    /// Whether it is folded along the outermost loop.
    pub fn is_folded_outermost(&self) -> bool {
        self.fold.is_some_and(|f| f.along & 1 == 1)
    }
}

/// A reduction along loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fold {
    /// How two values become one. Floats, integers (sum, max, min) and truth values (max, min).
    pub op: Reduction,
    /// The loops along which values are combined, one bit each; the access does not move along them,
    /// and moves injectively along the others.
    pub along: u32,
    /// Whether what is in the place already counts; otherwise it is overwritten.
    pub accumulate: bool,
}

/// Nests and calls in order, with loops around them.
///
/// The table of addresses has an entry for each operand and is private to a run, so loops may move
/// entries. A loop leaves the table as it found it, but for its windows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    /// The element type behind each operand; the regions that a plan is cut in have the same list.
    pub operands: Arc<[DType]>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// A region that is to be compiled.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What is done.
    pub region: &'a Region,
    /// Whether it is a nest that has to take a range of its outermost loop, as in strips. Another nest takes one
    /// if that can be worth it.
    pub ranged: bool,
}

/// A part of a region.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One nest.
    Nest(Nest),
    /// Nests over one long loop, strip by strip.
    Strips(Strips),
    /// The steps a fixed number of times.
    Loop {
        /// How many times.
        count: usize,
        /// Before the first iteration, each operand is given the address of another plus a number of
        /// elements.
        windows: Vec<(Operand, Operand, isize)>,
        /// After each iteration, these operands move by these numbers of elements.
        advance: Vec<(Operand, isize)>,
        /// After each iteration, the addresses of these pairs are exchanged.
        exchange: Vec<(Operand, Operand)>,
        /// What is repeated.
        body: Vec<Step>,
    },
    /// `test`, and while the truth value it leaves in `flag` holds: `body`, then `test` again.
    While {
        /// Decides whether to go on.
        test: Vec<Step>,
        /// One truth value.
        flag: Operand,
        /// What is repeated.
        body: Vec<Step>,
    },
    /// One of two, by a truth value.
    If {
        /// One truth value.
        flag: Operand,
        /// Where it holds.
        yes: Vec<Step>,
        /// Where it does not.
        no: Vec<Step>,
    },
    /// A library call.
    Call(Call),
}

impl Step {
    /// The steps that it repeats or chooses from.
    pub fn bodies(&self) -> SmallVec<[&[Step]; 2]> {
        match self {
            Step::Nest(_) | Step::Strips(_) | Step::Call(_) => smallvec![],
            Step::Loop { body, .. } => smallvec![body.as_slice()],
            Step::While { test: a, body: b, .. } | Step::If { yes: a, no: b, .. } => {
                smallvec![a.as_slice(), b.as_slice()]
            }
        }
    }

    /// The same, to change them.
    pub fn bodies_mut(&mut self) -> SmallVec<[&mut Vec<Step>; 2]> {
        match self {
            Step::Nest(_) | Step::Strips(_) | Step::Call(_) => smallvec![],
            Step::Loop { body, .. } => smallvec![body],
            Step::While { test: a, body: b, .. } | Step::If { yes: a, no: b, .. } => {
                smallvec![a, b]
            }
        }
    }
}

/// A call of a function that is no nest: a product of matrices, a factorisation, a sort.
#[derive(Clone)]
pub struct Call {
    /// The function; it reads and writes the addresses of its operands in the table.
    pub function: Arc<dyn Routine>,
    /// Which operands, in the order the function wants them.
    pub operands: SmallVec<[Operand; 4]>,
    /// How many operations on numbers it takes, for people.
    pub operations: f64,
}

/// The loops of a routine, and where each of its operands is in their iterations: the last is written, the
/// others are read. If the outermost does not move the last, what is there is added to.
#[derive(Clone, Debug, PartialEq)]
pub struct Loops {
    /// How often each loop runs, outermost first.
    pub extents: SmallVec<[usize; 4]>,
    /// One for each operand of the call that is not its scratch.
    pub accesses: SmallVec<[Access; 4]>,
    /// How many iterations of the outermost are as fast together as one alone, or nearly.
    pub grain: usize,
}

impl Loops {
    /// How many results there are.
    pub fn results(&self) -> usize {
        let Some(to) = self.accesses.last() else { return 0 };
        self.extents.iter().zip(&to.strides).filter(|(_, s)| **s != 0).map(|(n, _)| n).product()
    }

    /// Whether iterations of the outermost loop add to the same results.
    pub fn is_sum(&self) -> bool {
        self.accesses.last().is_some_and(|access| access.strides.first() == Some(&0))
    }
}

/// The most pieces of a routine, or strips, that run at the same time.
pub const TOGETHER: usize = 8;

/// A function of buffers.
///
/// Its work is cut in pieces that can be run in any order and at the same time: each writes its own part
/// of the results. How it is cut depends on the shapes alone, so the bits do not depend on who runs what.
pub trait Routine: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> String;

    /// Bytes of scratch memory that a piece needs. If it is not 0 the last operand of the call is a buffer of
    /// at least so many bytes that nothing else uses meanwhile; pieces that run at the same time have each
    /// their own (in a plan, one after the other in one buffer, each aligned, as many as there are pieces, but at
    /// most [`TOGETHER`]). In strips there is what [`scratch_for`](Routine::scratch_for) says for each of them.
    fn scratch(&self) -> usize {
        0
    }

    /// Bytes that a piece allocates, beside its scratch.
    fn allocates(&self) -> usize {
        0
    }

    /// Whether it may find no result where the operation has one: an iteration that does not converge.
    fn gives_up(&self) -> bool {
        false
    }

    /// How many pieces there are.
    fn pieces(&self) -> usize {
        1
    }

    /// The ways to see it as loops of which some iterations of the outermost can be run by themselves.
    fn ways(&self) -> SmallVec<[Loops; 2]> {
        SmallVec::new()
    }

    /// Bytes of scratch memory that some iterations of the outermost loop need, seen in one of its ways.
    fn scratch_for(&self, _way: usize, _iterations: usize) -> usize {
        self.scratch()
    }

    /// Bytes that are moved once more than by its pieces if the outermost loop is run in so many parts.
    fn moved_again(&self, _way: usize, _parts: usize) -> usize {
        0
    }

    /// Runs the iterations `from..to` of the outermost loop, seen in one of its ways; false when there is no
    /// result for these numbers.
    ///
    /// # Safety
    /// As for `run_piece`, for the parts of the operands that these iterations touch and scratch for them; it
    /// has that way.
    unsafe fn run_iterations(&self, _way: usize, _: (usize, usize), _: &[*mut u8]) -> bool {
        false
    }

    /// Runs one piece; false when there is no result for these numbers.
    ///
    /// # Safety
    /// `piece` is below `pieces`. `addresses` has one entry for each operand of the call, each with as many
    /// elements as the routine was made for; what it writes overlaps nothing else, but that the result of a
    /// scatter may be its first argument.
    unsafe fn run_piece(&self, piece: usize, addresses: &[*mut u8]) -> bool;

    /// Runs every piece; false when there is no result for these numbers.
    ///
    /// # Safety
    /// As for `run_piece`.
    unsafe fn run(&self, addresses: &[*mut u8]) -> bool {
        // SAFETY: the caller's.
        (0..self.pieces()).all(|piece| unsafe { self.run_piece(piece, addresses) })
    }
}

impl Call {
    /// The operands that it reads or writes: all but its scratch.
    pub fn data(&self) -> &[Operand] {
        let scratch = match self.function.ways().first() {
            // In strips it may have scratch that it does without otherwise.
            Some(loops) => self.operands.len() - loops.accesses.len(),
            None => usize::from(self.function.scratch() > 0),
        };
        &self.operands[..self.operands.len() - scratch]
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}", self.function.name(), self.operands)
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Call) -> bool {
        Arc::ptr_eq(&self.function, &other.function) && self.operands == other.operands
    }
}
