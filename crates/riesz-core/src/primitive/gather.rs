//! `gather`: the elements of an axis that a tensor of indices names. Its transpose adds them back.

use super::*;
use crate::types::{DType, Shape};

/// Replaces `axis` of the first argument by the axes of the second, whose entries say which
/// elements to take. The first `batch` axes (at most `axis`) are shared by both.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Gather {
    /// The axis that is indexed.
    pub axis: usize,
    /// How many leading axes the two arguments share.
    pub batch: usize,
}

impl Gather {
    /// The shape of what is taken from `from` by indices of shape `index`.
    ///
    /// # Errors
    /// When the shared axes differ, or there is no such axis.
    pub fn shape(&self, from: &Shape, index: &Shape) -> Result<Shape> {
        support::expect_axis(self.axis, from)?;
        if self.batch > self.axis || self.batch > index.rank() {
            return Err(Error::shape("shares more axes than there are before the indexed one"));
        }
        if from[..self.batch] != index[..self.batch] {
            return Err(Error::shape(format!(
                "the first {} axes of {from} and of the indices {index} should agree",
                self.batch
            )));
        }
        let parts = [&from[..self.axis], &index[self.batch..], &from[self.axis + 1..]];
        Ok(parts.concat().into())
    }

    /// Calls `f` with each position of the result and the element of `from` it takes.
    ///
    /// # Errors
    /// When an index is out of range: it is named, with the bound.
    pub(crate) fn visit(
        &self,
        from: &Shape,
        index: &Tensor,
        mut f: impl FnMut(usize, usize),
    ) -> Result<()> {
        let shape = self.shape(from, index.shape())?;
        let indices: Vec<i64> = index.to_f64().iter().map(|&v| v as i64).collect();
        let bound = from[self.axis];
        if let Some(&bad) = indices.iter().find(|&&i| i < 0 || i >= bound as i64) {
            return Err(Error::value(format!(
                "index {bad} is out of range for axis {} of length {bound}",
                self.axis
            )));
        }
        let (strides, index_strides) = (from.strides(), index.shape().strides());
        let index_rank = index.shape().rank() - self.batch;
        let mut position = 0;
        crate::tensor::for_each_index(&shape, |out| {
            let shared = (0..self.batch).map(|a| out[a] * index_strides[a]);
            let own = (0..index_rank)
                .map(|a| out[self.axis + a] * index_strides[self.batch + a]);
            let at: usize = shared.chain(own).sum();
            let before = (0..self.axis).map(|a| out[a] * strides[a]);
            let after = (self.axis + 1..from.rank())
                .map(|a| out[a - 1 + index_rank] * strides[a]);
            let source: usize = before.chain(after).sum();
            f(position, source + indices[at] as usize * strides[self.axis]);
            position += 1;
        });
        Ok(())
    }
}

/// Refuses indices that are not whole numbers.
pub(crate) fn expect_indices(ty: &Type) -> Result<()> {
    if ty.dtype.is_int() {
        return Ok(());
    }
    Err(Error::shape(format!("indices must be i32 or i64, not {}", ty.dtype))
        .help("convert with `.cast(DType::I64)`"))
}

impl Primitive for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("axis", Attribute::Int(self.axis as i64)),
            ("batch", Attribute::Int(self.batch as i64)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        expect_indices(&args[1])?;
        Ok(smallvec![args[0].with_shape(self.shape(&args[0].shape, &args[1].shape)?)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let shape = self.shape(args[0].shape(), args[1].shape())?;
        let mut from = vec![0; shape.size()];
        self.visit(args[0].shape(), args[1], |to, at| from[to] = at)?;
        let mut next = from.into_iter();
        Ok(vec![args[0].rearrange(&shape, |_| next.next())])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b01))
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let scatter = ScatterAdd { axis: self.axis, batch: self.batch };
        let zeros = Var::zeros(&args[0].ty());
        let back = ct[0].map(|ct| apply(scatter, &[zeros, args[1].known(), ct])[0]);
        smallvec![back, None]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let Gather { axis, batch } = *self;
        match (batched[0], batched[1], batch) {
            // One more axis in front of the indexed one, or in front of the indices.
            (true, false, 0) => apply(Gather { axis: axis + 1, batch }, args),
            (false, true, 0) => smallvec![apply(Gather { axis, batch }, args)[0].move_axis(axis, 0)],
            _ => apply(
                Gather { axis: axis + 1, batch: batch + 1 },
                &batch_all(args, batched, n),
            ),
        }
    }
}

pub(super) fn parse_axes(a: &Attributes) -> Result<(usize, usize)> {
    let number = |name: &str| {
        usize::try_from(a.int(name)?)
            .map_err(|_| Error::new(crate::ErrorKind::Syntax, format!("`{name}` is negative")))
    };
    Ok((number("axis")?, number("batch")?))
}

impl Listed for Gather {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "gather").then(|| parse_axes(a).map(|(axis, batch)| Gather { axis, batch }))
    }
    fn samples() -> Vec<Sample> {
        cases()
            .into_iter()
            .map(|(axis, batch, from, index)| Sample {
                prim: Gather { axis, batch }.into(),
                args: vec![support::spread(DType::F64, from, -2.0, 2.0), index],
            })
            .collect()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("gather", "x, index", "the elements of an axis of x that the index names")
            .transpose("scatter_add(0, index, c)")
            .domain("indices within the axis, counted from 0"),
        ]
    }
}

/// Axis, shared axes, shape and indices; repeated indices and none at all among them.
pub(super) fn cases() -> Vec<(usize, usize, Vec<usize>, Tensor)> {
    let two = |values: [[i64; 2]; 2]| Tensor::from(values);
    vec![
        (0, 0, vec![3], Tensor::from([0i64, 0, 2])),
        (0, 0, vec![3, 2], Tensor::scalar(1i64)),
        (1, 0, vec![2, 3], two([[2, 0], [1, 2]])),
        (1, 1, vec![2, 3], two([[2, 0], [1, 1]])),
        (1, 1, vec![2, 3, 2], Tensor::from([2i64, 0])),
        (0, 0, vec![3, 2], Tensor::from(Vec::<i32>::new())),
    ]
}
