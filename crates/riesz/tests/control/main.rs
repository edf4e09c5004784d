//! Control flow: values and derivatives of every order against closed forms, over instances, nested.

mod checkpoint;
mod cond;
mod custom;
mod errors;
mod implicit;
mod repeat;
mod scan;

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

/// The derivatives of order 0 to 3 of a function of one number, by reverse mode of reverse mode of
/// reverse mode, and by the mixtures with forward mode.
#[track_caller]
pub fn derivatives(f: &dyn Fn(Var) -> Var, x: f64, expected: [f64; 4], tolerance: f64) {
    let one = |x: Var| x.ones_like();
    let forward = move |x: Var| jvp(f, x, one(x)).1;
    let found = [
        (0, at(f, x)),
        (1, at(grad(f), x)),
        (1, at(forward, x)),
        (2, at(grad(grad(f)), x)),
        (2, at(grad(forward), x)),
        (2, at(move |x| jvp(grad(f), x, one(x)).1, x)),
        (2, at(move |x| jvp(forward, x, one(x)).1, x)),
        (3, at(grad(grad(grad(f))), x)),
        (3, at(move |x| jvp(move |x| jvp(grad(f), x, one(x)).1, x, one(x)).1, x)),
        (3, at(grad(grad(forward)), x)),
    ];
    for (order, found) in found {
        match found {
            Ok(found) => close(found, expected[order], tolerance),
            Err(error) => panic!("order {order}: {error}"),
        }
    }
}
