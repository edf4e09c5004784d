//! What was written: expressions, declarations, problems, each with its place in the text.
//!
//! Expressions live in one arena ([`Ast`]) in post-order: a node's children have smaller ids, and
//! the nodes of one expression are contiguous. So every pass over an expression is a loop, never
//! a recursion, and dropping a deep one is dropping a vector. Nothing here knows shapes.

use crate::diagnostic::Span;
use riesz::io::Choice;

/// A node of an [`Ast`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Its position in the arena.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A binary operator as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `.+`
    DotAdd,
    /// `.-`
    DotSub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `\`
    Solve,
    /// `.*`
    DotMul,
    /// `./`
    DotDiv,
    /// `^`
    Pow,
    /// `.^`
    DotPow,
}

impl BinaryOp {
    /// Its ASCII spelling.
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::DotAdd => ".+",
            Self::DotSub => ".-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Solve => "\\",
            Self::DotMul => ".*",
            Self::DotDiv => "./",
            Self::Pow => "^",
            Self::DotPow => ".^",
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A literal; never negative when it comes from the parser.
    Number(f64),
    /// A variable, a where-definition, or `eye`.
    Name(String),
    /// `-x`
    Neg(NodeId),
    /// `x'`
    Transpose(NodeId),
    /// `x + y` and so on.
    Binary(BinaryOp, NodeId, NodeId),
    /// `f(x, y)`
    Call(String, Vec<NodeId>),
}

/// An arena of expressions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ast {
    nodes: Vec<(Node, Span)>,
}

impl Ast {
    /// Adds a node; its children must be in the arena already.
    pub fn push(&mut self, node: Node, span: Span) -> NodeId {
        // 2^32 nodes need more text than fits in memory: the parser refuses texts over 1 GiB.
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push((node, span));
        id
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()].0
    }

    /// Its place in the text.
    pub fn span(&self, id: NodeId) -> Span {
        self.nodes[id.index()].1
    }

    /// Widens the place of a node to the brackets around it.
    pub(crate) fn widen(&mut self, id: NodeId, span: Span) {
        let place = &mut self.nodes[id.index()].1;
        *place = place.to(span);
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// An expression: the nodes `first ..= root` of an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expr {
    pub(crate) first: u32,
    /// The outermost node.
    pub root: NodeId,
}

impl Expr {
    /// All nodes, children before parents.
    pub fn nodes(self) -> impl DoubleEndedIterator<Item = NodeId> {
        (self.first..=self.root.0).map(NodeId)
    }
}

/// `name = sum` after `where`.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The name.
    pub name: Ident,
    /// What it stands for.
    pub value: Expr,
}

/// A formula: an expression with its where-definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// The arena of all its expressions.
    pub ast: Ast,
    /// The expression.
    pub body: Expr,
    /// The definitions, in order; each may use those before it.
    pub definitions: Vec<Definition>,
}

/// A name and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A size in a declaration: `n` or `8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Size {
    /// A symbol.
    Named(String),
    /// A number.
    Fixed(usize),
}

/// Scalar, vector or matrix. A row occurs only as a transpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number.
    Scalar,
    /// A column.
    Vector,
    /// A transposed column.
    Row,
    /// A matrix.
    Matrix,
}

/// What is known of a variable beside its shape.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// `X' == X`; the gradient is taken in this space.
    pub symmetric: bool,
    /// Symmetric, eigenvalues ≥ 0.
    pub psd: bool,
    /// Symmetric, eigenvalues > 0.
    pub spd: bool,
    /// Zero off the diagonal.
    pub diagonal: bool,
    /// `Q'*Q == eye`.
    pub orthogonal: bool,
    /// Square with a determinant > 0.
    pub posdet: bool,
    /// Entries > 0.
    pub positive: bool,
    /// Many zeros.
    pub sparse: bool,
    /// Entries in this interval.
    pub range: Option<(f64, f64)>,
}

/// A declaration of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The name.
    pub name: Ident,
    /// Scalar, vector or matrix.
    pub kind: Kind,
    /// The sizes as written: none, one for a vector or a square matrix, two for a matrix.
    pub sizes: Vec<Size>,
    /// Whether the type makes it square (`symmetric[n]`, `spd[n]`, …).
    pub square: bool,
    /// Facts.
    pub facts: Facts,
}

/// Numbers written in a text: `2`, `[1,2]`, `[[1,2],[3,4]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Scalar, vector or matrix.
    pub kind: Kind,
    /// Rows.
    pub rows: usize,
    /// Columns; 1 for a vector and a scalar.
    pub cols: usize,
    /// Row by row.
    pub data: Vec<f64>,
    /// Where it stands.
    pub span: Span,
}

/// `name = literal`, as in `--at`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The name.
    pub name: Ident,
    /// Its value.
    pub value: Literal,
}

/// Where a parameter's numbers come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `"file.csv"[rows, columns]`, relative to the problem file.
    File {
        /// The path as written.
        path: String,
        /// Where it stands.
        span: Span,
        /// Rows.
        rows: Choice,
        /// Columns.
        columns: Choice,
        /// Where both stand; nowhere if all is taken.
        chosen: Span,
    },
    /// Numbers in the text.
    Literal(Literal),
    /// A formula of parameters declared earlier.
    Formula(Expr),
}

/// A parameter with its data, if the text gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name, shape, facts.
    pub declaration: Declaration,
    /// Its numbers.
    pub data: Option<Data>,
}

impl Parameter {
    /// Whether it was declared, and is no list of numbers in a constraint.
    pub fn is_declared(&self) -> bool {
        !self.declaration.name.name.starts_with('[')
    }
}

/// Minimise or maximise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// `min`
    Min,
    /// `max`
    Max,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `<=`
    Le,
    /// `>=`
    Ge,
    /// `==`
    Eq,
}

/// A set a variable may be asked to lie in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Set {
    /// Entries ≥ 0 with sum 1.
    Simplex,
    /// Entries between two expressions.
    Box(Expr, Expr),
    /// Symmetric positive definite matrices.
    Spd,
    /// Euclidean norm at most the expression.
    Ball(Expr),
}

/// What a constraint says.
#[derive(Debug, Clone, PartialEq)]
pub enum ConstraintKind {
    /// `lhs ⋈ rhs`
    Compare(Expr, Relation, Expr),
    /// `low <= middle <= high`
    Between(Expr, Expr, Expr),
    /// `name in set`
    In(Ident, Set),
}

/// A constraint and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// What it says.
    pub kind: ConstraintKind,
    /// Whether it is written with `<` or `>`, which are read as `<=` and `>=`.
    pub strict: bool,
    /// Where it stands.
    pub span: Span,
}

/// A start value.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The variable.
    pub name: Ident,
    /// Its value: a literal or a formula of parameters (never [`Data::File`]).
    pub value: Data,
}

/// What the `solve` block asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SolveOptions {
    /// `method = lbfgs`
    pub method: Option<Ident>,
    /// `max_iter = 100`
    pub max_iter: Option<usize>,
    /// `tol = 1e-8`
    pub tol: Option<f64>,
}

/// A problem file.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The arena of all its expressions.
    pub ast: Ast,
    /// Parameters in order; behind them the lists of numbers in constraints, which are called as they are
    /// written.
    pub parameters: Vec<Parameter>,
    /// Variables in order.
    pub variables: Vec<Declaration>,
    /// Minimise or maximise.
    pub sense: Sense,
    /// What to minimise.
    pub objective: Expr,
    /// The where-definitions of the objective.
    pub definitions: Vec<Definition>,
    /// Where the objective stands, its definitions included.
    pub objective_span: Span,
    /// Constraints in order.
    pub constraints: Vec<Constraint>,
    /// Start values.
    pub start: Vec<Start>,
    /// Solver options.
    pub options: SolveOptions,
}
