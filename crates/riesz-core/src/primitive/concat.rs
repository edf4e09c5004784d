//! `concat`: tensors one after another along an axis.

use super::*;
use crate::types::{DType, Shape};

/// Joins its arguments, which agree in every other axis.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Concat {
    /// The axis along which they follow each other.
    pub axis: usize,
}

impl Primitive for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("axis", Attribute::Int(self.axis as i64))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        let Some(first) = args.first() else {
            return Err(Error::shape("needs at least one tensor to join"));
        };
        support::expect_axis(self.axis, &first.shape)?;
        let mut shape: Vec<usize> = first.shape.to_vec();
        shape[self.axis] = 0;
        for (i, arg) in args.iter().enumerate() {
            let fits = arg.dtype == first.dtype
                && arg.shape.rank() == shape.len()
                && (0..shape.len()).all(|a| a == self.axis || arg.shape[a] == shape[a]);
            if !fits {
                return Err(Error::shape(format!(
                    "tensor {} is {arg}, which does not join {first} along axis {}",
                    i + 1,
                    self.axis
                )));
            }
            shape[self.axis] += arg.shape[self.axis];
        }
        Ok(smallvec![first.with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types: Vec<Type> = args.iter().map(|t| t.ty()).collect();
        let out = &self.infer(&types)?[0];
        // Each argument in the place it has in the result, zero elsewhere; then the pieces are
        // merged, taking at every index the one argument that reaches it.
        let (outer, rest) = out.shape.split_at(self.axis);
        let outer: usize = outer.iter().product();
        let inner: usize = rest[1..].iter().product();
        let mut from = Vec::with_capacity(out.size());
        for o in 0..outer {
            for (k, arg) in args.iter().enumerate() {
                let n = arg.shape()[self.axis] * inner;
                from.extend((o * n..(o + 1) * n).map(|at| (k, at)));
            }
        }
        fn pick<T: crate::tensor::Element>(
            args: &[&Tensor],
            from: &[(usize, usize)],
            shape: &Shape,
        ) -> Result<Tensor> {
            let slices = args.iter().map(|t| t.as_slice::<T>()).collect::<Result<Vec<_>>>()?;
            Tensor::new(from.iter().map(|&(k, at)| slices[k][at]).collect(), shape.clone())
        }
        let result = match out.dtype {
            DType::F32 => pick::<f32>(args, &from, &out.shape),
            DType::F64 => pick::<f64>(args, &from, &out.shape),
            DType::I32 => pick::<i32>(args, &from, &out.shape),
            DType::I64 => pick::<i64>(args, &from, &out.shape),
            DType::Bool => pick::<bool>(args, &from, &out.shape),
        };
        Ok(vec![result?])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; args.len()] };
        let mut start = 0;
        args.iter()
            .map(|arg| {
                let n = arg.ty().shape[self.axis];
                start += n;
                arg.is_linear().then(|| ct.slice_axis(self.axis, start - n, start))
            })
            .collect()
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(Concat { axis: self.axis + 1 }, &batch_all(args, batched, n))
    }
}

impl Listed for Concat {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "concat").then(|| {
            let axis = usize::try_from(a.int("axis")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "an axis is not negative"))?;
            Ok(Concat { axis })
        })
    }
    fn samples() -> Vec<Sample> {
        let case = |axis: usize, shapes: &[&[usize]]| Sample {
            prim: Concat { axis }.into(),
            args: shapes
                .iter()
                .map(|&shape| support::spread(DType::F64, shape, -2.0, 2.0))
                .collect(),
        };
        vec![
            case(0, &[&[2], &[3]]),
            case(1, &[&[2, 1], &[2, 3], &[2, 0]]),
            case(0, &[&[4]]),
            case(0, &[&[1], &[1]]),
            case(1, &[&[2, 1, 2], &[2, 2, 2]]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("concat", "x, …", "tensors one after another along an axis")
            .transpose("slice(c) for each argument"),
        ]
    }
}
