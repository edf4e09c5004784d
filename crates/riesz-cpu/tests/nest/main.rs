//! Tests of nests and of everything that runs them.

mod meaning;
#[cfg(target_arch = "x86_64")]
mod native;
mod support;
