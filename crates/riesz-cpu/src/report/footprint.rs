//! The memory of a run, known before it.

use crate::nest::{Step, TOGETHER};
use crate::plan::{ALIGNMENT, Place, Plan};
use crate::run::threads;
use riesz_core::Tensor;

/// Bytes that a run needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Of the arguments, which the caller has.
    pub arguments: usize,
    /// Of the constants, which belong to the plan.
    pub constants: usize,
    /// Of the results that are new: one that is an argument or a constant is shared.
    pub results: usize,
    /// Of the workspace, which is kept for the next run.
    pub workspace: usize,
    /// What a library call allocates beyond the workspace, for the one that needs most.
    pub calls: usize,
}

impl Footprint {
    /// The most that is allocated at a time, from a call on that finds no workspace. What a thread keeps for
    /// all its runs is not counted: buffers of the library for eigenvalues, and a tile of some 32 KiB where
    /// there is no machine code.
    pub fn peak(&self) -> usize {
        self.results + self.workspace + self.calls
    }
}

impl Plan {
    /// How much memory a run needs.
    pub fn footprint(&self) -> Footprint {
        let sum = |is: fn(Place) -> bool| {
            self.buffers.iter().filter(|b| is(b.place)).map(|b| b.bytes()).sum()
        };
        // A block of memory begins at a multiple of the alignment.
        let workspace = match self.workspace {
            0 => 0,
            bytes => bytes.next_multiple_of(ALIGNMENT),
        };
        Footprint {
            arguments: sum(|p| matches!(p, Place::Argument(_))),
            constants: self.constants.iter().map(bytes_of).sum(),
            results: sum(|p| matches!(p, Place::Result(_))),
            workspace,
            calls: allocated(&self.region.steps),
        }
    }
}

fn bytes_of(tensor: &Tensor) -> usize {
    tensor.len() * tensor.ty().dtype.size()
}

/// The most that a call of these steps allocates.
fn allocated(steps: &[Step]) -> usize {
    let each = |step: &Step| match step {
        Step::Nest(_) => 0,
        Step::Strips(strips) => {
            let together = strips.count().clamp(1, TOGETHER).min(threads());
            let calls = strips.body.iter().filter_map(|band| band.task.call());
            together * calls.map(|call| call.function.allocates()).max().unwrap_or(0)
        }
        Step::Call(call) => {
            let together = call.function.pieces().clamp(1, TOGETHER).min(threads());
            together * call.function.allocates()
        }
        Step::Loop { .. } | Step::While { .. } | Step::If { .. } => {
            step.bodies().into_iter().map(allocated).max().unwrap_or(0)
        }
    };
    steps.iter().map(each).max().unwrap_or(0)
}
