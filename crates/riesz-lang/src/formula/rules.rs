//! Functions of terms, each with the rules that shorten it.
//!
//! True over the reals where both sides are defined. Numeric factors are taken out wherever the
//! function allows it, so that what is left is shared.

use super::term::{T, Term, Terms};
use crate::ast::Kind;
use crate::typed::{Map, Shape};

impl Terms {
    /// A function of every entry.
    pub(super) fn map(&mut self, f: Map, t: T) -> T {
        let shape = self.shape(t);
        if shape.kind == Kind::Row {
            let column = self.transpose(t);
            let column = self.map(f, column);
            return self.transpose(column);
        }
        if f == Map::Sqrt {
            return self.power(t, 0.5);
        }
        if let Some(x) = self.as_num(t)
            && let Some(y) = exact(f, x)
        {
            return self.num(y);
        }
        if !self.is_scalar(t) && !self.is_zero(t) {
            let (value, rest) = self.take_out(t);
            if self.is_ones(rest) {
                let value = self.map(f, value);
                return self.product(&[value, rest]);
            }
        }
        let (c, m) = self.content(t);
        let flip = self.times(-1.0, t);
        match (f, self.get(t).clone()) {
            (Map::Log, Term::Map(Map::Exp, u)) | (Map::Exp, Term::Map(Map::Log, u)) => return u,
            (Map::Log, Term::Sum(e)) => {
                if let Term::Map(Map::Exp, z) = *self.get(e)
                    && self.kind(z) == Kind::Vector
                {
                    return self.log_sum_exp(z);
                }
            }
            (Map::Log, Term::Lin(_)) => {
                if let Some(z) = self.one_plus_exp(t) {
                    return self.map(Map::Softplus, z);
                }
            }
            (Map::Abs, _) if self.nonneg(t, 6) => return t,
            (Map::Abs, _) if self.nonneg(flip, 6) => return flip,
            _ => {}
        }
        match f {
            Map::Sign if c < 0.0 => {
                let y = self.raw(Term::Map(f, m), shape);
                self.times(-1.0, y)
            }
            _ if f.is_odd() && c < 0.0 => {
                let y = self.raw(Term::Map(f, flip), shape);
                self.times(-1.0, y)
            }
            Map::Cos | Map::Cosh if c < 0.0 => self.raw(Term::Map(f, flip), shape),
            Map::Abs if c != 0.0 => {
                let y = self.raw(Term::Map(f, m), shape);
                self.times(c.abs(), y)
            }
            Map::Sign | Map::Step if c > 0.0 => self.raw(Term::Map(f, m), shape),
            Map::Relu if c > 0.0 => {
                let y = self.raw(Term::Map(f, m), shape);
                self.times(c, y)
            }
            _ => self.raw(Term::Map(f, t), shape),
        }
    }

    /// A power whose exponent is a term.
    pub(super) fn pow(&mut self, base: T, exponent: T) -> T {
        if let Some(p) = self.as_num(exponent) {
            return self.power(base, p);
        }
        let shape = self.shape(base);
        if shape.kind == Kind::Row {
            let (b, mut e) = (self.transpose(base), exponent);
            if !self.is_scalar(e) {
                e = self.transpose(e);
            }
            let column = self.pow(b, e);
            return self.transpose(column);
        }
        self.raw(Term::Pow(base, exponent), shape)
    }

    /// Numeric factor and scalar factors of `t`, as one scalar term, and what is left of it.
    fn take_out(&mut self, t: T) -> (T, T) {
        let (c, m) = self.content(t);
        let c = self.num(c);
        match self.get(m).clone() {
            Term::Mul(scalars, chain) if !scalars.is_empty() && !chain.is_empty() => {
                let mut factors = vec![c];
                for (s, p) in scalars {
                    factors.push(self.power(s, p.0));
                }
                (self.product(&factors), self.product(&chain))
            }
            _ => (c, m),
        }
    }

    /// A linear function to the scalars or a same-kind space: scalars move out.
    fn linear(&mut self, t: T, shape: Shape, f: impl FnOnce(&mut Self, T) -> T) -> T {
        if self.is_zero(t) {
            return self.zero(shape);
        }
        let (s, m) = self.take_out(t);
        let y = f(self, m);
        self.product(&[s, y])
    }

    /// Sum of all entries.
    pub(super) fn sum(&mut self, t: T) -> T {
        if self.is_scalar(t) {
            return t;
        }
        self.linear(t, Shape::SCALAR, |s, m| match s.get(m).clone() {
            Term::Trans(u) | Term::Vec(u) | Term::Diag(u) => s.sum(u),
            Term::Had(list) => match list.as_slice() {
                [(u, p)] if p.0 == 2.0 => {
                    let norm = s.norm2(*u);
                    s.power(norm, 2.0)
                }
                [(u, p), (v, q)] if p.0 == 1.0 && q.0 == 1.0 && s.kind(*u) == Kind::Vector => {
                    let u = s.transpose(*u);
                    s.product(&[u, *v])
                }
                _ => s.raw(Term::Sum(m), Shape::SCALAR),
            },
            Term::Mul(_, chain) if s.kind(m) == Kind::Row && !chain.is_empty() => {
                let column = s.transpose(m);
                s.raw(Term::Sum(column), Shape::SCALAR)
            }
            _ => s.raw(Term::Sum(m), Shape::SCALAR),
        })
    }

    /// Trace: cyclic, and the same for the transpose.
    pub(super) fn trace(&mut self, t: T) -> T {
        if self.is_scalar(t) {
            return t;
        }
        self.linear(t, Shape::SCALAR, |s, m| match s.get(m).clone() {
            Term::Trans(u) => s.trace(u),
            Term::Diag(v) => s.sum(v),
            Term::Mul(_, chain) => s.trace_chain(chain),
            _ => s.raw(Term::Trace(m), Shape::SCALAR),
        })
    }

    fn trace_chain(&mut self, mut chain: Vec<T>) -> T {
        let row = chain.iter().position(|&f| self.kind(f) == Kind::Row);
        if let Some(row) = row {
            chain.rotate_left(row);
            return self.product(&chain);
        }
        // Turning the chain may bring factors together that cancel.
        if chain.len() > 2 {
            let (first, last) = (chain[0], chain[chain.len() - 1]);
            let joined = self.product(&[last, first]);
            let kept = matches!(self.get(joined), Term::Mul(s, c) if s.is_empty() && c.len() == 2);
            if !kept {
                let middle = chain[1..chain.len() - 1].to_vec();
                let mut factors = vec![joined];
                factors.extend(middle);
                let all = self.product(&factors);
                return self.trace(all);
            }
        }
        if let [a, b] = *chain.as_slice()
            && self.transpose(a) == b
        {
            let norm = self.norm2(a);
            return self.power(norm, 2.0);
        }
        // All turns of the chain and of its transpose; long chains stay as they are.
        let mut best = chain.clone();
        if chain.len() <= 32 {
            let back: Vec<T> = chain.iter().rev().map(|&f| self.transpose(f)).collect();
            for mut c in [chain, back] {
                for _ in 0..c.len() {
                    let key = |s: &Self, c: &Vec<T>| (s.count_transposes(c), c.clone());
                    if key(self, &c) < key(self, &best) {
                        best.clone_from(&c);
                    }
                    c.rotate_left(1);
                }
            }
        }
        let shape = self.product_shape(&best);
        let inner = self.raw(Term::Mul(Vec::new(), best), shape);
        self.raw(Term::Trace(inner), Shape::SCALAR)
    }

    /// Determinant: of a product of square matrices the product, of an inverse the reciprocal.
    pub(super) fn det(&mut self, t: T) -> T {
        match self.get(t).clone() {
            _ if self.is_scalar(t) => t,
            Term::Eye => Self::ONE,
            Term::Trans(u) => self.det(u),
            Term::Inv(u) => {
                let d = self.det(u);
                self.power(d, -1.0)
            }
            Term::Mul(scalars, chain) if scalars.is_empty() && self.all_square(&chain) => {
                let dets: Vec<T> = chain.iter().map(|&f| self.det(f)).collect();
                self.product(&dets)
            }
            _ => {
                let t = t.min(self.transpose(t));
                self.raw(Term::Det(t), Shape::SCALAR)
            }
        }
    }

    /// log |det|.
    pub(super) fn log_det(&mut self, t: T) -> T {
        match self.get(t).clone() {
            Term::Eye => self.zero(Shape::SCALAR),
            Term::Trans(u) => self.log_det(u),
            Term::Inv(u) => {
                let d = self.log_det(u);
                self.times(-1.0, d)
            }
            Term::Mul(scalars, chain) if scalars.is_empty() && self.all_square(&chain) => {
                let parts = chain.iter().map(|&f| (1.0, self.log_det(f))).collect();
                self.lin(Shape::SCALAR, parts)
            }
            // det(eye + c*u*u') = 1 + c*u'*u, positive for c > 0.
            Term::Lin(list) if list.len() == 2 => {
                let eye = list.iter().position(|(c, u)| c.0 == 1.0 && *self.get(*u) == Term::Eye);
                if let Some(k) = eye {
                    let (c, outer) = list[1 - k];
                    if let Term::Mul(s, chain) = self.get(outer).clone()
                        && let [u, v] = *chain.as_slice()
                        && s.is_empty()
                        && c.0 > 0.0
                        && self.kind(v) == Kind::Row
                        && self.transpose(v) == u
                    {
                        let inner = self.product(&[v, u]);
                        let det = self.lin(Shape::SCALAR, vec![(1.0, Self::ONE), (c.0, inner)]);
                        return self.map(Map::Log, det);
                    }
                }
                self.log_det_raw(t)
            }
            _ => self.log_det_raw(t),
        }
    }

    fn log_det_raw(&mut self, t: T) -> T {
        let t = t.min(self.transpose(t));
        self.raw(Term::LogDet(t), Shape::SCALAR)
    }

    fn all_square(&self, chain: &[T]) -> bool {
        chain.iter().all(|&f| {
            let s = self.shape(f);
            s.kind == Kind::Matrix && self.typed.dims.same(s.rows, s.cols)
        })
    }

    /// Euclidean norm.
    pub(super) fn norm2(&mut self, t: T) -> T {
        if self.is_scalar(t) {
            return self.map(Map::Abs, t);
        }
        let (c, m) = self.content(t);
        if c == 0.0 {
            return self.zero(Shape::SCALAR);
        }
        let m = match *self.get(m) {
            Term::Trans(u) | Term::Vec(u) | Term::Diag(u) => u,
            _ if self.kind(m) == Kind::Row => self.transpose(m),
            _ => m,
        };
        let y = self.raw(Term::Norm2(m), Shape::SCALAR);
        self.times(c.abs(), y)
    }

    /// Largest absolute value.
    pub(super) fn norm_inf(&mut self, t: T) -> T {
        let (c, m) = self.content(t);
        if c == 0.0 {
            return self.zero(Shape::SCALAR);
        }
        let y = self.raw(Term::NormInf(m), Shape::SCALAR);
        self.times(c.abs(), y)
    }

    pub(super) fn log_sum_exp(&mut self, t: T) -> T {
        let t = if self.kind(t) == Kind::Row { self.transpose(t) } else { t };
        self.raw(Term::LogSumExp(t), Shape::SCALAR)
    }

    pub(super) fn softmax(&mut self, t: T) -> T {
        if self.kind(t) == Kind::Row {
            let column = self.transpose(t);
            let column = self.softmax(column);
            return self.transpose(column);
        }
        let shape = self.shape(t);
        self.raw(Term::Softmax(t), shape)
    }

    /// Inverse. Scalars move out; the transpose of an inverse has its transpose outside.
    pub(super) fn inv(&mut self, t: T) -> T {
        let (s, m) = if self.is_zero(t) { (Self::ONE, t) } else { self.take_out(t) };
        let s = self.power(s, -1.0);
        let y = match self.get(m).clone() {
            Term::Inv(u) => u,
            Term::Eye => m,
            Term::Diag(v) => {
                let v = self.power(v, -1.0);
                self.diag(v)
            }
            Term::Var(v) if self.typed.var(v).facts.orthogonal => self.transpose(m),
            Term::Trans(u) => {
                let y = self.inv(u);
                self.transpose(y)
            }
            _ => {
                let (shape, flipped) = (self.shape(m), self.transpose(m));
                if flipped < m {
                    let y = self.raw(Term::Inv(flipped), shape);
                    self.transpose(y)
                } else {
                    self.raw(Term::Inv(m), shape)
                }
            }
        };
        self.product(&[s, y])
    }

    pub(super) fn adj(&mut self, t: T) -> T {
        let shape = self.shape(t);
        match *self.get(t) {
            _ if shape.is_scalar() => Self::ONE,
            Term::Trans(u) => {
                let y = self.adj(u);
                self.transpose(y)
            }
            Term::Eye => t,
            _ => self.raw(Term::Adj(t), shape),
        }
    }

    /// The diagonal matrix of a vector.
    pub(super) fn diag(&mut self, t: T) -> T {
        let n = self.shape(t).rows;
        self.linear(t, Shape::matrix(n, n), |s, m| {
            if s.is_ones(m) { s.eye(n) } else { s.raw(Term::Diag(m), Shape::matrix(n, n)) }
        })
    }

    /// The diagonal of a matrix: `diag(P*diag(v)*Q)` is `(P.*Q')*v`, `diag(u*v')` is `u.*v`.
    pub(super) fn diag_part(&mut self, t: T) -> T {
        let n = self.shape(t).rows;
        let shape = Shape::vector(n);
        if let Term::Lin(list) = self.get(t).clone()
            && list.len() < 100
        {
            let parts = list.iter().map(|&(c, u)| (c.0, self.diag_part(u))).collect();
            return self.lin(shape, parts);
        }
        self.linear(t, shape, |s, m| match s.get(m).clone() {
            Term::Trans(u) => s.diag_part(u),
            Term::Eye | Term::Ones => s.ones(shape),
            Term::Diag(v) => v,
            Term::Had(list) => {
                let list: Vec<_> = list.iter().map(|&(u, p)| (s.diag_part(u), p.0)).collect();
                s.hadamard(&list)
            }
            Term::Mul(_, chain) => s.diag_of_chain(m, &chain),
            _ => s.raw(Term::DiagPart(m), shape),
        })
    }

    fn diag_of_chain(&mut self, whole: T, chain: &[T]) -> T {
        let shape = Shape::vector(self.shape(whole).rows);
        let diag = |s: &Self, k: usize| match *s.get(chain[k]) {
            Term::Diag(v) => Some(v),
            _ => None,
        };
        if let Some(row) = chain.iter().position(|&f| self.kind(f) == Kind::Row) {
            let column = self.product(&chain[..row]);
            let row = self.product(&chain[row..]);
            let row = self.transpose(row);
            return self.hadamard(&[(column, 1.0), (row, 1.0)]);
        }
        let last = chain.len() - 1;
        for (k, from, to) in [(0, 1, chain.len()), (last, 0, last)] {
            if let Some(v) = diag(self, k) {
                let rest = self.product(&chain[from..to]);
                let rest = self.diag_part(rest);
                return self.hadamard(&[(v, 1.0), (rest, 1.0)]);
            }
        }
        if let Some(k) = (0..chain.len()).find(|&k| diag(self, k).is_some())
            && let Some(v) = diag(self, k)
        {
            let left = self.product(&chain[..k]);
            let right = self.product(&chain[k + 1..]);
            let right = self.transpose(right);
            let both = self.hadamard(&[(left, 1.0), (right, 1.0)]);
            return self.product(&[both, v]);
        }
        // The same for the transpose: keep the one that was made first.
        let whole = whole.min(self.transpose(whole));
        self.raw(Term::DiagPart(whole), shape)
    }

    pub(super) fn kron(&mut self, a: T, b: T) -> T {
        if self.is_scalar(a) || self.is_scalar(b) {
            return self.product(&[a, b]);
        }
        let (sa, sb) = (self.shape(a), self.shape(b));
        let dims = &mut self.typed.dims;
        let (rows, cols) = (dims.product(sa.rows, sb.rows), dims.product(sa.cols, sb.cols));
        let shape = match (sa.kind, sb.kind) {
            (Kind::Vector, Kind::Vector) => Shape::vector(rows),
            (Kind::Row, Kind::Row) => Shape::row(cols),
            _ => Shape::matrix(rows, cols),
        };
        if self.is_zero(a) || self.is_zero(b) {
            return self.zero(shape);
        }
        let ((s, a), (r, b)) = (self.take_out(a), self.take_out(b));
        let y = self.raw(Term::Kron(a, b), shape);
        self.product(&[s, r, y])
    }

    pub(super) fn vec(&mut self, t: T) -> T {
        let shape = self.shape(t);
        let n = self.typed.dims.product(shape.rows, shape.cols);
        self.linear(t, Shape::vector(n), |s, m| s.raw(Term::Vec(m), Shape::vector(n)))
    }

    pub(super) fn max_min(&mut self, max: bool, a: T, b: T) -> T {
        if a == b {
            return a;
        }
        let shape = self.shape(a);
        if shape.kind == Kind::Row {
            let (a, b) = (self.transpose(a), self.transpose(b));
            let column = self.max_min(max, a, b);
            return self.transpose(column);
        }
        self.raw(if max { Term::Max(a, b) } else { Term::Min(a, b) }, shape)
    }

    /// Integer power; short ones become chains.
    pub(super) fn mat_pow(&mut self, t: T, k: i64) -> T {
        if k.unsigned_abs() > 32 {
            let shape = self.shape(t);
            return self.raw(Term::MatPow(t, k), shape);
        }
        let base = if k < 0 { self.inv(t) } else { t };
        let n = self.shape(t).rows;
        let mut factors = vec![self.eye(n)];
        factors.extend(std::iter::repeat_n(base, k.unsigned_abs() as usize));
        self.product(&factors)
    }
}

/// Values that are exact numbers.
fn exact(f: Map, x: f64) -> Option<f64> {
    match f {
        Map::Exp | Map::Cos | Map::Cosh if x == 0.0 => Some(1.0),
        Map::Log if x == 1.0 => Some(0.0),
        Map::Sin
        | Map::Tan
        | Map::Arcsin
        | Map::Arctan
        | Map::Sinh
        | Map::Tanh
        | Map::Expm1
        | Map::Log1p
            if x == 0.0 =>
        {
            Some(0.0)
        }
        Map::Abs | Map::Sign | Map::Relu | Map::Step => Some(crate::interp::map(f, x)),
        _ => None,
    }
}
