//! Tests of dense linear algebra and of library calls, one file a family.

mod along;
mod calls;
mod common;
mod dense;
mod factors;
mod parts;
mod pivots;
mod products;
mod spectra;
mod windows;
