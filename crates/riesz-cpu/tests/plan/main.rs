//! Tests of plans: what they compute is what the program means.

mod common;
mod deep;
mod factored;
mod loops;
mod memory;
mod primitives;
mod programs;
mod small;
mod strips;
mod threads;
mod triangles;
mod turned;
mod updates;
