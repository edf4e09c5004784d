//! Products: of chains, of scalars, entry by entry; powers; transposes.
//!
//! The rules here, each true over the reals where both sides are defined:
//! `eye*A → A`, `inv(A)*A → eye`, `Q'*Q → eye` (orthogonal), `diag(v)*diag(w) → diag(v.*w)`,
//! `diag(v)*w → v.*w`, `u'*…*v` is a scalar and moves to the front, `vector(1)'*v → sum(v)`,
//! `v'*v → norm2(v)^2`, `s^a*s^b → s^(a+b)`, `(A*B)' → B'*A'`, and the functions that cancel:
//! `exp(z)/sum(exp(z)) → softmax(z)`, `1/(1 + exp(z)) → sigmoid(-z)`, `sinh/cosh → tanh`.

use super::term::{R, T, Term, Terms};
use crate::ast::Kind;
use crate::typed::{Map, Shape};

/// A product being built.
#[derive(Debug)]
struct Parts {
    coefficient: f64,
    scalars: Vec<(T, R)>,
    chain: Vec<T>,
}

impl Terms {
    /// The product of factors in order; scalars may stand anywhere.
    pub(super) fn product(&mut self, factors: &[T]) -> T {
        let shape = self.product_shape(factors);
        let mut parts = Parts { coefficient: 1.0, scalars: Vec::new(), chain: Vec::new() };
        for &f in factors {
            if !self.absorb(&mut parts, f) {
                return self.zero(shape);
            }
        }
        self.finish(parts, shape)
    }

    /// The shape of a chain: what stands first and last decides.
    pub(super) fn product_shape(&self, factors: &[T]) -> Shape {
        let chain: Vec<Shape> =
            factors.iter().map(|&f| self.shape(f)).filter(|s| !s.is_scalar()).collect();
        let (Some(first), Some(last)) = (chain.first(), chain.last()) else { return Shape::SCALAR };
        let row = first.kind == Kind::Row;
        let column = last.kind == Kind::Vector;
        match (row, column) {
            (true, true) => Shape::SCALAR,
            (true, false) => Shape::row(last.cols),
            (false, true) => Shape::vector(first.rows),
            (false, false) => Shape::matrix(first.rows, last.cols),
        }
    }

    /// Takes one more factor; false if it is zero.
    fn absorb(&mut self, parts: &mut Parts, factor: T) -> bool {
        let (c, m) = self.content(factor);
        parts.coefficient *= c;
        if c == 0.0 {
            return false;
        }
        match self.get(m).clone() {
            _ if m == Self::ONE => true,
            Term::Mul(scalars, chain) if chain.is_empty() || !self.is_scalar(m) => {
                parts.scalars.extend(scalars);
                chain.into_iter().all(|g| self.push(parts, g))
            }
            _ if self.is_scalar(m) => {
                parts.scalars.push((m, R(1.0)));
                true
            }
            _ => self.push(parts, m),
        }
    }

    /// Puts one more link on the chain; false if the product is zero.
    fn push(&mut self, parts: &mut Parts, link: T) -> bool {
        if matches!(self.get(link), Term::Eye) {
            return true;
        }
        if let Some(&top) = parts.chain.last() {
            if self.cancel(top, link) {
                parts.chain.pop();
                return true;
            }
            let kind = self.kind(link);
            match (self.get(top).clone(), self.get(link).clone()) {
                (Term::Diag(v), Term::Diag(w)) => {
                    parts.chain.pop();
                    let both = self.hadamard(&[(v, 1.0), (w, 1.0)]);
                    let both = self.diag(both);
                    return self.absorb(parts, both);
                }
                (Term::Diag(v), _) if kind == Kind::Vector => {
                    parts.chain.pop();
                    let both = self.hadamard(&[(v, 1.0), (link, 1.0)]);
                    return self.absorb(parts, both);
                }
                (_, Term::Diag(v)) if self.kind(top) == Kind::Row => {
                    parts.chain.pop();
                    let top = self.transpose(top);
                    let both = self.hadamard(&[(top, 1.0), (v, 1.0)]);
                    let both = self.transpose(both);
                    return self.absorb(parts, both);
                }
                _ => {}
            }
            if kind == Kind::Vector {
                let row = parts.chain.iter().rposition(|&f| self.kind(f) == Kind::Row);
                if let Some(row) = row {
                    let mut closed = parts.chain.split_off(row);
                    closed.push(link);
                    let scalar = self.closed(closed);
                    return self.absorb(parts, scalar);
                }
            }
        }
        parts.chain.push(link);
        true
    }

    /// Whether `x*y` is the identity.
    fn cancel(&mut self, x: T, y: T) -> bool {
        if self.kind(x) != Kind::Matrix || self.kind(y) != Kind::Matrix {
            return false;
        }
        let inverse = |s: &mut Self, t: T| match s.get(t).clone() {
            Term::Inv(a) => Some(a),
            Term::Trans(i) => match s.get(i).clone() {
                Term::Inv(a) => Some(s.transpose(a)),
                Term::Var(v) if s.typed.var(v).facts.orthogonal => Some(i),
                _ => None,
            },
            Term::Var(v) if s.typed.var(v).facts.orthogonal => Some(s.transpose(t)),
            _ => None,
        };
        inverse(self, x) == Some(y) || inverse(self, y) == Some(x)
    }

    /// A scalar `row * … * vector`, written the way with fewer transposes.
    pub(super) fn closed(&mut self, chain: Vec<T>) -> T {
        if let [first, .., last] = *chain.as_slice() {
            if self.is_ones(first) {
                let rest = self.product(&chain[1..]);
                return self.sum(rest);
            }
            if self.is_ones(last) {
                let rest = self.product(&chain[..chain.len() - 1]);
                return self.sum(rest);
            }
            // v'*v, also for v = B*w written out as w'*B'*B*w.
            let half = chain.len() / 2;
            let back = |s: &mut Self, i: usize| s.transpose(chain[chain.len() - 1 - i]);
            if chain.len().is_multiple_of(2) && (0..half).all(|i| back(self, i) == chain[i]) {
                let column = self.product(&chain[half..]);
                let norm = self.norm2(column);
                return self.power(norm, 2.0);
            }
        }
        let back: Vec<T> = chain.iter().rev().map(|&f| self.transpose(f)).collect();
        let key = |s: &Self, c: &[T]| (s.count_transposes(c), c.to_vec());
        let chain = if key(self, &back) < key(self, &chain) { back } else { chain };
        self.raw(Term::Mul(Vec::new(), chain), Shape::SCALAR)
    }

    pub(super) fn count_transposes(&self, chain: &[T]) -> usize {
        chain.iter().filter(|&&f| matches!(self.get(f), Term::Trans(_))).count()
    }

    fn finish(&mut self, mut parts: Parts, shape: Shape) -> T {
        self.merge(&mut parts.scalars);
        for i in (0..parts.scalars.len()).rev() {
            let (s, p) = parts.scalars[i];
            if let Some(k) = self.softmax_link(s, &parts.chain).filter(|_| p.0 <= -1.0) {
                let (link, z) = (parts.chain[k.0], k.1);
                let mut soft = self.softmax(z);
                if self.kind(link) == Kind::Row {
                    soft = self.transpose(soft);
                }
                parts.chain[k.0] = soft;
                parts.scalars[i].1.0 += 1.0;
            }
        }
        for i in 0..parts.scalars.len() {
            let (s, p) = parts.scalars[i];
            if let Term::Det(u) = *self.get(s)
                && p.0 <= -1.0
                && let Some(k) = parts.chain.iter().position(|&f| self.is_adj(f, u))
            {
                let mut inverse = self.inv(u);
                if *self.get(parts.chain[k]) != Term::Adj(u) {
                    inverse = self.transpose(inverse);
                }
                parts.chain[k] = inverse;
                parts.scalars[i].1.0 += 1.0;
            }
        }
        parts.scalars.retain(|(_, p)| p.0 != 0.0);
        if parts.chain.is_empty() && shape.kind == Kind::Matrix {
            parts.chain.push(self.eye(shape.rows));
        }
        let single = parts.chain.len() == 1 && parts.scalars.is_empty();
        let term = match (parts.scalars.as_slice(), parts.chain.as_slice()) {
            ([], []) => Self::ONE,
            ([(s, R(p))], []) if *p == 1.0 => *s,
            (_, [only]) if single => *only,
            _ => self.raw(Term::Mul(parts.scalars, parts.chain), shape),
        };
        self.lin(shape, vec![(parts.coefficient, term)])
    }

    /// Whether a term is `adj(u)` or its transpose.
    fn is_adj(&self, t: T, u: T) -> bool {
        match *self.get(t) {
            Term::Trans(a) => *self.get(a) == Term::Adj(u),
            Term::Adj(v) => v == u,
            _ => false,
        }
    }

    /// For `s = sum(exp(z))`: where `exp(z)` stands in the chain, and `z`.
    fn softmax_link(&self, s: T, chain: &[T]) -> Option<(usize, T)> {
        let Term::Sum(e) = *self.get(s) else { return None };
        let Term::Map(Map::Exp, z) = *self.get(e) else { return None };
        if self.kind(z) != Kind::Vector {
            return None;
        }
        let k = chain.iter().position(|&f| f == e || *self.get(f) == Term::Trans(e))?;
        Some((k, z))
    }

    /// Sorts factors, adds the exponents of equal ones, and applies the rules for pairs.
    fn merge(&mut self, factors: &mut Vec<(T, R)>) {
        loop {
            factors.sort_by_key(|(t, _)| *t);
            factors.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1.0 += next.1.0;
                }
                same
            });
            factors.retain(|(_, p)| p.0 != 0.0);
            if !self.pair(factors) {
                return;
            }
        }
    }

    /// One rule for cancelling functions; true if it applied.
    fn pair(&mut self, factors: &mut Vec<(T, R)>) -> bool {
        for i in 0..factors.len() {
            let (t, p) = (factors[i].0, factors[i].1.0);
            if p <= -1.0
                && p.fract() == 0.0
                && let Some(z) = self.one_plus_exp(t)
            {
                let z = self.times(-1.0, z);
                factors[i] = (self.map(Map::Sigmoid, z), R(-p));
                return true;
            }
            let Term::Map(f, z) = *self.get(t) else { continue };
            if f == Map::Step && p >= 1.0 {
                // step is 0 or 1, and relu is 0 where step is.
                let relu = self.map(Map::Relu, z);
                let cut = factors.iter().any(|&(u, q)| u == relu && q.0 > 0.0);
                if cut || p > 1.0 {
                    factors[i].1 = R(if cut { 0.0 } else { 1.0 });
                    return true;
                }
                continue;
            }
            let (other, q, result) = match f {
                Map::Exp if p >= 1.0 => {
                    let minus = self.times(-1.0, z);
                    (self.map(Map::Sigmoid, minus), 1.0, Map::Sigmoid)
                }
                Map::Sign if p >= 1.0 => (self.map(Map::Abs, z), 1.0, Map::Abs),
                Map::Sinh if p >= 1.0 => (self.map(Map::Cosh, z), -1.0, Map::Tanh),
                Map::Sin if p >= 1.0 => (self.map(Map::Cos, z), -1.0, Map::Tan),
                _ => continue,
            };
            let found = factors.iter().position(|&(u, r)| u == other && r.0 * q >= 1.0);
            if let Some(j) = found {
                factors[i].1.0 -= 1.0;
                factors[j].1.0 -= q;
                // abs(z)*sign(z) = z
                let made = if f == Map::Sign { z } else { self.map(result, z) };
                factors.push((made, R(1.0)));
                return true;
            }
        }
        false
    }

    /// The `z` of `1 + exp(z)`.
    pub(super) fn one_plus_exp(&self, t: T) -> Option<T> {
        let Term::Lin(list) = self.get(t) else { return None };
        let [(a, x), (b, y)] = *list.as_slice() else { return None };
        if a.0 != 1.0 || b.0 != 1.0 {
            return None;
        }
        let other = if self.is_ones(x) { y } else { x };
        match *self.get(other) {
            Term::Map(Map::Exp, z) if self.is_ones(x) || self.is_ones(y) => Some(z),
            _ => None,
        }
    }

    /// Entrywise product of non-scalars of one shape, each with an exponent.
    pub(super) fn hadamard(&mut self, factors: &[(T, f64)]) -> T {
        let shape = factors.first().map_or(Shape::SCALAR, |f| self.shape(f.0));
        if shape.is_scalar() {
            let powers: Vec<T> = factors.iter().map(|&(t, p)| self.power(t, p)).collect();
            return self.product(&powers);
        }
        if shape.kind == Kind::Row {
            let columns: Vec<(T, f64)> =
                factors.iter().map(|&(t, p)| (self.transpose(t), p)).collect();
            let column = self.hadamard(&columns);
            return self.transpose(column);
        }
        let (mut outside, mut inside) = (vec![], Vec::new());
        let mut work: Vec<(T, f64)> = factors.iter().rev().copied().collect();
        let mut coefficient = 1.0;
        while let Some((t, p)) = work.pop() {
            let whole = p.fract() == 0.0;
            let (c, m) = self.content(t);
            if c == 0.0 && p > 0.0 {
                return self.zero(shape);
            }
            if c == 0.0 || (c < 0.0 && !whole) {
                inside.push((t, R(p)));
                continue;
            }
            coefficient *= c.powf(p);
            match self.get(m).clone() {
                Term::Ones => {}
                Term::Had(list) if whole || list.iter().all(|f| self.nonneg(f.0, 6)) => {
                    work.extend(list.iter().rev().map(|(u, q)| (*u, q.0 * p)));
                }
                Term::Mul(scalars, chain)
                    if !scalars.is_empty()
                        && (whole || scalars.iter().all(|f| self.nonneg(f.0, 6))) =>
                {
                    for (s, q) in scalars {
                        outside.push(self.power(s, q.0 * p));
                    }
                    work.push((self.product(&chain), p));
                }
                _ => inside.push((m, R(p))),
            }
        }
        self.merge(&mut inside);
        let body = match inside.as_slice() {
            [] => self.ones(shape),
            [(t, p)] if p.0 == 1.0 => *t,
            _ => self.raw(Term::Had(inside), shape),
        };
        outside.push(self.num(coefficient));
        outside.push(body);
        self.product(&outside)
    }

    /// Entrywise (or scalar) power with a number as exponent.
    pub(super) fn power(&mut self, t: T, p: f64) -> T {
        if !self.is_scalar(t) {
            if p == 0.0 {
                let shape = self.shape(t);
                return self.ones(shape);
            }
            return self.hadamard(&[(t, p)]);
        }
        if p == 0.0 {
            return Self::ONE;
        }
        if p == 1.0 {
            return t;
        }
        let whole = p.fract() == 0.0;
        let (c, m) = self.content(t);
        let mut parts = Parts { coefficient: 1.0, scalars: vec![], chain: vec![] };
        if c == 0.0 || (c < 0.0 && !whole) {
            parts.scalars.push((t, R(p)));
            return self.finish(parts, Shape::SCALAR);
        }
        parts.coefficient = c.powf(p);
        match self.get(m).clone() {
            _ if m == Self::ONE => {}
            Term::Mul(scalars, chain)
                if chain.is_empty() && (whole || scalars.iter().all(|f| self.nonneg(f.0, 6))) =>
            {
                parts.scalars.extend(scalars.iter().map(|(s, q)| (*s, R(q.0 * p))));
            }
            Term::Mul(scalars, chain)
                if chain.is_empty() && p == 0.5 && scalars.len() == 1 && scalars[0].1.0 == 2.0 =>
            {
                let abs = self.map(Map::Abs, scalars[0].0);
                parts.scalars.push((abs, R(1.0)));
            }
            _ => parts.scalars.push((m, R(p))),
        }
        self.finish(parts, Shape::SCALAR)
    }
}
