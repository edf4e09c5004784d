//! How long a term prints: the measure by which common factors are taken out and parts named.

use std::collections::HashMap;

use super::term::{R, T, Term, Terms, children};
use crate::typed::Map;

impl Terms {
    /// About how many symbols the term prints as; counts a shared part every time.
    pub(super) fn cost(&mut self, root: T) -> u64 {
        if let Some(&c) = self.costs.get(&root) {
            return c;
        }
        for t in self.reachable(root) {
            if !self.costs.contains_key(&t) {
                let c = self.cost_of(t);
                self.costs.insert(t, c);
            }
        }
        self.costs.get(&root).copied().unwrap_or(1)
    }

    fn cost_of(&self, t: T) -> u64 {
        let of = |u: &T| self.costs.get(u).copied().unwrap_or(1);
        let factor = |&(u, p): &(T, R)| {
            of(&u).saturating_add(match p.0.abs() {
                1.0 => 0,
                0.5 => 1,
                _ => 2,
            })
        };
        let sum = |it: &mut dyn Iterator<Item = u64>| it.fold(0u64, u64::saturating_add);
        match self.get(t) {
            Term::Var(_) | Term::Eye => 1,
            Term::Ones => 1 + u64::from(!self.is_scalar(t)),
            Term::Lin(list) => {
                let inner = sum(&mut list.iter().map(|(c, u)| {
                    of(u).saturating_add(if c.0.abs() == 1.0 || *u == Self::ONE { 1 } else { 3 })
                }));
                inner.saturating_sub(1).max(1)
            }
            Term::Mul(scalars, chain) => {
                let n = (scalars.len() + chain.len()) as u64;
                let below = chain.is_empty() && scalars.iter().all(|(_, p)| p.0 < 0.0);
                sum(&mut scalars.iter().map(factor))
                    .saturating_add(sum(&mut chain.iter().map(of)))
                    .saturating_add(n.saturating_sub(1) + 2 * u64::from(below))
            }
            Term::Had(list) => {
                let below = list.iter().all(|(_, p)| p.0 < 0.0);
                let n = list.len() as u64 - 1;
                sum(&mut list.iter().map(factor)).saturating_add(n + 3 * u64::from(below))
            }
            Term::Sum(u) => match self.get(*u) {
                Term::Map(Map::Abs, _) => of(u),
                _ => of(u).saturating_add(1),
            },
            Term::Pow(a, b) | Term::Kron(a, b) | Term::Max(a, b) | Term::Min(a, b) => {
                of(a).saturating_add(of(b)).saturating_add(1)
            }
            Term::MatPow(u, _) => of(u).saturating_add(2),
            Term::Trans(u)
            | Term::Map(_, u)
            | Term::Trace(u)
            | Term::Det(u)
            | Term::LogDet(u)
            | Term::Norm2(u)
            | Term::NormInf(u)
            | Term::LogSumExp(u)
            | Term::Softmax(u)
            | Term::Inv(u)
            | Term::Adj(u)
            | Term::Diag(u)
            | Term::DiagPart(u)
            | Term::Vec(u) => of(u).saturating_add(1),
        }
    }

    /// For the parts of `root`, the last part of the original expression in each: summands are
    /// written in this order, which is the order of the expression.
    pub(super) fn ages(&self, root: T) -> HashMap<T, T> {
        let mut ages = HashMap::new();
        for t in self.reachable(root) {
            let age = if t <= self.expression {
                t
            } else {
                let inner = children(self.get(t)).iter().map(|c| ages[c]).max();
                inner.unwrap_or(Self::ONE)
            };
            ages.insert(t, age);
        }
        ages
    }
}
