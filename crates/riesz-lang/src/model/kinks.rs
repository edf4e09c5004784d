//! Kinks made smooth by more variables.
//!
//! Let a term k(x), one of `abs relu max norm1 norminf`, occur where the objective (or the left side
//! of `≤`) does not fall as k rises. Then k may be replaced by a new variable t with t ≥ k(x): any
//! minimiser can be taken with t = k(x), and t ≥ |e| is the two smooth inequalities t ≥ e and
//! t ≥ −e. Where the term is |x| of a variable itself, x = u − v and |x| = u + v with u, v ≥ 0 needs
//! bounds only. (S. Boyd and L. Vandenberghe, Convex Optimization, sections 4.1.3 and 6.1.1.)
//!
//! Whether the objective rises with a term is seen from the operations above it, and from the signs
//! of the constants they multiply by. A term that may not be replaced is left and minimised as it
//! is; its text is told in [`Smoothed::left`].

use super::constants;
use super::constraints::Given;
use super::space::Space;
use crate::ast::{Facts, Relation, Sense};
use crate::diagnostic::Span;
use crate::typed::{ExprId, Map, Op, Shape, Typed, TypedNode, VarId, Variable};
use riesz::Tensor;

/// The problem without the kinks that could be replaced. Node ids given before are moved by `shift`.
pub(super) struct Smoothed {
    pub typed: Typed,
    pub objective: ExprId,
    pub given: Vec<Given>,
    /// The spaces of the variables as they are now, then those of the new ones.
    pub spaces: Vec<Space>,
    /// Variables that are split: the absolute value of variable i is `typed.vars[_]` of the second.
    pub magnitudes: Vec<(usize, VarId)>,
    /// By how much ids of nodes have grown.
    pub shift: u32,
    /// Places of the terms that were replaced.
    pub replaced: Vec<Span>,
    /// Places of kinks that stay.
    pub left: Vec<Span>,
}

/// How a root depends on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trend {
    /// Does not fall as the node rises.
    Up,
    /// Does not rise.
    Down,
    /// Neither is known.
    Mixed,
}

impl Trend {
    fn flipped(self) -> Trend {
        match self {
            Trend::Up => Trend::Down,
            Trend::Down => Trend::Up,
            Trend::Mixed => Trend::Mixed,
        }
    }
}

/// Replaces what can be.
pub(super) fn smooth(
    typed: &Typed,
    objective: ExprId,
    sense: Sense,
    given: &[Given],
    spaces: &[Space],
    values: &[Option<Tensor>],
) -> Smoothed {
    let varies = constants::varies(typed, values.len());
    let trends = trends(typed, objective, sense, given, values, &varies);
    let (mut terms, mut left) = (Vec::new(), Vec::new());
    for (k, node) in typed.nodes.iter().enumerate().filter(|(k, _)| varies[*k]) {
        let kink = match node.op {
            Op::Map(Map::Abs | Map::Relu) | Op::Norm1 | Op::NormInf | Op::Max => Trend::Up,
            Op::Min => Trend::Down,
            _ => continue,
        };
        match trends[k] {
            Some(trend) if trend == kink => terms.push(ExprId(k as u32)),
            Some(_) => left.push(node.span),
            None => {}
        }
    }
    let mut work = Work::new(typed, objective, given, spaces, values.len());
    for term in &terms {
        work.plan(*term);
    }
    let replaced = terms.iter().map(|t| typed.node(*t).span).collect();
    work.finish(replaced, left)
}

/// For every node under a root, how the root that is minimised (or bounded above) depends on it.
fn trends(
    typed: &Typed,
    objective: ExprId,
    sense: Sense,
    given: &[Given],
    values: &[Option<Tensor>],
    varies: &[bool],
) -> Vec<Option<Trend>> {
    let mut trends = vec![None; typed.nodes.len()];
    let meet = |trends: &mut Vec<Option<Trend>>, e: ExprId, trend: Trend| {
        if varies[e.index()] {
            let slot: &mut Option<Trend> = &mut trends[e.index()];
            *slot = Some(slot.map_or(trend, |t| if t == trend { t } else { Trend::Mixed }));
        }
    };
    let root = if sense == Sense::Min { Trend::Up } else { Trend::Down };
    meet(&mut trends, objective, root);
    for constraint in given {
        if let Given::Compare(l, relation, r, _) = constraint {
            let trend = match relation {
                Relation::Le => Trend::Up,
                Relation::Ge => Trend::Down,
                Relation::Eq => Trend::Mixed,
            };
            meet(&mut trends, *l, trend);
            meet(&mut trends, *r, trend.flipped());
        }
    }
    for k in (0..typed.nodes.len()).rev() {
        let Some(trend) = trends[k] else { continue };
        let node = &typed.nodes[k];
        let factor = |e: ExprId| match varies[e.index()] {
            true => Trend::Mixed,
            false => sign(typed, e, values),
        };
        let times = |factor: Trend| match factor {
            Trend::Up => trend,
            Trend::Down => trend.flipped(),
            Trend::Mixed => Trend::Mixed,
        };
        for (i, &arg) in node.args.iter().enumerate() {
            let other = || node.args[1 - i];
            let down = match node.op {
                Op::Add | Op::Max | Op::Min | Op::Sum | Op::Trace | Op::Transpose => trend,
                Op::Fill | Op::Diag | Op::DiagPart | Op::Vec | Op::LogSumExp => trend,
                Op::Neg => trend.flipped(),
                Op::Sub => [trend, trend.flipped()][i.min(1)],
                Op::Scale | Op::Mul | Op::Product(_) | Op::Kron => times(factor(other())),
                Op::Div | Op::DivScalar if i == 0 => times(factor(other())),
                Op::Pow if i == 0 => power(typed, arg, other(), trend, values),
                Op::Map(
                    Map::Exp
                    | Map::Log
                    | Map::Sqrt
                    | Map::Relu
                    | Map::Sinh
                    | Map::Tanh
                    | Map::Arctan
                    | Map::Sigmoid
                    | Map::Softplus
                    | Map::Log1p
                    | Map::Expm1,
                ) => trend,
                _ => Trend::Mixed,
            };
            meet(&mut trends, arg, down);
        }
    }
    trends
}

/// What multiplication by a constant does to a trend, by the signs of its entries.
fn sign(typed: &Typed, e: ExprId, values: &[Option<Tensor>]) -> Trend {
    let Ok(value) = constants::value(typed, e, values) else { return Trend::Mixed };
    let x = value.to_f64();
    if x.iter().all(|x| *x >= 0.0) {
        Trend::Up
    } else if x.iter().all(|x| *x <= 0.0) {
        Trend::Down
    } else {
        Trend::Mixed
    }
}

/// A positive power of what is never negative.
fn power(
    typed: &Typed,
    base: ExprId,
    exponent: ExprId,
    trend: Trend,
    values: &[Option<Tensor>],
) -> Trend {
    let never_negative = matches!(
        typed.node(base).op,
        Op::Map(Map::Abs | Map::Relu | Map::Exp | Map::Sqrt) | Op::Norm1 | Op::Norm2 | Op::NormInf
    );
    match never_negative && sign(typed, exponent, values) == Trend::Up {
        true => trend,
        false => Trend::Mixed,
    }
}

/// What becomes of a term.
enum Plan {
    /// The new variable itself.
    Variable(VarId),
    /// The sum of the new variable's entries.
    Sum(VarId),
}

struct Work<'a> {
    old: &'a Typed,
    vars: Vec<Variable>,
    objective: ExprId,
    given: Vec<Given>,
    spaces: Vec<Space>,
    parameters: usize,
    plans: Vec<(ExprId, Plan)>,
    /// t ≥ ±e, with ids of old nodes: t, e, whether −e, whether ≤ instead, place.
    limits: Vec<(VarId, Option<ExprId>, bool, bool, Span)>,
    magnitudes: Vec<(usize, Variable)>,
}

impl<'a> Work<'a> {
    fn new(
        old: &'a Typed,
        objective: ExprId,
        given: &[Given],
        spaces: &[Space],
        parameters: usize,
    ) -> Work<'a> {
        Work {
            old,
            vars: old.vars.clone(),
            objective,
            given: given.to_vec(),
            spaces: spaces.to_vec(),
            parameters,
            plans: Vec::new(),
            limits: Vec::new(),
            magnitudes: Vec::new(),
        }
    }

    fn plan(&mut self, term: ExprId) {
        let node = self.old.node(term);
        let (span, first) = (node.span, node.args[0]);
        let sums = node.op == Op::Norm1;
        if matches!(node.op, Op::Map(Map::Abs) | Op::Norm1)
            && let Op::Var(v) = self.old.node(first).op
            && let Some(m) = self.split(v)
        {
            // Numbered after all new variables, when their count is known: see `finish`.
            self.plans.push((term, if sums { Plan::Sum(m) } else { Plan::Variable(m) }));
            return;
        }
        let shape = if sums { self.old.shape(first) } else { node.shape };
        let Ok(axes) = crate::lower::axes(shape, &self.old.dims) else { return };
        let t = VarId(self.vars.len() as u32);
        let name = format!("t{}", self.vars.len());
        self.vars.push(Variable { name, shape, facts: Facts::default(), declared: false });
        self.spaces.push(Space::new(&Facts::default(), axes));
        let mut limit = |e: Option<ExprId>, negative: bool, below: bool| {
            self.limits.push((t, e, negative, below, span));
        };
        match node.op {
            Op::Map(Map::Relu) => {
                limit(Some(first), false, false);
                limit(None, false, false);
            }
            Op::Max | Op::Min => {
                for &e in &node.args {
                    limit(Some(e), false, node.op == Op::Min);
                }
            }
            _ => {
                limit(Some(first), false, false);
                limit(Some(first), true, false);
            }
        }
        self.plans.push((term, if sums { Plan::Sum(t) } else { Plan::Variable(t) }));
    }

    /// The stand-in for |x|, if x may be split.
    fn split(&mut self, v: VarId) -> Option<VarId> {
        let i = v.index().checked_sub(self.parameters)?;
        let done = self.magnitudes.iter().position(|(of, _)| *of == i);
        let number = |at: usize| VarId(u32::MAX - at as u32);
        if let Some(at) = done {
            return Some(number(at));
        }
        let Facts { positive, range, .. } = self.old.var(v).facts;
        let bare = |e: &ExprId| self.old.node(*e).op == Op::Var(v);
        let bounded = self.given.iter().any(|g| match g {
            Given::Compare(l, _, r, _) => bare(l) || bare(r),
            Given::Simplex(x, _) | Given::Ball(x, ..) => *x == v,
        });
        if positive || range.is_some() || bounded {
            return None;
        }
        self.spaces[i] = self.spaces[i].split()?;
        let Variable { name, shape, .. } = self.old.var(v).clone();
        let name = format!("|{name}|");
        let magnitude = Variable { name, shape, facts: Facts::default(), declared: false };
        self.magnitudes.push((i, magnitude));
        Some(number(self.magnitudes.len() - 1))
    }

    fn finish(mut self, replaced: Vec<Span>, left: Vec<Span>) -> Smoothed {
        let count = self.vars.len();
        let mut magnitudes = Vec::new();
        for (i, variable) in self.magnitudes {
            magnitudes.push((i, VarId(self.vars.len() as u32)));
            self.vars.push(variable);
        }
        let final_id = |v: VarId| match (u32::MAX - v.0) as usize {
            at if at < magnitudes.len() => VarId((count + at) as u32),
            _ => v,
        };
        // New nodes go to the front, where every argument has to be: all ids grow by their number.
        let shift = self.plans.len() as u32;
        let moved = |e: ExprId| ExprId(e.0 + shift);
        let mut nodes = Vec::with_capacity(self.old.nodes.len() + self.plans.len());
        for (term, plan) in &self.plans {
            let (Plan::Variable(v) | Plan::Sum(v)) = plan;
            let v = final_id(*v);
            let (shape, span) = (self.vars[v.index()].shape, self.old.node(*term).span);
            nodes.push(TypedNode { op: Op::Var(v), args: vec![], shape, span });
        }
        nodes.extend(self.old.nodes.iter().map(|node| {
            let args = node.args.iter().map(|a| moved(*a)).collect();
            TypedNode { args, ..node.clone() }
        }));
        for (k, (term, plan)) in self.plans.iter().enumerate() {
            let front = nodes[k].op;
            let node = &mut nodes[moved(*term).index()];
            (node.op, node.args) = match plan {
                Plan::Variable(_) => (front, vec![]),
                Plan::Sum(_) => (Op::Sum, vec![ExprId(k as u32)]),
            };
        }
        let mut typed = Typed { nodes, vars: self.vars, ..self.old.clone() };
        let mut given: Vec<Given> = self.given.iter().map(|g| g.moved(shift)).collect();
        let mut push = |op: Op, args: Vec<ExprId>, shape: Shape, span: Span| {
            typed.nodes.push(TypedNode { op, args, shape, span });
            ExprId((typed.nodes.len() - 1) as u32)
        };
        for (t, e, negative, below, span) in self.limits {
            let own = self.plans.iter().position(|(_, p)| {
                let (Plan::Variable(v) | Plan::Sum(v)) = p;
                *v == t
            });
            let t = ExprId(own.unwrap_or(0) as u32);
            let e = match e {
                None => push(Op::Number(0.0), vec![], Shape::SCALAR, span),
                Some(e) if negative => push(Op::Neg, vec![moved(e)], self.old.shape(e), span),
                Some(e) => moved(e),
            };
            let relation = if below { Relation::Le } else { Relation::Ge };
            given.push(Given::Compare(t, relation, e, span));
        }
        Smoothed {
            typed,
            objective: moved(self.objective),
            given,
            spaces: self.spaces,
            magnitudes,
            shift,
            replaced,
            left,
        }
    }
}
