//! Products of dense matrices with any strides: transposed operands need no copy.

use super::packed::{Blocks, multiply_packed};
use super::scratch::Scratch;
use super::thin::{is_thin, multiply_thin};
use super::vector::Registers;
use super::{Kernels, Scalar};
use crate::simd::Isa;

/// A matrix in a slice: entry (i, j) at `i·row_stride + j·col_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T> {
    data: &'a [T],
    pub(super) rows: usize,
    pub(super) cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A matrix in a slice that is written to.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    pub(super) rows: usize,
    pub(super) cols: usize,
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

    pub(super) fn pointer(&self) -> MatPtr<*const T> {
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

    pub(super) fn pointer(&mut self) -> MatPtr<*mut T> {
        MatPtr {
            at: self.data.as_mut_ptr(),
            row: self.row_stride as isize,
            col: self.col_stride as isize,
        }
    }
}

/// The strides of a matrix, in elements, from row to row and from column to column.
pub type Strides = (isize, isize);

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

impl<P> MatPtr<P> {
    fn new(at: P, (row, col): Strides) -> MatPtr<P> {
        MatPtr { at, row, col }
    }

    /// The transpose.
    fn t(self) -> MatPtr<P> {
        MatPtr { at: self.at, row: self.col, col: self.row }
    }
}

/// C = α·A·B + β·C; C is not read if β = 0.
///
/// ```
/// use riesz_cpu::linalg::{Mat, MatMut, Workspace, multiply, multiply_room};
/// use riesz_cpu::simd::Isa;
/// let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3
/// let mut c = [0.0; 4];
/// let a = Mat::row_major(&a, 2, 3);
/// let mut to = MatMut::row_major(&mut c, 2, 2);
/// let mut workspace = Workspace::default();
/// let scratch = workspace.scratch(multiply_room(a, a.t(), &to));
/// multiply(Isa::best(), 1.0, a, a.t(), 0.0, &mut to, scratch);
/// assert_eq!(c, [14.0, 32.0, 32.0, 77.0]);
/// ```
///
/// # Panics
/// If the shapes do not fit, or there is too little scratch: a defect of the caller.
pub fn multiply<T: Scalar>(
    isa: Isa,
    alpha: T,
    a: Mat<T>,
    b: Mat<T>,
    beta: T,
    c: &mut MatMut<T>,
    scratch: Scratch,
) {
    let (m, n, k) = (c.rows, c.cols, a.cols);
    assert!(a.rows == m && b.cols == n && b.rows == k, "product of matrices that do not fit");
    // SAFETY: the views were checked against their slices, and `c` is borrowed exclusively.
    unsafe {
        multiply_raw(isa, (m, n, k), alpha, a.pointer(), b.pointer(), beta, c.pointer(), scratch)
    }
}

/// Bytes of scratch that [`multiply`] uses.
pub fn multiply_room<T>(a: Mat<T>, b: Mat<T>, c: &MatMut<T>) -> usize {
    let strides = |x: &Mat<T>| (x.row_stride as isize, x.col_stride as isize);
    let (shape, to) = ((c.rows, c.cols, a.cols), (c.row_stride as isize, c.col_stride as isize));
    multiply_raw_room(size_of::<T>(), shape, strides(&a), strides(&b), to)
}

/// Bytes of scratch that [`multiply_raw`] uses, for elements of `size` bytes and these strides; no more for
/// fewer rows, columns or terms.
pub fn multiply_raw_room(
    size: usize,
    shape: (usize, usize, usize),
    a: Strides,
    b: Strides,
    c: Strides,
) -> usize {
    let [a, b, c] = [a, b, c].map(|strides| MatPtr::new((), strides));
    let is_small = shape.0.max(shape.1).max(shape.2) <= SMALL;
    match Facing::new(shape, a, b, c) {
        _ if is_small || shape.0.min(shape.1).min(shape.2) == 0 => 0,
        facing if facing.is_thin() => 0,
        Facing { shape, b, .. } => Blocks::room(size, shape, (b.row, b.col)),
    }
}

/// The most rows, columns and terms of products that are computed in one piece.
const SMALL: usize = 16;

/// A product, or that of the transposes Cᵀ = Bᵀ·Aᵀ: whichever has rows of its result in one piece, as
/// vectors lie along these.
struct Facing<P, Q> {
    shape: (usize, usize, usize),
    a: MatPtr<P>,
    b: MatPtr<P>,
    c: MatPtr<Q>,
}

impl<P, Q> Facing<P, Q> {
    fn new(
        (m, n, k): (usize, usize, usize),
        a: MatPtr<P>,
        b: MatPtr<P>,
        c: MatPtr<Q>,
    ) -> Facing<P, Q> {
        if c.col == 1 || c.row != 1 && m != 1 {
            Facing { shape: (m, n, k), a, b, c }
        } else {
            Facing { shape: (n, m, k), a: b.t(), b: a.t(), c: c.t() }
        }
    }

    /// Whether no factor is copied.
    fn is_thin(&self) -> bool {
        let contiguous = self.c.col == 1 || self.shape.1 == 1;
        contiguous && is_thin(self.shape, (self.b.row, self.b.col))
    }
}

/// [`multiply`] on raw matrices, with `shape` = (rows of C, columns of C, columns of A).
///
/// # Safety
/// Every entry of A and B is readable, every entry of C writable (and readable if β ≠ 0), and C
/// overlaps neither A nor B nor itself.
///
/// # Panics
/// If there is less scratch than [`multiply_raw_room`] says.
#[allow(clippy::too_many_arguments)]
pub unsafe fn multiply_raw<T: Scalar>(
    isa: Isa,
    shape: (usize, usize, usize),
    alpha: T,
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    beta: T,
    c: MatPtr<*mut T>,
    scratch: Scratch,
) {
    let (m, n, k) = shape;
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        // SAFETY: the caller's.
        return unsafe { scale((m, n), beta, c) };
    }
    if n == 1 {
        // SAFETY: the caller's: the same entries, named by A, b and c.
        if unsafe { times_vector(isa, m, k, alpha, a, b.at, b.row, beta, c.at, c.row) } {
            return;
        }
    }
    if m == 1 {
        let turned = b.t();
        // SAFETY: the caller's: cᵀ = Bᵀ·aᵀ has the same entries.
        if unsafe { times_vector(isa, n, k, alpha, turned, a.at, a.col, beta, c.at, c.col) } {
            return;
        }
    }
    if m.max(n).max(k) <= SMALL {
        // A column-major result is a row-major one of the transposed product.
        let (sa, sb, sc) = ((a.row, a.col), (b.row, b.col), (c.row, c.col));
        // SAFETY: the caller's; no dimension is above that.
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
    let facing = Facing::new(shape, a, b, c);
    let thin = facing.is_thin();
    let Facing { shape, a, b, c } = facing;
    // SAFETY: the caller's: the same entries, or those of the transposes.
    unsafe {
        if thin {
            multiply_thin(isa, shape, alpha, a, b, beta, (c.at, c.row));
        } else {
            multiply_packed(isa, shape, alpha, a, b, beta, c, scratch);
        }
    }
}

/// C = β·C; C is not read if β = 0.
///
/// # Safety
/// As for [`multiply_raw`].
unsafe fn scale<T: Registers>((m, n): (usize, usize), beta: T, c: MatPtr<*mut T>) {
    for i in 0..m as isize {
        for j in 0..n as isize {
            // SAFETY: the caller's.
            unsafe {
                let to = c.at.offset(i * c.row + j * c.col);
                *to = if beta == T::of(0.0) { T::of(0.0) } else { beta * *to };
            }
        }
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
