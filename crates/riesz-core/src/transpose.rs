//! Turns a linear program around: (r, dx) ⊸ dy becomes (r, ȳ) ⊸ x̄ with ⟨dy, ȳ⟩ = ⟨dx, x̄⟩.
//!
//! The equations are visited backwards; each hands the cotangents of its results to its linear
//! arguments, and where a value was used more than once they add up (`transpose/cotangent.rs`). What
//! depends on the residuals alone is computed forwards first.

mod cotangent;

use crate::error::Result;
use crate::primitive::{Arg, Prim, Primitive};
use crate::program::{Program, Value};
use crate::trace::{Var, trace, with_source};
use crate::types::Type;
use crate::verify::verify_linear;
use cotangent::Cotangent;

/// The transpose of a program that is linear in all inputs after the first `known`.
///
/// Inputs: the first `known`, then one cotangent for each output. Outputs: one cotangent for each
/// linear input.
///
/// # Errors
/// When the program is not linear.
pub fn transpose(program: &Program, known: usize) -> Result<Program> {
    let of: Vec<bool> = (0..program.inputs).map(|i| i >= known).collect();
    let linear = program.dependents(&of);
    let mut types: Vec<Type> = program.input_types()[..known].to_vec();
    types.extend(program.output_types());
    let result = trace(&types, |args| {
        let (residuals, cts) = args.split_at(known);
        let known_values = compute_known(program, residuals, &linear);
        let mut ct = vec![Cotangent::default(); program.len()];
        for (&v, &y) in program.outputs.iter().zip(cts) {
            if linear[v.index()] {
                ct[v.index()].add(Some(y));
            }
        }
        for eq in program.equations.iter().rev() {
            if !linear[eq.first.index()] {
                continue;
            }
            // All uses of the results come later in the program, so they have been seen.
            let mut finish = |v: Value| std::mem::take(&mut ct[v.index()]).sum(program.ty(v));
            let of_outputs: Vec<Option<Var>> =
                with_source(eq.source, || eq.outputs().map(&mut finish).collect());
            if of_outputs.iter().all(Option::is_none) {
                continue;
            }
            if let (Prim::Slice(slice), &[x], &[Some(part)]) =
                (&eq.prim, &eq.inputs[..], &of_outputs[..])
                && with_source(eq.source, || ct[x.index()].add_slice(slice, program.ty(x), part))
            {
                continue;
            }
            let arg = |v: &Value| match known_values[v.index()] {
                Some(known) => Arg::Known(known),
                None => Arg::Linear(program.ty(*v).clone()),
            };
            let args: Vec<Arg> = eq.inputs.iter().map(arg).collect();
            with_source(eq.source, || {
                let of_args = eq.prim.transpose(&args, &of_outputs);
                for (v, back) in eq.inputs.iter().zip(of_args) {
                    if linear[v.index()] {
                        ct[v.index()].add(back);
                    }
                }
            });
        }
        program
            .inputs()
            .skip(known)
            .map(|v| {
                let sum = std::mem::take(&mut ct[v.index()]).sum(program.ty(v));
                sum.unwrap_or_else(|| Var::zeros(program.ty(v)))
            })
            .collect()
    })?;
    verify_linear(&result, known)?;
    Ok(result)
}

/// The values that do not depend on the linear inputs; `None` for those that do.
fn compute_known(program: &Program, residuals: &[Var], linear: &[bool]) -> Vec<Option<Var>> {
    let mut known: Vec<Option<Var>> = residuals.iter().copied().map(Some).collect();
    known.resize(program.inputs, None);
    for eq in &program.equations {
        let args: Option<Vec<Var>> = eq.inputs.iter().map(|v| known[v.index()]).collect();
        match args {
            Some(args) if !linear[eq.first.index()] => {
                let y = with_source(eq.source, || crate::trace::apply(eq.prim.clone(), &args));
                known.extend(y.into_iter().map(Some));
            }
            _ => known.extend(eq.outputs().map(|_| None)),
        }
    }
    known
}
