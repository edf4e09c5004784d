//! Rules for `scale`, the product in which a zero tangent stays zero: where it is the plain one.

use super::Class::{Exact, Stable};
use super::Rule;
use super::facts::Level;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Prim, Scale, Unary};
use crate::program::Value;

pub(super) const RULES: &[Rule] = &[
    Rule { name: "scale_of_zero", class: Exact, says: "scale(c, 0) -> 0", apply: scale_of_zero },
    Rule { name: "scale_by_one", class: Exact, says: "scale(1, t) -> t", apply: scale_by_one },
    Rule {
        name: "scale_of_nonzero",
        class: Exact,
        says: "scale(c, t) -> c*t, for a constant t != 0",
        apply: scale_of_nonzero,
    },
    Rule {
        name: "scale_by_finite",
        class: Stable,
        says: "scale(c, t) -> c*t, where c is finite",
        apply: scale_by_finite,
    },
    Rule {
        name: "scale_of_negative",
        class: Exact,
        says: "scale(c, -t) -> -scale(c, t)",
        apply: scale_of_negative,
    },
    Rule {
        name: "scale_by_negative",
        class: Stable,
        says: "scale(-c, t) -> -scale(c, t)",
        apply: scale_by_negative,
    },
];

fn scale_of_zero(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Scale(_), &[_, t]) = (s.prim, s.x) else { return None };
    (rw.splat(t)? == 0.0).then_some(t)
}

fn scale_by_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Scale(_), &[c, t]) = (s.prim, s.x) else { return None };
    rw.is_splat(c, 1.0).then_some(t)
}

fn scale_of_nonzero(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Scale(_), &[c, t]) = (s.prim, s.x) else { return None };
    let never_zero = match rw.splat(t) {
        Some(t) => t != 0.0,
        None => rw.small_constant(t)?.to_f64().iter().all(|&t| t != 0.0),
    };
    if never_zero { rw.binary(Binary::Mul, c, t) } else { None }
}

fn scale_by_finite(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Scale(_), &[c, t]) = (s.prim, s.x) else { return None };
    if rw.fact(c).level != Level::Finite {
        return None;
    }
    rw.binary(Binary::Mul, c, t)
}

fn scale_of_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Scale(_), &[c, t]) = (s.prim, s.x) else { return None };
    let t = rw.is_unary(t, Unary::Neg)?;
    let scaled = rw.make(Scale, &[c, t])?;
    rw.unary(Unary::Neg, scaled)
}

fn scale_by_negative(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Scale(_), &[c, t]) = (s.prim, s.x) else { return None };
    let c = rw.is_unary(c, Unary::Neg)?;
    let scaled = rw.make(Scale, &[c, t])?;
    rw.unary(Unary::Neg, scaled)
}
