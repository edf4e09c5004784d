//! riesz-lang
