//! Functions of one argument, element by element, and what is composed of them.

use super::Operand;
use super::check::{composed, of_floats};
use crate::primitive::support::expect_number;
use crate::primitive::{Cast, Polygamma, Sinc, StopGradient, Unary};
use crate::trace::{Var, apply1};
use crate::types::DType;
use std::f64::consts::FRAC_1_SQRT_2;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $op:ident),* $(,)?) => {
        /// Functions of one argument, element by element.
        impl Var {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(self) -> Var {
                apply1(Unary::$op, &[self])
            }
        )*}
    };
}
methods!(
    /// |x|; derivative sign(x), 0 at 0.
    abs Abs,
    /// −1, 0 or 1; derivative 0.
    sign Sign,
    /// The largest whole number ≤ x; derivative 0.
    floor Floor,
    /// The smallest whole number ≥ x; derivative 0.
    ceil Ceil,
    /// The nearest whole number, ties to even; derivative 0.
    round Round,
    /// The whole part; derivative 0.
    trunc Trunc,
    /// x²
    square Square,
    /// 1/x
    recip Recip,
    /// √x
    sqrt Sqrt,
    /// 1/√x
    rsqrt Rsqrt,
    /// ∛x
    cbrt Cbrt,
    /// eˣ
    exp Exp,
    /// 2ˣ
    exp2 Exp2,
    /// eˣ − 1, exact near 0.
    expm1 Expm1,
    /// The natural logarithm.
    log Log,
    /// The logarithm to base 2.
    log2 Log2,
    /// The logarithm to base 10.
    log10 Log10,
    /// log(1 + x), exact near 0.
    log1p Log1p,
    /// The sine of x radians.
    sin Sin,
    /// The cosine of x radians.
    cos Cos,
    /// The tangent of x radians.
    tan Tan,
    /// The angle in [−π/2, π/2] whose sine is x.
    asin Asin,
    /// The angle in [0, π] whose cosine is x.
    acos Acos,
    /// The angle in (−π/2, π/2) whose tangent is x.
    atan Atan,
    /// The hyperbolic sine.
    sinh Sinh,
    /// The hyperbolic cosine.
    cosh Cosh,
    /// The hyperbolic tangent.
    tanh Tanh,
    /// The inverse of sinh.
    asinh Asinh,
    /// The inverse of cosh.
    acosh Acosh,
    /// The inverse of tanh.
    atanh Atanh,
    /// 1/(1 + e⁻ˣ)
    sigmoid Sigmoid,
    /// log(1 + eˣ), without overflow.
    softplus Softplus,
    /// The error function.
    erf Erf,
    /// 1 − erf(x), exact for large x.
    erfc Erfc,
    /// The inverse of erf.
    erfinv Erfinv,
    /// log |Γ(x)|.
    lgamma Lgamma,
    /// The derivative of log Γ.
    digamma Digamma,
);

/// Composed functions, element by element.
impl Var {
    /// The same numbers in another element type; linear between floats.
    #[track_caller]
    pub fn cast(self, to: DType) -> Var {
        if self.dtype() == to { self } else { apply1(Cast { to }, &[self]) }
    }

    /// This value, through which no derivative passes.
    #[track_caller]
    pub fn stop_gradient(self) -> Var {
        apply1(StopGradient, &[self])
    }

    /// x where it is positive, 0 where it is not; derivative 0 at 0. NaN stays NaN.
    #[track_caller]
    pub fn relu(self) -> Var {
        composed("relu", &[self], || {
            expect_number(&self.ty())?;
            Ok(Var::select(self.le(0.0), 0.0, self))
        })
    }

    /// x where it is positive, `slope`·x elsewhere.
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Var {
        of_floats("leaky_relu", self, || Var::select(self.gt(0.0), self, slope * self))
    }

    /// x where it is positive, α(eˣ − 1) elsewhere.
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Var {
        of_floats("elu", self, || Var::select(self.gt(0.0), self, alpha * self.expm1()))
    }

    /// x·sigmoid(x)
    #[track_caller]
    pub fn silu(self) -> Var {
        of_floats("silu", self, || self * self.sigmoid())
    }

    /// x·Φ(x) with the normal distribution function Φ, through erfc: exact for negative x too.
    #[track_caller]
    pub fn gelu(self) -> Var {
        of_floats("gelu", self, || 0.5 * self * (-FRAC_1_SQRT_2 * self).erfc())
    }

    /// sin(πx)/(πx), 1 at 0; derivatives of every order are exact there too.
    #[track_caller]
    pub fn sinc(self) -> Var {
        apply1(Sinc { order: 0 }, &[self])
    }

    /// The derivative of order `n` of the digamma function, which is that of order 0.
    #[track_caller]
    pub fn polygamma(self, n: u32) -> Var {
        if n == 0 { self.digamma() } else { apply1(Polygamma { n }, &[self]) }
    }

    /// The nearest number in `low..=high`: a maximum, then a minimum, with their ties.
    #[track_caller]
    pub fn clip(self, low: impl Operand, high: impl Operand) -> Var {
        let (low, high) = (low.beside(self), high.beside(self));
        composed("clip", &[self, low, high], || Ok(self.maximum(low).minimum(high)))
    }

    /// Whether each element is not a number.
    #[track_caller]
    pub fn is_nan(self) -> Var {
        self.ne(self)
    }

    /// Whether each element is neither infinite nor NaN.
    #[track_caller]
    pub fn is_finite(self) -> Var {
        if self.dtype().is_float() { self.abs().lt(f64::INFINITY) } else { self.eq(self) }
    }
}
