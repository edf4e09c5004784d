//! Running reductions, sorting, and taking by position.

use super::check::{all_composed, composed, expect};
use crate::error::Result;
use crate::primitive::gather::expect_indices;
use crate::primitive::support::{expect_axis, expect_float, expect_number};
use crate::primitive::{Argsort, Cumulative, Gather, Running};
use crate::trace::{Var, apply1};

/// Each element together with all before it along an axis.
impl Var {
    /// The running sum.
    #[track_caller]
    pub fn cumsum(self, axis: usize) -> Var {
        apply1(Cumulative { op: Running::Sum, axis, reverse: false }, &[self])
    }

    /// The running product; derivatives of every order are right where elements are zero.
    #[track_caller]
    pub fn cumprod(self, axis: usize) -> Var {
        apply1(Cumulative { op: Running::Product, axis, reverse: false }, &[self])
    }

    /// The largest so far; where several attain it, each has an equal share of the derivative. NaN
    /// from the first NaN on.
    #[track_caller]
    pub fn cummax(self, axis: usize) -> Var {
        apply1(Cumulative { op: Running::Max, axis, reverse: false }, &[self])
    }

    /// The smallest so far; where several attain it, each has an equal share of the derivative. NaN
    /// from the first NaN on.
    #[track_caller]
    pub fn cummin(self, axis: usize) -> Var {
        composed("cummin", &[self], || {
            expect_axis(axis, &self.shape())?;
            expect_number(&self.ty())?;
            // −1 − x turns whole numbers around without overflow at the smallest.
            let turned = |x: Var| if x.dtype().is_int() { -1 - x } else { -x };
            Ok(turned(turned(self).cummax(axis)))
        })
    }

    /// The running log Σ exp, without overflow.
    #[track_caller]
    pub fn cumlogsumexp(self, axis: usize) -> Var {
        composed("cumlogsumexp", &[self], || {
            expect_axis(axis, &self.shape())?;
            expect_float(&self.ty())?;
            Ok(apply1(Cumulative { op: Running::LogSumExp, axis, reverse: false }, &[self]))
        })
    }
}

/// Order.
impl Var {
    /// The elements along an axis from the smallest to the largest, NaN last. Stable: the derivative
    /// of equal elements stays with each.
    #[track_caller]
    pub fn sort(self, axis: usize) -> Var {
        composed("sort", &[self], || {
            expect_axis(axis, &self.shape())?;
            self.along(self.argsort(axis), axis)
        })
    }

    /// The indices (i64) that [`Var::sort`] takes.
    #[track_caller]
    pub fn argsort(self, axis: usize) -> Var {
        apply1(Argsort { axis, descending: false }, &[self])
    }

    /// The `k` largest elements along an axis, from the largest down, and their indices (i64). Of
    /// equal elements the first come first; NaN counts as the largest.
    #[track_caller]
    pub fn top_k(self, k: usize, axis: usize) -> (Var, Var) {
        let both = all_composed("top_k", &[self], || {
            let shape = self.shape();
            expect_axis(axis, &shape)?;
            expect(k <= shape[axis], || {
                format!("there are no {k} elements along axis {axis} of shape {shape}")
            })?;
            let order = apply1(Argsort { axis, descending: true }, &[self]);
            let first = order.slice_axis(axis, 0, k);
            Ok(vec![self.along(first, axis)?, first])
        });
        match both[..] {
            [values, indices] => (values, indices),
            _ => (Var::poison(), Var::poison()),
        }
    }

    /// For each place of `indices`, the element of the line through it that it names: the result
    /// has the shape of `indices`, which agrees with this value's but along `axis`.
    #[track_caller]
    pub fn take_along_axis(self, indices: Var, axis: usize) -> Var {
        composed("take_along_axis", &[self, indices], || self.along(indices, axis))
    }

    fn along(self, indices: Var, axis: usize) -> Result<Var> {
        let (shape, at) = (self.shape(), indices.shape());
        expect_axis(axis, &shape)?;
        let agrees =
            shape.rank() == at.rank() && (0..shape.rank()).all(|a| a == axis || shape[a] == at[a]);
        expect(agrees, || {
            format!("the indices have shape {at}, which differs from {shape} beside axis {axis}")
        })?;
        expect_indices(&indices.ty())?;
        let last = shape.rank() - 1;
        let lines = self.move_axis(axis, last);
        let taken = Gather { axis: last, batch: last };
        Ok(apply1(taken, &[lines, indices.move_axis(axis, last)]).move_axis(last, axis))
    }
}
