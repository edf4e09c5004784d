//! One error type for everything a user can get wrong, and where a value came from.
//!
//! An error names the operation, the place it was written, each operand with its type and the
//! place that made it, and the fix. It is data first: [`Error::message`], [`Error::source`] and
//! [`Error::operands`] serve a command line that wants a caret, `Display` serves everyone else.

use crate::types::Type;
use std::fmt;
use std::panic::Location;

/// Where an operation was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Source {
    /// Made by a transformation.
    #[default]
    Unknown,
    /// A line of Rust.
    Rust(&'static Location<'static>),
    /// A place in the text of a program (see [`crate::text`]), both counted from 1.
    Program {
        /// The line.
        line: u32,
        /// The column, in characters.
        column: u32,
    },
    /// Bytes `start..end` of a text the caller knows.
    Text {
        /// First byte.
        start: u32,
        /// One past the last byte.
        end: u32,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Unknown => f.write_str("an unknown place"),
            Source::Rust(l) => write!(f, "{}:{}:{}", l.file(), l.line(), l.column()),
            Source::Program { line, column } => {
                write!(f, "line {line}, column {column} of the program")
            }
            Source::Text { start, end } => write!(f, "characters {start}..{end}"),
        }
    }
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Shapes or element types that do not fit the operation.
    Shape,
    /// A use that has no meaning, such as the gradient of a vector-valued function.
    Usage,
    /// Numbers for which the operation has no result: a singular matrix, an index out of range.
    Value,
    /// Text that is not a program.
    Syntax,
    /// A file that cannot be read or written.
    Io,
    /// A program that is not well-formed: a mistake in Riesz itself.
    Internal,
}

/// An operand of the operation that failed.
#[derive(Clone, PartialEq, Debug)]
pub struct Operand {
    /// Its type.
    pub ty: Type,
    /// The place that made it.
    pub source: Source,
}

/// Why a function could not be traced, transformed or run.
#[derive(Clone, PartialEq, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Debug)]
struct Inner {
    kind: ErrorKind,
    operation: String,
    message: String,
    help: String,
    source: Source,
    operands: Vec<Operand>,
}

/// What the fallible functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a reason; the place and the operation can be added.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            operation: String::new(),
            message: message.into(),
            help: String::new(),
            source: Source::Unknown,
            operands: Vec::new(),
        }))
    }

    /// Shapes or element types that do not fit.
    pub fn shape(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Shape, message)
    }

    /// A use that has no meaning.
    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Usage, message)
    }

    /// Numbers without a result.
    pub fn value(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Value, message)
    }

    /// Says what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.0.help = help.into();
        self
    }

    /// Names the operation and the place, unless they are known already.
    pub fn at(mut self, operation: &str, source: Source) -> Error {
        if self.0.operation.is_empty() {
            self.0.operation = operation.to_string();
        }
        if self.0.source == Source::Unknown {
            self.0.source = source;
        }
        self
    }

    /// Names another operation and its operands instead of those that are known.
    pub(crate) fn claimed_by(mut self, operation: &str, operands: &[Operand]) -> Error {
        self.0.operation = operation.to_string();
        self.0.operands = operands.to_vec();
        self
    }

    /// Names the operands, unless they are known already.
    pub fn with_operands(mut self, operands: impl IntoIterator<Item = Operand>) -> Error {
        if self.0.operands.is_empty() {
            self.0.operands = operands.into_iter().collect();
        }
        self
    }

    /// What kind of mistake this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The reason, without places.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operation, or nothing.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// The fix, or nothing.
    pub fn help_text(&self) -> &str {
        &self.0.help
    }

    /// Where the operation was written.
    pub fn source(&self) -> Source {
        self.0.source
    }

    /// The operands of the operation.
    pub fn operands(&self) -> &[Operand] {
        &self.0.operands
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, message, help, source, operands, .. } = &*self.0;
        if !operation.is_empty() {
            write!(f, "{operation}: ")?;
        }
        f.write_str(message)?;
        if *source != Source::Unknown {
            write!(f, "\n  at {source}")?;
        }
        for (i, operand) in operands.iter().enumerate() {
            write!(f, "\n  operand {}: {}", i + 1, operand.ty)?;
            if operand.source != Source::Unknown {
                write!(f, ", made at {}", operand.source)?;
            }
        }
        if !help.is_empty() {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
