//! Rules for `dot`, `conv` and sums of sums: transposes become other axes of the product, what is cut from
//! a convolution is not computed.

use super::Class::{Exact, Stable};
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Binary, Dot, Pad, Prim, Reduce, Reduction, Transpose};
use crate::program::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "dot_of_transpose",
        class: Exact,
        says: "dot(transpose(x), y) -> dot(x, y) along other axes",
        apply: dot_of_transpose,
    },
    Rule {
        name: "transpose_of_dot",
        class: Exact,
        says: "transpose(dot(A, B)) -> dot(B, A)",
        apply: transpose_of_dot,
    },
    Rule {
        name: "sum_of_products",
        class: Stable,
        says: "dot(A, B) + dot(A, C) -> dot(A, B + C), and with the common factor behind",
        apply: sum_of_products,
    },
    Rule {
        name: "cut_of_conv",
        class: Exact,
        says: "pad(conv(x, k)) -> conv(pad(x), k), where it only cuts lengths",
        apply: cut_of_conv,
    },
    Rule {
        name: "sum_of_sum",
        class: Stable,
        says: "reduce_sum(reduce_sum(x)) -> reduce_sum(x)",
        apply: sum_of_sum,
    },
];

/// The axes of a transposed operand are axes of the operand itself. The free axes must keep their
/// order, as they come in increasing order in the result.
fn dot_of_transpose(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Dot(dot), &[a, b]) = (s.prim, s.x) else { return None };
    if let Some((x, order)) = straight(rw, a, &dot.lhs(rw.shape(a).rank()).free) {
        let through =
            |pairs: &[(usize, usize)]| pairs.iter().map(|p| (order[p.0], p.1)).collect::<Vec<_>>();
        let dot = Dot { contract: through(&dot.contract), batch: through(&dot.batch) };
        return rw.make(dot, &[x, b]);
    }
    let (x, order) = straight(rw, b, &dot.rhs(rw.shape(b).rank()).free)?;
    let through =
        |pairs: &[(usize, usize)]| pairs.iter().map(|p| (p.0, order[p.1])).collect::<Vec<_>>();
    let dot = Dot { contract: through(&dot.contract), batch: through(&dot.batch) };
    rw.make(dot, &[a, x])
}

/// The argument and order of a transposed value whose `free` axes keep their order.
fn straight(rw: &Rewriter<'_>, v: Value, free: &[usize]) -> Option<(Value, Vec<usize>)> {
    let (x, Transpose { order }) = rw.is_transpose(v)?;
    let kept = free.iter().map(|&axis| order[axis]);
    kept.is_sorted().then(|| (x, order.clone()))
}

/// Without shared axes the result has the free axes of A, then those of B; a transpose that swaps
/// the two groups is the product with the operands swapped.
fn transpose_of_dot(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Transpose(Transpose { order }), &[v]) = (s.prim, s.x) else { return None };
    let (Prim::Dot(dot), &[a, b]) = rw.def(v)? else { return None };
    if !dot.batch.is_empty() {
        return None;
    }
    let dot = dot.clone();
    let m = dot.lhs(rw.shape(a).rank()).free.len();
    let n = order.len() - m;
    let swapped = (m..m + n).chain(0..m);
    if m == 0 || n == 0 || !swapped.eq(order.iter().copied()) {
        return None;
    }
    rw.make(dot.swapped(), &[b, a])
}

/// One product instead of two, as in the derivative of tr(XᵀAX), which is A·X + Aᵀ·X.
fn sum_of_products(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (&Prim::Binary(op @ (Binary::Add | Binary::Sub)), &[p, q]) = (s.prim, s.x) else {
        return None;
    };
    let (Prim::Dot(first), &[a, b]) = rw.def(p)? else { return None };
    let (Prim::Dot(second), &[c, d]) = rw.def(q)? else { return None };
    let (first, second) = (first.clone(), second.clone());
    if a == c && common_is_larger(rw, a, &first.lhs(rw.shape(a).rank()).free) {
        let order = in_place_of(&first, &second, rw.shape(b).rank())?;
        let d = in_order(rw, d, order)?;
        let sum = rw.binary(op, b, d)?;
        return rw.make(first, &[a, sum]);
    }
    if b == d && common_is_larger(rw, b, &first.rhs(rw.shape(b).rank()).free) {
        let order = in_place_of(&first.swapped(), &second.swapped(), rw.shape(a).rank())?;
        let c = in_order(rw, c, order)?;
        let sum = rw.binary(op, a, c)?;
        return rw.make(first, &[sum, b]);
    }
    None
}

/// Whether a product does more than adding up what the common factor is multiplied with.
fn common_is_larger(rw: &Rewriter<'_>, v: Value, free: &[usize]) -> bool {
    let shape = rw.shape(v);
    free.iter().map(|&axis| shape[axis]).product::<usize>() > 1
}

/// The axes of the second operand of `other` that play the parts of the axes of the second operand
/// of `of`, if both treat the first operand alike.
fn in_place_of(of: &Dot, other: &Dot, rank: usize) -> Option<Vec<usize>> {
    let (ours, theirs) = (of.rhs(rank), other.rhs(rank));
    let alike = of.batch.len() == other.batch.len()
        && of.contract.len() == other.contract.len()
        && of.batch.iter().zip(&other.batch).all(|(x, y)| x.0 == y.0);
    if !alike || ours.free.len() != theirs.free.len() {
        return None;
    }
    let mut order = vec![0; rank];
    let beside = ours.batch.iter().zip(&theirs.batch).chain(ours.free.iter().zip(&theirs.free));
    beside.for_each(|(&to, &from)| order[to] = from);
    for &(axis, to) in &of.contract {
        order[to] = other.contract.iter().find(|pair| pair.0 == axis)?.1;
    }
    Some(order)
}

fn in_order(rw: &mut Rewriter<'_>, v: Value, order: Vec<usize>) -> Option<Value> {
    if order.is_sorted() { Some(v) } else { rw.make(Transpose { order }, &[v]) }
}

/// The first and last windows are not there if the image begins and ends as many strides later and earlier.
fn cut_of_conv(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Pad(pad), &[z]) = (s.prim, s.x) else { return None };
    let (Prim::Conv(conv), &[x, k]) = rw.def(z)? else { return None };
    let conv = conv.clone();
    let widths = || pad.low.iter().chain(&pad.high);
    let outer = pad.low[..3].iter().chain(&pad.high[..3]).all(|&w| w == 0);
    let cuts = widths().all(|&w| w <= 0) && pad.interior.iter().all(|&w| w == 0);
    if !outer || !cuts || s.ty.shape.contains(&0) {
        return None;
    }
    let strides = || [1; 3].into_iter().chain(conv.stride.iter().map(|&s| s as i64));
    let before = |widths: &[i64]| widths.iter().zip(strides()).map(|(w, s)| w * s).collect();
    let cut =
        Pad { low: before(&pad.low), high: before(&pad.high), interior: pad.interior.clone() };
    let x = rw.make(cut, &[x])?;
    rw.make(conv, &[x, k])
}

fn sum_of_sum(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Reduce(outer), &[v]) = (s.prim, s.x) else { return None };
    if outer.op != Reduction::Sum {
        return None;
    }
    let (x, inner) = rw.is_sum(v)?;
    let kept = inner.kept(rw.shape(x).rank());
    let mut axes = inner.axes.clone();
    axes.extend(outer.axes.iter().map(|&axis| kept[axis]));
    axes.sort_unstable();
    rw.make(Reduce { op: Reduction::Sum, axes }, &[x])
}
