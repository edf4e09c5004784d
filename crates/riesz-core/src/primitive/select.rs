//! `select`: one of two values, by a truth value, element by element.

use super::*;
use crate::tensor::{Data, Element};
use crate::types::DType;
use crate::with_elements;
use std::sync::Arc;

/// `select(mask, a, b)` is `a` where the mask holds and `b` elsewhere. Linear in `(a, b)` together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Select;

impl Primitive for Select {
    fn name(&self) -> &'static str {
        "select"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 3)?;
        if args[0].dtype != DType::Bool {
            return Err(Error::shape(format!("the mask is {}, not truth values", args[0].dtype))
                .help("make a mask by a comparison, for instance `x.gt(0.0)`"));
        }
        support::expect_same(&args[1], &args[2])?;
        support::expect_same(&args[0], &args[1].with_dtype(DType::Bool))?;
        Ok(smallvec![args[1].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        fn choose<T: Element>(mask: &[bool], a: &[T], b: &Tensor) -> Result<Data> {
            let b = b.as_slice::<T>()?;
            let pick = |((&m, &a), &b)| if m { a } else { b };
            Ok(T::wrap(Arc::new(mask.iter().zip(a).zip(b).map(pick).collect())))
        }
        let mask = args[0].as_slice::<bool>()?;
        let data = with_elements!(args[1].data(), a => choose(mask, a, args[2]))?;
        Ok(vec![Tensor::from_data(data, args[1].shape().clone())])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b110))
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(Select.into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; 3] };
        let (mask, zero) = (args[0].known(), Var::zeros(&ct.ty()));
        smallvec![
            None,
            args[1].is_linear().then(|| Var::select(mask, ct, zero)),
            args[2].is_linear().then(|| Var::select(mask, zero, ct)),
        ]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(Select, &batch_all(args, batched, n))
    }
}

impl Listed for Select {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "select").then_some(Ok(Select))
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for dtype in DType::ALL {
            for shape in support::edge_shapes() {
                let mask = support::spread(DType::Bool, shape.clone(), -0.5, 0.5);
                let a = support::spread(dtype, shape.clone(), -2.0, 2.0);
                let b = support::spread(dtype, shape, 3.0, 5.0);
                all.push(Sample { prim: Select.into(), args: vec![mask, a, b] });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("select", "mask, x, y", "x where the mask holds, y elsewhere")
            .transpose("select(mask, c, 0) for x, select(mask, 0, c) for y"),
        ]
    }
}
