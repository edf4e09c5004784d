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

/// Says what a file of another format is, by its first bytes: `wanted` is what it should be.
pub(super) fn is_format(content: &[u8], wanted: &str, file: &str) -> Result<()> {
    // A safetensors file begins with the length of its header, which is JSON.
    let found = match content {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => ("an .npz file", "read_npz"),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => ("an .npy file", "read_npy"),
        [_, _, _, _, _, _, 0, 0, b'{', ..] => ("a safetensors file", "read_safetensors"),
        _ => return Ok(()),
    };
    if found.0 == wanted {
        return Ok(());
    }
    let message = format!("this is {}, not {wanted}", found.0);
    Err(wrong(file, message).help(format!("read it with `{}`, or correct its name", found.1)))
}

/// Which of the arrays that are wanted is the first among those of a file, and its name; none stands for the only
/// one.
pub(super) fn chosen(
    mut names: Vec<String>,
    wanted: &[Option<&str>],
    file: &str,
) -> Result<(usize, String)> {
    names.sort_unstable();
    let all = || {
        let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
        format!("{}{}", shown.join(", "), if names.len() > shown.len() { ", …" } else { "" })
    };
    let one = |wanted: &Option<&str>| match (wanted, names.as_slice()) {
        (Some(wanted), _) => names.iter().find(|name| name == wanted),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    let found = wanted.iter().enumerate().find_map(|(i, wanted)| Some((i, one(wanted)?)));
    match (found, wanted.last().copied().flatten()) {
        (Some((i, one)), _) => Ok((i, one.clone())),
        (None, _) if names.is_empty() => Err(wrong(file, "there is no array in the file")),
        (None, Some(wanted)) => {
            let error = wrong(file, format!("there is no array `{wanted}`"));
            Err(match suggestion(wanted, names.iter().map(String::as_str)) {
                Some(near) => error.help(format!("is it `{near}`?")),
                None => error.help(format!("the arrays are {}", all())),
            })
        }
        (None, None) => {
            let message = format!("there are {} arrays: {}", names.len(), all());
            let example = names.first().map_or("", String::as_str);
            Err(wrong(file, message).help(format!("say which, as in \"{file}:{example}\"")))
        }
    }
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
