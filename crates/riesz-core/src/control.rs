//! Control flow on values: what the transformations of closures and the rules of primitives call.
//!
//! The closures may use values of the traces around them; these become arguments of the primitive.
//! Errors are left in the trace, as everywhere, and the results are then poisoned.

use crate::body::Body;
use crate::error::{Operand, Result};
use crate::primitive::{Cond, Primitive, Scan, While};
use crate::program::Program;
use crate::trace::{
    Traced, Var, apply, current_source, fail, inline, trace, trace_open, with_source,
};
use crate::types::Type;

mod chunks;
mod custom;

pub use chunks::Checkpoints;
pub use custom::{checkpoint, custom_jvp, custom_vjp, linear_solve, root};

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
    let of_captures = types_of(&captures);
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

/// What a loop over steps is: how many there are, their order, and what is kept of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    /// How many.
    pub length: usize,
    /// Whether the last parts come first.
    pub reverse: bool,
    /// What reverse mode keeps.
    pub checkpoints: Checkpoints,
}

impl Steps {
    /// So many steps in order, of which everything is kept that is needed.
    pub fn new(length: usize) -> Steps {
        Steps { length, reverse: false, checkpoints: Checkpoints::None }
    }
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
    let source = current_source();
    let attempt = || -> Result<Vec<Var>> {
        let mut types = types_of(init);
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
        let (consts, carry) = (captures.len(), init.len());
        let Steps { length, reverse, checkpoints } = steps;
        let scan = Scan { body, consts, carry, length, reverse, linear: vec![] };
        let args = [&captures[..], init, xs].concat();
        // Before anything is cut to pieces, so that an error is one of the whole.
        scan.infer(&types_of(&args))?;
        let lengths = chunks::lengths(&scan, checkpoints)?;
        Ok(with_source(source, || chunks::scan(&scan, &args, &lengths)))
    };
    match attempt() {
        Ok(mut y) => {
            let ys = y.split_off(init.len().min(y.len()));
            (y, ys)
        }
        Err(error) => {
            let operands = init.iter().chain(xs);
            let operands = operands.map(|v| Operand { ty: v.ty(), source: v.source() });
            (vec![fail(error.at("scan", source).with_operands(operands)); init.len()], vec![])
        }
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

fn types_of(vars: &[Var]) -> Vec<Type> {
    vars.iter().map(|v| v.ty()).collect()
}

fn floats(types: &[Type]) -> Vec<Type> {
    types.iter().filter(|ty| ty.dtype.is_float()).cloned().collect()
}

fn bodies<const N: usize>(programs: Vec<Program>) -> [Body; N] {
    let mut programs = programs.into_iter();
    std::array::from_fn(|_| Body::new(programs.next().unwrap_or_default()))
}
