//! The log posterior of a Gaussian mixture with a Wishart prior on the precisions, and its gradient.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;
use serde_json::{Value, json};
use std::f64::consts::{LN_2, PI};

/// The eval's functions.
pub const EVAL: Eval = Eval {
    name: "gmm",
    functions: &[("objective", prepare_objective), ("jacobian", prepare_jacobian)],
};

/// What is differentiated: logits of the weights `[k]`, means `[k,d]`, logarithms of the diagonals of
/// the precisions' factors `[k,d]`, and what is below the diagonals `[k,d(d−1)/2]`.
pub type Parameters<T> = (T, T, T, T);

/// The prior: the scale γ and the degrees of freedom beyond the least, m.
#[derive(Clone, Copy)]
pub struct Wishart {
    gamma: f64,
    m: f64,
    /// By what its logarithm is multiplied.
    sign: f64,
}

fn prepare_objective(input: &Input) -> Result<Box<dyn Work>> {
    objective(input, 1.0)
}

fn prepare_jacobian(input: &Input) -> Result<Box<dyn Work>> {
    jacobian(input, 1.0)
}

/// The log posterior with the logarithm of the prior times `sign`: ADBench has −1, by a mistake.
///
/// # Errors
/// When the input is not one of the eval.
pub fn objective(input: &Input, sign: f64) -> Result<Box<dyn Work>> {
    let prior = prior(input, sign)?;
    let f = move |(p, x): (Parameters<Var>, Var)| log_posterior(p, x, prior);
    compiled(f, arguments(input)?, nested)
}

/// The gradient of [`objective`].
///
/// # Errors
/// When the input is not one of the eval.
pub fn jacobian(input: &Input, sign: f64) -> Result<Box<dyn Work>> {
    let prior = prior(input, sign)?;
    let f = move |(p, x): (Parameters<Var>, Var)| grad(|p| log_posterior(p, x, prior))(p);
    compiled(f, arguments(input)?, write)
}

fn prior(input: &Input, sign: f64) -> Result<Wishart> {
    let gamma = input.optional("gamma").map_or(Ok(1.0), |v| v.number())?;
    let m = input.optional("m").map_or(Ok(0.0), |v| v.number())?;
    Ok(Wishart { gamma, m, sign })
}

fn arguments(input: &Input) -> Result<(Parameters<Tensor>, Tensor)> {
    let alpha = input.field("alpha")?.tensor(1)?;
    let matrix = |name| input.field(name)?.tensor(2);
    Ok(((alpha, matrix("mu")?, matrix("q")?, matrix("l")?), matrix("x")?))
}

fn write((alpha, mu, q, l): &Parameters<Tensor>) -> Result<Value> {
    Ok(json!({ "alpha": nested(alpha)?, "mu": nested(mu)?, "q": nested(q)?, "l": nested(l)? }))
}

fn log_posterior((alpha, mu, q, l): Parameters<Var>, x: Var, prior: Wishart) -> Var {
    let (n, d, k) = (x.shape()[0] as f64, x.shape()[1], alpha.shape()[0] as f64);
    let factors = lower(l, d) + vmap(|q: Var| q.exp().diag())(q);
    // Q(x − μ) for every component and every point.
    let z = Var::einsum("kij,nj->kni", &[factors, x])
        - Var::einsum("kij,kj->ki", &[factors, mu]).expand_dims(1);
    let log_det = q.sum_axes(&[1]);
    let beta = (alpha + log_det).expand_dims(1) - 0.5 * z.square().sum_axes(&[2]);
    let fit = beta.logsumexp_axes(&[0]).sum() - n * alpha.logsumexp();
    let squares = q.exp().square().sum() + l.square().sum();
    let Wishart { gamma, m, sign } = prior;
    let precision = k * log_normalisation(alpha, d, prior)
        - (0.5 * gamma * gamma * squares - m * log_det.sum());
    fit - 0.5 * n * d as f64 * (2.0 * PI).ln() + sign * precision
}

/// Lower triangular matrices without their diagonals, filled column by column.
fn lower(l: Var, d: usize) -> Var {
    let k = l.shape()[0];
    let places = (0..d).flat_map(|column| (column + 1..d).map(move |row| row * d + column));
    let places = Var::constant(places.map(|place| place as i64).collect::<Vec<_>>());
    let zeros = l.literal(0.0).broadcast_to([k, d * d]);
    zeros.scatter_add(places, l, 1).reshape([k, d, d])
}

/// The logarithm of the Wishart density's constant factor, with the multivariate Γ function.
fn log_normalisation(like: Var, d: usize, prior: Wishart) -> Var {
    let size = d as f64;
    let freedom = size + prior.m + 1.0;
    let gammas = (1..=d).map(|j| like.literal(0.5 * (freedom + 1.0 - j as f64)).lgamma());
    let log_gamma = gammas.fold(like.literal(0.25 * size * (size - 1.0) * PI.ln()), |a, b| a + b);
    freedom * size * (prior.gamma.ln() - 0.5 * LN_2) - log_gamma
}
