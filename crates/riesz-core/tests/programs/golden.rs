//! Files with the text that is expected, rewritten when the variable `UPDATE` is set.

use std::path::Path;

/// Compares with the file below `tests/`, block by block, or rewrites it.
#[track_caller]
pub fn check(file: &str, ours: &str) -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    let ours = format!("{}\n", ours.trim_end());
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(&path, &ours);
    }
    let golden = std::fs::read_to_string(&path)?.replace("\r\n", "\n");
    for (ours, golden) in ours.split("\n\n").zip(golden.split("\n\n")) {
        assert_eq!(ours, golden, "in {file}; set UPDATE=1 to accept what is new");
    }
    assert_eq!(ours, golden, "in {file}");
    Ok(())
}

/// A message with the places in `file` replaced by the lines they name, so that they are checked
/// and do not move.
pub fn with_lines(text: &str, source: &str, file: &str) -> String {
    let source: Vec<&str> = source.lines().collect();
    let mut out = String::new();
    for line in text.lines() {
        let place = line.split_once(file).and_then(|(before, place)| {
            let number: usize = place.strip_prefix(':')?.split_once(':')?.0.parse().ok()?;
            Some((before, source.get(number - 1)?.trim()))
        });
        match place {
            Some((before, code)) => out.push_str(&format!("{before}`{code}`\n")),
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out.trim_end().to_string()
}
