//! Factorisations: backward stability, gradients through compositions, batches, degenerate spectra.

use riesz_core::check::{check_program, direction};
use riesz_core::primitive::TriangularSolve;
use riesz_core::{DType, Result, Tensor, Type, Var, eval, jvp, trace, transpose, unzip};

const EPS: f64 = f64::EPSILON;

/// A random matrix, reproducible, of any shape.
fn matrix(shape: &[usize], seed: u64) -> Result<Tensor> {
    direction(&Type::new(DType::F64, shape), seed)
}

fn run(args: &[Tensor], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<Vec<Tensor>> {
    let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
    eval(&trace(&types, f)?, args)
}

/// The gradient of a number by its first argument.
fn gradient(a: &Tensor, f: impl FnOnce(Var) -> Var) -> Result<Tensor> {
    let program = trace(&[a.ty()], |x| vec![f(x[0])])?;
    let halves = unzip(&jvp(&program, &[true])?, 1, 1)?;
    let residuals = eval(&halves.primal, std::slice::from_ref(a))?.split_off(1);
    let mut args = residuals.clone();
    args.push(Tensor::from(1.0));
    Ok(eval(&transpose(&halves.linear, residuals.len())?, &args)?.swap_remove(0))
}

fn assert_near(got: &Tensor, expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.to_f64().iter().zip(expected) {
        assert!((g - e).abs() <= tolerance, "{got} is not {expected:?}");
    }
}

fn norm(x: Var) -> Var {
    x.square().sum().sqrt()
}

/// ‖QᵀQ − I‖, in the Frobenius norm.
fn departure(q: Var) -> Var {
    let k = q.shape()[1];
    norm(q.t().matmul(q) - Var::eye(DType::F64, k))
}

#[test]
fn factorisations_are_backward_stable() -> Result<()> {
    for (m, n) in [(1, 1), (2, 2), (5, 5), (20, 20), (40, 40), (30, 7), (7, 30), (12, 1)] {
        for seed in 0..4 {
            for scale in [1.0, 1e150, 1e-150] {
                let a = matrix(&[m, n], 17 * seed + 1)?;
                let values: Vec<f64> = a.to_f64().iter().map(|v| scale * v).collect();
                let a = Tensor::new(values, [m, n])?;
                let residuals = run(&[a], |x| {
                    let a = x[0];
                    let size = norm(a / scale);
                    let relative = |residual: Var| norm(residual / scale) / size;
                    let (q, r) = a.qr();
                    let (p, l, u) = a.lu();
                    let (us, s, vt) = a.svd();
                    vec![
                        relative(a - q.matmul(r)),
                        departure(q),
                        relative(a - p.matmul(l).matmul(u)),
                        relative(a - (us * s.expand_dims(0)).matmul(vt)),
                        departure(us),
                        departure(vt.t()),
                    ]
                })?;
                for (i, r) in residuals.iter().enumerate() {
                    let r: f64 = r.item()?;
                    assert!(
                        r <= 10.0 * m.max(n) as f64 * EPS,
                        "{m}×{n}·{scale:e}, part {i}: {r:e}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn symmetric_factorisations_are_backward_stable() -> Result<()> {
    for n in [1, 2, 5, 20, 40] {
        for seed in 0..4 {
            let residuals = run(&[matrix(&[n, n], 31 * seed + 5)?], |x| {
                let s = 0.5 * (x[0] + x[0].t());
                let (w, v) = s.eigh();
                let positive = x[0].matmul(x[0].t()) + 0.01 * Var::eye(DType::F64, n);
                let l = positive.cholesky();
                let b = x[0];
                let y = l.triangular_solve(b, TriangularSolve::LOWER);
                vec![
                    norm(s - (v * w.expand_dims(0)).matmul(v.t())) / norm(s),
                    departure(v),
                    norm(positive - l.matmul(l.t())) / norm(positive),
                    norm(l.matmul(y) - b) / (norm(l) * norm(y)),
                ]
            })?;
            for (i, r) in residuals.iter().enumerate() {
                let r: f64 = r.item()?;
                assert!(r <= 10.0 * n as f64 * EPS, "{n}, part {i}: {r:e}");
            }
        }
    }
    Ok(())
}

#[test]
fn factors_of_matrices_without_full_rank_are_still_orthonormal() -> Result<()> {
    let zero = Tensor::new(vec![0.0; 12], [4, 3])?;
    let twice = Tensor::new(vec![1.0, 2.0, 2.0, 4.0, 3.0, 6.0, 0.0, 0.0], [4, 2])?;
    for a in [zero, twice] {
        let errors = run(&[a], |x| {
            let (q, r) = x[0].qr();
            let (u, s, vt) = x[0].svd();
            let back = norm(x[0] - q.matmul(r)) + norm(x[0] - (u * s.expand_dims(0)).matmul(vt));
            vec![departure(q) + departure(u) + departure(vt.t()) + back]
        })?;
        assert!(errors[0].item::<f64>()? < 1e-14, "{errors:?}");
    }
    Ok(())
}

#[test]
fn gradients_pass_through_compositions() -> Result<()> {
    let a = Tensor::from([[4.0, 1.2, -0.3], [0.4, 3.0, 0.5], [-0.7, 0.2, 2.0]]);
    let tall = matrix(&[5, 3], 3)?;
    let b = matrix(&[3], 8)?;
    type F = fn(&[Var]) -> Vec<Var>;
    let square: [(&str, F); 9] = [
        ("solve by cholesky", |x| {
            let l = x[0].cholesky();
            let y = l.triangular_solve(x[1], TriangularSolve::LOWER);
            let transposed = TriangularSolve { transposed: true, ..TriangularSolve::LOWER };
            vec![l.triangular_solve(y, transposed)]
        }),
        ("logdet by cholesky", |x| vec![2.0 * x[0].cholesky().diagonal().log().sum()]),
        ("solve by qr", |x| {
            let (q, r) = x[0].qr();
            vec![r.triangular_solve(q.t().dot(x[1]), TriangularSolve::UPPER)]
        }),
        ("product of lu", |x| {
            let (p, l, u) = x[0].lu();
            vec![p.matmul(l).matmul(u), l.dot(x[1])]
        }),
        ("nuclear norm and polar factor", |x| {
            let (u, s, vt) = x[0].svd();
            vec![s.sum(), u.matmul(vt).dot(x[1])]
        }),
        ("exp of a spectrum", |x| {
            let (w, v) = x[0].eigh();
            vec![(v * w.exp().expand_dims(0)).matmul(v.t()).dot(x[1])]
        }),
        ("expm", |x| vec![(0.7 * x[0]).expm().dot(x[1])]),
        ("pinv", |x| vec![x[0].pinv().dot(x[1])]),
        ("cond", |x| vec![x[0].cond()]),
    ];
    for (name, f) in square {
        let program = trace(&[a.ty(), b.ty()], f)?;
        let at = [a.clone(), b.clone()];
        let errors = check_program(&program, &at, &[true, true], 5)?;
        assert!(errors.differential < 1e-7, "{name}: {errors:?}");
        assert!(errors.transpose < 1e-12, "{name}: {errors:?}");
        let mut with = at.to_vec();
        with.extend([matrix(&[3, 3], 21)?, matrix(&[3], 22)?]);
        let errors = check_program(&jvp(&program, &[true, true])?, &with, &[true; 4], 5)?;
        assert!(errors.differential < 1e-6, "{name}, second: {errors:?}");
        assert!(errors.transpose < 1e-12, "{name}, second: {errors:?}");
    }
    let program = trace(&[tall.ty(), Type::new(DType::F64, [5])], |x| vec![x[0].lstsq(x[1])])?;
    let at = [tall, matrix(&[5], 9)?];
    let second = jvp(&program, &[true, true])?;
    assert!(check_program(&program, &at, &[true, true], 5)?.differential < 1e-7);
    let mut with = at.to_vec();
    with.extend([matrix(&[5, 3], 21)?, matrix(&[5], 22)?]);
    let errors = check_program(&second, &with, &[true; 4], 5)?;
    assert!(errors.differential < 1e-6 && errors.transpose < 1e-12, "{errors:?}");
    Ok(())
}

#[test]
fn expm_agrees_with_closed_forms_at_every_scale() -> Result<()> {
    for t in [0.0, 1e-9, 0.5, 3.0, 20.0, 300.0] {
        let f = |x: &[Var]| vec![x[0].expm()];
        // A rotation by t, and a nilpotent matrix.
        let turned = run(&[Tensor::from([[0.0, -t], [t, 0.0]])], f)?;
        let (s, c) = f64::sin_cos(t);
        assert_near(&turned[0], &[c, -s, s, c], 1e-15 * t.max(10.0));
        let sheared = run(&[Tensor::from([[0.0, t, 0.0], [0.0, 0.0, t], [0.0, 0.0, 0.0]])], f)?;
        let half = t * t / 2.0;
        let expected = [1.0, t, half, 0.0, 1.0, t, 0.0, 0.0, 1.0];
        assert_near(&sheared[0], &expected, 1e-15 * half.max(1.0));
    }
    let huge = run(&[Tensor::from([[1e9, 0.0], [0.0, 1.0]])], |x| vec![x[0].expm()])?;
    assert!(huge[0].to_f64().iter().all(|v| v.is_nan()));
    Ok(())
}

/// The Fréchet derivative is the upper right block of exp [[A, E], [0, A]] (Mathias 1996).
#[test]
fn the_frechet_derivative_of_expm_is_a_block_of_a_larger_one() -> Result<()> {
    for scale in [0.1, 1.0, 10.0] {
        let (a, e) = (matrix(&[3, 3], 4)?, matrix(&[3, 3], 6)?);
        let program = trace(&[a.ty()], |x| vec![(scale * x[0]).expm()])?;
        let by_rule = eval(&jvp(&program, &[true])?, &[a.clone(), e.clone()])?;
        let by_block = run(&[a, e], |x| {
            let (a, e) = (scale * x[0], scale * x[1]);
            let upper = Var::concat(&[a, e], 1);
            let lower = Var::concat(&[a.zeros_like(), a], 1);
            let whole = Var::concat(&[upper, lower], 0).expm();
            vec![whole.slice_axis(0, 0, 3).slice_axis(1, 3, 6)]
        })?;
        let size = by_block[0].to_f64().iter().fold(1.0f64, |m, v| m.max(v.abs()));
        assert_near(&by_rule[1], &by_block[0].to_f64(), 1e-13 * size);
    }
    Ok(())
}

/// The gradient of an invariant of a tied spectrum, where a formula with 1/(wⱼ − wᵢ) gives NaN.
#[test]
fn invariants_of_degenerate_spectra_have_exact_gradients() -> Result<()> {
    let one = Tensor::from([[1.0, 0.0], [0.0, 1.0]]);
    let g = gradient(&one, |a| a.eigh().0.square().sum())?;
    assert_near(&g, &[2.0, 0.0, 0.0, 2.0], 0.0);
    let g = gradient(&one, |a| {
        let (w, v) = a.eigh();
        (v * w.expand_dims(0)).matmul(v.t()).trace()
    })?;
    assert_near(&g, &[1.0, 0.0, 0.0, 1.0], 0.0);

    // Eigenvalues 1, 1, 4 in a basis that is not that of the coordinates: A = I + 3·u·uᵀ.
    let u = [2.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0];
    let a: Vec<f64> =
        (0..9).map(|k| 3.0 * u[k / 3] * u[k % 3] + f64::from(u8::from(k / 3 == k % 3))).collect();
    let a = Tensor::new(a, [3, 3])?;
    let inverse = gradient(&a, |a| a.eigh().0.log().sum())?;
    let expected: Vec<f64> =
        (0..9).map(|k| f64::from(u8::from(k / 3 == k % 3)) - 0.75 * u[k / 3] * u[k % 3]).collect();
    assert_near(&inverse, &expected, 1e-14);

    // The projector on the tied space is P = I − u·uᵀ, so d(cᵀPc) = −2(c·u)·cᵀdu, and u, whose
    // eigenvalue is 3 above the others, has du = P·dA·u/3. The gradient is the symmetric part.
    let c = [1.0, 2.0, -1.0];
    let cu: f64 = c.iter().zip(u).map(|(c, u)| c * u).sum();
    let along: Vec<f64> = (0..3).map(|i| c[i] - cu * u[i]).collect();
    let expected: Vec<f64> =
        (0..9).map(|k| -cu / 3.0 * (along[k / 3] * u[k % 3] + along[k % 3] * u[k / 3])).collect();
    let g = gradient(&a, |a| {
        let space = a.eigh().1.slice_axis(1, 0, 2);
        let seen = space.t().dot(Var::constant(c));
        seen.dot(seen)
    })?;
    assert_near(&g, &expected, 1e-13);
    Ok(())
}

#[test]
fn the_polar_factor_and_the_inverse_have_derivatives_at_the_identity() -> Result<()> {
    let one = Tensor::from([[1.0, 0.0], [0.0, 1.0]]);
    let e = Tensor::from([[0.3, 0.7], [-0.2, 0.5]]);
    let polar = trace(&[one.ty()], |x| {
        let (u, _, vt) = x[0].svd();
        vec![u.matmul(vt)]
    })?;
    // The polar factor of I + tE turns by the antisymmetric part of E.
    let y = eval(&jvp(&polar, &[true])?, &[one.clone(), e.clone()])?;
    assert_near(&y[1], &[0.0, 0.45, -0.45, 0.0], 1e-15);
    let inverse = trace(&[one.ty()], |x| vec![x[0].pinv()])?;
    let y = eval(&jvp(&inverse, &[true])?, &[one, e])?;
    assert_near(&y[1], &[-0.3, -0.7, 0.2, -0.5], 1e-15);
    Ok(())
}

#[test]
fn least_squares_of_any_shape_and_rank() -> Result<()> {
    // Of rank 1: the shortest of the minimisers, by hand.
    let a = Tensor::from([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]);
    let b = Tensor::from([1.0, 3.0, 5.0]);
    let x = run(&[a, b], |x| vec![x[0].lstsq(x[1])])?;
    assert_near(&x[0], &[1.0, 1.0], 1e-14);
    let wide = Tensor::from([[3.0, 4.0]]);
    let x = run(&[wide, Tensor::from([25.0])], |x| vec![x[0].lstsq(x[1])])?;
    assert_near(&x[0], &[3.0, 4.0], 1e-14);
    Ok(())
}

#[test]
fn errors_name_the_reason() -> Result<()> {
    let not_positive = Tensor::from([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let error = run(&[not_positive], |x| vec![x[0].cholesky()]).map(|_| ()).unwrap_err();
    assert_eq!(error.operation(), "cholesky");
    assert_eq!(
        error.message(),
        "the 3×3 matrix is not positive definite: its leading minor of order 2 is not positive"
    );
    let triangle = Tensor::from([[1.0, 0.0], [1.0, 0.0]]);
    let error = run(&[triangle], |x| vec![x[0].triangular_solve(x[0], TriangularSolve::LOWER)])
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        error.message(),
        "the 2×2 triangular matrix is singular: its diagonal is 0 in row 1"
    );
    let error = trace(&[Type::new(DType::F64, [2, 3])], |x| vec![x[0].expm()]).unwrap_err();
    assert!(
        error.to_string().starts_with("expm: needs a square matrix, not one of 2×3"),
        "{error}"
    );
    Ok(())
}

#[test]
fn the_laws_are_checked_near_the_end_of_a_domain() {
    // The smaller eigenvalue is 10⁻³: the first steps leave the positive definite matrices, shorter ones
    // do not.
    let a = Tensor::from([[1.0, 0.999], [0.999, 1.0]]);
    let program = trace(&[a.ty()], |x| vec![x[0].cholesky()]).unwrap();
    let errors = check_program(&program, &[a], &[true], 3).unwrap();
    assert!(errors.differential < 1e-6 && errors.transpose < 1e-12, "{errors:?}");
    // Outside, none of the steps has a value.
    let indefinite = Tensor::from([[1.0, 2.0], [2.0, 1.0]]);
    assert!(check_program(&program, &[indefinite], &[true], 3).is_err());
}
