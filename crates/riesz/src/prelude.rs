//! Everything one usually needs: `use riesz::prelude::*;`.

pub use crate::check::check_grads;
pub use crate::minimize::minimize;
pub use crate::sparse::Csr;
pub use crate::transform::argmin::argmin;
pub use crate::transform::checkpoint::checkpoint;
pub use crate::transform::compile::{Compiled, compile, run};
pub use crate::transform::cond::cond;
pub use crate::transform::custom_jvp::custom_jvp;
pub use crate::transform::custom_vjp::custom_vjp;
pub use crate::transform::fixed_point::fixed_point;
pub use crate::transform::fori::{Bounds, fori};
pub use crate::transform::grad::{grad, value_and_grad};
pub use crate::transform::hessian::{hessian, hvp};
pub use crate::transform::jacobian::{Mode, jacobian, jacobian_by};
pub use crate::transform::jvp::jvp;
pub use crate::transform::linear_map::LinearMap;
pub use crate::transform::linear_solve::linear_solve;
pub use crate::transform::linearize::linearize;
pub use crate::transform::metric::{self, grad_in};
pub use crate::transform::root::{root, root_with};
pub use crate::transform::scan::{Checkpoints, ScanOptions, scan, scan_with};
pub use crate::transform::sparse::{
    Compression, SparsePlan, sparse_hessian, sparse_jacobian, sparse_jacobian_by,
};
pub use crate::transform::stop_gradient::stop_gradient;
pub use crate::transform::vjp::vjp;
pub use crate::transform::vmap::{vmap, vmap_axes};
pub use crate::transform::while_loop::while_loop;
pub use crate::tree::{Tree, VarTree, flatten, unflatten, zip_map};
pub use riesz_core::{DType, Error, Result, Shape, Tensor, Var};
pub use riesz_derive::Tree;
