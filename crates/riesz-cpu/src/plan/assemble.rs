//! Putting a plan together: the groups of a program in order, each built and given its operands.
//!
//! A *frame* is a program with its buffers: the whole program, or the body of a loop or branch inside
//! it. All frames of a plan share one [`Memory`].

mod multiply;

use self::multiply::Copied;
use super::Plan;
use super::control;
use super::decide::{Decisions, Domain};
use super::factored::Factored;
use super::group::{Root, build, constant, copy, parts_of};
use super::memory::{Memory, touched};
use super::order::order;
use super::pattern::Patterns;
use super::pull::strided;
use super::role::Role;
use super::split::split_folds;
use super::storage::{ALIGNMENT, Place, Storage, assign};
use super::strip::strip;
use super::turn::turn;
use super::update::{Users, is_update};
use crate::nest::{Access, Call, Nest, Operand, Region, Routine, Step, TOGETHER};
use crate::routine::{self, Convolution};
use riesz_core::cost::of_equation;
use riesz_core::{DType, Equation, Error, ErrorKind, Prim, Program, Result, Shape, Type, Value};
use rustc_hash::FxHashMap as HashMap;
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often planning starts again because a value has to be stored after all. Each time at least one
/// more value is stored, and nearly always one round is enough.
const ROUNDS: usize = 1000;

/// Plans a program.
pub fn assemble(program: &Program) -> Result<Plan> {
    let mut memory = Memory::new();
    let types = program.input_types().iter().enumerate();
    let inputs = types.map(|(i, ty)| memory.buffer(ty, Place::Argument(i))).collect();
    let (mut steps, results) = frame(program, inputs, &[], &mut memory)?;
    for (i, &home) in results.iter().enumerate() {
        let buffer = &mut memory.buffers[home as usize];
        if matches!(buffer.place, Place::Workspace(_)) {
            buffer.place = Place::Result(i);
        }
    }
    turn(&mut steps, &memory);
    let steps = strip(steps, &mut memory);
    let steps = split_folds(steps, &mut memory);
    // The flag is cleared before the first step and read after the last.
    memory.touched.push(vec![memory.flag]);
    let workspace = assign(&mut memory.buffers, &memory.touched);
    let operands = memory.buffers.iter().map(|b| b.dtype).collect();
    let region = Region { operands, steps };
    debug_assert_eq!(region.verify(), Ok(()));
    Ok(Plan {
        program: program.clone(),
        region,
        buffers: memory.buffers,
        constants: memory.constants,
        results,
        flag: memory.flag,
        workspace,
    })
}

/// The steps of a program whose arguments lie in `inputs`, and where its results are: in `outputs`, as
/// far as those are given. A buffer may be among both if that result is an update of that argument.
pub fn frame(
    program: &Program,
    inputs: Vec<Storage>,
    outputs: &[Storage],
    memory: &mut Memory,
) -> Result<Steps> {
    let mut decisions = Decisions::new(program);
    for _ in 0..ROUNDS {
        let mark = memory.mark();
        match Frame::new(program, &decisions, &inputs, outputs, memory).run()? {
            Ok(done) => return Ok(done),
            Err(blocked) => {
                memory.rewind(mark);
                decisions.store(program, &blocked);
            }
        }
    }
    Err(Error::new(ErrorKind::Internal, "no plan was found"))
}

/// What could be done, or the value that has to be stored before.
type Built<T> = std::result::Result<T, Value>;

/// The operands of a call.
type Operands = SmallVec<[Operand; 4]>;

/// The steps of a program, and where its results are.
pub type Steps = (Vec<Step>, Vec<Storage>);

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

struct Frame<'a> {
    program: &'a Program,
    decisions: &'a Decisions,
    memory: &'a mut Memory,
    /// Where the results have to be, if that is given.
    outputs: &'a [Storage],
    /// The buffers that are given for an argument and a result.
    shared: Vec<Storage>,
    /// The buffer of each value that has one.
    home: Vec<Option<Storage>>,
    /// Where the factors of a matrix are kept: of its elimination, and the order of its rows.
    factors: HashMap<Value, [Storage; 2]>,
    /// Joined values that lie transposed in the buffer of their only reader: elements from one to the
    /// next along each axis.
    turned: HashMap<Value, SmallVec<[usize; 4]>>,
    /// The factors of products that were copied, and where.
    copies: Vec<(Copied, Storage)>,
    users: OnceCell<Users>,
    patterns: OnceCell<Patterns>,
    steps: Vec<Step>,
}

impl<'a> Frame<'a> {
    fn new(
        program: &'a Program,
        decisions: &'a Decisions,
        inputs: &[Storage],
        outputs: &'a [Storage],
        memory: &'a mut Memory,
    ) -> Frame<'a> {
        let mut home = vec![None; program.len()];
        for (home, &input) in home.iter_mut().zip(inputs) {
            *home = Some(input);
        }
        let shared = outputs.iter().copied().filter(|s| inputs.contains(s)).collect();
        let mut frame = Frame {
            program,
            decisions,
            memory,
            outputs,
            shared,
            home,
            factors: HashMap::default(),
            turned: HashMap::default(),
            copies: Vec::new(),
            users: OnceCell::new(),
            patterns: OnceCell::new(),
            steps: Vec::new(),
        };
        frame.place_values();
        frame.turn_joined();
        frame
    }

    /// A buffer for each stored value; a reshaped value lies where its argument does, a result where
    /// it has to be. Loops and branches say themselves where their results are.
    fn place_values(&mut self) {
        let mut given: HashMap<Value, Storage> = HashMap::default();
        for (&v, &output) in self.program.outputs().iter().zip(self.outputs) {
            if !self.shared.contains(&output) {
                given.entry(v).or_insert(output);
            }
        }
        let equations = self.program.equations().iter().zip(&self.decisions.roles);
        for (i, (eq, role)) in equations.enumerate() {
            if is_update(&eq.prim) && *role == Role::Call && self.may_take(eq.inputs[0], i) {
                self.home[eq.first.index()] = self.home[eq.inputs[0].index()];
                continue;
            }
            for v in eq.outputs().filter(|v| self.decisions.stored[v.index()]) {
                if let Some(same) = self.same_memory(eq) {
                    self.home[v.index()] = Some(same);
                    continue;
                }
                let ty = self.program.ty(v);
                self.home[v.index()] = Some(match (role, &eq.prim) {
                    (Role::Constant, Prim::Constant(c)) => self.memory.constant(&c.0),
                    (Role::Call, prim) if control::places_results(prim) => continue,
                    _ => match given.get(&v) {
                        Some(&output) => output,
                        None => self.memory.room(ty),
                    },
                });
            }
        }
    }

    /// What is joined only to be transposed is written where the transpose lies.
    fn turn_joined(&mut self) {
        for (i, eq) in self.program.equations().iter().enumerate() {
            let Prim::Transpose(transpose) = &eq.prim else { continue };
            let joined = eq.inputs[0];
            let is_concat =
                || self.maker(joined).is_some_and(|eq| matches!(eq.prim, Prim::Concat(_)));
            if self.decisions.roles[i] != Role::View
                || self.decisions.role_of(joined) != Some(Role::Place)
                || !self.decisions.stored[eq.first.index()]
                || !is_concat()
                || self.users().of(joined) != [i as u32]
                || self.program.outputs().contains(&joined)
                || self.decisions.is_factored(joined)
            {
                continue;
            }
            let apart = self.program.ty(eq.first).shape.strides();
            let mut strides = apart.clone();
            for (&axis, &stride) in transpose.order.iter().zip(&apart) {
                strides[axis] = stride;
            }
            self.home[joined.index()] = self.home[eq.first.index()];
            self.turned.insert(joined, strides);
        }
    }

    /// Whether an equation is a transpose whose result was written when its argument was joined.
    fn is_turned(&self, eq: &Equation) -> bool {
        eq.inputs.first().is_some_and(|x| self.turned.contains_key(x))
    }

    /// The equation that defines a value; none for an argument.
    fn maker(&self, v: Value) -> Option<&Equation> {
        self.decisions.definition[v.index()].map(|at| &self.program.equations()[at as usize])
    }

    fn users(&self) -> &Users {
        self.users.get_or_init(|| Users::new(self.program))
    }

    /// Whether equation `i` may write where a value lies: into memory of this frame that nothing
    /// reads afterwards.
    fn may_take(&self, v: Value, i: usize) -> bool {
        let Some(home) = self.home[v.index()] else { return false };
        let own = match self.decisions.definition[v.index()] {
            None => self.shared.contains(&home),
            Some(at) => {
                let eq = &self.program.equations()[at as usize];
                let place = self.memory.buffers[home as usize].place;
                matches!(place, Place::Workspace(_)) && self.same_memory(eq).is_none()
            }
        };
        let same = |eq: &Equation| self.same_memory(eq).is_some();
        own && self.users().is_last((self.program, self.decisions), v, i, same)
    }

    /// The buffer of the argument, if the result is the same elements in the same order.
    fn same_memory(&self, eq: &Equation) -> Option<Storage> {
        match eq.prim {
            Prim::Reshape(_) | Prim::StopGradient(_) => self.home[eq.inputs[0].index()],
            _ => None,
        }
    }

    /// Builds everything in order; or says which values have to be stored before that can be done.
    fn run(mut self) -> Result<std::result::Result<Steps, Vec<Value>>> {
        let mut blocked = Vec::new();
        for (stage, part) in self.parts() {
            let built = match part {
                Part::Group(group) => self.group(stage, &group),
                Part::Call(i) => self.call(i)?,
            };
            blocked.extend(built.err());
        }
        if !blocked.is_empty() {
            return Ok(Err(blocked));
        }
        let homes: Vec<Storage> = self.program.outputs().iter().map(|&v| self.home(v)).collect();
        // Those that lie where an argument was come last: the others may be that argument.
        for last in [false, true] {
            for (&output, &home) in self.outputs.iter().zip(&homes) {
                if output != home && self.shared.contains(&output) == last {
                    self.copy(home, output);
                }
            }
        }
        let results = if self.outputs.is_empty() { homes } else { self.outputs.to_vec() };
        Ok(Ok((self.steps, results)))
    }

    /// The buffer of a value that is stored.
    fn home(&self, v: Value) -> Storage {
        self.home[v.index()].unwrap_or(self.memory.flag)
    }

    /// A nest that copies a buffer.
    fn copy(&mut self, from: Storage, to: Storage) {
        let nest = copy(from, to, self.memory);
        self.push(Step::Nest(nest), vec![from, to]);
    }

    fn push(&mut self, step: Step, touched: Vec<Storage>) {
        self.steps.push(step);
        self.memory.touched.push(touched);
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
                    if self.decisions.stored[v.index()]
                        && self.same_memory(eq).is_none()
                        && !self.is_turned(eq)
                    {
                        add(&program.ty(v).shape, Root::Whole(v), None);
                    }
                }
                Role::Fold => add(&self.decisions.domain_of_fold(program, i), Root::Fold(i), None),
                Role::Place => {
                    for (root, zero) in parts_of(program, eq, self.turned.get(&v)) {
                        let Root::Part { source, .. } = root else { continue };
                        add(&program.ty(source).shape, root, zero.then_some(v));
                    }
                }
                // What lies where its argument does is there already.
                Role::Call if self.same_memory(eq).is_some() => {}
                Role::Call => parts.push((stage, i, Part::Call(i))),
            }
        }
        for ((stage, _), group) in groups {
            parts.push((stage, group.first, Part::Group(group)));
        }
        parts.sort_by_key(|p| (p.0, p.1));
        parts.into_iter().map(|(stage, _, part)| (stage, part)).collect()
    }

    fn group(&mut self, stage: u32, group: &Group) -> Built<()> {
        let Group { domain, roots, zeros, .. } = group;
        let domain = *domain;
        for v in zeros {
            let ty = self.program.ty(*v);
            if ty.size() > 0 {
                let home = self.home(*v);
                let nest = constant(0, ty.dtype, &ty.shape, home);
                self.push(Step::Nest(order(nest)), vec![home]);
            }
        }
        let target = |v: Value| self.home(v);
        // Values of this group are computed, not read.
        let own = |v: Value| {
            self.decisions.stage[v.index()] == stage
                && matches!(
                    self.decisions.role_of(v),
                    Some(Role::View | Role::Map(_) | Role::Gather)
                )
                && self.decisions.known_domain(&self.program.ty(v).shape) == Some(domain)
                && !self.maker(v).is_some_and(|eq| self.is_turned(eq))
        };
        let operand = |v: Value| if own(v) { None } else { self.home[v.index()] };
        let shape = self.decisions.shape(domain);
        let nests =
            build(self.program, self.decisions, shape, roots, &operand, &target, self.memory.flag)?;
        for nest in nests {
            self.nest(order(nest));
        }
        Ok(())
    }

    fn nest(&mut self, nest: Nest) {
        let touched = touched(&nest);
        self.push(Step::Nest(nest), touched);
    }

    /// A library call, a loop or a branch.
    fn call(&mut self, i: usize) -> Result<Built<()>> {
        let eq = &self.program.equations()[i];
        if control::places_results(&eq.prim) {
            let args: Vec<Storage> = eq.inputs.iter().map(|&v| self.home(v)).collect();
            let free: Vec<bool> = eq.inputs.iter().map(|&v| self.may_take(v, i)).collect();
            let is_read = |v: Value| !self.users().of(v).is_empty();
            let is_wanted = |v: Value| is_read(v) || self.program.outputs().contains(&v);
            let wanted: Vec<bool> = eq.outputs().map(is_wanted).collect();
            let (steps, results) = control::steps(&eq.prim, (&args, &free), &wanted, self.memory)?;
            self.steps.extend(steps);
            for (v, home) in eq.outputs().zip(results) {
                self.home[v.index()] = Some(home);
            }
            return Ok(Ok(()));
        }
        let operations = of_equation(self.program, eq);
        if let Some(&shared) = self.decisions.factored.get(&(i as u32)) {
            self.after_factors(eq, shared, operations);
            return Ok(Ok(()));
        }
        if let Prim::Dot(_) = &eq.prim {
            return Ok(self.multiply(eq, operations));
        }
        let (function, operands) = match self.routine(eq) {
            Ok(routine) => routine,
            Err(blocked) => return Ok(Err(blocked)),
        };
        self.push_call(function, operands, operations);
        Ok(Ok(()))
    }

    /// What goes on from the factors of a matrix, after the call that factors it.
    fn after_factors(&mut self, eq: &Equation, shared: Factored, operations: f64) {
        let ty = self.program.ty(shared.matrix).clone();
        let (batch, order) = (ty.shape.rank() - 2, ty.shape[ty.shape.rank() - 1]);
        let elimination = ty.size() as f64 * order as f64 * 2.0 / 3.0;
        let list: Shape = ty.shape[..batch].iter().copied().chain([order + 1]).collect();
        let list = Type::new(DType::I64, list);
        let [packed, rows] = match self.factors.get(&shared.matrix) {
            Some(&factors) => factors,
            None => {
                let factors = [self.memory.room(&ty), self.memory.room(&list)];
                self.factors.insert(shared.matrix, factors);
                let operands = [self.home(shared.matrix), factors[0], factors[1]];
                let function = routine::factor(&ty, &list);
                self.push_call(function, SmallVec::from_slice(&operands), elimination);
                factors
            }
        };
        let others = eq.inputs[1..].iter().copied().chain(eq.outputs());
        let types: Vec<Type> = others.clone().map(|v| self.program.ty(v).clone()).collect();
        let function = routine::from_factors(&eq.prim, (&ty, &list), shared.transposed, &types);
        let operands = [packed, rows].into_iter().chain(others.map(|v| self.home(v))).collect();
        self.push_call(function, operands, operations - elimination);
    }

    fn push_call(&mut self, function: Arc<dyn Routine>, mut operands: Operands, operations: f64) {
        // Scratch for each of the pieces that may run at the same time.
        let words = function.scratch().next_multiple_of(ALIGNMENT) / DType::I64.size()
            * function.pieces().clamp(1, TOGETHER);
        if words > 0 {
            operands.push(self.memory.room(&Type::new(DType::I64, [words])));
        }
        let mut touched = operands.to_vec();
        touched.push(self.memory.flag);
        self.push(Step::Call(Call { function, operands, operations }), touched);
    }

    fn routine(&self, eq: &Equation) -> Built<(Arc<dyn Routine>, Operands)> {
        let ty = |v: Value| self.program.ty(v).clone();
        if let Prim::Conv(conv) = &eq.prim
            && self.program.ty(eq.first).dtype.is_float()
        {
            let (x, k) = (eq.inputs[0], eq.inputs[1]);
            let at = self.strided(x)?;
            let images = (&self.program.ty(x).shape, at.offset, &*at.strides);
            let convolution = Convolution::new(conv, images, &ty(k));
            let operands = [at.operand, self.home(k), self.home(eq.first)];
            return Ok((Arc::new(convolution), SmallVec::from_slice(&operands)));
        }
        let inputs: Vec<Type> = eq.inputs.iter().map(|&v| ty(v)).collect();
        let outputs: Vec<Type> = eq.outputs().map(ty).collect();
        let operands =
            eq.inputs.iter().copied().chain(eq.outputs()).map(|v| self.home(v)).collect();
        Ok((routine::of(&eq.prim, &inputs, &outputs), operands))
    }

    /// Where a value is, as strides in the buffer of what it is a view of.
    fn strided(&self, v: Value) -> Built<Access> {
        let operand = |v: Value| self.home[v.index()];
        strided(self.program, self.decisions, &operand, v)
    }
}
