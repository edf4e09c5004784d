//! Loops, branches and calls: the same for less, inside and across their borders.
//!
//! The programs inside are simplified, with what is known of their arguments; what goes in and what
//! comes out is reduced:
//!
//! - a small constant is written inside, an argument that comes twice comes once, one that is the same in
//!   every step is a constant of the loop, one that nothing uses goes;
//! - what a loop computes from its constants alone is computed before it (in a `while` only what cannot
//!   fail, as it may run no round); a value that is carried and never changes is a constant; values
//!   that are carried side by side and always equal are carried once;
//! - a result that is an argument, or the same in every step, does not go through the loop; a result that
//!   nothing uses goes, and with it what only it needed;
//! - a scan of no steps is its start, one of one step its body; a `cond` on a known truth value is a branch;
//! - sums of products that a scan accumulates become one product after it (`accumulate.rs`).
//!
//! A body is simplified once, however often the program around it is: bodies remember.

mod accumulate;
mod branches;
mod carries;
mod inputs;
mod prune;
mod scans;
mod whiles;

pub(super) use prune::{Pruned, pruned};

use super::facts::Fact;
use super::rewriter::Rewriter;
use super::{SimplifyOptions, simplify_given};
use crate::body::Body;
use crate::primitive::{Dot, Prim, Primitive};
use crate::program::{Program, Value};
use crate::types::Type;
use smallvec::SmallVec;

/// A result of an equation as it is computed in the end.
enum Out {
    /// A value of the program around.
    Value(Value),
    /// Result `k` of the reduced equation.
    Result(usize),
    /// Repeated along a new first axis.
    Repeated(Box<Out>, usize),
    /// A sum.
    Sum(Box<Out>, Box<Out>),
    /// A product.
    Product(Dot, Box<Out>, Box<Out>),
    /// With the axes in another order.
    Ordered(Vec<usize>, Box<Out>),
}

/// The results of an equation with programs inside, simplified and written; `None` for every other
/// equation.
pub(super) fn rewrite(rw: &mut Rewriter<'_>, prim: &Prim, x: &[Value]) -> Option<Vec<Value>> {
    match prim {
        Prim::Scan(scan) => scans::rewrite(rw, scan.clone(), x.to_vec()),
        Prim::While(repeat) => whiles::rewrite(rw, repeat.clone(), x.to_vec()),
        Prim::LinearWhile(repeat) => whiles::rewrite_linear(rw, repeat.clone(), x),
        Prim::Cond(cond) => branches::rewrite(rw, cond.clone(), x.to_vec()),
        prim => {
            let inner = branches::simplified(rw, prim)?;
            write(rw, inner, x)
        }
    }
}

/// Whether a primitive has programs inside.
pub(super) fn has_bodies(prim: &Prim) -> bool {
    !prim.bodies().is_empty()
}

/// A body simplified, knowing nothing of its arguments.
fn simple(rw: &Rewriter<'_>, body: &Body) -> Body {
    body.simplified(&SimplifyOptions { finite_inputs: false, ..*rw.options() })
}

/// A body simplified with facts about its arguments.
fn simple_given(rw: &Rewriter<'_>, body: &Body, facts: &[Fact]) -> Body {
    let nothing = |(fact, ty): (&Fact, &Type)| *fact == Fact::of_input(ty, false);
    if facts.iter().zip(body.input_types()).all(nothing) {
        return simple(rw, body);
    }
    Body::new(simplify_given(body, rw.options(), facts.to_vec()).0)
}

/// Writes an equation as it is; all its results.
fn write(rw: &mut Rewriter<'_>, prim: Prim, x: &[Value]) -> Option<Vec<Value>> {
    let args: SmallVec<[Type; 3]> = x.iter().map(|&v| rw.ty(v).clone()).collect();
    let types = prim.infer(&args).ok()?;
    let count = types.len() as u32;
    if count == 0 {
        return Some(Vec::new());
    }
    let first = rw.write(prim, SmallVec::from_slice(x), types);
    Some((first.0..first.0 + count).map(Value).collect())
}

/// Writes a program applied to values; its results.
fn inline(rw: &mut Rewriter<'_>, program: &Program, x: &[Value]) -> Option<Vec<Value>> {
    let mut number = x.to_vec();
    for eq in program.equations() {
        let args: Vec<Value> = eq.inputs.iter().map(|v| number[v.index()]).collect();
        let y = match has_bodies(&eq.prim) {
            true => rewrite(rw, &eq.prim, &args)?,
            false => write(rw, eq.prim.clone(), &args)?,
        };
        number.extend(y);
    }
    Some(program.outputs().iter().map(|v| number[v.index()]).collect())
}

/// Makes a result from those of the reduced equation.
fn settle(rw: &mut Rewriter<'_>, out: &Out, results: &[Value]) -> Option<Value> {
    Some(match out {
        Out::Value(v) => *v,
        Out::Result(k) => *results.get(*k)?,
        Out::Repeated(of, n) => {
            let v = settle(rw, of, results)?;
            let shape = rw.shape(v);
            let axes = (1..=shape.rank()).collect();
            rw.make(crate::primitive::Broadcast { shape: shape.with_leading(*n), axes }, &[v])?
        }
        Out::Sum(a, b) => {
            let (a, b) = (settle(rw, a, results)?, settle(rw, b, results)?);
            rw.binary(crate::primitive::Binary::Add, a, b)?
        }
        Out::Product(dot, a, b) => {
            let (a, b) = (settle(rw, a, results)?, settle(rw, b, results)?);
            rw.make(dot.clone(), &[a, b])?
        }
        Out::Ordered(order, of) => {
            let v = settle(rw, of, results)?;
            rw.make(crate::primitive::Transpose { order: order.clone() }, &[v])?
        }
    })
}

/// All results in their order.
fn settle_all(rw: &mut Rewriter<'_>, outs: &[Out], results: &[Value]) -> Option<Vec<Value>> {
    outs.iter().map(|out| settle(rw, out, results)).collect()
}

/// The results, renumbered: `Result(k)` becomes what `of(k)` says.
fn renumber(outs: &mut [Out], of: &impl Fn(usize) -> Out) {
    for out in outs {
        match out {
            Out::Value(_) => {}
            Out::Result(k) => *out = of(*k),
            Out::Repeated(inner, _) | Out::Ordered(_, inner) => {
                renumber(std::slice::from_mut(&mut **inner), of);
            }
            Out::Sum(a, b) | Out::Product(_, a, b) => {
                renumber(std::slice::from_mut(&mut **a), of);
                renumber(std::slice::from_mut(&mut **b), of);
            }
        }
    }
}
