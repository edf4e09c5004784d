//! `argsort`: the order of the elements of an axis. Sorting gathers by it, so no derivative is here.

use super::recurrence::Lines;
use super::*;
use crate::tensor::Data;
use crate::types::{DType, Shape};
use std::cmp::Ordering;

/// The indices (i64) that put each line along an axis in order. Stable: equal elements keep their
/// order, −0 and 0 are equal. NaN counts as larger than every number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Argsort {
    /// The axis that is put in order.
    pub axis: usize,
    /// From the largest to the smallest.
    pub descending: bool,
}

impl Argsort {
    fn order<T: PartialOrd>(&self, x: &[T], shape: &Shape) -> Vec<i64> {
        let lines = Lines::new(shape, self.axis);
        let mut out = vec![0; x.len()];
        let mut order: Vec<usize> = Vec::with_capacity(lines.n);
        lines.each(|first, stride| {
            order.clear();
            order.extend(0..lines.n);
            order.sort_by(|&i, &j| {
                let ascending = compare(&x[first + i * stride], &x[first + j * stride]);
                if self.descending { ascending.reverse() } else { ascending }
            });
            for (k, &i) in order.iter().enumerate() {
                out[first + k * stride] = i as i64;
            }
        });
        out
    }
}

/// The order of two elements, with everything that is unequal to itself at the end.
fn compare<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    let is_nan = |x: &T| x.partial_cmp(x).is_none();
    a.partial_cmp(b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
}

impl Primitive for Argsort {
    fn name(&self) -> &'static str {
        "argsort"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("axis", Attribute::Int(self.axis as i64)),
            ("descending", Attribute::Int(i64::from(self.descending))),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_axis(self.axis, &args[0].shape)?;
        Ok(smallvec![args[0].with_dtype(DType::I64)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shape = args[0].shape();
        let order = match args[0].data() {
            Data::F32(x) => self.order(x, shape),
            Data::F64(x) => self.order(x, shape),
            Data::I32(x) => self.order(x, shape),
            Data::I64(x) => self.order(x, shape),
            Data::Bool(x) => self.order(x, shape),
        };
        Ok(vec![Tensor::new(order, shape.clone())?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(Argsort { axis: self.axis + 1, descending: self.descending }, args)
    }
}

impl Listed for Argsort {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "argsort").then(|| {
            let axis = usize::try_from(a.int("axis")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "an axis is not negative"))?;
            Ok(Argsort { axis, descending: a.flag("descending")? })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for dtype in DType::ALL {
            for (shape, axis) in
                [(vec![5], 0), (vec![0], 0), (vec![1], 0), (vec![3, 4], 0), (vec![2, 3, 2], 1)]
            {
                for descending in [false, true] {
                    let args = vec![support::spread(dtype, shape.clone(), -2.0, 2.0)];
                    all.push(Sample { prim: Argsort { axis, descending }.into(), args });
                }
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("argsort", "x", "the indices that put an axis in order: stable, NaN last")
            .differential("0"),
        ]
    }
}
