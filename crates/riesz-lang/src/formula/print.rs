//! Formulas as text of the language: what is printed reads back as the same formula.
//!
//! Iterative, children before parents, so a sum of any length prints.

use crate::ast::{Ast, BinaryOp, Expr, Formula, Node, NodeId};

/// How tightly an operator binds: sum, product, sign, power, postfix.
const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const SIGN: u8 = 3;
const POWER: u8 = 4;
const POST: u8 = 5;

/// A formula as text.
pub fn text(f: &Formula) -> String {
    let mut out = expr_text(&f.ast, f.body);
    for (i, d) in f.definitions.iter().enumerate() {
        out += if i == 0 { " where " } else { "; " };
        out += &format!("{} = {}", d.name.name, expr_text(&f.ast, d.value));
    }
    out
}

/// A number as the language reads it.
pub(crate) fn number(x: f64) -> String {
    let (plain, scientific) = (format!("{x}"), format!("{x:e}"));
    if x.fract() == 0.0 && x.abs() < 1e15 {
        return plain;
    }
    if plain.len() <= scientific.len() + 2 { plain } else { scientific }
}

/// How tightly a node binds.
pub(crate) fn binding(ast: &Ast, id: NodeId) -> u8 {
    match ast.node(id) {
        Node::Binary(op, ..) => match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::DotAdd | BinaryOp::DotSub => SUM,
            BinaryOp::Pow | BinaryOp::DotPow => POWER,
            _ => PRODUCT,
        },
        Node::Neg(_) => SIGN,
        Node::Number(_) | Node::Name(_) | Node::Call(..) => POST + 1,
        Node::Transpose(_) => POST,
    }
}

/// Whether a product of one sort stands left in one of the other: `(a.*b)*c`, `(A*b).*c` are
/// read the same without the brackets, but not as easily.
pub(crate) fn mixed(ast: &Ast, op: BinaryOp, left: NodeId) -> bool {
    let dotted = |op: BinaryOp| matches!(op, BinaryOp::DotMul | BinaryOp::DotDiv);
    match (op, ast.node(left)) {
        (BinaryOp::Mul, Node::Binary(inner, ..)) => dotted(*inner),
        (_, Node::Binary(BinaryOp::Mul, front, _)) => {
            dotted(op) && !matches!(ast.node(*front), Node::Number(_))
        }
        _ => false,
    }
}

/// One expression as text. A piece is written when it is reached; what follows it waits.
fn expr_text(ast: &Ast, e: Expr) -> String {
    enum Piece {
        Node(NodeId, u8),
        Text(&'static str),
    }
    let mut out = String::new();
    let mut work = vec![Piece::Node(e.root, 0)];
    while let Some(piece) = work.pop() {
        let (id, least) = match piece {
            Piece::Text(t) => {
                out.push_str(t);
                continue;
            }
            Piece::Node(id, least) => (id, least),
        };
        let own = binding(ast, id);
        if own < least {
            out.push('(');
            work.push(Piece::Text(")"));
        }
        match ast.node(id) {
            Node::Number(x) => out.push_str(&number(*x)),
            Node::Name(n) => out.push_str(n),
            Node::Neg(x) => {
                out.push('-');
                work.push(Piece::Node(*x, POWER));
            }
            Node::Transpose(x) => {
                work.push(Piece::Text("'"));
                work.push(Piece::Node(*x, POST));
            }
            Node::Binary(op, x, y) => {
                let (left, right) = match own {
                    SUM => (SUM, PRODUCT),
                    // A sign may follow `*` but reads badly: `a*-b`.
                    PRODUCT => (PRODUCT, POWER),
                    _ => (POST, POST + 1),
                };
                let left = if mixed(ast, *op, *x) { POWER } else { left };
                let right = match (ast.node(*y), own) {
                    (Node::Neg(n), POWER) if binding(ast, *n) > POST => SIGN,
                    _ => right,
                };
                work.push(Piece::Node(*y, right));
                work.push(Piece::Text(match op {
                    BinaryOp::Add => " + ",
                    BinaryOp::Sub => " - ",
                    BinaryOp::DotAdd => " .+ ",
                    BinaryOp::DotSub => " .- ",
                    op => op.text(),
                }));
                work.push(Piece::Node(*x, left));
            }
            Node::Call(name, args) => {
                out.push_str(name);
                out.push('(');
                work.push(Piece::Text(")"));
                for (i, a) in args.iter().enumerate().rev() {
                    work.push(Piece::Node(*a, 0));
                    if i > 0 {
                        work.push(Piece::Text(", "));
                    }
                }
            }
        }
    }
    out
}
