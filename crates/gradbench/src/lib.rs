//! A tool for GradBench (Rowe, Ivanenko and others, a benchmark suite of differentiable programs): its
//! protocol, and its evals written for Riesz.
//!
//! The executable answers the messages of an eval on standard input; [`protocol`] says how. Each eval
//! is a file under [`evals`], its derivatives are Riesz'. [`plain`] has the primal functions as plain
//! loops, [`workloads`] makes inputs of any size, [`calibrate`] times all of them, beside [`peers`] too.

pub mod adbench;
pub mod calibrate;
pub mod descent;
pub mod evals;
pub mod input;
pub mod peers;
pub mod plain;
pub mod protocol;
pub mod work;
pub mod workloads;
