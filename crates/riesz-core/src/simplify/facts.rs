//! What is known of a value without its numbers: the plain product wherever no mask can reach it.
//!
//! `scale(c, t)` differs from the product c·t in one case: t is exactly 0 and c is infinite or NaN.
//! Such a c comes from a function with a pole, a branch point or an overflow: 1/x, √x, log x, eˣ, x^y.
//! Where c is built from finite numbers by operations that have none of these, the case cannot
//! occur and `scale` is the product, which fuses, multiplies and prints better.
//!
//! The analysis is structural: one of three levels for each value, from those of the operands.
//!
//! - [`Level::Finite`]: a finite number whenever the program's arguments are. Constants (looked
//!   at), everything that is not a float, sums, differences, products, negations, choices and
//!   rearrangements of finite values, sin, cos and the like of finite values; and bounded functions
//!   (tanh, sigmoid, erf, sign, atan) of what is a number at all. Sums and products of finite values
//!   can overflow in principle; that is taken for what it is, a number too large for the format, not
//!   for a mask that was meant.
//! - [`Level::Number`]: perhaps infinite, never NaN: eˣ and 1/x of a number.
//! - [`Level::Any`]: the rest: √, log and powers (NaN outside their domain, where that is not
//!   excluded), sums and products of what may be infinite (∞ − ∞, 0·∞), quotients.
//!
//! Whether the program's own arguments count as finite is an option, because it is true of what a
//! user passes and false of a residual or a captured value, which may be an infinite slope.
//!
//! The second thing kept is whether a value is never negative (0, −0, positive or NaN), for
//! (√x)² → x; the third whether it is a symmetric matrix. The levels do not follow intervals, and know nothing of how values are correlated.

use super::symmetric::is_symmetric;
use crate::primitive::{Binary, Prim, Reduction, Running, Unary};
use crate::program::{Program, Value};
use crate::types::Type;
use smallvec::SmallVec;

/// What is known of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fact {
    pub level: Level,
    /// No element is below 0.
    pub not_negative: bool,
    /// A matrix, or a stack of them, that is its own transpose over the reals (`symmetric.rs`).
    pub symmetric: bool,
}

impl Fact {
    /// What is known of a value that is one of two.
    pub(super) fn or(self, other: Fact) -> Fact {
        Fact {
            level: self.level.min(other.level),
            not_negative: self.not_negative && other.not_negative,
            symmetric: self.symmetric && other.symmetric,
        }
    }
}

/// What is known of the outputs of a program from what is known of its inputs.
pub(super) fn of_outputs(program: &Program, inputs: &[Fact]) -> Vec<Fact> {
    let mut known = inputs.to_vec();
    known.reserve(program.len() - inputs.len());
    for eq in program.equations() {
        let more = facts(program, &known, &eq.prim, &eq.inputs, eq.count as usize);
        known.extend(more);
    }
    program.outputs().iter().map(|v| known[v.index()]).collect()
}

/// What is known of the results of a loop or branch whose arguments are all finite: what its programs make
/// of them. Of the others nothing is said, and their programs are not looked at.
fn carried(known: &[Fact], prim: &Prim, x: &[Value]) -> Option<SmallVec<[Fact; 1]>> {
    let mut facts: Vec<Fact> = x.iter().map(|v| known[v.index()]).collect();
    if facts.iter().any(|fact| fact.level != Finite) {
        return None;
    }
    match prim {
        Prim::Scan(s) => Some(settled(&s.body, &mut facts, s.consts, s.carry).into()),
        Prim::While(w) => {
            let state = w.body.outputs().len();
            settled(&w.body, &mut facts, w.consts, state);
            Some(facts[w.consts..].into())
        }
        Prim::Cond(c) => {
            let (on, off) =
                (of_outputs(&c.on_true, &facts[1..]), of_outputs(&c.on_false, &facts[1..]));
            Some(on.into_iter().zip(off).map(|(on, off)| on.or(off)).collect())
        }
        _ => None,
    }
}

/// What is known of the outputs of a body the first `carry` of which are fed back; of what is carried, what
/// holds before and after every step. What follows it, in arguments and results, are slices of arrays and
/// what becomes an array of results: their shapes differ, so nothing is said of symmetry.
pub(super) fn settled(
    body: &Program,
    facts: &mut [Fact],
    consts: usize,
    carry: usize,
) -> Vec<Fact> {
    let one = |fact: &mut Fact| fact.symmetric = false;
    facts[consts + carry..].iter_mut().for_each(one);
    loop {
        let mut after = of_outputs(body, facts);
        after[carry..].iter_mut().for_each(one);
        let mut changed = false;
        for k in 0..carry {
            let now = facts[consts + k];
            after[k] = now.or(after[k]);
            changed |= after[k] != now;
            facts[consts + k] = after[k];
        }
        if !changed {
            return after;
        }
    }
}

/// How far a value can be from an ordinary number; ordered by what is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    Any,
    Number,
    Finite,
}

use Level::{Any, Finite, Number};

impl Fact {
    /// What is known of an argument of the program.
    pub(super) fn of_input(ty: &Type, finite: bool) -> Fact {
        let level = if finite || !ty.dtype.is_float() { Finite } else { Any };
        Fact { level, not_negative: false, symmetric: false }
    }
}

/// What is known of the `count` results of an equation about to be written.
pub(super) fn facts(
    program: &Program,
    known: &[Fact],
    prim: &Prim,
    x: &[Value],
    count: usize,
) -> SmallVec<[Fact; 1]> {
    if let Some(facts) = carried(known, prim, x) {
        return facts;
    }
    let of = |i: usize| known[x[i].index()];
    let float = |v: Value| program.ty(v).dtype.is_float();
    // Integers wrap around, so nothing is said of their signs.
    let not_negative = !x.iter().any(|&v| program.ty(v).dtype.is_int()) && sign(prim, x, &of);
    let symmetric = is_symmetric(program, known, prim, x);
    let fact = |k| Fact { level: level(prim, x, k, &of, &float), not_negative, symmetric };
    (0..count).map(fact).collect()
}

fn level(
    prim: &Prim,
    x: &[Value],
    result: usize,
    of: &dyn Fn(usize) -> Fact,
    float: &dyn Fn(Value) -> bool,
) -> Level {
    let at = |i: usize| of(i).level;
    let least = || (0..x.len()).map(at).min().unwrap_or(Finite);
    // A sum or a product of what may be infinite may be NaN.
    let combined = || if least() == Finite { Finite } else { Any };
    match prim {
        Prim::Constant(c) => {
            let values = || c.0.to_f64().into_iter();
            match (values().all(f64::is_finite), values().any(f64::is_nan)) {
                (true, _) => Finite,
                (false, false) => Number,
                (false, true) => Any,
            }
        }
        Prim::Unary(op) => unary(*op, of(0)),
        Prim::Binary(op) => match op {
            Binary::Add | Binary::Sub | Binary::Mul => combined(),
            Binary::Max | Binary::Min | Binary::Hypot | Binary::LogAddExp => least(),
            Binary::Atan2 if least() >= Number => Finite,
            // Integers have no infinities.
            Binary::Div | Binary::Rem if !float(x[0]) => Finite,
            Binary::Atan2 | Binary::Div | Binary::Rem | Binary::Pow | Binary::Xlogy => Any,
        },
        Prim::IntegerPower(p) if p.n >= 0 => at(0),
        Prim::IntegerPower(_) => at(0).min(Number),
        Prim::Iota(_)
        | Prim::Compare(_)
        | Prim::Logical(_)
        | Prim::Argsort(_)
        | Prim::RandomBits(_)
        | Prim::FoldIn(_)
        | Prim::Permutation(_) => Finite,
        Prim::Sinc(_) => {
            if at(0) >= Number { Finite } else { Any }
        }
        Prim::Polygamma(_) => Any,
        // The mask is a truth value.
        Prim::Select(_) => at(1).min(at(2)),
        Prim::Gather(_) => at(0),
        Prim::Reduce(r) if r.op != Reduction::Sum => at(0),
        Prim::Cumulative(c) if c.op == Running::Max => at(0),
        Prim::Cast(_)
        | Prim::StopGradient(_)
        | Prim::Broadcast(_)
        | Prim::Reshape(_)
        | Prim::Transpose(_)
        | Prim::Slice(_)
        | Prim::Pad(_)
        | Prim::Concat(_)
        | Prim::Flip(_)
        | Prim::ScatterSet(_)
        | Prim::ScatterExtreme(_) => least(),
        Prim::Scale(_)
        | Prim::ScatterAdd(_)
        | Prim::Reduce(_)
        | Prim::Cumulative(_)
        | Prim::Recurrence(_)
        | Prim::Dot(_)
        | Prim::Conv(_)
        | Prim::Det(_)
        | Prim::Cofactor(_)
        | Prim::CofactorTangent(_)
        // A singular matrix is an error, so what there is is finite.
        | Prim::Inverse(_)
        | Prim::Solve(_)
        | Prim::TriangularSolve(_)
        | Prim::Cholesky(_)
        | Prim::Lu(_)
        | Prim::Qr(_)
        | Prim::Eigh(_)
        | Prim::Svd(_)
        | Prim::Pinv(_)
        | Prim::Fft(_)
        | Prim::Rfft(_)
        | Prim::Irfft(_) => combined(),
        // What a body does with its arguments is not looked at.
        Prim::Cond(_)
        | Prim::Scan(_)
        | Prim::While(_)
        | Prim::LinearWhile(_)
        | Prim::Checkpoint(_)
        | Prim::CustomJvp(_)
        | Prim::CustomVjp(_)
        | Prim::CustomBackward(_)
        | Prim::LinearSolve(_) => Any,
        Prim::Barrier(_) => at(result),
        // The sign, and the logarithm, which is −∞ for a singular matrix.
        Prim::SLogDet(_) => match (combined(), result) {
            (Finite, 0) => Finite,
            (Finite, _) => Number,
            _ => Any,
        },
    }
}

fn unary(op: Unary, Fact { level: x, not_negative, .. }: Fact) -> Level {
    match op {
        // On their domain these are numbers; √ is finite there.
        Unary::Sqrt if not_negative => x,
        Unary::Rsqrt | Unary::Log | Unary::Log2 | Unary::Log10 | Unary::Log1p if not_negative => {
            x.min(Number)
        }
        Unary::Neg
        | Unary::Abs
        | Unary::Floor
        | Unary::Ceil
        | Unary::Round
        | Unary::Trunc
        | Unary::Square
        | Unary::Cbrt
        | Unary::Asinh
        | Unary::Softplus => x,
        Unary::Sign | Unary::Tanh | Unary::Sigmoid | Unary::Erf | Unary::Erfc | Unary::Atan => {
            if x >= Number { Finite } else { Any }
        }
        // No float is a pole of the tangent.
        Unary::Sin | Unary::Cos | Unary::Tan => {
            if x == Finite {
                Finite
            } else {
                Any
            }
        }
        Unary::Exp
        | Unary::Exp2
        | Unary::Expm1
        | Unary::Sinh
        | Unary::Cosh
        | Unary::Recip
        | Unary::Lgamma => x.min(Number),
        Unary::Sqrt
        | Unary::Rsqrt
        | Unary::Log
        | Unary::Log2
        | Unary::Log10
        | Unary::Log1p
        | Unary::Asin
        | Unary::Acos
        | Unary::Acosh
        | Unary::Atanh
        | Unary::Erfinv
        | Unary::Digamma => Any,
    }
}

/// Whether no element can be below 0.
fn sign(prim: &Prim, x: &[Value], of: &dyn Fn(usize) -> Fact) -> bool {
    let at = |i: usize| of(i).not_negative;
    let all = || (0..x.len()).all(at);
    match prim {
        Prim::Constant(c) => c.0.to_f64().iter().all(|&v| v.is_nan() || v >= 0.0),
        Prim::Unary(op) => match op {
            Unary::Abs
            | Unary::Square
            | Unary::Exp
            | Unary::Exp2
            | Unary::Sqrt
            | Unary::Sigmoid
            | Unary::Softplus
            | Unary::Cosh
            | Unary::Acosh
            | Unary::Erfc => true,
            Unary::Cbrt | Unary::Sign | Unary::Floor | Unary::Trunc | Unary::Round => at(0),
            _ => false,
        },
        Prim::Binary(Binary::Add | Binary::Mul | Binary::Div | Binary::Min) => all(),
        Prim::Binary(Binary::Max) => at(0) || at(1),
        Prim::Binary(Binary::Hypot) => true,
        Prim::IntegerPower(p) => p.n % 2 == 0 || at(0),
        Prim::Select(_) => at(1) && at(2),
        Prim::Gather(_) => at(0),
        Prim::Cast(_)
        | Prim::Scale(_)
        | Prim::Reduce(_)
        | Prim::Cumulative(_)
        | Prim::Recurrence(_)
        | Prim::Dot(_)
        | Prim::Conv(_)
        | Prim::StopGradient(_)
        | Prim::Broadcast(_)
        | Prim::Reshape(_)
        | Prim::Transpose(_)
        | Prim::Slice(_)
        | Prim::Pad(_)
        | Prim::Concat(_)
        | Prim::Flip(_) => all(),
        _ => false,
    }
}
