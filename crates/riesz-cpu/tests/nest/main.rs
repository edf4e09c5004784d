//! Tests of nests and of everything that runs them.

mod chains;
mod functions;
mod lines;
mod meaning;
mod native;
mod random;
mod support;
