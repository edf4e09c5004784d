//! Constraints: read, and sorted into bounds, equalities and inequalities.
//!
//! A comparison of a variable itself with an expression of parameters is a bound on its
//! coordinates. Everything else becomes a residual: an expression c with c = 0 or c ≤ 0, entry by
//! entry. `x in simplex` is x ≥ 0 and sum(x) = 1, `x in ball(r)` is ‖x‖² ≤ r², `x in box(l,u)`
//! two bounds, `X in spd` a fact of the variable. The facts `positive` and `in[lo,hi]` of a variable
//! are bounds, and `orthogonal` is the equality X'X = I.

use super::facts::entry;
use super::space::Space;
use super::{constants, diagnose};
use crate::ast::{ConstraintKind, Expr, Ident, Kind, Problem, Relation, Set};
use crate::diagnostic::{Diagnostic, Span};
use crate::infer::Checker;
use crate::typed::{ExprId, Op, Product, Shape, Typed, TypedNode, VarId};
use riesz::Tensor;
use riesz::minimize::{Bounds, MinimizeError};

/// A constraint whose expressions have shapes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given {
    /// left ⋈ right
    Compare(ExprId, Relation, ExprId, Span),
    /// x in simplex
    Simplex(VarId, Span),
    /// x in ball(r)
    Ball(VarId, ExprId, Span),
}

impl Given {
    /// The same with ids of nodes that are larger.
    pub fn moved(self, shift: u32) -> Given {
        let moved = |e: ExprId| ExprId(e.0 + shift);
        match self {
            Given::Compare(l, relation, r, span) => {
                Given::Compare(moved(l), relation, moved(r), span)
            }
            Given::Simplex(..) => self,
            Given::Ball(v, r, span) => Given::Ball(v, moved(r), span),
        }
    }
}

/// What the constraints come to.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// On the coordinates of all variables, if there are any.
    pub bounds: Option<Bounds>,
    /// Expressions to be 0.
    pub equalities: Vec<ExprId>,
    /// Expressions to be at most 0.
    pub inequalities: Vec<ExprId>,
    /// Variables in a simplex.
    pub simplices: Vec<VarId>,
}

/// Gives the expressions of all constraints their shapes.
pub(super) fn read(checker: &mut Checker, problem: &Problem) -> Result<Vec<Given>, Diagnostic> {
    let mut all = Vec::new();
    for constraint in &problem.constraints {
        let span = constraint.span;
        match &constraint.kind {
            ConstraintKind::Compare(l, relation, r) => {
                let (l, r) = (checker.expr(&problem.ast, *l)?, checker.expr(&problem.ast, *r)?);
                all.push(compare(checker, l, *relation, r, span)?);
            }
            ConstraintKind::Between(low, middle, high) => {
                let low = checker.expr(&problem.ast, *low)?;
                let middle = checker.expr(&problem.ast, *middle)?;
                let high = checker.expr(&problem.ast, *high)?;
                all.push(compare(checker, low, Relation::Le, middle, span)?);
                all.push(compare(checker, middle, Relation::Le, high, span)?);
            }
            ConstraintKind::In(name, set) => {
                let v = variable(checker, problem, name)?;
                read_set(checker, problem, (v, name), *set, span, &mut all)?;
            }
        }
    }
    Ok(all)
}

fn read_set(
    checker: &mut Checker,
    problem: &Problem,
    (v, name): (VarId, &Ident),
    set: Set,
    span: Span,
    all: &mut Vec<Given>,
) -> Result<(), Diagnostic> {
    let shape = checker.typed().var(v).shape;
    let text = shape.text(&checker.typed().dims);
    let wrong = |what: &str| {
        let message = format!("only {what}, and `{}` is {text}", name.name);
        Err(Diagnostic::new(message, span).label(name.span, format!("this is {text}")))
    };
    let x = checker.push(Op::Var(v), vec![], shape, name.span);
    let mut side = |e: Expr| checker.expr(&problem.ast, e);
    match set {
        Set::Simplex if shape.kind == Kind::Vector => all.push(Given::Simplex(v, span)),
        Set::Simplex => return wrong("a vector can lie in the simplex"),
        Set::Box(low, high) => {
            let (low, high) = (side(low)?, side(high)?);
            all.push(compare(checker, x, Relation::Ge, low, span)?);
            all.push(compare(checker, x, Relation::Le, high, span)?);
        }
        Set::Ball(radius) => {
            let r = side(radius)?;
            if !checker.typed().shape(r).is_scalar() {
                let place = problem.ast.span(radius.root);
                return Err(Diagnostic::new("the radius of a ball is a scalar", place));
            }
            all.push(Given::Ball(v, r, span));
        }
        Set::Spd => {
            if shape.kind != Kind::Matrix || !checker.typed.dims.unify(shape.rows, shape.cols) {
                return wrong("a square matrix can be positive definite");
            }
            let facts = &mut checker.typed.vars[v.index()].facts;
            (facts.symmetric, facts.psd, facts.spd) = (true, true, true);
        }
    }
    Ok(())
}

fn variable(checker: &Checker, problem: &Problem, name: &Ident) -> Result<VarId, Diagnostic> {
    let found = checker.typed().find_var(&name.name);
    match found.filter(|v| v.index() >= problem.parameters.len()) {
        Some(v) => Ok(v),
        None => Err(Diagnostic::new(format!("`{}` is not a variable", name.name), name.span)
            .help("only a variable can be asked to lie in a set")
            .suggest(&name.name, problem.variables.iter().map(|v| v.name.name.as_str()))),
    }
}

/// A comparison, of one shape or with a scalar.
fn compare(
    checker: &mut Checker,
    l: ExprId,
    relation: Relation,
    r: ExprId,
    span: Span,
) -> Result<Given, Diagnostic> {
    let scalar = checker.typed().shape(l).is_scalar() || checker.typed().shape(r).is_scalar();
    if !scalar && !checker.unify(l, r) {
        let message = "the two sides of a constraint have different shapes".to_owned();
        return Err(checker
            .mismatch(message, l, r, span)
            .help("compare things of one shape, or each entry with a scalar"));
    }
    Ok(Given::Compare(l, relation, r, span))
}

/// Sorts the constraints.
pub(super) fn classify(
    typed: &mut Typed,
    problem: &Problem,
    given: Vec<Given>,
    values: &[Option<Tensor>],
    spaces: &[Space],
) -> Result<Limits, Diagnostic> {
    let mut sorter = Sorter::new(typed, problem, values, spaces);
    sorter.facts();
    for constraint in given {
        sorter.sort(constraint)?;
    }
    sorter.finish()
}

struct Sorter<'a> {
    typed: &'a mut Typed,
    problem: &'a Problem,
    values: &'a [Option<Tensor>],
    spaces: &'a [Space],
    varies: Vec<bool>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// Where each lower and upper bound is written.
    lower_at: Vec<Span>,
    upper_at: Vec<Span>,
    limits: Limits,
}

impl<'a> Sorter<'a> {
    fn new(
        typed: &'a mut Typed,
        problem: &'a Problem,
        values: &'a [Option<Tensor>],
        spaces: &'a [Space],
    ) -> Sorter<'a> {
        let n = spaces.iter().map(Space::dim).sum();
        let varies = constants::varies(typed, values.len());
        let (lower, upper) = (vec![f64::NEG_INFINITY; n], vec![f64::INFINITY; n]);
        let (lower_at, upper_at) = (vec![Span::default(); n], vec![Span::default(); n]);
        let limits = Limits::default();
        Sorter { typed, problem, values, spaces, varies, lower, upper, lower_at, upper_at, limits }
    }

    /// The variable with this number, and where its coordinates begin.
    fn place(&self, v: VarId) -> Option<(usize, usize)> {
        let i = v.index().checked_sub(self.values.len())?;
        Some((i, self.spaces.iter().take(i).map(Space::dim).sum()))
    }

    /// What the declarations say.
    fn facts(&mut self) {
        for i in 0..self.spaces.len() {
            let v = VarId((self.values.len() + i) as u32);
            let (facts, shape) = (self.typed.var(v).facts, self.typed.var(v).shape);
            let range = facts.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            let lo = if facts.positive { range.0.max(0.0) } else { range.0 };
            let span = self.problem.variables.get(i).map(|d| d.name.span).unwrap_or_default();
            if self.spaces[i].is_split() {
                self.tighten(v, &vec![0.0; self.spaces[i].dim()], true, span);
                continue;
            }
            let entries = |x: f64| vec![x; self.spaces[i].axes().iter().product()];
            let (low, high) = (entries(lo), entries(range.1));
            if lo > f64::NEG_INFINITY {
                self.tighten(v, &low, true, span);
            }
            if range.1 < f64::INFINITY {
                self.tighten(v, &high, false, span);
            }
            if facts.orthogonal {
                let x = self.push(Op::Var(v), vec![], shape, span);
                let t = self.push(Op::Transpose, vec![x], shape.transposed(), span);
                let product = self.push(Op::Product(Product::MatMat), vec![t, x], shape, span);
                let eye = self.push(Op::Eye, vec![], shape, span);
                let residual = self.push(Op::Sub, vec![product, eye], shape, span);
                self.limits.equalities.push(residual);
            }
        }
    }

    fn push(&mut self, op: Op, args: Vec<ExprId>, shape: Shape, span: Span) -> ExprId {
        self.typed.nodes.push(TypedNode { op, args, shape, span });
        ExprId((self.typed.nodes.len() - 1) as u32)
    }

    fn sort(&mut self, constraint: Given) -> Result<(), Diagnostic> {
        match constraint {
            Given::Compare(l, relation, r, span) => {
                let flipped = match relation {
                    Relation::Le => Relation::Ge,
                    Relation::Ge => Relation::Le,
                    Relation::Eq => Relation::Eq,
                };
                if !self.varies[l.index()] && !self.varies[r.index()] {
                    self.assert(l, relation, r, span)
                } else if let Some(v) = self.bounded(l, r) {
                    self.bound(v, relation, r, span)
                } else if let Some(v) = self.bounded(r, l) {
                    self.bound(v, flipped, l, span)
                } else {
                    self.residual(l, relation, r, span);
                    Ok(())
                }
            }
            Given::Simplex(v, span) => {
                let shape = self.typed.var(v).shape;
                let n = self.place(v).map_or(0, |(i, _)| self.spaces[i].dim());
                self.tighten(v, &vec![0.0; n], true, span);
                let x = self.push(Op::Var(v), vec![], shape, span);
                let sum = self.push(Op::Sum, vec![x], Shape::SCALAR, span);
                let one = self.push(Op::Number(1.0), vec![], Shape::SCALAR, span);
                let residual = self.push(Op::Sub, vec![sum, one], Shape::SCALAR, span);
                self.limits.equalities.push(residual);
                self.limits.simplices.push(v);
                Ok(())
            }
            Given::Ball(v, r, span) => {
                if self.varies[r.index()] {
                    return Err(Diagnostic::new("the radius of a ball is a constant", span)
                        .help("write the constraint with norm2(…)"));
                }
                let radius = self.constant(r, span)?.to_f64()[0];
                if radius.is_nan() || radius <= 0.0 {
                    let message = format!("the radius of a ball is positive, not {radius}");
                    return Err(Diagnostic::new(message, span));
                }
                // The square is smooth at the centre, where the norm is not.
                let shape = self.typed.var(v).shape;
                let x = self.push(Op::Var(v), vec![], shape, span);
                let squares = self.push(Op::Mul, vec![x, x], shape, span);
                let sum = match shape.kind {
                    Kind::Scalar => squares,
                    _ => self.push(Op::Sum, vec![squares], Shape::SCALAR, span),
                };
                let square = Op::Number(radius * radius);
                let square = self.push(square, vec![], Shape::SCALAR, span);
                let residual = self.push(Op::Sub, vec![sum, square], Shape::SCALAR, span);
                self.limits.inequalities.push(residual);
                Ok(())
            }
        }
    }

    /// The variable that `x` is, if `limit` is constant and fits its shape.
    fn bounded(&self, x: ExprId, limit: ExprId) -> Option<VarId> {
        let Op::Var(v) = self.typed.node(x).op else { return None };
        // What stands for |x| of a split variable has no coordinates of its own.
        self.place(v).filter(|(i, _)| *i < self.spaces.len())?;
        let (shape, other) = (self.typed.shape(x), self.typed.shape(limit));
        let fits = other.is_scalar() || !shape.is_scalar();
        (fits && self.varies[x.index()] && !self.varies[limit.index()]).then_some(v)
    }

    fn constant(&self, e: ExprId, span: Span) -> Result<Tensor, Diagnostic> {
        let value = constants::value(self.typed, e, self.values).map_err(|e| diagnose(&e, span))?;
        if value.to_f64().iter().any(|x| x.is_nan()) {
            let place = self.typed.node(e).span;
            return Err(Diagnostic::new("this side of the constraint is not a number", place)
                .note("its value is NaN"));
        }
        Ok(value)
    }

    fn bound(
        &mut self,
        v: VarId,
        relation: Relation,
        limit: ExprId,
        span: Span,
    ) -> Result<(), Diagnostic> {
        let value = self.constant(limit, span)?.to_f64();
        let Some((i, _)) = self.place(v) else { return Ok(()) };
        let n = self.spaces[i].axes().iter().product();
        let entries = if value.len() == 1 { vec![value[0]; n] } else { value };
        let mut fits = true;
        if relation != Relation::Le {
            fits &= self.tighten(v, &entries, true, span);
        }
        if relation != Relation::Ge {
            fits &= self.tighten(v, &entries, false, span);
        }
        if fits {
            return Ok(());
        }
        let name = &self.typed.var(v).name;
        let message = format!("`{name}` is diagonal, and this excludes the zeros beside it");
        Err(Diagnostic::new(message, span).help(format!("compare diag({name})")))
    }

    /// Adds bounds on the entries of a variable, written at `span`; false if they exclude the zeros
    /// of a diagonal one.
    fn tighten(&mut self, v: VarId, entries: &[f64], lower: bool, span: Span) -> bool {
        let Some((i, start)) = self.place(v) else { return true };
        let Some(limits) = self.spaces[i].limits(entries, lower) else { return false };
        for (k, limit) in (start..).zip(limits) {
            if lower && limit > self.lower[k] {
                (self.lower[k], self.lower_at[k]) = (limit, span);
            } else if !lower && limit < self.upper[k] {
                (self.upper[k], self.upper_at[k]) = (limit, span);
            }
        }
        true
    }

    fn residual(&mut self, l: ExprId, relation: Relation, r: ExprId, span: Span) {
        let (sl, sr) = (self.typed.shape(l), self.typed.shape(r));
        let shape = if sl.is_scalar() { sr } else { sl };
        let mut spread = |e: ExprId| {
            if shape.is_scalar() || !self.typed.shape(e).is_scalar() {
                return e;
            }
            self.push(Op::Fill, vec![e], shape, span)
        };
        let (l, r) = (spread(l), spread(r));
        let (first, second) = if relation == Relation::Ge { (r, l) } else { (l, r) };
        let residual = self.push(Op::Sub, vec![first, second], shape, span);
        match relation {
            Relation::Eq => self.limits.equalities.push(residual),
            Relation::Le | Relation::Ge => self.limits.inequalities.push(residual),
        }
    }

    /// A comparison of constants holds or does not.
    fn assert(
        &self,
        l: ExprId,
        relation: Relation,
        r: ExprId,
        span: Span,
    ) -> Result<(), Diagnostic> {
        let (a, b) = (self.constant(l, span)?.to_f64(), self.constant(r, span)?.to_f64());
        let n = a.len().max(b.len());
        let at = |x: &[f64], k: usize| if x.len() == 1 { x[0] } else { x[k] };
        for k in 0..n {
            let (a, b) = (at(&a, k), at(&b, k));
            let slack = 1e-9 * a.abs().max(b.abs()).max(1.0);
            let holds = match relation {
                Relation::Le => a <= b + slack,
                Relation::Ge => a >= b - slack,
                Relation::Eq => (a - b).abs() <= slack,
            };
            if !holds {
                let message = "this constraint does not hold, and no variable can change it";
                return Err(Diagnostic::new(message, span)
                    .note(format!("the left side is {a}, the right side is {b}")));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Limits, Diagnostic> {
        let free = self.lower.iter().all(|l| *l == f64::NEG_INFINITY)
            && self.upper.iter().all(|u| *u == f64::INFINITY);
        let mut limits = std::mem::take(&mut self.limits);
        if !free {
            let bounds = Bounds::new(self.lower.clone(), self.upper.clone());
            limits.bounds = Some(bounds.map_err(|e| self.empty(&e))?);
        }
        Ok(limits)
    }

    /// Bounds that leave no number, told of the entry, where they are written.
    fn empty(&self, error: &MinimizeError) -> Diagnostic {
        let &MinimizeError::EmptyInterval { index: k, .. } = error else {
            return Diagnostic::new(error.to_string(), self.problem.objective_span);
        };
        let mut first = 0;
        let mut name = String::new();
        let (mut lower, mut upper) = (self.lower[k], self.upper[k]);
        for (d, space) in self.problem.variables.iter().zip(self.spaces) {
            if k < first + space.dim() {
                let of = |limits: &[f64]| space.natural(&limits[first..first + space.dim()]);
                let (low, high) = (of(&self.lower), of(&self.upper));
                let pairs = low.to_f64().into_iter().zip(high.to_f64());
                name = format!("`{}`", d.name.name);
                if let Some((e, pair)) = pairs.enumerate().find(|(_, (low, high))| low > high) {
                    (lower, upper) = pair;
                    if !low.shape().is_empty() {
                        name = format!("{} of {name}", entry(&low, e));
                    }
                }
                break;
            }
            first += space.dim();
        }
        let message = format!(
            "the bounds of {name} contradict each other: at least {lower} and at most {upper}"
        );
        let (at, other) = (self.upper_at[k], self.lower_at[k]);
        if at == other {
            return Diagnostic::new(message, at).note("no number satisfies this");
        }
        Diagnostic::new(message, at)
            .note(format!("at most {upper}"))
            .label(other, format!("at least {lower}"))
    }
}
