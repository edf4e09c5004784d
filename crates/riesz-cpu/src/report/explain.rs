//! A plan as a person reads it: the steps in order, what each does, and what it costs.

use super::{Peaks, Work};
use crate::nest::{Call, Nest, Op, Reduction, Step, Store, Task};
use crate::plan::{Place, Plan};
use riesz_core::counted;
use std::fmt::{self, Display, Formatter};

/// A plan to be printed, with what is known about time.
///
/// Each step of the plan has a line of figures: its work; with peaks, the least time it could take on
/// this machine; with a measurement, the time it took, and that least time as a part of it.
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What the machine can do.
    pub peaks: Option<&'a Peaks>,
    /// The measured seconds of each step.
    pub seconds: Option<&'a [f64]>,
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Explanation { plan: self, peaks: None, seconds: None }.fmt(f)
    }
}

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let equations = plan.program.equations().len();
        let (nests, calls) = plan.kernels();
        let memory = plan.footprint();
        writeln!(
            f,
            "{} in {} and {}; workspace {}, peak {}",
            counted(equations, "equation"),
            counted(nests, "nest"),
            counted(calls, "call"),
            Bytes(memory.workspace as f64),
            Bytes(memory.peak() as f64)
        )?;
        let mut total = (0.0, 0.0);
        for (i, step) in plan.region.steps.iter().enumerate() {
            plan.write_step(f, step, 1)?;
            let least = self.peaks.map(|peaks| plan.seconds_of(step, peaks));
            let taken = self.seconds.and_then(|s| s.get(i)).filter(|s| s.is_finite());
            self.write_figures(f, plan.work_of(step), least, taken.copied())?;
            total.0 += least.unwrap_or(0.0);
            total.1 += taken.copied().unwrap_or(0.0);
        }
        write!(f, "all: {}", Figures(plan.work()))?;
        let known = |some: bool, seconds: f64| some.then_some(seconds);
        let (least, taken) =
            (known(self.peaks.is_some(), total.0), known(self.seconds.is_some(), total.1));
        self.write_times(f, least, taken)?;
        if let Some(peaks) = self.peaks {
            let rate = |bytes: f64| peaks.bandwidth(bytes) / 1e9;
            writeln!(
                f,
                "peaks of a core: {:.1} Gflop/s, {:.0} GB/s in cache, {:.1} GB/s in memory",
                peaks.flops / 1e9,
                rate(0.0),
                rate(f64::INFINITY)
            )?;
        }
        Ok(())
    }
}

/// The part of the roofline, in percent, that is beyond what measuring it leaves uncertain.
const ABOVE: f64 = 125.0;

impl Explanation<'_> {
    fn write_figures(
        &self,
        f: &mut Formatter<'_>,
        work: Work,
        least: Option<f64>,
        taken: Option<f64>,
    ) -> fmt::Result {
        write!(f, "        {}", Figures(work))?;
        if let Some(peaks) = self.peaks {
            let limit = if work.is_bound_by_memory(peaks) { "memory" } else { "arithmetic" };
            write!(f, ", bound by {limit}")?;
        }
        self.write_times(f, least, taken)
    }

    fn write_times(
        &self,
        f: &mut Formatter<'_>,
        least: Option<f64>,
        taken: Option<f64>,
    ) -> fmt::Result {
        if let Some(least) = least {
            write!(f, "; at least {}", Seconds(least))?;
        }
        if let Some(taken) = taken {
            write!(f, "; took {}", Seconds(taken))?;
        }
        if let (Some(least), Some(taken)) = (least, taken) {
            let part = 100.0 * least / taken.max(1e-12);
            // The peak is that of data from memory, or of code that was not compiled at run time.
            match part {
                ..=ABOVE => write!(f, ", {part:.0} % of the roofline")?,
                _ if cfg!(debug_assertions) => write!(f, ", above the roofline of a debug build")?,
                _ => write!(f, ", above the roofline, with its data in a cache")?,
            }
        }
        writeln!(f)
    }
}

impl Plan {
    fn write_steps(&self, f: &mut Formatter<'_>, steps: &[Step], depth: usize) -> fmt::Result {
        steps.iter().try_for_each(|step| self.write_step(f, step, depth))
    }

    fn write_step(&self, f: &mut Formatter<'_>, step: &Step, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        match step {
            Step::Nest(nest) => self.write_nest(f, nest, &indent),
            Step::Strips(strips) => {
                let (count, size) = (strips.count(), strips.size);
                writeln!(f, "{indent}strips {count} of {size}")?;
                let indent = "  ".repeat(depth + 1);
                strips.body.iter().try_for_each(|band| match &band.task {
                    Task::Nest(nest) => self.write_nest(f, nest, &indent),
                    Task::Call(call) => self.write_call(f, call, &indent),
                })
            }
            Step::Call(call) => self.write_call(f, call, &indent),
            Step::Loop { count, body, .. } => {
                writeln!(f, "{indent}loop  {count} times")?;
                self.write_steps(f, body, depth + 1)
            }
            Step::While { test, flag, body } => {
                writeln!(f, "{indent}while {}", self.name(*flag))?;
                self.write_steps(f, test, depth + 1)?;
                writeln!(f, "{indent}do")?;
                self.write_steps(f, body, depth + 1)
            }
            Step::If { flag, yes, no } => {
                writeln!(f, "{indent}if    {}", self.name(*flag))?;
                self.write_steps(f, yes, depth + 1)?;
                writeln!(f, "{indent}else")?;
                self.write_steps(f, no, depth + 1)
            }
        }
    }

    fn write_call(&self, f: &mut Formatter<'_>, call: &Call, indent: &str) -> fmt::Result {
        let operands: Vec<String> = call.data().iter().map(|&o| self.name(o)).collect();
        writeln!(f, "{indent}call  {} of {}", call.function.name(), operands.join(", "))
    }

    fn write_nest(&self, f: &mut Formatter<'_>, nest: &Nest, indent: &str) -> fmt::Result {
        let lanes = |l: usize| if nest.vector == Some(l) { "*" } else { "" };
        let extents: Vec<String> =
            nest.extents.iter().enumerate().map(|(l, n)| format!("{n}{}", lanes(l))).collect();
        let extents = if extents.is_empty() { "once".to_string() } else { extents.join("×") };
        let mut reads: Vec<String> = nest
            .body
            .iter()
            .filter_map(|inst| match &inst.op {
                Op::Load(a) | Op::Gather { access: a, .. } => Some(self.name(a.operand)),
                _ => None,
            })
            .collect();
        reads.dedup();
        let stores: Vec<String> = nest.stores.iter().map(|s| self.store(s)).collect();
        let operations = nest.body.iter().filter(|i| !matches!(i.op, Op::Load(_) | Op::Const(_)));
        writeln!(
            f,
            "{indent}nest  {extents}: {} on {}; {}",
            counted(operations.count(), "operation"),
            reads.join(", "),
            stores.join(", ")
        )
    }

    fn store(&self, store: &Store) -> String {
        let name = self.name(store.access.operand);
        let how = match store.fold {
            None => "writes",
            Some(fold) => match fold.op {
                Reduction::Sum => "sums into",
                Reduction::Max => "greatest into",
                Reduction::Min => "least into",
            },
        };
        format!("{how} {name}")
    }

    /// An operand: argument, result or place in the workspace, with its type.
    fn name(&self, operand: u32) -> String {
        let buffer = &self.buffers[operand as usize];
        let ty = format!("{}[{}]", buffer.dtype, buffer.len);
        match buffer.place {
            Place::Argument(i) => format!("argument {i} {ty}"),
            Place::Constant(i) => format!("constant {i} {ty}"),
            Place::Result(i) => format!("result {i} {ty}"),
            Place::Workspace(_) => format!("t{operand} {ty}"),
            Place::Window(of) => format!("a part of {}", self.name(of)),
        }
    }
}

impl Plan {
    /// How many nests and how many calls there are, each once however often it runs.
    pub fn kernels(&self) -> (usize, usize) {
        count(&self.region.steps)
    }
}

fn count(steps: &[Step]) -> (usize, usize) {
    let mut total = (0, 0);
    for step in steps {
        let (nests, calls) = match step {
            Step::Nest(_) => (1, 0),
            Step::Strips(strips) => {
                let calls = strips.body.iter().filter_map(|band| band.task.call()).count();
                (strips.body.len() - calls, calls)
            }
            Step::Call(_) => (0, 1),
            Step::Loop { .. } | Step::While { .. } | Step::If { .. } => {
                let all = step.bodies().into_iter().map(count);
                all.fold((0, 0), |(nests, calls), of| (nests + of.0, calls + of.1))
            }
        };
        total = (total.0 + nests, total.1 + calls);
    }
    total
}

/// Operations and bytes as a person reads them.
struct Figures(Work);

impl Display for Figures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let flops = scaled(self.0.flops, 1000.0, &["flop", "kflop", "Mflop", "Gflop", "Tflop"]);
        write!(f, "{flops}, {}", Bytes(self.0.bytes))
    }
}

/// A number of bytes in a unit that suits it.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub f64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&scaled(self.0, 1024.0, &["B", "KiB", "MiB", "GiB"]))
    }
}

/// A time in a unit that suits it.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub f64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s < 999.5e-9 => write!(f, "{:.0} ns", s * 1e9),
            s if s < 999.5e-6 => write!(f, "{:.3} µs", s * 1e6),
            s if s < 999.5e-3 => write!(f, "{:.3} ms", s * 1e3),
            s => write!(f, "{s:.3} s"),
        }
    }
}

/// A number with the largest unit it has at least one of.
fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    for (i, unit) in units.iter().enumerate() {
        if value < step || i + 1 == units.len() {
            let digits = if i == 0 { 0 } else { 1 };
            return format!("{value:.digits$} {unit}");
        }
        value /= step;
    }
    String::new()
}
