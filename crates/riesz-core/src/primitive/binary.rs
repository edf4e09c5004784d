//! Scalar functions of two arguments: a table with one row each.
//!
//! The arguments have the same shape; broadcasting is an equation of its own. A row says the
//! function, its two partial derivatives, where the laws sample it and what happens at its kinks.

use super::*;
use crate::tensor::Data;
use crate::types::DType;
use std::sync::Arc;

/// The two partial derivatives, or the linearity that makes them unnecessary.
#[derive(Clone, Copy)]
pub enum Partials {
    /// ∂/∂x and ∂/∂y from the arguments and the value; `linear` says whether it is linear in x.
    By {
        /// ∂/∂x.
        x: fn(Var, Var, Var) -> Var,
        /// ∂/∂y.
        y: fn(Var, Var, Var) -> Var,
    },
    /// Linear in both together: the signs of x and y.
    Sum(f64, f64),
}

/// One scalar function of two arguments.
pub struct BinaryRow {
    /// Its name in the text form.
    pub name: &'static str,
    /// Its value.
    pub value: fn(f64, f64) -> f64,
    /// The same for integers; `None` where there is no result.
    pub integer: Option<fn(i64, i64) -> Option<i64>>,
    /// Its partial derivatives.
    pub partials: Partials,
    /// In which arguments alone it is linear, as for a product.
    pub each: u32,
    /// What it means.
    pub meaning: &'static str,
    /// The differential as a person reads it.
    pub differential: &'static str,
    /// The transpose as a person reads it, if it is linear in something.
    pub transpose: &'static str,
    /// Where it is defined.
    pub domain: &'static str,
    /// Where the laws sample the two arguments.
    pub sample: [(f64, f64); 2],
    /// Points without a derivative, and the value chosen there.
    pub kinks: &'static str,
}

macro_rules! binary {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal: $value:expr, $partials:expr,
       $differential:literal, on $domain:literal, sample $sample:expr
       $(, each $each:literal)? $(, transpose $transpose:literal)? $(, integers $integer:expr)? $(, kinks $kinks:literal)?;)*) => {
        /// A scalar function of two arguments applied to pairs of elements.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Binary { $($(#[doc = $doc])+ $variant,)* }

        impl Binary {
            /// The whole table.
            pub const ALL: &'static [Binary] = &[$(Binary::$variant),*];

            /// What is known about this function.
            pub fn row(self) -> &'static BinaryRow {
                match self {
                    $(Binary::$variant => {
                        static ROW: BinaryRow = BinaryRow {
                            name: $name,
                            value: $value,
                            integer: last_of!(None $(, Some($integer))?),
                            partials: $partials,
                            each: last_of!(0 $(, $each)?),
                            meaning: concat!($($doc),+),
                            differential: $differential,
                            transpose: concat!($($transpose)?),
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

use Partials::{By, Sum};

const WIDE: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.5, 2.0);

binary! {
    /// x + y
    Add "add": |x, y| x + y, Sum(1.0, 1.0),
        "dx + dy", on "all", sample [WIDE, WIDE], transpose "c for x, c for y",
        integers |x, y| Some(x.wrapping_add(y));
    /// x − y
    Sub "sub": |x, y| x - y, Sum(1.0, -1.0),
        "dx - dy", on "all", sample [WIDE, WIDE], transpose "c for x, -c for y",
        integers |x, y| Some(x.wrapping_sub(y));
    /// x·y
    Mul "mul": |x, y| x * y, By { x: |_, y, _| y, y: |x, _, _| x },
        "y*dx + x*dy", on "all", sample [WIDE, WIDE], each 0b11,
        transpose "c*y for x, x*c for y",
        integers |x, y| Some(x.wrapping_mul(y));
    /// x/y; integers truncate towards zero
    Div "div": |x, y| x / y, By { x: |_, y, _| y.recip(), y: |_, y, z| -(z / y) },
        "dx/y - x/y^2*dy", on "y != 0", sample [WIDE, POSITIVE], each 0b01, transpose "c/y for x",
        integers i64::checked_div;
    /// the remainder of x/y, with the sign of x
    Rem "rem": |x, y| x % y, By { x: |x, _, _| x.ones_like(), y: |x, y, _| -(x / y).trunc() },
        "dx - trunc(x/y)*dy", on "y != 0", sample [(2.2, 2.6), (0.95, 1.05)],
        integers i64::checked_rem,
        kinks "that of the side away from 0 where x/y is whole";
    /// xʸ
    Pow "pow": f64::powf, By { x: pow_by_base, y: pow_by_exponent },
        "y*x^(y - 1)*dx + x^y*log(x)*dy", on "x >= 0, or whole y", sample [POSITIVE, WIDE],
        integers |x, y| Some(x.wrapping_pow(u32::try_from(y).ok()?)),
        kinks "0 by x where y = 0; 0 by y where x = 0 <= y";
    /// the larger; NaN if either is
    Max "max": maximum, By {
            x: |x, y, _| share(x.gt(y), x.lt(y), x, y),
            y: |x, y, _| share(x.lt(y), x.gt(y), x, y),
        },
        "dx where x > y, dy where x < y", on "all", sample [(1.0, 2.0), (-2.0, 0.5)],
        integers |x, y| Some(x.max(y)),
        kinks "1/2, 1/2 where x = y; NaN where either is";
    /// the smaller; NaN if either is
    Min "min": |x, y| -maximum(-x, -y), By {
            x: |x, y, _| share(x.lt(y), x.gt(y), x, y),
            y: |x, y, _| share(x.gt(y), x.lt(y), x, y),
        },
        "dx where x < y, dy where x > y", on "all", sample [(1.0, 2.0), (-2.0, 0.5)],
        integers |x, y| Some(x.min(y)),
        kinks "1/2, 1/2 where x = y; NaN where either is";
    /// the angle of the point with ordinate x and abscissa y
    Atan2 "atan2": f64::atan2, By {
            x: |x, y, _| y / x.hypot(y) / x.hypot(y),
            y: |x, y, _| -(x / x.hypot(y) / x.hypot(y)),
        },
        "(y*dx - x*dy)/(x^2 + y^2)", on "not both 0", sample [POSITIVE, WIDE],
        kinks "NaN at (0, 0)";
    /// √(x² + y²), without overflow
    Hypot "hypot": f64::hypot, By { x: |x, _, z| cosine(x, z), y: |_, y, z| cosine(y, z) },
        "(x*dx + y*dy)/hypot(x, y)", on "all", sample [POSITIVE, WIDE],
        kinks "0, 0 at (0, 0)";
    /// log(eˣ + eʸ), without overflow
    LogAddExp "logaddexp": special::logaddexp, By {
            x: |x, y, _| (x - y).sigmoid(),
            y: |x, y, _| (y - x).sigmoid(),
        },
        "sigmoid(x - y)*dx + sigmoid(y - x)*dy", on "all", sample [WIDE, WIDE],
        kinks "NaN where both are the same infinity";
    /// x·log y, and 0 where x is 0
    Xlogy "xlogy": special::xlogy, By { x: |_, y, _| y.log(), y: ratio },
        "log(y)*dx + x/y*dy", on "y > 0, or x = 0", sample [WIDE, POSITIVE],
        kinks "-inf, 0 at (0, 0)";
}

/// the larger of two numbers, NaN if either is; max(−0, 0) = 0.
fn maximum(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if x > y || (x == y && y.is_sign_negative()) {
        x
    } else {
        y
    }
}

/// 1 where the argument wins, 0 where it loses, ½ at a tie, NaN where they do not compare.
fn share(wins: Var, loses: Var, x: Var, y: Var) -> Var {
    let tie = Var::select(x.eq(y), x.full_like(0.5), x.full_like(f64::NAN));
    Var::select(wins, x.ones_like(), Var::select(loses, x.zeros_like(), tie))
}

/// y·x^(y−1), and 0 where y = 0: x⁰ is constant, at 0 too.
fn pow_by_base(x: Var, y: Var, _: Var) -> Var {
    Var::select(y.eq(0.0), x.zeros_like(), y * x.pow(y - 1.0))
}

/// xʸ·log x, and 0 where x = 0 ≤ y: 0ʸ is flat on both sides of its jump.
fn pow_by_exponent(x: Var, y: Var, z: Var) -> Var {
    let flat = x.eq(0.0).and(y.ge(0.0));
    Var::select(flat, x.zeros_like(), z * x.log())
}

/// x/y, and 0 at (0, 0). Elsewhere x = 0 is no exception: the mixed second derivative is 1/y.
fn ratio(x: Var, y: Var, _: Var) -> Var {
    Var::select(x.eq(0.0).and(y.eq(0.0)), x.zeros_like(), x / y)
}

/// x/r, and 0 where r = 0: the subgradient of least norm.
fn cosine(x: Var, r: Var) -> Var {
    Var::select(r.eq(0.0), x.zeros_like(), x / r)
}

impl Primitive for Binary {
    fn name(&self) -> &'static str {
        self.row().name
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        support::expect_same(&args[0], &args[1])?;
        support::expect_number(&args[0])?;
        if self.row().integer.is_none() {
            support::expect_float(&args[0])?;
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let row = self.row();
        let integers = |x: i64, y: i64| {
            row.integer.and_then(|f| f(x, y)).ok_or_else(|| {
                let name = self.name();
                Error::value(format!("{name}({x}, {y}) has no result among the integers"))
            })
        };
        let data = match (args[0].data(), args[1].data()) {
            (Data::I32(x), Data::I32(y)) => Data::I32(Arc::new(
                x.iter()
                    .zip(&**y)
                    .map(|(&x, &y)| Ok(integers(x.into(), y.into())? as i32))
                    .collect::<Result<_>>()?,
            )),
            (Data::I64(x), Data::I64(y)) => Data::I64(Arc::new(
                x.iter().zip(&**y).map(|(&x, &y)| integers(x, y)).collect::<Result<_>>()?,
            )),
            _ => return Ok(vec![support::zip_float(args[0], args[1], row.value)?]),
        };
        Ok(vec![Tensor::from_data(data, args[0].shape().clone())])
    }
    fn can_fail(&self, args: &[Type]) -> bool {
        matches!(self, Binary::Div | Binary::Rem | Binary::Pow) && args.iter().any(|ty| ty.dtype.is_int())
    }
    fn linearity(&self) -> Linearity {
        match (self.row().partials, self.row().each) {
            (Sum(..), _) => Linearity::Together(Args::All),
            (By { .. }, 0) => Linearity::Nonlinear,
            (By { .. }, set) => Linearity::Each(Args::Only(set)),
        }
    }
    fn differential(&self, x: &[Var], z: &[Var], dx: &[Option<Var>]) -> Tangents {
        match self.row().partials {
            By { x: by_x, y: by_y } => {
                let first = dx[0].map(|dx| by_x(x[0], x[1], z[0]).scale(dx));
                let second = dx[1].map(|dy| by_y(x[0], x[1], z[0]).scale(dy));
                smallvec![add(first, second)]
            }
            // A sum of one tangent is that tangent, and needs no zero beside it.
            Sum(sx, sy) => smallvec![add(
                dx[0].map(|dx| signed(sx, dx)),
                dx[1].map(|dy| signed(sy, dy))
            )],
        }
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; 2] };
        if let Sum(sx, sy) = self.row().partials {
            return smallvec![
                args[0].is_linear().then(|| signed(sx, ct)),
                args[1].is_linear().then(|| signed(sy, ct)),
            ];
        }
        // Linear in one argument for fixed other: the map is its own transpose.
        if args[0].is_linear() {
            smallvec![Some(apply(*self, &[ct, args[1].known()])[0]), None]
        } else {
            smallvec![None, Some(apply(*self, &[args[0].known(), ct])[0])]
        }
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(*self, &batch_all(args, batched, n))
    }
}

fn signed(sign: f64, x: Var) -> Var {
    if sign < 0.0 { -x } else { x }
}

impl Listed for Binary {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        Binary::ALL.iter().find(|b| b.row().name == name).map(|&b| Ok(b))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for &op in Binary::ALL {
            let [x, y] = op.row().sample;
            for shape in support::edge_shapes() {
                let x = support::spread(DType::F64, shape.clone(), x.0, x.1);
                // Another order of the same spread, so that the arguments are independent.
                let y = support::spread(DType::F64, shape, y.1, y.0);
                all.push(Sample { prim: op.into(), args: vec![x, y] });
            }
            if op.row().integer.is_some() {
                let args = vec![
                    support::spread(DType::I64, [5], -9.0, 9.0),
                    support::spread(DType::I64, [5], 1.0, 4.0),
                ];
                all.push(Sample { prim: op.into(), args });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        Binary::ALL
            .iter()
            .map(|op| {
                let BinaryRow { name, meaning, differential, domain, kinks, .. } = op.row();
                let about = About::new(name, "x, y", meaning).differential(differential);
                about.transpose(op.row().transpose).domain(domain).kinks(kinks)
            })
            .collect()
    }
}
