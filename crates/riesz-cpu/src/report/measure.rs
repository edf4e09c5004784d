//! How long each step of a plan takes: the steps compiled one by one, with a clock between them.

use crate::native::{self, Code};
use crate::nest::{Region, Step};
use crate::plan::Plan;
use crate::run::{Options, Workspace};
use crate::tile::Tiles;
use riesz_core::{Result, Tensor, check_arguments};
use std::time::Instant;

/// The steps of a plan with their times. One thread runs them.
pub struct Measurement {
    steps: Vec<Unit>,
    seconds: Vec<f64>,
}

/// A step by itself.
enum Unit {
    /// With all iterations of the loop it takes a range of, if it takes one.
    Native(Code, (usize, usize)),
    Tiles(Tiles),
}

impl Measurement {
    /// Prepares the steps of a plan; no time is known yet.
    pub fn new(plan: &Plan, options: Options) -> Measurement {
        let region = |step: &Step| Region {
            operands: plan.region.operands.clone(),
            steps: vec![step.clone()],
        };
        let unit = |step: &Step| {
            let region = region(step);
            match options.native.then(|| native::compile(&region, options.isa)).flatten() {
                Some(code) => Unit::Native(code, whole(step)),
                None => Unit::Tiles(Tiles::new(&region, options.isa)),
            }
        };
        let steps: Vec<Unit> = plan.region.steps.iter().map(unit).collect();
        let seconds = vec![f64::INFINITY; steps.len()];
        Measurement { steps, seconds }
    }

    /// Runs the plan of this measurement step by step; of several runs, the shortest time of each step
    /// counts.
    ///
    /// # Errors
    /// When the arguments are of other types than the program's, or there is no memory.
    pub fn run(&mut self, plan: &Plan, args: &[Tensor]) -> Result<()> {
        check_arguments(&plan.program, args)?;
        let mut workspace = Workspace::new(plan, &[])?;
        let results = workspace.prepare(plan, args, &mut []);
        let addresses = workspace.addresses();
        for (step, least) in self.steps.iter().zip(&mut self.seconds) {
            let start = Instant::now();
            // SAFETY: the plan gave every operand a buffer of its size, and the steps run in its order.
            let good = unsafe {
                match step {
                    Unit::Native(code, range) => code.run(addresses.as_mut_ptr(), *range),
                    Unit::Tiles(tiles) => tiles.run(addresses, None),
                }
            };
            *least = least.min(start.elapsed().as_secs_f64());
            if !good {
                break;
            }
        }
        drop(results);
        Ok(())
    }

    /// The seconds of each step of the plan; infinite for one that has not been run.
    pub fn seconds(&self) -> &[f64] {
        &self.seconds
    }
}

/// All iterations of the outermost loop of a nest.
fn whole(step: &Step) -> (usize, usize) {
    match step {
        Step::Nest(nest) => (0, nest.extents.first().copied().unwrap_or(0)),
        _ => (0, 0),
    }
}
