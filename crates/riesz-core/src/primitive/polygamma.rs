//! `polygamma`: the derivatives of the digamma function, each the differential of the one before.

use super::*;
use crate::types::DType;

/// The n-th derivative of ψ = (log Γ)′ at each element, 1 ≤ n ≤ 150; `polygamma{n: 1}` is trigamma.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Polygamma {
    /// The order.
    pub n: u32,
}

/// The highest order: n! and the powers with it still fit in a double with room to spare.
const HIGHEST: u32 = 150;

impl Primitive for Polygamma {
    fn name(&self) -> &'static str {
        "polygamma"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("n", Attribute::Int(i64::from(self.n)))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_float(&args[0])?;
        if !(1..=HIGHEST).contains(&self.n) {
            return Err(Error::shape(format!(
                "the order is {}, and should be 1 to {HIGHEST}",
                self.n
            ))
            .help("the order 0 is `digamma`"));
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![support::map_float(args[0], |x| special::polygamma(self.n, x))?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        smallvec![dx[0].map(|dx| apply(Polygamma { n: self.n + 1 }, x)[0].scale(dx))]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(self.clone(), args)
    }
}

impl Listed for Polygamma {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "polygamma").then(|| {
            let n = u32::try_from(a.int("n")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "the order is not negative"))?;
            Ok(Polygamma { n })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for n in [1, 2, 3] {
            for shape in support::edge_shapes() {
                let args = vec![support::spread(DType::F64, shape, 2.0, 5.0)];
                all.push(Sample { prim: Polygamma { n }.into(), args });
            }
        }
        // Between two poles on the left.
        let args = vec![support::spread(DType::F64, [3], -1.7, -1.3)];
        all.push(Sample { prim: Polygamma { n: 1 }.into(), args });
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("polygamma", "x", "the derivative of order n of digamma")
            .differential("polygamma(n + 1, x)*dx")
            .domain("all but 0, -1, -2, ...")
            .kinks("infinite or NaN at 0, -1, -2, ..."),
        ]
    }
}
