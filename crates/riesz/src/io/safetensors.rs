//! The format `safetensors`, in which weights of PyTorch and JAX models are passed on, through the
//! crate of its authors.

use super::files::{bytes, chosen, is_format, is_stated, replace, unwritten, wrong};
use super::named;
use crate::Tree;
use riesz_core::{DType, Data, Error, Result, Tensor};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, View, serialize_to_file};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The name under which the format keeps what is no tensor.
const METADATA: &str = "__metadata__";

/// Reads the tensors of a file by name, each with its own element type and shape.
///
/// # Errors
/// A file that is missing or damaged, or has a tensor of another type than `F32 F64 I32 I64 BOOL`: one
/// in half precision makes that of the file.
///
/// ```
/// use riesz::io::{read_safetensors, restored, write_safetensors};
/// use riesz::prelude::*;
/// #[derive(Clone, Tree)]
/// struct Dense<T> {
///     w: T,
///     b: T,
/// }
/// let path = std::env::temp_dir().join("riesz-doc-read.safetensors");
/// let trained = vec![Dense { w: Tensor::from([[1.0, 2.0]]), b: Tensor::from([0.5]) }];
/// write_safetensors(&path, &trained)?; // as `0.w` and `0.b`
///
/// let tensors = read_safetensors(&path)?;
/// assert_eq!(tensors["0.w"], trained[0].w);
/// let initial = vec![Dense { w: Tensor::from([[0.0, 0.0]]), b: Tensor::from([0.0]) }];
/// assert_eq!(restored(&initial, &tensors)?[0].b, trained[0].b);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let (content, file) = (bytes(path)?, path.display().to_string());
    let named =
        |(name, view): (&str, TensorView)| Ok((name.to_owned(), tensor(&view, name, &file)?));
    parse(&content, &file)?.iter().map(named).collect()
}

/// Reads one tensor of a file: the first that is there of those wanted, where none stands for the only one.
pub(super) fn read_one(path: &Path, wanted: &[Option<&str>]) -> Result<(usize, Tensor)> {
    let (content, file) = (bytes(path)?, path.display().to_string());
    let tensors = parse(&content, &file)?;
    let names = tensors.names().into_iter().map(str::to_owned).collect();
    let (which, name) = chosen(names, wanted, &file)?;
    let view = tensors.tensor(&name).map_err(|e| wrong(&file, e))?;
    Ok((which, tensor(&view, &name, &file)?))
}

fn parse<'c>(content: &'c [u8], file: &str) -> Result<SafeTensors<'c>> {
    is_format(content, "a safetensors file", file)?;
    SafeTensors::deserialize(content).map_err(|e| {
        wrong(file, format!("this is not a safetensors file, or it is damaged: {e}"))
            .help("copy it again, or write it with safetensors.torch.save_file")
    })
}

/// Writes the leaves of a tree of tensors, each under its name ([`named`](super::named())); the file
/// is replaced once all is written.
///
/// # Errors
/// When two leaves have the same name, a name cannot be one in such a file, or the file cannot be
/// written.
///
/// ```
/// use riesz::io::{read_safetensors, write_safetensors};
/// use riesz::prelude::*;
/// let path = std::env::temp_dir().join("riesz-doc-write.safetensors");
/// write_safetensors(&path, &(Tensor::from([1.0_f32, 2.0]), Tensor::from([true])))?;
/// assert_eq!(read_safetensors(&path)?["1"], Tensor::from([true]));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn write_safetensors(path: &Path, tree: &impl Tree<Leaf = Tensor>) -> Result<()> {
    let tensors = named(tree)?;
    for (name, tensor) in &tensors {
        is_stated(&format!("`{name}`"), tensor)?;
        if name == METADATA {
            let message = format!("a tensor cannot be called `{METADATA}`");
            return Err(Error::usage(message).help("the format means something else by that name"));
        }
    }
    let views = tensors.iter().map(|(name, tensor)| (name, Written(tensor)));
    replace(path, |beside| serialize_to_file(views, None, beside).map_err(io::Error::other))
        .map_err(|e| unwritten(path, &e))
}

/// A tensor as it is written: little-endian, one at a time.
struct Written<'a>(&'a Tensor);

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        match self.0.dtype() {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
            DType::I32 => Dtype::I32,
            DType::I64 => Dtype::I64,
            DType::Bool => Dtype::BOOL,
        }
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.0.data() {
            Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Data::Bool(v) => v.iter().map(|&x| u8::from(x)).collect(),
        }
    }

    fn data_len(&self) -> usize {
        self.0.len() * self.0.dtype().size()
    }
}

/// The tensor of a view, which the file has under this name.
fn tensor(view: &TensorView, name: &str, file: &str) -> Result<Tensor> {
    macro_rules! read {
        ($ty:ty) => {{
            let (elements, _) = view.data().as_chunks();
            let values = elements.iter().map(|&bytes| <$ty>::from_le_bytes(bytes)).collect();
            Tensor::new::<$ty>(values, view.shape())
        }};
    }
    match view.dtype() {
        Dtype::F32 => read!(f32),
        Dtype::F64 => read!(f64),
        Dtype::I32 => read!(i32),
        Dtype::I64 => read!(i64),
        Dtype::BOOL => Tensor::new(view.data().iter().map(|&x| x != 0).collect(), view.shape()),
        other => {
            Err(wrong(&format!("{file}, tensor `{name}`"), format!("the elements are {other:?}"))
                .help("save it as F64, F32, I64, I32 or BOOL: in PyTorch, `t.float()`"))
        }
    }
}
