//! `while`: a program repeated as long as a condition holds.
//!
//! How often is not known before it runs. Forwards that does not matter: the tangent is carried
//! beside the value. The linear part is a loop of its own, [`LinearWhile`], which runs as often as
//! the value's loop did; what it does backwards is in `checkpoints.rs`.

use super::flow::*;
use super::*;
use crate::trace::{inline, trace};
use crate::types::DType;

/// `while(constants…, state…)`: while `cond` holds of the constants and the state, the next state is
/// what `body` makes of them. The result is the state at which it does not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct While {
    /// From constants and state to one truth value.
    pub cond: Body,
    /// From constants and state to the next state.
    pub body: Body,
    /// How many arguments stay the same.
    pub consts: usize,
}

impl While {
    /// The same loop, which counts its rounds in a last value of the state.
    pub(super) fn counted(&self) -> Result<While> {
        let mut types = self.body.input_types().to_vec();
        types.push(Type::scalar(DType::I64));
        let cond = body_of(&types, |x| inline(&self.cond, &x[..x.len() - 1]))?;
        let body = body_of(&types, |x| {
            let mut y = inline(&self.body, &x[..x.len() - 1]);
            y.push(x[x.len() - 1] + 1);
            y
        })?;
        Ok(While { cond, body, consts: self.consts })
    }

    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> Result<(Vars, Tangents)> {
        let moves: Vec<bool> = dx.iter().map(Option::is_some).collect();
        let state = self.output_count();
        let fed = self.consts..self.consts + state;
        let joint = Joint::new(&self.body, &moves, fed, &vec![false; state])?;
        let mut start = x.to_vec();
        start.push(Var::constant(0i64));
        let mut y = apply(self.counted()?, &start);
        let count = y.pop().unwrap_or_else(Var::poison);

        let all: Vec<_> = joint.program.inputs().collect();
        let step = joint.program.part(&all, &joint.program.outputs[state..]);
        let linear = LinearWhile {
            body: self.body.clone(),
            step: Body::new(step),
            consts: self.consts,
            linear_consts: joint.moves[..self.consts].iter().filter(|m| **m).count(),
        };
        let directions = (0..x.len()).filter(|&i| joint.moves[i]);
        let directions = directions.map(|i| dx[i].unwrap_or_else(|| x[i].zeros_like()));
        let args: Vec<Var> =
            std::iter::once(count).chain(x.iter().copied()).chain(directions).collect();
        let mut dy = apply(linear, &args).into_iter();
        let tangents = joint.tangents.iter();
        Ok((y, tangents.map(|&t| if t { dy.next() } else { None }).collect()))
    }

    fn batch_rounds(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let mut batched = batched.to_vec();
        let fed = self.consts..args.len();
        let (body, _) = batched_loop(&self.body, &mut batched, fed.clone(), n)?;
        let condition = batched_loop(&self.cond, &mut batched.clone(), 0..0, n)?;
        if condition.1 == [true] {
            return self.masked(args, &batched, n);
        }
        let start: Vec<Var> =
            fed.map(|i| if batched[i] { spread_arg(args[i], &self.body, i, n) } else { args[i] }).collect();
        let all = [&args[..self.consts], &start].concat();
        let repeat =
            While { cond: Body::new(condition.0), body: Body::new(body), consts: self.consts };
        let y = apply(repeat, &all).into_iter().zip(&batched[self.consts..]);
        Ok(y.map(|(y, &b)| spread((y, b), n)).collect())
    }

    /// Instances that end after different numbers of rounds: until all have, and those that have
    /// keep their state. Which still run is one more value of the state.
    fn masked(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let (consts, state) = (self.consts, self.output_count());
        let mut batched = batched.to_vec();
        batched[consts..].fill(true);
        let constants = &args[..consts];
        let start: Vec<Var> =
            (consts..args.len()).map(|i| spread_arg(args[i], &self.body, i, n)).collect();
        let runs = |constants: &[Var], state: &[Var]| {
            let y = batch_inline_one(&self.cond, &[constants, state].concat(), &batched, n);
            spread(y, n)
        };
        let mut types = types_of(&[constants, &start].concat());
        types.push(Type::new(DType::Bool, [n]));
        let cond = body_of(&types, |x| vec![x[consts + state].any()])?;
        let body = body_of(&types, |x| {
            let (constants, state, mask) = (&x[..consts], &x[consts..consts + state], x[consts + state]);
            let args = [constants, state].concat();
            let args = if can_fail(&self.body) { sheltered(mask, &args, &batched) } else { args };
            let next = crate::vmap::batch_inline(&self.body, &args, &batched, n);
            let mut next: Vec<Var> = next
                .into_iter()
                .zip(state)
                .map(|(next, &old)| choose(mask, spread(next, n), old))
                .collect();
            next.push(runs(constants, &next).and(mask));
            next
        })?;
        let mask = runs(constants, &start);
        let all = [constants, &start, &[mask]].concat();
        let mut y = apply(While { cond, body, consts }, &all);
        y.pop();
        Ok(y)
    }
}

/// Argument `i` of a loop, which has instances or starts the same for all of them.
pub(super) fn spread_arg(arg: Var, body: &Body, i: usize, n: usize) -> Var {
    spread((arg, arg.rank() > body.input_types()[i].shape.rank()), n)
}

/// A body with one result over `n` instances.
fn batch_inline_one(body: &Body, args: &[Var], batched: &[bool], n: usize) -> (Var, bool) {
    let y = crate::vmap::batch_inline(body, args, batched, n);
    y.first().copied().unwrap_or_else(|| (Var::poison(), true))
}

impl Primitive for While {
    fn name(&self) -> &'static str {
        "while"
    }
    fn output_count(&self) -> usize {
        self.body.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("consts", Attribute::Int(self.consts as i64)),
            ("cond", Attribute::Program(self.cond.clone())),
            ("body", Attribute::Program(self.body.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        expect_inputs("the condition", &self.cond, args)?;
        expect_inputs("the body", &self.body, args)?;
        let chooses = self.cond.output_types();
        if chooses != [Type::scalar(DType::Bool)] {
            return Err(Error::shape(format!("the condition gives {chooses:?}, not one truth value"))
                .help("use `.all()` or `.any()` on a mask"));
        }
        let (results, state) = (self.body.output_types(), args.get(self.consts..));
        if state != Some(&results[..]) {
            let state = state.unwrap_or_default();
            return Err(Error::shape(format!("the state is {state:?}, the body gives {results:?}"))
                .help("what is carried keeps its element type and shape"));
        }
        Ok(results.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut values: Vec<Tensor> = args.iter().map(|&t| t.clone()).collect();
        loop {
            let runs = crate::eval::eval(&self.cond, &values)?;
            if !runs.first().is_some_and(|runs| runs.item::<bool>().unwrap_or(false)) {
                return Ok(values.split_off(self.consts));
            }
            let next = crate::eval::eval(&self.body, &values)?;
            values.truncate(self.consts);
            values.extend(next);
        }
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        or_fail(self.differentiate(x, dx), self.output_count()).1
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        Some(or_fail(self.differentiate(x, dx), self.output_count()))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        can_fail(&self.cond) || can_fail(&self.body)
    }
    fn transpose(&self, args: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None; args.len()]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_rounds(args, batched, n), self.output_count())
    }
}

/// x ← a·sin x + ½x and t ← t·(1 + x) until the counter reaches its bound.
pub(super) fn sample_bodies() -> Result<(Body, Body)> {
    let (number, count) = (Type::scalar(DType::F64), Type::scalar(DType::I64));
    let types = [number.clone(), Type::new(DType::F64, [2]), number, count.clone(), count];
    let cond = trace(&types, |x| vec![x[3].lt(x[4])])?;
    let body = trace(&types, |x| {
        vec![x[0] * x[1].sin() + 0.5 * x[1], x[2] * (1.0 + x[1].sum()), x[3] + 1, x[4]]
    })?;
    Ok((Body::new(cond), Body::new(body)))
}

impl Listed for While {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "while").then(|| {
            Ok(While {
                cond: a.program("cond")?.clone(),
                body: a.program("body")?.clone(),
                consts: count(a, "consts")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let Ok((cond, body)) = sample_bodies() else { return vec![] };
        [0i64, 1, 5]
            .map(|rounds| Sample {
                prim: While { cond: cond.clone(), body: body.clone(), consts: 1 }.into(),
                args: vec![
                    Tensor::scalar(0.3),
                    support::spread(DType::F64, [2], -1.0, 1.0),
                    Tensor::scalar(0.8),
                    Tensor::scalar(0i64),
                    Tensor::scalar(rounds),
                ],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("while", "x, …", "a body run from constants and state while cond holds of them")
            .differential("linear_while, as many rounds as the loop itself")
            .domain("loops that end"),
        ]
    }
}
