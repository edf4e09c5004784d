//! `and`, `or`, `xor`, `not` on truth values. No tangents pass.

use super::*;
use crate::tensor::Data;
use crate::types::DType;
use std::sync::Arc;

/// An elementwise connective.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Logical {
    /// Both.
    And,
    /// At least one.
    Or,
    /// Exactly one.
    Xor,
    /// The opposite.
    Not,
}

impl Logical {
    /// All of them.
    pub const ALL: [Logical; 4] = [Logical::And, Logical::Or, Logical::Xor, Logical::Not];

    fn arity(self) -> usize {
        if self == Logical::Not { 1 } else { 2 }
    }

    /// The connective on one pair; `Not` looks at the first only.
    pub fn holds(self, a: bool, b: bool) -> bool {
        match self {
            Logical::And => a && b,
            Logical::Or => a || b,
            Logical::Xor => a != b,
            Logical::Not => !a,
        }
    }
}

impl Primitive for Logical {
    fn name(&self) -> &'static str {
        match self {
            Logical::And => "and",
            Logical::Or => "or",
            Logical::Xor => "xor",
            Logical::Not => "not",
        }
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, self.arity())?;
        for arg in args {
            if arg.dtype != DType::Bool {
                return Err(Error::shape(format!("needs truth values, not {}", arg.dtype))
                    .help("compare the numbers first, for instance with `.ne(0.0)`"));
            }
            support::expect_same(&args[0], arg)?;
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let a = args[0].as_slice::<bool>()?;
        let b = args[args.len() - 1].as_slice::<bool>()?;
        let values = a.iter().zip(b).map(|(&a, &b)| self.holds(a, b)).collect();
        Ok(vec![Tensor::from_data(Data::Bool(Arc::new(values)), args[0].shape().clone())])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, args: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None; args.len()]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(*self, &batch_all(args, batched, n))
    }
}

impl Listed for Logical {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        Logical::ALL.into_iter().find(|c| c.name() == name).map(Ok)
    }
    fn samples() -> Vec<Sample> {
        let mut pairs = vec![[
            Tensor::from([[true, true], [false, false]]),
            Tensor::from([[true, false], [true, false]]),
        ]];
        pairs.extend(support::edge_shapes().map(|shape| {
            [(-1.0, 1.0), (1.0, -1.0)]
                .map(|(lo, hi)| support::spread(DType::Bool, shape.clone(), lo, hi))
        }));
        let case = |op: Logical, pair: &[Tensor; 2]| Sample {
            prim: op.into(),
            args: pair.iter().take(op.arity()).cloned().collect(),
        };
        pairs.iter().flat_map(|pair| Logical::ALL.map(|op| case(op, pair))).collect()
    }
    fn about() -> Vec<About> {
        Logical::ALL
            .map(|op| {
                let (arguments, meaning) = match op {
                    Logical::And => ("x, y", "both hold"),
                    Logical::Or => ("x, y", "at least one holds"),
                    Logical::Xor => ("x, y", "exactly one holds"),
                    Logical::Not => ("x", "the opposite"),
                };
                About::new(op.name(), arguments, meaning).differential("0").domain("truth values")
            })
            .into()
    }
}
