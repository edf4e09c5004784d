//! The little of TOML that Cargo.toml files of this repository use for dependencies.
//!
//! Understood: `[dependencies]`, `[dev-dependencies]`, `[build-dependencies]`, their forms under
//! `[workspace.…]` and `[target.….…]`, and tables of one dependency, `[dependencies.name]`. A dependency is
//! a key, optionally renamed with `package = "…"`. Values that go over several lines are skipped to their
//! closing bracket. Not understood, and not used here: multi-line strings, and inline tables for a
//! whole section.

/// One dependency as a manifest states it.
#[derive(Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name (after `package = "…"`, if it is renamed).
    pub name: String,
    /// Line of the manifest, counted from 1.
    pub line: usize,
    /// Whether it is a `path` dependency, that is one of our own crates.
    pub is_path: bool,
    /// Whether it stands in `[workspace.dependencies]`, which makes it available but uses it nowhere.
    pub is_workspace: bool,
}

/// The package's own name, `name = "…"` in `[package]`.
pub fn package_name(text: &str) -> Option<String> {
    let mut section = "";
    for line in text.lines() {
        let line = without_comment(line);
        if line.starts_with('[') {
            section = line;
        } else if section == "[package]"
            && let Some(("name", value)) = key_value(line)
        {
            return Some(unquoted(value).to_owned());
        }
    }
    None
}

/// Every dependency of a manifest, in order.
pub fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut section = Section::Other;
    let mut depth = 0;
    for (number, line) in text.lines().enumerate() {
        let line = without_comment(line);
        let inside_value = depth > 0;
        if !inside_value && line.starts_with('[') {
            section = Section::read(line);
            if let Section::One { name, is_workspace } = &section {
                let (name, is_workspace) = (name.clone(), *is_workspace);
                found.push(Dependency { name, line: number + 1, is_path: false, is_workspace });
            }
            continue;
        }
        depth += balance(line);
        let Some((key, value)) = key_value(line).filter(|_| !inside_value) else { continue };
        match (&section, found.last_mut()) {
            (Section::Many { is_workspace }, _) => {
                let name = unquoted(key.split('.').next().unwrap_or(key));
                let renamed = field(value, "package").map(unquoted);
                found.push(Dependency {
                    name: renamed.unwrap_or(name).to_owned(),
                    line: number + 1,
                    is_path: field(value, "path").is_some(),
                    is_workspace: *is_workspace,
                });
            }
            (Section::One { .. }, Some(last)) => match key {
                "package" => last.name = unquoted(value).to_owned(),
                "path" => last.is_path = true,
                _ => {}
            },
            _ => {}
        }
    }
    found
}

/// What a section's header says about the keys below it.
enum Section {
    /// Each key is a dependency.
    Many { is_workspace: bool },
    /// The keys describe one dependency.
    One { name: String, is_workspace: bool },
    /// Nothing to do with dependencies.
    Other,
}

impl Section {
    fn read(header: &str) -> Section {
        let header = header.trim_matches(['[', ']']).trim();
        let is_workspace = header.starts_with("workspace.");
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if header == kind || header.ends_with(&format!(".{kind}")) {
                return Section::Many { is_workspace };
            }
            let start = format!("{kind}.");
            let inside = format!(".{kind}.");
            let name = header.strip_prefix(&start).or(header.split_once(&inside).map(|(_, n)| n));
            if let Some(name) = name {
                return Section::One { name: unquoted(name).to_owned(), is_workspace };
            }
        }
        Section::Other
    }
}

/// The line up to a `#` that is not inside a string, trimmed.
fn without_comment(line: &str) -> &str {
    let mut in_string = false;
    for (i, c) in line.char_indices() {
        match c {
            '"' => in_string = !in_string,
            '#' if !in_string => return line[..i].trim(),
            _ => {}
        }
    }
    line.trim()
}

fn key_value(line: &str) -> Option<(&str, &str)> {
    line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Brackets and braces opened less those closed, outside strings.
fn balance(line: &str) -> i32 {
    let mut in_string = false;
    line.chars()
        .map(|c| {
            in_string ^= c == '"';
            match c {
                '[' | '{' if !in_string => 1,
                ']' | '}' if !in_string => -1,
                _ => 0,
            }
        })
        .sum()
}

/// The string value of `key` in an inline table `{ key = "value", … }`.
fn field<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    let inner = table.strip_prefix('{')?.trim_end_matches('}');
    inner.split(',').filter_map(key_value).find(|(k, _)| *k == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::{dependencies, package_name};

    const MANIFEST: &str = r#"
[package]
name = "riesz-example" # a comment
[dependencies]
riesz-core.workspace = true
math = { package = "libm", version = "0.2" }
ours = { path = "../ours" }
long = { version = "1", features = [
    "a",
    "b = c",
] }
[dependencies.faer]
version = "0.24"
default-features = false
[target.'cfg(unix)'.dev-dependencies]
rayon = "1"
[features]
fast = []
[build-dependencies."cc"]
package = "gcc"
"#;

    #[test]
    fn every_form_of_a_dependency_is_found() {
        let found = dependencies(MANIFEST);
        let names: Vec<_> = found.iter().map(|d| (d.name.as_str(), d.line, d.is_path)).collect();
        assert_eq!(
            names,
            [
                ("riesz-core", 5, false),
                ("libm", 6, false),
                ("ours", 7, true),
                ("long", 8, false),
                ("faer", 12, false),
                ("rayon", 16, false),
                ("gcc", 19, false),
            ]
        );
        assert!(found.iter().all(|d| !d.is_workspace));
        assert_eq!(package_name(MANIFEST).as_deref(), Some("riesz-example"));
    }

    #[test]
    fn a_workspace_offers_dependencies() {
        let text = "[workspace.dependencies]\ncsv = \"1\"\nriesz = { path = \"crates/riesz\" }\n";
        let found = dependencies(text);
        assert!(found.iter().all(|d| d.is_workspace));
        assert_eq!(found.iter().map(|d| d.is_path).collect::<Vec<_>>(), [false, true]);
        assert_eq!(package_name(text), None);
    }
}
