//! Building a nest: from the values it stores back to what is in memory.
//!
//! A value is pulled at an index, an affine function of the loops along each of its axes. Shape
//! operations change the index and pull their argument; elementwise operations pull their arguments
//! at the same index and become an instruction; what is in memory becomes a load. Values and
//! instructions that were pulled before are the same registers.

use super::decide::Decisions;
use super::index::{Affine, Obstacle, Side, linear, reshape, side};
use super::role::Role;
use crate::nest::{Access, Inst, Op, Operand, Reg, Special};
use crate::numbers::Numbers;
use riesz_core::primitive::Concat;
use riesz_core::{DType, Data, Equation, Prim, Program, Tensor, Value};
use rustc_hash::{FxBuildHasher, FxHashMap as HashMap};
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// The index of an element: one function of the loops for each axis.
pub type Index = SmallVec<[Affine; 4]>;

/// What stands in the way of pulling, and at which value.
pub type Blocked = (Value, Obstacle);

/// A body being built, over one piece of a domain.
pub struct Pull<'a> {
    program: &'a Program,
    decisions: &'a Decisions,
    /// The operand that holds each stored value; none for values of the nest itself.
    operand: &'a dyn Fn(Value) -> Option<Operand>,
    /// Where each loop of the piece begins, and how often it runs.
    starts: &'a [usize],
    extents: &'a [usize],
    body: Vec<Inst>,
    /// The instructions by what they are.
    numbered: Numbers,
    /// The indices at which something was pulled, each with its number.
    indices: HashMap<Index, u32>,
    values: HashMap<(Value, u32), Reg>,
    /// Whether an instruction may set the flag.
    pub raises: bool,
}

impl<'a> Pull<'a> {
    /// An empty body over a piece.
    pub fn new(
        program: &'a Program,
        decisions: &'a Decisions,
        operand: &'a dyn Fn(Value) -> Option<Operand>,
        (starts, extents): (&'a [usize], &'a [usize]),
    ) -> Pull<'a> {
        Pull {
            program,
            decisions,
            operand,
            starts,
            extents,
            body: Vec::new(),
            numbered: Numbers::with_room(8),
            indices: HashMap::default(),
            values: HashMap::default(),
            raises: false,
        }
    }

    /// The body.
    pub fn finish(self) -> Vec<Inst> {
        self.body
    }

    /// The register of `value` at `index`.
    pub fn pull(&mut self, value: Value, index: &Index) -> Result<Reg, Blocked> {
        let number = match self.indices.get(index) {
            Some(&number) => number,
            None => {
                let number = self.indices.len() as u32;
                self.indices.insert(index.clone(), number);
                number
            }
        };
        let key = (value, number);
        if let Some(&reg) = self.values.get(&key) {
            return Ok(reg);
        }
        let reg = match (self.operand)(value) {
            Some(operand) => {
                let strides = self.decisions.strides(self.program, value);
                let at = linear(index, &strides, self.extents.len());
                self.push(Op::Load(access(operand, &at)), self.program.ty(value).dtype)
            }
            None => self.compute(value, index)?,
        };
        self.values.insert(key, reg);
        Ok(reg)
    }

    fn push(&mut self, op: Op, ty: DType) -> Reg {
        let inst = Inst { op, ty };
        let hash = |inst: &Inst| FxBuildHasher.hash_one(inst);
        let found = self.numbered.find(hash(&inst), |reg| self.body[reg as usize] == inst);
        found.unwrap_or_else(|place| {
            let reg = self.body.len() as Reg;
            self.body.push(inst);
            self.numbered.put(place, reg, |reg| hash(&self.body[reg as usize]));
            reg
        })
    }

    fn compute(&mut self, value: Value, index: &Index) -> Result<Reg, Blocked> {
        let Some(at) = self.decisions.definition[value.index()] else {
            return Err((value, Obstacle::Store));
        };
        let eq = &self.program.equations()[at as usize];
        match self.decisions.roles[at as usize] {
            Role::View => self.view(eq, index),
            Role::Map(_) => self.map(eq, index),
            Role::Gather => self.gather(eq, index),
            Role::Constant | Role::Fold | Role::Place | Role::Call => Err((value, Obstacle::Store)),
        }
    }

    fn view(&mut self, eq: &Equation, index: &Index) -> Result<Reg, Blocked> {
        let x = eq.inputs[0];
        let from = &self.program.ty(x).shape;
        match &eq.prim {
            Prim::StopGradient(_) => self.pull(x, index),
            Prim::Broadcast(b) => {
                self.pull(x, &b.axes.iter().map(|&axis| index[axis].clone()).collect())
            }
            Prim::Transpose(t) => {
                let mut inner: Index = index.clone();
                for (i, &axis) in t.order.iter().enumerate() {
                    inner[axis] = index[i].clone();
                }
                self.pull(x, &inner)
            }
            Prim::Slice(s) => {
                let moved = |(axis, i): (usize, &Affine)| {
                    i.times(s.stride[axis] as isize).plus(s.start[axis] as isize)
                };
                self.pull(x, &index.iter().enumerate().map(moved).collect())
            }
            Prim::Flip(f) => {
                let mut inner: Index = index.clone();
                for &axis in &f.axes {
                    inner[axis] = index[axis].times(-1).plus(from[axis] as isize - 1);
                }
                self.pull(x, &inner)
            }
            Prim::Reshape(_) => {
                let shape = &self.program.ty(eq.first).shape;
                if let Some(operand) = (self.operand)(x)
                    && self.decisions.is_row_major(x)
                {
                    // In memory the elements lie in the same order whatever the shape.
                    let at = linear(index, &shape.strides(), self.extents.len());
                    return Ok(self.push(Op::Load(access(operand, &at)), self.program.ty(x).dtype));
                }
                match reshape(index, shape, from, self.extents) {
                    Ok(inner) => self.pull(x, &inner.into()),
                    Err(obstacle) => Err((x, obstacle)),
                }
            }
            Prim::Pad(pad) => {
                let mut inner: Index = index.clone();
                for (axis, i) in index.iter().enumerate() {
                    let low = pad.low[axis] as isize;
                    let within = (low, low + from[axis] as isize);
                    if self.side(eq.first, i, within)? == Side::Outside {
                        return Ok(self.push(Op::Const(0), self.program.ty(x).dtype));
                    }
                    inner[axis] = i.plus(-low);
                }
                self.pull(x, &inner)
            }
            Prim::Concat(concat) => self.joined(eq, concat, index),
            _ => Err((eq.first, Obstacle::Store)),
        }
    }

    fn joined(&mut self, eq: &Equation, concat: &Concat, index: &Index) -> Result<Reg, Blocked> {
        let mut start = 0;
        for &x in &eq.inputs {
            let length = self.program.ty(x).shape[concat.axis] as isize;
            let i = &index[concat.axis];
            if length > 0 && self.side(eq.first, i, (start, start + length))? == Side::Inside {
                let mut inner = index.clone();
                inner[concat.axis] = i.plus(-start);
                return self.pull(x, &inner);
            }
            start += length;
        }
        Err((eq.first, Obstacle::Store))
    }

    fn side(&self, value: Value, i: &Affine, within: (isize, isize)) -> Result<Side, Blocked> {
        side(i, within, self.starts, self.extents).map_err(|obstacle| (value, obstacle))
    }

    fn gather(&mut self, eq: &Equation, index: &Index) -> Result<Reg, Blocked> {
        let Prim::Gather(gather) = &eq.prim else { return Err((eq.first, Obstacle::Store)) };
        let (from, indices) = (eq.inputs[0], eq.inputs[1]);
        let shape = &self.program.ty(from).shape;
        let lies = strided(self.program, self.decisions, self.operand, from)
            .map_err(|from| (from, Obstacle::Store))?;
        if shape[gather.axis] == 0 {
            return Err((eq.first, Obstacle::Store));
        }
        // Axes of the result: those before the indexed one, those of the indices but the shared
        // ones, those after.
        let rank = self.program.ty(indices).shape.rank() - gather.batch;
        let own = gather.axis..gather.axis + rank;
        let of_indices: Index =
            index[..gather.batch].iter().chain(&index[own.clone()]).cloned().collect();
        let reg = self.pull(indices, &of_indices)?;
        let rest = index[..gather.axis].iter().chain(&index[own.end..]);
        let mut at = Affine::constant(lies.offset, self.extents.len());
        let mut strides = lies.strides.clone();
        let stride = strides.remove(gather.axis);
        for (i, &by) in rest.zip(&strides) {
            at = at.add(&i.times(by));
        }
        self.raises = true;
        let op = Op::Gather {
            access: access(lies.operand, &at),
            index: reg,
            stride,
            bound: shape[gather.axis],
        };
        Ok(self.push(op, self.program.ty(from).dtype))
    }

    fn map(&mut self, eq: &Equation, index: &Index) -> Result<Reg, Blocked> {
        let ty = self.program.ty(eq.first).dtype;
        let op = match &eq.prim {
            Prim::Constant(c) => Op::Const(bits(&c.0)),
            Prim::Iota(iota) => return Ok(self.count(&index[iota.axis], ty)),
            Prim::Dot(dot) => {
                let rank = |v: Value| self.program.ty(v).shape.rank();
                let (x, y) = (eq.inputs[0], eq.inputs[1]);
                let (x_index, y_index) = operand_indices(dot, rank(x), rank(y), index);
                let (x, y) = (self.pull(x, &x_index)?, self.pull(y, &y_index)?);
                Op::Binary(crate::nest::Binary::Mul, x, y)
            }
            prim => {
                let mut args: SmallVec<[Reg; 3]> = SmallVec::new();
                for &x in &eq.inputs {
                    args.push(self.pull(x, index)?);
                }
                self.elementwise(prim, &args, ty).ok_or((eq.first, Obstacle::Store))?
            }
        };
        Ok(self.push(op, ty))
    }

    fn elementwise(&mut self, prim: &Prim, args: &[Reg], ty: DType) -> Option<Op> {
        Some(match prim {
            Prim::Unary(f) => Op::Unary(*f, args[0]),
            Prim::IntegerPower(p) => Op::Power(p.n, args[0]),
            Prim::Polygamma(p) => Op::Special(Special::Polygamma(p.n), args[0]),
            Prim::Sinc(s) => Op::Special(Special::Sinc(s.order), args[0]),
            Prim::Binary(f) => {
                use crate::nest::Binary::{Div, Pow, Rem};
                self.raises |= ty.is_int() && matches!(f, Div | Rem | Pow);
                Op::Binary(*f, args[0], args[1])
            }
            Prim::Scale(_) => Op::Scale(args[0], args[1]),
            Prim::Compare(f) => Op::Compare(*f, args[0], args[1]),
            Prim::Logical(f) => Op::Logical(*f, args[0], *args.last()?),
            Prim::Select(_) => Op::Select(args[0], args[1], args[2]),
            Prim::Cast(_) => Op::Cast(args[0]),
            _ => return None,
        })
    }

    /// The index itself as a number: a sum over the loops it depends on.
    fn count(&mut self, index: &Affine, ty: DType) -> Reg {
        let mut terms: Vec<(usize, isize)> =
            index.by.iter().copied().enumerate().filter(|t| t.1 != 0).collect();
        let Some(first) = terms.pop() else {
            let constant = Tensor::scalar(index.constant as i64);
            let reg = self.push(Op::Const(bits(&constant)), DType::I64);
            return if ty == DType::I64 { reg } else { self.push(Op::Cast(reg), ty) };
        };
        if terms.is_empty() {
            let (start, step) = (index.constant as i64, first.1 as i64);
            return self.push(Op::Index { dim: first.0, start, step }, ty);
        }
        let start = index.constant as i64;
        let mut sum =
            self.push(Op::Index { dim: first.0, start, step: first.1 as i64 }, DType::I64);
        for (dim, by) in terms {
            let term = self.push(Op::Index { dim, start: 0, step: by as i64 }, DType::I64);
            sum = self.push(Op::Binary(crate::nest::Binary::Add, sum, term), DType::I64);
        }
        if ty == DType::I64 { sum } else { self.push(Op::Cast(sum), ty) }
    }

    /// The product of two values: what a small matrix product adds up.
    pub fn product(&mut self, x: Reg, y: Reg, ty: DType) -> Reg {
        self.push(Op::Binary(crate::nest::Binary::Mul, x, y), ty)
    }
}

/// Where a value is, as strides in the buffer of what it is a view of; or what has to be stored first.
pub fn strided(
    program: &Program,
    decisions: &Decisions,
    operand: &dyn Fn(Value) -> Option<Operand>,
    v: Value,
) -> Result<Access, Value> {
    let shape = &program.ty(v).shape;
    let (starts, extents) = (vec![0; shape.rank()], shape.to_vec());
    let mut pull = Pull::new(program, decisions, operand, (&starts, &extents));
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

/// The indices of the operands of a product for an index over its loops: batch, free axes of the
/// first, free axes of the second, and the axes summed over, if there are any.
pub fn operand_indices(
    dot: &riesz_core::primitive::Dot,
    x_rank: usize,
    y_rank: usize,
    index: &Index,
) -> (Index, Index) {
    let (lhs, rhs) = (dot.lhs(x_rank), dot.rhs(y_rank));
    let zero = Affine::constant(0, index.first().map_or(0, |i| i.by.len()));
    let mut x: Index = smallvec::smallvec![zero.clone(); x_rank];
    let mut y: Index = smallvec::smallvec![zero; y_rank];
    let mut loops = index.iter();
    let mut next = |of: &mut Index, axis: usize| {
        if let Some(i) = loops.next() {
            of[axis] = i.clone();
        }
    };
    for (&a, &b) in lhs.batch.iter().zip(&rhs.batch) {
        next(&mut x, a);
        y[b] = x[a].clone();
    }
    lhs.free.iter().for_each(|&a| next(&mut x, a));
    rhs.free.iter().for_each(|&b| next(&mut y, b));
    for (&a, &b) in lhs.contract.iter().zip(&rhs.contract) {
        next(&mut x, a);
        y[b] = x[a].clone();
    }
    (x, y)
}

/// The access of an operand at an index in elements.
pub fn access(operand: Operand, at: &Affine) -> Access {
    Access { operand, offset: at.constant, strides: at.by.as_slice().into() }
}

/// The bits of a tensor's one element.
fn bits(tensor: &Tensor) -> u64 {
    match tensor.data() {
        Data::F32(v) => u64::from(v[0].to_bits()),
        Data::F64(v) => v[0].to_bits(),
        Data::I32(v) => v[0] as u32 as u64,
        Data::I64(v) => v[0] as u64,
        Data::Bool(v) => u64::from(v[0]),
    }
}
