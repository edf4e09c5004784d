//! Steps of a recipe that are transformations, branches and loops themselves.

use riesz::prelude::*;
use riesz::solvers::{conjugate_gradients, dense, newton};
use riesz_core::check::recipe::STEPS;

/// Of two values made before and the whole number, which nothing is differentiated by.
type Step = fn(Var, Var, Var) -> Var;

const NESTED: &[Step] = &[
    // Branches and loops, with captured values.
    |a, b, k| cond(k.eq(1), || a.sin(), || a * b.mean().cos()),
    |a, b, k| {
        let chosen = |a: Var| cond(a.sum().gt(100.0).not().and(k.eq(0)), || a.tanh(), || 0.5 * a);
        chosen(a) + chosen(b).mean()
    },
    |a, b, _| {
        let step = |c: Var, x: Var| ((0.5 * c + x).tanh(), c * x.sin());
        scan(step, b.mean(), a.flatten()).1
    },
    |a, b, _| {
        let options = ScanOptions { reverse: true, checkpoints: Checkpoints::Sqrt };
        let step = |(c, d): (Var, Var), x: Var| (((c - x).sin(), 0.7 * d + c * x), x.cos() * c);
        let ((_, d), ys) = scan_with(step, (b.mean(), a.mean()), a.flatten(), &options);
        ys + d
    },
    |a, b, _| fori(0..3, |i, y: Var| (y + 0.1 * i.cast(DType::F64) * b.mean()).sin(), a),
    |a, b, k| {
        let round = |(i, y): (Var, Var)| (i + 1, (0.8 * y + 0.1 * b.mean()).cos());
        while_loop(|(i, _)| i.lt(k + 3), round, (k.zeros_like(), a)).1
    },
    // Equations that are solved.
    |a, b, _| fixed_point(|y: Var| 0.3 * (y * b.mean().tanh()).sin() + 0.5 * a)(a),
    |a, b, _| root(|y: Var| y + 0.3 * y.sin() - a * b.mean(), newton)(a),
    |a, b, _| {
        linear_solve(|y: Var| (2.0 + b.mean().sin()) * y + 0.2 * y.sum(), a, conjugate_gradients)
    },
    |a, b, _| {
        linear_solve(|y: Var| y + 0.5 * b.mean().sin() * y.flatten().flip(&[0]), a.flatten(), dense)
    },
    // Rules written by hand.
    |a, b, _| checkpoint(|(a, b): (Var, Var)| (a * b.mean()).sin().tanh())((a, b)),
    |a, b, _| {
        custom_jvp(|y: Var| (y * b.mean()).sin(), |y, _, dy| dy * (y * b.mean()).cos() * b.mean())(
            a,
        )
    },
    |a, _, _| {
        let forward = |y: Var| (y.sin(), y.cos());
        custom_vjp(|y: Var| y.sin(), forward, |cos: Var, ct: Var| cos * ct)(a)
    },
    // Transformations of inner functions that capture outer values.
    |a, b, _| grad(|y: Var| (y.sin() * b.mean()).sum())(a),
    |a, b, _| grad(|y: Var| grad(|z: Var| (z.sin() * y.cos()).sum() * b.mean())(a).sum())(a),
    |a, b, _| jvp(|y: Var| y * b.mean().cos() + y.square(), a, a.sin()).1,
    |a, b, _| vjp(|y: Var| (y * b.mean()).tanh(), a).1(a.cos()),
    |a, b, _| linearize(|y: Var| y.sin() * b.mean(), a).1.transpose().apply(a),
    |a, b, _| hvp(|y: Var| (y.sin() + 0.1 * b.mean() * y.powi(3)).sum())(a, a.cos()),
    |a, b, _| vmap(|y: Var| (y * b.mean()).sin() + y)(a.flatten()),
    |a, b, _| {
        vmap_axes(|(y, c): (Var, Var)| (y * c).cos(), [Some(0), None], [0])((a.flatten(), b.mean()))
    },
    |a, b, _| {
        let x = a.flatten().slice_axis(0, 0, a.shape().size().min(3));
        jacobian(|y: Var| y.sin() * y.sum().cos() * b.mean())(x).dot(x)
    },
    |a, b, _| {
        let x = a.flatten();
        let neighbours = |y: Var| y.sin() * y.roll(1, 0) + b.mean();
        0.5 * sparse_jacobian(neighbours)(x).dot(x.cos())
    },
    |a, b, _| {
        0.5 * sparse_hessian(|y: Var| (y.sin() * y.roll(1, 0)).sum())(a.flatten())
            .dot(a.flatten() + b.mean())
    },
    |a, b, _| grad_in(|y: Var| (y * b.mean()).sin().sum(), metric::Diagonal(2.0 + a.cos()))(a),
    |a, b, _| {
        let map = linearize(|y: Var| y.sin(), a).1;
        (2.0 * &map - b.mean() * LinearMap::identity(&a)).apply(a)
    },
];

pub fn count() -> usize {
    STEPS.len() + NESTED.len()
}

pub fn step(number: usize, a: Var, b: Var, k: Var) -> Var {
    match number.checked_sub(STEPS.len()) {
        None => STEPS[number](a, b),
        Some(nested) => NESTED[nested % NESTED.len()](a, b, k),
    }
}
