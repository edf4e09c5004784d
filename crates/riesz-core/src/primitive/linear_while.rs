//! `linear_while`: the linear part of a `while`, repeated as often as that was.
//!
//! Beside a state that is known it carries values linearly. Forwards each round makes the next state
//! and moves the linear values; the transpose has to visit the states in reverse, which is the
//! business of `checkpoints.rs`, and is a `linear_while` again: the known state is then the store of
//! checkpoints.

use super::flow::*;
use super::*;
use crate::trace::{inline, trace_open};
use crate::types::DType;
use crate::vmap::batch_inline;

/// `linear_while(count, constants…, state…, linear constants…, linear values…)`: `count` times, the
/// linear values become what `step` makes of all of these, and the state what `body` makes of the
/// constants and itself. The result are the linear values. Linear in the linear ones together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LinearWhile {
    /// From constants and state to the next state.
    pub body: Body,
    /// From constants, state, linear constants and linear values to the next linear values.
    pub step: Body,
    /// How many arguments after the count stay the same.
    pub consts: usize,
    /// How many linear arguments stay the same.
    pub linear_consts: usize,
}

/// The arguments of the loop by their role.
pub(crate) struct Roles<'a, T> {
    pub consts: &'a [T],
    pub state: &'a [T],
    pub linear_consts: &'a [T],
    pub values: &'a [T],
}

impl LinearWhile {
    /// How many values the state has.
    pub fn state(&self) -> usize {
        self.body.outputs().len()
    }

    /// The position of the first linear argument.
    pub fn first_linear(&self) -> usize {
        1 + self.consts + self.state()
    }

    /// The arguments after the count.
    pub(crate) fn roles<'a, T>(&self, args: &'a [T]) -> Roles<'a, T> {
        let (consts, rest) = args.split_at(self.consts);
        let (state, rest) = rest.split_at(self.state());
        let (linear_consts, values) = rest.split_at(self.linear_consts);
        Roles { consts, state, linear_consts, values }
    }

    /// The same as a plain loop over state and linear values: what is differentiated when the state
    /// moves, and what is run.
    pub(crate) fn as_while(&self, args: &[Var]) -> Vec<Var> {
        let count = args[0];
        let Roles { consts, state, linear_consts, values } = self.roles(&args[1..]);
        let init = [&[Var::constant(0i64)], state, values].concat();
        let y = crate::control::while_loop(
            &init,
            |x| x[0].lt(count),
            |x| {
                let (now, values) = x[1..].split_at(state.len());
                let next = inline(&self.body, &[consts, now].concat());
                let moved = inline(&self.step, &[consts, now, linear_consts, values].concat());
                [vec![x[0] + 1], next, moved].concat()
            },
        );
        y.get(1 + state.len()..).map_or_else(|| vec![Var::poison(); values.len()], <[Var]>::to_vec)
    }

    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> Result<(Vars, Tangents)> {
        let traced = trace_open(&types_of(x), |x| self.as_while(x))?;
        let args = [x, &traced.captures].concat();
        let mut directions = dx.to_vec();
        directions.resize(args.len(), None);
        let (y, dy) = crate::jvp::push_forward(&traced.program, &args, &directions);
        Ok((y.into(), dy.into()))
    }

    fn batch_rounds(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        if batched[0] {
            return self.masked(args, batched, n);
        }
        let mut known = batched[1..self.first_linear()].to_vec();
        let fed = self.consts..self.consts + self.state();
        let (body, _) = batched_loop(&self.body, &mut known, fed, n)?;
        let mut all = [&known, &batched[self.first_linear()..]].concat();
        let first = all.len() - self.output_count();
        let (step, differ) = batched_loop(&self.step, &mut all, first..first + self.output_count(), n)?;
        let inputs: Vec<Var> = (0..args.len())
            .map(|i| match i.checked_sub(1) {
                Some(k) if all[k] => while_loop::spread_arg(args[i], &self.step, k, n),
                _ => args[i],
            })
            .collect();
        let repeat = LinearWhile { body: Body::new(body), step: Body::new(step), ..self.clone() };
        let y = apply(repeat, &inputs).into_iter().zip(differ);
        Ok(y.map(|y| spread(y, n)).collect())
    }

    /// Instances with different counts: as often as the most, and those that are done keep what they
    /// have. The number of the round is one more value of the state.
    fn masked(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let counts = args[0];
        let most = if n == 0 { Var::constant(0i64) } else { counts.max() };
        let mut flags = batched[1..].to_vec();
        flags[self.consts..self.consts + self.state()].fill(true);
        let values = flags.len() - self.output_count();
        flags[values..].fill(true);
        let args: Vec<Var> = (1..args.len())
            .map(|i| match flags[i - 1] {
                true => while_loop::spread_arg(args[i], &self.step, i - 1, n),
                false => args[i],
            })
            .collect();
        let Roles { consts, state, linear_consts, values } = self.roles(&args);
        // The counts come first among the constants, the round first in the state.
        let consts = [&[counts], consts].concat();
        let state = [&[Var::constant(0i64)], state].concat();
        let c = consts.len();
        let split = |x: &[Var]| {
            let mask = x[c].broadcast_leading(n).lt(x[0]);
            let known = [&x[1..c], &x[c + 1..]].concat();
            (mask, known)
        };
        let run = |body: &Body, mask: Var, args: &[Var], old: &[Var]| -> Vec<Var> {
            let flags = &flags[..args.len()];
            let args =
                if can_fail(body) { sheltered(mask, args, flags) } else { args.to_vec() };
            let y = batch_inline(body, &args, flags, n);
            y.into_iter().zip(old).map(|(y, &old)| choose(mask, spread(y, n), old)).collect()
        };
        let types = types_of(&[&consts[..], &state].concat());
        let body = body_of(&types, |x| {
            let (mask, known) = split(x);
            let next = run(&self.body, mask, &known, &x[c + 1..]);
            [vec![x[c] + 1], next].concat()
        })?;
        let all = [&consts[..], &state, linear_consts, values].concat();
        let step = body_of(&types_of(&all), |x| {
            let (mask, known) = split(x);
            run(&self.step, mask, &known, &x[x.len() - values.len()..])
        })?;
        let repeat = LinearWhile { body, step, consts: c, linear_consts: self.linear_consts };
        Ok(apply(repeat, &[&[most], &all[..]].concat()))
    }
}

impl Primitive for LinearWhile {
    fn name(&self) -> &'static str {
        "linear_while"
    }
    fn output_count(&self) -> usize {
        self.step.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("consts", Attribute::Int(self.consts as i64)),
            ("linear_consts", Attribute::Int(self.linear_consts as i64)),
            ("body", Attribute::Program(self.body.clone())),
            ("step", Attribute::Program(self.step.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        let wrong = || Error::shape("the arguments do not fit the body and the step");
        let (count, rest) = args.split_first().ok_or_else(wrong)?;
        if *count != Type::scalar(DType::I64) {
            return Err(Error::shape(format!("is repeated a whole number of times, not {count}")));
        }
        if rest.len() != self.step.inputs || self.first_linear() + self.linear_consts > args.len() {
            return Err(wrong());
        }
        expect_inputs("the step", &self.step, rest)?;
        expect_inputs("the body", &self.body, &rest[..self.first_linear() - 1])?;
        let Roles { state, values, .. } = self.roles(rest);
        let results = self.step.output_types();
        if self.body.output_types() != state || results != values {
            return Err(wrong().help("what is carried keeps its element type and shape"));
        }
        expect_linear(&(self.first_linear()..args.len()).collect::<Vec<_>>(), args)?;
        Ok(results.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let all: Vec<Tensor> = args[1..].iter().map(|&t| t.clone()).collect();
        let Roles { consts, state, linear_consts, values } = self.roles(&all);
        let (mut state, mut values) = (state.to_vec(), values.to_vec());
        for _ in 0..args[0].item::<i64>()? {
            let known = [consts, &state].concat();
            values =
                crate::eval::eval(&self.step, &[&known[..], linear_consts, &values].concat())?;
            state = crate::eval::eval(&self.body, &known)?;
        }
        Ok(values)
    }
    fn linearity(&self) -> Linearity {
        linear_together(&(self.first_linear()..1 + self.step.inputs).collect::<Vec<_>>())
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        let moves = dx[..self.first_linear()].iter().any(Option::is_some);
        moves.then(|| or_fail(self.differentiate(x, dx), self.output_count()))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        can_fail(&self.body) || can_fail(&self.step)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        cotangents_or_fail(checkpoints::transpose(self, args, ct), args.len())
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_rounds(args, batched, n), self.output_count())
    }
}

impl Listed for LinearWhile {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "linear_while").then(|| {
            Ok(LinearWhile {
                body: a.program("body")?.clone(),
                step: a.program("step")?.clone(),
                consts: count(a, "consts")?,
                linear_consts: count(a, "linear_consts")?,
            })
        })
    }
    /// The linear part of x ← a·sin x + ½x with a and x moving; none, a few, and so many rounds that
    /// checkpoints are set.
    fn samples() -> Vec<Sample> {
        let (number, pair) = (Type::scalar(DType::F64), Type::new(DType::F64, [2]));
        let types = [number.clone(), pair.clone(), number, pair];
        let body = body_of(&types[..2], |x| vec![x[0] * x[1].sin() + 0.5 * x[1]]);
        let step = body_of(&types, |x| {
            vec![x[1].sin() * x[2] + (x[0] * x[1].cos()) * x[3] + 0.5 * x[3]]
        });
        let (Ok(body), Ok(step)) = (body, step) else { return vec![] };
        [0i64, 3, 40]
            .map(|count| Sample {
                prim: LinearWhile {
                    body: body.clone(),
                    step: step.clone(),
                    consts: 1,
                    linear_consts: 1,
                }
                .into(),
                args: vec![
                    Tensor::scalar(count),
                    Tensor::scalar(0.8),
                    support::spread(DType::F64, [2], -1.0, 1.0),
                    Tensor::scalar(0.6),
                    support::spread(DType::F64, [2], 0.2, 1.4),
                ],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("linear_while", "count, x, …", "count rounds of a loop that carries values linearly beside its state")
            .differential("of one whose state moves: the loop as a scan, differentiated")
            .transpose("a linear_while that visits the states in reverse, from checkpoints"),
        ]
    }
}
