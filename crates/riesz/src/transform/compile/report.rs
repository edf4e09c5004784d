//! What compiling took and what a call costs.

use super::{Compiled, leaves};
use crate::tree::VarTree;
use riesz_core::{Primitive, Program, Result, counted};
use riesz_cpu::plan::Plan;
use riesz_cpu::report::{Bytes, Explanation, Footprint, Peaks, Seconds, Work};
use riesz_cpu::run::{Executable, Options};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::PoisonError;

/// How long the stages of compiling took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stages {
    /// Recording the function, with the transformations that it calls.
    pub trace: f64,
    /// Simplifying the recorded program.
    pub transform: f64,
    /// Planning it, and writing machine code.
    pub plan: f64,
}

/// What is known about a function compiled for some arguments: how long that took, what a call does,
/// and what it needs. It prints as a few lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How long compiling took.
    pub stages: Stages,
    /// How many equations of each primitive the simplified program has, bodies of loops and branches
    /// included, each equation once however often it runs.
    pub operations: BTreeMap<String, usize>,
    /// How many loops with fused operations the plan has.
    pub nests: usize,
    /// How many calls of library routines.
    pub calls: usize,
    /// Additions, multiplications and bytes of a call; see [`Work`]. The rounds of a `while` count
    /// once, because nobody knows them before.
    pub work: Work,
    /// The memory of a call.
    pub memory: Footprint,
    /// The instruction set the plan may use: `baseline`, `avx2` or `avx512`.
    pub instructions: &'static str,
    /// Bytes of machine code, with its constants.
    pub code: usize,
    /// Whether nests and loops are machine code; otherwise vector kernels run them on tiles.
    pub native: bool,
}

impl Report {
    pub(super) fn new(executable: &Executable, stages: Stages) -> Report {
        let plan: &Plan = executable.plan();
        let mut operations = BTreeMap::new();
        count(&plan.program, &mut operations);
        let (nests, calls) = plan.kernels();
        Report {
            stages,
            operations,
            nests,
            calls,
            work: plan.work(),
            memory: plan.footprint(),
            instructions: Options::default().isa.name(),
            code: executable.code_bytes(),
            native: executable.is_native(),
        }
    }

    /// How many equations the simplified program has.
    pub fn equations(&self) -> usize {
        self.operations.values().sum()
    }

    /// The most bytes that a call allocates at a time: workspace and results.
    pub fn peak_bytes(&self) -> usize {
        self.memory.peak()
    }
}

fn count(program: &Program, operations: &mut BTreeMap<String, usize>) {
    // A stack of its own: programs may be nested deeply.
    let mut open = vec![program];
    while let Some(program) = open.pop() {
        for eq in program.equations() {
            *operations.entry(eq.prim.name().to_string()).or_default() += 1;
            open.extend(eq.prim.bodies());
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bytes = |n: usize| Bytes(n as f64);
        let Stages { trace, transform, plan } = self.stages;
        writeln!(
            f,
            "compiled in {}: {} to trace, {} to transform, {} to plan",
            Seconds(trace + transform + plan),
            Seconds(trace),
            Seconds(transform),
            Seconds(plan)
        )?;
        let way = match self.native {
            true => format!("{} of machine code", bytes(self.code)),
            false => "vector kernels".to_string(),
        };
        writeln!(
            f,
            "{} in {} and {}, as {way} for {}",
            counted(self.equations(), "equation"),
            counted(self.nests, "nest"),
            counted(self.calls, "call"),
            self.instructions
        )?;
        let operations: Vec<String> =
            self.operations.iter().map(|(name, n)| format!("{n} {name}")).collect();
        writeln!(f, "operations: {}", operations.join(", "))?;
        writeln!(f, "a call: {:.0} flop, {} moved", self.work.flops, Bytes(self.work.bytes))?;
        writeln!(
            f,
            "memory: {} at most ({} of workspace, {} for results), beside {} of arguments and {} of constants",
            bytes(self.memory.peak()),
            bytes(self.memory.workspace + self.memory.calls),
            bytes(self.memory.results),
            bytes(self.memory.arguments),
            bytes(self.memory.constants)
        )
    }
}

impl<F: Fn(A) -> R, A: VarTree, R: VarTree> Compiled<F, A, R> {
    /// What compiling for arguments like these took, and what a call costs.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes.
    ///
    /// ```
    /// use riesz::prelude::*;
    /// let f = compile(grad(|x: Var| x.exp().sum()));
    /// let report = f.report(&Tensor::from(vec![0.0; 1000]))?;
    /// assert_eq!((report.equations(), report.nests, report.calls), (1, 1, 0));
    /// assert_eq!(report.peak_bytes(), report.memory.workspace + 8000);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn report(&self, args: &A::Tensors) -> Result<Report> {
        let ready = self.ready(args, &leaves(args))?;
        Ok(Report::new(&ready.executable, ready.stages))
    }

    /// The plan for arguments like these, as text: what is fused into one loop, what is called, what
    /// is kept in memory, and the work of each step. After a call with
    /// [`measure`](Compiled::measure), also how long each step took, how long it takes at least on
    /// this machine, and that time as a part of the other: the distance to the roofline.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes.
    pub fn explain(&self, args: &A::Tensors) -> Result<String> {
        let ready = self.ready(args, &leaves(args))?;
        let plan = ready.executable.plan();
        let measured = ready.measurement.lock().unwrap_or_else(PoisonError::into_inner);
        let explanation = Explanation {
            plan,
            peaks: measured.as_ref().map(|_| Peaks::measured()),
            seconds: measured.as_ref().map(|m| m.seconds()),
        };
        let unmeasured = self.settings.measure && measured.is_none();
        let note = if unmeasured { "no times, as nothing was called yet\n" } else { "" };
        Ok(format!("{explanation}{note}"))
    }
}
