//! The evals, a file for each: the functions as a user of Riesz writes them, derivatives by Riesz.

pub mod ba;
pub mod det;
pub mod gmm;
pub mod hello;
pub mod ht;
pub mod kmeans;
pub mod llsq;
pub mod lse;
pub mod lstm;
pub mod ode;
pub mod particle;
pub mod saddle;

use crate::work::Eval;

/// Every eval.
pub const ALL: &[Eval] = &[
    hello::EVAL,
    gmm::EVAL,
    ba::EVAL,
    lstm::EVAL,
    ht::EVAL,
    kmeans::EVAL,
    lse::EVAL,
    llsq::EVAL,
    ode::EVAL,
    det::EVAL,
    particle::EVAL,
    saddle::EVAL,
];

/// The eval of a name.
pub fn find(name: &str) -> Option<&'static Eval> {
    ALL.iter().find(|eval| eval.name == name)
}
