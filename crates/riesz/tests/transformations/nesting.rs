//! Transformations of transformations, and captured values.

use crate::{at, close, same};
use riesz::prelude::*;

#[test]
fn an_inner_derivative_does_not_see_the_outer_direction() -> Result<()> {
    // d/dx (x · d/dy (x + y)) = d/dx x = 1: a system that confuses perturbations says 2.
    close(at(grad(|x: Var| x * grad(|y: Var| x + y)(x)), 3.0)?, 1.0, 0.0);
    // d/dx (x · d/dy (x·y)) = d/dx x² = 2x.
    close(at(grad(|x: Var| x * grad(|y: Var| x * y)(x)), 3.0)?, 6.0, 1e-15);
    Ok(())
}

#[test]
fn second_derivatives_of_compositions() -> Result<()> {
    // (x·eˣ)² = x²·e²ˣ has the second derivative e²ˣ(4x² + 8x + 2).
    let f = |x: Var| (x * x.exp()).square();
    let x: f64 = 1.2;
    close(at(grad(grad(f)), x)?, (2.0 * x).exp() * (4.0 * x * x + 8.0 * x + 2.0), 1e-14);
    // sin(x³): 6x·cos(x³) − 9x⁴·sin(x³).
    let y = x.powi(3);
    close(
        at(grad(grad(|x: Var| x.powi(3).sin())), x)?,
        6.0 * x * y.cos() - 9.0 * x.powi(4) * y.sin(),
        1e-14,
    );
    Ok(())
}

#[test]
fn the_fourth_derivative_by_nesting() -> Result<()> {
    // f = exp(sin x); with s = sin x, c = cos x, the fourth derivative is
    // e^s·(c⁴ − 6c²s − 4c² + 3s² + s).
    let fourth = grad(grad(grad(grad(|x: Var| x.sin().exp()))));
    let x: f64 = 0.7;
    let (s, c) = x.sin_cos();
    let expected = s.exp() * (c.powi(4) - 6.0 * c * c * s - 4.0 * c * c + 3.0 * s * s + s);
    close(at(fourth, x)?, expected, 1e-13);
    Ok(())
}

fn banana(x: Var) -> Var {
    let (head, tail) = (x.slice_axis(0, 0, 3), x.slice_axis(0, 1, 4));
    (100.0 * (tail - head.square()).square() + (1.0 - head).square()).sum()
}

/// The Hessian of `banana`, from its second differences by hand.
fn banana_hessian(x: [f64; 4]) -> Tensor {
    let mut h = [[0.0; 4]; 4];
    for i in 0..3 {
        h[i][i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0;
        h[i + 1][i + 1] += 200.0;
        h[i][i + 1] -= 400.0 * x[i];
        h[i + 1][i] -= 400.0 * x[i];
    }
    Tensor::from(h)
}

#[test]
fn every_way_to_a_hessian_agrees() -> Result<()> {
    let x = [-1.2, 1.0, 0.5, 2.0];
    let expected = banana_hessian(x);
    let at = Tensor::from(x);
    same(&run(hessian(banana), &at)?, &expected, 1e-13);
    same(&run(jacobian_by(grad(banana), Mode::Reverse), &at)?, &expected, 1e-13);
    // Rows by reverse over forward: grad of the directional derivative, mapped over directions.
    let rows =
        |x: Var| vmap(|v: Var| grad(|x: Var| jvp(banana, x, v).1)(x))(Var::eye(DType::F64, 4));
    same(&run(rows, &at)?, &expected, 1e-13);
    let columns = |x: Var| vmap(|v: Var| hvp(banana)(x, v))(Var::eye(DType::F64, 4));
    same(&run(columns, &at)?, &expected, 1e-13);
    let reverse_twice =
        |x: Var| vmap(|v: Var| grad(|x: Var| grad(banana)(x).dot(v))(x))(Var::eye(DType::F64, 4));
    same(&run(reverse_twice, &at)?, &expected, 1e-13);
    Ok(())
}

#[test]
fn a_hessian_by_a_rule_that_is_no_derivative_has_both_halves() -> Result<()> {
    // "Gradient" x₀, x₀ + x₁, …: its Jacobian has ones below the diagonal and none above.
    let rule = custom_jvp(|x: Var| x.sum(), |x: Var, _, dx: Var| (x.cumsum(0) * dx).sum());
    for n in [63, 64] {
        let x =
            Tensor::new((0..n).map(|i| f64::from(i) * 0.01).collect::<Vec<f64>>(), [n as usize])?;
        let below = (0..n * n).map(|i| f64::from(u8::from(i / n >= i % n)));
        let expected = Tensor::new(below.collect::<Vec<f64>>(), [n as usize; 2])?;
        same(&run(hessian(&rule), &x)?, &expected, 1e-13);
    }
    Ok(())
}

#[test]
fn a_large_hessian_of_no_number_is_an_error() {
    let x = Tensor::from(vec![0.5; 100]);
    let error = run(hessian(|x: Var| x.sin()), &x).unwrap_err();
    assert!(error.message().contains("one number"), "{error}");
    assert!(run(hessian(|x: Var| x.dot(x.slice_axis(0, 0, 3))), &x).is_err());
    assert!(run(hessian(|x: Var| x.sum()), &Tensor::from(vec![5i64; 100])).is_err());
}

#[test]
fn half_of_a_large_hessian_is_computed() -> Result<()> {
    let (m, n) = (90, 70);
    let entry = |i: usize| ((i * 7919) % 1009) as f64 / 1009.0 - 0.5;
    let a = Tensor::new((0..m * n).map(entry).collect::<Vec<f64>>(), [m, n])?;
    let x = Tensor::new((0..n).map(|i| entry(i + 5)).collect::<Vec<f64>>(), [n])?;
    let f = |a: Var| move |x: Var| a.dot(x).logsumexp() + x.square().sum() * a.at(0).dot(x).sin();
    let whole = compile(move |(x, a): (Var, Var)| hessian(f(a))(x));
    let args = (x, a);
    let h = whole.call(&args)?;
    let eye = Var::eye;
    let columns =
        compile(move |(x, a): (Var, Var)| vmap(|v: Var| hvp(f(a))(x, v))(eye(DType::F64, n)));
    same(&h, &columns.call(&args)?, 1e-13);
    let (h, plan) = (h.to_f64(), whole.explain(&args)?);
    assert!((0..n * n).all(|i| h[i] == h[i % n * n + i / n]), "symmetric to the bit");
    assert!(plan.contains("% of a product"), "{plan}");
    // Blocks of a tree: those of both leaves are transposes of each other.
    let g = |(x, y): (Var, Var)| (x.sin() * y).sum() * y.square().sum();
    let half =
        |from: usize| Tensor::new((0..40).map(|i| entry(i + from)).collect::<Vec<_>>(), [40]);
    let at = (half(3)?, half(11)?);
    let ((xx, xy), (yx, yy)) = run(hessian(g), &at)?;
    let ((xx2, xy2), (yx2, yy2)) = run(jacobian_by(grad(g), Mode::Forward), &at)?;
    for (ours, other) in [(xx, xx2), (xy, xy2), (yx, yx2), (yy, yy2)] {
        same(&ours, &other, 1e-13);
    }
    Ok(())
}

#[test]
fn vmap_of_a_gradient_is_the_gradient_of_the_sum() -> Result<()> {
    let x = Tensor::from([[0.1, 0.2], [0.3, -0.4], [1.5, 0.6]]);
    let f = |x: Var| (x.sin() * x.exp()).sum().tanh();
    let each = run(vmap(grad(f)), &x)?;
    let all = run(grad(|x: Var| vmap(f)(x).sum()), &x)?;
    same(&each, &all, 1e-14);
    Ok(())
}

#[test]
fn vmap_over_one_argument_captures_the_other() -> Result<()> {
    // Every pair ⟨xᵢ, yⱼ⟩ by two nested maps, each capturing the other's instance.
    let pairs = |(x, y): (Var, Var)| vmap(|a: Var| vmap(|b: Var| a.dot(b))(y))(x);
    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    let y = Tensor::from([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
    let expected = Tensor::from([[1.0, 2.0, 3.0], [3.0, 4.0, 7.0]]);
    assert_eq!(run(pairs, &(x, y))?, expected);
    Ok(())
}

#[test]
fn a_mapped_axis_can_be_any() -> Result<()> {
    let columns = vmap_axes(|(x, c): (Var, Var)| x.sum() * c, [Some(1), None], [0]);
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let sums = run(columns, &(x, Tensor::from(10.0)))?;
    assert_eq!(sums, Tensor::from([50.0, 70.0, 90.0]));
    Ok(())
}

#[test]
fn results_lie_along_any_axis_of_any_leaf() -> Result<()> {
    // One instance: a row of x, the same c, a column of z; its results go to other axes again.
    let f = |(x, (c, z)): (Var, (Var, Var))| (c * x, x.outer(z));
    let mapped = vmap_axes(f, [Some(0), None, Some(1)], [1, 2]);
    let x = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    let z = [[1.0, 0.5, -1.0], [2.0, 1.5, -2.0]];
    let args = (Tensor::from(x), (Tensor::from(10.0), Tensor::from(z)));
    let (scaled, outer) = run(mapped, &args)?;
    assert_eq!(scaled, Tensor::from([[10.0, 30.0, 50.0], [20.0, 40.0, 60.0]]));
    // Outer products x·zᵀ of each instance, the instances last.
    let expected = [[1.0, 1.5, -5.0], [2.0, 4.5, -10.0], [2.0, 2.0, -6.0], [4.0, 6.0, -12.0]];
    assert_eq!(outer, Tensor::new(expected.concat(), [2, 2, 3])?);
    // Mapped twice, over both axes of one leaf in either order.
    let by_columns = vmap_axes(vmap(|x: Var| x.exp()), [Some(1)], [1]);
    same(&run(by_columns, &args.0)?, &run(|x: Var| x.exp(), &args.0)?, 0.0);
    Ok(())
}

#[test]
fn jacobians_mapped_and_maps_differentiated() -> Result<()> {
    let f = |x: Var| Var::stack(&[x.at(0) * x.at(1), x.at(0).sin()], 0);
    let x = [[1.0, 2.0], [0.5, -1.0]];
    let mapped = run(vmap(jacobian(f)), &Tensor::from(x))?;
    let expected: Vec<f64> = x.iter().flat_map(|&[a, b]: &[f64; 2]| [b, a, a.cos(), 0.0]).collect();
    same(&mapped, &Tensor::new(expected, [2, 2, 2])?, 1e-15);
    // The Jacobian of the map is block diagonal with the same blocks.
    let whole = run(jacobian(vmap(f)), &Tensor::from(x))?;
    assert_eq!(whole.shape().to_string(), "[2,2,2,2]");
    let (whole, blocks) = (whole.to_f64(), mapped.to_f64());
    for i in 0..2 {
        for j in 0..2 {
            for k in 0..2 {
                for l in 0..2 {
                    let block = if i == k { blocks[(i * 2 + j) * 2 + l] } else { 0.0 };
                    close(whole[((i * 2 + j) * 2 + k) * 2 + l], block, 1e-15);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn an_inner_step_is_differentiated_through() -> Result<()> {
    // One step of descent inside: d/dx of g(x − η·f′(x)) with f = x³, g = x²:
    // 2(x − 3ηx²)(1 − 6ηx).
    let outer = grad(|x: Var| (x - 0.1 * grad(|y: Var| y.powi(3))(x)).square());
    let x: f64 = 0.8;
    close(at(outer, x)?, 2.0 * (x - 0.3 * x * x) * (1.0 - 0.6 * x), 1e-15);
    Ok(())
}

#[test]
fn nothing_passes_a_stopped_gradient() -> Result<()> {
    close(at(grad(|x: Var| x * x.stop_gradient()), 3.0)?, 3.0, 0.0);
    Ok(())
}

#[test]
fn a_mask_hides_an_infinite_slope() -> Result<()> {
    let masked = |x: Var| Var::select(x.gt(0.0), x.sqrt(), 0.0);
    close(at(grad(masked), 0.0)?, 0.0, 0.0);
    close(at(grad(masked), 4.0)?, 0.25, 0.0);
    let mapped = |x: Var| vmap(masked)(x).sum();
    assert_eq!(run(grad(mapped), &Tensor::from([0.0, 4.0]))?, Tensor::from([0.0, 0.25]));
    // Where no mask hides it, it is shown.
    assert_eq!(at(grad(|x: Var| x.sqrt()), 0.0)?, f64::INFINITY);
    // The Jacobian of an elementwise root is diagonal even where one entry is infinite.
    let j = run(jacobian(|x: Var| x.sqrt()), &Tensor::from([0.0, 4.0]))?;
    assert_eq!(j, Tensor::from([[f64::INFINITY, 0.0], [0.0, 0.25]]));
    Ok(())
}

#[test]
fn single_precision_stays_single() -> Result<()> {
    let f = compile(value_and_grad(|x: Var| (0.5 * x.square()).sum()));
    let (value, gradient) = f.call(&Tensor::from([1.0f32, 2.0]))?;
    assert_eq!(value, Tensor::from(2.5f32));
    assert_eq!(gradient, Tensor::from([1.0f32, 2.0]));
    Ok(())
}

#[test]
fn one_compiled_function_serves_many_threads_and_shapes() -> Result<()> {
    let f = compile(grad(|x: Var| (x.square() * x).sum()));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..5usize)
            .map(|n| {
                let f = &f;
                scope.spawn(move || -> Result<()> {
                    for k in 0..50 {
                        let x: Vec<f64> = (0..n + k % 3).map(|i| i as f64).collect();
                        let expected: Vec<f64> = x.iter().map(|x| 3.0 * x * x).collect();
                        same(&f.call(&Tensor::from(x))?, &Tensor::from(expected), 1e-15);
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().all(|w| w.join().is_ok_and(|r| r.is_ok())).then_some(())
    })
    .ok_or_else(|| Error::usage("a thread failed"))
}
