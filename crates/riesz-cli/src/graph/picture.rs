//! What is written where: a box for everything that is computed, an arrow for every use.
//!
//! What does not depend on a variable has no box: it stands in the box that uses it, as written.

use crate::display;
use riesz::Tensor;
use riesz_lang::dims::Dims;
use riesz_lang::flow::{Flow, Flowed, symbol};
use riesz_lang::typed::{ExprId, Op, Typed, declaration_text};

/// How long a line of a box may get, in characters.
const LONG: usize = 52;

/// A graph with its words.
pub struct Picture {
    /// The boxes.
    pub boxes: Vec<Box>,
    /// The arrows.
    pub arrows: Vec<Arrow>,
    /// Whether every number was finite, shown or not.
    pub finite: bool,
}

/// What a line says, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// What it is.
    Name,
    /// Where it stands in the formula, or its shape.
    Remark,
    /// A value.
    Value,
    /// A gradient.
    Gradient,
}

/// What a box stands for, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A variable.
    Variable,
    /// Something computed on the way.
    Step,
    /// The result.
    Result,
}

/// A box.
pub struct Box {
    /// Its lines.
    pub lines: Vec<(String, Style)>,
    /// What it stands for.
    pub role: Role,
    /// What is said when the mouse rests on it: the same, uncut.
    pub hover: String,
}

/// An arrow from a value to its use.
pub struct Arrow {
    /// The box it comes from.
    pub from: usize,
    /// The box it goes to.
    pub to: usize,
    /// What flows back, where several arrows leave a box.
    pub back: Vec<String>,
}

impl Picture {
    /// The picture of what flows. `text` is the expression as written and `dims` has the sizes to be
    /// shown; values and gradients are shown as numbers if `numbers`.
    pub fn new(
        flow: &Flow,
        flowed: &Flowed,
        values: &[Option<Tensor>],
        text: &str,
        dims: &Dims,
        numbers: bool,
    ) -> Picture {
        let mut writer = Writer { flow, flowed, text, dims, numbers, varies: flow.varies(None) };
        let root = flow.root();
        // A constant formula is one box.
        writer.varies[root.index()] = true;
        let nodes: Vec<ExprId> = flow.nodes().filter(|e| writer.varies[e.index()]).collect();
        let place = |e: ExprId| nodes.iter().position(|n| *n == e);
        let mut arrows = Vec::new();
        for (k, u) in flow.uses().iter().enumerate() {
            if let (Some(from), Some(to)) = (place(u.from), place(u.to)) {
                let fan_out = writer.uses(u.from) > 1;
                let back = flowed.contributions[k].as_ref().filter(|_| fan_out);
                let back = back.map(|g| if numbers { brief(g) } else { vec!["+".into()] });
                arrows.push(Arrow { from, to, back: back.unwrap_or_default() });
            }
        }
        let boxes = nodes.iter().map(|&e| writer.node(e, values)).collect();
        let gradients = flowed.gradients.iter().flatten();
        let finite =
            flowed.values.iter().chain(gradients).all(|t| t.to_f64().iter().all(|x| x.is_finite()));
        Picture { boxes, arrows, finite }
    }
}

struct Writer<'a> {
    flow: &'a Flow,
    flowed: &'a Flowed,
    text: &'a str,
    dims: &'a Dims,
    numbers: bool,
    varies: Vec<bool>,
}

impl Writer<'_> {
    /// How many arrows leave a node.
    fn uses(&self, node: ExprId) -> usize {
        self.flow.uses().iter().filter(|u| u.from == node).count()
    }

    fn node(&self, node: ExprId, values: &[Option<Tensor>]) -> Box {
        let typed = self.flow.typed();
        let mut lines = Vec::new();
        let written = self.written(node);
        let role = match typed.node(node).op {
            Op::Var(_) => Role::Variable,
            _ if node == self.flow.root() => Role::Result,
            _ => Role::Step,
        };
        if matches!(typed.node(node).op, Op::Var(_)) {
            lines.push((self.flow.name(node).to_owned(), Style::Name));
        } else {
            let operation = self.operation(node);
            let same = squeezed(&operation) == squeezed(&written);
            lines.push((format!("{} = {operation}", self.flow.name(node)), Style::Name));
            if !same {
                lines.push((written, Style::Remark));
            }
        }
        lines.push((self.kind(node), Style::Remark));
        if self.numbers {
            let value = brief(&self.flowed.values[node.index()]);
            lines.extend(value.into_iter().map(|line| (line, Style::Value)));
        }
        if let Some(gradient) = &self.flowed.gradients[node.index()] {
            let uses = self.uses(node);
            let sum = if uses > 1 { format!("Σ of {uses}: ") } else { String::new() };
            let formula = self.flow.formula(node, self.flowed, values);
            let words = formula.unwrap_or_else(|| "(no formula)".to_owned());
            let numbers = if self.numbers { brief(gradient) } else { Vec::new() };
            let known = numbers.as_slice() == [words.as_str()];
            lines.push((format!("gradient {sum}{words}"), Style::Gradient));
            if !known {
                lines.extend(numbers.into_iter().map(|line| (line, Style::Gradient)));
            }
        }
        let hover = lines.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
        for (text, _) in &mut lines {
            cut(text);
        }
        Box { lines, role, hover }
    }

    /// The shape of a node, and what is declared of a variable: `spd[n]`.
    fn kind(&self, node: ExprId) -> String {
        let typed = self.flow.typed();
        let Op::Var(v) = typed.node(node).op else { return typed.shape(node).text(self.dims) };
        let declared = Typed { dims: self.dims.clone(), ..typed.clone() }.declarations();
        let text = declared.get(v.index()).map(declaration_text).unwrap_or_default();
        text.split_once(": ").map(|(_, kind)| kind.to_owned()).unwrap_or(text)
    }

    /// The text of a node as the user wrote it, in one line.
    fn written(&self, node: ExprId) -> String {
        let span = self.flow.typed().node(node).span;
        let text = self.text.get(span.range()).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// One operation on the names of its arguments.
    fn operation(&self, node: ExprId) -> String {
        let typed = self.flow.typed();
        let (op, args) = (typed.node(node).op, typed.node(node).args.as_slice());
        let name = |e: &ExprId| match self.varies[e.index()] {
            true => self.flow.name(*e).to_owned(),
            false => self.written(*e),
        };
        let symbol = symbol(typed, node);
        match (op, args) {
            (Op::Number(_) | Op::Eye, _) | (_, []) => self.written(node),
            (Op::Transpose, [x]) => format!("{}'", name(x)),
            (Op::MatPow(_), [x]) => format!("{}{symbol}", name(x)),
            (Op::Pow, [x, _]) if symbol.len() > 2 || !symbol.ends_with('^') => {
                format!("{}{symbol}", name(x))
            }
            (Op::Neg, [x]) => format!("-{}", name(x)),
            (Op::Max | Op::Min | Op::Kron, [x, y]) => format!("{symbol}({}, {})", name(x), name(y)),
            (Op::Add | Op::Sub, [x, y]) => format!("{} {symbol} {}", name(x), name(y)),
            (_, [x, y]) => format!("{}{symbol}{}", name(x), name(y)),
            (_, [x, ..]) => format!("{symbol}({})", name(x)),
        }
    }
}

fn squeezed(text: &str) -> String {
    let all: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let inner = all.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    match inner {
        Some(inner) if !inner.contains(['(', ')']) => inner.to_owned(),
        _ => all,
    }
}

/// Shortens a line, and says so.
fn cut(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(LONG)
        && text.chars().count() > LONG + 1
    {
        text.truncate(at);
        text.push('…');
    }
}

/// Numbers in few lines: all of a few, and of many how large they are.
fn brief(t: &Tensor) -> Vec<String> {
    let x = t.to_f64();
    let number = |x: &f64| if x.is_finite() { display::short(*x, 6) } else { display::number(*x) };
    let list = |x: &[f64]| format!("[ {} ]", x.iter().map(number).collect::<Vec<_>>().join("  "));
    match &**t.shape() {
        [] => x.iter().map(number).collect(),
        [n] if *n <= 6 => vec![list(&x)],
        [m, n] if *m <= 4 && *n <= 4 => {
            display::rows(&x, *n, &number).lines().map(str::to_owned).collect()
        }
        _ => {
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let least = x.iter().copied().fold(f64::INFINITY, f64::min);
            let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            vec![format!("from {} to {}, norm {}", number(&least), number(&most), number(&norm))]
        }
    }
}
