//! Which rows and columns of a file are wanted.

use super::files::wrong;
use riesz_core::{Element, Result, Tensor, with_elements};
use std::path::Path;

/// Rows or columns.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Choice {
    /// All.
    #[default]
    All,
    /// From the first number (or the beginning) to the second (or the end), which is excluded.
    /// Negative numbers count from the end; numbers beyond the ends are an error.
    Range(Option<i64>, Option<i64>),
    /// One, which drops the axis; negative from the end.
    Index(i64),
    /// The column of a CSV file with this heading, which drops the axis.
    Name(String),
    /// These, in this order.
    List(Vec<Pick>),
}

/// One of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Its number; negative from the end.
    Index(i64),
    /// The column of a CSV file with this heading.
    Name(String),
}

/// What to read of a file, and how strictly.
///
/// ```
/// use riesz::io::{Choice, Selection};
/// // All rows, all columns but the first.
/// let features = Selection { columns: Choice::Range(Some(1), None), ..Selection::default() };
/// assert_eq!(features.rows, Choice::All);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Selection {
    /// Rows; a heading is not counted.
    pub rows: Choice,
    /// Columns.
    pub columns: Choice,
    /// Which array of a file that holds several; of one that holds one it need not be said.
    pub array: Option<String>,
    /// Lets NaN and infinite numbers pass.
    pub allow_non_finite: bool,
}

impl Choice {
    /// Whether it drops its axis.
    pub(super) fn single(&self) -> bool {
        matches!(self, Choice::Index(_) | Choice::Name(_))
    }

    /// The positions among `count`; `what` is "row" or "column", `named` finds a heading.
    pub(super) fn positions(
        &self,
        count: usize,
        what: &str,
        file: &str,
        named: &dyn Fn(&str) -> Result<usize>,
    ) -> Result<Vec<usize>> {
        let has = || format!("the file has {count} {what}{}", if count == 1 { "" } else { "s" });
        // From the front, if it is one of the places 0 ..= count.
        let front = |i: i64| {
            let at = if i < 0 { i.checked_add_unsigned(count as u64) } else { Some(i) };
            at.and_then(|i| usize::try_from(i).ok()).filter(|&i| i <= count)
        };
        let one = |i: i64| match front(i).filter(|&at| at < count) {
            Some(at) => Ok(at),
            None => Err(wrong(file, format!("there is no {what} {i}: {}", has()))
                .help(format!("{what}s are counted from 0, negative ones from the end"))),
        };
        match self {
            Choice::All => Ok((0..count).collect()),
            Choice::Index(i) => Ok(vec![one(*i)?]),
            Choice::Name(name) => Ok(vec![named(name)?]),
            Choice::List(picks) if picks.is_empty() => {
                Err(wrong(file, format!("the list of {what}s is empty")))
            }
            Choice::List(picks) => {
                let pick = |pick: &Pick| match pick {
                    Pick::Index(i) => one(*i),
                    Pick::Name(name) => named(name),
                };
                picks.iter().map(pick).collect()
            }
            Choice::Range(from, to) => {
                let show = |i: &Option<i64>| i.map_or(String::new(), |i| i.to_string());
                let (a, b) = (from.map_or(Some(0), front), to.map_or(Some(count), front));
                match (a, b) {
                    (Some(a), Some(b)) if a < b => Ok((a..b).collect()),
                    (Some(_), Some(_)) => Err(wrong(
                        file,
                        format!("the {what}s {}:{} are none: {}", show(from), show(to), has()),
                    )
                    .help("a range `a:b` goes from a to b - 1, counted from 0")),
                    _ => Err(wrong(
                        file,
                        format!("the {what}s {}:{} are not there: {}", show(from), show(to), has()),
                    )
                    .help(format!("{what}s are counted from 0, negative ones from the end"))),
                }
            }
        }
    }
}

/// The error of a heading where there can be none.
pub(super) fn no_heading(name: &str, file: &str) -> Result<usize> {
    Err(wrong(file, format!("`{name}` is a heading, and this file has none")))
}

/// The selected part of an array with one or two axes; an array of another rank only whole.
pub(super) fn select(tensor: Tensor, path: &Path, selection: &Selection) -> Result<Tensor> {
    let file = path.display().to_string();
    if selection.rows == Choice::All && selection.columns == Choice::All {
        return Ok(tensor);
    }
    let axes = tensor.shape().to_vec();
    let (m, n) = match axes.as_slice() {
        [m] => (*m, 1),
        [m, n] => (*m, *n),
        _ => {
            let message = format!("rows and columns of an array of shape {}", tensor.shape());
            return Err(wrong(&file, message).help("select from arrays with one or two axes"));
        }
    };
    let named = |name: &str| no_heading(name, &file);
    let rows = selection.rows.positions(m, "row", &file, &named)?;
    let columns = selection.columns.positions(n, "column", &file, &named)?;
    fn pick<T: Element>(from: &[T], width: usize, rows: &[usize], columns: &[usize]) -> Vec<T> {
        rows.iter().flat_map(|i| columns.iter().map(move |j| from[i * width + j])).collect()
    }
    let mut shape = Vec::new();
    if !selection.rows.single() {
        shape.push(rows.len());
    }
    if axes.len() == 2 && !selection.columns.single() {
        shape.push(columns.len());
    }
    with_elements!(tensor.data(), v => Tensor::new(pick(v, n, &rows, &columns), shape))
}
