//! Concrete dense arrays: what goes into a compiled function and what comes out.
//!
//! A [`Tensor`] is a shape and a shared row-major buffer: cloning copies a pointer. There is no
//! arithmetic here; that lives on `Var`, and preprocessing belongs to `ndarray`.

mod ndarray;

use crate::error::{Error, Result};
use crate::types::{DType, Shape, Type};
use std::fmt;
use std::sync::Arc;

/// A dense array of one of the five element types.
///
/// ```
/// use riesz_core::Tensor;
/// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(a.shape().to_string(), "[2,2]");
/// assert_eq!(a.as_slice::<f64>()?, &[1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), riesz_core::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Tensor {
    shape: Shape,
    data: Data,
}

/// The elements, by type.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    /// 32-bit floats.
    F32(Arc<Vec<f32>>),
    /// 64-bit floats.
    F64(Arc<Vec<f64>>),
    /// 32-bit integers.
    I32(Arc<Vec<i32>>),
    /// 64-bit integers.
    I64(Arc<Vec<i64>>),
    /// Truth values.
    Bool(Arc<Vec<bool>>),
}

/// A Rust type that can be an element.
pub trait Element: Copy + PartialEq + fmt::Debug + Default + Send + Sync + 'static {
    /// Its name among the element types.
    const DTYPE: DType;
    /// Wraps a buffer.
    fn wrap(values: Arc<Vec<Self>>) -> Data;
    /// The buffer, if it holds this type.
    fn peek(data: &Data) -> Option<&Arc<Vec<Self>>>;
    /// The buffer, if it holds this type.
    fn peek_mut(data: &mut Data) -> Option<&mut Arc<Vec<Self>>>;
    /// The buffer, if it holds this type.
    fn take(data: Data) -> Option<Arc<Vec<Self>>>;
}

macro_rules! elements {
    ($($ty:ty => $variant:ident),*) => {$(
        impl Element for $ty {
            const DTYPE: DType = DType::$variant;
            fn wrap(values: Arc<Vec<$ty>>) -> Data { Data::$variant(values) }
            fn peek(data: &Data) -> Option<&Arc<Vec<$ty>>> {
                if let Data::$variant(v) = data { Some(v) } else { None }
            }
            fn peek_mut(data: &mut Data) -> Option<&mut Arc<Vec<$ty>>> {
                if let Data::$variant(v) = data { Some(v) } else { None }
            }
            fn take(data: Data) -> Option<Arc<Vec<$ty>>> {
                if let Data::$variant(v) = data { Some(v) } else { None }
            }
        }
        impl From<$ty> for Tensor {
            fn from(value: $ty) -> Tensor { Tensor::scalar(value) }
        }
        impl From<Vec<$ty>> for Tensor {
            fn from(values: Vec<$ty>) -> Tensor {
                Tensor { shape: Shape::from([values.len()]), data: <$ty>::wrap(Arc::new(values)) }
            }
        }
        impl From<&[$ty]> for Tensor {
            fn from(values: &[$ty]) -> Tensor { Tensor::from(values.to_vec()) }
        }
        impl<const N: usize> From<[$ty; N]> for Tensor {
            fn from(values: [$ty; N]) -> Tensor { Tensor::from(values.to_vec()) }
        }
        impl<const M: usize, const N: usize> From<[[$ty; N]; M]> for Tensor {
            fn from(rows: [[$ty; N]; M]) -> Tensor {
                let data = <$ty>::wrap(Arc::new(rows.concat()));
                Tensor { shape: Shape::from([M, N]), data }
            }
        }
    )*};
}
elements!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, bool => Bool);

/// Runs `$body` with `$v` bound to the `Arc<Vec<_>>` of whichever type `$data` holds.
#[macro_export]
macro_rules! with_elements {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            $crate::Data::F32($v) => $body,
            $crate::Data::F64($v) => $body,
            $crate::Data::I32($v) => $body,
            $crate::Data::I64($v) => $body,
            $crate::Data::Bool($v) => $body,
        }
    };
}

impl Tensor {
    /// An array from its elements in row-major order.
    ///
    /// # Errors
    /// When the number of elements is not the product of the shape.
    pub fn new<T: Element>(values: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        if values.len() != shape.size() {
            return Err(Error::shape(format!(
                "{} elements do not fill a tensor of shape {shape}, which has {}",
                values.len(),
                shape.size()
            )));
        }
        Ok(Tensor { shape, data: T::wrap(Arc::new(values)) })
    }

    /// A number.
    pub fn scalar<T: Element>(value: T) -> Tensor {
        Tensor { shape: Shape::scalar(), data: T::wrap(Arc::new(vec![value])) }
    }

    /// An array with every element the same.
    pub fn full<T: Element>(value: T, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        let data = T::wrap(Arc::new(vec![value; shape.size()]));
        Tensor { shape, data }
    }

    /// An array of zeros (`false` for truth values).
    pub fn zeros(ty: &Type) -> Tensor {
        fn of<T: Element>(ty: &Type) -> Tensor {
            Tensor::full(T::default(), ty.shape.clone())
        }
        match ty.dtype {
            DType::F32 => of::<f32>(ty),
            DType::F64 => of::<f64>(ty),
            DType::I32 => of::<i32>(ty),
            DType::I64 => of::<i64>(ty),
            DType::Bool => of::<bool>(ty),
        }
    }

    /// An array of elements given as `f64` and rounded to `dtype` (truth values: not zero).
    ///
    /// # Errors
    /// When the number of elements is not the product of the shape.
    pub fn from_f64(values: &[f64], shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        match dtype {
            DType::F32 => Tensor::new(values.iter().map(|&v| v as f32).collect(), shape),
            DType::F64 => Tensor::new(values.to_vec(), shape),
            DType::I32 => Tensor::new(values.iter().map(|&v| v as i32).collect(), shape),
            DType::I64 => Tensor::new(values.iter().map(|&v| v as i64).collect(), shape),
            DType::Bool => Tensor::new(values.iter().map(|&v| v != 0.0).collect(), shape),
        }
    }

    /// A tensor of elements that fill the shape.
    pub fn from_data(data: Data, shape: Shape) -> Tensor {
        debug_assert_eq!(with_elements!(&data, v => v.len()), shape.size());
        Tensor { shape, data }
    }

    /// The length of each axis.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        match self.data {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::I32(_) => DType::I32,
            Data::I64(_) => DType::I64,
            Data::Bool(_) => DType::Bool,
        }
    }

    /// Element type and shape.
    pub fn ty(&self) -> Type {
        Type { dtype: self.dtype(), shape: self.shape.clone() }
    }

    /// Whether its element type and shape are these.
    #[inline]
    pub fn is_of(&self, ty: &Type) -> bool {
        // Length by length: shapes are short, and a call of a compiled function asks several times.
        self.dtype() == ty.dtype && self.shape.iter().eq(ty.shape.iter())
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.size()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements, by type.
    #[inline]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// When the elements are of another type.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        match T::peek(&self.data) {
            Some(v) => Ok(v),
            None => {
                Err(Error::usage(format!("the elements are {}, not {}", self.dtype(), T::DTYPE)))
            }
        }
    }

    /// The elements, to be written, if they are of this type and no other tensor shares them.
    ///
    /// ```
    /// use riesz_core::Tensor;
    /// let mut x = Tensor::from([1.0, 2.0]);
    /// x.get_mut::<f64>().ok_or("shared")?[0] = 3.0;
    /// let y = x.clone();
    /// assert_eq!(y, Tensor::from([3.0, 2.0]));
    /// assert_eq!(x.get_mut::<f64>(), None);
    /// # Ok::<(), &str>(())
    /// ```
    #[inline]
    pub fn get_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        Some(Arc::get_mut(T::peek_mut(&mut self.data)?)?.as_mut_slice())
    }

    /// The elements as a vector of their own, without a copy when nothing else shares them.
    ///
    /// # Errors
    /// When the elements are of another type.
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>> {
        let dtype = self.dtype();
        match T::take(self.data) {
            Some(v) => Ok(Arc::try_unwrap(v).unwrap_or_else(|shared| shared.to_vec())),
            None => Err(Error::usage(format!("the elements are {dtype}, not {}", T::DTYPE))),
        }
    }

    /// The one element of a tensor that has one.
    ///
    /// # Errors
    /// When there is not exactly one element, or it is of another type.
    pub fn item<T: Element>(&self) -> Result<T> {
        match self.as_slice::<T>()? {
            [value] => Ok(*value),
            _ => Err(Error::shape(format!("{} is not a single number", self.ty()))),
        }
    }

    /// Every element as `f64`: exact but for large `i64`; truth values are 0 and 1.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F64(v) => v.to_vec(),
            Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
            Data::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
        }
    }

    /// Whether no element is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        match &self.data {
            Data::F32(v) => v.iter().all(|x| x.is_finite()),
            Data::F64(v) => v.iter().all(|x| x.is_finite()),
            Data::I32(_) | Data::I64(_) | Data::Bool(_) => true,
        }
    }

    /// The same elements in another shape of the same size.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        if shape.size() != self.len() {
            return Err(Error::shape(format!("{} cannot be reshaped to {shape}", self.ty())));
        }
        Ok(Tensor { shape, data: self.data.clone() })
    }

    /// Part `i` along the first axis, which there is.
    pub(crate) fn part(&self, i: usize) -> Tensor {
        let shape: Shape = self.shape.iter().skip(1).copied().collect();
        let range = i * shape.size()..(i + 1) * shape.size();
        fn of<T: Element>(values: &[T]) -> Data {
            T::wrap(Arc::new(values.to_vec()))
        }
        let data = with_elements!(&self.data, v => of(&v[range]));
        Tensor { shape, data }
    }

    /// Replaces part `i` along the first axis by a tensor of its type.
    pub(crate) fn set_part(&mut self, i: usize, part: &Tensor) {
        fn put<T: Element>(all: &mut Arc<Vec<T>>, i: usize, part: &Data) {
            if let Some(part) = T::peek(part) {
                let n = part.len();
                Arc::make_mut(all)[i * n..(i + 1) * n].copy_from_slice(part);
            }
        }
        with_elements!(&mut self.data, all => put(all, i, &part.data));
    }

    /// The tensor whose element at each index of `shape` is this one's at `index(…)`, or zero
    /// where that is `None`. The reference meaning of everything that only moves elements.
    pub(crate) fn rearrange(
        &self,
        shape: &Shape,
        mut index: impl FnMut(&[usize]) -> Option<usize>,
    ) -> Tensor {
        fn pick<T: Element>(
            from: &[T],
            shape: &Shape,
            index: &mut dyn FnMut(&[usize]) -> Option<usize>,
        ) -> Data {
            let mut out = Vec::with_capacity(shape.size());
            for_each_index(shape, |i| {
                out.push(index(i).map_or_else(T::default, |at| from[at]));
            });
            T::wrap(Arc::new(out))
        }
        let data = with_elements!(&self.data, v => pick(v, shape, &mut index));
        Tensor { shape: shape.clone(), data }
    }
}

/// Calls `f` with every index of `shape`, in row-major order.
pub(crate) fn for_each_index(shape: &Shape, mut f: impl FnMut(&[usize])) {
    let mut index = vec![0; shape.rank()];
    for _ in 0..shape.size() {
        f(&index);
        for axis in (0..shape.rank()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ty(), self)
    }
}

impl fmt::Display for Tensor {
    /// Nested brackets; numbers print with as many digits as it takes to read them back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rank = self.shape.rank();
        if self.is_empty() {
            return write!(f, "zeros{}", self.shape);
        }
        let mut result = Ok(());
        for_each_index(&self.shape, |index| {
            if result.is_err() {
                return;
            }
            let opens = index.iter().rev().take_while(|&&i| i == 0).count();
            let closes =
                (0..rank).rev().take_while(|&axis| index[axis] + 1 == self.shape[axis]).count();
            let at: usize = index.iter().zip(&self.shape.strides()).map(|(i, s)| i * s).sum();
            result = (|| {
                if opens < rank {
                    f.write_str(", ")?;
                }
                f.write_str(&"[".repeat(opens))?;
                with_elements!(&self.data, v => write!(f, "{:?}", v[at]))?;
                f.write_str(&"]".repeat(closes))
            })();
        });
        result
    }
}
