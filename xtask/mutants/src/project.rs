//! A copy of the project with the mutations in it, built.

use crate::rewrite::{Mutant, rewrite};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the rules are: files and folders below `crates/riesz-core/src`.
const RULES: &[&str] = &["primitive", "simplify"];

/// Files there that say how a value is computed or told about, not how it is differentiated, and a
/// pass over loops, whose parts are no rules of the table.
const OTHER: &[&str] = &[
    "simplify/flow",
    "primitive/about.rs",
    "primitive/dense",
    "primitive/fourier.rs",
    "primitive/philox.rs",
    "primitive/special",
    "primitive/support.rs",
];

/// The copy.
pub struct Project {
    /// Every mutation in it; the numbers are their places.
    pub mutants: Vec<Mutant>,
    /// The types that each file with one lists as primitives, between commas.
    pub files: BTreeMap<String, String>,
    /// How many were tried and do not compile.
    pub dropped: usize,
    /// The test binary.
    pub binary: PathBuf,
    /// Where it is to be run.
    pub folder: PathBuf,
}

/// The lines to leave alone in each file.
type Skips = BTreeMap<String, Vec<usize>>;

impl Project {
    /// Copies, rewrites and builds.
    ///
    /// # Errors
    /// When files cannot be read or written, or the copy does not build for another reason than its
    /// mutations.
    pub fn build() -> Result<Project, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let copy = root.join("target/mutants");
        prepare(&root, &copy)?;
        let mut skips = Skips::new();
        let mut dropped = 0;
        loop {
            let mutants = write(&root, &copy, &skips)?;
            match compile(&copy)? {
                Ok(binary) => {
                    let text = |file: &String| read(&root.join("crates/riesz-core/src").join(file));
                    let files = mutants.iter().map(|m| m.file.clone());
                    let files = files.map(|file| text(&file).map(|text| (file, listed(&text))));
                    let files = files.collect::<Result<_, _>>()?;
                    let folder = copy.join("crates/riesz-core");
                    return Ok(Project { mutants, files, dropped, binary, folder });
                }
                Err(errors) => {
                    let before = mutants.len();
                    skip(&mut skips, errors)?;
                    dropped += before - write(&root, &copy, &skips)?.len();
                }
            }
        }
    }
}

/// Everything but the rules, which are written later.
fn prepare(root: &Path, copy: &Path) -> Result<(), String> {
    let manifest = read(&root.join("Cargo.toml"))?;
    let members = manifest.lines().map(|line| match line {
        l if l.starts_with("members = ") => "members = [\"crates/riesz-core\"]",
        l if l.starts_with("default-members") => "",
        l => l,
    });
    save(&copy.join("Cargo.toml"), &members.map(|l| format!("{l}\n")).collect::<String>())?;
    save(&copy.join("Cargo.lock"), &read(&root.join("Cargo.lock"))?)?;
    for folder in ["crates/riesz-core", "tests/corpus"] {
        for file in files(&root.join(folder))? {
            let below = file.strip_prefix(root).map_err(|e| e.to_string())?;
            let name = below.to_string_lossy().replace('\\', "/");
            let name = name.strip_prefix("crates/riesz-core/src/").unwrap_or_default();
            let text = match name {
                "lib.rs" => format!("{}#[allow(missing_docs)]\npub mod mutant;\n", read(&file)?),
                "primitive.rs" => by_choice(&read(&file)?)?,
                // Written later, by `write`; twice would be built twice.
                _ if RULES.iter().any(|folder| name.starts_with(&format!("{folder}/"))) => continue,
                _ => read(&file)?,
            };
            save(&copy.join(below), &text)?;
        }
    }
    save(&copy.join("crates/riesz-core/src/mutant.rs"), include_str!("runtime.rs"))
}

/// The list of the primitives, with samples of those alone that a run asks for.
fn by_choice(list: &str) -> Result<String, String> {
    let (all, chosen) = (
        "all.extend($variant::samples());",
        "if crate::mutant::wanted(stringify!($variant)) { all.extend($variant::samples()); }",
    );
    match list.contains(all) {
        true => Ok(list.replace(all, chosen)),
        false => Err(format!("primitive.rs does not collect samples by `{all}`")),
    }
}

/// The types that a file lists as primitives, between commas.
fn listed(text: &str) -> String {
    let names = text.lines().filter_map(|l| l.strip_prefix("impl Listed for "));
    names.filter_map(|l| l.split_whitespace().next()).collect::<Vec<_>>().join(",")
}

/// Writes the rules with their mutations.
fn write(root: &Path, copy: &Path, skips: &Skips) -> Result<Vec<Mutant>, String> {
    let sources = root.join("crates/riesz-core/src");
    let mut all = Vec::new();
    let mut next = 0;
    for folder in RULES {
        for file in files(&sources.join(folder))? {
            let name = file.strip_prefix(&sources).map_err(|e| e.to_string())?;
            let name = name.to_string_lossy().replace('\\', "/");
            let other = OTHER.iter().any(|o| name.starts_with(o));
            let text = read(&file)?;
            let (text, mutants) = match other {
                true => (text, Vec::new()),
                false => {
                    let skip = skips.get(&name).map(Vec::as_slice).unwrap_or_default();
                    rewrite(&name, &text, skip, &mut next)?
                }
            };
            save(&copy.join("crates/riesz-core/src").join(name), &text)?;
            all.extend(mutants);
        }
    }
    Ok(all)
}

/// The test binary, or the places that do not compile.
fn compile(copy: &Path) -> Result<Result<PathBuf, Vec<(String, usize)>>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--package", "riesz-core", "--test", "programs", "--no-run"])
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(copy)
        .output()
        .map_err(|e| format!("cargo does not run: {e}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        let path = text.lines().filter_map(|l| l.trim().strip_prefix("Executable "));
        let path = path.filter_map(|l| l.split_once('(')?.1.strip_suffix(')')).next_back();
        let path = path.ok_or_else(|| format!("cargo does not name its binary:\n{text}"))?;
        return Ok(Ok(copy.join(path)));
    }
    let mut errors = Vec::new();
    let mut is_error = false;
    for line in text.lines() {
        if line.starts_with("error") || line.starts_with("warning") {
            is_error = line.starts_with("error");
        }
        let place = line.trim().strip_prefix("--> crates/riesz-core/src/");
        if let (true, Some(place)) = (is_error, place) {
            let mut parts = place.split(':');
            let line = parts.clone().nth(1).and_then(|l| l.parse().ok());
            if let (Some(file), Some(line)) = (parts.next(), line) {
                errors.push((file.to_string(), line));
            }
        }
    }
    match errors.is_empty() {
        true => Err(format!("the copy does not build:\n{text}")),
        false => Ok(Err(errors)),
    }
}

/// Leaves the lines of errors alone, and one more before each for every time it comes back.
fn skip(skips: &mut Skips, errors: Vec<(String, usize)>) -> Result<(), String> {
    let mut changed = false;
    for (file, line) in errors {
        let lines = skips.entry(file).or_default();
        let mut line = line;
        while lines.contains(&line) && line > 0 {
            line -= 1;
        }
        if line > 0 {
            lines.push(line);
            changed = true;
        }
    }
    if changed {
        Ok(())
    } else {
        Err("the copy does not build, and no mutation is to blame".into())
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            all.extend(files(&path)?);
        } else {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Writes a file unless it says that already, so that nothing is built for nothing.
fn save(path: &Path, text: &str) -> Result<(), String> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|e| format!("{}: {e}", path.display()))
}
