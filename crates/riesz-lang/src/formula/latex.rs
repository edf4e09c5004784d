//! Formulas as LaTeX, for a maths environment.
//!
//! `A'` is `A^\top`, `inv(A)` is `A^{-1}`, `.*` and `./` are `\odot` and `\oslash`, `vector(c)`
//! is `c\mathbf{1}`. One loop over the nodes: children's text is moved into their parent's.

use super::print::{binding, mixed, number};
use crate::ast::{Ast, BinaryOp, Expr, Formula, Node, NodeId};

/// A formula as LaTeX.
pub fn latex(f: &Formula) -> String {
    let mut out = expr_latex(&f.ast, f.body);
    for (i, d) in f.definitions.iter().enumerate() {
        out += if i == 0 { " \\quad\\text{where}\\quad " } else { ",\\; " };
        out += &format!("{} = {}", name(&d.name.name), expr_latex(&f.ast, d.value));
    }
    out
}

fn expr_latex(ast: &Ast, e: Expr) -> String {
    let mut done: Vec<String> = Vec::new();
    let mut first = 0;
    for (k, id) in e.nodes().enumerate() {
        if k == 0 {
            first = id.index();
        }
        let text = node_latex(ast, id, &mut |n| std::mem::take(&mut done[n.index() - first]));
        done.push(text);
    }
    done.pop().unwrap_or_default()
}

fn node_latex(ast: &Ast, id: NodeId, take: &mut dyn FnMut(NodeId) -> String) -> String {
    match ast.node(id) {
        Node::Number(x) => number_latex(*x),
        Node::Name(n) => name(n),
        Node::Neg(x) => format!("-{}", bracket(ast, *x, 3, take)),
        Node::Transpose(x) => match ast.node(*x) {
            Node::Call(f, args) if f == "inv" && args.len() == 1 => {
                let inner = take(*x);
                match inner.strip_suffix("^{-1}") {
                    Some(base) => format!("{base}^{{-\\top}}"),
                    None => format!("\\left({inner}\\right)^\\top"),
                }
            }
            Node::Number(_) | Node::Name(_) => format!("{}^\\top", take(*x)),
            _ => format!("\\left({}\\right)^\\top", take(*x)),
        },
        Node::Binary(op, x, y) => binary(ast, *op, *x, *y, take),
        Node::Call(f, args) => {
            let texts: Vec<String> = args.iter().map(|&a| take(a)).collect();
            call(ast, f, args, &texts)
        }
    }
}

/// The text of a node, in brackets if it binds less tightly than asked.
fn bracket(ast: &Ast, id: NodeId, least: u8, take: &mut dyn FnMut(NodeId) -> String) -> String {
    let text = take(id);
    let fraction = matches!(ast.node(id), Node::Binary(BinaryOp::Div, ..));
    if binding(ast, id) < least && !(fraction && least < 4) {
        format!("\\left({text}\\right)")
    } else {
        text
    }
}

fn binary(
    ast: &Ast,
    op: BinaryOp,
    x: NodeId,
    y: NodeId,
    take: &mut dyn FnMut(NodeId) -> String,
) -> String {
    let mut join = |left: u8, word: &str, right: u8| {
        let left = if mixed(ast, op, x) { 4 } else { left };
        let mut text = bracket(ast, x, left, take);
        text.push_str(word);
        text.push_str(&bracket(ast, y, right, take));
        text
    };
    match op {
        BinaryOp::Add | BinaryOp::DotAdd => join(1, " + ", 2),
        BinaryOp::Sub | BinaryOp::DotSub => join(1, " - ", 2),
        BinaryOp::Mul => {
            let numbers = matches!(ast.node(y), Node::Number(_));
            join(2, if numbers { " \\cdot " } else { " \\, " }, 4)
        }
        BinaryOp::DotMul => join(2, " \\odot ", 4),
        BinaryOp::DotDiv => join(2, " \\oslash ", 4),
        BinaryOp::Div => format!("\\frac{{{}}}{{{}}}", take(x), take(y)),
        BinaryOp::Solve => {
            let left = bracket(ast, x, 6, take);
            format!("{left}^{{-1}} \\, {}", bracket(ast, y, 4, take))
        }
        BinaryOp::Pow | BinaryOp::DotPow => {
            let base = bracket(ast, x, 6, take);
            let base = match ast.node(x) {
                Node::Call(..) => format!("\\left({base}\\right)"),
                _ => base,
            };
            let dot = if op == BinaryOp::DotPow { "\\odot " } else { "" };
            format!("{base}^{{{dot}{}}}", take(y))
        }
    }
}

fn call(ast: &Ast, f: &str, args: &[NodeId], texts: &[String]) -> String {
    let x = texts.first().map_or("", String::as_str);
    let simple = args.first().is_some_and(|&a| binding(ast, a) > 5 && !is_call(ast, a));
    let wrapped = if simple { x.to_owned() } else { format!("\\left({x}\\right)") };
    match f {
        "inv" => format!("{wrapped}^{{-1}}"),
        "sqrt" => format!("\\sqrt{{{x}}}"),
        "abs" => format!("\\left|{x}\\right|"),
        "norm1" => format!("\\left\\lVert {x} \\right\\rVert_1"),
        "norm2" => format!("\\left\\lVert {x} \\right\\rVert_2"),
        "norminf" => format!("\\left\\lVert {x} \\right\\rVert_\\infty"),
        "logdet" => format!("\\log\\left|\\det\\left({x}\\right)\\right|"),
        "vector" | "matrix" => {
            let ones = if f == "vector" { "\\mathbf{1}" } else { "\\mathbf{1}\\mathbf{1}^\\top" };
            if x == "1" { ones.to_owned() } else { format!("{wrapped} \\, {ones}") }
        }
        "eye" => "I".to_owned(),
        "kron" => texts
            .iter()
            .zip(args)
            .map(
                |(t, &a)| {
                    if binding(ast, a) < 5 { format!("\\left({t}\\right)") } else { t.clone() }
                },
            )
            .collect::<Vec<_>>()
            .join(" \\otimes "),
        _ => {
            let word = match f {
                "exp" | "log" | "sin" | "cos" | "tan" | "arcsin" | "arccos" | "arctan" | "sinh"
                | "cosh" | "tanh" | "det" | "max" | "min" => format!("\\{f}"),
                _ => format!("\\operatorname{{{f}}}"),
            };
            format!("{word}\\left({}\\right)", texts.join(", "))
        }
    }
}

fn is_call(ast: &Ast, id: NodeId) -> bool {
    matches!(ast.node(id), Node::Call(..))
}

fn number_latex(x: f64) -> String {
    let text = number(x);
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{digits} \\cdot 10^{{{exponent}}}"),
        None => text,
    }
}

/// Letters that have a name in TeX, and that name.
const GREEK: &[(&str, &str)] = &[
    ("α", "alpha"),
    ("β", "beta"),
    ("γ", "gamma"),
    ("δ", "delta"),
    ("ε", "epsilon"),
    ("ζ", "zeta"),
    ("η", "eta"),
    ("θ", "theta"),
    ("ι", "iota"),
    ("κ", "kappa"),
    ("λ", "lambda"),
    ("μ", "mu"),
    ("ν", "nu"),
    ("ξ", "xi"),
    ("π", "pi"),
    ("ρ", "rho"),
    ("σ", "sigma"),
    ("τ", "tau"),
    ("υ", "upsilon"),
    ("φ", "phi"),
    ("χ", "chi"),
    ("ψ", "psi"),
    ("ω", "omega"),
    ("Γ", "Gamma"),
    ("Δ", "Delta"),
    ("Θ", "Theta"),
    ("Λ", "Lambda"),
    ("Ξ", "Xi"),
    ("Π", "Pi"),
    ("Σ", "Sigma"),
    ("Υ", "Upsilon"),
    ("Φ", "Phi"),
    ("Ψ", "Psi"),
    ("Ω", "Omega"),
];

/// The TeX of a Greek letter, by itself or by its name.
fn greek(letter: &str) -> Option<String> {
    let found = GREEK.iter().find(|(own, name)| letter == *own || letter == *name);
    found.map(|(_, name)| format!("\\{name}"))
}

/// A name: Greek letters by name, digits and what follows `_` as an index.
fn name(n: &str) -> String {
    if n == "eye" {
        return "I".to_owned();
    }
    let letters = n.find(|c: char| c.is_ascii_digit() || c == '_').unwrap_or(n.len());
    let (stem, index) = (&n[..letters], n[letters..].trim_start_matches('_'));
    let stem = if let Some(letter) = greek(stem) {
        letter
    } else if let Some(rest) = stem.strip_prefix('d').filter(|r| r.chars().count() == 1) {
        format!("\\mathrm{{d}}{}", greek(rest).unwrap_or_else(|| rest.to_owned()))
    } else if stem.chars().count() > 1 {
        format!("\\mathrm{{{stem}}}")
    } else {
        stem.to_owned()
    };
    match index {
        "" => stem,
        _ => {
            let index = greek(index).unwrap_or_else(|| index.replace('_', "\\_"));
            format!("{stem}_{{{index}}}")
        }
    }
}
