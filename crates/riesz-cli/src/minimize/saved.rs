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
        // At once, so that a disk that is full is known before hours have passed.
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

/// A run from its file.
pub struct Saved {
    /// The file, as messages call it.
    name: String,
    object: Value,
}

impl Saved {
    /// Reads a run.
    ///
    /// # Errors
    /// When there is no such file, or it is no saved run.
    pub fn read(file: &Path) -> Result<Saved, Failure> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|e| Failure::input(format!("the saved run {name} cannot be read: {e}")))?;
        let object = serde_json::from_str(&text);
        let mut saved = Saved { name, object: Value::Null };
        saved.object = object.map_err(|e| saved.wrong(&e.to_string()))?;
        if saved.object["format"] != FORMAT {
            return Err(saved.wrong(&format!("it does not say \"format\": \"{FORMAT}\"")));
        }
        Ok(saved)
    }

    /// Where it stands.
    ///
    /// # Errors
    /// When it is a run of another problem, or damaged.
    pub fn of(&self, model: &Model) -> Result<Checkpoint, Failure> {
        let Saved { name, object } = self;
        if object["problem"] != problem(model) {
            let message =
                format!("{name} was saved for a problem with another objective or other data");
            return Err(Failure::input(message).help("leave out --resume to begin anew"));
        }
        let method = |key: &str| {
            let method = object[key].as_str().and_then(|name| name.parse::<Method>().ok());
            method.ok_or_else(|| self.wrong(&format!("\"{key}\" is no method")))
        };
        let mut rows = Rows::default();
        let all = object["rows"].as_object().ok_or_else(|| self.wrong("it has no rows"))?;
        for (key, row) in all {
            let numbers: Option<Vec<f64>> =
                row.as_array().and_then(|row| row.iter().map(json::read_number).collect());
            let wrong = || self.wrong(&format!("\"{key}\" is no row of numbers"));
            rows.0.push((key.clone(), numbers.ok_or_else(wrong)?));
        }
        let method_reason = object["method_reason"].as_str().unwrap_or_default().to_owned();
        Ok(Checkpoint { asked: method("asked")?, method: method("method")?, method_reason, rows })
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::input(format!("{} is no saved run: {what}", self.name))
            .help("--resume reads what --save has written")
    }
}
