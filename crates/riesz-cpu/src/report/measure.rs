//! How long each step of a plan takes: the steps compiled one by one, with a clock between them.

use crate::nest::Region;
use crate::plan::Plan;
use crate::run::{Options, Stages, Workspace, alone};
use riesz_core::{Result, Tensor, check_arguments};
use std::sync::Arc;
use std::time::Instant;

/// The steps of a plan with their times. One thread runs them.
pub struct Measurement {
    steps: Vec<Stages>,
    seconds: Vec<f64>,
}

impl Measurement {
    /// Prepares the steps of a plan; no time is known yet.
    pub fn new(plan: &Plan, options: Options) -> Measurement {
        let steps = plan.region.steps.iter().map(|step| {
            let operands = Arc::clone(&plan.region.operands);
            let region = Region { operands, steps: vec![step.clone()] };
            Stages::new(&region, options.isa, options.native)
        });
        let steps: Vec<Stages> = steps.collect();
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
        workspace.prepare(plan, args, &mut [], &mut []);
        let addresses = workspace.addresses();
        for (step, least) in self.steps.iter().zip(&mut self.seconds) {
            let start = Instant::now();
            // SAFETY: the plan gave every operand a buffer of its size, and the steps run in its order.
            let good = alone(|| unsafe { step.run(addresses) });
            *least = least.min(start.elapsed().as_secs_f64());
            if !good {
                break;
            }
        }
        Ok(())
    }

    /// The seconds of each step of the plan; infinite for one that has not been run.
    pub fn seconds(&self) -> &[f64] {
        &self.seconds
    }
}
