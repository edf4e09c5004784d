//! On which elements of its linear arguments each element of a primitive's result depends.
//!
//! One line for each primitive that is linear in something. The others never meet a direction, so
//! nothing is asked of them. What only moves elements is run on the numbers of the elements.

use super::rows::Sets;
use crate::error::Result;
use crate::primitive::binary::Binary;
use crate::primitive::{Conv, Dot, Gather, Prim, Primitive, Reduction, Running};
use crate::tensor::{Tensor, for_each_index};
use crate::types::{DType, Shape, Type};

/// No element, no set.
pub const NONE: u32 = u32::MAX;

/// How a result depends on an argument.
pub enum Dependence {
    /// Each element on the element in the same position.
    Same,
    /// Element `e` on element `from[e]`, or on none.
    From(Vec<u32>),
    /// Element `to[e]` on element `e`, and on no other of this argument.
    To(Vec<u32>),
    /// Element `e` on all elements of the set `which[e]`.
    Sets { which: Vec<u32>, sets: Sets },
    /// Each element on all elements.
    All,
}

/// An argument of an equation.
pub struct Argument<'a> {
    pub ty: &'a Type,
    /// Its value, where it is known before the program runs.
    pub constant: Option<&'a Tensor>,
}

/// How each result of `prim` depends on its argument `of`, in which it is linear.
pub fn dependence(prim: &Prim, args: &[Argument], of: usize) -> Result<Dependence> {
    let shape = &args[of].ty.shape;
    Ok(match prim {
        // Element by element. A coefficient that is known to be zero ends the dependence.
        Prim::Unary(_) | Prim::Cast(_) | Prim::Reshape(_) | Prim::IntegerPower(_) => {
            Dependence::Same
        }
        Prim::Binary(Binary::Mul) => where_not_zero(&args[1 - of]),
        Prim::Binary(_) => Dependence::Same,
        Prim::Scale(_) => where_not_zero(&args[0]),
        Prim::Select(_) => match args[0].constant {
            Some(_) => moved(prim, args, of)?,
            None => Dependence::Same,
        },

        // Elements in other places.
        Prim::Broadcast(_) | Prim::Transpose(_) | Prim::Slice(_) | Prim::Pad(_) | Prim::Flip(_) => {
            moved(prim, args, of)?
        }
        Prim::Concat(concat) => concatenated(concat.axis, args, of),
        Prim::Gather(gather) => match args[1].constant {
            Some(_) => moved(prim, args, of)?,
            None => {
                // Which element of the axis is taken is not known: any of them.
                let taken = gather.shape(shape, &args[1].ty.shape)?;
                let index_axes = args[1].ty.shape.rank() - gather.batch;
                let axes = |i: &[usize]| {
                    let (before, rest) = i.split_at(gather.axis);
                    [before, &rest[index_axes..]].concat()
                };
                lines(shape, gather.axis, &taken, axes)
            }
        },
        Prim::ScatterAdd(scatter) => scattered(args, of, scatter.axis, scatter.batch)?,
        Prim::ScatterSet(scatter) => match args[1].constant {
            Some(_) => moved(prim, args, of)?,
            None => scattered(args, of, scatter.axis, scatter.batch)?,
        },

        // Sums.
        Prim::Reduce(reduce) => match reduce.op {
            Reduction::Sum => {
                let (groups, count) = groups(shape, &reduce.axes);
                grouped(&groups, count)
            }
            Reduction::Max | Reduction::Min => Dependence::All,
        },
        Prim::Cumulative(cumulative) => match cumulative.op {
            Running::Sum => running(shape, cumulative.axis, cumulative.reverse)?,
            Running::Product | Running::Max | Running::LogSumExp => Dependence::All,
        },
        Prim::Recurrence(recurrence) => running(shape, recurrence.axis, recurrence.reverse)?,
        Prim::Dot(dot) => product(dot, args, of)?,
        Prim::Conv(conv) => convolution(conv, args, of)?,

        // A column of the right-hand side moves that column of the solution.
        Prim::Solve(_) | Prim::TriangularSolve(_) => {
            let row_axis = shape.rank() - 2;
            lines(shape, row_axis, shape, |i| [&i[..row_axis], &i[row_axis + 1..]].concat())
        }
        Prim::CofactorTangent(_) => stretches(shape, 2, shape, 2),
        Prim::Fft(_) => stretches(shape, 2, shape, 2),
        Prim::Rfft(_) => {
            let (n, rest) = shape.split_last().map_or((1, &[][..]), |(&n, rest)| (n, rest));
            let out: Shape = rest.iter().copied().chain([n / 2 + 1, 2]).collect();
            stretches(shape, 1, &out, 2)
        }
        Prim::Irfft(irfft) => {
            let out: Shape = shape[..shape.rank() - 2].iter().copied().chain([irfft.n]).collect();
            stretches(shape, 2, &out, 1)
        }

        // Followed through their bodies, in `flow.rs`.
        Prim::Cond(_)
        | Prim::Scan(_)
        | Prim::LinearWhile(_)
        | Prim::Checkpoint(_)
        | Prim::CustomBackward(_) => Dependence::All,

        // A solution depends on the whole right side.
        Prim::LinearSolve(_) => Dependence::All,

        // Linear in nothing.
        Prim::Constant(_)
        | Prim::Iota(_)
        | Prim::Polygamma(_)
        | Prim::Sinc(_)
        | Prim::Compare(_)
        | Prim::Logical(_)
        | Prim::StopGradient(_)
        | Prim::ScatterExtreme(_)
        | Prim::Argsort(_)
        | Prim::Inverse(_)
        | Prim::Det(_)
        | Prim::Cofactor(_)
        | Prim::SLogDet(_)
        | Prim::Cholesky(_)
        | Prim::Lu(_)
        | Prim::Qr(_)
        | Prim::Eigh(_)
        | Prim::Svd(_)
        | Prim::Pinv(_)
        | Prim::While(_)
        | Prim::CustomJvp(_)
        | Prim::CustomVjp(_)
        | Prim::Barrier(_)
        | Prim::RandomBits(_)
        | Prim::FoldIn(_)
        | Prim::Permutation(_) => Dependence::All,
    })
}

/// Whether the dependence is more exact when the arguments beside the linear one are known.
pub fn asks_for_constants(prim: &Prim) -> bool {
    matches!(
        prim,
        Prim::Binary(_)
            | Prim::Scale(_)
            | Prim::Select(_)
            | Prim::Gather(_)
            | Prim::ScatterAdd(_)
            | Prim::ScatterSet(_)
            | Prim::Dot(_)
            | Prim::Conv(_)
            | Prim::Cond(_)
            | Prim::Scan(_)
            | Prim::LinearWhile(_)
            | Prim::Checkpoint(_)
            | Prim::CustomBackward(_)
    )
}

/// Element by element, but for those whose coefficient is known to be zero.
fn where_not_zero(coefficient: &Argument) -> Dependence {
    match coefficient.constant.map(Tensor::to_f64) {
        Some(values) if values.contains(&0.0) => Dependence::From(
            values
                .iter()
                .enumerate()
                .map(|(e, &c)| if c == 0.0 { NONE } else { e as u32 })
                .collect(),
        ),
        _ => Dependence::Same,
    }
}

/// What a primitive that only moves elements does to argument `of`: run on the numbers of its elements,
/// counted from 1, and zeros for the other linear arguments, it shows where each comes from.
fn moved(prim: &Prim, args: &[Argument], of: usize) -> Result<Dependence> {
    let numbers = |(i, arg): (usize, &Argument)| match arg.constant {
        Some(known) if i != of && !arg.ty.dtype.is_float() => Ok(known.clone()),
        _ if i == of => {
            Tensor::new((1..=arg.ty.size() as i64).collect::<Vec<i64>>(), arg.ty.shape.clone())
        }
        _ => Ok(Tensor::zeros(&arg.ty.with_dtype(DType::I64))),
    };
    let args = args.iter().enumerate().map(numbers).collect::<Result<Vec<Tensor>>>()?;
    let results = prim.eval(&args.iter().collect::<Vec<_>>())?;
    let from = results[0].as_slice::<i64>()?;
    Ok(Dependence::From(from.iter().map(|&e| if e == 0 { NONE } else { e as u32 - 1 }).collect()))
}

/// The places of argument `of` in a concatenation.
fn concatenated(axis: usize, args: &[Argument], of: usize) -> Dependence {
    let length = |arg: &Argument| arg.ty.shape[axis];
    let before: usize = args[..of].iter().map(length).sum();
    let all: usize = args.iter().map(length).sum();
    let shape = &args[of].ty.shape;
    let inner: usize = shape[axis + 1..].iter().product();
    let own = (shape[axis] * inner).max(1);
    let place = |e: usize| (e / own) * all * inner + before * inner + e % own;
    Dependence::To((0..shape.size()).map(|e| place(e) as u32).collect())
}

/// `x` with updates at indices, or with updates added.
fn scattered(args: &[Argument], of: usize, axis: usize, batch: usize) -> Result<Dependence> {
    let (shape, index) = (&args[0].ty.shape, &args[1].ty.shape);
    if of == 0 {
        return Ok(Dependence::Same);
    }
    let gather = Gather { axis, batch };
    if let Some(indices) = args[1].constant {
        let mut group = vec![NONE; args[2].ty.size()];
        gather.visit(shape, indices, |update, to| group[update] = to as u32)?;
        return Ok(grouped(&group, shape.size()));
    }
    // Any update of the same line can be added.
    let index_axes: Vec<usize> = (axis..axis + index.rank() - batch).collect();
    let (groups, count) = groups(&args[2].ty.shape, &index_axes);
    let (lines_of, _) = self::groups(shape, &[axis]);
    Ok(Dependence::Sets { which: lines_of, sets: Sets::of_groups(&groups, count) })
}

/// Element `g` depends on all elements of group `g`.
pub fn grouped(group: &[u32], groups: usize) -> Dependence {
    Dependence::Sets { which: (0..groups as u32).collect(), sets: Sets::of_groups(group, groups) }
}

/// The number of each element's group, where a group are the elements that differ in `axes` alone, and
/// how many groups there are. Groups are numbered in the order of the other axes.
fn groups(shape: &Shape, axes: &[usize]) -> (Vec<u32>, usize) {
    let kept: Vec<usize> = (0..shape.rank()).filter(|a| !axes.contains(a)).collect();
    let lengths: Shape = kept.iter().map(|&a| shape[a]).collect();
    let strides = lengths.strides();
    let mut group = Vec::with_capacity(shape.size());
    for_each_index(shape, |i| {
        let number: usize = kept.iter().zip(&strides).map(|(&a, stride)| i[a] * stride).sum();
        group.push(number as u32);
    });
    (group, lengths.size())
}

/// Each element of the result depends on a whole line of the argument along `axis`; `line` says by the
/// index in the result which, as the index in the other axes.
fn lines(
    shape: &Shape,
    axis: usize,
    out: &Shape,
    line: impl Fn(&[usize]) -> Vec<usize>,
) -> Dependence {
    let (groups, count) = groups(shape, &[axis]);
    let others: Shape = (0..shape.rank()).filter(|&a| a != axis).map(|a| shape[a]).collect();
    let strides = others.strides();
    let mut which = Vec::with_capacity(out.size());
    for_each_index(out, |i| {
        let number: usize = line(i).iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        which.push(number as u32);
    });
    Dependence::Sets { which, sets: Sets::of_groups(&groups, count) }
}

/// Stretches of the last axes of both, one after another: each element depends on its whole stretch.
fn stretches(shape: &Shape, axes: usize, out: &Shape, out_axes: usize) -> Dependence {
    let length = |shape: &Shape, axes: usize| -> usize {
        shape[shape.rank().saturating_sub(axes)..].iter().product()
    };
    let (from, to) = (length(shape, axes).max(1), length(out, out_axes).max(1));
    let group: Vec<u32> = (0..shape.size()).map(|e| (e / from) as u32).collect();
    Dependence::Sets {
        which: (0..out.size()).map(|e| (e / to) as u32).collect(),
        sets: Sets::of_groups(&group, shape.size() / from),
    }
}

/// The longest line whose running sums are told apart: n lines of sets take n²/2 places.
const LONGEST_RUN: usize = 1024;

/// Each element depends on those before it along the axis, and itself. In a long line each is said to
/// depend on the whole line.
fn running(shape: &Shape, axis: usize, reverse: bool) -> Result<Dependence> {
    if shape[axis] > LONGEST_RUN {
        return Ok(lines(shape, axis, shape, |i| [&i[..axis], &i[axis + 1..]].concat()));
    }
    let stride = shape.strides()[axis];
    let mut sets = Sets::new();
    let mut which = Vec::with_capacity(shape.size());
    let mut result = Ok(());
    let mut element = 0;
    for_each_index(shape, |i| {
        let first = element - i[axis] * stride;
        let range = if reverse { i[axis]..shape[axis] } else { 0..i[axis] + 1 };
        match sets.push(range.map(|k| (first + k * stride) as u32)) {
            Ok(set) => which.push(set),
            Err(error) => result = Err(error),
        }
        element += 1;
    });
    result.map(|()| Dependence::Sets { which, sets })
}

/// A product with an argument that is known or not. Each result depends on the elements that are summed
/// over, but for those that meet a coefficient known to be zero.
fn product(dot: &Dot, args: &[Argument], of: usize) -> Result<Dependence> {
    let shapes = [&args[0].ty.shape, &args[1].ty.shape];
    let roles = [dot.lhs(shapes[0].rank()), dot.rhs(shapes[1].rank())];
    let (own, other) = (&roles[of], &roles[1 - of]);
    let (b, m) = (own.batch.len(), roles[0].free.len());
    let out: Shape = [(0, &roles[0].batch), (0, &roles[0].free), (1, &roles[1].free)]
        .iter()
        .flat_map(|(side, axes)| axes.iter().map(|&a| shapes[*side][a]))
        .collect();
    // Position in an argument from the index in the result and over the summed axes.
    let strides = [shapes[0].strides(), shapes[1].strides()];
    let start = |side: usize, i: &[usize]| -> usize {
        let first_free = if side == 0 { b } else { b + m };
        let batch = roles[side].batch.iter().zip(i).map(|(&a, i)| strides[side][a] * i);
        let free = roles[side].free.iter().zip(&i[first_free..]);
        batch.chain(free.map(|(&a, i)| strides[side][a] * i)).sum()
    };
    let summed: Shape = own.contract.iter().map(|&a| shapes[of][a]).collect();
    let mut steps: Vec<[usize; 2]> = Vec::with_capacity(summed.size());
    for_each_index(&summed, |k| {
        let along = |side: usize, axes: &[usize]| -> usize {
            axes.iter().zip(k).map(|(&a, k)| strides[side][a] * k).sum()
        };
        steps.push([along(of, &own.contract), along(1 - of, &other.contract)]);
    });
    match args[1 - of].constant.map(Tensor::to_f64) {
        Some(values) if values.contains(&0.0) => {
            let mut sets = Sets::new();
            let mut result = Ok(());
            for_each_index(&out, |i| {
                let (mine, theirs) = (start(of, i), start(1 - of, i));
                let met = steps.iter().filter(|step| values[theirs + step[1]] != 0.0);
                let mut set: Vec<u32> = met.map(|step| (mine + step[0]) as u32).collect();
                set.sort_unstable();
                if let Err(error) = sets.push(set) {
                    result = Err(error);
                }
            });
            result.map(|()| Dependence::Sets { which: (0..out.size() as u32).collect(), sets })
        }
        _ => {
            // The same set for all that share the position in this argument.
            let (groups, count) = groups(shapes[of], &own.contract);
            let mut which = Vec::with_capacity(out.size());
            for_each_index(&out, |i| which.push(groups.get(start(of, i)).copied().unwrap_or(NONE)));
            Ok(Dependence::Sets { which, sets: Sets::of_groups(&groups, count) })
        }
    }
}

/// A convolution: each result depends on the elements of its terms, but for those that meet a coefficient
/// known to be zero.
fn convolution(conv: &Conv, args: &[Argument], of: usize) -> Result<Dependence> {
    let known = args[1 - of].constant.map(Tensor::to_f64);
    let mut sets = Sets::new();
    let (mut set, mut current, mut result) = (Vec::<u32>::new(), 0, Ok(()));
    let mut push = |set: &mut Vec<u32>| {
        set.sort_unstable();
        if let Err(error) = sets.push(set.drain(..)) {
            result = Err(error);
        }
    };
    let z = conv.infer(&[args[0].ty.clone(), args[1].ty.clone()])?[0].size();
    conv.terms(&args[0].ty.shape, &args[1].ty.shape, |z, x, k| {
        (current..z).for_each(|_| push(&mut set));
        current = z;
        let (mine, theirs) = if of == 0 { (x, k) } else { (k, x) };
        if known.as_ref().is_none_or(|values| values[theirs] != 0.0) {
            set.push(mine as u32);
        }
    });
    (current..z).for_each(|_| push(&mut set));
    result.map(|()| Dependence::Sets { which: (0..z as u32).collect(), sets })
}
