//! The vocabulary of the graph: sizes of lanes, places in memory, and operations.

/// What the lanes hold, for operations that look at it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Num {
    F32,
    F64,
    I32,
    I64,
}

impl Num {
    pub(super) fn size(self) -> Size {
        match self {
            Num::F32 | Num::I32 => Size::B4,
            Num::F64 | Num::I64 => Size::B8,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Num::F32 | Num::F64)
    }
}

/// How large a lane is; truth values are bits of a mask register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Size {
    B4,
    B8,
    Mask,
}

/// How the lanes of an access follow one another in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pattern {
    /// One element for all.
    Same,
    /// Neighbours.
    Forward,
    /// Neighbours, in falling order.
    Backward,
    /// So many bytes apart.
    Every(i32),
}

/// Where elements lie: at a pointer of the nest, plus a displacement in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Place {
    /// Which pointer: see `address`.
    pub(super) group: u16,
    /// Bytes from it to the element of the first lane.
    pub(super) disp: i32,
    /// From there to the other lanes.
    pub(super) pattern: Pattern,
    /// Bytes of an element: 1, 4 or 8.
    pub(super) bytes: u8,
    /// Whether only the lanes of the tail exist.
    pub(super) masked: bool,
}

/// a ⊕ b in each lane.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Two {
    Add,
    Sub,
    Mul,
    Div,
    /// The first where it is larger, else the second.
    Larger,
    /// The first where it is smaller, else the second.
    Smaller,
    /// IEEE 754-2019 maximum but for NaN.
    Max,
    /// IEEE 754-2019 minimum but for NaN.
    Min,
    And,
    Or,
    Xor,
    /// a·2^⌊b⌋.
    Scale,
    /// In each 16 bytes, the low 4-byte lanes of both in turns; the high ones.
    LowWords,
    HighWords,
    /// The same with 8 bytes.
    LowPairs,
    HighPairs,
    /// Of each 16 bytes of a and then of b the first, third, …; the second, fourth, ….
    EvenQuarters,
    OddQuarters,
}

/// A function of one number in each lane.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum One {
    Sqrt,
    /// To a whole number, by the rounding mode of `vroundpd`.
    Round(u8),
    /// ⌊log₂ |x|⌋ as a float.
    Exponent,
    /// x scaled to 1 ≤ |x| < 2.
    Mantissa,
    /// |x| of an integer.
    Abs,
    /// Shift left, right.
    Left(u8),
    Right(u8),
    /// The number of this lane in every lane, of vectors of at most 32 bytes.
    Lane(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Logic {
    And,
    Or,
    Xor,
    /// a and not b.
    AndNot,
}

/// Comparisons; those of floats are false for NaN, but for `Ne` and `Unordered`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Test {
    Eq,
    Lt,
    Le,
    Ne,
    Unordered,
    Ordered,
    /// Unsigned less, of integers.
    Below,
}

/// An operation; what its arguments are is said as (a, b, c).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Op {
    /// These bits in every lane.
    Const(u64),
    /// The number of the lane times this.
    Steps(i64),
    /// Elements of memory.
    Load(Place),
    /// The number a counter has reached, in every lane.
    Counter(u16),
    /// The lanes of the tail.
    Tail,
    One(One, Num),
    Two(Two, Num),
    /// a·b + c, with the sign of the product and of c changed or not.
    Fma(Num, bool, bool),
    /// Each bit from those of a, b, c by a table of eight.
    Ternary(u8),
    Compare(Test, Num),
    /// Where a and b have a bit in common.
    Common,
    /// Where the sign bit is set.
    Negative,
    Logic(Logic),
    /// b where a, else c.
    Blend,
    Convert(Num, Num),
    /// All bits set where a.
    Spread,
    /// Elements at a[lane] bytes from the place, where b.
    Gather(Place),
    /// a[0]·stride bytes, if a[0] < bound; otherwise the run has failed.
    Reach {
        stride: i32,
        bound: u64,
    },
    /// The elements at a[0] bytes from the place.
    Fetch(Place),
    /// A function of this table of a and b, called; `true`: it may fail, in the lanes c if given.
    Call(u16, bool),
    /// a, but where c the function of this table of b.
    Repair(u16),
    /// Marks the run as failed if any lane of a is set.
    Check,
    /// a into memory.
    Store(Place),
    /// Memory, now.
    Peek(Place),
    /// The first lanes of a into neighbouring places, and back.
    StoreFirst(Place, u8),
    PeekFirst(Place, u8),
    /// The accumulator gets its first value: the identity, or what is in memory.
    Begin(u16, Option<Place>),
    /// The accumulator is combined with a, or with a·b for a sum; `true`: in the lanes of the tail.
    Join(u16, bool),
    /// The value of the accumulator; it ends here.
    End(u16),
    /// The lanes combined to one, in the first lane.
    Lanes(Combine, Num),
    /// The value that the accumulator has now.
    Now(u16),
    /// The accumulator becomes a.
    Set(u16),
    /// Leaves the loop unless a holds in the first lane.
    Leave,
}

/// How accumulators are combined.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Combine {
    Sum,
    Max,
    Min,
    And,
    Or,
}

impl Op {
    /// Whether the operation does something besides giving a value.
    pub(super) fn is_effect(self) -> bool {
        matches!(
            self,
            Op::Check
                | Op::Store(_)
                | Op::StoreFirst(..)
                | Op::Begin(..)
                | Op::Join(..)
                | Op::Set(_)
                | Op::Leave
                | Op::Reach { .. }
                | Op::Call(_, true)
        )
    }

    /// Whether doing it twice is as doing it once.
    pub(super) fn is_numbered(self) -> bool {
        !self.is_effect() || matches!(self, Op::Reach { .. })
    }

    /// Whether it names a result.
    pub(super) fn has_result(self) -> bool {
        !self.is_effect() || matches!(self, Op::Reach { .. } | Op::Call(_, true))
    }
}
