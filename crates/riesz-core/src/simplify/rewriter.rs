//! The program being rebuilt, and what rules read and write.
//!
//! A rule is handed one [`Step`], reads the definitions of its operands with the methods that look,
//! and writes with the methods that make. Everything made is simplified on the way, to a bounded
//! depth and with a bounded number of rules for each equation of the original program.

use super::facts::{Fact, facts};
use super::{Applied, SimplifyOptions, TABLE};
use crate::error::Source;
use crate::primitive::{
    Binary, Broadcast, Constant, Prim, Primitive, Reduce, Reduction, Reshape, Select, Transpose,
    Unary,
};
use crate::program::{Program, Value};
use crate::tensor::Tensor;
use crate::types::{Shape, Type};
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// How many rules may write inside each other.
const DEPTH: usize = 16;
/// How many rules may fire for one equation.
const BUDGET: usize = 256;
/// The most elements of a constant that folding reads or writes.
const FOLD: usize = 64;

/// An equation that is about to be written.
pub(super) struct Step<'a> {
    pub prim: &'a Prim,
    pub x: &'a [Value],
    /// The type of its one result.
    pub ty: &'a Type,
}

pub(super) struct Rewriter<'a> {
    options: &'a SimplifyOptions,
    program: Program,
    /// The equation that defines each value; the inputs have none.
    definition: Vec<Option<u32>>,
    facts: Vec<Fact>,
    /// The equations by the hash of what they apply to what.
    numbers: FxHashMap<u64, SmallVec<[u32; 1]>>,
    equation: usize,
    source: Source,
    depth: usize,
    budget: usize,
    applied: Vec<Applied>,
}

impl<'a> Rewriter<'a> {
    /// For a program of whose inputs these facts are known.
    pub(super) fn new(
        program: &Program,
        options: &'a SimplifyOptions,
        facts: Vec<Fact>,
    ) -> Rewriter<'a> {
        let inputs = program.input_types().to_vec();
        Rewriter {
            options,
            definition: vec![None; inputs.len()],
            facts,
            program: Program::with_inputs(inputs),
            numbers: FxHashMap::default(),
            equation: 0,
            source: Source::Unknown,
            depth: 0,
            budget: BUDGET,
            applied: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Program, Vec<Applied>) {
        (self.program, self.applied)
    }

    /// Writes equation `equation` of the original program, simplified; its results.
    pub(super) fn rewrite(
        &mut self,
        equation: usize,
        source: Source,
        prim: &Prim,
        inputs: SmallVec<[Value; 3]>,
        types: SmallVec<[Type; 1]>,
    ) -> SmallVec<[Value; 1]> {
        (self.equation, self.source) = (equation, source);
        (self.depth, self.budget) = (0, BUDGET);
        if super::flow::has_bodies(prim)
            && let Some(results) = super::flow::rewrite(self, prim, &inputs)
        {
            return results.into();
        }
        let count = types.len() as u32;
        let first = self.write(prim.clone(), inputs, types);
        (first.0..first.0 + count).map(Value).collect()
    }

    pub(super) fn options(&self) -> &'a SimplifyOptions {
        self.options
    }

    pub(super) fn write(
        &mut self,
        prim: Prim,
        inputs: SmallVec<[Value; 3]>,
        types: SmallVec<[Type; 1]>,
    ) -> Value {
        let hash = number(&prim, &inputs);
        if let Some(known) = self.find(hash, &prim, &inputs) {
            return known;
        }
        if types.len() == 1 && self.depth < DEPTH {
            let step = Step { prim: &prim, x: &inputs, ty: &types[0] };
            if let Some(v) = self.try_rules(&step) {
                return v;
            }
        }
        let facts = facts(&self.program, &self.facts, &prim, &inputs, types.len());
        self.facts.extend(facts);
        let at = self.program.equations.len() as u32;
        let first = self.program.push(prim, inputs, types, self.source);
        self.definition.resize(self.program.len(), Some(at));
        self.numbers.entry(hash).or_default().push(at);
        first
    }

    fn try_rules(&mut self, step: &Step<'_>) -> Option<Value> {
        self.depth += 1;
        let mut result = None;
        for rule in TABLE.iter().copied().flatten() {
            if rule.class > self.options.most || self.budget == 0 {
                continue;
            }
            let before = self.applied.len();
            match (rule.apply)(self, step) {
                Some(v) => {
                    debug_assert_eq!(self.ty(v), step.ty, "{}", rule.name);
                    self.budget = self.budget.saturating_sub(1);
                    self.applied.push(Applied {
                        rule: rule.name,
                        equation: self.equation,
                        source: self.source,
                    });
                    result = Some(v);
                    break;
                }
                // What it wrote before it gave up is not used.
                None => self.applied.truncate(before),
            }
        }
        self.depth -= 1;
        result
    }

    fn find(&self, hash: u64, prim: &Prim, inputs: &[Value]) -> Option<Value> {
        let same = |&&at: &&u32| {
            let eq = &self.program.equations[at as usize];
            eq.prim == *prim && same_operands(prim, &eq.inputs, inputs)
        };
        let at = self.numbers.get(&hash)?.iter().find(same)?;
        Some(self.program.equations[*at as usize].first)
    }
}

/// Looking.
impl Rewriter<'_> {
    pub(super) fn ty(&self, v: Value) -> &Type {
        self.program.ty(v)
    }

    pub(super) fn shape(&self, v: Value) -> Shape {
        self.ty(v).shape.clone()
    }

    pub(super) fn fact(&self, v: Value) -> Fact {
        self.facts[v.index()]
    }

    /// What defines a value, unless it is an input or one of several results.
    pub(super) fn def(&self, v: Value) -> Option<(&Prim, &[Value])> {
        let eq = &self.program.equations[self.definition[v.index()]? as usize];
        (eq.count == 1).then_some((&eq.prim, &eq.inputs[..]))
    }

    /// What made the value, perhaps among others; none for inputs.
    pub(super) fn maker(&self, v: Value) -> Option<&Prim> {
        Some(&self.program.equations[self.definition[v.index()]? as usize].prim)
    }

    /// The argument, if the value is this function of one.
    pub(super) fn is_unary(&self, v: Value, op: Unary) -> Option<Value> {
        match self.def(v)? {
            (Prim::Unary(found), x) if *found == op => Some(x[0]),
            _ => None,
        }
    }

    /// The arguments, if the value is this function of two.
    pub(super) fn is_binary(&self, v: Value, op: Binary) -> Option<(Value, Value)> {
        match self.def(v)? {
            (Prim::Binary(found), x) if *found == op => Some((x[0], x[1])),
            _ => None,
        }
    }

    /// The argument, if the value is the sum along these axes of it.
    pub(super) fn is_sum(&self, v: Value) -> Option<(Value, &Reduce)> {
        match self.def(v)? {
            (Prim::Reduce(r), x) if r.op == Reduction::Sum => Some((x[0], r)),
            _ => None,
        }
    }

    pub(super) fn is_broadcast(&self, v: Value) -> Option<(Value, &Broadcast)> {
        match self.def(v)? {
            (Prim::Broadcast(b), x) => Some((x[0], b)),
            _ => None,
        }
    }

    pub(super) fn is_transpose(&self, v: Value) -> Option<(Value, &Transpose)> {
        match self.def(v)? {
            (Prim::Transpose(t), x) => Some((x[0], t)),
            _ => None,
        }
    }

    pub(super) fn is_reshape(&self, v: Value) -> Option<(Value, &Reshape)> {
        match self.def(v)? {
            (Prim::Reshape(r), x) => Some((x[0], r)),
            _ => None,
        }
    }

    /// Mask and branches, if the value is a choice.
    pub(super) fn is_select(&self, v: Value) -> Option<(Value, Value, Value)> {
        match self.def(v)? {
            (Prim::Select(_), x) => Some((x[0], x[1], x[2])),
            _ => None,
        }
    }

    /// The number, if every element of the value is one constant.
    pub(super) fn splat(&self, v: Value) -> Option<f64> {
        let scalar = match self.def(v)? {
            (Prim::Broadcast(_), x) if self.ty(x[0]).shape.rank() == 0 => x[0],
            _ => v,
        };
        match self.def(scalar)? {
            (Prim::Constant(c), _) if c.0.shape().rank() == 0 => c.0.to_f64().first().copied(),
            _ => None,
        }
    }

    /// Whether every element is this number; 0 and −0 are two numbers here.
    pub(super) fn is_splat(&self, v: Value, number: f64) -> bool {
        self.splat(v).is_some_and(|c| c.to_bits() == number.to_bits())
    }

    /// The tensor, if the value is a small one that is known.
    pub(super) fn small_constant(&self, v: Value) -> Option<Tensor> {
        if self.ty(v).size() > FOLD {
            return None;
        }
        match self.def(v)? {
            (Prim::Constant(c), _) => Some(c.0.clone()),
            (Prim::Iota(i), _) => i.eval(&[]).ok()?.pop(),
            (Prim::Broadcast(b), x) => match self.def(x[0])? {
                (Prim::Constant(c), _) => b.eval(&[&c.0]).ok()?.pop(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The result of a step whose arguments are small constants; `None` where there is none.
    pub(super) fn fold(&self, step: &Step<'_>) -> Option<Tensor> {
        if step.x.is_empty() || step.ty.size() > FOLD {
            return None;
        }
        let args: Vec<Tensor> =
            step.x.iter().map(|&v| self.small_constant(v)).collect::<Option<_>>()?;
        step.prim.eval(&args.iter().collect::<Vec<_>>()).ok()?.pop()
    }
}

/// Making. The result is `None` where the shapes do not fit, and then the rule does not either.
impl Rewriter<'_> {
    /// The one result of a primitive.
    pub(super) fn make(&mut self, prim: impl Into<Prim>, x: &[Value]) -> Option<Value> {
        let prim = prim.into();
        let args: SmallVec<[Type; 3]> = x.iter().map(|&v| self.ty(v).clone()).collect();
        let types = prim.infer(&args).ok()?;
        Some(self.write(prim, SmallVec::from_slice(x), types))
    }

    pub(super) fn unary(&mut self, op: Unary, x: Value) -> Option<Value> {
        self.make(op, &[x])
    }

    pub(super) fn binary(&mut self, op: Binary, a: Value, b: Value) -> Option<Value> {
        self.make(op, &[a, b])
    }

    pub(super) fn select(&mut self, mask: Value, a: Value, b: Value) -> Option<Value> {
        self.make(Select, &[mask, a, b])
    }

    /// A constant.
    pub(super) fn constant(&mut self, tensor: Tensor) -> Option<Value> {
        self.make(Constant(tensor), &[])
    }

    /// A tensor of this type with one number everywhere.
    pub(super) fn full(&mut self, ty: &Type, number: f64) -> Option<Value> {
        let scalar = self.constant(Tensor::from_f64(&[number], Shape::scalar(), ty.dtype).ok()?)?;
        self.spread(scalar, &ty.shape)
    }

    /// A tensor like `v` with one number everywhere.
    pub(super) fn like(&mut self, v: Value, number: f64) -> Option<Value> {
        let ty = self.ty(v).clone();
        self.full(&ty, number)
    }

    /// A number repeated to a shape.
    pub(super) fn spread(&mut self, scalar: Value, shape: &Shape) -> Option<Value> {
        self.make(Broadcast { shape: shape.clone(), axes: Vec::new() }, &[scalar])
    }
}

/// Whether an operation of these operands is one of those, the order counting where it matters.
fn same_operands(prim: &Prim, a: &[Value], b: &[Value]) -> bool {
    a == b || (commutes(prim) && matches!((a, b), ([x, y], [z, w]) if (x, y) == (w, z)))
}

fn commutes(prim: &Prim) -> bool {
    use crate::primitive::{Compare, Logical};
    match prim {
        Prim::Binary(op) => {
            matches!(op, Binary::Add | Binary::Mul | Binary::Max | Binary::Min | Binary::Hypot)
        }
        Prim::Compare(op) => matches!(op, Compare::Eq | Compare::Ne),
        Prim::Logical(op) => matches!(op, Logical::And | Logical::Or | Logical::Xor),
        _ => false,
    }
}

fn number(prim: &Prim, inputs: &[Value]) -> u64 {
    let mut hasher = FxHasher::default();
    prim.hash(&mut hasher);
    match inputs {
        [a, b] if commutes(prim) => [*a.min(b), *a.max(b)].hash(&mut hasher),
        _ => inputs.hash(&mut hasher),
    }
    hasher.finish()
}
