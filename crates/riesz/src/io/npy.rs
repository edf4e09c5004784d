//! NumPy's `.npy` format, through the crate `npyz`.
//!
//! Elements may be `f4 f8 i4 i8 b1` of either byte order, arrays of any rank in C or Fortran order.
//! A header is not believed before the file is seen to be as long as it says.

use super::{bytes, csv::not_finite, wrong};
use npyz::{NpyFile, Order, WriterBuilder};
use riesz_core::{Data, Element, Error, ErrorKind, Result, Shape, Tensor, with_elements};
use std::path::Path;

/// Reads an array, with its own element type and shape.
///
/// # Errors
/// A file that is missing, is not `.npy`, is cut short, or has elements of another type than
/// `float32 float64 int32 int64 bool`.
pub fn read_npy(path: &Path) -> Result<Tensor> {
    parse(&bytes(path)?, &path.display().to_string())
}

/// The array in the bytes of an `.npy` file; `file` is what errors call it.
pub(super) fn parse(content: &[u8], file: &str) -> Result<Tensor> {
    let (size, room) = elements(content).ok_or_else(|| {
        wrong(file, "this is not a NumPy file, or its header is damaged")
            .help("write it with numpy.save")
    })?;
    let npy = NpyFile::new(content).map_err(|e| wrong(file, e))?;
    let width = npy.dtype().num_bytes().unwrap_or(0);
    if size.checked_mul(width).is_none_or(|needed| needed > room) {
        let message = format!("the file is cut short: its header says {size} elements");
        return Err(wrong(file, message));
    }
    let shape: Vec<usize> = npy.shape().iter().map(|&n| n as usize).collect();
    let order = npy.order();
    let descr = npy.dtype().descr();
    let element = descr.trim_matches('\'').trim_start_matches(['<', '>', '|', '=']);
    macro_rules! read {
        ($ty:ty) => {{
            let values = npy.into_vec::<$ty>().map_err(|e| wrong(file, e))?;
            Tensor::new(row_major(values, &shape, order), shape)
        }};
    }
    match element {
        "f4" => read!(f32),
        "f8" => read!(f64),
        "i4" => read!(i32),
        "i8" => read!(i64),
        "b1" => read!(bool),
        _ => Err(wrong(file, format!("the elements are of NumPy's type {descr}"))
            .help("save it as float64, float32, int64, int32 or bool: `a.astype('float64')`")),
    }
}

/// Writes an array in C order; the file is replaced.
///
/// # Errors
/// When the file cannot be written.
///
/// ```
/// use riesz::io::{read_npy, write_npy};
/// use riesz::prelude::*;
/// let path = std::env::temp_dir().join("riesz-doc-write.npy");
/// write_npy(&path, &Tensor::from([1_i64, 2, 3]))?;
/// assert_eq!(read_npy(&path)?, Tensor::from([1_i64, 2, 3]));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn write_npy(path: &Path, tensor: &Tensor) -> Result<()> {
    { content(tensor) }
        .and_then(|out| std::fs::write(path, out))
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot write `{}`: {e}", path.display())))
}

/// The bytes of the `.npy` file of an array.
pub(super) fn content(tensor: &Tensor) -> std::io::Result<Vec<u8>> {
    fn write<T: npyz::AutoSerialize + Copy>(
        out: &mut Vec<u8>,
        shape: &Shape,
        values: &[T],
    ) -> std::io::Result<()> {
        let axes: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        let options = npyz::WriteOptions::new().default_dtype().shape(&axes);
        let mut writer = options.writer(out).begin_nd()?;
        writer.extend(values.iter().copied())?;
        writer.finish()
    }
    let mut out = Vec::new();
    with_elements!(tensor.data(), v => write(&mut out, tensor.shape(), v))?;
    Ok(out)
}

/// Refuses NaN and infinite elements, naming the first.
pub(super) fn check_finite(tensor: &Tensor, path: &Path) -> Result<()> {
    let first = match tensor.data() {
        Data::F32(v) => v.iter().position(|x| !x.is_finite()).map(|i| (i, f64::from(v[i]))),
        Data::F64(v) => v.iter().position(|x| !x.is_finite()).map(|i| (i, v[i])),
        Data::I32(_) | Data::I64(_) | Data::Bool(_) => None,
    };
    let Some((mut at, x)) = first else { return Ok(()) };
    let mut index = Vec::new();
    for &n in tensor.shape().iter().rev() {
        index.insert(0, (at % n.max(1)).to_string());
        at /= n.max(1);
    }
    let place = format!("{}, at [{}]", path.display(), index.join(","));
    Err(not_finite(&place, &x.to_string()))
}

/// The elements in row-major order.
fn row_major<T: Element>(values: Vec<T>, shape: &[usize], order: Order) -> Vec<T> {
    if order == Order::C || shape.len() < 2 {
        return values;
    }
    let strides: Vec<usize> =
        shape.iter().scan(1, |s, &n| Some(std::mem::replace(s, *s * n))).collect();
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// The number of elements a header states, if it is a header and the number can be one, and the
/// bytes that follow it. Read here because `npyz` multiplies the lengths without a look at overflow.
fn elements(content: &[u8]) -> Option<(usize, usize)> {
    if !content.starts_with(b"\x93NUMPY") {
        return None;
    }
    // Behind the version and the length, whose bytes may be anything.
    let rest = content.get(12..)?;
    let end = rest.iter().position(|b| *b == b'\n')?;
    let header = String::from_utf8_lossy(&rest[..end]);
    let shape = header.split_once("'shape'").or_else(|| header.split_once("\"shape\""))?.1;
    let shape = shape.split_once('(')?.1.split_once(')')?.0;
    let lengths = shape.split(',').map(|n| n.trim().trim_end_matches('L'));
    let size = lengths
        .filter(|n| !n.is_empty())
        .try_fold(1usize, |product, n| product.checked_mul(n.parse().ok()?))?;
    Some((size, rest.len() - end - 1))
}
