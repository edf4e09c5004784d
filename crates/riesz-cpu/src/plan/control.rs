//! Loops and branches: their bodies become steps inside one step.
//!
//! What is carried from one iteration of a scan to the next lies in two buffers that are exchanged;
//! values that come or go step by step lie in windows, operands whose addresses move by one part in
//! each iteration. Where what is carried into each step is all that is wanted, as by a gradient, each
//! step reads its part and writes the next. The state of a `while` is copied back, because how often it
//! runs is not known. What is carried stays in one buffer where it is only updated (`update.rs`) or can
//! be written in place (`settle.rs`).

use super::assemble::{Steps, frame};
use super::group::{copy, copy_to};
use super::memory::Memory;
use super::settle::settle;
use super::storage::{Place, Storage};
use super::update::updates;
use crate::nest::Step;
use riesz_core::primitive::{Cond, Scan, While};
use riesz_core::{Prim, Primitive, Program, Result, Type};

/// Whether a primitive is one of these, which say themselves where their results are.
pub fn places_results(prim: &Prim) -> bool {
    matches!(prim, Prim::Scan(_) | Prim::While(_) | Prim::Cond(_))
}

/// Buffers of arguments, and which of them nothing reads afterwards, so that results may lie there.
type Args<'a> = (&'a [Storage], &'a [bool]);

/// The steps of a loop or branch on arguments in these buffers, and where its results are: those that are
/// `wanted`, others may be anywhere.
pub fn steps(prim: &Prim, args: Args<'_>, wanted: &[bool], memory: &mut Memory) -> Result<Steps> {
    match prim {
        Prim::Scan(scan) => scan_steps(scan, args, wanted, memory),
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

/// Where value `k` of those that a body carries lies after an iteration, beginning with its input `first`:
/// where it lies before, in `now`, if it is only updated.
fn after(body: &Program, first: usize, k: usize, now: Storage, memory: &mut Memory) -> Storage {
    match updates(body, first + k, k) {
        true => now,
        false => memory.room(body.ty(body.outputs()[k])),
    }
}

/// What comes or goes step by step: windows, and how far they move after each step.
struct Parts<'a> {
    scan: &'a Scan,
    windows: Vec<(Storage, Storage, isize)>,
    advance: Vec<(Storage, isize)>,
}

impl Parts<'_> {
    /// Where the part of the first step begins, and how far it is to the next.
    fn first(&self, ty: &Type) -> (isize, isize) {
        let by = ty.size() as isize;
        if self.scan.reverse { (by * (self.scan.length as isize - 1), -by) } else { (0, by) }
    }

    /// The parts of buffers that belong to a step, while the first is taken.
    fn of_step(
        &mut self,
        step: isize,
        of: &[Storage],
        types: &[Type],
        memory: &mut Memory,
    ) -> Vec<Storage> {
        let mut parts = Vec::new();
        for (&of, ty) in of.iter().zip(types) {
            let part = memory.buffer(ty, Place::Window(of));
            let (start, by) = self.first(ty);
            self.windows.push((part, of, start + step * by));
            self.advance.push((part, by));
            parts.push(part);
        }
        parts
    }
}

/// The least elements of what a loop carries in memory; less is carried in registers.
const LONG: usize = 128;

/// For each of the parts that a scan hands out, which value it is of those that are carried into the step; if
/// nothing else of it is wanted and no step can fail. Then they lie in their parts, and the last step need not be
/// taken.
fn handed_on(scan: &Scan, wanted: &[bool]) -> Option<Vec<usize>> {
    let (last, parts) = scan.body.outputs().split_at(scan.carry);
    let can_fail = scan.can_fail(scan.body.input_types());
    if scan.length < 2 || parts.is_empty() || can_fail || wanted[..last.len()].contains(&true) {
        return None;
    }
    let mut carries = Vec::new();
    for &part in parts {
        let carry = part.index().checked_sub(scan.consts).filter(|k| *k < scan.carry)?;
        if carries.contains(&carry) || scan.body.ty(part).size() < LONG {
            return None;
        }
        carries.push(carry);
    }
    Some(carries)
}

fn scan_steps(
    scan: &Scan,
    (args, free): Args<'_>,
    wanted: &[bool],
    memory: &mut Memory,
) -> Result<Steps> {
    let first = scan.consts;
    let (consts, xs) = (&args[..first], &args[scan.first_xs()..]);
    let outputs = scan.body.output_types();
    let part_types = &outputs[scan.carry..];
    let whole: Vec<Type> =
        part_types.iter().map(|ty| ty.with_shape(ty.shape.with_leading(scan.length))).collect();
    let ys = rooms(&whole, memory);
    let types_in = &scan.body.input_types()[scan.first_xs()..];
    let mut parts = Parts { scan, windows: Vec::new(), advance: Vec::new() };
    let parts_in = parts.of_step(0, xs, types_in, memory);
    let parts_out = parts.of_step(0, &ys, part_types, memory);

    // What is carried lies in the parts that are handed out, or in two buffers that are exchanged.
    let handed_on = handed_on(scan, wanted);
    let count = scan.length - usize::from(handed_on.is_some());
    let (mut steps, mut now, mut next) = (Vec::new(), Vec::new(), Vec::new());
    for k in 0..scan.carry {
        let (from, is_free) = (args[first + k], free[first + k]);
        let part = handed_on.as_ref().and_then(|carries| carries.iter().position(|&c| c == k));
        let (before, behind) = match part {
            Some(j) => {
                let start = parts.first(&part_types[j]).0;
                steps.push(Step::Nest(copy_to(from, ys[j], start, memory)));
                memory.touched.push(vec![from, ys[j]]);
                (parts_out[j], parts.of_step(1, &ys[j..=j], &part_types[j..=j], memory)[0])
            }
            None => {
                let (more, before) = copies((&[from], &[is_free]), memory);
                steps.extend(more);
                (before[0], after(&scan.body, first, k, before[0], memory))
            }
        };
        now.push(before);
        next.push(behind);
    }

    let begin = memory.mark();
    let inputs = [consts, &now, &parts_in].concat();
    let results = [next.as_slice(), &parts_out].concat();
    let (mut body, _) = frame(&scan.body, inputs, &results, memory)?;
    settle(&mut body, &now, &mut next, memory);
    memory.close_loop(begin, &[now.as_slice(), &next, &parts_in, &parts_out].concat());
    let moves = |s: Storage| matches!(memory.buffers[s as usize].place, Place::Window(_));
    let pairs = now.iter().copied().zip(next.iter().copied());
    let exchange = pairs.filter(|&(a, b)| a != b && !moves(b)).collect();
    let Parts { windows, advance, .. } = parts;
    steps.push(Step::Loop { count, windows, advance, exchange, body });
    // After an odd number of exchanges the last carry lies in what was `next` at first.
    let last = if count % 2 == 1 { next } else { now };
    Ok((steps, [last, ys].concat()))
}

fn while_steps(repeat: &While, (args, free): Args<'_>, memory: &mut Memory) -> Result<Steps> {
    let (consts, start) = args.split_at(repeat.consts);
    let (mut steps, state) = copies((start, &free[repeat.consts..]), memory);
    let flag = rooms(&repeat.cond.output_types(), memory);
    let after = |(k, &now), memory: &mut Memory| after(&repeat.body, repeat.consts, k, now, memory);
    let mut next: Vec<Storage> = state.iter().enumerate().map(|at| after(at, memory)).collect();
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
