//! House rules that neither rustfmt nor clippy knows.
//!
//! - No source or prose file is longer than 600 lines. Data (CSV, JSON, lock files, …) may be.
//! - Every Rust file begins with its `//!` documentation.
//! - No unfinished code and no ignored or panicking tests: the words are in [`FORBIDDEN`].
//! - `unsafe` only in `crates/riesz-cpu`, each with its argument in a comment before it.
//! - No absolute paths of one person's machine: they are in [`PLACES`].
//! - Every package from a registry that a manifest uses is named in ARCHITECTURE.md, once that exists.
//! - No spaces at the end of a line; files end with one line break.
//!
//! What rustfmt, clippy and rustc already check is not repeated here.

use std::path::Path;

use crate::Finding;
use crate::files::{TextFile, text_files};
use crate::manifest::dependencies;
use crate::source::{Line, is_word, scan, words};

/// The longest a file may be.
const LONGEST: usize = 600;

/// Files a person reads; only these have a limit to their length. Scripts without an extension count.
const READ_BY_PEOPLE: &[&str] =
    &["", "rs", "py", "sh", "md", "rz", "toml", "yml", "yaml", "html", "css", "js"];

/// Files without an extension that nobody can shorten.
const FIXED_TEXTS: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

/// Code that must not be there, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!", "unfinished code: write it, or return an error"),
    ("unimplemented!", "unfinished code: write it, or return an error"),
    ("dbg!", "left over from debugging: remove it"),
    ("#[ignore", "a test that does not run tests nothing: make it run or remove it"),
    ("#[should_panic", "test the error that is returned instead"),
];

/// Beginnings of absolute paths that only exist on somebody's machine. Each is written in two parts so
/// that this file passes its own test.
const PLACES: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// The only crate that may contain `unsafe`.
const UNSAFE_HOME: &str = "crates/riesz-cpu/";

/// How many lines a statement may go on before its `unsafe` and still be argued for above it.
const STATEMENT: usize = 10;

/// Checks every text file of the repository.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let files = text_files(root)?;
    let mut findings: Vec<Finding> = files.iter().flat_map(check_file).collect();
    if let Some(architecture) = files.iter().find(|file| file.path == "ARCHITECTURE.md") {
        findings.extend(unexplained_dependencies(&files, &architecture.text));
    }
    findings.sort();
    Ok(findings)
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let mut findings = layout(file);
    if file.extension() == "rs" {
        findings.extend(rust(&file.path, &file.text));
    }
    findings
}

/// Length, line ends and paths: for every text file.
fn layout(file: &TextFile) -> Vec<Finding> {
    let TextFile { path, text } = file;
    let mut findings = Vec::new();
    let mut find = |line, message: String| findings.push(Finding::new(path, line, message));
    let count = text.lines().count();
    let limited =
        READ_BY_PEOPLE.contains(&file.extension()) && !FIXED_TEXTS.contains(&path.as_str());
    if limited && count > LONGEST {
        find(LONGEST + 1, format!("{count} lines; the most is {LONGEST}: split the file"));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        find(count, "no line break at the end of the file".to_owned());
    }
    if text.ends_with("\n\n") || text == "\n" {
        find(count, "empty lines at the end of the file".to_owned());
    }
    for (number, line) in text.split('\n').enumerate() {
        if line.ends_with('\r') {
            find(number + 1, "the line ends with a carriage return: use Unix line ends".to_owned());
        } else if line.ends_with([' ', '\t']) && !path.ends_with(".tsv") {
            find(number + 1, "spaces at the end of the line".to_owned());
        }
        for place in PLACES.iter().filter(|place| has_path(line, place)) {
            find(number + 1, format!("an absolute path ({place}…): make it relative"));
        }
    }
    findings
}

/// Whether a path begins with `place` here; `a/b` inside a longer path or a URL does not count.
fn has_path(line: &str, place: &str) -> bool {
    let part_of_more = |c: char| is_word(c) || ".-~})".contains(c);
    line.match_indices(place).any(|(i, _)| !line[..i].ends_with(part_of_more))
}

/// Documentation, forbidden code and `unsafe`: for Rust files.
fn rust(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        let message = "the file does not begin with `//!`: say what it is and what it keeps true";
        findings.push(Finding::new(path, 1, message));
    }
    let lines = scan(text);
    for (number, line) in lines.iter().enumerate() {
        for (code, why) in FORBIDDEN {
            let inside_word =
                |i: usize| line.code[..i].ends_with(is_word) && !code.starts_with('#');
            if line.code.match_indices(code).any(|(i, _)| !inside_word(i)) {
                findings.push(Finding::new(path, number + 1, format!("`{code}`: {why}")));
            }
        }
        for place in words(&line.code, "unsafe") {
            if is_function_type(&line.code[place..]) {
                continue;
            }
            let message = if !path.starts_with(UNSAFE_HOME) {
                format!("`unsafe` outside {UNSAFE_HOME}")
            } else if !is_argued(&lines, number) {
                "`unsafe` without a comment before it that begins with `SAFETY:`".to_owned()
            } else {
                continue;
            };
            findings.push(Finding::new(path, number + 1, message));
        }
    }
    findings
}

/// `unsafe fn(…)` and `unsafe extern "C" fn(…)` name a type and promise nothing.
fn is_function_type(code: &str) -> bool {
    let rest = code.trim_start_matches("unsafe").trim_start();
    let rest = rest.strip_prefix("extern").map_or(rest, |r| r.trim_start().trim_start_matches('"'));
    rest.trim_start().strip_prefix("fn").is_some_and(|r| r.trim_start().starts_with('('))
}

/// Whether the `unsafe` of line `at` has its argument: on the line, in the comments and attributes right
/// above it, or in those above the statement it is part of.
fn is_argued(lines: &[Line], at: usize) -> bool {
    let argues =
        |line: &Line| ["SAFETY:", "# Safety"].iter().any(|mark| line.comment.contains(mark));
    // A function of a trait or of a module's own states its conditions where it is called; what
    // needs an argument are its blocks.
    if lines[at].code.trim_start().starts_with("unsafe fn ") {
        return true;
    }
    // One argument may serve all blocks of the function it stands in, if it says so.
    let own = lines[..at].iter().rev().take_while(|line| !line.code.contains("fn "));
    if own.into_iter().any(|line| line.comment.contains("SAFETY (all")) {
        return true;
    }
    let mut statement = 0;
    for (distance, line) in lines[..=at].iter().rev().enumerate() {
        let code = line.code.trim();
        if distance > 0 && !code.is_empty() && !code.starts_with("#[") {
            statement += 1;
            if statement > STATEMENT || code.ends_with([';', '{', '}']) {
                return false;
            }
        }
        if argues(line) {
            return true;
        }
        if code.is_empty() && line.comment.is_empty() {
            return false;
        }
    }
    false
}

/// Packages that some manifest takes from a registry and ARCHITECTURE.md does not name.
fn unexplained_dependencies(files: &[TextFile], architecture: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for file in files.iter().filter(|file| file.path.rsplit('/').next() == Some("Cargo.toml")) {
        for dependency in dependencies(&file.text) {
            let name = &dependency.name;
            let ours = dependency.is_path || name.starts_with("riesz");
            let message = format!("ARCHITECTURE.md does not say why {name} is a dependency");
            let known = findings.iter().any(|finding| finding.message == message);
            if !ours && !known && words(architecture, name).next().is_none() {
                findings.push(Finding::new(&file.path, dependency.line, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{TextFile, check_file, unexplained_dependencies};

    /// The lines at which a file breaks a rule.
    fn lines(path: &str, text: &str) -> Vec<usize> {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        check_file(&file).iter().map(|finding| finding.line).collect()
    }

    const CPU: &str = "crates/riesz-cpu/src/a.rs";

    #[test]
    fn a_clean_file_passes() {
        assert_eq!(lines("a.rs", "//! A.\nfn f() {}\n"), []);
        assert_eq!(lines("empty.txt", ""), []);
    }

    #[test]
    fn layout_of_every_file() {
        assert_eq!(lines("a.md", "a \nb\t\nc\r\nd"), [4, 1, 2, 3]);
        assert_eq!(lines("a.md", "a\n\n"), [2]);
        assert_eq!(lines("a.rz", &"x\n".repeat(601)), [601]);
        assert_eq!(lines("a.rz", &"x\n".repeat(600)), []);
        assert_eq!(lines("a.csv", &"1\n".repeat(601)), []);
        assert_eq!(lines(".ci/run", &"x\n".repeat(601)), [601]);
    }

    #[test]
    fn absolute_paths() {
        let place = concat!("/ho", "me/");
        assert_eq!(lines("a.md", &format!("x\nsee {place}x\n(`{place}y`)\n")), [2, 3]);
        assert_eq!(
            lines("a.md", &format!("see https://example.org{place}x, a{place}, ..{place}\n")),
            []
        );
    }

    #[test]
    fn rust_files_begin_with_their_documentation() {
        assert_eq!(lines("a.rs", "fn f() {}\n"), [1]);
        assert_eq!(lines("a.py", "x = 1\n"), []);
    }

    #[test]
    fn unfinished_code() {
        let text =
            "//! A.\nfn f() { todo!() }\n// todo!()\nfn g() { \"dbg!\" }\nfn h() { x_dbg!(1) }\n";
        assert_eq!(lines("a.rs", text), [2]);
        assert_eq!(lines("a.rs", "//! A.\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"), [3]);
    }

    #[test]
    fn unsafe_stays_at_home() {
        let argued = "//! A.\n// SAFETY: the pointer is valid.\nlet x = unsafe { *p };\n";
        assert_eq!(lines(CPU, argued), []);
        assert_eq!(lines("crates/riesz/src/a.rs", argued), [3]);
        assert_eq!(lines("a.rs", "//! A.\n#![forbid(unsafe_code)]\n// unsafe\n"), []);
    }

    #[test]
    fn unsafe_needs_an_argument() {
        assert_eq!(lines(CPU, "//! A.\nlet x = unsafe { *p };\n"), [2]);
        assert_eq!(lines(CPU, "//! A.\n// SAFETY: old.\nf();\nunsafe { g() };\n"), [4]);
        assert_eq!(lines(CPU, "//! A.\n// SAFETY: old.\n\nunsafe { g() };\n"), [4]);
        assert_eq!(lines(CPU, "//! A.\nunsafe { g() }; // SAFETY: g is fine.\n"), []);
        assert_eq!(
            lines(CPU, "//! A.\n// SAFETY: fine\n// as said.\nlet x =\n    unsafe { g() };\n"),
            []
        );
        let function =
            "//! A.\n/// Does.\n///\n/// # Safety\n/// Needs AVX.\n#[inline]\nunsafe fn f() {}\n";
        assert_eq!(lines(CPU, function), []);
        assert_eq!(lines(CPU, "//! A.\nunsafe impl Send for P {}\n"), [2]);
        assert_eq!(lines(CPU, "//! A.\ntype K = unsafe extern \"C\" fn(*const f64);\n"), []);
        assert_eq!(lines(CPU, "//! A.\nunsafe extern \"C\" fn f() {}\n"), [2]);
    }

    #[test]
    fn dependencies_are_explained() {
        let files = [TextFile {
            path: "Cargo.toml".to_owned(),
            text: "[workspace.dependencies]\ncsv = \"1\"\nnpyz = \"1\"\nriesz = { path = \"x\" }\n"
                .to_owned(),
        }];
        let missing = |text| {
            unexplained_dependencies(&files, text).iter().map(|f| f.line).collect::<Vec<_>>()
        };
        assert_eq!(missing("**npyz** and **csv**"), []);
        assert_eq!(missing("**npyz** and csv_core"), [2]);
    }
}
