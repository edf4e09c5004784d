//! riesz-core
