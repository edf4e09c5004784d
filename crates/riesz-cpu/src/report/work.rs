//! What a step of a plan does: operations, and bytes that it must read and write.

use super::Peaks;
use crate::nest::{Access, Call, Inst, Nest, Op, Operand, Step, Strips, Task};
use crate::plan::{Plan, cost};
use riesz_core::DType;
use std::collections::BTreeMap;
use std::ops::{Add, AddAssign, Mul};

/// Operations and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Additions and multiplications of numbers; an elementary function counts as the additions that
    /// it takes, a fused multiplication and addition as two.
    pub flops: f64,
    /// Bytes that are read and written, each place once for each step that touches it.
    pub bytes: f64,
    /// How many results of `f64` instructions it takes, comparisons and selections included.
    pub results: f64,
}

impl Add for Work {
    type Output = Work;
    fn add(self, other: Work) -> Work {
        Work {
            flops: self.flops + other.flops,
            bytes: self.bytes + other.bytes,
            results: self.results + other.results,
        }
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        *self = *self + other;
    }
}

impl Mul<f64> for Work {
    type Output = Work;
    fn mul(self, n: f64) -> Work {
        Work { flops: self.flops * n, bytes: self.bytes * n, results: self.results * n }
    }
}

impl Work {
    /// The roofline: no machine with these peaks does the work in less time (Williams, Waterman &
    /// Patterson, *Roofline: an insightful visual performance model*, 2009).
    pub fn seconds(&self, peaks: &Peaks) -> f64 {
        let memory = self.bytes / peaks.bandwidth(self.bytes);
        (2.0 * self.results / peaks.flops).max(memory)
    }

    /// Whether memory is the limit, and not arithmetic.
    pub fn is_bound_by_memory(&self, peaks: &Peaks) -> bool {
        self.bytes / peaks.bandwidth(self.bytes) >= 2.0 * self.results / peaks.flops
    }
}

impl Plan {
    /// The work of a run; the rounds of a `while`, which nobody knows before, count once.
    pub fn work(&self) -> Work {
        self.work_of_all(&self.region.steps)
    }

    /// The work of a step, a loop with all its iterations.
    pub fn work_of(&self, step: &Step) -> Work {
        match step {
            Step::Nest(nest) => self.work_of_nest(nest),
            Step::Strips(strips) => self.work_of_strips(strips),
            Step::Call(call) => self.work_of_call(call),
            Step::Loop { count, body, .. } => self.work_of_all(body) * *count as f64,
            Step::While { test, body, .. } => self.work_of_all(test) + self.work_of_all(body),
            Step::If { yes, no, .. } => {
                let (yes, no) = (self.work_of_all(yes), self.work_of_all(no));
                if yes.results >= no.results { yes } else { no }
            }
        }
    }

    /// The least time for a step, each part of a loop at the speed of the memory that it works in.
    pub fn seconds_of(&self, step: &Step, peaks: &Peaks) -> f64 {
        let all = |steps: &[Step]| steps.iter().map(|s| self.seconds_of(s, peaks)).sum::<f64>();
        match step {
            Step::Nest(_) | Step::Strips(_) | Step::Call(_) => self.work_of(step).seconds(peaks),
            Step::Loop { count, body, .. } => *count as f64 * all(body),
            Step::While { test, body, .. } => all(test) + all(body),
            Step::If { yes, no, .. } => all(yes).max(all(no)),
        }
    }

    fn work_of_all(&self, steps: &[Step]) -> Work {
        steps.iter().fold(Work::default(), |sum, step| sum + self.work_of(step))
    }

    fn work_of_nest(&self, nest: &Nest) -> Work {
        let (work, bytes) = self.work_and_traffic(nest);
        Work { bytes: bytes.values().sum(), ..work }
    }

    /// What a function touches are its operands; it has been counted what it computes. Scratch stays in the
    /// cache.
    fn work_of_call(&self, call: &Call) -> Work {
        let operands = call.data().iter().map(|&o| self.buffers[o as usize].bytes());
        let narrow = call.operands.first().map_or(DType::F64, |&o| self.dtype(o));
        Work {
            flops: call.operations,
            bytes: operands.sum::<usize>() as f64,
            results: call.operations / 2.0 * lanes_of(narrow),
        }
    }

    /// What only one strip of is there never goes to memory; what several nests touch does once.
    fn work_of_strips(&self, strips: &Strips) -> Work {
        let mut sum = Work::default();
        let mut traffic: BTreeMap<Operand, f64> = BTreeMap::new();
        for band in &strips.body {
            let (work, bytes) = match &band.task {
                Task::Nest(nest) => self.work_and_traffic(nest),
                Task::Call(call) => {
                    let bytes = |&o: &Operand| (o, self.buffers[o as usize].bytes() as f64);
                    (self.work_of_call(call), call.data().iter().map(bytes).collect())
                }
            };
            sum += work;
            for (operand, bytes) in bytes {
                let all = traffic.entry(operand).or_default();
                *all = (*all + bytes).min(self.buffers[operand as usize].bytes() as f64);
            }
        }
        traffic.retain(|&operand, _| strips.locals.iter().all(|local| local.operand != operand));
        Work { bytes: traffic.values().sum(), ..sum }
    }

    /// The arithmetic of a nest, and the bytes of each operand that it reads or writes.
    fn work_and_traffic(&self, nest: &Nest) -> (Work, BTreeMap<Operand, f64>) {
        let mut work = Work::default();
        let mut bytes: BTreeMap<Operand, f64> = BTreeMap::new();
        // The loops that each instruction depends on: it runs once for each of their indices.
        let mut loops: Vec<u32> = Vec::with_capacity(nest.body.len());
        let mut touched: BTreeMap<Operand, Vec<(&Access, f64)>> = BTreeMap::new();
        for inst in &nest.body {
            let own = match &inst.op {
                Op::Load(access) | Op::Gather { access, .. } => moving(access),
                Op::Index { dim, .. } => 1 << dim,
                _ => 0,
            };
            let depends = inst.op.arguments().iter().fold(own, |m, &r| m | loops[r as usize]);
            loops.push(depends);
            let times = iterations(nest, depends);
            if let Op::Load(access) | Op::Gather { access, .. } = &inst.op {
                touched.entry(access.operand).or_default().push((access, times));
            }
            work += arithmetic(inst) * times;
        }
        for store in &nest.stores {
            let access = &store.access;
            let mut times = iterations(nest, moving(access));
            if let Some(fold) = store.fold {
                let depends = loops[store.value as usize] | moving(access) | fold.along;
                let folded = iterations(nest, depends);
                let lanes = lanes_of(self.dtype(access.operand));
                work += Work { flops: folded, bytes: 0.0, results: folded * lanes };
                times *= if fold.accumulate { 2.0 } else { 1.0 };
            }
            *bytes.entry(access.operand).or_default() +=
                times * self.dtype(access.operand).size() as f64;
        }
        for (operand, mut accesses) in touched {
            accesses.dedup_by(|a, b| a.0 == b.0);
            let elements: f64 = accesses.iter().map(|a| a.1).sum();
            let buffer = &self.buffers[operand as usize];
            *bytes.entry(operand).or_default() +=
                elements.min(buffer.len as f64) * buffer.dtype.size() as f64;
        }
        (work, bytes)
    }

    fn dtype(&self, operand: Operand) -> DType {
        self.buffers[operand as usize].dtype
    }
}

/// The loops that move an access, one bit each.
fn moving(access: &Access) -> u32 {
    access.strides.iter().enumerate().fold(0, |mask, (d, &s)| mask | u32::from(s != 0) << d)
}

fn iterations(nest: &Nest, loops: u32) -> f64 {
    let runs = |&(d, &n): &(usize, &usize)| n == 0 || loops >> d & 1 == 1;
    nest.extents.iter().enumerate().filter(runs).map(|(_, &n)| n as f64).product()
}

/// One operation of a body, in one lane.
fn arithmetic(inst: &Inst) -> Work {
    let (flops, results) = match &inst.op {
        Op::Const(_) | Op::Load(_) | Op::Gather { .. } | Op::Index { .. } => (0.0, 0.0),
        Op::Fma(..) => (2.0, 1.0),
        Op::Compare(..) | Op::Logical(..) | Op::Select(..) | Op::Cast(_) => (0.0, 1.0),
        Op::Unary(..) | Op::Power(..) | Op::Binary(..) | Op::Scale(..) | Op::Special(..) => {
            let additions = cost::inst(inst, 0, 0.0);
            (additions, additions)
        }
    };
    Work { flops, bytes: 0.0, results: results * lanes_of(inst.ty) }
}

/// The part of a vector that an element takes, where an `f64` takes one.
fn lanes_of(dtype: DType) -> f64 {
    match dtype {
        DType::F64 | DType::I64 => 1.0,
        DType::F32 | DType::I32 | DType::Bool => 0.5,
    }
}
