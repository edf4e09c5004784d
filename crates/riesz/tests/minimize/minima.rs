//! Every method reaches the known minima.

use riesz::minimize::{Control, FnObjective, Method, Options, Solution, Status, solve};

use crate::problems::{Case, constrained, meyer, unconstrained};

fn solution_of(case: &mut Case, options: &Options) -> Solution {
    let start = case.start.clone();
    solve(case.problem(), &start, options, &mut |_| Control::Continue).unwrap()
}

/// What is wrong with the solution, if anything.
fn judge(case: &Case, s: &Solution) -> Option<String> {
    let error = (s.objective - case.minimum).abs() / case.minimum.abs().max(1.0);
    println!(
        "{:32} {:22} {:5} it {:6} ev {:6} hv  error {error:7.1e}  gradient {:7.1e}  violation {:7.1e}  {} ({})",
        case.name,
        s.method.to_string(),
        s.iterations,
        s.evaluations,
        s.hessian_products,
        s.gradient_norm,
        s.constraint_violation,
        s.status,
        s.reason,
    );
    let good = s.status == Status::Converged
        && error <= case.accuracy
        && s.constraint_violation <= 1e-8
        && s.history.len() == s.iterations + 1;
    (!good).then(|| {
        format!("{} by {}: error {error:.1e}, {} ({})", case.name, s.method, s.status, s.reason)
    })
}

fn all_solved(cases: Vec<Case>, options: &Options) {
    let bad: Vec<String> = cases
        .into_iter()
        .filter_map(|mut case| {
            let solution = solution_of(&mut case, options);
            judge(&case, &solution)
        })
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn with(method: Method) -> Options {
    Options { method, ..Options::default() }
}

#[test]
fn lbfgs() {
    all_solved(unconstrained(), &with(Method::Lbfgs));
}

#[test]
fn lbfgs_to_1e_10() {
    all_solved(unconstrained(), &Options { tolerance: 1e-10, ..with(Method::Lbfgs) });
}

#[test]
fn newton_cg() {
    all_solved(unconstrained(), &with(Method::NewtonCg));
}

#[test]
fn newton_cg_from_differences_of_gradients() {
    let mut cases = unconstrained();
    cases.iter_mut().for_each(|case| case.objective.has_hvp = false);
    all_solved(cases, &with(Method::NewtonCg));
}

#[test]
fn lbfgsb_without_bounds() {
    all_solved(unconstrained(), &with(Method::Lbfgsb));
}

#[test]
fn gradient_descent() {
    for method in [Method::GradientDescent, Method::GradientTrustRegion] {
        let well_conditioned = ["P01", "P05", "P12", "P32", "P34", "P35", "P37"];
        let cases = unconstrained()
            .into_iter()
            .filter(|case| well_conditioned.iter().any(|name| case.name.starts_with(name)));
        all_solved(cases.collect(), &with(method));
    }
}

#[test]
fn meyer_badly_scaled() {
    for method in [Method::Auto, Method::NewtonCg] {
        all_solved(vec![meyer()], &with(method));
    }
}

#[test]
fn constraints() {
    all_solved(constrained(), &Options::default());
}

/// The Rosenbrock function in n variables, by hand.
fn rosenbrock(x: &[f64], grad: &mut [f64]) -> f64 {
    grad.fill(0.0);
    let mut value = 0.0;
    for i in 0..x.len() - 1 {
        let (a, b) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        value += 100.0 * a * a + b * b;
        grad[i] -= 400.0 * a * x[i] + 2.0 * b;
        grad[i + 1] += 200.0 * a;
    }
    value
}

#[test]
fn rosenbrock_in_100_variables() {
    let start: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect();
    for method in [Method::Lbfgs, Method::NewtonCg, Method::Lbfgsb] {
        let mut objective = FnObjective::new(100, |x, grad| Ok(rosenbrock(x, grad)));
        let s = solve(&mut objective, &start, &with(method), &mut |_| Control::Continue).unwrap();
        println!(
            "Rosenbrock 100 {method}: {} it, {} ev, {:e}, {}",
            s.iterations, s.evaluations, s.objective, s.reason
        );
        assert_eq!(s.status, Status::Converged);
        assert!(s.gradient_norm <= 1e-8);
        // There is a second local minimum, with f near 3.99 and x₀ near −1.
        let local = s.objective > 3.9 && s.objective < 4.0 && s.x[0] < 0.0;
        assert!(local || s.x.iter().all(|x| (x - 1.0).abs() < 1e-6), "{}", s.objective);
    }
}

#[test]
fn ill_conditioned_quadratics() {
    // ½Σ dᵢ(xᵢ − 1)², d from 1 to 1e8; minimum 0 at 1.
    for n in [10, 200] {
        let scale = move |i: usize| 1e8_f64.powf(i as f64 / (n - 1) as f64);
        let methods: &[Method] = match n {
            10 => &[Method::Lbfgs, Method::NewtonCg, Method::Lbfgsb],
            // L-BFGS would need tens of thousands of steps; auto gives up on it in time.
            _ => &[Method::NewtonCg, Method::Auto],
        };
        for &method in methods {
            let mut objective = FnObjective::new(n, |x, grad| {
                let mut value = 0.0;
                for i in 0..n {
                    grad[i] = scale(i) * (x[i] - 1.0);
                    value += 0.5 * grad[i] * (x[i] - 1.0);
                }
                Ok(value)
            })
            .with_hvp(|_, v, out| {
                (0..n).for_each(|i| out[i] = scale(i) * v[i]);
                Ok(())
            });
            let s = solve(&mut objective, &vec![0.0; n], &with(method), &mut |_| Control::Continue)
                .unwrap();
            println!(
                "quadratic {n} {method}: {} it, {} ev, {:e}, {}",
                s.iterations, s.evaluations, s.objective, s.reason
            );
            assert_eq!(s.status, Status::Converged, "{}", s.reason);
            assert!(s.x.iter().all(|x| (x - 1.0).abs() < 1e-7));
        }
    }
}
