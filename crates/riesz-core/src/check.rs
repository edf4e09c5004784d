//! The laws every program and every primitive obeys, as functions that measure the error.
//!
//! The differential is held against central differences with Richardson extrapolation, the transpose
//! against the inner product ⟨Jv, u⟩ = ⟨v, Jᵀu⟩, vmap against a loop. A wrong differential passes the
//! second law, a wrong transpose the first: both are needed.

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
    /// |⟨Jv, u⟩ − ⟨v, Jᵀu⟩|, relative to the larger of 1 and the sum of the products' magnitudes.
    pub transpose: f64,
}

/// An error that no shorter step of the differences need improve.
const CLOSE: f64 = 1e-8;

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
    let mut errors = Errors { differential: f64::NAN, transpose: 0.0 };
    // Shorter steps where a kink, a strong bend or the end of the domain is near; what is wrong is so with
    // all of them.
    let mut outside = None;
    for step in [0.02, 0.002, 2e-4, 2e-5, 2e-6] {
        let expected = match differences(program, at, wrt, &v, step) {
            Ok(expected) => expected,
            Err(error) => {
                outside = Some(error);
                continue;
            }
        };
        let mut error = 0.0;
        for (a, b) in jv.iter().zip(&expected) {
            for (a, b) in a.to_f64().iter().zip(b) {
                error = worse(error, (a - b).abs() / a.abs().max(1.0));
            }
        }
        errors.differential = errors.differential.min(error);
        if errors.differential <= CLOSE {
            break;
        }
    }
    if let (Some(error), true) = (outside, errors.differential.is_nan()) {
        return Err(error);
    }
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

/// The derivative of the outputs along the directions: central differences with `step`, its half,
/// quarter and eighth, extrapolated (Ridders 1982; Numerical Recipes, section 5.7), keeping the best column.
fn differences(
    program: &Program,
    at: &[Tensor],
    wrt: &[bool],
    v: &[Tensor],
    step: f64,
) -> Result<Vec<Vec<f64>>> {
    let central = |h: f64| -> Result<Vec<Vec<f64>>> {
        let plus = eval(program, &moved(at, wrt, v, h)?)?;
        let minus = eval(program, &moved(at, wrt, v, -h)?)?;
        let pairs = plus.iter().zip(&minus).filter(|(p, _)| p.dtype().is_float());
        Ok(pairs
            .map(|(p, m)| {
                p.to_f64().iter().zip(m.to_f64()).map(|(p, m)| (p - m) / (2.0 * h)).collect()
            })
            .collect())
    };
    let mut column = Vec::new();
    for k in 0..4 {
        column.push(central(step / f64::from(1 << k))?);
    }
    for order in 1..4 {
        let factor = f64::from(1 << (2 * order));
        for k in 0..4 - order as usize {
            let next = column[k + 1].clone();
            for (coarse, fine) in column[k].iter_mut().zip(next) {
                for (c, f) in coarse.iter_mut().zip(fine) {
                    *c = f + (f - *c) / (factor - 1.0);
                }
            }
        }
    }
    Ok(column.swap_remove(0))
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
