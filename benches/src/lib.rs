//! What times systems beside each other, for this crate's own program and for `gradbench`: workers in
//! processes of their own, asked in turns; and plans with the times of their steps.

pub mod entry;
pub mod plan;
pub mod process;
