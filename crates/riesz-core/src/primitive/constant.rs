//! `constant`: a tensor written into the program.

use super::*;
use crate::tensor::Data;
use std::hash::{Hash, Hasher};

/// A tensor known when the program was written.
#[derive(Clone, Debug)]
pub struct Constant(pub Tensor);

impl Constant {
    /// The elements as bits: two constants are the same when these and their types are, so that
    /// 0 and −0 differ and a NaN equals itself.
    fn bits(&self) -> impl Iterator<Item = u64> + '_ {
        match self.0.data() {
            Data::F32(v) => Box::new(v.iter().map(|x| u64::from(x.to_bits()))) as Box<dyn Iterator<Item = u64>>,
            Data::F64(v) => Box::new(v.iter().map(|x| x.to_bits())),
            Data::I32(v) => Box::new(v.iter().map(|&x| x as u64)),
            Data::I64(v) => Box::new(v.iter().map(|&x| x as u64)),
            Data::Bool(v) => Box::new(v.iter().map(|&x| u64::from(x))),
        }
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Constant) -> bool {
        self.0.ty() == other.0.ty() && self.bits().eq(other.bits())
    }
}

impl Eq for Constant {}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.ty().hash(state);
        self.bits().for_each(|bits| bits.hash(state));
    }
}

impl Primitive for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("value", Attribute::Tensor(self.0.clone()))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 0)?;
        Ok(smallvec![self.0.ty()])
    }
    fn eval(&self, _: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.0.clone()])
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

impl Listed for Constant {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "constant").then(|| Ok(Constant(a.tensor("value")?.clone())))
    }
    fn samples() -> Vec<Sample> {
        [Tensor::scalar(1.5), Tensor::from([[1.0, 2.0], [3.0, 4.0]])]
            .map(|t| Sample { prim: Constant(t).into(), args: vec![] })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("constant", "", "a tensor written into the program").differential("0"),
        ]
    }
}
