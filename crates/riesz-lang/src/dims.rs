//! Sizes: symbols, numbers and products of them, unified while an expression is read.
//!
//! A symbol a person declared (`n` in `vector[n]`) stands for itself: it may turn out to be a
//! number, but two different symbols are never quietly made equal. A size nobody named is free
//! and takes whatever the expression asks for. Union-find with iterative path following.

use std::collections::{BTreeMap, BTreeSet};

/// A size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(u32);

#[derive(Debug, Clone, PartialEq)]
enum State {
    Link(Dim),
    Free,
    Named(String),
    Fixed(usize),
    /// Of two or more sizes; only `kron` and `vec` make these.
    Product(Vec<Dim>),
}

/// All sizes of a set of expressions.
#[derive(Debug, Clone)]
pub struct Dims {
    states: Vec<State>,
    names: BTreeMap<String, Dim>,
    /// Products that could not be compared while they were symbols.
    pending: Vec<(Dim, Dim)>,
}

impl Default for Dims {
    fn default() -> Self {
        Self { states: vec![State::Fixed(1)], names: BTreeMap::new(), pending: Vec::new() }
    }
}

impl Dims {
    /// The size 1.
    pub const ONE: Dim = Dim(0);

    fn push(&mut self, state: State) -> Dim {
        self.states.push(state);
        Dim((self.states.len() - 1) as u32)
    }

    /// A size nothing is known of yet.
    pub fn free(&mut self) -> Dim {
        self.push(State::Free)
    }

    /// The size with this number.
    pub fn fixed(&mut self, size: usize) -> Dim {
        if size == 1 { Self::ONE } else { self.push(State::Fixed(size)) }
    }

    /// The size with this name.
    pub fn named(&mut self, name: &str) -> Dim {
        if let Some(&d) = self.names.get(name) {
            return d;
        }
        let d = self.push(State::Named(name.to_owned()));
        self.names.insert(name.to_owned(), d);
        d
    }

    /// The product of two sizes.
    pub fn product(&mut self, a: Dim, b: Dim) -> Dim {
        let (scale, factors) = self.factors(&[a, b]);
        let mut list = factors;
        if scale != 1 {
            list.insert(0, self.fixed(scale));
        }
        match list.as_slice() {
            [] => Self::ONE,
            &[only] => only,
            _ => self.push(State::Product(list)),
        }
    }

    /// The representative of a size.
    pub fn root(&self, mut d: Dim) -> Dim {
        while let State::Link(next) = self.states[d.0 as usize] {
            d = next;
        }
        d
    }

    /// Number and sorted symbols whose product the sizes are.
    fn factors(&self, of: &[Dim]) -> (usize, Vec<Dim>) {
        let (mut scale, mut symbols, mut stack) = (1usize, Vec::new(), of.to_vec());
        while let Some(d) = stack.pop() {
            let d = self.root(d);
            match &self.states[d.0 as usize] {
                State::Fixed(k) => scale = scale.saturating_mul(*k),
                State::Product(list) => stack.extend(list),
                _ => symbols.push(d),
            }
        }
        symbols.sort();
        (scale, symbols)
    }

    /// Whether the two are known to be the same.
    pub fn same(&self, a: Dim, b: Dim) -> bool {
        self.root(a) == self.root(b) || self.factors(&[a]) == self.factors(&[b])
    }

    /// Makes the two the same; false if they cannot be.
    #[must_use]
    pub fn unify(&mut self, a: Dim, b: Dim) -> bool {
        if self.same(a, b) {
            return true;
        }
        let (a, b) = (self.root(a), self.root(b));
        let (sa, sb) = (&self.states[a.0 as usize], &self.states[b.0 as usize]);
        match (sa, sb) {
            (State::Free, _) if !self.factors(&[b]).1.contains(&a) => self.link(a, b),
            (_, State::Free) if !self.factors(&[a]).1.contains(&b) => self.link(b, a),
            (State::Named(_), State::Fixed(_)) => self.link(a, b),
            (State::Fixed(_), State::Named(_)) => self.link(b, a),
            (State::Named(_), State::Product(_)) if !self.factors(&[b]).1.contains(&a) => {
                self.link(a, b)
            }
            (State::Product(_), State::Named(_)) if !self.factors(&[a]).1.contains(&b) => {
                self.link(b, a)
            }
            (State::Product(_), _) | (_, State::Product(_)) => {
                self.pending.push((a, b));
                !matches!((self.value(a), self.value(b)), (Some(x), Some(y)) if x != y)
            }
            _ => false,
        }
    }

    fn link(&mut self, from: Dim, to: Dim) -> bool {
        self.states[from.0 as usize] = State::Link(to);
        true
    }

    /// Its number, when it has one.
    pub fn value(&self, d: Dim) -> Option<usize> {
        let (scale, symbols) = self.factors(&[d]);
        symbols.is_empty().then_some(scale)
    }

    /// Whether nothing at all is known of it.
    pub fn is_free(&self, d: Dim) -> bool {
        self.factors(&[d]).1.iter().any(|s| matches!(self.states[s.0 as usize], State::Free))
    }

    /// Gives every free size under `dims` a name nobody uses: `n`, `m`, `k`, …
    pub fn name_free(&mut self, dims: impl IntoIterator<Item = Dim>) {
        let mut letters = ["n", "m", "k", "l", "p", "q", "r", "s", "t"].map(String::from).to_vec();
        letters.reverse();
        let mut count = 0;
        for d in dims {
            for s in self.factors(&[d]).1 {
                while matches!(self.states[s.0 as usize], State::Free) {
                    count += 1;
                    let name = letters.pop().unwrap_or_else(|| format!("n{count}"));
                    if !self.names.contains_key(&name) {
                        self.names.insert(name.clone(), s);
                        self.states[s.0 as usize] = State::Named(name);
                    }
                }
            }
        }
    }

    /// Equations between products of symbols that were assumed; to be checked with numbers.
    pub fn assumed(&self) -> impl Iterator<Item = (Dim, Dim)> + '_ {
        self.pending.iter().copied()
    }

    /// Names in use.
    pub fn names(&self) -> BTreeSet<String> {
        self.names.keys().cloned().collect()
    }

    /// As text: `n`, `8`, `m*n`, or `_` when nothing is known.
    pub fn text(&self, d: Dim) -> String {
        let (scale, symbols) = self.factors(&[d]);
        let mut parts = Vec::new();
        if scale != 1 || symbols.is_empty() {
            parts.push(scale.to_string());
        }
        for s in symbols {
            parts.push(match &self.states[s.0 as usize] {
                State::Named(name) => name.clone(),
                _ => "_".into(),
            });
        }
        parts.join("*")
    }
}
