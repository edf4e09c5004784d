//! Gradients for other inner products and in spaces of matrices.

use crate::same;
use riesz::metric::{Blocks, Diagonal, Identity, Matrices, Matrix, Metric, Operators};
use riesz::prelude::*;

/// A function of a 3×3 matrix and a vector without any symmetry.
fn f((a, x): (Var, Var)) -> Var {
    let c = Var::constant([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 1.0, -1.0]]);
    (a * c).sum().sin() + x.dot(a.dot(a.dot(x)))
}

fn point() -> (Tensor, Tensor) {
    let a = Tensor::from([[0.2, 0.7, -0.3], [1.1, 0.4, 0.6], [-0.8, 0.1, 0.9]]);
    (a, Tensor::from([0.5, -1.0, 2.0]))
}

/// A symmetric positive definite matrix of n×n: B·Bᵀ + 1 with B of small whole numbers.
fn spd(n: usize) -> Var {
    let b = (0..n * n).map(|i| ((i * i + 3 * i) % 7) as f64 - 3.0).collect::<Vec<_>>();
    let b = Var::constant(Tensor::from(b)).reshape([n, n]);
    b.dot(b.t()) + Var::eye(DType::F64, n)
}

/// Checks Df(x)[v] = ⟨grad_in f, v⟩_M for a direction v of the space of the metric.
fn represents<M: Metric<(Var, Var)> + Clone>(metric: impl Fn() -> M) -> Result<()> {
    let (differential, inner, back) = run(
        |x: (Var, Var)| {
            let metric = metric();
            let g = grad_in(f, metric.clone())(x);
            let any = x.0.sin() + x.1.cos();
            // M⁻¹ of anything is in the space; so is its image under M and back.
            let v = metric.solve((any, x.1.exp()));
            let (_, df) = jvp(f, x, v);
            (df, metric.inner(&g, &v), zip_map(&metric.solve(metric.apply(v)), &v, |a, b| a - b))
        },
        &point(),
    )?;
    same(&inner, &differential, 1e-12);
    assert!(flatten(&back)?.to_f64().iter().all(|e| e.abs() < 1e-12), "{back:?}");
    Ok(())
}

#[test]
fn the_gradient_represents_the_differential_in_every_metric() -> Result<()> {
    represents(|| Identity)?;
    let weights =
        || (Var::iota(DType::F64, 9).reshape([3, 3]) + 1.0, Var::constant([2.0, 0.1, 5.0]));
    represents(|| Diagonal(weights()))?;
    represents(|| Matrix(spd(12)))?;
    represents(|| Blocks::of(Identity).and(Matrix(spd(3))))?;
    for space in
        [Matrices::Symmetric, Matrices::Skew, Matrices::Diagonal, Matrices::Lower, Matrices::Upper]
    {
        represents(|| Blocks::of(space).and(Diagonal(Var::constant(3.0).broadcast_to([3]))))?;
    }
    // ⟨U, V⟩ = tr(Uᵀ·P·V·Q) by its two solves, without the 9×9 matrix.
    represents(|| {
        let (p, q) = (spd(3), spd(3) + 2.0 * Var::eye(DType::F64, 3));
        Operators {
            apply: move |(v, x): (Var, Var)| (p.dot(v).dot(q), 4.0 * x),
            solve: move |(g, x): (Var, Var)| (p.solve(q.solve(g.t()).t()), 0.25 * x),
        }
    })
}

#[test]
fn a_space_of_matrices_has_its_own_gradient() -> Result<()> {
    let within = |space: Matrices| {
        run(|x: (Var, Var)| grad_in(f, Blocks::of(space).and(Identity))(x).0, &point())
    };
    let all = run(grad(f), &point())?.0.to_f64();
    let entry = |g: &Tensor, i: usize, j: usize| g.to_f64()[3 * i + j];
    for i in 0..3 {
        for j in 0..3 {
            let (g, t) = (all[3 * i + j], all[3 * j + i]);
            let on = |keep: bool| if keep { g } else { 0.0 };
            assert_eq!(entry(&within(Matrices::Symmetric)?, i, j), 0.5 * (g + t));
            assert_eq!(entry(&within(Matrices::Skew)?, i, j), 0.5 * (g - t));
            assert_eq!(entry(&within(Matrices::Diagonal)?, i, j), on(i == j));
            assert_eq!(entry(&within(Matrices::Lower)?, i, j), on(i >= j));
            assert_eq!(entry(&within(Matrices::Upper)?, i, j), on(i <= j));
        }
    }
    // log det S: among the symmetric matrices the gradient is S⁻¹.
    let s = Tensor::from([[2.0, 0.5], [0.5, 1.0]]);
    let g = run(|s: Var| grad_in(|s: Var| s.logdet(), Matrices::Symmetric)(s) - s.inverse(), &s)?;
    same(&g, &Tensor::from([[0.0, 0.0], [0.0, 0.0]]), 1e-15);
    Ok(())
}

/// Steps x ← x − step·g until ‖x‖ has shrunk by 10⁶; the minimum is 0.
fn steps(step: f64, start: &[f64], g: impl Fn(Var) -> Var) -> Result<usize> {
    let next = compile(|x: Var| x - step * g(x));
    let length = |x: &Tensor| x.to_f64().iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut x = Tensor::from(start);
    let goal = 1e-6 * length(&x);
    for count in 0..10_000 {
        if length(&x) <= goal {
            return Ok(count);
        }
        x = next.call(&x)?;
    }
    Err(Error::usage("no convergence"))
}

#[test]
fn descent_in_a_metric_is_preconditioned_descent() -> Result<()> {
    // ½·Σ λᵢxᵢ² with condition κ: with the best fixed step 2/(λ₁ + λₙ) the errors of the two extreme
    // coordinates shrink by (κ − 1)/(κ + 1) each time, and no error by less.
    let lambda = [1.0, 3.0, 10.0, 40.0, 200.0];
    let f = |x: Var| 0.5 * (Var::constant(lambda) * x.square()).sum();
    let start = [1.0, 0.0, 0.0, 0.0, 1.0];
    let expected =
        |kappa: f64| (1e-6f64.ln() / ((kappa - 1.0) / (kappa + 1.0)).ln()).ceil() as usize;
    assert_eq!(steps(2.0 / 201.0, &start, grad(f))?, expected(200.0));
    // In the metric of its own Hessian every start is one step from the minimum.
    let exact = |x: Var| grad_in(f, Matrix(Var::constant(lambda).diag()))(x);
    assert!(steps(1.0, &start, exact)? <= 1);
    // A diagonal metric that knows λ up to factors in [1, 2] leaves a condition of 2: ratio 1/3.
    let rough = [1.0, 2.0, 6.0, 35.0, 100.0];
    let descend = |x: Var| grad_in(f, Diagonal(Var::constant(rough)))(x);
    assert_eq!(steps(2.0 / 3.0, &start, descend)?, expected(2.0));
    Ok(())
}

#[test]
fn descent_in_a_metric_is_descent_in_other_coordinates() -> Result<()> {
    // With y = C·x for M = CᵀC, steps along the gradient in M are steps of y along its own gradient.
    let f = |x: Var| (x.square().sum() - x.at(0) * x.at(1) + x.at(2)).exp();
    let c = || Var::constant([[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [0.0, 0.0, 1.0]]);
    let (in_metric, in_coordinates) = run(
        |x: Var| {
            let x1 = x - 0.1 * grad_in(f, Matrix(c().t().dot(c())))(x);
            let y1 = c().dot(x) - 0.1 * grad(|y: Var| f(c().solve(y)))(c().dot(x));
            (x1, c().solve(y1))
        },
        &Tensor::from([0.3, -0.2, 0.1]),
    )?;
    same(&in_metric, &in_coordinates, 1e-14);
    Ok(())
}

#[test]
fn metrics_that_do_not_fit_are_errors() {
    let text = |result: Result<Tensor>| result.err().map(|e| e.to_string()).unwrap_or_default();
    let x = Tensor::from([1.0, 2.0]);
    let square = |x: Var| x.square().sum();
    let wrong = text(run(grad_in(square, Matrices::Symmetric), &x));
    assert!(wrong.contains("f64[2] is not a square matrix"), "{wrong}");
    let blocks = text(run(grad_in(square, Blocks::of(Identity).and(Identity)), &x));
    assert!(blocks.contains("2 blocks for a tree of 1 float leaves"), "{blocks}");
    let indefinite = |x: Var| grad_in(square, Matrix(Var::constant([[1.0, 2.0], [2.0, 1.0]])))(x);
    let indefinite = text(run(indefinite, &x));
    assert!(indefinite.contains("cholesky") && indefinite.contains("positive definite"));
    let size = |x: Var| grad_in(square, Matrix(Var::eye(DType::F64, 3)))(x);
    assert!(text(run(size, &x)).contains("metric.rs"));
}
