//! Library calls: what a plan does that is no nest.
//!
//! A [`Routine`](crate::nest::Routine) is made for one equation, with the shapes and strides of its
//! operands, and run on their addresses. A primitive without a routine of its own runs through its
//! reference meaning, so every program has a plan.

mod product;
mod reference;

pub use product::{Loop, Product};
pub use reference::{Reference, read, write};
