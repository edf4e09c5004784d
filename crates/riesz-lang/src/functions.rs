//! The functions of the language: which arguments each takes, and the shape of its result.
//!
//! One list, [`NAMES`]; the entrywise functions come from [`Map::ALL`]. A product 1 by 1 is a
//! scalar in this language, so the matrix functions take scalars too (`tr(c)` is `c`).

use crate::ast::{Ast, Kind, Node, NodeId};
use crate::diagnostic::{Diagnostic, Span};
use crate::dims::Dim;
use crate::infer::Checker;
use crate::typed::{ExprId, Map, Op, Shape};

/// Every function that is not entrywise, with its least and greatest number of arguments.
const NAMES: &[(&str, usize, usize)] = &[
    ("sum", 1, 1),
    ("tr", 1, 1),
    ("det", 1, 1),
    ("logdet", 1, 1),
    ("norm1", 1, 1),
    ("norm2", 1, 1),
    ("norminf", 1, 1),
    ("logsumexp", 1, 1),
    ("dot", 2, 2),
    ("inv", 1, 1),
    ("adj", 1, 1),
    ("diag", 1, 1),
    ("vector", 1, 2),
    ("matrix", 1, 3),
    ("eye", 1, 1),
    ("softmax", 1, 1),
    ("kron", 2, 2),
    ("vec", 1, 1),
    ("max", 2, 2),
    ("min", 2, 2),
];

/// Whether this is the name of a function.
pub fn is_function(name: &str) -> bool {
    Map::ALL.iter().any(|(n, _)| *n == name) || NAMES.iter().any(|(n, ..)| *n == name)
}

impl Checker {
    /// Types a call whose arguments are typed already.
    pub(crate) fn call(
        &mut self,
        ast: &Ast,
        name: &str,
        nodes: &[NodeId],
        args: &[ExprId],
        span: Span,
    ) -> Result<ExprId, Diagnostic> {
        let map = Map::ALL.iter().find(|(n, _)| *n == name).map(|(_, f)| *f);
        let arity = match map {
            Some(_) => Some((1, 1)),
            None => NAMES.iter().find(|(n, ..)| *n == name).map(|&(_, lo, hi)| (lo, hi)),
        };
        let Some((least, most)) = arity else { return Err(unknown(name, span)) };
        if !(least..=most).contains(&args.len()) || (name == "matrix" && args.len() == 2) {
            let want = match (name, least == most) {
                ("matrix", _) => "1 argument or 3".to_owned(),
                (_, true) => format!("{least} argument{}", if least == 1 { "" } else { "s" }),
                _ => format!("{least} or {most} arguments"),
            };
            let error = Diagnostic::new(format!("{name} takes {want}, not {}", args.len()), span);
            return Err(match name {
                "max" | "min" => error.help(format!("for a smallest or largest entry there is no function; {name}(x, c) compares entry by entry")),
                _ => error,
            });
        }
        let x = args[0];
        let shape = self.typed.shape(x);
        if let Some(f) = map {
            return Ok(self.push(Op::Map(f), vec![x], shape, span));
        }
        let one = |c: &mut Self, op: Op, shape: Shape| Ok(c.push(op, vec![x], shape, span));
        match name {
            "sum" if shape.is_scalar() => Ok(x),
            "sum" => one(self, Op::Sum, Shape::SCALAR),
            "norm1" | "norm2" | "norminf" if shape.is_scalar() => {
                one(self, Op::Map(Map::Abs), shape)
            }
            "norm1" => one(self, Op::Norm1, Shape::SCALAR),
            "norm2" => one(self, Op::Norm2, Shape::SCALAR),
            "norminf" => one(self, Op::NormInf, Shape::SCALAR),
            "logsumexp" if shape.is_scalar() => Ok(x),
            "logsumexp" => one(self, Op::LogSumExp, Shape::SCALAR),
            "softmax" => match shape.kind {
                Kind::Vector | Kind::Row => one(self, Op::Softmax, shape),
                _ => Err(self.wrong(name, "a vector", x, span)),
            },
            "dot" => self.dot(x, args[1], span),
            "tr" | "det" if shape.is_scalar() => Ok(x),
            "logdet" if shape.is_scalar() => {
                let abs = self.push(Op::Map(Map::Abs), vec![x], shape, span);
                Ok(self.push(Op::Map(Map::Log), vec![abs], shape, span))
            }
            "inv" if shape.is_scalar() => {
                let one = self.push(Op::Number(1.0), vec![], shape, span);
                Ok(self.push(Op::Div, vec![one, x], shape, span))
            }
            "tr" | "det" | "logdet" | "inv" | "adj" => {
                if shape.kind != Kind::Matrix || !self.typed.dims.unify(shape.rows, shape.cols) {
                    return Err(self.wrong(name, "a square matrix", x, span));
                }
                match name {
                    "tr" => one(self, Op::Trace, Shape::SCALAR),
                    "det" => one(self, Op::Det, Shape::SCALAR),
                    "logdet" => one(self, Op::LogDet, Shape::SCALAR),
                    "inv" => one(self, Op::Inverse, shape),
                    _ => one(self, Op::Adjugate, shape),
                }
            }
            "diag" => match shape.kind {
                Kind::Vector => one(self, Op::Diag, Shape::matrix(shape.rows, shape.rows)),
                Kind::Matrix if self.typed.dims.unify(shape.rows, shape.cols) => {
                    one(self, Op::DiagPart, Shape::vector(shape.rows))
                }
                _ => Err(self.wrong(name, "a vector or a square matrix", x, span)),
            },
            "vec" => match shape.kind {
                Kind::Vector => Ok(x),
                Kind::Matrix => {
                    let n = self.typed.dims.product(shape.rows, shape.cols);
                    one(self, Op::Vec, Shape::vector(n))
                }
                Kind::Row => Ok(self.transpose(x, span)),
                Kind::Scalar => Err(self.wrong(name, "a matrix", x, span)),
            },
            "kron" => self.kron(x, args[1], span),
            "max" | "min" => self.max_min(name == "max", x, args[1], span),
            "eye" => {
                let n = self.size(ast, nodes[0])?;
                Ok(self.push(Op::Eye, vec![], Shape::matrix(n, n), span))
            }
            "vector" | "matrix" => {
                if !shape.is_scalar() {
                    return Err(self.wrong(name, "a scalar, which it repeats", x, span));
                }
                let mut sizes = Vec::new();
                for &n in &nodes[1..] {
                    sizes.push(self.size(ast, n)?);
                }
                let next = |c: &mut Self, i: usize| {
                    sizes.get(i).copied().unwrap_or_else(|| c.typed.dims.free())
                };
                let m = next(self, 0);
                let shape = match name {
                    "vector" => Shape::vector(m),
                    _ => Shape::matrix(m, next(self, 1)),
                };
                one(self, Op::Fill, shape)
            }
            _ => Err(unknown(name, span)),
        }
    }

    fn wrong(&self, name: &str, want: &str, x: ExprId, span: Span) -> Diagnostic {
        let text = self.typed.shape(x).text(&self.typed.dims);
        let error = Diagnostic::new(format!("{name} takes {want}, not {text}"), span)
            .label(self.typed.node(x).span, format!("this is {text}"));
        match (name, self.typed.shape(x).kind) {
            ("tr" | "det" | "logdet" | "inv", Kind::Vector) => {
                error.help("diag(x) is the diagonal matrix of a vector")
            }
            _ => error,
        }
    }

    fn size(&mut self, ast: &Ast, node: NodeId) -> Result<Dim, Diagnostic> {
        match ast.node(node) {
            Node::Name(name) => Ok(self.typed.dims.named(name)),
            Node::Number(x) if x.fract() == 0.0 && (1.0..=1e9).contains(x) => {
                Ok(self.typed.dims.fixed(*x as usize))
            }
            _ => Err(Diagnostic::new("a size is a name or a whole number", ast.span(node))
                .note("expected a size such as `n` or `3`")),
        }
    }

    fn dot(&mut self, x: ExprId, y: ExprId, span: Span) -> Result<ExprId, Diagnostic> {
        if !self.unify(x, y) {
            let message = "dot takes two arguments of one shape".to_owned();
            return Err(self.mismatch(message, x, y, span));
        }
        match self.typed.shape(x).kind {
            Kind::Scalar => self.product(x, y, span),
            Kind::Vector => {
                let x = self.transpose(x, span);
                self.product(x, y, span)
            }
            Kind::Row => {
                let y = self.transpose(y, span);
                self.product(x, y, span)
            }
            Kind::Matrix => {
                let shape = self.typed.shape(x);
                let both = self.push(Op::Mul, vec![x, y], shape, span);
                Ok(self.push(Op::Sum, vec![both], Shape::SCALAR, span))
            }
        }
    }

    fn kron(&mut self, x: ExprId, y: ExprId, span: Span) -> Result<ExprId, Diagnostic> {
        let (a, b) = (self.typed.shape(x), self.typed.shape(y));
        if a.is_scalar() || b.is_scalar() {
            return self.product(x, y, span);
        }
        let rows = self.typed.dims.product(a.rows, b.rows);
        let cols = self.typed.dims.product(a.cols, b.cols);
        let shape = match (a.kind, b.kind) {
            (Kind::Vector, Kind::Vector) => Shape::vector(rows),
            (Kind::Row, Kind::Row) => Shape::row(cols),
            _ => Shape::matrix(rows, cols),
        };
        Ok(self.push(Op::Kron, vec![x, y], shape, span))
    }

    fn max_min(
        &mut self,
        max: bool,
        x: ExprId,
        y: ExprId,
        span: Span,
    ) -> Result<ExprId, Diagnostic> {
        let (mut x, mut y) = (x, y);
        match (self.typed.shape(x).is_scalar(), self.typed.shape(y).is_scalar()) {
            (true, false) => x = self.spread(x, y),
            (false, true) => y = self.spread(y, x),
            _ => {}
        }
        if !self.unify(x, y) {
            let name = if max { "max" } else { "min" };
            let message = format!("{name} takes two arguments of one shape, or a scalar");
            return Err(self.mismatch(message, x, y, span));
        }
        let shape = self.typed.shape(x);
        Ok(self.push(if max { Op::Max } else { Op::Min }, vec![x, y], shape, span))
    }
}

/// The error of a function that does not exist; says what there is instead.
fn unknown(name: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::new(format!("there is no function `{name}`"), span);
    match instead(name) {
        Some(Instead::Write(other)) => error.help(format!("write {other}")),
        Some(Instead::Know(fact)) => error.help(fact),
        None => {
            let names = || Map::ALL.iter().map(|(n, _)| *n).chain(NAMES.iter().map(|(n, ..)| *n));
            let mut sorted: Vec<&str> = names().collect();
            sorted.sort_unstable();
            let all = format!("the functions are {}", sorted.join(", "));
            // A letter before a bracket is more likely a product.
            let help = if name.chars().count() > 1 { all.as_str() } else { PRODUCT };
            error.help(help).suggest(name, names())
        }
    }
}

const PRODUCT: &str = "a product is written with *";

enum Instead {
    /// Something else does the same.
    Write(&'static str),
    /// Nothing does.
    Know(&'static str),
}

/// What there is instead of a function known from elsewhere.
fn instead(name: &str) -> Option<Instead> {
    use Instead::{Know, Write};
    Some(match name.to_ascii_lowercase().as_str() {
        "trace" => Write("tr(A)"),
        "ln" => Write("log(x)"),
        "log2" => Write("log(x)/log(2)"),
        "log10" => Write("log(x)/log(10)"),
        "norm" => Write("norm2(x)"),
        "normf" | "norm_f" | "fro" | "frob" | "frobenius" | "normfro" => {
            Write("norm2(A), which is the Frobenius norm of a matrix")
        }
        "inverse" => Write("inv(A)"),
        "pinv" => Write("inv(A'*A)*A'"),
        "solve" | "linsolve" => Write("A\\b"),
        "matmul" | "mul" | "mm" => Write("A*B"),
        "transpose" => Write("x'"),
        "ones" => Write("vector(1) or matrix(1)"),
        "zeros" => Write("vector(0) or matrix(0)"),
        "identity" => Write("eye"),
        _ if name == "I" => Write("eye"),
        "asin" => Write("arcsin(x)"),
        "acos" => Write("arccos(x)"),
        "atan" => Write("arctan(x)"),
        "mean" | "avg" | "average" => Write("sum(x)/c, with the number of entries for c"),
        "len" | "length" | "size" | "numel" | "rows" | "cols" => {
            Know("sizes are no values in a formula; give the number of entries to a scalar")
        }
        "pow" | "power" => Write("a^c, or x.^c entry by entry"),
        "square" | "sqr" => Write("a^2, or x.^2 entry by entry"),
        "cbrt" => Write("x.^(1/3)"),
        "prod" => Write("exp(sum(log(x))), if all entries are positive"),
        "sumsq" | "ssq" => Write("norm2(x)^2"),
        "heaviside" => Write("step(x)"),
        "logistic" | "expit" => Write("sigmoid(x)"),
        "maximum" => Write("max(x, c)"),
        "minimum" => Write("min(x, c)"),
        "expm" => Know(
            "there is no matrix exponential; exp(A) is the exponential of each entry, which is \
             something else",
        ),
        "logm" | "sqrtm" | "sinm" | "cosm" | "funm" => {
            Know("there are no functions of matrices but powers A^k, inv(A) and A\\b")
        }
        "chol" | "cholesky" | "lu" | "qr" | "svd" | "eig" | "eigh" | "eigvals" | "eigs" => Know(
            "formulas have no factorisations; logdet(A), inv(A) and A\\b factorise as they need",
        ),
        "sort" | "median" | "argmax" | "argmin" | "cumsum" | "cumprod" | "rank" => Know(
            "formulas have sums, products and entrywise functions, but nothing that orders entries",
        ),
        "floor" | "ceil" | "round" | "mod" => {
            Know("there is no rounding, whose derivative is 0; step(x) and sign(x) are there")
        }
        _ => return None,
    })
}
