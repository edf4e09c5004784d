//! The elementary functions, each written once: branch-free, over [`Value`](super::value::Value)
//! (f32, f64, or a value of generated code) and over fused or plain multiply-add. They are inlined into
//! the loops of `dispatch.rs`, and recorded by the code generator.
//!
//! At most 2 ulp from the exact value on every instruction set, over the whole domain, with the
//! IEEE special values (`tests/accuracy.rs`). They are not correctly rounded, and a result may
//! differ in its last bits between a processor with fused multiply-add and one without.

#![allow(clippy::excessive_precision)]

pub mod basic;
#[rustfmt::skip]
pub mod coefficients;
pub mod erf;
pub mod exp;
pub mod hyperbolic;
pub mod inverse;
pub mod large;
pub mod log;
pub mod pow;
pub mod trig;
