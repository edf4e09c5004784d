//! `compare`: truth values from pairs of numbers. No tangents pass.

use super::*;
use crate::tensor::Data;
use crate::types::DType;
use std::sync::Arc;

/// An elementwise comparison, by the rules of IEEE 754 (nothing but `≠` holds of NaN).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Compare {
    /// `<`
    Lt,
    /// `≤`
    Le,
    /// `>`
    Gt,
    /// `≥`
    Ge,
    /// `=`
    Eq,
    /// `≠`
    Ne,
}

impl Compare {
    /// All of them.
    pub const ALL: [Compare; 6] =
        [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq, Compare::Ne];

    /// Compares two elements.
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Compare::Lt => a < b,
            Compare::Le => a <= b,
            Compare::Gt => a > b,
            Compare::Ge => a >= b,
            Compare::Eq => a == b,
            Compare::Ne => a != b,
        }
    }
}

impl Primitive for Compare {
    fn name(&self) -> &'static str {
        match self {
            Compare::Lt => "lt",
            Compare::Le => "le",
            Compare::Gt => "gt",
            Compare::Ge => "ge",
            Compare::Eq => "eq",
            Compare::Ne => "ne",
        }
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        support::expect_same(&args[0], &args[1])?;
        Ok(smallvec![args[0].with_dtype(DType::Bool)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        fn zip<T: PartialOrd + Copy>(op: Compare, a: &[T], b: &[T]) -> Vec<bool> {
            a.iter().zip(b).map(|(&a, &b)| op.holds(a, b)).collect()
        }
        let values = match (args[0].data(), args[1].data()) {
            (Data::F32(a), Data::F32(b)) => zip(*self, a, b),
            (Data::F64(a), Data::F64(b)) => zip(*self, a, b),
            (Data::I32(a), Data::I32(b)) => zip(*self, a, b),
            (Data::I64(a), Data::I64(b)) => zip(*self, a, b),
            (Data::Bool(a), Data::Bool(b)) => zip(*self, a, b),
            _ => return Err(Error::shape("element types differ")),
        };
        Ok(vec![Tensor::from_data(Data::Bool(Arc::new(values)), args[0].shape().clone())])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None, None]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(*self, &batch_all(args, batched, n))
    }
}

impl Listed for Compare {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        Compare::ALL.into_iter().find(|c| c.name() == name).map(Ok)
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for op in Compare::ALL {
            for dtype in DType::ALL {
                for shape in support::edge_shapes() {
                    let a = support::spread(dtype, shape.clone(), -2.0, 2.0);
                    let b = support::spread(dtype, shape, -2.0, 3.0);
                    all.push(Sample { prim: op.into(), args: vec![a, b] });
                }
            }
        }
        all
    }
    fn about() -> Vec<About> {
        Compare::ALL
            .map(|op| {
                let meaning = match op {
                    Compare::Lt => "x < y",
                    Compare::Le => "x ≤ y",
                    Compare::Gt => "x > y",
                    Compare::Ge => "x ≥ y",
                    Compare::Eq => "x = y",
                    Compare::Ne => "x ≠ y",
                };
                About::new(op.name(), "x, y", meaning).differential("0")
            })
            .into()
    }
}
