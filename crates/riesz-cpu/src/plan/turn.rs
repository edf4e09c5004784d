//! Buffers that vectors cross.
//!
//! What a nest stores lies in row-major order. A batch of small vectors or matrices lies one after the
//! other like that, while the lanes of the nests are those of the batch: each vector is collected and
//! scattered element by element. Where all nests that access a buffer take its columns in lanes, it is
//! transposed: an array of structures becomes a structure of arrays.

use super::memory::Memory;
use super::order::order;
use super::storage::{Place, Storage};
use crate::nest::{Access, Nest, Op, Step, Task};
use rustc_hash::FxHashMap as HashMap;

/// The elements of a vector, more or less.
const FULL: usize = 8;

/// Transposes buffers of the workspace where all vectors that access them become contiguous.
pub fn turn(steps: &mut [Step], memory: &Memory) {
    let mut lanes: HashMap<Storage, Lanes> = HashMap::default();
    each_step(steps, &mut |step| {
        look(step, &mut |s, new| {
            let known = lanes.entry(s).or_insert(Lanes::Anywhere);
            *known = known.and(new);
        });
    });
    let turn_of = |(s, lanes): (Storage, Lanes)| {
        let Lanes::Apart(columns) = lanes else { return None };
        let buffer = &memory.buffers[s as usize];
        let rows = buffer.len as isize / columns;
        let is_free = matches!(buffer.place, Place::Workspace(_)) && s != memory.flag;
        (is_free && rows > 1 && rows * columns == buffer.len as isize)
            .then_some((s, Turn { rows, columns }))
    };
    let mut turns: HashMap<Storage, Turn> = lanes.into_iter().filter_map(turn_of).collect();
    each_nest(steps, &mut |nest| {
        for access in nest.accesses() {
            if turns.get(&access.operand).is_some_and(|t| t.of(access, &nest.extents).is_none()) {
                turns.remove(&access.operand);
            }
        }
    });
    each_nest(steps, &mut |nest| {
        if turns.is_empty() || !nest.accesses().any(|a| turns.contains_key(&a.operand)) {
            return;
        }
        let extents = nest.extents.clone();
        for access in nest.accesses_mut() {
            if let Some(new) = turns.get(&access.operand).and_then(|t| t.of(access, &extents)) {
                *access = new;
            }
        }
        *nest = order(nest.clone());
    });
}

/// How far apart the elements of the vectors lie that access a buffer.
#[derive(Clone, Copy, PartialEq)]
enum Lanes {
    /// There are no vectors, or no full ones, or all their elements are one.
    Anywhere,
    /// So many elements, more than one.
    Apart(isize),
    /// The buffer stays as it is.
    Fixed,
}

impl Lanes {
    fn and(self, other: Lanes) -> Lanes {
        match (self, other) {
            (Lanes::Anywhere, lanes) | (lanes, Lanes::Anywhere) => lanes,
            (a, b) if a == b => a,
            _ => Lanes::Fixed,
        }
    }

    fn of(access: &Access, nest: &Nest) -> Lanes {
        // Another loop may take the lanes of a short one.
        let long = nest.vector.filter(|&l| nest.extents[l] >= FULL);
        match long.map_or(0, |l| access.strides[l]) {
            0 => Lanes::Anywhere,
            apart if apart > 1 => Lanes::Apart(apart),
            _ => Lanes::Fixed,
        }
    }
}

/// A buffer as a matrix that is transposed.
#[derive(Clone, Copy)]
struct Turn {
    rows: isize,
    columns: isize,
}

impl Turn {
    /// The access to what is transposed; none if it leaves a row otherwise than by whole rows.
    fn of(self, access: &Access, extents: &[usize]) -> Option<Access> {
        let (row, column) =
            (access.offset.div_euclid(self.columns), access.offset.rem_euclid(self.columns));
        let (mut first, mut last) = (column, column);
        let mut new = Access { offset: column * self.rows + row, ..access.clone() };
        for (stride, &n) in new.strides.iter_mut().zip(extents) {
            if *stride % self.columns == 0 {
                *stride /= self.columns;
            } else {
                let far = *stride * (n as isize - 1);
                (first, last) = (first + far.min(0), last + far.max(0));
                *stride *= self.rows;
            }
        }
        (first >= 0 && last < self.columns).then_some(new)
    }
}

/// Tells how a step accesses buffers; what it contains tells for itself.
fn look(step: &Step, see: &mut impl FnMut(Storage, Lanes)) {
    match step {
        Step::Nest(nest) => {
            let gathered = nest.body.iter().filter_map(|inst| match &inst.op {
                Op::Gather { access, .. } => Some(access.operand),
                _ => None,
            });
            gathered.for_each(|s| see(s, Lanes::Fixed));
            nest.accesses().for_each(|access| see(access.operand, Lanes::of(access, nest)));
        }
        Step::Strips(strips) => strips.body.iter().for_each(|band| match &band.task {
            Task::Nest(nest) => nest.accesses().for_each(|a| see(a.operand, Lanes::Fixed)),
            Task::Call(call) => call.operands.iter().for_each(|&s| see(s, Lanes::Fixed)),
        }),
        Step::Call(call) => call.operands.iter().for_each(|&s| see(s, Lanes::Fixed)),
        Step::Loop { windows, advance, exchange, .. } => {
            let windows = windows.iter().flat_map(|w| [w.0, w.1]);
            let exchange = exchange.iter().flat_map(|e| [e.0, e.1]);
            let all = windows.chain(advance.iter().map(|a| a.0)).chain(exchange);
            all.for_each(|s| see(s, Lanes::Fixed));
        }
        Step::While { flag, .. } | Step::If { flag, .. } => see(*flag, Lanes::Fixed),
    }
}

fn each_step(steps: &mut [Step], f: &mut impl FnMut(&mut Step)) {
    for step in steps {
        f(step);
        step.bodies_mut().into_iter().for_each(|body| each_step(body, f));
    }
}

fn each_nest(steps: &mut [Step], f: &mut impl FnMut(&mut Nest)) {
    each_step(steps, &mut |step| {
        if let Step::Nest(nest) = step {
            f(nest);
        }
    });
}
