//! Rules for constants and for repeated values: the work is done before repeating.

use super::Class::{Exact, Stable};
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Broadcast, Constant, Prim, Reduce, Reduction};
use crate::program::Value;
use crate::types::{DType, Shape};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "splat_constant",
        class: Exact,
        says: "a constant with one number everywhere -> broadcast(number)",
        apply: splat_constant,
    },
    Rule {
        name: "fold_constants",
        class: Exact,
        says: "an operation on small constants -> its value",
        apply: fold_constants,
    },
    Rule {
        name: "elementwise_of_broadcasts",
        class: Exact,
        says: "f(broadcast(x), broadcast(y)) -> broadcast(f(x, y))",
        apply: elementwise_of_broadcasts,
    },
    Rule {
        name: "reduce_of_nothing",
        class: Exact,
        says: "reduce_sum of no elements -> 0",
        apply: reduce_of_nothing,
    },
    Rule {
        name: "reduce_before_broadcast",
        class: Exact,
        says: "reduce(broadcast(x)) -> broadcast(reduce(x)), along axes of x",
        apply: reduce_before_broadcast,
    },
    Rule {
        name: "extreme_of_broadcast",
        class: Exact,
        says: "reduce_max(broadcast(x)) -> x, along new axes",
        apply: extreme_of_broadcast,
    },
    Rule {
        name: "sum_of_broadcast",
        class: Stable,
        says: "reduce_sum(broadcast(x)) -> n*x, along new axes",
        apply: sum_of_broadcast,
    },
];

fn splat_constant(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Constant(Constant(tensor)) = s.prim else { return None };
    if tensor.shape().rank() == 0 || tensor.is_empty() {
        return None;
    }
    let shape = tensor.shape().clone();
    let first = tensor.rearrange(&Shape::scalar(), |_| Some(0));
    let repeated = tensor.rearrange(&shape, |_| Some(0));
    if Constant(repeated) != Constant(tensor.clone()) {
        return None;
    }
    let number = rw.constant(first)?;
    rw.spread(number, &shape)
}

fn fold_constants(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    // A repeated constant is kept as one: that is shorter, and other rules look for it.
    if matches!(s.prim, Prim::Broadcast(_)) {
        return None;
    }
    let tensor = rw.fold(s)?;
    rw.constant(tensor)
}

pub(super) fn is_elementwise(prim: &Prim) -> bool {
    matches!(
        prim,
        Prim::Unary(_)
            | Prim::Binary(_)
            | Prim::IntegerPower(_)
            | Prim::Scale(_)
            | Prim::Compare(_)
            | Prim::Logical(_)
            | Prim::Select(_)
            | Prim::Cast(_)
            | Prim::StopGradient(_)
    )
}

/// All operands are repeated in the same way, or are numbers repeated everywhere.
fn elementwise_of_broadcasts(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    if !is_elementwise(s.prim) || s.ty.size() == 0 {
        return None;
    }
    let mut axes: &[usize] = &[];
    for &x in s.x {
        let (_, b) = rw.is_broadcast(x)?;
        if axes.is_empty() {
            axes = &b.axes;
        } else if !b.axes.is_empty() && b.axes != axes {
            return None;
        }
    }
    let axes = axes.to_vec();
    let inner: Shape = axes.iter().map(|&axis| s.ty.shape[axis]).collect();
    let mut operands = Vec::with_capacity(s.x.len());
    for &x in s.x {
        let (x, b) = rw.is_broadcast(x)?;
        let number = b.axes.is_empty();
        operands.push(if number { rw.spread(x, &inner)? } else { x });
    }
    let y = rw.make(s.prim.clone(), &operands)?;
    rw.make(Broadcast { shape: s.ty.shape.clone(), axes }, &[y])
}

fn reduce_of_nothing(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Reduce(Reduce { op: Reduction::Sum, .. }) = s.prim else { return None };
    if rw.ty(s.x[0]).size() > 0 || s.ty.size() == 0 {
        return None;
    }
    rw.full(s.ty, 0.0)
}

fn reduce_before_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    reduced(rw, s, |_, count| count.is_none().then_some(1))
}

fn extreme_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    reduced(rw, s, |op, count| count.filter(|_| op != Reduction::Sum).map(|_| 1))
}

fn sum_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    reduced(rw, s, |op, count| count.filter(|_| op == Reduction::Sum))
}

/// A reduction of a repeated value, without the repetition: along the axes of the value as before,
/// and along new axes by the factor that `factor` gives for the operation and the number of copies
/// (`None` where no new axis is reduced).
fn reduced(
    rw: &mut Rewriter<'_>,
    s: &Step<'_>,
    factor: impl Fn(Reduction, Option<usize>) -> Option<usize>,
) -> Option<Value> {
    let Prim::Reduce(Reduce { op, axes }) = s.prim else { return None };
    let (x, b) = rw.is_broadcast(s.x[0])?;
    let b = b.clone();
    if b.shape.contains(&0) {
        return None;
    }
    let copied: Vec<usize> = axes.iter().copied().filter(|axis| !b.axes.contains(axis)).collect();
    let copies: usize = copied.iter().map(|&axis| b.shape[axis]).product();
    let factor = factor(*op, (!copied.is_empty()).then_some(copies))?;
    let largest = match s.ty.dtype {
        DType::I32 => i32::MAX as usize,
        // Every count up to here is a number of the type exactly, or rounds to the nearest.
        _ => 1 << 53,
    };
    if factor > largest {
        return None;
    }
    let own = (0..b.axes.len()).filter(|&k| axes.contains(&b.axes[k])).collect();
    let mut y = rw.make(Reduce { op: *op, axes: own }, &[x])?;
    if factor != 1 {
        let factor = rw.like(y, factor as f64)?;
        y = rw.binary(Binary::Mul, factor, y)?;
    }
    let left: Vec<usize> = (0..b.shape.rank()).filter(|axis| !axes.contains(axis)).collect();
    let place = |axis: &usize| left.iter().position(|l| l == axis);
    let axes = b.axes.iter().filter_map(place).collect();
    rw.make(Broadcast { shape: s.ty.shape.clone(), axes }, &[y])
}
