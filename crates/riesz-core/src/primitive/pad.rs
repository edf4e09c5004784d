//! `pad`: puts zeros around the elements and between them. The transpose of `slice`.

use super::*;
use crate::types::{DType, Shape};

/// Zeros `low` before, `high` after and `interior` between the elements along each axis. Negative
/// `low` or `high` cut instead.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pad {
    /// Zeros before the first element of each axis.
    pub low: Vec<i64>,
    /// Zeros after the last element of each axis.
    pub high: Vec<i64>,
    /// Zeros between neighbours along each axis.
    pub interior: Vec<usize>,
}

impl Pad {
    /// The length of an axis that had length `n`; negative when more is cut than there is.
    fn length(&self, axis: usize, n: usize) -> i64 {
        let between = n.saturating_sub(1).saturating_mul(self.interior[axis]);
        // Saturated, so that what is too large is refused as too large.
        let spread = i64::try_from(n.saturating_add(between)).unwrap_or(i64::MAX);
        spread.saturating_add(self.low[axis]).saturating_add(self.high[axis])
    }

    /// The shape of the result for an argument of shape `from`.
    pub fn shape(&self, from: &Shape) -> Shape {
        (0..from.rank()).map(|axis| self.length(axis, from[axis]).max(0) as usize).collect()
    }
}

impl Primitive for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("low", Attribute::Ints(self.low.clone())),
            ("high", Attribute::Ints(self.high.clone())),
            ("interior", Attribute::ints(&self.interior)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_number(&args[0])?;
        let from = &args[0].shape;
        let rank = from.rank();
        if self.low.len() != rank || self.high.len() != rank || self.interior.len() != rank {
            return Err(Error::shape(format!("needs a width for each of the {rank} axes of {from}")));
        }
        if let Some(axis) = (0..rank).find(|&axis| self.length(axis, from[axis]) < 0) {
            return Err(Error::shape(format!(
                "cuts more than there is from axis {axis} of shape {from}"
            )));
        }
        Ok(smallvec![args[0].with_shape(self.shape(from))])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let from = args[0].shape();
        let strides = from.strides();
        Ok(vec![args[0].rearrange(&self.shape(from), |out| {
            let mut at = 0;
            for (axis, &i) in out.iter().enumerate() {
                let step = self.interior[axis] as i64 + 1;
                let offset = i as i64 - self.low[axis];
                if offset < 0 || offset % step != 0 || offset / step >= from[axis] as i64 {
                    return None;
                }
                at += (offset / step) as usize * strides[axis];
            }
            Some(at)
        })])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    /// Undo the edges by padding with the opposite widths, then take what was spread.
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None] };
        let from = args[0].ty().shape;
        if from.contains(&0) {
            return smallvec![Some(Var::zeros(&args[0].ty()))];
        }
        let edges = Pad {
            low: self.low.iter().map(|v| -v).collect(),
            high: self.high.iter().map(|v| -v).collect(),
            interior: vec![0; from.rank()],
        };
        let spread = apply(edges, &[ct])[0];
        let slice = Slice {
            start: vec![0; from.rank()],
            limit: spread.shape().to_vec(),
            stride: self.interior.iter().map(|v| v + 1).collect(),
        };
        smallvec![Some(apply(slice, &[spread])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        let with =
            |rest: &[i64]| std::iter::once(0).chain(rest.iter().copied()).collect::<Vec<i64>>();
        let interior = std::iter::once(0).chain(self.interior.iter().copied()).collect();
        apply(Pad { low: with(&self.low), high: with(&self.high), interior }, args)
    }
}

impl Listed for Pad {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "pad").then(|| {
            Ok(Pad {
                low: a.ints("low")?.to_vec(),
                high: a.ints("high")?.to_vec(),
                interior: a.sizes("interior")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let case = |from: &[usize], low: &[i64], high: &[i64], interior: &[usize]| Sample {
            prim: Pad { low: low.into(), high: high.into(), interior: interior.into() }.into(),
            args: vec![support::spread(DType::F64, from, -2.0, 2.0)],
        };
        vec![
            case(&[3], &[1], &[2], &[0]),
            case(&[4], &[-1], &[-1], &[0]),
            case(&[3], &[-1], &[2], &[2]),
            case(&[2, 3], &[0, 1], &[2, -1], &[1, 0]),
            case(&[0], &[1], &[1], &[3]),
            case(&[], &[], &[], &[]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("pad", "x", "x with zeros around and between its elements; cut where negative")
            .transpose("slice(c), and zeros where x was cut"),
        ]
    }
}
