//! Expressions as programs: each node becomes operations on [`Var`]s once the sizes are numbers.
//!
//! A scalar is a value without axes, a vector and a row have one, a matrix has two. Every operation
//! is recorded with the place of its node in the text, so an error of a running program points there.

use crate::ast::Kind;
use crate::dims::Dims;
use crate::typed::{ExprId, Map, Op, Product, Shape, Typed, TypedNode};
use riesz::{DType, Error, Result, Source, Tensor, Var};
use riesz_core::primitive::Cofactor;
use riesz_core::{apply1, with_source};

/// Writes the expressions `roots` into the current trace and returns their values, in order.
///
/// `vars` holds one value for each variable of `typed`, or `None` where no root uses it; `dims` has
/// every size the roots need as a number.
///
/// # Errors
/// When a variable has no value or a size is not known. Wrong shapes cannot occur in a typed
/// expression whose variables have the shapes it says.
pub fn lower(
    typed: &Typed,
    dims: &Dims,
    roots: &[ExprId],
    vars: &[Option<Var>],
) -> Result<Vec<Var>> {
    let mut used = vec![false; typed.nodes.len()];
    for &root in roots {
        for (used, by_root) in used.iter_mut().zip(typed.reachable(root)) {
            *used |= by_root;
        }
    }
    let mut values: Vec<Option<Var>> = vec![None; typed.nodes.len()];
    for (i, node) in typed.nodes.iter().enumerate().filter(|(i, _)| used[*i]) {
        let source = Source::Text { start: node.span.start as u32, end: node.span.end as u32 };
        let args: Vec<Var> = node.args.iter().filter_map(|a| values[a.index()]).collect();
        let value = with_source(source, || match node.op {
            Op::Var(v) => vars
                .get(v.index())
                .copied()
                .flatten()
                .ok_or_else(|| Error::usage(format!("`{}` has no value", typed.var(v).name))),
            Op::Number(x) => Ok(Var::constant(x)),
            Op::Eye => Ok(Var::eye(DType::F64, size(node.shape, dims)?.0)),
            Op::Fill => Ok(args[0].broadcast_to(axes(node.shape, dims)?)),
            Op::Kron => kron(typed, dims, node, &args),
            _ => Ok(operation(typed, node, &args)),
        })
        .map_err(|e| e.at("formula", source))?;
        values[i] = Some(value);
    }
    let missing = || Error::usage("an expression has no value");
    roots.iter().map(|r| values[r.index()].ok_or_else(missing)).collect()
}

/// The lengths of the axes of a value of this shape.
///
/// # Errors
/// When a size is not known.
pub fn axes(shape: Shape, dims: &Dims) -> Result<Vec<usize>> {
    let (m, n) = size(shape, dims)?;
    Ok(match shape.kind {
        Kind::Scalar => vec![],
        Kind::Vector => vec![m],
        Kind::Row => vec![n],
        Kind::Matrix => vec![m, n],
    })
}

fn size(shape: Shape, dims: &Dims) -> Result<(usize, usize)> {
    let get = |d| {
        let unknown = || Error::usage(format!("the size {} is not known", dims.text(d)));
        dims.value(d).ok_or_else(unknown)
    };
    Ok((get(shape.rows)?, get(shape.cols)?))
}

fn operation(typed: &Typed, node: &TypedNode, args: &[Var]) -> Var {
    let x = args[0];
    let other = || args[1];
    match node.op {
        // These need more than their arguments and are written by the caller.
        Op::Number(_) | Op::Var(_) | Op::Eye | Op::Fill | Op::Kron => x,
        Op::Add => x + other(),
        Op::Sub => x - other(),
        Op::Neg => -x,
        Op::Scale | Op::Mul => x * other(),
        Op::DivScalar | Op::Div => x / other(),
        Op::Product(Product::Outer) => x.outer(other()),
        Op::Product(_) => x.dot(other()),
        Op::Pow => match whole_number(typed, node.args[1]) {
            Some(n) => x.powi(n),
            None => x.pow(other()),
        },
        Op::MatPow(k) => x.matrix_power(i32::try_from(k).unwrap_or(i32::MAX)),
        Op::Solve => x.solve(other()),
        Op::Transpose => x.t(),
        Op::Map(f) => map(f, x),
        Op::Max => x.maximum(other()),
        Op::Min => x.minimum(other()),
        Op::Sum => x.sum(),
        Op::Trace => x.trace(),
        Op::Det => x.det(),
        Op::LogDet => x.logdet(),
        Op::Norm1 => x.abs().sum(),
        Op::Norm2 => x.norm(),
        Op::NormInf => x.abs().max(),
        Op::LogSumExp => x.logsumexp(),
        Op::Softmax => x.softmax(0),
        Op::Inverse => x.inverse(),
        Op::Adjugate => apply1(Cofactor, &[x]).t(),
        Op::Diag => x.diag(),
        Op::DiagPart => x.diagonal(),
        Op::Vec => x.t().flatten(),
    }
}

/// The exponent as a whole number, if it is one that was written.
fn whole_number(typed: &Typed, exponent: ExprId) -> Option<i32> {
    let node = typed.node(exponent);
    match node.op {
        Op::Number(x) if x.fract() == 0.0 && x.abs() <= f64::from(i16::MAX) => Some(x as i32),
        Op::Neg => whole_number_positive(typed, node.args[0]).map(|n| -n),
        Op::Fill => whole_number_positive(typed, node.args[0]),
        _ => None,
    }
}

fn whole_number_positive(typed: &Typed, exponent: ExprId) -> Option<i32> {
    match typed.node(exponent).op {
        Op::Number(_) => whole_number(typed, exponent),
        _ => None,
    }
}

fn map(f: Map, x: Var) -> Var {
    match f {
        Map::Exp => x.exp(),
        Map::Log => x.log(),
        Map::Sqrt => x.sqrt(),
        Map::Abs => x.abs(),
        Map::Sign => x.sign(),
        Map::Sin => x.sin(),
        Map::Cos => x.cos(),
        Map::Tan => x.tan(),
        Map::Arcsin => x.asin(),
        Map::Arccos => x.acos(),
        Map::Arctan => x.atan(),
        Map::Sinh => x.sinh(),
        Map::Cosh => x.cosh(),
        Map::Tanh => x.tanh(),
        Map::Relu => x.relu(),
        Map::Step => Var::select(x.gt(0.0), 1.0, x.zeros_like()),
        Map::Sigmoid => x.sigmoid(),
        Map::Softplus => x.softplus(),
        Map::Log1p => x.log1p(),
        Map::Expm1 => x.expm1(),
    }
}

/// Entry (i·p + k, j·q + l) of A⊗B is A(i, j)·B(k, l).
fn kron(typed: &Typed, dims: &Dims, node: &TypedNode, args: &[Var]) -> Result<Var> {
    let (m, n) = size(typed.shape(node.args[0]), dims)?;
    let (p, q) = size(typed.shape(node.args[1]), dims)?;
    let blocks = args[0].reshape([m, n]).outer(args[1].reshape([p, q]));
    Ok(blocks.transpose(&[0, 2, 1, 3]).reshape(axes(node.shape, dims)?))
}

/// A tensor from numbers row by row, in the axes of a value of this shape.
///
/// # Errors
/// When a size is not known, or the numbers do not fill the shape.
pub fn tensor(shape: Shape, dims: &Dims, numbers: &[f64]) -> Result<Tensor> {
    Tensor::new(numbers.to_vec(), axes(shape, dims)?)
}
