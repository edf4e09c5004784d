//! Writes `docs/primitives.md` from what the primitives say about themselves.
//!
//! The text comes from `riesz primitives --markdown`, so that this crate need not build the others; a
//! test of `riesz-cli` fails while the page is out of date.

use std::path::Path;
use std::process::Command;

const PAGE: &str = "docs/primitives.md";

/// Writes the page.
pub fn write(root: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "riesz-cli", "--", "primitives", "--markdown"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let page = root.join(PAGE);
    let folder = page.parent().unwrap_or(root);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&page, output.stdout))
        .map_err(|error| format!("{PAGE} cannot be written: {error}"))?;
    println!("wrote {PAGE}");
    Ok(())
}
