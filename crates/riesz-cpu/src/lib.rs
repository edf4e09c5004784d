//! riesz-cpu
pub mod simd;
