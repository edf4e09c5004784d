//! Where a run stands, so that it can go on as if it had never stopped.
//!
//! A method changes its iterate, and what it remembers of earlier ones, only from step to step. What
//! a [`Checkpoint`] keeps is all of that after a whole number of steps; a run that is [`resume`]d
//! therefore takes the very steps it would have taken, bit for bit. The same slices of one run, with
//! the checkpoint written to a file between them, lose nothing when a machine stops.
//!
//! Everything is a row of numbers with a name, so that a checkpoint can be written to any format that
//! has those; nothing here opens a file.
//!
//! [`resume`]: super::resume

use std::fmt;

use super::options::Method;
use super::run::{Run, State};
use super::solution::{MinimizeError, Progress};

/// Where a run stands: the result of one slice of it, and the start of the next.
///
/// ```
/// use riesz::minimize::{Control, FnObjective, Options, Status, resume, solve};
/// let mut valley = FnObjective::new(2, |x, grad| {
///     let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///     grad[0] = -2.0 * a - 400.0 * x[0] * b;
///     grad[1] = 200.0 * b;
///     Ok(a * a + 100.0 * b * b)
/// });
/// let options = Options::default();
/// let whole = solve(&mut valley, &[-1.2, 1.0], &options, &mut |_| Control::Continue)?;
/// let part = solve(&mut valley, &[-1.2, 1.0], &options, &mut |p| match p.iteration {
///     10 => Control::Stop,
///     _ => Control::Continue,
/// })?;
/// assert_eq!(part.status, Status::Interrupted);
/// let rest = resume(&mut valley, &part.checkpoint, &options, &mut |_| Control::Continue)?;
/// assert_eq!((rest.x, rest.evaluations), (whole.x, whole.evaluations));
/// # Ok::<(), riesz::minimize::MinimizeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The method that was asked for.
    pub asked: Method,
    /// The method that was running.
    pub method: Method,
    /// Why that one.
    pub method_reason: String,
    /// Everything else, by name.
    pub rows: Rows,
}

/// Rows of numbers by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows(pub Vec<(String, Vec<f64>)>);

/// A row that is missing or has a wrong length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damaged(pub String);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its row `{}` is missing or has a wrong length", self.0)
    }
}

impl From<Damaged> for MinimizeError {
    fn from(damaged: Damaged) -> MinimizeError {
        MinimizeError::Checkpoint { what: damaged.to_string() }
    }
}

impl Rows {
    /// Adds a row.
    pub(super) fn put(&mut self, name: &str, row: impl Into<Vec<f64>>) {
        self.0.push((name.to_owned(), row.into()));
    }

    /// The row with this name.
    pub(super) fn find(&self, name: &str) -> Option<&[f64]> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, row)| row.as_slice())
    }

    /// The row with this name and length.
    pub(super) fn get(&self, name: &str, length: usize) -> Result<&[f64], Damaged> {
        self.find(name).filter(|r| r.len() == length).ok_or_else(|| Damaged(name.to_owned()))
    }

    /// The number with this name.
    pub(super) fn number(&self, name: &str) -> Result<f64, Damaged> {
        self.get(name, 1).map(|row| row[0])
    }

    /// A count with this name.
    fn count(&self, name: &str) -> Result<usize, Damaged> {
        let x = self.number(name)?;
        // Up to 2^53 every whole number is one.
        let whole = x.fract() == 0.0 && (0.0..=9e15).contains(&x);
        if whole { Ok(x as usize) } else { Err(Damaged(name.to_owned())) }
    }

    /// The rows `name.0`, `name.1`, … of this length, as many as there are.
    pub(super) fn list(&self, name: &str, length: usize) -> Result<Vec<Vec<f64>>, Damaged> {
        let mut all = Vec::new();
        while self.find(&format!("{name}.{}", all.len())).is_some() {
            all.push(self.get(&format!("{name}.{}", all.len()), length)?.to_vec());
        }
        Ok(all)
    }

    /// Adds an iterate.
    pub(super) fn put_state(&mut self, name: &str, at: &State) {
        self.put(&format!("{name}.x"), at.x.as_slice());
        self.put(&format!("{name}.gradient"), at.gradient.as_slice());
        self.put(&format!("{name}.values"), [at.value, at.gradient_norm]);
    }

    /// The iterate with this name.
    pub(super) fn state(&self, name: &str, n: usize) -> Result<State, Damaged> {
        let x = self.get(&format!("{name}.x"), n)?.to_vec();
        let gradient = self.get(&format!("{name}.gradient"), n)?.to_vec();
        let values = self.get(&format!("{name}.values"), 2)?;
        Ok(State { x, gradient, value: values[0], gradient_norm: values[1] })
    }
}

/// The numbers of one iterate of the history.
const PROGRESS: usize = 7;

impl Run<'_> {
    /// Adds what the run has counted and what the method wants to remember.
    pub fn save(&mut self, rows: &mut Rows) {
        rows.put("iterations", [self.iterations as f64]);
        rows.put("evaluations", [self.evaluations as f64]);
        rows.put("hessian_products", [self.hessian_products as f64]);
        rows.put("seconds", [self.seconds()]);
        rows.put("steepest", [self.steepest]);
        rows.put("unbounded_below", [self.unbounded_below]);
        rows.put("stall", self.stall());
        let numbers = |p: &Progress| -> [f64; PROGRESS] {
            [
                p.iteration as f64,
                p.value,
                p.gradient_norm,
                p.constraint_violation,
                p.step,
                p.evaluations as f64,
                p.seconds,
            ]
        };
        rows.put("history", self.history.iter().flat_map(numbers).collect::<Vec<f64>>());
        rows.0.append(&mut self.remembered.0);
    }

    /// Takes up the counts of a saved run.
    pub fn restore(&mut self, rows: &Rows) -> Result<(), Damaged> {
        self.iterations = rows.count("iterations")?;
        self.evaluations = rows.count("evaluations")?;
        self.hessian_products = rows.count("hessian_products")?;
        self.steepest = rows.number("steepest")?;
        self.unbounded_below = rows.number("unbounded_below")?;
        self.began_after(rows.number("seconds")?);
        let history = rows.find("history").filter(|h| h.len() % PROGRESS == 0);
        let history = history.ok_or_else(|| Damaged("history".to_owned()))?;
        let progress = |p: &[f64]| Progress {
            iteration: p[0] as usize,
            value: p[1],
            gradient_norm: p[2],
            constraint_violation: p[3],
            step: p[4],
            evaluations: p[5] as usize,
            seconds: p[6],
        };
        self.history = history.chunks_exact(PROGRESS).map(progress).collect();
        self.earlier = Some(rows.clone());
        Ok(())
    }
}
