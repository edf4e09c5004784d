//! riesz-cpu
