//! Derivatives as formulas.
//!
//! A typed expression becomes a term (`term`), a normal form of linear algebra; its gradient is
//! taken backwards (`reverse`), its differential forwards (`forward`), with rules on whole
//! matrices; a Jacobian is read off the differential (`read`); common factors are taken out
//! (`tidy`); and the result is written in the language again (`output`, `print`). What a
//! derivative is, and its layout, is said at [`Form`].
//!
//! Simplifications hold over the reals where both sides are defined. Nothing here evaluates
//! anything: check a formula at points with [`crate::interp`] before showing it.

mod build;
mod convert;
mod cost;
mod facts;
mod forward;
mod latex;
mod naming;
mod order;
mod output;
mod print;
mod read;
mod reverse;
mod rules;
mod rust;
mod term;
mod tidy;

pub use latex::latex;
pub use print::text;
pub use rust::rust;

use crate::ast::{Declaration, Formula, Kind};
use crate::diagnostic::{Diagnostic, Span};
use crate::infer::Checker;
use crate::parser::parse_formula;
use crate::typed::{ExprId, Typed};
use term::{T, Term, Terms};

/// What kind of thing a derivative is.
///
/// Df\[dx\] is the linear part of f(x + dx) - f(x).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// g with Df\[dx\] = ⟨g, dx⟩, in the shape and the space of x: symmetric for a symmetric x.
    Gradient,
    /// J with Df\[dx\] = J·dx, m by n; by a scalar, in the shape of f.
    Jacobian,
    /// The Jacobian of the gradient.
    Hessian,
    /// Df\[dx\] itself, with the direction's name.
    Differential,
}

impl Form {
    /// Its name: `gradient`, `jacobian`, `hessian`, `differential`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gradient => "gradient",
            Self::Jacobian => "jacobian",
            Self::Hessian => "hessian",
            Self::Differential => "differential",
        }
    }
}

/// A derivative as a formula.
#[derive(Debug, Clone)]
pub struct Derivative {
    /// What it is.
    pub form: Form,
    /// The direction's name, for a differential.
    pub direction: Option<String>,
    /// The formula.
    pub formula: Formula,
    /// The formula with its shapes: its variables are those of the expression, in the same order,
    /// then the direction. Its text is `text`.
    pub typed: Typed,
    /// The root in `typed`.
    pub root: ExprId,
    /// The formula as text of the language. The size of a `vector(c)`, `matrix(c)` or `eye` in it
    /// may come from the shape the derivative has (the gradient of `sum(x)` is `vector(1)`).
    pub text: String,
}

/// What to derive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Gradient of a scalar, Jacobian of a vector (or by a scalar), else the differential.
    First(&'a str),
    /// Hessian of a scalar by a vector or scalar, else the differential of the gradient.
    Second(&'a str),
    /// Jacobian of the gradient by the first name, with respect to the second.
    Mixed(&'a str, &'a str),
    /// Df\[dx\].
    Differential(&'a str),
    /// The differential of the gradient: the Hessian applied to a direction.
    HessianProduct(&'a str),
    /// The Jacobian of `vec(f)` by `vec(X)`, columns below columns, with `kron`.
    VecJacobian(&'a str),
}

/// The derivative of an expression as a formula. If the language has no form for the gradient or
/// Jacobian, the differential is given instead.
///
/// ```
/// use riesz_lang::{Checker, formula::{Request, derive}, parse_formula};
/// let mut c = Checker::new();
/// let f = c.formula(&parse_formula("norm2(A*x - b)^2").unwrap());
/// assert!(f.is_err()); // b is a scalar by its letter, A*x a vector
/// let mut c = Checker::new();
/// for d in riesz_lang::parse_declarations("A: matrix[m,n]; b: vector[m]").unwrap() {
///     c.declare(&d);
/// }
/// let f = c.formula(&parse_formula("norm2(A*x - b)^2").unwrap()).unwrap();
/// let g = derive(&c.finish().unwrap(), f, Request::First("x")).unwrap();
/// assert_eq!(g.text, "2*A'*(A*x - b)");
/// ```
///
/// # Errors
/// A name that is not in the expression, order 2 of an expression that is not a scalar, an
/// expression too large or too deep for a formula.
pub fn derive(typed: &Typed, root: ExprId, request: Request<'_>) -> Result<Derivative, Diagnostic> {
    let span = typed.node(root).span;
    let mut terms = Terms::new(free(typed, request));
    let f = terms.convert(root);
    if terms.too_large {
        return Err(too_large(span));
    }
    terms.expression = terms.last();
    let mut job = Job { terms, f, span };
    let (form, direction, result) = match request {
        Request::First(x) => job.first(x)?,
        Request::Second(x) => job.second(x)?,
        Request::Mixed(x, y) => job.mixed(x, y)?,
        Request::Differential(x) => job.differential(f, x)?,
        Request::HessianProduct(x) => {
            let (g, _) = job.scalar_gradient(x)?;
            job.differential(g, x)?
        }
        Request::VecJacobian(x) => job.vec_jacobian(x)?,
    };
    if job.terms.too_large {
        return Err(too_large(span));
    }
    job.finish(form, direction, result, typed.vars.len())
}

/// The expression without the facts that a derivative by these names does not keep: from an orthogonal matrix
/// the differential goes in all directions, along which `Q'*Q` does change.
fn free(typed: &Typed, request: Request<'_>) -> Typed {
    let names = match request {
        Request::Mixed(x, y) => [x, y],
        Request::First(x)
        | Request::Second(x)
        | Request::Differential(x)
        | Request::HessianProduct(x)
        | Request::VecJacobian(x) => [x, x],
    };
    let mut free = typed.clone();
    let variables = free.vars.iter_mut().filter(|v| names.contains(&v.name.as_str()));
    variables.for_each(|v| v.facts.orthogonal = false);
    free
}

struct Job {
    terms: Terms,
    f: T,
    span: Span,
}

type Made = (Form, Option<T>, T);

impl Job {
    fn leaf(&mut self, name: &str) -> Result<T, Diagnostic> {
        let names: Vec<String> =
            self.terms.typed.vars.iter().map(|v| format!("`{}`", v.name)).collect();
        self.terms.leaf(name).ok_or_else(|| {
            Diagnostic::new(format!("there is no variable `{name}` to derive by"), self.span)
                .note("in this expression")
                .help(format!("the variables are {}", names.join(", ")))
        })
    }

    fn first(&mut self, name: &str) -> Result<Made, Diagnostic> {
        let x = self.leaf(name)?;
        if self.terms.is_scalar(x) {
            let d = self.terms.differential(self.f, x, Terms::ONE);
            let form = if self.terms.is_scalar(self.f) { Form::Gradient } else { Form::Jacobian };
            return Ok((form, None, d));
        }
        if self.terms.is_scalar(self.f)
            && let Some(g) = self.terms.gradient(self.f, x)
        {
            return Ok((Form::Gradient, None, self.terms.in_space(g, x)));
        }
        if let Some(j) = self.jacobian(self.f, x) {
            return Ok((Form::Jacobian, None, j));
        }
        self.differential(self.f, name)
    }

    /// The Jacobian of a vector or row by a vector, where the language has a form for it.
    fn jacobian(&mut self, f: T, x: T) -> Option<T> {
        let t = &mut self.terms;
        if t.kind(x) != Kind::Vector || !matches!(t.kind(f), Kind::Vector | Kind::Row) {
            return None;
        }
        let dx = t.direction(x);
        let d = t.differential(f, x, dx);
        let d = if t.kind(f) == Kind::Row { t.transpose(d) } else { d };
        t.read_matrix(d, dx)
    }

    fn scalar_gradient(&mut self, name: &str) -> Result<(T, T), Diagnostic> {
        let x = self.leaf(name)?;
        if !self.terms.is_scalar(self.f) {
            let shape = self.terms.shape(self.f).text(&self.terms.typed.dims);
            return Err(Diagnostic::new("only a scalar has a Hessian", self.span)
                .note(format!("this is {shape}"))
                .help("ask for order 1, or derive the entries one by one"));
        }
        if self.terms.is_scalar(x) {
            return Ok((self.terms.differential(self.f, x, Terms::ONE), x));
        }
        match self.terms.gradient(self.f, x) {
            Some(g) => Ok((self.terms.in_space(g, x), x)),
            None => Err(Diagnostic::new("the gradient has no form in the language", self.span)
                .help("ask for the differential (order 1)")),
        }
    }

    fn second(&mut self, name: &str) -> Result<Made, Diagnostic> {
        let x = self.leaf(name)?;
        if self.terms.is_scalar(x) {
            let first = self.terms.differential(self.f, x, Terms::ONE);
            return Ok((Form::Hessian, None, self.terms.differential(first, x, Terms::ONE)));
        }
        let (g, _) = self.scalar_gradient(name)?;
        match self.jacobian(g, x) {
            Some(h) => Ok((Form::Hessian, None, h)),
            None => self.differential(g, name),
        }
    }

    fn mixed(&mut self, first: &str, second: &str) -> Result<Made, Diagnostic> {
        let (g, _) = self.scalar_gradient(first)?;
        let y = self.leaf(second)?;
        if self.terms.is_scalar(y) {
            return Ok((Form::Jacobian, None, self.terms.differential(g, y, Terms::ONE)));
        }
        if self.terms.is_scalar(g)
            && let Some(h) = self.terms.gradient(g, y)
        {
            return Ok((Form::Gradient, None, h));
        }
        match self.jacobian(g, y) {
            Some(h) => Ok((Form::Jacobian, None, h)),
            None => self.differential(g, second),
        }
    }

    fn differential(&mut self, f: T, name: &str) -> Result<Made, Diagnostic> {
        let x = self.leaf(name)?;
        let dx = self.terms.direction(x);
        Ok((Form::Differential, Some(dx), self.terms.differential(f, x, dx)))
    }

    fn vec_jacobian(&mut self, name: &str) -> Result<Made, Diagnostic> {
        let (form, direction, d) = self.differential(self.f, name)?;
        let Some(dx) = direction else { return Ok((form, direction, d)) };
        let x = self.leaf(name)?;
        if self.terms.is_scalar(x) && self.terms.kind(self.f) == Kind::Matrix {
            let d = self.terms.differential(self.f, x, Terms::ONE);
            return Ok((Form::Jacobian, None, self.terms.vec(d)));
        }
        if self.terms.is_scalar(self.f)
            && !self.terms.is_scalar(x)
            && let Some(g) = self.terms.gradient(self.f, x)
        {
            let g = self.terms.in_space(g, x);
            let g = self.terms.vec(g);
            return Ok((Form::Jacobian, None, self.terms.transpose(g)));
        }
        match self.terms.read_vec(d, dx) {
            Some(j) => Ok((Form::Jacobian, None, j)),
            None => Ok((form, direction, d)),
        }
    }

    /// Tidies, writes, and reads the text back: what is returned is what a reader would get.
    fn finish(
        mut self,
        form: Form,
        direction: Option<T>,
        result: T,
        variables: usize,
    ) -> Result<Derivative, Diagnostic> {
        let direction = direction.and_then(|d| match *self.terms.get(d) {
            Term::Var(v) => Some(v),
            _ => None,
        });
        let want = self.terms.shape(result);
        let tidied = self.terms.tidy(result);
        let mut declarations: Vec<Declaration> =
            self.terms.typed.declarations().into_iter().take(variables).collect();
        let mut name = None;
        if let Some(v) = direction {
            let all = self.terms.typed.declarations();
            declarations.extend(all.into_iter().nth(v.index()));
            name = Some(self.terms.typed.var(v).name.clone());
        }
        // Plain first; with sizes where neither the formula nor its place determines them.
        for (term, sizes) in [(tidied, false), (tidied, true), (result, true)] {
            let formula = self.terms.write(term, sizes);
            let text = text(&formula);
            let mut checker = Checker::new();
            for d in &declarations {
                checker.declare(d);
            }
            let Ok(read) = parse_formula(&text) else { continue };
            let Ok(root) = checker.formula(&read) else { continue };
            // The place it is for determines the sizes that the formula leaves open.
            if !checker.expect(root, want, &self.terms.typed.dims) {
                continue;
            }
            let Ok(typed) = checker.finish() else { continue };
            let direction = name;
            return Ok(Derivative { form, direction, formula: read, typed, root, text });
        }
        Err(Diagnostic::new("this derivative cannot be written as a formula", self.span)
            .help("its numbers can still be computed at a point"))
    }
}

fn too_large(span: Span) -> Diagnostic {
    Diagnostic::new("the expression is too large for a formula of its derivative", span)
        .help("its derivative can still be computed at a point")
}
