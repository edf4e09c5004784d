//! What went wrong, and how it is told: a caret in the text on standard error, or one JSON object.

use crate::Io;
use riesz_core::{ErrorKind, Source};
use riesz_lang::{Diagnostic, Span};
use serde_json::{Value, json};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked: 0.
    Success,
    /// The mathematics failed: 1.
    Failed,
    /// The input is wrong: 2.
    BadInput,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::BadInput => 2,
        }
    }
}

/// Why a command has no result.
#[derive(Clone, Debug)]
pub struct Failure {
    exit: Exit,
    /// The complaint; its span is meaningless without a text.
    diagnostic: Box<Diagnostic>,
    /// What the text is called, and the text.
    text: Option<(String, String)>,
    /// Already rendered (by the reader of arguments), to be shown as it is.
    rendered: Option<String>,
    quiet: bool,
}

impl Failure {
    /// Wrong input that is no place in a text: a file that is missing, an argument that is.
    pub fn input(message: impl Into<String>) -> Failure {
        Failure::new(Exit::BadInput, Diagnostic::new(message, Span::default()), None)
    }

    /// The mathematics failed, at no place in particular.
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Failed, Diagnostic::new(message, Span::default()), None)
    }

    /// Wrong input at a place of a text; `name` is the file, or words such as `expression`.
    pub fn text(diagnostic: Diagnostic, name: &str, text: &str) -> Failure {
        Failure::new(Exit::BadInput, diagnostic, Some((name.to_string(), text.to_string())))
    }

    /// The mathematics failed at a place of a text.
    pub fn domain(diagnostic: Diagnostic, name: &str, text: &str) -> Failure {
        Failure::new(Exit::Failed, diagnostic, Some((name.to_string(), text.to_string())))
    }

    /// An error of tracing or running a program that was lowered from a text.
    ///
    /// A value without a result (a singular matrix) is the mathematics' failure; everything else
    /// is the input's.
    pub fn program(error: &riesz::Error, name: &str, text: &str) -> Failure {
        let exit = match error.kind() {
            ErrorKind::Value | ErrorKind::Internal => Exit::Failed,
            ErrorKind::Shape | ErrorKind::Usage | ErrorKind::Syntax | ErrorKind::Io => {
                Exit::BadInput
            }
        };
        let (span, place) = match error.source() {
            Source::Text { start, end } => (
                Span::new(start as usize, end as usize),
                Some((name.to_string(), text.to_string())),
            ),
            Source::Rust(_) | Source::Program { .. } | Source::Unknown => (Span::default(), None),
        };
        let mut diagnostic = Diagnostic::new(error.message(), span);
        if !error.operation().is_empty() {
            diagnostic.message = format!("{}: {}", error.operation(), error.message());
        }
        if !error.help_text().is_empty() {
            diagnostic = diagnostic.help(error.help_text());
        }
        Failure::new(exit, diagnostic, place)
    }

    /// Arguments that could not be read.
    pub(crate) fn usage(error: &clap::Error) -> Failure {
        let rendered = error.render().to_string();
        // The first paragraph says what is wrong, the rest how to ask for help.
        let first = rendered.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = first.split_whitespace().collect();
        let message = words.join(" ");
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        Failure { rendered: Some(rendered.clone()), ..Failure::input(message) }
    }

    /// Results that could not be written. A reader that left early (`| head`) is no error.
    pub(crate) fn unwritten(error: &std::io::Error) -> Failure {
        let gone = error.kind() == std::io::ErrorKind::BrokenPipe;
        let exit = if gone { Exit::Success } else { Exit::BadInput };
        let message = format!("the results cannot be written: {error}");
        let failure = Failure::new(exit, Diagnostic::new(message, Span::default()), None);
        Failure { quiet: gone, ..failure }
    }

    /// A file that was asked for and could not be written.
    pub(crate) fn unwritten_file(path: &std::path::Path, error: &std::io::Error) -> Failure {
        Failure::input(format!("{} cannot be written: {error}", path.display()))
    }

    /// Whether it is about a place of a text.
    pub(crate) fn has_place(&self) -> bool {
        self.text.is_some()
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.diagnostic.message
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.diagnostic.help = Some(help.into());
        self
    }

    fn new(exit: Exit, diagnostic: Diagnostic, text: Option<(String, String)>) -> Failure {
        Failure { exit, diagnostic: Box::new(diagnostic), text, rendered: None, quiet: false }
    }

    /// The error as JSON: a message, and line and column from 1, or null where there is no text.
    /// The message says which text when it is not the only one.
    pub fn json(&self) -> Value {
        let message = self.diagnostic.to_string();
        match &self.text {
            None => json!({"error": {"message": message, "line": null, "column": null}}),
            Some((name, text)) => {
                let (line, column) = self.diagnostic.line_column(text);
                let message =
                    if name.starts_with("--") { format!("{name}: {message}") } else { message };
                json!({"error": {"message": message, "line": line, "column": column}})
            }
        }
    }

    /// The error as a person reads it.
    pub fn render(&self) -> String {
        match (&self.rendered, &self.text) {
            (Some(rendered), _) => rendered.clone(),
            (None, Some((name, text))) => self.diagnostic.render(name, text),
            (None, None) => {
                let mut text = format!("Error: {}\n", self.diagnostic.message);
                if let Some(help) = &self.diagnostic.help {
                    text += &format!("  Help: {help}\n");
                }
                text
            }
        }
    }

    /// What is wrong, and what to do about it, in one line.
    pub(crate) fn remark(&self) -> String {
        self.diagnostic.to_string()
    }

    /// Tells it beside a result that there is nevertheless.
    pub(crate) fn warn(&self, io: &mut Io<'_>) {
        let text = match &self.text {
            Some((name, text)) => self.diagnostic.render_warning(name, text),
            None => self.render().replacen("Error", "Warning", 1),
        };
        // A remark that cannot be written is no reason to lose the result.
        let _ = io.err.write_all(text.as_bytes());
    }

    /// Tells the error, as one JSON object on the output or as text beside it.
    pub(crate) fn report(&self, json: bool, io: &mut Io<'_>) -> Exit {
        if self.quiet {
            return self.exit;
        }
        // Where even this cannot be written, the exit code remains.
        let _ = if json {
            writeln!(io.out, "{}", self.json())
        } else {
            write!(io.err, "{}", self.render())
        };
        self.exit
    }
}
