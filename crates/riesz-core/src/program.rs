//! Programs: straight lines of equations over dense value numbers.
//!
//! A program is a function of tensors in single-assignment form. Values are numbered `0..`: first
//! the inputs, then the outputs of each equation in order, so a value is always defined before it
//! is used and every pass is a loop over `equations`. Side tables are vectors indexed by [`Value`].
//! What is well-formed is said in `verify.rs`; what a program means is said in `eval.rs`.

use crate::error::Source;
use crate::primitive::Prim;
use crate::types::Type;
use smallvec::SmallVec;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The number of a value in its program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

impl Value {
    /// As an index into a side table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// One application of a primitive. Two are equal when they compute the same of the same values,
/// wherever they were written.
#[derive(Clone, Debug)]
pub struct Equation {
    /// What is applied.
    pub prim: Prim,
    /// To what.
    pub inputs: SmallVec<[Value; 3]>,
    /// The first output; the others follow it.
    pub first: Value,
    /// How many outputs there are.
    pub count: u32,
    /// Where it was written.
    pub source: Source,
}

impl Equation {
    /// The values this equation defines.
    pub fn outputs(&self) -> impl DoubleEndedIterator<Item = Value> + Clone + use<> {
        (self.first.0..self.first.0 + self.count).map(Value)
    }
}

impl PartialEq for Equation {
    fn eq(&self, other: &Equation) -> bool {
        let Equation { prim, inputs, first, count, source: _ } = self;
        (prim, inputs, first, count) == (&other.prim, &other.inputs, &other.first, &other.count)
    }
}

impl Eq for Equation {}

impl Hash for Equation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Equation { prim, inputs, first, count, source: _ } = self;
        (prim, inputs, first, count).hash(state);
    }
}

/// A function from tensors to tensors. It is printed as text and parsed from it: see
/// [`crate::text`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Program {
    pub(crate) types: Vec<Type>,
    pub(crate) inputs: usize,
    pub(crate) equations: Vec<Equation>,
    pub(crate) outputs: Vec<Value>,
}

impl Program {
    /// A program of inputs of these types, to which equations are appended with `push`.
    pub(crate) fn with_inputs(types: Vec<Type>) -> Program {
        Program { inputs: types.len(), types, equations: Vec::new(), outputs: Vec::new() }
    }

    /// Appends an equation whose output types are known, and returns its first output.
    pub(crate) fn push(
        &mut self,
        prim: Prim,
        inputs: SmallVec<[Value; 3]>,
        types: impl IntoIterator<Item = Type>,
        source: Source,
    ) -> Value {
        let first = Value(self.types.len() as u32);
        self.types.extend(types);
        let count = self.types.len() as u32 - first.0;
        self.equations.push(Equation { prim, inputs, first, count, source });
        first
    }

    /// The input values, in order.
    pub fn inputs(&self) -> impl DoubleEndedIterator<Item = Value> + Clone + use<> {
        (0..self.inputs as u32).map(Value)
    }

    /// The types of the inputs, in order.
    #[inline]
    pub fn input_types(&self) -> &[Type] {
        &self.types[..self.inputs]
    }

    /// The equations, each after those it depends on.
    pub fn equations(&self) -> &[Equation] {
        &self.equations
    }

    /// The results, in order; a value may be a result more than once.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// The types of the results, in order.
    pub fn output_types(&self) -> Vec<Type> {
        self.outputs.iter().map(|&v| self.ty(v).clone()).collect()
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> &Type {
        &self.types[value.index()]
    }

    /// How many values there are: the length of a side table.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there are no values at all.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Which values are needed to compute the values in `of`, these included.
    pub(crate) fn needed(&self, of: impl IntoIterator<Item = Value>) -> Vec<bool> {
        let mut needed = vec![false; self.len()];
        of.into_iter().for_each(|v| needed[v.index()] = true);
        for eq in self.equations.iter().rev() {
            if eq.outputs().any(|v| needed[v.index()]) {
                eq.inputs.iter().for_each(|v| needed[v.index()] = true);
            }
        }
        needed
    }

    /// The part that computes `outputs` from `inputs`, which may be any values of this program, in
    /// any order: equations that make inputs, or nothing that is asked for, are left out. The
    /// outputs may depend on nothing but the inputs.
    pub(crate) fn part(&self, inputs: &[Value], outputs: &[Value]) -> Program {
        const NONE: Value = Value(u32::MAX);
        let mut number = vec![NONE; self.len()];
        for (new, old) in inputs.iter().enumerate() {
            number[old.index()] = Value(new as u32);
        }
        let mut needed = vec![false; self.len()];
        for v in outputs {
            needed[v.index()] |= number[v.index()] == NONE;
        }
        let mut kept = vec![false; self.equations.len()];
        for (i, eq) in self.equations.iter().enumerate().rev() {
            kept[i] = eq.outputs().any(|v| needed[v.index()]);
            if kept[i] {
                for v in &eq.inputs {
                    needed[v.index()] |= number[v.index()] == NONE;
                }
            }
        }
        let types = inputs.iter().map(|&v| self.ty(v).clone()).collect();
        let mut result = Program::with_inputs(types);
        for (eq, _) in self.equations.iter().zip(kept).filter(|(_, kept)| *kept) {
            debug_assert!(eq.inputs.iter().all(|v| number[v.index()] != NONE));
            let inputs = eq.inputs.iter().map(|v| number[v.index()]).collect();
            let types = eq.outputs().map(|v| self.ty(v).clone());
            let first = result.push(eq.prim.clone(), inputs, types, eq.source);
            for (k, v) in eq.outputs().enumerate() {
                if number[v.index()] == NONE {
                    number[v.index()] = Value(first.0 + k as u32);
                }
            }
        }
        result.outputs = outputs.iter().map(|v| number[v.index()]).collect();
        result
    }

    /// Which values depend on the inputs marked in `of`.
    pub fn dependents(&self, of: &[bool]) -> Vec<bool> {
        let mut depends = vec![false; self.len()];
        depends[..self.inputs].copy_from_slice(of);
        for eq in &self.equations {
            if eq.inputs.iter().any(|v| depends[v.index()]) {
                for out in eq.outputs() {
                    depends[out.index()] = true;
                }
            }
        }
        depends
    }
}
