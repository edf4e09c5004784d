//! Symbols: programs, and every map from programs to programs.
//!
//! A function of tensors is recorded as a [`Program`] by running Rust on [`Var`]s; `jvp`, `unzip`,
//! `transpose` and `vmap` turn programs into programs; [`eval`] says what a program means. There are
//! no threads, no files and no `unsafe` here, and nothing that makes a program fast.
//!
//! To read the whole in one sitting: `program.rs`, `trace.rs`, `primitive.rs` with one of its files,
//! `jvp.rs`, `unzip.rs`, `transpose.rs`.

mod body;
pub mod check;
pub mod control;
pub mod cost;
mod error;
mod eval;
mod finite;
mod inline_calls;
pub mod jvp;
mod keep;
mod linear;
mod lower;
mod memory;
mod merge;
mod names;
pub mod primitive;
mod program;
mod reorder;
pub mod simplify;
pub mod sparsity;
mod tensor;
pub mod text;
mod trace;
mod transpose;
mod types;
mod unzip;
pub mod var;
mod verify;
mod vmap;

pub use body::Body;
pub use error::{Error, ErrorKind, Operand, Result, Source};
pub use eval::{check_arguments, eval};
pub use finite::check_finite;
pub use inline_calls::inline_calls;
pub use jvp::jvp;
pub use linear::as_linear;
pub use lower::lower;
pub use memory::peak_bytes;
pub use merge::merge_loops;
pub use names::{counted, suggestion};
pub use ndarray;
pub use primitive::{Prim, Primitive};
pub use program::{Equation, Program, Value};
pub use reorder::reorder_products;
pub use simplify::{SimplifyOptions, simplify};
pub use tensor::{Data, Element, Tensor};
pub use trace::{
    Traced, Var, Vars, apply, apply1, current_source, fail, inline, is_tracing, trace, trace_open,
    with_source,
};
pub use transpose::transpose;
pub use types::{DType, Shape, Type};
pub use unzip::{Unzipped, unzip};
pub use var::{Key, ProductOrder, product_order};
pub use verify::{verify, verify_always, verify_linear};
pub use vmap::vmap;
