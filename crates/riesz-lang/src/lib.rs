//! The language of Riesz: formulas and problems as text.
//!
//! [`parse_formula`], [`parse_declarations`], [`parse_assignments`] and [`parse_problem`] read a
//! text into what was written ([`ast`]); [`Checker`] finds the shapes and gives a [`Typed`] DAG.
//! Errors are [`Diagnostic`]s, which render with a caret.

pub mod ast;
mod declare;
mod diagnostic;
pub mod dims;
pub mod formula;
mod functions;
mod infer;
pub mod interp;
mod lexer;
pub mod lower;
mod parser;
mod problem;
pub mod typed;

pub use declare::{parse_assignments, parse_declarations};
pub use diagnostic::{Diagnostic, Label, Span, line_column};
pub use infer::Checker;
pub use parser::{MAX_DEPTH, parse_formula};
pub use problem::parse_problem;
pub use typed::Typed;
