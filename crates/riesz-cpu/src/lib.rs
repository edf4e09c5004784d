//! riesz-cpu
pub mod linalg;
pub mod simd;
