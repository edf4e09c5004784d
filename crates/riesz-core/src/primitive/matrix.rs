//! What the differentials of factorisations share: triangles, solves from either side, gaps.
//!
//! Mathematics on `Var`, for matrices or stacks of them along the leading axes.

use super::*;

/// (X + Xᵀ)/2: what a function of symmetric matrices sees of its argument.
pub(super) fn symmetric_part(x: Var) -> Var {
    0.5 * (x + x.t())
}

/// The lower triangle with half the diagonal: Φ(X) + Φ(X)ᵀ = X for symmetric X.
pub(super) fn half_lower(x: Var) -> Var {
    0.5 * (x.tril() + strict_lower(x))
}

/// What lies below the diagonal.
pub(super) fn strict_lower(x: Var) -> Var {
    x.triangle("tril", Compare::Gt)
}

/// T⁻¹·B, with T the triangle of A that `of` names.
pub(super) fn solve_left(of: TriangularSolve, a: Var, b: Var) -> Var {
    apply(of, &[a, b])[0]
}

/// B·U⁻¹ with U the upper triangle of A: the transpose of Uᵀ·X = Bᵀ.
pub(super) fn solve_right(b: Var, a: Var) -> Var {
    apply(TriangularSolve { transposed: true, ..TriangularSolve::UPPER }, &[a, b.t()])[0].t()
}

/// Rows `start..limit` of each matrix.
pub(super) fn rows(x: Var, start: usize, limit: usize) -> Var {
    x.slice_axis(x.rank().saturating_sub(2), start, limit)
}

/// Columns `start..limit` of each matrix.
pub(super) fn columns(x: Var, start: usize, limit: usize) -> Var {
    x.slice_axis(x.rank().saturating_sub(1), start, limit)
}

/// A row that scales the columns of a matrix: diag(s) on the right.
pub(super) fn as_row(s: Var) -> Var {
    s.expand_dims(s.rank().saturating_sub(1))
}

/// A column that scales the rows of a matrix: diag(s) on the left.
pub(super) fn as_column(s: Var) -> Var {
    s.expand_dims(s.rank())
}

/// 1/x, and 0 where |x| ≤ `negligible`.
pub(super) fn safe_recip(x: Var, negligible: Var) -> Var {
    let zero = x.abs().le(negligible);
    Var::select(zero, 0.0, Var::select(zero, 1.0, x).recip())
}

/// Differences of values this small beside the largest are rounding errors of a factorisation of
/// size n: 4·n·ε·max|w|, one number for each matrix, as a 1×1 matrix.
pub(super) fn rounding(w: Var, n: usize) -> Var {
    let epsilon = match w.dtype() {
        crate::DType::F32 => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    };
    let axis = w.rank().saturating_sub(1);
    if w.shape().last() == Some(&0) {
        return as_row(w);
    }
    let largest = w.abs().stop_gradient().max_axes(&[axis]).expand_dims(axis).expand_dims(axis);
    (4.0 * n as f64 * epsilon) * largest
}

/// Symmetric matrices with eigenvalues far apart, and positive ones.
pub(super) fn symmetric_sample(shape: &[usize]) -> Tensor {
    let n = shape.last().copied().unwrap_or(0);
    let t = support::spread(crate::DType::F64, shape, -0.4, 0.4).to_f64();
    let at = |k: usize, i: usize, j: usize| t[k * n * n + i.min(j) * n + i.max(j)];
    let count = t.len() / (n * n).max(1);
    let mut values = Vec::with_capacity(t.len());
    for k in 0..count {
        for i in 0..n {
            for j in 0..n {
                let own = if i == j { 1.5 + 1.6 * i as f64 } else { 0.0 };
                values.push(at(k, i, j) + own);
            }
        }
    }
    Tensor::from_f64(&values, shape, crate::DType::F64).unwrap_or(Tensor::scalar(0.0))
}

/// Matrices of full rank with singular values and leading minors far apart.
pub(super) fn tall_or_wide_sample(shape: &[usize]) -> Tensor {
    let [.., m, n] = shape else { return Tensor::scalar(0.0) };
    let t = support::spread(crate::DType::F64, shape, -0.4, 0.4).to_f64();
    let mut values = t;
    for (at, v) in values.iter_mut().enumerate() {
        let (i, j) = (at / n.max(&1) % m, at % n.max(&1));
        // On both diagonals, so that the matrix read backwards is such a matrix too.
        if i == j || m - i == n - j {
            *v += 1.5 + 1.3 * i.min(m - 1 - i).max(j) as f64;
        }
    }
    Tensor::from_f64(&values, shape, crate::DType::F64).unwrap_or(Tensor::scalar(0.0))
}
