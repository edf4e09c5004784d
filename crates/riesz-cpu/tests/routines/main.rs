//! Tests of dense linear algebra and of library calls, one file a family.

mod common;
mod factors;
mod products;
mod spectra;
