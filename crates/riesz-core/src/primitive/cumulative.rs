//! `cumsum`, `cumprod`, `cummax`, `cumlogsumexp`: each element together with all before it.

use super::recurrence::{Lines, before, parse_run, run_cases};
use super::*;
use crate::tensor::{Data, Element};
use crate::types::DType;

/// What the elements are combined with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Running {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
    /// The largest so far; NaN from the first NaN on.
    Max,
    /// log Σ exp, without overflow.
    LogSumExp,
}

/// A running reduction along one axis; every result has seen its own element.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cumulative {
    /// How the elements are combined.
    pub op: Running,
    /// The axis along which it runs.
    pub axis: usize,
    /// Whether it runs from the last element to the first.
    pub reverse: bool,
}

impl Cumulative {
    /// Runs along every line: a state from the first element, the next from state and element.
    fn scan<T: Element, A: Copy>(
        &self,
        x: &Tensor,
        values: &[T],
        start: impl Fn(T) -> A,
        step: impl Fn(A, T) -> A,
        show: impl Fn(A) -> T,
    ) -> Result<Tensor> {
        let mut out = vec![T::default(); values.len()];
        let mut state = None;
        Lines::new(x.shape(), self.axis).run(self.reverse, |at, before| {
            let next = match (before, state) {
                (Some(_), Some(state)) => step(state, values[at]),
                _ => start(values[at]),
            };
            state = Some(next);
            out[at] = show(next);
        });
        Tensor::new(out, x.shape().clone())
    }

    fn recurrence(&self, coefficient: Var, x: Var) -> Var {
        apply(Recurrence { axis: self.axis, reverse: self.reverse }, &[coefficient, x])[0]
    }
}

/// log(eᵃ + eᵇ) for numbers, as a running sum adds them.
pub fn log_add(a: f64, b: f64) -> f64 {
    let (hi, lo) = if a > b || a.is_nan() { (a, b) } else { (b, a) };
    // Equal infinities would differ by NaN.
    if hi.is_infinite() {
        hi + if lo.is_nan() { lo } else { 0.0 }
    } else {
        hi + (lo - hi).exp().ln_1p()
    }
}

impl Primitive for Cumulative {
    fn name(&self) -> &'static str {
        match self.op {
            Running::Sum => "cumsum",
            Running::Product => "cumprod",
            Running::Max => "cummax",
            Running::LogSumExp => "cumlogsumexp",
        }
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("axis", Attribute::Int(self.axis as i64)),
            ("reverse", Attribute::Int(i64::from(self.reverse))),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_axis(self.axis, &args[0].shape)?;
        match self.op {
            Running::LogSumExp => support::expect_float(&args[0])?,
            Running::Sum | Running::Product | Running::Max => support::expect_number(&args[0])?,
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let x = args[0];
        macro_rules! floats {
            // The state is f64: single precision is combined in double.
            ($v:expr, $t:ty) => {{
                let start = |x: $t| f64::from(x);
                let show = |s: f64| s as $t;
                match self.op {
                    Running::Sum => self.scan(x, $v, start, |s, x| s + f64::from(x), show),
                    Running::Product => self.scan(x, $v, start, |s, x| s * f64::from(x), show),
                    Running::Max => self.scan(x, $v, start, |s, x| larger(s, f64::from(x)), show),
                    Running::LogSumExp => {
                        self.scan(x, $v, start, |s, x| log_add(s, f64::from(x)), show)
                    }
                }
            }};
        }
        macro_rules! integers {
            ($v:expr, $t:ty) => {
                match self.op {
                    Running::Sum => self.scan(x, $v, |x| x, <$t>::wrapping_add, |s| s),
                    Running::Product => self.scan(x, $v, |x| x, <$t>::wrapping_mul, |s| s),
                    Running::Max => self.scan(x, $v, |x| x, Ord::max, |s| s),
                    Running::LogSumExp => Err(Error::shape("needs f32 or f64 elements")),
                }
            };
        }
        Ok(vec![match x.data() {
            Data::F32(v) => floats!(v, f32),
            Data::F64(v) => floats!(v, f64),
            Data::I32(v) => integers!(v, i32),
            Data::I64(v) => integers!(v, i64),
            Data::Bool(_) => Err(Error::shape("needs numbers, not truth values")),
        }?])
    }
    fn linearity(&self) -> Linearity {
        match self.op {
            Running::Sum => Linearity::Together(Args::All),
            Running::Product | Running::Max | Running::LogSumExp => Linearity::Nonlinear,
        }
    }
    /// Product: dyᵢ = xᵢ·dyᵢ₋₁ + yᵢ₋₁·dxᵢ.
    /// Maximum: where it stays yᵢ the tangents of the elements that attain it are collected, and
    /// divided by their number; where it rises the collection starts again.
    /// log Σ exp: dyᵢ = exp(yᵢ₋₁ − yᵢ)·dyᵢ₋₁ + exp(xᵢ − yᵢ)·dxᵢ.
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let Some(dx0) = dx[0] else { return smallvec![None] };
        let (x0, y0) = (x[0], y[0]);
        let before = |v: Var, first: f64| before(v, self.axis, self.reverse, first);
        let dy = match self.op {
            Running::Sum => return linear_differential(self.clone().into(), x, dx),
            Running::Product => self.recurrence(x0, before(y0, 1.0).scale(dx0)),
            Running::Max => {
                // A NaN is attained by none: what follows it, and it, move by NaN.
                let nan = y0.ne(y0);
                let stays = before(y0, f64::NAN).eq(y0).or(nan).cast(x0.dtype());
                let attains = x0.eq(y0).or(nan).cast(x0.dtype());
                let count = Var::select(nan, f64::NAN, self.recurrence(stays, attains));
                count.recip().scale(self.recurrence(stays, attains.scale(dx0)))
            }
            Running::LogSumExp => {
                // Where the result is +∞ it is carried by the elements that are: no ∞ − ∞ there.
                let below = |v: Var| Var::select(v.eq(f64::INFINITY), 0.0, v - y0).exp();
                let first = before(y0.zeros_like(), 1.0).eq(1.0);
                let old = Var::select(first, 0.0, below(before(y0, f64::NEG_INFINITY)));
                let new = Var::select(first, 1.0, below(x0));
                // Two infinities share; otherwise the sum is 1 up to rounding, and dividing by it
                // makes the weights add up exactly as they should.
                let total = old + new;
                self.recurrence(old / total, (new / total).scale(dx0))
            }
        };
        smallvec![Some(dy)]
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let back = Cumulative { op: self.op, axis: self.axis, reverse: !self.reverse };
        smallvec![ct[0].map(|ct| apply(back, &[ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        let Cumulative { op, axis, reverse } = *self;
        apply(Cumulative { op, axis: axis + 1, reverse }, args)
    }
}

/// The larger of two, NaN if either is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
}

impl Listed for Cumulative {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        let op = match name {
            "cumsum" => Running::Sum,
            "cumprod" => Running::Product,
            "cummax" => Running::Max,
            "cumlogsumexp" => Running::LogSumExp,
            _ => return None,
        };
        Some(parse_run(a).map(|(axis, reverse)| Cumulative { op, axis, reverse }))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for op in [Running::Sum, Running::Product, Running::Max, Running::LogSumExp] {
            for (shape, axis, reverse) in run_cases() {
                let prim = Cumulative { op, axis, reverse };
                let args = vec![support::spread(DType::F64, shape, -2.0, 2.0)];
                all.push(Sample { prim: prim.into(), args });
            }
            if op != Running::LogSumExp {
                let args = vec![support::spread(DType::I32, [2, 3], -3.0, 3.0)];
                all.push(Sample { prim: Cumulative { op, axis: 1, reverse: false }.into(), args });
            }
            let args = vec![support::spread(DType::F32, [3], -2.0, 2.0)];
            all.push(Sample { prim: Cumulative { op, axis: 0, reverse: true }.into(), args });
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("cumsum", "x", "the sum of each element and all before it along an axis")
            .transpose("cumsum(c) the other way"),
            About::new("cumprod", "x", "the product of each element and all before it")
            .differential("dyᵢ = xᵢ·dyᵢ₋₁ + yᵢ₋₁·dxᵢ"),
            About::new("cummax", "x", "the largest of each element and all before it; NaN from a NaN on")
            .differential("the mean of dx over the elements so far that attain y")
            .kinks("equal shares at ties; NaN where y is"),
            About::new("cumlogsumexp", "x", "log Σ exp of each element and all before it")
            .differential("dyᵢ = exp(yᵢ₋₁ − yᵢ)·dyᵢ₋₁ + exp(xᵢ − yᵢ)·dxᵢ")
            .kinks("NaN where y is -inf; the mean over the infinite elements where y is inf"),
        ]
    }
}
