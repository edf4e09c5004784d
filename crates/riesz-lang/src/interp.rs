//! The plain meaning of a typed expression in f64, for checking formulas at given points.
//!
//! Dense, row by row, one node after the other, own small loops and a pivoted LU: slow and easy
//! to trust. It follows the language's conventions at kinks (`sign(0)` is 0, `step(0)` is 0) and
//! is not the engine: programs are run elsewhere.

use crate::ast::Kind;
use crate::dims::Dims;
use crate::typed::{ExprId, Map, Op, Shape, Typed, VarId};

/// A dense matrix, row by row; a scalar is 1 by 1, a vector n by 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Entries, row by row.
    pub data: Vec<f64>,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// A variable without a value.
    Missing(String),
    /// A size that no value determines.
    Size(String),
    /// A value whose shape does not fit; the name and what was expected.
    Shape(String, String),
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "`{name}` has no value"),
            Self::Size(text) => write!(f, "the size {text} is not known"),
            Self::Shape(name, want) => write!(f, "`{name}` must be a {want}"),
        }
    }
}

impl std::error::Error for EvalError {}

/// The value of an expression at a point. Sizes come from the values; `point` holds one entry per
/// variable of `typed`, which may be `None` where the expression does not use it.
///
/// # Errors
/// A variable or a size without a value, or values whose shapes contradict the expression.
pub fn evaluate(typed: &Typed, root: ExprId, point: &[Option<Dense>]) -> Result<Dense, EvalError> {
    let mut dims = typed.dims.clone();
    for (i, v) in typed.vars.iter().enumerate() {
        let Some(value) = point.get(i).and_then(Option::as_ref) else { continue };
        let (m, n) = (dims.fixed(value.rows), dims.fixed(value.cols));
        if !dims.unify(v.shape.rows, m) || !dims.unify(v.shape.cols, n) {
            return Err(EvalError::Shape(v.name.clone(), v.shape.text(&dims)));
        }
    }
    let used = typed.reachable(root);
    let mut values: Vec<Option<Dense>> = vec![None; root.index() + 1];
    for (i, node) in typed.nodes.iter().enumerate().take(root.index() + 1) {
        if !used[i] {
            continue;
        }
        let value = match node.op {
            Op::Var(v) => variable(typed, v, point)?,
            Op::Number(x) => Dense::scalar(x),
            Op::Eye => {
                let (n, _) = sizes(node.shape, &dims)?;
                Dense::from_fn(n, n, |i, j| f64::from(i == j))
            }
            Op::Fill => {
                let (m, n) = sizes(node.shape, &dims)?;
                let x = values[node.args[0].index()].as_ref().map_or(f64::NAN, |d| d.data[0]);
                Dense::from_fn(m, n, |_, _| x)
            }
            _ => {
                let args: Vec<&Dense> =
                    node.args.iter().filter_map(|a| values[a.index()].as_ref()).collect();
                apply(node.op, &args, node.shape.kind)
            }
        };
        values[i] = Some(value);
    }
    values[root.index()].take().ok_or_else(|| EvalError::Missing("the expression".into()))
}

fn variable(typed: &Typed, v: VarId, point: &[Option<Dense>]) -> Result<Dense, EvalError> {
    let value = point.get(v.index()).and_then(Clone::clone);
    value.ok_or_else(|| EvalError::Missing(typed.var(v).name.clone()))
}

fn sizes(shape: Shape, dims: &Dims) -> Result<(usize, usize), EvalError> {
    let get = |d| dims.value(d).ok_or_else(|| EvalError::Size(dims.text(d)));
    Ok((get(shape.rows)?, get(shape.cols)?))
}

/// One operation. Arguments come first in the arena, so `args` holds all of them.
fn apply(op: Op, args: &[&Dense], kind: Kind) -> Dense {
    let x = args[0];
    match op {
        Op::Number(_) | Op::Var(_) | Op::Eye | Op::Fill => x.clone(),
        Op::Add => x.zip(args[1], |a, b| a + b),
        Op::Sub => x.zip(args[1], |a, b| a - b),
        Op::Mul => x.zip(args[1], |a, b| a * b),
        Op::Div => x.zip(args[1], |a, b| a / b),
        Op::Max => x.zip(args[1], f64::max),
        Op::Min => x.zip(args[1], f64::min),
        Op::Pow if args[1].data.len() == 1 => {
            let p = args[1].data[0];
            x.map(|a| a.powf(p))
        }
        Op::Pow => x.zip(args[1], f64::powf),
        Op::Neg => x.map(|a| -a),
        Op::Scale => args[1].map(|a| x.data[0] * a),
        Op::DivScalar => x.map(|a| a / args[1].data[0]),
        Op::Product(_) => x.matmul(args[1]),
        Op::MatPow(k) => {
            let base = if k < 0 { x.inverse() } else { x.clone() };
            let (mut out, mut square, mut k) =
                (Dense::from_fn(x.rows, x.rows, |i, j| f64::from(i == j)), base, k.unsigned_abs());
            while k > 0 {
                if k & 1 == 1 {
                    out = out.matmul(&square);
                }
                square = square.matmul(&square);
                k >>= 1;
            }
            out
        }
        Op::Solve => x.solve(args[1]),
        Op::Transpose => x.transpose(),
        Op::Map(f) => x.map(|a| map(f, a)),
        Op::Sum => Dense::scalar(x.data.iter().sum()),
        Op::Trace => Dense::scalar((0..x.rows).map(|i| x.at(i, i)).sum()),
        Op::Det => Dense::scalar(x.lu().2),
        Op::LogDet => Dense::scalar(x.lu().0.log_abs_diagonal()),
        Op::Norm1 => Dense::scalar(x.data.iter().map(|a| a.abs()).sum()),
        Op::Norm2 => Dense::scalar(x.data.iter().map(|a| a * a).sum::<f64>().sqrt()),
        Op::NormInf => Dense::scalar(x.data.iter().fold(0.0, |m, a| a.abs().max(m))),
        Op::LogSumExp => {
            let top = x.top();
            if !top.is_finite() {
                return Dense::scalar(top);
            }
            Dense::scalar(top + x.data.iter().map(|a| (a - top).exp()).sum::<f64>().ln())
        }
        Op::Softmax => {
            let top = x.top();
            let e = x.map(|a| (a - top).exp());
            let total: f64 = e.data.iter().sum();
            e.map(|a| a / total)
        }
        Op::Inverse => x.inverse(),
        Op::Adjugate => Dense::from_fn(x.rows, x.rows, |i, j| {
            let sign = if (i + j) % 2 == 0 { 1.0 } else { -1.0 };
            sign * x.minor(j, i).lu().2
        }),
        Op::Diag => Dense::from_fn(x.rows, x.rows, |i, j| if i == j { x.data[i] } else { 0.0 }),
        Op::DiagPart => Dense::from_fn(x.rows, 1, |i, _| x.at(i, i)),
        Op::Kron => {
            let y = args[1];
            Dense::from_fn(x.rows * y.rows, x.cols * y.cols, |i, j| {
                x.at(i / y.rows, j / y.cols) * y.at(i % y.rows, j % y.cols)
            })
        }
        Op::Vec => {
            debug_assert_eq!(kind, Kind::Vector);
            Dense::from_fn(x.rows * x.cols, 1, |i, _| x.at(i % x.rows, i / x.rows))
        }
    }
}

/// A function of a number, with the language's values at kinks.
pub fn map(f: Map, x: f64) -> f64 {
    match f {
        Map::Exp => x.exp(),
        Map::Log => x.ln(),
        Map::Sqrt => x.sqrt(),
        Map::Abs => x.abs(),
        Map::Sign if x == 0.0 => 0.0,
        Map::Sign => x.signum(),
        Map::Sin => x.sin(),
        Map::Cos => x.cos(),
        Map::Tan => x.tan(),
        Map::Arcsin => x.asin(),
        Map::Arccos => x.acos(),
        Map::Arctan => x.atan(),
        Map::Sinh => x.sinh(),
        Map::Cosh => x.cosh(),
        Map::Tanh => x.tanh(),
        Map::Relu if x.is_nan() => x,
        Map::Relu => x.max(0.0),
        Map::Step if x.is_nan() => x,
        Map::Step => f64::from(x > 0.0),
        Map::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
        Map::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Map::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Map::Log1p => x.ln_1p(),
        Map::Expm1 => x.exp_m1(),
    }
}

impl Dense {
    /// A number.
    pub fn scalar(x: f64) -> Self {
        Self { rows: 1, cols: 1, data: vec![x] }
    }

    /// A column.
    pub fn vector(data: Vec<f64>) -> Self {
        Self { rows: data.len(), cols: 1, data }
    }

    /// Entry by entry from its position.
    pub fn from_fn(rows: usize, cols: usize, mut f: impl FnMut(usize, usize) -> f64) -> Self {
        let mut data = Vec::with_capacity(rows * cols);
        for i in 0..rows {
            for j in 0..cols {
                data.push(f(i, j));
            }
        }
        Self { rows, cols, data }
    }

    /// The entry in row `i` and column `j`, from 0.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.data[i * self.cols + j]
    }

    fn map(&self, f: impl FnMut(f64) -> f64) -> Self {
        let data = self.data.iter().copied().map(f).collect();
        Self { rows: self.rows, cols: self.cols, data }
    }

    fn zip(&self, other: &Self, mut f: impl FnMut(f64, f64) -> f64) -> Self {
        let data = self.data.iter().zip(&other.data).map(|(a, b)| f(*a, *b)).collect();
        Self { rows: self.rows, cols: self.cols, data }
    }

    fn transpose(&self) -> Self {
        Self::from_fn(self.cols, self.rows, |i, j| self.at(j, i))
    }

    fn matmul(&self, other: &Self) -> Self {
        Self::from_fn(self.rows, other.cols, |i, j| {
            (0..self.cols).map(|k| self.at(i, k) * other.at(k, j)).sum()
        })
    }

    fn top(&self) -> f64 {
        self.data.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn minor(&self, row: usize, col: usize) -> Self {
        Self::from_fn(self.rows - 1, self.cols - 1, |i, j| {
            self.at(i + usize::from(i >= row), j + usize::from(j >= col))
        })
    }

    fn log_abs_diagonal(&self) -> f64 {
        (0..self.rows).map(|i| self.at(i, i).abs().ln()).sum()
    }

    /// LU with row pivoting: the factors in one matrix, the row order, the determinant.
    fn lu(&self) -> (Self, Vec<usize>, f64) {
        let n = self.rows;
        let (mut a, mut order, mut det) = (self.clone(), (0..n).collect::<Vec<_>>(), 1.0);
        for k in 0..n {
            let better = |&i: &usize, &j: &usize| a.at(i, k).abs().total_cmp(&a.at(j, k).abs());
            let pivot = (k..n).max_by(better).unwrap_or(k);
            if pivot != k {
                for j in 0..n {
                    a.data.swap(k * n + j, pivot * n + j);
                }
                order.swap(k, pivot);
                det = -det;
            }
            let d = a.at(k, k);
            det *= d;
            if d == 0.0 {
                continue;
            }
            for i in k + 1..n {
                let l = a.at(i, k) / d;
                a.data[i * n + k] = l;
                for j in k + 1..n {
                    a.data[i * n + j] -= l * a.at(k, j);
                }
            }
        }
        (a, order, det)
    }

    fn solve(&self, b: &Self) -> Self {
        let n = self.rows;
        let (a, order, _) = self.lu();
        let mut x = Self::from_fn(n, b.cols, |i, j| b.at(order[i], j));
        for j in 0..b.cols {
            for i in 0..n {
                let done: f64 = (0..i).map(|k| a.at(i, k) * x.at(k, j)).sum();
                x.data[i * b.cols + j] -= done;
            }
            for i in (0..n).rev() {
                let done: f64 = (i + 1..n).map(|k| a.at(i, k) * x.at(k, j)).sum();
                x.data[i * b.cols + j] = (x.at(i, j) - done) / a.at(i, i);
            }
        }
        x
    }

    fn inverse(&self) -> Self {
        self.solve(&Self::from_fn(self.rows, self.rows, |i, j| f64::from(i == j)))
    }
}
