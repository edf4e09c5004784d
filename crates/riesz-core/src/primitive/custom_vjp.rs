//! `custom_vjp`: a program whose transposed differential somebody wrote by hand.
//!
//! The value is computed by a forward program that also says what to keep, and the linear part is the
//! transpose of the backward program: a primitive of its own, [`CustomBackward`], whose transpose is the
//! program itself. So reverse mode runs the backward program as it was written, whatever it does; only
//! forward mode has to transpose it, and for that it must be linear in the cotangents.

use super::custom_jvp::{directions, floats, with_captures};
use super::flow::*;
use super::*;
use crate::error::Source;
use crate::jvp::push_forward;
use crate::program::Program;
use crate::trace::{inline, trace};
use crate::types::DType;
use crate::vmap::batch_inline;
use std::borrow::Cow;

/// `custom_vjp(captures…, x…)` is `value(captures…, x…)`. When it is differentiated
/// `forward(captures…, x…)` gives the results and the residuals, and
/// `backward(captures…, residuals…, ȳ…)`, with a cotangent for each float among the results, one
/// cotangent for each float among `x`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CustomVjp {
    /// What is computed when nothing is differentiated.
    pub value: Body,
    /// What is computed when something is: the results, and what is kept.
    pub forward: Body,
    /// The transposed differential.
    pub backward: Body,
    /// How many arguments the rule does not cover.
    pub captures: usize,
}

impl CustomVjp {
    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> (Vars, Tangents) {
        let (of_captures, of_x) = dx.split_at(self.captures);
        if of_x.iter().all(Option::is_none) {
            let y = apply(self.clone(), x);
            let tangents = with_captures(&self.value, x, &y, None, of_captures);
            return (y, tangents);
        }
        let mut y = inline(&self.forward, x);
        let residuals = y.split_off(self.value.outputs().len());
        let known = [&x[..self.captures], &residuals].concat();
        let linear = CustomBackward {
            body: self.backward.clone(),
            known: known.len(),
            transposed: true,
        };
        let directions = directions(&x[self.captures..], of_x);
        let dy = apply(linear, &[known, directions].concat()).to_vec();
        let tangents = with_captures(&self.value, x, &y, Some(dy), of_captures);
        (y.into(), tangents)
    }

    fn batch_bodies(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let value = batched_body(&self.value, batched, n)?;
        let forward = batched_body(&self.forward, batched, n)?;
        // Residuals and cotangents belong to instances; of an argument that does not, its cotangents
        // add up.
        let mut all = batched[..self.captures].to_vec();
        all.resize(self.backward.inputs, true);
        let of_x = self.value.input_types().iter().zip(batched).skip(self.captures);
        let own: Vec<bool> =
            of_x.filter(|(ty, _)| ty.dtype.is_float()).map(|(_, &batched)| batched).collect();
        let backward = summed(&self.backward, &all, &own, n)?;
        let [value, forward, backward] = [value, forward, backward].map(Body::new);
        Ok(apply(CustomVjp { value, forward, backward, captures: self.captures }, args))
    }
}

/// A program over `n` instances of the inputs in `batched`, whose results are those of each instance
/// where `own` says so, and otherwise their sum.
fn summed(body: &Program, batched: &[bool], own: &[bool], n: usize) -> Result<Program> {
    let types = batched_types(body.input_types(), batched, n);
    trace(&types, |x| {
        let y = batch_inline(body, x, batched, n).into_iter().zip(own);
        y.map(|(y, &own)| if own { spread(y, n) } else { spread(y, n).sum_axes(&[0]) }).collect()
    })
}

impl Primitive for CustomVjp {
    fn name(&self) -> &'static str {
        "custom_vjp"
    }
    fn output_count(&self) -> usize {
        self.value.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("captures", Attribute::Int(self.captures as i64)),
            ("value", Attribute::Program(self.value.clone())),
            ("forward", Attribute::Program(self.forward.clone())),
            ("backward", Attribute::Program(self.backward.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        expect_inputs("the function", &self.value, args)?;
        expect_inputs("the forward rule", &self.forward, args)?;
        let (y, both) = (self.value.output_types(), self.forward.output_types());
        if both.get(..y.len()) != Some(&y[..]) {
            return Err(Error::shape(format!("the function gives {y:?}, the forward rule {both:?}"))
                .help("the forward rule gives what the function does, then what is kept"));
        }
        let captures = args.get(..self.captures).unwrap_or_default();
        let given = [captures, &both[y.len()..], &floats(&y)].concat();
        expect_inputs("the backward rule", &self.backward, &given)?;
        let expected = floats(args.get(self.captures..).unwrap_or_default());
        let back = self.backward.output_types();
        if back != expected {
            let message = format!("the backward rule gives the cotangents {back:?}, not {expected:?}");
            return Err(Error::shape(message)
                .help("a cotangent has the element type and shape of its argument"));
        }
        Ok(y.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let args: Vec<Tensor> = args.iter().map(|&t| t.clone()).collect();
        crate::eval::eval(&self.value, &args)
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        self.differentiate(x, dx).1
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        Some(self.differentiate(x, dx))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        can_fail(&self.value) || can_fail(&self.forward)
    }
    fn transpose(&self, args: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None; args.len()]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_bodies(args, batched, n), self.output_count())
    }
}

/// `custom_backward(known…, ȳ…)`: the results of `body`, a backward rule, which is taken at its word that
/// it is linear in its last arguments; or, `transposed`, the transpose with respect to these, applied
/// to directions. The one is the transpose of the other.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CustomBackward {
    /// From known values and cotangents to cotangents.
    pub body: Body,
    /// How many values are known.
    pub known: usize,
    /// Whether it is turned around.
    pub transposed: bool,
}

impl CustomBackward {
    /// The program that this is.
    ///
    /// # Errors
    /// When it is transposed, and the body is not linear.
    pub(crate) fn program(&self) -> Result<Cow<'_, Program>> {
        if !self.transposed {
            return Ok(Cow::Borrowed(&self.body));
        }
        let linear = crate::linear::as_linear(&self.body, self.known).map_err(|e| {
            e.at("custom_vjp", Source::Unknown).help(
                "forward mode transposes the backward rule; one that is not linear in the cotangents \
                 serves reverse mode only",
            )
        })?;
        Ok(Cow::Owned(crate::transpose::transpose(&linear, self.known)?))
    }

    /// How many values it is linear in, which follow the known ones.
    fn directions(&self) -> usize {
        if self.transposed { self.body.outputs().len() } else { self.body.inputs - self.known }
    }

    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> Result<(Vars, Tangents)> {
        let program = self.program()?;
        let (y, dy) = push_forward(&program, x, dx);
        Ok((y.into(), dy.into()))
    }

    fn batch_body(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let mut all = batched[..self.known].to_vec();
        let own = match self.transposed {
            // Every cotangent belongs to an instance; the results do where the directions do.
            true => {
                all.resize(self.body.inputs, true);
                batched[self.known..].to_vec()
            }
            false => {
                all.extend(&batched[self.known..]);
                vec![true; self.body.outputs().len()]
            }
        };
        let body = Body::new(summed(&self.body, &all, &own, n)?);
        Ok(apply(CustomBackward { body, ..self.clone() }, args))
    }
}

impl Primitive for CustomBackward {
    fn name(&self) -> &'static str {
        "custom_backward"
    }
    fn output_count(&self) -> usize {
        match self.transposed {
            true => self.body.inputs - self.known,
            false => self.body.outputs().len(),
        }
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("known", Attribute::Int(self.known as i64)),
            ("transposed", Attribute::Int(i64::from(self.transposed))),
            ("body", Attribute::Program(self.body.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        let (known, cotangents) = self
            .body
            .input_types()
            .split_at_checked(self.known)
            .ok_or_else(|| Error::shape("knows more values than its body takes"))?;
        let of_arguments = self.body.output_types();
        let (from, to) = match self.transposed {
            true => (&of_arguments[..], cotangents),
            false => (cotangents, &of_arguments[..]),
        };
        let given = [known, from].concat();
        if given != args {
            return Err(Error::shape(format!("takes {given:?}, not {args:?}")));
        }
        expect_linear(&(self.known..args.len()).collect::<Vec<_>>(), args)?;
        Ok(to.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let args: Vec<Tensor> = args.iter().map(|&t| t.clone()).collect();
        crate::eval::eval(&*self.program()?, &args)
    }
    fn linearity(&self) -> Linearity {
        linear_together(&(self.known..self.known + self.directions()).collect::<Vec<_>>())
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    /// A rule is differentiated as it is written, also in the cotangents: it may not be linear. Only
    /// what is transposed has been seen to be.
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        let linearly = self.transposed && dx[..self.known].iter().all(Option::is_none);
        (!linearly).then(|| or_fail(self.differentiate(x, dx), self.output_count()))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        can_fail(&self.body)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let known: Vec<Var> = args[..self.known].iter().map(Arg::known).collect();
        let types = match self.transposed {
            true => self.body.input_types()[self.known..].to_vec(),
            false => self.body.output_types(),
        };
        let ct = ct.iter().zip(&types).map(|(ct, ty)| ct.unwrap_or_else(|| Var::zeros(ty)));
        let inputs: Vec<Var> = known.into_iter().chain(ct).collect();
        let back = apply(CustomBackward { transposed: !self.transposed, ..self.clone() }, &inputs);
        placed(&(self.known..args.len()).collect::<Vec<_>>(), args.len(), back)
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_body(args, batched, n), self.output_count())
    }
}

/// x ↦ c·sin x, Σ c·x with everything kept that the backward rule uses.
fn sample_bodies() -> Result<[Body; 3]> {
    let (x, c) = (Type::new(DType::F64, [2]), Type::scalar(DType::F64));
    let f = |x: &[Var]| vec![x[0] * x[1].sin(), (x[0] * x[1]).sum()];
    let value = trace(&[c.clone(), x.clone()], f)?;
    let forward = trace(&[c.clone(), x.clone()], |x| [f(x), vec![x[1].cos()]].concat())?;
    let backward = trace(&[c.clone(), x.clone(), x, c], |x| {
        vec![(x[0] * x[1]).scale(x[2]) + x[0] * x[3]]
    })?;
    Ok([value, forward, backward].map(Body::new))
}

impl Listed for CustomVjp {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "custom_vjp").then(|| {
            Ok(CustomVjp {
                value: a.program("value")?.clone(),
                forward: a.program("forward")?.clone(),
                backward: a.program("backward")?.clone(),
                captures: count(a, "captures")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let Ok([value, forward, backward]) = sample_bodies() else { return vec![] };
        vec![Sample {
            prim: CustomVjp { value, forward, backward, captures: 1 }.into(),
            args: vec![Tensor::scalar(1.5), support::spread(DType::F64, [2], 0.1, 1.0)],
        }]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("custom_vjp", "x, …", "value(x, …), whose transposed differential somebody wrote")
                .differential("custom_backward, transposed; by captured values, the differential of value")
                .domain("that of value"),
        ]
    }
}

impl Listed for CustomBackward {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "custom_backward").then(|| {
            Ok(CustomBackward {
                body: a.program("body")?.clone(),
                known: count(a, "known")?,
                transposed: a.int("transposed")? != 0,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let Ok([_, _, body]) = sample_bodies() else { return vec![] };
        let known = [Tensor::scalar(1.5), support::spread(DType::F64, [2], 0.1, 1.0)];
        let direction = support::spread(DType::F64, [2], 0.5, 1.0);
        let sample = |transposed, more: &[Tensor]| Sample {
            prim: CustomBackward { body: body.clone(), known: 2, transposed }.into(),
            args: [&known[..], more].concat(),
        };
        vec![
            sample(true, std::slice::from_ref(&direction)),
            sample(false, &[direction, Tensor::scalar(0.3)]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("custom_backward", "x, …", "a backward rule, or its transpose, linear in its last arguments")
                .differential("that of the rule as it is written")
                .transpose("custom_backward, turned around")
                .domain("rules that are linear, where they are transposed"),
        ]
    }
}
