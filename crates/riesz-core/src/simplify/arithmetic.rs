//! Rules for sums, products and signs. Signs move outwards, where they cancel.

use super::Class::{Exact, Stable};
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Prim, Unary};
use crate::program::Value;

pub(super) const RULES: &[Rule] = &[
    Rule { name: "neg_neg", class: Exact, says: "-(-x) -> x", apply: neg_neg },
    Rule { name: "times_one", class: Exact, says: "x*1 -> x", apply: times_one },
    Rule { name: "over_one", class: Exact, says: "x/1 -> x", apply: over_one },
    Rule { name: "times_minus_one", class: Exact, says: "(-1)*x -> -x", apply: times_minus_one },
    Rule { name: "over_minus_one", class: Exact, says: "x/(-1) -> -x", apply: over_minus_one },
    Rule {
        name: "plus_negative_zero",
        class: Exact,
        says: "x + (-0) -> x, x + 0 -> x for integers",
        apply: plus_negative_zero,
    },
    Rule { name: "minus_zero", class: Exact, says: "x - 0 -> x", apply: minus_zero },
    Rule {
        name: "negative_zero_minus",
        class: Exact,
        says: "(-0) - x -> -x",
        apply: negative_zero_minus,
    },
    Rule { name: "plus_zero", class: Stable, says: "x + 0 -> x, x - (-0) -> x", apply: plus_zero },
    Rule { name: "zero_minus", class: Stable, says: "0 - x -> -x", apply: zero_minus },
    Rule { name: "plus_negative", class: Exact, says: "a + (-b) -> a - b", apply: plus_negative },
    Rule { name: "minus_negative", class: Exact, says: "a - (-b) -> a + b", apply: minus_negative },
    Rule {
        name: "negative_times_negative",
        class: Exact,
        says: "(-a)*(-b) -> a*b, the same for /",
        apply: negative_times_negative,
    },
    Rule {
        name: "times_negative",
        class: Exact,
        says: "a*(-b) -> -(a*b), the same for /",
        apply: times_negative,
    },
    Rule {
        name: "negative_of_multiple",
        class: Exact,
        says: "-(c*x) -> (-c)*x",
        apply: negative_of_multiple,
    },
    Rule {
        name: "negative_of_difference",
        class: Stable,
        says: "-(a - b) -> b - a",
        apply: negative_of_difference,
    },
    Rule { name: "plus_itself", class: Exact, says: "x + x -> 2*x", apply: plus_itself },
    Rule {
        name: "multiple_of_multiple",
        class: Stable,
        says: "c*(d*x) -> (c*d)*x",
        apply: multiple_of_multiple,
    },
    Rule {
        name: "plus_constants",
        class: Stable,
        says: "(x + c) + d -> x + (c + d)",
        apply: plus_constants,
    },
    Rule {
        name: "over_power_of_two",
        class: Exact,
        says: "x/2 -> x*0.5, the same for powers of two",
        apply: over_power_of_two,
    },
    Rule {
        name: "even_of_negative",
        class: Stable,
        says: "cos(-x) -> cos(x), the same for abs, square, cosh and even powers",
        apply: even_of_negative,
    },
    Rule {
        name: "odd_of_negative",
        class: Stable,
        says: "sin(-x) -> -sin(x), the same for the other odd functions",
        apply: odd_of_negative,
    },
    Rule {
        name: "abs_of_not_negative",
        class: Stable,
        says: "abs(x) -> x, where x >= 0 for certain",
        apply: abs_of_not_negative,
    },
];

fn neg_neg(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Neg) = s.prim else { return None };
    rw.is_unary(s.x[0], Unary::Neg)
}

fn times_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    other_than(rw, s, 1.0)
}

fn times_minus_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let x = other_than(rw, s, -1.0)?;
    rw.unary(Unary::Neg, x)
}

/// The other factor of a product with `number`.
fn other_than(rw: &Rewriter<'_>, s: &Step<'_>, number: f64) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = (s.prim, s.x) else { return None };
    if rw.is_splat(a, number) {
        return Some(b);
    }
    rw.is_splat(b, number).then_some(a)
}

fn over_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    rw.is_splat(b, 1.0).then_some(a)
}

/// Not for integers: the smallest has no opposite, which is a result here and an error there.
fn over_minus_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    if rw.is_splat(b, -1.0) && s.ty.dtype.is_float() { rw.unary(Unary::Neg, a) } else { None }
}

fn plus_negative_zero(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Add), &[a, b]) = (s.prim, s.x) else { return None };
    let zero = if s.ty.dtype.is_float() { -0.0 } else { 0.0 };
    if rw.is_splat(a, zero) {
        return Some(b);
    }
    rw.is_splat(b, zero).then_some(a)
}

fn minus_zero(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Sub), &[a, b]) = (s.prim, s.x) else { return None };
    rw.is_splat(b, 0.0).then_some(a)
}

fn negative_zero_minus(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Sub), &[a, b]) = (s.prim, s.x) else { return None };
    let zero = if s.ty.dtype.is_float() { -0.0 } else { 0.0 };
    if rw.is_splat(a, zero) { rw.unary(Unary::Neg, b) } else { None }
}

/// Only at x = −0 does this change anything: there the sum is 0.
fn plus_zero(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (&Prim::Binary(op), &[a, b]) = (s.prim, s.x) else { return None };
    match op {
        Binary::Add if rw.splat(a) == Some(0.0) => Some(b),
        Binary::Add | Binary::Sub if rw.splat(b) == Some(0.0) => Some(a),
        _ => None,
    }
}

fn zero_minus(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Sub), &[a, b]) = (s.prim, s.x) else { return None };
    if rw.splat(a) == Some(0.0) { rw.unary(Unary::Neg, b) } else { None }
}

fn plus_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Add), &[a, b]) = (s.prim, s.x) else { return None };
    if let Some(b) = rw.is_unary(b, Unary::Neg) {
        return rw.binary(Binary::Sub, a, b);
    }
    let a = rw.is_unary(a, Unary::Neg)?;
    rw.binary(Binary::Sub, b, a)
}

fn minus_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Sub), &[a, b]) = (s.prim, s.x) else { return None };
    let b = rw.is_unary(b, Unary::Neg)?;
    rw.binary(Binary::Add, a, b)
}

fn negative_times_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (&Prim::Binary(op @ (Binary::Mul | Binary::Div)), &[a, b]) = (s.prim, s.x) else {
        return None;
    };
    if !s.ty.dtype.is_float() {
        return None;
    }
    let (a, b) = (rw.is_unary(a, Unary::Neg)?, rw.is_unary(b, Unary::Neg)?);
    rw.binary(op, a, b)
}

fn times_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (&Prim::Binary(op @ (Binary::Mul | Binary::Div)), &[a, b]) = (s.prim, s.x) else {
        return None;
    };
    if !s.ty.dtype.is_float() {
        return None;
    }
    let product = match (rw.is_unary(a, Unary::Neg), rw.is_unary(b, Unary::Neg)) {
        (Some(a), _) => rw.binary(op, a, b)?,
        (_, Some(b)) => rw.binary(op, a, b)?,
        _ => return None,
    };
    rw.unary(Unary::Neg, product)
}

fn negative_of_multiple(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Neg) = s.prim else { return None };
    let (c, x) = multiple(rw, s.x[0])?;
    let c = rw.like(x, -c)?;
    rw.binary(Binary::Mul, c, x)
}

/// Only where a = b does this change anything: 0 for −0.
fn negative_of_difference(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Neg) = s.prim else { return None };
    let (a, b) = rw.is_binary(s.x[0], Binary::Sub)?;
    rw.binary(Binary::Sub, b, a)
}

fn plus_itself(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Add), &[a, b]) = (s.prim, s.x) else { return None };
    if a != b {
        return None;
    }
    let two = rw.like(a, 2.0)?;
    rw.binary(Binary::Mul, two, a)
}

/// Where the product of the constants is an ordinary number, nothing overflows that did not before.
fn multiple_of_multiple(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = (s.prim, s.x) else { return None };
    let (c, inner) = match (rw.splat(a), rw.splat(b)) {
        (Some(c), _) => (c, b),
        (_, Some(c)) => (c, a),
        _ => return None,
    };
    let (d, x) = multiple(rw, inner)?;
    let product = c * d;
    let ordinary = (1e-30..=1e30).contains(&product.abs()) || product == 0.0;
    if !s.ty.dtype.is_float() || !ordinary {
        return None;
    }
    let factor = rw.like(x, product)?;
    rw.binary(Binary::Mul, factor, x)
}

/// The constant and the other factor of a product with a constant.
fn multiple(rw: &Rewriter<'_>, v: Value) -> Option<(f64, Value)> {
    let (a, b) = rw.is_binary(v, Binary::Mul)?;
    match (rw.splat(a), rw.splat(b)) {
        (Some(c), _) => Some((c, b)),
        (_, Some(c)) => Some((c, a)),
        _ => None,
    }
}

fn plus_constants(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    if !s.ty.dtype.is_float() {
        return None;
    }
    let (x, outer) = sum_with_constant(rw, s.prim, s.x)?;
    let (prim, operands) = rw.def(x)?;
    let (x, inner) = sum_with_constant(rw, prim, operands)?;
    let sum = Some(outer + inner).filter(|sum| sum.is_finite())?;
    let sum = rw.like(x, sum)?;
    rw.binary(Binary::Add, x, sum)
}

/// x and c, if this is x + c or x − (−c).
fn sum_with_constant(rw: &Rewriter<'_>, prim: &Prim, x: &[Value]) -> Option<(Value, f64)> {
    let &[a, b] = x else { return None };
    match prim {
        Prim::Binary(Binary::Add) => match (rw.splat(a), rw.splat(b)) {
            (_, Some(c)) => Some((a, c)),
            (Some(c), None) => Some((b, c)),
            _ => None,
        },
        Prim::Binary(Binary::Sub) => Some((a, -rw.splat(b)?)),
        _ => None,
    }
}

/// The reciprocal of a power of two is exact, and so is the product where the quotient is.
fn over_power_of_two(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    let c = rw.splat(b)?;
    // An ordinary number, in f32 too, whose fraction bits are all 0.
    let fits = (1e-30..=1e30).contains(&c.abs()) && c.to_bits() << 12 == 0;
    if !fits || !s.ty.dtype.is_float() {
        return None;
    }
    let factor = rw.like(a, 1.0 / c)?;
    rw.binary(Binary::Mul, factor, a)
}

fn even_of_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let even = match s.prim {
        Prim::Unary(op) => matches!(op, Unary::Cos | Unary::Cosh | Unary::Abs | Unary::Square),
        Prim::IntegerPower(p) => p.n % 2 == 0,
        _ => false,
    };
    if !even {
        return None;
    }
    let x = rw.is_unary(s.x[0], Unary::Neg)?;
    rw.make(s.prim.clone(), &[x])
}

fn odd_of_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let odd = match s.prim {
        Prim::Unary(op) => matches!(
            op,
            Unary::Sign
                | Unary::Recip
                | Unary::Cbrt
                | Unary::Sin
                | Unary::Tan
                | Unary::Asin
                | Unary::Atan
                | Unary::Sinh
                | Unary::Tanh
                | Unary::Asinh
                | Unary::Atanh
                | Unary::Erf
        ),
        Prim::IntegerPower(p) => p.n % 2 != 0 && s.ty.dtype.is_float(),
        _ => false,
    };
    if !odd || !s.ty.dtype.is_float() {
        return None;
    }
    let x = rw.is_unary(s.x[0], Unary::Neg)?;
    let y = rw.make(s.prim.clone(), &[x])?;
    rw.unary(Unary::Neg, y)
}

/// At 0 the slope of what is there may differ from that of |x|, so only where that is what counts.
fn abs_of_not_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Abs) = s.prim else { return None };
    rw.fact(s.x[0]).not_negative.then_some(s.x[0])
}
