//! riesz

pub mod minimize;
