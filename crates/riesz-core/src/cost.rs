//! What a program costs, roughly: enough to choose between two programs for one result.
//!
//! Counted are arithmetic operations on elements. What only arranges elements counts one for each
//! element it writes, what is a view nothing. A logarithm counts as much as a sum here; between a
//! program and its transpose that is no difference.

use crate::primitive::{Dot, Prim};
use crate::program::{Equation, Program};
use crate::types::Type;

/// The number of operations of one run.
///
/// ```
/// use riesz_core::{DType, Type, cost::operations, trace};
/// let matrix = Type::new(DType::F64, [20, 30]);
/// let f = trace(&[matrix, Type::new(DType::F64, [30])], |x| vec![x[0].dot(x[1])])?;
/// assert_eq!(operations(&f), 2.0 * 20.0 * 30.0);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn operations(program: &Program) -> f64 {
    program.equations().iter().map(|eq| of_equation(program, eq)).sum()
}

/// The number of operations of one equation of a program.
pub fn of_equation(program: &Program, eq: &Equation) -> f64 {
    let args: Vec<&Type> = eq.inputs.iter().map(|&v| program.ty(v)).collect();
    let size = |ty: &Type| ty.size() as f64;
    let results: f64 = eq.outputs().map(|v| size(program.ty(v))).sum();
    // The length of an axis counted from the last.
    let axis = |i: usize, back: usize| -> f64 {
        let shape = &args[i].shape;
        shape.rank().checked_sub(back).map_or(1.0, |a| shape[a] as f64)
    };
    match &eq.prim {
        // Views, and what is known before the run.
        Prim::Constant(_) | Prim::Iota(_) | Prim::Reshape(_) | Prim::Broadcast(_) => 0.0,
        Prim::StopGradient(_) | Prim::Barrier(_) => 0.0,

        // One for each result.
        Prim::Unary(_)
        | Prim::IntegerPower(_)
        | Prim::Polygamma(_)
        | Prim::Sinc(_)
        | Prim::Binary(_)
        | Prim::Scale(_)
        | Prim::Compare(_)
        | Prim::Logical(_)
        | Prim::Select(_)
        | Prim::Cast(_)
        | Prim::Transpose(_)
        | Prim::Slice(_)
        | Prim::Pad(_)
        | Prim::Concat(_)
        | Prim::Flip(_)
        | Prim::Gather(_)
        | Prim::RandomBits(_)
        | Prim::FoldIn(_)
        | Prim::Permutation(_) => results,

        // One or two for each element that comes in.
        Prim::Reduce(_) | Prim::Cumulative(_) => size(args[0]),
        Prim::Recurrence(_) => 2.0 * size(args[0]),
        Prim::ScatterAdd(_) | Prim::ScatterSet(_) | Prim::ScatterExtreme(_) => {
            results + size(args[2])
        }
        Prim::Argsort(_) => size(args[0]) * (axis(0, 1) + 1.0).log2(),
        Prim::Dot(dot) => 2.0 * results * summed(dot, args[0]),
        Prim::Conv(_) => {
            let [_, channels, lengths @ ..] = &args[1].shape[1..] else { return results };
            2.0 * results * (channels * lengths.iter().product::<usize>()) as f64
        }
        Prim::Fft(_) | Prim::Rfft(_) | Prim::Irfft(_) => {
            2.5 * results * (axis(0, 2).max(axis(0, 1)) + 1.0).log2()
        }

        // Golub & Van Loan, Matrix Computations, section 1 of the chapters on each: for n×n matrices
        // 2n³/3 for LU, n³/3 for Cholesky, 4n³/3 for QR, about 9n³ and 20n³ for eigenvalues and
        // singular values with their vectors.
        Prim::TriangularSolve(_) => size(args[1]) * axis(0, 1),
        Prim::Solve(_) => size(args[0]) * axis(0, 1) * 2.0 / 3.0 + 2.0 * size(args[1]) * axis(0, 1),
        Prim::Lu(_) | Prim::Det(_) | Prim::SLogDet(_) => size(args[0]) * axis(0, 1) * 2.0 / 3.0,
        Prim::Cholesky(_) => size(args[0]) * axis(0, 1) / 3.0,
        Prim::Inverse(_) => size(args[0]) * axis(0, 1) * 2.0,
        Prim::Qr(_) => size(args[0]) * axis(0, 1) * 4.0 / 3.0,
        Prim::Eigh(_) => size(args[0]) * axis(0, 1) * 9.0,
        Prim::Svd(_) | Prim::Pinv(_) | Prim::Cofactor(_) | Prim::CofactorTangent(_) => {
            size(args[0]) * axis(0, 1) * 20.0
        }

        // Either branch may be the one; nobody has counted the rounds of a loop.
        Prim::Cond(cond) => operations(&cond.on_true).max(operations(&cond.on_false)),
        Prim::Scan(scan) => scan.length as f64 * operations(&scan.body),
        Prim::While(repeat) => ROUNDS * (operations(&repeat.cond) + operations(&repeat.body)),
        Prim::LinearWhile(repeat) => ROUNDS * (operations(&repeat.body) + operations(&repeat.step)),

        Prim::Checkpoint(call) => operations(&call.body),
        Prim::CustomJvp(call) => operations(&call.value),
        Prim::CustomVjp(call) => operations(&call.value),
        Prim::CustomBackward(rule) => operations(&rule.body),
        Prim::LinearSolve(system) => operations(&system.solve),
    }
}

/// How many rounds of a `while` are counted.
const ROUNDS: f64 = 32.0;

/// How many products are summed for each result.
fn summed(dot: &Dot, lhs: &Type) -> f64 {
    dot.contract.iter().map(|&(axis, _)| lhs.shape[axis] as f64).product()
}
