//! A run in slices takes the very steps of the whole run, and ends at the same bits.

use riesz::minimize::{
    Checkpoint, Control, FnObjective, Method, MinimizeError, Options, Progress, Solution, Status,
    resume, solve,
};

use crate::problems::{Case, constrained, meyer, unconstrained};

fn with(method: Method) -> Options {
    Options { method, ..Options::default() }
}

/// The run in slices of `steps` iterations, each from what the one before left.
fn in_slices(case: &mut Case, options: &Options, steps: usize) -> Solution {
    let start = case.start.clone();
    let stop_at = |last: usize| {
        move |p: &Progress| match p.iteration >= last {
            true => Control::Stop,
            false => Control::Continue,
        }
    };
    // The first slice ends at the start itself.
    let mut solution = solve(case.problem(), &start, options, &mut stop_at(0)).unwrap();
    let mut slices = 1;
    while solution.status == Status::Interrupted {
        let next = solution.iterations + steps;
        let checkpoint = solution.checkpoint;
        solution = resume(case.problem(), &checkpoint, options, &mut stop_at(next)).unwrap();
        slices += 1;
    }
    assert!(slices > 2 || solution.iterations < 2 * steps, "{}: {slices} slices", case.name);
    solution
}

/// Everything but the times.
fn timeless(solution: Solution) -> Solution {
    let mut s = solution;
    s.seconds = 0.0;
    s.history.iter_mut().for_each(|p| p.seconds = 0.0);
    s.checkpoint.rows.0.retain(|(name, _)| name != "seconds" && name != "history");
    s
}

fn same(mut case: Case, method: Method, steps: usize) {
    let start = case.start.clone();
    let options = with(method);
    let whole = solve(case.problem(), &start, &options, &mut |_| Control::Continue).unwrap();
    let slices = in_slices(&mut case, &options, steps);
    assert_eq!(timeless(slices), timeless(whole), "{} by {method}", case.name);
}

#[test]
fn slices_are_the_whole_run() {
    for (k, case) in unconstrained().into_iter().enumerate() {
        same(case, Method::Auto, 1 + k % 4);
    }
    for (k, case) in constrained().into_iter().enumerate() {
        same(case, Method::Auto, 1 + 5 * k);
    }
    // Meyer's function makes L-BFGS give up, and Newton's method goes on.
    same(meyer(), Method::Auto, 100);
}

#[test]
fn slices_are_the_whole_run_by_every_method() {
    let methods = [
        Method::Lbfgs,
        Method::NewtonCg,
        Method::GradientDescent,
        Method::GradientTrustRegion,
        Method::Lbfgsb,
        Method::AugmentedLagrangian,
    ];
    for method in methods {
        // Least squares and logistic regression: no method needs many steps for them.
        for case in unconstrained().into_iter().take(2) {
            same(case, method, 3);
        }
    }
}

/// (1 − x)² + 100 (y − x²)².
fn rosenbrock() -> FnObjective<'static> {
    FnObjective::new(2, |x, grad| {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        grad[0] = -2.0 * a - 400.0 * x[0] * b;
        grad[1] = 200.0 * b;
        Ok(a * a + 100.0 * b * b)
    })
}

/// A run that gave up after `limit` iterations.
fn limited(limit: usize) -> Checkpoint {
    let options = Options { max_iterations: limit, ..Options::default() };
    let start = [-1.2, 1.0];
    let solution = solve(&mut rosenbrock(), &start, &options, &mut |_| Control::Continue).unwrap();
    assert_eq!(solution.status, Status::MaxIterations);
    solution.checkpoint
}

#[test]
fn a_run_that_gave_up_can_be_given_more_time() {
    let options = Options::default();
    let whole =
        solve(&mut rosenbrock(), &[-1.2, 1.0], &options, &mut |_| Control::Continue).unwrap();
    let more =
        resume(&mut rosenbrock(), &limited(7), &options, &mut |_| Control::Continue).unwrap();
    assert_eq!((more.iterations, &more.x), (whole.iterations, &whole.x));
    assert_eq!(more.history.len(), whole.history.len());
    assert!(more.seconds >= more.history.last().unwrap().seconds);
    // One that has converged has nothing left to do, unless more is asked of it.
    let mut none = 0;
    let again = resume(&mut rosenbrock(), &more.checkpoint, &options, &mut |_| {
        none += 1;
        Control::Continue
    });
    assert_eq!((again.unwrap().x, none), (more.x, 0));
    let strict = Options { tolerance: 1e-13, ..Options::default() };
    let better =
        resume(&mut rosenbrock(), &more.checkpoint, &strict, &mut |_| Control::Continue).unwrap();
    assert!(better.gradient_norm <= 1e-13 && better.status == Status::Converged);
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let saved = limited(3);
    let go = |checkpoint: &Checkpoint, options: &Options| {
        resume(&mut rosenbrock(), checkpoint, options, &mut |_| Control::Continue)
    };
    let reason = |result: Result<Solution, MinimizeError>| match result {
        Err(error) => error.to_string(),
        Ok(solution) => format!("went on and {}", solution.status),
    };
    assert!(reason(go(&saved, &with(Method::NewtonCg))).contains("begun with the method auto"));
    let mut three = FnObjective::new(3, |_, _| Ok(0.0));
    let other =
        resume(&mut three, &saved, &Options::default(), &mut |_| Control::Continue).unwrap_err();
    assert!(other.to_string().contains("has 2 variables, and the problem has 3"), "{other}");
}

#[test]
fn a_damaged_checkpoint_is_refused_or_does_no_harm() {
    let saved = limited(5);
    for i in 0..saved.rows.0.len() {
        let name = saved.rows.0[i].0.clone();
        let mut without = saved.clone();
        without.rows.0.remove(i);
        let mut shorter = saved.clone();
        shorter.rows.0[i].1.pop();
        let mut nonsense = saved.clone();
        nonsense.rows.0[i].1.iter_mut().for_each(|x| *x = f64::NAN);
        for damaged in [without, shorter, nonsense] {
            let options = Options { max_iterations: 500, ..Options::default() };
            match resume(&mut rosenbrock(), &damaged, &options, &mut |_| Control::Continue) {
                // What a method remembers it can do without.
                Ok(s) => assert_eq!(s.status, Status::Converged, "{name}"),
                Err(MinimizeError::Checkpoint { what }) => {
                    let told = [name.as_str(), "not finite", "it has 1 variables"];
                    assert!(told.iter().any(|words| what.contains(words)), "{name}: {what}");
                }
                Err(other) => panic!("{name}: {other}"),
            }
        }
    }
}
