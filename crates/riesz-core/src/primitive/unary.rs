//! Scalar functions of one argument: a table with one row each.
//!
//! A row says the function, its derivative as mathematics on `Var`, the interval the laws sample,
//! the points where there is no derivative and the value chosen there, and what it means. To add a
//! function, add a row; everything else iterates the table.

use super::*;
use crate::tensor::Data;
use crate::types::DType;
use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10};
use std::sync::Arc;

/// What is known about the slope of a scalar function.
#[derive(Clone, Copy)]
pub enum Slope {
    /// The derivative from the argument and the value.
    By(fn(Var, Var) -> Var),
    /// The function is linear, and its own transpose.
    Linear,
    /// Zero wherever there is a derivative.
    Flat,
}

/// One scalar function.
pub struct Row {
    /// Its name in the text form and in formulas.
    pub name: &'static str,
    /// Its value, to the last digit where the platform's library is.
    pub value: fn(f64) -> f64,
    /// The same for integers, if it has a meaning there.
    pub integer: Option<fn(i64) -> i64>,
    /// Its derivative.
    pub slope: Slope,
    /// The differential as a person reads it.
    pub differential: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Where it is defined.
    pub domain: &'static str,
    /// Where the laws sample it, away from kinks and poles.
    pub sample: (f64, f64),
    /// Points without a derivative, and the value chosen there.
    pub kinks: &'static str,
}

macro_rules! unary {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal: $value:expr, $slope:expr, $differential:literal,
       on $domain:literal, sample $sample:expr
       $(, integers $integer:expr)? $(, kinks $kinks:literal)?;)*) => {
        /// A scalar function applied to each element.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Unary { $($(#[doc = $doc])+ $variant,)* }

        impl Unary {
            /// The whole table.
            pub const ALL: &'static [Unary] = &[$(Unary::$variant),*];

            /// What is known about this function.
            pub fn row(self) -> &'static Row {
                match self {
                    $(Unary::$variant => {
                        static ROW: Row = Row {
                            name: $name,
                            value: $value,
                            integer: last_of!(None $(, Some($integer))?),
                            slope: $slope,
                            differential: $differential,
                            meaning: concat!($($doc),+),
                            domain: $domain,
                            sample: $sample,
                            kinks: concat!($($kinks)?),
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}
use Slope::{By, Flat, Linear};

unary! {
    /// −x
    Neg "neg": |x| -x, Linear, "-dx", on "all", sample (-2.0, 2.0), integers i64::wrapping_neg;
    /// |x|
    Abs "abs": f64::abs, By(|x, _| x.sign()), "sign(x)*dx", on "all", sample (0.1, 2.0),
        integers i64::wrapping_abs, kinks "0 at 0";
    /// −1, 0 or 1
    Sign "sign": |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }, Flat, "0",
        on "all", sample (0.1, 2.0), integers i64::signum, kinks "0 at 0";
    /// the largest whole number ≤ x
    Floor "floor": f64::floor, Flat, "0", on "all", sample (0.1, 0.9), integers |x| x,
        kinks "0 at the whole numbers";
    /// the smallest whole number ≥ x
    Ceil "ceil": f64::ceil, Flat, "0", on "all", sample (0.1, 0.9), integers |x| x,
        kinks "0 at the whole numbers";
    /// the nearest whole number, ties to even
    Round "round": f64::round_ties_even, Flat, "0", on "all", sample (0.6, 1.4), integers |x| x,
        kinks "0 at the halves";
    /// the whole part
    Trunc "trunc": f64::trunc, Flat, "0", on "all", sample (0.1, 0.9), integers |x| x,
        kinks "0 at the whole numbers";
    /// x²
    Square "square": |x| x * x, By(|x, _| 2.0 * x), "2*x*dx", on "all", sample (-2.0, 2.0),
        integers |x| x.wrapping_mul(x);
    /// 1/x
    Recip "recip": |x| 1.0 / x, By(|_, y| -(y * y)), "-dx/x^2", on "x != 0", sample (0.5, 2.0),
        kinks "infinite at 0";
    /// √x
    Sqrt "sqrt": f64::sqrt, By(|_, y| 0.5 / y), "dx/(2*sqrt(x))", on "x >= 0", sample (0.3, 3.0),
        kinks "infinite at 0";
    /// 1/√x
    Rsqrt "rsqrt": |x| 1.0 / x.sqrt(), By(|x, y| -0.5 * (y / x)), "-dx/(2*x*sqrt(x))",
        on "x > 0", sample (0.4, 3.0), kinks "infinite at 0";
    /// ∛x
    Cbrt "cbrt": f64::cbrt, By(|_, y| 1.0 / (3.0 * (y * y))), "dx/(3*cbrt(x)^2)", on "all",
        sample (0.3, 3.0), kinks "infinite at 0";
    /// eˣ
    Exp "exp": f64::exp, By(|_, y| y), "exp(x)*dx", on "all", sample (-2.0, 2.0);
    /// 2ˣ
    Exp2 "exp2": f64::exp2, By(|_, y| LN_2 * y), "log(2)*exp2(x)*dx", on "all", sample (-2.0, 2.0);
    /// eˣ − 1, exact near 0
    Expm1 "expm1": f64::exp_m1, By(|x, _| x.exp()), "exp(x)*dx", on "all", sample (-2.0, 2.0);
    /// the natural logarithm
    Log "log": f64::ln, By(|x, _| x.recip()), "dx/x", on "x > 0", sample (0.4, 3.0), kinks "infinite at 0";
    /// the logarithm to base 2
    Log2 "log2": f64::log2, By(|x, _| (LN_2 * x).recip()), "dx/(log(2)*x)", on "x > 0",
        sample (0.4, 3.0), kinks "infinite at 0";
    /// the logarithm to base 10
    Log10 "log10": f64::log10, By(|x, _| (LN_10 * x).recip()), "dx/(log(10)*x)", on "x > 0",
        sample (0.4, 3.0), kinks "infinite at 0";
    /// log(1 + x), exact near 0
    Log1p "log1p": f64::ln_1p, By(|x, _| (1.0 + x).recip()), "dx/(1 + x)", on "x > -1",
        sample (-0.5, 2.0), kinks "infinite at -1";
    /// the sine of x radians
    Sin "sin": f64::sin, By(|x, _| x.cos()), "cos(x)*dx", on "all", sample (-2.0, 2.0);
    /// the cosine of x radians
    Cos "cos": f64::cos, By(|x, _| -x.sin()), "-sin(x)*dx", on "all", sample (-2.0, 2.0);
    /// the tangent of x radians
    Tan "tan": f64::tan, By(|_, y| 1.0 + y * y), "(1 + tan(x)^2)*dx", on "cos(x) != 0",
        sample (-1.0, 1.0);
    /// the angle in [−π/2, π/2] whose sine is x
    Asin "asin": f64::asin, By(|x, _| ((1.0 - x) * (1.0 + x)).rsqrt()), "dx/sqrt(1 - x^2)",
        on "-1 <= x <= 1", sample (-0.8, 0.8), kinks "infinite at -1 and 1";
    /// the angle in [0, π] whose cosine is x
    Acos "acos": f64::acos, By(|x, _| -((1.0 - x) * (1.0 + x)).rsqrt()), "-dx/sqrt(1 - x^2)",
        on "-1 <= x <= 1", sample (-0.8, 0.8), kinks "infinite at -1 and 1";
    /// the angle in (−π/2, π/2) whose tangent is x
    Atan "atan": f64::atan, By(|x, _| (1.0 + x * x).recip()), "dx/(1 + x^2)", on "all",
        sample (-2.0, 2.0);
    /// the hyperbolic sine
    Sinh "sinh": f64::sinh, By(|x, _| x.cosh()), "cosh(x)*dx", on "all", sample (-2.0, 2.0);
    /// the hyperbolic cosine
    Cosh "cosh": f64::cosh, By(|x, _| x.sinh()), "sinh(x)*dx", on "all", sample (-2.0, 2.0);
    /// the hyperbolic tangent
    Tanh "tanh": f64::tanh, By(|_, y| 1.0 - y * y), "(1 - tanh(x)^2)*dx", on "all", sample (-2.0, 2.0);
    /// the inverse of sinh
    Asinh "asinh": libm::asinh, By(|x, _| x.hypot(1.0).recip()), "dx/sqrt(1 + x^2)", on "all",
        sample (-2.0, 2.0);
    /// the non-negative inverse of cosh
    Acosh "acosh": libm::acosh, By(|x, _| ((x - 1.0).sqrt() * (x + 1.0).sqrt()).recip()),
        "dx/sqrt(x^2 - 1)",
        on "x >= 1", sample (1.3, 3.0), kinks "infinite at 1";
    /// the inverse of tanh
    Atanh "atanh": libm::atanh, By(|x, _| ((1.0 - x) * (1.0 + x)).recip()), "dx/(1 - x^2)",
        on "-1 < x < 1", sample (-0.7, 0.7), kinks "infinite at -1 and 1";
    /// 1/(1 + e⁻ˣ)
    Sigmoid "sigmoid": special::sigmoid, By(|x, y| y * (-x).sigmoid()), "sigmoid(x)*sigmoid(-x)*dx", on "all",
        sample (-3.0, 3.0);
    /// log(1 + eˣ), without overflow
    Softplus "softplus": special::softplus, By(|x, _| x.sigmoid()), "sigmoid(x)*dx", on "all",
        sample (-3.0, 3.0);
    /// the error function
    Erf "erf": libm::erf, By(|x, _| FRAC_2_SQRT_PI * (-(x * x)).exp()), "2/sqrt(pi)*exp(-x^2)*dx",
        on "all", sample (-2.0, 2.0);
    /// 1 − erf(x), exact for large x
    Erfc "erfc": special::erfc, By(|x, _| -FRAC_2_SQRT_PI * (-(x * x)).exp()),
        "-2/sqrt(pi)*exp(-x^2)*dx", on "all", sample (-2.0, 2.0);
    /// the inverse of erf
    Erfinv "erfinv": special::erfinv, By(|_, y| HALF_SQRT_PI * (y * y).exp()),
        "sqrt(pi)/2*exp(erfinv(x)^2)*dx", on "-1 <= x <= 1", sample (-0.8, 0.8),
        kinks "infinite at -1 and 1";
    /// log |Γ(x)|
    Lgamma "lgamma": special::lgamma, By(|x, _| x.digamma()), "digamma(x)*dx",
        on "all but 0, -1, -2, ...", sample (2.0, 5.0), kinks "infinite at 0; NaN at -1, -2, ...";
    /// the derivative of log Γ
    Digamma "digamma": special::digamma, By(|x, _| x.polygamma(1)), "polygamma(1, x)*dx",
        on "all but 0, -1, -2, ...", sample (2.0, 5.0), kinks "infinite at 0, -1, -2, ...";
}

/// √π/2
const HALF_SQRT_PI: f64 = 0.886_226_925_452_758;

impl Primitive for Unary {
    fn name(&self) -> &'static str {
        self.row().name
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        match self.row().integer {
            Some(_) => support::expect_number(&args[0])?,
            None => support::expect_float(&args[0])?,
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let row = self.row();
        let data = match (args[0].data(), row.integer) {
            (Data::I32(v), Some(f)) => {
                Data::I32(Arc::new(v.iter().map(|&x| f(i64::from(x)) as i32).collect()))
            }
            (Data::I64(v), Some(f)) => Data::I64(Arc::new(v.iter().map(|&x| f(x)).collect())),
            _ => return Ok(vec![support::map_float(args[0], row.value)?]),
        };
        Ok(vec![Tensor::from_data(data, args[0].shape().clone())])
    }
    fn linearity(&self) -> Linearity {
        match self.row().slope {
            Linear => Linearity::Together(Args::All),
            By(_) | Flat => Linearity::Nonlinear,
        }
    }
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        match self.row().slope {
            By(slope) => smallvec![dx[0].map(|dx| slope(x[0], y[0]).scale(dx))],
            Linear => linear_differential((*self).into(), x, dx),
            Flat => smallvec![None],
        }
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0].map(|ct| apply(*self, &[ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(*self, args)
    }
}

impl Listed for Unary {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        Unary::ALL.iter().find(|u| u.row().name == name).map(|&u| Ok(u))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for &op in Unary::ALL {
            let (lo, hi) = op.row().sample;
            for shape in support::edge_shapes() {
                let args = vec![support::spread(DType::F64, shape, lo, hi)];
                all.push(Sample { prim: op.into(), args });
            }
            if op.row().integer.is_some() {
                let args = vec![support::spread(DType::I32, [5], -3.0, 3.0)];
                all.push(Sample { prim: op.into(), args });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        Unary::ALL
            .iter()
            .map(|op| {
                let Row { name, meaning, differential, domain, kinks, .. } = op.row();
                let about = About::new(name, "x", meaning).differential(differential);
                let about = about.domain(domain).kinks(kinks);
                match op.linearity() {
                    Linearity::Nonlinear => about,
                    _ => about.transpose(&format!("{name}(c)")),
                }
            })
            .collect()
    }
}
