//! The solvers, on problems with known minima and on bad input.
//!
//! `cargo test -p riesz --test minimize -- --nocapture` shows iterations and evaluations.

mod convex;
mod data;
mod hyper;
mod minima;
mod problems;
mod resume;
mod robustness;
