//! Numbers: from programs to plans, and from plans to tensors, fast.
//!
//! The only crate with threads and `unsafe`. `simd` has vector kernels for elementary functions,
//! `linalg` products and factorisations of dense matrices, `nest` the loops that elementwise
//! operations and reductions are fused into, `report` what a plan costs.

pub mod linalg;
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub mod native;
#[cfg(any(not(target_arch = "x86_64"), miri))]
#[path = "native/none.rs"]
pub mod native;
pub mod nest;
mod numbers;
pub mod plan;
pub mod report;
pub mod routine;
pub mod run;
pub mod simd;
pub mod tile;
mod types;
