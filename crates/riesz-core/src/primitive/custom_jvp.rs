//! `custom_jvp`: a program whose differential somebody wrote by hand.
//!
//! The rule covers the arguments. What the program captured from the traces around it is
//! differentiated through the program itself, as the rule says nothing about it.

use super::flow::*;
use super::*;
use crate::jvp::push_forward;
use crate::trace::inline;
use crate::types::DType;

/// `custom_jvp(captures…, x…)` is `value(captures…, x…)`, and its differential in `x` is
/// `tangent(captures…, x…, y…, dx…)`: one direction for each float among `x`, one tangent for each
/// float among the results `y`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CustomJvp {
    /// What is computed.
    pub value: Body,
    /// Its differential.
    pub tangent: Body,
    /// How many arguments the rule does not cover.
    pub captures: usize,
    /// Whether the rule is the derivative, as those of Riesz's own functions are, so that the derivatives
    /// of a gradient are symmetric. What somebody wrote may be anything.
    pub exact: bool,
}

/// The float types among some.
pub(super) fn floats(types: &[Type]) -> Vec<Type> {
    types.iter().filter(|ty| ty.dtype.is_float()).cloned().collect()
}

/// One direction for each float among the arguments: zeros where it has none.
pub(super) fn directions(x: &[Var], dx: &[Option<Var>]) -> Vec<Var> {
    x.iter()
        .zip(dx)
        .filter(|(x, _)| x.dtype().is_float())
        .map(|(x, dx)| dx.unwrap_or_else(|| x.zeros_like()))
        .collect()
}

/// The tangents of the floats among the results in their places, and what the captures add.
pub(super) fn with_captures(
    value: &Body,
    x: &[Var],
    y: &[Var],
    dy: Option<Vec<Var>>,
    dcaptures: &[Option<Var>],
) -> Tangents {
    let mut dy = dy.map(Vec::into_iter);
    let mut tangents: Tangents = y
        .iter()
        .map(|y| if y.dtype().is_float() { dy.as_mut().and_then(Iterator::next) } else { None })
        .collect();
    if dcaptures.iter().any(Option::is_some) {
        let mut dx = dcaptures.to_vec();
        dx.resize(x.len(), None);
        let (_, more) = push_forward(value, x, &dx);
        tangents.iter_mut().zip(more).for_each(|(t, more)| *t = add(*t, more));
    }
    tangents
}

impl CustomJvp {
    fn batch_bodies(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let value = batched_body(&self.value, batched, n)?;
        let types = self.value.input_types().iter().zip(batched);
        let of_directions = types.skip(self.captures).filter(|(ty, _)| ty.dtype.is_float());
        let mut all = batched.to_vec();
        all.extend(self.value.outputs().iter().map(|_| true));
        all.extend(of_directions.map(|(_, &batched)| batched));
        let tangent = batched_body(&self.tangent, &all, n)?;
        let (value, tangent) = (Body::new(value), Body::new(tangent));
        Ok(apply(CustomJvp { value, tangent, ..self.clone() }, args))
    }
}

impl Primitive for CustomJvp {
    fn name(&self) -> &'static str {
        "custom_jvp"
    }
    fn output_count(&self) -> usize {
        self.value.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("captures", Attribute::Int(self.captures as i64)),
            ("exact", Attribute::Int(i64::from(self.exact))),
            ("value", Attribute::Program(self.value.clone())),
            ("tangent", Attribute::Program(self.tangent.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        expect_inputs("the function", &self.value, args)?;
        let y = self.value.output_types();
        let dx = floats(args.get(self.captures..).unwrap_or_default());
        let given = [args, &y[..], &dx].concat();
        expect_inputs("the rule", &self.tangent, &given)?;
        let (expected, dy) = (floats(&y), self.tangent.output_types());
        if expected != dy {
            return Err(Error::shape(format!("the rule gives the tangents {dy:?}, not {expected:?}"))
                .help("a tangent has the element type and shape of its result"));
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
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let (of_captures, of_x) = dx.split_at(self.captures);
        let dy = of_x.iter().any(Option::is_some).then(|| {
            let dx = directions(&x[self.captures..], of_x);
            inline(&self.tangent, &[x, y, &dx].concat())
        });
        with_captures(&self.value, x, y, dy, of_captures)
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        can_fail(&self.value)
    }
    fn transpose(&self, args: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None; args.len()]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_bodies(args, batched, n), self.output_count())
    }
}

impl Listed for CustomJvp {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "custom_jvp").then(|| {
            Ok(CustomJvp {
                value: a.program("value")?.clone(),
                tangent: a.program("tangent")?.clone(),
                captures: count(a, "captures")?,
                exact: a.flag("exact")?,
            })
        })
    }
    /// c·tan x with the rule (c + y²/c)·dx, and a whole number beside it.
    fn samples() -> Vec<Sample> {
        let (x, c) = (Type::new(DType::F64, [2]), Type::scalar(DType::F64));
        let i = Type::scalar(DType::I64);
        let value = body_of(&[c.clone(), x.clone()], |x| {
            vec![x[0] * x[1].tan(), x[1].sum().gt(0.0).cast(DType::I64)]
        });
        let tangent = body_of(&[c, x.clone(), x.clone(), i, x], |x| {
            vec![(x[0] + x[2].square() / x[0]).scale(x[4])]
        });
        let (Ok(value), Ok(tangent)) = (value, tangent) else { return vec![] };
        vec![Sample {
            prim: CustomJvp { value, tangent, captures: 1, exact: false }.into(),
            args: vec![Tensor::scalar(1.5), support::spread(DType::F64, [2], 0.1, 1.0)],
        }]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("custom_jvp", "x, …", "value(x, …), whose differential somebody wrote")
                .differential("the rule that was written; by captured values, the differential of value")
                .domain("that of value"),
        ]
    }
}
