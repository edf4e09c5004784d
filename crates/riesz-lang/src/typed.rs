//! Expressions with their shapes: what the parser's tree becomes once every product is known to
//! be a scaling, an inner product, a matrix product, and so on.
//!
//! A [`Typed`] is an arena in which arguments come before the nodes that use them, so every pass
//! is a loop. It is a DAG: a where-definition used twice is one node. Entrywise operations have
//! arguments of one shape (a scalar is spread by [`Op::Fill`]), except that the exponent of
//! [`Op::Pow`] may be a scalar.

use crate::ast::{Declaration, Facts, Kind, Size};
use crate::diagnostic::Span;
use crate::dims::{Dim, Dims};

/// A node of a [`Typed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub(crate) u32);

impl ExprId {
    /// Its position in the arena.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A variable of a [`Typed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VarId(pub(crate) u32);

impl VarId {
    /// Its position in [`Typed::vars`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Kind and sizes. A scalar is 1 by 1, a vector `rows` by 1, a row 1 by `cols`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Scalar, vector, row or matrix.
    pub kind: Kind,
    /// Number of rows.
    pub rows: Dim,
    /// Number of columns.
    pub cols: Dim,
}

impl Shape {
    /// The shape of a number.
    pub const SCALAR: Self = Self { kind: Kind::Scalar, rows: Dims::ONE, cols: Dims::ONE };

    /// A column with `n` entries.
    pub fn vector(n: Dim) -> Self {
        Self { kind: Kind::Vector, rows: n, cols: Dims::ONE }
    }

    /// A row with `n` entries.
    pub fn row(n: Dim) -> Self {
        Self { kind: Kind::Row, rows: Dims::ONE, cols: n }
    }

    /// A matrix with `m` rows and `n` columns.
    pub fn matrix(m: Dim, n: Dim) -> Self {
        Self { kind: Kind::Matrix, rows: m, cols: n }
    }

    /// The shape of the transpose.
    #[must_use]
    pub fn transposed(self) -> Self {
        let kind = match self.kind {
            Kind::Vector => Kind::Row,
            Kind::Row => Kind::Vector,
            k => k,
        };
        Self { kind, rows: self.cols, cols: self.rows }
    }

    /// Whether it is one number.
    pub fn is_scalar(self) -> bool {
        self.kind == Kind::Scalar
    }

    /// As text: `scalar`, `vector[n]`, `row[n]`, `matrix[m,n]`.
    pub fn text(self, dims: &Dims) -> String {
        match self.kind {
            Kind::Scalar => "scalar".into(),
            Kind::Vector => format!("vector[{}]", dims.text(self.rows)),
            Kind::Row => format!("row[{}]", dims.text(self.cols)),
            Kind::Matrix => format!("matrix[{},{}]", dims.text(self.rows), dims.text(self.cols)),
        }
    }
}

/// A function applied to every entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Map {
    /// `exp`
    Exp,
    /// natural logarithm
    Log,
    /// `sqrt`
    Sqrt,
    /// `abs`; its derivative is `sign`
    Abs,
    /// `sign`; 0 at 0, and so is its derivative everywhere
    Sign,
    /// `sin`
    Sin,
    /// `cos`
    Cos,
    /// `tan`
    Tan,
    /// `arcsin`
    Arcsin,
    /// `arccos`
    Arccos,
    /// `arctan`
    Arctan,
    /// `sinh`
    Sinh,
    /// `cosh`
    Cosh,
    /// `tanh`
    Tanh,
    /// `max(x, 0)`; its derivative is `step`
    Relu,
    /// 1 where x > 0, else 0
    Step,
    /// `1/(1 + exp(-x))`
    Sigmoid,
    /// `log(1 + exp(x))`
    Softplus,
    /// `log(1 + x)`
    Log1p,
    /// `exp(x) - 1`
    Expm1,
}

impl Map {
    /// Every function with its name.
    pub const ALL: &[(&str, Self)] = &[
        ("exp", Self::Exp),
        ("log", Self::Log),
        ("sqrt", Self::Sqrt),
        ("abs", Self::Abs),
        ("sign", Self::Sign),
        ("sin", Self::Sin),
        ("cos", Self::Cos),
        ("tan", Self::Tan),
        ("arcsin", Self::Arcsin),
        ("arccos", Self::Arccos),
        ("arctan", Self::Arctan),
        ("sinh", Self::Sinh),
        ("cosh", Self::Cosh),
        ("tanh", Self::Tanh),
        ("relu", Self::Relu),
        ("step", Self::Step),
        ("sigmoid", Self::Sigmoid),
        ("softplus", Self::Softplus),
        ("log1p", Self::Log1p),
        ("expm1", Self::Expm1),
    ];

    /// Whether f(−x) = −f(x).
    pub(crate) fn is_odd(self) -> bool {
        use Map::{Arcsin, Arctan, Sign, Sin, Sinh, Tan, Tanh};
        matches!(self, Sign | Sin | Tan | Arcsin | Arctan | Sinh | Tanh)
    }

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, f)| *f == self).map_or("?", |(name, _)| name)
    }
}

/// What `*` between two non-scalars means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// matrix · matrix
    MatMat,
    /// matrix · vector
    MatVec,
    /// row · matrix
    RowMat,
    /// row · vector, a scalar
    Inner,
    /// vector · row, a matrix
    Outer,
}

/// What a node does with its arguments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    /// A number.
    Number(f64),
    /// A variable.
    Var(VarId),
    /// One scalar in every entry of the node's shape: `vector(c)`, `matrix(c)`.
    Fill,
    /// The identity matrix.
    Eye,
    /// Entrywise sum.
    Add,
    /// Entrywise difference.
    Sub,
    /// Negative.
    Neg,
    /// scalar (first) times anything.
    Scale,
    /// anything divided by a scalar (second).
    DivScalar,
    /// A linear-algebra product.
    Product(Product),
    /// Entrywise product, also of two scalars.
    Mul,
    /// Entrywise quotient, also of two scalars.
    Div,
    /// Entrywise power; the exponent has the base's shape or is a scalar.
    Pow,
    /// Integer power of a square matrix; negative means of its inverse.
    MatPow(i64),
    /// `A\b`: the x with A·x = b, A square.
    Solve,
    /// Transpose.
    Transpose,
    /// A function of every entry.
    Map(Map),
    /// The larger of two, entrywise.
    Max,
    /// The smaller of two, entrywise.
    Min,
    /// Sum of all entries.
    Sum,
    /// Trace.
    Trace,
    /// Determinant.
    Det,
    /// log |det|.
    LogDet,
    /// Sum of absolute values.
    Norm1,
    /// Euclidean or Frobenius norm.
    Norm2,
    /// Largest absolute value.
    NormInf,
    /// log Σ exp of all entries.
    LogSumExp,
    /// exp over Σ exp, of a vector or row.
    Softmax,
    /// Inverse.
    Inverse,
    /// Adjugate: det times inverse, defined for singular matrices too.
    Adjugate,
    /// The diagonal matrix with this diagonal.
    Diag,
    /// The diagonal of a matrix, as a vector.
    DiagPart,
    /// Kronecker product.
    Kron,
    /// The columns of a matrix, one below the other.
    Vec,
}

/// A node: an operation, its arguments, its shape, and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedNode {
    /// The operation.
    pub op: Op,
    /// Its arguments.
    pub args: Vec<ExprId>,
    /// Its shape.
    pub shape: Shape,
    /// Its place in the text.
    pub span: Span,
}

/// A variable: name, shape, facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The shape.
    pub shape: Shape,
    /// The facts.
    pub facts: Facts,
    /// Whether it was declared, or took its kind from its first letter.
    pub declared: bool,
}

/// An arena of typed nodes, with their variables and sizes.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The nodes; arguments come first.
    pub nodes: Vec<TypedNode>,
    /// The variables.
    pub vars: Vec<Variable>,
    /// The sizes.
    pub dims: Dims,
    /// The where-definitions, with what they stand for.
    pub definitions: Vec<(String, ExprId)>,
}

impl Typed {
    /// The node.
    pub fn node(&self, id: ExprId) -> &TypedNode {
        &self.nodes[id.index()]
    }

    /// The shape of a node.
    pub fn shape(&self, id: ExprId) -> Shape {
        self.nodes[id.index()].shape
    }

    /// The variable.
    pub fn var(&self, id: VarId) -> &Variable {
        &self.vars[id.index()]
    }

    /// The variable with this name.
    pub fn find_var(&self, name: &str) -> Option<VarId> {
        self.vars.iter().position(|v| v.name == name).map(|i| VarId(i as u32))
    }

    /// For every node, whether `root` depends on it.
    pub fn reachable(&self, root: ExprId) -> Vec<bool> {
        let mut used = vec![false; self.nodes.len()];
        used[root.index()] = true;
        for i in (0..=root.index()).rev() {
            if used[i] {
                for a in &self.nodes[i].args {
                    used[a.index()] = true;
                }
            }
        }
        used
    }

    /// `root` and every node it depends on, arguments before what is made of them.
    pub fn parts(&self, root: ExprId) -> Vec<ExprId> {
        let reached = self.reachable(root).into_iter().enumerate().filter(|(_, reached)| *reached);
        reached.map(|(i, _)| ExprId(i as u32)).collect()
    }

    /// The variables as declarations, with every size named: what was understood.
    pub fn declarations(&self) -> Vec<Declaration> {
        self.vars.iter().map(|v| self.declaration(v)).collect()
    }

    fn declaration(&self, v: &Variable) -> Declaration {
        let size = |d| match self.dims.value(d) {
            Some(n) => Size::Fixed(n),
            None => Size::Named(self.dims.text(d)),
        };
        let square = v.facts.symmetric || v.facts.orthogonal || v.facts.posdet;
        let sizes = match v.shape.kind {
            Kind::Scalar => Vec::new(),
            Kind::Vector | Kind::Row => vec![size(v.shape.rows)],
            Kind::Matrix if square => vec![size(v.shape.rows)],
            Kind::Matrix => vec![size(v.shape.rows), size(v.shape.cols)],
        };
        let name = crate::ast::Ident { name: v.name.clone(), span: Span::default() };
        Declaration { name, kind: v.shape.kind, sizes, square, facts: v.facts }
    }

    /// The variables as the text of declarations, such as `A: matrix[m,n]; x: vector[n]`.
    pub fn declarations_text(&self) -> String {
        let all: Vec<String> = self.declarations().iter().map(declaration_text).collect();
        all.join("; ")
    }
}

/// One declaration as text.
pub fn declaration_text(d: &Declaration) -> String {
    let f = &d.facts;
    let named = [
        (f.diagonal, "diagonal"),
        (f.spd, "spd"),
        (f.psd, "psd"),
        (f.symmetric, "symmetric"),
        (f.orthogonal, "orthogonal"),
        (f.posdet, "posdet"),
    ];
    let mut words: Vec<String> =
        named.iter().filter(|(on, _)| *on).map(|(_, w)| (*w).to_owned()).collect();
    // The strongest fact of the chain spd, psd, symmetric says the others.
    if f.spd {
        words.retain(|w| w != "psd" && w != "symmetric");
    } else if f.psd || f.diagonal {
        words.retain(|w| w != "symmetric");
    }
    let kind = match d.kind {
        Kind::Scalar => "scalar".to_owned(),
        Kind::Vector | Kind::Row => "vector".to_owned(),
        Kind::Matrix if words.is_empty() || !d.square => "matrix".to_owned(),
        Kind::Matrix => words.remove(0),
    };
    let sizes: Vec<String> = d
        .sizes
        .iter()
        .map(|s| match s {
            Size::Named(n) => n.clone(),
            Size::Fixed(n) => n.to_string(),
        })
        .collect();
    let mut text = format!("{}: {kind}", d.name.name);
    if !sizes.is_empty() {
        text += &format!("[{}]", sizes.join(","));
    }
    for w in words {
        text += &format!(" {w}");
    }
    if let Some((lo, hi)) = f.range {
        text += &format!(" in[{lo},{hi}]");
    } else if f.positive {
        text += " positive";
    }
    if f.sparse {
        text += " sparse";
    }
    text
}
