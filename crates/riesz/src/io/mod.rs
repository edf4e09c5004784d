//! Files of numbers, to and from [`Tensor`]: CSV, NumPy's `.npy` and `.npz`, and `safetensors`.
//!
//! [`read`] chooses by the ending of the name. A [`Selection`] says which rows and columns are
//! wanted, counted from 0, the end of a range excluded, negative numbers from the end, as in NumPy.
//! One index instead of a range drops its axis: one column of a table is a vector. A list of them keeps it.
//!
//! Files that hold several tensors, `.npz` and `.safetensors`, are written from any tree of tensors,
//! say the weights of a model; each leaf has a name, as in PyTorch ([`named`]), and [`restored`] makes
//! the tree again from what was read.
//!
//! Every error of reading names the file, and the line, the column and the cell where there is one.
//! Where [`read`] and [`read_csv`] find numbers that are not finite, that is an error unless
//! [`Selection::allow_non_finite`] is set; the others take them. Files are read whole into memory, and
//! nothing is guessed about missing values: an empty cell is an error. A file that is written replaces
//! an old one only when it is whole.

mod csv;
mod files;
mod named;
mod npy;
mod npz;
mod safetensors;
mod select;

pub use self::csv::read_csv;
pub use self::safetensors::{read_safetensors, write_safetensors};
pub use files::replace;
pub use named::{named, restored};
pub use npy::{read_npy, write_npy};
pub use npz::{read_npz, write_npz};
pub use select::{Choice, Pick, Selection};

use riesz_core::{Result, Tensor};
use std::path::Path;

/// Reads a file of numbers: `.npy`, `.npz` and `.safetensors` by their formats, anything else as CSV.
///
/// The elements of a CSV file are `f64`; those of the others keep their type. The shape is that of the
/// selected part. Of a file that holds several arrays, [`Selection::array`] says which.
///
/// # Errors
/// As [`read_csv`], [`read_npy`], [`read_npz`] and [`read_safetensors`]; also when the selection does not
/// fit the file.
///
/// ```
/// use riesz::io::{Selection, read, write_npy, write_npz};
/// use riesz::prelude::*;
/// let path = std::env::temp_dir().join("riesz-doc-read.npy");
/// write_npy(&path, &Tensor::from([[1.0, 2.0], [3.0, 4.0]]))?;
/// let second = Selection { columns: riesz::io::Choice::Index(1), ..Selection::default() };
/// assert_eq!(read(&path, &second)?, Tensor::from([2.0, 4.0]));
/// # std::fs::remove_file(&path).ok();
/// let path = std::env::temp_dir().join("riesz-doc-read-one.npz");
/// write_npz(&path, &vec![Tensor::from(1.0), Tensor::from([2.0])])?;
/// let last = Selection { array: Some("1".into()), ..Selection::default() };
/// assert_eq!(read(&path, &last)?, Tensor::from([2.0]));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn read(path: &Path, selection: &Selection) -> Result<Tensor> {
    read_first(path, selection, &[])
}

/// Reads what `selection` says, or, if the file has no such array, what the first of `others` says whose
/// array it has. The file is opened once: whether `w[0]` is the name of an array or a row of one
/// is known only then.
///
/// # Errors
/// As [`read`]; where the file has none of the arrays, the error is about the last.
///
/// ```
/// use riesz::io::{Choice, Selection, read_first, write_npz};
/// use riesz::prelude::*;
/// let path = std::env::temp_dir().join("riesz-doc-first.npz");
/// write_npz(&path, &vec![Tensor::from([1.0, 2.0])])?;
/// let named = Selection { array: Some("0[1]".into()), ..Selection::default() };
/// let entry = Selection { array: Some("0".into()), rows: Choice::Index(1), ..Selection::default() };
/// assert_eq!(read_first(&path, &named, &[entry])?, Tensor::from(2.0));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn read_first(path: &Path, selection: &Selection, others: &[Selection]) -> Result<Tensor> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let all: Vec<&Selection> = std::iter::once(selection).chain(others).collect();
    let arrays: Vec<Option<&str>> = all.iter().map(|s| s.array.as_deref()).collect();
    let (which, tensor) = match (ending.as_deref(), selection.array.as_deref()) {
        (Some("npz"), _) => npz::read_one(path, &arrays)?,
        (Some("safetensors"), _) => safetensors::read_one(path, &arrays)?,
        (_, Some(array)) => {
            let message = format!("arrays with names, such as `{array}`, are in other files");
            return Err(files::wrong(&path.display().to_string(), message)
                .help("files .npz and .safetensors have them"));
        }
        (Some("npy"), None) => (0, read_npy(path)?),
        (_, None) => return read_csv(path, selection),
    };
    let selection = all[which];
    let tensor = select::select(tensor, path, selection)?;
    if !selection.allow_non_finite {
        npy::check_finite(&tensor, path)?;
    }
    Ok(tensor)
}
