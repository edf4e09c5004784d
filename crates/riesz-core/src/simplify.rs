//! Simplification: one forward pass with value numbering, folding and a table of named rules.
//!
//! The program is rebuilt equation by equation. An equation that was written before is that one
//! (value numbering); otherwise the rules are tried, and the first that fits writes its replacement,
//! which is simplified in the same way; an equation that no rule fits is kept. What nothing uses is
//! removed at the end. Since a rule looks only at the definitions of its operands, and those are
//! simplified already, the result is a fixed point: simplifying it again changes nothing.
//!
//! Kept true: the value, as far as the [`Class`] of the rules allows, and with it every derivative,
//! so that a program can be simplified before it is differentiated as well as after. The time is
//! linear in the size of the program, and nothing recurses deeper than a fixed number of rules.
//!
//! Equations with programs inside, loops and branches and calls, are simplified across their borders
//! (`flow.rs`).
//!
//! Not done: nothing looks at how often a value is used, chooses between equally long forms, or
//! knows about memory and machines; fusion and layout are decisions of the plan.

mod arithmetic;
mod broadcasting;
mod exponentials;
mod facts;
mod flow;
mod powers;
mod products;
mod real;
mod rewriter;
mod scaling;
mod selection;
mod shape;
mod structured;
mod symmetric;

use crate::error::Source;
use crate::program::{Program, Value};
use crate::types::Type;
use crate::verify::verify;
use facts::Fact;
use rewriter::{Rewriter, Step};
use smallvec::SmallVec;
use std::collections::HashMap;

/// The program that means the same and does less.
///
/// ```
/// use riesz_core::{DType, SimplifyOptions, Type, simplify, trace};
/// let program = trace(&[Type::scalar(DType::F64)], |x| vec![(1.0 + x[0].exp()).log() * 1.0])?;
/// let simple = simplify(&program, &SimplifyOptions::default());
/// assert_eq!(simple.equations().len(), 1); // softplus
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn simplify(program: &Program, options: &SimplifyOptions) -> Program {
    simplify_explained(program, options).0
}

/// As [`simplify`], with the rules that fired, in order.
pub fn simplify_explained(program: &Program, options: &SimplifyOptions) -> (Program, Vec<Applied>) {
    let types = program.input_types().iter();
    let facts = types.map(|ty| Fact::of_input(ty, options.finite_inputs)).collect();
    simplify_given(program, options, facts)
}

/// As [`simplify_explained`], for a program of whose inputs these facts are known.
fn simplify_given(
    program: &Program,
    options: &SimplifyOptions,
    facts: Vec<Fact>,
) -> (Program, Vec<Applied>) {
    let mut rewriter = Rewriter::new(program, options, facts);
    let mut number: Vec<Value> = program.inputs().collect();
    number.reserve(program.len() - number.len());
    for (i, eq) in program.equations.iter().enumerate() {
        let inputs = eq.inputs.iter().map(|v| number[v.index()]).collect();
        let types = eq.outputs().map(|v| program.ty(v).clone()).collect();
        number.extend(rewriter.rewrite(i, eq.source, &eq.prim, inputs, types));
    }
    let outputs: Vec<Value> = program.outputs.iter().map(|v| number[v.index()]).collect();
    let (rebuilt, applied) = rewriter.finish();
    let result = live(rebuilt, outputs);
    debug_assert_eq!(verify(&result), Ok(()));
    (result, applied)
}

/// What may be rewritten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SimplifyOptions {
    /// The boldest class of rules that is used.
    pub most: Class,
    /// Whether the arguments of the program are taken to be finite numbers, so that `scale` by a
    /// coefficient made from them is a plain product (see `simplify/facts.rs`). Right for a whole
    /// program that a user calls; wrong for a part whose arguments are computed by another part,
    /// such as the linear half after `unzip`, where a residual may be the infinite slope of √ at 0.
    pub finite_inputs: bool,
}

impl Default for SimplifyOptions {
    /// Exact and stable rules, nothing assumed of the arguments: right for every program.
    fn default() -> SimplifyOptions {
        SimplifyOptions { most: Class::Stable, finite_inputs: false }
    }
}

impl SimplifyOptions {
    /// For a whole program, whose arguments come from a user: they are taken to be finite.
    pub fn whole_program() -> SimplifyOptions {
        SimplifyOptions { finite_inputs: true, ..SimplifyOptions::default() }
    }
}

/// How much of the meaning a rule keeps, from everything to least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// The same bits, NaN and −0 included (which NaN it is does not count).
    Exact,
    /// Equal for all real arguments and at least as well conditioned: the rounding may differ, the
    /// sign of a zero, and the result where the form that was written overflows.
    Stable,
    /// Equal where the form that was written is defined and its parts do not overflow; it may give
    /// a number where that gives NaN. To be asked for.
    Real,
}

/// A rewrite with a name.
pub struct Rule {
    /// Its name, unique in the table.
    pub name: &'static str,
    /// What it keeps.
    pub class: Class,
    /// What it does, as a person writes it.
    pub says: &'static str,
    /// The value that replaces the equation, if the rule fits.
    apply: fn(&mut Rewriter<'_>, &Step<'_>) -> Option<Value>,
}

/// The record that a rule was used.
#[derive(Clone, PartialEq, Debug)]
pub struct Applied {
    /// The name of the rule.
    pub rule: &'static str,
    /// Which equation of the program it simplified.
    pub equation: usize,
    /// Where that equation was written.
    pub source: Source,
}

/// The whole table, in the order in which rules are tried.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    TABLE.iter().copied().flatten()
}

static TABLE: [&[Rule]; 11] = [
    broadcasting::RULES,
    shape::RULES,
    selection::RULES,
    scaling::RULES,
    powers::RULES,
    exponentials::RULES,
    arithmetic::RULES,
    structured::RULES,
    symmetric::RULES,
    products::RULES,
    real::RULES,
];

/// The equations that `outputs` depend on, numbered anew; those with results that nothing uses do less,
/// where they can.
fn live(program: Program, outputs: Vec<Value>) -> Program {
    let mut used = vec![false; program.len()];
    outputs.iter().for_each(|v| used[v.index()] = true);
    let mut less: HashMap<usize, flow::Pruned> = HashMap::new();
    for (i, eq) in program.equations.iter().enumerate().rev() {
        if !eq.outputs().any(|v| used[v.index()]) {
            continue;
        }
        let of_results: SmallVec<[bool; 4]> = eq.outputs().map(|v| used[v.index()]).collect();
        // A loop may have arguments nothing uses though all its results are used.
        match flow::pruned(&eq.prim, &of_results) {
            Some(pruned) => {
                pruned.inputs.iter().for_each(|&k| used[eq.inputs[k].index()] = true);
                less.insert(i, pruned);
            }
            None => eq.inputs.iter().for_each(|v| used[v.index()] = true),
        }
    }
    let Program { mut types, inputs, equations, .. } = program;
    let mut result = Program::with_inputs(types[..inputs].to_vec());
    let mut number: Vec<Value> = (0..types.len() as u32).map(Value).collect();
    for (i, eq) in equations.into_iter().enumerate() {
        if !eq.outputs().any(|v| used[v.index()]) {
            continue;
        }
        let mut of = |v: Value| std::mem::replace(&mut types[v.index()], placeholder());
        let (prim, args, outs): (_, SmallVec<[Value; 3]>, SmallVec<[Value; 1]>) =
            match less.remove(&i) {
                Some(flow::Pruned { prim, inputs, outputs }) => (
                    prim,
                    inputs.iter().map(|&k| eq.inputs[k]).collect(),
                    outputs.iter().map(|&k| Value(eq.first.0 + k as u32)).collect(),
                ),
                None => {
                    let outs = eq.outputs().collect();
                    (eq.prim, eq.inputs, outs)
                }
            };
        let args = args.iter().map(|v| number[v.index()]).collect();
        let kept: SmallVec<[Type; 1]> = outs.iter().map(|&v| of(v)).collect();
        let first = result.push(prim, args, kept, eq.source);
        for (k, v) in outs.into_iter().enumerate() {
            number[v.index()] = Value(first.0 + k as u32);
        }
    }
    result.outputs = outputs.iter().map(|v| number[v.index()]).collect();
    result
}

/// What is left where a type was taken out.
fn placeholder() -> Type {
    Type::scalar(crate::types::DType::Bool)
}
