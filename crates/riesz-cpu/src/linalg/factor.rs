//! Cholesky, LU and QR factorisations with factors of their own, and triangular solves.

use super::scratch::{Scratch, room};
use super::substitute::{Corner, Sides, substitute};
use super::team::Team;
use super::{Scalar, Status, blocked, eliminate, fill_nan};
use crate::simd::Isa;
use faer::dyn_stack::StackReq;
use faer::linalg::qr::no_pivoting::factor as qr_factor;
use faer::linalg::{householder, temp_mat_scratch, temp_mat_zeroed};
use faer::mat::AsMatMut;
use faer::{Conj, MatMut, MatRef, Par};

/// Up to this order the plain loops are faster.
const SMALL: usize = 12;

/// Bytes of scratch that [`cholesky`] needs.
pub fn cholesky_room<T: Scalar>(n: usize) -> usize {
    if n <= SMALL { 0 } else { blocked::room::<T>(n, n) }
}

/// The lower triangular L with L·Lᵀ = A, in place: reads the lower triangle of the row-major `a`, and leaves
/// zeros above.
///
/// Not positive definite gives [`Status::NotPositiveDefinite`] and NaN.
///
/// # Panics
/// If the slice has not n² entries.
pub fn cholesky<T: Scalar>(
    isa: Isa,
    team: Team,
    n: usize,
    a: &mut [T],
    mut scratch: Scratch,
) -> Status {
    assert!(a.len() == n * n, "Cholesky of a slice of the wrong length");
    let failed = if n <= SMALL {
        plain_cholesky(n, a)
    } else {
        // SAFETY: n² numbers, and scratch as large as was asked for.
        unsafe { super::cholesky::cholesky((isa, team), n, a.as_mut_ptr(), n, &mut scratch) }
    };
    if failed < n {
        fill_nan(a);
        return Status::NotPositiveDefinite(failed);
    }
    (0..n).for_each(|i| a[i * n + i + 1..(i + 1) * n].fill(T::of(0.0)));
    Status::Done
}

/// Row by row (Golub & Van Loan, *Matrix Computations*, section 4.2); the first pivot that is not positive
/// and finite, or n.
fn plain_cholesky<T: Scalar>(n: usize, l: &mut [T]) -> usize {
    for i in 0..n {
        let (done, row) = l.split_at_mut(i * n);
        for j in 0..i {
            let other = &done[j * n..j * n + j + 1];
            let sum = other[..j].iter().zip(&row[..j]).fold(row[j], |s, (u, v)| s - *u * *v);
            row[j] = sum / other[j];
        }
        let pivot = row[..i].iter().fold(row[i], |s, v| s - *v * *v);
        // NaN is not positive either.
        let positive = pivot > T::of(0.0) && pivot < <T as crate::simd::Value>::INFINITY;
        if !positive {
            return i;
        }
        row[i] = pivot.root();
    }
    n
}

/// Bytes of scratch that [`lu`] needs for an m×n matrix.
pub fn lu_room<T: Scalar>(m: usize, n: usize) -> usize {
    room::<T>(m * n) + eliminate::room::<T>(m, n)
}

/// A\[rows\] = L·U for an m×n row-major A and k = min(m, n): L is m×k with a unit diagonal, U k×n, `rows` has
/// m entries.
///
/// # Panics
/// If a slice has the wrong length.
#[allow(clippy::too_many_arguments)]
pub fn lu<T: Scalar>(
    isa: Isa,
    team: Team,
    (m, n): (usize, usize),
    a: &[T],
    rows: &mut [i64],
    l: &mut [T],
    u: &mut [T],
    mut scratch: Scratch,
) {
    let k = m.min(n);
    assert!(
        a.len() == m * n && rows.len() == m && l.len() == m * k && u.len() == k * n,
        "LU with slices of wrong lengths"
    );
    let (at, order) = (scratch.raw::<T>(m * n), rows.as_mut_ptr());
    // SAFETY: m·n numbers twice, m rows, and scratch as large as was asked for; all factors are written.
    let packed = unsafe {
        eliminate::lu((isa, team), (m, n), a.as_ptr(), at, n, order, &mut scratch);
        std::slice::from_raw_parts(at.cast_const(), m * n)
    };
    let (zero, one) = (T::of(0.0), T::of(1.0));
    for i in 0..m {
        let row = &packed[i * n..(i + 1) * n];
        let below = i.min(k);
        let (left, right) = l[i * k..(i + 1) * k].split_at_mut(below);
        left.copy_from_slice(&row[..below]);
        right.fill(zero);
        if i < k {
            right[0] = one;
            u[i * n..i * n + i].fill(zero);
            u[i * n + i..(i + 1) * n].copy_from_slice(&row[i..]);
        }
    }
}

/// Bytes of scratch that [`qr`] needs for an m×n matrix.
pub fn qr_room<T: Scalar>(m: usize, n: usize) -> usize {
    if m == 0 || n == 0 { 0 } else { qr_stack::<T>(m, n).unaligned_bytes_required() }
}

fn qr_stack<T: Scalar>(m: usize, n: usize) -> StackReq {
    let k = m.min(n);
    let block = qr_factor::recommended_block_size::<T>(m, n);
    StackReq::all_of(&[
        temp_mat_scratch::<T>(m, n),
        temp_mat_scratch::<T>(block, k),
        temp_mat_scratch::<T>(m, k),
        StackReq::any_of(&[
            qr_factor::qr_in_place_scratch::<T>(m, n, block, Par::Seq, Default::default()),
            householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<T>(
                m, block, k,
            ),
        ]),
    ])
}

/// Q (m×k, orthonormal columns) and R (k×n, upper triangular or trapezoidal), k = min(m, n), with
/// Q·R = A; all row-major. R's diagonal is not negative.
///
/// # Panics
/// If a slice has the wrong length.
pub fn qr<T: Scalar>(
    m: usize,
    n: usize,
    a: &[T],
    q: &mut [T],
    r: &mut [T],
    scratch: Scratch,
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
    let stack = scratch.stack(qr_stack::<T>(m, n));
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
    for i in 0..k {
        // Householder's signs are any; turning a row of R and a column of Q changes no product.
        let turned = packed[(i, i)].negative();
        for j in 0..n {
            let v = if j < i { T::of(0.0) } else { packed[(i, j)] };
            r[i * n + j] = if turned && j >= i { -v } else { v };
        }
        if turned {
            (0..m).for_each(|p| q[p * k + i] = -q[p * k + i]);
        }
    }
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
    isa: Isa,
    n: usize,
    a: &[T],
    t: Triangle,
    k: usize,
    x: &mut [T],
) -> Status {
    assert!(a.len() == n * n && x.len() == n * k, "triangular solve with slices of wrong lengths");
    if n == 0 {
        return Status::Done;
    }
    let zero = T::of(0.0);
    let singular = (0..n).find(|i| !t.unit && a[i * n + i] == zero);
    if k > 0 {
        let (row, column) = if t.transposed { (1, n as isize) } else { (n as isize, 1) };
        let (at, ld) = (a.as_ptr(), k as isize);
        // SAFETY: n² numbers and n×k numbers that do not overlap.
        unsafe {
            if t.lower != t.transposed {
                let corner = Corner::lower(n, at, row, column, t.unit);
                substitute(isa, corner, Sides { at: x.as_mut_ptr(), k, ld });
            } else {
                let corner = Corner::upper(n, at, row, column, t.unit);
                let last = x.as_mut_ptr().add((n - 1) * k);
                substitute(isa, corner, Sides { at: last, k, ld: -ld });
            }
        }
    }
    singular.map_or(Status::Done, Status::Singular)
}
