//! Implicit differentiation: solutions of equations, fixed points, linear systems, minimisers.

use crate::{at, close, derivatives, same};
use riesz::prelude::*;
use riesz::solvers::{conjugate_gradients, dense, gmres, newton};

#[test]
fn the_root_of_a_cubic() {
    // x³ + x = a: at a = 10, x = 2; with f′ = 3x² + 1 = 13 and f″ = 6x, f‴ = 6,
    // x′ = 1/f′, x″ = −f″/f′³, x‴ = (3f″² − f‴f′)/f′⁵.
    let f = |a: Var| root(|x: Var| x.powi(3) + x - a, newton)(a);
    let d: f64 = 13.0;
    let third = (3.0 * 144.0 - 6.0 * d) / d.powi(5);
    derivatives(&f, 10.0, [2.0, 1.0 / d, -12.0 / d.powi(3), third], 1e-13);
}

#[test]
fn a_solver_of_ones_own_is_not_differentiated() -> Result<()> {
    // Bisection has no derivative at all: it only ever compares.
    let bisect = |f: &dyn Fn(Var) -> Var, x: Var| {
        let (low, high) = (x.zeros_like(), 10.0 * x.ones_like());
        let halve = |_: Var, (low, high): (Var, Var)| {
            let middle = 0.5 * (low + high);
            let above = f(middle).gt(0.0);
            (Var::select(above, low, middle), Var::select(above, middle, high))
        };
        fori(60, halve, (low, high)).0
    };
    let f = |a: Var| root(|x: Var| x.exp() - a, bisect)(a.ones_like());
    close(at(f, 5.0)?, 5f64.ln(), 1e-14);
    close(at(grad(f), 5.0)?, 0.2, 1e-14);
    close(at(grad(grad(f)), 5.0)?, -0.04, 1e-13);
    close(at(|a| jvp(f, a, a).1, 5.0)?, 1.0, 1e-14);
    Ok(())
}

#[test]
fn equations_over_trees() -> Result<()> {
    // x·y = a, x + y = b with x the smaller: x = (b − √(b² − 4a))/2.
    let f = |(a, b): (Var, Var)| {
        let equations = |(x, y): (Var, Var)| (x * y - a, x + y - b);
        root(equations, newton)((0.0 * a, b)).0
    };
    let args = (Tensor::from(3.0), Tensor::from(4.0));
    let (by_a, by_b) = run(grad(f), &args)?;
    // √(b² − 4a) = 2: dx/da = 1/√, dx/db = (1 − b/√)/2.
    close(by_a.item()?, 0.5, 1e-14);
    close(by_b.item()?, -0.5, 1e-14);
    let h = run(|(a, b): (Var, Var)| hessian(|a: Var| f((a, b)))(a), &args)?;
    // d²x/da² = 2·(b² − 4a)^(−3/2).
    close(h.item()?, 0.25, 1e-13);
    Ok(())
}

#[test]
fn instances_of_roots() -> Result<()> {
    let f = |a: Var| root(|x: Var| x.square() - a, newton)(a);
    let a = Tensor::from([4.0, 9.0, 2.0, 100.0]);
    same(&run(vmap(f), &a)?, &Tensor::from([2.0, 3.0, 2f64.sqrt(), 10.0]), 1e-15);
    let slopes = Tensor::from([0.25, 1.0 / 6.0, 0.5 / 2f64.sqrt(), 0.05]);
    same(&run(vmap(grad(f)), &a)?, &slopes, 1e-15);
    same(&run(grad(|a: Var| vmap(f)(a).sum()), &a)?, &slopes, 1e-15);
    Ok(())
}

#[test]
fn a_fixed_point_of_a_contraction() -> Result<()> {
    // x = tanh(W·x + b): with D = diag(1 − x²), dx = (1 − D·W)⁻¹·D·db.
    let w = [[0.3, -0.4], [0.2, 0.5]];
    let f = |b: Var| {
        let w = Var::constant(w);
        fixed_point(|x: Var| (w.dot(x) + b).tanh())(b.zeros_like())
    };
    let b = Tensor::from([0.7, -0.2]);
    let x = run(f, &b)?.to_f64();
    for i in 0..2 {
        let z: f64 = w[i][0] * x[0] + w[i][1] * x[1] + [0.7, -0.2][i];
        close(x[i], z.tanh(), 1e-15);
    }
    let d = [1.0 - x[0] * x[0], 1.0 - x[1] * x[1]];
    let m = [[1.0 - d[0] * w[0][0], -d[0] * w[0][1]], [-d[1] * w[1][0], 1.0 - d[1] * w[1][1]]];
    let det = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    let expected = Tensor::from([
        [m[1][1] * d[0] / det, -m[0][1] * d[1] / det],
        [-m[1][0] * d[0] / det, m[0][0] * d[1] / det],
    ]);
    same(&run(jacobian_by(f, Mode::Forward), &b)?, &expected, 1e-14);
    same(&run(jacobian_by(f, Mode::Reverse), &b)?, &expected, 1e-14);
    Ok(())
}

#[test]
fn linear_systems_by_every_solver() -> Result<()> {
    // (A + λ·1)·x = b: dx = −(A + λ)⁻¹·x·dλ.
    let a = [[4.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 5.0]];
    let direct = |(lambda, b): (Var, Var)| {
        let m = Var::constant(a) + lambda * Var::eye(DType::F64, 3);
        m.inverse().dot(b).powi(3).sum()
    };
    let args = (Tensor::from(0.3), Tensor::from([1.0, -2.0, 0.7]));
    type Solver = fn(&dyn Fn(Var) -> Var, Var) -> Var;
    let solvers: [Solver; 3] = [dense, conjugate_gradients, gmres];
    for solver in solvers {
        let f = |(lambda, b): (Var, Var)| {
            let product = |x: Var| Var::constant(a).dot(x) + lambda * x;
            linear_solve(product, b, solver).powi(3).sum()
        };
        let (value, slopes) = run(value_and_grad(f), &args)?;
        let (expected, by) = run(value_and_grad(direct), &args)?;
        same(&value, &expected, 1e-13);
        same(&slopes.0, &by.0, 1e-12);
        same(&slopes.1, &by.1, 1e-12);
        let second = |f: &dyn Fn((Var, Var)) -> Var, (lambda, b): (Var, Var)| {
            grad(|lambda: Var| grad(|b: Var| f((lambda, b)))(b).square().sum())(lambda)
        };
        same(&run(|x| second(&f, x), &args)?, &run(|x| second(&direct, x), &args)?, 1e-11);
    }
    Ok(())
}

#[test]
fn a_system_that_is_not_symmetric_is_transposed() -> Result<()> {
    // Reverse mode solves with Aᵀ: the cotangent of b is A⁻ᵀ·w.
    let a = [[2.0, 1.0], [0.0, 4.0]];
    let w = [3.0, 5.0];
    type Solver = fn(&dyn Fn(Var) -> Var, Var) -> Var;
    let solvers: [Solver; 2] = [dense, gmres];
    for solver in solvers {
        let f = |b: Var| {
            let x = linear_solve(|x: Var| Var::constant(a).dot(x), b, solver);
            x.dot(Var::constant(w))
        };
        // Aᵀ·y = w: 2·y₀ = 3, y₀ + 4·y₁ = 5.
        let y = run(grad(f), &Tensor::from([1.0, 1.0]))?;
        same(&y, &Tensor::from([1.5, 0.875]), 1e-14);
    }
    Ok(())
}

#[test]
fn large_systems_by_products_alone() -> Result<()> {
    // −u″ = f on 1500 points: symmetric, positive definite, and the solution of f = 1 is a parabola.
    let n = 1500;
    let product = |u: Var| {
        let left = u.slice_axis(0, 0, n - 1).pad_axis(0, 1, 0);
        let right = u.slice_axis(0, 1, n).pad_axis(0, 0, 1);
        2.0 * u - left - right
    };
    let f = |b: Var| linear_solve(product, b, conjugate_gradients).sum();
    let ones = Tensor::full(1.0, [n]);
    let (value, slopes) = run(value_and_grad(f), &ones)?;
    // uᵢ = i·(n + 1 − i)/2, and the gradient of Σu is the same parabola.
    let u: Vec<f64> = (1..=n).map(|i| (i * (n + 1 - i)) as f64 / 2.0).collect();
    close(value.item::<f64>()?, u.iter().sum(), 1e-9);
    same(&slopes, &Tensor::from(u), 1e-8);
    Ok(())
}

#[test]
fn what_is_not_a_system_says_so() {
    let says = |result: Result<f64>, parts: &[&str]| {
        let text = result.err().map_or_else(|| "no error".to_string(), |e| e.to_string());
        for part in parts.iter().chain(&["implicit.rs:"]) {
            assert!(text.contains(part), "{text:?} does not say {part:?}");
        }
    };
    says(at(|b| linear_solve(|x: Var| x * x, b, dense), 1.0), &["not linear", "A·x"]);
    says(at(|b| linear_solve(|x: Var| x + 1.0, b, dense), 1.0), &["not linear"]);
    let affine = |b: Var| linear_solve(|x: Var| x + b, b, dense);
    says(at(affine, 1.0), &["not linear"]);
    let twice = |x: Var| x.broadcast_to([2]);
    says(at(|b| linear_solve(twice, b, dense), 1.0), &["f64[2]", "f64[]"]);
    says(at(|b| root(twice, newton)(b), 1.0), &["root", "f64[2]", "f64[]"]);
    let whole = |x: Var| root(|n: Var| n, |_: &dyn Fn(Var) -> Var, n| n)(x.cast(DType::I64));
    says(at(|x| whole(x).cast(DType::F64), 1.0), &["root", "i64"]);
    let singular = |a: Var| root(|x: Var| 0.0 * x + a, |_: &dyn Fn(Var) -> Var, x| x)(a);
    says(at(grad(singular), 1.0), &["singular"]);
}

/// Data of a regression, for ridge: rows of X and y.
fn regression() -> Result<(Tensor, Tensor)> {
    let x: Vec<f64> = (0..24).map(|i| (f64::from(i) * 1.7).sin()).collect();
    let y: Vec<f64> = (0..8).map(|i| (f64::from(i) * 0.9).cos()).collect();
    Ok((Tensor::new(x, [8, 3])?, Tensor::from(y)))
}

#[test]
fn the_hyper_gradient_of_ridge_regression() -> Result<()> {
    // w(λ) = (XᵀX + λ)⁻¹·Xᵀy, and the loss on the last four rows after a fit to the first four.
    let (x, y) = regression()?;
    let loss = |w: Var| {
        let (x, y) = (Var::constant(x.clone()), Var::constant(y.clone()));
        (x.slice_axis(0, 4, 8).dot(w) - y.slice_axis(0, 4, 8)).square().sum()
    };
    let fit = |lambda: Var| {
        let (x, y) = (Var::constant(x.clone()), Var::constant(y.clone()));
        let (x, y) = (x.slice_axis(0, 0, 4), y.slice_axis(0, 0, 4));
        argmin(|w: Var| (x.dot(w) - y).square().sum() + lambda * w.dot(w))(Var::constant([0.0; 3]))
    };
    let closed = |lambda: Var| {
        let (x, y) = (Var::constant(x.clone()), Var::constant(y.clone()));
        let (x, y) = (x.slice_axis(0, 0, 4), y.slice_axis(0, 0, 4));
        let gram = x.t().dot(x) + lambda * Var::eye(DType::F64, 3);
        gram.inverse().dot(x.t().dot(y))
    };
    for lambda in [0.05, 0.5, 3.0] {
        let (value, slope) = run(value_and_grad(|l: Var| loss(fit(l))), &Tensor::from(lambda))?;
        let (expected, by) = run(value_and_grad(|l: Var| loss(closed(l))), &Tensor::from(lambda))?;
        same(&value, &expected, 1e-12);
        same(&slope, &by, 1e-11);
        close(at(|l| jvp(|l: Var| loss(fit(l)), l, l.ones_like()).1, lambda)?, by.item()?, 1e-11);
        close(
            at(grad(grad(|l: Var| loss(fit(l)))), lambda)?,
            at(grad(grad(|l: Var| loss(closed(l)))), lambda)?,
            1e-10,
        );
    }
    Ok(())
}

#[test]
fn minimisers_of_functions_that_are_not_quadratic() -> Result<()> {
    // a·cosh(x) − x: sinh x = 1/a, so x = asinh(1/a).
    let f = |a: Var| argmin(|x: Var| a * x.cosh() - x)(a.zeros_like());
    let a: f64 = 0.8;
    let expected = [(1.0 / a).asinh(), -1.0 / (a * (a * a + 1.0).sqrt())];
    close(at(f, a)?, expected[0], 1e-12);
    close(at(grad(f), a)?, expected[1], 1e-12);
    // d²/da² = (2a² + 1)/(a²·(a² + 1)^{3/2}).
    close(at(grad(grad(f)), a)?, (2.0 * a * a + 1.0) / (a * a * (a * a + 1.0).powf(1.5)), 1e-11);
    // Rosenbrock's valley with its bottom at (a, a²): from a start where the Hessian is indefinite.
    let valley = |a: Var| {
        let banana = |(x, y): (Var, Var)| 100.0 * (y - x.square()).square() + (a - x).square();
        argmin(banana)((Var::constant(-1.2), Var::constant(3.0)))
    };
    let (x, y) = run(valley, &Tensor::from(1.1))?;
    close(x.item()?, 1.1, 1e-10);
    close(y.item()?, 1.21, 1e-10);
    close(at(grad(|a| valley(a).1), 1.1)?, 2.2, 1e-9);
    Ok(())
}

#[test]
fn minimisers_of_many_variables() -> Result<()> {
    // Σ cosh(xᵢ − a·i/n) + coupling: without coupling xᵢ = a·i/n. With 200 variables L-BFGS is used.
    let n = 200;
    let f = |a: Var| {
        let targets = Var::iota(DType::F64, n) * (1.0 / n as f64) * a;
        let x = argmin(|x: Var| ((x - targets).cosh() + 0.05 * (x - targets).square()).sum())(
            Var::zeros(&riesz_core::Type::new(DType::F64, [n])),
        );
        x.square().sum()
    };
    // Σ (a·i/n)² = a²·Σ i²/n².
    let sum: f64 = (0..n).map(|i| (i as f64 / n as f64).powi(2)).sum();
    close(at(f, 1.5)?, 2.25 * sum, 1e-8);
    close(at(grad(f), 1.5)?, 3.0 * sum, 1e-8);
    Ok(())
}
