//! Solvers to be used inside functions that are traced: of linear systems, of equations, and of
//! minimisation.
//!
//! Each is a function of a function and a tree, so that it can be handed to
//! [`linear_solve`](crate::linear_solve), [`root`](crate::root) and the like. They are written with the
//! loops of the library and run where the program runs.

mod descent;
mod krylov;

pub(crate) use descent::minimise;
pub use krylov::{conjugate_gradients, gmres};

use crate::transform::cond::cond;
use crate::transform::jacobian::jacobian;
use crate::transform::linear_solve::Equations;
use crate::transform::vmap::vmap;
use crate::transform::while_loop::while_loop;
use crate::tree::{VarTree, flatten, unflatten};
use riesz_core::{DType, Var};

/// Up to how many unknowns the matrix of an implicit derivative is made and eliminated.
const DENSE: usize = 512;

/// The x with `product`(x) = b by elimination: the matrix is made column by column. For systems of some
/// hundreds of unknowns at most, or as many as memory holds squares of.
///
/// # Errors
/// A singular matrix is an error of the run.
#[track_caller]
pub fn dense<A: VarTree>(product: Equations<A>, b: A) -> A {
    in_one_vector(b, |tree, side| {
        let column = |v: Var| flatten(&product(tree(v)));
        let columns = vmap(column)(Var::eye(side.dtype(), side.shape().size()));
        columns.t().solve(side)
    })
}

/// The tree whose vector `solve` makes of the vector of this one; it is told the tree of any vector.
fn in_one_vector<A: VarTree>(start: A, solve: impl FnOnce(&dyn Fn(Var) -> A, Var) -> Var) -> A {
    let x = flatten(&start);
    if x.is_poisoned() {
        return start.map(&mut |_| Var::poison());
    }
    unflatten(&start, solve(&|x| unflatten(&start, x), x))
}

/// The x with f(x) = 0 by Newton's method with the Jacobian in full, from `start`. A step that does not
/// lower ‖f‖ is halved until it does. Ends when ‖f‖∞ is 0 or no step lowers it any more; after 100 steps
/// at the latest.
///
/// # Errors
/// A singular Jacobian on the way is an error of the run.
#[track_caller]
pub fn newton<A: VarTree>(f: Equations<A>, start: A) -> A {
    in_one_vector(start, |tree, x| newton_by_vectors(&|x| flatten(&f(tree(x))), x))
}

fn newton_by_vectors(f: &impl Fn(Var) -> Var, x: Var) -> Var {
    let norm = |y: Var| largest(y);
    let y = f(x);
    let state = (x, y, norm(y).gt(0.0), Var::constant(0i64));
    let moves = |(_, _, moves, round): (Var, Var, Var, Var)| moves.and(round.lt(100));
    let (x, ..) = while_loop(
        moves,
        |(x, y, _, round)| {
            let step = -jacobian(f)(x).solve(y);
            let size = norm(y);
            let try_at = |t: Var| {
                let x = x + t * step;
                (x, f(x))
            };
            let one = size.ones_like();
            let (first, value) = try_at(one);
            // ½, ¼, … until ‖f‖ falls; a NaN is no fall.
            let (t, new, value) = while_loop(
                |(t, _, value): (Var, Var, Var)| norm(value).lt(size).not().and(t.gt(1e-10)),
                |(t, _, _)| {
                    let t = 0.5 * t;
                    let (x, value) = try_at(t);
                    (t, x, value)
                },
                (one, first, value),
            );
            let lower = norm(value).lt(size).and(t.gt(0.0));
            let x = Var::select(lower, new, x);
            let y = Var::select(lower, value, y);
            (x, y, lower.and(norm(value).gt(0.0)), round + 1)
        },
        state,
    );
    x
}

/// Where iterating `f` from `x` comes to rest.
pub(crate) fn iterate<A: VarTree>(f: &impl Fn(A) -> A, start: A) -> A {
    in_one_vector(start, |tree, x| iterate_vectors(&|x| flatten(&f(tree(x))), x))
}

fn iterate_vectors(f: &impl Fn(Var) -> Var, x: Var) -> Var {
    let last_place = 8.0 * precision(x.dtype());
    let step = |x: Var| {
        let next = f(x);
        let move_of = (next - x).abs();
        let rests = move_of.le(last_place * x.abs().maximum(next.abs())).all();
        (next, largest(next - x), rests)
    };
    let (next, size, rests) = step(x);
    // Near the end rounding keeps the last places moving: it has ended too when moves that are small
    // have not become smaller for ten rounds.
    let state = (next, (size, size), rests, (Var::constant(0i64), Var::constant(0i64)));
    let small = precision(x.dtype()).sqrt();
    let (x, ..) = while_loop(
        |(_, _, rests, (round, stale)): (Var, (Var, Var), Var, (Var, Var))| {
            rests.not().and(round.lt(100_000)).and(stale.lt(10))
        },
        |(x, (_, least), _, (round, stale))| {
            let (next, size, rests) = step(x);
            let smaller = size.lt(least);
            let is_small = size.le(small * largest(next));
            let waits = smaller.not().and(is_small).cast(DType::I64);
            (next, (size, size.minimum(least)), rests, (round + 1, (stale + 1) * waits))
        },
        state,
    );
    x
}

/// How the system of an implicit derivative is solved: by elimination when that is cheap, otherwise by
/// GMRES.
pub(crate) fn implicit<A: VarTree>(product: Equations<A>, b: A) -> A {
    if unknowns(&b) <= DENSE { dense(product, b) } else { gmres(product, b) }
}

/// As [`implicit`], for a symmetric positive definite system.
pub(crate) fn implicit_symmetric<A: VarTree>(product: Equations<A>, b: A) -> A {
    if unknowns(&b) <= DENSE { dense(product, b) } else { conjugate_gradients(product, b) }
}

fn unknowns<A: VarTree>(b: &A) -> usize {
    b.leaves().iter().map(|v| v.shape().size()).sum()
}

/// ‖x‖∞; 0 of nothing.
fn largest(x: Var) -> Var {
    if x.shape().size() == 0 { x.sum() } else { x.abs().max() }
}

/// The distance from 1 to the next number.
fn precision(dtype: DType) -> f64 {
    if dtype == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

/// `on` if the one truth value holds, otherwise `off`, of one shape.
fn either(holds: Var, on: impl Fn() -> Var, off: impl Fn() -> Var) -> Var {
    cond(holds, on, off)
}
