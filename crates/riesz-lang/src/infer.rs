//! Shapes of expressions.
//!
//! [`Checker`] holds the variables and sizes known so far, and turns written expressions into
//! typed ones, one after the other, so that the expressions of a problem agree on their sizes.
//! Kinds flow from the leaves up; sizes are unified. A wrong shape is reported with both
//! sub-expressions and their shapes. Functions are in [`functions`](crate::functions).

use std::collections::{BTreeSet, HashMap};

use crate::ast::{Ast, BinaryOp, Declaration, Definition, Expr, Formula, Kind, Node, NodeId, Size};
use crate::declare::RESERVED;
use crate::diagnostic::{Diagnostic, Span};
use crate::dims::{Dim, Dims};
use crate::typed::{ExprId, Op, Product, Shape, Typed, TypedNode, VarId, Variable};

/// Reads declarations and expressions into one [`Typed`].
#[derive(Debug, Clone, Default)]
pub struct Checker {
    pub(crate) typed: Typed,
    /// Names of variables and where-definitions.
    pub(crate) names: HashMap<String, Binding>,
    /// Undeclared scalars that may be meant as vectors.
    pub(crate) doubtful: BTreeSet<VarId>,
    strict: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Binding {
    Var(VarId),
    Value(ExprId),
}

impl Checker {
    /// A checker that gives an undeclared name its kind by its first letter: a–g scalar, h–z
    /// vector, A–Z matrix.
    pub fn new() -> Self {
        Self::default()
    }

    /// A checker to which an undeclared name is an error.
    pub fn strict() -> Self {
        Self { strict: true, ..Self::default() }
    }

    /// Adds a variable.
    pub fn declare(&mut self, d: &Declaration) -> VarId {
        let dims = &mut self.typed.dims;
        let mut size = |i: usize| match d.sizes.get(i) {
            Some(Size::Named(n)) => dims.named(n),
            Some(Size::Fixed(k)) => dims.fixed(*k),
            None => dims.free(),
        };
        let shape = match d.kind {
            Kind::Scalar => Shape::SCALAR,
            Kind::Vector | Kind::Row => Shape::vector(size(0)),
            Kind::Matrix => {
                let rows = size(0);
                Shape::matrix(rows, if d.square { rows } else { size(1) })
            }
        };
        self.add(&d.name.name, shape, d.facts, true)
    }

    fn add(&mut self, name: &str, shape: Shape, facts: crate::ast::Facts, declared: bool) -> VarId {
        let id = VarId(self.typed.vars.len() as u32);
        self.typed.vars.push(Variable { name: name.to_owned(), shape, facts, declared });
        self.names.insert(name.to_owned(), Binding::Var(id));
        id
    }

    /// Says that a size is this number; false if it is known to be another.
    #[must_use]
    pub fn set_size(&mut self, dim: Dim, size: usize) -> bool {
        let fixed = self.typed.dims.fixed(size);
        self.typed.dims.unify(dim, fixed)
    }

    /// Types a formula with its where-definitions.
    ///
    /// # Errors
    /// Wrong shapes, unknown functions, undeclared names if strict; the spans are of the formula.
    pub fn formula(&mut self, f: &Formula) -> Result<ExprId, Diagnostic> {
        self.defined(&f.ast, f.body, &f.definitions)
    }

    /// Types an expression with where-definitions, which are known in it only.
    ///
    /// # Errors
    /// As [`formula`](Self::formula).
    pub(crate) fn defined(
        &mut self,
        ast: &Ast,
        body: Expr,
        definitions: &[Definition],
    ) -> Result<ExprId, Diagnostic> {
        let mut hidden = Vec::new();
        for d in definitions {
            let name = &d.name.name;
            if RESERVED.contains(&name.as_str()) {
                let message = format!("`{name}` has a meaning of its own");
                return Err(Diagnostic::new(message, d.name.span).help("choose another name"));
            }
            if let Some(Binding::Var(v)) = self.names.get(name) {
                if !self.typed.var(*v).declared {
                    let message = format!("`{name}` is used before its definition");
                    return Err(Diagnostic::new(message, d.name.span)
                        .help("a definition may use those before it"));
                }
                let message = format!("`{name}` is a variable already");
                return Err(Diagnostic::new(message, d.name.span)
                    .help("give the where-definition another name"));
            }
            let value = self.expr(ast, d.value)?;
            self.names.insert(name.clone(), Binding::Value(value));
            self.typed.definitions.push((name.clone(), value));
            hidden.push(name);
        }
        let root = self.expr(ast, body);
        for name in hidden {
            self.names.remove(name);
        }
        root
    }

    /// Types one expression.
    ///
    /// # Errors
    /// As [`formula`](Self::formula).
    pub fn expr(&mut self, ast: &Ast, e: Expr) -> Result<ExprId, Diagnostic> {
        self.typed_expr(ast, e).or_else(|_| {
            // Once more with a letter for each size that has none yet, to name them in the error.
            let shapes: Vec<Shape> = self.typed.vars.iter().map(|v| v.shape).collect();
            self.typed.dims.name_free(shapes.iter().flat_map(|s| [s.rows, s.cols]));
            self.typed_expr(ast, e)
        })
    }

    fn typed_expr(&mut self, ast: &Ast, e: Expr) -> Result<ExprId, Diagnostic> {
        let first = e.nodes().next().map_or(0, NodeId::index);
        let mut done: Vec<ExprId> = Vec::new();
        for id in e.nodes() {
            // `vector(c, n)`: the size is a name, not a value.
            let arg = |n: NodeId| done[n.index() - first];
            let span = ast.span(id);
            let typed = match ast.node(id) {
                Node::Number(x) => self.push(Op::Number(*x), vec![], Shape::SCALAR, span),
                Node::Name(name) => {
                    if self.is_size_name(ast, e, id) {
                        self.push(Op::Number(0.0), vec![], Shape::SCALAR, span)
                    } else {
                        self.name(name, span)?
                    }
                }
                Node::Neg(x) => {
                    let x = arg(*x);
                    self.push(Op::Neg, vec![x], self.typed.shape(x), span)
                }
                Node::Transpose(x) => self.transpose(arg(*x), span),
                Node::Binary(op, x, y) => self.binary(*op, arg(*x), arg(*y), span)?,
                Node::Call(name, args) => {
                    let values: Vec<ExprId> = args.iter().map(|&a| arg(a)).collect();
                    self.call(ast, name, args, &values, span)?
                }
            };
            if !self.strict {
                self.doubt(ast, id, &|c, n| c.typed.shape(done[n.index() - first]).kind);
            }
            done.push(typed);
        }
        Ok(done[e.root.index() - first])
    }

    /// Whether a name stands where a constructor takes a size. Constructors put their sizes
    /// directly before themselves, so this looks at the few nodes that follow.
    fn is_size_name(&self, ast: &Ast, e: Expr, id: NodeId) -> bool {
        (id.0 + 1..=e.root.0.min(id.0 + 2)).any(|next| match ast.node(NodeId(next)) {
            Node::Call(name, args) => match name.as_str() {
                "vector" | "matrix" => args.iter().skip(1).any(|&a| a == id),
                "eye" => args.contains(&id),
                _ => false,
            },
            _ => false,
        })
    }

    /// Says what shape an expression must have, where sizes mean those of `dims` with the same
    /// name or number; false if it cannot have that shape.
    #[must_use]
    pub fn expect(&mut self, id: ExprId, shape: Shape, dims: &Dims) -> bool {
        let own = self.typed.shape(id);
        let mut all = own.kind == shape.kind;
        for (d, want) in [(own.rows, shape.rows), (own.cols, shape.cols)] {
            let want = match dims.value(want) {
                Some(n) => self.typed.dims.fixed(n),
                None => {
                    let mut product = Dims::ONE;
                    for part in dims.text(want).split('*') {
                        let part = match part.parse() {
                            Ok(n) => self.typed.dims.fixed(n),
                            Err(_) => self.typed.dims.named(part),
                        };
                        product = self.typed.dims.product(product, part);
                    }
                    product
                }
            };
            all = all && self.typed.dims.unify(d, want);
        }
        all
    }

    /// Checks that every size is known, and names those that only undeclared variables have.
    /// Call it once, after the last expression.
    ///
    /// # Errors
    /// A constructor (`eye`, `vector(c)`, `matrix(c)`) whose size nothing determines.
    pub fn finish(mut self) -> Result<Typed, Diagnostic> {
        let shapes: Vec<Shape> = self.typed.vars.iter().map(|v| v.shape).collect();
        self.typed.dims.name_free(shapes.iter().flat_map(|s| [s.rows, s.cols]));
        for node in &self.typed.nodes {
            let unknown = |d| self.typed.dims.is_free(d);
            if matches!(node.op, Op::Fill | Op::Eye)
                && (unknown(node.shape.rows) || unknown(node.shape.cols))
            {
                let fix = match (&node.op, node.shape.kind) {
                    (Op::Eye, _) => "eye(n)",
                    (_, Kind::Matrix) => "matrix(c,m,n)",
                    _ => "vector(c,n)",
                };
                return Err(Diagnostic::new("nothing determines the size of this", node.span)
                    .note(node.shape.text(&self.typed.dims))
                    .help(format!("state the size: {fix}")));
            }
        }
        Ok(self.typed)
    }

    /// The typed expressions so far.
    pub fn typed(&self) -> &Typed {
        &self.typed
    }

    pub(crate) fn push(&mut self, op: Op, args: Vec<ExprId>, shape: Shape, span: Span) -> ExprId {
        self.typed.nodes.push(TypedNode { op, args, shape, span });
        ExprId((self.typed.nodes.len() - 1) as u32)
    }

    fn name(&mut self, name: &str, span: Span) -> Result<ExprId, Diagnostic> {
        if name == "eye" {
            let n = self.typed.dims.free();
            return Ok(self.push(Op::Eye, vec![], Shape::matrix(n, n), span));
        }
        let var = match self.names.get(name) {
            Some(Binding::Value(id)) => return Ok(*id),
            Some(Binding::Var(v)) => *v,
            None if crate::functions::is_function(name) => {
                let message = format!("the function `{name}` stands without arguments");
                return Err(Diagnostic::new(message, span).help(format!("write {name}(…)")));
            }
            None if self.strict => return Err(self.unknown_name(name, span)),
            None => {
                let first = name.chars().next().unwrap_or('x');
                let shape = match first {
                    'a'..='g' => Shape::SCALAR,
                    c if c.is_uppercase() => {
                        let (m, n) = (self.typed.dims.free(), self.typed.dims.free());
                        Shape::matrix(m, n)
                    }
                    'h'..='z' => Shape::vector(self.typed.dims.free()),
                    _ => Shape::SCALAR,
                };
                self.add(name, shape, crate::ast::Facts::default(), false)
            }
        };
        let shape = self.typed.var(var).shape;
        Ok(self.push(Op::Var(var), vec![], shape, span))
    }

    fn unknown_name(&self, name: &str, span: Span) -> Diagnostic {
        let error = Diagnostic::new(format!("`{name}` is not declared"), span);
        let mut names: Vec<&str> = self.names.keys().map(String::as_str).collect();
        names.sort_unstable();
        error.help("declare it under parameters or variables").suggest(name, names)
    }

    pub(crate) fn transpose(&mut self, x: ExprId, span: Span) -> ExprId {
        let shape = self.typed.shape(x);
        if shape.is_scalar() {
            return x;
        }
        self.push(Op::Transpose, vec![x], shape.transposed(), span)
    }

    /// `x: vector[n]` as words for an error, with the text's place.
    pub(crate) fn mismatch(&self, message: String, x: ExprId, y: ExprId, span: Span) -> Diagnostic {
        let text = |e: ExprId| self.typed.shape(e).text(&self.typed.dims);
        let place = |e: ExprId| self.typed.node(e).span;
        Diagnostic::new(message, span)
            .label(place(x), format!("this is {}", text(x)))
            .label(place(y), format!("this is {}", text(y)))
    }

    fn shape_error(&self, op: &str, x: ExprId, y: ExprId, span: Span) -> Diagnostic {
        let text = |e: ExprId| self.typed.shape(e).text(&self.typed.dims);
        self.mismatch(format!("{} {op} {}: the shapes do not fit", text(x), text(y)), x, y, span)
    }

    /// Makes two shapes the same.
    pub(crate) fn unify(&mut self, x: ExprId, y: ExprId) -> bool {
        let (a, b) = (self.typed.shape(x), self.typed.shape(y));
        a.kind == b.kind
            && self.typed.dims.unify(a.rows, b.rows)
            && self.typed.dims.unify(a.cols, b.cols)
    }

    /// Spreads a scalar over the shape of another expression.
    pub(crate) fn spread(&mut self, scalar: ExprId, like: ExprId) -> ExprId {
        let (shape, span) = (self.typed.shape(like), self.typed.node(scalar).span);
        self.push(Op::Fill, vec![scalar], shape, span)
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        x: ExprId,
        y: ExprId,
        span: Span,
    ) -> Result<ExprId, Diagnostic> {
        let (sx, sy) = (self.typed.shape(x), self.typed.shape(y));
        let (scalar_x, scalar_y) = (sx.is_scalar(), sy.is_scalar());
        match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::DotAdd | BinaryOp::DotSub => {
                let dotted = matches!(op, BinaryOp::DotAdd | BinaryOp::DotSub);
                let (mut x, mut y) = (x, y);
                if dotted && scalar_x && !scalar_y {
                    x = self.spread(x, y);
                } else if dotted && scalar_y && !scalar_x {
                    y = self.spread(y, x);
                }
                if !self.unify(x, y) {
                    let error = self.shape_error(op.text(), x, y, span);
                    return Err(match (scalar_x, scalar_y, sx.kind, sy.kind) {
                        (true, false, ..) | (false, true, ..) => error.help(
                            "a scalar is not added to every entry silently: write vector(c), \
                             matrix(c) or c*eye, or use .+ or .-",
                        ),
                        (.., Kind::Row, Kind::Vector) | (.., Kind::Vector, Kind::Row) => {
                            error.help("transpose one of them with '")
                        }
                        _ => error,
                    });
                }
                let add = matches!(op, BinaryOp::Add | BinaryOp::DotAdd);
                let shape = self.typed.shape(x);
                Ok(self.push(if add { Op::Add } else { Op::Sub }, vec![x, y], shape, span))
            }
            BinaryOp::Mul => self.product(x, y, span),
            BinaryOp::Div if scalar_y => {
                let op = if scalar_x { Op::Div } else { Op::DivScalar };
                Ok(self.push(op, vec![x, y], sx, span))
            }
            BinaryOp::Div => {
                Err(self.mismatch("only a scalar can stand below `/`".into(), x, y, span).help(
                    "write ./ for the entrywise quotient, A\\b to solve, inv(A) for the inverse",
                ))
            }
            BinaryOp::Solve => {
                if sx.kind != Kind::Matrix || !self.typed.dims.unify(sx.rows, sx.cols) {
                    return Err(self.mismatch(
                        "`\\` needs a square matrix on its left".into(),
                        x,
                        y,
                        span,
                    ));
                }
                if scalar_y || !self.typed.dims.unify(sx.cols, sy.rows) {
                    return Err(self.shape_error("\\", x, y, span));
                }
                Ok(self.push(Op::Solve, vec![x, y], sy, span))
            }
            BinaryOp::DotMul | BinaryOp::DotDiv => {
                let divide = op == BinaryOp::DotDiv;
                match (scalar_x, scalar_y) {
                    (true, false) if !divide => Ok(self.push(Op::Scale, vec![x, y], sy, span)),
                    (false, true) if divide => Ok(self.push(Op::DivScalar, vec![x, y], sx, span)),
                    (false, true) => Ok(self.push(Op::Scale, vec![y, x], sx, span)),
                    _ => {
                        let x = if scalar_x && !scalar_y { self.spread(x, y) } else { x };
                        if !self.unify(x, y) {
                            return Err(self.shape_error(op.text(), x, y, span));
                        }
                        let (op, shape) =
                            (if divide { Op::Div } else { Op::Mul }, self.typed.shape(x));
                        Ok(self.push(op, vec![x, y], shape, span))
                    }
                }
            }
            BinaryOp::DotPow => {
                let x = if scalar_x && !scalar_y { self.spread(x, y) } else { x };
                if !scalar_y && !self.unify(x, y) {
                    return Err(self.shape_error(".^", x, y, span));
                }
                Ok(self.push(Op::Pow, vec![x, y], self.typed.shape(x), span))
            }
            BinaryOp::Pow => self.power(x, y, span),
        }
    }

    /// `*`: scaling, or a product of linear algebra.
    pub(crate) fn product(
        &mut self,
        x: ExprId,
        y: ExprId,
        span: Span,
    ) -> Result<ExprId, Diagnostic> {
        let (sx, sy) = (self.typed.shape(x), self.typed.shape(y));
        match (sx.is_scalar(), sy.is_scalar()) {
            (true, true) => return Ok(self.push(Op::Mul, vec![x, y], Shape::SCALAR, span)),
            (true, false) => return Ok(self.push(Op::Scale, vec![x, y], sy, span)),
            (false, true) => return Ok(self.push(Op::Scale, vec![y, x], sx, span)),
            (false, false) => {}
        }
        let shape = match (sx.kind, sy.kind) {
            (Kind::Matrix, Kind::Matrix) => (Product::MatMat, Shape::matrix(sx.rows, sy.cols)),
            (Kind::Matrix, Kind::Vector) => (Product::MatVec, Shape::vector(sx.rows)),
            (Kind::Row, Kind::Matrix) => (Product::RowMat, Shape::row(sy.cols)),
            (Kind::Row, Kind::Vector) => (Product::Inner, Shape::SCALAR),
            (Kind::Vector, Kind::Row) => (Product::Outer, Shape::matrix(sx.rows, sy.cols)),
            (Kind::Vector, Kind::Vector) => {
                return Err(self.shape_error("*", x, y, span).help(
                    "write x'*y for the inner product, x.*y for the entrywise one, x*y' for the \
                     outer one",
                ));
            }
            (Kind::Vector, Kind::Matrix) => {
                return Err(self
                    .shape_error("*", x, y, span)
                    .help("write x'*A for a row, or diag(x)*A to scale the rows"));
            }
            _ => return Err(self.shape_error("*", x, y, span)),
        };
        if shape.0 != Product::Outer && !self.typed.dims.unify(sx.cols, sy.rows) {
            let dims = &self.typed.dims;
            let help = format!(
                "the left has {} columns, the right has {} rows",
                dims.text(sx.cols),
                dims.text(sy.rows)
            );
            return Err(self.shape_error("*", x, y, span).help(help));
        }
        Ok(self.push(Op::Product(shape.0), vec![x, y], shape.1, span))
    }

    fn power(&mut self, x: ExprId, y: ExprId, span: Span) -> Result<ExprId, Diagnostic> {
        let (sx, sy) = (self.typed.shape(x), self.typed.shape(y));
        if !sy.is_scalar() {
            if matches!(self.typed.node(y).op, Op::Var(v) if self.typed.var(v).name == "T") {
                return Err(self
                    .mismatch("the exponent of `^` is a scalar".into(), x, y, span)
                    .help("the transpose is written x'"));
            }
            return Err(self
                .mismatch("the exponent of `^` is a scalar".into(), x, y, span)
                .help("write .^ for an entrywise power"));
        }
        if sx.is_scalar() {
            return Ok(self.push(Op::Pow, vec![x, y], Shape::SCALAR, span));
        }
        if sx.kind != Kind::Matrix {
            return Err(self
                .mismatch("`^` is a power of a scalar or of a square matrix".into(), x, y, span)
                .help("write .^ for an entrywise power"));
        }
        if !self.typed.dims.unify(sx.rows, sx.cols) {
            return Err(self
                .mismatch("only a square matrix has a power".into(), x, y, span)
                .help("write .^ for an entrywise power"));
        }
        let constant = self.constant(y).filter(|k| k.fract() == 0.0 && k.abs() <= 1e6);
        let Some(k) = constant else {
            return Err(self
                .mismatch("the exponent of a matrix is a whole number".into(), x, y, span)
                .help("write .^ for an entrywise power"));
        };
        Ok(self.push(Op::MatPow(k as i64), vec![x], sx, span))
    }

    /// The number a node is, if it is one.
    pub(crate) fn constant(&self, id: ExprId) -> Option<f64> {
        let node = self.typed.node(id);
        match node.op {
            Op::Number(x) => Some(x),
            Op::Neg => match self.typed.node(node.args[0]).op {
                Op::Number(x) => Some(-x),
                _ => None,
            },
            _ => None,
        }
    }
}
