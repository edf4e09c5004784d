//! `scatter_add`: adds values at the elements of an axis that a tensor of indices names.

use super::gather::{cases, expect_indices, parse_axes};
use super::*;
use crate::tensor::Data;
use crate::types::DType;

/// `scatter_add(x, indices, updates)` is `x` with each update added where [`Gather`] with the same
/// axes would have taken it; repeated indices add up. Linear in `(x, updates)` together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ScatterAdd {
    /// The axis that is indexed.
    pub axis: usize,
    /// How many leading axes all arguments share.
    pub batch: usize,
}

impl ScatterAdd {
    fn gather(&self) -> Gather {
        Gather { axis: self.axis, batch: self.batch }
    }
}

impl Primitive for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        self.gather().attributes()
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 3)?;
        support::expect_number(&args[0])?;
        expect_indices(&args[1])?;
        let expected = args[0].with_shape(self.gather().shape(&args[0].shape, &args[1].shape)?);
        if args[2] != expected {
            return Err(Error::shape(format!("the updates are {}, not {expected}", args[2])));
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let [x, index, updates] = args else {
            return Err(Error::shape("takes 3 arguments"));
        };
        macro_rules! add {
            ($x:expr, $u:expr, $add:expr) => {{
                let mut out = $x.to_vec();
                self.gather().visit(x.shape(), index, |from, to| {
                    out[to] = $add(out[to], $u[from]);
                })?;
                Tensor::new(out, x.shape().clone())?
            }};
        }
        let sum = match (x.data(), updates.data()) {
            (Data::F32(x), Data::F32(u)) => add!(x, u, |a, b| a + b),
            (Data::F64(x), Data::F64(u)) => add!(x, u, |a, b| a + b),
            (Data::I32(x), Data::I32(u)) => add!(x, u, i32::wrapping_add),
            (Data::I64(x), Data::I64(u)) => add!(x, u, i64::wrapping_add),
            _ => return Err(Error::shape("the updates have another element type")),
        };
        Ok(vec![sum])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b101))
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; 3] };
        smallvec![
            args[0].is_linear().then_some(ct),
            None,
            args[2].is_linear().then(|| apply(self.gather(), &[ct, args[1].known()])[0]),
        ]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let inner = ScatterAdd { axis: self.axis + 1, batch: self.batch + 1 };
        apply(inner, &batch_all(args, batched, n))
    }
}

impl Listed for ScatterAdd {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "scatter_add")
            .then(|| parse_axes(a).map(|(axis, batch)| ScatterAdd { axis, batch }))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for (axis, batch, shape, index) in cases() {
            let prim = ScatterAdd { axis, batch };
            let from = support::spread(DType::F64, shape, -2.0, 2.0);
            if let Ok(taken) = prim.gather().shape(from.shape(), index.shape()) {
                let updates = support::spread(DType::F64, taken, 0.5, 3.0);
                all.push(Sample { prim: prim.into(), args: vec![from, index, updates] });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("scatter_add", "x, index, updates", "x with the updates added where the index says")
            .transpose("c for x, gather(c, index) for the updates")
            .domain("indices within the axis, counted from 0"),
        ]
    }
}
