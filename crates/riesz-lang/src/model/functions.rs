//! The objective and the constraints as compiled functions of coordinates.
//!
//! Arguments are one leaf of coordinates for each variable and the values of the parameters, which
//! the derivatives do not see. Results that are NaN or infinite, and operations without a result
//! (a singular matrix), mean a point outside the domain, as the solvers understand it.

use super::constraints::Limits;
use super::facts::has_cholesky;
use super::space::Space;
use crate::ast::{Problem, Sense};
use crate::lower::lower;
use crate::typed::{ExprId, Typed};
use riesz::minimize::{Constraints, EvalError, Objective};
use riesz::{ErrorKind, Tensor, Var, compile, hvp, value_and_grad, vjp};
use std::rc::Rc;

type Leaves = Vec<Tensor>;
type Compiled = Box<dyn Fn(Leaves) -> riesz::Result<Leaves>>;

/// Everything a solver calls.
pub(super) struct Functions {
    spaces: Vec<Space>,
    parameters: Vec<Option<Tensor>>,
    value_grad: Compiled,
    hvp: Compiled,
    equalities: Option<Residual>,
    inequalities: Option<Residual>,
}

/// A vector of residuals and its transposed Jacobian.
struct Residual {
    count: usize,
    value: Compiled,
    vjp: Compiled,
}

/// Expressions of the problem as functions of leaves of coordinates.
struct Roots {
    typed: Rc<Typed>,
    spaces: Vec<Space>,
    /// Which spaces are split, in the order of the variables that stand for magnitudes.
    split: Vec<usize>,
    roots: Vec<ExprId>,
}

impl Roots {
    /// The values of the roots, in the current trace.
    fn values(&self, leaves: &[Var], parameters: &[Var]) -> Vec<Var> {
        let natural = leaves.iter().zip(&self.spaces).map(|(leaf, space)| space.unpack(*leaf));
        let magnitudes = self.split.iter().map(|&i| self.spaces[i].magnitude(leaves[i]));
        let all = parameters.iter().copied().chain(natural).chain(magnitudes);
        let vars: Vec<Option<Var>> = all.map(Some).collect();
        match lower(&self.typed, &self.typed.dims, &self.roots, &vars) {
            Ok(values) => values,
            Err(error) => vec![riesz_core::fail(error); self.roots.len()],
        }
    }
}

impl Functions {
    /// The functions of a problem; tracing waits for the first call.
    pub fn new(
        typed: &Typed,
        objective: ExprId,
        problem: &Problem,
        values: Vec<Option<Tensor>>,
        spaces: &[Space],
        split: &[usize],
        limits: &Limits,
    ) -> Functions {
        let typed = Rc::new(typed.clone());
        let parameters: Leaves = values.iter().flatten().cloned().collect();
        let roots = |roots: Vec<ExprId>| {
            let (typed, spaces, split) = (Rc::clone(&typed), spaces.to_vec(), split.to_vec());
            Rc::new(Roots { typed, spaces, split, roots })
        };
        let sign = if problem.sense == Sense::Max { -1.0 } else { 1.0 };
        let objective = roots(vec![objective]);
        let f = move |leaves: Vec<Var>, parameters: &[Var]| {
            let value = objective.values(&leaves, parameters)[0];
            if sign < 0.0 { -value } else { value }
        };
        let (g, ps) = (f.clone(), parameters.clone());
        let value_grad = compile(move |(x, p): (Vec<Var>, Vec<Var>)| {
            let (value, gradient) = value_and_grad(|x| g(x, &p))(x);
            [vec![value], gradient].concat()
        });
        let value_grad: Compiled = Box::new(move |x| value_grad.call(&(x, ps.clone())));
        let (n, ps) = (spaces.len(), parameters.clone());
        // The first half of the leaves is the point, the second the direction.
        let product = compile(move |(mut x, p): (Vec<Var>, Vec<Var>)| {
            let v = x.split_off(n);
            hvp(|x| f(x, &p))(x, v)
        });
        let product: Compiled = Box::new(move |x| product.call(&(x, ps.clone())));
        let residual = |list: &[ExprId]| {
            (!list.is_empty()).then(|| Residual::new(roots(list.to_vec()), &parameters))
        };
        Functions {
            spaces: spaces.to_vec(),
            parameters: values,
            value_grad,
            hvp: product,
            equalities: residual(&limits.equalities),
            inequalities: residual(&limits.inequalities),
        }
    }

    pub fn objective(&self) -> impl Objective + '_ {
        Goal(self)
    }

    pub fn equalities(&self) -> Option<impl Constraints + '_> {
        self.equalities.as_ref().map(|r| Relations(self, r))
    }

    pub fn inequalities(&self) -> Option<impl Constraints + '_> {
        self.inequalities.as_ref().map(|r| Relations(self, r))
    }

    /// The values of the parameters.
    pub fn parameters(&self) -> &[Option<Tensor>] {
        &self.parameters
    }

    fn dim(&self) -> usize {
        self.spaces.iter().map(Space::dim).sum()
    }

    fn leaves(&self, x: &[f64]) -> Leaves {
        let mut at = 0;
        let leaf = |space: &Space| {
            at += space.dim();
            space.leaf(&x[at - space.dim()..at])
        };
        self.spaces.iter().map(leaf).collect()
    }

    /// Whether every variable that must be positive definite is.
    fn inside(&self, x: &[f64]) -> bool {
        let mut at = 0;
        self.spaces.iter().all(|space| {
            at += space.dim();
            let part = &x[at - space.dim()..at];
            let side = space.axes().first().copied().unwrap_or(1);
            !space.definite || has_cholesky(&space.natural(part).to_f64(), side, 0.0)
        })
    }

    /// Value and gradient of what is minimised; `Ok(None)` outside of the domain of definiteness.
    ///
    /// # Errors
    /// Also where an operation has no result, which [`outside`] tells apart.
    pub fn evaluate(&self, x: &[f64], gradient: &mut [f64]) -> riesz::Result<Option<f64>> {
        if !self.inside(x) {
            return Ok(None);
        }
        let results = (self.value_grad)(self.leaves(x))?;
        let value = results.first().map_or(Ok(f64::NAN), Tensor::item::<f64>)?;
        flatten(&results[1..], gradient)?;
        Ok(Some(value))
    }

    /// All residuals, equalities first.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn residuals(&self, x: &[f64]) -> riesz::Result<Vec<f64>> {
        let mut all = Vec::new();
        for residual in self.equalities.iter().chain(&self.inequalities) {
            for part in (residual.value)(self.leaves(x))? {
                all.extend(part.to_f64());
            }
        }
        Ok(all)
    }
}

impl Residual {
    fn new(roots: Rc<Roots>, parameters: &Leaves) -> Residual {
        let size = |e: &ExprId| {
            let axes = crate::lower::axes(roots.typed.shape(*e), &roots.typed.dims);
            axes.map_or(0, |axes| axes.iter().product::<usize>())
        };
        let count = roots.roots.iter().map(size).sum();
        let flat = move |x: Vec<Var>, p: &[Var]| {
            let parts: Vec<Var> =
                roots.values(&x, p).into_iter().map(|v| v.reshape([v.shape().size()])).collect();
            if parts.len() == 1 { parts[0] } else { Var::concat(&parts, 0) }
        };
        let (g, ps) = (flat.clone(), parameters.clone());
        let value = compile(move |(x, p): (Vec<Var>, Vec<Var>)| g(x, &p));
        let value: Compiled =
            Box::new(move |x| value.call(&(x, ps.clone())).map(|value| vec![value]));
        let ps = parameters.clone();
        let back = compile(move |(mut x, p): (Vec<Var>, Vec<Var>)| {
            let weights = x.split_off(x.len() - 1)[0];
            vjp(|x| flat(x, &p), x).1(weights)
        });
        let vjp: Compiled = Box::new(move |x| back.call(&(x, ps.clone())));
        Residual { count, value, vjp }
    }
}

/// Whether an error means that the point is outside the domain.
pub(super) fn outside(error: &riesz::Error) -> bool {
    error.kind() == ErrorKind::Value
}

fn flatten(parts: &[Tensor], out: &mut [f64]) -> riesz::Result<()> {
    let mut at = 0;
    for part in parts {
        let part = part.as_slice::<f64>()?;
        out[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    Ok(())
}

struct Goal<'a>(&'a Functions);

impl Objective for Goal<'_> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn value_grad(&mut self, x: &[f64], grad: &mut [f64]) -> Result<f64, EvalError> {
        match self.0.evaluate(x, grad) {
            Ok(value) => Ok(value.unwrap_or(f64::INFINITY)),
            Err(error) if outside(&error) => Ok(f64::NAN),
            Err(error) => Err(EvalError::new(error)),
        }
    }

    fn hvp(&mut self, x: &[f64], v: &[f64], out: &mut [f64]) -> Option<Result<(), EvalError>> {
        let leaves = [self.0.leaves(x), self.0.leaves(v)].concat();
        let product = (self.0.hvp)(leaves).and_then(|parts| flatten(&parts, out));
        Some(product.map_err(EvalError::new))
    }
}

struct Relations<'a>(&'a Functions, &'a Residual);

impl Constraints for Relations<'_> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn count(&self) -> usize {
        self.1.count
    }

    fn value(&mut self, x: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        match (self.1.value)(self.0.leaves(x)).and_then(|parts| flatten(&parts, out)) {
            Err(error) if outside(&error) => {
                out.fill(f64::NAN);
                Ok(())
            }
            result => result.map_err(EvalError::new),
        }
    }

    fn vjp(&mut self, x: &[f64], weights: &[f64], out: &mut [f64]) -> Result<(), EvalError> {
        let mut leaves = self.0.leaves(x);
        leaves.push(Tensor::from(weights));
        (self.1.vjp)(leaves).and_then(|parts| flatten(&parts, out)).map_err(EvalError::new)
    }
}
