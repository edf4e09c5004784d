//! The primal functions as plain loops over numbers, as one writes them in C: what the evals' times
//! are measured against, and what their results are held against in the tests.

mod ba;
mod det;
mod gmm;
mod ht;
mod kmeans;
mod llsq;
mod lse;
mod lstm;
mod ode;

use crate::work::Prepare;

/// The plain primal of an eval.
pub fn find(name: &str) -> Option<Prepare> {
    Some(match name {
        "ba" => ba::prepare,
        "det" => det::prepare,
        "gmm" => gmm::prepare,
        "ht" => ht::prepare,
        "kmeans" => kmeans::prepare,
        "llsq" => llsq::prepare,
        "lse" => lse::prepare,
        "lstm" => lstm::prepare,
        "ode" => ode::prepare,
        _ => return None,
    })
}
