//! Values that are carried side by side and always equal, in loops of every kind.

use crate::body::Body;
use crate::primitive::Prim;
use crate::program::{Program, Value};
use crate::trace::{inline, trace};
use smallvec::SmallVec;
use std::collections::HashMap;

/// For each carried value the first that it always equals: a partition that is refined until the values
/// of each class, taken to be equal before a step, are equal after it.
pub(super) fn equal_carries(
    body: &Program,
    consts: usize,
    starts: &[Value],
    linear: &dyn Fn(usize) -> bool,
) -> Vec<usize> {
    let n = starts.len();
    let mut leaders: Vec<usize> = (0..n)
        .map(|k| {
            let same = |&j: &usize| starts[j] == starts[k] && linear(j) == linear(k);
            (0..k).find(same).unwrap_or(k)
        })
        .collect();
    while leaders.iter().enumerate().any(|(k, &l)| l != k) {
        let number = value_numbers(body, consts, &leaders);
        let after = |k: usize| number[body.outputs()[k].index()];
        let next: Vec<usize> = (0..n)
            .map(|k| {
                let same = |&j: &usize| leaders[j] == leaders[k] && after(j) == after(k);
                (0..k).find(same).unwrap_or(k)
            })
            .collect();
        if next == leaders {
            break;
        }
        leaders = next;
    }
    leaders
}

/// A number for each value of a body, the same for values that are the same when each carried value is
/// taken for its leader.
#[expect(clippy::mutable_key_type, reason = "what a body remembers is no part of its identity")]
fn value_numbers(body: &Program, consts: usize, leaders: &[usize]) -> Vec<u32> {
    let mut number: Vec<u32> = (0..body.len() as u32).collect();
    for (k, &leader) in leaders.iter().enumerate() {
        number[consts + k] = (consts + leader) as u32;
    }
    let mut known: HashMap<(&Prim, SmallVec<[u32; 3]>), u32> = HashMap::new();
    for eq in body.equations() {
        let args = eq.inputs.iter().map(|v| number[v.index()]).collect();
        let first = *known.entry((&eq.prim, args)).or_insert(eq.first.0);
        for (i, v) in eq.outputs().enumerate() {
            number[v.index()] = first + i as u32;
        }
    }
    number
}

/// The body where each carried value is taken for its leader.
pub(super) fn merged(body: &Body, consts: usize, leaders: &[usize]) -> Option<Body> {
    let program = trace(body.input_types(), |x| {
        let mut args = x.to_vec();
        for (k, &leader) in leaders.iter().enumerate() {
            args[consts + k] = x[consts + leader];
        }
        inline(body, &args)
    });
    program.ok().map(Body::new)
}
