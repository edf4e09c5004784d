//! From a program to a plan: nests, calls, and where everything lies in memory.
//!
//! `role` says what each equation can become, `factored` which matrices are factored once for several of
//! them, `decide` which values are stored and in which nest, `layout` in which order their elements lie,
//! `pull` and `group` build the nests, `order` arranges their loops, `pattern` finds what of a product is
//! zero or not read, `control` makes steps of loops and branches, `update` and `settle` find what can be
//! written in place, `turn` transposes what vectors would cross, `strip` lets nests share a long loop, with `area` to say where they go, `split` cuts
//! long folds, `storage` gives out memory, `donate` finds results that can lie where arguments did. What
//! comes out is a [`Plan`]: a [`Region`] and the buffers its operands name.
//!
//! What holds: a plan computes what the program means, up to the rounding of sums and elementary
//! functions; it refers to nothing outside itself.

mod area;
mod assemble;
mod control;
pub(crate) mod cost;
mod decide;
mod donate;
mod factored;
mod group;
mod index;
mod layout;
mod memory;
mod order;
mod pattern;
mod pull;
mod role;
mod settle;
mod split;
mod storage;
mod strip;
mod turn;
mod update;

pub use cost::nest as cost;
pub use donate::donors;
pub use split::{grain, is_shared, worth_sharing};
pub use storage::{ALIGNMENT, Buffer, Place, Storage};

use crate::nest::Region;
use riesz_core::{Program, Result, Tensor};

/// How to run a program.
#[derive(Debug)]
pub struct Plan {
    /// The program.
    pub program: Program,
    /// What is done; its operands are the buffers, by number.
    pub region: Region,
    /// The buffers.
    pub buffers: Vec<Buffer>,
    /// The constants that buffers name.
    pub constants: Vec<Tensor>,
    /// Which buffer holds each result.
    pub results: Vec<Storage>,
    /// A truth value that is set when an operation has no result for its numbers.
    pub flag: Storage,
    /// Bytes of workspace a run needs.
    pub workspace: usize,
}

impl Plan {
    /// Plans a program, which should be simplified.
    ///
    /// # Errors
    /// When a rule of planning fails, which is a mistake in that rule.
    pub fn new(program: &Program) -> Result<Plan> {
        assemble::assemble(program)
    }
}
