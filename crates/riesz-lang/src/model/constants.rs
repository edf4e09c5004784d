//! Expressions of parameters alone: which they are, and their values.

use crate::typed::{ExprId, Op, Typed};
use riesz::{Tensor, Var};

/// For every node, whether it depends on a variable; the first `parameters` of `typed.vars` are
/// parameters, the others variables.
pub(super) fn varies(typed: &Typed, parameters: usize) -> Vec<bool> {
    let mut varies = Vec::with_capacity(typed.nodes.len());
    for node in &typed.nodes {
        let here = matches!(node.op, Op::Var(v) if v.index() >= parameters);
        varies.push(here || node.args.iter().any(|a| varies[a.index()]));
    }
    varies
}

/// The value of an expression that depends on the given values only.
///
/// # Errors
/// A size that is not known, a value that is missing, an operation without a result.
pub(super) fn value(
    typed: &Typed,
    root: ExprId,
    values: &[Option<Tensor>],
) -> riesz::Result<Tensor> {
    let given: Vec<Tensor> = values.iter().flatten().cloned().collect();
    riesz::run(
        |inputs: Vec<Var>| {
            let mut inputs = inputs.into_iter();
            let mut vars: Vec<Option<Var>> =
                values.iter().map(|v| v.as_ref().and_then(|_| inputs.next())).collect();
            vars.resize(typed.vars.len(), None);
            match crate::lower::lower(typed, &typed.dims, &[root], &vars) {
                Ok(values) => values[0],
                Err(error) => riesz_core::fail(error),
            }
        },
        &given,
    )
}
