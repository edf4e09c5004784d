//! The crates depend on each other only downwards: `core ← cpu ← riesz ← lang ← cli`.
//!
//! A crate may use any crate of a lower layer, also in its tests and build script, and nothing else of
//! ours. The derive macro stands at the bottom and uses none of them. A crate that is not in the table
//! is a finding: a new one has to take its place deliberately.

use std::path::Path;

use crate::Finding;
use crate::files::{TextFile, text_files};
use crate::manifest::{dependencies, package_name};

/// Our crates and their layers. `xtask` and `mutants` use none of the others; what only
/// measures stands on top.
const LAYERS: &[(&str, u32)] = &[
    ("xtask", 0),
    ("mutants", 0),
    ("riesz-core", 0),
    ("riesz-derive", 0),
    ("riesz-cpu", 1),
    ("riesz", 2),
    ("riesz-lang", 3),
    ("riesz-cli", 4),
    ("riesz-bench", 5),
    ("gradbench", 6),
];

/// Checks every manifest of the repository.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let files = text_files(root)?;
    let manifests: Vec<&TextFile> = files
        .iter()
        .filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
        .collect();
    if manifests.len() < 2 {
        return Err("found no crates".to_owned());
    }
    Ok(manifests.iter().flat_map(|file| check_manifest(&file.path, &file.text)).collect())
}

fn layer(name: &str) -> Option<u32> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let Some(package) = package_name(text) else { return Vec::new() };
    let Some(own) = layer(&package) else {
        let message = format!("the crate {package} has no layer: add it to LAYERS in {}", file!());
        return vec![Finding::new(path, 1, message)];
    };
    let mut findings = Vec::new();
    for dependency in dependencies(text).iter().filter(|d| !d.is_workspace) {
        let name = &dependency.name;
        let message = match layer(name) {
            Some(other) if other < own => continue,
            Some(_) => format!(
                "{package} must not depend on {name}: \
                 the only arrows are core <- cpu <- riesz <- lang <- cli"
            ),
            None if dependency.is_path || name.starts_with("riesz") => format!(
                "{package} depends on {name}, which has no layer: add it to LAYERS in {}",
                file!()
            ),
            None => continue,
        };
        findings.push(Finding::new(path, dependency.line, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check_manifest;

    fn findings(package: &str, dependencies: &str) -> Vec<usize> {
        let text = format!("[package]\nname = \"{package}\"\n{dependencies}");
        check_manifest("Cargo.toml", &text).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn downwards_is_allowed() {
        let down = "[dependencies]\nriesz-core.workspace = true\nriesz-cpu.workspace = true\ncsv = \"1\"\n";
        assert_eq!(findings("riesz-cli", down), []);
        assert_eq!(findings("riesz", down), []);
    }

    #[test]
    fn upwards_sideways_and_unknown_are_not() {
        let tests = "[dev-dependencies]\nriesz-cpu.workspace = true\n";
        assert_eq!(findings("riesz-core", tests), [4]);
        assert_eq!(findings("riesz-cpu", tests), [4]);
        assert_eq!(findings("riesz-new", ""), [1]);
        let alias =
            "[dependencies]\ncore = { package = \"riesz-lang\", path = \"../riesz-lang\" }\n";
        assert_eq!(findings("riesz", alias), [4]);
        assert_eq!(findings("riesz", "[dependencies]\nother = { path = \"../other\" }\n"), [4]);
    }
}
