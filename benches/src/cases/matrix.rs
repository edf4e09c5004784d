//! j: gradients through matrix functions.

use crate::case::{Case, Prepared, value_and_derivative};
use crate::data::stream;
use crate::size::factors;
use riesz::prelude::*;

const SIZES: &[&str] = &["10", "100", "500"];
const F64: &[DType] = &[DType::F64];

/// log det(AᵀA + I).
pub const LOGDET: Case = Case {
    name: "j_logdet",
    sizes: SIZES,
    dtypes: F64,
    into: false,
    prepare: |size, dtype| gradient(size, dtype, |a| (a.t().dot(a) + identity(a)).logdet()),
};

/// tr (AᵀA + I)⁻¹.
pub const TRACE_INVERSE: Case = Case {
    name: "j_trinv",
    sizes: SIZES,
    dtypes: F64,
    into: false,
    prepare: |size, dtype| {
        gradient(size, dtype, |a| (a.t().dot(a) + identity(a)).inverse().trace())
    },
};

/// ‖x‖² for the solution of (A + n/4·I) x = b, by A.
pub const SOLVE: Case = Case {
    name: "j_solve",
    sizes: SIZES,
    dtypes: F64,
    into: false,
    prepare: |size, dtype| {
        let [n] = factors(size)?;
        let (a, b) = (stream(100).tensor(&[n, n], dtype)?, stream(101).tensor(&[n], dtype)?);
        value_and_derivative(
            move |(a, b): (Var, Var)| {
                let f = |a: Var| (a + n as f64 / 4.0 * identity(a)).solve(b).square().sum();
                value_and_grad(f)(a)
            },
            (a, b),
        )
    },
};

fn gradient(size: &str, dtype: DType, f: fn(Var) -> Var) -> Result<Prepared> {
    let [n] = factors(size)?;
    value_and_derivative(value_and_grad(f), stream(100).tensor(&[n, n], dtype)?)
}

fn identity(like: Var) -> Var {
    Var::eye(like.dtype(), like.shape()[0])
}
