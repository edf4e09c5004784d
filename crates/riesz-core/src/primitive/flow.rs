//! What the primitives that contain programs share: differentiating, transposing and batching a body.

use crate::body::Body;
use crate::error::{Error, ErrorKind, Result};
use crate::jvp::push_forward;
use crate::keep::Keeping;
use crate::primitive::{Arg, Args, Attributes, Cotangents, Linearity, Primitive, Tangents};
use crate::program::{Program, Value};
use crate::trace::{Var, Vars, fail, trace};
use crate::transpose::transpose;
use crate::types::Type;
use crate::unzip::{Unzipped, unzip, unzip_keeping};
use crate::vmap::batch_inline;
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// A body with its differential: from the inputs and the directions of those that move to the
/// outputs and the tangents of those that have one.
pub(super) struct Joint {
    pub program: Program,
    /// Which inputs have directions.
    pub moves: Vec<bool>,
    /// Which outputs have tangents.
    pub tangents: Vec<bool>,
}

impl Joint {
    /// Differentiates `body` by the inputs in `moves`. Where the first outputs are fed back to the
    /// inputs `fed`, an input moves when its output does. Outputs in `forced` get a tangent even if
    /// it is zero.
    pub fn new(
        body: &Program,
        moves: &[bool],
        fed: Range<usize>,
        forced: &[bool],
    ) -> Result<Joint> {
        let mut moves = moves.to_vec();
        loop {
            let mut types = body.input_types().to_vec();
            types.extend(marked(body.input_types(), &moves).cloned());
            let mut tangents = forced.to_vec();
            let mut grown = false;
            let program = trace(&types, |args| {
                let (x, directions) = args.split_at(body.inputs);
                let mut directions = directions.iter().copied();
                let dx: Vec<Option<Var>> =
                    moves.iter().map(|&m| if m { directions.next() } else { None }).collect();
                let (mut y, dy) = push_forward(body, x, &dx);
                let mut all = Vec::new();
                for (k, (&y, dy)) in y.iter().zip(dy).enumerate() {
                    let feeds = fed.start + k;
                    tangents[k] |= dy.is_some() || (fed.contains(&feeds) && moves[feeds]);
                    if fed.contains(&feeds) && tangents[k] && !moves[feeds] {
                        (moves[feeds], grown) = (true, true);
                    }
                    if tangents[k] {
                        all.push(dy.unwrap_or_else(|| y.zeros_like()));
                    }
                }
                y.extend(all);
                y
            })?;
            if !grown {
                return Ok(Joint { program, moves, tangents });
            }
        }
    }

    /// The primal half and the linear one.
    pub fn unzip(&self) -> Result<Unzipped> {
        unzip(&self.program, self.moves.len(), self.tangents.len())
    }

    /// The same for a step of a loop.
    pub fn unzip_keeping(&self, keeping: &Keeping) -> Result<Unzipped> {
        let (known, results) = (self.moves.len(), self.tangents.len());
        unzip_keeping(&self.program, known, results, Some(keeping))
    }
}

/// The elements that are marked.
pub(super) fn marked<'a, T>(of: &'a [T], mask: &'a [bool]) -> impl Iterator<Item = &'a T> {
    of.iter().zip(mask).filter(|(_, m)| **m).map(|(x, _)| x)
}

/// The positions that are marked.
pub(super) fn positions(mask: &[bool]) -> Vec<usize> {
    (0..mask.len()).filter(|&i| mask[i]).collect()
}

/// Which of `n` positions are listed.
pub(super) fn mask_of(list: &[usize], n: usize) -> Vec<bool> {
    let mut mask = vec![false; n];
    list.iter().filter(|&&i| i < n).for_each(|&i| mask[i] = true);
    mask
}

/// Whether every direction belongs to an argument in `linear`, so that the differential is the
/// primitive itself.
pub(super) fn moves_linearly(linear: &[usize], dx: &[Option<Var>]) -> bool {
    dx.iter().enumerate().all(|(i, dx)| dx.is_none() || linear.binary_search(&i).is_ok())
}

/// Linear in the listed arguments together, or not at all.
pub(super) fn linear_together(linear: &[usize]) -> Linearity {
    match linear.is_empty() {
        true => Linearity::Nonlinear,
        false => Linearity::Together(Args::These(linear.to_vec())),
    }
}

/// An attribute that counts.
pub(super) fn count(a: &Attributes, name: &str) -> Result<usize> {
    usize::try_from(a.int(name)?)
        .map_err(|_| Error::new(ErrorKind::Syntax, format!("`{name}` is negative")))
}

/// Refuses a list of linear arguments that is not increasing, or names what cannot move.
pub(super) fn expect_linear(linear: &[usize], args: &[Type]) -> Result<()> {
    let increasing = linear.windows(2).all(|w| w[0] < w[1]);
    if increasing && linear.iter().all(|&i| args.get(i).is_some_and(|ty| ty.dtype.is_float())) {
        return Ok(());
    }
    Err(Error::shape(format!("cannot be linear in its arguments {linear:?}")))
}

/// Refuses a body that takes something else than it is given.
pub(super) fn expect_inputs(what: &str, body: &Program, given: &[Type]) -> Result<()> {
    if body.input_types() == given {
        return Ok(());
    }
    Err(Error::shape(format!("{what} takes {:?}, not {given:?}", body.input_types())))
}

/// The transpose of `body`, linear in the inputs in `linear`, with respect to the outputs in `used`:
/// from the other inputs and the cotangents of these outputs to the cotangents of the linear inputs.
pub(super) fn transposed(body: &Program, linear: &[bool], used: &[usize]) -> Result<Program> {
    let all: Vec<Value> = body.inputs().collect();
    let known: Vec<bool> = linear.iter().map(|l| !l).collect();
    let order: Vec<Value> = marked(&all, &known).chain(marked(&all, linear)).copied().collect();
    let outputs: Vec<Value> = used.iter().map(|&k| body.outputs[k]).collect();
    transpose(&body.part(&order, &outputs), known.iter().filter(|k| **k).count())
}

/// The coefficients among some arguments of a linear equation.
pub(super) fn known(args: &[Arg], linear: &[bool]) -> Vec<Var> {
    args.iter().zip(linear).filter(|(_, l)| !**l).map(|(a, _)| a.known()).collect()
}

/// Puts one cotangent for each position in `linear` in its place among `n`.
pub(super) fn placed(linear: &[usize], n: usize, ct: impl IntoIterator<Item = Var>) -> Cotangents {
    let mut placed: Cotangents = smallvec![None; n];
    linear.iter().zip(ct).for_each(|(&i, ct)| placed[i] = Some(ct));
    placed
}

/// Results and tangents, or the error left in the trace and poisoned ones.
pub(super) fn or_fail(both: Result<(Vars, Tangents)>, outputs: usize) -> (Vars, Tangents) {
    both.unwrap_or_else(|error| {
        let poison = fail(error);
        (smallvec![poison; outputs], smallvec![Some(poison); outputs])
    })
}

/// Some values, or the error left in the trace and poisoned ones.
pub(super) fn vars_or_fail(vars: Result<Vars>, outputs: usize) -> Vars {
    vars.unwrap_or_else(|error| smallvec![fail(error); outputs])
}

/// Cotangents, or the error left in the trace and poisoned ones.
pub(super) fn cotangents_or_fail(ct: Result<Cotangents>, args: usize) -> Cotangents {
    ct.unwrap_or_else(|error| smallvec![Some(fail(error)); args])
}

/// Whether something in the program can fail for some numbers.
pub(super) fn can_fail(program: &Program) -> bool {
    program.equations().iter().any(|eq| {
        let types: SmallVec<[Type; 3]> = eq.inputs.iter().map(|&v| program.ty(v).clone()).collect();
        eq.prim.can_fail(&types)
    })
}

/// A result with the instances along its first axis, whether it has them already or not.
pub(super) fn spread((y, batched): (Var, bool), n: usize) -> Var {
    if batched { y } else { y.broadcast_leading(n) }
}

/// A mask over instances beside a value of which each instance has one.
pub(super) fn beside(mask: Var, value: Var) -> Var {
    let mut shape = mask.shape().to_vec();
    shape.resize(value.rank(), 1);
    mask.reshape(shape).broadcast_to(value.shape())
}

/// `on` for the instances in the mask, `off` for the others.
pub(super) fn choose(mask: Var, on: Var, off: Var) -> Var {
    if on.rank() < mask.rank() {
        return on;
    }
    Var::select(beside(mask, on), on, off)
}

/// Values for all instances that are sure to be in the domain of what the marked ones run: theirs,
/// and for the others those of one that is marked. At least one is.
pub(super) fn sheltered(mask: Var, args: &[Var], batched: &[bool]) -> Vec<Var> {
    let one = mask.cast(crate::types::DType::I64).argmax(0);
    args.iter()
        .zip(batched)
        .map(|(&x, &batched)| match batched {
            true => choose(mask, x, x.take(one, 0).broadcast_leading(mask.shape()[0])),
            false => x,
        })
        .collect()
}

/// A body over `n` instances of the inputs in `batched`, with the results of all of them.
pub(super) fn batched_body(body: &Program, batched: &[bool], n: usize) -> Result<Program> {
    let axes: Vec<Option<usize>> = batched.iter().map(|&b| b.then_some(0)).collect();
    crate::vmap::vmap(body, &axes, n)
}

/// The types of `n` instances of the marked ones.
pub(super) fn batched_types(types: &[Type], batched: &[bool], n: usize) -> Vec<Type> {
    let leading = |ty: &Type| ty.with_shape(ty.shape.with_leading(n));
    types.iter().zip(batched).map(|(ty, &b)| if b { leading(ty) } else { ty.clone() }).collect()
}

/// A body over `n` instances whose first outputs are fed back to the inputs `fed`: an input has
/// instances from the start if its output has them after any number of rounds. Grows `batched`, and
/// says which outputs have instances.
pub(super) fn batched_loop(
    body: &Program,
    batched: &mut [bool],
    fed: Range<usize>,
    n: usize,
) -> Result<(Program, Vec<bool>)> {
    loop {
        let mut grown = false;
        let mut differ = Vec::new();
        let types = batched_types(body.input_types(), batched, n);
        let program = trace(&types, |x| {
            let y = batch_inline(body, x, batched, n);
            let mut outputs = Vec::with_capacity(y.len());
            for (k, y) in y.into_iter().enumerate() {
                let feeds = fed.start + k;
                if fed.contains(&feeds) && y.1 && !batched[feeds] {
                    (batched[feeds], grown) = (true, true);
                }
                let instances = y.1 || (fed.contains(&feeds) && batched[feeds]);
                outputs.push(if instances { spread(y, n) } else { y.0 });
                differ.push(instances);
            }
            outputs
        })?;
        if !grown {
            return Ok((program, differ));
        }
    }
}

/// The types of some values.
pub(super) fn types_of(vars: &[Var]) -> Vec<Type> {
    vars.iter().map(|v| v.ty()).collect()
}

/// A program that applies a body to arguments in another order, or to some of its own.
pub(super) fn body_of(types: &[Type], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<Body> {
    trace(types, f).map(Body::new)
}
