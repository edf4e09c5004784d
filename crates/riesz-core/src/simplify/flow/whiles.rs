//! Loops with an unknown number of rounds.

use super::carries::{equal_carries, merged};
use super::inputs::{Feed, distinct, fed, feed, invariants};
use super::{Out, Rewriter, inline, renumber, settle_all, simple, simple_given, write};
use crate::body::Body;
use crate::primitive::{LinearWhile, While};
use crate::program::Value;
use crate::simplify::facts::{Fact, settled};

pub(super) fn rewrite(
    rw: &mut Rewriter<'_>,
    mut repeat: While,
    mut x: Vec<Value>,
) -> Option<Vec<Value>> {
    let mut outs: Vec<Out> = (0..repeat.body.outputs().len()).map(Out::Result).collect();
    repeat.body = simple(rw, &repeat.body);
    repeat.cond = simple(rw, &repeat.cond);
    loop {
        let changed = feed_constants(rw, &mut repeat, &mut x)?
            | hoist(rw, &mut repeat, &mut x)?
            | carry_less(&mut repeat, &mut x, &mut outs)
            | carry_once(&mut repeat, &mut x, &mut outs)?;
        if !changed {
            break;
        }
        repeat.body = simple(rw, &repeat.body);
        repeat.cond = simple(rw, &repeat.cond);
    }
    if rw.options().finite_inputs {
        know_finite(rw, &mut repeat, &x);
    }
    let results = write(rw, repeat.into(), &x)?;
    settle_all(rw, &outs, &results)
}

fn feed_constants(rw: &mut Rewriter<'_>, repeat: &mut While, x: &mut Vec<Value>) -> Option<bool> {
    let feeds: Vec<Feed> = x[..repeat.consts].iter().map(|&v| feed(rw, v, false)).collect();
    let (constants, _) = distinct(&feeds);
    if constants.len() == repeat.consts {
        return Some(false);
    }
    (repeat.cond, repeat.body) = (fed(&repeat.cond, &feeds)?, fed(&repeat.body, &feeds)?);
    x.splice(..repeat.consts, constants.iter().map(|c| c.0));
    repeat.consts = constants.len();
    Some(true)
}

/// Computes before the loop what is the same in every round and cannot fail.
fn hoist(rw: &mut Rewriter<'_>, repeat: &mut While, x: &mut Vec<Value>) -> Option<bool> {
    let mut changed = false;
    for of_cond in [true, false] {
        let n = repeat.consts;
        let body = if of_cond { &repeat.cond } else { &repeat.body };
        let hoisted = invariants(body, n, true);
        if hoisted.is_empty() {
            continue;
        }
        let inputs: Vec<Value> = body.inputs().collect();
        let (constants, rest) = inputs.split_at(n);
        let values = inline(rw, &body.part(constants, &hoisted), &x[..n])?;
        let order = [constants, &hoisted, rest].concat();
        let reduced = Body::new(body.part(&order, body.outputs()));
        // The other program is given them too, and does not look.
        let other = if of_cond { &repeat.body } else { &repeat.cond };
        let types: Vec<_> = hoisted.iter().map(|&v| body.ty(v).clone()).collect();
        let all = [&other.input_types()[..n], &types, &other.input_types()[n..]].concat();
        let wider = crate::trace::trace(&all, |args| {
            let (constants, rest) = args.split_at(n);
            crate::trace::inline(other, &[constants, &rest[types.len()..]].concat())
        });
        let wider = Body::new(wider.ok()?);
        (repeat.cond, repeat.body) = if of_cond { (reduced, wider) } else { (wider, reduced) };
        x.splice(n..n, values);
        repeat.consts = n + hoisted.len();
        changed = true;
    }
    Some(changed)
}

/// A state that is never changed is a constant.
fn carry_less(repeat: &mut While, x: &mut Vec<Value>, outs: &mut [Out]) -> bool {
    let n = repeat.consts;
    let fixed = |k: usize| repeat.body.outputs()[k].index() == n + k;
    let all = 0..repeat.body.outputs().len();
    let (stay, left): (Vec<usize>, Vec<usize>) = all.partition(|&k| fixed(k));
    if stay.is_empty() {
        return false;
    }
    let inputs: Vec<usize> = (0..n).chain(stay.iter().chain(&left).map(|k| n + k)).collect();
    let values: Vec<Value> = inputs.iter().map(|&i| Value(i as u32)).collect();
    let results: Vec<Value> = left.iter().map(|&k| repeat.body.outputs()[k]).collect();
    renumber(outs, &|k| match left.iter().position(|&l| l == k) {
        Some(at) => Out::Result(at),
        None => Out::Value(x[n + k]),
    });
    repeat.body = Body::new(repeat.body.part(&values, &results));
    repeat.cond = Body::new(repeat.cond.part(&values, repeat.cond.outputs()));
    *x = inputs.iter().map(|&i| x[i]).collect();
    repeat.consts = n + stay.len();
    true
}

/// Values that start equal and stay equal are carried once.
fn carry_once(repeat: &mut While, x: &mut Vec<Value>, outs: &mut [Out]) -> Option<bool> {
    let n = repeat.consts;
    let leaders = equal_carries(&repeat.body, n, &x[n..], &|_| false);
    let left: Vec<usize> = (0..leaders.len()).filter(|&k| leaders[k] == k).collect();
    if left.len() == leaders.len() {
        return Some(false);
    }
    let (cond, body) = (merged(&repeat.cond, n, &leaders)?, merged(&repeat.body, n, &leaders)?);
    let inputs: Vec<usize> = (0..n).chain(left.iter().map(|k| n + k)).collect();
    let values: Vec<Value> = inputs.iter().map(|&i| Value(i as u32)).collect();
    let results: Vec<Value> = left.iter().map(|&k| body.outputs()[k]).collect();
    renumber(outs, &|k| {
        Out::Result(left.iter().position(|&l| l == leaders[k]).unwrap_or_default())
    });
    repeat.body = Body::new(body.part(&values, &results));
    repeat.cond = Body::new(cond.part(&values, cond.outputs()));
    *x = inputs.iter().map(|&i| x[i]).collect();
    Some(true)
}

/// Simplifies the programs knowing which of their arguments are finite.
fn know_finite(rw: &Rewriter<'_>, repeat: &mut While, x: &[Value]) {
    let n = repeat.consts;
    let mut facts: Vec<Fact> = x.iter().map(|&v| rw.fact(v)).collect();
    settled(&repeat.body, &mut facts, n, repeat.body.outputs().len());
    repeat.body = simple_given(rw, &repeat.body, &facts);
    repeat.cond = simple_given(rw, &repeat.cond, &facts);
}

/// The linear part of a loop: constants are fed to both programs, which are simplified.
pub(super) fn rewrite_linear(
    rw: &mut Rewriter<'_>,
    mut repeat: LinearWhile,
    x: &[Value],
) -> Option<Vec<Value>> {
    let n = repeat.consts;
    let feeds: Vec<Feed> = x[1..=n].iter().map(|&v| feed(rw, v, false)).collect();
    let (constants, _) = distinct(&feeds);
    let mut args = x.to_vec();
    if constants.len() < n {
        (repeat.body, repeat.step) = (fed(&repeat.body, &feeds)?, fed(&repeat.step, &feeds)?);
        args.splice(1..=n, constants.iter().map(|c| c.0));
        repeat.consts = constants.len();
    }
    repeat.body = simple(rw, &repeat.body);
    repeat.step = simple(rw, &repeat.step);
    write(rw, repeat.into(), &args)
}
