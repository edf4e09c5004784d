//! `integer_power`: xⁿ for a whole number n, exact where repeated multiplication is.

use super::*;
use crate::tensor::Data;
use crate::types::DType;
use std::sync::Arc;

/// Each element to the power `n`, which may be negative for floats.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IntegerPower {
    /// The exponent.
    pub n: i32,
}

impl Primitive for IntegerPower {
    fn name(&self) -> &'static str {
        "integer_power"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("n", Attribute::Int(i64::from(self.n)))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_number(&args[0])?;
        if self.n < 0 {
            support::expect_float(&args[0])?;
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let n = self.n;
        let natural = n.unsigned_abs();
        let data = match args[0].data() {
            Data::I32(v) => Data::I32(Arc::new(v.iter().map(|x| x.wrapping_pow(natural)).collect())),
            Data::I64(v) => Data::I64(Arc::new(v.iter().map(|x| x.wrapping_pow(natural)).collect())),
            _ => return Ok(vec![support::map_float(args[0], |x| x.powi(n))?]),
        };
        Ok(vec![Tensor::from_data(data, args[0].shape().clone())])
    }
    fn linearity(&self) -> Linearity {
        if self.n == 1 { Linearity::Together(Args::All) } else { Linearity::Nonlinear }
    }
    /// d(xⁿ) = n·xⁿ⁻¹ dx; x⁰ is the constant 1.
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        let n = self.n;
        smallvec![match n {
            0 => None,
            1 => dx[0],
            2 => dx[0].map(|dx| (2.0 * x[0]).scale(dx)),
            _ => dx[0].map(|dx| (f64::from(n) * x[0].powi(n - 1)).scale(dx)),
        }]
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        smallvec![ct[0]]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(self.clone(), args)
    }
}

impl Listed for IntegerPower {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "integer_power").then(|| {
            let n = i32::try_from(a.int("n")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "the exponent is too large"))?;
            Ok(IntegerPower { n })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for n in [-2, -1, 0, 1, 2, 3, 5] {
            for shape in support::edge_shapes() {
                let args = vec![support::spread(DType::F64, shape, 0.3, 1.8)];
                all.push(Sample { prim: IntegerPower { n }.into(), args });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("integer_power", "x", "x to a whole power n")
            .differential("n*x^(n - 1)*dx")
            .domain("all; x != 0 where n < 0"),
        ]
    }
}
