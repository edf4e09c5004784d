//! Products in the order that costs least.
//!
//! In text a product is read from left to right, whatever that costs: `2*A'*A*x` multiplies two matrices.
//! As a program `2*(A'*(A*x))` is meant, which multiplies none. The factors of a product that stand in one chain,
//! and known numbers among them, are multiplied in the order that takes fewest multiplications, or few if there are
//! many of them ([`product_order`]). A scalar that is not known stays with what it scales, as it may keep that from overflow,
//! and a chain stays as it is where no order is better.

use crate::ast::Kind;
use crate::dims::Dim;
use crate::typed::{ExprId, Op, Product, Shape, Typed, TypedNode};
use riesz_core::product_order;

/// What stands for a size that is not known: more than any constant, the same for all.
const LARGE: f64 = 1000.0;
/// The most factors in one chain: a longer one is ordered part by part.
const MOST: usize = 60;
/// Numbers from one over this to this may scale another factor than they are written at.
const NEAR: f64 = 1e6;

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

/// A product of known numbers and of factors that are no scalars.
#[derive(Clone)]
struct Chain {
    is_negative: bool,
    numbers: Vec<ExprId>,
    /// The product of these numbers.
    number: f64,
    factors: Vec<ExprId>,
    /// The multiplications as it is written.
    cost: f64,
    /// Which two to multiply, the left one first: the factors, then the number, then what is made of them.
    steps: Vec<(usize, usize)>,
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
        if let Some(chain) = chain.ordered(typed) {
            inside.iter().for_each(|id| places[id.index()] = Place::Inside);
            places[top] = Place::Top(chain);
        }
    }
    places
}

/// The chain that ends in a node, and the nodes in it but the last.
fn read(typed: &Typed, top: ExprId, uses: &[u32]) -> (Chain, Vec<ExprId>) {
    let mut inside = Vec::new();
    let mut chain = Chain {
        is_negative: false,
        numbers: Vec::new(),
        number: 1.0,
        factors: Vec::new(),
        cost: 0.0,
        steps: Vec::new(),
    };
    let mut pending = vec![top];
    while let Some(id) = pending.pop() {
        let node = typed.node(id);
        let room = chain.factors.len() + pending.len() + 2 <= MOST;
        let own = (id == top || uses[id.index()] == 1) && room;
        // The product of the numbers so far with one that this is scaled by.
        let number = || match typed.node(node.args[0]).op {
            Op::Number(c) => Some(chain.number * c).filter(|c| is_near(*c)),
            _ => None,
        };
        match (node.op, own && (!node.shape.is_scalar() || id == top)) {
            (Op::Product(_), true) => {
                let (a, b) = (typed.shape(node.args[0]), typed.shape(node.args[1]));
                chain.cost += length(typed, a.rows) * length(typed, a.cols) * length(typed, b.cols);
                pending.extend(node.args.iter().rev());
            }
            (Op::Scale, true) if let Some(number) = number() => {
                chain.cost += size(typed, node.shape);
                chain.number = number;
                chain.numbers.push(node.args[0]);
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

fn is_near(number: f64) -> bool {
    (1.0 / NEAR..=NEAR).contains(&number.abs())
}

fn length(typed: &Typed, d: Dim) -> f64 {
    typed.dims.value(d).map_or(LARGE, |n| n as f64)
}

fn size(typed: &Typed, shape: Shape) -> f64 {
    length(typed, shape.rows) * length(typed, shape.cols)
}

impl Chain {
    /// With the cheapest order, if that is better.
    fn ordered(mut self, typed: &Typed) -> Option<Chain> {
        let count = self.factors.len();
        // The columns of a factor are the rows of the next one. A number has neither.
        let mut operands: Vec<Vec<usize>> = (0..count).map(|i| vec![i, i + 1]).collect();
        operands.extend((!self.numbers.is_empty()).then(Vec::new));
        let shapes = || self.factors.iter().map(|&f| typed.shape(f));
        let mut lengths: Vec<f64> = shapes().map(|shape| length(typed, shape.rows)).collect();
        lengths.extend(shapes().next_back().map(|shape| length(typed, shape.cols)));
        let order = product_order(&operands, &[0, count], &lengths).ok()?;
        if order.multiplications >= self.cost {
            return None;
        }
        // From which rows to which columns each operand goes, if it is no number.
        let mut spans: Vec<Option<(usize, usize)>> = (0..count).map(|i| Some((i, i + 1))).collect();
        spans.resize(operands.len(), None);
        for (i, j) in order.steps {
            let (step, span) = match (spans[i], spans[j]) {
                (None, span) => ((i, j), span),
                (span, None) => ((j, i), span),
                (Some(a), Some(b)) if a.1 == b.0 => ((i, j), Some((a.0, b.1))),
                (Some(a), Some(b)) if b.1 == a.0 => ((j, i), Some((b.0, a.1))),
                // Two that do not stand side by side are no product of matrices.
                _ => return None,
            };
            self.steps.push(step);
            spans.push(span);
        }
        Some(self)
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
        let numbers: Vec<ExprId> = chain.numbers.iter().map(|&n| self.at(n)).collect();
        let number =
            numbers.into_iter().reduce(|a, b| self.push(Op::Mul, vec![a, b], Shape::SCALAR, like));
        let mut made: Vec<ExprId> = chain.factors.iter().map(|&f| self.at(f)).collect();
        made.extend(number);
        for &(a, b) in &chain.steps {
            made.push(self.product(made[a], made[b], like));
        }
        let mut made = made.last().copied().unwrap_or(id);
        if chain.is_negative {
            made = self.push(Op::Neg, vec![made], like.shape, like);
        }
        self.new[id.index()] = Some(made);
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

    /// Longer than what is ordered at once: two matrices are multiplied only where parts meet.
    #[test]
    fn long_chains_are_ordered_part_by_part() {
        let expression = format!("{}x", "A*".repeat(200));
        let (typed, root) = read(&expression, "A: matrix[30,30]; x: vector[30]");
        let (new, top) = ordered(&typed, root);
        let (written, found) = (cost(&typed, root), cost(&new, top));
        assert_eq!(written, 199.0 * 27000.0 + 900.0);
        assert!(found < 0.75 * written, "{found} {written}");
        assert_eq!(new.shape(top), typed.shape(root));
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
            // What is not known, or far from 1, stays where it is.
            ("c*A'*A*x", square, 3.0 * 600.0),
            // 2⁻²³.
            ("1.1920928955078125e-7*A'*A*x", square, 3.0 * 600.0),
            ("2*c*(A'*A*x)", square, 2.0 * 600.0 + 20.0),
            ("(c*x')*A'*A", square, 20.0 + 2.0 * 600.0),
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
