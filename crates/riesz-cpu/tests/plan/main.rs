//! Tests of plans: what they compute is what the program means.

mod common;
mod loops;
mod primitives;
mod programs;
mod threads;
mod updates;
