//! Results nobody uses, of equations that have several and could do with less.

use crate::body::Body;
use crate::primitive::{Barrier, Checkpoint, Cond, LinearWhile, Prim, While};
use crate::program::Value;

/// A primitive that makes fewer results, from fewer arguments.
pub(in crate::simplify) struct Pruned {
    pub prim: Prim,
    /// Which arguments are left.
    pub inputs: Vec<usize>,
    /// Which results are left.
    pub outputs: Vec<usize>,
}

/// The primitive with what the results in `used` need; `None` when it cannot do with less.
pub(in crate::simplify) fn pruned(prim: &Prim, used: &[bool]) -> Option<Pruned> {
    let pruned = match prim {
        Prim::Scan(scan) => {
            let (scan, inputs, outputs) = scan.pruned(used);
            Pruned { prim: scan.into(), inputs, outputs }
        }
        Prim::While(repeat) => rounds(repeat, used),
        Prim::LinearWhile(repeat) => linear_rounds(repeat, used),
        Prim::Cond(cond) => branches(cond, used),
        Prim::Checkpoint(call) => {
            let (body, inputs, outputs) = part(&call.body, used);
            let linear = kept(&call.linear, &inputs);
            let prim = Checkpoint { body, linear, again: call.again }.into();
            Pruned { prim, inputs, outputs }
        }
        Prim::Barrier(_) => {
            let left: Vec<usize> = (0..used.len()).filter(|&k| used[k]).collect();
            let prim = Barrier { count: left.len() }.into();
            Pruned { prim, inputs: left.clone(), outputs: left }
        }
        _ => return None,
    };
    let (inputs, outputs) = arity(prim);
    (pruned.inputs.len() < inputs || pruned.outputs.len() < outputs).then_some(pruned)
}

/// How many arguments and results there are.
fn arity(prim: &Prim) -> (usize, usize) {
    match prim {
        Prim::Scan(s) => (s.body.inputs, s.body.outputs().len()),
        Prim::While(w) => (w.body.inputs, w.body.outputs().len()),
        Prim::LinearWhile(w) => (1 + w.step.inputs, w.step.outputs().len()),
        Prim::Cond(c) => (1 + c.on_true.inputs, c.on_true.outputs().len()),
        Prim::Checkpoint(c) => (c.body.inputs, c.body.outputs().len()),
        Prim::Barrier(b) => (b.count, b.count),
        _ => (0, 0),
    }
}

/// The positions in `list` among those that are left.
fn kept(list: &[usize], left: &[usize]) -> Vec<usize> {
    (0..left.len()).filter(|&i| list.contains(&left[i])).collect()
}

fn marked(mask: &[bool]) -> Vec<usize> {
    (0..mask.len()).filter(|&k| mask[k]).collect()
}

fn values(positions: &[usize]) -> Vec<Value> {
    positions.iter().map(|&i| Value(i as u32)).collect()
}

/// A body with some of its results, and the inputs these need.
fn part(body: &Body, used: &[bool]) -> (Body, Vec<usize>, Vec<usize>) {
    let outputs = marked(used);
    let results: Vec<Value> = outputs.iter().map(|&k| body.outputs()[k]).collect();
    let needed = body.needed(results.iter().copied());
    let inputs = marked(&needed[..body.inputs]);
    (Body::new(body.part(&values(&inputs), &results)), inputs, outputs)
}

fn branches(cond: &Cond, used: &[bool]) -> Pruned {
    let outputs = marked(used);
    let results =
        |body: &Body| -> Vec<Value> { outputs.iter().map(|&k| body.outputs()[k]).collect() };
    let [on, off] = [&cond.on_true, &cond.on_false].map(|b| b.needed(results(b)));
    let operands: Vec<usize> = (0..cond.on_true.inputs).filter(|&i| on[i] || off[i]).collect();
    let of = |body: &Body| Body::new(body.part(&values(&operands), &results(body)));
    let inputs: Vec<usize> = std::iter::once(0).chain(operands.iter().map(|i| i + 1)).collect();
    let prim = Cond {
        on_true: of(&cond.on_true),
        on_false: of(&cond.on_false),
        linear: kept(&cond.linear, &inputs),
    };
    Pruned { prim: prim.into(), inputs, outputs }
}

/// Marks the results without which those marked cannot be made round after round, as input `first` + k is
/// result k of the round before; which values of the body one round needs.
fn what_lasts(body: &Body, first: usize, live: &mut [bool]) -> Vec<bool> {
    loop {
        let needed = body.needed(marked(live).into_iter().map(|k| body.outputs()[k]));
        match (0..live.len()).find(|&k| needed[first + k] && !live[k]) {
            Some(k) => live[k] = true,
            None => return needed,
        }
    }
}

/// What the condition needs is needed, and what makes it.
fn rounds(repeat: &While, used: &[bool]) -> Pruned {
    let (n, state) = (repeat.consts, repeat.body.outputs().len());
    let by_cond = repeat.cond.needed(repeat.cond.outputs().iter().copied());
    let mut live: Vec<bool> = (0..state).map(|k| used[k] || by_cond[n + k]).collect();
    let by_body = what_lasts(&repeat.body, n, &mut live);
    let outputs = marked(&live);
    let consts: Vec<usize> = (0..n).filter(|&i| by_cond[i] || by_body[i]).collect();
    let inputs: Vec<usize> = consts.iter().copied().chain(outputs.iter().map(|k| n + k)).collect();
    let results: Vec<Value> = outputs.iter().map(|&k| repeat.body.outputs()[k]).collect();
    let prim = While {
        cond: Body::new(repeat.cond.part(&values(&inputs), repeat.cond.outputs())),
        body: Body::new(repeat.body.part(&values(&inputs), &results)),
        consts: consts.len(),
    };
    Pruned { prim: prim.into(), inputs, outputs }
}

fn linear_rounds(repeat: &LinearWhile, used: &[bool]) -> Pruned {
    let n = repeat.consts;
    let state = repeat.body.outputs().len();
    let first = repeat.step.inputs - repeat.step.outputs().len();
    let mut moving = used.to_vec();
    let by_step = what_lasts(&repeat.step, first, &mut moving);
    let mut live: Vec<bool> = (0..state).map(|k| by_step[n + k]).collect();
    let by_body = what_lasts(&repeat.body, n, &mut live);
    let consts: Vec<usize> = (0..n).filter(|&i| by_step[i] || by_body[i]).collect();
    let known: Vec<usize> =
        consts.iter().copied().chain(marked(&live).iter().map(|k| n + k)).collect();
    let linear_consts: Vec<usize> = (n + state..first).filter(|&i| by_step[i]).collect();
    let outputs = marked(&moving);
    let all: Vec<usize> = known
        .iter()
        .chain(&linear_consts)
        .copied()
        .chain(outputs.iter().map(|k| first + k))
        .collect();
    let states: Vec<Value> = marked(&live).iter().map(|&k| repeat.body.outputs()[k]).collect();
    let results: Vec<Value> = outputs.iter().map(|&k| repeat.step.outputs()[k]).collect();
    let prim = LinearWhile {
        body: Body::new(repeat.body.part(&values(&known), &states)),
        step: Body::new(repeat.step.part(&values(&all), &results)),
        consts: consts.len(),
        linear_consts: linear_consts.len(),
    };
    let inputs = std::iter::once(0).chain(all.iter().map(|i| i + 1)).collect();
    Pruned { prim: prim.into(), inputs, outputs }
}
