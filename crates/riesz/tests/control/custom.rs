//! `custom_jvp` and `custom_vjp`: rules written by hand, in every composition.

use crate::{at, close, derivatives, same};
use riesz::prelude::*;

/// sin x with the rule for the differential written by hand.
fn sine(x: Var) -> Var {
    custom_jvp(|x: Var| x.sin(), |x, _, dx| x.cos() * dx)(x)
}

/// The same with the rule for the transposed differential.
fn sine_back(x: Var) -> Var {
    custom_vjp(|x: Var| x.sin(), |x| (x.sin(), x.cos()), |c, ct| c * ct)(x)
}

#[test]
fn rules_compose_like_what_is_built_in() {
    let x: f64 = 0.6;
    let f = |x: f64| (2.0 * x.sin()).exp();
    let (s, c) = x.sin_cos();
    let (value, first) = (f(x), 2.0 * c * f(x));
    let second = (4.0 * c * c - 2.0 * s) * f(x);
    // d/dx of (4c² − 2s)·f is (−8cs − 2c)·f + (4c² − 2s)·2c·f.
    let third = (-8.0 * c * s - 2.0 * c + (4.0 * c * c - 2.0 * s) * 2.0 * c) * f(x);
    let expected = [value, first, second, third];
    derivatives(&|x| (2.0 * sine(x)).exp(), x, expected, 1e-13);
    derivatives(&|x| (2.0 * sine_back(x)).exp(), x, expected, 1e-13);
}

#[test]
fn it_is_the_rule_that_is_used() -> Result<()> {
    // Rules that are plainly not the derivative show where they are used.
    let f = |x: Var| custom_jvp(|x: Var| x.sin(), |_, y, dx| 10.0 * y * dx)(x);
    close(at(grad(f), 0.5)?, 10.0 * 0.5f64.sin(), 1e-15);
    close(at(|x| jvp(f, x, x).1, 0.5)?, 5.0 * 0.5f64.sin(), 1e-15);
    let g = |x: Var| custom_vjp(|x: Var| x.sin(), |x| (x.sin(), x), |x, ct| 100.0 * x * ct)(x);
    close(at(grad(g), 0.5)?, 50.0, 0.0);
    close(at(|x| jvp(g, x, x).1, 0.5)?, 25.0, 0.0);
    // Where nothing is differentiated the function is run, not the forward rule.
    let h = |x: Var| custom_vjp(|x: Var| x, |x| (2.0 * x, x), |_, ct| ct)(x);
    close(at(h, 3.0)?, 3.0, 0.0);
    close(at(|x| value_and_grad(h)(x).0, 3.0)?, 6.0, 0.0);
    Ok(())
}

#[test]
fn captured_values_are_differentiated_through_the_function() -> Result<()> {
    // a·x² with the derivative by x declared to be 7: by a it is still x².
    let jvp_rule = |a: Var| custom_jvp(move |x: Var| a * x.square(), |_, _, dx| 7.0 * dx);
    let vjp_rule = |a: Var| {
        custom_vjp(
            move |x: Var| a * x.square(),
            move |x| (a * x.square(), Vec::<Var>::new()),
            |_, ct| 7.0 * ct,
        )
    };
    let args = (Tensor::from(2.0), Tensor::from(3.0));
    let (by_a, by_x) = run(grad(|(a, x): (Var, Var)| jvp_rule(a)(x)), &args)?;
    assert_eq!((by_a, by_x), (Tensor::from(9.0), Tensor::from(7.0)));
    let (by_a, by_x) = run(grad(|(a, x): (Var, Var)| vjp_rule(a)(x)), &args)?;
    assert_eq!((by_a, by_x), (Tensor::from(9.0), Tensor::from(7.0)));
    // A captured value that the rule alone uses is constant to an inner derivative.
    let scaled = |a: Var| grad(custom_jvp(|x: Var| x.sin(), move |x, _, dx| a * x.cos() * dx))(a);
    close(at(scaled, 2.0)?, 2.0 * 2f64.cos(), 1e-15);
    // d/da of a·cos a is cos a − a·sin a: the rule is differentiated as it is written.
    close(at(grad(scaled), 2.0)?, 2f64.cos() - 2.0 * 2f64.sin(), 1e-15);
    Ok(())
}

#[test]
fn instances_with_shared_and_own_arguments() -> Result<()> {
    let product = |(a, x): (Var, Var)| {
        custom_jvp(|(a, x): (Var, Var)| a.dot(x), |(a, x), _, (da, dx)| da.dot(x) + a.dot(dx))((
            a, x,
        ))
    };
    let product_back = |(a, x): (Var, Var)| {
        custom_vjp(
            |(a, x): (Var, Var)| a.dot(x),
            |(a, x)| (a.dot(x), (a, x)),
            |(a, x), ct: Var| (ct * x, ct * a),
        )((a, x))
    };
    let plain = |(a, x): (Var, Var)| a.dot(x);
    let args = (Tensor::from([1.0, 2.0]), Tensor::from([[3.0, 4.0], [5.0, -6.0]]));
    let loss = |f: fn((Var, Var)) -> Var, x: (Var, Var)| {
        vmap_axes(move |x| f(x).powi(3), [None, Some(0)], [0])(x).sum()
    };
    let expected = run(grad(|x| loss(plain, x)), &args)?;
    for f in [product, product_back] {
        let (a, x) = run(grad(|x| loss(f, x)), &args)?;
        same(&a, &expected.0, 1e-15);
        same(&x, &expected.1, 1e-15);
        let each = |f: fn((Var, Var)) -> Var| vmap_axes(grad(f), [None, Some(0)], [0]);
        let (a, x) = run(each(f), &args)?;
        let (b, y) = run(each(plain), &args)?;
        same(&a, &b, 0.0);
        same(&x, &y, 0.0);
        // Forwards, by both.
        let forward = |f: fn((Var, Var)) -> Var, x: (Var, Var)| jvp(move |x| loss(f, x), x, x).1;
        same(&run(|x| forward(f, x), &args)?, &run(|x| forward(plain, x), &args)?, 1e-15);
    }
    Ok(())
}

#[test]
fn trees_with_leaves_that_cannot_move() -> Result<()> {
    // The power of a whole number: by the number there is no derivative.
    type Args = (Var, Var);
    let f = |args: Args| {
        custom_vjp(
            |(x, n): Args| (x.pow(n.cast(DType::F64)), n + 1),
            |(x, n)| {
                let n_as = n.cast(DType::F64);
                ((x.pow(n_as), n + 1), (n_as * x.pow(n_as - 1.0), n))
            },
            |(slope, n), (ct, _)| (slope * ct, n),
        )(args)
    };
    let args = (Tensor::from(2.0), Tensor::from(3i64));
    let (y, n) = run(f, &args)?;
    assert_eq!((y, n), (Tensor::from(8.0), Tensor::from(4i64)));
    let by_x = run(|(x, n): Args| grad(|x| f((x, n)).0)(x), &args)?;
    assert_eq!(by_x, Tensor::from(12.0));
    let tangent = run(|(x, n): Args| jvp(|x| f((x, n)).0, x, x).1, &args)?;
    assert_eq!(tangent, Tensor::from(24.0));
    Ok(())
}

#[test]
fn a_backward_rule_that_is_not_linear_serves_reverse_mode_only() -> Result<()> {
    let clip = |x: Var| {
        let rule = |_, ct: Var| ct.clip(-1.0, 1.0);
        custom_vjp(|x: Var| x, |x| (x, Vec::<Var>::new()), rule)(x)
    };
    close(at(grad(|x| clip(x).square()), 5.0)?, 1.0, 0.0);
    let text = match at(|x| jvp(clip, x, x).1, 5.0) {
        Ok(y) => format!("no error, but {y}"),
        Err(error) => error.to_string(),
    };
    for part in ["max", "not linear", "transposes the backward rule", "custom.rs:"] {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    Ok(())
}

#[test]
fn rules_that_do_not_fit_say_so() {
    let says = |result: Result<f64>, parts: &[&str]| {
        let text = result.err().map_or_else(|| "no error".to_string(), |e| e.to_string());
        for part in parts {
            assert!(text.contains(part), "{text:?} does not say {part:?}");
        }
    };
    let square = |x: Var| custom_jvp(|x: Var| x, |_, _, dx| dx * dx)(x);
    says(at(square, 1.0), &["not linear", "direction", "custom.rs:"]);
    let wrong = |x: Var| custom_jvp(|x: Var| x, |_, _, dx| dx.broadcast_to([2]))(x);
    says(at(wrong, 1.0), &["custom_jvp", "f64[2]", "f64[]", "custom.rs:"]);
    let wrong = |x: Var| custom_vjp(|x: Var| x, |x| (x, x), |_, ct| ct.broadcast_to([2]))(x);
    says(at(wrong, 1.0), &["custom_vjp", "cotangents", "f64[2]", "custom.rs:"]);
    let wrong = |x: Var| custom_vjp(|x: Var| x, |x| (x.broadcast_to([2]), x), |_, ct| ct)(x);
    says(at(wrong, 1.0), &["custom_vjp", "forward rule", "custom.rs:"]);
    let wrong = |x: Var| {
        let f = custom_jvp(|x: Var| vec![x], |_, _, dx: Var| vec![dx, dx]);
        f(x)[0]
    };
    says(at(wrong, 1.0), &["another tree", "custom.rs:"]);
}

#[test]
fn rules_with_loops_inside() -> Result<()> {
    // xⁿ by a loop, and the rule by a loop that is linear in the direction.
    let power = |x: Var| {
        custom_jvp(
            |x: Var| fori(5, |_, y: Var| y * x, x.ones_like()),
            |x, _, dx| {
                let step = |_, (y, dy): (Var, Var)| (y * x, dy * x + y * dx);
                fori(5, step, (x.ones_like(), x.zeros_like())).1
            },
        )(x)
    };
    let x: f64 = 1.2;
    derivatives(&power, x, [x.powi(5), 5.0 * x.powi(4), 20.0 * x.powi(3), 60.0 * x * x], 1e-14);
    // Inside a loop the rule is used for every step.
    let f = |x: Var| fori(3, |_, y: Var| sine_back(y), x);
    let (y1, y2) = (x.sin(), x.sin().sin());
    close(at(grad(f), x)?, x.cos() * y1.cos() * y2.cos(), 1e-15);
    close(at(|x| jvp(f, x, x.ones_like()).1, x)?, x.cos() * y1.cos() * y2.cos(), 1e-15);
    Ok(())
}

#[test]
fn a_wrong_rule_is_found_and_the_argument_named() -> Result<()> {
    #[derive(Clone, Tree)]
    struct Args<T> {
        w: T,
        x: T,
        n: T,
    }
    let at = Args {
        w: Tensor::from([[0.5, -0.2], [0.1, 0.9]]),
        x: Tensor::from([0.3, 0.8]),
        n: Tensor::from(2i64),
    };
    let f = |a: Args<Var>| a.w.dot(a.x).tanh() * a.n.cast(DType::F64);
    let built_in = check_grads(f, &at)?;
    assert_eq!(built_in.iter().map(|l| l.path.as_str()).collect::<Vec<_>>(), [".w", ".x"]);
    assert!(built_in.iter().all(|l| l.errors.differential < 1e-9 && l.errors.transpose < 1e-14));
    let with = |sign: f64| {
        custom_vjp(
            f,
            move |a| {
                let y = a.w.dot(a.x).tanh();
                (y * a.n.cast(DType::F64), (y, a))
            },
            move |(y, a), ct: Var| {
                let inner = ct * a.n.cast(DType::F64) * (1.0 - y.square());
                Args { w: inner.outer(a.x), x: sign * a.w.t().dot(inner), n: a.n }
            },
        )
    };
    assert_eq!(check_grads(with(1.0), &at)?.len(), 2);
    let text = check_grads(with(-1.0), &at).err().map_or_else(String::new, |e| e.to_string());
    assert!(text.contains("argument .x") && text.contains("differential"), "{text}");
    Ok(())
}
