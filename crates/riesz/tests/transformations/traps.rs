//! What Riesz answers where systems for differentiation disagree.
//!
//! The rule behind the answers: (1) a linear map sends 0 to 0; (2) at a kink, the subgradient of
//! least norm, or the mean over ties, unless the usual systems agree on something else; (3) where no
//! finite derivative exists, an infinite or NaN one, never a quiet 0; (4) a wrong use is an error,
//! not a number. Each row is a case, its computation and its answer; the answers are closed forms.

use riesz::prelude::*;
use riesz::{ErrorKind, Source, Window};
use std::f64::consts::PI;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// The numbers are these, NaN and the sign of infinity included.
#[track_caller]
fn is(case: &str, got: Result<Vec<f64>>, expected: &[f64]) {
    near(case, got, expected, 0.0);
}

/// The numbers are these up to a relative or absolute error.
#[track_caller]
fn near(case: &str, got: Result<Vec<f64>>, expected: &[f64], tolerance: f64) {
    let got = got.unwrap_or_else(|error| panic!("{case}: {error}"));
    let same = |(g, e): (&f64, &f64)| {
        g == e || (g.is_nan() && e.is_nan()) || (g - e).abs() <= tolerance * e.abs().max(1.0)
    };
    let all = got.len() == expected.len() && got.iter().zip(expected).all(same);
    assert!(all, "{case}: {got:?}, not {expected:?}");
}

/// It is an error, with these words in its text.
#[track_caller]
fn refuses(case: &str, got: Result<Vec<f64>>, words: &[&str]) {
    let text = got.map_or_else(|e| e.to_string(), |y| format!("no error, but {y:?}"));
    assert!(words.iter().all(|w| text.contains(w)), "{case}: {text}");
}

/// The value of `f` at `x`.
fn value(f: impl Fn(Var) -> Var, x: impl Into<Tensor>) -> Result<Vec<f64>> {
    Ok(run(f, &x.into())?.to_f64())
}

/// The gradient of `f` at `x`.
fn d(f: impl Fn(Var) -> Var, x: impl Into<Tensor>) -> Result<Vec<f64>> {
    value(grad(f), x)
}

/// Both partial derivatives of `f` at two numbers.
fn d2(f: impl Fn(Var, Var) -> Var, x: f64, y: f64) -> Result<Vec<f64>> {
    let (dx, dy) = run(grad(|(x, y): (Var, Var)| f(x, y)), &(Tensor::from(x), Tensor::from(y)))?;
    Ok([dx.to_f64(), dy.to_f64()].concat())
}

/// The Hessian of `f` at `x`, row by row.
fn h(f: impl Fn(Var) -> Var, x: impl Into<Tensor>) -> Result<Vec<f64>> {
    value(hessian(f), x)
}

#[test]
fn masks() {
    is("select(x > 0, √x, 0) at 0", d(|x| Var::select(x.gt(0.0), x.sqrt(), 0.0), 0.0), &[0.0]);
    is("select(x > 0, log x, 0) at −1", d(|x| Var::select(x.gt(0.0), x.log(), 0.0), -1.0), &[0.0]);
}

#[test]
fn control_flow() {
    let root = |x: Var| cond(x.gt(0.0), || x.sqrt(), || x.zeros_like());
    is("Σ vmap(cond(x > 0, √, 0)) at 0", d(|x| vmap(root)(x).sum(), [0.0, 4.0]), &[0.0, 0.25]);
    // x·2ᵏ, where k = 4 doublings bring 1 beyond 10.
    let double = |x: Var| while_loop(|y: Var| y.le(10.0), |y: Var| 2.0 * y, x);
    is("x doubled until > 10, from 1", d(double, 1.0), &[16.0]);
    is("x times x doubled until > 10, from 1", d(|x| x * double(x), 1.0), &[32.0]);
    let nothing = |x: Var| {
        let empty = Var::zeros(&riesz::Type::new(DType::F64, [0]));
        scan(|c: Var, a: Var| (c * a, a), x, empty).0
    };
    is("scan of length 0", value(nothing, 3.0), &[3.0]);
    is("derivative of a scan of length 0", d(nothing, 3.0), &[1.0]);
}

#[test]
fn kinks() {
    is("√x at 0", d(Var::sqrt, 0.0), &[INF]);
    is("|x| at 0", d(Var::abs, 0.0), &[0.0]);
    is("relu at 0", d(Var::relu, 0.0), &[0.0]);
    is("max(x, 0) at 0", d(|x| x.maximum(0.0), 0.0), &[0.5]);
    is("leaky_relu(.01) at 0", d(|x| x.leaky_relu(0.01), 0.0), &[0.01]);
    is("max(x, y) at a tie", d2(|x, y| x.maximum(y), 2.0, 2.0), &[0.5, 0.5]);
    is("min(x, y) at a tie", d2(|x, y| x.minimum(y), 2.0, 2.0), &[0.5, 0.5]);
    is("max of [1,2,2]", d(Var::max, [1.0, 2.0, 2.0]), &[0.0, 0.5, 0.5]);
    is("max [NaN,1]", value(Var::max, [NAN, 1.0]), &[NAN]);
    is("gradient of max [NaN,1]", d(Var::max, [NAN, 1.0]), &[NAN, NAN]);
    let pool = |x: Var| {
        let window = Window { size: vec![2, 2], ..Window::default() };
        x.reshape([1, 1, 2, 2]).max_pool(&window).sum()
    };
    is("max-pool tie", d(pool, [1.0, 5.0, 5.0, 5.0]), &[0.0, 1.0, 0.0, 0.0]);
    is("clip(x,0,1) at 0 and 1", d(|x| x.clip(0.0, 1.0).sum(), [0.0, 1.0]), &[0.5, 0.5]);
}

#[test]
fn powers() {
    let pow = |x, y| d2(|x, y| x.pow(y), x, y);
    is("x^y at (0,0)", pow(0.0, 0.0), &[0.0, 0.0]);
    is("x^y at (0,2)", pow(0.0, 2.0), &[0.0, 0.0]);
    is("x^y at (0,½)", pow(0.0, 0.5), &[INF, 0.0]);
    is("x^y at (−2,3)", pow(-2.0, 3.0), &[12.0, NAN]);
    let third = |f: fn(Var) -> Var| d(grad(grad(f)), 0.0);
    is("x^3, third derivative at 0", third(|x| x.powi(3)), &[6.0]);
    is("x^2, second derivative at 0", d(grad(|x: Var| x.powi(2)), 0.0), &[2.0]);
    is("x^0, first derivative at 0", d(|x| x.powi(0), 0.0), &[0.0]);
    // The same with an exponent that is a value.
    is("x^3.0, third derivative at 0", third(|x| x.pow(3.0)), &[6.0]);
    is("x^2.0, second derivative at 0", d(grad(|x: Var| x.pow(2.0)), 0.0), &[2.0]);
    is("x^0.0, first derivative at 0", d(|x| x.pow(0.0), 0.0), &[0.0]);
}

#[test]
fn norms_and_moments() {
    is("‖x‖ at 0", d(Var::norm, [0.0, 0.0]), &[0.0, 0.0]);
    is("Hessian of norm(x)^2 at 0", h(|x| x.norm().powi(2), [0.0, 0.0]), &[2.0, 0.0, 0.0, 2.0]);
    is("hypot at (0,0)", d2(|x, y| x.hypot(y), 0.0, 0.0), &[0.0, 0.0]);
    is("atan2 at (0,0)", d2(|x, y| x.atan2(y), 0.0, 0.0), &[NAN, NAN]);
    is("std of a constant vector", d(Var::std, [3.0, 3.0, 3.0]), &[0.0, 0.0, 0.0]);
    is("sinc″ at 0", d(grad(Var::sinc), 0.0), &[-PI * PI / 3.0]);
    is("prod [0,2,3]", d(Var::prod, [0.0, 2.0, 3.0]), &[6.0, 0.0, 0.0]);
    is("prod [0,0,3]", d(Var::prod, [0.0, 0.0, 3.0]), &[0.0, 0.0, 0.0]);
    let expected = [0.0, 3.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    is("Hessian of prod at [0,0,3]", h(Var::prod, [0.0, 0.0, 3.0]), &expected);
}

#[test]
fn exponentials_and_logarithms() {
    let lse = |x: [f64; 2]| d(Var::logsumexp, x);
    is("logsumexp [1000,1000]", lse([1000.0, 1000.0]), &[0.5, 0.5]);
    is("logsumexp [−∞,−∞]", lse([-INF, -INF]), &[NAN, NAN]);
    is("logsumexp [−∞,0]", lse([-INF, 0.0]), &[0.0, 1.0]);
    is("logsumexp [∞,0]", lse([INF, 0.0]), &[1.0, 0.0]);
    is("log(cosh 1000), written so", d(|x| x.cosh().log(), 1000.0), &[1.0]);
    is("log1p(exp 1000), written so", d(|x| x.exp().log1p(), 1000.0), &[1.0]);
    // 1/(1 + e⁻²⁵) = 1 − 1.388794386477114…e−11, to one unit in the last place.
    near("softplus(25)", d(Var::softplus, 25.0), &[1.0 - 1.388_794_386_477_114_5e-11], 1.2e-16);
    is("x·log y at (0,0)", d2(|x, y| x.xlogy(y), 0.0, 0.0), &[-INF, 0.0]);
    // The representative for Re⟨·,·⟩ is 2z, with z as the pair of its parts.
    is("|z|² at 1+2i", d(|z| z.square().sum(), [1.0, 2.0]), &[2.0, 4.0]);
    // Φ(1) + φ(1) = 1.083315470587686298….
    near("gelu at 1", d(Var::gelu, 1.0), &[1.083_315_470_587_686_3], 1e-15);
}

#[test]
fn indices() {
    let first_twice = |x: Var| x.take(Var::constant([0i64, 0, 1]), 0).sum();
    is("Σ x[[0,0,1]] over 3 entries", d(first_twice, [5.0, 6.0, 7.0]), &[2.0, 1.0, 0.0]);
    // Both updates go to entry 0, which has weight 10.
    let set = |updates: Var| {
        let x = Var::constant([1.0, 2.0]).scatter_set(Var::constant([0i64, 0]), updates, 0);
        (x * Var::constant([10.0, 1.0])).sum()
    };
    is("scatter-set, repeated index", d(set, [5.0, 7.0]), &[0.0, 10.0]);
    let beyond = |x: Var| x.take(Var::constant([0i64, 3]), 0);
    refuses("index out of range", value(beyond, [1.0, 2.0, 3.0]), &["index 3", "length 3"]);
    is(
        "sort ties, which go where",
        value(|x| x.argsort(0), [2.0, 1.0, 2.0, 1.0]),
        &[1.0, 3.0, 0.0, 2.0],
    );
    let sorted = |x: Var| (x.sort(0) * Var::constant([1.0, 10.0, 100.0, 1000.0])).sum();
    is("sort ties", d(sorted, [2.0, 1.0, 2.0, 1.0]), &[100.0, 1.0, 1000.0, 10.0]);
    is("top-k ties", d(|x| x.top_k(2, 0).0.sum(), [1.0, 3.0, 3.0, 3.0]), &[0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn nothing_to_reduce() {
    let none = || Tensor::from(Vec::<f64>::new());
    is("sum over no elements", value(Var::sum, none()), &[0.0]);
    is("mean over no elements", value(Var::mean, none()), &[NAN]);
    refuses("max over no elements", value(Var::max, none()), &["no elements"]);
}

#[test]
fn matrices() {
    let singular = [[1.0, 2.0], [2.0, 4.0]];
    near("det [[1,2],[2,4]]", d(Var::det, singular), &[4.0, -2.0, -2.0, 1.0], 1e-15);
    // Of a·d − b·c: the second derivatives are ±1 for the pairs on each diagonal.
    let mut expected = [0.0; 16];
    (expected[3], expected[12], expected[6], expected[9]) = (1.0, 1.0, -1.0, -1.0);
    near("Hessian of det at 0", h(Var::det, [[0.0, 0.0], [0.0, 0.0]]), &expected, 1e-15);
    let entry = |a: Var| a.cholesky().at(1).at(0);
    is("Cholesky L₁₀", d(entry, [[4.0, 1.0], [1.0, 3.0]]), &[-0.0625, 0.25, 0.25, 0.0]);
    let one = [[1.0, 0.0], [0.0, 1.0]];
    is("eigh at I: Σλ²", d(|a| a.eigh().0.square().sum(), one), &[2.0, 0.0, 0.0, 2.0]);
    // tr(V·diag(λ)·Vᵀ) = tr A does not depend on the basis.
    let invariant = |a: Var| {
        let (w, v) = a.eigh();
        (v * w.expand_dims(0)).matmul(v.t()).trace()
    };
    is("eigh at I: an invariant of V", d(invariant, one), &[1.0, 0.0, 0.0, 1.0]);
    let nuclear = |a: Var| a.svd().1.sum();
    is("Σσ at the zero matrix", d(nuclear, [[0.0, 0.0], [0.0, 0.0]]), &[0.0; 4]);
    let product = run(
        grad(|(a, b): (Var, Var)| a.matmul(b).square().sum()),
        &(Tensor::full(0.5, [3, 1, 2, 2]), Tensor::full(2.0, [4, 2, 2])),
    );
    let shapes = product.map(|(a, b)| (a.shape().to_vec(), b.shape().to_vec()));
    assert_eq!(shapes, Ok((vec![3, 1, 2, 2], vec![4, 2, 2])), "matmul (3,1,2,2)·(4,2,2)");
}

#[test]
fn the_inverse_of_a_singular_matrix_is_an_error() {
    let line = line!() + 1;
    let error = run(|a: Var| a.inverse(), &Tensor::from([[1.0, 2.0], [2.0, 4.0]])).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Value, "inverse"));
    assert!(error.message().contains("singular"), "{error}");
    assert!(matches!(error.source(), Source::Rust(place) if place.line() == line), "{error}");
}

#[test]
fn nesting() {
    let nested = |x: Var| x * grad(|y: Var| x + y)(x);
    is("D(x · D(y ↦ x+y)) nested", d(nested, 3.0), &[1.0]);
    // e²ˣ(4x² + 8x + 2) and 6x·cos(x³) − 9x⁴·sin(x³), at 1.2.
    let twice = |f: fn(Var) -> Var| d(grad(f), 1.2);
    near(
        "(x·eˣ)², second derivative",
        twice(|x| (x * x.exp()).powi(2)),
        &[191.362_341_967_938_13],
        1e-14,
    );
    near(
        "sin(x³), second derivative",
        twice(|x| x.powi(3).sin()),
        &[-19.559_482_852_496_277],
        1e-13,
    );
    // A rule whose function and differential both capture the x around: x·y at y = x.
    let rule = |x: Var| custom_jvp(move |y: Var| x * y, move |_, _, dy| x * dy)(x);
    is("a custom rule that captures an outer traced value", d(rule, 3.0), &[6.0]);
    let product = |a: Var, b: Var| a * b;
    is("f(x,x): the same variable twice", d(|x| product(x, x), 3.0), &[6.0]);
}

#[test]
fn arguments_and_results() {
    let unused =
        run(grad(|(x, _): (Var, Var)| x.square()), &(Tensor::from(3.0), Tensor::from([1.0, 2.0])));
    assert_eq!(unused, Ok((Tensor::from(6.0), Tensor::from([0.0, 0.0]))), "an unused argument");
    refuses(
        "grad of a non-scalar",
        d(|x| x * 2.0, [1.0, 2.0]),
        &["grad", "f64[2]", "not one number"],
    );
}

/// A million of them are in the tests of `riesz-core`.
#[test]
fn a_long_chain() {
    let chain = |x: Var| (0..100_000).fold(x, |y, _| y + x);
    is("a chain of 100,000 additions", d(chain, 0.5), &[100_001.0]);
}
