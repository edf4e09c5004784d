//! Newton's method by conjugate gradients in a trust region.
//!
//! Each step minimises the quadratic model ⟨∇f, p⟩ + ½⟨p, ∇²f p⟩ over ‖p‖ ≤ Δ approximately: by
//! conjugate gradients from 0, which stop when the residual is small, at the boundary, or at a
//! direction of negative curvature (then followed to the boundary). Only products with the
//! Hessian are needed. Where the objective has none, they are taken from central differences of
//! gradients, at two evaluations each.
//!
//! Sources: T. Steihaug, "The conjugate gradient method and trust regions in large scale
//! optimization", SIAM J. Numer. Anal. 20 (1983); Nocedal & Wright, *Numerical Optimization*,
//! 2nd ed., algorithms 4.1 and 7.2, and section 8.1 for the differences.

use super::gradient_descent::{first_radius, gain, keep};
use super::problem::{EvalError, Objective};
use super::run::{Ending, Run, State};
use super::vector::{add_scaled, dot, first_non_finite, norm_inf, norm2, step_to};

/// The approximate minimiser of the model in the region.
struct Step {
    p: Vec<f64>,
    /// −⟨∇f, p⟩ − ½⟨p, ∇²f p⟩, what the model promises.
    predicted: f64,
    at_boundary: bool,
}

/// Minimises from `at`, whose value and gradient are up to date.
pub(super) fn solve(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &mut State,
) -> Result<Ending, EvalError> {
    let n = at.x.len();
    let mut x_new = vec![0.0; n];
    let mut gradient_new = vec![0.0; n];
    let mut radius = first_radius(run);
    loop {
        // Of the gradient alone, which saves the products of a step that is not taken.
        if let Some(ending) = run.check(at, || f64::INFINITY) {
            return Ok(keep(run, radius, ending));
        }
        let Some(step) = steihaug(run, objective, at, radius)? else {
            return Ok(Ending::Failed(
                "the product of the Hessian with a vector is not finite".to_owned(),
            ));
        };
        // On the boundary the model has more to gain than the step.
        let left = if step.at_boundary { f64::INFINITY } else { step.predicted };
        if let Some(ending) = run.check(at, || left) {
            return Ok(keep(run, radius, ending));
        }
        let length = norm2(&step.p);
        step_to(&mut x_new, &at.x, 1.0, &step.p);
        if x_new == at.x {
            return Ok(run.no_lower_value(at, step.predicted));
        }
        let value = run.evaluate(objective, &x_new, &mut gradient_new)?;
        let ratio = gain(run, at, &step.p, value, &gradient_new) / step.predicted;
        if ratio > 0.75 && step.at_boundary {
            radius *= 2.0;
        } else if ratio.is_nan() || ratio < 0.25 {
            radius = 0.25 * length;
        }
        if ratio > 1e-4 {
            std::mem::swap(&mut at.x, &mut x_new);
            std::mem::swap(&mut at.gradient, &mut gradient_new);
            at.value = value;
            at.gradient_norm = norm_inf(&at.gradient);
            if let Some(ending) = run.accepted(at, length) {
                return Ok(keep(run, radius, ending));
            }
        }
    }
}

/// Algorithm 7.2; `None` if a product is not finite.
fn steihaug(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &State,
    radius: f64,
) -> Result<Option<Step>, EvalError> {
    let n = at.x.len();
    let norm = norm2(&at.gradient);
    // Superlinear convergence: solve the Newton equations the better, the smaller the gradient.
    let enough = norm * norm.sqrt().min(0.5);
    let mut p = vec![0.0; n];
    let mut r = at.gradient.clone();
    let mut d: Vec<f64> = r.iter().map(|r| -r).collect();
    let mut hd = vec![0.0; n];
    let mut rr = dot(&r, &r);
    let mut predicted = 0.0;
    // Rounding may cost more than the n steps of exact arithmetic.
    for _ in 0..2 * n + 10 {
        hessian_product(run, objective, at, &d, &mut hd)?;
        if first_non_finite(&hd).is_some() {
            return Ok(None);
        }
        let curvature = dot(&d, &hd);
        let alpha = rr / curvature;
        let mut inside = p.clone();
        add_scaled(&mut inside, alpha, &d);
        if curvature <= 0.0 || !alpha.is_finite() || norm2(&inside) >= radius {
            let tau = to_boundary(&p, &d, radius);
            // The model falls by τ⟨r, r⟩ − ½τ²⟨d, Hd⟩ along d, since ⟨r, d⟩ = −⟨r, r⟩.
            predicted += tau * rr - 0.5 * tau * tau * curvature;
            add_scaled(&mut p, tau, &d);
            return Ok(Some(Step { p, predicted, at_boundary: true }));
        }
        predicted += 0.5 * alpha * rr;
        p = inside;
        add_scaled(&mut r, alpha, &hd);
        let rr_new = dot(&r, &r);
        if rr_new.sqrt() <= enough {
            break;
        }
        let beta = rr_new / rr;
        for (d, r) in d.iter_mut().zip(&r) {
            *d = beta * *d - r;
        }
        rr = rr_new;
    }
    Ok(Some(Step { p, predicted, at_boundary: false }))
}

/// The τ ≥ 0 with ‖p + τd‖ = radius, for p inside.
fn to_boundary(p: &[f64], d: &[f64], radius: f64) -> f64 {
    let (dd, pd) = (dot(d, d), dot(p, d));
    let room = (radius * radius - dot(p, p)).max(0.0);
    let root = (pd * pd + dd * room).sqrt();
    // Of the two ways to write the root, the one that does not cancel.
    if pd > 0.0 { room / (pd + root) } else { (root - pd) / dd }
}

/// out ← ∇²f(x)·v.
fn hessian_product(
    run: &mut Run,
    objective: &mut dyn Objective,
    at: &State,
    v: &[f64],
    out: &mut [f64],
) -> Result<(), EvalError> {
    run.hessian_products += 1;
    if let Some(done) = objective.hvp(&at.x, v, out) {
        return done;
    }
    // (∇f(x + hv) − ∇f(x − hv))/2h, with the h that balances rounding and truncation.
    let h = f64::EPSILON.cbrt() * norm2(&at.x).max(1.0) / norm2(v);
    let mut x = vec![0.0; v.len()];
    let mut ahead = vec![0.0; v.len()];
    step_to(&mut x, &at.x, h, v);
    run.evaluate(objective, &x, &mut ahead)?;
    step_to(&mut x, &at.x, -h, v);
    run.evaluate(objective, &x, out)?;
    for (out, ahead) in out.iter_mut().zip(&ahead) {
        *out = (ahead - *out) / (2.0 * h);
    }
    Ok(())
}
