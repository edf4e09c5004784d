//! What times systems beside each other, for this crate's own program and for `gradbench`: workers in
//! processes of their own, asked in turns.

pub mod entry;
pub mod process;
