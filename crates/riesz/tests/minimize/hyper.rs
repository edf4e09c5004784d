//! Hyper-dual numbers v + aε₁ + bε₂ + cε₁ε₂ with ε₁² = ε₂² = 0: exact first and second derivatives
//! of the test problems, independent of the library's own differentiation.
//!
//! Source: J. A. Fike and J. J. Alonso, "The development of hyper-dual numbers for exact
//! second-derivative calculations", AIAA 2011-886.

use std::ops::{Add, Div, Mul, Neg, Sub};

use riesz::minimize::{Constraints, EvalError, Objective};

#[derive(Debug, Clone, Copy)]
pub struct Hyper {
    pub v: f64,
    pub a: f64,
    pub b: f64,
    pub c: f64,
}

impl Hyper {
    /// g(self), from g and its first two derivatives at the value.
    fn map(self, g: f64, g1: f64, g2: f64) -> Hyper {
        let Hyper { a, b, c, .. } = self;
        Hyper { v: g, a: g1 * a, b: g1 * b, c: g1 * c + g2 * a * b }
    }

    pub fn exp(self) -> Hyper {
        let e = self.v.exp();
        self.map(e, e, e)
    }

    pub fn ln(self) -> Hyper {
        let v = self.v;
        self.map(v.ln(), 1.0 / v, -1.0 / (v * v))
    }

    pub fn sqrt(self) -> Hyper {
        let r = self.v.sqrt();
        self.map(r, 0.5 / r, -0.25 / (r * r * r))
    }

    pub fn square(self) -> Hyper {
        self * self
    }

    fn recip(self) -> Hyper {
        let r = 1.0 / self.v;
        self.map(r, -r * r, 2.0 * r * r * r)
    }
}

impl From<f64> for Hyper {
    fn from(v: f64) -> Hyper {
        Hyper { v, a: 0.0, b: 0.0, c: 0.0 }
    }
}

impl<T: Into<Hyper>> Add<T> for Hyper {
    type Output = Hyper;
    fn add(self, y: T) -> Hyper {
        let y = y.into();
        Hyper { v: self.v + y.v, a: self.a + y.a, b: self.b + y.b, c: self.c + y.c }
    }
}

impl Neg for Hyper {
    type Output = Hyper;
    fn neg(self) -> Hyper {
        Hyper { v: -self.v, a: -self.a, b: -self.b, c: -self.c }
    }
}

impl<T: Into<Hyper>> Sub<T> for Hyper {
    type Output = Hyper;
    fn sub(self, y: T) -> Hyper {
        self + -y.into()
    }
}

impl<T: Into<Hyper>> Mul<T> for Hyper {
    type Output = Hyper;
    fn mul(self, y: T) -> Hyper {
        let y = y.into();
        Hyper {
            v: self.v * y.v,
            a: self.a * y.v + self.v * y.a,
            b: self.b * y.v + self.v * y.b,
            c: self.c * y.v + self.a * y.b + self.b * y.a + self.v * y.c,
        }
    }
}

impl<T: Into<Hyper>> Div<T> for Hyper {
    type Output = Hyper;
    fn div(self, y: T) -> Hyper {
        let inverse = y.into().recip();
        self.mul(inverse)
    }
}

impl std::iter::Sum for Hyper {
    fn sum<I: Iterator<Item = Hyper>>(terms: I) -> Hyper {
        terms.fold(Hyper::from(0.0), |s, t| s + t)
    }
}

/// x with ε₁ in entry i and ε₂ along `v`.
fn seed(x: &[f64], i: usize, v: &[f64]) -> Vec<Hyper> {
    let seed = |(j, x)| Hyper {
        v: x,
        a: f64::from(u8::from(i == j)),
        b: v.get(j).copied().unwrap_or(0.0),
        c: 0.0,
    };
    x.iter().copied().enumerate().map(seed).collect()
}

type Function = Box<dyn Fn(&[Hyper]) -> Vec<Hyper>>;

/// A vector-valued function with exact derivatives.
pub struct Exact {
    dim: usize,
    count: usize,
    f: Function,
    pub has_hvp: bool,
}

impl Exact {
    pub fn new(dim: usize, f: impl Fn(&[Hyper]) -> Hyper + 'static) -> Exact {
        Exact { dim, count: 1, f: Box::new(move |x| vec![f(x)]), has_hvp: true }
    }

    pub fn constraints(
        dim: usize,
        count: usize,
        f: impl Fn(&[Hyper]) -> Vec<Hyper> + 'static,
    ) -> Exact {
        Exact { dim, count, f: Box::new(f), has_hvp: false }
    }
}

impl Objective for Exact {
    fn dim(&self) -> usize {
        self.dim
    }

    fn value_grad(&mut self, x: &[f64], grad: &mut [f64]) -> Result<f64, EvalError> {
        let mut value = 0.0;
        for (i, g) in grad.iter_mut().enumerate() {
            let y = (self.f)(&seed(x, i, &[]))[0];
            (value, *g) = (y.v, y.a);
        }
        Ok(value)
    }

    fn hvp(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Option<Result<(), EvalError>> {
        if !self.has_hvp {
            return None;
        }
        for (i, out) in out.iter_mut().enumerate() {
            *out = (self.f)(&seed(x, i, v))[0].c;
        }
        Some(Ok(()))
    }
}

impl Constraints for Exact {
    fn dim(&self) -> usize {
        self.dim
    }

    fn count(&self) -> usize {
        self.count
    }

    fn value(&mut self, x: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        let y = (self.f)(&seed(x, self.dim, &[]));
        out.iter_mut().zip(y).for_each(|(out, y)| *out = y.v);
        Ok(())
    }

    fn vjp(&mut self, x: &[f64], weights: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        for (i, out) in out.iter_mut().enumerate() {
            let y = (self.f)(&seed(x, i, &[]));
            *out = weights.iter().zip(y).map(|(w, y)| w * y.a).sum();
        }
        Ok(())
    }
}
