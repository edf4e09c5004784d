//! Tests of nests and of everything that runs them.

mod meaning;
