//! Survivors that change nothing that can be observed, and why: `explained.txt`.
//!
//! A line is `file | function | original -> change | reason`, a `#` begins a comment. The place is the
//! function and not the line, so that an explanation does not move; it holds for every mutation of its
//! function that reads the same. A `*` for original and change holds for every mutation of the function.

use crate::rewrite::Mutant;

/// The explanations.
pub struct Explained(Vec<Entry>);

struct Entry {
    file: String,
    function: String,
    mutation: String,
    reason: String,
    line: String,
}

impl Entry {
    fn fits(&self, m: &Mutant) -> bool {
        let mutation = format!("{} -> {}", m.original, m.change);
        self.file == m.file
            && self.function == m.function
            && (self.mutation == "*" || self.mutation == mutation)
    }
}

impl Explained {
    /// Reads the file beside this crate.
    ///
    /// # Errors
    /// When it cannot be read, or a line has another form.
    pub fn read() -> Result<Explained, String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/explained.txt");
        let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
        let lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
        let entry = |line: &str| {
            let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
            let [file, function, mutation, reason] = fields[..] else {
                return Err(format!("{path}: not `file | function | mutation | reason`: {line}"));
            };
            Ok(Entry {
                file: file.to_string(),
                function: function.to_string(),
                mutation: mutation.to_string(),
                reason: reason.to_string(),
                line: line.to_string(),
            })
        };
        lines.map(entry).collect::<Result<_, _>>().map(Explained)
    }

    /// Why a survivor is none to worry about.
    pub fn reason(&self, m: &Mutant) -> Option<&str> {
        self.0.iter().find(|e| e.fits(m)).map(|e| e.reason.as_str())
    }

    /// The explanations that are of a mutation that was tried, but of no survivor.
    pub fn unused(&self, survivors: &[&Mutant], tried: &[&Mutant]) -> Vec<&str> {
        let among = |e: &Entry, list: &[&Mutant]| list.iter().any(|m| e.fits(m));
        let unused = |e: &&Entry| among(e, tried) && !among(e, survivors);
        self.0.iter().filter(unused).map(|e| e.line.as_str()).collect()
    }

    /// The explanations that fit none of these, which are all there are.
    pub fn of_nothing(&self, all: &[Mutant]) -> Vec<&str> {
        let fits_none = |e: &&Entry| !all.iter().any(|m| e.fits(m));
        self.0.iter().filter(fits_none).map(|e| e.line.as_str()).collect()
    }
}
