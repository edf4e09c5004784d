//! Random programs, for tests of transformations and engines.
//!
//! A [`Recipe`] is a list of steps; each applies one of the operations below to values made before. All
//! of them are smooth and bounded, so that derivatives can be held against differences, and any numbers
//! are a recipe, so that one that fails can be shortened.

use crate::trace::Var;
use crate::types::DType;

/// One of the operations: smooth and bounded for all numbers of moderate size.
pub type Step = fn(Var, Var) -> Var;

/// What a step can do with two values.
pub const STEPS: &[Step] = &[
    // Functions of one argument.
    |a, _| a.sin(),
    |a, _| a.cos().exp(),
    |a, _| a.tanh(),
    |a, _| a.softplus() - a.sigmoid(),
    |a, _| a.atan() + a.asinh(),
    |a, _| a.erf() * (-a.square()).exp(),
    |a, _| (1.0 + a.square()).sqrt(),
    |a, _| (2.0 + a.sin()).log().expm1(),
    |a, _| (3.0 + a.cos()).lgamma(),
    |a, _| a.tanh().powi(3) - a.sinc(),
    |a, _| (2.0 + a.sin()).recip(),
    // Functions of two arguments.
    |a, b| both(a, b, |a, b| 0.5 * (a + b)),
    |a, b| both(a, b, |a, b| 0.5 * (a - b)),
    |a, b| both(a, b, |a, b| a * b.tanh()),
    |a, b| both(a, b, |a, b| a / (2.0 + b.cos())),
    |a, b| both(a, b, |a, b| a.hypot(3.0 + b.sin())),
    |a, b| both(a, b, |a, b| a.logaddexp(b)),
    |a, b| both(a, b, |a, b| (2.0 + a.sin()).pow(b.tanh())),
    |a, b| both(a, b, |a, b| a.sin().atan2(2.0 + b.cos())),
    |a, b| {
        both(a, b, |a, b| {
            let even = (Var::iota(DType::I64, a.shape().size()) % 2).eq(0);
            Var::select(even.reshape(a.shape()), a, b)
        })
    },
    // Many elements to one, and back.
    |a, _| a.mean(),
    |a, b| a.flatten().dot(a.flatten()) / (1.0 + b.square().sum()),
    |a, _| a.logsumexp(),
    |a, _| a.flatten().softmax(0),
    |a, _| a.flatten().tanh().cumprod(0),
    |a, _| a.flatten().cumsum(0).sin(),
    |a, _| a.flatten().cumlogsumexp(0),
    |a, _| (1.5 + 0.5 * a.sin()).prod().log1p(),
    |a, b| both(a, b, |a, b| (0.5 + (a - b).square().sum()).sqrt() + a.var()),
    // Elements in other places.
    |a, _| a.flatten().flip(&[0]),
    |a, _| a.flatten().roll(1, 0),
    |a, _| a.flatten().strided(0, None, None, -2),
    |a, _| a.flatten().pad(&[(1, 0, 1)], 0.25),
    |a, b| Var::concat(&[a.flatten(), b.flatten()], 0),
    |a, _| a.flatten().take(Var::constant([0i64, 0]), 0),
    |a, b| {
        let (a, b) = (a.flatten(), b.flatten());
        a.scatter_add(Var::zeros(&b.ty().with_dtype(DType::I64)), b, 0)
    },
    |a, _| a.flatten().expand_dims(0).broadcast_leading(2).transpose(&[2, 0, 1]),
    |a, _| a.flatten().tile(&[2]).reshape([2, a.shape().size()]),
    // Products and factorisations.
    |a, b| 0.25 * a.flatten().tanh().outer(b.flatten().tanh()),
    |a, _| matrix(a).cholesky(),
    |a, b| matrix(a).solve(b.mean().broadcast_to([2])),
    |a, _| matrix(a).logdet() + matrix(a).det().log(),
    |a, _| matrix(a).inverse().matmul(matrix(a).eigh().1),
];

/// Both values in one shape; the second is averaged where it does not broadcast.
fn both(a: Var, b: Var, f: fn(Var, Var) -> Var) -> Var {
    let fits = a.shape().iter().rev().zip(b.shape().iter().rev()).all(|(m, n)| m == n);
    let (a, b) = a.broadcast_with(if fits { b } else { b.mean() });
    f(a, b)
}

/// A well-conditioned symmetric matrix with distinct eigenvalues.
fn matrix(a: Var) -> Var {
    let (p, q) = (a.mean().sin(), a.flatten().at(0).cos());
    let rows = [Var::stack(&[3.0 + p, 0.5 * q], 0), Var::stack(&[0.5 * q, 6.0 - p], 0)];
    Var::stack(&rows, 0)
}

/// How to make a program: for each step which operation, on which two of the values made so far. The
/// numbers of the values are taken modulo how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe(pub Vec<(usize, usize, usize)>);

impl Recipe {
    /// The last value, after the sum of the means of all others. `step` is given the number of an
    /// operation and its arguments.
    pub fn apply(&self, x: &[Var], step: impl Fn(usize, Var, Var) -> Var) -> Vec<Var> {
        let mut values = x.to_vec();
        for &(number, a, b) in &self.0 {
            let (a, b) = (values[a % values.len()], values[b % values.len()]);
            // Shapes grow with products and concatenations, but not for ever.
            let short = |v: Var| if v.shape().size() > 16 { v.mean() } else { v };
            values.push(step(number, short(a), short(b)));
        }
        let last = values.pop().into_iter();
        let others = values.into_iter().map(|v| v.mean()).reduce(|s, v| s + v);
        others.into_iter().chain(last).collect()
    }
}
