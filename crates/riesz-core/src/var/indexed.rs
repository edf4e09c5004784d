//! Writing by position, and parts whose position is a value.

use super::Operand;
use super::check::{composed, expect};
use crate::error::{Error, Result};
use crate::primitive::gather::expect_indices;
use crate::primitive::support::{expect_axis, expect_number};
use crate::primitive::{Gather, Recurrence, ScatterAdd, ScatterExtreme, ScatterSet};
use crate::trace::{Var, apply1};
use crate::types::{DType, Shape, Type};

/// Writing at the parts of an axis that `indices` name. `updates` has the shape of what
/// [`Var::take`] would give, or broadcasts to it. An index out of range is an error when it runs.
impl Var {
    /// This value with those parts replaced; where an index is repeated the last update stands, and
    /// only it has a derivative.
    #[track_caller]
    pub fn scatter_set(self, indices: Var, updates: impl Operand, axis: usize) -> Var {
        let updates = updates.beside(self);
        composed("scatter_set", &[self, indices, updates], || {
            let updates = self.as_updates(indices, updates, axis)?;
            Ok(apply1(ScatterSet { axis, batch: 0 }, &[self, indices, updates]))
        })
    }

    /// The largest of those parts and their updates; where several attain it, each has an equal
    /// share of the derivative.
    #[track_caller]
    pub fn scatter_max(self, indices: Var, updates: impl Operand, axis: usize) -> Var {
        self.scatter_extreme("scatter_max", true, indices, updates.beside(self), axis)
    }

    /// The smallest of those parts and their updates; where several attain it, each has an equal
    /// share of the derivative.
    #[track_caller]
    pub fn scatter_min(self, indices: Var, updates: impl Operand, axis: usize) -> Var {
        self.scatter_extreme("scatter_min", false, indices, updates.beside(self), axis)
    }

    #[track_caller]
    fn scatter_extreme(self, name: &str, largest: bool, at: Var, updates: Var, axis: usize) -> Var {
        composed(name, &[self, at, updates], || {
            let updates = self.as_updates(at, updates, axis)?;
            Ok(apply1(ScatterExtreme { largest, axis, batch: 0 }, &[self, at, updates]))
        })
    }

    /// Those parts times their updates; repeated indices multiply. Derivatives of every
    /// order are right where factors are zero: equal indices are brought together by sorting and
    /// multiplied by a recurrence that starts again at each new index.
    #[track_caller]
    pub fn scatter_mul(self, indices: Var, updates: impl Operand, axis: usize) -> Var {
        let updates = updates.beside(self);
        composed("scatter_mul", &[self, indices, updates], || {
            expect_number(&self.ty())?;
            let updates = self.as_updates(indices, updates, axis)?;
            let (shape, rank) = (self.shape(), indices.rank());
            let count = indices.shape().size();
            // Updates as a matrix: one row for each index.
            let others = (0..axis).chain(axis + rank..updates.rank());
            let order: Vec<usize> = (axis..axis + rank).chain(others).collect();
            let width = shape.iter().enumerate().filter(|d| d.0 != axis).map(|d| d.1).product();
            let rows = updates.transpose_unless_identity(&order).reshape([count, width]);

            let flat = indices.flatten();
            let order = flat.argsort(0);
            let (at, factor) = (flat.take(order, 0), rows.take(order, 0));
            let first = match count {
                0 => Var::zeros(&Type::new(DType::Bool, [0])),
                n => {
                    let changes = at.slice_axis(0, 1, n).ne(at.slice_axis(0, 0, n - 1));
                    Var::concat(&[Var::constant([true]), changes], 0)
                }
            };
            let first = first.expand_dims(1);
            let repeat = Var::select(first, 0.0, factor);
            let start = Var::select(first, factor, 0.0);
            let product = apply1(Recurrence { axis: 0, reverse: false }, &[repeat, start]);
            // The last of equal indices has seen them all, and is the one that stands.
            let ones = self.literal(1.0).broadcast_to([shape[axis], width]);
            let by_index = apply1(ScatterSet { axis: 0, batch: 0 }, &[ones, at, product]);
            let moved: Shape = self.move_axis(axis, 0).shape();
            Ok(self * by_index.reshape(moved).move_axis(0, axis))
        })
    }

    /// `updates` in the shape of what the indices name.
    fn as_updates(self, indices: Var, updates: Var, axis: usize) -> Result<Var> {
        expect_indices(&indices.ty())?;
        let taken = Gather { axis, batch: 0 }.shape(&self.shape(), &indices.shape())?;
        if updates.dtype() != self.dtype() {
            return Err(Error::shape(format!(
                "the updates are {}, the values {}",
                updates.dtype(),
                self.dtype()
            ))
            .help("convert one of them with `.cast(…)`"));
        }
        let from = updates.shape();
        expect(super::arithmetic::common_shape(&from, &taken).as_ref() == Some(&taken), || {
            format!("the updates have shape {from}, which does not broadcast to {taken}")
        })?;
        Ok(updates.broadcast_to(taken))
    }

    /// Sums of the parts along the first axis that have the same number in `ids`: part `i` of the
    /// result, of `n`, is the sum of those with number `i`, and zero where there are none.
    #[track_caller]
    pub fn segment_sum(self, ids: Var, n: usize) -> Var {
        composed("segment_sum", &[self, ids], || {
            let (shape, at) = (self.shape(), ids.shape());
            expect(shape.rank() > 0 && at.rank() == 1 && at[0] == shape[0], || {
                format!("needs one number for each of the parts of {shape}, not {at} of them")
            })?;
            expect_indices(&ids.ty())?;
            let sums: Shape = std::iter::once(n).chain(shape[1..].iter().copied()).collect();
            let zeros = Var::zeros(&Type::new(self.dtype(), sums));
            Ok(apply1(ScatterAdd { axis: 0, batch: 0 }, &[zeros, ids, self]))
        })
    }

    /// For each of these whole numbers, `n` elements along a new last axis: 1 at its place, 0
    /// elsewhere.
    #[track_caller]
    pub fn one_hot(self, n: usize, dtype: DType) -> Var {
        composed("one_hot", &[self], || {
            expect(self.dtype().is_int(), || format!("needs whole numbers, not {}", self.ty()))?;
            let shape = self.shape();
            let count = shape.size();
            let zeros = Var::zeros(&Type::new(dtype, [count, n]));
            let ones = zeros.literal(1.0).broadcast_to([count]);
            let put = apply1(ScatterSet { axis: 1, batch: 1 }, &[zeros, self.flatten(), ones]);
            Ok(put.reshape(shape.iter().copied().chain([n]).collect::<Shape>()))
        })
    }
}

/// Parts whose start is a value. A part that does not lie inside is an error when it runs.
impl Var {
    /// The part of `sizes` elements along each axis that begins at `starts`, whole numbers.
    #[track_caller]
    pub fn dynamic_slice(self, starts: &[Var], sizes: &[usize]) -> Var {
        let mut operands = vec![self];
        operands.extend(starts);
        composed("dynamic_slice", &operands, || {
            self.expect_part(starts, sizes)?;
            let mut part = self;
            for (axis, (&start, &size)) in starts.iter().zip(sizes).enumerate() {
                part = part.take(places(start, size), axis);
            }
            Ok(part)
        })
    }

    /// This value with the part that begins at `starts` replaced by `update`.
    #[track_caller]
    pub fn dynamic_update_slice(self, update: Var, starts: &[Var]) -> Var {
        let mut operands = vec![self, update];
        operands.extend(starts);
        composed("dynamic_update_slice", &operands, || {
            let sizes = update.shape();
            self.expect_part(starts, &sizes)?;
            expect(self.dtype() == update.dtype(), || {
                format!("the update is {}, the value {}", update.dtype(), self.dtype())
            })?;
            // Down to the part axis by axis, then each slab put back into the one around it.
            let mut slabs = vec![self];
            let mut indices = Vec::with_capacity(starts.len());
            for (axis, (&start, &size)) in starts.iter().zip(sizes.iter()).enumerate() {
                indices.push(places(start, size));
                if axis + 1 < starts.len() {
                    slabs.push(slabs[axis].take(indices[axis], axis));
                }
            }
            let mut part = update;
            for (axis, (slab, at)) in slabs.into_iter().zip(indices).enumerate().rev() {
                part = apply1(ScatterSet { axis, batch: 0 }, &[slab, at, part]);
            }
            Ok(part)
        })
    }

    fn expect_part(self, starts: &[Var], sizes: &[usize]) -> Result<()> {
        let shape = self.shape();
        expect(starts.len() == shape.rank() && sizes.len() == shape.rank(), || {
            format!(
                "needs a start and a size for each of the {} axes of {shape}, not {} and {}",
                shape.rank(),
                starts.len(),
                sizes.len()
            )
        })?;
        for (axis, (start, &size)) in starts.iter().zip(sizes).enumerate() {
            expect_axis(axis, &shape)?;
            expect(start.rank() == 0 && start.dtype().is_int(), || {
                format!("the start along axis {axis} must be a whole number, not {}", start.ty())
            })?;
            expect(size <= shape[axis], || {
                format!("a part of length {size} does not lie in axis {axis} of shape {shape}")
            })?;
        }
        Ok(())
    }
}

/// `start`, `start` + 1, …: `size` of them.
fn places(start: Var, size: usize) -> Var {
    start + Var::iota(start.dtype(), size)
}
