//! Cholesky and QR factorisations, and triangular solves.

use super::{Scalar, Status, Workspace, fill_nan};
use faer::dyn_stack::StackReq;
use faer::linalg::cholesky::llt::factor as llt;
use faer::linalg::qr::no_pivoting::factor as qr_factor;
use faer::linalg::{
    householder, temp_mat_scratch, temp_mat_zeroed, triangular_solve as triangular,
};
use faer::mat::AsMatMut;
use faer::{Conj, MatMut, MatRef, Par};

/// Up to this size the plain loops are faster than the library.
const SMALL: usize = 24;

/// The lower triangular L with L·Lᵀ = A, row-major with zeros above; reads A's lower triangle.
///
/// Not positive definite gives [`Status::NotPositiveDefinite`] and NaN.
///
/// # Panics
/// If a slice has not n² entries.
pub fn cholesky<T: Scalar>(n: usize, a: &[T], l: &mut [T], workspace: &mut Workspace) -> Status {
    assert!(a.len() == n * n && l.len() == n * n, "Cholesky of a slice of the wrong length");
    let zero = T::of(0.0);
    for i in 0..n {
        l[i * n..i * n + i + 1].copy_from_slice(&a[i * n..i * n + i + 1]);
        l[i * n + i + 1..(i + 1) * n].fill(zero);
    }
    let failed = if n <= SMALL {
        plain_cholesky(n, l)
    } else {
        let need = llt::cholesky_in_place_scratch::<T>(n, Par::Seq, Default::default());
        let temp = temp_mat_scratch::<T>(n, n);
        let stack = workspace.stack(StackReq::all_of(&[need, temp]));
        // Column-major, as the library is fastest.
        let (mut copy, stack) = temp_mat_zeroed::<T, _, _>(n, n, stack);
        let mut copy = copy.as_mat_mut();
        copy.copy_from_triangular_lower(MatRef::from_row_major_slice(l, n, n));
        let result = llt::cholesky_in_place(
            copy.as_mut(),
            Default::default(),
            Par::Seq,
            stack,
            Default::default(),
        );
        MatMut::from_row_major_slice_mut(l, n, n).copy_from_triangular_lower(copy);
        result.err().map(|llt::LltError::NonPositivePivot { index }| index)
    };
    match failed {
        None => Status::Done,
        Some(i) => {
            fill_nan(l);
            Status::NotPositiveDefinite(i)
        }
    }
}

/// Row by row (Golub & Van Loan, §4.2); the first pivot that is not positive.
fn plain_cholesky<T: Scalar>(n: usize, l: &mut [T]) -> Option<usize> {
    for i in 0..n {
        let (done, row) = l.split_at_mut(i * n);
        for j in 0..i {
            let other = &done[j * n..j * n + j + 1];
            let sum = other[..j].iter().zip(&row[..j]).fold(row[j], |s, (u, v)| s - *u * *v);
            row[j] = sum / other[j];
        }
        let pivot = row[..i].iter().fold(row[i], |s, v| s - *v * *v);
        if !(pivot > T::of(0.0)) {
            return Some(i);
        }
        row[i] = pivot.root();
    }
    None
}

/// Q (m×k, orthonormal columns) and R (k×n, upper triangular or trapezoidal), k = min(m, n), with
/// Q·R = A; all row-major. The signs are Householder's: R's diagonal may be negative.
///
/// # Panics
/// If a slice has the wrong length.
pub fn qr<T: Scalar>(
    m: usize,
    n: usize,
    a: &[T],
    q: &mut [T],
    r: &mut [T],
    workspace: &mut Workspace,
) -> Status {
    let k = m.min(n);
    assert!(
        a.len() == m * n && q.len() == m * k && r.len() == k * n,
        "QR of slices of wrong lengths"
    );
    if k == 0 {
        return Status::Done;
    }
    if !super::finite(a) {
        fill_nan(q);
        fill_nan(r);
        return Status::NotFinite;
    }
    let block = qr_factor::recommended_block_size::<T>(m, n);
    let stack = workspace.stack(StackReq::all_of(&[
        temp_mat_scratch::<T>(m, n),
        temp_mat_scratch::<T>(block, k),
        temp_mat_scratch::<T>(m, k),
        StackReq::any_of(&[
            qr_factor::qr_in_place_scratch::<T>(m, n, block, Par::Seq, Default::default()),
            householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<T>(
                m, block, k,
            ),
        ]),
    ]));
    let (mut packed, stack) = temp_mat_zeroed::<T, _, _>(m, n, stack);
    let (mut coefficients, stack) = temp_mat_zeroed::<T, _, _>(block, k, stack);
    let (mut basis, stack) = temp_mat_zeroed::<T, _, _>(m, k, stack);
    let (mut packed, mut coefficients, mut basis) =
        (packed.as_mat_mut(), coefficients.as_mat_mut(), basis.as_mat_mut());
    packed.copy_from(MatRef::from_row_major_slice(a, m, n));
    qr_factor::qr_in_place(
        packed.as_mut(),
        coefficients.as_mut(),
        Par::Seq,
        stack,
        Default::default(),
    );
    for i in 0..k {
        for j in 0..n {
            r[i * n + j] = if j < i { T::of(0.0) } else { packed[(i, j)] };
        }
        basis[(i, i)] = T::of(1.0);
    }
    householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
        packed.as_ref().subcols(0, k),
        coefficients.as_ref(),
        Conj::No,
        basis.as_mut(),
        Par::Seq,
        stack,
    );
    MatMut::from_row_major_slice_mut(q, m, k).copy_from(basis);
    Status::Done
}

/// Which triangle of a matrix, and whether its diagonal is read or taken as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangle {
    /// The lower triangle, else the upper.
    pub lower: bool,
    /// The diagonal is 1 and not read.
    pub unit: bool,
    /// Solve with the transpose of that triangle.
    pub transposed: bool,
}

/// X with T·X = B for one triangle T of the n×n row-major `a`; `x` holds B (n×k, row-major) on entry.
///
/// With a zero on the diagonal the result has infinite or NaN entries and the status says where.
///
/// # Panics
/// If a slice has the wrong length.
pub fn solve_triangular<T: Scalar>(
    n: usize,
    a: &[T],
    t: Triangle,
    k: usize,
    x: &mut [T],
) -> Status {
    assert!(a.len() == n * n && x.len() == n * k, "triangular solve with slices of wrong lengths");
    if n == 0 || k == 0 {
        return Status::Done;
    }
    let a_ = MatRef::from_row_major_slice(a, n, n);
    let a_ = if t.transposed { a_.transpose() } else { a_ };
    let x = MatMut::from_row_major_slice_mut(x, n, k);
    match (t.lower != t.transposed, t.unit) {
        (true, true) => triangular::solve_unit_lower_triangular_in_place(a_, x, Par::Seq),
        (true, false) => triangular::solve_lower_triangular_in_place(a_, x, Par::Seq),
        (false, true) => triangular::solve_unit_upper_triangular_in_place(a_, x, Par::Seq),
        (false, false) => triangular::solve_upper_triangular_in_place(a_, x, Par::Seq),
    }
    let zero = T::of(0.0);
    match (0..n).find(|i| !t.unit && a[i * n + i] == zero) {
        Some(i) => Status::Singular(i),
        None => Status::Done,
    }
}
