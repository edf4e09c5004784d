//! x² and its derivative.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval =
    Eval { name: "hello", functions: &[("square", prepare_square), ("double", prepare_double)] };

fn prepare_square(input: &Input) -> Result<Box<dyn Work>> {
    compiled(|x: Var| x.square(), Tensor::from(input.number()?), nested)
}

fn prepare_double(input: &Input) -> Result<Box<dyn Work>> {
    compiled(grad(|x: Var| x.square()), Tensor::from(input.number()?), nested)
}
