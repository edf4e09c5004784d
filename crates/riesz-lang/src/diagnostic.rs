//! What is said about a wrong text: one message, one place, what was expected, what to do.
//!
//! A [`Diagnostic`] knows byte positions only; the caller, who knows which text it was about
//! (an expression, a declaration, a file), renders it. Nothing here decides about colours or
//! exit codes.

use std::ops::Range;

use crate::excerpt::Excerpt;
use ariadne::{Config, IndexType, Label as Mark, Report, ReportKind, Source};

/// A range of bytes in the text that was read, `start` included, `end` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// As a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A second place that belongs to a diagnostic, with its own words.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// An error in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// Where it is wrong.
    pub span: Span,
    /// Words under the place: what is there, or what was expected.
    pub note: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
}

impl std::error::Error for Diagnostic {}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for label in &self.labels {
            write!(f, "; {}", label.message)?;
        }
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl Diagnostic {
    /// An error with a place and nothing more.
    pub fn new(message: impl Into<String>, span: Span) -> Self {
        let (message, note) = (message.into(), String::new());
        Self { message, span, note, labels: Vec::new(), help: None }
    }

    /// Adds the words under the place.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Asks whether the nearest of the names that exist is meant, if one is near.
    #[must_use]
    pub fn suggest<'a>(self, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match riesz_core::suggestion(name, names) {
            Some(near) => self.help(format!("is it `{near}`?")),
            None => self,
        }
    }

    /// Line and column, both counted from 1, columns in characters.
    pub fn line_column(&self, source: &str) -> (usize, usize) {
        line_column(source, self.span.start)
    }

    /// The error as text with a caret under the place; `name` is the file, or words such as
    /// `expression`.
    ///
    /// ```
    /// use riesz_lang::{Diagnostic, Span};
    /// let e = Diagnostic::new("a name is missing", Span::new(2, 3)).note("expected a name");
    /// assert!(e.render("expression", "x+*").contains("expected a name"));
    /// ```
    pub fn render(&self, name: &str, source: &str) -> String {
        self.draw(ReportKind::Error, name, source)
    }

    /// The same about something that is no error.
    pub fn render_warning(&self, name: &str, source: &str) -> String {
        self.draw(ReportKind::Warning, name, source)
    }

    fn draw(&self, kind: ReportKind<'_>, name: &str, source: &str) -> String {
        let spans: Vec<Span> =
            [self.span].into_iter().chain(self.labels.iter().map(|l| l.span)).collect();
        let excerpt = Excerpt::new(source, &spans);
        let at = |span: Span| {
            let span = Span::new(floor(source, span.start), floor(source, span.end));
            (name.to_owned(), excerpt.span(span).range())
        };
        let config = Config::default().with_color(false).with_index_type(IndexType::Byte);
        let mut report =
            Report::build(kind, at(self.span)).with_config(config).with_message(&self.message);
        let note = if self.note.is_empty() { "here" } else { &self.note };
        // Where the parts of an expression are labelled, the whole needs no words.
        let mut marks: Vec<(Span, &str)> = Vec::new();
        if self.labels.is_empty() || !self.note.is_empty() {
            marks.push((self.span, note));
        }
        marks.extend(self.labels.iter().map(|l| (l.span, l.message.as_str())));
        // Lines are drawn in the order of their marks.
        marks.sort_by_key(|(span, _)| line_column(source, span.end).0);
        for (span, words) in marks {
            report.add_label(Mark::new(at(span)).with_message(words));
        }
        if let Some(help) = &self.help {
            report.set_help(help);
        }
        let mut out = Vec::new();
        let text = Source::from(excerpt.text.clone());
        match report.finish().write((name.to_owned(), text), &mut out) {
            Ok(()) => {
                let text = String::from_utf8_lossy(&out);
                let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
                // The column is that of the whole line.
                let column = |text: &str, at| {
                    let (line, column) = line_column(text, at);
                    format!("{name}:{line}:{column}")
                };
                let shown = column(&excerpt.text, excerpt.place(floor(source, self.span.start)));
                text.replacen(&shown, &column(source, self.span.start), 1)
            }
            Err(_) => format!("{kind}: {self}\n"),
        }
    }
}

/// The nearest character boundary at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Line and column of a byte position, both from 1, columns in characters.
pub fn line_column(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..floor(source, at)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    (line, column)
}
