//! From a group of values that share a domain to the nests that store them.
//!
//! One nest usually; where a value is padded or joined, the loops are cut so that in each piece every
//! index is on one side of every edge, and each piece is a nest without conditions.

use super::decide::Decisions;
use super::index::{Affine, Obstacle, linear};
use super::memory::Memory;
use super::order::order;
use super::pull::{Index, Pull, access, operand_indices};
use super::storage::Storage;
use crate::nest::{Access, Fold, Inst, Nest, Op, Operand, Reduction, Reg, Store};
use riesz_core::{DType, Equation, Prim, Program, Shape, Value};
use smallvec::{SmallVec, smallvec};

/// Something a nest stores.
#[derive(Clone, Debug, PartialEq)]
pub enum Root {
    /// The value at the index of the loops.
    Whole(Value),
    /// The result of an equation that is a reduction or a small product.
    Fold(usize),
    /// `source` at the index of the loops, as a part of `whole`: its element at `offset` +
    /// Σ strides·index.
    Part {
        /// What is stored.
        source: Value,
        /// Where.
        whole: Value,
        /// The element of `whole` for the first of `source`.
        offset: usize,
        /// Elements of `whole` between neighbours along each axis of `source`.
        strides: SmallVec<[usize; 4]>,
    },
}

/// More pieces than this are not worth their code: the value that needs them is stored instead.
const PIECES: usize = 27;

/// The nests that store `roots`, whose loops run over `shape`; or a value that has to be stored
/// first. `operand` says where a value is when it is read, `target` where it is stored.
pub fn build(
    program: &Program,
    decisions: &Decisions,
    shape: &Shape,
    roots: &[Root],
    operand: &dyn Fn(Value) -> Option<Operand>,
    target: &dyn Fn(Value) -> Operand,
    flag: Operand,
) -> Result<Vec<Nest>, Value> {
    if shape.size() == 0 {
        return Ok(identities(program, roots, target));
    }
    let mut loops = Loops::new(shape);
    'again: loop {
        let mut nests = Vec::new();
        for piece in loops.pieces() {
            let pull = Pull::new(program, decisions, operand, (&piece.starts, &piece.extents));
            match fill(pull, (program, decisions), &loops, &piece, roots, target, flag) {
                Ok(nest) => nests.push(nest),
                Err((value, obstacle)) => {
                    if !loops.refine(obstacle) {
                        return Err(value);
                    }
                    continue 'again;
                }
            }
        }
        return Ok(nests);
    }
}

/// The nest over one piece.
fn fill(
    mut pull: Pull,
    (program, decisions): (&Program, &Decisions),
    loops: &Loops,
    piece: &Piece,
    roots: &[Root],
    target: &dyn Fn(Value) -> Operand,
    flag: Operand,
) -> Result<Nest, (Value, Obstacle)> {
    let index = loops.index(piece);
    let mut stores = Vec::with_capacity(roots.len());
    for root in roots {
        let (value, place, at, fold) = match root {
            Root::Whole(v) => {
                let strides = decisions.strides(program, *v);
                let reg = pull.pull(*v, &index)?;
                (reg, *v, linear(&index, &strides, loops.lengths.len()), None)
            }
            Root::Part { source, whole, offset, strides } => {
                let reg = pull.pull(*source, &index)?;
                let at = linear(&index, strides, loops.lengths.len()).plus(*offset as isize);
                (reg, *whole, at, None)
            }
            Root::Fold(i) => {
                let eq = &program.equations()[*i];
                let (reg, kept, op) = fold_of(&mut pull, program, eq, &index)?;
                let strides = decisions.strides(program, eq.first);
                let kept_index: Index = kept.iter().map(|&axis| index[axis].clone()).collect();
                let at = linear(&kept_index, &strides, loops.lengths.len());
                let along = loops.along(&kept);
                let first =
                    (0..loops.lengths.len()).all(|l| along >> l & 1 == 0 || piece.starts[l] == 0);
                (reg, eq.first, at, Some(Fold { op, along, accumulate: !first }))
            }
        };
        stores.push(Store { value, access: access(target(place), &at), fold });
    }
    let flag = pull.raises.then_some(flag);
    let extents = piece.extents.as_slice().into();
    Ok(Nest { extents, vector: None, body: pull.finish(), stores, flag })
}

/// The value that is folded, the axes of the loops that stay, and how values are combined.
type Folded = (Reg, SmallVec<[usize; 4]>, Reduction);

/// What a reduction or a small product folds.
fn fold_of(
    pull: &mut Pull,
    program: &Program,
    eq: &Equation,
    index: &Index,
) -> Result<Folded, (Value, Obstacle)> {
    match &eq.prim {
        Prim::Reduce(reduce) => {
            let reg = pull.pull(eq.inputs[0], index)?;
            Ok((reg, reduce.kept(index.len()).into(), reduce.op))
        }
        Prim::Dot(dot) => {
            let (x, y) = (eq.inputs[0], eq.inputs[1]);
            let rank = |v: Value| program.ty(v).shape.rank();
            let (x_index, y_index) = operand_indices(dot, rank(x), rank(y), index);
            let (a, b) = (pull.pull(x, &x_index)?, pull.pull(y, &y_index)?);
            let ty = program.ty(eq.first);
            let reg = pull.product(a, b, ty.dtype);
            Ok((reg, (0..ty.shape.rank()).collect(), Reduction::Sum))
        }
        _ => Err((eq.first, Obstacle::Store)),
    }
}

/// Loops over nothing: folds are the identity, everything else is empty.
fn identities(program: &Program, roots: &[Root], target: &dyn Fn(Value) -> Operand) -> Vec<Nest> {
    let mut nests = Vec::new();
    for root in roots {
        let Root::Fold(i) = root else { continue };
        let eq = &program.equations()[*i];
        let ty = program.ty(eq.first);
        let op = match &eq.prim {
            Prim::Reduce(reduce) => reduce.op,
            _ => Reduction::Sum,
        };
        if ty.size() > 0 {
            nests.push(constant(identity(op, ty.dtype), ty.dtype, &ty.shape, target(eq.first)));
        }
    }
    nests
}

/// A nest that writes the same number everywhere.
pub fn constant(bits: u64, ty: DType, shape: &Shape, target: Operand) -> Nest {
    let at = Affine { constant: 0, by: smallvec![1] };
    Nest {
        extents: smallvec![shape.size()],
        vector: None,
        body: vec![Inst { op: Op::Const(bits), ty }],
        stores: vec![Store { value: 0, access: access(target, &at), fold: None }],
        flag: None,
    }
}

/// What a fold over nothing gives.
pub fn identity(op: Reduction, ty: DType) -> u64 {
    let low = op == Reduction::Max;
    match (op, ty) {
        (Reduction::Sum, _) => 0,
        (_, DType::F32) => {
            u64::from((if low { f32::NEG_INFINITY } else { f32::INFINITY }).to_bits())
        }
        (_, DType::F64) => (if low { f64::NEG_INFINITY } else { f64::INFINITY }).to_bits(),
        (_, DType::I32) => u64::from((if low { i32::MIN } else { i32::MAX }) as u32),
        (_, DType::I64) => (if low { i64::MIN } else { i64::MAX }) as u64,
        (_, DType::Bool) => u64::from(!low),
    }
}

/// The loops over a domain: one for each axis at first.
struct Loops {
    /// For each axis, its loops from the outermost.
    axes: Vec<Vec<usize>>,
    /// How often each loop runs.
    lengths: Vec<usize>,
    /// Where each loop is cut, in increasing order.
    cuts: Vec<Vec<usize>>,
}

/// A box of iterations.
struct Piece {
    starts: SmallVec<[usize; 6]>,
    extents: SmallVec<[usize; 6]>,
}

impl Loops {
    fn new(shape: &Shape) -> Loops {
        Loops {
            axes: (0..shape.rank()).map(|axis| vec![axis]).collect(),
            lengths: shape.to_vec(),
            cuts: vec![Vec::new(); shape.rank()],
        }
    }

    /// Splits or cuts a loop; false when that cannot be done.
    fn refine(&mut self, obstacle: Obstacle) -> bool {
        match obstacle {
            Obstacle::Split { loop_, inner } => {
                let length = self.lengths[loop_];
                if inner <= 1 || inner >= length || !length.is_multiple_of(inner) {
                    return false;
                }
                let new = self.lengths.len();
                self.lengths[loop_] = length / inner;
                self.lengths.push(inner);
                self.cuts.iter_mut().for_each(Vec::clear);
                self.cuts.push(Vec::new());
                for axis in &mut self.axes {
                    if let Some(at) = axis.iter().position(|&l| l == loop_) {
                        axis.insert(at + 1, new);
                    }
                }
                // A bit of a mask for each loop.
                self.lengths.len() <= 24
            }
            Obstacle::Cut { loop_, at } => {
                let cuts = &mut self.cuts[loop_];
                if at == 0 || at >= self.lengths[loop_] || cuts.contains(&at) {
                    return false;
                }
                cuts.push(at);
                cuts.sort_unstable();
                self.cuts.iter().map(|c| c.len() + 1).product::<usize>() <= PIECES
            }
            Obstacle::Store => false,
        }
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = vec![Piece { starts: smallvec![], extents: smallvec![] }];
        for (l, &length) in self.lengths.iter().enumerate() {
            let mut more = Vec::with_capacity(pieces.len() * (self.cuts[l].len() + 1));
            for piece in &pieces {
                let mut start = 0;
                for &end in self.cuts[l].iter().chain([&length]) {
                    let (mut starts, mut extents) = (piece.starts.clone(), piece.extents.clone());
                    starts.push(start);
                    extents.push(end - start);
                    more.push(Piece { starts, extents });
                    start = end;
                }
            }
            pieces = more;
        }
        pieces
    }

    /// The index along each axis in a piece.
    fn index(&self, piece: &Piece) -> Index {
        let n = self.lengths.len();
        let of_axis = |loops: &Vec<usize>| {
            let mut weight = 1;
            let mut index = Affine::constant(0, n);
            for &l in loops.iter().rev() {
                let own = Affine::of_loop(l, piece.starts[l], n).times(weight);
                index = index.add(&own);
                weight *= self.lengths[l] as isize;
            }
            index
        };
        self.axes.iter().map(of_axis).collect()
    }

    /// The loops of the axes that are not among `kept`.
    fn along(&self, kept: &[usize]) -> u32 {
        let folded = (0..self.axes.len()).filter(|axis| !kept.contains(axis));
        folded.flat_map(|axis| &self.axes[axis]).fold(0, |mask, &l| mask | 1 << l)
    }
}

/// A nest that copies a buffer to another of the same type.
pub fn copy(from: Storage, to: Storage, memory: &Memory) -> Nest {
    copy_to(from, to, 0, memory)
}

/// A nest that copies a buffer to elements of another from `start` on.
pub fn copy_to(from: Storage, to: Storage, start: isize, memory: &Memory) -> Nest {
    let ty = memory.ty(from);
    let at = |operand, offset| Access { operand, offset, strides: smallvec![1] };
    copy_between(ty.dtype, &ty.shape, at(from, 0), at(to, start))
}

/// A nest that copies elements, in this order, from one place to another.
pub fn copy_between(ty: DType, shape: &Shape, from: Access, to: Access) -> Nest {
    order(Nest {
        extents: shape.iter().copied().collect(),
        vector: None,
        body: vec![Inst { op: Op::Load(from), ty }],
        stores: vec![Store { value: 0, access: to, fold: None }],
        flag: None,
    })
}

/// The parts that make up the result of an equation, and whether it is filled with zeros first; it lies
/// with these strides, if they are not those of its shape.
pub fn parts_of(
    program: &Program,
    eq: &Equation,
    strides: Option<&SmallVec<[usize; 4]>>,
) -> Vec<(Root, bool)> {
    let strides = strides.cloned().unwrap_or_else(|| program.ty(eq.first).shape.strides());
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
