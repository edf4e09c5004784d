//! What the files of the primitives share: checks of arguments, elementwise evaluation, samples.

use crate::error::{Error, Result};
use crate::tensor::{Data, Tensor};
use crate::types::{DType, Shape, Type};
use std::sync::Arc;

/// Refuses a wrong number of arguments.
pub(crate) fn expect_args(args: &[Type], n: usize) -> Result<()> {
    if args.len() == n {
        return Ok(());
    }
    let plural = if n == 1 { "" } else { "s" };
    Err(Error::shape(format!("takes {n} argument{plural}, not {}", args.len())))
}

/// Refuses elements that are not floats.
pub(crate) fn expect_float(ty: &Type) -> Result<()> {
    if ty.dtype.is_float() {
        return Ok(());
    }
    Err(Error::shape(format!("needs f32 or f64 elements, not {}", ty.dtype))
        .help("convert with `.cast(DType::F64)`"))
}

/// Refuses truth values where numbers are needed.
pub(crate) fn expect_number(ty: &Type) -> Result<()> {
    if ty.dtype != DType::Bool {
        return Ok(());
    }
    Err(Error::shape("needs numbers, not truth values").help("convert with `.cast(DType::F64)`"))
}

/// Refuses two types that differ.
pub(crate) fn expect_same(a: &Type, b: &Type) -> Result<()> {
    if a.dtype != b.dtype {
        return Err(Error::shape(format!("element types {} and {} differ", a.dtype, b.dtype))
            .help("convert one of them with `.cast(…)`"));
    }
    if a.shape != b.shape {
        return Err(Error::shape(format!("shapes {} and {} differ", a.shape, b.shape))
            .help("broadcast one of them first"));
    }
    Ok(())
}

/// Refuses an axis that is not there.
pub(crate) fn expect_axis(axis: usize, shape: &Shape) -> Result<()> {
    if axis < shape.rank() {
        return Ok(());
    }
    Err(Error::shape(format!("there is no axis {axis} in shape {shape}"))
        .help(format!("axes are counted from 0; this tensor has {}", shape.rank())))
}

/// Refuses axes that are missing or named twice.
pub(crate) fn expect_axes(axes: &[usize], shape: &Shape) -> Result<()> {
    for (i, &axis) in axes.iter().enumerate() {
        expect_axis(axis, shape)?;
        if axes[..i].contains(&axis) {
            return Err(Error::shape(format!("axis {axis} is named twice")));
        }
    }
    Ok(())
}

/// A matrix or a stack of matrices: its leading axes, rows and columns.
pub(crate) fn expect_matrices(ty: &Type) -> Result<(Shape, usize, usize)> {
    expect_float(ty)?;
    match ty.shape.split_last_chunk::<2>() {
        Some((batch, &[m, n])) => Ok((Shape::from(batch), m, n)),
        None => Err(Error::shape(format!("needs a matrix, not {ty}"))),
    }
}

/// A square matrix or a stack of them: its leading axes and its size.
pub(crate) fn expect_square(ty: &Type) -> Result<(Shape, usize)> {
    let (batch, m, n) = expect_matrices(ty)?;
    if m == n {
        return Ok((batch, n));
    }
    Err(Error::shape(format!("needs a square matrix, not one of {m}×{n}")))
}

/// Applies `f` to each element of a float tensor; `f32` elements are computed in `f64` and rounded.
pub(crate) fn map_float(x: &Tensor, f: impl Fn(f64) -> f64) -> Result<Tensor> {
    let data = match x.data() {
        Data::F32(v) => Data::F32(Arc::new(v.iter().map(|&x| f(f64::from(x)) as f32).collect())),
        Data::F64(v) => Data::F64(Arc::new(v.iter().map(|&x| f(x)).collect())),
        _ => return Err(Error::shape("needs f32 or f64 elements")),
    };
    Ok(Tensor::from_data(data, x.shape().clone()))
}

/// Applies `f` to pairs of elements of two tensors of one float type.
pub(crate) fn zip_float(x: &Tensor, y: &Tensor, f: impl Fn(f64, f64) -> f64) -> Result<Tensor> {
    let data = match (x.data(), y.data()) {
        (Data::F32(x), Data::F32(y)) => Data::F32(Arc::new(
            x.iter().zip(&**y).map(|(&x, &y)| f(f64::from(x), f64::from(y)) as f32).collect(),
        )),
        (Data::F64(x), Data::F64(y)) => {
            Data::F64(Arc::new(x.iter().zip(&**y).map(|(&x, &y)| f(x, y)).collect()))
        }
        _ => return Err(Error::shape("needs two tensors of f32 or of f64 elements")),
    };
    Ok(Tensor::from_data(data, x.shape().clone()))
}

/// Runs `f` on each matrix of a stack as `f64`, and stacks the results of shape `out`.
pub(crate) fn each_matrix(
    x: &Tensor,
    out: &Shape,
    mut f: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<Tensor> {
    let (batch, m, n) = expect_matrices(&x.ty())?;
    let values = x.to_f64();
    let mut result = Vec::with_capacity(out.size());
    for k in 0..batch.size() {
        result.extend(f(&values[k * m * n..(k + 1) * m * n])?);
    }
    Tensor::from_f64(&result, out.clone(), x.dtype())
}

/// Runs `f` on each matrix of a stack as `f64`, and stacks each of its results in the given types.
pub(crate) fn factor_each(
    x: &Tensor,
    types: &[Type],
    mut f: impl FnMut(&[f64]) -> Result<Vec<Vec<f64>>>,
) -> Result<Vec<Tensor>> {
    let (batch, m, n) = expect_matrices(&x.ty())?;
    let values = x.to_f64();
    let mut results: Vec<Vec<f64>> = types.iter().map(|t| Vec::with_capacity(t.size())).collect();
    for k in 0..batch.size() {
        let parts = f(&values[k * m * n..(k + 1) * m * n])?;
        results.iter_mut().zip(parts).for_each(|(all, part)| all.extend(part));
    }
    types.iter().zip(results).map(|(t, r)| Tensor::from_f64(&r, t.shape.clone(), t.dtype)).collect()
}

/// A reproducible tensor of distinct numbers spread over `lo..hi`, never near the ends.
pub(crate) fn spread(dtype: DType, shape: impl Into<Shape>, lo: f64, hi: f64) -> Tensor {
    let shape = shape.into();
    let n = shape.size();
    // The golden ratio's multiples fill the interval evenly in any number and order.
    let values: Vec<f64> = (0..n)
        .map(|i| {
            let u = (0.137 + 0.618_033_988_749_894_9 * (i as f64 + 1.0)).fract();
            lo + (hi - lo) * (0.02 + 0.96 * u)
        })
        .collect();
    let values: Vec<f64> =
        if dtype.is_float() { values } else { values.iter().map(|v| v.round()).collect() };
    Tensor::from_f64(&values, shape, dtype).unwrap_or_else(|_| Tensor::scalar(0.0))
}

/// The shapes every elementwise primitive is tested on: none, one, few and many elements.
pub(crate) fn edge_shapes() -> [Shape; 4] {
    [Shape::scalar(), Shape::from([0]), Shape::from([1, 1]), Shape::from([2, 3])]
}
