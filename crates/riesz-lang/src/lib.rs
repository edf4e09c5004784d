//! The language of Riesz: formulas and problems as text.
//!
//! ```text
//! text ─parse─→ ast ─Checker─→ Typed ─lower─→ Program
//!                                └────derive─→ Derivative (text, LaTeX, Rust)
//! ```
//!
//! [`parse_formula`], [`parse_declarations`], [`parse_assignments`] and [`parse_problem`] read a
//! text into what was written ([`ast`]); [`Checker`] finds the shapes and gives a [`Typed`] DAG in
//! which every product is resolved; [`lower`] makes a program of it, and [`formula::derive`] the
//! formula of a derivative. [`interp`] evaluates a `Typed` directly, so that a formula can be held
//! against a program. Errors are [`Diagnostic`]s, which render with a caret.
//!
//! Trees are arenas whose children come first, so passes are loops; what recurses (brackets while
//! parsing, nested terms while deriving) is bounded, with an error that says so. Nothing here
//! opens a file.

mod assumed;
pub mod ast;
mod declare;
mod diagnostic;
pub mod dims;
mod excerpt;
pub mod flow;
pub mod formula;
mod functions;
mod infer;
pub mod interp;
mod lexer;
pub mod lower;
pub mod memory;
pub mod model;
mod parser;
mod problem;
pub mod typed;

pub use assumed::is_greek;
pub use declare::{parse_assignments, parse_declarations};
pub use diagnostic::{Diagnostic, Label, Span, line_column};
pub use functions::is_function;
pub use infer::Checker;
pub use parser::{MAX_DEPTH, parse_formula};
pub use problem::parse_problem;
pub use typed::Typed;
