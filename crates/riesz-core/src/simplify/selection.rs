//! Rules for choices and truth values.

use super::Class::Exact;
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Compare, Logical, Prim};
use crate::program::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "select_by_constant",
        class: Exact,
        says: "select(true, a, b) -> a",
        apply: select_by_constant,
    },
    Rule {
        name: "select_of_same",
        class: Exact,
        says: "select(m, a, a) -> a",
        apply: select_of_same,
    },
    Rule {
        name: "select_by_not",
        class: Exact,
        says: "select(not m, a, b) -> select(m, b, a)",
        apply: select_by_not,
    },
    Rule {
        name: "select_of_select",
        class: Exact,
        says: "select(m, select(m, a, b), c) -> select(m, a, c)",
        apply: select_of_select,
    },
    Rule {
        name: "logical_with_constant",
        class: Exact,
        says: "m and true -> m, m or true -> true",
        apply: logical_with_constant,
    },
    Rule { name: "logical_of_same", class: Exact, says: "m and m -> m", apply: logical_of_same },
    Rule { name: "not_not", class: Exact, says: "not not m -> m", apply: not_not },
    Rule { name: "not_equal", class: Exact, says: "not (x = y) -> x != y", apply: not_equal },
    Rule { name: "extreme_of_same", class: Exact, says: "max(x, x) -> x", apply: extreme_of_same },
];

fn select_by_constant(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Select(_), &[mask, a, b]) = (s.prim, s.x) else { return None };
    Some(if rw.splat(mask)? != 0.0 { a } else { b })
}

fn select_of_same(_: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Select(_), &[_, a, b]) = (s.prim, s.x) else { return None };
    (a == b).then_some(a)
}

fn select_by_not(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Select(_), &[mask, a, b]) = (s.prim, s.x) else { return None };
    let (Prim::Logical(Logical::Not), &[mask]) = rw.def(mask)? else { return None };
    rw.select(mask, b, a)
}

fn select_of_select(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Select(_), &[mask, a, b]) = (s.prim, s.x) else { return None };
    if let Some((inner, on, _)) = rw.is_select(a)
        && inner == mask
    {
        return rw.select(mask, on, b);
    }
    let (inner, _, off) = rw.is_select(b)?;
    if inner == mask { rw.select(mask, a, off) } else { None }
}

fn logical_with_constant(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Logical(op), &[a, b]) = (s.prim, s.x) else { return None };
    let (known, constant, other) = match (rw.splat(a), rw.splat(b)) {
        (Some(known), _) => (known != 0.0, a, b),
        (_, Some(known)) => (known != 0.0, b, a),
        _ => return None,
    };
    match (op, known) {
        (Logical::And, true) | (Logical::Or | Logical::Xor, false) => Some(other),
        (Logical::And, false) | (Logical::Or, true) => Some(constant),
        (Logical::Xor, true) => rw.make(Logical::Not, &[other]),
        (Logical::Not, _) => None,
    }
}

fn logical_of_same(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Logical(op), &[a, b]) = (s.prim, s.x) else { return None };
    match op {
        _ if a != b => None,
        Logical::And | Logical::Or => Some(a),
        Logical::Xor => rw.full(s.ty, 0.0),
        Logical::Not => None,
    }
}

fn not_not(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Logical(Logical::Not) = s.prim else { return None };
    let (Prim::Logical(Logical::Not), &[m]) = rw.def(s.x[0])? else { return None };
    Some(m)
}

/// Only of `=` and `≠`: where a NaN takes part, `<` and `≥` both fail.
fn not_equal(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Logical(Logical::Not) = s.prim else { return None };
    let (Prim::Compare(op), &[a, b]) = rw.def(s.x[0])? else { return None };
    let opposite = match op {
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
        Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge => return None,
    };
    rw.make(opposite, &[a, b])
}

fn extreme_of_same(_: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Max | Binary::Min), &[a, b]) = (s.prim, s.x) else { return None };
    (a == b).then_some(a)
}
