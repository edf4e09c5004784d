//! The differential of a term: forward mode.
//!
//! `D(A*B) = DA*B + A*DB` for chains of any length, `D inv(X) = -inv(X)*DX*inv(X)`,
//! `D logdet(X) = tr(inv(X)*DX)`, `D softmax(z) = s.*Dz - (s'*Dz)*s`, and so on; entrywise
//! functions multiply by their derivative. One loop over the terms in order, no recursion.
//! (Magnus and Neudecker, Matrix Differential Calculus, ch. 8 and 9.)

use std::collections::HashMap;

use super::term::{R, T, Term, Terms};
use crate::ast::Kind;
use crate::typed::{Map, Shape};

impl Terms {
    /// The differential of `root` when `leaf` moves in the direction `d`; linear in `d`.
    pub(super) fn differential(&mut self, root: T, leaf: T, d: T) -> T {
        let mut tangent: HashMap<T, T> = HashMap::from([(leaf, d)]);
        for t in self.reachable(root) {
            if self.contains(t, leaf) && t != leaf && !self.too_large {
                let dt = self.differential_of(t, &tangent);
                tangent.insert(t, dt);
            }
        }
        match tangent.get(&root) {
            Some(&t) => t,
            None => {
                let shape = self.shape(root);
                self.zero(shape)
            }
        }
    }

    /// The differential of one term from those of its parts; parts without one are constant.
    fn differential_of(&mut self, t: T, tangent: &HashMap<T, T>) -> T {
        let shape = self.shape(t);
        let d = |u: &T| tangent.get(u).copied();
        match self.get(t).clone() {
            Term::Var(_) | Term::Ones | Term::Eye => self.zero(shape),
            Term::Lin(list) => {
                let parts = list.iter().filter_map(|(c, u)| d(u).map(|du| (c.0, du))).collect();
                self.lin(shape, parts)
            }
            Term::Mul(scalars, chain) => self.differential_of_product(shape, &scalars, &chain, &d),
            Term::Had(list) => {
                let mut parts = Vec::new();
                for (i, (u, p)) in list.iter().enumerate() {
                    let Some(du) = d(u) else { continue };
                    let mut factors: Vec<(T, f64)> = list.iter().map(|(v, q)| (*v, q.0)).collect();
                    factors[i].1 -= 1.0;
                    factors.push((du, 1.0));
                    factors.retain(|f| f.1 != 0.0);
                    parts.push((p.0, self.hadamard(&factors)));
                }
                self.lin(shape, parts)
            }
            Term::Trans(u) => d(&u).map_or(t, |du| self.transpose(du)),
            Term::Map(f, u) => match d(&u) {
                Some(du) => {
                    let slope = self.slope(f, u, t);
                    self.hadamard(&[(slope, 1.0), (du, 1.0)])
                }
                None => self.zero(shape),
            },
            Term::Pow(b, e) => {
                let mut parts = Vec::new();
                if let Some(db) = d(&b) {
                    let slope = self.pow_slope_base(b, e);
                    parts.push((1.0, self.hadamard(&[(slope, 1.0), (db, 1.0)])));
                }
                if let Some(de) = d(&e) {
                    let slope = self.pow_slope_exponent(b, t);
                    parts.push((1.0, self.scale_or_had(slope, de)));
                }
                self.lin(shape, parts)
            }
            Term::Max(a, b) | Term::Min(a, b) => {
                let max = matches!(self.get(t), Term::Max(..));
                let (wa, wb) = self.max_weights(max, a, b);
                let mut parts = Vec::new();
                for (u, w) in [(a, wa), (b, wb)] {
                    if let Some(du) = d(&u) {
                        parts.push((1.0, self.hadamard(&[(w, 1.0), (du, 1.0)])));
                    }
                }
                self.lin(shape, parts)
            }
            Term::Kron(a, b) => {
                let mut parts = Vec::new();
                if let Some(da) = d(&a) {
                    parts.push((1.0, self.kron(da, b)));
                }
                if let Some(db) = d(&b) {
                    parts.push((1.0, self.kron(a, db)));
                }
                self.lin(shape, parts)
            }
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
            | Term::Vec(u)
            | Term::MatPow(u, _) => match d(&u) {
                Some(du) => self.differential_of_function(t, u, du),
                None => self.zero(shape),
            },
        }
    }

    fn differential_of_product(
        &mut self,
        shape: Shape,
        scalars: &[(T, R)],
        chain: &[T],
        d: &impl Fn(&T) -> Option<T>,
    ) -> T {
        let powers: Vec<T> = scalars.iter().map(|(s, p)| self.power(*s, p.0)).collect();
        let mut parts = Vec::new();
        for (i, (s, p)) in scalars.iter().enumerate() {
            let Some(ds) = d(s) else { continue };
            let mut factors = powers.clone();
            factors[i] = self.power(*s, p.0 - 1.0);
            factors.push(ds);
            factors.extend(chain);
            parts.push((p.0, self.product(&factors)));
        }
        for (i, f) in chain.iter().enumerate() {
            let Some(df) = d(f) else { continue };
            let mut factors = powers.clone();
            factors.extend(chain);
            factors[powers.len() + i] = df;
            parts.push((1.0, self.product(&factors)));
        }
        self.lin(shape, parts)
    }

    fn differential_of_function(&mut self, t: T, u: T, du: T) -> T {
        match *self.get(t) {
            Term::Sum(_) => self.sum(du),
            Term::Trace(_) => self.trace(du),
            Term::Diag(_) => self.diag(du),
            Term::DiagPart(_) => self.diag_part(du),
            Term::Vec(_) => self.vec(du),
            Term::Det(_) => {
                let inverse = self.inv(u);
                let inner = self.product(&[inverse, du]);
                let inner = self.trace(inner);
                self.product(&[t, inner])
            }
            Term::LogDet(_) => {
                let inverse = self.inv(u);
                let inner = self.product(&[inverse, du]);
                self.trace(inner)
            }
            Term::Norm2(_) => {
                let inner = self.inner(u, du);
                let below = self.power(t, -1.0);
                self.product(&[below, inner])
            }
            Term::NormInf(_) => {
                let g = self.norm_inf_gradient(t, u);
                self.inner(g, du)
            }
            Term::LogSumExp(_) => {
                let g = self.softmax_any(u, t);
                self.inner(g, du)
            }
            // D softmax(z) = s.*Dz - (s'*Dz)*s
            Term::Softmax(_) => {
                let first = self.hadamard(&[(t, 1.0), (du, 1.0)]);
                let inner = self.inner(t, du);
                let second = self.product(&[inner, t]);
                self.sub(first, second)
            }
            Term::Inv(_) => {
                let y = self.product(&[t, du, t]);
                self.times(-1.0, y)
            }
            // adj(X) = det(X)*inv(X)
            Term::Adj(_) => {
                let (det, inverse) = (self.det(u), self.inv(u));
                let turn = self.product(&[inverse, du]);
                let turn = self.trace(turn);
                let first = self.product(&[det, turn, inverse]);
                let second = self.product(&[det, inverse, du, inverse]);
                self.sub(first, second)
            }
            Term::MatPow(_, k) => {
                let mut parts = Vec::new();
                let (base, n) = if k < 0 { (self.inv(u), -k) } else { (u, k) };
                let d = if k < 0 {
                    let y = self.product(&[base, du, base]);
                    self.times(-1.0, y)
                } else {
                    du
                };
                // The sum has k terms; past a thousand it is no formula any more.
                self.too_large |= n > 1000;
                for i in 0..n.min(1000) {
                    let (left, right) = (self.mat_pow(base, i), self.mat_pow(base, n - 1 - i));
                    parts.push((1.0, self.product(&[left, d, right])));
                }
                let shape = self.shape(t);
                self.lin(shape, parts)
            }
            _ => du,
        }
    }

    /// The inner product of two terms of one shape.
    pub(super) fn inner(&mut self, x: T, y: T) -> T {
        match self.kind(x) {
            Kind::Scalar => self.product(&[x, y]),
            Kind::Vector => {
                let x = self.transpose(x);
                self.product(&[x, y])
            }
            Kind::Row => {
                let y = self.transpose(y);
                self.product(&[x, y])
            }
            Kind::Matrix => {
                let x = self.transpose(x);
                let both = self.product(&[x, y]);
                self.trace(both)
            }
        }
    }

    /// A scalar times a term, or an entrywise product.
    fn scale_or_had(&mut self, x: T, y: T) -> T {
        if self.is_scalar(y) { self.product(&[y, x]) } else { self.hadamard(&[(x, 1.0), (y, 1.0)]) }
    }

    /// f'(u), where `t` is f(u).
    pub(super) fn slope(&mut self, f: Map, u: T, t: T) -> T {
        let shape = self.shape(u);
        let one = self.ones(shape);
        match f {
            Map::Exp => t,
            Map::Log => self.power(u, -1.0),
            Map::Sqrt => {
                let y = self.power(u, -0.5);
                self.times(0.5, y)
            }
            Map::Abs => self.map(Map::Sign, u),
            Map::Sign | Map::Step => self.zero(shape),
            Map::Sin => self.map(Map::Cos, u),
            Map::Cos => {
                let y = self.map(Map::Sin, u);
                self.times(-1.0, y)
            }
            Map::Tan => {
                let y = self.power(t, 2.0);
                self.add(one, y)
            }
            Map::Arcsin | Map::Arccos => {
                let y = self.power(u, 2.0);
                let y = self.sub(one, y);
                let y = self.power(y, -0.5);
                self.times(if f == Map::Arcsin { 1.0 } else { -1.0 }, y)
            }
            Map::Arctan => {
                let y = self.power(u, 2.0);
                let y = self.add(one, y);
                self.power(y, -1.0)
            }
            Map::Sinh => self.map(Map::Cosh, u),
            Map::Cosh => self.map(Map::Sinh, u),
            Map::Tanh => {
                let y = self.power(t, 2.0);
                self.sub(one, y)
            }
            Map::Relu => self.map(Map::Step, u),
            Map::Sigmoid => {
                let minus = self.times(-1.0, u);
                let other = self.map(Map::Sigmoid, minus);
                self.hadamard(&[(t, 1.0), (other, 1.0)])
            }
            Map::Softplus => self.map(Map::Sigmoid, u),
            Map::Log1p => {
                let y = self.add(one, u);
                self.power(y, -1.0)
            }
            Map::Expm1 => self.map(Map::Exp, u),
        }
    }

    /// d b^e / d b = e*b^(e-1), in the shape of b.
    pub(super) fn pow_slope_base(&mut self, b: T, e: T) -> T {
        let shape = self.shape(e);
        let one = self.ones(shape);
        let less = self.sub(e, one);
        let power = self.pow(b, less);
        if self.is_scalar(e) {
            self.product(&[e, power])
        } else {
            self.hadamard(&[(e, 1.0), (power, 1.0)])
        }
    }

    /// d b^e / d e = log(b)*b^e, in the shape of b.
    pub(super) fn pow_slope_exponent(&mut self, b: T, t: T) -> T {
        let log = self.map(Map::Log, b);
        self.hadamard(&[(log, 1.0), (t, 1.0)])
    }

    /// Weights of the two arguments of max or min: ½ each at a tie.
    pub(super) fn max_weights(&mut self, max: bool, a: T, b: T) -> (T, T) {
        let diff = if max { self.sub(a, b) } else { self.sub(b, a) };
        let sign = self.map(Map::Sign, diff);
        let shape = self.shape(a);
        let one = self.ones(shape);
        let first = self.lin(shape, vec![(0.5, one), (0.5, sign)]);
        let second = self.lin(shape, vec![(0.5, one), (-0.5, sign)]);
        (first, second)
    }

    /// sign(x).*e/sum(e), where e marks the entries of largest absolute value.
    pub(super) fn norm_inf_gradient(&mut self, t: T, u: T) -> T {
        let shape = self.shape(u);
        let one = self.ones(shape);
        let top = self.product(&[t, one]);
        let abs = self.map(Map::Abs, u);
        let gap = self.sub(top, abs);
        let off = self.map(Map::Sign, gap);
        let mark = self.sub(one, off);
        let count = self.sum(mark);
        let count = self.power(count, -1.0);
        let sign = self.map(Map::Sign, u);
        let chosen = self.hadamard(&[(sign, 1.0), (mark, 1.0)]);
        self.product(&[count, chosen])
    }

    /// softmax(z) for a vector; exp(Z - logsumexp(Z)) for a matrix, where `t` is the logsumexp.
    pub(super) fn softmax_any(&mut self, z: T, t: T) -> T {
        if self.kind(z) == Kind::Vector {
            return self.softmax(z);
        }
        let shape = self.shape(z);
        let one = self.ones(shape);
        let top = self.product(&[t, one]);
        let less = self.sub(z, top);
        self.map(Map::Exp, less)
    }
}
