//! `+ − × ÷`, comparisons, and how operands are brought to one shape.

use super::check::{composed, described};
use crate::error::Error;
use crate::primitive::{
    Binary, Broadcast, Compare, IntegerPower, Logical, Prim, Primitive, Scale, Select, Unary,
};
use crate::tensor::Tensor;
use crate::trace::{Var, apply1, claim, fail, has_failed};
use crate::types::{Shape, Type};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, Sub, SubAssign};

/// The other operand of an operation: a `Var`, or a literal that takes its element type.
pub trait Operand: Copy {
    /// This operand as a value beside `other`.
    #[track_caller]
    fn beside(self, other: Var) -> Var;

    /// The value, if this is not a literal.
    fn value(self) -> Option<Var>;
}

impl Operand for Var {
    fn value(self) -> Option<Var> {
        Some(self)
    }
    fn beside(self, _: Var) -> Var {
        self
    }
}

impl Operand for f64 {
    fn value(self) -> Option<Var> {
        None
    }
    #[track_caller]
    fn beside(self, other: Var) -> Var {
        other.literal(self)
    }
}

impl Operand for i32 {
    fn value(self) -> Option<Var> {
        None
    }
    #[track_caller]
    fn beside(self, other: Var) -> Var {
        other.literal(f64::from(self))
    }
}

/// An operation on two operands in the smallest shape that both broadcast to.
#[track_caller]
fn in_one_shape(prim: impl Into<Prim>, a: Var, b: Var) -> Var {
    let (x, y) = a.broadcast_with(b);
    apply_to(prim, &[a, b], &[x, y])
}

/// An operation on operands that were broadcast; what it refuses are the operands as they were given.
#[track_caller]
fn apply_to(prim: impl Into<Prim>, given: &[Var], broadcast: &[Var]) -> Var {
    let prim = prim.into();
    if given.iter().zip(broadcast).all(|(a, b)| a.is(*b)) {
        return apply1(prim, broadcast);
    }
    let (name, failed_before) = (prim.name(), has_failed());
    let result = apply1(prim, broadcast);
    if !failed_before && has_failed() {
        claim(name, &described(given));
    }
    result
}

macro_rules! operators {
    ($($trait:ident $method:ident $assign_trait:ident $assign:ident $op:ident),*) => {$(
        impl<T: Operand> $trait<T> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: T) -> Var {
                in_one_shape(Binary::$op, self, other.beside(self))
            }
        }
        impl $trait<Var> for f64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: Var) -> Var {
                self.beside(other).$method(other)
            }
        }
        impl $trait<Var> for i32 {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: Var) -> Var {
                self.beside(other).$method(other)
            }
        }
        impl<T: Operand> $assign_trait<T> for Var {
            #[track_caller]
            fn $assign(&mut self, other: T) {
                *self = (*self).$method(other);
            }
        }
    )*};
}
operators!(
    Add add AddAssign add_assign Add,
    Sub sub SubAssign sub_assign Sub,
    Mul mul MulAssign mul_assign Mul,
    Div div DivAssign div_assign Div
);

impl<T: Operand> Rem<T> for Var {
    type Output = Var;
    #[track_caller]
    fn rem(self, other: T) -> Var {
        in_one_shape(Binary::Rem, self, other.beside(self))
    }
}

impl Neg for Var {
    type Output = Var;
    #[track_caller]
    fn neg(self) -> Var {
        apply1(Unary::Neg, &[self])
    }
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $op:ident),*) => {
        /// Comparisons, element by element; the result holds truth values.
        impl Var {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(self, other: impl Operand) -> Var {
                in_one_shape(Compare::$op, self, other.beside(self))
            }
        )*}
    };
}
comparisons!(
    /// `self < other`
    lt Lt,
    /// `self ≤ other`
    le Le,
    /// `self > other`
    gt Gt,
    /// `self ≥ other`
    ge Ge,
    /// `self = other`
    eq Eq,
    /// `self ≠ other`
    ne Ne
);

macro_rules! two_arguments {
    ($($(#[$doc:meta])* $name:ident $op:ident),*) => {
        /// Functions of two arguments, element by element.
        impl Var {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(self, other: impl Operand) -> Var {
                let other = other.beside(self);
                composed(stringify!($name), &[self, other], || {
                    Ok(in_one_shape(Binary::$op, self, other))
                })
            }
        )*}
    };
}
two_arguments!(
    /// The larger of two; half of each derivative at a tie; NaN if either is.
    maximum Max,
    /// The smaller of two; half of each derivative at a tie; NaN if either is.
    minimum Min,
    /// `self` to the power `other`; for a whole constant exponent prefer [`Var::powi`].
    pow Pow,
    /// The angle of the point with ordinate `self` and abscissa `other`.
    atan2 Atan2,
    /// √(self² + other²), without overflow; derivatives 0 at the origin.
    hypot Hypot,
    /// log(eˣ + eʸ), without overflow.
    logaddexp LogAddExp,
    /// `self`·log(other), and 0 where `self` is 0.
    xlogy Xlogy
);

/// Truth values and choices.
impl Var {
    /// `on` where the mask holds, `off` elsewhere; all three broadcast.
    #[track_caller]
    pub fn select(mask: Var, on: impl Operand, off: impl Operand) -> Var {
        // Literals take the type of the branch that is none; two literals are f64.
        let like = match on.value().or(off.value()) {
            Some(like) => like,
            None => Var::constant(0.0),
        };
        let given = [mask, on.beside(like), off.beside(like)];
        let (on, off) = given[1].broadcast_with(given[2]);
        let (mask, on) = mask.broadcast_with(on);
        let (mask, off) = mask.broadcast_with(off);
        apply_to(Select, &given, &[mask, on, off])
    }

    /// Both hold.
    #[track_caller]
    pub fn and(self, other: Var) -> Var {
        in_one_shape(Logical::And, self, other)
    }

    /// At least one holds.
    #[track_caller]
    pub fn or(self, other: Var) -> Var {
        in_one_shape(Logical::Or, self, other)
    }

    /// Exactly one holds.
    #[track_caller]
    pub fn xor(self, other: Var) -> Var {
        in_one_shape(Logical::Xor, self, other)
    }

    /// The opposite.
    #[track_caller]
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Var {
        apply1(Logical::Not, &[self])
    }

    /// `self`, a coefficient, times a tangent of the same shape; an exact zero in the tangent gives
    /// zero whatever the coefficient. Differentials multiply with this.
    #[track_caller]
    pub fn scale(self, tangent: Var) -> Var {
        apply1(Scale, &[self, tangent])
    }

    /// `self` to a whole power.
    #[track_caller]
    pub fn powi(self, n: i32) -> Var {
        match n {
            2 => self.square(),
            _ => composed("powi", &[self], || Ok(apply1(IntegerPower { n }, &[self]))),
        }
    }
}

/// Constants beside a value.
impl Var {
    /// A number of this value's element type.
    #[track_caller]
    pub fn literal(self, value: f64) -> Var {
        let dtype = self.dtype();
        if dtype.is_int() && value.fract() != 0.0 {
            return fail(
                Error::shape(format!(
                    "the literal {value} is not a whole number, as {dtype} needs"
                ))
                .at("literal", crate::trace::current_source())
                .help("convert the other operand with `.cast(DType::F64)`"),
            );
        }
        match Tensor::from_f64(&[value], Shape::scalar(), dtype) {
            Ok(tensor) => Var::constant(tensor),
            Err(error) => fail(error),
        }
    }

    /// Every element `value`, in this value's type and shape.
    #[track_caller]
    pub fn full_like(self, value: f64) -> Var {
        let shape = self.shape();
        self.literal(value).broadcast_to(shape)
    }

    /// Zeros in this value's type and shape.
    #[track_caller]
    pub fn zeros_like(self) -> Var {
        Var::zeros(&self.ty())
    }

    /// Ones in this value's type and shape.
    #[track_caller]
    pub fn ones_like(self) -> Var {
        self.full_like(1.0)
    }

    /// Zeros of a type.
    #[track_caller]
    pub fn zeros(ty: &Type) -> Var {
        let zero = Var::constant(Tensor::zeros(&Type::scalar(ty.dtype)));
        zero.broadcast_to(ty.shape.clone())
    }
}

/// Bringing operands to one shape.
impl Var {
    /// Both operands in the smallest shape that both broadcast to.
    #[track_caller]
    pub fn broadcast_with(self, other: Var) -> (Var, Var) {
        let (a, b) = (self.shape(), other.shape());
        if a == b || self.is_poisoned() || other.is_poisoned() {
            return (self, other);
        }
        match common_shape(&a, &b) {
            Some(shape) => (self.broadcast_to(shape.clone()), other.broadcast_to(shape)),
            // The operation itself reports the difference, with both operands and its own name.
            None => (self, other),
        }
    }

    /// Repeats this value to `shape`, aligning the last axes; axes of length 1 are repeated too.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Var {
        let (from, shape) = (self.shape(), shape.into());
        if from == shape || self.is_poisoned() {
            return self;
        }
        let fits = from.rank() <= shape.rank()
            && from.iter().rev().zip(shape.iter().rev()).all(|(&n, &m)| n == m || n == 1);
        if !fits {
            let message = format!("a tensor of shape {from} does not broadcast to {shape}");
            return super::check::refuse("broadcast", &[self], Error::shape(message));
        }
        let offset = shape.rank() - from.rank();
        let stays: Vec<usize> =
            (0..from.rank()).filter(|&i| from[i] == shape[i + offset]).collect();
        let squeezed: Shape = stays.iter().map(|&i| from[i]).collect();
        let axes = stays.iter().map(|i| i + offset).collect();
        apply1(Broadcast { shape, axes }, &[self.reshape(squeezed)])
    }

    /// Repeats this value `n` times along a new first axis.
    #[track_caller]
    pub fn broadcast_leading(self, n: usize) -> Var {
        let shape = self.shape();
        let axes = (1..=shape.rank()).collect();
        apply1(Broadcast { shape: shape.with_leading(n), axes }, &[self])
    }
}

/// The smallest shape that both broadcast to.
pub(crate) fn common_shape(a: &Shape, b: &Shape) -> Option<Shape> {
    let rank = a.rank().max(b.rank());
    let length = |s: &Shape, axis: usize| {
        // Counted from the last axis; missing axes repeat like those of length 1.
        let missing = rank - s.rank();
        if axis < missing { 1 } else { s[axis - missing] }
    };
    (0..rank)
        .map(|axis| match (length(a, axis), length(b, axis)) {
            (n, m) if n == m => Some(n),
            (1, m) => Some(m),
            (n, 1) => Some(n),
            _ => None,
        })
        .collect()
}
