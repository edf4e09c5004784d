//! Scalar functions that no library gives to 2 ulp over their whole domain.
//!
//! They are computed in twice the precision where terms cancel, plainly and slowly; `special.tsv`
//! beside the tests holds the multiple-precision values they are measured against.

mod double;
mod erfc;
mod erfinv;
mod gamma;
mod logistic;
mod polygamma;
mod sinc;

pub(crate) use erfc::erfc;
pub(crate) use erfinv::erfinv;
pub(crate) use gamma::{digamma, lgamma};
pub(crate) use logistic::{logaddexp, sigmoid, softplus};
pub(crate) use polygamma::polygamma;
pub(crate) use sinc::sinc;

/// x·log y, and 0 where x is 0 whatever y is, unless it is NaN.
pub(crate) fn xlogy(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() { 0.0 } else { x * y.ln() }
}
