//! Rules for exponentials and logarithms: the forms that neither overflow nor cancel.

use super::Class::Stable;
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Broadcast, Compare, Prim, Reduce, Reduction, StopGradient, Unary};
use crate::program::Value;
use std::f64::consts::LN_2;

pub(super) const RULES: &[Rule] = &[
    Rule { name: "log_exp", class: Stable, says: "log(exp(x)) -> x", apply: log_exp },
    Rule { name: "log1p_expm1", class: Stable, says: "log1p(expm1(x)) -> x", apply: log1p_expm1 },
    Rule {
        name: "log_one_plus",
        class: Stable,
        says: "log(1 + x) -> log1p(x)",
        apply: log_one_plus,
    },
    Rule {
        name: "log1p_exp",
        class: Stable,
        says: "log1p(exp(x)) -> softplus(x)",
        apply: log1p_exp,
    },
    Rule {
        name: "exp_minus_one",
        class: Stable,
        says: "exp(x) - 1 -> expm1(x)",
        apply: exp_minus_one,
    },
    Rule {
        name: "one_minus_exp",
        class: Stable,
        says: "1 - exp(x) -> -expm1(x)",
        apply: one_minus_exp,
    },
    Rule {
        name: "expm1_plus_one",
        class: Stable,
        says: "expm1(x) + 1 -> exp(x)",
        apply: expm1_plus_one,
    },
    Rule {
        name: "recip_one_plus_exp",
        class: Stable,
        says: "1/(1 + exp(x)) -> sigmoid(-x)",
        apply: recip_one_plus_exp,
    },
    Rule {
        name: "over_one_plus_exp",
        class: Stable,
        says: "a/(1 + exp(x)) -> a*sigmoid(-x)",
        apply: over_one_plus_exp,
    },
    Rule {
        name: "exp_over_one_plus_exp",
        class: Stable,
        says: "exp(x)*sigmoid(-x) -> sigmoid(x)",
        apply: exp_over_one_plus_exp,
    },
    Rule {
        name: "one_minus_sigmoid",
        class: Stable,
        says: "1 - sigmoid(x) -> sigmoid(-x)",
        apply: one_minus_sigmoid,
    },
    Rule {
        name: "log_sigmoid",
        class: Stable,
        says: "log(sigmoid(x)) -> -softplus(-x)",
        apply: log_sigmoid,
    },
    Rule {
        name: "log_cosh",
        class: Stable,
        says: "log(cosh(x)) -> (softplus(2x) + softplus(-2x))/2 - log(2)",
        apply: log_cosh,
    },
    Rule {
        name: "log_sum_exp",
        class: Stable,
        says: "log(reduce_sum(exp(x))) -> log(reduce_sum(exp(x - max(x)))) + max(x)",
        apply: log_sum_exp,
    },
];

fn log_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log) = s.prim else { return None };
    rw.is_unary(s.x[0], Unary::Exp)
}

fn log1p_expm1(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log1p) = s.prim else { return None };
    rw.is_unary(s.x[0], Unary::Expm1)
}

fn log_one_plus(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log) = s.prim else { return None };
    let x = one_plus(rw, s.x[0])?;
    rw.unary(Unary::Log1p, x)
}

fn log1p_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log1p) = s.prim else { return None };
    let x = rw.is_unary(s.x[0], Unary::Exp)?;
    rw.unary(Unary::Softplus, x)
}

fn exp_minus_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let &[a, b] = s.x else { return None };
    let power = match s.prim {
        Prim::Binary(Binary::Sub) if rw.is_splat(b, 1.0) => a,
        Prim::Binary(Binary::Add) if rw.is_splat(b, -1.0) => a,
        Prim::Binary(Binary::Add) if rw.is_splat(a, -1.0) => b,
        _ => return None,
    };
    let x = rw.is_unary(power, Unary::Exp)?;
    rw.unary(Unary::Expm1, x)
}

fn one_minus_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let x = rw.is_unary(one_minus(rw, s)?, Unary::Exp)?;
    let y = rw.unary(Unary::Expm1, x)?;
    rw.unary(Unary::Neg, y)
}

/// eˣ − 1 is −1 to the last digit for a large negative x; adding 1 again would leave none of eˣ.
fn expm1_plus_one(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Add), &[a, b]) = (s.prim, s.x) else { return None };
    let power = if rw.is_splat(b, 1.0) {
        a
    } else if rw.is_splat(a, 1.0) {
        b
    } else {
        return None;
    };
    let x = rw.is_unary(power, Unary::Expm1)?;
    rw.unary(Unary::Exp, x)
}

fn recip_one_plus_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Recip) = s.prim else { return None };
    let power = one_plus(rw, s.x[0])?;
    let x = rw.is_unary(power, Unary::Exp)?;
    let x = rw.unary(Unary::Neg, x)?;
    rw.unary(Unary::Sigmoid, x)
}

fn over_one_plus_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    let power = one_plus(rw, b)?;
    let x = rw.is_unary(power, Unary::Exp)?;
    let x = rw.unary(Unary::Neg, x)?;
    let y = rw.unary(Unary::Sigmoid, x)?;
    rw.binary(Binary::Mul, a, y)
}

/// eˣ·σ(−x) = σ(x), however −x is written.
fn exp_over_one_plus_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = (s.prim, s.x) else { return None };
    for (power, other) in [(a, b), (b, a)] {
        let (Some(x), Some(y)) =
            (rw.is_unary(power, Unary::Exp), rw.is_unary(other, Unary::Sigmoid))
        else {
            continue;
        };
        if rw.is_unary(y, Unary::Neg) == Some(x) || rw.is_unary(x, Unary::Neg) == Some(y) {
            return rw.unary(Unary::Sigmoid, x);
        }
    }
    None
}

fn one_minus_sigmoid(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let x = rw.is_unary(one_minus(rw, s)?, Unary::Sigmoid)?;
    let x = rw.unary(Unary::Neg, x)?;
    rw.unary(Unary::Sigmoid, x)
}

fn log_sigmoid(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log) = s.prim else { return None };
    let x = rw.is_unary(s.x[0], Unary::Sigmoid)?;
    let x = rw.unary(Unary::Neg, x)?;
    let y = rw.unary(Unary::Softplus, x)?;
    rw.unary(Unary::Neg, y)
}

/// (1 + e^2x)(1 + e^−2x) = (eˣ + e⁻ˣ)² = 4cosh²x. Of the forms that do not overflow this is the
/// smooth one: |x| + softplus(−2|x|) − log 2 would have the second derivative 0 at 0 instead of 1.
fn log_cosh(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log) = s.prim else { return None };
    let x = rw.is_unary(s.x[0], Unary::Cosh)?;
    let two = rw.like(x, 2.0)?;
    let twice = rw.binary(Binary::Mul, two, x)?;
    let opposite = rw.unary(Unary::Neg, twice)?;
    let right = rw.unary(Unary::Softplus, twice)?;
    let left = rw.unary(Unary::Softplus, opposite)?;
    let both = rw.binary(Binary::Add, right, left)?;
    let half = rw.like(x, 0.5)?;
    let mean = rw.binary(Binary::Mul, half, both)?;
    let log_2 = rw.like(x, LN_2)?;
    rw.binary(Binary::Sub, mean, log_2)
}

/// log Σ eˣ = log Σ e^(x−m) + m for any m, here the largest x, through which no derivative passes:
/// the right side does not depend on m. Where that is infinite, the equations are those of
/// `Var::logsumexp`, which says why.
fn log_sum_exp(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Log) = s.prim else { return None };
    let (powers, sum) = rw.is_sum(s.x[0])?;
    let x = rw.is_unary(powers, Unary::Exp)?;
    let (shape, sum) = (rw.shape(x), sum.clone());
    if is_shifted(rw, x) {
        return None;
    }
    let kept = sum.kept(shape.rank());
    let largest = rw.make(Reduce { op: Reduction::Max, axes: sum.axes.clone() }, &[x])?;
    let fixed = rw.make(StopGradient, &[largest])?;
    let (infinity, zero) = (rw.like(largest, f64::INFINITY)?, rw.like(largest, 0.0)?);
    let size = rw.unary(Unary::Abs, fixed)?;
    let finite = rw.make(Compare::Lt, &[size, infinity])?;
    let shift = rw.select(finite, fixed, zero)?;
    let spread = rw.make(Broadcast { shape, axes: kept }, &[shift])?;
    let shifted = rw.binary(Binary::Sub, x, spread)?;
    let powers = rw.unary(Unary::Exp, shifted)?;
    let sum = rw.make(sum, &[powers])?;
    let log = rw.unary(Unary::Log, sum)?;
    let result = rw.binary(Binary::Add, log, shift)?;
    let beyond = rw.make(Compare::Eq, &[largest, infinity])?;
    rw.select(beyond, largest, result)
}

/// Whether the exponents are x − m already, with an m made from the largest x by repeating it,
/// by choosing another value for an infinite one, and by stopping derivatives.
fn is_shifted(rw: &Rewriter<'_>, exponents: Value) -> bool {
    // `Var::logsumexp`, before its call is opened.
    if let Some(Prim::CustomJvp(_)) = rw.maker(exponents) {
        return true;
    }
    let Some((_, mut shift)) = rw.is_binary(exponents, Binary::Sub) else { return false };
    for _ in 0..8 {
        shift = match rw.def(shift) {
            Some((Prim::Broadcast(_) | Prim::Reshape(_) | Prim::StopGradient(_), x)) => x[0],
            Some((Prim::Select(_), x)) => x[1],
            Some((Prim::Binary(Binary::Min), x)) => x[0],
            Some((Prim::Reduce(r), _)) => return r.op == Reduction::Max,
            _ => return false,
        };
    }
    false
}

/// x, if the value is 1 + x.
fn one_plus(rw: &Rewriter<'_>, v: Value) -> Option<Value> {
    let (a, b) = rw.is_binary(v, Binary::Add)?;
    if rw.is_splat(a, 1.0) {
        return Some(b);
    }
    rw.is_splat(b, 1.0).then_some(a)
}

/// x, if the step is 1 − x.
fn one_minus(rw: &Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Sub), &[a, b]) = (s.prim, s.x) else { return None };
    rw.is_splat(a, 1.0).then_some(b)
}
