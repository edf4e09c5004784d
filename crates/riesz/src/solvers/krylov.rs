//! Linear systems by products with the matrix alone.

use super::{either, in_one_vector, largest, precision};
use crate::transform::fori::fori;
use crate::transform::linear_solve::Equations;
use crate::transform::while_loop::while_loop;
use crate::tree::{VarTree, flatten};
use riesz_core::{Type, Var};

/// The x with `product`(x) = b for a symmetric positive definite product, by conjugate gradients
/// (Hestenes & Stiefel 1952). Ends when ‖b − A·x‖ ≤ 10·ε·‖b‖, with ε the distance from 1 to the next
/// number; after 10·n steps at the latest. Needs one product a step and four vectors.
#[track_caller]
pub fn conjugate_gradients<A: VarTree>(product: Equations<A>, b: A) -> A {
    in_one_vector(b, |tree, side| conjugate_steps(&|v| flatten(&product(tree(v))), side))
}

fn conjugate_steps(product: &impl Fn(Var) -> Var, side: Var) -> Var {
    let goal = (10.0 * precision(side.dtype())).powi(2) * side.dot(side);
    let most = 10 * side.shape().size().max(1);
    type State = ((Var, Var, Var), Var, Var);
    let state: State = ((side.zeros_like(), side, side), side.dot(side), Var::constant(0i64));
    let ((x, ..), ..) = while_loop(
        |(_, size, step): State| size.gt(goal).and(step.lt(most as i32)),
        |((x, r, p), size, step)| {
            let ap = product(p);
            let alpha = size / p.dot(ap);
            let (x, r) = (x + alpha * p, r - alpha * ap);
            let next = r.dot(r);
            ((x, r, r + next / size * p), next, step + 1)
        },
        state,
    );
    x
}

/// How many directions GMRES keeps before it starts again.
const RESTART: usize = 40;

/// The x with `product`(x) = b by GMRES, restarted after 40 products (Saad & Schultz 1986), with modified
/// Gram–Schmidt done twice. Ends when ‖b − A·x‖ ≤ 100·ε·‖b‖, when a cycle gains nothing, or after 50
/// cycles.
#[track_caller]
pub fn gmres<A: VarTree>(product: Equations<A>, b: A) -> A {
    in_one_vector(b, |tree, side| cycles(&|v| flatten(&product(tree(v))), side))
}

fn cycles(product: &impl Fn(Var) -> Var, side: Var) -> Var {
    let goal = 100.0 * precision(side.dtype()) * side.norm();
    type State = (Var, Var, Var, Var);
    let state: State = (side.zeros_like(), side, Var::constant(true), Var::constant(0i64));
    let (x, ..) = while_loop(
        |(_, r, gains, cycle): State| r.norm().gt(goal).and(gains).and(cycle.lt(50)),
        |(x, r, _, cycle)| {
            let next = x + cycle_of(product, r);
            let left = side - product(next);
            let gains = left.norm().lt(0.9 * r.norm());
            // A cycle that loses is not taken.
            let better = left.norm().lt(r.norm());
            let pick = |new, old| Var::select(better, new, old);
            (pick(next, x), pick(left, r), gains, cycle + 1)
        },
        state,
    );
    x
}

/// What one cycle adds to the solution: the combination of r, A·r, A²·r, … with the least residual.
fn cycle_of(product: &impl Fn(Var) -> Var, r: Var) -> Var {
    let n = r.shape().size();
    let m = RESTART.min(n);
    let dtype = r.dtype();
    let size = r.norm();
    let basis = Var::zeros(&Type::new(dtype, [m + 1, n]));
    let zero = Var::constant(0i64);
    let basis = basis.scatter_set(zero, r / size, 0);
    let hessenberg = Var::zeros(&Type::new(dtype, [m, m + 1]));
    let (basis, hessenberg) = fori(
        m,
        |k, (basis, hessenberg): (Var, Var)| {
            let w = product(basis.take(k, 0));
            // Rows of the basis after the k-th are zero, so nothing is taken off along them.
            let first = basis.dot(w);
            let w = w - first.dot(basis);
            let second = basis.dot(w);
            let w = w - second.dot(basis);
            let rest = w.norm();
            // When the space is exhausted what is left is rounding.
            let ends = rest.le(10.0 * precision(dtype) * largest(first));
            let unit = either(ends, || w.zeros_like(), || w / rest);
            let rest = Var::select(ends, 0.0, rest);
            let column = (first + second).scatter_set(k + 1, rest, 0);
            (basis.scatter_set(k + 1, unit, 0), hessenberg.scatter_set(k, column, 0))
        },
        (basis, hessenberg),
    );
    let goal = Var::zeros(&Type::new(dtype, [m + 1])).scatter_set(zero, size, 0);
    // min ‖size·e₀ − H·y‖ through the pseudo-inverse: columns after the end are zero.
    let y = hessenberg.t().pinv().dot(goal);
    let directions = basis.slice_axis(0, 0, m);
    y.dot(directions)
}
