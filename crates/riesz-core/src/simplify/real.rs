//! Rules that are true of real numbers only, to be asked for.

use super::Class::Real;
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Prim, Unary};
use crate::program::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "difference_with_itself",
        class: Real,
        says: "x - x -> 0",
        apply: difference_with_itself,
    },
    Rule {
        name: "quotient_with_itself",
        class: Real,
        says: "x/x -> 1",
        apply: quotient_with_itself,
    },
    Rule { name: "times_zero", class: Real, says: "x*0 -> 0", apply: times_zero },
    Rule { name: "zero_over", class: Real, says: "0/x -> 0", apply: zero_over },
    Rule { name: "exp_log", class: Real, says: "exp(log(x)) -> x", apply: exp_log },
    Rule {
        name: "square_of_any_sqrt",
        class: Real,
        says: "square(sqrt(x)) -> x",
        apply: square_of_any_sqrt,
    },
];

fn difference_with_itself(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Sub), &[a, b]) = (s.prim, s.x) else { return None };
    if a == b { rw.full(s.ty, 0.0) } else { None }
}

fn quotient_with_itself(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, b]) = (s.prim, s.x) else { return None };
    if a == b { rw.full(s.ty, 1.0) } else { None }
}

fn times_zero(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Mul), &[a, b]) = (s.prim, s.x) else { return None };
    [a, b].into_iter().find(|&x| rw.splat(x) == Some(0.0))
}

fn zero_over(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Binary(Binary::Div), &[a, _]) = (s.prim, s.x) else { return None };
    (rw.splat(a)? == 0.0).then_some(a)
}

fn exp_log(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Exp) = s.prim else { return None };
    rw.is_unary(s.x[0], Unary::Log)
}

fn square_of_any_sqrt(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Unary(Unary::Square) = s.prim else { return None };
    rw.is_unary(s.x[0], Unary::Sqrt)
}
