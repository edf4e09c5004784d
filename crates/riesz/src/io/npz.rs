//! NumPy's `.npz` format: a zip archive of `.npy` files, through the crate `zip`.

use super::files::{bytes, chosen, is_format, is_stated, replace, unwritten, wrong};
use super::named;
use super::npy::{self, Stated};
use crate::Tree;
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use riesz_core::{Error, Result, Tensor};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Reads the arrays of an archive by name, each with its own element type and shape: what
/// `numpy.savez` and `numpy.savez_compressed` write. Members that are not `.npy` files are left out. A
/// compressed file may be a thousand times smaller than its arrays.
///
/// # Errors
/// A file that is missing, is not an archive or is damaged, or has two arrays of one name; as
/// [`read_npy`](super::read_npy) for each array, with its name: one of text makes that of the file.
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
    let mut archive = Archive::open(path)?;
    let members = std::mem::take(&mut archive.members);
    members.into_iter().map(|(name, i)| Ok((name.clone(), archive.array(&name, i)?))).collect()
}

/// Reads one array of an archive: the first that is there of those wanted, where none stands for the only one.
pub(super) fn read_one(path: &Path, wanted: &[Option<&str>]) -> Result<(usize, Tensor)> {
    let mut archive = Archive::open(path)?;
    let names = archive.members.keys().cloned().collect();
    let (which, name) = chosen(names, wanted, &archive.file)?;
    let member = archive.members[&name];
    Ok((which, archive.array(&name, member)?))
}

/// An archive and which of its members are arrays.
struct Archive {
    file: String,
    zip: ZipArchive<Cursor<Vec<u8>>>,
    members: BTreeMap<String, usize>,
}

impl Archive {
    fn open(path: &Path) -> Result<Archive> {
        let file = path.display().to_string();
        let content = bytes(path)?;
        is_format(&content, "an .npz file", &file)?;
        let zip = ZipArchive::new(Cursor::new(content)).map_err(|e| broken(&file, &e))?;
        if zip.has_duplicate_names() {
            return Err(broken(&file, &"two members have the same name"));
        }
        let mut archive = Archive { file, zip, members: BTreeMap::new() };
        for i in 0..archive.zip.len() {
            let member = archive.zip.by_index_raw(i).map_err(|e| broken(&archive.file, &e))?;
            let member_name = member.name().map_err(|e| broken(&archive.file, &e))?.into_owned();
            let Some(name) = array_name_from_file_name(&member_name) else { continue };
            if archive.members.insert(name.to_owned(), i).is_some() {
                return Err(broken(&archive.file, &format!("two arrays are called `{name}`")));
            }
        }
        Ok(archive)
    }

    fn array(&mut self, name: &str, member: usize) -> Result<Tensor> {
        let place = format!("{}, array `{name}`", self.file);
        let mut member = self.zip.by_index(member).map_err(|e| broken(&self.file, &e))?;
        let content = content(&mut member).map_err(|e| broken(&place, &e))?;
        npy::parse(&content, &place)
    }
}

fn broken(place: &str, what: &dyn std::fmt::Display) -> Error {
    wrong(place, what).help("write it with numpy.savez")
}

/// The bytes of a member: no more than its header says.
fn content(member: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    member.take(Stated::ENOUGH as u64).read_to_end(&mut content)?;
    if let (true, Some(stated)) = (content.len() == Stated::ENOUGH, Stated::read(&content)) {
        let more = stated.most().saturating_sub(content.len());
        member.take(more as u64).read_to_end(&mut content)?;
    }
    Ok(content)
}

/// Writes the leaves of a tree of tensors as arrays, each under its name
/// ([`named`](super::named())), uncompressed as `numpy.savez` does; the file is
/// replaced once all is written.
///
/// # Errors
/// When two leaves have the same name, a name cannot be one in such a file, or the file cannot be
/// written.
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
    for (name, tensor) in &arrays {
        is_stated(&format!("`{name}`"), tensor)?;
        if name.contains('\0') {
            return Err(Error::usage(format!("an array cannot be called {name:?}"))
                .help("NumPy ends a name where there is the character 0: choose keys without"));
        }
    }
    let write = |beside: &Path| {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(beside)?));
        for (name, tensor) in &arrays {
            let bytes = (tensor.len() * tensor.dtype().size()) as u64 + Stated::ENOUGH as u64;
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(bytes > u64::from(u32::MAX));
            archive.start_file(file_name_from_array_name(name), options)?;
            npy::put(&mut archive, tensor)?;
        }
        archive.finish()?.flush()
    };
    replace(path, write).map_err(|e| unwritten(path, &e))
}
