//! Products of dense matrices with any strides: transposed operands need no copy.

use super::thin::{is_thin, multiply_thin};
use super::{Kernels, Scalar};
use crate::simd::Isa;
use gemm::Parallelism;

/// A matrix in a slice: entry (i, j) at `i·row_stride + j·col_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A matrix in a slice that is written to.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// The largest offset plus one, or none for an empty matrix.
fn extent(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> usize {
    if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + (cols - 1) * col_stride + 1 }
}

impl<'a, T> Mat<'a, T> {
    /// A matrix with the given strides.
    ///
    /// # Panics
    /// If an entry lies beyond the slice.
    pub fn new(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        assert!(
            extent(rows, cols, row_stride, col_stride) <= data.len(),
            "matrix beyond its slice"
        );
        Mat { data, rows, cols, row_stride, col_stride }
    }

    /// Row by row, without gaps.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Self {
        Mat::new(data, rows, cols, cols, 1)
    }

    /// The transpose of the same entries.
    pub fn t(self) -> Self {
        Mat {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    fn pointer(&self) -> MatPtr<*const T> {
        MatPtr {
            at: self.data.as_ptr(),
            row: self.row_stride as isize,
            col: self.col_stride as isize,
        }
    }
}

impl<'a, T> MatMut<'a, T> {
    /// A matrix with the given strides.
    ///
    /// # Panics
    /// If an entry lies beyond the slice.
    pub fn new(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        assert!(
            extent(rows, cols, row_stride, col_stride) <= data.len(),
            "matrix beyond its slice"
        );
        MatMut { data, rows, cols, row_stride, col_stride }
    }

    /// Row by row, without gaps.
    pub fn row_major(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        MatMut::new(data, rows, cols, cols, 1)
    }
}

/// The address of entry (0, 0) and the strides, in elements; negative strides are allowed.
#[derive(Clone, Copy, Debug)]
pub struct MatPtr<P> {
    /// Entry (0, 0).
    pub at: P,
    /// From one row to the next.
    pub row: isize,
    /// From one column to the next.
    pub col: isize,
}

/// C = α·A·B + β·C; C is not read if β = 0.
///
/// ```
/// use riesz_cpu::linalg::{Mat, MatMut, multiply};
/// use riesz_cpu::simd::Isa;
/// let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3
/// let mut c = [0.0; 4];
/// let a = Mat::row_major(&a, 2, 3);
/// multiply(Isa::best(), 1.0, a, a.t(), 0.0, &mut MatMut::row_major(&mut c, 2, 2));
/// assert_eq!(c, [14.0, 32.0, 32.0, 77.0]);
/// ```
///
/// # Panics
/// If the shapes do not fit: a defect of the caller.
pub fn multiply<T: Scalar>(isa: Isa, alpha: T, a: Mat<T>, b: Mat<T>, beta: T, c: &mut MatMut<T>) {
    let (m, n, k) = (c.rows, c.cols, a.cols);
    assert!(a.rows == m && b.cols == n && b.rows == k, "product of matrices that do not fit");
    let to =
        MatPtr { at: c.data.as_mut_ptr(), row: c.row_stride as isize, col: c.col_stride as isize };
    // SAFETY: the views were checked against their slices, and `c` is borrowed exclusively.
    unsafe { multiply_raw(isa, (m, n, k), alpha, a.pointer(), b.pointer(), beta, to) }
}

/// [`multiply`] on raw matrices, with `shape` = (rows of C, columns of C, columns of A).
///
/// # Safety
/// Every entry of A and B is readable, every entry of C writable (and readable if β ≠ 0), and C
/// overlaps neither A nor B nor itself.
pub unsafe fn multiply_raw<T: Scalar>(
    isa: Isa,
    shape: (usize, usize, usize),
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
) {
    let (m, n, k) = shape;
    if m == 0 || n == 0 {
        return;
    }
    if n == 1 && k > 0 {
        // SAFETY: the caller's: the same entries, named by A, b and c.
        if unsafe { times_vector(isa, m, k, alpha, a, b.at, b.row, beta, c.at, c.row) } {
            return;
        }
    }
    if m == 1 && k > 0 {
        let turned = MatPtr { at: b.at, row: b.col, col: b.row };
        // SAFETY: the caller's: cᵀ = Bᵀ·aᵀ has the same entries.
        if unsafe { times_vector(isa, n, k, alpha, turned, a.at, a.col, beta, c.at, c.col) } {
            return;
        }
    }
    if m <= 16 && n <= 16 && k <= 16 {
        // A column-major result is a row-major one of the transposed product.
        let (sa, sb, sc) = ((a.row, a.col), (b.row, b.col), (c.row, c.col));
        // SAFETY: the caller's; no dimension is above 16.
        unsafe {
            if c.col == 1 || c.row != 1 {
                T::small_product(isa, m, n, k, alpha, a.at, sa, b.at, sb, beta, c.at, sc);
            } else {
                let (ta, tb, tc) = ((sa.1, sa.0), (sb.1, sb.0), (sc.1, sc.0));
                T::small_product(isa, n, m, k, alpha, b.at, tb, a.at, ta, beta, c.at, tc);
            }
        }
        return;
    }
    let [sa, sb, sc] = [(a.row, a.col), (b.row, b.col), (c.row, c.col)];
    if k > 0 && is_thin(shape, sa, sb, sc) {
        // SAFETY: the caller's, and k > 0.
        if unsafe { multiply_thin(isa, shape, alpha, a, b, beta, c) } {
            return;
        }
    }
    let read = beta != T::of(0.0);
    // SAFETY: the caller's; the library reads and writes exactly these entries.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.at,
            c.col,
            c.row,
            read,
            a.at,
            a.col,
            a.row,
            b.at,
            b.col,
            b.row,
            beta,
            alpha,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// y = α·A·x + β·y for an m×k matrix with contiguous rows or columns; false (and nothing done) for others.
///
/// # Safety
/// As for [`multiply_raw`].
#[allow(clippy::too_many_arguments)]
unsafe fn times_vector<T: Kernels + Copy>(
    isa: Isa,
    m: usize,
    k: usize,
    alpha: T,
    a: MatPtr<*const T>,
    x: *const T,
    xs: isize,
    beta: T,
    y: *mut T,
    ys: isize,
) -> bool {
    // SAFETY: the caller's.
    unsafe {
        if a.col == 1 || k == 1 {
            T::rows_times(isa, m, k, alpha, a.at, a.row, x, xs, beta, y, ys);
            true
        } else if a.row == 1 && (ys == 1 || m == 1) {
            T::columns_times(isa, k, m, alpha, a.at, a.col, x, xs, beta, y);
            true
        } else {
            false
        }
    }
}

/// `count` products C + t·sc = α·(A + t·sa)·(B + t·sb) + β·(C + t·sc): a step of 0 repeats an operand.
///
/// # Safety
/// As for [`multiply_raw`] for every t < count, and the results do not overlap.
#[allow(clippy::too_many_arguments)]
pub unsafe fn multiply_batched<T: Scalar>(
    isa: Isa,
    count: usize,
    shape: (usize, usize, usize),
    alpha: T,
    a: (MatPtr<*const T>, isize),
    b: (MatPtr<*const T>, isize),
    beta: T,
    c: (MatPtr<*mut T>, isize),
) {
    for t in 0..count as isize {
        // SAFETY: the caller's, for product t.
        unsafe {
            let at = MatPtr { at: a.0.at.offset(t * a.1), ..a.0 };
            let bt = MatPtr { at: b.0.at.offset(t * b.1), ..b.0 };
            let ct = MatPtr { at: c.0.at.offset(t * c.1), ..c.0 };
            multiply_raw(isa, shape, alpha, at, bt, beta, ct);
        }
    }
}

/// C = A·B for integers, modulo their width as integer arithmetic is in release builds.
///
/// ```
/// use riesz_cpu::linalg::{Mat, MatMut, multiply_integers};
/// let mut c = [0i64; 1];
/// let (a, b) = ([1i64, 2, 3], [4i64, 5, 6]);
/// multiply_integers(Mat::row_major(&a, 1, 3), Mat::row_major(&b, 3, 1), &mut MatMut::row_major(&mut c, 1, 1));
/// assert_eq!(c, [32]);
/// ```
///
/// # Panics
/// If the shapes do not fit: a defect of the caller.
pub fn multiply_integers<T: Integer>(a: Mat<T>, b: Mat<T>, c: &mut MatMut<T>) {
    let (m, n, k) = (c.rows, c.cols, a.cols);
    assert!(a.rows == m && b.cols == n && b.rows == k, "product of matrices that do not fit");
    let to =
        MatPtr { at: c.data.as_mut_ptr(), row: c.row_stride as isize, col: c.col_stride as isize };
    // SAFETY: the views were checked against their slices, and `c` is borrowed exclusively.
    unsafe { multiply_integers_raw((m, n, k), a.pointer(), b.pointer(), false, to) }
}

/// [`multiply_integers`] on raw matrices, with `shape` = (rows of C, columns of C, columns of A); C is
/// added to if `accumulate`.
///
/// # Safety
/// As for [`multiply_raw`].
pub unsafe fn multiply_integers_raw<T: Integer>(
    (m, n, k): (usize, usize, usize),
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    accumulate: bool,
    c: MatPtr<*mut T>,
) {
    let (m, n, k) = (m as isize, n as isize, k as isize);
    for i in 0..m {
        for j in 0..n {
            // SAFETY: the caller's: (i, j), (i, l) and (l, j) are entries.
            unsafe {
                let to = c.at.offset(i * c.row + j * c.col);
                let mut sum = if accumulate { *to } else { T::ZERO };
                for l in 0..k {
                    let v = *a.at.offset(i * a.row + l * a.col);
                    sum = sum.plus_product(v, *b.at.offset(l * b.row + j * b.col));
                }
                *to = sum;
            }
        }
    }
}

/// i32 and i64.
pub trait Integer: Copy {
    /// 0
    const ZERO: Self;
    /// self + a·b, wrapping.
    fn plus_product(self, a: Self, b: Self) -> Self;
}

macro_rules! integer {
    ($($t:ident)*) => {$(
        impl Integer for $t {
            const ZERO: $t = 0;
            fn plus_product(self, a: $t, b: $t) -> $t {
                self.wrapping_add(a.wrapping_mul(b))
            }
        }
    )*};
}
integer!(i32 i64);
