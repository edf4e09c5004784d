//! `scan`: a program repeated a known number of times, with values carried from step to step.
//!
//! The differential of a scan is a scan that is linear in the directions. The value is computed by
//! a scan that also hands out, step by step, what its linear part needs; what is the same in every
//! step, or comes in step by step already, is not stored again. The transpose of a linear scan is
//! a linear scan that runs the other way: its carry are the cotangents of the carry, and the sums of
//! those of the constants.

use super::flow::*;
use super::*;
use crate::keep::{Keeping, is_far};
use crate::program::{Program, Value};
use crate::trace::{inline, trace};
use crate::types::DType;
use crate::unzip::Unzipped;

/// `scan(constants…, carry…, xs…)`: for each of `length` steps the body is given the constants, the
/// carry and one part of each of the `xs` along its first axis, and gives the next carry and one part
/// of each of the `ys`. The results are the last carry and the `ys`, each along a new first axis.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scan {
    /// From constants, carry and parts of `xs` to the next carry and parts of `ys`.
    pub body: Body,
    /// How many arguments are the same in every step.
    pub consts: usize,
    /// How many values are carried from step to step.
    pub carry: usize,
    /// How many steps there are.
    pub length: usize,
    /// Whether it begins with the last parts and ends with the first.
    pub reverse: bool,
    /// The arguments in which it is linear together: none, or every carry and some others.
    pub linear: Vec<usize>,
}

/// How many bytes of a scan reverse mode keeps.
pub(crate) struct BytesKept {
    /// What is carried into a step.
    pub carry: usize,
    /// What a step needs for its differential.
    pub needed: usize,
    /// What a step of a long loop keeps of that.
    pub residuals: usize,
    /// The parts of the arguments a step is given, their cotangents, and those of its results.
    pub parts: usize,
}

impl BytesKept {
    /// What a loop of so many of the steps keeps.
    pub fn in_loop(&self, steps: usize) -> usize {
        let saved = self.needed.saturating_sub(self.residuals);
        let each = if is_far(saved as u64, steps) { self.residuals } else { self.needed };
        steps.saturating_mul(each)
    }
}

impl Scan {
    /// How many results come step by step.
    pub fn ys(&self) -> usize {
        self.body.outputs().len() - self.carry
    }

    /// The first position among the arguments that comes step by step.
    pub fn first_xs(&self) -> usize {
        self.consts + self.carry
    }

    /// The steps in the order in which they are taken.
    pub fn steps(&self) -> impl Iterator<Item = usize> + use<> {
        let (n, reverse) = (self.length, self.reverse);
        (0..n).map(move |i| if reverse { n - 1 - i } else { i })
    }

    /// The same scan with what is needed for the results in `used` alone: which arguments and which
    /// results are left. A carry goes when neither its last value nor any other result needs it.
    pub(crate) fn pruned(&self, used: &[bool]) -> (Scan, Vec<usize>, Vec<usize>) {
        let mut used = used.to_vec();
        let needed = loop {
            let outputs = marked(self.body.outputs(), &used).copied();
            let needed = self.body.needed(outputs);
            let fed = (0..self.carry).find(|&k| needed[self.consts + k] && !used[k]);
            match fed {
                Some(k) => used[k] = true,
                None => break needed,
            }
        };
        // The carry in and out stand and fall together.
        let keep = |i: usize| match i {
            i if i < self.consts || i >= self.first_xs() => needed[i],
            i => used[i - self.consts],
        };
        let inputs: Vec<usize> = (0..self.body.inputs).filter(|&i| keep(i)).collect();
        let outputs = positions(&used);
        let values: Vec<Value> = inputs.iter().map(|&i| Value(i as u32)).collect();
        let results: Vec<Value> = outputs.iter().map(|&k| self.body.outputs[k]).collect();
        let linear = mask_of(&self.linear, self.body.inputs);
        let scan = Scan {
            body: Body::new(self.body.part(&values, &results)),
            consts: inputs.iter().filter(|&&i| i < self.consts).count(),
            carry: outputs.iter().filter(|&&k| k < self.carry).count(),
            linear: (0..inputs.len()).filter(|&i| linear[inputs[i]]).collect(),
            ..self.clone()
        };
        (scan, inputs, outputs)
    }

    /// What reverse mode has to keep if every float moves.
    pub(crate) fn bytes_kept(&self) -> Result<BytesKept> {
        let types = self.body.input_types();
        let moves: Vec<bool> = types.iter().map(|ty| ty.dtype.is_float()).collect();
        let fed = self.consts..self.first_xs();
        let results = self.output_count();
        let joint = Joint::new(&self.body, &moves, fed.clone(), &vec![false; results])?;
        let handed = |halves: Unzipped| -> usize {
            let handed = self.handed(&halves.primal, &halves.primal.outputs[results..]);
            handed.iter().map(|&v| halves.primal.ty(v).bytes()).sum()
        };
        let bytes = |types: &[Type]| types.iter().map(Type::bytes).sum::<usize>();
        Ok(BytesKept {
            carry: bytes(&types[fed]),
            needed: handed(joint.unzip()?),
            residuals: handed(self.halves(&joint)?),
            parts: 2 * bytes(&types[self.first_xs()..])
                + bytes(&self.body.output_types()[self.carry..]),
        })
    }

    /// The primal half of a step and the linear one, which has the same in every step and the parts of the
    /// arguments without keeping them.
    fn halves(&self, joint: &Joint) -> Result<Unzipped> {
        let mut given: Vec<bool> = self.varies(&joint.program).iter().map(|v| !v).collect();
        given[self.first_xs()..self.body.inputs].fill(true);
        joint.unzip_keeping(&Keeping { given, steps: self.length })
    }

    /// The residuals of a step that are neither the same in every step nor parts of the arguments.
    fn handed(&self, primal: &Program, residuals: &[Value]) -> Vec<Value> {
        let varies = self.varies(primal);
        let residuals = residuals.iter().copied();
        residuals.filter(|&v| varies[v.index()] && !self.is_part(v)).collect()
    }

    /// Which values of a body may differ from step to step.
    fn varies(&self, body: &Program) -> Vec<bool> {
        let varying: Vec<bool> = (0..body.inputs).map(|i| i >= self.consts).collect();
        body.dependents(&varying)
    }

    /// Whether a value of the body is a part of an argument.
    fn is_part(&self, v: Value) -> bool {
        (self.first_xs()..self.body.inputs).contains(&v.index())
    }

    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> Result<(Vars, Tangents)> {
        let moves: Vec<bool> = dx.iter().map(Option::is_some).collect();
        let fed = self.consts..self.first_xs();
        let joint = Joint::new(&self.body, &moves, fed, &vec![false; self.output_count()])?;
        let halves = self.halves(&joint)?;
        let results = self.output_count();
        let residuals = &halves.primal.outputs[results..];

        // A residual is an argument of the scan already, the same in every step, or is handed out.
        let varies = self.varies(&halves.primal);
        let handed = self.handed(&halves.primal, residuals);
        let same: Vec<Value> = residuals.iter().copied().filter(|v| !varies[v.index()]).collect();

        let constants = self.body.inputs_from(0, self.consts);
        let all = self.body.inputs_from(0, self.body.inputs);
        let before = halves.primal.part(&constants, &same);
        let outputs = [&halves.primal.outputs[..results], &handed].concat();
        let body = Body::new(halves.primal.part(&all, &outputs));
        let mut y = apply(Scan { body, linear: vec![], ..self.clone() }, x);
        let mut handed = y.drain(results..).collect::<Vec<Var>>().into_iter();
        let mut same = inline(&before, &x[..self.consts]).into_iter();

        // The linear body, with its inputs as constants, carry and parts.
        let direction = |i: usize| {
            let at = joint.moves[..i].iter().filter(|m| **m).count();
            Value((residuals.len() + at) as u32)
        };
        let directions = |range: std::ops::Range<usize>| {
            range.filter(|&i| joint.moves[i]).map(|i| (direction(i), i)).collect::<Vec<_>>()
        };
        let tangent = |i: usize| dx[i].unwrap_or_else(|| x[i].zeros_like());
        let (mut constants, mut parts) = (Vec::new(), Vec::new());
        for (k, &v) in residuals.iter().enumerate() {
            let value = Value(k as u32);
            if !varies[v.index()] {
                constants.push((value, same.next().unwrap_or_else(Var::poison)));
            } else if self.is_part(v) {
                parts.push((value, x[v.index()]));
            } else {
                parts.push((value, handed.next().unwrap_or_else(Var::poison)));
            }
        }
        let known_constants = constants.len();
        let moved = |range| directions(range).into_iter().map(|(v, i)| (v, tangent(i)));
        constants.extend(moved(0..self.consts));
        let carry: Vec<(Value, Var)> = moved(self.consts..self.first_xs()).collect();
        let known_parts = constants.len() + carry.len() + parts.len();
        parts.extend(moved(self.first_xs()..self.body.inputs));
        let (consts, carried) = (constants.len(), carry.len());
        let order: Vec<(Value, Var)> = [constants, carry, parts].concat();
        let (order, args): (Vec<Value>, Vec<Var>) = order.into_iter().unzip();
        let linear = Scan {
            body: Body::new(halves.linear.part(&order, &halves.linear.outputs)),
            consts,
            carry: carried,
            linear: (known_constants..consts + carried).chain(known_parts..args.len()).collect(),
            ..self.clone()
        };
        let mut dy = match linear.linear.is_empty() {
            true => Vars::new(),
            false => apply(linear, &args),
        }
        .into_iter();
        let tangents = joint.tangents.iter();
        Ok((y, tangents.map(|&t| if t { dy.next() } else { None }).collect()))
    }

    fn transpose_steps(&self, args: &[Arg], ct: &[Option<Var>]) -> Result<Cotangents> {
        let used: Vec<bool> = ct.iter().map(Option::is_some).collect();
        let (scan, inputs, outputs) = self.pruned(&used);
        let linear = mask_of(&scan.linear, inputs.len());
        let args_left: Vec<Arg> = inputs.iter().map(|&i| args[i].clone()).collect();
        let every: Vec<usize> = (0..outputs.len()).collect();
        let back = transposed(&scan.body, &linear, &every)?;
        let types = scan.body.input_types();
        let (c, s) = (scan.consts, scan.first_xs());
        let known_consts: Vec<Type> =
            (0..c).filter(|&i| !linear[i]).map(|i| types[i].clone()).collect();
        let known_parts: Vec<Type> =
            (s..inputs.len()).filter(|&i| !linear[i]).map(|i| types[i].clone()).collect();
        let sums: Vec<Type> = (0..c).filter(|&i| linear[i]).map(|i| types[i].clone()).collect();
        let results = scan.body.output_types();
        let (of_carry, of_ys) = results.split_at(scan.carry);

        // (known constants; cotangents of the carry, sums; known parts, cotangents of the ys).
        let roles = [&known_consts[..], of_carry, &sums, &known_parts, of_ys];
        let body = body_of(&roles.concat(), |x| {
            let mut rest = x;
            let [consts, of_carry, sums, parts, of_ys] = roles.map(|role| {
                let (part, after) = rest.split_at(role.len());
                rest = after;
                part
            });
            let ct = inline(&back, &[consts, parts, of_carry, of_ys].concat());
            let (of_consts, ct) = ct.split_at(sums.len());
            let (of_carry, of_parts) = ct.split_at(of_carry.len());
            let sums = sums.iter().zip(of_consts).map(|(&sum, &ct)| sum + ct);
            of_carry.iter().copied().chain(sums).chain(of_parts.iter().copied()).collect()
        })?;
        let mut inputs_back: Vec<Var> = known(&args_left[..c], &linear[..c]);
        let known_consts = inputs_back.len();
        let mut of_outputs = outputs.iter().zip(&results).enumerate().map(|(k, (&out, ty))| {
            ct[out].unwrap_or_else(|| {
                let ty = if k < scan.carry { ty.clone() } else { stacked(ty, self.length) };
                Var::zeros(&ty)
            })
        });
        inputs_back.extend(of_outputs.by_ref().take(scan.carry));
        inputs_back.extend(sums.iter().map(Var::zeros));
        let carried = scan.carry + sums.len();
        inputs_back.extend(known(&args_left[s..], &linear[s..]));
        let first_ys = inputs_back.len();
        inputs_back.extend(of_outputs);
        let reversed = Scan {
            body,
            consts: known_consts,
            carry: carried,
            length: self.length,
            reverse: !self.reverse,
            linear: (known_consts..known_consts + carried)
                .chain(first_ys..inputs_back.len())
                .collect(),
        };
        let y = apply(reversed, &inputs_back);
        let (of_carry, rest) = y.split_at(scan.carry);
        let (of_consts, of_parts) = rest.split_at(sums.len());
        let in_order = of_consts.iter().chain(of_carry).chain(of_parts).copied();
        let linear: Vec<usize> = positions(&linear).into_iter().map(|i| inputs[i]).collect();
        Ok(placed(&linear, args.len(), in_order))
    }

    fn batch_steps(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let mut batched = batched.to_vec();
        let fed = self.consts..self.first_xs();
        let (body, differ) = batched_loop(&self.body, &mut batched, fed, n)?;
        let inputs: Vec<Var> = (0..args.len())
            .map(|i| match (batched[i], args[i].rank() > self.body.input_types()[i].shape.rank()) {
                // The steps stay along the first axis, the instances come second.
                (true, _) if i >= self.first_xs() => args[i].move_axis(0, 1),
                // A carry that starts the same for all.
                (true, false) => args[i].broadcast_leading(n),
                _ => args[i],
            })
            .collect();
        let y = apply(Scan { body: Body::new(body), ..self.clone() }, &inputs);
        let results = y.into_iter().enumerate().map(|(k, y)| match differ[k] {
            true if k >= self.carry => y.move_axis(1, 0),
            differs => spread((y, differs), n),
        });
        Ok(results.collect())
    }
}

/// `length` values of a type along a new first axis.
fn stacked(ty: &Type, length: usize) -> Type {
    ty.with_shape(ty.shape.with_leading(length))
}

impl Primitive for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }
    fn output_count(&self) -> usize {
        self.body.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("consts", Attribute::Int(self.consts as i64)),
            ("carry", Attribute::Int(self.carry as i64)),
            ("length", Attribute::Int(self.length as i64)),
            ("reverse", Attribute::Int(i64::from(self.reverse))),
            ("linear", Attribute::ints(&self.linear)),
            ("body", Attribute::Program(self.body.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, self.body.inputs)?;
        expect_linear(&self.linear, args)?;
        let (same, parts) = args.split_at(self.first_xs().min(args.len()));
        let mut given = same.to_vec();
        for ty in parts {
            match ty.shape.split_first() {
                Some((&n, rest)) if n == self.length => given.push(ty.with_shape(rest)),
                _ => {
                    return Err(Error::shape(format!(
                        "takes {} steps, {ty} has not that many parts along its first axis",
                        self.length
                    )));
                }
            }
        }
        expect_inputs("the body", &self.body, &given)?;
        let mut results = self.body.output_types();
        let carry = given.get(self.consts..self.first_xs());
        if carry.is_none() || results.get(..self.carry) != carry {
            return Err(Error::shape(format!(
                "carries {:?} in and {results:?} out of a step",
                carry.unwrap_or_default()
            ))
            .help("what is carried keeps its element type and shape"));
        }
        results[self.carry..].iter_mut().for_each(|ty| *ty = stacked(ty, self.length));
        Ok(results.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let constants: Vec<Tensor> = args[..self.consts].iter().map(|&t| t.clone()).collect();
        let mut carry: Vec<Tensor> =
            args[self.consts..self.first_xs()].iter().map(|&t| t.clone()).collect();
        let types = self.body.output_types();
        let mut ys: Vec<Tensor> =
            types[self.carry..].iter().map(|ty| Tensor::zeros(&stacked(ty, self.length))).collect();
        for step in self.steps() {
            let parts = args[self.first_xs()..].iter().map(|t| t.part(step));
            let inputs: Vec<Tensor> =
                constants.iter().cloned().chain(carry.drain(..)).chain(parts).collect();
            let mut results = crate::eval::eval(&self.body, &inputs)?;
            for (y, part) in ys.iter_mut().zip(results.drain(self.carry..)) {
                y.set_part(step, &part);
            }
            carry = results;
        }
        carry.extend(ys);
        Ok(carry)
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
        cotangents_or_fail(self.transpose_steps(args, ct), args.len())
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_steps(args, batched, n), self.output_count())
    }
}

impl Listed for Scan {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "scan").then(|| {
            Ok(Scan {
                body: a.program("body")?.clone(),
                consts: count(a, "consts")?,
                carry: count(a, "carry")?,
                length: count(a, "length")?,
                reverse: count(a, "reverse")? != 0,
                linear: a.sizes("linear")?,
            })
        })
    }
    /// A recurrence with a constant, two values carried and two handed out; no steps, one and four.
    fn samples() -> Vec<Sample> {
        let number = Type::scalar(DType::F64);
        let pair = Type::new(DType::F64, [2]);
        let types = [pair.clone(), pair.clone(), number, pair.clone()];
        let body = trace(&types, |x| {
            let [a, h, t, part] = [x[0], x[1], x[2], x[3]];
            let h = (a * h + part).tanh();
            vec![h, t * 0.9 + h.sum(), h * t, (a * part).sum()]
        });
        let Ok(body) = body.map(Body::new) else { return vec![] };
        [(0, false), (1, false), (4, false), (4, true)]
            .map(|(length, reverse)| {
                let (consts, carry, linear) = (1, 2, vec![]);
                let body = body.clone();
                Sample {
                    prim: Scan { body, consts, carry, length, reverse, linear }.into(),
                    args: vec![
                        support::spread(DType::F64, [2], 0.3, 0.9),
                        support::spread(DType::F64, [2], -1.0, 1.0),
                        Tensor::scalar(0.4),
                        support::spread(DType::F64, [length, 2], -1.0, 1.0),
                    ],
                }
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("scan", "x, …", "a body run length times, from constants, carry and parts of the xs")
            .differential("a scan that is linear in the tangents, beside the scan of the values")
            .transpose("of one that is linear: a scan that runs the other way"),
        ]
    }
}
