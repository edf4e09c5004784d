//! `cast`: the same numbers in another element type.

use super::*;
use crate::tensor::Data;
use crate::types::DType;
use std::sync::Arc;

/// Converts to `to` as Rust's `as` does: floats to integers truncate and saturate, NaN becomes 0;
/// to truth values: not zero. Linear between floats.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cast {
    /// The new element type.
    pub to: DType,
}

macro_rules! cast_from {
    ($v:expr, $to:expr, $zero:expr) => {
        match $to {
            DType::F32 => Data::F32(Arc::new($v.iter().map(|&x| x as f32).collect())),
            DType::F64 => Data::F64(Arc::new($v.iter().map(|&x| x as f64).collect())),
            DType::I32 => Data::I32(Arc::new($v.iter().map(|&x| x as i32).collect())),
            DType::I64 => Data::I64(Arc::new($v.iter().map(|&x| x as i64).collect())),
            DType::Bool => Data::Bool(Arc::new($v.iter().map(|&x| x != $zero).collect())),
        }
    };
}

impl Primitive for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("to", Attribute::Word(self.to.name().to_string()))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        Ok(smallvec![args[0].with_dtype(self.to)])
    }
    #[allow(clippy::unnecessary_cast)]
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let data = match args[0].data() {
            Data::F32(v) => cast_from!(v, self.to, 0.0),
            Data::F64(v) => cast_from!(v, self.to, 0.0),
            Data::I32(v) => cast_from!(v, self.to, 0),
            Data::I64(v) => cast_from!(v, self.to, 0),
            Data::Bool(v) => {
                let v: Vec<u8> = v.iter().map(|&b| u8::from(b)).collect();
                cast_from!(v, self.to, 0)
            }
        };
        Ok(vec![Tensor::from_data(data, args[0].shape().clone())])
    }
    fn linearity(&self) -> Linearity {
        if self.to.is_float() { Linearity::Together(Args::All) } else { Linearity::Nonlinear }
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let back = args[0].ty().dtype;
        smallvec![ct[0].map(|ct| ct.cast(back))]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(self.clone(), args)
    }
}

impl Listed for Cast {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "cast").then(|| {
            let to = DType::from_name(a.word("to")?)
                .ok_or_else(|| Error::new(crate::ErrorKind::Syntax, "no such element type"))?;
            Ok(Cast { to })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for from in DType::ALL {
            for to in DType::ALL {
                let args = vec![support::spread(from, [2, 3], -3.0, 3.0)];
                all.push(Sample { prim: Cast { to }.into(), args });
            }
        }
        for shape in support::edge_shapes() {
            let args = vec![support::spread(DType::F64, shape, -3.0, 3.0)];
            all.push(Sample { prim: Cast { to: DType::F64 }.into(), args });
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("cast", "x", "the same numbers in another element type")
            .differential("cast(dx) between floats, 0 otherwise")
            .transpose("cast(c) to the type of x"),
        ]
    }
}
