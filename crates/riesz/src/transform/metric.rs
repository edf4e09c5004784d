//! `grad_in`: the gradient for another inner product, and for spaces of matrices.
//!
//! A differential Df(x) is a linear function. By Riesz' theorem it is the inner product with one vector,
//! and which vector that is depends on the inner product: for ⟨u, v⟩_M = ⟨u, M·v⟩ it is M⁻¹·∇f. Descent
//! along it is what is known as preconditioned descent, and as natural gradient when M is a Fisher
//! matrix. In a subspace, such as the symmetric matrices, it is the projection of ∇f.

use super::grad::gradient;
use crate::tree::{VarTree, flatten, unflatten, with_leaves};
use riesz_core::primitive::TriangularSolve;
use riesz_core::{Error, Var, current_source, fail};
use std::rc::Rc;

/// The gradient of `f` for the inner product of `metric`: a tree g like the argument, an element of the
/// space of the metric, with Df(x)\[dx\] = ⟨g, dx⟩_M for every dx of that space.
///
/// # Errors
/// Left in the trace as for [`grad`](crate::grad); and when the metric does not fit the argument. A matrix that is
/// not positive definite is an error of the run.
///
/// ```
/// use riesz::prelude::*;
/// // Along the gradient in the metric of its own matrix, a quadratic is at its minimum in one step.
/// let a = || Var::constant([[1000.0, 1.0], [1.0, 1.0]]);
/// let f = |x: Var| 0.5 * x.dot(a().dot(x)) - x.sum();
/// let step = compile(|x: Var| x - grad_in(f, metric::Matrix(a()))(x));
/// let x = step.call(&Tensor::from([7.0, -3.0]))?; // A⁻¹·(1, 1) = (0, 1)
/// assert!((x.to_f64()[0]).abs() < 1e-12 && (x.to_f64()[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn grad_in<A: VarTree, M: Metric<A>>(f: impl Fn(A) -> Var, metric: M) -> impl Fn(A) -> A {
    let gradient = gradient("grad_in", current_source(), f);
    move |x| metric.solve(gradient(x))
}

/// An inner product ⟨u, v⟩_M = ⟨u, M·v⟩ on trees, or on a subspace of them.
pub trait Metric<A: VarTree> {
    /// M·v.
    fn apply(&self, v: A) -> A;

    /// The element u of the space with ⟨u, v⟩_M = ⟨g, v⟩ for every v of the space: M⁻¹·g.
    fn solve(&self, g: A) -> A;

    /// ⟨u, v⟩_M, a number: ⟨v, v⟩_M is the square of the length of a step.
    #[track_caller]
    fn inner(&self, u: &A, v: &A) -> Var {
        let (u, mv) = (u.leaves(), self.apply(v.clone()).leaves());
        let floats = u.into_iter().zip(mv).filter(|(u, _)| u.dtype().is_float());
        let products = floats.map(|(u, mv)| (u * mv).sum());
        products.reduce(|a, b| a + b).unwrap_or_else(|| Var::constant(0.0))
    }
}

/// The inner product of the coordinates, ⟨u, v⟩ = Σ uᵢvᵢ.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl<A: VarTree> Metric<A> for Identity {
    fn apply(&self, v: A) -> A {
        v
    }
    fn solve(&self, g: A) -> A {
        g
    }
}

/// A positive weight for each coordinate: ⟨u, v⟩ = Σ mᵢuᵢvᵢ. The weights are a tree like the argument,
/// or leaves that broadcast to it.
#[derive(Clone, Debug)]
pub struct Diagonal<A>(pub A);

impl<A: VarTree> Metric<A> for Diagonal<A> {
    fn apply(&self, v: A) -> A {
        on_floats(&v, &self.0, |v, m| v * m)
    }
    fn solve(&self, g: A) -> A {
        on_floats(&g, &self.0, |g, m| g / m)
    }
}

/// `f` of each float leaf of `x` and the leaf of `y` beside it; other leaves of `x` as they are.
#[track_caller]
fn on_floats<A: VarTree>(x: &A, y: &A, f: impl Fn(Var, Var) -> Var) -> A {
    crate::tree::zip_map(x, y, |x, y| if x.dtype().is_float() { f(x, y) } else { x })
}

/// A symmetric positive definite matrix on the coordinates of the whole tree, in the order of
/// [`flatten`]; `solve` factors it (Cholesky).
#[derive(Clone, Copy, Debug)]
pub struct Matrix(pub Var);

impl<A: VarTree> Metric<A> for Matrix {
    fn apply(&self, v: A) -> A {
        unflatten(&v, self.0.dot(flatten(&v)))
    }
    fn solve(&self, g: A) -> A {
        let lower = self.0.cholesky();
        let half = lower.triangular_solve(flatten(&g), TriangularSolve::LOWER);
        let back = TriangularSolve { transposed: true, ..TriangularSolve::LOWER };
        unflatten(&g, lower.triangular_solve(half, back))
    }
}

/// Any metric, by the functions that apply M and M⁻¹: a banded solver, a Kronecker product, conjugate
/// gradients.
#[derive(Clone, Copy, Debug)]
pub struct Operators<F, G> {
    /// v ↦ M·v.
    pub apply: F,
    /// g ↦ M⁻¹·g.
    pub solve: G,
}

impl<A: VarTree, F: Fn(A) -> A, G: Fn(A) -> A> Metric<A> for Operators<F, G> {
    fn apply(&self, v: A) -> A {
        (self.apply)(v)
    }
    fn solve(&self, g: A) -> A {
        (self.solve)(g)
    }
}

/// A metric of its own for each float leaf of a tree, in order: a block structure.
///
/// ```
/// use riesz::prelude::*;
/// use riesz::metric::{Blocks, Identity, Matrices};
/// // A symmetric matrix and a vector beside it.
/// let f = |(s, x): (Var, Var)| x.dot(s.dot(x)) + s.at(0).at(1);
/// let metric = Blocks::of(Matrices::Symmetric).and(Identity);
/// let args = (Tensor::from([[1.0, 0.0], [0.0, 1.0]]), Tensor::from([1.0, 2.0]));
/// let (by_s, by_x) = run(grad_in(f, metric), &args)?;
/// assert_eq!(by_s, Tensor::from([[1.0, 2.5], [2.5, 4.0]])); // xxᵀ, and ½ on either side
/// assert_eq!(by_x, Tensor::from([2.0, 4.0]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Blocks(Vec<Rc<dyn Metric<Var>>>);

impl Blocks {
    /// The metric of the first leaf.
    pub fn of(first: impl Metric<Var> + 'static) -> Blocks {
        Blocks(vec![Rc::new(first)])
    }

    /// The metric of the next leaf.
    pub fn and(mut self, next: impl Metric<Var> + 'static) -> Blocks {
        self.0.push(Rc::new(next));
        self
    }

    #[track_caller]
    fn each<A: VarTree>(&self, x: &A, f: impl Fn(&dyn Metric<Var>, Var) -> Var) -> A {
        let leaves = x.leaves();
        let floats = leaves.iter().filter(|leaf| leaf.dtype().is_float()).count();
        if floats != self.0.len() {
            let message = format!("{} blocks for a tree of {floats} float leaves", self.0.len());
            fail(Error::shape(message).at("metric", current_source()));
            return x.map(&mut |_| Var::poison());
        }
        let mut blocks = self.0.iter();
        let mut of = |leaf: Var| match leaf.dtype().is_float().then(|| blocks.next()).flatten() {
            Some(block) => f(block.as_ref(), leaf),
            None => leaf,
        };
        let leaves: Vec<Var> = leaves.into_iter().map(&mut of).collect();
        with_leaves(x, leaves, &Var::poison())
    }
}

impl<A: VarTree> Metric<A> for Blocks {
    fn apply(&self, v: A) -> A {
        self.each(&v, |block, v| block.apply(v))
    }
    fn solve(&self, g: A) -> A {
        self.each(&g, |block, g| block.solve(g))
    }
}

/// A space of square matrices with the inner product ⟨A, B⟩ = tr(AᵀB): the gradient in it is the
/// orthogonal projection of the gradient among all matrices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matrices {
    /// A = Aᵀ: (G + Gᵀ)/2.
    Symmetric,
    /// A = −Aᵀ: (G − Gᵀ)/2.
    Skew,
    /// Zero off the diagonal.
    Diagonal,
    /// Zero above the diagonal.
    Lower,
    /// Zero below the diagonal.
    Upper,
}

impl Matrices {
    /// The element of the space nearest to a matrix, or to each of a stack of matrices.
    ///
    /// # Errors
    /// Left in the trace when `g` is not a square matrix.
    #[track_caller]
    pub fn project(self, g: Var) -> Var {
        if !matches!(g.shape().split_last_chunk::<2>(), Some((_, [m, n])) if m == n) {
            let message = format!("{} is not a square matrix", g.ty());
            return fail(Error::shape(message).at("metric", current_source()));
        }
        match self {
            Matrices::Symmetric => 0.5 * (g + g.t()),
            Matrices::Skew => 0.5 * (g - g.t()),
            Matrices::Diagonal => g.tril().triu(),
            Matrices::Lower => g.tril(),
            Matrices::Upper => g.triu(),
        }
    }
}

impl Metric<Var> for Matrices {
    fn apply(&self, v: Var) -> Var {
        self.project(v)
    }
    fn solve(&self, g: Var) -> Var {
        self.project(g)
    }
}
