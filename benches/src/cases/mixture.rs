//! i: the log-likelihood of a Gaussian mixture with a prior, and its gradient.

use crate::case::{BOTH, Case, value_and_derivative};
use crate::data::stream;
use riesz::prelude::*;

/// Value and gradient by the weights, means, and the factors of the precisions.
pub const MIXTURE: Case = Case {
    name: "i_gmm",
    sizes: &["N1000D10K25", "N1000D32K50", "N1000D64K100"],
    dtypes: BOTH,
    into: false,
    prepare: |size, dtype| {
        let [n, d, k] = sizes(size)?;
        let x = stream(90).tensor(&[n, d], dtype)?;
        let parameters = (
            stream(91).tensor(&[k], dtype)?,
            stream(92).tensor(&[k, d], dtype)?,
            stream(93).times(0.3).tensor(&[k, d], dtype)?,
            stream(94).times(0.3).tensor(&[k, d * (d - 1) / 2], dtype)?,
        );
        value_and_derivative(
            |(p, x): (Parameters, Var)| value_and_grad(|p| log_posterior(p, x))(p),
            (parameters, x),
        )
    },
};

/// Logits of the weights, means, logarithms of the diagonals, and what is below the diagonals.
type Parameters = (Var, Var, Var, Var);

fn log_posterior((alpha, mu, q, l): Parameters, x: Var) -> Var {
    let [n, d] = [x.shape()[0], x.shape()[1]];
    let factors = lower(l, d) + vmap(|q: Var| q.exp().diag())(q);
    let z = Var::einsum("kij,nj->kni", &[factors, x])
        - Var::einsum("kij,kj->ki", &[factors, mu]).expand_dims(1);
    let inner = (alpha + q.sum_axes(&[1])).expand_dims(1) - 0.5 * z.square().sum_axes(&[2]);
    let fit = inner.logsumexp_axes(&[0]).sum() - n as f64 * alpha.logsumexp();
    fit + 0.5 * (q.exp().square().sum() + l.square().sum()) - q.sum()
}

/// Strictly lower triangular matrices, filled row by row.
fn lower(l: Var, d: usize) -> Var {
    let k = l.shape()[0];
    let places = (0..d).flat_map(|row| (0..row).map(move |column| (row * d + column) as i64));
    let places = Var::constant(places.collect::<Vec<_>>());
    let zeros = l.literal(0.0).broadcast_to([k, d * d]);
    zeros.scatter_add(places, l, 1).reshape([k, d, d])
}

fn sizes(size: &str) -> Result<[usize; 3]> {
    let numbers: Vec<usize> =
        size.split(['N', 'D', 'K']).filter_map(|part| part.parse().ok()).collect();
    numbers.try_into().map_err(|_| Error::usage(format!("{size} is not a size like N1000D10K25")))
}
