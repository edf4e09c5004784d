//! Rules for powers, roots and reciprocals.

use super::Class::{Exact, Stable};
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Compare, IntegerPower, Prim, Unary};
use crate::program::Value;

pub(super) const RULES: &[Rule] = &[
    Rule { name: "power_0", class: Exact, says: "x^0 -> 1", apply: power_0 },
    Rule { name: "power_1", class: Exact, says: "x^1 -> x", apply: power_1 },
    Rule { name: "power_2", class: Exact, says: "x^2 -> square(x)", apply: power_2 },
    Rule { name: "power_minus_1", class: Exact, says: "x^-1 -> recip(x)", apply: power_minus_1 },
    Rule {
        name: "whole_power",
        class: Stable,
        says: "pow(x, n) -> x^n, for a whole n up to 16",
        apply: whole_power,
    },
    Rule { name: "power_half", class: Stable, says: "pow(x, 0.5) -> sqrt(x)", apply: power_half },
    Rule {
        name: "power_of_power",
        class: Stable,
        says: "(x^m)^n -> x^(m*n)",
        apply: power_of_power,
    },
    Rule {
        name: "product_with_itself",
        class: Exact,
        says: "x*x -> square(x)",
        apply: product_with_itself,
    },
    Rule { name: "one_over", class: Exact, says: "1/x -> recip(x)", apply: one_over },
    Rule {
        name: "recip_of_recip",
        class: Stable,
        says: "recip(recip(x)) -> x",
        apply: recip_of_recip,
    },
    Rule { name: "times_recip", class: Stable, says: "a*recip(b) -> a/b", apply: times_recip },
    Rule { name: "over_recip", class: Stable, says: "a/recip(b) -> a*b", apply: over_recip },
    Rule {
        name: "recip_of_sqrt",
        class: Stable,
        says: "recip(sqrt(x)) -> rsqrt(x)",
        apply: recip_of_sqrt,
    },
    Rule {
        name: "sqrt_of_square",
        class: Stable,
        says: "sqrt(square(x)) -> abs(x)",
        apply: sqrt_of_square,
    },
    Rule {
        name: "square_of_sqrt",
        class: Stable,
        says: "square(sqrt(x)) -> x, where x >= 0 for certain",
        apply: square_of_sqrt,
    },
    Rule {
        name: "square_of_norm",
        class: Stable,
        says: "square(norm(x)) -> reduce_sum(square(x))",
        apply: square_of_norm,
    },
];

/// The largest whole exponent that is computed by multiplication: a few roundings, no more.
const LARGEST: f64 = 16.0;

fn power_0(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::IntegerPower(IntegerPower { n: 0 }) = s.prim else { return None };
    rw.full(s.ty, 1.0)
}

fn power_1(_: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::IntegerPower(IntegerPower { n: 1 }) = s.prim else { return None };
    Some(s.x[0])
}

fn power_2(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::IntegerPower(IntegerPower { n: 2 }) = s.prim else { return None };
    rw.unary(Unary::Square, s.x[0])
}

fn power_minus_1(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::IntegerPower(IntegerPower { n: -1 }) = s.prim else { return None };
    rw.unary(Unary::Recip, s.x[0])
}

fn whole_power(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Pow), &[x, y]) = (s.prim, s.x) else { return None };
    let n = rw.splat(y).filter(|n| n.fract() == 0.0 && n.abs() <= LARGEST)?;
    rw.make(IntegerPower { n: n as i32 }, &[x])
}

/// The two differ at −0, where √ is −0, and at −∞, which is no real number, where √ is NaN.
fn power_half(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Pow), &[x, y]) = (s.prim, s.x) else { return None };
    if rw.is_splat(y, 0.5) { rw.unary(Unary::Sqrt, x) } else { None }
}

/// Of one sign: x^(−2)^(−2) would lose the pole between.
fn power_of_power(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::IntegerPower(outer) = s.prim else { return None };
    let (Prim::IntegerPower(inner), &[x]) = rw.def(s.x[0])? else { return None };
    let n = inner.n.checked_mul(outer.n).filter(|n| f64::from(n.abs()) <= LARGEST)?;
    if inner.n <= 0 || outer.n <= 0 {
        return None;
    }
    rw.make(IntegerPower { n }, &[x])
}

fn product_with_itself(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = (s.prim, s.x) else { return None };
    if a == b { rw.unary(Unary::Square, a) } else { None }
}

fn one_over(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    if rw.is_splat(a, 1.0) && s.ty.dtype.is_float() { rw.unary(Unary::Recip, b) } else { None }
}

fn recip_of_recip(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Recip) = s.prim else { return None };
    rw.is_unary(s.x[0], Unary::Recip)
}

/// One rounding less.
fn times_recip(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = (s.prim, s.x) else { return None };
    if let Some(divisor) = rw.is_unary(b, Unary::Recip) {
        return rw.binary(Binary::Div, a, divisor);
    }
    let divisor = rw.is_unary(a, Unary::Recip)?;
    rw.binary(Binary::Div, b, divisor)
}

fn over_recip(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    let factor = rw.is_unary(b, Unary::Recip)?;
    rw.binary(Binary::Mul, a, factor)
}

fn recip_of_sqrt(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Recip) = s.prim else { return None };
    let x = rw.is_unary(s.x[0], Unary::Sqrt)?;
    rw.unary(Unary::Rsqrt, x)
}

/// |x| does not overflow, and has the slope 0 at 0 where the chain rule has 0·∞.
fn sqrt_of_square(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Sqrt) = s.prim else { return None };
    let x = rw.is_unary(s.x[0], Unary::Square)?;
    rw.unary(Unary::Abs, x)
}

fn square_of_sqrt(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Square) = s.prim else { return None };
    let x = rw.is_unary(s.x[0], Unary::Sqrt)?;
    rw.fact(x).not_negative.then_some(x)
}

/// `Var::norm` is select(s = 0, 0, √select(s = 0, 1, s)) with s = Σx², so its square is s; the
/// second derivatives of s at the origin exist, those of the masked root do not.
fn square_of_norm(rw: &mut Rewriter<'_>, step: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Square) = step.prim else { return None };
    let (at_origin, zero, root) = rw.is_select(step.x[0])?;
    let (same, one, s) = rw.is_select(rw.is_unary(root, Unary::Sqrt)?)?;
    let (Prim::Compare(Compare::Eq), &[a, b]) = rw.def(at_origin)? else { return None };
    let compared = (a == s && rw.splat(b) == Some(0.0)) || (b == s && rw.splat(a) == Some(0.0));
    let fits = same == at_origin
        && compared
        && rw.splat(zero) == Some(0.0)
        && rw.splat(one).is_some()
        && rw.fact(s).not_negative;
    fits.then_some(s)
}
