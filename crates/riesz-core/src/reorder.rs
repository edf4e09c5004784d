//! Products of several tensors in the order that costs least.
//!
//! `(AᵀA)x` as it is written multiplies two matrices, `Aᵀ(Ax)` a matrix and a vector, twice. A tree of
//! `dot`s, each of which only the next one reads, is one sum of products along labelled axes, as in
//! `einsum`, whatever transposes, signs and known numbers stand between them; the order is found as there
//! (`var/contraction.rs`).
//!
//! What is written stays where no other order is clearly cheaper. Rounding is another in another order, and a
//! product of tensors that is too large for its type may appear or disappear. What may guard against that stays
//! with the tensor that it scales: numbers, rows and columns that are not known, and known numbers that are far
//! from 1.
//!
//! A pass for programs that are run: where nothing differentiates any more, and uses are what they are.

use crate::body::in_bodies;
use crate::error::Result;
use crate::primitive::{Binary, Dot, Prim, Transpose, Unary};
use crate::program::{Equation, Program, Value};
use crate::tensor::Tensor;
use crate::trace::{Var, apply, trace, with_source};
use crate::types::{DType, Shape};
use crate::var::contraction::{Contraction, Step, size};
use crate::var::product::{Term, multiplied};
use crate::verify::verify;
use std::borrow::Cow;

/// The most tensors in one tree: a longer chain is ordered part by part.
const MOST: usize = 16;
/// The share of the multiplications as written that another order may take.
const CHEAPER: f64 = 0.8;
/// Factors that are known and may move: those from one over this to this.
const NEAR: f64 = 1e6;

/// The program with trees of products multiplied in another order where that is clearly cheaper, in loops and
/// branches too; borrowed where nothing changes.
///
/// # Errors
/// When the result is not well-formed, which is a mistake here.
///
/// ```
/// use riesz_core::{DType, Type, cost::operations, reorder_products, trace};
/// let types = [Type::new(DType::F64, [50, 40]), Type::new(DType::F64, [40])];
/// let written = trace(&types, |x| vec![x[0].t().dot(x[0]).dot(x[1])])?;
/// let ordered = reorder_products(&written)?;
/// assert_eq!(operations(&ordered), 2.0 * 2.0 * 50.0 * 40.0);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn reorder_products(program: &Program) -> Result<Cow<'_, Program>> {
    let program = in_bodies(program, &mut reorder_products)?;
    let trees = Trees::of(&program);
    if trees.at_root.iter().all(Option::is_none) {
        return Ok(program);
    }
    let reordered = trace(program.input_types(), |args| trees.write(&program, args))?;
    verify(&reordered)?;
    Ok(Cow::Owned(reordered))
}

/// The trees of a program whose order changes.
struct Trees {
    /// By the equation of the last product.
    at_root: Vec<Option<Tree>>,
    /// Which equations are inside a tree, and not written.
    inside: Vec<bool>,
}

impl Trees {
    fn of(program: &Program) -> Trees {
        let count = program.equations.len();
        let mut trees =
            Trees { at_root: (0..count).map(|_| None).collect(), inside: vec![false; count] };
        let reader = Reader::of(program);
        // What a tree looked at and left as it is, is no root of another.
        let mut seen = vec![false; count];
        for root in (0..count).rev() {
            if seen[root] || !matches!(program.equations[root].prim, Prim::Dot(_)) {
                continue;
            }
            let Some(tree) = reader.tree(root) else { continue };
            tree.inside.iter().for_each(|&i| seen[i] = true);
            let Some(tree) = tree.ordered() else { continue };
            tree.inside.iter().for_each(|&i| trees.inside[i] = true);
            trees.at_root[root] = Some(tree);
        }
        trees
    }

    fn write(&self, program: &Program, args: &[Var]) -> Vec<Var> {
        let mut table: Vec<Var> = args.to_vec();
        table.reserve(program.len() - args.len());
        for (i, eq) in program.equations.iter().enumerate() {
            if self.inside[i] {
                // Nobody but its tree reads it.
                table.extend(eq.outputs().map(|_| Var::poison()));
                continue;
            }
            with_source(eq.source, || match &self.at_root[i] {
                Some(tree) => {
                    let product = tree.write(&table);
                    table.push(product);
                }
                None => {
                    let x: Vec<Var> = eq.inputs.iter().map(|v| table[v.index()]).collect();
                    table.extend(apply(eq.prim.clone(), &x));
                }
            });
        }
        program.outputs.iter().map(|v| table[v.index()]).collect()
    }
}

/// Looks up what defines values and how often they are read.
struct Reader<'a> {
    program: &'a Program,
    /// The equation of which each value is the only result.
    definition: Vec<Option<usize>>,
    uses: Vec<u32>,
}

/// A sum of products along labelled axes.
struct Tree {
    /// The equations in it but the last.
    inside: Vec<usize>,
    /// What is multiplied, with a label for each axis.
    factors: Vec<(Value, Vec<usize>)>,
    /// The product of the numbers that are known.
    number: f64,
    dtype: DType,
    /// The axes of the result.
    output: Vec<usize>,
    /// The length of the axes with each label.
    lengths: Vec<usize>,
    /// The multiplications as it is written.
    cost: f64,
    /// The order; empty as long as it is not known.
    steps: Vec<Step>,
}

impl<'a> Reader<'a> {
    fn of(program: &'a Program) -> Reader<'a> {
        let mut reader =
            Reader { program, definition: vec![None; program.len()], uses: vec![0; program.len()] };
        for (i, eq) in program.equations.iter().enumerate() {
            if eq.count == 1 {
                reader.definition[eq.first.index()] = Some(i);
            }
            eq.inputs.iter().for_each(|v| reader.uses[v.index()] += 1);
        }
        program.outputs.iter().for_each(|v| reader.uses[v.index()] += 1);
        reader
    }

    fn equation(&self, v: Value) -> Option<&'a Equation> {
        self.definition[v.index()].map(|i| &self.program.equations[i])
    }

    fn shape(&self, v: Value) -> &'a Shape {
        &self.program.ty(v).shape
    }

    /// The tree below a product, if there is anything to order.
    fn tree(&self, root: usize) -> Option<Tree> {
        let result = self.program.equations[root].first;
        let ty = self.program.ty(result);
        if !ty.dtype.is_float() {
            return None;
        }
        let output: Vec<usize> = (0..ty.shape.rank()).collect();
        let mut tree = Tree {
            inside: Vec::new(),
            factors: Vec::new(),
            number: 1.0,
            dtype: ty.dtype,
            lengths: ty.shape.to_vec(),
            output: output.clone(),
            cost: 0.0,
            steps: Vec::new(),
        };
        let mut pending = vec![(result, output)];
        while let Some((v, labels)) = pending.pop() {
            let own = v == result || self.uses[v.index()] == 1;
            let room = tree.factors.len() + pending.len() + 2 <= MOST;
            let eq = self.equation(v).filter(|_| own && room);
            let parts = eq.and_then(|eq| self.parts(eq, &labels, &mut tree));
            match (parts, self.definition[v.index()]) {
                (Some(parts), Some(i)) => {
                    tree.inside.extend((v != result).then_some(i));
                    pending.extend(parts.into_iter().rev());
                }
                _ => tree.factors.push((v, labels)),
            }
        }
        (!tree.inside.is_empty()).then_some(tree)
    }

    /// What an equation of a tree multiplies, from left to right, if it is one.
    fn parts(
        &self,
        eq: &Equation,
        labels: &[usize],
        tree: &mut Tree,
    ) -> Option<Vec<(Value, Vec<usize>)>> {
        match (&eq.prim, &eq.inputs[..]) {
            (Prim::Dot(dot), &[a, b]) => {
                let [left, right] = self.labels_of_factors(dot, [a, b], labels, tree)?;
                let share = if self.is_symmetric(dot, [a, b]) { 0.5 } else { 1.0 };
                tree.cost += share * tree.combinations(left.iter().chain(&right));
                Some(vec![(a, left), (b, right)])
            }
            (Prim::Transpose(Transpose { order }), &[x]) => {
                let mut turned = labels.to_vec();
                order.iter().zip(labels).for_each(|(&axis, &label)| turned[axis] = label);
                Some(vec![(x, turned)])
            }
            (Prim::Unary(Unary::Neg), &[x]) => {
                tree.number = -tree.number;
                Some(vec![(x, labels.to_vec())])
            }
            (Prim::Binary(Binary::Mul), &[a, b]) => {
                let (number, x) = match self.number(a) {
                    Some(number) => (number, b),
                    None => (self.number(b)?, a),
                };
                tree.cost += tree.combinations(labels);
                tree.number *= number;
                Some(vec![(x, labels.to_vec())])
            }
            (Prim::Binary(Binary::Div), &[x, b]) => {
                tree.number /= self.number(b)?;
                tree.cost += tree.combinations(labels);
                Some(vec![(x, labels.to_vec())])
            }
            _ => None,
        }
    }

    /// The labels of the axes of both factors, with new ones for what is summed over; none where there
    /// would be too many.
    fn labels_of_factors(
        &self,
        dot: &Dot,
        factors: [Value; 2],
        labels: &[usize],
        tree: &mut Tree,
    ) -> Option<[Vec<usize>; 2]> {
        let first = tree.lengths.len();
        if first + dot.contract.len() > u128::BITS as usize {
            return None;
        }
        let shape = self.shape(factors[0]);
        tree.lengths.extend(dot.contract.iter().map(|&(axis, _)| shape[axis]));
        let [a, b] = factors.map(|v| self.shape(v).rank());
        let (left, right) = (dot.lhs(a), dot.rhs(b));
        let (batch, free) = labels.split_at(dot.batch.len());
        let (of_left, of_right) = free.split_at(left.free.len());
        let placed = |rank: usize, roles: &crate::primitive::dot::Roles, free: &[usize]| {
            let mut labels = vec![0; rank];
            roles.batch.iter().zip(batch).for_each(|(&axis, &label)| labels[axis] = label);
            roles.free.iter().zip(free).for_each(|(&axis, &label)| labels[axis] = label);
            roles.contract.iter().enumerate().for_each(|(k, &axis)| labels[axis] = first + k);
            labels
        };
        Some([placed(a, &left, of_left), placed(b, &right, of_right)])
    }

    /// The known number that a tensor repeats, if it is near 1.
    fn number(&self, v: Value) -> Option<f64> {
        let eq = self.equation(v)?;
        let source = match &eq.prim {
            Prim::Broadcast(_) => self.equation(eq.inputs[0])?,
            _ => eq,
        };
        let Prim::Constant(c) = &source.prim else { return None };
        let number = (c.0.len() == 1).then(|| c.0.to_f64()[0])?;
        (1.0 / NEAR..=NEAR).contains(&number.abs()).then_some(number)
    }

    /// Whether this is a tensor times its transpose.
    fn is_symmetric(&self, dot: &Dot, factors: [Value; 2]) -> bool {
        let [(a, of_a), (b, of_b)] = factors.map(|v| self.before_transposes(v));
        let mut pairs = dot.contract.iter().chain(&dot.batch);
        let has_free_axes = dot.contract.len() + dot.batch.len() < of_a.len();
        a == b && has_free_axes && pairs.all(|&(i, j)| of_a[i] == of_b[j])
    }

    /// What transposes are made of, and which axis of it each axis is.
    fn before_transposes(&self, mut v: Value) -> (Value, Vec<usize>) {
        let mut axes: Vec<usize> = (0..self.shape(v).rank()).collect();
        while let Some(Equation { prim: Prim::Transpose(Transpose { order }), inputs, .. }) =
            self.equation(v)
        {
            axes.iter_mut().for_each(|axis| *axis = order[*axis]);
            v = inputs[0];
        }
        (v, axes)
    }
}

impl Tree {
    /// How many combinations of indices there are along these labels.
    fn combinations<'l>(&self, labels: impl IntoIterator<Item = &'l usize>) -> f64 {
        let lengths: Vec<f64> = self.lengths.iter().map(|&n| n as f64).collect();
        size(bits(labels), &lengths)
    }

    /// With the cheapest order, if that is worth it.
    fn ordered(mut self) -> Option<Tree> {
        if self.number.abs() != 1.0 {
            if !(1.0 / NEAR..=NEAR).contains(&self.number.abs()) {
                return None;
            }
            // A factor without axes, which has no value of the program.
            self.factors.push((NUMBER, Vec::new()));
        }
        let sets: Vec<u128> = self.factors.iter().map(|(_, labels)| bits(labels)).collect();
        let lengths: Vec<f64> = self.lengths.iter().map(|&n| n as f64).collect();
        // Every order reads each factor.
        let least: f64 = sets.iter().map(|&set| size(set, &lengths)).fold(0.0, f64::max);
        if least > CHEAPER * self.cost {
            return None;
        }
        let symmetric = self.symmetric();
        let contraction = Contraction {
            sets: &sets,
            output: bits(&self.output),
            lengths: &lengths,
            symmetric: &symmetric,
        };
        self.steps = contraction.order();
        let cost = contraction.cost(&self.steps);
        (cost < CHEAPER * self.cost).then_some(self)
    }

    /// The pairs of factors that are a tensor and its transpose.
    fn symmetric(&self) -> Vec<(usize, usize)> {
        let is_symmetric = |(v, a): &(Value, Vec<usize>), (w, b): &(Value, Vec<usize>)| {
            let shared = a.iter().filter(|label| b.contains(label)).count();
            let in_place = a.iter().zip(b).filter(|(a, b)| a == b).count();
            v == w && shared == in_place && (1..a.len()).contains(&shared)
        };
        let below = |j: usize| (0..j).map(move |i| (i, j));
        let pairs = (0..self.factors.len()).flat_map(below);
        pairs.filter(|&(i, j)| is_symmetric(&self.factors[i], &self.factors[j])).collect()
    }

    fn write(&self, table: &[Var]) -> Var {
        let term = |(v, labels): &(Value, Vec<usize>)| {
            let value = match *v == NUMBER {
                true => Var::constant(Tensor::scalar(self.number)).cast(self.dtype),
                false => table[v.index()],
            };
            Term { value, labels: labels.clone() }
        };
        let terms = self.factors.iter().map(term).collect();
        let product = multiplied(terms, &self.steps, &self.output, &|&l: &usize| self.lengths[l]);
        let product = product.unwrap_or_else(Var::poison);
        if self.number == -1.0 { -product } else { product }
    }
}

/// Stands for the product of the numbers that are known.
const NUMBER: Value = Value(u32::MAX);

/// Labels as bits, for the search.
fn bits<'l>(labels: impl IntoIterator<Item = &'l usize>) -> u128 {
    labels.into_iter().fold(0, |all, label| all | 1 << label)
}
