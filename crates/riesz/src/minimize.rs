//! Minimising: a traced function of a tree ([`minimize`]), or any function of a flat vector, with or
//! without constraints ([`solve`]).
//!
//! [`solve`] is the one entry of the solvers. It takes an [`Objective`] (value and gradient, perhaps
//! Hessian-vector products), or a [`Problem`] with [`Bounds`] and [`Constraints`] too, a start, the
//! [`Options`] and a callback, and gives a [`Solution`].
//!
//! ```
//! use riesz::minimize::{Control, FnObjective, Options, Status, solve};
//!
//! let mut parabola = FnObjective::new(2, |x, grad| {
//!     grad[0] = 2.0 * (x[0] - 3.0);
//!     grad[1] = 8.0 * x[1];
//!     Ok((x[0] - 3.0).powi(2) + 4.0 * x[1].powi(2))
//! });
//! let solution =
//!     solve(&mut parabola, &[0.0, 1.0], &Options::default(), &mut |_| Control::Continue)?;
//! assert_eq!(solution.status, Status::Converged);
//! assert!((solution.x[0] - 3.0).abs() < 1e-8 && solution.x[1].abs() < 1e-8);
//! # Ok::<(), riesz::minimize::MinimizeError>(())
//! ```
//!
//! What holds for every method:
//! - Converged means ‖∇f‖∞ ≤ tolerance·min(1, G), G the largest gradient norm so far, with the gradient
//!   projected at bounds (reached within tolerance·max(1, ‖x‖∞)) and of the Lagrangian under
//!   constraints, and a violation of at most `feasibility_tolerance`. Where the value is large, and its
//!   rounding with it, max(1, |f|/max(1, ‖x‖∞)) stands for 1, if the method's own model predicts a gain
//!   of at most max(tolerance², 1e-15)·|f|: a large constant alone ends no run. The one exception, the
//!   limit of precision, is stated in [`Solution::reason`]: no step lowers the value any more, the model
//!   predicts a gain of at most 1e-12·max(1, |f|), and ‖∇f‖∞ ≤ √tolerance·max(1, |f|/max(1, ‖x‖∞)).
//! - Whatever ends a run, its last accepted iterate is returned. The minima found are local.
//! - A value or gradient that is NaN or infinite means a step out of the domain: a shorter one is
//!   tried.
//!
//! The solvers deliberately know nothing of programs, tensors or shapes, use no threads, and do not
//! print.

mod augmented_lagrangian;
mod checkpoint;
mod choice;
mod compact;
mod function;
mod gradient_descent;
mod lbfgs;
mod lbfgsb;
mod line_search;
mod newton_cg;
mod options;
mod problem;
mod run;
mod small_lu;
mod solution;
mod vector;

pub use checkpoint::{Checkpoint, Rows};
pub use function::{Minimum, minimize, minimize_with};
pub use options::{Method, Options};
pub use problem::{Bounds, Constraints, EvalError, FnConstraints, FnObjective, Objective, Problem};
pub use solution::{Control, MinimizeError, Progress, Solution, Status};

use augmented_lagrangian::{Merit, Part};
use choice::{Choice, choose};
use run::{Ending, Run, State};
use vector::first_non_finite;

/// Steps of L-BFGS after which [`Method::Auto`] turns to Newton-CG, if there are Hessian-vector
/// products. L-BFGS takes a few hundred where it does well.
const PATIENCE: usize = 1000;

/// Minimises `problem` from `start`.
///
/// A start outside the bounds is first moved to the nearest point inside. `progress` sees every
/// iterate, the start included, and may stop the run.
///
/// # Errors
/// Only for input no solver can start from: wrong lengths, no variables, options out of range, a
/// start that is not finite or outside the domain, a method that cannot treat the constraints.
/// What goes wrong later is in [`Solution::status`] and [`Solution::reason`].
pub fn solve<'p>(
    problem: impl Into<Problem<'p>>,
    start: &[f64],
    options: &Options,
    progress: &mut dyn FnMut(&Progress) -> Control,
) -> Result<Solution, MinimizeError> {
    let problem = problem.into();
    options.check()?;
    check_lengths(&problem, start)?;
    if let Some((index, value)) = first_non_finite(start) {
        return Err(MinimizeError::StartNotFinite { index, value });
    }
    let choice = choose(&problem, options.method)?;
    let mut x = start.to_vec();
    if let Some(bounds) = &problem.bounds {
        bounds.project(&mut x);
    }
    let mut run = Run::new(options, progress);
    minimise(&mut run, problem, Begin::At(x), choice)
}

/// Goes on where a run was interrupted or gave up, with the steps it would have taken then.
///
/// The problem must be the same; of the options, the limit of iterations and the tolerances may
/// differ. The solution is that of the whole run: its counts, seconds and history begin at the start.
///
/// # Errors
/// When the checkpoint is of another problem or method, or damaged; options out of range.
pub fn resume<'p>(
    problem: impl Into<Problem<'p>>,
    checkpoint: &Checkpoint,
    options: &Options,
    progress: &mut dyn FnMut(&Progress) -> Control,
) -> Result<Solution, MinimizeError> {
    let problem = problem.into();
    options.check()?;
    let refused = |what: String| Err(MinimizeError::Checkpoint { what });
    if options.method != checkpoint.asked {
        return refused(format!(
            "it was begun with the method {}, not {}",
            checkpoint.asked, options.method
        ));
    }
    let n = problem.objective.dim();
    let saved = checkpoint.rows.find("at.x").map(<[f64]>::len);
    if let Some(saved) = saved.filter(|saved| *saved != n) {
        return refused(format!("it has {saved} variables, and the problem has {n}"));
    }
    check_lengths(&problem, &vec![0.0; n])?;
    let method = choose(&problem, checkpoint.method)?.method;
    let reason = checkpoint.method_reason.clone();
    let choice = Choice { asked: checkpoint.asked, method, reason };
    let at = checkpoint.rows.state("at", n)?;
    let finite = |row: &[f64]| first_non_finite(row).is_none();
    if !(finite(&at.x) && finite(&at.gradient) && at.value.is_finite()) {
        return refused("its point or the value there is not finite".to_owned());
    }
    let mut run = Run::new(options, progress);
    run.restore(&checkpoint.rows)?;
    minimise(&mut run, problem, Begin::Saved(at, &checkpoint.rows), choice)
}

/// Where a run begins: anew, or with an iterate of a saved run and all that was saved with it.
enum Begin<'c> {
    At(Vec<f64>),
    Saved(State, &'c Rows),
}

fn minimise(
    run: &mut Run,
    problem: Problem,
    begin: Begin,
    choice: Choice,
) -> Result<Solution, MinimizeError> {
    match choice.method {
        Method::AugmentedLagrangian => constrained(run, problem, begin, choice),
        _ => unconstrained(run, problem, begin, choice),
    }
}

fn check_lengths(problem: &Problem, start: &[f64]) -> Result<(), MinimizeError> {
    let n = problem.objective.dim();
    if n == 0 {
        return Err(MinimizeError::NoVariables);
    }
    let equalities = problem.equalities.as_ref().map(|c| c.dim());
    let inequalities = problem.inequalities.as_ref().map(|c| c.dim());
    let lengths = [
        ("the start", Some(start.len())),
        ("the vector of bounds", problem.bounds.as_ref().map(Bounds::dim)),
        ("the argument of the equalities", equalities),
        ("the argument of the inequalities", inequalities),
    ];
    for (what, found) in lengths {
        if let Some(found) = found.filter(|found| *found != n) {
            return Err(MinimizeError::WrongLength { what, expected: n, found });
        }
    }
    Ok(())
}

fn unconstrained(
    run: &mut Run,
    problem: Problem,
    begin: Begin,
    mut choice: Choice,
) -> Result<Solution, MinimizeError> {
    let Problem { objective, bounds, .. } = problem;
    let mut at = match begin {
        Begin::Saved(at, _) => at,
        Begin::At(x) => {
            let at = start(run, objective, bounds.as_ref(), x)?;
            if let Some(ending) = run.report(&at, 0.0) {
                let verdict = verdict(run, objective, bounds.as_ref(), &at, ending);
                return Ok(solution(run, at, choice, verdict, Rows::default()));
            }
            at
        }
    };
    // A saved run beyond the limit has been through this.
    let may_switch = choice.asked == Method::Auto
        && choice.method == Method::Lbfgs
        && run.iterations <= PATIENCE;
    let limit = run.options.max_iterations;
    if may_switch {
        run.iteration_limit = limit.min(PATIENCE);
    }
    let mut ending = dispatch(run, objective, bounds.as_ref(), choice.method, &mut at);
    run.iteration_limit = limit;
    let stopped_short = match &ending {
        // What is wrong, without what may be behind it.
        Ending::Failed(reason) => reason.split([',', ':']).next().map(str::to_owned),
        Ending::MaxIterations if run.iterations < limit => Some("slow convergence".to_owned()),
        _ => None,
    };
    if let (Some(reason), true) = (stopped_short, may_switch) {
        // The second derivatives themselves may do what their approximation did not.
        if has_hessian_products(objective, &at) {
            let steps = run.iterations;
            choice.method = Method::NewtonCg;
            choice.reason = format!("{}; after {steps} steps of lbfgs: {reason}", choice.reason);
            ending = dispatch(run, objective, bounds.as_ref(), choice.method, &mut at);
        } else if ending == Ending::MaxIterations {
            ending = dispatch(run, objective, bounds.as_ref(), choice.method, &mut at);
        }
    }
    let verdict = verdict(run, objective, bounds.as_ref(), &at, ending);
    Ok(solution(run, at, choice, verdict, Rows::default()))
}

/// Value and gradient at the start, which must be finite.
fn start(
    run: &mut Run,
    objective: &mut dyn Objective,
    bounds: Option<&Bounds>,
    x: Vec<f64>,
) -> Result<State, MinimizeError> {
    let mut gradient = vec![0.0; x.len()];
    let value = run.evaluate(objective, &x, &mut gradient).map_err(MinimizeError::Evaluation)?;
    if !value.is_finite() {
        let what = format!("the objective or a constraint is not finite (the value is {value})");
        return Err(MinimizeError::StartOutsideDomain { what });
    }
    if let Some((index, value)) = first_non_finite(&gradient) {
        let what = format!("the gradient is {value} in entry {index}");
        return Err(MinimizeError::StartOutsideDomain { what });
    }
    run.unbounded_below = -run.options.unbounded_value * value.abs().max(1.0);
    Ok(State::new(bounds, x, gradient, value))
}

/// Runs one method. An error of evaluation ends it at the last accepted iterate.
fn dispatch(
    run: &mut Run,
    objective: &mut dyn Objective,
    bounds: Option<&Bounds>,
    method: Method,
    at: &mut State,
) -> Ending {
    run.begin_method(run.options.tolerance);
    let ended = match method {
        Method::NewtonCg => newton_cg::solve(run, objective, at),
        Method::GradientDescent => gradient_descent::solve_line_search(run, objective, at),
        Method::GradientTrustRegion => gradient_descent::solve_trust_region(run, objective, at),
        Method::Lbfgsb => match bounds {
            Some(bounds) => lbfgsb::solve(run, objective, bounds, at),
            None => lbfgsb::solve(run, objective, &Bounds::free(at.x.len()), at),
        },
        Method::Auto | Method::Lbfgs | Method::AugmentedLagrangian => {
            lbfgs::solve(run, objective, at)
        }
    };
    let ending = ended.unwrap_or_else(evaluation_failed);
    match (ending, bounds) {
        (Ending::Converged(reason), Some(bounds)) => {
            run.at_infinite_bound(objective, bounds, at, reason)
        }
        (ending, _) => ending,
    }
}

fn evaluation_failed(error: EvalError) -> Ending {
    Ending::Failed(format!("evaluation failed: {error}"))
}

fn has_hessian_products(objective: &mut dyn Objective, at: &State) -> bool {
    let mut out = vec![0.0; at.x.len()];
    matches!(objective.hvp(&at.x, &at.gradient, &mut out), Some(Ok(())))
}

fn constrained(
    run: &mut Run,
    problem: Problem,
    begin: Begin,
    choice: Choice,
) -> Result<Solution, MinimizeError> {
    let Problem { objective, bounds, equalities, inequalities } = problem;
    let has_equalities = equalities.is_some();
    let parts = equalities
        .map(|c| Part::new(c, false))
        .into_iter()
        .chain(inequalities.map(|c| Part::new(c, true)))
        .collect();
    let mut merit = Merit::new(objective, parts);
    let mut ending = None;
    let mut at = match begin {
        Begin::Saved(at, rows) => {
            merit.restore(run, rows)?;
            at
        }
        Begin::At(x) => {
            // Twice: the first ρ depends on the values at the start.
            let at = start(run, &mut merit, bounds.as_ref(), x)?;
            merit.begin(run);
            let at = start(run, &mut merit, bounds.as_ref(), at.x)?;
            ending = run.report(&at, 0.0);
            at
        }
    };
    let ending = ending.unwrap_or_else(|| {
        augmented_lagrangian::solve(run, &mut merit, bounds.as_ref(), &mut at)
            .unwrap_or_else(evaluation_failed)
    });
    let (mut rows, evaluations) = (Rows::default(), run.evaluations);
    merit.save(&mut rows);
    // The latest evaluation need not have been the last accepted iterate.
    let mut gradient = vec![0.0; at.x.len()];
    let behind = match merit.value_grad(&at.x, &mut gradient) {
        Ok(_) => merit.behind(),
        Err(_) => run.behind.as_ref().map(|behind| behind.get()).unwrap_or_default(),
    };
    let verdict = verdict(run, &mut merit, bounds.as_ref(), &at, ending);
    let mut solution = solution(run, at, choice, verdict, rows);
    // What was evaluated for the report does not belong to the run.
    solution.evaluations = evaluations + 1;
    solution.objective = behind.objective;
    solution.constraint_violation = behind.violation;
    let mut multipliers = merit.parts.into_iter().map(|part| part.multipliers);
    if has_equalities {
        solution.equality_multipliers = multipliers.next().unwrap_or_default();
    }
    solution.inequality_multipliers = multipliers.next().unwrap_or_default();
    Ok(solution)
}

/// What is said of the last iterate.
fn verdict(
    run: &mut Run,
    objective: &mut dyn Objective,
    bounds: Option<&Bounds>,
    at: &State,
    ending: Ending,
) -> (Status, String) {
    match ending {
        Ending::Converged(reason) => (Status::Converged, reason),
        Ending::MaxIterations => (
            Status::MaxIterations,
            format!(
                "after {} iterations the gradient norm is still {:.2e}",
                run.iterations, at.gradient_norm
            ),
        ),
        Ending::Interrupted => (Status::Interrupted, "stopped on request".to_owned()),
        Ending::Unbounded => (Status::Failed, run.unbounded(objective, bounds, at)),
        Ending::Failed(reason) => (Status::Failed, reason),
    }
}

/// What came out of a run. `rows` are what the method adds to the checkpoint.
fn solution(
    run: &mut Run,
    at: State,
    choice: Choice,
    (status, reason): (Status, String),
    mut rows: Rows,
) -> Solution {
    rows.put_state("at", &at);
    run.save(&mut rows);
    let Choice { asked, method, reason: method_reason } = choice;
    let checkpoint = Checkpoint { asked, method, method_reason: method_reason.clone(), rows };
    Solution {
        x: at.x,
        objective: at.value,
        gradient_norm: at.gradient_norm,
        constraint_violation: 0.0,
        equality_multipliers: Vec::new(),
        inequality_multipliers: Vec::new(),
        iterations: run.iterations,
        evaluations: run.evaluations,
        hessian_products: run.hessian_products,
        seconds: run.seconds(),
        method,
        method_reason,
        status,
        reason,
        history: std::mem::take(&mut run.history),
        checkpoint,
    }
}
