//! Terms to formulas of the language.
//!
//! Chooses how a product, a power, a quotient is written. Parts that would be written more than
//! once, or nest too deep, have been given names ([`naming`](super::naming)), so the text is never
//! much longer than the term, however often a part is shared.

use std::collections::HashMap;

use super::term::{R, T, Term, Terms};
use crate::ast::{Ast, BinaryOp, Definition, Expr, Formula, Ident, Kind, Node, NodeId};
use crate::diagnostic::Span;
use crate::typed::{Map, Shape};

type Summands = Vec<(R, T)>;
type Factors = Vec<(T, R)>;

/// Builds one formula.
struct Writer<'a> {
    terms: &'a mut Terms,
    ast: Ast,
    names: HashMap<T, String>,
    ages: HashMap<T, T>,
    /// Write sizes in `vector(c,n)`, `matrix(c,m,n)`, `eye(n)`.
    sizes: bool,
}

impl Terms {
    /// The formula of a term; with `sizes`, every constructor states its size.
    pub(super) fn write(&mut self, root: T, sizes: bool) -> Formula {
        let root = self.share_chains(root);
        let named = self.shared_parts(root);
        let names = self.choose_names(&named);
        let ages = self.ages(root);
        let mut w = Writer { terms: self, ast: Ast::default(), names, ages, sizes };
        let mut definitions = Vec::new();
        for t in named {
            let Some(name) = w.names.remove(&t) else { continue };
            let value = w.expr(t);
            w.names.insert(t, name.clone());
            definitions.push(Definition { name: Ident { name, span: Span::default() }, value });
        }
        let body = w.expr(root);
        Formula { ast: w.ast, body, definitions }
    }
}

impl Writer<'_> {
    fn expr(&mut self, t: T) -> Expr {
        let first = self.ast.len() as u32;
        let root = self.term(t);
        Expr { first, root }
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.ast.push(node, Span::default())
    }

    fn number(&mut self, x: f64) -> NodeId {
        let n = self.push(Node::Number(x.abs()));
        if x < 0.0 { self.push(Node::Neg(n)) } else { n }
    }

    fn name(&mut self, name: &str) -> NodeId {
        self.push(Node::Name(name.to_owned()))
    }

    fn call(&mut self, name: &str, args: Vec<NodeId>) -> NodeId {
        self.push(Node::Call(name.to_owned(), args))
    }

    fn binary(&mut self, op: BinaryOp, x: NodeId, y: NodeId) -> NodeId {
        self.push(Node::Binary(op, x, y))
    }

    fn size(&mut self, d: crate::dims::Dim) -> NodeId {
        match self.terms.typed.dims.value(d) {
            Some(n) => self.push(Node::Number(n as f64)),
            None => {
                let text = self.terms.typed.dims.text(d);
                self.name(&text)
            }
        }
    }

    /// `vector(c)`, `matrix(c)`, `vector(c)'` of a shape.
    fn fill(&mut self, value: NodeId, shape: Shape) -> NodeId {
        let mut args = vec![value];
        let (name, sizes) = match shape.kind {
            Kind::Scalar => return value,
            Kind::Vector => ("vector", vec![shape.rows]),
            Kind::Row => ("vector", vec![shape.cols]),
            Kind::Matrix => ("matrix", vec![shape.rows, shape.cols]),
        };
        if self.sizes {
            for d in sizes {
                let size = self.size(d);
                args.push(size);
            }
        }
        let filled = self.call(name, args);
        if shape.kind == Kind::Row { self.push(Node::Transpose(filled)) } else { filled }
    }

    fn term(&mut self, t: T) -> NodeId {
        self.scaled(1.0, t)
    }

    /// `c*t`, the sign and the coefficient in the first factor.
    fn scaled(&mut self, c: f64, t: T) -> NodeId {
        let shape = self.terms.shape(t);
        if let Some(name) = self.names.get(&t).cloned() {
            let x = self.name(&name);
            return self.times(c, x);
        }
        let flipped = if c < 0.0 { self.flip_argument(t) } else { None };
        let (c, t) = flipped.map_or((c, t), |t| (-c, t));
        match self.terms.get(t).clone() {
            Term::Lin(list) => match list.as_slice() {
                [] => {
                    let zero = self.number(0.0);
                    self.fill(zero, shape)
                }
                [(k, u)] => self.scaled(c * k.0, *u),
                _ if c == 1.0 => self.sum(&list),
                _ => {
                    let flip: Vec<(R, T)> = list.iter().map(|(k, u)| (R(-k.0), *u)).collect();
                    let negatives = list.iter().filter(|(k, _)| k.0 < 0.0).count();
                    let (c, list) =
                        if c < 0.0 && 2 * negatives >= list.len() { (-c, flip) } else { (c, list) };
                    if c == 1.0 {
                        return self.sum(&list);
                    }
                    self.with_front(c, |w| w.sum(&list))
                }
            },
            Term::Ones if shape.is_scalar() => self.number(c),
            Term::Ones => {
                let value = self.number(c);
                self.fill(value, shape)
            }
            Term::Mul(scalars, chain) => self.product(c, &scalars, &chain),
            Term::Had(_) => self.product(c, &[], &[t]),
            _ => self.with_front(c, |w| w.atom(t)),
        }
    }

    fn times(&mut self, c: f64, x: NodeId) -> NodeId {
        if c == 1.0 {
            return x;
        }
        if c == -1.0 {
            return self.push(Node::Neg(x));
        }
        let k = self.number(c);
        self.binary(BinaryOp::Mul, k, x)
    }

    /// A coefficient, then a factor.
    fn with_front(&mut self, c: f64, factor: impl FnOnce(&mut Self) -> NodeId) -> NodeId {
        if c == 1.0 {
            return factor(self);
        }
        if c == -1.0 {
            let x = factor(self);
            return self.push(Node::Neg(x));
        }
        let (top, below) = fraction(c);
        if below == 1.0 {
            let k = self.number(c);
            let x = factor(self);
            return self.binary(BinaryOp::Mul, k, x);
        }
        let x = self.with_front(top, factor);
        let k = self.number(below);
        self.binary(BinaryOp::Div, x, k)
    }

    fn sum(&mut self, list: &[(R, T)]) -> NodeId {
        let mut list = list.to_vec();
        list.sort_by_key(|(_, t)| self.ages.get(t).copied());
        let list: Vec<(R, T)> = list.iter().map(|&part| self.flip_summand(part)).collect();
        let (plus, minus): (Summands, Summands) = list.iter().partition(|(c, _)| c.0 > 0.0);
        let mut out = None;
        for (c, t) in plus.into_iter().chain(minus) {
            out = Some(match out {
                None => self.scaled(c.0, t),
                Some(left) => {
                    let right = self.scaled(c.0.abs(), t);
                    let op = if c.0 < 0.0 { BinaryOp::Sub } else { BinaryOp::Add };
                    self.binary(op, left, right)
                }
            });
        }
        match out {
            Some(x) => x,
            None => self.number(0.0),
        }
    }

    /// `-(A - U*V')*V` in a sum is written `(U*V' - A)*V`.
    fn flip_summand(&mut self, (c, t): (R, T)) -> (R, T) {
        let Term::Mul(scalars, mut chain) = self.terms.get(t).clone() else { return (c, t) };
        let mut k = c.0;
        if k >= 0.0 || self.names.contains_key(&t) {
            return (c, t);
        }
        self.flip_sums(&mut k, &mut chain);
        if k < 0.0 {
            return (c, t);
        }
        let shape = self.terms.shape(t);
        (R(k), self.terms.raw(Term::Mul(scalars, chain), shape))
    }

    /// `c * scalars * chain / scalars`.
    fn product(&mut self, c: f64, scalars: &[(T, R)], chain: &[T]) -> NodeId {
        let (above, below): (Factors, Factors) = scalars.iter().partition(|(_, p)| p.0 > 0.0);
        let (mut top, divisor) = fraction(c);
        let mut chain = chain.to_vec();
        self.flip_sums(&mut top, &mut chain);
        let mut out: Option<NodeId> = None;
        // A lone vector(1) takes the scalars in: vector(s).
        let fill = match chain.as_slice() {
            [only] if self.terms.is_ones(*only) => Some(self.terms.shape(*only)),
            _ => None,
        };
        let only_below = match chain.as_slice() {
            [] => above.is_empty(),
            [only] => match self.terms.get(*only) {
                Term::Had(list) => {
                    !self.names.contains_key(only) && list.iter().all(|(_, p)| p.0 < 0.0)
                }
                _ => fill.is_some() && above.is_empty(),
            },
            _ => false,
        };
        let negative = top < 0.0;
        if top.abs() != 1.0 || only_below {
            out = Some(self.number(top));
        }
        let mut first = out.is_none() && negative;
        for (t, p) in &above {
            let factor = self.scalar_power(*t, p.0);
            out = Some(self.join(out, factor, &mut first));
        }
        if let Some(shape) = fill {
            let mut value = match out {
                Some(v) => v,
                None => self.number(if first { -1.0 } else { 1.0 }),
            };
            value = self.divide(value, &below, divisor);
            return self.fill(value, shape);
        }
        if let [only] = *chain.as_slice()
            && let Term::Had(list) = self.terms.get(only).clone()
            && !self.names.contains_key(&only)
        {
            let shape = self.terms.shape(only);
            if only_below {
                let value = out.unwrap_or_else(|| self.number(1.0));
                out = Some(self.fill(value, shape));
            }
            let made = self.entrywise(out, &list, &mut first);
            return self.divide(made, &below, divisor);
        }
        let mut k = 0;
        while k < chain.len() {
            let run = chain[k..].iter().take_while(|&&f| f == chain[k]).count();
            let matrix = self.terms.kind(chain[k]) == Kind::Matrix;
            let mut factor = self.term(chain[k]);
            if matrix && run > 1 {
                let exponent = self.number(run as f64);
                factor = self.binary(BinaryOp::Pow, factor, exponent);
                k += run;
            } else {
                k += 1;
            }
            out = Some(self.join(out, factor, &mut first));
        }
        let value = match out {
            Some(v) => v,
            None => self.number(if first { -1.0 } else { 1.0 }),
        };
        self.divide(value, &below, divisor)
    }

    /// `-(b - A*x)` in a product is written `A*x - b`.
    fn flip_sums(&mut self, c: &mut f64, chain: &mut [T]) {
        if *c >= 0.0 {
            return;
        }
        for t in chain.iter_mut() {
            let (inner, transposed) = match *self.terms.get(*t) {
                Term::Trans(u) => (u, true),
                _ => (*t, false),
            };
            let Term::Lin(list) = self.terms.get(inner).clone() else { continue };
            let negatives = list.iter().filter(|(k, _)| k.0 < 0.0).count();
            if list.len() < 2 || 2 * negatives < list.len() || self.names.contains_key(&inner) {
                continue;
            }
            let flipped = list.iter().map(|(k, u)| (R(-k.0), *u)).collect();
            let shape = self.terms.shape(inner);
            let mut new = self.terms.raw(Term::Lin(flipped), shape);
            if transposed {
                let shape = self.terms.shape(*t);
                new = self.terms.raw(Term::Trans(new), shape);
            }
            *t = new;
            *c = -*c;
            return;
        }
    }

    /// `-sum(y - x)` is written `sum(x - y)`: the negative of a linear or odd function of a difference.
    fn flip_argument(&mut self, t: T) -> Option<T> {
        let (u, again): (T, &dyn Fn(T) -> Term) = match *self.terms.get(t) {
            Term::Sum(u) => (u, &Term::Sum),
            Term::Trace(u) => (u, &Term::Trace),
            Term::Trans(u) => (u, &Term::Trans),
            Term::Diag(u) => (u, &Term::Diag),
            Term::DiagPart(u) => (u, &Term::DiagPart),
            Term::Vec(u) => (u, &Term::Vec),
            Term::Map(f, u) if f.is_odd() => (u, &move |u| Term::Map(f, u)),
            _ => return None,
        };
        let (mut c, mut argument) = (-1.0, [u]);
        self.flip_sums(&mut c, &mut argument);
        let shape = self.terms.shape(t);
        (c > 0.0).then(|| self.terms.raw(again(argument[0]), shape))
    }

    /// `out * factor`, with a pending sign on the first factor.
    fn join(&mut self, out: Option<NodeId>, factor: NodeId, negative: &mut bool) -> NodeId {
        match out {
            Some(left) => self.binary(BinaryOp::Mul, left, factor),
            None if std::mem::take(negative) => self.push(Node::Neg(factor)),
            None => factor,
        }
    }

    fn divide(&mut self, top: NodeId, below: &[(T, R)], divisor: f64) -> NodeId {
        let mut factors = Vec::new();
        for (t, p) in below {
            factors.push(self.scalar_power(*t, -p.0));
        }
        if divisor != 1.0 {
            factors.insert(0, self.number(divisor));
        }
        let joined = factors.into_iter().reduce(|x, y| self.binary(BinaryOp::Mul, x, y));
        match joined {
            None => top,
            Some(d) => self.binary(BinaryOp::Div, top, d),
        }
    }

    /// A scalar to a positive power.
    fn scalar_power(&mut self, t: T, p: f64) -> NodeId {
        // norm2(x)^2 of a vector variable is x'*x.
        if let Term::Norm2(u) = *self.terms.get(t)
            && p == 2.0
            && matches!(self.terms.get(u), Term::Var(_))
            && self.terms.kind(u) == Kind::Vector
        {
            let left = self.term(u);
            let left = self.push(Node::Transpose(left));
            let right = self.term(u);
            return self.binary(BinaryOp::Mul, left, right);
        }
        let base = self.term(t);
        self.power(base, p, BinaryOp::Pow)
    }

    fn power(&mut self, base: NodeId, p: f64, op: BinaryOp) -> NodeId {
        if p == 1.0 {
            return base;
        }
        if p == 0.5 {
            return self.call("sqrt", vec![base]);
        }
        let exponent = self.number(p);
        self.binary(op, base, exponent)
    }

    /// Entrywise product and quotient, after a scalar or filled front.
    fn entrywise(&mut self, front: Option<NodeId>, list: &[(T, R)], first: &mut bool) -> NodeId {
        let mut out = front;
        let mut lone = front.is_some();
        for (t, p) in list.iter().filter(|(_, p)| p.0 > 0.0) {
            let base = self.term(*t);
            let factor = self.power(base, p.0, BinaryOp::DotPow);
            out = Some(match out {
                // The front is a scalar: `c*x`, then `.*`.
                Some(left) if std::mem::take(&mut lone) => self.binary(BinaryOp::Mul, left, factor),
                Some(left) => self.binary(BinaryOp::DotMul, left, factor),
                None if std::mem::take(first) => self.push(Node::Neg(factor)),
                None => factor,
            });
        }
        for (t, p) in list.iter().filter(|(_, p)| p.0 < 0.0) {
            let base = self.term(*t);
            let factor = self.power(base, -p.0, BinaryOp::DotPow);
            if let Some(left) = out {
                out = Some(self.binary(BinaryOp::DotDiv, left, factor));
            }
        }
        match out {
            Some(x) => x,
            None => self.number(1.0),
        }
    }

    /// A term that is neither a sum nor a product.
    fn atom(&mut self, t: T) -> NodeId {
        let shape = self.terms.shape(t);
        let (name, args) = match self.terms.get(t).clone() {
            Term::Var(v) => {
                let name = self.terms.typed.var(v).name.clone();
                return self.name(&name);
            }
            Term::Eye if self.sizes => {
                let n = self.size(shape.rows);
                return self.call("eye", vec![n]);
            }
            Term::Eye => return self.name("eye"),
            Term::Trans(u) => {
                let x = self.term(u);
                return self.push(Node::Transpose(x));
            }
            Term::Pow(b, e) => {
                let (b, e) = (self.term(b), self.term(e));
                let op = if shape.is_scalar() { BinaryOp::Pow } else { BinaryOp::DotPow };
                return self.binary(op, b, e);
            }
            Term::MatPow(u, k) => {
                let (x, k) = (self.term(u), self.number(k as f64));
                return self.binary(BinaryOp::Pow, x, k);
            }
            Term::Sum(u) => match *self.terms.get(u) {
                Term::Map(Map::Abs, v) if !self.names.contains_key(&u) => ("norm1", vec![v]),
                _ => ("sum", vec![u]),
            },
            Term::Map(f, u) => (f.name(), vec![u]),
            Term::Trace(u) => ("tr", vec![u]),
            Term::Det(u) => ("det", vec![u]),
            Term::LogDet(u) => ("logdet", vec![u]),
            Term::Norm2(u) => ("norm2", vec![u]),
            Term::NormInf(u) => ("norminf", vec![u]),
            Term::LogSumExp(u) => ("logsumexp", vec![u]),
            Term::Softmax(u) => ("softmax", vec![u]),
            Term::Inv(u) => ("inv", vec![u]),
            Term::Adj(u) => ("adj", vec![u]),
            Term::Diag(u) | Term::DiagPart(u) => ("diag", vec![u]),
            Term::Vec(u) => ("vec", vec![u]),
            Term::Kron(a, b) => ("kron", vec![a, b]),
            Term::Max(a, b) => ("max", vec![a, b]),
            Term::Min(a, b) => ("min", vec![a, b]),
            Term::Ones | Term::Lin(_) | Term::Mul(..) | Term::Had(_) => return self.term(t),
        };
        let args = args.into_iter().map(|u| self.term(u)).collect();
        self.call(name, args)
    }
}

/// A coefficient as numerator and denominator, both whole: itself over 1, unless it is not and a small fraction is
/// shorter.
fn fraction(c: f64) -> (f64, f64) {
    let length = format!("{c}").len();
    if c.fract() == 0.0 || length <= 6 {
        return (c, 1.0);
    }
    for q in 2..=1000u32 {
        let q = f64::from(q);
        let p = (c * q).round();
        if p != 0.0 && p / q == c && format!("{p}/{q}").len() < length {
            return (p, q);
        }
    }
    (c, 1.0)
}

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn a_fraction_is_shorter_than_what_it_stands_for() {
        assert_eq!(fraction(1.0 / 3.0), (1.0, 3.0));
        assert_eq!(fraction(-5.0 / 7.0), (-5.0, 7.0));
        for own in [0.5, 0.25, 2.0, 1e6, 1e8, -3e9, 1e300, 1e-8, 12345.678, f64::MAX] {
            assert_eq!(fraction(own), (own, 1.0));
        }
    }
}
