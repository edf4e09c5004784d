//! Products of matrices of whole numbers.

use super::product::{Mat, MatMut, MatPtr};

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
    // SAFETY: the views were checked against their slices, and `c` is borrowed exclusively.
    unsafe { multiply_integers_raw((m, n, k), a.pointer(), b.pointer(), false, c.pointer()) }
}

/// [`multiply_integers`] on raw matrices, with `shape` = (rows of C, columns of C, columns of A); C is
/// added to if `accumulate`.
///
/// # Safety
/// As for [`super::multiply_raw`].
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
