//! Tests of nests and of everything that runs them.

#[cfg(target_arch = "x86_64")]
mod functions;
mod meaning;
#[cfg(target_arch = "x86_64")]
mod native;
#[cfg(target_arch = "x86_64")]
mod random;
mod support;
