//! Terms: the normal form in which derivatives are computed.
//!
//! A term is a sum of coefficients times products; a product is scalar factors with exponents
//! (they commute) and a chain of vectors and matrices (it does not); an entrywise product is
//! factors with exponents. Transposes stand on leaves. Terms are hash-consed: equal terms are one
//! id, so `X' == X` is a comparison of ids, and children have smaller ids than parents.
//!
//! Invariants, kept by the constructors in `build` and `rules`:
//! - a coefficient stands only in [`Term::Lin`]; an entry of a `Lin` is never a `Lin`;
//! - a `Lin` in a product or under a function has no numeric factor to take out;
//! - a [`Term::Mul`] has a chain that is closed (row … vector) only if it has no scalars;
//! - a [`Term::Trans`] stands on a term that cannot be transposed from inside.
//!
//! The numeric simplifications are true over the reals, not bit for bit.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use crate::ast::Kind;
use crate::dims::Dim;
use crate::typed::{Map, Shape, Typed, VarId};

/// A term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct T(pub(super) u32);

/// A coefficient or exponent; equality is by bits, with one zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct R(pub(super) f64);

impl PartialEq for R {
    fn eq(&self, other: &Self) -> bool {
        (self.0 + 0.0).to_bits() == (other.0 + 0.0).to_bits()
    }
}

impl Eq for R {}

impl Hash for R {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 + 0.0).to_bits().hash(state);
    }
}

/// What a term is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Term {
    Var(VarId),
    /// Every entry 1; of scalar shape it is the number 1.
    Ones,
    Eye,
    /// Coefficients times terms, sorted by term; empty is zero.
    Lin(Vec<(R, T)>),
    /// Scalars with exponents, sorted, and a chain.
    Mul(Vec<(T, R)>, Vec<T>),
    /// Entrywise product of non-scalars with exponents, sorted.
    Had(Vec<(T, R)>),
    Trans(T),
    Map(Map, T),
    /// Power with an exponent that is not a number.
    Pow(T, T),
    Sum(T),
    Trace(T),
    Det(T),
    LogDet(T),
    Norm2(T),
    NormInf(T),
    LogSumExp(T),
    Softmax(T),
    Inv(T),
    Adj(T),
    Diag(T),
    DiagPart(T),
    Kron(T, T),
    Vec(T),
    Max(T, T),
    Min(T, T),
    MatPow(T, i64),
}

/// How deep terms may nest, and how many parts all of them may have.
const MAX_DEPTH: u32 = 600;
const MAX_PARTS: usize = 4_000_000;

/// The arena of terms.
#[derive(Debug)]
pub(super) struct Terms {
    /// Variables and sizes; new variables are the directions of differentials.
    pub(super) typed: Typed,
    nodes: Vec<(Term, Shape, u32)>,
    index: HashMap<(Term, Shape), T>,
    pub(super) transposes: HashMap<T, T>,
    pub(super) costs: HashMap<T, u64>,
    pub(super) tidied: HashMap<T, T>,
    /// Variables and the directions of their differentials.
    pub(super) directions: HashMap<T, T>,
    /// The last term of the expression itself; what is made later belongs to its derivative.
    pub(super) expression: T,
    parts: usize,
    /// A leaf, and for the terms up to some id whether they depend on it.
    dependent: (T, Vec<bool>),
    /// Set when a limit was passed: results are then not to be used.
    pub(super) too_large: bool,
}

impl Terms {
    pub(super) fn new(typed: Typed) -> Self {
        let mut terms = Self {
            typed,
            nodes: Vec::new(),
            index: HashMap::new(),
            transposes: HashMap::new(),
            costs: HashMap::new(),
            tidied: HashMap::new(),
            directions: HashMap::new(),
            expression: T(0),
            parts: 0,
            dependent: (T(0), Vec::new()),
            too_large: false,
        };
        terms.raw(Term::Ones, Shape::SCALAR);
        terms
    }

    /// The term made last.
    pub(super) fn last(&self) -> T {
        T(self.nodes.len() as u32 - 1)
    }

    /// The number 1.
    pub(super) const ONE: T = T(0);

    pub(super) fn get(&self, t: T) -> &Term {
        &self.nodes[t.0 as usize].0
    }

    pub(super) fn shape(&self, t: T) -> Shape {
        self.nodes[t.0 as usize].1
    }

    pub(super) fn kind(&self, t: T) -> Kind {
        self.shape(t).kind
    }

    pub(super) fn depth(&self, t: T) -> u32 {
        self.nodes[t.0 as usize].2
    }

    pub(super) fn is_scalar(&self, t: T) -> bool {
        self.shape(t).is_scalar()
    }

    /// The id of a term, as it is: no rule is applied.
    pub(super) fn raw(&mut self, term: Term, shape: Shape) -> T {
        let d = &self.typed.dims;
        let shape = Shape { rows: d.root(shape.rows), cols: d.root(shape.cols), ..shape };
        let key = (term, shape);
        if let Some(&t) = self.index.get(&key) {
            return t;
        }
        let children = children(&key.0);
        let depth = 1 + children.iter().map(|&c| self.depth(c)).max().unwrap_or(0);
        self.parts += 1 + children.len();
        self.too_large |= depth > MAX_DEPTH || self.parts > MAX_PARTS;
        let t = T(self.nodes.len() as u32);
        self.nodes.push((key.0.clone(), shape, depth));
        self.index.insert(key, t);
        t
    }

    pub(super) fn var(&mut self, v: VarId) -> T {
        let shape = self.typed.var(v).shape;
        self.raw(Term::Var(v), shape)
    }

    pub(super) fn ones(&mut self, shape: Shape) -> T {
        self.raw(Term::Ones, shape)
    }

    pub(super) fn eye(&mut self, n: Dim) -> T {
        self.raw(Term::Eye, Shape::matrix(n, n))
    }

    pub(super) fn zero(&mut self, shape: Shape) -> T {
        self.raw(Term::Lin(Vec::new()), shape)
    }

    pub(super) fn num(&mut self, x: f64) -> T {
        self.lin(Shape::SCALAR, vec![(x, Self::ONE)])
    }

    pub(super) fn is_zero(&self, t: T) -> bool {
        matches!(self.get(t), Term::Lin(list) if list.is_empty())
    }

    pub(super) fn is_ones(&self, t: T) -> bool {
        matches!(self.get(t), Term::Ones)
    }

    /// The number a scalar term is, if it is one.
    pub(super) fn as_num(&self, t: T) -> Option<f64> {
        match self.get(t) {
            Term::Ones if self.is_scalar(t) => Some(1.0),
            Term::Lin(list) if self.is_scalar(t) => match list.as_slice() {
                [] => Some(0.0),
                [(c, Self::ONE)] => Some(c.0),
                _ => None,
            },
            _ => None,
        }
    }

    /// The terms `root` is made of, itself included, in increasing order.
    pub(super) fn reachable(&self, root: T) -> Vec<T> {
        let (mut seen, mut work) = (HashSet::from([root]), vec![root]);
        while let Some(t) = work.pop() {
            for c in children(self.get(t)) {
                if seen.insert(c) {
                    work.push(c);
                }
            }
        }
        let mut all: Vec<T> = seen.into_iter().collect();
        all.sort_unstable();
        all
    }

    /// Whether `t` depends on `leaf`. Remembers what it found for the leaf asked last.
    pub(super) fn contains(&mut self, t: T, leaf: T) -> bool {
        if self.dependent.0 != leaf {
            self.dependent = (leaf, Vec::new());
        }
        let on = &mut self.dependent.1;
        for i in on.len()..=t.0 as usize {
            let found =
                i == leaf.0 as usize || children(&self.nodes[i].0).iter().any(|c| on[c.0 as usize]);
            on.push(found);
        }
        on[t.0 as usize]
    }

    /// Coefficient and the rest: `t = c * rest`, where the rest has no numeric factor, and if it
    /// is a sum, its first coefficient is positive.
    pub(super) fn content(&mut self, t: T) -> (f64, T) {
        let Term::Lin(list) = self.get(t) else { return (1.0, t) };
        match list.as_slice() {
            [] => return (0.0, t),
            [(c, m)] => return (c.0, *m),
            _ => {}
        }
        let sign = if list[0].0.0 < 0.0 { -1.0 } else { 1.0 };
        let c = sign * common(list.iter().map(|(c, _)| c.0));
        if c == 1.0 {
            return (1.0, t);
        }
        let list = list.iter().map(|(k, m)| (R(k.0 / c), *m)).collect();
        let shape = self.shape(t);
        (c, self.raw(Term::Lin(list), shape))
    }

    /// A sum. Sums inside are opened, equal terms are collected, zeros left out.
    pub(super) fn lin(&mut self, shape: Shape, parts: Vec<(f64, T)>) -> T {
        if shape.kind == Kind::Row && parts.len() > 1 {
            let parts = parts.into_iter().map(|(c, t)| (c, self.transpose(t))).collect();
            let column = self.lin(shape.transposed(), parts);
            return self.transpose(column);
        }
        let mut all: Vec<(f64, T)> = Vec::with_capacity(parts.len());
        for (c, t) in parts {
            match self.get(t) {
                Term::Lin(list) => all.extend(list.iter().map(|(k, m)| (c * k.0, *m))),
                _ => all.push((c, t)),
            }
        }
        all.sort_by_key(|(_, t)| *t);
        let mut out: Vec<(R, T)> = Vec::with_capacity(all.len());
        for (c, t) in all {
            match out.last_mut() {
                Some(last) if last.1 == t => last.0.0 += c,
                _ => out.push((R(c), t)),
            }
        }
        out.retain(|(c, _)| c.0 != 0.0);
        match out.as_slice() {
            [(R(c), t)] if *c == 1.0 => *t,
            _ => self.raw(Term::Lin(out), shape),
        }
    }

    pub(super) fn add(&mut self, x: T, y: T) -> T {
        let shape = self.shape(x);
        self.lin(shape, vec![(1.0, x), (1.0, y)])
    }

    pub(super) fn sub(&mut self, x: T, y: T) -> T {
        let shape = self.shape(x);
        self.lin(shape, vec![(1.0, x), (-1.0, y)])
    }

    pub(super) fn times(&mut self, c: f64, x: T) -> T {
        let shape = self.shape(x);
        self.lin(shape, vec![(c, x)])
    }
}

/// The numeric factor several coefficients have in common, positive; 1 if there is none.
pub(super) fn common(coefficients: impl Iterator<Item = f64> + Clone) -> f64 {
    let least = coefficients.clone().map(f64::abs).fold(f64::INFINITY, f64::min);
    if !least.is_finite() || least == 0.0 {
        return 1.0;
    }
    if coefficients.clone().all(|c| (c / least).fract() == 0.0) {
        return least;
    }
    if !coefficients.clone().all(|c| c.fract() == 0.0 && c.abs() < 1e15) {
        return 1.0;
    }
    coefficients.map(|c| c.abs() as u64).fold(0, gcd) as f64
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The terms a term is made of, with repetition.
pub(super) fn children(term: &Term) -> Vec<T> {
    match term {
        Term::Var(_) | Term::Ones | Term::Eye => Vec::new(),
        Term::Lin(list) => list.iter().map(|(_, t)| *t).collect(),
        Term::Mul(scalars, chain) => {
            scalars.iter().map(|(t, _)| *t).chain(chain.iter().copied()).collect()
        }
        Term::Had(list) => list.iter().map(|(t, _)| *t).collect(),
        Term::Trans(t)
        | Term::Map(_, t)
        | Term::Sum(t)
        | Term::Trace(t)
        | Term::Det(t)
        | Term::LogDet(t)
        | Term::Norm2(t)
        | Term::NormInf(t)
        | Term::LogSumExp(t)
        | Term::Softmax(t)
        | Term::Inv(t)
        | Term::Adj(t)
        | Term::Diag(t)
        | Term::DiagPart(t)
        | Term::Vec(t)
        | Term::MatPow(t, _) => vec![*t],
        Term::Pow(x, y) | Term::Kron(x, y) | Term::Max(x, y) | Term::Min(x, y) => vec![*x, *y],
    }
}

/// The same term with other parts.
pub(super) fn map_children(term: &Term, new: impl Fn(T) -> T) -> Term {
    let powers = |list: &[(T, R)]| list.iter().map(|(t, p)| (new(*t), *p)).collect();
    match term {
        Term::Var(_) | Term::Ones | Term::Eye => term.clone(),
        Term::Lin(list) => Term::Lin(list.iter().map(|(c, t)| (*c, new(*t))).collect()),
        Term::Mul(scalars, chain) => {
            Term::Mul(powers(scalars), chain.iter().map(|t| new(*t)).collect())
        }
        Term::Had(list) => Term::Had(powers(list)),
        Term::Trans(t) => Term::Trans(new(*t)),
        Term::Map(f, t) => Term::Map(*f, new(*t)),
        Term::Sum(t) => Term::Sum(new(*t)),
        Term::Trace(t) => Term::Trace(new(*t)),
        Term::Det(t) => Term::Det(new(*t)),
        Term::LogDet(t) => Term::LogDet(new(*t)),
        Term::Norm2(t) => Term::Norm2(new(*t)),
        Term::NormInf(t) => Term::NormInf(new(*t)),
        Term::LogSumExp(t) => Term::LogSumExp(new(*t)),
        Term::Softmax(t) => Term::Softmax(new(*t)),
        Term::Inv(t) => Term::Inv(new(*t)),
        Term::Adj(t) => Term::Adj(new(*t)),
        Term::Diag(t) => Term::Diag(new(*t)),
        Term::DiagPart(t) => Term::DiagPart(new(*t)),
        Term::Vec(t) => Term::Vec(new(*t)),
        Term::MatPow(t, k) => Term::MatPow(new(*t), *k),
        Term::Pow(x, y) => Term::Pow(new(*x), new(*y)),
        Term::Kron(x, y) => Term::Kron(new(*x), new(*y)),
        Term::Max(x, y) => Term::Max(new(*x), new(*y)),
        Term::Min(x, y) => Term::Min(new(*x), new(*y)),
    }
}
