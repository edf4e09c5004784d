//! The determinant by expansion by minors, and its gradient, the matrix of cofactors.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, nested};
use riesz::prelude::*;

/// The eval's functions.
pub const EVAL: Eval =
    Eval { name: "det", functions: &[("primal", prepare_primal), ("gradient", prepare_gradient)] };

fn prepare_primal(input: &Input) -> Result<Box<dyn Work>> {
    let n = input.field("ell")?.count()?;
    compiled(move |a: Var| determinant(a, n), input.field("A")?.tensor(1)?, nested)
}

fn prepare_gradient(input: &Input) -> Result<Box<dyn Work>> {
    let n = input.field("ell")?.count()?;
    compiled(grad(move |a: Var| determinant(a, n)), input.field("A")?.tensor(1)?, nested)
}

fn determinant(a: Var, n: usize) -> Var {
    expand(a.reshape([n, n, 1])).squeeze(0)
}

/// Up to this size an expansion is written out element by element.
const WRITTEN_OUT: usize = 5;

/// The determinants of a stack of matrices, which lies along the last axis: expansion along the first
/// row. The minors of all of them are one larger stack of smaller matrices, so a matrix of size n is
/// at last a stack of n!/5! of size 5, whose elements lie beside each other.
fn expand(a: Var) -> Var {
    let [n, _, stack] = [a.shape()[0], a.shape()[1], a.shape()[2]];
    if n <= WRITTEN_OUT {
        let rows: Vec<Vec<Var>> = (0..n).map(|i| (0..n).map(|j| a.at(i).at(j)).collect()).collect();
        return written_out(&rows, &(0..n).collect::<Vec<_>>());
    }
    let below = a.slice_axis(0, 1, n);
    let minors: Vec<Var> = (0..n)
        .map(|j| Var::concat(&[below.slice_axis(1, 0, j), below.slice_axis(1, j + 1, n)], 1))
        .collect();
    let minors = Var::stack(&minors, 2).reshape([n - 1, n - 1, n * stack]);
    let signs: Vec<f64> = (0..n).map(sign).collect();
    let signed = a.at(0) * Var::constant(signs).expand_dims(1);
    (signed * expand(minors).reshape([n, stack])).sum_axes(&[0])
}

/// The expansion of the last rows in the columns that are left.
fn written_out(rows: &[Vec<Var>], columns: &[usize]) -> Var {
    let first = &rows[rows.len() - columns.len()];
    if let [column] = columns {
        return first[*column];
    }
    let terms = (0..columns.len()).map(|j| {
        let rest = [&columns[..j], &columns[j + 1..]].concat();
        sign(j) * (first[columns[j]] * written_out(rows, &rest))
    });
    terms.reduce(|a, b| a + b).unwrap_or_else(Var::poison)
}

fn sign(j: usize) -> f64 {
    if j.is_multiple_of(2) { 1.0 } else { -1.0 }
}
