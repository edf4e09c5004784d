//! What can be done with a [`Var`]: the mathematics a user writes, made of primitives.
//!
//! Two operands broadcast as in NumPy: shapes are aligned at their last axes, and axes that are
//! missing or of length 1 are repeated. Element types are never converted silently; a literal such
//! as `2.0` takes the element type of the value beside it. Every method is `#[track_caller]`, so
//! errors name the user's line.

mod arithmetic;
mod elementwise;
mod factor;
mod fft;
mod linalg;
mod random;
mod reduce;
mod shape;

pub use arithmetic::Operand;
pub use random::Key;
