//! The format `safetensors`, in which weights of PyTorch and JAX models are passed on, through the
//! crate of its authors.

use super::{bytes, named, wrong};
use crate::Tree;
use riesz_core::{Data, Error, ErrorKind, Result, Tensor};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the tensors of a file by name, each with its own element type and shape.
///
/// # Errors
/// A file that is missing or damaged, or has elements of another type than `F32 F64 I32 I64 BOOL`.
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
    let content = bytes(path)?;
    let file = path.display().to_string();
    let tensors = SafeTensors::deserialize(&content).map_err(|e| {
        wrong(&file, format!("this is not a safetensors file, or it is damaged: {e}"))
    })?;
    { tensors.iter() }
        .map(|(name, view)| {
            Ok((name.to_owned(), tensor(&view, &format!("{file}, tensor `{name}`"))?))
        })
        .collect()
}

/// Writes the leaves of a tree of tensors, each under its name ([`named`](super::named())); the file
/// is replaced.
///
/// # Errors
/// When two leaves have the same name, or the file cannot be written.
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
    let failed =
        |e: String| Error::new(ErrorKind::Io, format!("cannot write `{}`: {e}", path.display()));
    let tensors = named(tree)?;
    let contents: Vec<(Dtype, Vec<u8>)> = tensors.values().map(|t| content(t.data())).collect();
    let mut views = Vec::with_capacity(tensors.len());
    for ((name, tensor), (dtype, content)) in tensors.iter().zip(&contents) {
        let view = TensorView::new(*dtype, tensor.shape().to_vec(), content);
        views.push((name, view.map_err(|e| failed(e.to_string()))?));
    }
    let out = serialize(views, None).map_err(|e| failed(e.to_string()))?;
    std::fs::write(path, out).map_err(|e| failed(e.to_string()))
}

/// The elements as little-endian bytes.
fn content(data: &Data) -> (Dtype, Vec<u8>) {
    match data {
        Data::F32(v) => (Dtype::F32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Data::F64(v) => (Dtype::F64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Data::I32(v) => (Dtype::I32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Data::I64(v) => (Dtype::I64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Data::Bool(v) => (Dtype::BOOL, v.iter().map(|&x| u8::from(x)).collect()),
    }
}

/// The tensor of a view; `place` is where it is in which file.
fn tensor(view: &TensorView, place: &str) -> Result<Tensor> {
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
        other => Err(wrong(place, format!("the elements are {other:?}"))
            .help("save it as F64, F32, I64, I32 or BOOL: in PyTorch, `t.float()`")),
    }
}
