//! Donation: which results can take the memory of an argument that the caller gives away.
//!
//! A result takes the place of an argument of its type if the argument is read for the last time before
//! the result is written for the first time, or in the one nest that writes it, element by element at
//! the same index: there the loads come first. So a step of descent updates its parameters in place.

use super::{Place, Plan, Storage};
use crate::nest::{Band, Nest, Operand, Step, Strips, Task};
use riesz_core::{DType, Primitive};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

/// For each buffer of a result, in the order of the buffers, the argument whose memory it can take.
///
/// There is none where an operation could have no result, as the error is found by computing again
/// from the arguments.
pub fn donors(plan: &Plan) -> Vec<Option<usize>> {
    let is_result = |s: &usize| matches!(plan.buffers[*s].place, Place::Result(_));
    let results = (0..plan.buffers.len()).filter(is_result);
    let program = &plan.program;
    let can_fail = program.equations().iter().any(|eq| {
        let types: Vec<_> = eq.inputs.iter().map(|&v| program.ty(v).clone()).collect();
        eq.prim.can_fail(&types)
    });
    if can_fail || give_up(&plan.region.steps) {
        return results.map(|_| None).collect();
    }
    let asked: HashSet<Storage> = plan.results.iter().copied().collect();
    let mut free: HashMap<(DType, usize), Vec<(usize, usize)>> = HashMap::default();
    for (s, buffer) in plan.buffers.iter().enumerate() {
        // An argument that is a result itself stays as it is.
        if let Place::Argument(i) = buffer.place
            && !asked.contains(&(s as Storage))
        {
            free.entry((buffer.dtype, buffer.len)).or_default().push((s, i));
        }
    }
    let steps = &plan.region.steps;
    let spans = spans(steps, plan.buffers.len());
    let find = |result: usize| {
        let (first, _) = spans[result]?;
        let fits = |&(s, _): &(usize, usize)| match spans[s] {
            None => true,
            Some((_, last)) if last == first => match &steps[first] {
                Step::Nest(nest) => nest.writes_where_it_reads(s as Operand, result as Operand),
                Step::Strips(strips) => updates(strips, s as Operand, result as Operand),
                _ => false,
            },
            Some((_, last)) => last < first,
        };
        let buffer = &plan.buffers[result];
        let free = free.get_mut(&(buffer.dtype, buffer.len))?;
        let at = free.iter().position(fits)?;
        Some(free.remove(at).1)
    };
    results.map(find).collect()
}

/// The first and the last step that mention each operand.
fn spans(steps: &[Step], operands: usize) -> Vec<Option<(usize, usize)>> {
    let mut spans = vec![None; operands];
    for (t, step) in steps.iter().enumerate() {
        mentions(step, &mut |s| {
            let span = &mut spans[s as usize];
            *span = Some((span.map_or(t, |(first, _)| first), t));
        });
    }
    spans
}

/// Whether one nest of these reads one operand where it writes the other, and nothing else touches them.
fn updates(strips: &Strips, read: Operand, written: Operand) -> bool {
    let touches = |band: &&Band| {
        let mut found = false;
        of_band(band, &mut |s| found |= s == read || s == written);
        found
    };
    let mut all = strips.body.iter().filter(touches).map(|band| &band.task);
    match (all.next(), all.next()) {
        (Some(Task::Nest(nest)), None) => nest.writes_where_it_reads(read, written),
        _ => false,
    }
}

/// Whether a call may find no result where the operation has one.
fn give_up(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Nest(_) | Step::Strips(_) => false,
        Step::Call(call) => call.function.gives_up(),
        Step::Loop { .. } | Step::While { .. } | Step::If { .. } => {
            step.bodies().into_iter().any(give_up)
        }
    })
}

/// Shows every operand that a step reads or writes, or whose address it moves.
fn mentions(step: &Step, show: &mut impl FnMut(Operand)) {
    match step {
        Step::Nest(nest) => of_nest(nest, show),
        Step::Strips(strips) => strips.body.iter().for_each(|band| of_band(band, show)),
        Step::Call(call) => call.operands.iter().copied().for_each(show),
        Step::Loop { windows, advance, exchange, body, .. } => {
            windows.iter().flat_map(|w| [w.0, w.1]).for_each(&mut *show);
            advance.iter().map(|a| a.0).for_each(&mut *show);
            exchange.iter().flat_map(|e| [e.0, e.1]).for_each(&mut *show);
            all(body, show);
        }
        Step::While { test, flag, body } => {
            show(*flag);
            all(test, show);
            all(body, show);
        }
        Step::If { flag, yes, no } => {
            show(*flag);
            all(yes, show);
            all(no, show);
        }
    }
}

fn of_band(band: &Band, show: &mut impl FnMut(Operand)) {
    match &band.task {
        Task::Nest(nest) => of_nest(nest, show),
        Task::Call(call) => call.operands.iter().copied().for_each(show),
    }
}

fn of_nest(nest: &Nest, show: &mut impl FnMut(Operand)) {
    nest.accesses().for_each(|access| show(access.operand));
    nest.flag.into_iter().for_each(show);
}

fn all(steps: &[Step], show: &mut impl FnMut(Operand)) {
    steps.iter().for_each(|step| mentions(step, show));
}
