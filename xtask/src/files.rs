//! The files of the repository: what git tracks or would track, or, without git, every file on disk
//! outside `.git` and `target`.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A file that can be read as text.
pub struct TextFile {
    /// Path from the root, with `/` between its parts.
    pub path: String,
    /// The whole content.
    pub text: String,
}

impl TextFile {
    /// What follows the last dot of the file's name; empty if there is none.
    pub fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// All text files below `root`, sorted by path. A file with a zero byte or that is not UTF-8 is taken to
/// be binary and left out.
pub fn text_files(root: &Path) -> Result<Vec<TextFile>, String> {
    let mut paths = match listed_by_git(root) {
        Some(paths) => paths,
        None => listed_on_disk(root)?,
    };
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        let full = root.join(&path);
        // Git also lists what is deleted but not yet staged, and links, whose target is checked itself.
        if !full.symlink_metadata().is_ok_and(|data| data.is_file()) {
            continue;
        }
        let bytes = fs::read(&full).map_err(|error| format!("cannot read {path}: {error}"))?;
        if bytes.contains(&0) {
            continue;
        }
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(TextFile { path, text });
        }
    }
    if files.is_empty() {
        return Err(format!("no files found below {}", root.display()));
    }
    Ok(files)
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(list).output().ok()?;
    let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    let paths: Vec<String> =
        text.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    (!paths.is_empty()).then_some(paths)
}

fn listed_on_disk(root: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let complain = |error| format!("cannot list {}: {error}", root.join(&folder).display());
        for entry in fs::read_dir(root.join(&folder)).map_err(complain)? {
            let entry = entry.map_err(complain)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(complain)?;
            if kind.is_file() {
                found.push(path);
            } else if kind.is_dir() && name != ".git" && name != "target" {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{TextFile, listed_on_disk};

    #[test]
    fn extensions() {
        let extension = |path: &str| {
            TextFile { path: path.to_owned(), text: String::new() }.extension().to_owned()
        };
        assert_eq!(extension("a/b.rs"), "rs");
        assert_eq!(extension("a.d/run"), "");
        assert_eq!(extension("x.tar.gz"), "gz");
    }

    #[test]
    fn the_disk_gives_the_same_files_as_git() {
        let on_disk = listed_on_disk(&crate::root()).expect("the repository can be listed");
        for path in ["Cargo.toml", "xtask/src/files.rs"] {
            assert!(on_disk.iter().any(|found| found == path), "{path}");
        }
        assert!(!on_disk.iter().any(|found| found.starts_with("target/")));
    }
}
