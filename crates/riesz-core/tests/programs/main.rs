//! The tests of `riesz-core`, in one binary.

mod differentiate;
mod golden;

mod about;
mod arrays;
mod corpus;
mod deep;
mod dtypes;
mod errors;
mod fft;
mod flow;
mod keep;
mod laws;
mod linalg;
mod random;
mod random_programs;
mod reorder;
mod rules;
mod simplify;
mod sparsity;
mod special;
mod structure;
mod structured;
mod symmetric;
mod text;
mod traps_linalg;
mod traps_structure;
