//! Which parts of a formula are written once, in a where-definition, and what they are called.
//!
//! A part gets a name when that saves symbols, or when brackets would nest too deep. Parts are terms;
//! [`share_chains`](Terms::share_chains) first makes terms of the stretches that several products have
//! in common, such as `A'*y` in `A*M*A'*y` and `M^2*A'*y`.

use std::collections::{BTreeSet, HashMap};

use super::term::{T, Term, Terms, children, map_children};
use crate::ast::Kind;
use crate::typed::{Map, Shape};

/// Parts this deep in a definition get a definition of their own.
const MAX_NESTING: u32 = 40;
/// Products with more factors than this together are not searched for common stretches.
const MAX_FACTORS: usize = 120;
/// The most stretches that are named.
const MAX_STRETCHES: usize = 8;

/// Whether a name for a part that is used `uses` times and saves `saved` symbols is worth a
/// definition.
fn worth(uses: u64, saved: u64) -> bool {
    saved >= 2 || (saved >= 1 && uses > 2)
}

impl Terms {
    /// The same term, in which a stretch of factors that several products share is a product of its
    /// own, if a name for it saves symbols.
    pub(super) fn share_chains(&mut self, mut root: T) -> T {
        for _ in 0..MAX_STRETCHES {
            let Some(stretch) = self.best_stretch(root) else { break };
            root = self.close(root, &stretch);
        }
        root
    }

    /// The stretch whose name saves most.
    fn best_stretch(&mut self, root: T) -> Option<Vec<T>> {
        let mut chains: Vec<Vec<T>> = Vec::new();
        for t in self.reachable(root) {
            if let Term::Mul(_, chain) = self.get(t)
                && chain.len() > 1
            {
                chains.push(chain.clone());
            }
        }
        if chains.len() < 2 || chains.iter().map(Vec::len).sum::<usize>() > MAX_FACTORS {
            return None;
        }
        // What stands in several places will have a name itself.
        let mut places: HashMap<T, u64> = HashMap::new();
        chains.iter().flatten().for_each(|f| *places.entry(*f).or_insert(0) += 1);
        let mut seen: HashMap<&[T], u64> = HashMap::new();
        for chain in &chains {
            let mut here: BTreeSet<&[T]> = BTreeSet::new();
            for from in 0..chain.len() {
                here.extend((from + 2..=chain.len()).map(|to| &chain[from..to]));
            }
            here.into_iter().for_each(|stretch| *seen.entry(stretch).or_insert(0) += 1);
        }
        let mut best: Option<(u64, usize, Vec<T>)> = None;
        for (stretch, uses) in seen.into_iter().filter(|(_, uses)| *uses > 1) {
            if self.stretch_shape(stretch).is_scalar() {
                continue;
            }
            let cost = |s: &mut Self, f: T| match places[&f] {
                1 => s.cost(f),
                _ => s.cost(f).min(if s.is_plain(f) { u64::MAX } else { 1 }),
            };
            let factors: u64 = stretch.iter().map(|f| cost(self, *f)).sum();
            let cost = factors + stretch.len() as u64 - 1;
            let saved = ((uses - 1) * cost).saturating_sub(uses);
            let better = best.as_ref().is_none_or(|(most, length, other)| {
                (saved, stretch.len()) > (*most, *length)
                    || ((saved, stretch.len()) == (*most, *length) && stretch < other.as_slice())
            });
            if worth(uses, saved) && better {
                best = Some((saved, stretch.len(), stretch.to_vec()));
            }
        }
        best.map(|(.., stretch)| stretch)
    }

    /// The shape of a product of these factors.
    fn stretch_shape(&self, stretch: &[T]) -> Shape {
        let (first, last) = (self.shape(stretch[0]), self.shape(stretch[stretch.len() - 1]));
        match (first.kind, last.kind) {
            (Kind::Row, Kind::Vector) => Shape::SCALAR,
            (Kind::Row, _) => Shape::row(last.cols),
            (_, Kind::Vector) => Shape::vector(first.rows),
            _ => Shape::matrix(first.rows, last.cols),
        }
    }

    /// The term with every such stretch made a factor.
    fn close(&mut self, root: T, stretch: &[T]) -> T {
        let shape = self.stretch_shape(stretch);
        let closed = self.raw(Term::Mul(vec![], stretch.to_vec()), shape);
        let mut new: HashMap<T, T> = HashMap::new();
        for t in self.reachable(root) {
            let shape = self.shape(t);
            let mut term = map_children(self.get(t), |c| new.get(&c).copied().unwrap_or(c));
            if let Term::Mul(scalars, chain) = &mut term {
                while let Some(at) = chain.windows(stretch.len()).position(|w| w == stretch) {
                    chain.splice(at..at + stretch.len(), [closed]);
                }
                if scalars.is_empty() && chain.as_slice() == [closed] {
                    new.insert(t, closed);
                    continue;
                }
            }
            let made = self.raw(term, shape);
            new.insert(t, made);
        }
        new.get(&root).copied().unwrap_or(root)
    }

    /// Variables and their transposes, which are as short as any name.
    fn is_plain(&self, t: T) -> bool {
        matches!(self.get(t), Term::Var(_) | Term::Ones | Term::Eye) || self.is_power_of_leaf(t)
    }

    /// The parts that get a name, in the order of their definitions.
    pub(super) fn shared_parts(&mut self, root: T) -> Vec<T> {
        let order = self.reachable(root);
        let mut uses: HashMap<T, u64> = HashMap::from([(root, 1)]);
        let mut height: HashMap<T, u32> = HashMap::new();
        let mut deep: BTreeSet<T> = BTreeSet::new();
        for &t in &order {
            let inner = children(self.get(t)).iter().map(|c| height[c]).max().unwrap_or(0) + 1;
            let cut = inner >= MAX_NESTING && t != root;
            if cut {
                deep.insert(t);
            }
            height.insert(t, if cut { 0 } else { inner });
        }
        let mut named = Vec::new();
        for &t in order.iter().rev() {
            let (u, cost) = (uses.get(&t).copied().unwrap_or(1), self.cost(t));
            let saved = u.saturating_sub(1).saturating_mul(cost).saturating_sub(u);
            let pays = u > 1 && cost > 1 && t != root && worth(u, saved);
            let name_it = (pays && !self.is_power_of_leaf(t)) || deep.contains(&t);
            if name_it {
                named.push(t);
            }
            let per_use = if name_it { 1 } else { u };
            let mut parts = children(self.get(t));
            if let Term::Mul(..) = self.get(t) {
                // M*M is written M^2.
                parts.dedup_by(|a, b| a == b && self.kind(*a) == Kind::Matrix);
            }
            for c in parts {
                let entry = uses.entry(c).or_insert(0);
                *entry = entry.saturating_add(per_use);
            }
        }
        named.reverse();
        named
    }

    /// `x'`, `c*x`: too plain for a name.
    fn is_power_of_leaf(&self, t: T) -> bool {
        let leaf = |u: T| matches!(self.get(u), Term::Var(_) | Term::Ones | Term::Eye);
        match self.get(t) {
            Term::Trans(u) => leaf(*u),
            Term::Lin(list) => list.len() == 1 && leaf(list[0].1),
            _ => false,
        }
    }

    pub(super) fn choose_names(&self, named: &[T]) -> HashMap<T, String> {
        let mut taken: BTreeSet<String> = self.typed.vars.iter().map(|v| v.name.clone()).collect();
        taken.extend(["eye".to_owned(), "where".to_owned()]);
        let mut out = HashMap::new();
        for &t in named {
            let choices: &[&str] = match (self.get(t), self.kind(t)) {
                (Term::Softmax(_), _) => &["p", "q", "s", "h"],
                (Term::Map(Map::Sigmoid, _), Kind::Vector) => &["s", "p", "h", "z"],
                (Term::Lin(_), Kind::Vector) => &["r", "z", "h", "u"],
                (_, Kind::Vector) => &["h", "z", "u", "v", "w"],
                (_, Kind::Row) => &["h", "z", "u", "v", "w"],
                (_, Kind::Scalar) => &["q", "s", "t", "g", "f"],
                (Term::Inv(_), Kind::Matrix) => &["M", "P", "G", "K"],
                (_, Kind::Matrix) => &["T", "G", "H", "M", "K"],
            };
            let free = choices.iter().find(|n| !taken.contains(**n));
            let name = match free {
                Some(n) => (*n).to_owned(),
                None => (1..)
                    .map(|i| format!("{}{i}", choices[0]))
                    .find(|n| !taken.contains(n))
                    .unwrap_or_default(),
            };
            taken.insert(name.clone());
            out.insert(t, name);
        }
        out
    }
}
