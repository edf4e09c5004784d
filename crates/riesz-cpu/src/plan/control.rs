//! Loops and branches: their bodies become steps inside one step.
//!
//! What is carried from one iteration of a scan to the next lies in two buffers that are exchanged;
//! values that come or go step by step lie in windows, operands whose addresses move by one part in
//! each iteration. The state of a `while` is copied back, because how often it runs is not known. What is
//! carried stays in one buffer where it is only updated (`update.rs`) or can be written in place
//! (`settle.rs`).

use super::assemble::{Steps, frame};
use super::group::copy;
use super::memory::Memory;
use super::settle::settle;
use super::storage::{Place, Storage};
use super::update::updates;
use crate::nest::Step;
use riesz_core::primitive::{Cond, Scan, While};
use riesz_core::{Prim, Program, Result, Type};

/// Whether a primitive is one of these, which say themselves where their results are.
pub fn places_results(prim: &Prim) -> bool {
    matches!(prim, Prim::Scan(_) | Prim::While(_) | Prim::Cond(_))
}

/// Buffers of arguments, and which of them nothing reads afterwards, so that results may lie there.
type Args<'a> = (&'a [Storage], &'a [bool]);

/// The steps of a loop or branch on arguments in these buffers, and where its results are.
pub fn steps(prim: &Prim, args: Args<'_>, memory: &mut Memory) -> Result<Steps> {
    match prim {
        Prim::Scan(scan) => scan_steps(scan, args, memory),
        Prim::While(repeat) => while_steps(repeat, args, memory),
        Prim::Cond(cond) => cond_steps(cond, args, memory),
        _ => Ok((Vec::new(), Vec::new())),
    }
}

/// New buffers with the values of others, but for those that are free.
fn copies((of, free): Args<'_>, memory: &mut Memory) -> Steps {
    let mut steps = Vec::new();
    let mut new = Vec::new();
    for (&from, &free) in of.iter().zip(free) {
        if free {
            new.push(from);
            continue;
        }
        let to = memory.room(&memory.ty(from));
        steps.push(Step::Nest(copy(from, to, memory)));
        memory.touched.push(vec![from, to]);
        new.push(to);
    }
    (steps, new)
}

fn rooms(types: &[Type], memory: &mut Memory) -> Vec<Storage> {
    types.iter().map(|ty| memory.room(ty)).collect()
}

/// Where what a body carries lies after an iteration, beginning with its input `first`: where it lies
/// before, in `now`, if it is only updated.
fn after(body: &Program, first: usize, now: &[Storage], memory: &mut Memory) -> Vec<Storage> {
    let place = |(k, &now): (usize, &Storage)| match updates(body, first + k, k) {
        true => now,
        false => memory.room(body.ty(body.outputs()[k])),
    };
    now.iter().enumerate().map(place).collect()
}

fn scan_steps(scan: &Scan, (args, free): Args<'_>, memory: &mut Memory) -> Result<Steps> {
    let first = scan.consts;
    let (consts, carry, xs) = (&args[..first], first..scan.first_xs(), &args[scan.first_xs()..]);
    let outputs = scan.body.output_types();
    let part_types = &outputs[scan.carry..];
    let (mut steps, now) = copies((&args[carry.clone()], &free[carry]), memory);
    let mut next = after(&scan.body, first, &now, memory);
    let whole: Vec<Type> =
        part_types.iter().map(|ty| ty.with_shape(ty.shape.with_leading(scan.length))).collect();
    let ys = rooms(&whole, memory);

    let parts = |of: &[Storage], types: &[Type], memory: &mut Memory| -> Vec<Storage> {
        of.iter().zip(types).map(|(&s, ty)| memory.buffer(ty, Place::Window(s))).collect()
    };
    let parts_in = parts(xs, &scan.body.input_types()[scan.first_xs()..], memory);
    let parts_out = parts(&ys, part_types, memory);
    let all = parts_in.iter().zip(xs).chain(parts_out.iter().zip(&ys));
    let (mut windows, mut advance) = (Vec::new(), Vec::new());
    for (&part, &of) in all {
        let by = memory.buffers[part as usize].len as isize;
        let first = if scan.reverse { by * (scan.length as isize - 1) } else { 0 };
        windows.push((part, of, first));
        advance.push((part, if scan.reverse { -by } else { by }));
    }

    let begin = memory.mark();
    let inputs = [consts, &now, &parts_in].concat();
    let results = [next.as_slice(), &parts_out].concat();
    let (mut body, _) = frame(&scan.body, inputs, &results, memory)?;
    settle(&mut body, &now, &mut next, memory);
    memory.close_loop(begin, &[now.as_slice(), &next, &parts_in, &parts_out].concat());
    let pairs = now.iter().copied().zip(next.iter().copied());
    let exchange = pairs.filter(|(a, b)| a != b).collect();
    steps.push(Step::Loop { count: scan.length, windows, advance, exchange, body });
    // After an odd number of exchanges the last carry lies in what was `next` at first.
    let last = if scan.length % 2 == 1 { next } else { now };
    Ok((steps, [last, ys].concat()))
}

fn while_steps(repeat: &While, (args, free): Args<'_>, memory: &mut Memory) -> Result<Steps> {
    let (consts, start) = args.split_at(repeat.consts);
    let (mut steps, state) = copies((start, &free[repeat.consts..]), memory);
    let flag = rooms(&repeat.cond.output_types(), memory);
    let mut next = after(&repeat.body, repeat.consts, &state, memory);
    let inputs = [consts, &state].concat();
    let begin = memory.mark();
    let (test, _) = frame(&repeat.cond, inputs.clone(), &flag, memory)?;
    let (mut body, _) = frame(&repeat.body, inputs, &next, memory)?;
    settle(&mut body, &state, &mut next, memory);
    for (&from, &to) in next.iter().zip(&state).filter(|(from, to)| from != to) {
        body.push(Step::Nest(copy(from, to, memory)));
        memory.touched.push(vec![from, to]);
    }
    memory.close_loop(begin, &[state.as_slice(), &next, &flag].concat());
    let flag = flag.first().copied().unwrap_or(memory.flag);
    steps.push(Step::While { test, flag, body });
    Ok((steps, state))
}

fn cond_steps(cond: &Cond, (args, free): Args<'_>, memory: &mut Memory) -> Result<Steps> {
    let mut results = rooms(&cond.on_true.output_types(), memory);
    let mut left: Vec<usize> = (0..args.len() - 1).filter(|&j| free[j + 1]).collect();
    for (k, result) in results.iter_mut().enumerate() {
        let both = |&j: &usize| updates(&cond.on_true, j, k) && updates(&cond.on_false, j, k);
        if let Some(at) = left.iter().position(both) {
            *result = args[left.swap_remove(at) + 1];
        }
    }
    let begin = memory.mark();
    let (yes, _) = frame(&cond.on_true, args[1..].to_vec(), &results, memory)?;
    let (no, _) = frame(&cond.on_false, args[1..].to_vec(), &results, memory)?;
    memory.close_loop(begin, &[results.as_slice(), &[args[0]]].concat());
    Ok((vec![Step::If { flag: args[0], yes, no }], results))
}
