//! Products in the order that costs least.
//!
//! In text a product is read from left to right, whatever that costs: `2*A'*A*x` multiplies two matrices.
//! As a program `2*(A'*(A*x))` is meant, which multiplies none. The factors of a product that stand in one chain are
//! multiplied in the order that takes fewest multiplications (dynamic programming over the stretches of the
//! chain; Cormen, Leiserson, Rivest & Stein, *Introduction to Algorithms*, section 14.2), and numbers scale
//! what is smallest. A chain stays as it is where that is no better.

use crate::ast::Kind;
use crate::dims::Dim;
use crate::typed::{ExprId, Op, Product, Shape, Typed, TypedNode};

/// What stands for a size that is not known: more than any constant, the same for all.
const LARGE: f64 = 1000.0;
/// The longest chain that is ordered; the time grows with the cube.
const MOST: usize = 60;

/// The expression with its chains of products ordered; what it is and its definitions are the same.
pub(super) fn ordered(typed: &Typed, root: ExprId) -> (Typed, ExprId) {
    let used = typed.reachable(root);
    let mut uses = vec![0u32; root.index() + 1];
    for node in typed.nodes[..=root.index()].iter().zip(&used).filter(|(_, used)| **used) {
        node.0.args.iter().for_each(|a| uses[a.index()] += 1);
    }
    for (_, id) in &typed.definitions {
        // What has a name is written under it, and is no part of a chain.
        uses.get_mut(id.index()).into_iter().for_each(|uses| *uses += 2);
    }
    let mut writer = Writer {
        typed: Typed { nodes: Vec::new(), definitions: Vec::new(), ..typed.clone() },
        new: vec![None; root.index() + 1],
    };
    let chains = chains(typed, root, &used, &uses);
    for i in (0..=root.index()).filter(|&i| used[i]) {
        let id = ExprId(i as u32);
        match &chains[i] {
            Place::Inside => continue,
            Place::Top(chain) => writer.chain(typed, id, chain),
            Place::Apart => writer.copy(typed, id),
        }
        let named = typed.definitions.iter().filter(|(_, of)| *of == id);
        let new = writer.at(id);
        writer.typed.definitions.extend(named.map(|(name, _)| (name.clone(), new)));
    }
    let root = writer.at(root);
    (writer.typed, root)
}

/// What a node is to the chains.
#[derive(Clone)]
enum Place {
    Apart,
    Inside,
    Top(Chain),
}

/// A product of scalars and of factors that are none.
#[derive(Clone, Default)]
struct Chain {
    is_negative: bool,
    scalars: Vec<ExprId>,
    factors: Vec<ExprId>,
    /// What its scalings cost as they are written.
    scaling: f64,
    /// What its products cost as they are written.
    products: f64,
}

/// Which nodes are chains that another order makes cheaper, and which are parts of those.
fn chains(typed: &Typed, root: ExprId, used: &[bool], uses: &[u32]) -> Vec<Place> {
    let mut places = vec![Place::Apart; root.index() + 1];
    let mut seen = vec![false; root.index() + 1];
    for top in (0..=root.index()).rev().filter(|&i| used[i]) {
        let is_chain = matches!(typed.nodes[top].op, Op::Product(_) | Op::Scale);
        if seen[top] || !is_chain {
            continue;
        }
        let (chain, inside) = read(typed, ExprId(top as u32), uses);
        inside.iter().for_each(|id| seen[id.index()] = true);
        if chain.factors.len() <= MOST && chain.cost(typed) < chain.scaling + chain.products {
            inside.iter().for_each(|id| places[id.index()] = Place::Inside);
            places[top] = Place::Top(chain);
        }
    }
    places
}

/// The chain that ends in a node, and the nodes in it but the last.
fn read(typed: &Typed, top: ExprId, uses: &[u32]) -> (Chain, Vec<ExprId>) {
    let (mut chain, mut inside) = (Chain::default(), Vec::new());
    let mut pending = vec![top];
    while let Some(id) = pending.pop() {
        let node = typed.node(id);
        let own = id == top || uses[id.index()] == 1;
        match (node.op, own && !node.shape.is_scalar() || id == top) {
            (Op::Product(_), true) => {
                let (a, b) = (typed.shape(node.args[0]), typed.shape(node.args[1]));
                chain.products +=
                    length(typed, a.rows) * length(typed, a.cols) * length(typed, b.cols);
                pending.extend(node.args.iter().rev());
            }
            (Op::Scale, true) => {
                chain.scaling += size(typed, node.shape);
                chain.scalars.push(node.args[0]);
                pending.push(node.args[1]);
            }
            (Op::Neg, true) => {
                chain.is_negative = !chain.is_negative;
                pending.push(node.args[0]);
            }
            _ => {
                chain.factors.push(id);
                continue;
            }
        }
        inside.extend((id != top).then_some(id));
    }
    (chain, inside)
}

fn length(typed: &Typed, d: Dim) -> f64 {
    typed.dims.value(d).map_or(LARGE, |n| n as f64)
}

fn size(typed: &Typed, shape: Shape) -> f64 {
    length(typed, shape.rows) * length(typed, shape.cols)
}

impl Chain {
    /// The least cost of each stretch of factors, and after which factor it is split.
    fn stretches(&self, typed: &Typed) -> Vec<Vec<(f64, usize)>> {
        let n = self.factors.len();
        let shape = |i: usize| typed.shape(self.factors[i]);
        let mut best = vec![vec![(0.0, 0); n]; n];
        for width in 1..n {
            for from in 0..n - width {
                let to = from + width;
                let ends = length(typed, shape(from).rows) * length(typed, shape(to).cols);
                let split = |k: usize| {
                    (best[from][k].0 + best[k + 1][to].0 + ends * length(typed, shape(k).cols), k)
                };
                // Of equal ones from left to right, as it is read.
                let all = (from..to).rev().map(split);
                best[from][to] =
                    all.fold((f64::INFINITY, from), |a, b| if b.0 < a.0 { b } else { a });
            }
        }
        best
    }

    /// What the scalars scale at least cost: a factor, or the whole.
    fn scaled(&self, typed: &Typed, whole: f64) -> (f64, Option<usize>) {
        let sizes = self.factors.iter().enumerate().map(|(i, &f)| (size(typed, typed.shape(f)), i));
        let least =
            sizes.fold((whole, None), |a, (size, i)| if size < a.0 { (size, Some(i)) } else { a });
        if self.scalars.is_empty() { (0.0, None) } else { least }
    }

    fn whole(&self, typed: &Typed) -> f64 {
        let (first, last) = (self.factors[0], self.factors[self.factors.len() - 1]);
        length(typed, typed.shape(first).rows) * length(typed, typed.shape(last).cols)
    }

    fn cost(&self, typed: &Typed) -> f64 {
        let products = self.stretches(typed)[0][self.factors.len() - 1].0;
        products + self.scaled(typed, self.whole(typed)).0
    }
}

/// The ordered expression as it grows.
struct Writer {
    typed: Typed,
    /// Where each node of the old one is.
    new: Vec<Option<ExprId>>,
}

impl Writer {
    fn at(&self, old: ExprId) -> ExprId {
        self.new[old.index()].unwrap_or(old)
    }

    fn push(&mut self, op: Op, args: Vec<ExprId>, shape: Shape, like: &TypedNode) -> ExprId {
        let id = ExprId(self.typed.nodes.len() as u32);
        self.typed.nodes.push(TypedNode { op, args, shape, span: like.span });
        id
    }

    fn copy(&mut self, typed: &Typed, id: ExprId) {
        let node = typed.node(id);
        let args = node.args.iter().map(|&a| self.at(a)).collect();
        self.new[id.index()] = Some(self.push(node.op, args, node.shape, node));
    }

    fn chain(&mut self, typed: &Typed, id: ExprId, chain: &Chain) {
        let like = typed.node(id);
        let scalars = chain.scalars.iter().map(|&s| self.at(s)).collect::<Vec<_>>();
        let scalars =
            scalars.into_iter().reduce(|a, b| self.push(Op::Mul, vec![a, b], Shape::SCALAR, like));
        let (_, place) = chain.scaled(typed, chain.whole(typed));
        let mut factors: Vec<ExprId> = chain.factors.iter().map(|&f| self.at(f)).collect();
        if let (Some(i), Some(scalars)) = (place, scalars) {
            factors[i] = self.product(scalars, factors[i], like);
        }
        let mut made = self.stretch(&factors, &chain.stretches(typed), like);
        if let (None, Some(scalars)) = (place, scalars) {
            made = self.product(scalars, made, like);
        }
        if chain.is_negative {
            made = self.push(Op::Neg, vec![made], like.shape, like);
        }
        self.new[id.index()] = Some(made);
    }

    /// The product of all factors by these splits: what is split later comes first.
    fn stretch(
        &mut self,
        factors: &[ExprId],
        best: &[Vec<(f64, usize)>],
        like: &TypedNode,
    ) -> ExprId {
        let mut order = vec![(0, factors.len() - 1)];
        let mut next = 0;
        while let Some(&(from, to)) = order.get(next) {
            if from < to {
                let split = best[from][to].1;
                order.extend([(from, split), (split + 1, to)]);
            }
            next += 1;
        }
        let mut made = vec![vec![None; factors.len()]; factors.len()];
        for (from, to) in order.into_iter().rev() {
            made[from][to] = Some(match best[from][to].1 {
                _ if from == to => factors[from],
                split => {
                    let part = |part: Option<ExprId>| part.unwrap_or(factors[from]);
                    let (a, b) = (part(made[from][split]), part(made[split + 1][to]));
                    self.product(a, b, like)
                }
            });
        }
        made[0][factors.len() - 1].unwrap_or(factors[0])
    }

    /// `a*b`, of shapes that fit.
    fn product(&mut self, a: ExprId, b: ExprId, like: &TypedNode) -> ExprId {
        let (x, y) = (self.typed.shape(a), self.typed.shape(b));
        let (product, shape) = match (x.kind, y.kind) {
            (Kind::Scalar, Kind::Scalar) => return self.push(Op::Mul, vec![a, b], x, like),
            (Kind::Scalar, _) => return self.push(Op::Scale, vec![a, b], y, like),
            (_, Kind::Scalar) => return self.push(Op::Scale, vec![b, a], x, like),
            (Kind::Row, Kind::Vector) => (Product::Inner, Shape::SCALAR),
            (Kind::Row, _) => (Product::RowMat, Shape::row(y.cols)),
            (Kind::Vector, _) => (Product::Outer, Shape::matrix(x.rows, y.cols)),
            (_, Kind::Vector) => (Product::MatVec, Shape::vector(x.rows)),
            _ => (Product::MatMat, Shape::matrix(x.rows, y.cols)),
        };
        self.push(Op::Product(product), vec![a, b], shape, like)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp::{Dense, evaluate};
    use crate::{Checker, parse_declarations, parse_formula};

    fn read(expression: &str, declarations: &str) -> (Typed, ExprId) {
        let mut checker = Checker::new();
        for d in parse_declarations(declarations).unwrap() {
            checker.declare(&d);
        }
        let root = checker.formula(&parse_formula(expression).unwrap()).unwrap();
        (checker.finish().unwrap(), root)
    }

    /// The multiplications of all products and scalings.
    fn cost(typed: &Typed, root: ExprId) -> f64 {
        let used = typed.reachable(root);
        let of = |node: &TypedNode| match node.op {
            Op::Product(_) => {
                size(typed, node.shape) * length(typed, typed.shape(node.args[0]).cols)
            }
            Op::Scale => size(typed, node.shape),
            _ => 0.0,
        };
        typed.nodes.iter().zip(used).filter(|(_, used)| *used).map(|(node, _)| of(node)).sum()
    }

    #[test]
    fn the_cheapest_order_has_the_same_value() {
        let matrices = "A: matrix[30,35]; B: matrix[35,15]; C: matrix[15,5]; D: matrix[5,10]; \
                        E: matrix[10,20]; F: matrix[20,25]";
        let square = "A: matrix[30,20]; x: vector[20]; y: vector[30]; z: vector[30]; c: scalar";
        for (expression, declarations, least) in [
            // The example of Cormen, Leiserson, Rivest & Stein, section 14.2.
            ("A*B*C*D*E*F", matrices, 15125.0),
            ("2*A'*A*x", square, 2.0 * 600.0 + 20.0),
            ("-(c*A)'*(A*x*2)", square, 3.0 * 600.0 + 20.0),
            ("y*z'*y", square, 60.0),
            ("y'*(2*A)*x*z'", square, 600.0 + 20.0 + 30.0),
            ("A*x", square, 600.0),
        ] {
            let (typed, root) = read(expression, declarations);
            let (new, top) = ordered(&typed, root);
            // Whole numbers, so that every order has the same sums.
            let value = |v: &crate::typed::Variable| {
                let [m, n] = [v.shape.rows, v.shape.cols].map(|d| typed.dims.value(d).unwrap());
                Some(Dense::from_fn(m, n, |i, j| ((7 * i + 5 * j) % 3) as f64 - 1.0))
            };
            let point: Vec<Option<Dense>> = typed.vars.iter().map(value).collect();
            let expected = evaluate(&typed, root, &point).unwrap();
            assert_eq!(evaluate(&new, top, &point).unwrap(), expected, "{expression}");
            assert_eq!(new.shape(top), typed.shape(root), "{expression}");
            assert_eq!(cost(&new, top), least, "{expression}");
        }
    }
}
