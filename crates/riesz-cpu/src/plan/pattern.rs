//! Which elements are zero whatever the arguments are, and which elements nobody reads.
//!
//! A triangle is filled by a scatter, a selection or a pad, and of a product with it half the terms are
//! zeros; of the gradient by a triangle half is never read. Both are seen by walking a program once:
//! forward for what may be other than zero, backward for what is read. A [`Mask`] says it for one value,
//! and where no mask is known, every element counts.
//!
//! Zero times infinity is no number: a product leaves terms out only where the other factor is finite,
//! which it looks at when it runs.

mod mask;

use super::decide::Decisions;
use super::role::Role;
use crate::nest::Binary;
use mask::{MOST, Mask, Moved};
use riesz_core::primitive::Dot;
use riesz_core::{Equation, Prim, Primitive, Program, Shape, Tensor, Value};
use rustc_hash::FxHashMap as HashMap;
use std::cell::Cell;
use std::ops::Range;

/// Elements of masks that are looked at in a program.
const BUDGET: usize = 1 << 20;

/// The masks of the values of a program.
#[derive(Debug, Default)]
pub struct Patterns {
    /// What may be other than zero.
    nonzero: HashMap<Value, Mask>,
    /// What is read, of values of which not everything is.
    read: HashMap<Value, Mask>,
}

/// The part of a product that has to be computed, for each index along one of its loops.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The axis of the first factor whose indices are meant, and of the second that `columns` counts.
    pub axes: (usize, Option<usize>),
    /// The terms of the sums that may be other than zero.
    pub terms: Vec<Range<usize>>,
    /// The columns that are read.
    pub columns: Option<Vec<Range<usize>>>,
}

impl Patterns {
    /// Those of a program, if it has products that could be computed in part.
    pub fn new(program: &Program, decisions: &Decisions) -> Patterns {
        let is_product = |eq: &Equation, role: &Role| {
            let rank = program.ty(eq.first).shape.rank();
            matches!(eq.prim, Prim::Dot(_)) && *role == Role::Call && rank > 1
        };
        let mut equations = program.equations().iter().zip(&decisions.roles);
        if !equations.any(|(eq, role)| is_product(eq, role)) {
            return Patterns::default();
        }
        let mut walk =
            Walk { program, decisions, truth: HashMap::default(), left: Cell::new(BUDGET) };
        let nonzero = walk.forward();
        let read = walk.backward();
        Patterns { nonzero, read }
    }

    /// The part of a product that is needed, if that is less than all of it.
    pub fn part(&self, program: &Program, eq: &Equation, dot: &Dot) -> Option<Part> {
        let [x, y] = [eq.inputs[0], eq.inputs[1]];
        let [from, other] = [x, y].map(|v| &program.ty(v).shape);
        let result = &program.ty(eq.first).shape;
        let (lhs, rhs) = (dot.lhs(from.rank()), dot.rhs(other.rank()));
        let (&[summed], read) = (&lhs.contract[..], self.read.get(&eq.first)) else { return None };
        let whole = |n: usize, of: usize| vec![0..of; n];
        // The axis along which the ranges of terms and of columns are shortest.
        let mut best: Option<(usize, Part)> = None;
        for (i, &row) in lhs.free.iter().enumerate() {
            let (n, k) = (from[row], from[summed]);
            let terms = self.nonzero.get(&x).and_then(|mask| mask.ranges(from, row, summed));
            let mut consider = |column: Option<usize>, columns: Option<Vec<Range<usize>>>| {
                let terms = terms.clone().unwrap_or_else(|| whole(n, k));
                let width = column.map_or(1, |c| other[c]);
                let all = columns.clone().unwrap_or_else(|| whole(n, width));
                let work: usize = terms.iter().zip(&all).map(|(t, c)| t.len() * c.len()).sum();
                // In thousandths of all of it.
                let work = work * 1000 / (n * k * width).max(1);
                if work < best.as_ref().map_or(1000, |b| b.0) {
                    best = Some((work, Part { axes: (row, column), terms, columns }));
                }
            };
            consider(None, None);
            for (j, &column) in rhs.free.iter().enumerate() {
                let at = lhs.batch.len() + i;
                let across = lhs.batch.len() + lhs.free.len() + j;
                let columns = read.and_then(|mask| mask.ranges(result, at, across));
                if columns.is_some() {
                    consider(Some(column), columns);
                }
            }
        }
        best.map(|b| b.1)
    }
}

/// What is known while the equations are walked.
struct Walk<'a> {
    program: &'a Program,
    decisions: &'a Decisions,
    /// Where truth values hold, for those that are known.
    truth: HashMap<Value, Mask>,
    /// How many elements of masks may still be looked at.
    left: Cell<usize>,
}

impl<'a> Walk<'a> {
    fn shape(&self, v: Value) -> &'a Shape {
        &self.program.ty(v).shape
    }

    fn definition(&self, v: Value) -> Option<&'a Equation> {
        self.decisions.definition[v.index()].map(|i| &self.program.equations()[i as usize])
    }

    /// The numbers of a constant along one axis.
    fn indices(&self, v: Value) -> Option<Vec<usize>> {
        let Prim::Constant(c) = &self.definition(v)?.prim else { return None };
        let few = c.0.shape().rank() == 1 && c.0.len() <= MOST;
        let numbers = few.then(|| c.0.to_f64())?;
        numbers.iter().all(|&i| i >= 0.0).then(|| numbers.iter().map(|&i| i as usize).collect())
    }

    /// What may be other than zero.
    fn forward(&mut self) -> HashMap<Value, Mask> {
        let mut nonzero: HashMap<Value, Mask> = HashMap::default();
        for eq in self.program.equations() {
            if let Some(known) = self.known(eq)
                && self.pay(self.shape(eq.first), known.lead).is_some()
            {
                self.truth.insert(eq.first, known);
            }
            if self.left.get() < MOST {
                // What one more may cost.
                break;
            }
            if let Some(mask) = self.nonzero(eq, &nonzero)
                && mask.marked.contains(&false)
                && self.pay(self.shape(eq.first), mask.lead).is_some()
            {
                nonzero.insert(eq.first, mask);
            }
        }
        nonzero
    }

    fn nonzero(&self, eq: &Equation, known: &HashMap<Value, Mask>) -> Option<Mask> {
        let of = |i: usize| eq.inputs.get(i).and_then(|v| known.get(v));
        let shape = self.shape(eq.first);
        match &eq.prim {
            Prim::Constant(c) => Mask::of_constant(&c.0),
            Prim::Unary(_) | Prim::IntegerPower(_) | Prim::Cast(_) | Prim::StopGradient(_) => {
                let mask = of(0)?;
                let zero =
                    Tensor::zeros(&self.program.ty(eq.inputs[0]).with_shape(Shape::scalar()));
                let image = eq.prim.eval(&[&zero]).ok()?;
                (image.first()?.to_f64() == [0.0]).then(|| mask.clone())
            }
            Prim::Scale(_) => of(1).cloned(),
            Prim::Binary(Binary::Add | Binary::Sub) => of(0)?.or(of(1)?, shape),
            Prim::Select(_) => {
                let all = Mask { lead: shape.rank(), marked: vec![true] };
                let cond = self.truth.get(&eq.inputs[0]);
                let branch = |i: usize, holds: bool| {
                    let mask = of(i).unwrap_or(&all);
                    match cond {
                        Some(cond) => mask.and(cond, holds, shape),
                        None => Some(mask.clone()),
                    }
                };
                branch(1, true)?.or(&branch(2, false)?, shape)
            }
            Prim::ScatterAdd(s) if s.batch == 0 => {
                let under = of(0)?.reaching(shape, s.axis)?;
                let to = self.indices(eq.inputs[1])?;
                let inner: usize = shape[s.axis + 1..].iter().product();
                let mut mask = under;
                for i in to {
                    mask.marked.get_mut(i * inner..(i + 1) * inner)?.fill(true);
                }
                Some(mask)
            }
            _ => {
                let mask = match (of(0), &eq.prim) {
                    (Some(mask), _) => mask.clone(),
                    // Zeros around what may be anything.
                    (None, Prim::Pad(_)) => {
                        Mask { lead: self.shape(eq.inputs[0]).rank(), marked: vec![true] }
                    }
                    _ => return None,
                };
                let moved = self.moved(eq, mask.lead)?;
                mask.forth(self.shape(eq.inputs[0]), shape, &moved)
            }
        }
    }

    /// Where a truth value holds, if that does not depend on the arguments.
    fn known(&self, eq: &Equation) -> Option<Mask> {
        let shape = self.shape(eq.first);
        match &eq.prim {
            Prim::Compare(c) => {
                let [a, b] = [self.counted(eq.inputs[0])?, self.counted(eq.inputs[1])?];
                let lead = a.min(b);
                let (inner, size) = Mask::inner(shape, lead)?;
                let index = |flat: usize, axis: usize| flat / inner[axis] % shape[axis];
                let marked = (0..size).map(|i| c.holds(index(i, a), index(i, b))).collect();
                Some(Mask { lead, marked })
            }
            Prim::Broadcast(_) | Prim::Transpose(_) | Prim::Reshape(_) => {
                let mask = self.truth.get(&eq.inputs[0])?;
                let moved = self.moved(eq, mask.lead)?;
                mask.forth(self.shape(eq.inputs[0]), shape, &moved)
            }
            _ => None,
        }
    }

    /// The axis along which a value counts from 0.
    fn counted(&self, v: Value) -> Option<usize> {
        match self.definition(v)? {
            Equation { prim: Prim::Iota(iota), .. } => Some(iota.axis),
            Equation { prim: Prim::Broadcast(b), inputs, .. } => {
                let Prim::Iota(iota) = &self.definition(inputs[0])?.prim else { return None };
                Some(b.axes[iota.axis])
            }
            _ => None,
        }
    }

    /// What is read, backward from the results: masks of the values of which not everything is.
    fn backward(&self) -> HashMap<Value, Mask> {
        let mut read: Vec<Read> = vec![Read::Nothing; self.program.len()];
        self.program.outputs().iter().for_each(|v| read[v.index()] = Read::All);
        for eq in self.program.equations().iter().rev() {
            let own = match eq.outputs().count() {
                1 => read[eq.first.index()].clone(),
                _ => Read::All,
            };
            for (i, &x) in eq.inputs.iter().enumerate() {
                let more = match &own {
                    Read::Nothing => continue,
                    _ if matches!(read[x.index()], Read::All) => continue,
                    own => self.asked(eq, i, own).map_or(Read::All, Read::Some),
                };
                let shape = self.shape(x);
                let at = &mut read[x.index()];
                *at = match (std::mem::replace(at, Read::All), more) {
                    (Read::Nothing, more) => more,
                    (Read::Some(a), Read::Some(b)) => a.or(&b, shape).map_or(Read::All, Read::Some),
                    _ => Read::All,
                };
            }
        }
        let some = |(i, r): (usize, Read)| match r {
            Read::Some(mask) if mask.marked.contains(&false) => Some((Value(i as u32), mask)),
            _ => None,
        };
        read.into_iter().enumerate().filter_map(some).collect()
    }

    /// What an equation reads of argument `i`, if not everything, for what is read of its result.
    fn asked(&self, eq: &Equation, i: usize, own: &Read) -> Option<Mask> {
        let shape = self.shape(eq.first);
        let drops =
            matches!(eq.prim, Prim::Select(_) | Prim::Slice(_) | Prim::Pad(_) | Prim::Gather(_));
        let own = match own {
            Read::Some(mask) => {
                self.pay(shape, mask.lead)?;
                mask.clone()
            }
            Read::All if drops => Mask { lead: shape.rank(), marked: vec![true] },
            Read::All | Read::Nothing => return None,
        };
        match &eq.prim {
            Prim::Select(_) if i > 0 => match self.truth.get(&eq.inputs[0]) {
                Some(cond) => own.and(cond, i == 1, shape),
                None => Some(own),
            },
            Prim::Unary(_)
            | Prim::IntegerPower(_)
            | Prim::Binary(_)
            | Prim::Scale(_)
            | Prim::Compare(_)
            | Prim::Logical(_)
            | Prim::Select(_)
            | Prim::Cast(_)
            | Prim::StopGradient(_) => Some(own),
            _ if i == 0 => {
                let moved = self.moved(eq, own.lead)?;
                own.back(self.shape(eq.inputs[0]), shape, &moved)
            }
            _ => None,
        }
    }

    /// How an equation that only moves the elements of its first argument does so; `lead` axes of the one
    /// whose mask is known do not matter.
    fn moved(&self, eq: &Equation, lead: usize) -> Option<Moved> {
        let (from, to) = (self.shape(*eq.inputs.first()?), self.shape(eq.first));
        if from.size() == 0 || to.size() == 0 {
            return None;
        }
        let strides = from.strides();
        let same =
            |is: &dyn Fn(usize) -> bool| (0..lead.min(to.rank())).take_while(|&a| is(a)).count();
        let moved = |lead: (usize, usize), of: &dyn Fn(usize, usize) -> Option<usize>| {
            self.pay(from, lead.0)?;
            self.pay(to, lead.1)?;
            let axes = lead.1..to.rank();
            let steps = axes.map(|a| (0..to[a]).map(|i| of(a, i)).collect()).collect();
            Some(Moved { lead, steps })
        };
        let both = |lead: usize| (lead, lead);
        match &eq.prim {
            Prim::Reshape(_) => {
                let lead = same(&|a| from.get(a) == Some(&to[a]));
                let size = self.pay(to, lead)?;
                Some(Moved { lead: both(lead), steps: vec![(0..size).map(Some).collect()] })
            }
            Prim::Transpose(t) => {
                let lead = same(&|a| t.order[a] == a);
                moved(both(lead), &|a, i| Some(i * strides[t.order[a]]))
            }
            Prim::Slice(s) => {
                let lead = same(&|a| to[a] == from[a]);
                moved(both(lead), &|a, i| Some((s.start[a] + s.stride[a] * i) * strides[a]))
            }
            Prim::Flip(f) => {
                let lead = same(&|a| !f.axes.contains(&a));
                let at = |a: usize, i: usize| if f.axes.contains(&a) { to[a] - 1 - i } else { i };
                moved(both(lead), &|a, i| Some(at(a, i) * strides[a]))
            }
            Prim::Pad(p) => {
                let lead = same(&|a| to[a] == from[a] && p.low[a] == 0 && p.interior[a] == 0);
                moved(both(lead), &|a, i| {
                    let (i, step) = (i as i64 - p.low[a], p.interior[a] as i64 + 1);
                    let at = usize::try_from(i / step).ok().filter(|&at| at < from[a])?;
                    (i >= 0 && i % step == 0).then_some(at * strides[a])
                })
            }
            Prim::Gather(g) if g.batch == 0 => {
                let index = self.indices(eq.inputs[1])?;
                let lead = same(&|a| a < g.axis);
                moved(both(lead), &|a, i| match a == g.axis {
                    true => index.get(i).filter(|&&at| at < from[a]).map(|at| at * strides[a]),
                    false => Some(i * strides[a]),
                })
            }
            Prim::Broadcast(b) => {
                let place = |a: usize| b.axes.iter().position(|&x| x == a);
                let lead = match b.axes.first() {
                    Some(0) => both(same(&|a| b.axes.get(a) == Some(&a))),
                    first => (0, first.map_or(to.rank(), |&first| first)),
                };
                moved(lead, &|a, i| Some(place(a).map_or(0, |x| i * strides[x])))
            }
            _ => None,
        }
    }

    /// Counts the elements of a mask; none if there are too many.
    fn pay(&self, shape: &Shape, lead: usize) -> Option<usize> {
        let (_, size) = Mask::inner(shape, lead)?;
        self.left.set(self.left.get().checked_sub(size)?);
        Some(size)
    }
}

#[derive(Clone, Debug)]
enum Read {
    Nothing,
    Some(Mask),
    All,
}
