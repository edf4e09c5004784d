//! A run in a file: where it stands, so that it can go on after the process has ended.
//!
//! The file is JSON: {"format", "problem", "asked", "method", "method_reason", "rows"}. The problem is
//! the fingerprint of objective, constraints and data, the rows are those of a [`Checkpoint`]. It is
//! replaced at once, so that a process that dies while writing leaves the one before.

use crate::{Failure, json};
use riesz::minimize::{Checkpoint, Method, Rows};
use riesz_lang::model::Model;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the file calls itself.
const FORMAT: &str = "riesz run 1";
/// The least time between two saves.
const PACE: Duration = Duration::from_secs(10);
/// At most one part in so many of the time goes into saving.
const SHARE: u32 = 50;

/// Writes a run to its file, now and then.
pub struct Saver {
    file: PathBuf,
    problem: String,
    due: Instant,
}

impl Saver {
    /// For a run of this model.
    pub fn new(file: &Path, model: &Model) -> Saver {
        let (file, problem) = (file.to_owned(), problem(model));
        // At once, so that a file that cannot be written is known before hours have passed.
        Saver { file, problem, due: Instant::now() }
    }

    /// When the run is to be saved next.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Saves the run.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        let began = Instant::now();
        let row = |(name, row): &(String, Vec<f64>)| {
            (name.clone(), row.iter().map(|x| json::number(*x)).collect::<Value>())
        };
        let rows: Map<String, Value> = checkpoint.rows.0.iter().map(row).collect();
        let object = json!({
            "format": FORMAT,
            "problem": self.problem,
            "asked": checkpoint.asked.to_string(),
            "method": checkpoint.method.to_string(),
            "method_reason": checkpoint.method_reason,
            "rows": rows,
        });
        riesz::io::replace(&self.file, |beside| std::fs::write(beside, format!("{object}\n")))
            .map_err(|e| Failure::unwritten_file(&self.file, &e))?;
        self.due = Instant::now() + PACE.max(began.elapsed() * SHARE);
        Ok(())
    }
}

fn problem(model: &Model) -> String {
    format!("{:016x}", model.fingerprint())
}

/// Reads a run of this model.
///
/// # Errors
/// When there is no such file, it is no saved run, or one of another problem.
pub fn read(file: &Path, model: &Model) -> Result<Checkpoint, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::input(format!("the saved run {name} cannot be read: {e}")))?;
    let wrong = |what: &str| {
        Failure::input(format!("{name} is no saved run: {what}"))
            .help("--resume reads what --save has written")
    };
    let object: Value = serde_json::from_str(&text).map_err(|e| wrong(&e.to_string()))?;
    if object["format"] != FORMAT {
        return Err(wrong(&format!("it does not say \"format\": \"{FORMAT}\"")));
    }
    if object["problem"] != problem(model) {
        let message =
            format!("{name} was saved for a problem with another objective or other data");
        return Err(Failure::input(message).help("leave out --resume to begin anew"));
    }
    let method = |key: &str| {
        let method = object[key].as_str().and_then(|name| name.parse::<Method>().ok());
        method.ok_or_else(|| wrong(&format!("\"{key}\" is no method")))
    };
    let mut rows = Rows::default();
    for (key, row) in object["rows"].as_object().ok_or_else(|| wrong("it has no rows"))? {
        let numbers: Option<Vec<f64>> =
            row.as_array().and_then(|row| row.iter().map(json::read_number).collect());
        let numbers = numbers.ok_or_else(|| wrong(&format!("\"{key}\" is no row of numbers")))?;
        rows.0.push((key.clone(), numbers));
    }
    let method_reason = object["method_reason"].as_str().unwrap_or_default().to_owned();
    Ok(Checkpoint { asked: method("asked")?, method: method("method")?, method_reason, rows })
}
