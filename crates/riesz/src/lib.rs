//! Differentiation and optimisation of functions of numbers, vectors, matrices and trees of them.
//!
//! A function is ordinary Rust on [`Var`]; transformations take functions and give functions; they
//! nest in any order ([`guide`] has worked examples).
//!
//! ```
//! use riesz::prelude::*;
//!
//! fn loss(w: Var, x: Var, y: Var) -> Var {
//!     let z = x.dot(w);
//!     (z.softplus() - y * z).mean() + 0.01 * w.dot(w)
//! }
//!
//! let step = compile(|(w, x, y): (Var, Var, Var)| {
//!     let (l, g) = value_and_grad(|w| loss(w, x, y))(w); // x and y are captured
//!     (l, w - 0.1 * g)
//! });
//! let w0 = Tensor::from([0.0, 0.0]);
//! let x = Tensor::from([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]);
//! let y = Tensor::from([1.0, 0.0, 1.0]);
//! let (l, w): (Tensor, Tensor) = step.call(&(w0, x, y))?; // the one fallible boundary
//! assert!((l.item::<f64>()? - 2f64.ln()).abs() < 1e-15);
//! assert_eq!(w.shape().to_string(), "[2]");
//! # Ok::<(), Error>(())
//! ```

// The derive writes `::riesz`, also in this crate.
extern crate self as riesz;

mod check;
#[doc = include_str!("guide.md")]
pub mod guide {}
pub mod io;
pub mod minimize;
pub mod prelude;
pub mod solvers;
pub mod sparse;
pub mod transform;
pub mod tree;

pub use check::{LeafErrors, check_grads};
pub use minimize::minimize;
pub use riesz_core::var::{ConvOptions, Window};
pub use riesz_core::{
    DType, Error, ErrorKind, Program, Result, Shape, Source, Tensor, Type, Var, ndarray,
};
pub use riesz_derive::Tree;
pub use sparse::Csr;
pub use transform::argmin::argmin;
pub use transform::checkpoint::checkpoint;
pub use transform::compile::{Compiled, compile, run};
pub use transform::cond::cond;
pub use transform::custom_jvp::custom_jvp;
pub use transform::custom_vjp::custom_vjp;
pub use transform::fixed_point::fixed_point;
pub use transform::fori::{Bounds, fori};
pub use transform::grad::{grad, value_and_grad};
pub use transform::hessian::{hessian, hvp};
pub use transform::jacobian::{Mode, jacobian, jacobian_by};
pub use transform::jvp::jvp;
pub use transform::linear_map::LinearMap;
pub use transform::linear_solve::linear_solve;
pub use transform::linearize::linearize;
pub use transform::metric::{self, grad_in};
pub use transform::root::{root, root_with};
pub use transform::scan::{Checkpoints, ScanOptions, scan, scan_with};
pub use transform::sparse::{
    Compression, SparsePlan, sparse_hessian, sparse_jacobian, sparse_jacobian_by,
};
pub use transform::stop_gradient::stop_gradient;
pub use transform::vjp::vjp;
pub use transform::vmap::{vmap, vmap_axes};
pub use transform::while_loop::while_loop;
pub use tree::{Tree, VarTree, flatten, unflatten, zip_map};
