//! Which values are stored, and in which nest each of them is computed.
//!
//! Elementwise operations and shape changes are computed where they are needed: a nest *pulls* the
//! values it stores, through everything that is not stored itself. A value is stored if it has to be
//! (a result, the argument of a call, a fold) or if computing it again in every nest that needs it
//! would cost more than writing it once and reading it.
//!
//! Nests are the groups of stored values with the same domain (the shape of the loops) and the same
//! *stage*: one more than the last stage that stores something the nest reads. So values in one group
//! never wait for each other except element by element, and the groups in order of stages are a
//! right order.

mod weigh;

use super::factored::{Factored, factored};
use super::layout::{Strides, layouts};
use super::role::{Role, role};
use riesz_core::{Equation, Prim, Program, Shape, Value};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use smallvec::SmallVec;

/// The number of a domain: the extents of the loops of a nest.
pub type Domain = u32;

/// What was decided for a program.
#[derive(Debug)]
pub struct Decisions {
    /// The role of each equation.
    pub roles: Vec<Role>,
    /// Which equation defines each value; none for the arguments.
    pub definition: Vec<Option<u32>>,
    /// The equations that share the factors of a matrix.
    pub factored: HashMap<u32, Factored>,
    /// Whether each value is kept in memory.
    pub stored: Vec<bool>,
    /// The nest or call in which each stored value is computed: the order of what is done.
    pub stage: Vec<u32>,
    /// How the elements of those stored values lie that are not in row-major order.
    strides: HashMap<Value, Strides>,
    /// Values that have to be in that order, because somebody can not read them otherwise.
    fixed: HashSet<Value>,
    /// The first stage at which each value could be computed.
    earliest: Vec<u32>,
    domains: HashMap<Shape, Domain>,
    shapes: Vec<Shape>,
}

/// Chains of operations longer than this are stored in between, which bounds recursion.
const DEPTH: u32 = 128;
/// Nests with more operations than this are divided.
const LONGEST: u32 = 2000;
/// How many of the operations that a value adds to a nest are counted.
const COUNTED: u32 = 256;

/// How long nests are.
struct Lengths {
    /// Operations of each nest.
    of: HashMap<(Domain, u32), u32>,
    /// The nest that each value was counted for last.
    counted: Vec<Option<(Domain, u32)>>,
}

impl Decisions {
    /// Decides for a whole program.
    pub fn new(program: &Program) -> Decisions {
        let roles: Vec<Role> = program.equations().iter().map(|eq| role(program, eq)).collect();
        let mut definition = vec![None; program.len()];
        let mut stored = vec![true; program.len()];
        for (i, eq) in program.equations().iter().enumerate() {
            for v in eq.outputs() {
                definition[v.index()] = Some(i as u32);
                stored[v.index()] =
                    matches!(roles[i], Role::Constant | Role::Fold | Role::Place | Role::Call);
            }
        }
        let mut decisions = Decisions {
            factored: factored(program, &roles, &definition),
            roles,
            definition,
            stored,
            stage: vec![0; program.len()],
            strides: HashMap::default(),
            fixed: HashSet::default(),
            earliest: Vec::new(),
            domains: HashMap::default(),
            shapes: Vec::new(),
        };
        decisions.require(program);
        decisions.assign_stages(program);
        decisions.weigh(program);
        decisions.assign_stages(program);
        decisions.strides = decisions.layouts(program);
        decisions
    }

    fn layouts(&self, program: &Program) -> HashMap<Value, Strides> {
        layouts(program, self, &|v| self.fixed.contains(&v))
    }

    /// Stores other values, because no nest can pull them; what is stored already and cannot be built
    /// is called instead.
    pub fn store(&mut self, program: &Program, values: &[Value]) {
        for v in values {
            if self.strides.contains_key(v) {
                self.fixed.insert(*v);
                continue;
            }
            match self.definition[v.index()] {
                Some(i) if self.stored[v.index()] => {
                    self.roles[i as usize] = Role::Call;
                    let inputs = &program.equations()[i as usize].inputs;
                    inputs.iter().for_each(|x| self.stored[x.index()] = true);
                }
                _ => self.stored[v.index()] = true,
            }
        }
        self.assign_stages(program);
        self.strides = self.layouts(program);
    }

    /// How far apart the elements of a stored value lie along each axis.
    pub fn strides(&self, program: &Program, value: Value) -> Strides {
        let strides = self.strides.get(&value);
        strides.cloned().unwrap_or_else(|| program.ty(value).shape.strides())
    }

    /// Whether the elements of a stored value lie in row-major order.
    pub fn is_row_major(&self, value: Value) -> bool {
        !self.strides.contains_key(&value)
    }

    /// The number of the domain with loops of this shape, if anything has it.
    pub fn known_domain(&self, shape: &Shape) -> Option<Domain> {
        self.domains.get(shape).copied()
    }

    /// The shape of the loops of a domain.
    pub fn shape(&self, domain: Domain) -> &Shape {
        &self.shapes[domain as usize]
    }

    /// The number of the domain with loops of this shape.
    pub fn domain(&mut self, shape: &Shape) -> Domain {
        if let Some(&domain) = self.domains.get(shape) {
            return domain;
        }
        let domain = self.shapes.len() as Domain;
        self.shapes.push(shape.clone());
        self.domains.insert(shape.clone(), domain);
        domain
    }

    /// The role of the equation that defines a value; none for an argument.
    pub fn role_of(&self, value: Value) -> Option<Role> {
        self.definition[value.index()].map(|i| self.roles[i as usize])
    }

    /// Whether what goes on from factors reads a value, of which its own arguments may be the transpose.
    pub fn is_factored(&self, value: Value) -> bool {
        self.factored.values().any(|shared| shared.matrix == value)
    }

    /// Results and arguments of calls are stored, and what sources of gathers are views of.
    fn require(&mut self, program: &Program) {
        program.outputs().iter().for_each(|v| self.stored[v.index()] = true);
        for (i, (eq, role)) in program.equations().iter().zip(&self.roles).enumerate() {
            // What goes on from factors does not read its matrix, which may be a transpose.
            if let Some(shared) = self.factored.get(&(i as u32)) {
                self.stored[shared.matrix.index()] = true;
                eq.inputs[1..].iter().for_each(|v| self.stored[v.index()] = true);
                continue;
            }
            match role {
                // A product takes its operands with any strides.
                Role::Call if matches!(eq.prim, Prim::Dot(_)) => {
                    for &v in &eq.inputs {
                        let base = self.base(program, v);
                        self.stored[base.index()] = true;
                    }
                }
                // So does a convolution its images.
                Role::Call
                    if matches!(eq.prim, Prim::Conv(_))
                        && program.ty(eq.first).dtype.is_float() =>
                {
                    let base = self.base(program, eq.inputs[0]);
                    self.stored[base.index()] = true;
                    self.stored[eq.inputs[1].index()] = true;
                }
                Role::Call => eq.inputs.iter().for_each(|v| self.stored[v.index()] = true),
                // What is gathered may be a view.
                Role::Gather => {
                    let base = self.gathered(program, eq.inputs[0]);
                    self.stored[base.index()] = true;
                }
                _ => {}
            }
        }
    }

    /// What a value is a view of.
    pub fn base(&self, program: &Program, v: Value) -> Value {
        self.base_until(program, v, |_| false)
    }

    /// What a value is a view of, or a view on the way that counts as none.
    fn base_until(
        &self,
        program: &Program,
        mut v: Value,
        counts_as_none: impl Fn(&Equation) -> bool,
    ) -> Value {
        while let Some(i) = self.definition[v.index()]
            && let eq = &program.equations()[i as usize]
            && self.roles[i as usize] == Role::View
            && !matches!(eq.prim, Prim::Pad(_) | Prim::Concat(_))
            && !counts_as_none(eq)
        {
            v = eq.inputs[0];
        }
        v
    }

    /// What a source of a gather is a view of; another shape of a view may have no strides, and counts as
    /// none.
    fn gathered(&self, program: &Program, v: Value) -> Value {
        self.base_until(program, v, |eq| {
            self.stored[eq.first.index()]
                || matches!(eq.prim, Prim::Reshape(_))
                    && self.role_of(eq.inputs[0]) == Some(Role::View)
        })
    }

    /// Walks forward: the earliest nest in which each value can be computed.
    fn assign_stages(&mut self, program: &Program) {
        let n = program.len();
        // The earliest stage of a nest that pulls the value at the index of its own loops, and at
        // another index; how long the chain is.
        let mut same = vec![0u32; n];
        let mut other = vec![0u32; n];
        let mut depth = vec![0u32; n];
        let mut lengths = Lengths { of: HashMap::default(), counted: vec![None; n] };
        for (i, eq) in program.equations().iter().enumerate() {
            let role = self.roles[i];
            let most = |of: &[u32]| eq.inputs.iter().map(|v| of[v.index()]).max().unwrap_or(0);
            let (by_same, by_other) = (most(&same), most(&other));
            let longest = most(&depth) + 1;
            let v = eq.first.index();
            match role {
                Role::Constant => {}
                Role::Map(_) | Role::View | Role::Gather => {
                    let aligned = keeps_index(&eq.prim);
                    let mut stage = if aligned { by_same } else { by_other };
                    if longest > DEPTH {
                        self.stored[v] = true;
                    }
                    if !self.stored[v] {
                        (same[v], other[v], depth[v]) = (stage, by_other, longest);
                        continue;
                    }
                    let domain = self.domain(&program.ty(eq.first).shape);
                    stage = self.room(&mut lengths, program, eq, (domain, stage));
                    (self.stage[v], same[v], other[v]) = (stage, stage, stage + 1);
                }
                Role::Fold => {
                    let aligned = matches!(eq.prim, Prim::Reduce(_));
                    let stage = if aligned { by_same } else { by_other };
                    let shape = self.domain_of_fold(program, i);
                    let domain = self.domain(&shape);
                    let stage = self.room(&mut lengths, program, eq, (domain, stage));
                    self.stage[v] = stage;
                    (same[v], other[v]) = (stage + 1, stage + 1);
                }
                Role::Place => {
                    for x in &eq.inputs {
                        self.domain(&program.ty(*x).shape);
                    }
                    self.stage[v] = by_same;
                    (same[v], other[v]) = (by_same + 1, by_same + 1);
                }
                Role::Call => {
                    for v in eq.outputs() {
                        self.stage[v.index()] = by_other;
                        (same[v.index()], other[v.index()]) = (by_other + 1, by_other + 1);
                    }
                }
            }
        }
        self.earliest = same;
    }

    /// The first stage, from a given one on, at which the nest over a domain is not too long yet for what
    /// stores the result of an equation.
    fn room(
        &self,
        lengths: &mut Lengths,
        program: &Program,
        eq: &Equation,
        mut nest: (Domain, u32),
    ) -> u32 {
        loop {
            let length = lengths.of.get(&nest).copied().unwrap_or(0);
            if length < LONGEST {
                let more = self.new_operations(lengths, program, eq, nest);
                if length + more <= LONGEST || length == 0 {
                    lengths.of.insert(nest, length + more);
                    return nest.1;
                }
            }
            nest.1 += 1;
        }
    }

    /// How many operations an equation and what is pulled for it add to a nest: at most [`COUNTED`].
    fn new_operations(
        &self,
        lengths: &mut Lengths,
        program: &Program,
        eq: &Equation,
        nest: (Domain, u32),
    ) -> u32 {
        let mut left: SmallVec<[Value; 16]> = eq.inputs.iter().copied().collect();
        let mut count = 1;
        while count < COUNTED
            && let Some(v) = left.pop()
        {
            let Some(i) = self.definition[v.index()] else { continue };
            let pulled = matches!(self.roles[i as usize], Role::Map(_) | Role::View | Role::Gather);
            if pulled && !self.stored[v.index()] && lengths.counted[v.index()] != Some(nest) {
                lengths.counted[v.index()] = Some(nest);
                count += 1;
                left.extend_from_slice(&program.equations()[i as usize].inputs);
            }
        }
        count
    }

    /// The loops of a reduction or of a small product.
    pub fn domain_of_fold(&self, program: &Program, equation: usize) -> Shape {
        let eq = &program.equations()[equation];
        let x = &program.ty(eq.inputs[0]).shape;
        match &eq.prim {
            Prim::Dot(dot) => {
                let y = &program.ty(eq.inputs[1]).shape;
                let (lhs, rhs) = (dot.lhs(x.rank()), dot.rhs(y.rank()));
                let outer = lhs.batch.iter().chain(&lhs.free).map(|&a| x[a]);
                let inner = lhs.contract.iter().map(|&a| x[a]);
                outer.chain(rhs.free.iter().map(|&a| y[a])).chain(inner).collect()
            }
            _ => x.clone(),
        }
    }
}

/// Whether a nest over the result pulls the arguments at the index of its own loops.
fn keeps_index(prim: &Prim) -> bool {
    !matches!(
        prim,
        Prim::Broadcast(_)
            | Prim::Reshape(_)
            | Prim::Transpose(_)
            | Prim::Slice(_)
            | Prim::Flip(_)
            | Prim::Pad(_)
            | Prim::Concat(_)
            | Prim::Gather(_)
            | Prim::Dot(_)
    )
}
