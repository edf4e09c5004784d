//! Reductions, order and indices at the points where other systems disagree.
//!
//! The rule behind the choices: a linear map sends 0 to 0; at a kink, the subgradient of least norm,
//! or the mean over ties; where no finite derivative exists, an infinite or NaN one, never a quiet
//! 0; a wrong use is an error.

use crate::differentiate::{close, gradient, gradients, hessian, refusal, value};
use riesz_core::var::Window;
use riesz_core::{DType, Result, SimplifyOptions, Tensor, Type, Var, simplify, trace};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

#[test]
fn reduce_max_shares_among_ties() -> Result<()> {
    close(&gradient(&[1.0, 2.0, 2.0], Var::max)?, &[0.0, 0.5, 0.5], 0.0);
    close(&gradient(&[1.0, 1.0, 2.0], Var::min)?, &[0.5, 0.5, 0.0], 0.0);
    Ok(())
}

#[test]
fn max_with_nan_is_nan_and_so_is_its_derivative() -> Result<()> {
    assert!(value(&[Tensor::from([NAN, 1.0])], |x| x[0].max())?.item::<f64>()?.is_nan());
    close(&gradient(&[NAN, 1.0], Var::max)?, &[NAN, NAN], 0.0);
    Ok(())
}

#[test]
fn prod_is_right_at_zeros_to_second_order() -> Result<()> {
    close(&gradient(&[0.0, 2.0, 3.0], Var::prod)?, &[6.0, 0.0, 0.0], 0.0);
    close(&gradient(&[0.0, 0.0, 3.0], Var::prod)?, &[0.0, 0.0, 0.0], 0.0);
    let h = hessian(&[0.0, 0.0, 3.0], Var::prod)?;
    close(&h.concat(), &[0.0, 3.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn cumprod_is_right_at_zeros_to_second_order() -> Result<()> {
    // The last entry of the running product is the product.
    let last = |x: Var| x.cumprod(0).at(2);
    close(&gradient(&[0.0, 2.0, 3.0], last)?, &[6.0, 0.0, 0.0], 0.0);
    close(&gradient(&[0.0, 0.0, 3.0], last)?, &[0.0, 0.0, 0.0], 0.0);
    let h = hessian(&[0.0, 0.0, 3.0], last)?;
    close(&h.concat(), &[0.0, 3.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0);
    // Σ cumprod [a,b,c] = a + ab + abc: gradient 1 + b + bc, a + ac, ab.
    close(&gradient(&[2.0, 0.0, 5.0], |x| x.cumprod(0).sum())?, &[1.0, 12.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn cummax_shares_among_ties() -> Result<()> {
    // Running maxima of [1,2,2,0,2]: 1, 2, mean of two, of two, of three.
    let g = gradient(&[1.0, 2.0, 2.0, 0.0, 2.0], |x| x.cummax(0).sum())?;
    let third = 1.0 / 3.0;
    close(&g, &[1.0, 2.0 + third, 1.0 + third, 0.0, third], 1e-15);
    close(&gradient(&[2.0, 2.0, 3.0], |x| x.cummin(0).sum())?, &[2.0, 1.0, 0.0], 0.0);
    close(&gradient(&[NAN, 1.0], |x| x.cummax(0).at(1))?, &[NAN, NAN], 0.0);
    close(&gradient(&[1.0, NAN], |x| x.cummax(0).at(0))?, &[1.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn the_norm_of_zero_has_gradient_zero() -> Result<()> {
    close(&gradient(&[0.0, 0.0], Var::norm)?, &[0.0, 0.0], 0.0);
    for p in [1.0, 1.5, 2.0, 3.0, INF] {
        close(&gradient(&[0.0, 0.0], |x| x.norm_p(p))?, &[0.0, 0.0], 0.0);
    }
    Ok(())
}

#[test]
fn the_square_of_a_norm_is_simplified_to_the_sum_of_squares() -> Result<()> {
    // Differentiated as it stands, norm(x)² has second derivative 0·∞ or 0 at the origin.
    let at = Tensor::from([0.0, 0.0]);
    let program = trace(&[at.ty()], |x| vec![x[0].norm().powi(2)])?;
    let simple = simplify(&program, &SimplifyOptions::default());
    let h = hessian(&[0.0, 0.0], |x| riesz_core::inline(&simple, &[x])[0])?;
    close(&h.concat(), &[2.0, 0.0, 0.0, 2.0], 0.0);
    Ok(())
}

#[test]
fn the_standard_deviation_of_a_constant_has_gradient_zero() -> Result<()> {
    close(&gradient(&[3.0, 3.0, 3.0], Var::std)?, &[0.0, 0.0, 0.0], 0.0);
    close(&gradient(&[3.0], Var::std)?, &[0.0], 0.0);
    Ok(())
}

#[test]
fn logsumexp_at_large_and_infinite_numbers() -> Result<()> {
    close(&gradient(&[1000.0, 1000.0], Var::logsumexp)?, &[0.5, 0.5], 0.0);
    close(&gradient(&[-INF, -INF], Var::logsumexp)?, &[NAN, NAN], 0.0);
    close(&gradient(&[-INF, 0.0], Var::logsumexp)?, &[0.0, 1.0], 0.0);
    close(&gradient(&[INF, 0.0], Var::logsumexp)?, &[1.0, 0.0], 0.0);
    close(&gradient(&[INF, INF], Var::logsumexp)?, &[0.5, 0.5], 0.0);
    let at = |x: &[f64]| value(&[Tensor::from(x)], |x| x[0].logsumexp())?.item::<f64>();
    assert_eq!(at(&[INF, 0.0])?, INF);
    assert_eq!(at(&[-INF, -INF])?, -INF);
    assert_eq!(at(&[-INF, 0.0])?, 0.0);
    assert!(at(&[NAN, 0.0])?.is_nan());
    assert!(at(&[NAN, INF])?.is_nan());
    // The running one, in its last entry.
    let last = |x: Var| x.cumlogsumexp(0).at(1);
    close(&gradient(&[1000.0, 1000.0], last)?, &[0.5, 0.5], 0.0);
    close(&gradient(&[-INF, 0.0], last)?, &[0.0, 1.0], 0.0);
    close(&gradient(&[INF, 0.0], last)?, &[1.0, 0.0], 0.0);
    close(&gradient(&[-INF, -INF], last)?, &[NAN, NAN], 0.0);
    // The first entry is the first element, whatever it is; 1 is a number like others.
    close(&gradient(&[-INF, 0.0], |x| x.cumlogsumexp(0).at(0))?, &[1.0, 0.0], 0.0);
    let weight = 1.0 / (1.0 + 1f64.exp());
    close(&gradient(&[1.0, 2.0], last)?, &[weight, 1.0 - weight], 1e-15);
    Ok(())
}

#[test]
fn logaddexp_at_infinite_numbers() -> Result<()> {
    let f = |x: Var| x.at(0).logaddexp(x.at(1));
    close(&gradient(&[1000.0, 1000.0], f)?, &[0.5, 0.5], 0.0);
    close(&gradient(&[-INF, 0.0], f)?, &[0.0, 1.0], 0.0);
    close(&gradient(&[INF, 0.0], f)?, &[1.0, 0.0], 0.0);
    assert_eq!(value(&[Tensor::from([-INF, -INF])], |x| f(x[0]))?.item::<f64>()?, -INF);
    Ok(())
}

#[test]
fn an_index_that_repeats_is_taken_twice() -> Result<()> {
    let g = gradient(&[1.0, 2.0, 3.0], |x| x.take(Var::constant([0i64, 0, 1]), 0).sum())?;
    close(&g, &[2.0, 1.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn of_updates_to_one_place_the_last_stands_and_has_the_derivative() -> Result<()> {
    let args = [Tensor::from([1.0, 2.0]), Tensor::from([5.0, 7.0])];
    let f = |x: &[Var]| {
        let set = x[0].scatter_set(Var::constant([0i64, 0]), x[1], 0);
        (set * Var::constant([10.0, 1.0])).sum()
    };
    assert_eq!(value(&args, f)?.item::<f64>()?, 72.0);
    let g = gradients(&args, f)?;
    close(&g[0].to_f64(), &[0.0, 1.0], 0.0);
    close(&g[1].to_f64(), &[0.0, 10.0], 0.0);
    Ok(())
}

#[test]
fn scatter_extremes_share_among_ties() -> Result<()> {
    let args = [Tensor::from([2.0, 0.0]), Tensor::from([2.0, 2.0, -1.0])];
    let g = gradients(&args, |x| x[0].scatter_max(Var::constant([0i64, 0, 1]), x[1], 0).sum())?;
    let third = 1.0 / 3.0;
    close(&g[0].to_f64(), &[third, 1.0], 1e-15);
    close(&g[1].to_f64(), &[third, third, 0.0], 1e-15);
    Ok(())
}

#[test]
fn scatter_mul_is_right_at_zeros() -> Result<()> {
    // x₀·u₀·u₂ + x₁·u₁ at x = (3, 5), u = (0, 2, 0).
    let args = [Tensor::from([3.0, 5.0]), Tensor::from([0.0, 2.0, 0.0])];
    let f = |x: &[Var]| x[0].scatter_mul(Var::constant([0i64, 1, 0]), x[1], 0).sum();
    assert_eq!(value(&args, f)?.item::<f64>()?, 10.0);
    let g = gradients(&args, f)?;
    close(&g[0].to_f64(), &[0.0, 2.0], 0.0);
    close(&g[1].to_f64(), &[0.0, 5.0, 0.0], 0.0);
    let h = hessian(&[0.0, 2.0, 0.0], |u| {
        Var::constant([3.0, 5.0]).scatter_mul(Var::constant([0i64, 1, 0]), u, 0).sum()
    })?;
    close(&h.concat(), &[0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn an_index_out_of_range_is_an_error_that_names_it() {
    let x = [Tensor::from([1.0, 2.0, 3.0]), Tensor::from([0i64, 3])];
    let names = |text: String| {
        assert!(text.contains("index 3 is out of range for axis 0 of length 3"), "{text}");
    };
    names(refusal(&x, |x| x[0].take(x[1], 0)));
    names(refusal(&x, |x| x[0].scatter_add(x[1], Var::constant([1.0, 1.0]), 0)));
    names(refusal(&x, |x| x[0].scatter_set(x[1], 1.0, 0)));
    names(refusal(&x, |x| x[0].scatter_max(x[1], 1.0, 0)));
    names(refusal(&x, |x| x[0].scatter_mul(x[1], 1.0, 0)));
    names(refusal(&x, |x| x[0].take_along_axis(x[1], 0)));
    names(refusal(&x, |x| x[0].dynamic_slice(&[x[1].at(1)], &[1])));
    names(refusal(&x, |x| x[0].dynamic_slice(&[x[1].at(1) - 1], &[2])));
    names(refusal(&x, |x| x[0].dynamic_update_slice(x[0].slice_axis(0, 0, 1), &[x[1].at(1)])));
    let negative = refusal(&[Tensor::from([0i64, -1])], |x| x[0].one_hot(3, DType::F64));
    assert!(negative.contains("index -1 is out of range"), "{negative}");
}

#[test]
fn sorting_is_stable_and_the_derivative_follows() -> Result<()> {
    let x = [2.0, 1.0, 2.0, 1.0];
    let at = [Tensor::from(x)];
    assert_eq!(value(&at, |x| x[0].argsort(0))?.as_slice::<i64>()?, &[1, 3, 0, 2]);
    let weights = [1.0, 10.0, 100.0, 1000.0];
    let g = gradient(&x, |x| (x.sort(0) * Var::constant(weights)).sum())?;
    close(&g, &[100.0, 1.0, 1000.0, 10.0], 0.0);
    let order = value(&[Tensor::from([NAN, 1.0, -INF, 0.0])], |x| x[0].argsort(0))?;
    assert_eq!(order.as_slice::<i64>()?, &[2, 3, 1, 0]);
    Ok(())
}

#[test]
fn of_ties_top_k_takes_the_first() -> Result<()> {
    let x = [1.0, 3.0, 3.0, 3.0];
    let at = [Tensor::from(x)];
    assert_eq!(value(&at, |x| x[0].top_k(2, 0).1)?.as_slice::<i64>()?, &[1, 2]);
    close(&gradient(&x, |x| x.top_k(2, 0).0.sum())?, &[0.0, 1.0, 1.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn argmax_is_the_first_and_nan_wins() -> Result<()> {
    let at = |x: [f64; 4]| value(&[Tensor::from(x)], |x| x[0].argmax(0))?.item::<i64>();
    assert_eq!(at([1.0, 3.0, 3.0, 2.0])?, 1);
    assert_eq!(at([1.0, NAN, INF, NAN])?, 1);
    let at = |x: [f64; 4]| value(&[Tensor::from(x)], |x| x[0].argmin(0))?.item::<i64>();
    assert_eq!(at([1.0, -3.0, -3.0, 2.0])?, 1);
    assert_eq!(at([1.0, -INF, NAN, 0.0])?, 2);
    Ok(())
}

#[test]
fn of_ties_in_a_window_max_pool_takes_the_first() -> Result<()> {
    let window = Window { size: vec![2, 2], ..Window::default() };
    let g = gradient(&[1.0, 5.0, 5.0, 5.0], |x| x.reshape([1, 1, 2, 2]).max_pool(&window).sum())?;
    close(&g, &[0.0, 1.0, 0.0, 0.0], 0.0);
    Ok(())
}

#[test]
fn reductions_of_nothing() -> Result<()> {
    let none = [Tensor::from(Vec::<f64>::new())];
    assert_eq!(value(&none, |x| x[0].sum())?.item::<f64>()?, 0.0);
    assert!(value(&none, |x| x[0].mean())?.item::<f64>()?.is_nan());
    assert_eq!(value(&none, |x| x[0].prod())?.item::<f64>()?, 1.0);
    assert!(value(&none, |x| x[0].var())?.item::<f64>()?.is_nan());
    assert_eq!(value(&none, |x| x[0].norm_p(3.0))?.item::<f64>()?, 0.0);
    assert_eq!(value(&none, |x| x[0].norm_p(INF))?.item::<f64>()?, 0.0);
    assert!(!value(&none, |x| x[0].gt(0.0).any())?.item::<bool>()?);
    assert!(value(&none, |x| x[0].gt(0.0).all())?.item::<bool>()?);
    for text in [
        refusal(&none, |x| x[0].max()),
        refusal(&none, |x| x[0].min()),
        refusal(&none, |x| x[0].argmax(0)),
        refusal(&none, |x| x[0].logsumexp()),
    ] {
        assert!(text.contains("no elements along ax"), "{text}");
    }
    Ok(())
}

#[test]
fn clip_is_a_maximum_then_a_minimum() -> Result<()> {
    close(&gradient(&[0.0, 1.0], |x| x.clip(0.0, 1.0).sum())?, &[0.5, 0.5], 0.0);
    Ok(())
}

#[test]
fn a_value_that_failed_brings_no_second_error() {
    let ty = Type::new(DType::F64, [3]);
    let error = trace(&[ty], |x| {
        let failed = x[0] + Var::constant([1.0, 2.0]);
        let more = failed.sort(5).prod_axes(&[7]).cumsum(3).tile(&[2, 2]).std();
        let (values, _) = more.top_k(3, 4);
        vec![Var::einsum("ij->ji", &[values]).split(&[1, 2], 0)[1]]
    });
    let text = error.map_or_else(|e| e.to_string(), |_| String::new());
    assert!(text.starts_with("add: shapes [3] and [2] differ"), "{text}");
}
