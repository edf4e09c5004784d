//! The files that a run writes, refused where writing them would destroy another.

use super::Args;
use super::saved::Saved;
use crate::Failure;
use std::path::{Path, PathBuf};

/// Refuses a target that is a file of the run or another target, that is no picture's name, or that cannot be
/// written; leaves all files as they are. `data` are the data files.
///
/// # Errors
/// Says which argument, why, and what to write instead.
pub fn check(args: &Args, data: &[PathBuf]) -> Result<(), Failure> {
    let targets = [("--save", &args.save), ("--plot", &args.plot)];
    for (option, file) in targets {
        let Some(file) = file else { continue };
        let refused = |what: &str, help: &str| {
            Failure::input(format!("{option} {}: {what}", file.display())).help(help)
        };
        if same(file, &args.file) {
            return Err(refused("this is the problem file", "name another file to write"));
        }
        if data.iter().any(|d| same(file, d)) {
            let what = "this is a data file of the problem";
            return Err(refused(what, "name another file to write"));
        }
        if option == "--save" {
            if let Some(what) = in_the_way(file) {
                let help = "name a new file, or one that --save has written";
                return Err(refused(&what, help));
            }
        } else {
            let others = [("--save", &args.save), ("--resume", &args.resume)];
            let other = others.into_iter().find(|o| o.1.as_ref().is_some_and(|o| same(file, o)));
            if let Some((other, _)) = other {
                let what = format!("this is the file of {other} too");
                return Err(refused(&what, "name another file for the picture"));
            }
            if !file.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg")) {
                let help = "name a file such as convergence.svg";
                return Err(refused("the picture is SVG, and this does not end in .svg", help));
            }
        }
        writable(file)?;
    }
    Ok(())
}

/// What is there that is no saved run, and would be lost. An empty file is nothing.
fn in_the_way(file: &Path) -> Option<String> {
    let there = std::fs::metadata(file).ok()?;
    if there.is_dir() || (there.is_file() && there.len() == 0) {
        return None;
    }
    let is_run = there.is_file() && Saved::read(file).is_ok();
    (!is_run).then(|| "this file is there already and is no saved run".to_owned())
}

/// Whether two paths lead to one place, through links too.
fn same(a: &Path, b: &Path) -> bool {
    a == b || place(a).zip(place(b)).is_some_and(|(a, b)| a == b)
}

/// The place of a file, also of one that is not there yet.
fn place(file: &Path) -> Option<PathBuf> {
    if let Ok(place) = file.canonicalize() {
        return Some(place);
    }
    let directory = file.parent().filter(|d| !d.as_os_str().is_empty());
    Some(directory.unwrap_or(Path::new(".")).canonicalize().ok()?.join(file.file_name()?))
}

/// Refuses a file that cannot be written, and leaves it as it is.
fn writable(file: &Path) -> Result<(), Failure> {
    let is_new = !file.exists();
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
    opened.map_err(|e| Failure::unwritten_file(file, &e))?;
    if is_new {
        // An empty file that stays is no harm.
        std::fs::remove_file(file).ok();
    }
    Ok(())
}
