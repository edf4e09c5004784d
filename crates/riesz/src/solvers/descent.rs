//! Minimisation inside a traced function.

use super::{either, in_one_vector, largest, precision};
use crate::transform::fori::fori;
use crate::transform::grad::value_and_grad;
use crate::transform::hessian::hessian;
use crate::transform::while_loop::while_loop;
use crate::tree::VarTree;
use riesz_core::{Type, Var};

/// Up to how many variables the Hessian is used.
const NEWTON: usize = 64;
/// How many pairs of steps and changes of gradient L-BFGS keeps.
const PAIRS: usize = 10;

/// What a method carries from step to step: the point, its value and gradient, whether it goes on, and
/// the number of the step.
type At = (Var, Var, Var, Var, Var);

/// A local minimiser of `f`, from `start`.
pub(crate) fn minimise<A: VarTree>(f: &impl Fn(A) -> Var, start: A) -> A {
    in_one_vector(start, |tree, x| {
        let flat = |x: Var| f(tree(x));
        if x.shape().size() <= NEWTON { newton(&flat, x) } else { lbfgs(&flat, x) }
    })
}

/// Newton's method that descends: the direction −|H|⁻¹·∇f with the eigenvalues' magnitudes, none below a
/// small part of the largest (Nocedal & Wright, *Numerical Optimization*, section 3.4).
fn newton(f: &impl Fn(Var) -> Var, x: Var) -> Var {
    let both = value_and_grad(f);
    let begin = |x: Var| -> At {
        let (value, g) = both(x);
        (x, value, g, largest(g).gt(0.0), Var::constant(0i64))
    };
    let (x, ..) = while_loop(
        |(_, _, _, goes, step): At| goes.and(step.lt(200)),
        |(x, value, g, _, step)| {
            let (lambda, v) = hessian(f)(x).eigh();
            let magnitude = lambda.abs();
            let floor = 1e-8 * magnitude.max();
            let inverse = 1.0 / magnitude.maximum(floor).maximum(1e-300);
            let direction = -v.dot(inverse * v.t().dot(g));
            search(&both, (x, value, g), direction, step)
        },
        begin(x),
    );
    x
}

/// L-BFGS (Nocedal 1980): the two loops over the last pairs, kept in rings.
fn lbfgs(f: &impl Fn(Var) -> Var, x: Var) -> Var {
    let both = value_and_grad(f);
    let (value, g) = both(x);
    let ring = Var::zeros(&Type::new(x.dtype(), [PAIRS, x.shape().size()]));
    let weights = Var::zeros(&Type::new(x.dtype(), [PAIRS]));
    type State = (At, (Var, Var, Var), Var);
    let at: At = (x, value, g, largest(g).gt(0.0), Var::constant(0i64));
    let state: State = (at, (ring, ring, weights), Var::constant(0i64));
    let ((x, ..), ..) = while_loop(
        |((_, _, _, goes, step), ..): State| goes.and(step.lt(20_000)),
        |((x, value, g, _, step), (steps, changes, weights), kept)| {
            let direction = two_loops(g, (steps, changes, weights), kept);
            // The first step has no curvature to go by, and a bad pair may point uphill.
            let downhill = direction.dot(g).lt(0.0);
            let scale = 1.0 / g.norm().maximum(1.0);
            let direction = either(downhill, || direction, || -scale * g);
            let next: At = search(&both, (x, value, g), direction, step);
            let (s, y) = (next.0 - x, next.2 - g);
            let curvature = s.dot(y);
            let good = curvature.gt(precision(x.dtype()) * s.norm() * y.norm());
            let at = kept % PAIRS as i32;
            let put = |ring: Var, v: Var| either(good, || ring.scatter_set(at, v, 0), || ring);
            let weight = 1.0 / Var::select(good, curvature, 1.0);
            let pairs = (put(steps, s), put(changes, y), put(weights, weight));
            (next, pairs, Var::select(good, kept + 1, kept))
        },
        state,
    );
    x
}

/// −H⁻¹·g by the pairs kept: newest to oldest, then back.
fn two_loops(g: Var, (steps, changes, weights): (Var, Var, Var), kept: Var) -> Var {
    let m = kept.minimum(PAIRS as i32);
    let place = |i: Var| (kept - 1 - i) % PAIRS as i32;
    let (q, alphas) = fori(
        m,
        |i, (q, alphas): (Var, Var)| {
            let at = place(i);
            let alpha = weights.take(at, 0) * steps.take(at, 0).dot(q);
            (q - alpha * changes.take(at, 0), alphas.scatter_set(at, alpha, 0))
        },
        (g, weights.zeros_like()),
    );
    let last = (kept - 1).maximum(0) % PAIRS as i32;
    let y = changes.take(last, 0);
    let scaling = 1.0 / (weights.take(last, 0) * y.dot(y));
    let scaling = Var::select(kept.gt(0), scaling, 1.0);
    let q = fori(
        m,
        |i, q: Var| {
            let at = place(m - 1 - i);
            let beta = weights.take(at, 0) * changes.take(at, 0).dot(q);
            q + (alphas.take(at, 0) - beta) * steps.take(at, 0)
        },
        scaling * q,
    );
    -q
}

/// Goes along a direction of descent: the first of 1, ½, ¼, … that lowers the value enough (Armijo, 10⁻⁴
/// of what the slope promises), or, where values differ by no more than rounding, the gradient. Ends the
/// method when there is none.
fn search(
    both: &impl Fn(Var) -> (Var, Var),
    (x, value, g): (Var, Var, Var),
    direction: Var,
    step: Var,
) -> At {
    let slope = direction.dot(g);
    let noise = 4.0 * precision(x.dtype()) * value.abs();
    let good = |t: Var, new: Var, at: Var| {
        let enough = new.le(value + 1e-4 * t * slope);
        let flat = new.le(value + noise).and(largest(at).lt(largest(g)));
        enough.and(new.lt(value)).or(flat)
    };
    let try_at = |t: Var| {
        let x = x + t * direction;
        let (value, g) = both(x);
        (x, value, g)
    };
    let one = value.ones_like();
    let (t, (at, new, gradient)) = while_loop(
        |(t, (_, new, gradient)): (Var, (Var, Var, Var))| {
            good(t, new, gradient).not().and(t.gt(1e-14))
        },
        |(t, _)| (0.5 * t, try_at(0.5 * t)),
        (one, try_at(one)),
    );
    let found = good(t, new, gradient);
    let pick = |new: Var, old: Var| Var::select(found, new, old);
    let goes = found.and(largest(gradient).gt(0.0));
    (pick(at, x), pick(new, value), pick(gradient, g), goes, step + 1)
}
