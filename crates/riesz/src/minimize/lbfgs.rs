//! L-BFGS: a quasi-Newton method that remembers a few steps.
//!
//! The direction is −H∇f, with H the BFGS approximation of the inverse Hessian from the last m
//! pairs s = x₊ − x, y = ∇f₊ − ∇f, applied by the two-loop recursion in 4mn operations.
//!
//! Source: J. Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35
//! (1980); Nocedal & Wright, *Numerical Optimization*, 2nd ed., algorithms 7.4 and 7.5.

use std::collections::VecDeque;

use super::checkpoint::Rows;
use super::line_search::{Line, Search};
use super::problem::{EvalError, Objective};
use super::run::{Ending, Run, State};
use super::vector::{add_scaled, difference_to, dot, norm_inf, norm2};

/// The last pairs, and H through them.
struct Memory {
    capacity: usize,
    /// (s, y, 1/sᵀy), oldest first.
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Memory {
    /// Empty, or as it was saved.
    fn recall(run: &mut Run, n: usize) -> Memory {
        let capacity = run.options.memory;
        let rows = run.recall().unwrap_or_default();
        // Pairs that are damaged are forgotten: a method can do without.
        let steps = rows.list("lbfgs.s", n).unwrap_or_default();
        let differences = rows.list("lbfgs.y", n).unwrap_or_default();
        let skip = steps.len().saturating_sub(capacity);
        let pair = |(s, y): (Vec<f64>, Vec<f64>)| {
            let inverse = 1.0 / dot(&s, &y);
            (s, y, inverse)
        };
        let pairs = steps.into_iter().zip(differences).skip(skip).map(pair);
        Memory { capacity, pairs: pairs.filter(|p| p.2 > 0.0 && p.2.is_finite()).collect() }
    }

    fn save(self, rows: &mut Rows) {
        for (i, (s, y, _)) in self.pairs.into_iter().enumerate() {
            rows.put(&format!("lbfgs.s.{i}"), s);
            rows.put(&format!("lbfgs.y.{i}"), y);
        }
    }

    /// Keeps the pair of a step, if it tells of positive curvature: H stays positive definite.
    /// Returns the step's length.
    fn remember(&mut self, from: &State, x: &[f64], gradient: &[f64]) -> f64 {
        let n = x.len();
        // The oldest pair's memory holds the newest.
        let (mut s, mut y) = match self.pairs.len() < self.capacity {
            true => (vec![0.0; n], vec![0.0; n]),
            false => {
                self.pairs.pop_front().map_or((vec![0.0; n], vec![0.0; n]), |(s, y, _)| (s, y))
            }
        };
        difference_to(&mut s, x, &from.x);
        difference_to(&mut y, gradient, &from.gradient);
        let (sy, length) = (dot(&s, &y), norm2(&s));
        if sy > f64::EPSILON * length * norm2(&y) && (1.0 / sy).is_finite() {
            self.pairs.push_back((s, y, 1.0 / sy));
        }
        length
    }

    /// d ← −Hd. Without pairs H is 1/‖d‖: a step of length 1.
    fn descend(&self, d: &mut [f64]) {
        let Some((_, y, inverse)) = self.pairs.back() else {
            let norm = norm2(d);
            d.iter_mut().for_each(|d| *d /= -norm);
            return;
        };
        let gamma = 1.0 / (inverse * dot(y, y));
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for (s, y, inverse) in self.pairs.iter().rev() {
            let alpha = inverse * dot(s, d);
            add_scaled(d, -alpha, y);
            alphas.push(alpha);
        }
        d.iter_mut().for_each(|d| *d *= gamma);
        for ((s, y, inverse), alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = inverse * dot(y, d);
            add_scaled(d, alpha - beta, s);
        }
        d.iter_mut().for_each(|d| *d = -*d);
    }
}

/// Minimises from `at`, whose value and gradient are up to date.
pub(super) fn solve(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &mut State,
) -> Result<Ending, EvalError> {
    let mut memory = Memory::recall(run, at.x.len());
    let ending = steps(run, objective, at, &mut memory)?;
    memory.save(&mut run.remembered);
    Ok(ending)
}

fn steps(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &mut State,
    memory: &mut Memory,
) -> Result<Ending, EvalError> {
    let n = at.x.len();
    let mut x_new = vec![0.0; n];
    let mut gradient_new = vec![0.0; n];
    let mut direction = vec![0.0; n];
    // What the model expected to gain when the search along −H∇f found nothing.
    let mut predicted = f64::INFINITY;
    loop {
        direction.copy_from_slice(&at.gradient);
        memory.descend(&mut direction);
        let mut slope = dot(&at.gradient, &direction);
        let left = if memory.pairs.is_empty() { f64::INFINITY } else { -0.5 * slope };
        if let Some(ending) = run.check(at, || left) {
            return Ok(ending);
        }
        if !(slope < 0.0 && slope.is_finite()) {
            memory.pairs.clear();
            direction.copy_from_slice(&at.gradient);
            memory.descend(&mut direction);
            slope = dot(&at.gradient, &direction);
        }
        let fresh = memory.pairs.is_empty();
        let first = if fresh { norm2(&at.gradient).min(1.0) } else { 1.0 };
        let search = Line {
            objective,
            x: &at.x,
            direction: &direction,
            bounds: None,
            x_new: &mut x_new,
            gradient_new: &mut gradient_new,
            value: at.value,
            slope,
            limit: f64::INFINITY,
        }
        .search(run, first)?;
        let Search::Accepted(trial) = search else {
            if fresh {
                return Ok(run.no_lower_value(at, predicted.min(-0.5 * slope * first)));
            }
            // The pairs may be what is wrong: once more along the negative gradient.
            predicted = -0.5 * slope;
            memory.pairs.clear();
            continue;
        };
        predicted = f64::INFINITY;
        let step = memory.remember(at, &x_new, &gradient_new);
        std::mem::swap(&mut at.x, &mut x_new);
        std::mem::swap(&mut at.gradient, &mut gradient_new);
        at.value = trial.value;
        at.gradient_norm = norm_inf(&at.gradient);
        if let Some(ending) = run.accepted(at, step) {
            return Ok(ending);
        }
    }
}
