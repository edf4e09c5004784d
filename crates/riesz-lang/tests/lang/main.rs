//! The language: what is read, what is refused and how, and formulas of derivatives.

mod common;
mod derivatives;
mod errors;
mod flow;
mod fuzz;
mod large;
mod printing;
mod random;
mod reading;
