//! Calls: what is checkpointed, what has rules written by hand, what is solved.
//!
//! They are made inside closures that transformations hand out, so the place they are said to come from
//! is an argument.

use super::{Closed, bodies, close, floats, types_of};
use crate::body::Body;
use crate::error::{Error, Result, Source};
use crate::jvp::push_forward;
use crate::linear::as_linear;
use crate::primitive::{Checkpoint, CustomJvp, CustomVjp, LinearSolve, Prim};
use crate::program::Program;
use crate::trace::{Var, apply, fail, inline, trace, trace_open, with_source};

/// A function of a list of values.
pub type Map<'a> = &'a dyn Fn(&[Var]) -> Vec<Var>;

/// Records the call, or the error.
fn call(name: &str, source: Source, made: Result<(Prim, Vec<Var>)>) -> Vec<Var> {
    match made {
        Ok((prim, args)) => with_source(source, || apply(prim, &args)).to_vec(),
        Err(error) => vec![fail(error.at(name, source))],
    }
}

/// What `f` makes of its arguments, of which nothing but the arguments is kept for the differential.
pub fn checkpoint(source: Source, args: &[Var], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Vec<Var> {
    let attempt = || {
        let Closed { captures, programs } = close(vec![trace_open(&types_of(args), f)?])?;
        let [body] = bodies(programs);
        let call = Checkpoint { body, linear: vec![], again: false };
        Ok((call.into(), [&captures[..], args].concat()))
    };
    call("checkpoint", source, attempt())
}

/// What `value` makes of its arguments, with a differential written by hand: `tangent` is given the
/// arguments, the results, and a direction for each float among the arguments, and gives a tangent for
/// each float among the results. `exact`: that is the derivative.
pub fn custom_jvp(
    source: Source,
    exact: bool,
    args: &[Var],
    value: impl FnOnce(&[Var]) -> Vec<Var>,
    tangent: impl FnOnce(&[Var], &[Var], &[Var]) -> Vec<Var>,
) -> Vec<Var> {
    let attempt = || {
        let types = types_of(args);
        let value = trace_open(&types, value)?;
        let results = value.program.output_types();
        let inputs = [&types[..], &results, &floats(&types)].concat();
        let tangent = trace_open(&inputs, |x| {
            let (x, rest) = x.split_at(types.len());
            let (y, dx) = rest.split_at(results.len());
            tangent(x, y, dx)
        })?;
        let Closed { captures, programs } = close(vec![value, tangent])?;
        let [value, tangent] = bodies(programs);
        let known = captures.len() + types.len() + results.len();
        let tangent = as_linear(&tangent, known)
            .map_err(|e| e.help("a rule must be linear in the direction it is given"))?;
        let (tangent, captured) = (Body::new(tangent), captures.len());
        let call = CustomJvp { value, tangent, captures: captured, exact };
        Ok((call.into(), [&captures[..], args].concat()))
    };
    call("custom_jvp", source, attempt())
}

/// What `value` makes of its arguments, with a transposed differential written by hand: `forward` gives
/// the results and what to keep, `backward` is given that and a cotangent for each float among the
/// results, and gives a cotangent for each float among the arguments.
pub fn custom_vjp(
    source: Source,
    args: &[Var],
    value: impl FnOnce(&[Var]) -> Vec<Var>,
    forward: impl FnOnce(&[Var]) -> (Vec<Var>, Vec<Var>),
    backward: impl FnOnce(&[Var], &[Var]) -> Vec<Var>,
) -> Vec<Var> {
    let attempt = || {
        let types = types_of(args);
        let value = trace_open(&types, value)?;
        let results = value.program.output_types();
        let forward = trace_open(&types, |x| {
            let (y, kept) = forward(x);
            [y, kept].concat()
        })?;
        let both = forward.program.output_types();
        let Some(kept) = both.strip_prefix(&results[..]) else {
            return Err(Error::shape(format!(
                "the function gives {results:?}, the forward rule {both:?}"
            ))
            .help("the forward rule gives what the function does, and what to keep"));
        };
        let inputs = [kept, &floats(&results)].concat();
        let backward = trace_open(&inputs, |x| {
            let (kept, ct) = x.split_at(kept.len());
            backward(kept, ct)
        })?;
        let Closed { captures, programs } = close(vec![value, forward, backward])?;
        let [value, forward, backward] = bodies(programs);
        let call = CustomVjp { value, forward, backward, captures: captures.len() };
        Ok((call.into(), [&captures[..], args].concat()))
    };
    call("custom_vjp", source, attempt())
}

/// The solution of `product`(x) = b, found by `solve`, which is given the product (or its transpose) as
/// a function, and the right side.
pub fn linear_solve(
    source: Source,
    b: &[Var],
    product: impl FnOnce(&[Var]) -> Vec<Var>,
    solve: impl Fn(Map, &[Var]) -> Vec<Var>,
) -> Vec<Var> {
    let attempt = || {
        let types = types_of(b);
        let traced = trace_open(&types, product)?;
        let constants = traced.captures.len();
        let captured = traced.captures.clone();
        let Closed { programs, .. } = close(vec![traced])?;
        let [written] = bodies(programs);
        let unknowns = written.output_types();
        if unknowns != types {
            return Err(Error::shape(format!("the product gives {unknowns:?}, not {types:?}"))
                .help("a system has as many equations as unknowns: A·x is like x and b"));
        }
        let product = as_linear(&written, constants)
            .map_err(|e| e.help("the product must be linear in its argument, as A·x is in x"))?;
        let transposed = crate::transpose::transpose(&product, constants)?;
        // The solver may capture values of its own; the constants of the product are captured too.
        let solver = |product: &Program| {
            trace_open(&types, |b| {
                let multiply = |x: &[Var]| inline(product, &[&captured[..], x].concat());
                solve(&multiply, b)
            })
        };
        let whole = trace_open(&types, |x| inline(&product, &[&captured[..], x].concat()))?;
        let traced = vec![whole, solver(&product)?, solver(&transposed)?];
        let Closed { captures, programs } = close(traced)?;
        let [product, solve, solve_transposed] = bodies(programs);
        let consts = captures.len();
        let system = LinearSolve { product, solve, solve_transposed, consts };
        Ok((system.into(), [&captures[..], b].concat()))
    };
    call("linear_solve", source, attempt())
}

/// The x with `f`(x) = 0 that `solver` finds, which is given `f` and the start. Nothing the solver does
/// is differentiated: with J = Df(x) in x and what moves in `f` besides,
///
/// ```text
/// J·dx = −df        (the implicit function theorem)
/// ```
///
/// and `solve` solves that system or its transpose. The result does not depend on the start.
pub fn root(
    source: Source,
    start: &[Var],
    f: Map,
    solver: impl FnOnce(&[Var]) -> Vec<Var>,
    solve: impl Fn(Map, &[Var]) -> Vec<Var>,
) -> Vec<Var> {
    let attempt = || {
        let types = types_of(start);
        if let Some(ty) = types.iter().find(|ty| !ty.dtype.is_float()) {
            return Err(Error::usage(format!(
                "an unknown is {ty}; only f32 and f64 can be solved for"
            )));
        }
        let equations = trace_open(&types, f)?;
        let given = equations.program.output_types();
        if given != types {
            return Err(Error::shape(format!("the function gives {given:?} of {types:?}"))
                .help("there are as many equations as unknowns: f(x) is like x"));
        }
        let Closed { captures, programs } = close(vec![equations, trace_open(&types, solver)?])?;
        let [equations, value] = bodies(programs);
        if value.output_types() != types {
            let given = value.output_types();
            return Err(Error::shape(format!("the solver gives {given:?}, not {types:?}")));
        }
        let all = [types_of(&captures), types.clone()].concat();
        let n = captures.len();
        let inputs = [&all[..], &types, &floats(&all)].concat();
        let tangent = trace(&inputs, |x| {
            let (captures, rest) = x.split_at(n);
            let (_, rest) = rest.split_at(types.len());
            let (found, moves) = rest.split_at(types.len());
            let at = [captures, found].concat();
            let mut moves = moves.iter().copied();
            let mut dx: Vec<Option<Var>> = captures
                .iter()
                .map(|c| if c.dtype().is_float() { moves.next() } else { None })
                .collect();
            dx.resize(at.len(), None);
            let (_, df) = push_forward(&equations, &at, &dx);
            let sides: Vec<Var> = df
                .into_iter()
                .zip(found)
                .map(|(df, x)| df.map_or_else(|| x.zeros_like(), |df| -df))
                .collect();
            let product = |v: &[Var]| {
                let mut dx = vec![None; n];
                dx.extend(v.iter().copied().map(Some));
                let (y, dy) = push_forward(&equations, &at, &dx);
                y.iter().zip(dy).map(|(y, dy)| dy.unwrap_or_else(|| y.zeros_like())).collect()
            };
            linear_solve(source, &sides, product, &solve)
        })?;
        let tangent = Body::new(tangent);
        let call = CustomJvp { value, tangent, captures: 0, exact: true };
        Ok((call.into(), [&captures[..], start].concat()))
    };
    call("root", source, attempt())
}
