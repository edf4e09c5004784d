//! Transformations of a function of a vector and a whole number, and what each is held against.

use crate::differences::{Verdict, differential};
use crate::{LENGTH, Meaning, point, steps};
use proptest::prelude::*;
use riesz::prelude::*;
use riesz_core::check::recipe::Recipe;
use std::rc::Rc;

/// From a vector of [`LENGTH`] and a whole number to a vector of at most [`LONGEST`] numbers.
pub type Function = Rc<dyn Fn(Var, Var) -> Var>;

const LONGEST: usize = 8;

/// The function that a recipe makes of a number, a vector and a matrix.
pub fn base(recipe: &Recipe) -> Function {
    let recipe = recipe.clone();
    Rc::new(move |x, k| {
        let matrix = x.slice_axis(0, 2, 6).reshape([2, 2]);
        let inputs = [x.at(0), x.slice_axis(0, 1, 4), matrix];
        let y = recipe.apply(&inputs, |number, a, b| steps::step(number, a, b, k));
        short(Var::concat(&y.iter().map(|y| y.flatten()).collect::<Vec<_>>(), 0))
    })
}

fn short(y: Var) -> Var {
    y.slice_axis(0, 0, y.shape().size().min(LONGEST))
}

/// A vector of [`LENGTH`] bounded numbers from the results of a function: what loops feed back.
fn fed_back(y: Var) -> Var {
    let n = y.shape().size();
    0.5 * y.tile(&[LENGTH.div_ceil(n)]).slice_axis(0, 0, LENGTH).tanh()
}

fn fed_back_numbers(y: &[f64]) -> Vec<f64> {
    (0..LENGTH).map(|i| 0.5 * y[i % y.len()].tanh()).collect()
}

fn weights(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.3 * i as f64 + 0.5).cos()).collect()
}

fn weighted(y: Var) -> Var {
    Var::constant(weights(y.shape().size())).dot(y)
}

fn fixed() -> Vec<f64> {
    (0..LENGTH).map(|i| (0.9 * i as f64 + 1.0).sin()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transformation {
    Grad,
    Jvp,
    Vjp,
    /// The transpose of the transpose of a multiple of the differential.
    Linear,
    Hvp,
    Vmap,
    /// Mapped over a factor, with the vector captured.
    VmapCaptured,
    JacobianForward,
    JacobianReverse,
    SparseJacobian,
    Cond,
    Fori,
    While,
    Scan,
    Inner,
    Checkpoint,
    /// With a differential written by hand, the true one.
    CustomJvp,
    /// With a transposed differential written by hand, the true one.
    CustomVjp,
}

use Transformation::*;

impl Transformation {
    pub fn any() -> impl Strategy<Value = Transformation> {
        prop::sample::select(vec![
            Inner,
            Cond,
            Vmap,
            VmapCaptured,
            Fori,
            While,
            Scan,
            Jvp,
            Vjp,
            Grad,
            Linear,
            Hvp,
            JacobianForward,
            JacobianReverse,
            SparseJacobian,
            Checkpoint,
            CustomJvp,
            CustomVjp,
        ])
    }

    pub fn apply(self, f: &Function) -> Function {
        let f = Rc::clone(f);
        // Each function takes the whole number along as a leaf that cannot move.
        let tree = move |(x, k): (Var, Var)| f(x, k);
        let scalar = {
            let tree = tree.clone();
            move |x: (Var, Var)| weighted(tree(x))
        };
        match self {
            Grad => Rc::new(move |x, k| grad(&scalar)((x, k)).0),
            Jvp => Rc::new(move |x, k| jvp(&tree, (x, k), (Var::constant(fixed()), k)).1),
            Vjp => Rc::new(move |x, k| {
                let (y, back) = vjp(&tree, (x, k));
                back(Var::constant(weights(y.shape().size())).sin()).0
            }),
            Linear => Rc::new(move |x, k| {
                let (_, map) = linearize(&tree, (x, k));
                let map = (3.0 * &map - map).transpose().transpose();
                map.apply((Var::constant(fixed()), k))
            }),
            Hvp => Rc::new(move |x, k| hvp(&scalar)((x, k), (Var::constant(fixed()), k)).0),
            Vmap => Rc::new(move |x, k| {
                let xs = Var::stack(&[x, 0.9 * x + 0.05], 1);
                let ks = Var::stack(&[k, 1 - k], 0);
                short(vmap_axes(&tree, [Some(1), Some(0)], [0])((xs, ks)).flatten())
            }),
            VmapCaptured => Rc::new(move |x, k| {
                let tree = tree.clone();
                short(vmap(move |c: Var| tree((c * x, k)))(Var::constant([1.0, 0.8])).flatten())
            }),
            JacobianForward | JacobianReverse => Rc::new(move |x, k| {
                let mode = if self == JacobianForward { Mode::Forward } else { Mode::Reverse };
                jacobian_by(&tree, mode)((x, k)).0.dot(x)
            }),
            SparseJacobian => Rc::new(move |x, k| sparse_jacobian(&tree)((x, k)).dot(x)),
            Cond => Rc::new(move |x, k| cond(k.eq(1), || tree((x, k)), || tree((-x, k)))),
            Fori => Rc::new(move |x, k| {
                fori(0..2, |i, y: Var| fed_back(tree((y, k))) + 0.1 * i.cast(DType::F64), x)
            }),
            While => Rc::new(move |x, k| {
                let round = |(i, y): (Var, Var)| (i + 1, fed_back(tree((y, k))));
                while_loop(|(i, _)| i.lt(k + 1), round, (k.zeros_like(), x)).1
            }),
            Scan => Rc::new(move |x, k| {
                let step = |c: Var, x: Var| (fed_back(tree((c, k))), c * x);
                short(scan(step, x, Var::constant([0.9, 1.1])).1.flatten())
            }),
            Inner => Rc::new(move |x, k| tree((x.sin(), k))),
            Checkpoint => Rc::new(move |x, k| checkpoint(&tree)((x, k))),
            CustomJvp => {
                Rc::new(move |x, k| custom_jvp(&tree, |x, _, dx| jvp(&tree, x, dx).1)((x, k)))
            }
            CustomVjp => Rc::new(move |x, k| {
                let backward = |x: (Var, Var), ct: Var| vjp(&tree, x).1(ct);
                custom_vjp(&tree, |x| (tree(x), x), backward)((x, k))
            }),
        }
    }

    /// Holds the values of the transformed function against those of the one before.
    pub fn check(self, before: &Meaning, after: &Meaning, f: &Function, k: i64) -> Result<Verdict> {
        let (x, name) = (point(), format!("{self:?}"));
        let y = after.at(&x, k)?;
        let along = |v: &[f64]| differential(&|x| before.at(x, k), &x, v);
        let size = before.at(&x, k)?.len();
        // ⟨y, u⟩ = ⟨w, Df(x)[u]⟩ for some u.
        let pulled_back = |w: &[f64]| -> Result<Verdict> {
            let mut verdict = Verdict::Agrees;
            for u in [fixed(), weights(LENGTH)] {
                let inner: f64 = y.iter().zip(&u).map(|(y, u)| y * u).sum();
                verdict = verdict.and(along(&u)?.weighted(w).compare(&[inner], &name));
            }
            Ok(verdict)
        };
        let same = |expected: &[f64]| Ok(Verdict::close(&y, expected, 1e-11, &name));
        let truncated = |mut y: Vec<f64>| {
            y.truncate(LONGEST);
            y
        };
        let negative: Vec<f64> = x.iter().map(|x| -x).collect();
        match self {
            Grad => pulled_back(&weights(size)),
            Vjp => pulled_back(&weights(size).iter().map(|w| w.sin()).collect::<Vec<_>>()),
            Jvp => Ok(along(&fixed())?.compare(&y, &name)),
            Linear => {
                let half: Vec<f64> = y.iter().map(|y| 0.5 * y).collect();
                Ok(along(&fixed())?.compare(&half, &name))
            }
            Hvp => {
                let gradient = Meaning::of(&Grad.apply(f))?;
                Ok(differential(&|x| gradient.at(x, k), &x, &fixed())?.compare(&y, &name))
            }
            JacobianForward | JacobianReverse | SparseJacobian => Ok(along(&x)?.compare(&y, &name)),
            Vmap => {
                let other: Vec<f64> = x.iter().map(|x| 0.9 * x + 0.05).collect();
                same(&truncated([before.at(&x, k)?, before.at(&other, 1 - k)?].concat()))
            }
            VmapCaptured => {
                let smaller: Vec<f64> = x.iter().map(|x| 0.8 * x).collect();
                same(&truncated([before.at(&x, k)?, before.at(&smaller, k)?].concat()))
            }
            Cond => same(&before.at(if k == 1 { &x } else { &negative }, k)?),
            Fori => {
                let first = fed_back_numbers(&before.at(&x, k)?);
                let second = fed_back_numbers(&before.at(&first, k)?);
                same(&second.iter().map(|y| y + 0.1).collect::<Vec<_>>())
            }
            While => {
                let mut state = x;
                for _ in 0..=k {
                    state = fed_back_numbers(&before.at(&state, k)?);
                }
                same(&state)
            }
            Scan => {
                let next = fed_back_numbers(&before.at(&x, k)?);
                let parts = x.iter().map(|c| c * 0.9).chain(next.iter().map(|c| c * 1.1));
                same(&truncated(parts.collect()))
            }
            Checkpoint | CustomJvp | CustomVjp => same(&before.at(&x, k)?),
            Inner => same(&before.at(&x.iter().map(|x| x.sin()).collect::<Vec<_>>(), k)?),
        }
    }
}
