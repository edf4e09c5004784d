//! Transposes, by squares in registers, and copies of matrices whose rows may be columns.

use super::product::MatPtr;
use super::vector::Registers;
use crate::simd::Isa;
#[cfg(target_arch = "x86_64")]
use crate::simd::isa::Level;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Numbers whose squares are transposed in registers.
pub trait Squares: Copy {
    /// The order of the squares.
    #[cfg(target_arch = "x86_64")]
    const ORDER: usize;
    /// to\[j·ldt + i\] = from\[i·ldf + j\] for a square.
    ///
    /// # Safety
    /// The processor has AVX; the squares are readable and writable, and do not overlap.
    #[cfg(target_arch = "x86_64")]
    unsafe fn turn_square(from: *const Self, ldf: usize, to: *mut Self, ldt: usize);
    /// The same for four rows of a square.
    ///
    /// # Safety
    /// As for [`Squares::turn_square`].
    #[cfg(target_arch = "x86_64")]
    unsafe fn turn_four(from: *const Self, ldf: usize, to: *mut Self, ldt: usize);
}

impl Squares for f64 {
    #[cfg(target_arch = "x86_64")]
    const ORDER: usize = 4;
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn turn_square(from: *const f64, ldf: usize, to: *mut f64, ldt: usize) {
        // SAFETY: the caller's: four rows of four.
        unsafe {
            let a = _mm256_loadu_pd(from);
            let b = _mm256_loadu_pd(from.add(ldf));
            let c = _mm256_loadu_pd(from.add(2 * ldf));
            let d = _mm256_loadu_pd(from.add(3 * ldf));
            let (ab, ba) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (cd, dc) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            _mm256_storeu_pd(to, _mm256_permute2f128_pd::<0x20>(ab, cd));
            _mm256_storeu_pd(to.add(ldt), _mm256_permute2f128_pd::<0x20>(ba, dc));
            _mm256_storeu_pd(to.add(2 * ldt), _mm256_permute2f128_pd::<0x31>(ab, cd));
            _mm256_storeu_pd(to.add(3 * ldt), _mm256_permute2f128_pd::<0x31>(ba, dc));
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn turn_four(from: *const f64, ldf: usize, to: *mut f64, ldt: usize) {
        // SAFETY: the caller's: they are the square.
        unsafe { Self::turn_square(from, ldf, to, ldt) }
    }
}

impl Squares for f32 {
    #[cfg(target_arch = "x86_64")]
    const ORDER: usize = 8;
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn turn_square(from: *const f32, ldf: usize, to: *mut f32, ldt: usize) {
        // SAFETY: the caller's: eight rows of eight.
        unsafe {
            let mut rows = [_mm256_setzero_ps(); 8];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm256_loadu_ps(from.add(i * ldf));
            }
            // Pairs, then fours, then halves.
            let mut pairs = rows;
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = pairs;
            for i in 0..2 {
                let [a, b, c, d] = [0, 1, 2, 3].map(|k| 4 * i + k);
                fours[a] = _mm256_shuffle_ps::<0x44>(pairs[a], pairs[c]);
                fours[b] = _mm256_shuffle_ps::<0xee>(pairs[a], pairs[c]);
                fours[c] = _mm256_shuffle_ps::<0x44>(pairs[b], pairs[d]);
                fours[d] = _mm256_shuffle_ps::<0xee>(pairs[b], pairs[d]);
            }
            for i in 0..4 {
                let (low, high) = (fours[i], fours[i + 4]);
                _mm256_storeu_ps(to.add(i * ldt), _mm256_permute2f128_ps::<0x20>(low, high));
                _mm256_storeu_ps(to.add((i + 4) * ldt), _mm256_permute2f128_ps::<0x31>(low, high));
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn turn_four(from: *const f32, ldf: usize, to: *mut f32, ldt: usize) {
        // SAFETY: the caller's: four rows of eight.
        unsafe {
            let a = _mm256_loadu_ps(from);
            let b = _mm256_loadu_ps(from.add(ldf));
            let c = _mm256_loadu_ps(from.add(2 * ldf));
            let d = _mm256_loadu_ps(from.add(3 * ldf));
            let (ab, ba) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd, dc) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            // Columns j and j + 4 in the halves of each.
            let columns = [
                _mm256_shuffle_ps::<0x44>(ab, cd),
                _mm256_shuffle_ps::<0xee>(ab, cd),
                _mm256_shuffle_ps::<0x44>(ba, dc),
                _mm256_shuffle_ps::<0xee>(ba, dc),
            ];
            for (j, v) in columns.into_iter().enumerate() {
                _mm_storeu_ps(to.add(j * ldt), _mm256_castps256_ps128(v));
                _mm_storeu_ps(to.add((j + 4) * ldt), _mm256_extractf128_ps::<1>(v));
            }
        }
    }
}

/// Rows and columns that are turned together, so that the lines of the cache they lie in are used whole.
const BLOCK: usize = 32;

/// to\[j·ldt + i\] = from\[i·ldf + j\] for i < m, j < n.
///
/// # Safety
/// These are readable and writable, and do not overlap.
pub(super) unsafe fn turn<T: Registers>(
    isa: Isa,
    m: usize,
    n: usize,
    from: *const T,
    ldf: usize,
    to: *mut T,
    ldt: usize,
) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn avx2<T: Registers>(
        m: usize,
        n: usize,
        from: *const T,
        ldf: usize,
        to: *mut T,
        ldt: usize,
    ) {
        // SAFETY: the caller's.
        unsafe { by_squares(m, n, from, ldf, to, ldt) }
    }
    for i in (0..m).step_by(BLOCK) {
        for j in (0..n).step_by(BLOCK) {
            let (rows, columns) = (BLOCK.min(m - i), BLOCK.min(n - j));
            // SAFETY: rows below m and columns below n; an `Isa` exists only for instructions this
            // processor has.
            unsafe {
                let (from, to) = (from.add(i * ldf + j), to.add(j * ldt + i));
                match isa.level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 | Level::Avx2 => avx2(rows, columns, from, ldf, to, ldt),
                    _ => one_by_one(rows, columns, from, ldf, to, ldt),
                }
            }
        }
    }
}

/// # Safety
/// As for [`turn`], on a processor with AVX.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn by_squares<T: Registers>(
    m: usize,
    n: usize,
    from: *const T,
    ldf: usize,
    to: *mut T,
    ldt: usize,
) {
    let order = T::ORDER;
    let (whole_m, whole_n) = (m - m % order, n - n % order);
    // SAFETY: the caller's: squares inside m×n, then the columns right of them, then the rows below.
    unsafe {
        let mut i = 0;
        while i < whole_m {
            let mut j = 0;
            while j < whole_n {
                T::turn_square(from.add(i * ldf + j), ldf, to.add(j * ldt + i), ldt);
                j += order;
            }
            i += order;
        }
        if m - i >= 4 {
            for j in (0..whole_n).step_by(order) {
                T::turn_four(from.add(i * ldf + j), ldf, to.add(j * ldt + i), ldt);
            }
            i += 4;
        }
        // Where nothing is left, beyond the end.
        let (right, right_to) = (from.wrapping_add(whole_n), to.wrapping_add(whole_n * ldt));
        one_by_one(i, n - whole_n, right, ldf, right_to, ldt);
        one_by_one(m - i, n, from.wrapping_add(i * ldf), ldf, to.wrapping_add(i), ldt);
    }
}

/// # Safety
/// As for [`turn`].
#[inline(always)]
unsafe fn one_by_one<T: Copy>(
    m: usize,
    n: usize,
    from: *const T,
    ldf: usize,
    to: *mut T,
    ldt: usize,
) {
    for i in 0..m {
        for j in 0..n {
            // SAFETY: the caller's.
            unsafe { *to.add(j * ldt + i) = *from.add(i * ldf + j) };
        }
    }
}

/// A matrix row by row, with rows `ldt` apart at `to`.
///
/// # Safety
/// Its entries are readable, those at `to` writable, and they do not overlap.
pub(super) unsafe fn copy<T: Registers>(
    isa: Isa,
    (rows, columns): (usize, usize),
    from: MatPtr<*const T>,
    to: *mut T,
    ldt: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        if from.row == 1
            && let Ok(distance) = usize::try_from(from.col)
        {
            turn(isa, columns, rows, from.at, distance, to, ldt);
            return;
        }
        for i in 0..rows {
            let row = from.at.offset(i as isize * from.row);
            for j in 0..columns {
                *to.add(i * ldt + j) = *row.offset(j as isize * from.col);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Value;

    fn check<T: Registers + PartialEq>() {
        for isa in Isa::available() {
            for (m, n) in (1..20).flat_map(|m| (1..20).map(move |n| (m, n))) {
                // Gaps after the rows of both, in which nothing is read or written.
                let (ldf, ldt) = (n + 3, m + 2);
                let mut from = vec![<T as Value>::NAN; m * ldf];
                let mut to = vec![T::of(-1.0); n * ldt];
                for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    from[i * ldf + j] = T::of((100 * i + j) as f64);
                }
                // SAFETY: m rows and n rows, each with its gap.
                unsafe { turn(isa, m, n, from.as_ptr(), ldf, to.as_mut_ptr(), ldt) };
                for (at, &v) in to.iter().enumerate() {
                    let (j, i) = (at / ldt, at % ldt);
                    let expected = if i < m { (100 * i + j) as f64 } else { -1.0 };
                    assert!(v == T::of(expected), "entry {j}, {i} of {n}×{m} on {isa:?}");
                }
            }
        }
    }

    #[test]
    fn rows_become_columns() {
        check::<f64>();
        check::<f32>();
    }
}
