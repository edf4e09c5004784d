//! Loops that run side by side become one.
//!
//! The differential of a loop is a loop of its own, which takes up step by step what the loop of the
//! values handed out for it. As long as programs are transformed that is what one wants: the one is known
//! where the other is linear. But a derivative in forward mode runs both in the same order, and then
//! everything handed out lies in memory for all steps at once, for nothing. So when nothing is to be
//! differentiated any more, a scan that takes up what another hands out becomes part of it, if it
//! depends on the other in no other way; and a `linear_while` part of the `while` that counts for it. What
//! both compute is then found to be the same inside one body.

use crate::body::{Body, in_bodies};
use crate::error::{Error, ErrorKind, Result};
use crate::primitive::{Binary, Compare, Prim, Scan, While};
use crate::program::{Equation, Program, Value};
use crate::trace::{Var, inline, trace};
use crate::types::Type;
use crate::verify::verify;
use smallvec::SmallVec;
use std::borrow::Cow;

/// The program with loops merged, inside loops and branches too; borrowed when there is nothing to merge.
/// Linearity is not kept: the result is run, and not transposed.
///
/// # Errors
/// When a merged loop is not well-formed, which is a mistake here.
pub fn merge_loops(program: &Program) -> Result<Cow<'_, Program>> {
    let mut program = in_bodies(program, &mut merge_loops)?;
    while let Some((first, second)) = pair(&program) {
        let merged = merge(&program, first, second)?;
        verify(&merged)?;
        program = Cow::Owned(merged);
    }
    Ok(program)
}

/// Two equations that can be merged.
fn pair(program: &Program) -> Option<(usize, usize)> {
    for (i, a) in program.equations.iter().enumerate() {
        let fits: &dyn Fn(&Equation) -> bool = match &a.prim {
            Prim::Scan(first) => &|b| match &b.prim {
                Prim::Scan(second) => {
                    (first.length, first.reverse) == (second.length, second.reverse)
                        && takes_up(a, first, b, second)
                }
                _ => false,
            },
            Prim::While(first) => {
                &|b| count_of(program, b).is_some_and(|k| counts(program, a, first, b.inputs[k]))
            }
            _ => continue,
        };
        let candidates = (i + 1..program.equations.len()).filter(|&j| fits(&program.equations[j]));
        for j in candidates {
            if free_but_for_feeds(program, i, j) {
                return Some((i, j));
            }
        }
    }
    None
}

/// The result of the first scan that is handed out step by step, if the value is one.
fn handed_out(a: &Equation, first: &Scan, v: Value) -> Option<usize> {
    a.outputs().position(|out| out == v).filter(|&k| k >= first.carry)
}

fn takes_up(a: &Equation, first: &Scan, b: &Equation, second: &Scan) -> bool {
    b.inputs[second.first_xs()..].iter().any(|&v| handed_out(a, first, v).is_some())
}

/// Whether a value is the number of rounds of a loop: carried from 0, and one more after each.
fn counts(program: &Program, a: &Equation, repeat: &While, v: Value) -> bool {
    a.outputs().position(|out| out == v).is_some_and(|k| is_counter(program, a, repeat, k))
}

/// Whether value `k` of the state of a loop is carried from 0, and one more after each round.
fn is_counter(program: &Program, a: &Equation, repeat: &While, k: usize) -> bool {
    let at = |program: &Program, v: Value| -> Option<usize> {
        program.equations.binary_search_by_key(&v, |eq| eq.first).ok()
    };
    let is_constant = |program: &Program, v: Value, number: f64| {
        let eq = at(program, v).map(|i| &program.equations[i].prim);
        matches!(eq, Some(Prim::Constant(c)) if c.0.to_f64() == [number])
    };
    let body = &repeat.body;
    let next = at(body, body.outputs[k]).map(|i| &body.equations[i]);
    let carried = Value((repeat.consts + k) as u32);
    let grows = next.is_some_and(|eq| {
        matches!(eq.prim, Prim::Binary(Binary::Add))
            && (eq.inputs[0] == carried && is_constant(body, eq.inputs[1], 1.0)
                || eq.inputs[1] == carried && is_constant(body, eq.inputs[0], 1.0))
    });
    grows && is_constant(program, a.inputs[repeat.consts + k], 0.0)
}

/// Which argument says how often a loop runs, if one does and nothing else looks at it.
fn count_of(program: &Program, b: &Equation) -> Option<usize> {
    match &b.prim {
        Prim::LinearWhile(_) => Some(0),
        Prim::While(repeat) => {
            let [eq] = &repeat.cond.equations[..] else { return None };
            let [counter, count] = eq.inputs[..] else { return None };
            let compares = eq.prim == Prim::Compare(Compare::Lt)
                && repeat.cond.outputs[0] == eq.first
                && count.index() < repeat.consts;
            let k = counter.index().checked_sub(repeat.consts).filter(|_| compares)?;
            let used = repeat.body.needed(repeat.body.outputs.iter().copied());
            (k < repeat.body.outputs.len()
                && is_counter(program, b, repeat, k)
                && !used[count.index()])
            .then_some(count.index())
        }
        _ => None,
    }
}

/// Which values depend on the results of equation `i`.
fn descendants(program: &Program, i: usize) -> Vec<bool> {
    let mut depends = vec![false; program.len()];
    program.equations[i].outputs().for_each(|v| depends[v.index()] = true);
    for eq in &program.equations[i + 1..] {
        if eq.inputs.iter().any(|v| depends[v.index()]) {
            eq.outputs().for_each(|v| depends[v.index()] = true);
        }
    }
    depends
}

/// Whether equation `j` depends on equation `i` by nothing but what it takes up, or the count.
fn free_but_for_feeds(program: &Program, i: usize, j: usize) -> bool {
    let (a, b) = (&program.equations[i], &program.equations[j]);
    let depends = descendants(program, i);
    let may = |k: usize| match (&a.prim, &b.prim) {
        (Prim::Scan(first), Prim::Scan(second)) => {
            k >= second.first_xs() && handed_out(a, first, b.inputs[k]).is_some()
        }
        _ => count_of(program, b) == Some(k),
    };
    (0..b.inputs.len()).all(|k| !depends[b.inputs[k].index()] || may(k))
}

/// The program with equation `j` in equation `i`.
fn merge(program: &Program, i: usize, j: usize) -> Result<Program> {
    let (a, b) = (&program.equations[i], &program.equations[j]);
    let joint = match (&a.prim, &b.prim) {
        (Prim::Scan(first), Prim::Scan(second)) => scans(a, first, b, second)?,
        (Prim::While(first), _) => whiles(program, a, first, b)?,
        _ => return Ok(program.clone()),
    };
    // What the second needs is made before, and depends on nothing the first makes.
    let needed = program.needed(b.inputs.iter().copied());
    let depends = descendants(program, i);
    let before = |k: usize| {
        let eq = &program.equations[k];
        eq.outputs().any(|v| needed[v.index()]) && !depends[eq.first.index()]
    };
    let mut result = Program::with_inputs(program.input_types().to_vec());
    let mut number: Vec<Value> = (0..program.len() as u32).map(Value).collect();
    let push = |result: &mut Program, number: &mut Vec<Value>, eq: &Equation| {
        let inputs = eq.inputs.iter().map(|v| number[v.index()]).collect();
        let types = eq.outputs().map(|v| program.ty(v).clone());
        let first = result.push(eq.prim.clone(), inputs, types, eq.source);
        for (k, v) in eq.outputs().enumerate() {
            number[v.index()] = Value(first.0 + k as u32);
        }
    };
    for eq in &program.equations[..i] {
        push(&mut result, &mut number, eq);
    }
    for k in (i + 1..j).filter(|&k| before(k)) {
        push(&mut result, &mut number, &program.equations[k]);
    }
    let inputs: SmallVec<[Value; 3]> = joint.inputs.iter().map(|v| number[v.index()]).collect();
    let types: Vec<Type> = joint.results.iter().map(|r| r.0.clone()).collect();
    let first = result.push(joint.prim, inputs, types, a.source);
    for (k, (_, of)) in joint.results.iter().enumerate() {
        if let Some(v) = of {
            number[v.index()] = Value(first.0 + k as u32);
        }
    }
    for (k, eq) in program.equations.iter().enumerate().skip(i + 1) {
        if k != j && !(k < j && before(k)) {
            push(&mut result, &mut number, eq);
        }
    }
    result.outputs = program.outputs.iter().map(|v| number[v.index()]).collect();
    Ok(result)
}

/// Two loops in one: what it is applied to, and the type of each result with the value that it replaces.
struct Joint {
    prim: Prim,
    inputs: Vec<Value>,
    results: Vec<(Type, Option<Value>)>,
}

/// The results of an equation as those of a part of another.
fn replaced(types: Vec<Type>, by: impl IntoIterator<Item = Value>) -> Vec<(Type, Option<Value>)> {
    types.into_iter().zip(by).map(|(ty, v)| (ty, Some(v))).collect()
}

fn scans(a: &Equation, first: &Scan, b: &Equation, second: &Scan) -> Result<Joint> {
    let feeds: Vec<Option<usize>> =
        b.inputs[second.first_xs()..].iter().map(|&v| handed_out(a, first, v)).collect();
    let own: Vec<usize> = (0..feeds.len()).filter(|&k| feeds[k].is_none()).collect();
    let roles = |scan: &Scan, all: &[Type]| -> [Vec<Type>; 3] {
        let (same, parts) = all.split_at(scan.first_xs());
        let (consts, carry) = same.split_at(scan.consts);
        [consts, carry, parts].map(<[Type]>::to_vec)
    };
    let [a_consts, a_carry, a_parts] = roles(first, first.body.input_types());
    let [b_consts, b_carry, b_parts] = roles(second, second.body.input_types());
    let b_own: Vec<Type> = own.iter().map(|&k| b_parts[k].clone()).collect();
    let sizes = [&a_consts, &b_consts, &a_carry, &b_carry, &a_parts, &b_own];
    let types: Vec<Type> = sizes.iter().flat_map(|types| types.iter().cloned()).collect();
    let body = trace(&types, |x| {
        let mut rest = x;
        let [a_consts, b_consts, a_carry, b_carry, a_parts, b_own] = sizes.map(|types| {
            let (part, after) = rest.split_at(types.len());
            rest = after;
            part
        });
        let y = inline(&first.body, &[a_consts, a_carry, a_parts].concat());
        let mut b_own = b_own.iter().copied();
        let parts = feeds.iter().map(|feed| match feed {
            Some(k) => y[*k],
            None => b_own.next().unwrap_or_else(Var::poison),
        });
        let parts: Vec<Var> = parts.collect();
        let z = inline(&second.body, &[b_consts, b_carry, &parts].concat());
        let (y_carry, y_parts) = y.split_at(first.carry);
        let (z_carry, z_parts) = z.split_at(second.carry);
        [y_carry, z_carry, y_parts, z_parts].concat()
    })?;
    let roles = |scan: &Scan, x: &[Value]| -> [Vec<Value>; 3] {
        let (same, parts) = x.split_at(scan.first_xs());
        let (consts, carry) = same.split_at(scan.consts);
        [consts, carry, parts].map(<[Value]>::to_vec)
    };
    let [ac, as_, ax] = roles(first, &a.inputs);
    let [bc, bs, bx] = roles(second, &b.inputs);
    let bx: Vec<Value> = own.iter().map(|&k| bx[k]).collect();
    let carry = first.carry + second.carry;
    let results: Vec<Value> = a
        .outputs()
        .take(first.carry)
        .chain(b.outputs().take(second.carry))
        .chain(a.outputs().skip(first.carry))
        .chain(b.outputs().skip(second.carry))
        .collect();
    let mut types = body.output_types();
    for ty in &mut types[carry..] {
        *ty = ty.with_shape(ty.shape.with_leading(first.length));
    }
    let scan = Scan {
        body: Body::new(body),
        consts: first.consts + second.consts,
        carry,
        length: first.length,
        reverse: first.reverse,
        linear: vec![],
    };
    Ok(Joint {
        prim: scan.into(),
        inputs: [ac, bc, as_, bs, ax, bx].concat(),
        results: replaced(types, results),
    })
}

/// One round: from constants and state the next state.
type Round<'a> = dyn Fn(&[Var], &[Var]) -> Vec<Var> + 'a;

/// A loop that runs as often as another: what it is applied to besides the count, and its round.
struct Follower<'a> {
    consts: Vec<Value>,
    state: Vec<Value>,
    /// Which of its results each value of the state is in the end.
    results: Vec<Option<Value>>,
    round: Box<Round<'a>>,
}

impl<'a> Follower<'a> {
    fn new(b: &'a Equation, count: usize) -> Option<Follower<'a>> {
        Some(match &b.prim {
            Prim::LinearWhile(w) => {
                let roles = w.roles(&b.inputs[1..]);
                let (n, now) = (w.consts, w.state());
                Follower {
                    consts: [roles.consts, roles.linear_consts].concat(),
                    state: [roles.state, roles.values].concat(),
                    results: (0..now).map(|_| None).chain(b.outputs().map(Some)).collect(),
                    round: Box::new(move |constants, state| {
                        let (consts, linear_consts) = constants.split_at(n);
                        let (now, values) = state.split_at(now);
                        let known = [consts, now].concat();
                        let mut next = inline(&w.body, &known);
                        next.extend(inline(&w.step, &[&known[..], linear_consts, values].concat()));
                        next
                    }),
                }
            }
            Prim::While(w) => {
                let (consts, state) = b.inputs.split_at(w.consts);
                let left = (0..consts.len()).filter(|&k| k != count);
                Follower {
                    consts: left.map(|k| consts[k]).collect(),
                    state: state.to_vec(),
                    results: b.outputs().map(Some).collect(),
                    round: Box::new(move |constants, state| {
                        let mut args = constants.to_vec();
                        // Nothing looks at it; its place has to be filled.
                        args.insert(count, state[0]);
                        args.extend(state);
                        let wanted =
                            w.body.part(&w.body.inputs().collect::<Vec<_>>(), &w.body.outputs);
                        inline(&wanted, &args)
                    }),
                }
            }
            _ => return None,
        })
    }
}

fn whiles(program: &Program, a: &Equation, first: &While, b: &Equation) -> Result<Joint> {
    let count = count_of(program, b);
    let Some(follower) = count.and_then(|count| Follower::new(b, count)) else {
        return Err(Error::new(ErrorKind::Internal, "a loop that was to be merged does not count"));
    };
    let (a_consts, a_state) = a.inputs.split_at(first.consts);
    let lengths = [a_consts.len(), follower.consts.len(), a_state.len(), follower.state.len()];
    let inputs = [a_consts, &follower.consts, a_state, &follower.state].concat();
    let types: Vec<Type> = inputs.iter().map(|&v| program.ty(v).clone()).collect();
    let split = |x: &[Var]| -> [Vec<Var>; 4] {
        let mut rest = x;
        lengths.map(|n| {
            let (part, after) = rest.split_at(n);
            rest = after;
            part.to_vec()
        })
    };
    let cond = trace(&types, |x| {
        let [a_consts, _, a_state, _] = split(x);
        inline(&first.cond, &[a_consts, a_state].concat())
    })?;
    let body = trace(&types, |x| {
        let [a_consts, consts, a_state, state] = split(x);
        let mut next = inline(&first.body, &[a_consts, a_state].concat());
        next.extend((follower.round)(&consts, &state));
        next
    })?;
    let types = body.output_types();
    let replaces = a.outputs().map(Some).chain(follower.results);
    let consts = lengths[0] + lengths[1];
    let repeat = While { cond: Body::new(cond), body: Body::new(body), consts };
    Ok(Joint { prim: repeat.into(), inputs, results: types.into_iter().zip(replaces).collect() })
}
