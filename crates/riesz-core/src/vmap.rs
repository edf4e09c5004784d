//! Runs a program on many instances at once: each equation becomes its batched form.
//!
//! Inside, the instances always lie along the first axis. What does not depend on a mapped input is
//! computed once.

use crate::error::{Error, Result};
use crate::primitive::Primitive;
use crate::program::Program;
use crate::trace::{Var, apply, trace, with_source};
use crate::types::Type;
use crate::verify::verify;

/// The program over `n` instances; `axes` says along which axis of each input they lie, or that the
/// input is the same for all. Every output has the instances along its first axis.
///
/// # Errors
/// When an axis does not exist.
pub fn vmap(program: &Program, axes: &[Option<usize>], n: usize) -> Result<Program> {
    let mut types = Vec::with_capacity(axes.len());
    for (ty, axis) in program.input_types().iter().zip(axes) {
        let mut shape = ty.shape.to_vec();
        match axis {
            Some(axis) if *axis > shape.len() => {
                return Err(Error::shape(format!(
                    "cannot map over axis {axis} of a value with {} axes",
                    shape.len() + 1
                )));
            }
            Some(axis) => shape.insert(*axis, n),
            None => {}
        }
        types.push(Type::new(ty.dtype, shape));
    }
    let result = trace(&types, |args| {
        let to_front = |(&x, axis): (&Var, &Option<usize>)| match axis {
            Some(axis) => (x.move_axis(*axis, 0), true),
            None => (x, false),
        };
        let args: Vec<(Var, bool)> = args.iter().zip(axes).map(to_front).collect();
        let (x, batched): (Vec<Var>, Vec<bool>) = args.into_iter().unzip();
        let y = batch_inline(program, &x, &batched, n);
        let spread = |(y, batched): (Var, bool)| if batched { y } else { y.broadcast_leading(n) };
        y.into_iter().map(spread).collect()
    })?;
    verify(&result)?;
    Ok(result)
}

/// Writes `program` over `n` instances into the current frame. The arguments marked in `batched`,
/// and the results that are said to, have the instances along their first axis.
pub(crate) fn batch_inline(
    program: &Program,
    args: &[Var],
    batched: &[bool],
    n: usize,
) -> Vec<(Var, bool)> {
    let mut table: Vec<(Var, bool)> = args.iter().copied().zip(batched.iter().copied()).collect();
    for eq in &program.equations {
        let (x, batched): (Vec<Var>, Vec<bool>) =
            eq.inputs.iter().map(|v| table[v.index()]).unzip();
        let any = batched.contains(&true);
        let y = with_source(eq.source, || match any {
            true => eq.prim.batch(&x, &batched, n),
            false => apply(eq.prim.clone(), &x),
        });
        table.extend(y.into_iter().map(|y| (y, any)));
    }
    program.outputs.iter().map(|v| table[v.index()]).collect()
}
