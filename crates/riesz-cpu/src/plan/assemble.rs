//! Putting a plan together: the groups in order, each built and given its operands.

use super::Plan;
use super::decide::{Decisions, Domain};
use super::group::{Root, build, constant};
use super::index::Affine;
use super::order::{accesses, order};
use super::pull::{Index, Pull};
use super::role::Role;
use super::storage::{Buffer, Place, Storage, assign};
use crate::nest::{Call, Nest, Op, Operand, Region, Routine, Step};
use crate::routine::{Loop, Product, Reference};
use crate::simd::Isa;
use riesz_core::{
    DType, Equation, Error, ErrorKind, Prim, Program, Result, Shape, Tensor, Type, Value,
};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often planning starts again because a value has to be stored after all. Each time at least one
/// more value is stored, and nearly always one round is enough.
const ROUNDS: usize = 1000;

/// Plans a program.
pub fn assemble(program: &Program) -> Result<Plan> {
    let mut decisions = Decisions::new(program);
    for _ in 0..ROUNDS {
        match Assembly::new(program, &decisions).steps() {
            Ok(assembly) => return Ok(assembly.finish()),
            Err(blocked) => decisions.store(program, &blocked),
        }
    }
    Err(Error::new(ErrorKind::Internal, "no plan was found"))
}

/// A nest or call, at the stage at which it runs.
enum Part {
    Group(Group),
    Call(usize),
}

/// What is stored over one domain at one stage.
struct Group {
    /// The first equation it computes.
    first: usize,
    domain: Domain,
    roots: Vec<Root>,
    /// Values that are filled with zeros before their parts are written.
    zeros: Vec<Value>,
}

struct Assembly<'a> {
    program: &'a Program,
    decisions: &'a Decisions,
    buffers: Vec<Buffer>,
    constants: Vec<Tensor>,
    /// The buffer of each value that has one.
    home: Vec<Option<Storage>>,
    flag: Storage,
    steps: Vec<Step>,
    touched: Vec<Vec<Storage>>,
}

impl<'a> Assembly<'a> {
    fn new(program: &'a Program, decisions: &'a Decisions) -> Assembly<'a> {
        let mut assembly = Assembly {
            program,
            decisions,
            buffers: Vec::new(),
            constants: Vec::new(),
            home: vec![None; program.len()],
            flag: 0,
            steps: Vec::new(),
            touched: Vec::new(),
        };
        assembly.flag = assembly.buffer(&Type::scalar(DType::Bool), Place::Workspace(0));
        assembly.place_values();
        assembly
    }

    fn buffer(&mut self, ty: &Type, place: Place) -> Storage {
        self.buffers.push(Buffer::new(ty, place));
        self.buffers.len() as Storage - 1
    }

    /// A buffer for each stored value; a reshaped value lies where its argument does.
    fn place_values(&mut self) {
        for (i, v) in self.program.inputs().enumerate() {
            self.home[v.index()] = Some(self.buffer(self.program.ty(v), Place::Argument(i)));
        }
        for (eq, role) in self.program.equations().iter().zip(&self.decisions.roles) {
            for v in eq.outputs().filter(|v| self.decisions.stored[v.index()]) {
                let ty = self.program.ty(v);
                let place = match (role, &eq.prim) {
                    (Role::Constant, Prim::Constant(c)) => {
                        self.constants.push(c.0.clone());
                        Place::Constant(self.constants.len() - 1)
                    }
                    _ => Place::Workspace(0),
                };
                let same = self.same_memory(eq);
                self.home[v.index()] = same.or_else(|| Some(self.buffer(ty, place)));
            }
        }
        for (i, v) in self.program.outputs().iter().enumerate() {
            let Some(home) = self.home[v.index()] else { continue };
            let buffer = &mut self.buffers[home as usize];
            if matches!(buffer.place, Place::Workspace(_)) {
                buffer.place = Place::Result(i);
            }
        }
    }

    /// The buffer of the argument, if the result is the same elements in the same order.
    fn same_memory(&self, eq: &Equation) -> Option<Storage> {
        match eq.prim {
            Prim::Reshape(_) | Prim::StopGradient(_) => self.home[eq.inputs[0].index()],
            _ => None,
        }
    }

    /// Builds everything in order; or the values that have to be stored before that can be done.
    fn steps(mut self) -> std::result::Result<Assembly<'a>, Vec<Value>> {
        let mut blocked = Vec::new();
        for (stage, part) in self.parts() {
            let built = match part {
                Part::Group(group) => self.group(stage, &group),
                Part::Call(i) => self.call(i),
            };
            blocked.extend(built.err());
        }
        if blocked.is_empty() { Ok(self) } else { Err(blocked) }
    }

    /// What is to be done, in the order of the stages.
    fn parts(&self) -> Vec<(u32, Part)> {
        let program = self.program;
        let mut groups: BTreeMap<(u32, Domain), Group> = BTreeMap::new();
        let mut parts: Vec<(u32, usize, Part)> = Vec::new();
        for (i, eq) in program.equations().iter().enumerate() {
            let v = eq.first;
            let stage = self.decisions.stage[v.index()];
            let mut add = |shape: &Shape, root: Root, zero: Option<Value>| {
                let Some(domain) = self.decisions.known_domain(shape) else { return };
                let group = groups.entry((stage, domain)).or_insert(Group {
                    first: i,
                    domain,
                    roots: vec![],
                    zeros: vec![],
                });
                group.roots.push(root);
                group.zeros.extend(zero);
            };
            match self.decisions.roles[i] {
                Role::Constant => {}
                Role::View | Role::Map(_) | Role::Gather => {
                    if self.decisions.stored[v.index()] && self.same_memory(eq).is_none() {
                        add(&program.ty(v).shape, Root::Whole(v), None);
                    }
                }
                Role::Fold => add(&self.decisions.domain_of_fold(program, i), Root::Fold(i), None),
                Role::Place => {
                    for (root, zero) in parts_of(program, eq) {
                        let Root::Part { source, .. } = root else { continue };
                        add(&program.ty(source).shape, root, zero.then_some(v));
                    }
                }
                Role::Call => parts.push((stage, i, Part::Call(i))),
            }
        }
        for ((stage, _), group) in groups {
            parts.push((stage, group.first, Part::Group(group)));
        }
        parts.sort_by_key(|p| (p.0, p.1));
        parts.into_iter().map(|(stage, _, part)| (stage, part)).collect()
    }

    fn group(&mut self, stage: u32, group: &Group) -> std::result::Result<(), Value> {
        let Group { domain, roots, zeros, .. } = group;
        let domain = *domain;
        let target = |v: Value| self.home[v.index()].unwrap_or(self.flag);
        for v in zeros {
            let ty = self.program.ty(*v);
            if ty.size() > 0 {
                let nest = constant(0, ty.dtype, &ty.shape, target(*v));
                let touched = vec![target(*v)];
                self.steps.push(Step::Nest(order(nest)));
                self.touched.push(touched);
            }
        }
        let target = |v: Value| self.home[v.index()].unwrap_or(self.flag);
        // Values of this group are computed, not read.
        let own = |v: Value| {
            self.decisions.stage[v.index()] == stage
                && matches!(
                    self.decisions.role_of(v),
                    Some(Role::View | Role::Map(_) | Role::Gather)
                )
                && self.decisions.known_domain(&self.program.ty(v).shape) == Some(domain)
        };
        let operand = |v: Value| if own(v) { None } else { self.home[v.index()] };
        let shape = self.decisions.shape(domain);
        let nests =
            build(self.program, self.decisions, shape, roots, &operand, &target, self.flag)?;
        for nest in nests {
            self.nest(order(nest));
        }
        Ok(())
    }

    fn nest(&mut self, nest: Nest) {
        let mut touched: Vec<Storage> = accesses(&nest).map(|a| a.operand).collect();
        touched.extend(nest.flag);
        touched.sort_unstable();
        touched.dedup();
        self.steps.push(Step::Nest(nest));
        self.touched.push(touched);
    }

    fn call(&mut self, i: usize) -> std::result::Result<(), Value> {
        let eq = &self.program.equations()[i];
        let ty = |v: &Value| self.program.ty(*v).clone();
        let home = |v: Value| self.home[v.index()].unwrap_or(self.flag);
        let (function, operands): (Arc<dyn Routine>, SmallVec<[Operand; 4]>) = match &eq.prim {
            Prim::Dot(_) => {
                let (product, x, y) = self.product(eq)?;
                (Arc::new(product), SmallVec::from_slice(&[x, y, home(eq.first)]))
            }
            prim => {
                let reference = Reference {
                    prim: prim.clone(),
                    inputs: eq.inputs.iter().map(ty).collect(),
                    outputs: eq.outputs().map(|v| ty(&v)).collect(),
                };
                let operands = eq.inputs.iter().copied().chain(eq.outputs()).map(home).collect();
                (Arc::new(reference), operands)
            }
        };
        let mut touched = operands.to_vec();
        touched.push(self.flag);
        self.touched.push(touched);
        self.steps.push(Step::Call(Call { function, operands }));
        Ok(())
    }

    /// A product of operands that are views of what is stored.
    fn product(&self, eq: &Equation) -> std::result::Result<(Product, Operand, Operand), Value> {
        let Prim::Dot(dot) = &eq.prim else { return Err(eq.first) };
        let (x, y) = (eq.inputs[0], eq.inputs[1]);
        let (x_at, y_at) = (self.strided(x)?, self.strided(y)?);
        let of = |v: Value| &self.program.ty(v).shape;
        let (lhs, rhs) = (dot.lhs(of(x).rank()), dot.rhs(of(y).rank()));
        let z = of(eq.first).strides();
        let mut z_axes = z.iter().map(|&s| s as isize);
        let mut next = || z_axes.next().unwrap_or(0);
        let mut loops = Vec::new();
        for (&a, &b) in lhs.batch.iter().zip(&rhs.batch) {
            let (x, y) = (x_at.strides[a], y_at.strides[b]);
            loops.push(Loop { extent: of(eq.inputs[0])[a], x, y, z: next() });
        }
        for &a in &lhs.free {
            loops.push(Loop { extent: of(x)[a], x: x_at.strides[a], y: 0, z: next() });
        }
        for &b in &rhs.free {
            loops.push(Loop { extent: of(y)[b], x: 0, y: y_at.strides[b], z: next() });
        }
        for (&a, &b) in lhs.contract.iter().zip(&rhs.contract) {
            let (by_x, by_y) = (x_at.strides[a], y_at.strides[b]);
            loops.push(Loop { extent: of(x)[a], x: by_x, y: by_y, z: 0 });
        }
        let offset = [x_at.offset, y_at.offset, 0];
        let dtype = self.program.ty(eq.first).dtype;
        let product = Product::new(Isa::best(), dtype, offset, &loops);
        Ok((product, x_at.operand, y_at.operand))
    }

    /// Where a value is, as strides in the buffer of what it is a view of.
    fn strided(&self, v: Value) -> std::result::Result<crate::nest::Access, Value> {
        let shape = &self.program.ty(v).shape;
        let (starts, extents) = (vec![0; shape.rank()], shape.to_vec());
        let operand = |v: Value| self.home[v.index()];
        let mut pull = Pull::new(self.program, self.decisions, &operand, (&starts, &extents));
        let index: Index = (0..shape.rank()).map(|l| Affine::of_loop(l, 0, shape.rank())).collect();
        let pulled = pull.pull(v, &index);
        match (pulled, pull.finish().as_slice()) {
            (Ok(_), [inst]) => match &inst.op {
                Op::Load(access) => Ok(access.clone()),
                _ => Err(v),
            },
            _ => Err(v),
        }
    }

    fn finish(mut self) -> Plan {
        // The flag is cleared before the first step and read after the last.
        let flag = self.flag;
        self.touched.first_mut().into_iter().for_each(|t| t.push(flag));
        self.touched.last_mut().into_iter().for_each(|t| t.push(flag));
        let workspace = assign(&mut self.buffers, &self.touched);
        let home = |v: &Value| self.home[v.index()].unwrap_or(self.flag);
        let results = self.program.outputs().iter().map(home).collect();
        let operands = self.buffers.iter().map(|b| b.dtype).collect();
        let region = Region { operands, steps: self.steps };
        debug_assert_eq!(region.verify(), Ok(()));
        Plan {
            program: self.program.clone(),
            region,
            buffers: self.buffers,
            constants: self.constants,
            results,
            flag: self.flag,
            workspace,
        }
    }
}

/// The parts that make up the result of an equation, and whether it is filled with zeros first.
fn parts_of(program: &Program, eq: &Equation) -> Vec<(Root, bool)> {
    let strides = program.ty(eq.first).shape.strides();
    match &eq.prim {
        Prim::Concat(concat) => {
            let mut offset = 0;
            let part = |&source: &Value| {
                let at = offset * strides[concat.axis];
                offset += program.ty(source).shape[concat.axis];
                let strides = strides.clone();
                (Root::Part { source, whole: eq.first, offset: at, strides }, false)
            };
            eq.inputs.iter().map(part).collect()
        }
        Prim::Pad(pad) => {
            let offset = pad.low.iter().zip(&strides).map(|(&low, s)| low as usize * s).sum();
            let apart = |(axis, &s): (usize, &usize)| s * (pad.interior[axis] + 1);
            let strides = strides.iter().enumerate().map(apart).collect();
            let source = eq.inputs[0];
            vec![(Root::Part { source, whole: eq.first, offset, strides }, true)]
        }
        _ => Vec::new(),
    }
}
