//! Loops and branches: their bodies become steps inside one step.
//!
//! What is carried from one iteration of a scan to the next lies in two buffers that are exchanged;
//! values that come or go step by step lie in windows, operands whose addresses move by one part in
//! each iteration. The state of a `while` is copied back, because how often it runs is not known.

use super::assemble::{Steps, copy, frame};
use super::memory::Memory;
use super::storage::{Place, Storage};
use crate::nest::Step;
use riesz_core::primitive::{Cond, Scan, While};
use riesz_core::{Prim, Result, Type};

/// Whether a primitive is one of these, which say themselves where their results are.
pub fn places_results(prim: &Prim) -> bool {
    matches!(prim, Prim::Scan(_) | Prim::While(_) | Prim::Cond(_))
}

/// The steps of a loop or branch on arguments in these buffers, and where its results are.
pub fn steps(prim: &Prim, args: &[Storage], memory: &mut Memory) -> Result<Steps> {
    match prim {
        Prim::Scan(scan) => scan_steps(scan, args, memory),
        Prim::While(repeat) => while_steps(repeat, args, memory),
        Prim::Cond(cond) => cond_steps(cond, args, memory),
        _ => Ok((Vec::new(), Vec::new())),
    }
}

/// New buffers with the values of others.
fn copies(of: &[Storage], memory: &mut Memory) -> Steps {
    let mut steps = Vec::new();
    let mut new = Vec::new();
    for &from in of {
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

fn scan_steps(scan: &Scan, args: &[Storage], memory: &mut Memory) -> Result<Steps> {
    let (consts, rest) = args.split_at(scan.consts);
    let (carry, xs) = rest.split_at(scan.carry);
    let outputs = scan.body.output_types();
    let (carry_types, part_types) = outputs.split_at(scan.carry);
    let (mut steps, now) = copies(carry, memory);
    let next = rooms(carry_types, memory);
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
    let (body, _) = frame(&scan.body, inputs, &results, memory)?;
    memory.close_loop(begin, &[now.as_slice(), &next, &parts_in, &parts_out].concat());
    let exchange = now.iter().copied().zip(next.iter().copied()).collect();
    steps.push(Step::Loop { count: scan.length, windows, advance, exchange, body });
    // After an odd number of exchanges the last carry lies in what was `next` at first.
    let last = if scan.length % 2 == 1 { next } else { now };
    Ok((steps, [last, ys].concat()))
}

fn while_steps(repeat: &While, args: &[Storage], memory: &mut Memory) -> Result<Steps> {
    let (consts, start) = args.split_at(repeat.consts);
    let (mut steps, state) = copies(start, memory);
    let flag = rooms(&repeat.cond.output_types(), memory);
    let next = rooms(&repeat.body.output_types(), memory);
    let inputs = [consts, &state].concat();
    let begin = memory.mark();
    let (test, _) = frame(&repeat.cond, inputs.clone(), &flag, memory)?;
    let (mut body, _) = frame(&repeat.body, inputs, &next, memory)?;
    for (&from, &to) in next.iter().zip(&state) {
        body.push(Step::Nest(copy(from, to, memory)));
        memory.touched.push(vec![from, to]);
    }
    memory.close_loop(begin, &[state.as_slice(), &next, &flag].concat());
    let flag = flag.first().copied().unwrap_or(memory.flag);
    steps.push(Step::While { test, flag, body });
    Ok((steps, state))
}

fn cond_steps(cond: &Cond, args: &[Storage], memory: &mut Memory) -> Result<Steps> {
    let results = rooms(&cond.on_true.output_types(), memory);
    let begin = memory.mark();
    let (yes, _) = frame(&cond.on_true, args[1..].to_vec(), &results, memory)?;
    let (no, _) = frame(&cond.on_false, args[1..].to_vec(), &results, memory)?;
    memory.close_loop(begin, &[results.as_slice(), &[args[0]]].concat());
    Ok((vec![Step::If { flag: args[0], yes, no }], results))
}
