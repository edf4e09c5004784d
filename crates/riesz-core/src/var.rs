//! What can be done with a [`Var`](crate::Var): the mathematics a user writes, made of primitives.
//!
//! Two operands broadcast as in NumPy: shapes are aligned at their last axes, and axes that are
//! missing or of length 1 are repeated. Element types are never converted silently; a literal such
//! as `2.0` takes the element type of the value beside it. Every method is `#[track_caller]`, so
//! errors name the user's line.

mod arithmetic;
mod arrange;
mod check;
pub(crate) mod contraction;
mod conv;
mod einsum;
mod elementwise;
mod factor;
mod fft;
mod indexed;
mod linalg;
mod order;
pub(crate) mod product;
mod random;
mod reduce;
mod shape;
mod softmax;
mod statistics;

pub use arithmetic::Operand;
pub use contraction::{ProductOrder, product_order};
pub use conv::{ConvOptions, Window};
pub use random::Key;
