//! Branches and calls.

use super::inputs::{Feed, distinct, fed, feed};
use super::{Out, Rewriter, inline, renumber, settle_all, simple, simple_given, write};
use crate::body::Body;
use crate::primitive::{Checkpoint, Cond, CustomBackward, CustomJvp, CustomVjp, LinearSolve, Prim};
use crate::program::Value;
use crate::simplify::facts::Fact;

pub(super) fn rewrite(
    rw: &mut Rewriter<'_>,
    mut cond: Cond,
    mut x: Vec<Value>,
) -> Option<Vec<Value>> {
    if let Some(chooses) = rw.splat(x[0]) {
        let branch = if chooses != 0.0 { &cond.on_true } else { &cond.on_false };
        return inline(rw, branch, &x[1..]);
    }
    let is_linear = |i: usize| cond.linear.contains(&i);
    let feeds: Vec<Feed> = (1..x.len()).map(|i| feed(rw, x[i], is_linear(i))).collect();
    let (operands, _) = distinct(&feeds);
    if operands.len() < feeds.len() {
        (cond.on_true, cond.on_false) = (fed(&cond.on_true, &feeds)?, fed(&cond.on_false, &feeds)?);
        cond.linear = (0..operands.len()).filter(|&k| operands[k].1).map(|k| k + 1).collect();
        x.truncate(1);
        x.extend(operands.iter().map(|o| o.0));
    }
    let facts: Vec<Fact> = x[1..].iter().map(|&v| rw.fact(v)).collect();
    let inside = |rw: &Rewriter<'_>, body: &Body| match rw.options().finite_inputs {
        true => simple_given(rw, body, &facts),
        false => simple(rw, body),
    };
    cond.on_true = inside(rw, &cond.on_true);
    cond.on_false = inside(rw, &cond.on_false);
    if cond.on_true == cond.on_false {
        return inline(rw, &cond.on_true, &x[1..]);
    }
    // A result that is the same argument in both branches.
    let mut outs: Vec<Out> = (0..cond.on_true.outputs().len()).map(Out::Result).collect();
    let (on, off) = (cond.on_true.outputs(), cond.on_false.outputs());
    let passes = |k: usize| on[k] == off[k] && on[k].index() < cond.on_true.inputs;
    let kept: Vec<usize> = (0..on.len()).filter(|&k| !passes(k)).collect();
    if kept.len() < on.len() {
        let through: Vec<Value> =
            on.iter().map(|v| x.get(1 + v.index()).copied().unwrap_or(*v)).collect();
        renumber(&mut outs, &|k| match kept.iter().position(|&l| l == k) {
            Some(at) => Out::Result(at),
            None => Out::Value(through[k]),
        });
        let left = |body: &Body| {
            let inputs: Vec<Value> = body.inputs().collect();
            let outputs: Vec<Value> = kept.iter().map(|&k| body.outputs()[k]).collect();
            Body::new(body.part(&inputs, &outputs))
        };
        (cond.on_true, cond.on_false) = (left(&cond.on_true), left(&cond.on_false));
    }
    let results = write(rw, cond.into(), &x)?;
    settle_all(rw, &outs, &results)
}

/// A call with the programs inside simplified; `None` for what has none.
pub(super) fn simplified(rw: &Rewriter<'_>, prim: &Prim) -> Option<Prim> {
    let of = |body: &Body| simple(rw, body);
    Some(match prim {
        Prim::Checkpoint(c) => Checkpoint { body: of(&c.body), ..c.clone() }.into(),
        Prim::CustomJvp(c) => {
            CustomJvp { value: of(&c.value), tangent: of(&c.tangent), ..c.clone() }.into()
        }
        Prim::CustomVjp(c) => CustomVjp {
            value: of(&c.value),
            forward: of(&c.forward),
            backward: of(&c.backward),
            captures: c.captures,
        }
        .into(),
        Prim::CustomBackward(c) => CustomBackward { body: of(&c.body), ..c.clone() }.into(),
        Prim::LinearSolve(c) => LinearSolve {
            product: of(&c.product),
            solve: of(&c.solve),
            solve_transposed: of(&c.solve_transposed),
            consts: c.consts,
        }
        .into(),
        _ => return None,
    })
}
