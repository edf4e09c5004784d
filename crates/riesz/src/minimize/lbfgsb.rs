//! L-BFGS-B: L-BFGS for variables with bounds.
//!
//! Each step has three parts. The generalised Cauchy point is the first local minimiser of the
//! quadratic model along the projected path P(x − t∇f): it finds the bounds that hold. The model is
//! then minimised over the variables left free there. A line search goes towards the result, never
//! out of the box.
//!
//! Sources: R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound
//! constrained optimization", SIAM J. Sci. Comput. 16 (1995), algorithm CP and section 5.1;
//! J. L. Morales and J. Nocedal, "Remark on Algorithm 778", ACM TOMS 38 (2011), for the projection
//! of the subspace minimiser in place of a truncation.

use super::compact::Compact;
use super::line_search::{Line, Search};
use super::problem::{Bounds, EvalError, Objective};
use super::run::{Ending, Run, State};
use super::vector::{add_scaled, difference, dot, norm2};

/// Minimises from `at`, which lies in the box and whose value and gradient are up to date.
pub(super) fn solve(
    run: &mut Run,
    objective: &mut dyn Objective,
    bounds: &Bounds,
    at: &mut State,
) -> Result<Ending, EvalError> {
    let mut model = recall(run, at.x.len());
    let ending = steps(run, objective, bounds, at, &mut model)?;
    for (i, (s, y)) in model.into_pairs().into_iter().enumerate() {
        run.remembered.put(&format!("lbfgsb.s.{i}"), s);
        run.remembered.put(&format!("lbfgsb.y.{i}"), y);
    }
    Ok(ending)
}

/// The model of no steps, or as it was saved. Pairs that are damaged are forgotten: a method can do
/// without.
fn recall(run: &mut Run, n: usize) -> Compact {
    let rows = run.recall().unwrap_or_default();
    let s = rows.list("lbfgsb.s", n).unwrap_or_default();
    let y = rows.list("lbfgsb.y", n).unwrap_or_default();
    Compact::of_pairs(run.options.memory, s.into_iter().zip(y))
}

fn steps(
    run: &mut Run,
    objective: &mut dyn Objective,
    bounds: &Bounds,
    at: &mut State,
    model: &mut Compact,
) -> Result<Ending, EvalError> {
    let n = at.x.len();
    let mut x_new = vec![0.0; n];
    let mut gradient_new = vec![0.0; n];
    let mut predicted = f64::INFINITY;
    loop {
        let direction = direction(model, bounds, at);
        let slope = dot(&at.gradient, &direction);
        let fresh = model.is_empty();
        let left = if fresh { f64::INFINITY } else { -0.5 * slope };
        if let Some(ending) = run.check_in(Some(bounds), at, || left) {
            return Ok(ending);
        }
        if !(slope < 0.0 && slope.is_finite()) {
            if fresh {
                return Ok(run.no_lower_value(at, predicted));
            }
            model.clear();
            continue;
        }
        let limit = largest_step(bounds, &at.x, &direction);
        // Without a model the direction's length says nothing: begin with length 1 or less.
        let first = if fresh { 1.0_f64.min(1.0 / norm2(&direction)) } else { 1.0 };
        let search = Line {
            objective,
            x: &at.x,
            direction: &direction,
            bounds: Some(bounds),
            x_new: &mut x_new,
            gradient_new: &mut gradient_new,
            value: at.value,
            slope,
            limit,
        }
        .search(run, first)?;
        let Search::Accepted(trial) = search else {
            predicted = predicted.min(-0.5 * slope * first);
            if fresh {
                return Ok(run.no_lower_value(at, predicted));
            }
            model.clear();
            continue;
        };
        predicted = f64::INFINITY;
        let s = difference(&x_new, &at.x);
        let y = difference(&gradient_new, &at.gradient);
        let step = norm2(&s);
        model.remember(s, y);
        std::mem::swap(&mut at.x, &mut x_new);
        std::mem::swap(&mut at.gradient, &mut gradient_new);
        at.value = trial.value;
        at.gradient_norm = bounds.projected_gradient_norm(&at.x, &at.gradient);
        if let Some(ending) = run.accepted(at, step) {
            return Ok(ending);
        }
    }
}

/// From x to the minimiser of the model in the box, approximately.
fn direction(model: &Compact, bounds: &Bounds, at: &State) -> Vec<f64> {
    let (cauchy, c) = cauchy_point(model, bounds, at);
    let to_cauchy = difference(&cauchy, &at.x);
    let free: Vec<usize> = (0..at.x.len())
        .filter(|&i| cauchy[i] > bounds.lower()[i] && cauchy[i] < bounds.upper()[i])
        .collect();
    if model.is_empty() || free.is_empty() {
        return to_cauchy;
    }
    // The model's gradient at the Cauchy point, ∇f + θ(x_c − x) − WMc, in the free variables.
    let mut wmc = vec![0.0; at.x.len()];
    model.times(&model.middle_times(&c), &mut wmc);
    let r: Vec<f64> =
        free.iter().map(|&i| at.gradient[i] + model.theta * to_cauchy[i] - wmc[i]).collect();
    let Some(d) = model.minimise_over(&free, &r) else { return to_cauchy };
    let mut x = cauchy.clone();
    free.iter().zip(&d).for_each(|(&i, d)| x[i] += d);
    bounds.project(&mut x);
    let projected = difference(&x, &at.x);
    if dot(&at.gradient, &projected) < 0.0 {
        return projected;
    }
    // Projection may turn the direction uphill; cutting it short at the first bound never does.
    let mut fraction: f64 = 1.0;
    for (&i, d) in free.iter().zip(&d) {
        let room =
            if *d > 0.0 { bounds.upper()[i] - cauchy[i] } else { bounds.lower()[i] - cauchy[i] };
        if *d != 0.0 {
            fraction = fraction.min(room / d);
        }
    }
    let mut cut = to_cauchy;
    free.iter().zip(&d).for_each(|(&i, d)| cut[i] += fraction * d);
    cut
}

/// Algorithm CP: the generalised Cauchy point x_c, and c = Wᵀ(x_c − x).
fn cauchy_point(model: &Compact, bounds: &Bounds, at: &State) -> (Vec<f64>, Vec<f64>) {
    let n = at.x.len();
    let theta = model.theta;
    let mut x = at.x.clone();
    let mut d = vec![0.0; n];
    // Where the path bends: (t, i), in order.
    let mut bends: Vec<(f64, usize)> = Vec::new();
    for (i, d) in d.iter_mut().enumerate() {
        let g = at.gradient[i];
        let bound = if g < 0.0 { bounds.upper()[i] } else { bounds.lower()[i] };
        if g != 0.0 && at.x[i] != bound {
            *d = -g;
            let bend = (at.x[i] - bound) / g;
            if bend.is_finite() {
                bends.push((bend, i));
            }
        }
    }
    bends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut p = model.transpose_times(&d);
    let mut c = vec![0.0; model.width()];
    let mut row = vec![0.0; model.width()];
    let mut slope = -dot(&d, &d);
    let mut curvature = -theta * slope - dot(&p, &model.middle_times(&p));
    let least_curvature = f64::EPSILON * curvature.abs();
    let mut t = 0.0;
    let mut bends = bends.into_iter().peekable();
    while let Some(&(bend, i)) = bends.peek() {
        let forward = -slope / curvature.max(least_curvature);
        let segment = bend - t;
        // At 0/0, without any slope left, the path ends here too.
        if forward <= segment || forward.is_nan() {
            break;
        }
        bends.next();
        let g = at.gradient[i];
        x[i] = if g < 0.0 { bounds.upper()[i] } else { bounds.lower()[i] };
        let z = x[i] - at.x[i];
        model.row(i, &mut row);
        let m_row = model.middle_times(&row);
        add_scaled(&mut c, segment, &p);
        slope += segment * curvature + g * g + theta * g * z - g * dot(&m_row, &c);
        curvature -= theta * g * g + 2.0 * g * dot(&m_row, &p) + g * g * dot(&m_row, &row);
        add_scaled(&mut p, g, &row);
        d[i] = 0.0;
        t = bend;
    }
    if d.iter().all(|d| *d == 0.0) {
        return (x, c);
    }
    let forward = (-slope / curvature.max(least_curvature)).max(0.0);
    for (i, d) in d.iter().enumerate().filter(|(_, d)| **d != 0.0) {
        x[i] = at.x[i] + (t + forward) * d;
    }
    bounds.project(&mut x);
    add_scaled(&mut c, forward, &p);
    (x, c)
}

/// The largest α, at least 1, with x + αd in the box.
fn largest_step(bounds: &Bounds, x: &[f64], d: &[f64]) -> f64 {
    let mut limit = f64::INFINITY;
    for (i, &d) in d.iter().enumerate() {
        if d > 0.0 {
            limit = limit.min((bounds.upper()[i] - x[i]) / d);
        } else if d < 0.0 {
            limit = limit.min((bounds.lower()[i] - x[i]) / d);
        }
    }
    // 1 up to rounding: both ends of d lie in the box.
    limit.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minimize::vector::norm_inf;

    /// ⟨g, d⟩ + ½⟨d, Bd⟩ with B = θI − WMWᵀ.
    fn model_value(model: &Compact, g: &[f64], d: &[f64]) -> f64 {
        let w = model.transpose_times(d);
        dot(g, d) + 0.5 * (model.theta * dot(d, d) - dot(&w, &model.middle_times(&w)))
    }

    #[test]
    fn the_cauchy_point_is_the_first_minimiser_on_the_projected_path() {
        let mut model = Compact::new(4);
        model.remember(vec![1.0, -0.5, 0.3, 0.2], vec![3.0, -1.0, 0.2, 0.4]);
        model.remember(vec![0.1, 0.8, -0.4, 0.5], vec![0.5, 2.0, -0.2, 0.9]);
        let bounds = Bounds::new(
            vec![-0.05, -1.0, f64::NEG_INFINITY, 0.0],
            vec![f64::INFINITY, 0.1, 0.3, 0.0],
        );
        let bounds = bounds.unwrap();
        for g in [[2.0, -3.0, -0.5, 1.0], [0.3, -0.1, 4.0, 0.0], [-1.0, 0.0, -9.0, 2.0]] {
            let at = State::new(Some(&bounds), vec![0.0; 4], g.to_vec(), 0.0);
            let (cauchy, c) = cauchy_point(&model, &bounds, &at);
            // By small steps along the path, until the model rises.
            let (mut best, mut lowest) = (vec![0.0; 4], 0.0);
            for k in 1..200_000 {
                let mut x: Vec<f64> = g.iter().map(|g| -g * f64::from(k) * 1e-5).collect();
                bounds.project(&mut x);
                let value = model_value(&model, &g, &x);
                if value > lowest {
                    break;
                }
                (best, lowest) = (x, value);
            }
            assert!(norm_inf(&difference(&cauchy, &best)) < 2e-4, "{cauchy:?} against {best:?}");
            let exact = model.transpose_times(&cauchy);
            assert!(norm_inf(&difference(&c, &exact)) < 1e-13);
        }
    }
}
