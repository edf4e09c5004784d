//! `reduce_sum`, `reduce_max`, `reduce_min`: many elements to one, along any axes.

use super::*;
use crate::tensor::{Data, Element};
use crate::types::{DType, Shape};

/// What is done with the elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reduction {
    /// Their sum; 0 of none.
    Sum,
    /// The largest, NaN if there is one, +0 before −0; of truth values: whether any holds.
    Max,
    /// The smallest, NaN if there is one, −0 before +0; of truth values: whether all hold.
    Min,
}

/// Removes `axes`, combining the elements along them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reduce {
    /// How the elements are combined.
    pub op: Reduction,
    /// The axes that disappear, in increasing order.
    pub axes: Vec<usize>,
}

impl Reduce {
    /// The axes that stay, in order.
    pub fn kept(&self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|axis| !self.axes.contains(axis)).collect()
    }

    /// The shape of the result for an argument of shape `from`.
    pub fn shape(&self, from: &Shape) -> Shape {
        self.kept(from.rank()).into_iter().map(|axis| from[axis]).collect()
    }

    /// The result repeated along the axes that disappeared, beside its argument.
    fn spread(&self, y: Var, x: &Type) -> Var {
        let axes = self.kept(x.shape.rank());
        apply(Broadcast { shape: x.shape.clone(), axes }, &[y])[0]
    }

    /// Folds the elements of `x` that share an index of the result.
    fn fold<T: Element, A: Copy>(
        &self,
        x: &[T],
        shape: &Shape,
        start: A,
        mut f: impl FnMut(A, T) -> A,
    ) -> Vec<A> {
        let kept = self.kept(shape.rank());
        let strides = self.shape(shape).strides();
        let mut out = vec![start; self.shape(shape).size()];
        let mut at = 0;
        crate::tensor::for_each_index(shape, |index| {
            let to: usize = kept.iter().zip(&strides).map(|(&axis, s)| index[axis] * s).sum();
            out[to] = f(out[to], x[at]);
            at += 1;
        });
        out
    }

    /// Folds with "the later one wins if it is better"; there is at least one element to each.
    fn best<T: Element>(
        &self,
        x: &[T],
        shape: &Shape,
        better: impl Fn(T, T) -> bool,
    ) -> Result<Tensor> {
        let best = self.fold(x, shape, None, |best: Option<T>, x| match best {
            Some(b) if !better(x, b) => Some(b),
            _ => Some(x),
        });
        Tensor::new(best.into_iter().flatten().collect(), self.shape(shape))
    }
}

/// Whether `a` takes the place of `b`, a number before it: if it is larger, NaN, or +0 beside −0 (IEEE
/// 754-2019 maximum).
fn exceeds(a: f64, b: f64) -> bool {
    a > b || a.is_nan() || a == b && b.is_sign_negative()
}

impl Primitive for Reduce {
    fn name(&self) -> &'static str {
        match self.op {
            Reduction::Sum => "reduce_sum",
            Reduction::Max => "reduce_max",
            Reduction::Min => "reduce_min",
        }
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("axes", Attribute::ints(&self.axes))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let from = &args[0].shape;
        support::expect_axes(&self.axes, from)?;
        if !self.axes.is_sorted() {
            return Err(Error::shape("the axes of a reduction are named in increasing order"));
        }
        let shape = self.shape(from);
        if self.op == Reduction::Sum {
            support::expect_number(&args[0])?;
        } else if shape.size() > 0 && from.size() == 0 {
            return Err(Error::shape(format!(
                "no elements along axes {:?} of {from}: the largest of none does not exist",
                self.axes
            )));
        }
        Ok(smallvec![args[0].with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        // Along no axes each element is a result, −0 too.
        if self.axes.is_empty() {
            return Ok(vec![args[0].clone()]);
        }
        let shape = args[0].shape();
        let out = self.shape(shape);
        let result = match (self.op, args[0].data()) {
            // Single precision is summed in double: the reference should be the better sum.
            (Reduction::Sum, Data::F32(x)) => {
                let sums = self.fold(x, shape, 0.0f64, |s, x| s + f64::from(x));
                Tensor::new(sums.into_iter().map(|s| s as f32).collect(), out)
            }
            (Reduction::Sum, Data::F64(x)) => {
                Tensor::new(self.fold(x, shape, 0.0, |s, x| s + x), out)
            }
            (Reduction::Sum, Data::I32(x)) => {
                Tensor::new(self.fold(x, shape, 0i32, |s, x| s.wrapping_add(x)), out)
            }
            (Reduction::Sum, Data::I64(x)) => {
                Tensor::new(self.fold(x, shape, 0i64, |s, x| s.wrapping_add(x)), out)
            }
            (Reduction::Sum, Data::Bool(_)) => Err(Error::shape("needs numbers")),
            (Reduction::Max, Data::F32(x)) => self.best(x, shape, |a, b| exceeds(f64::from(a), f64::from(b))),
            (Reduction::Max, Data::F64(x)) => self.best(x, shape, exceeds),
            (Reduction::Max, Data::I32(x)) => self.best(x, shape, |a, b| a > b),
            (Reduction::Max, Data::I64(x)) => self.best(x, shape, |a, b| a > b),
            (Reduction::Max, Data::Bool(x)) => self.best(x, shape, |a, b| a & !b),
            (Reduction::Min, Data::F32(x)) => self.best(x, shape, |a, b| exceeds(-f64::from(a), -f64::from(b))),
            (Reduction::Min, Data::F64(x)) => self.best(x, shape, |a, b| exceeds(-a, -b)),
            (Reduction::Min, Data::I32(x)) => self.best(x, shape, |a, b| a < b),
            (Reduction::Min, Data::I64(x)) => self.best(x, shape, |a, b| a < b),
            (Reduction::Min, Data::Bool(x)) => self.best(x, shape, |a, b| !a & b),
        };
        Ok(vec![result?])
    }
    fn linearity(&self) -> Linearity {
        match self.op {
            Reduction::Sum => Linearity::Together(Args::All),
            Reduction::Max | Reduction::Min => Linearity::Nonlinear,
        }
    }
    /// The extreme moves with the mean of the elements that attain it; where the extreme is NaN
    /// none does, and the mean of none is NaN.
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let Some(dx0) = dx[0] else { return smallvec![None] };
        if self.op == Reduction::Sum {
            return linear_differential(self.clone().into(), x, dx);
        }
        let attained = x[0].eq(self.spread(y[0], &x[0].ty())).cast(x[0].dtype());
        let share = attained / self.spread(attained.sum_axes(&self.axes), &x[0].ty());
        smallvec![Some(share.scale(dx0).sum_axes(&self.axes))]
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0].map(|ct| self.spread(ct, &args[0].ty()))]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Reduce { op: self.op, axes: self.axes.iter().map(|a| a + 1).collect() }, args)
    }
}

impl Listed for Reduce {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        let op = match name {
            "reduce_sum" => Reduction::Sum,
            "reduce_max" => Reduction::Max,
            "reduce_min" => Reduction::Min,
            _ => return None,
        };
        Some(a.sizes("axes").map(|axes| Reduce { op, axes }))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for op in [Reduction::Sum, Reduction::Max, Reduction::Min] {
            for (shape, axes) in [
                (vec![4], vec![0]),
                (vec![2, 3], vec![0]),
                (vec![2, 3], vec![0, 1]),
                (vec![2, 3, 2], vec![0, 2]),
                (vec![2, 3], vec![]),
                (vec![0, 3], vec![1]),
                (vec![], vec![]),
            ] {
                let args = vec![support::spread(DType::F64, shape, -2.0, 2.0)];
                all.push(Sample { prim: Reduce { op, axes }.into(), args });
            }
        }
        let none = vec![support::spread(DType::F64, [2, 0], -2.0, 2.0)];
        all.push(Sample { prim: Reduce { op: Reduction::Sum, axes: vec![1] }.into(), args: none });
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("reduce_sum", "x", "the sum along axes, which disappear")
            .transpose("broadcast(c)"),
            About::new("reduce_max", "x", "the largest along axes; NaN if one is")
            .differential("the mean of dx over the elements that attain y")
            .domain("at least one element")
            .kinks("equal shares at ties; NaN where y is"),
            About::new("reduce_min", "x", "the smallest along axes; NaN if one is")
            .differential("the mean of dx over the elements that attain y")
            .domain("at least one element")
            .kinks("equal shares at ties; NaN where y is"),
        ]
    }
}
