//! Tensors from and to the arrays of `ndarray`, where data is prepared: its version here is what
//! `riesz::ndarray` names.
//!
//! An array that owns its elements in row-major order becomes a tensor without a copy, and a tensor
//! that nothing else shares becomes an array without one; any other layout is copied in row-major
//! order. A view of a tensor is never a copy.
//!
//! ```
//! use ndarray::{Array2, ArrayView2, Axis, array};
//! use riesz_core::{Error, Tensor};
//! let x = array![[1.0, 2.0], [3.0, 4.0]];
//! let column = Tensor::from(x.column(1)); // views and slices too
//! assert_eq!(column, Tensor::from([2.0, 4.0]));
//!
//! let x = Tensor::from(x);
//! let view = ArrayView2::<f64>::try_from(&x)?;
//! assert_eq!(view.sum_axis(Axis(0)), array![4.0, 6.0]);
//! assert_eq!(Array2::<f64>::try_from(x)?, array![[1.0, 2.0], [3.0, 4.0]]);
//! # Ok::<(), Error>(())
//! ```

use super::{Element, Tensor};
use crate::error::{Error, Result};
use crate::types::{Shape, Type};
use ndarray::{Array, ArrayBase, ArrayRef, ArrayView, Data, Dimension, IxDyn};

impl<T: Element, S: Data<Elem = T>, D: Dimension> From<ArrayBase<S, D>> for Tensor {
    /// The elements and the shape of an array; without a copy if it owns them in row-major order.
    fn from(array: ArrayBase<S, D>) -> Tensor {
        if !array.is_standard_layout() {
            return Tensor::from(&*array);
        }
        let array = array.into_owned();
        let (shape, size) = (Shape::from(array.shape()), array.len());
        let (mut values, start) = array.into_raw_vec_and_offset();
        let start = start.unwrap_or(0);
        values.truncate(start + size);
        values.drain(..start);
        // A part of a large array does not keep all of its memory.
        values.shrink_to_fit();
        Tensor { shape, data: T::wrap(values.into()) }
    }
}

impl<T: Element, D: Dimension> From<&ArrayRef<T, D>> for Tensor {
    /// The elements in row-major order, copied, and the shape.
    fn from(array: &ArrayRef<T, D>) -> Tensor {
        let values: Vec<T> = array.iter().copied().collect();
        Tensor { shape: array.shape().into(), data: T::wrap(values.into()) }
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor {
    /// The elements in row-major order, copied, and the shape.
    fn from(array: &ArrayBase<S, D>) -> Tensor {
        Tensor::from(&**array)
    }
}

impl<T: Element, D: Dimension> TryFrom<Tensor> for Array<T, D> {
    type Error = Error;

    /// # Errors
    /// When the elements are of another type, or the array has another number of axes.
    fn try_from(tensor: Tensor) -> Result<Array<T, D>> {
        let ty = tensor.ty();
        let array = Array::from_shape_vec(IxDyn(&ty.shape), tensor.into_vec()?);
        array.map_err(|_| too_large(&ty))?.into_dimensionality().map_err(|_| unfit::<D>(&ty))
    }
}

impl<'a, T: Element, D: Dimension> TryFrom<&'a Tensor> for ArrayView<'a, T, D> {
    type Error = Error;

    /// # Errors
    /// When the elements are of another type, or the view has another number of axes.
    fn try_from(tensor: &'a Tensor) -> Result<ArrayView<'a, T, D>> {
        let view = ArrayView::from_shape(IxDyn(&tensor.shape), tensor.as_slice()?);
        let view = view.map_err(|_| too_large(&tensor.ty()))?;
        view.into_dimensionality().map_err(|_| unfit::<D>(&tensor.ty()))
    }
}

/// The error for an array of another number of axes.
fn unfit<D: Dimension>(ty: &Type) -> Error {
    let axes = |n: usize| if n == 1 { String::from("1 axis") } else { format!("{n} axes") };
    let wanted = D::NDIM.map_or(String::from("these axes"), axes);
    Error::shape(format!("{ty} is not an array with {wanted}: it has {}", axes(ty.shape.rank())))
        .help("ask for `ArrayD`, which has any number of axes, or reshape the tensor first")
}

/// The error for lengths whose product, without those that are 0, is beyond what an array may have.
fn too_large(ty: &Type) -> Error {
    Error::shape(format!("an array of `ndarray` cannot have the shape of {ty}"))
        .help("it has no elements: reshape the tensor first")
}
