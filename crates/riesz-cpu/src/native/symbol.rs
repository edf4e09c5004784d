//! Numbers that record: [`Symbol`] is what the elementary functions of `simd::math` compute with when
//! their code is generated.
//!
//! Arithmetic on constants is done at once, in the type's own precision; everything else becomes a
//! value of the graph. Changes of sign disappear in the sums, differences and fused multiply-adds
//! they are operands of. What AVX-512 has as one instruction (rounding, exponents, scaling by powers
//! of two) is used where it is there.

use super::graph::{Graph, Id, Logic, NONE, Num, One, Op, Size, Test, Two};
use crate::simd::real::Real;
use crate::simd::value::{self, Arith, Mask, Value};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// A float type with its layout.
pub(super) trait Float: Real {
    const NUM: Num;
    const SIGN: u64;
    const MANTISSA: u8;
    const BIAS: u64;
    fn bits(self) -> u64;
    fn from_low_bits(bits: u64) -> Self;
}

impl Float for f64 {
    const NUM: Num = Num::F64;
    const SIGN: u64 = 1 << 63;
    const MANTISSA: u8 = 52;
    const BIAS: u64 = 1023;
    fn bits(self) -> u64 {
        self.to_bits()
    }
    fn from_low_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
}

impl Float for f32 {
    const NUM: Num = Num::F32;
    const SIGN: u64 = 1 << 31;
    const MANTISSA: u8 = 23;
    const BIAS: u64 = 127;
    fn bits(self) -> u64 {
        self.to_bits().into()
    }
    fn from_low_bits(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }
}

/// A constant, or a value of the graph.
#[derive(Clone, Copy)]
pub(super) enum Symbol<'g, T> {
    Constant(T),
    Node(&'g Graph, Id),
}

/// A truth value of generated code.
#[derive(Clone, Copy)]
pub(super) enum Truth<'g> {
    Constant(bool),
    Node(&'g Graph, Id),
}

use Symbol::{Constant, Node};

impl<'g, T: Float> Symbol<'g, T> {
    const SIZE: Size = match T::NUM {
        Num::F32 | Num::I32 => Size::B4,
        Num::F64 | Num::I64 => Size::B8,
    };

    /// The symbol of a value of the graph.
    pub(super) fn of_id(graph: &'g Graph, id: Id) -> Self {
        match graph.node(id).op {
            Op::Const(bits) => Constant(T::from_low_bits(bits)),
            _ => Node(graph, id),
        }
    }

    /// The value, in this graph.
    pub(super) fn id(self, graph: &Graph) -> Id {
        match self {
            Constant(c) => graph.constant(c.bits(), Self::SIZE),
            Node(_, id) => id,
        }
    }

    /// f of numbers if both are known, otherwise the value of `op`.
    fn two(self, other: Self, op: Two, f: impl Fn(T, T) -> T) -> Self {
        match (self, other) {
            (Constant(a), Constant(b)) => Constant(f(a, b)),
            (Node(g, _), _) | (_, Node(g, _)) => {
                Node(g, g.two(op, T::NUM, self.id(g), other.id(g)))
            }
        }
    }

    /// Minus this, if it is known to be the negative of something.
    fn negated(self) -> Option<Self> {
        let Node(g, id) = self else { return None };
        let node = g.node(id);
        let flips = node.op == Op::Two(Two::Xor, T::NUM);
        (flips && g.node(node.args[1]).op == Op::Const(T::SIGN)).then_some(Node(g, node.args[0]))
    }

    fn bitwise(self, op: Two, bits: u64) -> Self {
        match self {
            Constant(_) => self,
            Node(g, id) => Node(g, g.two(op, T::NUM, id, g.constant(bits, Self::SIZE))),
        }
    }

    /// Bits of three values by a table.
    fn ternary(g: &'g Graph, table: u8, a: Id, b: Id, c: Id) -> Self {
        Node(g, g.add(Op::Ternary(table), [a, b, c], Self::SIZE))
    }

    fn compare(self, other: Self, test: Test, f: impl Fn(T, T) -> bool) -> Truth<'g> {
        match (self, other) {
            (Constant(a), Constant(b)) => Truth::Constant(f(a, b)),
            (Node(g, _), _) | (_, Node(g, _)) => {
                Truth::Node(g, g.compare(test, T::NUM, self.id(g), other.id(g)))
            }
        }
    }

    fn one(self, op: One, f: impl Fn(T) -> T) -> Self {
        match self {
            Constant(a) => Constant(f(a)),
            Node(g, id) => Node(g, g.one(op, T::NUM, id)),
        }
    }

    /// The integer operation `op` on the lanes, seen as integers of their size.
    fn integer(g: &'g Graph, op: Two, a: Id, bits: u64) -> Id {
        let num = if Self::SIZE == Size::B4 { Num::I32 } else { Num::I64 };
        g.two(op, num, a, g.constant(bits, Self::SIZE))
    }

    fn shift(g: &'g Graph, op: One, a: Id) -> Id {
        let num = if Self::SIZE == Size::B4 { Num::I32 } else { Num::I64 };
        g.one(op, num, a)
    }
}

impl<T: Float> Add for Symbol<'_, T> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        match (self.negated(), other.negated()) {
            (_, Some(b)) => self.two(b, Two::Sub, |a, b| a - b),
            (Some(a), None) => other.two(a, Two::Sub, |a, b| a - b),
            (None, None) => self.two(other, Two::Add, |a, b| a + b),
        }
    }
}

impl<T: Float> Sub for Symbol<'_, T> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        match other.negated() {
            Some(b) => self.two(b, Two::Add, |a, b| a + b),
            None => self.two(other, Two::Sub, |a, b| a - b),
        }
    }
}

impl<T: Float> Mul for Symbol<'_, T> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.two(other, Two::Mul, |a, b| a * b)
    }
}

impl<T: Float> Div for Symbol<'_, T> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        self.two(other, Two::Div, |a, b| a / b)
    }
}

impl<T: Float> Neg for Symbol<'_, T> {
    type Output = Self;
    fn neg(self) -> Self {
        match (self, self.negated()) {
            (Constant(c), _) => Constant(-c),
            (_, Some(a)) => a,
            (_, None) => self.bitwise(Two::Xor, T::SIGN),
        }
    }
}

impl Truth<'_> {
    pub(super) fn id(self, graph: &Graph) -> Id {
        match self {
            Truth::Constant(c) => graph.truth(c),
            Truth::Node(_, id) => id,
        }
    }

    fn logic(self, other: Self, op: Logic, f: impl Fn(bool, bool) -> bool) -> Self {
        match (self, other) {
            (Truth::Constant(a), Truth::Constant(b)) => Truth::Constant(f(a, b)),
            (Truth::Node(g, _), _) | (_, Truth::Node(g, _)) => {
                Truth::Node(g, g.logic(op, self.id(g), other.id(g)))
            }
        }
    }
}

impl BitAnd for Truth<'_> {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        self.logic(other, Logic::And, |a, b| a & b)
    }
}

impl BitOr for Truth<'_> {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.logic(other, Logic::Or, |a, b| a | b)
    }
}

impl BitXor for Truth<'_> {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        self.logic(other, Logic::Xor, |a, b| a ^ b)
    }
}

impl Not for Truth<'_> {
    type Output = Self;
    fn not(self) -> Self {
        Truth::Constant(true).logic(self, Logic::AndNot, |a, b| a & !b)
    }
}

impl Mask for Truth<'_> {}

/// The constants of the float type, as constants of the symbol.
macro_rules! constants {
    (one $($name:ident)*) => { $(const $name: Self = Constant(T::$name);)* };
    (pairs $($name:ident)*) => {
        $(const $name: (Self, Self) = (Constant(T::$name.0), Constant(T::$name.1));)*
    };
    (tables $($name:ident)*) => { $(const $name: &'static [T] = T::$name;)* };
}

impl<'g, T: Float> Value for Symbol<'g, T> {
    type Base = T;
    type Mask = Truth<'g>;

    constants!(one MAGIC INTEGERS INFINITY NAN TINY TRIG_LIMIT TANH_LIMIT ERF_LIMIT SPLIT IDENTITY POW_LIMIT);
    constants!(pairs LN2 EXP_RANGE EXTREME SCALE);
    const PI_2: [Self; 4] = {
        let [a, b, c, d] = T::PI_2;
        [Constant(a), Constant(b), Constant(c), Constant(d)]
    };
    constants!(tables EXP EXP2 LOG POW_LOG SIN COS ATAN ASIN ERF ERFC);

    fn of(c: f64) -> Self {
        Constant(T::of(c))
    }
    fn constant(c: T) -> Self {
        Constant(c)
    }
    fn pair(hi: f64, lo: f64) -> (Self, Self) {
        let (hi, lo) = T::pair(hi, lo);
        (Constant(hi), Constant(lo))
    }
    fn hardware_fma(self, b: Self, c: Self) -> Self {
        let ((Node(g, _), _, _) | (_, Node(g, _), _) | (_, _, Node(g, _))) = (self, b, c) else {
            let known = |x: Self| if let Constant(x) = x { x } else { T::NAN };
            return Constant(known(self).hardware_fma(known(b), known(c)));
        };
        let strip = |x: Self| x.negated().map_or((x, false), |y| (y, true));
        let ((a, na), (b, nb), (c, nc)) = (strip(self), strip(b), strip(c));
        let op = Op::Fma(T::NUM, na ^ nb, nc);
        Node(g, g.add(op, [a.id(g), b.id(g), c.id(g)], Self::SIZE))
    }
    fn root(self) -> Self {
        self.one(One::Sqrt, |x| x.root())
    }
    fn magnitude(self) -> Self {
        match self {
            Constant(c) => Constant(c.magnitude()),
            Node(..) => self.bitwise(Two::And, T::SIGN - 1),
        }
    }
    fn with_sign(self, sign: Self) -> Self {
        match (self, sign) {
            (Constant(a), Constant(s)) => Constant(a.with_sign(s)),
            // The second where the third has a bit, else the first.
            (Node(g, _), _) | (_, Node(g, _)) => {
                let mask = g.constant(T::SIGN, Self::SIZE);
                if g.wide {
                    return Self::ternary(g, 0xd8, self.id(g), sign.id(g), mask);
                }
                let part = |x: Self, bits: u64| {
                    g.two(Two::And, T::NUM, x.id(g), g.constant(bits, Self::SIZE))
                };
                let (size, sign) = (part(self, T::SIGN - 1), part(sign, T::SIGN));
                Node(g, g.two(Two::Or, T::NUM, size, sign))
            }
        }
    }
    fn flip_if(self, magic: Self, bit: u32) -> Self {
        match (self, magic) {
            (Constant(a), Constant(m)) => Constant(a.flip_if(m, bit)),
            // The first, exclusive or: the second and the third.
            (Node(g, _), _) | (_, Node(g, _)) => {
                let width = if Self::SIZE == Size::B4 { 31 } else { 63 };
                let moved = Self::shift(g, One::Left((width - bit) as u8), magic.id(g));
                let mask = g.constant(T::SIGN, Self::SIZE);
                if g.wide {
                    return Self::ternary(g, 0x78, self.id(g), moved, mask);
                }
                let sign = g.two(Two::And, T::NUM, moved, mask);
                Node(g, g.two(Two::Xor, T::NUM, self.id(g), sign))
            }
        }
    }
    fn bit(magic: Self, bit: u32) -> Truth<'g> {
        match magic {
            Constant(m) => Truth::Constant(T::bit(m, bit)),
            Node(g, id) => {
                let mask = g.constant(1 << bit, Self::SIZE);
                let num = if Self::SIZE == Size::B4 { Num::I32 } else { Num::I64 };
                Truth::Node(g, g.common(num, id, mask))
            }
        }
    }
    fn power_of_two(magic: Self) -> Self {
        match magic {
            Constant(m) => Constant(T::power_of_two(m)),
            Node(g, id) => {
                let biased = Self::integer(g, Two::Add, id, T::BIAS);
                Node(g, Self::shift(g, One::Left(T::MANTISSA), biased))
            }
        }
    }
    fn split(self) -> (Self, Self) {
        match self {
            Constant(c) => {
                let (k, m) = c.split();
                (Constant(k), Constant(m))
            }
            Node(g, _) if g.wide => self.split_any(),
            Node(g, id) => {
                let (one, low) = (T::of(1.0).bits(), T::of(std::f64::consts::FRAC_1_SQRT_2).bits());
                let shifted = Self::integer(g, Two::Add, id, one.wrapping_sub(low));
                let k = Self::shift(g, One::Right(T::MANTISSA), shifted);
                let k = Self::Node(g, k).bitwise(Two::Or, T::INTEGERS.bits());
                let m = Self::Node(g, shifted).bitwise(Two::And, (1 << T::MANTISSA) - 1);
                let m = Self::integer(g, Two::Add, m.id(g), low);
                (k - (Self::INTEGERS + Self::of(T::BIAS as f64)), Node(g, m))
            }
        }
    }
    fn negative(self) -> Truth<'g> {
        match self {
            Constant(c) => Truth::Constant(c.negative()),
            Node(g, id) if g.wide => {
                Truth::Node(g, g.add(Op::Negative, [id, NONE, NONE], Size::Mask))
            }
            Node(g, id) => {
                let num = if Self::SIZE == Size::B4 { Num::I32 } else { Num::I64 };
                Truth::Node(g, g.compare(Test::Lt, num, id, g.constant(0, Self::SIZE)))
            }
        }
    }
    fn and(self, other: Self) -> Self {
        self.two(other, Two::And, |a, b| a.and(b))
    }
    fn or(self, other: Self) -> Self {
        self.two(other, Two::Or, |a, b| a.or(b))
    }
    fn less(self, y: Self) -> Truth<'g> {
        self.compare(y, Test::Lt, |a, b| a < b)
    }
    fn at_most(self, y: Self) -> Truth<'g> {
        self.compare(y, Test::Le, |a, b| a <= b)
    }
    fn equal(self, y: Self) -> Truth<'g> {
        self.compare(y, Test::Eq, |a, b| a == b)
    }
    fn ordered(self) -> Truth<'g> {
        self.compare(self, Test::Ordered, |a, _| a.ordered())
    }
    fn choose(mask: Truth<'g>, yes: Self, no: Self) -> Self {
        match mask {
            Truth::Constant(true) => yes,
            Truth::Constant(false) => no,
            Truth::Node(g, mask) => Node(g, g.blend(mask, yes.id(g), no.id(g))),
        }
    }
    fn larger(self, y: Self) -> Self {
        self.two(y, Two::Larger, |a, b| a.larger(b))
    }
    fn smaller(self, y: Self) -> Self {
        self.two(y, Two::Smaller, |a, b| a.smaller(b))
    }
    fn nearest(self) -> Self {
        self.one(One::Round(8), |x| x.nearest())
    }
    fn split_any(self) -> (Self, Self) {
        match self {
            Constant(c) => {
                let (k, m) = c.split_any();
                (Constant(k), Constant(m))
            }
            Node(g, _) if g.wide => {
                let (k, m) = (self.one(One::Exponent, |x| x), self.one(One::Mantissa, |x| x));
                let high = m.greater(Self::of(std::f64::consts::SQRT_2));
                let k = Self::choose(high, k + Self::of(1.0), k);
                (k, Self::choose(high, m * Self::of(0.5), m))
            }
            Node(..) => value::split_any(self),
        }
    }
    fn times_power<A: Arith>(self, magic: Self) -> Self {
        let n = magic - Self::MAGIC;
        match (self, n) {
            (Node(g, _), _) | (_, Node(g, _)) if g.wide => {
                Node(g, g.two(Two::Scale, T::NUM, self.id(g), n.id(g)))
            }
            _ => value::times_power::<Self, A>(self, magic),
        }
    }
    fn over_power(self, k: Self) -> Self {
        match (self, k) {
            (Node(g, _), _) | (_, Node(g, _)) if g.wide => {
                Node(g, g.two(Two::Scale, T::NUM, self.id(g), (-k).id(g)))
            }
            _ => value::over_power(self, k),
        }
    }
}
