//! `checkpoint`: a program of which nothing is kept for the differential but its arguments.
//!
//! A call stays closed until differentiation is over, so no value inside can become a residual. Its
//! linear part is a call too, which makes what it needs from the arguments; turned around, that is
//! the forward run a second time. `inline_calls` opens what is left: forwards the two runs become one,
//! because they compute the same from the same; backwards the second is behind a barrier.

use super::flow::*;
use super::*;
use crate::program::Value;
use crate::types::DType;

/// `checkpoint(x…)` is `body(x…)`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Checkpoint {
    /// What is computed.
    pub body: Body,
    /// The arguments in which it is linear together.
    pub linear: Vec<usize>,
    /// Whether it computes from its arguments what was computed before and not kept.
    pub again: bool,
}

impl Checkpoint {
    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> Result<(Vars, Tangents)> {
        let y = apply(self.clone(), x);
        let moves: Vec<bool> = dx.iter().map(Option::is_some).collect();
        let joint = Joint::new(&self.body, &moves, 0..0, &vec![false; y.len()])?;
        let all: Vec<Value> = joint.program.inputs().collect();
        let tangents = joint.program.part(&all, &joint.program.outputs[y.len()..]);
        let linear = Checkpoint {
            body: Body::new(tangents),
            linear: (x.len()..all.len()).collect(),
            again: self.again,
        };
        let args: Vec<Var> = x.iter().chain(dx.iter().flatten()).copied().collect();
        let mut dy = apply(linear, &args).into_iter();
        let tangents = joint.tangents.iter().map(|&t| if t { dy.next() } else { None });
        Ok((y, tangents.collect()))
    }

    fn transpose_body(&self, args: &[Arg], ct: &[Option<Var>]) -> Result<Cotangents> {
        let used = positions(&ct.iter().map(Option::is_some).collect::<Vec<_>>());
        let linear = mask_of(&self.linear, args.len());
        let body = Body::new(transposed(&self.body, &linear, &used)?);
        let mut inputs = known(args, &linear);
        let first = inputs.len();
        inputs.extend(ct.iter().flatten());
        let back = Checkpoint { body, linear: (first..inputs.len()).collect(), again: true };
        Ok(placed(&self.linear, args.len(), apply(back, &inputs)))
    }

    fn batch_body(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let body = Body::new(batched_body(&self.body, batched, n)?);
        Ok(apply(Checkpoint { body, ..self.clone() }, args))
    }
}

impl Primitive for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }
    fn output_count(&self) -> usize {
        self.body.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("linear", Attribute::ints(&self.linear)),
            ("again", Attribute::Int(i64::from(self.again))),
            ("body", Attribute::Program(self.body.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        expect_inputs("the body", &self.body, args)?;
        expect_linear(&self.linear, args)?;
        Ok(self.body.output_types().into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let args: Vec<Tensor> = args.iter().map(|&t| t.clone()).collect();
        crate::eval::eval(&self.body, &args)
    }
    fn linearity(&self) -> Linearity {
        linear_together(&self.linear)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        (!moves_linearly(&self.linear, dx))
            .then(|| or_fail(self.differentiate(x, dx), self.output_count()))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        can_fail(&self.body)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        cotangents_or_fail(self.transpose_body(args, ct), args.len())
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_body(args, batched, n), self.output_count())
    }
}

impl Listed for Checkpoint {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "checkpoint").then(|| {
            Ok(Checkpoint {
                body: a.program("body")?.clone(),
                linear: a.sizes("linear")?,
                again: a.int("again")? != 0,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let types = [Type::new(DType::F64, [3]), Type::scalar(DType::F64)];
        let body = body_of(&types, |x| vec![(x[0].sin() * x[1]).exp(), x[0].sum() * x[1]]);
        let Ok(body) = body else { return vec![] };
        vec![Sample {
            prim: Checkpoint { body, linear: vec![], again: false }.into(),
            args: vec![support::spread(DType::F64, [3], -1.0, 1.0), Tensor::scalar(0.7)],
        }]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("checkpoint", "x, …", "body(x, …), of which nothing is kept for the differential but x, …")
                .differential("a checkpoint that is linear in the tangents, beside that of the values")
                .transpose("of one that is linear: a checkpoint that computes again what was not kept"),
        ]
    }
}
