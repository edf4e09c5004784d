//! riesz
