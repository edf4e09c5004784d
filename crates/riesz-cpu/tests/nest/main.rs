//! Tests of nests and of everything that runs them.

mod chains;
mod functions;
mod meaning;
mod native;
mod random;
mod support;
