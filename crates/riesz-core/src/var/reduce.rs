//! Many elements to one.

use super::check::{composed, expect, of_floats};
use crate::primitive::{Reduce, Reduction};
use crate::trace::{Var, apply1};

/// Reductions. Those without axes in their name run over all elements and give a number.
impl Var {
    /// The sum of all elements; 0 of none.
    #[track_caller]
    pub fn sum(self) -> Var {
        self.sum_axes(&self.every_axis())
    }

    /// The sum along some axes, which disappear.
    #[track_caller]
    pub fn sum_axes(self, axes: &[usize]) -> Var {
        self.reduce("sum", Reduction::Sum, axes)
    }

    /// The mean of all elements; NaN of none.
    #[track_caller]
    pub fn mean(self) -> Var {
        self.mean_axes(&self.every_axis())
    }

    /// The mean along some axes, which disappear.
    #[track_caller]
    pub fn mean_axes(self, axes: &[usize]) -> Var {
        of_floats("mean", self, || {
            let shape = self.shape();
            let count: usize = axes.iter().filter_map(|&a| shape.get(a)).product();
            self.sum_axes(axes) / count as f64
        })
    }

    /// The largest element; where several attain it, each has an equal share of the derivative.
    #[track_caller]
    pub fn max(self) -> Var {
        self.max_axes(&self.every_axis())
    }

    /// The largest element along some axes, which disappear.
    #[track_caller]
    pub fn max_axes(self, axes: &[usize]) -> Var {
        self.reduce("max", Reduction::Max, axes)
    }

    /// The smallest element; where several attain it, each has an equal share of the derivative.
    #[track_caller]
    pub fn min(self) -> Var {
        self.min_axes(&self.every_axis())
    }

    /// The smallest element along some axes, which disappear.
    #[track_caller]
    pub fn min_axes(self, axes: &[usize]) -> Var {
        self.reduce("min", Reduction::Min, axes)
    }

    /// The Euclidean norm of all elements; derivative 0 at the origin.
    #[track_caller]
    pub fn norm(self) -> Var {
        of_floats("norm", self, || {
            let square = self.square().sum();
            let at_origin = square.eq(0.0);
            // Masked twice: the root is never taken at 0, where its slope is infinite.
            Var::select(at_origin, 0.0, Var::select(at_origin, 1.0, square).sqrt())
        })
    }

    /// Puts axes of length 1 where a reduction removed `axes`.
    #[track_caller]
    pub fn keep_axes(self, axes: &[usize]) -> Var {
        composed("keep_axes", &[self], || {
            let mut shape = self.shape().to_vec();
            let rank = shape.len() + axes.len();
            let mut sorted = axes.to_vec();
            sorted.sort_unstable();
            for axis in sorted {
                expect(axis < rank && axis <= shape.len(), || {
                    format!("the axes {axes:?} cannot stand in a shape of {rank} axes")
                })?;
                shape.insert(axis, 1);
            }
            Ok(self.reshape(shape))
        })
    }

    pub(super) fn every_axis(self) -> Vec<usize> {
        (0..self.rank()).collect()
    }

    #[track_caller]
    fn reduce(self, name: &str, op: Reduction, axes: &[usize]) -> Var {
        if axes.is_empty() {
            return self;
        }
        let mut axes = axes.to_vec();
        axes.sort_unstable();
        composed(name, &[self], || Ok(apply1(Reduce { op, axes }, &[self])))
    }
}
