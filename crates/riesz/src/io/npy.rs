//! NumPy's `.npy` format, through the crate `npyz`.
//!
//! Elements may be `f4 f8 i4 i8 b1` of either byte order, arrays of any rank in C or Fortran order.
//! A header is not believed before the file is seen to be as long as it says.

use super::csv::not_finite;
use super::files::{WIDEST, bytes, is_format, is_stated, replace, stated, unwritten, wrong};
use npyz::{NpyFile, Order, WriterBuilder};
use riesz_core::ndarray::{Array, IxDyn, ShapeBuilder};
use riesz_core::{Data, Result, Shape, Tensor, with_elements};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Reads an array, with its own element type and shape.
///
/// # Errors
/// A file that is missing, is not `.npy`, is cut short, or has elements of another type than
/// `float32 float64 int32 int64 bool`.
pub fn read_npy(path: &Path) -> Result<Tensor> {
    let (content, file) = (bytes(path)?, path.display().to_string());
    is_format(&content, "an .npy file", &file)?;
    parse(&content, &file)
}

/// The array in the bytes of an `.npy` file; `file` is what errors call it.
pub(super) fn parse(content: &[u8], file: &str) -> Result<Tensor> {
    let no_header = || {
        wrong(file, "this is not a NumPy file, or its header is damaged")
            .help("write it with numpy.save")
    };
    let Stated { start, size } = Stated::read(content).ok_or_else(no_header)?;
    let npy = NpyFile::new(content).map_err(|e| wrong(file, e))?;
    let width = npy.dtype().num_bytes().unwrap_or(0);
    if size.checked_mul(width).is_none_or(|needed| needed > content.len() - start) {
        let message = format!("the file is cut short: its header says {size} elements");
        return Err(wrong(file, message).help("copy or write it again"));
    }
    let shape: Vec<usize> = npy.shape().iter().map(|&n| n as usize).collect();
    if !stated(&shape) || shape.iter().product::<usize>() != size {
        return Err(no_header());
    }
    let order = npy.order();
    let descr = npy.dtype().descr();
    let element = descr.trim_matches('\'').trim_start_matches(['<', '>', '|', '=']);
    macro_rules! read {
        ($ty:ty) => {{
            let values = npy.into_vec::<$ty>().map_err(|e| wrong(file, e))?;
            let layout = IxDyn(&shape).set_f(order == Order::Fortran);
            Array::from_shape_vec(layout, values).map(Tensor::from).map_err(|_| no_header())
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

/// Writes an array in C order; the file is replaced once all is written.
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
    is_stated("the tensor", tensor)?;
    let write = |beside: &Path| {
        let mut out = BufWriter::new(File::create(beside)?);
        put(&mut out, tensor)?;
        out.flush()
    };
    replace(path, write).map_err(|e| unwritten(path, &e))
}

/// Writes the `.npy` file of an array, whose shape can be stated.
pub(super) fn put(out: &mut impl Write, tensor: &Tensor) -> io::Result<()> {
    fn write<T: npyz::AutoSerialize + Copy>(
        out: &mut impl Write,
        shape: &Shape,
        values: &[T],
    ) -> io::Result<()> {
        let axes: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        let options = npyz::WriteOptions::new().default_dtype().shape(&axes);
        let mut writer = options.writer(out).begin_nd()?;
        writer.extend(values.iter().copied())?;
        writer.finish()
    }
    with_elements!(tensor.data(), v => write(out, tensor.shape(), v))
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

/// The bytes that a header may have: those of NumPy itself have less than a hundredth of them.
const HEADER: usize = 1 << 16;
/// How deep brackets in it may be nested: a dictionary, a list of fields, a field, its shape.
const DEPTH: usize = 4;

/// What a header says of the size of a file.
pub(super) struct Stated {
    /// The bytes before the elements.
    start: usize,
    /// The number of elements.
    size: usize,
}

impl Stated {
    /// The bytes from which on a header is known to be whole, or to be none.
    pub const ENOUGH: usize = HEADER + 12;

    /// Reads the size if it is a header and the number can be one. Done here because `npyz` reads any text
    /// as a header, takes very long for deep brackets, and multiplies lengths without a look at overflow.
    pub fn read(content: &[u8]) -> Option<Stated> {
        let (version, length) =
            (content.strip_prefix(b"\x93NUMPY")?, |bytes: &[u8]| match *bytes {
                [a, b] => Some(usize::from(u16::from_le_bytes([a, b]))),
                [a, b, c, d] => usize::try_from(u32::from_le_bytes([a, b, c, d])).ok(),
                _ => None,
            });
        let begin = if *version.first()? == 1 { 10 } else { 12 };
        let start = begin + length(content.get(8..begin)?).filter(|&length| length <= HEADER)?;
        let header = std::str::from_utf8(content.get(begin..start)?).ok()?;
        // A key with an escape is a key under another name.
        if header.contains('\\') || depth(header) > DEPTH {
            return None;
        }
        let mut shapes = header.split("'shape'").flat_map(|part| part.split("\"shape\"")).skip(1);
        let (Some(shape), None) = (shapes.next(), shapes.next()) else { return None };
        let shape = shape.split_once('(')?.1.split_once(')')?.0;
        let lengths = shape.split(',').map(|n| n.trim().trim_end_matches('L'));
        let lengths = lengths.filter(|n| !n.is_empty()).map(|n| n.parse().ok());
        let lengths: Vec<usize> = lengths.collect::<Option<_>>()?;
        stated(&lengths).then(|| Stated { start, size: lengths.iter().product() })
    }

    /// The most bytes of the file that this is the header of.
    pub fn most(&self) -> usize {
        self.size.saturating_mul(WIDEST).saturating_add(self.start)
    }
}

/// How deep brackets are nested, those in names too.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0usize, 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => now += 1,
            ')' | ']' | '}' => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}
