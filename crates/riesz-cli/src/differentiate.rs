//! Derivatives at a point, computed with programs.
//!
//! The layout is the language's: the gradient of a scalar has its variable's shape, the Jacobian of
//! a vector is m×n (and that of a row is its transpose's), everything else has the shape of the
//! function followed by that of the variable; the Hessian has its variable's shape twice.
//! Derivatives lie in the space their variable lives in: by a symmetric variable they are
//! symmetric, by a diagonal one diagonal (the Riesz representative in that subspace).

use crate::Failure;
use crate::input::Question;
use riesz::{DType, Program, Tensor, Var, compile, grad, jacobian_by, run};
use riesz_core::fail;
use riesz_lang::ast::{Facts, Kind};
use riesz_lang::typed::{ExprId, Typed, VarId};
use riesz_lang::{dims::Dims, lower};

/// How many times to differentiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Gradient or Jacobian.
    First,
    /// Hessian.
    Second,
    /// The derivative of the gradient by another variable.
    Mixed(VarId),
}

/// A typed expression at a point.
pub struct Point<'a> {
    /// The expression and its variables.
    pub typed: &'a Typed,
    /// Sizes: all that the expression needs are numbers.
    pub dims: &'a Dims,
    /// The expression in `typed`.
    pub root: ExprId,
    /// A value for each variable the expression uses.
    pub values: &'a [Option<Tensor>],
}

/// How often a plan is run to be measured: the first time its code and data are not in the caches.
const MEASURED_RUNS: usize = 5;

impl Point<'_> {
    /// The value and, when asked for, the derivative.
    ///
    /// # Errors
    /// When the program has no result at this point, or a size is not known.
    pub fn evaluate(&self, wrt: Option<(VarId, Order)>) -> riesz::Result<(Tensor, Option<Tensor>)> {
        run(|inputs| self.results(inputs, wrt), &self.given())
    }

    /// How [`evaluate`](Point::evaluate) computes: the program that runs, and in words what compiling took, the
    /// plan, and the times of its steps in the best of some runs.
    ///
    /// # Errors
    /// As [`evaluate`](Point::evaluate).
    pub fn explain(&self, wrt: Option<(VarId, Order)>) -> riesz::Result<(Program, String)> {
        let given = self.given();
        let f = compile(|inputs| self.results(inputs, wrt)).measure(true);
        for _ in 0..MEASURED_RUNS {
            f.call(&given)?;
        }
        let text = format!("{}\n{}", f.report(&given)?, f.explain(&given)?);
        Ok((f.program(&given)?, text))
    }

    fn given(&self) -> Vec<Tensor> {
        self.values.iter().flatten().cloned().collect()
    }

    /// The value and the derivative; `Option` is a tree: none has no leaves.
    fn results(&self, inputs: Vec<Var>, wrt: Option<(VarId, Order)>) -> (Var, Option<Var>) {
        let vars = self.place(&inputs);
        (self.value(&vars), wrt.map(|wrt| self.derivative(&vars, wrt)))
    }

    /// The program from the values that are given, in order, to the expression.
    ///
    /// # Errors
    /// When a size or a value is missing.
    pub fn program(&self, wrt: Option<(VarId, Order)>) -> riesz::Result<Program> {
        let types: Vec<riesz::Type> = self.values.iter().flatten().map(Tensor::ty).collect();
        riesz_core::trace(&types, |inputs| {
            let vars = self.place(inputs);
            let mut results = vec![self.value(&vars)];
            results.extend(wrt.map(|wrt| self.derivative(&vars, wrt)));
            results
        })
    }

    /// Every part of the expression that is computed, innermost first, and the program from the values
    /// that are given to all of them. The last is the expression.
    ///
    /// # Errors
    /// When a size or a value is missing.
    pub fn parts(&self) -> riesz::Result<(Vec<ExprId>, Program)> {
        let parts = self.typed.parts(self.root);
        let types: Vec<riesz::Type> = self.values.iter().flatten().map(Tensor::ty).collect();
        let program = riesz_core::trace(&types, |inputs| {
            let vars = self.place(inputs);
            match lower::lower(self.typed, self.dims, &parts, &vars) {
                Ok(values) => values,
                Err(error) => vec![fail(error)],
            }
        })?;
        Ok((parts, program))
    }

    /// The inputs at the places of their variables.
    pub fn place(&self, inputs: &[Var]) -> Vec<Option<Var>> {
        let mut inputs = inputs.iter().copied();
        self.values.iter().map(|v| v.as_ref().and_then(|_| inputs.next())).collect()
    }

    /// The expression at these variables, in the current trace.
    pub fn value(&self, vars: &[Option<Var>]) -> Var {
        match lower::lower(self.typed, self.dims, &[self.root], vars) {
            Ok(values) => values[0],
            Err(error) => fail(error),
        }
    }

    fn derivative(&self, vars: &[Option<Var>], (wrt, order): (VarId, Order)) -> Var {
        if let Order::Mixed(y) = order {
            let Some(at) = vars.get(y.index()).copied().flatten() else {
                return self.missing(y);
            };
            let gradient = |y_value: Var| {
                let mut vars = vars.to_vec();
                vars[y.index()] = Some(y_value);
                self.derivative(&vars, (wrt, Order::First))
            };
            let derivative = jacobian_by(gradient, riesz::Mode::Forward)(at);
            return into_space(derivative, at.rank(), &self.typed.var(y).facts);
        }
        let Some(x) = vars.get(wrt.index()).copied().flatten() else { return self.missing(wrt) };
        let facts = self.typed.var(wrt).facts;
        let f = |x: Var| {
            let mut vars = vars.to_vec();
            vars[wrt.index()] = Some(x);
            self.value(&vars)
        };
        let gradient = |x: Var| into_space(grad(f)(x), x.rank(), &facts);
        let rank = x.rank();
        match (order, self.typed.shape(self.root).kind) {
            (Order::First, Kind::Scalar) => gradient(x),
            (Order::First, _) => into_space(riesz::jacobian(f)(x), rank, &facts),
            (Order::Second | Order::Mixed(_), _) => {
                into_space(jacobian_by(gradient, riesz::Mode::Forward)(x), rank, &facts)
            }
        }
    }

    /// A variable that was not given.
    fn missing(&self, v: VarId) -> Var {
        fail(riesz::Error::usage(format!("`{}` has no value", self.typed.var(v).name)))
    }
}

/// The part of a derivative in the space its variable lives in; the last `rank` axes are the
/// variable's.
fn into_space(derivative: Var, rank: usize, facts: &Facts) -> Var {
    let axes = derivative.rank();
    if rank != 2 || axes < 2 || !(facts.symmetric || facts.diagonal) {
        return derivative;
    }
    if facts.diagonal {
        let n = derivative.shape()[axes - 1];
        return derivative * Var::eye(DType::F64, n);
    }
    let mut swapped: Vec<usize> = (0..axes).collect();
    swapped.swap(axes - 2, axes - 1);
    0.5 * (derivative + derivative.transpose(&swapped))
}

impl Question {
    /// The expression at the values that were given.
    pub fn point(&self) -> Point<'_> {
        Point { typed: &self.typed, dims: &self.typed.dims, root: self.root, values: &self.values }
    }

    /// The variable and the order, if a derivative is asked for. Two names, `x,y`, ask for the
    /// derivative by y of the gradient by x.
    ///
    /// # Errors
    /// When there is no such variable, or no Hessian.
    pub fn request(&self, wrt: &str, order: u8) -> Result<(VarId, Order), Failure> {
        let (v, order) = match wrt.split_once(',') {
            Some(_) if order != 1 => {
                return Err(Failure::input("--wrt with two names is of order 2 already")
                    .help("leave out --order, or give one name: --wrt x --order 2"));
            }
            Some((_, rest)) if rest.contains(',') => {
                return Err(Failure::input("--wrt takes one name, or two for a mixed derivative"));
            }
            Some((x, y)) => (self.variable(x.trim())?, Order::Mixed(self.variable(y.trim())?)),
            None if order == 1 => return Ok((self.variable(wrt)?, Order::First)),
            None => (self.variable(wrt)?, Order::Second),
        };
        let shape = self.typed.shape(self.root);
        if !shape.is_scalar() {
            let error = self
                .complaint("only a scalar has a Hessian")
                .note(format!("this is {}", shape.text(&self.typed.dims)))
                .help("ask for --order 1, or reduce it to a scalar, for instance with sum(…)");
            return Err(Failure::text(error, "expression", &self.text));
        }
        Ok((v, order))
    }
}
