//! `recurrence`: yᵢ = aᵢ·yᵢ₋₁ + xᵢ along an axis. The differential of every running reduction.
//!
//! A running product has dyᵢ = xᵢ·dyᵢ₋₁ + yᵢ₋₁·dxᵢ, a running maximum repeats or replaces, a
//! running log Σ exp mixes: each is one linear recurrence with other coefficients, in linear time
//! and without a division, so that zeros are no special case at any order. Its transpose is the
//! recurrence that runs the other way, with the coefficients moved by one.

use super::*;
use crate::tensor::Data;
use crate::types::{DType, Shape};

/// `recurrence(a, x)`: each result is the one before, times its coefficient, plus its `x`. The
/// first coefficient is not used. A zero coefficient or a zero before it gives zero, whatever the
/// other is: a reset ends what was infinite, and a tangent of zero stays zero. Linear in `x`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Recurrence {
    /// The axis along which it runs.
    pub axis: usize,
    /// Whether it runs from the last element to the first.
    pub reverse: bool,
}

/// The lines along one axis of a tensor: where each starts, how long it is and how far its
/// elements lie apart.
pub(super) struct Lines {
    outer: usize,
    /// The length of each line.
    pub n: usize,
    stride: usize,
}

impl Lines {
    pub(super) fn new(shape: &Shape, axis: usize) -> Lines {
        let (before, rest) = shape.split_at(axis);
        Lines { outer: before.iter().product(), n: rest[0], stride: rest[1..].iter().product() }
    }

    /// Calls `f` with the position of the first element of each line and the distance between
    /// its elements.
    pub(super) fn each(&self, mut f: impl FnMut(usize, usize)) {
        for outer in 0..self.outer {
            for inner in 0..self.stride {
                f(outer * self.n * self.stride + inner, self.stride);
            }
        }
    }

    /// Calls `f` with the positions of each element and of the one before it in running order.
    pub(super) fn run(&self, reverse: bool, mut f: impl FnMut(usize, Option<usize>)) {
        self.each(|first, stride| {
            let mut before = None;
            for k in 0..self.n {
                let k = if reverse { self.n - 1 - k } else { k };
                let at = first + k * stride;
                f(at, before);
                before = Some(at);
            }
        });
    }
}

/// The value before each, in running order; `first` in front.
pub(super) fn before(x: Var, axis: usize, reverse: bool, first: f64) -> Var {
    let shape = x.shape();
    let n = shape[axis];
    if n == 0 {
        return x;
    }
    let mut edge = shape.to_vec();
    edge[axis] = 1;
    let edge = x.literal(first).broadcast_to(edge);
    match reverse {
        false => Var::concat(&[edge, x.slice_axis(axis, 0, n - 1)], axis),
        true => Var::concat(&[x.slice_axis(axis, 1, n), edge], axis),
    }
}

impl Recurrence {
    /// Runs along every line, with `step` from the coefficient, the result before and the element.
    fn run<T: Copy>(&self, shape: &Shape, a: &[T], x: &[T], step: impl Fn(T, T, T) -> T) -> Vec<T> {
        let mut y = x.to_vec();
        Lines::new(shape, self.axis).run(self.reverse, |at, before| {
            if let Some(before) = before {
                y[at] = step(a[at], y[before], x[at]);
            }
        });
        y
    }
}

impl Primitive for Recurrence {
    fn name(&self) -> &'static str {
        "recurrence"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("axis", Attribute::Int(self.axis as i64)),
            ("reverse", Attribute::Int(i64::from(self.reverse))),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        support::expect_number(&args[0])?;
        support::expect_same(&args[0], &args[1])?;
        support::expect_axis(self.axis, &args[0].shape)?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shape = args[0].shape();
        let real = |a: f64, y: f64, x: f64| if a == 0.0 || y == 0.0 { x } else { a * y + x };
        let whole = |a: i64, y: i64, x: i64| a.wrapping_mul(y).wrapping_add(x);
        Ok(vec![match (args[0].data(), args[1].data()) {
            (Data::F64(a), Data::F64(x)) => Tensor::new(self.run(shape, a, x, real), shape.clone())?,
            (Data::I64(a), Data::I64(x)) => Tensor::new(self.run(shape, a, x, whole), shape.clone())?,
            (Data::I32(a), Data::I32(x)) => {
                let whole = |a: i32, y: i32, x: i32| a.wrapping_mul(y).wrapping_add(x);
                Tensor::new(self.run(shape, a, x, whole), shape.clone())?
            }
            // Single precision runs in double, as sums do.
            _ => {
                let y = self.run(shape, &args[0].to_f64(), &args[1].to_f64(), real);
                Tensor::from_f64(&y, shape.clone(), args[0].dtype())?
            }
        }])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b10))
    }
    /// dyᵢ = aᵢ·dyᵢ₋₁ + (yᵢ₋₁·daᵢ + dxᵢ): the same recurrence.
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let previous = || before(y[0], self.axis, self.reverse, 0.0);
        let by_coefficient = dx[0].map(|da| previous().scale(da));
        let moved = add(by_coefficient, dx[1]);
        smallvec![moved.map(|moved| apply(self.clone(), &[x[0], moved])[0])]
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let back = Recurrence { axis: self.axis, reverse: !self.reverse };
        let of_next = |a: Var| before(a, self.axis, !self.reverse, 0.0);
        smallvec![None, ct[0].map(|ct| apply(back, &[of_next(args[0].known()), ct])[0])]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let inner = Recurrence { axis: self.axis + 1, reverse: self.reverse };
        apply(inner, &batch_all(args, batched, n))
    }
}

/// `axis` and `reverse` of a running primitive.
pub(super) fn parse_run(a: &Attributes) -> Result<(usize, bool)> {
    let axis = usize::try_from(a.int("axis")?)
        .map_err(|_| Error::new(crate::ErrorKind::Syntax, "an axis is not negative"))?;
    Ok((axis, a.flag("reverse")?))
}

/// Shapes and axes on which running primitives are tested: empty, single and batched lines.
pub(super) fn run_cases() -> [(Shape, usize, bool); 8] {
    [
        ([4].into(), 0, false),
        ([3].into(), 0, true),
        ([1].into(), 0, false),
        ([0].into(), 0, false),
        ([2, 3].into(), 0, true),
        ([2, 3].into(), 1, false),
        ([2, 0].into(), 0, false),
        ([2, 3, 2].into(), 1, true),
    ]
}

impl Listed for Recurrence {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "recurrence")
            .then(|| parse_run(a).map(|(axis, reverse)| Recurrence { axis, reverse }))
    }
    fn samples() -> Vec<Sample> {
        run_cases()
            .map(|(shape, axis, reverse)| Sample {
                prim: Recurrence { axis, reverse }.into(),
                args: vec![
                    support::spread(DType::F64, shape.clone(), -1.5, 1.5),
                    support::spread(DType::F64, shape, 0.5, 2.0),
                ],
            })
            .into_iter()
            .chain([DType::I32, DType::I64].map(|dtype| Sample {
                prim: Recurrence { axis: 1, reverse: false }.into(),
                args: vec![
                    support::spread(dtype, [2, 4], -2.0, 3.0),
                    support::spread(dtype, [2, 4], -5.0, 5.0),
                ],
            }))
            .collect()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("recurrence", "a, x", "yᵢ = aᵢ·yᵢ₋₁ + xᵢ along an axis")
            .differential("recurrence(a, dx + y before·da)")
            .transpose("for x: recurrence(a of the next, c) the other way")
            .kinks("0·y before = 0 whatever y is"),
        ]
    }
}
