//! Rules for `dot` and sums of sums: transposes become other axes of the product.

use super::Class::{Exact, Stable};
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Dot, Prim, Reduce, Reduction, Transpose};
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
    let contract = dot.contract.iter().map(|&(i, j)| (j, i)).collect();
    rw.make(Dot { contract, batch: Vec::new() }, &[b, a])
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
