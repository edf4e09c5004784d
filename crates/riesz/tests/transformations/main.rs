//! The transformations compose: every order and depth gives what the mathematics says.

mod compile;
mod derived;
mod errors;
mod linear_maps;
mod metric;
mod nesting;
mod sparse;
mod traps;
mod trees;

use riesz::prelude::*;

/// A number from a compiled function of one number.
pub fn at(f: impl Fn(Var) -> Var, x: f64) -> Result<f64> {
    run(f, &Tensor::from(x))?.item()
}

/// Two numbers agree to a relative or absolute error.
#[track_caller]
pub fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} is not {b}");
}

/// Two tensors of f64 agree, shapes included.
#[track_caller]
pub fn same(a: &Tensor, b: &Tensor, tolerance: f64) {
    assert_eq!(a.shape(), b.shape());
    a.to_f64().iter().zip(b.to_f64()).for_each(|(&a, b)| close(a, b, tolerance));
}
