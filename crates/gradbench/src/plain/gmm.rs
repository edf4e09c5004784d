//! The log posterior of a Gaussian mixture, one triangular product for each point and component.

use crate::input::Input;
use crate::work::{Work, number, work};
use riesz::prelude::*;
use std::f64::consts::{LN_2, PI};

struct Mixture {
    d: usize,
    k: usize,
    alpha: Vec<f64>,
    mu: Vec<f64>,
    q: Vec<f64>,
    l: Vec<f64>,
    x: Vec<f64>,
    gamma: f64,
    m: f64,
}

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let matrix = |name| input.field(name)?.tensor(2)?.into_vec::<f64>();
    let mixture = Mixture {
        d: input.field("d")?.count()?,
        k: input.field("k")?.count()?,
        alpha: input.field("alpha")?.tensor(1)?.into_vec()?,
        mu: matrix("mu")?,
        q: matrix("q")?,
        l: matrix("l")?,
        x: matrix("x")?,
        gamma: input.optional("gamma").map_or(Ok(1.0), |v| v.number())?,
        m: input.optional("m").map_or(Ok(0.0), |v| v.number())?,
    };
    work(move || Ok(log_posterior(&mixture)), |y| number(*y))
}

fn log_posterior(mixture: &Mixture) -> f64 {
    let Mixture { d, k, alpha, mu, q, l, x, gamma, m } = mixture;
    let (d, k, below) = (*d, *k, d * (d - 1) / 2);
    let n = x.len() / d;
    let diagonal: Vec<f64> = q.iter().map(|q| q.exp()).collect();
    let log_det: Vec<f64> = q.chunks_exact(d).map(|q| q.iter().sum()).collect();
    let (mut beta, mut z, mut y) = (vec![0.0; k], vec![0.0; d], vec![0.0; d]);
    let mut fit = 0.0;
    for point in x.chunks_exact(d) {
        for c in 0..k {
            for j in 0..d {
                z[j] = point[j] - mu[c * d + j];
                y[j] = diagonal[c * d + j] * z[j];
            }
            let mut place = c * below;
            for (column, z) in z.iter().enumerate() {
                for y in &mut y[column + 1..] {
                    *y += l[place] * z;
                    place += 1;
                }
            }
            let square: f64 = y.iter().map(|y| y * y).sum();
            beta[c] = alpha[c] + log_det[c] - 0.5 * square;
        }
        fit += log_sum_exp(&beta);
    }
    let squares = diagonal.iter().chain(l).map(|v| v * v).sum::<f64>();
    let prior = 0.5 * gamma * gamma * squares - m * log_det.iter().sum::<f64>();
    let (size, count) = (d as f64, n as f64);
    let freedom = size + m + 1.0;
    let constant = freedom * size * (gamma.ln() - 0.5 * LN_2) - log_gamma(0.5 * freedom, d);
    fit - count * log_sum_exp(alpha) - prior - 0.5 * count * size * (2.0 * PI).ln()
        + k as f64 * constant
}

fn log_sum_exp(x: &[f64]) -> f64 {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + x.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

/// The logarithm of the multivariate Γ function at a multiple of ½, from Γ(½) = √π, Γ(1) = 1 and
/// Γ(a + 1) = a Γ(a).
fn log_gamma(a: f64, d: usize) -> f64 {
    let of_one = |mut a: f64| {
        let mut product = 0.0;
        while a > 1.0 {
            a -= 1.0;
            product += a.ln();
        }
        if a == 0.5 { product + 0.5 * PI.ln() } else { product }
    };
    let factor = d as f64 * (d as f64 - 1.0) / 4.0 * PI.ln();
    factor + (1..=d).map(|j| of_one(a + 0.5 * (1.0 - j as f64))).sum::<f64>()
}
