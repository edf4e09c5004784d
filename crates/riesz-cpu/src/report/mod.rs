//! What a plan costs, predicted and measured: for people who want to know where the time goes.
//!
//! `work` counts operations and bytes, `footprint` memory; `peaks` measures once what this machine can
//! do, and `measure` how long each step of a plan takes; `explain` prints all that beside the steps.
//! Nothing here takes part in ordinary runs.

mod explain;
mod footprint;
mod measure;
mod peaks;
mod work;

pub use explain::{Bytes, Explanation, Seconds};
pub use footprint::Footprint;
pub use measure::Measurement;
pub use peaks::Peaks;
pub use work::Work;
