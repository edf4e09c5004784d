//! `check_grads`: the laws of differentiation, measured on a function of the user.

use crate::tree::{Tree, VarTree, with_leaves};
use riesz_core::check::{Errors, check_program};
use riesz_core::{DType, Error, Result, Tensor, Var, trace};

/// How far the derivative by one leaf of the argument is from the laws.
#[derive(Clone, PartialEq, Debug)]
pub struct LeafErrors {
    /// The way to the leaf, such as `.layers[0].w`; empty for an argument that is one value.
    pub path: String,
    /// The larger of both errors in three pairs of directions.
    pub errors: Errors,
}

/// Checks a function at a point, by one leaf of the argument after the other: its differential against
/// differences, its transpose against the inner product ⟨J·v, u⟩ = ⟨v, Jᵀ·u⟩. Meant for rules written by
/// hand ([`custom_jvp`](crate::custom_jvp), [`custom_vjp`](crate::custom_vjp)); what is made of the
/// library's operations passes away from kinks.
///
/// The errors are relative to the larger of 1 and what is compared. A law holds when they are at most
/// 10⁻⁶ for the differential and 10⁻¹⁰ for the transpose; with f32 leaves 10⁻² and 10⁻⁴.
///
/// # Errors
/// When the function cannot be traced or run; and when a law does not hold, naming the leaf.
///
/// ```
/// use riesz::prelude::*;
/// let right = custom_jvp(|(a, x): (Var, Var)| a * x.sin(), |(a, x), _, (da, dx)| {
///     x.sin() * da + a * x.cos() * dx
/// });
/// let at = (Tensor::from(2.0), Tensor::from([0.3, 0.7]));
/// assert_eq!(check_grads(right, &at)?.len(), 2);
///
/// let wrong = custom_jvp(|(a, x): (Var, Var)| a * x.sin(), |(a, x), _, (da, dx)| {
///     x.sin() * da - a * x.cos() * dx
/// });
/// let error = check_grads(wrong, &at).unwrap_err();
/// assert!(error.message().contains("argument .1"));
/// # Ok::<(), Error>(())
/// ```
pub fn check_grads<A: VarTree, R: VarTree>(
    f: impl Fn(A) -> R,
    at: &A::Tensors,
) -> Result<Vec<LeafErrors>> {
    let leaves = at.leaves();
    let types: Vec<_> = leaves.iter().map(Tensor::ty).collect();
    let program =
        trace(&types, |x| f(with_leaves(at, x.iter().copied(), &Var::poison())).leaves())?;
    let single = types.iter().chain(&program.output_types()).any(|ty| ty.dtype == DType::F32);
    let (for_differential, for_transpose) = if single { (1e-2, 1e-4) } else { (1e-6, 1e-10) };
    let mut all = Vec::new();
    for (i, path) in at.paths().into_iter().enumerate() {
        if !types[i].dtype.is_float() {
            continue;
        }
        let wrt: Vec<bool> = (0..types.len()).map(|k| k == i).collect();
        let mut errors = Errors::default();
        for seed in 1..=3 {
            let found = check_program(&program, &leaves, &wrt, seed)?;
            errors.differential = worse(errors.differential, found.differential);
            errors.transpose = worse(errors.transpose, found.transpose);
        }
        let argument = format!("argument {path}");
        let argument = argument.trim_end();
        if fails(errors.differential, for_differential) {
            return Err(Error::value(format!(
                "the differential by {argument} is wrong: it differs from differences by {:.1e}",
                errors.differential
            ))
            .at("check_grads", riesz_core::Source::Unknown)
            .help("is it a kink? otherwise compare the rule with the mathematics"));
        }
        if fails(errors.transpose, for_transpose) {
            return Err(Error::value(format!(
                "the transpose by {argument} is wrong: ⟨J·v, u⟩ and ⟨v, Jᵀ·u⟩ differ by {:.1e}",
                errors.transpose
            ))
            .at("check_grads", riesz_core::Source::Unknown));
        }
        all.push(LeafErrors { path, errors });
    }
    Ok(all)
}

/// Whether an error is too large; a NaN is.
fn fails(error: f64, most: f64) -> bool {
    error.is_nan() || error > most
}

/// The larger, where a NaN is the largest.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}
