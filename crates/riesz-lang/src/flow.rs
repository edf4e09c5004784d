//! An expression as a graph: what is computed, what flows forward, and what flows back.
//!
//! A [`Flow`] has one node for everything that is computed once: equal sub-expressions and all uses
//! of a variable are one node. A [`Use`] is an edge, from a node to one that has it as an argument.
//! Values flow along the uses. Gradients flow against them: what a use sends back to its node is the
//! derivative of the result by this use alone, and the gradient of a node is the sum over its uses —
//! the transpose of handing one value to several.
//!
//! What each use sends back is not propagated here by hand: every use gets a disturbance e of its
//! own, f(.., v + e, ..), and the derivative by the e at 0 is taken of the program as everywhere.

use std::collections::HashMap;

use crate::ast::{Facts, Kind};
use crate::formula::{Form, Request, derive};
use crate::interp::{Dense, evaluate};
use crate::lower::{axes, lower};
use crate::typed::{ExprId, Op, Typed, TypedNode, VarId, Variable};
use riesz::{Result, Tensor, Var};

/// An edge: `to` has the value of `from` as its argument number `place`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// What is used.
    pub from: ExprId,
    /// By what.
    pub to: ExprId,
    /// As which argument, from 0.
    pub place: usize,
}

/// The graph of an expression.
///
/// ```
/// use riesz_lang::{Checker, flow::Flow, parse_formula};
/// let mut c = Checker::new();
/// let f = c.formula(&parse_formula("exp(x)'*exp(x)").unwrap()).unwrap();
/// let flow = Flow::new(&c.finish().unwrap(), f);
/// // x, exp(x), its transpose, and the product; exp(x) is used twice.
/// assert_eq!((flow.typed().nodes.len(), flow.uses().len()), (4, 4));
/// ```
pub struct Flow {
    typed: Typed,
    uses: Vec<Use>,
    names: Vec<String>,
}

/// What flows at a point.
pub struct Flowed {
    /// The value of every node.
    pub values: Vec<Tensor>,
    /// What every use sends back; `None` where the variables do not come in.
    pub contributions: Vec<Option<Tensor>>,
    /// The derivative of the result by every node: the sum over its uses, for a variable its part in
    /// the space the variable lives in (symmetric, diagonal), and 1 for the result itself.
    pub gradients: Vec<Option<Tensor>>,
}

impl Flow {
    /// The graph of what `root` needs.
    pub fn new(typed: &Typed, root: ExprId) -> Flow {
        let used = typed.reachable(root);
        let mut merged = Typed { nodes: Vec::new(), definitions: Vec::new(), ..typed.clone() };
        let mut seen: HashMap<String, ExprId> = HashMap::new();
        let mut place: Vec<Option<ExprId>> = vec![None; typed.nodes.len()];
        for (i, node) in typed.nodes.iter().enumerate().filter(|(i, _)| used[*i]) {
            let args: Vec<ExprId> = node.args.iter().filter_map(|a| place[a.index()]).collect();
            // The shape belongs to the key: `eye` and `vector(1)` have that of their place.
            let key = format!("{:?} {args:?} {}", node.op, node.shape.text(&typed.dims));
            let id = *seen.entry(key).or_insert_with(|| {
                merged.nodes.push(TypedNode { args, ..node.clone() });
                ExprId((merged.nodes.len() - 1) as u32)
            });
            place[i] = Some(id);
        }
        for (name, e) in &typed.definitions {
            if let Some(id) = place[e.index()] {
                merged.definitions.push((name.clone(), id));
            }
        }
        let mut uses = Vec::new();
        for (i, node) in merged.nodes.iter().enumerate() {
            let to = ExprId(i as u32);
            uses.extend(node.args.iter().enumerate().map(|(place, &from)| Use { from, to, place }));
        }
        let mut flow = Flow { typed: merged, uses, names: Vec::new() };
        flow.names = names(&flow.typed, &flow.varies(None));
        flow
    }

    /// The nodes: arguments come first, the result is the last.
    pub fn typed(&self) -> &Typed {
        &self.typed
    }

    /// The edges, in the order of their consumers.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The nodes by number.
    pub fn nodes(&self) -> impl Iterator<Item = ExprId> {
        (0..self.typed.nodes.len()).map(|i| ExprId(i as u32))
    }

    /// The result.
    pub fn root(&self) -> ExprId {
        ExprId((self.typed.nodes.len().max(1) - 1) as u32)
    }

    /// What a node is called: a variable and a where-definition by its name, others `v1`, `v2`, …,
    /// and what depends on no variable `constant`.
    pub fn name(&self, node: ExprId) -> &str {
        &self.names[node.index()]
    }

    /// For every node, whether it depends on `wrt`, or on any variable.
    pub fn varies(&self, wrt: Option<VarId>) -> Vec<bool> {
        let mut varies: Vec<bool> = Vec::with_capacity(self.typed.nodes.len());
        for node in &self.typed.nodes {
            let here = matches!(node.op, Op::Var(v) if wrt.is_none_or(|w| w == v));
            varies.push(here || node.args.iter().any(|a| varies[a.index()]));
        }
        varies
    }

    /// Values, and where the result is a scalar what flows back to `wrt` (or to every variable).
    /// `values` has one entry for every variable of the expression.
    ///
    /// # Errors
    /// A variable without a value, a size that is not known, an operation without a result.
    pub fn at(&self, values: &[Option<Tensor>], wrt: Option<VarId>) -> Result<Flowed> {
        let varies = self.varies(wrt);
        let scalar = self.typed.shape(self.root()).is_scalar();
        let disturbed: Vec<usize> =
            (0..self.uses.len()).filter(|&k| scalar && varies[self.uses[k].from.index()]).collect();
        let (typed, root) = self.disturb(&disturbed);
        let dims = &self.typed.dims;
        let mut zeros = Vec::with_capacity(disturbed.len());
        for &k in &disturbed {
            let shape = self.typed.shape(self.uses[k].from);
            zeros.push(Tensor::full(0.0, axes(shape, dims)?));
        }
        let given: Vec<Tensor> = values.iter().flatten().cloned().collect();
        let all: Vec<ExprId> = self.nodes().collect();
        let written = |typed: &Typed, roots: &[ExprId], vars: &[Option<Var>]| {
            lower(typed, dims, roots, vars)
                .unwrap_or_else(|error| vec![riesz_core::fail(error); roots.len()])
        };
        let program = |(x, e): (Vec<Var>, Vec<Var>)| {
            let mut x = x.into_iter();
            let mut vars: Vec<Option<Var>> =
                values.iter().map(|v| v.as_ref().and_then(|_| x.next())).collect();
            vars.resize(self.typed.vars.len(), None);
            let values = written(&self.typed, &all, &vars);
            let result = |e: Vec<Var>| {
                let vars: Vec<Option<Var>> =
                    vars.iter().copied().chain(e.into_iter().map(Some)).collect();
                written(&typed, &[root], &vars)[0]
            };
            let back = if e.is_empty() { Vec::new() } else { riesz::grad(result)(e) };
            (values, back)
        };
        let (values, back) = riesz::run(program, &(given, zeros))?;
        let mut contributions = vec![None; self.uses.len()];
        disturbed.iter().zip(back).for_each(|(&k, g)| contributions[k] = Some(g));
        let gradients = self.sums(&contributions, &values)?;
        Ok(Flowed { values, contributions, gradients })
    }

    /// The expression with a new variable added to each of these uses, in order.
    fn disturb(&self, uses: &[usize]) -> (Typed, ExprId) {
        let mut typed = Typed { nodes: Vec::new(), ..self.typed.clone() };
        let mut place: Vec<ExprId> = Vec::with_capacity(self.typed.nodes.len());
        let push = |nodes: &mut Vec<TypedNode>, op, args, shape, span| {
            nodes.push(TypedNode { op, args, shape, span });
            ExprId((nodes.len() - 1) as u32)
        };
        let mut next = uses.iter().peekable();
        let mut k = 0;
        for node in &self.typed.nodes {
            let mut args = Vec::with_capacity(node.args.len());
            for a in &node.args {
                let mut arg = place[a.index()];
                if next.next_if(|&&u| u == k).is_some() {
                    let TypedNode { shape, span, .. } = *self.typed.node(*a);
                    let v = VarId(typed.vars.len() as u32);
                    let facts = Facts::default();
                    typed.vars.push(Variable {
                        name: format!("e{k}"),
                        shape,
                        facts,
                        declared: true,
                    });
                    let e = push(&mut typed.nodes, Op::Var(v), vec![], shape, span);
                    arg = push(&mut typed.nodes, Op::Add, vec![arg, e], shape, span);
                }
                args.push(arg);
                k += 1;
            }
            place.push(push(&mut typed.nodes, node.op, args, node.shape, node.span));
        }
        let root = place.last().copied().unwrap_or(ExprId(0));
        (typed, root)
    }

    /// The gradient of every node from what its uses send back.
    fn sums(
        &self,
        contributions: &[Option<Tensor>],
        values: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let mut gradients: Vec<Option<Tensor>> = vec![None; values.len()];
        for (u, part) in self.uses.iter().zip(contributions) {
            let Some(part) = part else { continue };
            let sum = &mut gradients[u.from.index()];
            *sum = Some(match sum.take() {
                None => part.clone(),
                Some(before) => {
                    let (a, b) = (before.to_f64(), part.to_f64());
                    let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
                    Tensor::new(sum, part.shape().clone())?
                }
            });
        }
        for (node, gradient) in self.typed.nodes.iter().zip(&mut gradients) {
            if let (Op::Var(v), Some(g)) = (node.op, gradient) {
                *g = in_space(&self.typed.var(v).facts, g)?;
            }
        }
        let root = self.root();
        if self.typed.shape(root).is_scalar() && self.varies(None)[root.index()] {
            gradients[root.index()] = Some(Tensor::scalar(1.0));
        }
        Ok(gradients)
    }

    /// The gradient of the result by a node as a formula in the variables and the node's own name,
    /// if the language has one that agrees with the numbers of `flowed`, which belong to `values`.
    pub fn formula(
        &self,
        node: ExprId,
        flowed: &Flowed,
        values: &[Option<Tensor>],
    ) -> Option<String> {
        let expected = flowed.gradients[node.index()].as_ref()?.to_f64();
        let name = self.name(node);
        let mut point: Vec<Option<Dense>> = values.iter().map(|v| v.as_ref().map(dense)).collect();
        let (typed, root) = match self.typed.node(node).op {
            Op::Var(_) => (self.typed.clone(), self.root()),
            _ => {
                point.push(Some(dense(&flowed.values[node.index()])));
                self.with_variable_at(node)
            }
        };
        let found = derive(&typed, root, Request::First(name)).ok()?;
        if found.form != Form::Gradient {
            return None;
        }
        let value = evaluate(&found.typed, found.root, &point).ok()?.data;
        let size = expected.iter().fold(1.0f64, |a, b| a.max(b.abs()));
        // `vector(c)` may take its size from the shape the gradient has.
        let at = |i: usize| if value.len() == 1 { value[0] } else { value[i] };
        let agrees = (value.len() == 1 || value.len() == expected.len())
            && expected.iter().enumerate().all(|(i, e)| (at(i) - e).abs() <= 1e-9 * size);
        if !agrees {
            return None;
        }
        if self.typed.shape(node).kind != Kind::Row {
            return Some(found.text);
        }
        // The formula is about the transpose, and may not speak of the row by its name.
        let names = |n: &crate::ast::Node| matches!(n, crate::ast::Node::Name(n) if n == name);
        let speaks = (0..=found.formula.body.root.index())
            .any(|i| names(found.formula.ast.node(crate::ast::NodeId(i as u32))));
        let plain = found.text.chars().all(|c| c.is_alphanumeric() || c == '_');
        (!speaks).then(|| if plain { found.text + "'" } else { format!("({})'", found.text) })
    }

    /// The expression with a new variable in the place of a node; a row is the transpose of one.
    fn with_variable_at(&self, node: ExprId) -> (Typed, ExprId) {
        let mut typed = Typed { nodes: Vec::new(), ..self.typed.clone() };
        let mut place: Vec<ExprId> = Vec::with_capacity(self.typed.nodes.len());
        for (i, old) in self.typed.nodes.iter().enumerate() {
            let mut new = old.clone();
            new.args = old.args.iter().map(|a| place[a.index()]).collect();
            if i == node.index() {
                let row = old.shape.kind == Kind::Row;
                let shape = if row { old.shape.transposed() } else { old.shape };
                let op = Op::Var(VarId(typed.vars.len() as u32));
                let (name, facts) = (self.name(node).to_owned(), Facts::default());
                typed.vars.push(Variable { name, shape, facts, declared: true });
                new = TypedNode { op, args: vec![], shape, span: old.span };
                if row {
                    typed.nodes.push(new);
                    let args = vec![ExprId((typed.nodes.len() - 1) as u32)];
                    new = TypedNode { op: Op::Transpose, args, ..old.clone() };
                }
            }
            typed.nodes.push(new);
            place.push(ExprId((typed.nodes.len() - 1) as u32));
        }
        (typed, place.last().copied().unwrap_or(ExprId(0)))
    }
}

/// A name for every node; one that is computed from variables shares its name with no other.
fn names(typed: &Typed, varies: &[bool]) -> Vec<String> {
    let mut numbered = 0;
    let mut fresh = || loop {
        numbered += 1;
        let name = format!("v{numbered}");
        let taken = typed.find_var(&name).is_some()
            || typed.definitions.iter().any(|(other, _)| *other == name);
        if !taken {
            return name;
        }
    };
    let name = |(i, node): (usize, &TypedNode)| match node.op {
        Op::Var(v) => typed.var(v).name.clone(),
        _ => {
            let defined = typed.definitions.iter().find(|(_, e)| e.index() == i);
            match defined {
                Some((name, _)) => name.clone(),
                None if varies[i] => fresh(),
                None => "constant".to_owned(),
            }
        }
    };
    typed.nodes.iter().enumerate().map(name).collect()
}

/// The part of a gradient in the space of a variable with these facts.
fn in_space(facts: &Facts, g: &Tensor) -> Result<Tensor> {
    let &[n, m] = &**g.shape() else { return Ok(g.clone()) };
    if n != m || !(facts.symmetric || facts.diagonal) {
        return Ok(g.clone());
    }
    let x = g.to_f64();
    let entry = |(i, j): (usize, usize)| match facts.diagonal {
        true if i != j => 0.0,
        _ => 0.5 * (x[i * n + j] + x[j * n + i]),
    };
    Tensor::new((0..n * n).map(|k| entry((k / n, k % n))).collect::<Vec<f64>>(), [n, n])
}

fn dense(t: &Tensor) -> Dense {
    let (rows, cols) = match &**t.shape() {
        [m, n] => (*m, *n),
        [n] => (*n, 1),
        _ => (1, 1),
    };
    Dense { rows, cols, data: t.to_f64() }
}

/// The symbol or name of an operation, as it is written in the language.
pub fn symbol(typed: &Typed, node: ExprId) -> String {
    let TypedNode { op, args, shape, .. } = typed.node(node);
    let entrywise = |plain: &'static str, dotted: &'static str| {
        if shape.is_scalar() { plain } else { dotted }
    };
    let text = match *op {
        Op::Number(x) => return format!("{x}"),
        Op::Var(v) => return typed.var(v).name.clone(),
        Op::MatPow(k) => return format!("^{k}"),
        Op::Pow => {
            let symbol = entrywise("^", ".^");
            return match args.get(1).map(|e| typed.node(*e).op) {
                Some(Op::Number(x)) => format!("{symbol}{x}"),
                _ => symbol.to_owned(),
            };
        }
        Op::Map(f) => f.name(),
        Op::Fill if shape.kind == Kind::Matrix => "matrix",
        Op::Fill => "vector",
        Op::Eye => "eye",
        Op::Add => "+",
        Op::Sub | Op::Neg => "-",
        Op::Scale | Op::Product(_) => "*",
        Op::Mul => entrywise("*", ".*"),
        Op::DivScalar => "/",
        Op::Div => entrywise("/", "./"),
        Op::Solve => "\\",
        Op::Transpose => "'",
        Op::Max => "max",
        Op::Min => "min",
        Op::Sum => "sum",
        Op::Trace => "tr",
        Op::Det => "det",
        Op::LogDet => "logdet",
        Op::Norm1 => "norm1",
        Op::Norm2 => "norm2",
        Op::NormInf => "norminf",
        Op::LogSumExp => "logsumexp",
        Op::Softmax => "softmax",
        Op::Inverse => "inv",
        Op::Adjugate => "adj",
        Op::Diag | Op::DiagPart => "diag",
        Op::Kron => "kron",
        Op::Vec => "vec",
    };
    text.to_owned()
}
