//! The reference meaning of a program: each equation in turn, plain and slow.
//!
//! Every faster way of running a program is tested against this one.

use crate::error::{Error, ErrorKind, Result};
use crate::memory::last_uses;
use crate::primitive::Primitive;
use crate::program::{Equation, Program};
use crate::tensor::Tensor;
use std::borrow::Borrow;

/// Runs a program on tensors of exactly its input types.
///
/// # Errors
/// When the arguments have other types, or an operation has no result for its numbers.
///
/// ```
/// use riesz_core::{Tensor, Type, DType, eval, trace};
/// let square = trace(&[Type::scalar(DType::F64)], |x| vec![x[0] * x[0]])?;
/// assert_eq!(eval(&square, &[Tensor::from(3.0)])?, vec![Tensor::from(9.0)]);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn eval(program: &Program, args: &[Tensor]) -> Result<Vec<Tensor>> {
    if crate::finite::is_strict() {
        return crate::finite::eval_strictly(program, args);
    }
    eval_by(program, args, &mut |_, eq, x| eq.prim.eval(x))
}

/// The results of an equation, by its number and its arguments.
type Step<'a> = dyn FnMut(usize, &Equation, &[&Tensor]) -> Result<Vec<Tensor>> + 'a;

/// As [`eval`], each equation, with its number, by a function of its arguments.
pub(crate) fn eval_by(
    program: &Program,
    args: &[Tensor],
    each: &mut Step<'_>,
) -> Result<Vec<Tensor>> {
    check_arguments(program, args)?;
    let dies = last_uses(program);
    let mut values: Vec<Option<Tensor>> = args.iter().cloned().map(Some).collect();
    values.reserve(program.len() - args.len());
    let missing = || Error::new(ErrorKind::Internal, "a value was forgotten too early");
    for (i, eq) in program.equations.iter().enumerate() {
        let x: Option<Vec<&Tensor>> =
            eq.inputs.iter().map(|v| values[v.index()].as_ref()).collect();
        let y =
            each(i, eq, &x.ok_or_else(missing)?).map_err(|e| e.at(eq.prim.name(), eq.source))?;
        values.extend(y.into_iter().map(Some));
        for v in eq.inputs.iter().copied().chain(eq.outputs()) {
            if dies[v.index()] == i as u32 {
                values[v.index()] = None;
            }
        }
    }
    program.outputs.iter().map(|v| values[v.index()].clone().ok_or_else(missing)).collect()
}

/// Refuses arguments that are not of the program's input types.
///
/// # Errors
/// Names the first that differs.
pub fn check_arguments(program: &Program, args: &[impl Borrow<Tensor>]) -> Result<()> {
    if args.len() != program.inputs {
        return Err(Error::shape(format!(
            "the program takes {} arguments, not {}",
            program.inputs,
            args.len()
        )));
    }
    for (i, (arg, ty)) in args.iter().zip(program.input_types()).enumerate() {
        let arg = arg.borrow();
        if !arg.is_of(ty) {
            return Err(Error::shape(format!("argument {} is {}, not {ty}", i + 1, arg.ty())));
        }
    }
    Ok(())
}
