//! The gradient of a scalar term: reverse mode.
//!
//! Every rule is the transpose, in the inner product tr(A'B), of the differential in `forward`:
//! for a chain Y = P·X·Q, X̄ = P'·Ȳ·Q'; for Y = inv(X), X̄ = -Y'·Ȳ·Y'. One loop over the terms
//! from the root down. `kron`, `vec` and high matrix powers have no transpose in the language;
//! then there is no gradient as a formula, and the caller shows the differential.

use std::collections::{HashMap, HashSet};

use super::term::{R, T, Term, Terms};
use crate::ast::Kind;

type Adjoints = HashMap<T, Vec<(f64, T)>>;

impl Terms {
    /// The gradient of the scalar `root` with respect to the variable `leaf`, or `None` where
    /// the language has no form for it.
    pub(super) fn gradient(&mut self, root: T, leaf: T) -> Option<T> {
        let mut adjoints: Adjoints = HashMap::from([(root, vec![(1.0, Self::ONE)])]);
        let order = self.reachable(root);
        for &t in order.iter().rev() {
            if t == leaf || !self.contains(t, leaf) || self.too_large {
                continue;
            }
            let Some(parts) = adjoints.remove(&t) else { continue };
            let shape = self.shape(t);
            let bar = self.lin(shape, parts);
            if !self.is_zero(bar) {
                self.pull_back(t, bar, leaf, &mut adjoints)?;
            }
        }
        let shape = self.shape(leaf);
        let parts = adjoints.remove(&leaf).unwrap_or_default();
        Some(self.lin(shape, parts))
    }

    /// Adds to the adjoints of the parts of `t`, whose adjoint is `bar`.
    fn pull_back(&mut self, t: T, bar: T, leaf: T, adjoints: &mut Adjoints) -> Option<()> {
        let parts = super::term::children(self.get(t));
        let wanted: Vec<T> = parts.into_iter().filter(|&u| self.contains(u, leaf)).collect();
        let wanted: HashSet<T> = wanted.into_iter().collect();
        let wanted = |u: T| wanted.contains(&u);
        let mut give = |u: T, c: f64, x: T| adjoints.entry(u).or_default().push((c, x));
        match self.get(t).clone() {
            Term::Var(_) | Term::Ones | Term::Eye => {}
            Term::Lin(list) => {
                for (c, u) in list {
                    if wanted(u) {
                        give(u, c.0, bar);
                    }
                }
            }
            Term::Mul(scalars, chain) => {
                for (u, c, x) in self.pull_back_product(bar, &scalars, &chain, &wanted) {
                    give(u, c, x);
                }
            }
            Term::Had(list) => {
                for (i, (u, p)) in list.iter().enumerate() {
                    if !wanted(*u) {
                        continue;
                    }
                    let mut factors: Vec<(T, f64)> = list.iter().map(|(v, q)| (*v, q.0)).collect();
                    factors[i].1 -= 1.0;
                    factors.retain(|f| f.1 != 0.0);
                    factors.insert(0, (bar, 1.0));
                    let x = self.hadamard(&factors);
                    give(*u, p.0, x);
                }
            }
            Term::Trans(u) => {
                let x = self.transpose(bar);
                give(u, 1.0, x);
            }
            Term::Map(f, u) => {
                let slope = self.slope(f, u, t);
                let x = self.hadamard(&[(bar, 1.0), (slope, 1.0)]);
                give(u, 1.0, x);
            }
            Term::Pow(b, e) => {
                if wanted(b) {
                    let slope = self.pow_slope_base(b, e);
                    let x = self.hadamard(&[(bar, 1.0), (slope, 1.0)]);
                    give(b, 1.0, x);
                }
                if wanted(e) {
                    let slope = self.pow_slope_exponent(b, t);
                    let x = if self.is_scalar(e) {
                        self.inner(slope, bar)
                    } else {
                        self.hadamard(&[(bar, 1.0), (slope, 1.0)])
                    };
                    give(e, 1.0, x);
                }
            }
            Term::Max(a, b) | Term::Min(a, b) => {
                let max = matches!(self.get(t), Term::Max(..));
                let (wa, wb) = self.max_weights(max, a, b);
                for (u, w) in [(a, wa), (b, wb)] {
                    if wanted(u) {
                        let x = self.hadamard(&[(bar, 1.0), (w, 1.0)]);
                        give(u, 1.0, x);
                    }
                }
            }
            Term::Kron(..) | Term::Vec(_) => return None,
            Term::Sum(u)
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
            | Term::MatPow(u, _) => {
                let x = self.pull_back_function(t, u, bar)?;
                give(u, 1.0, x);
            }
        }
        Some(())
    }

    fn pull_back_product(
        &mut self,
        bar: T,
        scalars: &[(T, R)],
        chain: &[T],
        wanted: &impl Fn(T) -> bool,
    ) -> Vec<(T, f64, T)> {
        let powers: Vec<T> = scalars.iter().map(|(s, p)| self.power(*s, p.0)).collect();
        let mut out = Vec::new();
        let whole = (!chain.is_empty() && scalars.iter().any(|(s, _)| wanted(*s))).then(|| {
            let chain = self.product(chain);
            self.inner(bar, chain)
        });
        for (i, (s, p)) in scalars.iter().enumerate() {
            if wanted(*s) {
                let mut factors = powers.clone();
                factors[i] = self.power(*s, p.0 - 1.0);
                factors.push(whole.unwrap_or(bar));
                out.push((*s, p.0, self.product(&factors)));
            }
        }
        for (i, &f) in chain.iter().enumerate() {
            if !wanted(f) {
                continue;
            }
            let mut factors = powers.clone();
            for &g in chain[..i].iter().rev() {
                factors.push(self.transpose(g));
            }
            factors.push(bar);
            for &g in chain[i + 1..].iter().rev() {
                factors.push(self.transpose(g));
            }
            out.push((f, 1.0, self.product(&factors)));
        }
        out
    }

    fn pull_back_function(&mut self, t: T, u: T, bar: T) -> Option<T> {
        let shape = self.shape(u);
        Some(match *self.get(t) {
            Term::Sum(_) => {
                let ones = self.ones(shape);
                self.product(&[bar, ones])
            }
            Term::Trace(_) => {
                let eye = self.eye(shape.rows);
                self.product(&[bar, eye])
            }
            Term::Diag(_) => self.diag_part(bar),
            Term::DiagPart(_) => self.diag(bar),
            // Defined for a singular matrix too when the matrix is a variable.
            Term::Det(_) if matches!(self.get(u), Term::Var(_)) => {
                let adj = self.adj(u);
                let adj = self.transpose(adj);
                self.product(&[bar, adj])
            }
            Term::Det(_) => {
                let inverse = self.inv(u);
                let inverse = self.transpose(inverse);
                self.product(&[bar, t, inverse])
            }
            Term::LogDet(_) => {
                let inverse = self.inv(u);
                let inverse = self.transpose(inverse);
                self.product(&[bar, inverse])
            }
            Term::Norm2(_) => {
                let below = self.power(t, -1.0);
                self.product(&[bar, below, u])
            }
            Term::NormInf(_) => {
                let g = self.norm_inf_gradient(t, u);
                self.product(&[bar, g])
            }
            Term::LogSumExp(_) => {
                let g = self.softmax_any(u, t);
                self.product(&[bar, g])
            }
            // The differential is symmetric: z̄ = s.*ȳ - (s'*ȳ)*s
            Term::Softmax(_) => {
                let first = self.hadamard(&[(t, 1.0), (bar, 1.0)]);
                let inner = self.inner(t, bar);
                let second = self.product(&[inner, t]);
                self.sub(first, second)
            }
            Term::Inv(_) => {
                let y = self.transpose(t);
                let x = self.product(&[y, bar, y]);
                self.times(-1.0, x)
            }
            Term::Adj(_) => {
                let (det, inverse) = (self.det(u), self.inv(u));
                let y = self.transpose(inverse);
                let turn = self.inner(inverse, bar);
                let first = self.product(&[det, turn, y]);
                let second = self.product(&[det, y, bar, y]);
                self.sub(first, second)
            }
            // The transpose of a sum of k terms; they are equal where ȳ is a multiple of eye.
            Term::MatPow(_, k) if k > 0 => {
                let (c, m) = self.content(bar);
                let eye = match self.get(m) {
                    Term::Eye => true,
                    Term::Mul(_, chain) => {
                        matches!(chain.as_slice(), [e] if *self.get(*e) == Term::Eye)
                    }
                    _ => false,
                };
                if !eye {
                    return None;
                }
                let power = self.mat_pow(u, k - 1);
                let power = self.transpose(power);
                let x = self.product(&[m, power]);
                self.times(c * k as f64, x)
            }
            _ => return None,
        })
    }

    /// The gradient in the space the variable lives in: symmetric or diagonal matrices.
    pub(super) fn in_space(&mut self, g: T, leaf: T) -> T {
        let Term::Var(v) = *self.get(leaf) else { return g };
        let facts = self.typed.var(v).facts;
        if self.kind(g) != Kind::Matrix {
            return g;
        }
        if facts.diagonal {
            let d = self.diag_part(g);
            return self.diag(d);
        }
        if facts.symmetric {
            let flipped = self.transpose(g);
            let shape = self.shape(g);
            return self.lin(shape, vec![(0.5, g), (0.5, flipped)]);
        }
        g
    }
}
