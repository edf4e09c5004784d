//! The laws every program and every primitive obeys, as functions that measure the error.
//!
//! The differential is held against central differences with Richardson extrapolation, the transpose
//! against the inner product ⟨Jv, u⟩ = ⟨v, Jᵀu⟩, vmap against a loop. A wrong differential passes the
//! second law, a wrong transpose the first: both are needed.

mod differences;
mod kink;
pub mod recipe;

pub use kink::{Break, Kink, kinks};

use crate::error::{Error, Result};
use crate::eval::eval;
use crate::program::Program;
use crate::tensor::Tensor;
use crate::types::Type;
use crate::{jvp, transpose, unzip, vmap};

/// How far a program is from the laws, at one point and in one pair of directions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// |differential − differences|, relative to the larger of 1 and the differential.
    pub differential: f64,
    /// Whether that error, if it is large, may be one of the differences: where every step is too long for the
    /// function or too short for its rounding.
    pub coarse: bool,
    /// |⟨Jv, u⟩ − ⟨v, Jᵀu⟩|, relative to the larger of 1 and the sum of the products' magnitudes.
    pub transpose: f64,
}

/// A reproducible direction of a type: numbers of either sign, of magnitude about 1.
pub fn direction(ty: &Type, seed: u64) -> Result<Tensor> {
    let values: Vec<f64> = (0..ty.size() as u64).map(|i| 2.0 * uniform(seed, i) - 1.0).collect();
    Tensor::from_f64(&values, ty.shape.clone(), ty.dtype)
}

/// SplitMix64 of a counter, as a number in [0, 1) (Steele, Lea & Flood, OOPSLA 2014).
pub fn uniform(seed: u64, i: u64) -> f64 {
    let mut z = seed
        .wrapping_mul(0xD1B5_4A32_D192_ED03)
        .wrapping_add(i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Measures both laws of a program of f64 tensors at a point, along directions made from `seed`,
/// differentiating by the inputs marked in `wrt`.
///
/// # Errors
/// When the program cannot be transformed or run.
pub fn check_program(program: &Program, at: &[Tensor], wrt: &[bool], seed: u64) -> Result<Errors> {
    let v = directions(at, wrt, seed)?;
    let forward = jvp(program, wrt)?;
    let args: Vec<Tensor> = at.iter().chain(&v).cloned().collect();
    let outputs = eval(&forward, &args)?;
    let (_, jv) = outputs.split_at(program.outputs().len());
    let jv: Vec<f64> = jv.iter().flat_map(Tensor::to_f64).collect();
    let (differential, coarse) = differences::compare(program, at, wrt, &v, &jv)?;
    let mut errors = Errors { differential, coarse, transpose: 0.0 };
    let halves = unzip(&forward, at.len(), program.outputs().len())?;
    let primal = eval(&halves.primal, at)?;
    let residuals = &primal[program.outputs().len()..];
    errors.transpose = check_transpose(&halves.linear, residuals, &v, seed + 1)?;
    Ok(errors)
}

/// The error of ⟨Lv, u⟩ = ⟨v, Lᵀu⟩ for a program linear in its inputs after the residuals.
///
/// # Errors
/// When the program is not linear or cannot be run.
pub fn check_transpose(
    linear: &Program,
    residuals: &[Tensor],
    v: &[Tensor],
    seed: u64,
) -> Result<f64> {
    let backward = transpose(linear, residuals.len())?;
    let with = |more: &[Tensor]| -> Vec<Tensor> { residuals.iter().chain(more).cloned().collect() };
    let lv = eval(linear, &with(v))?;
    let types: Vec<Type> = lv.iter().map(|t| t.ty()).collect();
    let u: Vec<Tensor> =
        types.iter().zip(seed..).map(|(ty, s)| direction(ty, s)).collect::<Result<_>>()?;
    let ltu = eval(&backward, &with(&u))?;
    let (left, left_size) = inner(&lv, &u);
    let (right, right_size) = inner(v, &ltu);
    Ok((left - right).abs() / left_size.max(right_size).max(1.0))
}

/// The largest difference between a batched program and a loop over its instances: 0 when the law
/// holds, as every instance should be computed by the same operations.
///
/// # Errors
/// When the program cannot be batched or run.
pub fn check_vmap(program: &Program, instances: &[Vec<Tensor>], mapped: &[bool]) -> Result<f64> {
    let axes: Vec<Option<usize>> = mapped.iter().map(|&m| m.then_some(0)).collect();
    let batched = vmap(program, &axes, instances.len())?;
    let mut args = Vec::new();
    for (k, &mapped) in mapped.iter().enumerate() {
        let parts: Vec<&Tensor> = instances.iter().map(|i| &i[k]).collect();
        match parts.first() {
            Some(_) if mapped => args.push(stack(&parts)?),
            Some(first) => args.push((*first).clone()),
            None => return Err(Error::usage("there are no instances to map over")),
        }
    }
    let together = eval(&batched, &args)?;
    let mut error = 0.0;
    for (i, instance) in instances.iter().enumerate() {
        let own: Vec<Tensor> = instance
            .iter()
            .zip(&args)
            .zip(mapped)
            .map(|((own, shared), &m)| if m { own.clone() } else { shared.clone() })
            .collect();
        for (all, one) in together.iter().zip(eval(program, &own)?) {
            let n = one.len();
            for (a, b) in all.to_f64()[i * n..(i + 1) * n].iter().zip(one.to_f64()) {
                let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                error = worse(error, if same { 0.0 } else { (a - b).abs().max(f64::MIN_POSITIVE) });
            }
        }
    }
    Ok(error)
}

/// Tensors of one type side by side along a new first axis.
///
/// # Errors
/// When they differ in type, or there are none.
pub fn stack(parts: &[&Tensor]) -> Result<Tensor> {
    let Some(first) = parts.first() else {
        return Err(Error::usage("there is nothing to stack"));
    };
    let values: Vec<f64> = parts.iter().flat_map(|t| t.to_f64()).collect();
    Tensor::from_f64(&values, first.shape().with_leading(parts.len()), first.dtype())
}

fn directions(at: &[Tensor], wrt: &[bool], seed: u64) -> Result<Vec<Tensor>> {
    let marked = at.iter().zip(wrt).filter(|w| *w.1);
    marked.zip(seed * 1000..).map(|((t, _), s)| direction(&t.ty(), s)).collect()
}

fn moved(at: &[Tensor], wrt: &[bool], v: &[Tensor], h: f64) -> Result<Vec<Tensor>> {
    let mut v = v.iter();
    at.iter()
        .zip(wrt)
        .map(|(x, &w)| {
            let Some(v) = w.then(|| v.next()).flatten() else { return Ok(x.clone()) };
            let values: Vec<f64> =
                x.to_f64().iter().zip(v.to_f64()).map(|(x, v)| x + h * v).collect();
            Tensor::from_f64(&values, x.shape().clone(), x.dtype())
        })
        .collect()
}

/// ⟨a, b⟩ over a list of tensors, and the sum of the magnitudes of its terms.
fn inner(a: &[Tensor], b: &[Tensor]) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        for (a, b) in a.to_f64().iter().zip(b.to_f64()) {
            sums.0 += a * b;
            sums.1 += (a * b).abs();
        }
    }
    sums
}

/// The larger error, where a NaN is the largest.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}
