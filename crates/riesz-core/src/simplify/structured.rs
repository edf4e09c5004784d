//! Rules for identity and diagonal matrices: the seeds of Jacobians and Hessians are never multiplied.
//!
//! A Jacobian is a linear map applied to all unit directions at once, so its program begins with an
//! identity matrix; what elementwise operations make of it is diagonal. A product with such a matrix
//! scales rows, and a sum over it picks its diagonal.
//!
//! A matrix D is recognised as δ(i, j + shift)·r(i)·c(j): an identity, or a slice of one, times factors
//! that depend on one axis.

use super::Class::Stable;
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::compare::Compare;
use crate::primitive::{Binary, Broadcast, Pad, Prim, Reduction, Slice, Transpose, Unary};
use crate::program::Value;
use crate::tensor::Tensor;
use crate::types::{DType, Shape};
use smallvec::SmallVec;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "dot_with_diagonal",
        class: Stable,
        says: "diag(v)*B -> v.*B, row by row",
        apply: dot_with_diagonal,
    },
    Rule {
        name: "sum_of_diagonal",
        class: Stable,
        says: "sums over the rows or columns of diag(v) -> v",
        apply: sum_of_diagonal,
    },
    Rule {
        name: "dot_with_number",
        class: Stable,
        says: "dot(c, x) of a number c -> c*x",
        apply: dot_with_number,
    },
];

/// How many operations deep a diagonal matrix is looked for.
const DEPTH: usize = 8;

/// δ(i, j + shift)·Π factors, for row i and column j.
struct Diagonal {
    shift: usize,
    /// Rows and columns.
    shape: [usize; 2],
    factors: SmallVec<[Factor; 4]>,
}

/// A factor of the elements on the diagonal.
#[derive(Clone)]
enum Factor {
    Minus,
    /// Times a number.
    Times(Value),
    /// Over a number.
    Over(Value),
    /// Times a vector along axis 0 or 1.
    TimesAlong(Value, usize),
    /// Over a vector along axis 0 or 1.
    OverAlong(Value, usize),
    /// Times these numbers, one for each element on the diagonal.
    Numbers(Tensor),
}

/// The structure of a matrix, if it is diagonal.
fn diagonal(rw: &Rewriter<'_>, v: Value, depth: usize) -> Option<Diagonal> {
    let shape = <[usize; 2]>::try_from(&rw.ty(v).shape[..]).ok()?;
    if depth == 0 || !rw.ty(v).dtype.is_float() {
        return None;
    }
    let plain = |shift| Some(Diagonal { shift, shape, factors: SmallVec::new() });
    let with = |inner: Value, factor: Option<Factor>| {
        let mut d = diagonal(rw, inner, depth - 1)?;
        d.factors.push(factor?);
        Some(d)
    };
    match rw.def(v)? {
        (Prim::Constant(c), _) => {
            let factor = numbers(&c.0, shape)?;
            Some(Diagonal { shift: 0, shape, factors: factor.into_iter().collect() })
        }
        (Prim::Cast(_), &[mask]) => {
            let (Prim::Compare(Compare::Eq), &[a, b]) = rw.def(mask)? else { return None };
            let axis = |v: Value| match rw.def(v)?.0 {
                Prim::Iota(iota) => Some(iota.axis),
                _ => None,
            };
            (axis(a)? != axis(b)?).then(|| plain(0)).flatten()
        }
        // Rows start.. of an identity would begin left of the diagonal; columns shift it.
        (Prim::Slice(Slice { start, stride, limit }), &[x]) if stride.iter().all(|&s| s == 1) => {
            let inner = diagonal(rw, x, depth - 1)?;
            let whole = start[0] == 0 && limit[0] == inner.shape[0];
            (whole && inner.factors.is_empty()).then(|| plain(inner.shift + start[1])).flatten()
        }
        (Prim::Transpose(Transpose { .. }), &[x]) => {
            let inner = diagonal(rw, x, depth - 1)?;
            if inner.shift != 0 {
                return None;
            }
            let turned = |f: &Factor| match *f {
                Factor::TimesAlong(v, axis) => Factor::TimesAlong(v, 1 - axis),
                Factor::OverAlong(v, axis) => Factor::OverAlong(v, 1 - axis),
                ref other => other.clone(),
            };
            Some(Diagonal { shift: 0, shape, factors: inner.factors.iter().map(turned).collect() })
        }
        // The diagonal of a row-major matrix is every (n+1)-th element.
        (Prim::Reshape(_), &[x]) => {
            let (Prim::Pad(Pad { low, interior, .. }), &[d]) = rw.def(x)? else { return None };
            let (&[length], [m, n]) = (&rw.ty(d).shape[..], shape) else { return None };
            if low[..] != [0] || interior[..] != [n] || length != m.min(n) {
                return None;
            }
            let factor = match rw.is_broadcast(d) {
                Some((number, _)) if rw.ty(number).shape.rank() == 0 => Factor::Times(number),
                _ => Factor::TimesAlong(d, usize::from(length < m)),
            };
            Some(Diagonal { shift: 0, shape, factors: [factor].into_iter().collect() })
        }
        (Prim::Unary(Unary::Neg), &[x]) => with(x, Some(Factor::Minus)),
        (Prim::Binary(Binary::Mul), &[a, b]) => {
            with(a, factor(rw, b, false)).or_else(|| with(b, factor(rw, a, false)))
        }
        (Prim::Binary(Binary::Div), &[a, b]) => with(a, factor(rw, b, true)),
        (Prim::Scale(_), &[c, t]) => with(t, factor(rw, c, false)),
        _ => None,
    }
}

/// A matrix that repeats a number or a vector.
fn factor(rw: &Rewriter<'_>, v: Value, over: bool) -> Option<Factor> {
    let (x, Broadcast { axes, .. }) = rw.is_broadcast(v)?;
    match (axes.as_slice(), over) {
        ([], false) => Some(Factor::Times(x)),
        ([], true) => Some(Factor::Over(x)),
        (&[axis], false) => Some(Factor::TimesAlong(x, axis)),
        (&[axis], true) => Some(Factor::OverAlong(x, axis)),
        _ => None,
    }
}

/// The factor of a constant matrix: none for an identity; nothing if it is not diagonal.
fn numbers(matrix: &Tensor, [m, n]: [usize; 2]) -> Option<Option<Factor>> {
    let values = matrix.to_f64();
    let is_zero = |(i, &v): (usize, &f64)| i / n == i % n || v == 0.0;
    if m < 2 || n < 2 || !values.iter().enumerate().all(is_zero) {
        return None;
    }
    let diagonal: Vec<f64> = (0..m.min(n)).map(|i| values[i * n + i]).collect();
    if diagonal.iter().all(|&v| v == 1.0) {
        return Some(None);
    }
    let length = diagonal.len();
    Tensor::from_f64(&diagonal, [length], matrix.dtype()).ok().map(|d| Some(Factor::Numbers(d)))
}

impl Diagonal {
    /// How many elements lie on the diagonal.
    fn length(&self) -> usize {
        let [m, n] = self.shape;
        n.min(m.saturating_sub(self.shift))
    }

    /// Applies the factors to `x`, whose axis `axis` runs along the diagonal.
    fn scale(&self, rw: &mut Rewriter<'_>, mut x: Value, axis: usize) -> Option<Value> {
        let shape = rw.shape(x);
        for factor in &self.factors {
            x = match *factor {
                Factor::Minus => rw.unary(Unary::Neg, x)?,
                Factor::Times(c) => {
                    let c = rw.spread(c, &shape)?;
                    rw.binary(Binary::Mul, c, x)?
                }
                Factor::Over(c) => {
                    let c = rw.spread(c, &shape)?;
                    rw.binary(Binary::Div, x, c)?
                }
                Factor::TimesAlong(v, of) => {
                    let v = self.along(rw, v, of, axis, &shape)?;
                    rw.binary(Binary::Mul, v, x)?
                }
                Factor::OverAlong(v, of) => {
                    let v = self.along(rw, v, of, axis, &shape)?;
                    rw.binary(Binary::Div, x, v)?
                }
                Factor::Numbers(ref numbers) => {
                    let v = rw.constant(numbers.clone())?;
                    let v = rw.make(Broadcast { shape: shape.clone(), axes: vec![axis] }, &[v])?;
                    rw.binary(Binary::Mul, v, x)?
                }
            };
        }
        Some(x)
    }

    /// The part of a factor that meets the diagonal, repeated to `shape` along all axes but `axis`.
    fn along(
        &self,
        rw: &mut Rewriter<'_>,
        v: Value,
        of: usize,
        axis: usize,
        shape: &Shape,
    ) -> Option<Value> {
        let start = if of == 0 { self.shift } else { 0 };
        let part = cut(rw, v, 0, start, self.length())?;
        rw.make(Broadcast { shape: shape.clone(), axes: vec![axis] }, &[part])
    }

    /// Puts `x`, whose axis `axis` runs along the diagonal, where the rows (or the columns) of the
    /// matrix are that the diagonal meets.
    fn place(&self, rw: &mut Rewriter<'_>, x: Value, axis: usize, rows: bool) -> Option<Value> {
        let length = self.shape[usize::from(!rows)];
        let start = if rows { self.shift } else { 0 };
        let rank = rw.shape(x).rank();
        let (mut low, mut high) = (vec![0; rank], vec![0; rank]);
        low[axis] = start as i64;
        high[axis] = (length - start - self.length()) as i64;
        if low[axis] == 0 && high[axis] == 0 {
            return Some(x);
        }
        rw.make(Pad { low, high, interior: vec![0; rank] }, &[x])
    }
}

/// The elements `start..start + length` along an axis.
fn cut(rw: &mut Rewriter<'_>, x: Value, axis: usize, start: usize, length: usize) -> Option<Value> {
    let shape = rw.shape(x);
    if start == 0 && length == shape[axis] {
        return Some(x);
    }
    let mut slice = Slice {
        start: vec![0; shape.rank()],
        limit: shape.to_vec(),
        stride: vec![1; shape.rank()],
    };
    (slice.start[axis], slice.limit[axis]) = (start, start + length);
    rw.make(slice, &[x])
}

/// (D·B)ᵢ… = r(i)·c(j)·Bⱼ… with j = i − shift; (A·D)…ⱼ likewise.
fn dot_with_diagonal(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Dot(dot), &[a, b]) = (s.prim, s.x) else { return None };
    let &[(p, q)] = dot.contract.as_slice() else { return None };
    if !dot.batch.is_empty() {
        return None;
    }
    let (d, other, along, summed, first) = match diagonal(rw, a, DEPTH) {
        Some(d) => (d, b, q, p, true),
        None => (diagonal(rw, b, DEPTH)?, a, p, q, false),
    };
    let rank = rw.shape(other).rank();
    // The summed axis of the other operand, cut to what meets the diagonal, comes to the front or to
    // the end, where the free axis of the diagonal matrix stands in the result.
    let (start, rows) = if summed == 0 { (d.shift, false) } else { (0, true) };
    let part = cut(rw, other, along, start, d.length())?;
    let mut order: Vec<usize> = (0..rank).filter(|&axis| axis != along).collect();
    let axis = if first { 0 } else { rank - 1 };
    order.insert(axis, along);
    let moved = if order.is_sorted() { part } else { rw.make(Transpose { order }, &[part])? };
    let scaled = d.scale(rw, moved, axis)?;
    d.place(rw, scaled, axis, rows)
}

fn sum_of_diagonal(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Reduce(reduce), &[x]) = (s.prim, s.x) else { return None };
    let &[summed] = reduce.axes.as_slice() else { return None };
    if reduce.op != Reduction::Sum || rw.ty(x).dtype == DType::Bool {
        return None;
    }
    let d = diagonal(rw, x, DEPTH)?;
    let ty = rw.ty(x).with_shape([d.length()]);
    let ones = rw.full(&ty, 1.0)?;
    let scaled = d.scale(rw, ones, 0)?;
    d.place(rw, scaled, 0, summed == 1)
}

fn dot_with_number(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (Prim::Dot(_), &[a, b]) = (s.prim, s.x) else { return None };
    let (c, x) = match (rw.shape(a).rank(), rw.shape(b).rank()) {
        (0, _) => (a, b),
        (_, 0) => (b, a),
        _ => return None,
    };
    let c = rw.spread(c, &s.ty.shape)?;
    rw.binary(Binary::Mul, c, x)
}
