//! Scans.

use super::carries::{equal_carries, merged};
use super::inputs::{Feed, distinct, fed, feed, invariants};
use super::{Out, Rewriter, accumulate, inline, renumber, settle_all, simple, simple_given, write};
use crate::body::Body;
use crate::primitive::{Broadcast, Prim, Reshape, Scan};
use crate::program::{Program, Value};
use crate::simplify::facts::{Fact, settled};
use crate::trace::{Var, trace};
use crate::types::Type;

/// A scan that is being reduced.
pub(super) struct Work {
    pub scan: Scan,
    /// What it is applied to.
    pub x: Vec<Value>,
    /// The results of the scan as it was.
    pub outs: Vec<Out>,
}

pub(super) fn rewrite(rw: &mut Rewriter<'_>, scan: Scan, x: Vec<Value>) -> Option<Vec<Value>> {
    match scan.length {
        0 => return no_steps(rw, &scan, &x),
        1 => return one_step(rw, &scan, &x),
        _ => {}
    }
    let outs = (0..scan.body.outputs().len()).map(Out::Result).collect();
    let mut work = Work { scan, x, outs };
    work.scan.body = simple(rw, &work.scan.body);
    // Each makes the scan smaller, or moves work out of it.
    loop {
        let changed = work.feed_constants(rw)?
            | work.hoist(rw)?
            | work.carry_less(rw)?
            | work.hand_out_less(rw)?
            | work.carry_once()?
            | accumulate::after_the_loop(&mut work)?;
        if !changed {
            break;
        }
        work.scan.body = simple(rw, &work.scan.body);
    }
    if rw.options().finite_inputs {
        work.know_finite(rw);
    }
    let results = write(rw, work.scan.into(), &work.x)?;
    settle_all(rw, &work.outs, &results)
}

/// The start, and results without parts.
fn no_steps(rw: &mut Rewriter<'_>, scan: &Scan, x: &[Value]) -> Option<Vec<Value>> {
    let mut y = x[scan.consts..scan.first_xs()].to_vec();
    for ty in &scan.body.output_types()[scan.carry..] {
        y.push(rw.full(&ty.with_shape(ty.shape.with_leading(0)), 0.0)?);
    }
    Some(y)
}

/// The body on the only parts.
fn one_step(rw: &mut Rewriter<'_>, scan: &Scan, x: &[Value]) -> Option<Vec<Value>> {
    let mut args = x[..scan.first_xs()].to_vec();
    for &v in &x[scan.first_xs()..] {
        let shape = rw.shape(v).iter().skip(1).copied().collect();
        args.push(rw.make(Reshape { shape }, &[v])?);
    }
    let mut y = inline(rw, &scan.body, &args)?;
    for v in &mut y[scan.carry..] {
        let shape = rw.shape(*v).with_leading(1);
        *v = rw.make(Reshape { shape }, &[*v])?;
    }
    Some(y)
}

impl Work {
    /// Keeps the inputs of the body at these positions and its outputs at those. The body has to be one
    /// of the kept inputs already.
    fn keep(&mut self, body: Body, inputs: &[usize], consts: usize, carry: usize) {
        let linear = &self.scan.linear;
        let linear = (0..inputs.len()).filter(|&i| linear.contains(&inputs[i])).collect();
        self.x = inputs.iter().map(|&i| self.x[i]).collect();
        self.scan = Scan { body, consts, carry, linear, ..self.scan.clone() };
    }

    /// Writes constants into the body, passes each argument once, and takes parts that are all equal for
    /// a constant.
    fn feed_constants(&mut self, rw: &mut Rewriter<'_>) -> Option<bool> {
        let s = &self.scan;
        let is_linear = |i: usize| s.linear.contains(&i);
        let feeds: Vec<Feed> = (0..s.consts).map(|i| feed(rw, self.x[i], is_linear(i))).collect();
        let mut parts: Vec<Option<Feed>> = Vec::new();
        for i in s.first_xs()..self.x.len() {
            parts.push(same_parts(rw, self.x[i]).map(|v| feed(rw, v, is_linear(i))));
        }
        let first = s.first_xs();
        let doubles =
            |i: usize| (first..i).find(|&j| self.x[j] == self.x[i] && is_linear(i) == is_linear(j));
        let (constants, _) = distinct(&feeds);
        let nothing = constants.len() == s.consts
            && parts.iter().all(Option::is_none)
            && (first..self.x.len()).all(|i| doubles(i).is_none());
        if nothing {
            return Some(false);
        }
        // The body with all that stays the same in front, then carry and parts.
        let of_parts: Vec<Feed> = parts.iter().flatten().cloned().collect();
        let same: Vec<usize> =
            (first..self.x.len()).filter(|&i| parts[i - first].is_some()).collect();
        let different: Vec<usize> = (first..self.x.len())
            .filter(|&i| parts[i - first].is_none() && doubles(i).is_none())
            .collect();
        let order: Vec<usize> =
            (0..s.consts).chain(same).chain(s.consts..first).chain(different.clone()).collect();
        let place = |i: usize| match doubles(i) {
            Some(j) if parts[i - first].is_none() => order.iter().position(|&o| o == j),
            _ => order.iter().position(|&o| o == i),
        };
        let types: Vec<Type> = order.iter().map(|&i| s.body.input_types()[i].clone()).collect();
        let body = trace(&types, |x| {
            let at = |i: usize| {
                let k = if i < first { order.iter().position(|&o| o == i) } else { place(i) };
                k.map_or_else(Var::poison, |k| x[k])
            };
            let args: Vec<Var> = (0..s.body.inputs).map(at).collect();
            crate::trace::inline(&s.body, &args)
        });
        let all = [feeds, of_parts].concat();
        let body = fed(&body.ok()?, &all)?;
        let (constants, _) = distinct(&all);
        let carry = self.x[s.consts..first].to_vec();
        let xs: Vec<Value> = different.iter().map(|&i| self.x[i]).collect();
        let consts = constants.len();
        let mut linear: Vec<usize> = (0..consts).filter(|&c| constants[c].1).collect();
        linear.extend((s.consts..first).filter(|&i| is_linear(i)).map(|i| i - s.consts + consts));
        let offset = consts + s.carry;
        linear
            .extend((0..different.len()).filter(|&k| is_linear(different[k])).map(|k| k + offset));
        self.x = constants.iter().map(|c| c.0).chain(carry).chain(xs).collect();
        self.scan = Scan { body, consts, linear, ..self.scan.clone() };
        Some(true)
    }

    /// Computes before the loop what is the same in every step.
    fn hoist(&mut self, rw: &mut Rewriter<'_>) -> Option<bool> {
        let s = &self.scan;
        let hoisted = invariants(&s.body, s.consts, false);
        if hoisted.is_empty() {
            return Some(false);
        }
        let inputs: Vec<Value> = s.body.inputs().collect();
        let (constants, rest) = inputs.split_at(s.consts);
        let before = s.body.part(constants, &hoisted);
        let moves: Vec<bool> = (0..s.consts).map(|i| s.linear.contains(&i)).collect();
        let mut of = moves.clone();
        of.resize(s.body.inputs, false);
        let depends = s.body.dependents(&of);
        let values = inline(rw, &before, &self.x[..s.consts])?;
        let order = [constants, &hoisted, rest].concat();
        let body = Body::new(s.body.part(&order, s.body.outputs()));
        let more = hoisted.len();
        let mut linear: Vec<usize> =
            s.linear.iter().map(|&i| if i < s.consts { i } else { i + more }).collect();
        linear.extend((0..more).filter(|&k| depends[hoisted[k].index()]).map(|k| k + s.consts));
        linear.sort_unstable();
        self.x.splice(s.consts..s.consts, values);
        self.scan = Scan { body, consts: s.consts + more, linear, ..self.scan.clone() };
        Some(true)
    }

    /// A carry that comes out as it went in is a constant; and so is one that starts from a constant and
    /// becomes that constant.
    fn carry_less(&mut self, rw: &mut Rewriter<'_>) -> Option<bool> {
        let s = &self.scan;
        let stays = |k: usize| {
            let (out, start) = (s.body.outputs()[k], self.x[s.consts + k]);
            out.index() == s.consts + k || same_number(rw, start, &s.body, out)
        };
        let kept: Vec<bool> = (0..s.carry).map(|k| !stays(k)).collect();
        if !kept.contains(&false) {
            return Some(false);
        }
        let of = |keep: bool| (0..s.carry).filter(|&k| kept[k] == keep).collect::<Vec<usize>>();
        let (left, fixed) = (of(true), of(false));
        let inputs: Vec<usize> = (0..s.consts)
            .chain(fixed.iter().map(|k| s.consts + k))
            .chain(left.iter().map(|k| s.consts + k))
            .chain(s.first_xs()..self.x.len())
            .collect();
        let values: Vec<Value> = inputs.iter().map(|&i| Value(i as u32)).collect();
        let results: Vec<Value> = left
            .iter()
            .copied()
            .chain(s.carry..s.body.outputs().len())
            .map(|k| s.body.outputs()[k])
            .collect();
        let starts: Vec<Value> = (0..s.carry).map(|k| self.x[s.consts + k]).collect();
        let carry = s.carry;
        renumber(&mut self.outs, &|k| match left.iter().position(|&l| l == k) {
            Some(at) => Out::Result(at),
            None if k < carry => Out::Value(starts[k]),
            None => Out::Result(k - carry + left.len()),
        });
        let body = Body::new(self.scan.body.part(&values, &results));
        let consts = self.scan.consts + fixed.len();
        self.keep(body, &inputs, consts, left.len());
        Some(true)
    }

    /// Results that are the same in every step, or parts of arguments, do not go through the loop.
    fn hand_out_less(&mut self, rw: &mut Rewriter<'_>) -> Option<bool> {
        let s = &self.scan;
        let mut outside: Vec<Option<Out>> = Vec::new();
        for &v in &s.body.outputs()[s.carry..] {
            let repeated = |v: Value| Out::Repeated(Box::new(Out::Value(v)), s.length);
            outside.push(match v.index() {
                i if i < s.consts => Some(repeated(self.x[i])),
                i if i < s.first_xs() => None,
                i if i < s.body.inputs => Some(Out::Value(self.x[i])),
                _ => match number_of(&s.body, v) {
                    Some(number) => {
                        let ty = s.body.ty(v).clone();
                        Some(repeated(rw.full(&ty, number)?))
                    }
                    None => None,
                },
            });
        }
        // Doubles of one another.
        let ys = &s.body.outputs()[s.carry..];
        let first_of = |k: usize| ys.iter().position(|v| *v == ys[k]).unwrap_or(k);
        let kept: Vec<usize> =
            (0..ys.len()).filter(|&k| outside[k].is_none() && first_of(k) == k).collect();
        if kept.len() == ys.len() {
            return Some(false);
        }
        let results: Vec<Value> = s.body.outputs()[..s.carry]
            .iter()
            .copied()
            .chain(kept.iter().map(|&k| ys[k]))
            .collect();
        let inputs: Vec<Value> = s.body.inputs().collect();
        let body = Body::new(s.body.part(&inputs, &results));
        let carry = s.carry;
        let firsts: Vec<usize> = (0..ys.len()).map(first_of).collect();
        let places: Vec<Option<usize>> =
            firsts.iter().map(|f| kept.iter().position(|k| k == f)).collect();
        let outside = std::cell::RefCell::new(outside);
        renumber(&mut self.outs, &|k| {
            if k < carry {
                return Out::Result(k);
            }
            match places[k - carry] {
                Some(at) => Out::Result(carry + at),
                None => outside.borrow_mut()[k - carry].take().unwrap_or(Out::Result(k)),
            }
        });
        self.scan.body = body;
        Some(true)
    }

    /// Values that start equal and stay equal are carried once.
    fn carry_once(&mut self) -> Option<bool> {
        let s = &self.scan;
        let starts = &self.x[s.consts..s.first_xs()];
        let linear = |k: usize| s.linear.contains(&(s.consts + k));
        let leaders = equal_carries(&s.body, s.consts, starts, &linear);
        let left: Vec<usize> = (0..s.carry).filter(|&k| leaders[k] == k).collect();
        if left.len() == s.carry {
            return Some(false);
        }
        let inputs: Vec<usize> = (0..s.consts)
            .chain(left.iter().map(|k| s.consts + k))
            .chain(s.first_xs()..self.x.len())
            .collect();
        let body = merged(&s.body, s.consts, &leaders)?;
        let values: Vec<Value> = inputs.iter().map(|&i| Value(i as u32)).collect();
        let results: Vec<Value> = left
            .iter()
            .copied()
            .chain(s.carry..s.body.outputs().len())
            .map(|k| body.outputs()[k])
            .collect();
        let body = Body::new(body.part(&values, &results));
        let carry = s.carry;
        renumber(&mut self.outs, &|k| match k {
            k if k < carry => {
                Out::Result(left.iter().position(|&l| l == leaders[k]).unwrap_or_default())
            }
            k => Out::Result(k - carry + left.len()),
        });
        let consts = self.scan.consts;
        self.keep(body, &inputs, consts, left.len());
        Some(true)
    }

    /// Simplifies the body knowing which of its arguments are finite: those of the scan, and what is
    /// carried if it is finite after a step.
    fn know_finite(&mut self, rw: &mut Rewriter<'_>) {
        let s = &self.scan;
        let mut facts: Vec<Fact> = self.x.iter().map(|&v| rw.fact(v)).collect();
        settled(&s.body, &mut facts, s.consts, s.carry);
        self.scan.body = simple_given(rw, &s.body, &facts);
    }
}

/// The value of which every part along the first axis is one, if that is how it was made.
fn same_parts(rw: &mut Rewriter<'_>, v: Value) -> Option<Value> {
    let (from, broadcast) = rw.is_broadcast(v)?;
    if broadcast.axes.first() == Some(&0) {
        return None;
    }
    let shape = broadcast.shape.iter().skip(1).copied().collect();
    let axes: Vec<usize> = broadcast.axes.iter().map(|a| a - 1).collect();
    rw.make(Broadcast { shape, axes }, &[from])
}

/// The number, if every element of a value of a body is one.
fn number_of(body: &Program, v: Value) -> Option<f64> {
    let define = |v: Value| {
        let at = body.equations().binary_search_by_key(&v, |eq| eq.first).ok()?;
        body.equations().get(at)
    };
    let mut eq = define(v)?;
    if let Prim::Broadcast(_) = eq.prim {
        eq = define(eq.inputs[0])?;
    }
    match &eq.prim {
        Prim::Constant(c) if c.0.len() == 1 => c.0.to_f64().first().copied(),
        _ => None,
    }
}

/// Whether a value outside and one of the body are the same number everywhere.
fn same_number(rw: &Rewriter<'_>, outside: Value, body: &Program, v: Value) -> bool {
    match (rw.splat(outside), number_of(body, v)) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
        _ => false,
    }
}
