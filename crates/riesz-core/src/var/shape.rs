//! Other shapes and parts of a value.

use super::check::{composed, expect};
use crate::primitive::support::expect_axis;
use crate::primitive::{
    Compare, Concat, Flip, Gather, Iota, Pad, Reshape, ScatterAdd, Slice, Transpose,
};
use crate::trace::{Var, apply1};
use crate::types::{DType, Shape, Type};

/// Shapes.
impl Var {
    /// The same elements in another shape of the same size.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        if shape == self.shape() { self } else { apply1(Reshape { shape }, &[self]) }
    }

    /// All elements along one axis.
    #[track_caller]
    pub fn flatten(self) -> Var {
        self.reshape([self.shape().size()])
    }

    /// Axis `i` of the result is axis `order[i]` of this value.
    #[track_caller]
    pub fn transpose(self, order: &[usize]) -> Var {
        apply1(Transpose { order: order.to_vec() }, &[self])
    }

    /// The transpose of a matrix, or of each in a stack: the last two axes change places.
    #[track_caller]
    pub fn t(self) -> Var {
        let rank = self.rank();
        if rank < 2 {
            return self;
        }
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(rank - 1, rank - 2);
        self.transpose(&order)
    }

    /// Takes axis `from` out and puts it back as axis `to`.
    #[track_caller]
    pub fn move_axis(self, from: usize, to: usize) -> Var {
        if from == to && from < self.rank() {
            return self;
        }
        composed("move_axis", &[self], || {
            let shape = self.shape();
            expect_axis(from, &shape)?;
            expect_axis(to, &shape)?;
            let mut order: Vec<usize> = (0..shape.rank()).filter(|&a| a != from).collect();
            order.insert(to, from);
            Ok(self.transpose(&order))
        })
    }

    /// A new axis of length 1 before axis `axis`.
    #[track_caller]
    pub fn expand_dims(self, axis: usize) -> Var {
        composed("expand_dims", &[self], || {
            let mut shape = self.shape().to_vec();
            expect(axis <= shape.len(), || {
                format!("axis {axis} cannot be put into {}", self.ty())
            })?;
            shape.insert(axis, 1);
            Ok(self.reshape(shape))
        })
    }

    /// Removes an axis of length 1.
    #[track_caller]
    pub fn squeeze(self, axis: usize) -> Var {
        composed("squeeze", &[self], || {
            let mut shape = self.shape().to_vec();
            expect(shape.get(axis) == Some(&1), || {
                format!("axis {axis} of shape {} is not of length 1", self.shape())
            })?;
            shape.remove(axis);
            Ok(self.reshape(shape))
        })
    }
}

/// Parts, and putting parts together.
impl Var {
    /// The elements `start..limit` of one axis.
    #[track_caller]
    pub fn slice_axis(self, axis: usize, start: usize, limit: usize) -> Var {
        self.slice_step(axis, start, limit, 1)
    }

    /// Every `step`-th of the elements `start..limit` of one axis.
    #[track_caller]
    pub fn slice_step(self, axis: usize, start: usize, limit: usize, step: usize) -> Var {
        composed("slice", &[self], || {
            let shape = self.shape();
            expect_axis(axis, &shape)?;
            let mut slice = Slice {
                start: vec![0; shape.rank()],
                limit: shape.to_vec(),
                stride: vec![1; shape.rank()],
            };
            (slice.start[axis], slice.limit[axis], slice.stride[axis]) = (start, limit, step);
            Ok(apply1(slice, &[self]))
        })
    }

    /// The part at position `i` of the first axis: an element of a vector, a row of a matrix.
    #[track_caller]
    pub fn at(self, i: usize) -> Var {
        composed("at", &[self], || {
            let shape = self.shape();
            expect_axis(0, &shape)?;
            expect(i < shape[0], || {
                format!("there is no position {i} in the first axis of {shape}")
            })?;
            Ok(self.slice_axis(0, i, i + 1).squeeze(0))
        })
    }

    /// Zeros `low` before and `high` after the elements of one axis.
    #[track_caller]
    pub fn pad_axis(self, axis: usize, low: usize, high: usize) -> Var {
        composed("pad", &[self], || {
            let rank = self.rank();
            expect_axis(axis, &self.shape())?;
            let mut pad = Pad { low: vec![0; rank], high: vec![0; rank], interior: vec![0; rank] };
            (pad.low[axis], pad.high[axis]) = (low as i64, high as i64);
            Ok(apply1(pad, &[self]))
        })
    }

    /// Values one after another along an axis.
    #[track_caller]
    pub fn concat(parts: &[Var], axis: usize) -> Var {
        apply1(Concat { axis }, parts)
    }

    /// Values of one shape side by side along a new axis.
    #[track_caller]
    pub fn stack(parts: &[Var], axis: usize) -> Var {
        composed("stack", parts, || {
            let expanded: Vec<Var> = parts.iter().map(|part| part.expand_dims(axis)).collect();
            Ok(Var::concat(&expanded, axis))
        })
    }

    /// The elements of some axes in reverse.
    #[track_caller]
    pub fn flip(self, axes: &[usize]) -> Var {
        apply1(Flip { axes: axes.to_vec() }, &[self])
    }

    /// The parts of an axis that whole numbers name, in their order and shape.
    #[track_caller]
    pub fn take(self, indices: Var, axis: usize) -> Var {
        composed("take", &[self, indices], || {
            Ok(apply1(Gather { axis, batch: 0 }, &[self, indices]))
        })
    }

    /// This value with `updates` added at the parts of an axis that `indices` name.
    #[track_caller]
    pub fn scatter_add(self, indices: Var, updates: Var, axis: usize) -> Var {
        apply1(ScatterAdd { axis, batch: 0 }, &[self, indices, updates])
    }
}

/// Numbers that count.
impl Var {
    /// 0, 1, …, n−1.
    #[track_caller]
    pub fn iota(dtype: DType, n: usize) -> Var {
        apply1(Iota { ty: Type::new(dtype, [n]), axis: 0 }, &[])
    }

    /// The n×n identity matrix.
    #[track_caller]
    pub fn eye(dtype: DType, n: usize) -> Var {
        Var::on_diagonal(Compare::Eq, n, n).cast(dtype)
    }

    /// For each place of an m×n matrix, how its row compares with its column.
    #[track_caller]
    pub(crate) fn on_diagonal(compare: Compare, m: usize, n: usize) -> Var {
        let ty = Type::new(DType::I64, [m, n]);
        let row = apply1(Iota { ty: ty.clone(), axis: 0 }, &[]);
        let column = apply1(Iota { ty, axis: 1 }, &[]);
        apply1(compare, &[row, column])
    }
}
