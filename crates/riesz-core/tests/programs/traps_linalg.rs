//! Cases where systems for differentiation disagree, with the answer that is chosen here: matrices,
//! special functions. Expected values are closed forms.

use riesz_core::{
    DType, ErrorKind, Result, Source, Tensor, Type, Var, eval, jvp, trace, transpose, unzip,
};
use std::f64::consts::PI;

type F<'a> = &'a dyn Fn(&[Var]) -> Var;

/// The gradient of a number by every argument.
fn gradients(args: &[Tensor], f: F) -> Result<Vec<Tensor>> {
    let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
    let program = trace(&types, |x| vec![f(x)])?;
    let halves = unzip(&jvp(&program, &vec![true; args.len()])?, args.len(), 1)?;
    let mut residuals = eval(&halves.primal, args)?.split_off(1);
    let backward = transpose(&halves.linear, residuals.len())?;
    residuals.push(Tensor::from(1.0));
    eval(&backward, &residuals)
}

fn gradient(a: impl Into<Tensor>, f: F) -> Result<Vec<f64>> {
    Ok(gradients(&[a.into()], f)?[0].to_f64())
}

/// The value and the first derivatives, up to `order`, of a function of a number.
fn derivatives(x: f64, order: usize, f: F) -> Result<Vec<f64>> {
    let mut program = trace(&[Type::scalar(DType::F64)], |x| vec![f(x)])?;
    let mut all = vec![eval(&program, &[Tensor::from(x)])?[0].item()?];
    for _ in 0..order {
        let forward = jvp(&program, &[true])?;
        program = trace(&[Type::scalar(DType::F64)], |x| {
            let one = Var::constant(1.0);
            riesz_core::inline(&forward, &[x[0], one])[1..].to_vec()
        })?;
        all.push(eval(&program, &[Tensor::from(x)])?[0].item()?);
    }
    Ok(all)
}

fn assert_near(got: &[f64], expected: &[f64], tolerance: f64) {
    let near =
        |(g, e): (&f64, &f64)| g == e || (g - e).abs() <= tolerance || (g.is_nan() && e.is_nan());
    assert_eq!(got.len(), expected.len());
    assert!(got.iter().zip(expected).all(near), "{got:?} is not {expected:?}");
}

#[test]
fn gradient_of_cholesky_is_the_symmetric_representative() -> Result<()> {
    let g = gradient([[4.0, 1.0], [1.0, 3.0]], &|a| a[0].cholesky().at(1).at(0))?;
    assert_near(&g, &[-0.0625, 0.25, 0.25, 0.0], 1e-16);
    Ok(())
}

#[test]
fn eigenvalues_at_the_identity() -> Result<()> {
    let one = [[1.0, 0.0], [0.0, 1.0]];
    let g = gradient(one, &|a| a[0].eigh().0.square().sum())?;
    assert_near(&g, &[2.0, 0.0, 0.0, 2.0], 0.0);
    let g = gradient(one, &|a| {
        let (w, v) = a[0].eigh();
        (v * w.expand_dims(0)).matmul(v.t()).trace()
    })?;
    assert_near(&g, &[1.0, 0.0, 0.0, 1.0], 0.0);
    Ok(())
}

#[test]
fn singular_values_at_the_zero_matrix() -> Result<()> {
    let zero = [[0.0, 0.0], [0.0, 0.0]];
    assert_near(&gradient(zero, &|a| a[0].svd().1.sum())?, &[0.0; 4], 0.0);
    // At rank 1: u·vᵀ of the one that is not 0, the subgradient of least norm.
    let g = gradient([[0.0, 2.0], [0.0, 0.0]], &|a| a[0].svd().1.sum())?;
    assert_near(&g, &[0.0, 1.0, 0.0, 0.0], 1e-15);
    Ok(())
}

#[test]
fn determinants_of_singular_matrices() -> Result<()> {
    let g = gradient([[1.0, 2.0], [2.0, 4.0]], &|a| a[0].det())?;
    assert_near(&g, &[4.0, -2.0, -2.0, 1.0], 1e-15);
    // 0, and a number in range, whatever the product of the first pivots is.
    let det = trace(&[Type::new(DType::F64, [4, 4])], |a| vec![a[0].det()])?;
    for (last, expected) in [(0.0, 0.0), (2f64.powi(-700), 2f64.powi(700))] {
        let pivots = [2f64.powi(700), 2f64.powi(700), last, 1.0];
        let a = (0..16).map(|i| if i % 5 == 0 { pivots[i / 5] } else { 0.0 }).collect();
        assert_eq!(eval(&det, &[Tensor::new(a, [4, 4])?])?[0], Tensor::from(expected));
    }
    // The Hessian of det at 0, where a·d − b·c is all there is.
    let square = Type::new(DType::F64, [2, 2]);
    let first = jvp(&trace(std::slice::from_ref(&square), |a| vec![a[0].det()])?, &[true])?;
    let second = jvp(&first, &[true, false])?;
    let zero = Tensor::zeros(&square);
    for (i, expected) in [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, -1.0, 0.0]].iter().enumerate() {
        let unit = |k: usize| -> Result<Tensor> {
            Tensor::new((0..4).map(|j| f64::from(u8::from(j == k))).collect(), [2, 2])
        };
        for (k, e) in expected.iter().enumerate() {
            let y = eval(&second, &[zero.clone(), unit(i)?, unit(k)?])?;
            assert_near(&y[y.len() - 1].to_f64(), &[*e], 1e-15);
        }
    }
    Ok(())
}

#[test]
fn inverse_of_a_singular_matrix_names_the_operation_and_the_line() -> Result<()> {
    let a = Tensor::from([[1.0, 2.0], [2.0, 4.0]]);
    let line = line!() + 1;
    let program = trace(&[a.ty()], |a| vec![a[0].inverse()])?;
    let error = eval(&program, &[a]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert_eq!(error.operation(), "inverse");
    assert!(error.message().contains("singular"), "{error}");
    assert!(matches!(error.source(), Source::Rust(place) if place.line() == line), "{error}");
    Ok(())
}

#[test]
fn sinc_at_zero_to_the_sixth_derivative() -> Result<()> {
    let d = derivatives(0.0, 6, &|x| x[0].sinc())?;
    let expected = [1.0, 0.0, -PI.powi(2) / 3.0, 0.0, PI.powi(4) / 5.0, 0.0, -PI.powi(6) / 7.0];
    assert_near(&d, &expected, 1e-12);
    assert_eq!(d[2], -PI * PI / 3.0);
    Ok(())
}

#[test]
fn x_log_y_at_the_origin() -> Result<()> {
    let at = |x: f64, y: f64| -> Result<Vec<f64>> {
        let g = gradients(&[Tensor::from(x), Tensor::from(y)], &|v| v[0].xlogy(v[1]))?;
        Ok(vec![g[0].item()?, g[1].item()?])
    };
    assert_near(&at(0.0, 0.0)?, &[f64::NEG_INFINITY, 0.0], 0.0);
    assert_near(&at(0.0, 2.0)?, &[2f64.ln(), 0.0], 0.0);
    assert_near(&at(3.0, 2.0)?, &[2f64.ln(), 1.5], 0.0);
    // The mixed second derivative 1/y, at x = 0 too.
    let number = Type::scalar(DType::F64);
    let program = trace(&[number.clone(), number], |v| vec![v[0].xlogy(v[1])])?;
    let twice = jvp(&jvp(&program, &[true, false])?, &[false, true, false])?;
    let y = eval(&twice, &[0.0, 4.0, 1.0, 1.0].map(Tensor::from))?;
    assert_eq!(y[3].item::<f64>()?, 0.25);
    Ok(())
}

#[test]
fn log_add_exp_of_infinities() -> Result<()> {
    let inf = f64::INFINITY;
    for (x, y, expected) in [
        (1000.0, 1000.0, [0.5, 0.5]),
        (-inf, -inf, [f64::NAN, f64::NAN]),
        (-inf, 0.0, [0.0, 1.0]),
        (inf, 0.0, [1.0, 0.0]),
    ] {
        let g = gradients(&[Tensor::from(x), Tensor::from(y)], &|v| v[0].logaddexp(v[1]))?;
        assert_near(&[g[0].item()?, g[1].item()?], &expected, 0.0);
    }
    Ok(())
}

#[test]
fn activations_to_the_last_digits() -> Result<()> {
    // softplus′ = sigmoid: 1/(1 + e⁻²⁵) = 1 − 1.388794386477e−11.
    let d = derivatives(25.0, 1, &|x| x[0].softplus())?;
    assert!(((1.0 - d[1]) / 1.388_794_386_477_114_5e-11 - 1.0).abs() < 1e-5);
    // gelu(1) = Φ(1) and gelu′(1) = Φ(1) + φ(1).
    let d = derivatives(1.0, 1, &|x| x[0].gelu())?;
    assert_near(&d, &[0.841_344_746_068_542_9, 1.083_315_470_587_686_4], 1e-15);
    // In the left tail, where a formula with 1 + erf loses every digit: −10·Φ(−10).
    let d = derivatives(-10.0, 0, &|x| x[0].gelu())?;
    assert!((d[0] / -7.619_853_024_160_526e-23 - 1.0).abs() < 1e-14, "{d:?}");
    Ok(())
}

#[test]
fn derivatives_of_the_gamma_family_and_of_erfinv() -> Result<()> {
    // log Γ at 1: −γ, ζ(2), −2ζ(3), 6ζ(4).
    let d = derivatives(1.0, 4, &|x| x[0].lgamma())?;
    let zeta3 = 1.202_056_903_159_594_2;
    let expected = [0.0, -0.577_215_664_901_532_9, PI * PI / 6.0, -2.0 * zeta3, PI.powi(4) / 15.0];
    assert_near(&d, &expected, 2e-15);
    // erfinv at 0: √π/2, 0, √π³/4.
    let d = derivatives(0.0, 3, &|x| x[0].erfinv())?;
    assert_near(&d, &[0.0, PI.sqrt() / 2.0, 0.0, PI.powf(1.5) / 4.0], 1e-15);
    assert_eq!(derivatives(1.0, 1, &|x| x[0].erfinv())?, [f64::INFINITY; 2]);
    Ok(())
}
