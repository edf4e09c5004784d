//! Making a term short: common factors of sums.
//!
//! Rebuilds a term from its leaves up. In every sum it takes out, in this order: scalars all
//! summands share, the numeric factor they share, then, best first, a matrix or vector that
//! several summands begin or end with, or an entrywise factor. The results are terms outside the
//! normal form (a sum may stand in a sum with a factor), so they are for printing only.

use std::collections::HashMap;

use super::term::{R, T, Term, Terms, common, map_children};
use crate::ast::Kind;
use crate::typed::Shape;

/// Sums with more terms than this are not searched for partial common factors.
const MAX_SEARCH: usize = 60;

/// A summand taken apart.
#[derive(Debug, Clone, PartialEq)]
struct Summand {
    coefficient: f64,
    scalars: Vec<(T, R)>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Chain(Vec<T>),
    Had(Vec<(T, R)>),
}

/// What several summands have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Shared {
    Last(T),
    First(T),
    Entry(T),
    /// The whole body, of the summand with this number: only the scalars differ.
    Whole(usize),
}

/// Sorts scalars and adds the exponents of equal ones.
fn merged(mut scalars: Vec<(T, R)>) -> Vec<(T, R)> {
    scalars.sort_by_key(|(t, _)| *t);
    scalars.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1.0 += next.1.0;
        }
        same
    });
    scalars.retain(|(_, p)| p.0 != 0.0);
    scalars
}

impl Terms {
    /// The term with common factors taken out, for printing.
    pub(super) fn tidy(&mut self, root: T) -> T {
        for t in self.reachable(root) {
            if self.tidied.contains_key(&t) {
                continue;
            }
            let flipped = self.transpose_if_shorter(t);
            let new = match flipped {
                Some(u) => {
                    let u = self.tidy(u);
                    let (c, u) = match self.get(u) {
                        Term::Lin(list) if list.len() == 1 => (list[0].0.0, list[0].1),
                        _ => (1.0, u),
                    };
                    let shape = self.shape(t);
                    let u = self.raw(Term::Trans(u), shape);
                    if c == 1.0 { u } else { self.raw(Term::Lin(vec![(R(c), u)]), shape) }
                }
                None => self.tidy_node(t),
            };
            self.tidied.insert(t, new);
        }
        self.tidied.get(&root).copied().unwrap_or(root)
    }

    /// The transpose of a matrix that is shorter by more than the sign for the transpose.
    fn transpose_if_shorter(&mut self, t: T) -> Option<T> {
        let compound = matches!(self.get(t), Term::Lin(_) | Term::Mul(..));
        if !compound || self.kind(t) != Kind::Matrix {
            return None;
        }
        let u = self.transpose(t);
        (self.cost(u) + 1 < self.cost(t)).then_some(u)
    }

    /// One term from its tidied parts.
    fn tidy_node(&mut self, t: T) -> T {
        let shape = self.shape(t);
        let new = |s: &Self, u: T| s.tidied.get(&u).copied().unwrap_or(u);
        let term = map_children(self.get(t), |u| new(self, u));
        match term {
            Term::Lin(parts) => {
                let parts = parts.iter().map(|(c, u)| self.take_apart(c.0, *u)).collect();
                self.tidy_sum(parts, shape)
            }
            Term::Mul(scalars, chain) => self.splice(&scalars, &chain, shape),
            Term::Var(_) | Term::Ones | Term::Eye => t,
            term => self.raw(term, shape),
        }
    }

    /// `p.*(v - vector(p'*v))` is `(diag(p) - p*p')*v`, which is shorter where v is more than a name:
    /// the factors of that.
    fn softmax_product(&mut self, list: &[(T, R)], shape: Shape) -> Option<Vec<T>> {
        let &[(a, R(1.0)), (b, R(1.0))] = list else { return None };
        for (p, difference) in [(a, b), (b, a)] {
            let Term::Lin(parts) = self.get(difference).clone() else { continue };
            let &[(R(c), first), (R(d), second)] = parts.as_slice() else { continue };
            let (v, w) = match (c, d) {
                (1.0, -1.0) => (first, second),
                (-1.0, 1.0) => (second, first),
                _ => continue,
            };
            if self.kind(p) != Kind::Vector || self.cost(v) < 2 {
                continue;
            }
            let row = self.raw(Term::Trans(p), shape.transposed());
            let inner = self.splice(&[], &[row, v], Shape::SCALAR);
            let ones = self.ones(shape);
            if w != self.splice(&[(inner, R(1.0))], &[ones], shape) {
                continue;
            }
            let square = Shape::matrix(shape.rows, shape.rows);
            let outer = self.raw(Term::Mul(vec![], vec![p, row]), square);
            let diagonal = self.raw(Term::Diag(p), square);
            let matrix = self.raw(Term::Lin(vec![(R(1.0), diagonal), (R(-1.0), outer)]), square);
            let mut factors = vec![matrix];
            match self.get(v) {
                Term::Mul(scalars, chain) if scalars.is_empty() => factors.extend(chain),
                _ => factors.push(v),
            }
            return Some(factors);
        }
        None
    }

    /// A product in which factors that have become products themselves are opened.
    fn splice(&mut self, scalars: &[(T, R)], chain: &[T], shape: Shape) -> T {
        let (mut c, mut out, mut links) = (1.0, Vec::new(), Vec::new());
        let single = |s: &Self, t: T| match s.get(t) {
            Term::Lin(list) if list.len() == 1 => (list[0].0.0, list[0].1),
            _ => (1.0, t),
        };
        for &(s, p) in scalars {
            let (k, m) = single(self, s);
            if p.0.fract() != 0.0 {
                out.push((s, p));
                continue;
            }
            c *= k.powf(p.0);
            match self.get(m) {
                Term::Mul(inner, closed) if closed.is_empty() => {
                    out.extend(inner.iter().map(|(u, q)| (*u, R(q.0 * p.0))));
                }
                _ => out.push((m, p)),
            }
        }
        for &f in chain {
            let (k, m) = single(self, f);
            c *= k;
            match self.get(m) {
                Term::Mul(inner, chain) if !self.is_scalar(m) => {
                    out.extend(inner);
                    links.extend(chain);
                }
                _ => links.push(m),
            }
        }
        let s = Summand { coefficient: c, scalars: out, body: Body::Chain(links) };
        let (c, t) = self.put_together(&s, shape);
        if c == 1.0 { t } else { self.raw(Term::Lin(vec![(R(c), t)]), shape) }
    }

    fn take_apart(&self, coefficient: f64, t: T) -> Summand {
        if let Term::Lin(list) = self.get(t)
            && let [(k, u)] = *list.as_slice()
        {
            return self.take_apart(coefficient * k.0, u);
        }
        let (scalars, body) = match self.get(t).clone() {
            Term::Mul(s, chain) => match chain.as_slice() {
                [only] => (s, self.entrywise(*only)),
                _ => (s, Body::Chain(chain)),
            },
            _ if t == Self::ONE => (vec![], Body::Chain(vec![])),
            _ if self.is_scalar(t) => (vec![(t, R(1.0))], Body::Chain(vec![])),
            _ => (vec![], self.entrywise(t)),
        };
        Summand { coefficient, scalars, body }
    }

    fn entrywise(&self, t: T) -> Body {
        match self.get(t).clone() {
            Term::Had(list) => Body::Had(list),
            _ => Body::Chain(vec![t]),
        }
    }

    fn put_together(&mut self, s: &Summand, shape: Shape) -> (f64, T) {
        let body = match &s.body {
            Body::Chain(chain) => chain.clone(),
            Body::Had(list) => match list.as_slice() {
                [] => vec![self.ones(shape)],
                [(t, R(p))] if *p == 1.0 => vec![*t],
                list => match self.softmax_product(list, shape) {
                    Some(chain) => chain,
                    None => vec![self.raw(Term::Had(list.to_vec()), shape)],
                },
            },
        };
        let scalars = merged(s.scalars.clone());
        let t = match (scalars.as_slice(), body.as_slice()) {
            ([], []) => Self::ONE,
            ([], &[only]) => only,
            (&[(only, R(1.0))], []) => only,
            _ => self.raw(Term::Mul(scalars, body), shape),
        };
        (s.coefficient, t)
    }

    /// The sum of summands, factored.
    fn tidy_sum(&mut self, parts: Vec<Summand>, shape: Shape) -> T {
        if shape.is_scalar()
            && (2..=MAX_SEARCH).contains(&parts.len())
            && let Some(t) = self.tidy_scalars(&parts)
        {
            return t;
        }
        self.tidy_sum_as_is(parts, shape)
    }

    fn tidy_sum_as_is(&mut self, mut parts: Vec<Summand>, shape: Shape) -> T {
        if parts.len() < 2 {
            let parts: Vec<(R, T)> =
                parts.iter().map(|s| self.put_together(s, shape)).map(|(c, t)| (R(c), t)).collect();
            return match parts.as_slice() {
                [(R(c), t)] if *c == 1.0 => *t,
                _ => self.raw(Term::Lin(parts), shape),
            };
        }
        let scalars = self.common_scalars(&mut parts);
        let mut c = common(parts.iter().map(|s| s.coefficient));
        // 4*a + 6*b is shorter than 2*(2*a + 3*b); 2*(a + 2*b) is as long as 2*a + 4*b.
        if parts.iter().all(|s| s.coefficient.abs() != c) {
            c = 1.0;
        } else if parts.iter().all(|s| s.coefficient < 0.0) {
            c = -c;
        }
        for s in &mut parts {
            s.coefficient /= c;
        }
        while parts.len() > 1 && parts.len() <= MAX_SEARCH {
            let Some(shared) = self.best_shared(&parts) else { break };
            self.pull_out(&mut parts, shared, shape);
        }
        let mut list: Vec<(R, T)> =
            parts.iter().map(|s| self.put_together(s, shape)).map(|(c, t)| (R(c), t)).collect();
        self.pair_transposes(&mut list, shape);
        let (k, inner) = match list.as_slice() {
            [(R(k), t)] => (*k, *t),
            _ => (1.0, self.raw(Term::Lin(list), shape)),
        };
        let mut outer = self.take_apart(c * k, inner);
        outer.scalars.extend(scalars);
        let (c, t) = self.put_together(&outer, shape);
        if c == 1.0 { t } else { self.raw(Term::Lin(vec![(R(c), t)]), shape) }
    }

    /// Writes a summand that is the transpose of another as such, after the other.
    fn pair_transposes(&mut self, list: &mut [(R, T)], shape: Shape) {
        if shape.kind != Kind::Matrix || list.len() > MAX_SEARCH {
            return;
        }
        for i in 0..list.len() {
            for j in i + 1..list.len() {
                let (x, y) = (list[i].1, list[j].1);
                if x == y || self.transpose(x) != y {
                    continue;
                }
                if self.cost(x) > self.cost(y) {
                    list.swap(i, j);
                }
                let x = list[i].1;
                if self.cost(x) > 2 {
                    list[j].1 = self.raw(Term::Trans(x), shape);
                }
            }
        }
    }

    /// For sums of scalars `u'*…*v`: the same with every chain turned so that the factor made
    /// last stands last, if that is shorter once factored.
    fn tidy_scalars(&mut self, parts: &[Summand]) -> Option<T> {
        let mut turned = parts.to_vec();
        let mut changed = false;
        for s in &mut turned {
            let Body::Chain(chain) = &mut s.body else { continue };
            let [first, .., last] = *chain.as_slice() else { continue };
            if self.transpose(first) > last {
                *chain = chain.iter().rev().map(|&f| self.transpose(f)).collect();
                changed = true;
            }
        }
        if !changed {
            return None;
        }
        let new = self.tidy_sum_as_is(turned, Shape::SCALAR);
        let old = self.tidy_sum_as_is(parts.to_vec(), Shape::SCALAR);
        Some(if self.cost(new) < self.cost(old) { new } else { old })
    }

    /// Takes out the scalars that every summand has, with the smaller exponent.
    fn common_scalars(&mut self, parts: &mut [Summand]) -> Vec<(T, R)> {
        let mut out = Vec::new();
        for (t, p) in parts[0].scalars.clone() {
            let mut least = p.0;
            let shared = parts.iter().all(|s| {
                let found = s.scalars.iter().find(|(u, q)| *u == t && q.0 * least > 0.0);
                if let Some((_, q)) = found
                    && q.0.abs() < least.abs()
                {
                    least = q.0;
                }
                found.is_some()
            });
            // b + b*c: taking b out leaves a 1 behind, which is no gain for a single letter.
            let leaves_one = parts.iter().any(|s| {
                s.body == Body::Chain(vec![]) && s.scalars.len() == 1 && s.scalars[0].1.0 == least
            });
            let small = leaves_one && parts.len() == 2 && self.cost(t) < 2;
            if shared && !small {
                for s in parts.iter_mut() {
                    for (u, q) in &mut s.scalars {
                        if *u == t {
                            q.0 -= least;
                        }
                    }
                    s.scalars.retain(|(_, q)| q.0 != 0.0);
                }
                out.push((t, R(least)));
            }
        }
        out
    }

    /// The factor whose extraction saves most.
    fn best_shared(&mut self, parts: &[Summand]) -> Option<Shared> {
        for (i, s) in parts.iter().enumerate() {
            let plain = s.body == Body::Chain(vec![]);
            if !plain && parts[i + 1..].iter().any(|r| r.body == s.body) {
                return Some(Shared::Whole(i));
            }
        }
        let mut counts: HashMap<Shared, (usize, f64)> = HashMap::new();
        for s in parts {
            for shared in self.shared_of(s) {
                let lonely = match (&s.body, shared) {
                    (Body::Chain(c), Shared::Entry(_)) => c.len() == 1,
                    _ => false,
                };
                // p.*v - s*p → p.*(v - vector(s)): a lone factor leaves vector(s) or vector(1).
                let loss = match (lonely, s.scalars.is_empty()) {
                    (false, _) => 0.0,
                    (true, true) => 2.0,
                    (true, false) => 0.0,
                };
                let entry = counts.entry(shared).or_insert((0, 0.0));
                entry.0 += 1;
                entry.1 += loss;
            }
        }
        let mut best: Option<(f64, Shared)> = None;
        for (shared, (count, loss)) in counts {
            if count < 2 {
                continue;
            }
            let t = match shared {
                Shared::Last(t) | Shared::First(t) | Shared::Entry(t) => t,
                Shared::Whole(_) => continue,
            };
            let gain = (count - 1) as f64 * (self.cost(t) + 1) as f64 - loss;
            if gain <= 0.0 {
                continue;
            }
            let better = match &best {
                None => true,
                Some((g, s)) => gain > *g || (gain == *g && shared < *s),
            };
            if better {
                best = Some((gain, shared));
            }
        }
        best.map(|(_, s)| s)
    }

    fn shared_of(&self, s: &Summand) -> Vec<Shared> {
        match &s.body {
            Body::Had(list) => {
                list.iter().filter(|(_, p)| p.0 == 1.0).map(|(t, _)| Shared::Entry(*t)).collect()
            }
            Body::Chain(chain) => match chain.as_slice() {
                // What is left must not be a scalar: scalars are taken out elsewhere.
                [first, .., last] => {
                    let open = |c: &[T]| !self.product_shape(c).is_scalar();
                    let first = open(&chain[1..]).then_some(Shared::First(*first));
                    let last = open(&chain[..chain.len() - 1]).then_some(Shared::Last(*last));
                    first.into_iter().chain(last).collect()
                }
                [only] if !self.is_scalar(*only) && !self.is_ones(*only) => {
                    vec![Shared::Entry(*only)]
                }
                _ => Vec::new(),
            },
        }
    }

    /// Replaces the summands that share a factor by one product.
    fn pull_out(&mut self, parts: &mut Vec<Summand>, shared: Shared, shape: Shape) {
        if let Shared::Whole(first) = shared {
            return self.pull_whole(parts, first);
        }
        let (mut rest, mut at) = (Vec::new(), None);
        let mut kept = Vec::with_capacity(parts.len());
        for s in parts.drain(..) {
            if !self.shared_of(&s).contains(&shared) {
                kept.push(s);
                continue;
            }
            at.get_or_insert(kept.len());
            let body = match (s.body, shared) {
                (Body::Chain(mut c), Shared::First(_)) => {
                    c.remove(0);
                    Body::Chain(c)
                }
                (Body::Chain(mut c), Shared::Last(_)) => {
                    c.pop();
                    Body::Chain(c)
                }
                (Body::Chain(_), Shared::Entry(_)) => Body::Chain(vec![self.ones(shape)]),
                (Body::Had(mut l), Shared::Entry(t)) => {
                    l.retain(|(u, _)| *u != t);
                    Body::Had(l)
                }
                (body, _) => body,
            };
            rest.push(Summand { body, ..s });
        }
        let inner_shape = match rest.first().map(|s| &s.body) {
            Some(Body::Chain(c)) if !c.is_empty() => self.product_shape(c),
            _ => shape,
        };
        // A single entrywise factor is a chain of one for the next search.
        let rest: Vec<Summand> = rest
            .into_iter()
            .map(|s| {
                let (c, t) = self.put_together(&s, inner_shape);
                self.take_apart(c, t)
            })
            .collect();
        let inner = self.tidy_sum(rest, inner_shape);
        let inner_parts = match self.get(inner).clone() {
            Term::Lin(list) if list.len() == 1 => self.take_apart(list[0].0.0, list[0].1),
            _ => self.take_apart(1.0, inner),
        };
        let body = match (inner_parts.body, shared) {
            (Body::Chain(mut c), Shared::First(t)) => {
                c.insert(0, t);
                Body::Chain(c)
            }
            (Body::Chain(mut c), Shared::Last(t)) => {
                c.push(t);
                Body::Chain(c)
            }
            (Body::Had(l), Shared::First(t)) => {
                let h = self.raw(Term::Had(l), inner_shape);
                Body::Chain(vec![t, h])
            }
            (Body::Had(l), Shared::Last(t)) => {
                let h = self.raw(Term::Had(l), inner_shape);
                Body::Chain(vec![h, t])
            }
            (Body::Had(mut l), Shared::Entry(t)) => {
                l.insert(0, (t, R(1.0)));
                Body::Had(l)
            }
            (Body::Chain(c), Shared::Entry(t)) => {
                let inner = match c.as_slice() {
                    [only] => *only,
                    _ => self.raw(Term::Mul(vec![], c), shape),
                };
                Body::Had(vec![(t, R(1.0)), (inner, R(1.0))])
            }
            (body, Shared::Whole(_)) => body,
        };
        kept.insert(
            at.unwrap_or(0),
            Summand { coefficient: inner_parts.coefficient, scalars: inner_parts.scalars, body },
        );
        *parts = kept;
    }

    /// s*b + t*b → (s + t)*b
    fn pull_whole(&mut self, parts: &mut Vec<Summand>, first: usize) {
        let body = parts[first].body.clone();
        let (same, others): (Vec<Summand>, Vec<Summand>) =
            std::mem::take(parts).into_iter().partition(|s| s.body == body);
        let scalars =
            same.into_iter().map(|s| Summand { body: Body::Chain(vec![]), ..s }).collect();
        let sum = self.tidy_sum(scalars, Shape::SCALAR);
        let sum = self.take_apart(1.0, sum);
        *parts = others;
        let scalars = match sum.body {
            Body::Chain(c) if c.is_empty() => sum.scalars,
            // A closed chain is one scalar beside the others.
            Body::Chain(c) => {
                let closed = self.raw(Term::Mul(vec![], c), Shape::SCALAR);
                merged(sum.scalars.into_iter().chain([(closed, R(1.0))]).collect())
            }
            Body::Had(_) => sum.scalars,
        };
        parts.insert(
            first.min(parts.len()),
            Summand { scalars, body, coefficient: sum.coefficient },
        );
    }
}
