//! Formulas as Rust on `Var`s of the `riesz` crate.
//!
//! Vectors and rows are arrays of rank 1, so the transpose of a vector is itself, `x'*y` is
//! `x.dot(y)` and `x*y'` is `x.outer(y)`; scalars broadcast, so `vector(1) - x` is `1.0 - x`.
//! A where-definition becomes a `let`. `kron` of two matrices is no method: bring your own. One loop over the nodes, children's text moved into their parent's.

use super::order::ordered;
use super::print::number;
use crate::ast::Kind;
use crate::typed::{ExprId, Map, Op, Product, Shape, Typed};

/// How tightly a piece of Rust binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bind {
    Sum,
    Product,
    Sign,
    Post,
}

#[derive(Debug, Clone)]
struct Piece {
    text: String,
    bind: Bind,
    /// Only numbers: methods of `Var` are not to be called on it.
    literal: bool,
}

impl Piece {
    fn at(&self, least: Bind) -> String {
        if self.bind < least { format!("({})", self.text) } else { self.text.clone() }
    }

    fn new(text: String, bind: Bind) -> Self {
        Self { text, bind, literal: false }
    }
}

/// A typed formula as a Rust expression, or as a block if it has definitions. Its products are in the order
/// that costs least.
pub fn rust(typed: &Typed, root: ExprId) -> String {
    let (typed, root) = ordered(typed, root);
    let typed = &typed;
    let used = typed.reachable(root);
    let uses = count_uses(typed, &used);
    let mut lets = String::new();
    let mut done: Vec<Option<Piece>> = vec![None; root.index() + 1];
    for i in (0..=root.index()).filter(|&i| used[i]) {
        let node = &typed.nodes[i];
        let piece = {
            // The last use takes the text, so that a long sum is not copied at every step.
            let args: Vec<Piece> = node
                .args
                .iter()
                .map(|a| {
                    let slot = &mut done[a.index()];
                    let last = uses[a.index()] == 1;
                    if last { slot.take() } else { slot.clone() }.unwrap_or_else(unused)
                })
                .collect();
            piece(typed, ExprId(i as u32), args)
        };
        let name = typed.definitions.iter().find(|(_, id)| id.index() == i);
        done[i] = Some(match name {
            Some((name, _)) if i != root.index() => {
                lets += &format!("    let {name} = {};\n", piece.text);
                Piece::new(name.clone(), Bind::Post)
            }
            _ => piece,
        });
    }
    let body = done.pop().flatten().map_or_else(String::new, |p| p.text);
    if lets.is_empty() { body } else { format!("{{\n{lets}    {body}\n}}") }
}

fn unused() -> Piece {
    Piece::new(String::new(), Bind::Post)
}

fn count_uses(typed: &Typed, used: &[bool]) -> Vec<u32> {
    let mut uses = vec![0; used.len()];
    for i in (0..used.len()).filter(|&i| used[i]) {
        for a in &typed.nodes[i].args {
            uses[a.index()] += 1;
        }
    }
    uses
}

fn literal(x: f64) -> String {
    let text = number(x);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

fn infix(x: &Piece, op: &str, y: &Piece, bind: Bind) -> Piece {
    let right = if bind == Bind::Sum { Bind::Product } else { Bind::Sign };
    let text = format!("{} {op} {}", x.at(bind), y.at(right));
    Piece { text, bind, literal: x.literal && y.literal }
}

fn method(x: &Piece, name: &str, args: &str) -> Piece {
    let receiver = if x.literal { format!("{}_f64", x.at(Bind::Post)) } else { x.at(Bind::Post) };
    Piece { literal: x.literal, ..Piece::new(format!("{receiver}.{name}({args})"), Bind::Post) }
}

fn piece(typed: &Typed, id: ExprId, args: Vec<Piece>) -> Piece {
    let node = typed.node(id);
    let shape = node.shape;
    let x = args.first().cloned().unwrap_or_else(unused);
    let y = args.get(1).cloned().unwrap_or_else(unused);
    match node.op {
        Op::Number(v) => Piece { literal: true, ..Piece::new(literal(v), Bind::Post) },
        Op::Var(v) => Piece::new(typed.var(v).name.clone(), Bind::Post),
        // In an entrywise operation with an array a scalar broadcasts; elsewhere it is spread.
        Op::Fill if spreads(typed, id) => x,
        Op::Fill => fill(typed, &x, shape),
        Op::Eye => {
            let ones = fill(typed, &one(), Shape::vector(shape.rows));
            method(&ones, "diag", "")
        }
        Op::Add => infix(&x, "+", &y, Bind::Sum),
        Op::Sub => infix(&x, "-", &y, Bind::Sum),
        Op::Neg => {
            Piece { literal: x.literal, ..Piece::new(format!("-{}", x.at(Bind::Sign)), Bind::Sign) }
        }
        Op::Scale | Op::Mul => infix(&x, "*", &y, Bind::Product),
        Op::DivScalar | Op::Div => infix(&x, "/", &y, Bind::Product),
        Op::Product(Product::Outer) => method(&x, "outer", &y.text),
        Op::Product(_) => method(&x, "dot", &y.text),
        Op::Pow => power(typed, node.args[1], &x, &y),
        Op::MatPow(k) => method(&x, "matrix_power", &k.to_string()),
        Op::Solve => method(&x, "solve", &y.text),
        Op::Transpose if shape.kind == Kind::Matrix => method(&x, "t", ""),
        Op::Transpose => x,
        Op::Map(Map::Step) => method(&method(&x, "sign", ""), "relu", ""),
        Op::Map(f) => method(&x, map_name(f), ""),
        Op::Max => method(&x, "maximum", &y.text),
        Op::Min => method(&x, "minimum", &y.text),
        Op::Sum => method(&x, "sum", ""),
        Op::Trace => method(&x, "trace", ""),
        Op::Det => method(&x, "det", ""),
        Op::LogDet => method(&x, "logdet", ""),
        Op::Norm1 => method(&method(&x, "abs", ""), "sum", ""),
        Op::Norm2 => method(&x, "norm", ""),
        Op::NormInf => method(&method(&x, "abs", ""), "max", ""),
        Op::LogSumExp => method(&x, "logsumexp", ""),
        Op::Softmax => method(&x, "softmax", "0"),
        Op::Inverse => method(&x, "inverse", ""),
        Op::Adjugate => {
            infix(&method(&x, "det", ""), "*", &method(&x, "inverse", ""), Bind::Product)
        }
        Op::Diag => method(&x, "diag", ""),
        Op::DiagPart => method(&x, "diagonal", ""),
        Op::Kron => {
            let matrix = |p: &Piece, k: usize| match typed.shape(node.args[k]).kind {
                Kind::Row => method(p, "expand_dims", "0").text,
                Kind::Vector => method(p, "expand_dims", "1").text,
                _ => p.text.clone(),
            };
            Piece::new(format!("kron({}, {})", matrix(&x, 0), matrix(&y, 1)), Bind::Post)
        }
        Op::Vec => method(&method(&x, "t", ""), "flatten", ""),
    }
}

fn one() -> Piece {
    Piece { literal: true, ..Piece::new("1.0".into(), Bind::Post) }
}

fn map_name(f: Map) -> &'static str {
    match f {
        Map::Arcsin => "asin",
        Map::Arccos => "acos",
        Map::Arctan => "atan",
        other => other.name(),
    }
}

/// Whether every use of a fill is an entrywise operation with something that has the shape.
fn spreads(typed: &Typed, id: ExprId) -> bool {
    let mut found = false;
    let all = typed.nodes.iter().filter(|n| n.args.contains(&id)).all(|n| {
        found = true;
        let entrywise = matches!(n.op, Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Max | Op::Min);
        let array = n
            .args
            .iter()
            .any(|&a| a != id && !matches!(typed.node(a).op, Op::Fill | Op::Number(_)));
        entrywise && array
    });
    found && all
}

/// A scalar in every entry of a shape, taken from a variable that has the shape or the size.
fn fill(typed: &Typed, value: &Piece, shape: Shape) -> Piece {
    let dims = &typed.dims;
    let like = typed.vars.iter().find(|v| {
        let s = v.shape;
        let column = shape.kind != Kind::Matrix && s.kind == Kind::Vector;
        let n = if shape.kind == Kind::Row { shape.cols } else { shape.rows };
        (column && dims.same(s.rows, n))
            || (s.kind == shape.kind
                && dims.same(s.rows, shape.rows)
                && dims.same(s.cols, shape.cols))
    });
    let ones = match like {
        Some(v) => Piece::new(format!("{}.ones_like()", v.name), Bind::Post),
        None if shape.kind == Kind::Matrix => {
            let rows = fill(typed, &one(), Shape::vector(shape.rows));
            let cols = fill(typed, &one(), Shape::vector(shape.cols));
            method(&rows, "outer", &cols.text)
        }
        None => {
            let n = if shape.kind == Kind::Row { shape.cols } else { shape.rows };
            let of = |v: &&crate::typed::Variable| v.shape.kind == Kind::Matrix;
            let rows = typed.vars.iter().filter(of).find(|v| dims.same(v.shape.rows, n));
            let cols = typed.vars.iter().filter(of).find(|v| dims.same(v.shape.cols, n));
            let text = match (cols, rows, dims.value(n)) {
                (Some(v), ..) => format!("{}.at(0).ones_like()", v.name),
                (_, Some(v), _) => format!("{}.t().at(0).ones_like()", v.name),
                (.., Some(k)) => format!("Var::constant(Tensor::full(1.0, [{k}]))"),
                _ => format!("Var::constant(Tensor::full(1.0, [{}]))", dims.text(n)),
            };
            Piece::new(text, Bind::Post)
        }
    };
    if value.text == "1.0" { ones } else { infix(value, "*", &ones, Bind::Product) }
}

fn power(typed: &Typed, exponent: ExprId, x: &Piece, y: &Piece) -> Piece {
    let constant = match typed.node(exponent).op {
        Op::Number(p) => Some(p),
        Op::Neg => match typed.node(typed.node(exponent).args[0]).op {
            Op::Number(p) => Some(-p),
            _ => None,
        },
        _ => None,
    };
    match constant.filter(|p| p.fract() == 0.0 && p.abs() < 1e9) {
        Some(p) => method(x, "powi", &format!("{p}")),
        None => method(x, "pow", &y.text),
    }
}
