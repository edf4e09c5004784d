//! Reading a linear form: from `L[dx]`, linear in a vector `dx`, the matrix J with `L[dx] = J*dx`.
//!
//! `M*dx → M`, `s.*dx → diag(s)`, `(u'*dx)*v → v*u'`, `diag(dx)*w → diag(w)`. For a scalar
//! `L[dx]` the row is the transposed gradient. Where no rule reads it, the answer is `None`, and
//! the caller shows the differential. The recursion is as deep as the term, which is bounded.

use super::term::{R, T, Term, Terms};
use crate::ast::Kind;

impl Terms {
    /// J with `t = J*dx`, for a vector `t` that is linear in the vector `dx`.
    pub(super) fn read_matrix(&mut self, t: T, dx: T) -> Option<T> {
        let (m, n) = (self.shape(t).rows, self.shape(dx).rows);
        let shape = crate::typed::Shape::matrix(m, n);
        if t == dx {
            return Some(self.eye(n));
        }
        if self.is_zero(t) {
            return Some(self.zero(shape));
        }
        if self.kind(t) != Kind::Vector || self.too_large {
            return None;
        }
        match self.get(t).clone() {
            Term::Lin(list) => {
                let mut parts = Vec::with_capacity(list.len());
                for (c, u) in list {
                    parts.push((c.0, self.read_matrix(u, dx)?));
                }
                Some(self.lin(shape, parts))
            }
            Term::Mul(scalars, chain) => {
                let mut factors = Vec::new();
                for (i, (s, p)) in scalars.iter().enumerate() {
                    if !self.contains(*s, dx) {
                        factors.push(self.power(*s, p.0));
                        continue;
                    }
                    // (u'*dx)*v → v*u'
                    if p.0 != 1.0 {
                        return None;
                    }
                    for (r, q) in &scalars[i + 1..] {
                        factors.push(self.power(*r, q.0));
                    }
                    let g = self.gradient(*s, dx)?;
                    factors.extend(chain);
                    factors.push(self.transpose(g));
                    return Some(self.product(&factors));
                }
                self.read_chain(factors, &chain, dx)
            }
            Term::Had(list) => {
                let (others, inner) = self.split_entrywise(&list, dx)?;
                let j = self.read_matrix(inner, dx)?;
                let d = self.diag(others);
                Some(self.product(&[d, j]))
            }
            _ => None,
        }
    }

    /// An entrywise product as the factor that is linear in `dx`, and the product of the others.
    fn split_entrywise(&mut self, list: &[(T, R)], dx: T) -> Option<(T, T)> {
        let mut others: Vec<(T, f64)> = Vec::new();
        let mut inner = None;
        for &(u, p) in list {
            if !self.contains(u, dx) {
                others.push((u, p.0));
            } else if p.0 != 1.0 || inner.is_some() {
                return None;
            } else {
                inner = Some(u);
            }
        }
        Some((self.hadamard(&others), inner?))
    }

    fn read_chain(&mut self, mut factors: Vec<T>, chain: &[T], dx: T) -> Option<T> {
        let k = chain.iter().position(|&f| self.contains(f, dx))?;
        factors.extend(&chain[..k]);
        let rest = &chain[k + 1..];
        if rest.is_empty() {
            factors.push(self.read_matrix(chain[k], dx)?);
            return Some(self.product(&factors));
        }
        match self.get(chain[k]).clone() {
            Term::Lin(list) => {
                let mut sum = None;
                for (c, u) in list {
                    let mut all = factors.clone();
                    all.push(u);
                    all.extend(rest);
                    let part = self.product(&all);
                    let part = self.read_matrix(part, dx)?;
                    let part = self.times(c.0, part);
                    sum = Some(match sum {
                        Some(s) => self.add(s, part),
                        None => part,
                    });
                }
                sum
            }
            // diag(v)*w = diag(w)*v
            Term::Diag(v) => {
                let w = self.product(rest);
                let w = self.diag(w);
                factors.push(w);
                factors.push(self.read_matrix(v, dx)?);
                Some(self.product(&factors))
            }
            _ => None,
        }
    }

    /// The matrix of `vec(dX) ↦ vec(t)` (columns below columns) for `t` linear in the matrix
    /// `dX`: `vec(P*dX*Q) = kron(Q', P)*vec(dX)` and `vec(P.*dX) = diag(vec(P))*vec(dX)`. `dX'` would
    /// need the commutation matrix, which the language does not have.
    pub(super) fn read_vec(&mut self, t: T, dx: T) -> Option<T> {
        let s = self.shape(dx);
        match self.get(t).clone() {
            _ if t == dx => {
                let n = self.typed.dims.product(s.rows, s.cols);
                Some(self.eye(n))
            }
            Term::Vec(u) => self.read_vec(u, dx),
            Term::Lin(list) if !list.is_empty() => {
                let mut parts = Vec::new();
                for (c, u) in list {
                    parts.push((c.0, self.read_vec(u, dx)?));
                }
                let shape = self.shape(parts[0].1);
                Some(self.lin(shape, parts))
            }
            Term::Mul(scalars, chain) => {
                let k = chain.iter().position(|&f| f == dx)?;
                if scalars.iter().any(|(r, _)| self.contains(*r, dx))
                    || chain.iter().filter(|&&f| self.contains(f, dx)).count() != 1
                {
                    return None;
                }
                let left = if k == 0 { self.eye(s.rows) } else { self.product(&chain[..k]) };
                let right = if k + 1 == chain.len() {
                    self.eye(s.cols)
                } else {
                    self.product(&chain[k + 1..])
                };
                let right = self.transpose(right);
                let mut factors = Vec::new();
                for (r, p) in scalars {
                    factors.push(self.power(r, p.0));
                }
                factors.push(self.kron(right, left));
                Some(self.product(&factors))
            }
            Term::Had(list) => {
                let (others, inner) = self.split_entrywise(&list, dx)?;
                let j = self.read_vec(inner, dx)?;
                let d = self.vec(others);
                let d = self.diag(d);
                Some(self.product(&[d, j]))
            }
            _ => None,
        }
    }
}
