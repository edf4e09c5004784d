//! Tables as text: comma-separated values.
//!
//! The separator is the one of `,` `;` and tab that is most frequent in the first line; where no line
//! has `,` or `;`, tabs do not look like separators and the first two lines have equally many words, it
//! is any space, as `numpy.savetxt` writes. Tabs do where every line has equally many, or there is an
//! empty cell beside one. The first line is taken as headings when none of its cells is a number, and
//! so is the last of the lines `# …` above the table that fits it; the others are remarks. Cells may be
//! quoted and have space around them; empty lines are skipped. Numbers have a decimal point, whatever
//! the separator.

use super::Selection;
use super::files::{bytes, is_format, wrong};
use super::select::no_heading;
use ::csv::{ByteRecord, ReaderBuilder, Trim};
use riesz_core::{Error, Result, Tensor, suggestion};
use std::borrow::Cow;
use std::path::Path;

/// Reads the selected part of a CSV file as `f64`, of shape `[rows, columns]` without the axes that
/// a single index drops.
///
/// # Errors
/// A file that is missing, empty or ragged; a selected cell that is not a finite number (see
/// [`Selection::allow_non_finite`]); a selection that does not fit, such as an unknown heading. The
/// message names the file, and the line, the column and the cell where there is one.
///
/// ```
/// use riesz::io::{Choice, Selection, read_csv};
/// use riesz::prelude::*;
/// let path = std::env::temp_dir().join("riesz-doc-read.csv");
/// std::fs::write(&path, "age,height\n30,1.8\n40,1.7\n").unwrap();
/// assert_eq!(read_csv(&path, &Selection::default())?, Tensor::from([[30.0, 1.8], [40.0, 1.7]]));
/// let age = Selection { columns: Choice::Name("age".into()), ..Selection::default() };
/// assert_eq!(read_csv(&path, &age)?, Tensor::from([30.0, 40.0]));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Error>(())
/// ```
pub fn read_csv(path: &Path, selection: &Selection) -> Result<Tensor> {
    let content = bytes(path)?;
    let file = path.display().to_string();
    is_format(&content, "a table of text", &file)?;
    let (remarks, text) = without_remarks(&content);
    let text = if is_spaced(text) { Cow::Owned(with_commas(text)) } else { Cow::Borrowed(text) };
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(&text))
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(&*text);
    let mut records = reader.byte_records().map(|r| r.map_err(|e| wrong(&file, e)));
    let Some(first) = records.next().transpose()? else {
        return Err(wrong(&file, "the file is empty").help("a table has a line for each row"));
    };
    let width = first.len();
    let is_heading = first.iter().all(|cell| number(cell).is_none());
    let headings = if is_heading { Some(first.clone()) } else { heading_in(remarks, width) };
    let lines_above = remarks.iter().filter(|b| **b == b'\n').count();
    let table = Table { file: &file, text: &text, lines_above, headings };
    let columns = selection.columns.positions(width, "column", &file, &|name| table.named(name))?;
    let mut lines = if is_heading { vec![] } else { vec![first] };
    for record in records {
        let record = record?;
        if record.len() != width {
            let cells = if record.len() == 1 { "cell" } else { "cells" };
            let message = format!("{} {cells} where the first line has {width}", record.len());
            return Err(wrong(&table.line(&record), message)
                .help("every line needs the same number of cells; quote cells that hold commas"));
        }
        lines.push(record);
    }
    if lines.is_empty() {
        return Err(wrong(&file, "there is a heading but no line of numbers")
            .help("if the first line is a row, it needs at least one number"));
    }
    let no_name = |name: &str| no_heading(name, &file);
    let rows = selection.rows.positions(lines.len(), "row", &file, &no_name)?;
    let mut data = Vec::with_capacity(rows.len() * columns.len());
    for &row in &rows {
        for &column in &columns {
            data.push(table.value(&lines[row], column, selection)?);
        }
    }
    let mut shape = Vec::new();
    if !selection.rows.single() {
        shape.push(rows.len());
    }
    if !selection.columns.single() {
        shape.push(columns.len());
    }
    Tensor::new(data, shape)
}

/// The file being read, for messages.
struct Table<'a> {
    file: &'a str,
    text: &'a [u8],
    /// How many lines the file has before the text.
    lines_above: usize,
    headings: Option<ByteRecord>,
}

impl Table<'_> {
    /// The column with a heading.
    fn named(&self, name: &str) -> Result<usize> {
        let Some(headings) = &self.headings else {
            return Err(wrong(
                self.file,
                format!("there is no heading `{name}`: the first line has numbers"),
            )
            .help("choose the column by its number, counted from 0"));
        };
        let names: Vec<_> = headings.iter().map(String::from_utf8_lossy).collect();
        let found: Vec<usize> = (0..names.len()).filter(|&i| names[i] == name).collect();
        match found.as_slice() {
            [at] => Ok(*at),
            [] => {
                let error = wrong(self.file, format!("there is no column `{name}`"));
                Err(match suggestion(name, names.iter().map(|n| n.as_ref())) {
                    Some(near) => error.help(format!("is it `{near}`?")),
                    None => error.help(format!("the headings are {}", listed(&names))),
                })
            }
            _ => Err(wrong(self.file, format!("{} columns are called `{name}`", found.len()))
                .help("choose the column by its number, counted from 0")),
        }
    }

    fn value(&self, record: &ByteRecord, column: usize, how: &Selection) -> Result<f64> {
        let cell = record.get(column).unwrap_or_default();
        let place = || {
            let heading = self.headings.as_ref().and_then(|h| h.get(column));
            let named = heading.filter(|h| !h.is_empty());
            let named = named.map(|h| format!(" (`{}`)", shortened(h))).unwrap_or_default();
            format!("{}, column {}{named}", self.line(record), column + 1)
        };
        match number(cell) {
            Some(x) if x.is_finite() || how.allow_non_finite => Ok(x),
            Some(_) => Err(not_finite(&place(), &shortened(cell))),
            None if cell.is_empty() => Err(wrong(&place(), "the cell is empty")
                .help("fill it in, or leave out the line or the column")),
            None => Err(wrong(&place(), format!("`{}` is not a number", shortened(cell)))
                .help("write numbers with a decimal point, or leave out the line or the column")),
        }
    }

    /// `X.csv, line 3`, with the line counted in the text itself: quoted cells may hold newlines,
    /// and empty lines are skipped.
    fn line(&self, record: &ByteRecord) -> String {
        let start = record.position().map_or(0, |p| p.byte() as usize).min(self.text.len());
        let blank = self.text[start..].iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let before = self.text[..start + blank].iter().filter(|b| **b == b'\n').count();
        format!("{}, line {}", self.file, self.lines_above + before + 1)
    }
}

/// The error for a number that is NaN or infinite.
pub(super) fn not_finite(place: &str, cell: &str) -> Error {
    wrong(place, format!("the number is {cell}, but data must be finite"))
        .help("replace it, or leave out the row or the column")
}

fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// The cell as text, cut where it gets long.
fn shortened(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

fn listed(names: &[Cow<str>]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|n| shortened(n.as_bytes())).collect();
    let rest = if names.len() > 12 { ", …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// The separator that is most frequent in the first line.
fn separator(text: &[u8]) -> u8 {
    let line = text.split(|b| *b == b'\n').find(|l| !l.is_empty()).unwrap_or_default();
    let count = |c: u8| line.iter().filter(|b| **b == c).count();
    let (semicolons, tabs) = (count(b';'), count(b'\t'));
    match count(b',') {
        n if n >= semicolons && n >= tabs => b',',
        _ if semicolons >= tabs => b';',
        _ => b'\t',
    }
}

/// Whether cells stand apart by any space: no line has another separator or quotes, and the first two have
/// equally many words, more than one.
fn is_spaced(text: &[u8]) -> bool {
    let lines = || text.split(|b| *b == b'\n').filter(|line| words(line).next().is_some());
    let mut counts = lines().map(|line| words(line).count());
    let (Some(first), second) = (counts.next(), counts.next()) else { return false };
    first > 1
        && second.is_none_or(|second| second == first)
        && !text.iter().any(|b| b",;\"".contains(b))
        && !are_tabs_separators(lines)
}

/// Whether tabs alone separate cells: every line has equally many, or there is an empty cell beside one.
fn are_tabs_separators<'a, L: Iterator<Item = &'a [u8]>>(lines: impl Fn() -> L) -> bool {
    let tabs = |line: &[u8]| line.iter().filter(|b| **b == b'\t').count();
    let first = lines().next().map_or(0, tabs);
    let has_empty_cell = |line: &[u8]| {
        tabs(line) > 0 && line.split(|b| *b == b'\t').any(|c| c.trim_ascii().is_empty())
    };
    first > 0 && lines().all(|line| tabs(line) == first) || lines().any(has_empty_cell)
}

/// The lines at the top that begin with `#` and a blank, with empty ones between, and the text below them.
fn without_remarks(content: &[u8]) -> (&[u8], &[u8]) {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let (mut end, mut at) = (0, 0);
    for line in content.split_inclusive(|b| *b == b'\n') {
        at += line.len();
        match line.trim_ascii() {
            [b'#'] | [b'#', b' ', ..] => end = at,
            [] => {}
            _ => break,
        }
    }
    content.split_at(end)
}

/// The headings in the last remark, if it has as many as the table has columns, with or without its `#`.
fn heading_in(remarks: &[u8], width: usize) -> Option<ByteRecord> {
    let line = remarks.trim_ascii().rsplit(|b| *b == b'\n').next()?;
    let separator = separator(line);
    let cells = |line: &[u8]| -> ByteRecord {
        match line.contains(&separator) {
            true => line.split(|b| *b == separator).map(<[u8]>::trim_ascii).collect(),
            false => words(line).collect(),
        }
    };
    [line.strip_prefix(b"#")?, line].map(cells).into_iter().find(|cells| cells.len() == width)
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The same lines with a comma for the space between two words.
fn with_commas(text: &[u8]) -> Vec<u8> {
    let line = |line: &[u8]| words(line).collect::<Vec<_>>().join(&b',');
    text.split(|b| *b == b'\n').map(line).collect::<Vec<_>>().join(&b'\n')
}
