//! Files as a whole: read into memory, replaced, and what is said when that fails.

use riesz_core::{Error, ErrorKind, Result, Tensor, suggestion};
use std::io;
use std::path::Path;

/// The bytes of a file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        let message = format!("`{}` is a directory, not a file", path.display());
        return Err(Error::new(ErrorKind::Io, message));
    }
    std::fs::read(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => missing(path),
        _ => Error::new(ErrorKind::Io, format!("cannot read `{}`: {e}", path.display())),
    })
}

/// The error for a file that is not there: asks for one beside it with a similar name.
pub(super) fn missing(path: &Path) -> Error {
    let error = Error::new(ErrorKind::Io, format!("there is no file `{}`", path.display()));
    let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(directory) else {
        return error.help(format!("there is no directory `{}` either", directory.display()));
    };
    let mut names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let wanted = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    match suggestion(&wanted, names.iter().map(String::as_str)) {
        Some(near) => error.help(format!("is it `{near}`?")),
        None => error,
    }
}

/// An error about a file, or a place in it: `X.csv, line 3, column 2 (`age`)`.
pub(super) fn wrong(place: &str, message: impl std::fmt::Display) -> Error {
    Error::value(format!("{place}: {message}"))
}

/// Replaces a file by what `write` puts into the one beside it that it is given, `path` with `.new` behind
/// it: the old one stays whole until the new one is.
///
/// # Errors
/// Those of `write`, and when the new file cannot take the place of the old one.
///
/// ```
/// let path = std::env::temp_dir().join("riesz-doc-replace.txt");
/// riesz::io::replace(&path, |beside| std::fs::write(beside, "whole"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "whole");
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let replaced = write(beside).and_then(|()| std::fs::rename(beside, path));
    if replaced.is_err() {
        // What is there of it is of no use; that it was not there is no news.
        std::fs::remove_file(beside).ok();
    }
    replaced
}

/// The error for a file that cannot be written.
pub(super) fn unwritten(path: &Path, reason: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write `{}`: {reason}", path.display()))
}

/// Whether formats can state a shape of these lengths, whose readers multiply those that are not zero.
pub(super) fn stated(lengths: &[usize]) -> bool {
    let size = lengths.iter().try_fold(WIDEST, |size, &n| size.checked_mul(n.max(1)));
    size.is_some_and(|size| isize::try_from(size).is_ok())
}

/// The bytes of the widest element.
pub(super) const WIDEST: usize = 8;

/// Refuses a tensor whose shape cannot be stated: without elements, but with enormous lengths.
pub(super) fn is_stated(name: &str, tensor: &Tensor) -> Result<()> {
    match stated(tensor.shape()) {
        true => Ok(()),
        false => {
            let message = format!("no file can state the shape {} of {name}", tensor.shape());
            Err(Error::value(message).help("it has no elements: leave it out, or reshape it"))
        }
    }
}
