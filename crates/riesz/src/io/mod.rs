//! Files of numbers, to and from [`Tensor`]: CSV, NumPy's `.npy` and `.npz`, and `safetensors`.
//!
//! [`read`] chooses by the ending of the name. A [`Selection`] says which rows and columns are
//! wanted, counted from 0, the end of a range excluded, negative numbers from the end, as in NumPy.
//! One index instead of a range drops its axis: one column of a table is a vector.
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
pub use select::{Choice, Selection};

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
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let array = selection.array.as_deref();
    let tensor = match (ending.as_deref(), array) {
        (Some("npz"), _) => npz::read_one(path, array)?,
        (Some("safetensors"), _) => safetensors::read_one(path, array)?,
        (_, Some(array)) => {
            let message = format!("arrays with names, such as `{array}`, are in other files");
            return Err(files::wrong(&path.display().to_string(), message)
                .help("files .npz and .safetensors have them"));
        }
        (Some("npy"), None) => read_npy(path)?,
        (_, None) => return read_csv(path, selection),
    };
    let tensor = select::select(tensor, path, selection)?;
    if !selection.allow_non_finite {
        npy::check_finite(&tensor, path)?;
    }
    Ok(tensor)
}

/// The names of the arrays in a `.npz` or `.safetensors` file, sorted; none for files of other names.
///
/// # Errors
/// A file that is missing, or not what its name says.
///
/// ```
/// use riesz::io::{array_names, write_npz};
/// use riesz::prelude::*;
/// let path = std::env::temp_dir().join("riesz-doc-names.npz");
/// write_npz(&path, &vec![Tensor::from(1.0), Tensor::from([2.0])])?;
/// assert_eq!(array_names(&path)?, ["0", "1"]);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn array_names(path: &Path) -> Result<Vec<String>> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let mut names = match ending.as_deref() {
        Some("npz") => npz::names(path)?,
        Some("safetensors") => safetensors::names(path)?,
        _ => Vec::new(),
    };
    names.sort_unstable();
    Ok(names)
}
