//! Singular values and symmetric eigenvalues, by faer (divide and conquer after bidiagonalisation or
//! tridiagonalisation). The sign of a vector is chosen as the primitives say: the component of largest
//! magnitude, the first of equals, is positive.

use super::{Scalar, Scratch, Status, fill_nan, finite};
use faer::diag::DiagMut;
use faer::dyn_stack::StackReq;
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{self, ComputeSvdVectors, svd_scratch};
use faer::linalg::{temp_mat_scratch, temp_mat_zeroed};
use faer::mat::AsMatMut;
use faer::{MatMut, MatRef, Par};

/// Bytes of scratch that [`svd()`] needs for an m×n matrix.
pub fn svd_room<T: Scalar>(m: usize, n: usize) -> usize {
    if m == 0 || n == 0 { 0 } else { svd_stack::<T>(m, n).unaligned_bytes_required() }
}

fn svd_stack<T: Scalar>(m: usize, n: usize) -> StackReq {
    let thin = ComputeSvdVectors::Thin;
    StackReq::all_of(&[
        temp_mat_scratch::<T>(m, m.min(n)),
        svd_scratch::<T>(m, n, thin, thin, Par::Seq, Default::default()),
    ])
}

/// The thin singular value decomposition A = U·diag(s)·Vᵀ: for an m×n row-major A and k = min(m, n), U is
/// m×k, `s` falls from the largest to the smallest, Vᵀ is k×n, all row-major.
///
/// # Panics
/// If a slice has the wrong length.
pub fn svd<T: Scalar>(
    (m, n): (usize, usize),
    a: &[T],
    u: &mut [T],
    s: &mut [T],
    vt: &mut [T],
    scratch: Scratch,
) -> Status {
    let k = m.min(n);
    assert!(
        a.len() == m * n && u.len() == m * k && s.len() == k && vt.len() == k * n,
        "SVD with slices of wrong lengths"
    );
    if k == 0 {
        return Status::Done;
    }
    let status = if finite(a) {
        let stack = scratch.stack(svd_stack::<T>(m, n));
        // The library wants columns to be contiguous: V's are the rows of Vᵀ, U's are not.
        let (mut columns, stack) = temp_mat_zeroed::<T, _, _>(m, k, stack);
        let mut columns = columns.as_mat_mut();
        let result = svd::svd(
            MatRef::from_row_major_slice(a, m, n),
            DiagMut::from_slice_mut(s),
            Some(columns.as_mut()),
            Some(MatMut::from_column_major_slice_mut(vt, n, k)),
            Par::Seq,
            stack,
            Default::default(),
        );
        MatMut::from_row_major_slice_mut(u, m, k).copy_from(columns);
        for j in 0..k {
            if orient(m, k, j, u) {
                vt[j * n..(j + 1) * n].iter_mut().for_each(|v| *v = -*v);
            }
        }
        if result.is_ok() { Status::Done } else { Status::NotConverged }
    } else {
        Status::NotFinite
    };
    if status != Status::Done {
        fill_nan(u);
        fill_nan(s);
        fill_nan(vt);
    }
    status
}

/// Turns column j of a row-major m×k matrix so that its component of largest magnitude, the first of
/// equals, is positive; whether it did.
fn orient<T: Scalar>(m: usize, k: usize, j: usize, u: &mut [T]) -> bool {
    let mut largest = T::of(0.0);
    for i in 0..m {
        let v = u[i * k + j];
        largest = if v.magnitude() > largest.magnitude() { v } else { largest };
    }
    let turned = largest < T::of(0.0);
    if turned {
        (0..m).for_each(|i| u[i * k + j] = -u[i * k + j]);
    }
    turned
}

/// Bytes of scratch that [`eigh`] needs.
pub fn eigh_room<T: Scalar>(n: usize) -> usize {
    if n == 0 { 0 } else { eigh_stack::<T>(n).unaligned_bytes_required() }
}

fn eigh_stack<T: Scalar>(n: usize) -> StackReq {
    let yes = ComputeEigenvectors::Yes;
    StackReq::all_of(&[
        temp_mat_scratch::<T>(n, n),
        self_adjoint_evd_scratch::<T>(n, yes, Par::Seq, Default::default()),
    ])
}

/// Eigenvalues (ascending) and orthonormal eigenvectors (the columns of the row-major `v`) of a symmetric
/// n×n matrix, of which the lower triangle is read.
///
/// # Panics
/// If a slice has the wrong length.
pub fn eigh<T: Scalar>(n: usize, a: &[T], w: &mut [T], v: &mut [T], scratch: Scratch) -> Status {
    assert!(
        a.len() == n * n && w.len() == n && v.len() == n * n,
        "eigh with slices of wrong lengths"
    );
    if n == 0 {
        return Status::Done;
    }
    let status = if (0..n).all(|i| finite(&a[i * n..i * n + i + 1])) {
        let stack = scratch.stack(eigh_stack::<T>(n));
        let (mut columns, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
        let mut columns = columns.as_mat_mut();
        let result = self_adjoint_evd(
            MatRef::from_row_major_slice(a, n, n),
            DiagMut::from_slice_mut(w),
            Some(columns.as_mut()),
            Par::Seq,
            stack,
            Default::default(),
        );
        MatMut::from_row_major_slice_mut(v, n, n).copy_from(columns);
        (0..n).for_each(|j| {
            orient(n, n, j, v);
        });
        if result.is_ok() { Status::Done } else { Status::NotConverged }
    } else {
        Status::NotFinite
    };
    if status != Status::Done {
        fill_nan(w);
        fill_nan(v);
    }
    status
}
