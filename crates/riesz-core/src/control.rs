//! Control flow on values: what the transformations of closures and the rules of primitives call.
//!
//! The closures may use values of the traces around them; these become arguments of the primitive.
//! Errors are left in the trace, as everywhere, and the results are then poisoned.

use crate::body::Body;
use crate::error::Result;
use crate::primitive::{Cond, Scan, While};
use crate::program::Program;
use crate::trace::{Traced, Var, apply, fail, inline, trace, trace_open};
use crate::types::Type;

/// Programs that share what they captured, which comes first among the inputs of each.
pub struct Closed {
    /// The captured values, each once.
    pub captures: Vec<Var>,
    /// The programs: from the captures, then their own arguments.
    pub programs: Vec<Program>,
}

/// Brings the captures of some programs together.
///
/// # Errors
/// When a program cannot be rewritten, which is a mistake in this function.
pub fn close(traced: Vec<Traced>) -> Result<Closed> {
    let mut captures: Vec<Var> = Vec::new();
    for &v in traced.iter().flat_map(|t| &t.captures) {
        if !captures.iter().any(|c| c.is(v)) {
            captures.push(v);
        }
    }
    let of_captures: Vec<Type> = captures.iter().map(|v| v.ty()).collect();
    let mut programs = Vec::with_capacity(traced.len());
    for Traced { program, captures: own } in traced {
        let arguments = program.input_types().len() - own.len();
        let types = [&of_captures[..], &program.input_types()[..arguments]].concat();
        programs.push(trace(&types, |x| {
            let (shared, x) = x.split_at(captures.len());
            let mut args = x.to_vec();
            for v in &own {
                let at = captures.iter().position(|c| c.is(*v));
                args.push(at.map_or_else(Var::poison, |at| shared[at]));
            }
            inline(&program, &args)
        })?);
    }
    Ok(Closed { captures, programs })
}

/// The results of `on_true` where `chooses` holds, of `on_false` where it does not. Only one of them
/// is run.
#[track_caller]
pub fn cond(
    chooses: Var,
    on_true: impl FnOnce() -> Vec<Var>,
    on_false: impl FnOnce() -> Vec<Var>,
) -> Vec<Var> {
    let attempt = || {
        let branches = vec![trace_open(&[], |_| on_true())?, trace_open(&[], |_| on_false())?];
        let Closed { captures, programs } = close(branches)?;
        let [on_true, on_false] = bodies(programs);
        let args = [&[chooses], &captures[..]].concat();
        Ok((Cond { on_true, on_false, linear: vec![] }, args))
    };
    match attempt() {
        Ok((cond, args)) => apply(cond, &args).to_vec(),
        Err(error) => vec![fail(error)],
    }
}

/// What a loop over steps is: how many there are, and their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    /// How many.
    pub length: usize,
    /// Whether the last parts come first.
    pub reverse: bool,
}

/// Repeats `body`, which is given what is carried and one part of each of the `xs`, and gives the
/// next carry and parts of the `ys`. The last carry, and the `ys` along a new first axis.
#[track_caller]
pub fn scan(
    steps: Steps,
    init: &[Var],
    xs: &[Var],
    body: impl FnOnce(&[Var], &[Var]) -> (Vec<Var>, Vec<Var>),
) -> (Vec<Var>, Vec<Var>) {
    let attempt = || {
        let mut types: Vec<Type> = init.iter().map(|v| v.ty()).collect();
        types.extend(xs.iter().map(|v| {
            let ty = v.ty();
            ty.with_shape(ty.shape.get(1..).unwrap_or_default())
        }));
        let traced = trace_open(&types, |x| {
            let (carry, parts) = x.split_at(init.len());
            let (carry, ys) = body(carry, parts);
            [carry, ys].concat()
        })?;
        let Closed { captures, programs } = close(vec![traced])?;
        let [body] = bodies(programs);
        let args = [&captures[..], init, xs].concat();
        let (consts, carry) = (captures.len(), init.len());
        let Steps { length, reverse } = steps;
        Ok((Scan { body, consts, carry, length, reverse, linear: vec![] }, args))
    };
    match attempt() {
        Ok((scan, args)) => {
            let mut y = apply(scan, &args).to_vec();
            let ys = y.split_off(init.len().min(y.len()));
            (y, ys)
        }
        Err(error) => (vec![fail(error); init.len()], vec![]),
    }
}

/// Repeats `body` on what is carried as long as `condition` holds of it.
#[track_caller]
pub fn while_loop(
    init: &[Var],
    condition: impl FnOnce(&[Var]) -> Var,
    body: impl FnOnce(&[Var]) -> Vec<Var>,
) -> Vec<Var> {
    let attempt = || {
        let types: Vec<Type> = init.iter().map(|v| v.ty()).collect();
        let traced = vec![trace_open(&types, |x| vec![condition(x)])?, trace_open(&types, body)?];
        let Closed { captures, programs } = close(traced)?;
        let [cond, body] = bodies(programs);
        let args = [&captures[..], init].concat();
        Ok((While { cond, body, consts: captures.len() }, args))
    };
    match attempt() {
        Ok((repeat, args)) => apply(repeat, &args).to_vec(),
        Err(error) => vec![fail(error); init.len()],
    }
}

/// Repeats `body`, which is given the number of the step and what is carried, for each whole number
/// from `from` to `to`, which are values of one element type.
#[track_caller]
pub fn fori(
    from: Var,
    to: Var,
    init: &[Var],
    body: impl FnOnce(Var, &[Var]) -> Vec<Var>,
) -> Vec<Var> {
    let init = [&[from], init].concat();
    let next = |x: &[Var]| [vec![x[0] + 1], body(x[0], &x[1..])].concat();
    let mut y = while_loop(&init, |x| x[0].lt(to), next);
    y.remove(0);
    y
}

fn bodies<const N: usize>(programs: Vec<Program>) -> [Body; N] {
    let mut programs = programs.into_iter();
    std::array::from_fn(|_| Body::new(programs.next().unwrap_or_default()))
}
