//! What follows from the facts of variables: signs, and transposes.

use super::term::{R, T, Term, Terms};
use crate::ast::Kind;
use crate::typed::Map;

impl Terms {
    /// Whether every entry is known to be ≥ 0; looks `fuel` levels deep.
    pub(super) fn nonneg(&self, t: T, fuel: u32) -> bool {
        if fuel == 0 {
            return false;
        }
        let below = |u: T| self.nonneg(u, fuel - 1);
        let power = |&(u, p): &(T, R)| p.0 % 2.0 == 0.0 || below(u);
        match self.get(t) {
            Term::Ones | Term::Norm2(_) | Term::NormInf(_) | Term::Softmax(_) => true,
            Term::Var(v) => {
                let f = self.typed.var(*v).facts;
                f.positive || f.range.is_some_and(|(lo, _)| lo >= 0.0)
            }
            Term::Map(f, _) => matches!(
                f,
                Map::Exp
                    | Map::Abs
                    | Map::Cosh
                    | Map::Relu
                    | Map::Step
                    | Map::Sigmoid
                    | Map::Softplus
                    | Map::Sqrt
            ),
            Term::Lin(list) => list.len() < 50 && list.iter().all(|(c, u)| c.0 > 0.0 && below(*u)),
            Term::Mul(scalars, chain) => {
                scalars.iter().all(power) && (chain.is_empty() || self.gram(chain))
            }
            Term::Had(list) => list.iter().all(power),
            Term::Sum(u) | Term::Trans(u) | Term::Diag(u) | Term::DiagPart(u) => below(*u),
            _ => false,
        }
    }

    /// Whether a closed chain is `x'*P*x` with P positive semidefinite.
    fn gram(&self, chain: &[T]) -> bool {
        match *chain {
            [a, p, b] => {
                let psd = matches!(self.get(p), Term::Var(v) if self.typed.var(*v).facts.psd);
                psd && *self.get(a) == Term::Trans(b)
            }
            _ => false,
        }
    }

    /// The transpose.
    pub(super) fn transpose(&mut self, t: T) -> T {
        let shape = self.shape(t);
        if shape.is_scalar() || self.too_large {
            return t;
        }
        if let Some(&done) = self.transposes.get(&t) {
            return done;
        }
        let flipped = shape.transposed();
        let matrix = shape.kind == Kind::Matrix;
        let result = match self.get(t).clone() {
            Term::Trans(u) => u,
            Term::Ones => self.ones(flipped),
            Term::Eye | Term::Diag(_) => t,
            Term::Var(v) if matrix && self.typed.var(v).facts.symmetric => t,
            Term::Lin(list) if matrix || list.len() < 2 => {
                let parts = list.iter().map(|&(c, u)| (c.0, self.transpose(u))).collect();
                self.lin(flipped, parts)
            }
            Term::Lin(_) => {
                let (c, u) = self.content(t);
                let u = self.raw(Term::Trans(u), flipped);
                self.lin(flipped, vec![(c, u)])
            }
            Term::Mul(scalars, chain) => {
                let mut factors: Vec<T> = Vec::with_capacity(scalars.len() + chain.len());
                for (s, p) in scalars {
                    factors.push(self.power(s, p.0));
                }
                for &f in chain.iter().rev() {
                    factors.push(self.transpose(f));
                }
                self.product(&factors)
            }
            Term::Had(list) if matrix => {
                let list: Vec<(T, f64)> =
                    list.iter().map(|&(u, p)| (self.transpose(u), p.0)).collect();
                self.hadamard(&list)
            }
            Term::Map(f, u) if matrix => {
                let v = self.transpose(u);
                if v < u {
                    self.map(f, v)
                } else if v == u {
                    t
                } else {
                    self.raw(Term::Trans(t), flipped)
                }
            }
            Term::Inv(u) | Term::Adj(u) if self.transpose(u) == u => t,
            Term::Kron(a, b) => {
                let (a, b) = (self.transpose(a), self.transpose(b));
                self.kron(a, b)
            }
            Term::MatPow(u, k) => {
                let u = self.transpose(u);
                self.mat_pow(u, k)
            }
            _ => self.raw(Term::Trans(t), flipped),
        };
        self.transposes.insert(t, result);
        self.transposes.insert(result, t);
        result
    }
}
