//! NumPy's `.npz` format: a zip archive of `.npy` files, through the crate `zip`.

use super::{bytes, named, npy, wrong};
use crate::Tree;
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use riesz_core::{Error, ErrorKind, Result, Tensor};
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Reads the arrays of an archive by name, each with its own element type and shape: what
/// `numpy.savez` and `numpy.savez_compressed` write. Members that are not `.npy` files are left out.
///
/// # Errors
/// A file that is missing, is not an archive or is damaged; as [`read_npy`](super::read_npy) for
/// each array, with its name.
///
/// ```
/// use riesz::io::{read_npz, write_npz};
/// use riesz::prelude::*;
/// use std::collections::BTreeMap;
/// let path = std::env::temp_dir().join("riesz-doc-read.npz");
/// let weights = BTreeMap::from([
///     (String::from("w"), Tensor::from([[1.0, 2.0]])),
///     (String::from("b"), Tensor::from([0.5])),
/// ]);
/// write_npz(&path, &weights)?;
/// assert_eq!(read_npz(&path)?, weights);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn read_npz(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let file = path.display().to_string();
    let broken = |e| wrong(&file, e).help("write it with numpy.savez");
    let mut archive =
        ZipArchive::new(Cursor::new(bytes(path)?)).map_err(|e| broken(e.to_string()))?;
    let mut arrays = BTreeMap::new();
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).map_err(|e| broken(e.to_string()))?;
        let member_name = member.name().map_err(|e| broken(e.to_string()))?.into_owned();
        let Some(name) = array_name_from_file_name(&member_name) else { continue };
        let place = format!("{file}, array `{name}`");
        let mut content = Vec::new();
        member.read_to_end(&mut content).map_err(|e| wrong(&place, e))?;
        arrays.insert(name.to_owned(), npy::parse(&content, &place)?);
    }
    Ok(arrays)
}

/// Writes the leaves of a tree of tensors as arrays, each under its name
/// ([`named`](super::named())), uncompressed as `numpy.savez` does; the file is replaced.
///
/// # Errors
/// When two leaves have the same name, or the file cannot be written.
///
/// ```
/// use riesz::io::{read_npz, write_npz};
/// use riesz::prelude::*;
/// #[derive(Clone, Tree)]
/// struct Dense<T> {
///     w: T,
///     b: T,
/// }
/// let path = std::env::temp_dir().join("riesz-doc-write.npz");
/// let layer = Dense { w: Tensor::from([[1.0, 2.0]]), b: Tensor::from([0.5]) };
/// write_npz(&path, &vec![layer])?;
/// let names: Vec<String> = read_npz(&path)?.into_keys().collect();
/// assert_eq!(names, ["0.b", "0.w"]);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn write_npz(path: &Path, tree: &impl Tree<Leaf = Tensor>) -> Result<()> {
    let arrays = named(tree)?;
    let write = || -> std::io::Result<()> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, tensor) in &arrays {
            let content = npy::content(tensor)?;
            let large = u32::try_from(content.len()).is_err();
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(large);
            archive.start_file(file_name_from_array_name(name), options)?;
            archive.write_all(&content)?;
        }
        std::fs::write(path, archive.finish()?.into_inner())
    };
    write()
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot write `{}`: {e}", path.display())))
}
