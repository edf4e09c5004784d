//! Singular values and symmetric eigenvalues, by faer (divide and conquer after bidiagonalisation or
//! tridiagonalisation).

use super::{Scalar, Status, Workspace, fill_nan, finite};
use faer::diag::DiagMut;
use faer::dyn_stack::StackReq;
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{self, ComputeSvdVectors, svd_scratch};
use faer::linalg::{temp_mat_scratch, temp_mat_zeroed};
use faer::mat::AsMatMut;
use faer::{MatMut, MatRef, Par};

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
    workspace: &mut Workspace,
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
        let thin = ComputeSvdVectors::Thin;
        let stack = workspace.stack(StackReq::all_of(&[
            temp_mat_scratch::<T>(m, k),
            svd_scratch::<T>(m, n, thin, thin, Par::Seq, Default::default()),
        ]));
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

/// The singular values of an m×n row-major matrix, from the largest to the smallest.
///
/// # Panics
/// If a slice has the wrong length.
pub fn singular_values<T: Scalar>(
    (m, n): (usize, usize),
    a: &[T],
    s: &mut [T],
    workspace: &mut Workspace,
) -> Status {
    assert!(a.len() == m * n && s.len() == m.min(n), "SVD with slices of wrong lengths");
    if s.is_empty() {
        return Status::Done;
    }
    let status = if finite(a) {
        let no = ComputeSvdVectors::No;
        let stack = workspace.stack(svd_scratch::<T>(m, n, no, no, Par::Seq, Default::default()));
        let a = MatRef::from_row_major_slice(a, m, n);
        let s = DiagMut::from_slice_mut(s);
        match svd::svd(a, s, None, None, Par::Seq, stack, Default::default()) {
            Ok(()) => Status::Done,
            Err(_) => Status::NotConverged,
        }
    } else {
        Status::NotFinite
    };
    if status != Status::Done {
        fill_nan(s);
    }
    status
}

/// Eigenvalues (ascending) and orthonormal eigenvectors (the columns of the row-major `v`) of a symmetric
/// n×n matrix, of which the lower triangle is read.
///
/// # Panics
/// If a slice has the wrong length.
pub fn eigh<T: Scalar>(
    n: usize,
    a: &[T],
    w: &mut [T],
    v: &mut [T],
    workspace: &mut Workspace,
) -> Status {
    assert!(
        a.len() == n * n && w.len() == n && v.len() == n * n,
        "eigh with slices of wrong lengths"
    );
    if n == 0 {
        return Status::Done;
    }
    let status = if (0..n).all(|i| finite(&a[i * n..i * n + i + 1])) {
        let yes = ComputeEigenvectors::Yes;
        let stack = workspace.stack(StackReq::all_of(&[
            temp_mat_scratch::<T>(n, n),
            self_adjoint_evd_scratch::<T>(n, yes, Par::Seq, Default::default()),
        ]));
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
