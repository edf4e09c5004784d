//! Names that nobody declared: what speaks against the kind of their first letter, and what would
//! speak for another.
//!
//! Nothing is decided here. A formula means what the rule of first letters says; what is found is
//! for whoever tells the user.

use std::collections::{BTreeSet, HashSet};

use crate::ast::{
    Ast, BinaryOp, Declaration, Definition, Expr, Facts, Formula, Ident, Kind, Node, NodeId, Size,
};
use crate::diagnostic::Span;
use crate::infer::{Binding, Checker};
use crate::typed::{Typed, VarId};

/// Functions of all entries: of one number they are that number, or its size.
const OF_ALL_ENTRIES: &[&str] = &["sum", "norm1", "norm2", "norminf", "logsumexp", "dot"];
/// The letters that many a formula has for numbers, and that the rule of first letters takes for vectors.
/// (λ itself is a number.)
const GREEK: &[&str] = &[
    "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau",
    "upsilon", "phi", "psi", "omega", "zeta",
];
/// So many names are tried one by one.
const TRIED: usize = 8;

/// Whether a name is a Greek letter, spelled out, that the rule of first letters takes for a vector.
pub fn is_greek(name: &str) -> bool {
    GREEK.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_'))
}

impl Checker {
    /// Scalars that nobody declared and that are written as vectors are: transposed (`a'`), to the right of a
    /// matrix or row (`X*b`), entry by entry beside what is no scalar, or in a sum over all entries.
    pub fn doubtful(&self) -> &BTreeSet<VarId> {
        &self.doubtful
    }

    /// Notes what a node says of the names below it; `kind` is that of a node.
    pub(crate) fn doubt(&mut self, ast: &Ast, id: NodeId, kind: &dyn Fn(&Self, NodeId) -> Kind) {
        let parts: Vec<NodeId> = match ast.node(id) {
            Node::Transpose(x) => vec![*x],
            Node::Binary(BinaryOp::Mul, x, y)
                if matches!(kind(self, *x), Kind::Matrix | Kind::Row) =>
            {
                vec![*y]
            }
            Node::Binary(BinaryOp::DotMul, x, y) if kind(self, *x) != kind(self, *y) => {
                vec![*x, *y]
            }
            Node::Call(name, args) if OF_ALL_ENTRIES.contains(&name.as_str()) => args.clone(),
            _ => return,
        };
        let parts = parts.into_iter().filter(|x| kind(self, *x) == Kind::Scalar);
        let assumed = |name: &str| match self.names.get(name) {
            Some(Binding::Var(v)) => Some(*v).filter(|v| self.is_assumed_scalar(*v)),
            Some(Binding::Value(_)) | None => None,
        };
        let found: Vec<VarId> = parts.flat_map(|x| names(ast, x)).filter_map(assumed).collect();
        self.doubtful.extend(found);
    }

    fn is_assumed_scalar(&self, v: VarId) -> bool {
        let var = self.typed.var(v);
        !var.declared && var.shape.is_scalar()
    }

    /// The declarations of the [`doubtful`](Self::doubtful) names of a formula as vectors, with their sizes: of all
    /// together, and of what becomes doubtful beside them, or of those with which the formula fits one by one.
    /// `self` is as it was before the formula, `after` as it is behind it.
    pub fn as_vectors(&self, formula: &Formula, after: &Checker) -> Vec<Declaration> {
        let name = |c: &Checker, v: &VarId| c.typed.var(*v).name.clone();
        let mut names: BTreeSet<String> = after.doubtful.iter().map(|v| name(after, v)).collect();
        let alone: Vec<String> = names.iter().take(TRIED).cloned().collect();
        let mut before = 0;
        while before < names.len() {
            before = names.len();
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            let Some(checker) = self.with_kind(formula, &all, Kind::Vector) else {
                let one = |n: &String| self.declarations(formula, &[n], Kind::Vector);
                return alone.iter().filter_map(one).flatten().collect();
            };
            names.extend(checker.doubtful.iter().map(|v| name(&checker, v)));
        }
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        self.declarations(formula, &all, Kind::Vector).unwrap_or_default()
    }

    /// What reading a formula leaves in which `names` have this kind, if it fits.
    fn with_kind(&self, formula: &Formula, names: &[&str], kind: Kind) -> Option<Checker> {
        let mut checker = self.clone();
        for &name in names {
            let name = Ident { name: name.to_owned(), span: Span::default() };
            let (sizes, facts) = (Vec::new(), Facts::default());
            checker.declare(&Declaration { name, kind, sizes, square: false, facts });
        }
        checker.formula(formula).ok()?;
        Some(checker)
    }

    /// The declarations of `names` with their sizes, if a formula fits in which they have this kind.
    fn declarations(
        &self,
        formula: &Formula,
        names: &[&str],
        kind: Kind,
    ) -> Option<Vec<Declaration>> {
        let mut all = self.with_kind(formula, names, kind)?.finish().ok()?.declarations();
        all.retain(|d| names.contains(&d.name.name.as_str()));
        for d in &mut all {
            // The size of a Kronecker product cannot be written.
            if d.sizes.iter().any(|size| matches!(size, Size::Named(n) if n.contains('*'))) {
                d.sizes.clear();
            }
        }
        Some(all)
    }

    /// The declarations with which a formula would fit that does not: of one name that nobody declared, or of
    /// all that took the same kind, scalars as vectors and the other way round. `after` is what reading
    /// the formula left.
    pub fn remedy(&self, formula: &Formula, after: &Typed) -> Option<Vec<Declaration>> {
        let of_kind = |kind: Kind| -> Vec<&str> {
            let vars = after.vars.iter().filter(|v| !v.declared && v.shape.kind == kind);
            vars.map(|v| v.name.as_str()).collect()
        };
        let (scalars, vectors) = (of_kind(Kind::Scalar), of_kind(Kind::Vector));
        let singles = |names: &[&'_ str], kind| {
            let one = |name: &&str| self.declarations(formula, &[*name], kind);
            names.iter().take(TRIED).find_map(one)
        };
        let greek: Vec<&str> = vectors.iter().copied().filter(|name| is_greek(name)).collect();
        singles(&greek, Kind::Scalar)
            .or_else(|| singles(&scalars, Kind::Vector))
            .or_else(|| self.declarations(formula, &scalars, Kind::Vector))
            .or_else(|| singles(&vectors, Kind::Scalar))
            .or_else(|| self.declarations(formula, &vectors, Kind::Scalar))
    }
}

/// The where-definitions that neither the expression nor a definition that it uses names.
pub(crate) fn unused_definitions<'a>(
    ast: &Ast,
    body: Expr,
    definitions: &'a [Definition],
) -> Vec<&'a Ident> {
    let mut used: HashSet<&str> = names(ast, body.root).collect();
    let mut unused = Vec::new();
    for d in definitions.iter().rev() {
        match used.contains(d.name.name.as_str()) {
            true => used.extend(names(ast, d.value.root)),
            false => unused.push(&d.name),
        }
    }
    unused.reverse();
    unused
}

/// That definitions are not used, if there are such, in words.
pub(crate) fn unused_note(unused: &[&Ident]) -> Option<String> {
    let names: Vec<String> = unused.iter().map(|name| format!("`{}`", name.name)).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    (!names.is_empty()).then(|| format!("{} {are} defined and not used", names.join(", ")))
}

impl Formula {
    /// That there are where-definitions which neither the expression nor a definition that it uses
    /// names, if there are.
    pub fn unused(&self) -> Option<String> {
        unused_note(&unused_definitions(&self.ast, self.body, &self.definitions))
    }
}

/// The names in a part of an expression, as often as they stand there.
fn names(ast: &Ast, part: NodeId) -> impl Iterator<Item = &str> {
    let mut open = vec![part];
    std::iter::from_fn(move || {
        loop {
            match ast.node(open.pop()?) {
                Node::Number(_) => {}
                Node::Name(name) => return Some(name.as_str()),
                Node::Neg(x) | Node::Transpose(x) => open.push(*x),
                Node::Binary(_, x, y) => open.extend([*x, *y]),
                Node::Call(_, args) => open.extend(args),
            }
        }
    })
}
