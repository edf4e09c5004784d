//! Minimising a traced function of a tree: its gradient and Hessian products come from the program.

use super::{Control, EvalError, Objective, Options, Progress, Solution, solve};
use crate::transform::compile::{Compiled, compile};
use crate::transform::grad::both;
use crate::transform::hessian::hvp;
use crate::tree::{Tree, VarTree, with_leaves};
use riesz_core::{Error, ErrorKind, Result, Tensor, Type, Var, current_source};

/// Where a function is smallest, and how it was found.
#[derive(Clone, Debug)]
pub struct Minimum<T> {
    /// The minimiser: a tree like the start.
    pub at: T,
    /// The value, the status, the counts. `solution.x` is `at` as one vector.
    pub solution: Solution,
}

/// Minimises a function that gives one number, from `start`, over every element of every leaf.
///
/// Whether it converged is in `solution.status`; the minimum is local.
///
/// # Errors
/// When the function cannot be traced or evaluated at the start, does not give one number, or the
/// options are out of range.
///
/// ```
/// use riesz::prelude::*;
/// use riesz::minimize::Options;
/// let banana = |(x, y): (Var, Var)| 100.0 * (y - x * x).square() + (1.0 - x).square();
/// let start = (Tensor::from(-1.2), Tensor::from(1.0));
/// let minimum = riesz::minimize(banana, &start, &Options::default())?;
/// assert!((minimum.at.0.item::<f64>()? - 1.0).abs() < 1e-7);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn minimize<A: VarTree>(
    f: impl Fn(A) -> Var,
    start: &A::Tensors,
    options: &Options,
) -> Result<Minimum<A::Tensors>> {
    minimize_with(f, start, options, &mut |_| Control::Continue)
}

/// As [`minimize`], with a callback that sees every iterate and may stop the run.
///
/// # Errors
/// As [`minimize`].
#[track_caller]
pub fn minimize_with<A: VarTree>(
    f: impl Fn(A) -> Var,
    start: &A::Tensors,
    options: &Options,
    progress: &mut dyn FnMut(&Progress) -> Control,
) -> Result<Minimum<A::Tensors>> {
    let source = current_source();
    let leaves = start.leaves();
    let types: Vec<Type> = leaves.iter().map(Tensor::ty).collect();
    if let Some(ty) = types.iter().find(|ty| !ty.dtype.is_float()) {
        return Err(Error::usage(format!(
            "a variable is {ty}; only f32 and f64 can be minimised over"
        ))
        .at("minimize", source));
    }
    let flat_f = |x: Var| {
        let mut at = 0;
        let parts = types.iter().map(|ty| {
            at += ty.size();
            x.slice_axis(0, at - ty.size(), at).reshape(ty.shape.clone()).cast(ty.dtype)
        });
        f(with_leaves(start, parts, &Var::poison())).cast(riesz_core::DType::F64)
    };
    let x0: Vec<f64> = leaves.iter().flat_map(Tensor::to_f64).collect();
    let mut objective = TracedObjective {
        dim: x0.len(),
        value_grad: compile(both("minimize", source, flat_f)),
        hvp: compile(|(x, v): (Var, Var)| hvp(flat_f)(x, v)),
    };
    // A function that cannot be traced at all is the caller's mistake, with its place and reason.
    objective.value_grad.call(&Tensor::from(x0.as_slice()))?;
    let solution = solve(&mut objective, &x0, options, progress)
        .map_err(|e| Error::new(ErrorKind::Usage, e.to_string()))?;
    let mut at = 0;
    let mut results = Vec::with_capacity(types.len());
    for ty in &types {
        at += ty.size();
        let values = &solution.x[at - ty.size()..at];
        results.push(Tensor::from_f64(values, ty.shape.clone(), ty.dtype)?);
    }
    let at = with_leaves(start, results, &Tensor::scalar(f64::NAN));
    Ok(Minimum { at, solution })
}

/// An objective whose derivatives are compiled programs of one flat vector.
struct TracedObjective<F, G>
where
    F: Fn(Var) -> (Var, Var),
    G: Fn((Var, Var)) -> Var,
{
    dim: usize,
    value_grad: Compiled<F, Var, (Var, Var)>,
    hvp: Compiled<G, (Var, Var), Var>,
}

impl<F, G> Objective for TracedObjective<F, G>
where
    F: Fn(Var) -> (Var, Var),
    G: Fn((Var, Var)) -> Var,
{
    fn dim(&self) -> usize {
        self.dim
    }

    fn value_grad(&mut self, x: &[f64], grad: &mut [f64]) -> Result<f64, EvalError> {
        let (value, gradient) = self.value_grad.call(&Tensor::from(x)).map_err(EvalError::new)?;
        grad.copy_from_slice(gradient.as_slice().map_err(EvalError::new)?);
        value.item().map_err(EvalError::new)
    }

    fn hvp(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Option<Result<(), EvalError>> {
        let product = self.hvp.call(&(Tensor::from(x), Tensor::from(v)));
        Some(product.map_err(EvalError::new).and_then(|product| {
            out.copy_from_slice(product.as_slice().map_err(EvalError::new)?);
            Ok(())
        }))
    }
}
