//! `iota`: 0, 1, 2, … along one axis.

use super::*;
use crate::types::{DType, Shape};

/// A tensor of the given type whose elements count along `axis`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Iota {
    /// Numbers of this type and shape.
    pub ty: Type,
    /// The axis along which they count.
    pub axis: usize,
}

impl Primitive for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("dtype", Attribute::Word(self.ty.dtype.name().to_string())),
            ("shape", Attribute::ints(&self.ty.shape)),
            ("axis", Attribute::Int(self.axis as i64)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 0)?;
        support::expect_axis(self.axis, &self.ty.shape)?;
        support::expect_number(&self.ty)?;
        Ok(smallvec![self.ty.clone()])
    }
    fn eval(&self, _: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut values = Vec::with_capacity(self.ty.size());
        crate::tensor::for_each_index(&self.ty.shape, |i| values.push(i[self.axis] as f64));
        Ok(vec![Tensor::from_f64(&values, self.ty.shape.clone(), self.ty.dtype)?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![]
    }
    fn batch(&self, _: &[Var], _: &[bool], n: usize) -> Vars {
        smallvec![apply(self.clone(), &[])[0].broadcast_leading(n)]
    }
}

impl Listed for Iota {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "iota").then(|| {
            let dtype = DType::from_name(a.word("dtype")?)
                .ok_or_else(|| Error::new(crate::ErrorKind::Syntax, "no such element type"))?;
            let axis = usize::try_from(a.int("axis")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "an axis is not negative"))?;
            Ok(Iota { ty: Type::new(dtype, a.sizes("shape")?), axis })
        })
    }
    fn samples() -> Vec<Sample> {
        [(DType::F64, Shape::from([3]), 0), (DType::I32, Shape::from([2, 0]), 1)]
            .map(|(dtype, shape, axis)| Sample {
                prim: Iota { ty: Type::new(dtype, shape), axis }.into(),
                args: vec![],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("iota", "", "0, 1, 2, … along an axis").differential("0"),
        ]
    }
}
