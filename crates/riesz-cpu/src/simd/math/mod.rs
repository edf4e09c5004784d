//! The elementary functions, each written once: branch-free, generic over f32/f64 and over fused or
//! plain multiply-add, meant to be inlined into the loops of `dispatch.rs`.
//!
//! At most 2 ulp from the exact value on every instruction set, over the whole domain, with the
//! IEEE special values (`tests/accuracy.rs`). They are not correctly rounded, and a result may
//! differ in its last bits between a processor with fused multiply-add and one without.

// `x == x` is the vectorisable NaN test; the selects must stay selects, not branches.
#![allow(clippy::eq_op, clippy::neg_cmp_op_on_partial_ord, clippy::excessive_precision)]

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
