//! Reductions composed of others: products, variances, norms, positions of extremes, truth values.

use super::check::{composed, expect};
use crate::error::{Error, Result};
use crate::primitive::support::{expect_axes, expect_axis, expect_float, expect_number};
use crate::primitive::{Concat, Iota, Reduce, Reduction};
use crate::trace::{Var, apply1};
use crate::types::{DType, Shape, Type};

/// Products, variances and norms. Those without axes in their name run over all elements.
impl Var {
    /// The product of all elements; 1 of none.
    #[track_caller]
    pub fn prod(self) -> Var {
        self.prod_axes(&self.every_axis())
    }

    /// The product along some axes, which disappear. A tree of multiplications: derivatives of
    /// every order are right where elements are zero.
    #[track_caller]
    pub fn prod_axes(self, axes: &[usize]) -> Var {
        composed("prod", &[self], || {
            let shape = self.shape();
            expect_axes(axes, &shape)?;
            expect_number(&self.ty())?;
            let kept: Vec<usize> = (0..shape.rank()).filter(|a| !axes.contains(a)).collect();
            let order: Vec<usize> = kept.iter().chain(axes).copied().collect();
            let out: Shape = kept.iter().map(|&a| shape[a]).collect();
            let mut n: usize = axes.iter().map(|&a| shape[a]).product();
            let last = out.rank();
            if n == 0 {
                return Ok(self.literal(1.0).broadcast_to(out));
            }
            let merged: Shape = out.iter().copied().chain([n]).collect();
            let mut x = self.transpose_unless_identity(&order).reshape(merged);
            while n > 1 {
                let half = n / 2;
                let (low, high) = (x.slice_axis(last, 0, half), x.slice_axis(last, half, 2 * half));
                let product = low * high;
                x = if n % 2 == 1 {
                    apply1(Concat { axis: last }, &[product, x.slice_axis(last, n - 1, n)])
                } else {
                    product
                };
                n = n.div_ceil(2);
            }
            Ok(x.reshape(out))
        })
    }

    /// The mean square distance of all elements from their mean.
    #[track_caller]
    pub fn var(self) -> Var {
        self.var_axes(&self.every_axis(), 0)
    }

    /// The variance along some axes, which disappear: the sum of squared distances from the mean,
    /// divided by the number of elements less `ddof` (1 for the unbiased estimate from a sample).
    /// NaN where nothing is left to divide by.
    #[track_caller]
    pub fn var_axes(self, axes: &[usize], ddof: usize) -> Var {
        composed("var", &[self], || {
            let (centred, freedom) = self.centred(axes, ddof)?;
            Ok(centred.square().sum_axes(axes) / freedom)
        })
    }

    /// The square root of [`Var::var`]; derivative 0 where all elements are the same.
    #[track_caller]
    pub fn std(self) -> Var {
        self.std_axes(&self.every_axis(), 0)
    }

    /// The square root of [`Var::var_axes`]; derivative 0 where all elements are the same.
    #[track_caller]
    pub fn std_axes(self, axes: &[usize], ddof: usize) -> Var {
        composed("std", &[self], || {
            let (centred, freedom) = self.centred(axes, ddof)?;
            let square = centred.square().sum_axes(axes);
            Ok(square.root_or_zero(|s| s.sqrt()) / freedom.sqrt())
        })
    }

    /// The p-norm of all elements, (Σ|x|ᵖ)^(1/p) for p > 0, the largest magnitude for p = ∞;
    /// derivative 0 at the origin.
    #[track_caller]
    pub fn norm_p(self, p: f64) -> Var {
        self.norm_p_axes(p, &self.every_axis())
    }

    /// The p-norm along some axes, which disappear; 0 of none.
    #[track_caller]
    pub fn norm_p_axes(self, p: f64, axes: &[usize]) -> Var {
        composed("norm", &[self], || {
            expect_float(&self.ty())?;
            expect_axes(axes, &self.shape())?;
            if p.is_nan() || p <= 0.0 {
                return Err(Error::usage(format!("the order {p} of a norm must be positive")));
            }
            let size = self.abs();
            if p == 1.0 {
                return Ok(size.sum_axes(axes));
            }
            if p == 2.0 {
                return Ok(self.square().sum_axes(axes).root_or_zero(|s| s.sqrt()));
            }
            if axes.iter().any(|&a| self.shape()[a] == 0) {
                return Ok(self.sum_axes(axes));
            }
            let largest = size.max_axes(axes);
            if p == f64::INFINITY {
                return Ok(largest);
            }
            // Powers of large p leave the range of floats; relative to the largest they do not.
            let unit = largest.stop_gradient();
            let usable = unit.gt(0.0).and(unit.lt(f64::INFINITY));
            let unit = Var::select(usable, unit, 1.0);
            let sum = (size / unit.keep_axes(axes)).pow(p).sum_axes(axes);
            Ok(unit * sum.root_or_zero(|s| s.pow(1.0 / p)))
        })
    }

    /// A root that is 0 at 0, with derivative 0. Masked twice: the root is never taken at 0, where
    /// its slope is infinite.
    fn root_or_zero(self, root: impl Fn(Var) -> Var) -> Var {
        let zero = self.eq(0.0);
        Var::select(zero, 0.0, root(Var::select(zero, 1.0, self)))
    }

    /// The distances from the mean, and the number of elements less `ddof`.
    fn centred(self, axes: &[usize], ddof: usize) -> Result<(Var, f64)> {
        expect_float(&self.ty())?;
        let shape = self.shape();
        expect_axes(axes, &shape)?;
        let count: usize = axes.iter().map(|&a| shape[a]).product();
        let freedom = (count as f64 - ddof as f64).max(0.0);
        Ok((self - self.mean_axes(axes).keep_axes(axes), freedom))
    }
}

/// Positions and truth values.
impl Var {
    /// The index (i64) of the largest element along an axis, which disappears: the first of several,
    /// and the first NaN if there is one.
    #[track_caller]
    pub fn argmax(self, axis: usize) -> Var {
        self.arg_extreme("argmax", Reduction::Max, axis)
    }

    /// The index (i64) of the smallest element along an axis, which disappears: the first of
    /// several, and the first NaN if there is one.
    #[track_caller]
    pub fn argmin(self, axis: usize) -> Var {
        self.arg_extreme("argmin", Reduction::Min, axis)
    }

    #[track_caller]
    fn arg_extreme(self, name: &str, op: Reduction, axis: usize) -> Var {
        composed(name, &[self], || {
            let shape = self.shape();
            expect_axis(axis, &shape)?;
            let n = shape[axis];
            expect(n > 0 || shape.iter().enumerate().any(|(a, &d)| a != axis && d == 0), || {
                format!("there are no elements along axis {axis} of {shape}")
            })?;
            let reduce = |op, v: Var| apply1(Reduce { op, axes: vec![axis] }, &[v]);
            if n == 0 {
                return Ok(self.cast(DType::I64).sum_axes(&[axis]));
            }
            let extreme = reduce(op, self).keep_axes(&[axis]);
            let found = self.eq(extreme).or(self.ne(self));
            let index = apply1(Iota { ty: Type::new(DType::I64, shape), axis }, &[]);
            Ok(reduce(Reduction::Min, Var::select(found, index, index.literal(n as f64))))
        })
    }

    /// Whether any element holds; false of none.
    #[track_caller]
    pub fn any(self) -> Var {
        self.any_axes(&self.every_axis())
    }

    /// Whether any element holds along some axes, which disappear.
    #[track_caller]
    pub fn any_axes(self, axes: &[usize]) -> Var {
        self.truth("any", Reduction::Max, axes)
    }

    /// Whether all elements hold; true of none.
    #[track_caller]
    pub fn all(self) -> Var {
        self.all_axes(&self.every_axis())
    }

    /// Whether all elements hold along some axes, which disappear.
    #[track_caller]
    pub fn all_axes(self, axes: &[usize]) -> Var {
        self.truth("all", Reduction::Min, axes)
    }

    #[track_caller]
    fn truth(self, name: &str, op: Reduction, axes: &[usize]) -> Var {
        composed(name, &[self], || {
            let shape = self.shape();
            expect_axes(axes, &shape)?;
            if self.dtype() != DType::Bool {
                return Err(Error::shape(format!("needs truth values, not {}", self.ty()))
                    .help("make them by a comparison, for instance `x.ne(0.0)`"));
            }
            let mut axes = axes.to_vec();
            axes.sort_unstable();
            if axes.iter().any(|&a| shape[a] == 0) {
                let reduce = Reduce { op, axes };
                return Ok(Var::constant(op == Reduction::Min).broadcast_to(reduce.shape(&shape)));
            }
            Ok(apply1(Reduce { op, axes }, &[self]))
        })
    }
}
