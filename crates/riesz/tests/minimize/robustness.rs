//! Bad input, interruption, and objectives that misbehave.

use riesz::minimize::{
    Bounds, Control, EvalError, FnConstraints, FnObjective, Method, MinimizeError, Options,
    Problem, Progress, Solution, Status, solve,
};

const UNCONSTRAINED: [Method; 5] = [
    Method::Lbfgs,
    Method::NewtonCg,
    Method::GradientDescent,
    Method::GradientTrustRegion,
    Method::Lbfgsb,
];

fn with(method: Method) -> Options {
    Options { method, ..Options::default() }
}

fn run<'p>(problem: impl Into<Problem<'p>>, start: &[f64], options: &Options) -> Solution {
    solve(problem, start, options, &mut |_| Control::Continue).unwrap()
}

fn refused<'p>(problem: impl Into<Problem<'p>>, start: &[f64], options: &Options) -> MinimizeError {
    solve(problem, start, options, &mut |_| Control::Continue).unwrap_err()
}

/// ½‖x‖².
fn sphere(n: usize) -> FnObjective<'static> {
    FnObjective::new(n, |x, grad| {
        grad.copy_from_slice(x);
        Ok(0.5 * x.iter().map(|x| x * x).sum::<f64>())
    })
}

/// One function of one variable, from its value and derivative.
fn scalar(f: impl Fn(f64) -> (f64, f64) + 'static) -> FnObjective<'static> {
    FnObjective::new(1, move |x, grad| {
        let (value, slope) = f(x[0]);
        grad[0] = slope;
        Ok(value)
    })
}

/// c(x) = Σx − total.
fn total(n: usize, total: f64) -> FnConstraints<'static> {
    FnConstraints::new(
        n,
        1,
        move |x, out| {
            out[0] = x.iter().sum::<f64>() - total;
            Ok(())
        },
        |_, weights, out| {
            out.fill(weights[0]);
            Ok(())
        },
    )
}

#[test]
fn bad_input_is_refused_with_a_reason() {
    let auto = Options::default();
    let nan = f64::NAN;
    assert_eq!(refused(&mut sphere(0), &[], &auto), MinimizeError::NoVariables);
    let error = refused(&mut sphere(2), &[1.0], &auto);
    assert_eq!(error.to_string(), "the start should have length 2, but the length is 1");
    for start in [nan, f64::INFINITY, f64::NEG_INFINITY] {
        let error = refused(&mut sphere(2), &[1.0, start], &auto);
        assert!(matches!(error, MinimizeError::StartNotFinite { index: 1, .. }), "{error}");
    }
    let mut f = sphere(2);
    let error = refused(Problem::new(&mut f).bounds(Bounds::free(3)), &[0.0; 2], &auto);
    assert!(matches!(error, MinimizeError::WrongLength { expected: 2, found: 3, .. }), "{error}");
    let mut c = total(3, 1.0);
    let error = refused(Problem::new(&mut f).equalities(&mut c), &[0.0; 2], &auto);
    assert!(error.to_string().contains("equalities"), "{error}");

    for (lower, upper) in [(1.0, 0.0), (nan, 0.0), (0.0, nan), (f64::INFINITY, f64::INFINITY)] {
        let error = Bounds::new(vec![0.0, lower], vec![0.0, upper]).unwrap_err();
        assert!(matches!(error, MinimizeError::EmptyInterval { index: 1, .. }), "{error}");
    }
    assert!(Bounds::new(vec![0.0], vec![]).is_err());

    for bad in [
        Options { tolerance: nan, ..Options::default() },
        Options { tolerance: 0.0, ..Options::default() },
        Options { feasibility_tolerance: -1.0, ..Options::default() },
        Options { initial_radius: f64::INFINITY, ..Options::default() },
        Options { memory: 0, ..Options::default() },
    ] {
        let error = refused(&mut sphere(2), &[1.0; 2], &bad);
        assert!(matches!(error, MinimizeError::InvalidOption { .. }), "{error}");
    }
    for method in UNCONSTRAINED {
        let mut c = total(2, 1.0);
        let error = refused(Problem::new(&mut f).equalities(&mut c), &[0.0; 2], &with(method));
        assert!(matches!(error, MinimizeError::Unsupported { .. }), "{error}");
    }
    let bounded = Problem::new(&mut f).bounds(Bounds::free(2));
    let error = refused(bounded, &[0.0; 2], &with(Method::NewtonCg));
    assert_eq!(error.to_string(), "the method newton-cg cannot treat bounds: use lbfgsb or auto");
    assert!("bfgs".parse::<Method>().unwrap_err().to_string().contains("lbfgs, newton-cg"));
    assert_eq!("newton-cg".parse::<Method>().unwrap(), Method::NewtonCg);
}

#[test]
fn a_start_outside_the_domain_is_refused() {
    let auto = Options::default();
    let error = refused(&mut scalar(|x| (-x.ln(), -1.0 / x)), &[-1.0], &auto);
    assert!(error.to_string().contains("choose a start inside the domain"), "{error}");
    let error = refused(&mut scalar(|x| (x.sqrt(), 0.5 / x.sqrt())), &[0.0], &auto);
    assert!(error.to_string().contains("the gradient is inf in entry 0"), "{error}");
    let mut broken = FnObjective::new(1, |_, _| Err("singular matrix".into()));
    let error = refused(&mut broken, &[0.0], &auto);
    assert_eq!(error.to_string(), "evaluation failed at the start: singular matrix");
}

#[test]
fn steps_out_of_the_domain_are_shortened() {
    // x − ln x, minimum 1 at 1, from a start where the unit step leaves the domain.
    for method in UNCONSTRAINED {
        for start in [1e-6, 0.5, 30.0] {
            let mut f = scalar(|x| (x - x.ln(), 1.0 - 1.0 / x));
            let s = run(&mut f, &[start], &with(method));
            assert_eq!(s.status, Status::Converged, "{method} from {start}: {}", s.reason);
            assert!((s.x[0] - 1.0).abs() < 1e-7, "{method}: {}", s.x[0]);
        }
    }
}

#[test]
fn unbounded_objectives_fail_and_say_so() {
    for method in UNCONSTRAINED {
        let s = run(&mut scalar(|x| (-x, -1.0)), &[0.0], &with(method));
        assert_eq!(s.status, Status::Failed, "{method}");
        assert!(s.reason.contains("seems unbounded"), "{method}: {}", s.reason);
        let s = run(&mut scalar(|x| (-x * x, -2.0 * x)), &[1.0], &with(method));
        assert!(s.status == Status::Failed, "{method}: {}", s.reason);
    }
    // No variable gets far, but the objective has no edge.
    for (name, f) in [
        ("-exp x", (|x| (-f64::exp(x), -f64::exp(x))) as fn(f64) -> (f64, f64)),
        ("-exp 20x", |x| (-f64::exp(20.0 * x), -20.0 * f64::exp(20.0 * x))),
        ("-exp x²", |x| (-f64::exp(x * x), -2.0 * x * f64::exp(x * x))),
        ("-x⁴", |x| (-x.powi(4), -4.0 * x.powi(3))),
        ("-x⁴⁰", |x| (-x.powi(40), -40.0 * x.powi(39))),
    ] {
        let s = run(&mut scalar(f), &[1.5], &with(Method::Lbfgs));
        assert!(s.reason.contains("seems unbounded"), "{name}: {}", s.reason);
    }
    let mut f = FnObjective::new(2, |x, grad| {
        grad.copy_from_slice(&[1.0, -1.0]);
        Ok(x[0] - x[1])
    });
    let mut c = total(2, 0.0);
    let s = run(Problem::new(&mut f).equalities(&mut c), &[0.0; 2], &Options::default());
    assert!(s.status == Status::Failed && s.reason.contains("unbounded"), "{}", s.reason);
}

#[test]
fn objectives_that_fall_towards_the_edge_of_their_domain_say_so() {
    for method in UNCONSTRAINED {
        let s = run(&mut scalar(|x| (-1.0 / x.max(0.0), 1.0 / (x * x))), &[1.0], &with(method));
        assert_eq!(s.status, Status::Failed, "{method}: {}", s.reason);
        let s = run(&mut scalar(|x| (x.ln(), 1.0 / x)), &[1.0], &with(method));
        assert_eq!(s.status, Status::Failed, "{method}: {}", s.reason);
    }
    let s = run(&mut scalar(|x| (x.ln(), 1.0 / x)), &[1.0], &with(Method::Lbfgs));
    assert!(s.reason.contains("leave the domain"), "{}", s.reason);
    let mut pole = scalar(|x| (-1.0 / (x * x), 2.0 / (x * x * x)));
    let s = run(&mut pole, &[1.0], &with(Method::Lbfgs));
    assert!(s.reason.contains("edge of its domain, or a pole"), "{}", s.reason);
    // 1/x from the left, and −1/xᵖ.
    let at_edge = ["edge of its domain, or a pole", "leave the domain"];
    for p in [0, 1, 3, 4] {
        let f = move |x: f64| match p {
            0 => (1.0 / x, -1.0 / (x * x)),
            p => (-x.abs().powi(-p), f64::from(p) * x.abs().powi(-p) / x),
        };
        for method in UNCONSTRAINED {
            let s = run(&mut scalar(f), &[if p == 0 { -1.0 } else { 1.0 }], &with(method));
            assert_eq!(s.status, Status::Failed, "{method}: {}", s.reason);
            assert!(!s.reason.contains("seems unbounded"), "{method}, {p}: {}", s.reason);
        }
        let s = run(&mut scalar(f), &[if p == 0 { -1.0 } else { 1.0 }], &with(Method::Lbfgs));
        assert!(at_edge.iter().any(|words| s.reason.contains(words)), "{p}: {}", s.reason);
    }
    // Beside a variable that its bound holds back, whose slope is the steepest of all.
    let mut held = FnObjective::new(2, |x, grad| {
        grad.copy_from_slice(&[2.0 / (x[0] * x[0] * x[0]), 1e32]);
        Ok(-1.0 / (x[0] * x[0]) + 1e32 * x[1])
    });
    let lower = vec![f64::NEG_INFINITY, 0.0];
    let bounds = Bounds::new(lower, vec![f64::INFINITY; 2]).unwrap();
    let s = run(Problem::new(&mut held).bounds(bounds), &[1.0, 0.0], &Options::default());
    assert!(s.reason.contains("edge of its domain, or a pole"), "{}", s.reason);
    // The pole is on a bound.
    let mut pole = scalar(|x| (-1.0 / (x * x), 2.0 / (x * x * x)));
    let bounded = Problem::new(&mut pole).bounds(Bounds::non_negative(1));
    let s = run(bounded, &[1.0], &Options::default());
    assert_eq!(s.status, Status::Failed, "{}", s.reason);
    let edge = ["edge of its domain", "not finite"];
    assert!(edge.iter().any(|words| s.reason.contains(words)), "{}", s.reason);
    // Σ ln xᵢ.
    let mut logarithms = FnObjective::new(2, |x, grad| {
        grad.copy_from_slice(&[1.0 / x[0], 1.0 / x[1]]);
        Ok(x[0].ln() + x[1].ln())
    });
    let s = run(&mut logarithms, &[1.0, 2.0], &with(Method::Lbfgs));
    assert!(s.status == Status::Failed && s.reason.contains("leave the domain"), "{}", s.reason);
    // ln x on x ≥ 0: the slope holds at the bound, where the value is −∞.
    let mut logarithm = scalar(|x| (x.ln(), 1.0 / x));
    let bounded = Problem::new(&mut logarithm).bounds(Bounds::non_negative(1));
    let s = run(bounded, &[1.0], &Options::default());
    assert!(s.status == Status::Failed && s.reason.contains("not finite"), "{}", s.reason);
    // −∞ beside the bound, NaN on it: ln x + x·ln x.
    let mut logarithm = scalar(|x| (x.ln() + x * x.ln(), 1.0 / x + x.ln() + 1.0));
    let bounded = Problem::new(&mut logarithm).bounds(Bounds::non_negative(1));
    let s = run(bounded, &[1.0], &Options::default());
    assert!(s.status == Status::Failed && s.reason.contains("not finite"), "{}", s.reason);
    // 0·ln 0 is NaN, but the limit is 0.
    let mut entropy = scalar(|x| (1e7 * x + x * x.ln(), 1e7 + x.ln() + 1.0));
    let bounded = Problem::new(&mut entropy).bounds(Bounds::non_negative(1));
    let s = run(bounded, &[1.0], &Options::default());
    assert!(s.status == Status::Converged && s.objective.abs() < 1e-6, "{}", s.reason);
    // A steep objective that is finite on the bound.
    let mut steep = scalar(|x| (1e9 * x, 1e9));
    let bounded = Problem::new(&mut steep).bounds(Bounds::non_negative(1));
    let s = run(bounded, &[1.0], &Options::default());
    assert_eq!((s.status, s.x[0]), (Status::Converged, 0.0), "{}", s.reason);
}

#[test]
fn contradictory_constraints_fail_and_say_so() {
    let mut f = sphere(2);
    let mut c = FnConstraints::new(
        2,
        2,
        |x, out| {
            (out[0], out[1]) = (x[0] - 1.0, x[0] + 1.0);
            Ok(())
        },
        |_, w, out| {
            (out[0], out[1]) = (w[0] + w[1], 0.0);
            Ok(())
        },
    );
    let s = run(Problem::new(&mut f).equalities(&mut c), &[0.0; 2], &Options::default());
    assert_eq!(s.status, Status::Failed, "{}", s.reason);
    assert!((s.constraint_violation - 1.0).abs() < 1e-3, "{}", s.constraint_violation);
}

#[test]
fn an_error_on_the_way_keeps_the_last_iterate() {
    for method in UNCONSTRAINED {
        let mut calls = 0;
        let mut f = FnObjective::new(1, |x, grad| {
            calls += 1;
            if calls > 4 {
                return Err(EvalError::new("the pool is gone"));
            }
            grad[0] = 4.0 * x[0].powi(3);
            Ok(x[0].powi(4))
        });
        let s = run(&mut f, &[1.7], &with(method));
        assert_eq!(s.status, Status::Failed);
        assert_eq!(s.reason, "evaluation failed: the pool is gone");
        assert_eq!(s.objective, s.x[0].powi(4));
        assert!(s.objective <= 1.7_f64.powi(4));
    }
}

#[test]
fn a_wrong_gradient_fails_instead_of_converging() {
    for method in UNCONSTRAINED {
        let mut f = scalar(|x| (0.5 * (x - 1.0).powi(2), 1.0 - x));
        let s = run(&mut f, &[0.0], &Options { max_iterations: 500, ..with(method) });
        assert_ne!(s.status, Status::Converged, "{method}: {}", s.reason);
    }
}

#[test]
fn a_kink_is_reached_though_not_certified() {
    // |x − 1| + ¼x², minimum ¼ at the kink 1.
    let f = |x: f64| ((x - 1.0).abs() + 0.25 * x * x, (x - 1.0).signum() + 0.5 * x);
    let s = run(&mut scalar(f), &[-3.0], &Options::default());
    assert!((s.objective - 0.25).abs() < 1e-7, "{}", s.objective);
    assert!(s.status == Status::Failed && s.reason.contains("not smooth"), "{}", s.reason);
}

#[test]
fn stopping_returns_the_iterate_and_a_new_run_goes_on_from_it() {
    let rosenbrock = || {
        FnObjective::new(2, |x, grad| {
            let (a, b) = (x[1] - x[0] * x[0], 1.0 - x[0]);
            grad[0] = -400.0 * a * x[0] - 2.0 * b;
            grad[1] = 200.0 * a;
            Ok(100.0 * a * a + b * b)
        })
    };
    let mut seen: Vec<Progress> = Vec::new();
    let stopped = solve(&mut rosenbrock(), &[-1.2, 1.0], &Options::default(), &mut |p| {
        seen.push(*p);
        if p.iteration == 7 { Control::Stop } else { Control::Continue }
    })
    .unwrap();
    assert_eq!((stopped.status, stopped.iterations), (Status::Interrupted, 7));
    assert_eq!(stopped.history, seen);
    let last = seen.last().unwrap();
    assert_eq!((last.value, last.gradient_norm), (stopped.objective, stopped.gradient_norm));
    assert!(seen.windows(2).all(|w| w[1].value < w[0].value && w[1].step > 0.0));
    let s = run(&mut rosenbrock(), &stopped.x, &Options::default());
    assert!(s.status == Status::Converged && s.objective < 1e-15);

    let limited = Options { max_iterations: 3, ..Options::default() };
    let s = run(&mut rosenbrock(), &[-1.2, 1.0], &limited);
    assert_eq!((s.status, s.iterations), (Status::MaxIterations, 3));
    let s = run(&mut rosenbrock(), &[-1.2, 1.0], &Options { max_iterations: 0, ..limited });
    assert_eq!((s.status, s.x), (Status::MaxIterations, vec![-1.2, 1.0]));
}

#[test]
fn stopping_under_constraints_reports_the_objective_itself() {
    let (mut f, mut c) = (sphere(3), total(3, 3.0));
    let problem = Problem::new(&mut f).equalities(&mut c);
    let s = solve(problem, &[5.0, 0.0, 0.0], &Options::default(), &mut |p| {
        if p.iteration == 2 { Control::Stop } else { Control::Continue }
    })
    .unwrap();
    assert_eq!(s.status, Status::Interrupted);
    assert_eq!(s.objective, 0.5 * s.x.iter().map(|x| x * x).sum::<f64>());
    assert_eq!(s.constraint_violation, (s.x.iter().sum::<f64>() - 3.0).abs());
    let last = s.history.last().unwrap();
    assert_eq!((last.value, last.constraint_violation), (s.objective, s.constraint_violation));
}

#[test]
fn gradients_far_below_the_rounding_of_the_value_are_reached() {
    // 10⁴ + Σ i·(cosh(x_i) − 1): the value is rounded to 2e-12, which hides gradients below 1e-6.
    for method in UNCONSTRAINED {
        let mut f = FnObjective::new(5, |x, grad| {
            let mut value = 1e4;
            for (i, x) in x.iter().enumerate() {
                grad[i] = (i + 1) as f64 * x.sinh();
                value += (i + 1) as f64 * (x.cosh() - 1.0);
            }
            Ok(value)
        });
        let s =
            run(&mut f, &[1.0, 2.0, -1.0, 0.5, 3.0], &Options { tolerance: 1e-15, ..with(method) });
        assert!(
            s.status == Status::Converged && s.gradient_norm <= 1e-11,
            "{method}: {}",
            s.reason
        );
    }
}

#[test]
fn multipliers_are_those_of_the_lagrangian() {
    // min ½‖x‖² with Σx = 3: x = 1, λ = −1. The second time as Σx ≥ 3: μ = 1.
    let (mut f, mut c) = (sphere(3), total(3, 3.0));
    let s = run(Problem::new(&mut f).equalities(&mut c), &[0.0; 3], &Options::default());
    assert_eq!(s.method, Method::AugmentedLagrangian);
    assert!((s.equality_multipliers[0] + 1.0).abs() < 1e-7 && s.inequality_multipliers.is_empty());
    let mut c = FnConstraints::new(
        3,
        2,
        |x, out| {
            let sum: f64 = x.iter().sum();
            (out[0], out[1]) = (3.0 - sum, sum - 100.0);
            Ok(())
        },
        |_, w, out| {
            out.fill(w[1] - w[0]);
            Ok(())
        },
    );
    let s = run(Problem::new(&mut f).inequalities(&mut c), &[0.0; 3], &Options::default());
    assert!(s.x.iter().all(|x| (x - 1.0).abs() < 1e-8));
    assert!((s.inequality_multipliers[0] - 1.0).abs() < 1e-7);
    assert_eq!(s.inequality_multipliers[1], 0.0);
    assert!(s.equality_multipliers.is_empty());
}

#[test]
fn bounds_hold_exactly_and_fix_variables() {
    let bounds =
        Bounds::new(vec![1.0, -2.0, 0.3, f64::NEG_INFINITY], vec![5.0, -1.5, 0.3, 7.0]).unwrap();
    let mut f = sphere(4);
    // The start lies outside; the callback must only ever see points inside.
    let s = run(Problem::new(&mut f).bounds(bounds), &[9.0, 9.0, 9.0, -9.0], &Options::default());
    assert_eq!((s.status, s.method), (Status::Converged, Method::Lbfgsb), "{}", s.reason);
    assert_eq!(s.x[..3], [1.0, -1.5, 0.3]);
    assert!(s.x[3].abs() < 1e-8);
    let all_fixed = Bounds::new(vec![2.0], vec![2.0]).unwrap();
    let mut f = sphere(1);
    let s = run(Problem::new(&mut f).bounds(all_fixed), &[0.0], &Options::default());
    assert_eq!((s.status, s.iterations, s.objective), (Status::Converged, 0, 2.0));
}

#[test]
fn extreme_scales_neither_panic_nor_mislead() {
    for method in UNCONSTRAINED {
        for scale in [1e-30, 1e-12, 1e12, 1e150] {
            let mut f = scalar(move |x| (scale * x * x, 2.0 * scale * x));
            let s = run(&mut f, &[1.0], &Options { max_iterations: 300, ..with(method) });
            let converged = s.status == Status::Converged;
            let why = format!("{method} {scale}: {}", s.reason);
            let bound = (s.objective.abs() / s.x[0].abs().max(1.0)).max(1.0);
            assert!(!converged || s.gradient_norm <= 1e-8 * bound, "{why}");
            // The largest gradient is that of the start.
            assert!(converged || s.gradient_norm > 1e-8 * (2.0 * scale).min(1.0), "{why}");
        }
        let mut f = scalar(|x| (x * x, 2.0 * x));
        let s = run(&mut f, &[1e150], &with(method));
        assert!(s.objective.is_finite(), "{method}: {}", s.reason);
        let s = run(&mut f, &[1e9], &with(method));
        assert!(s.status == Status::Converged && s.x[0].abs() < 1e-8, "{method}: {}", s.reason);
    }
    // A constant has its minimum everywhere.
    let s = run(&mut scalar(|_| (4.0, 0.0)), &[1.0], &Options::default());
    assert_eq!((s.status, s.iterations), (Status::Converged, 0));
}

#[test]
fn the_choice_of_method_is_explained() {
    let s = run(&mut sphere(2), &[1.0; 2], &Options::default());
    assert_eq!((s.method, s.method_reason.as_str()), (Method::Lbfgs, "there are no constraints"));
    let s = run(&mut sphere(2), &[1.0; 2], &with(Method::NewtonCg));
    assert_eq!((s.method, s.method_reason.as_str()), (Method::NewtonCg, "asked for"));
    for (method, name) in Method::NAMES {
        assert_eq!(method.to_string(), name);
    }
}

/// The factor and the constant of an objective change nothing of where it is smallest.
#[test]
fn a_constant_or_a_factor_does_not_end_a_run_at_its_start() {
    let methods = [
        Method::Lbfgs,
        Method::Lbfgsb,
        Method::NewtonCg,
        Method::GradientDescent,
        Method::GradientTrustRegion,
    ];
    for method in methods {
        for (constant, factor) in [(1e9, 1.0), (-1e9, 1.0), (0.0, 1e-9), (0.0, 1e9)] {
            let mut f =
                scalar(move |x| (constant + factor * (x - 5.0).powi(2), 2.0 * factor * (x - 5.0)));
            let s = run(&mut f, &[0.0], &with(method));
            assert_eq!(s.status, Status::Converged, "{method} {constant} {factor}: {}", s.reason);
            // The constant hides a gain of 1e-7, so a way of 3e-4.
            let far = if constant == 0.0 { 1e-6 } else { 3e-4 };
            assert!((s.x[0] - 5.0).abs() < far, "{method} {constant} {factor}: {:?}", s.x);
        }
    }
}

/// Σ(y − bx)², y ≈ 1e6 and x ≈ 1e-3, is smallest at b = Σxy/Σx².
#[test]
fn least_squares_of_large_data_by_small_is_solved() {
    let x = [1e-3, 2e-3, 3e-3, 4e-3];
    let y = [1.1e6, 1.9e6, 3.2e6, 3.9e6];
    let sum = |f: &dyn Fn(usize) -> f64| (0..4).map(f).sum::<f64>();
    let best = sum(&|i| x[i] * y[i]) / sum(&|i| x[i] * x[i]);
    for method in [Method::Lbfgs, Method::Lbfgsb, Method::NewtonCg, Method::GradientDescent] {
        let mut f = scalar(move |b| {
            let residual = |i: usize| b * x[i] - y[i];
            let value = (0..4).map(|i| residual(i).powi(2)).sum();
            (value, (0..4).map(|i| 2.0 * x[i] * residual(i)).sum())
        });
        let s = run(&mut f, &[0.0], &with(method));
        assert_eq!(s.status, Status::Converged, "{method}: {}", s.reason);
        assert!((s.x[0] - best).abs() < 1e-7 * best, "{method}: {:?} for {best}", s.x);
    }
}
