//! `barrier`: the identity, across which nothing is recognised.
//!
//! What is computed a second time on purpose, to save memory, is computed from values that went
//! through a barrier. These are other values to value numbering, so the second computation is not
//! taken for the first; and they exist only once every argument does, so it does not begin early.

use super::*;
use crate::types::DType;

/// `barrier(x…)` is `x…`, all of them available together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Barrier {
    /// How many values there are.
    pub count: usize,
}

impl Primitive for Barrier {
    fn name(&self) -> &'static str {
        "barrier"
    }
    fn output_count(&self) -> usize {
        self.count
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("count", Attribute::Int(self.count as i64))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, self.count)?;
        Ok(args.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(args.iter().map(|&t| t.clone()).collect())
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    /// The identity: tangents need no barrier.
    fn differential(&self, _: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        dx.into()
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        ct.into()
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let y = apply(self.clone(), args).into_iter().zip(batched);
        y.map(|(y, &batched)| if batched { y } else { y.broadcast_leading(n) }).collect()
    }
}

impl Listed for Barrier {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "barrier").then(|| Ok(Barrier { count: flow::count(a, "count")? }))
    }
    fn samples() -> Vec<Sample> {
        let case = |shape| Sample {
            prim: Barrier { count: 2 }.into(),
            args: vec![
                support::spread(DType::F64, shape, -1.0, 1.0),
                support::spread(DType::F64, [2], -1.0, 1.0),
            ],
        };
        support::edge_shapes().map(case).into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("barrier", "x, …", "x, …, which are other values to value numbering")
                .differential("dx, …"),
        ]
    }
}
