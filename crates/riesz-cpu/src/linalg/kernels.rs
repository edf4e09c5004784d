//! Loops compiled per instruction set: matrix–vector products and small products.

// Kernels take bare pointers, strides and sizes; index loops are what the compiler vectorises best;
// the safety of the trait's methods is stated once, on the trait.
#![allow(
    clippy::too_many_arguments,
    clippy::needless_range_loop,
    clippy::missing_safety_doc,
    clippy::eq_op
)]

use crate::simd::Isa;
use crate::simd::dispatch::compiled;
use crate::simd::real::Real;
use crate::simd::value::{Arith, pick};

/// The loops of one type, by raw pointers. Sealed: implemented for f64 and f32 here.
///
/// # Safety
/// Pointers are valid for what each method says it reads and writes; outputs overlap no input.
pub trait Kernels: Sized {
    /// y\[i·ys\] = α·Σⱼ a\[i·lda + j\]·x\[j\] + β·y\[i·ys\] for i < m, j < n; y is not read if β = 0.
    unsafe fn rows_times(
        isa: Isa,
        m: usize,
        n: usize,
        alpha: Self,
        a: *const Self,
        lda: isize,
        x: *const Self,
        xs: isize,
        beta: Self,
        y: *mut Self,
        ys: isize,
    );
    /// y\[j\] = α·Σᵢ a\[i·lda + j\]·x\[i·xs\] + β·y\[j\] for i < m, j < n; y is not read if β = 0.
    unsafe fn columns_times(
        isa: Isa,
        m: usize,
        n: usize,
        alpha: Self,
        a: *const Self,
        lda: isize,
        x: *const Self,
        xs: isize,
        beta: Self,
        y: *mut Self,
    );
    /// C = α·A·B + β·C for m, n, k ≤ 16; strides are (row, column).
    unsafe fn small_product(
        isa: Isa,
        m: usize,
        n: usize,
        k: usize,
        alpha: Self,
        a: *const Self,
        sa: (isize, isize),
        b: *const Self,
        sb: (isize, isize),
        beta: Self,
        c: *mut Self,
        sc: (isize, isize),
    );
}

macro_rules! kernels {
    ($t:ident, $narrow:literal | $wide:literal) => {
        impl Kernels for $t {
            unsafe fn rows_times(
                isa: Isa, m: usize, n: usize, alpha: $t, a: *const $t, lda: isize, x: *const $t, xs: isize,
                beta: $t, y: *mut $t, ys: isize,
            ) {
                // Short rows pay for every lane that is added up at their end.
                if n < 64 {
                    compiled!(isa, rows_times::<$t, _, $narrow | $narrow>(
                        m: usize, n: usize, alpha: $t, a: *const $t, lda: isize, x: *const $t, xs: isize,
                        beta: $t, y: *mut $t, ys: isize))
                } else {
                    compiled!(isa, rows_times::<$t, _, $narrow | $wide>(
                        m: usize, n: usize, alpha: $t, a: *const $t, lda: isize, x: *const $t, xs: isize,
                        beta: $t, y: *mut $t, ys: isize))
                }
            }
            unsafe fn columns_times(
                isa: Isa, m: usize, n: usize, alpha: $t, a: *const $t, lda: isize, x: *const $t, xs: isize,
                beta: $t, y: *mut $t,
            ) {
                compiled!(isa, columns_times::<$t, _, $narrow | $wide>(
                    m: usize, n: usize, alpha: $t, a: *const $t, lda: isize, x: *const $t, xs: isize,
                    beta: $t, y: *mut $t))
            }
            unsafe fn small_product(
                isa: Isa, m: usize, n: usize, k: usize, alpha: $t, a: *const $t, sa: (isize, isize),
                b: *const $t, sb: (isize, isize), beta: $t, c: *mut $t, sc: (isize, isize),
            ) {
                compiled!(isa, small_product::<$t, _, 16>(
                    m: usize, n: usize, k: usize, alpha: $t, a: *const $t, sa: (isize, isize),
                    b: *const $t, sb: (isize, isize), beta: $t, c: *mut $t, sc: (isize, isize)))
            }
        }
    };
}

kernels!(f64, 8 | 16);
kernels!(f32, 16 | 16);

/// Four rows at a time, each with its own lanes; a last chunk shorter than L overlaps the one
/// before, with the entries already counted masked out.
#[inline(always)]
unsafe fn rows_times<T: Real, A: Arith, const L: usize>(
    m: usize,
    n: usize,
    alpha: T,
    a: *const T,
    lda: isize,
    x: *const T,
    xs: isize,
    beta: T,
    y: *mut T,
    ys: isize,
) {
    let zero = T::of(0.0);
    let mut mask = [zero; L];
    for (l, m) in mask.iter_mut().enumerate() {
        *m = if l + n % L >= L { T::of(1.0) } else { zero };
    }
    let mut i = 0;
    while i < m {
        let rows = if m - i >= 4 { 4 } else { 1 };
        let mut sums = [zero; 4];
        // SAFETY: rows i … i + rows are below m and columns below n, as the trait demands.
        unsafe {
            let first = a.offset(i as isize * lda);
            if xs != 1 || n < L {
                for (r, sum) in sums.iter_mut().enumerate().take(rows) {
                    let row = first.offset(r as isize * lda);
                    for j in 0..n {
                        *sum = A::fma(*row.add(j), *x.offset(j as isize * xs), *sum);
                    }
                }
            } else if rows == 4 {
                let pointers = row_pointers::<T, 4>(first, lda, 4);
                sums = dot_rows::<T, A, 4, L>(n, pointers, x, &mask);
            } else {
                sums[0] = dot_rows::<T, A, 1, L>(n, [first], x, &mask)[0];
            }
            for (r, sum) in sums.iter().enumerate().take(rows) {
                let y = y.offset((i + r) as isize * ys);
                *y = if beta == zero { alpha * *sum } else { A::fma(alpha, *sum, beta * *y) };
            }
        }
        i += rows;
    }
}

#[inline(always)]
unsafe fn dot_rows<T: Real, A: Arith, const R: usize, const L: usize>(
    n: usize,
    rows: [*const T; R],
    x: *const T,
    mask: &[T; L],
) -> [T; R] {
    let zero = T::of(0.0);
    let mut lanes = Lanes([[zero; L]; R]);
    let Lanes(lanes) = &mut lanes;
    let mut j = 0;
    while j + L <= n {
        // SAFETY: j + L ≤ n entries of x, and of each row below.
        let v = unsafe { x.add(j).cast::<[T; L]>().read() };
        for r in 0..R {
            // SAFETY: as for x.
            let row = unsafe { rows[r].add(j).cast::<[T; L]>().read() };
            for l in 0..L {
                lanes[r][l] = A::fma(row[l], v[l], lanes[r][l]);
            }
        }
        j += L;
    }
    if j < n {
        let start = n - L;
        // Both factors are masked: 0·∞ would be NaN. Masking the sum instead would store the lanes
        // under a mask, which the next load has to wait for.
        // SAFETY: n ≥ L (the caller checked), so the last L entries exist.
        let mut v = unsafe { x.add(start).cast::<[T; L]>().read() };
        for l in 0..L {
            v[l] = pick(mask[l] > zero, v[l], zero);
        }
        for r in 0..R {
            // SAFETY: as for x.
            let row = unsafe { rows[r].add(start).cast::<[T; L]>().read() };
            for l in 0..L {
                lanes[r][l] = A::fma(pick(mask[l] > zero, row[l], zero), v[l], lanes[r][l]);
            }
        }
    }
    fold_lanes(lanes)
}

/// Aligned, or every vector of lanes would straddle two cache lines on its way to `fold_lanes`.
#[repr(C, align(64))]
struct Lanes<T, const R: usize, const L: usize>([[T; L]; R]);

/// The sum of each row's lanes. Not inlined: beside the loop above, the compiler would vectorise that
/// loop by the shape of this reduction, four lanes wide.
#[inline(never)]
fn fold_lanes<T: Real, const R: usize, const L: usize>(lanes: &[[T; L]; R]) -> [T; R] {
    let zero = T::of(0.0);
    let mut sums = [zero; R];
    for r in 0..R {
        let mut quarters = [zero; 4];
        for c in 0..L / 4 {
            for l in 0..4 {
                quarters[l] = quarters[l] + lanes[r][4 * c + l];
            }
        }
        sums[r] = (quarters[0] + quarters[2]) + (quarters[1] + quarters[3]);
    }
    sums
}

/// y gathers eight rows in one pass, so that it is read and written n/8 times less than A.
#[inline(always)]
unsafe fn columns_times<T: Real, A: Arith, const L: usize>(
    m: usize,
    n: usize,
    alpha: T,
    a: *const T,
    lda: isize,
    x: *const T,
    xs: isize,
    beta: T,
    y: *mut T,
) {
    let zero = T::of(0.0);
    for j in 0..n {
        // SAFETY: j < n.
        unsafe { *y.add(j) = if beta == zero { zero } else { beta * *y.add(j) } };
    }
    let mut i = 0;
    while i < m {
        // SAFETY: rows i … below m, as the branches check; y overlaps no input.
        unsafe {
            let row = a.offset(i as isize * lda);
            let from = x.offset(i as isize * xs);
            if m - i >= 8 {
                add_rows::<T, A, 8>(n, row_pointers(row, lda, 8), weights(alpha, from, xs), y);
                i += 8;
            } else if m - i >= 2 {
                add_rows::<T, A, 2>(n, row_pointers(row, lda, 2), weights(alpha, from, xs), y);
                i += 2;
            } else {
                add_rows::<T, A, 1>(n, [row], weights(alpha, from, xs), y);
                i += 1;
            }
        }
    }
}

// Loops, not closures: a closure may be compiled as a call without the loop's instruction set.

/// The addresses of R rows; beyond `count` the last again.
#[inline(always)]
unsafe fn row_pointers<T, const R: usize>(
    first: *const T,
    lda: isize,
    count: usize,
) -> [*const T; R] {
    let mut rows = [first; R];
    for (r, row) in rows.iter_mut().enumerate() {
        // SAFETY: the caller's: `count` rows.
        *row = unsafe { first.offset(r.min(count - 1) as isize * lda) };
    }
    rows
}

/// α·x\[0\], α·x\[xs\], …
#[inline(always)]
unsafe fn weights<T: Real, const R: usize>(alpha: T, x: *const T, xs: isize) -> [T; R] {
    let mut weights = [alpha; R];
    for (r, w) in weights.iter_mut().enumerate() {
        // SAFETY: the caller's: R entries.
        *w = unsafe { alpha * *x.offset(r as isize * xs) };
    }
    weights
}

#[inline(always)]
unsafe fn add_rows<T: Real, A: Arith, const R: usize>(
    n: usize,
    rows: [*const T; R],
    weights: [T; R],
    y: *mut T,
) {
    for j in 0..n {
        // SAFETY: column j < n.
        unsafe {
            let mut sum = *y.add(j);
            for r in 0..R {
                sum = A::fma(*rows[r].add(j), weights[r], sum);
            }
            *y.add(j) = sum;
        }
    }
}

/// B is packed in rows of 4, 8 or 16; four rows of C are computed at a time, in registers.
#[inline(always)]
unsafe fn small_product<T: Real, A: Arith, const MAX: usize>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: *const T,
    sa: (isize, isize),
    b: *const T,
    sb: (isize, isize),
    beta: T,
    c: *mut T,
    sc: (isize, isize),
) {
    // SAFETY: the caller's.
    unsafe {
        if n <= 4 {
            small_rows::<T, A, 4>(m, n, k, alpha, a, sa, b, sb, beta, c, sc)
        } else if n <= 8 {
            small_rows::<T, A, 8>(m, n, k, alpha, a, sa, b, sb, beta, c, sc)
        } else {
            small_rows::<T, A, 16>(m, n, k, alpha, a, sa, b, sb, beta, c, sc)
        }
    }
}

#[inline(always)]
unsafe fn small_rows<T: Real, A: Arith, const W: usize>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: *const T,
    sa: (isize, isize),
    b: *const T,
    sb: (isize, isize),
    beta: T,
    c: *mut T,
    sc: (isize, isize),
) {
    let zero = T::of(0.0);
    let mut packed = [[zero; W]; 16];
    for (l, row) in packed.iter_mut().enumerate().take(k) {
        // SAFETY: l < k and j < n, as the trait demands.
        unsafe {
            let from = b.offset(l as isize * sb.0);
            if sb.1 == 1 && n == W {
                *row = from.cast::<[T; W]>().read();
            } else {
                for (j, v) in row.iter_mut().enumerate().take(n) {
                    *v = *from.offset(j as isize * sb.1);
                }
            }
        }
    }
    let mut i = 0;
    while i < m {
        let rows = (m - i).min(4);
        let mut sums = [[zero; W]; 4];
        // SAFETY: rows i … i + rows are at most m, l < k, j < n, as the trait demands.
        unsafe {
            let first = a.offset(i as isize * sa.0);
            // Rows beyond the last repeat it, so that the loop has one shape.
            let rows_of_a = row_pointers::<T, 4>(first, sa.0, rows);
            for (l, row) in packed.iter().enumerate().take(k) {
                for r in 0..4 {
                    let v = *rows_of_a[r].offset(l as isize * sa.1);
                    for j in 0..W {
                        sums[r][j] = A::fma(v, row[j], sums[r][j]);
                    }
                }
            }
            for (r, sum) in sums.iter_mut().enumerate().take(rows) {
                let to = c.offset((i + r) as isize * sc.0);
                for v in sum.iter_mut() {
                    *v = *v * alpha;
                }
                if sc.1 == 1 && n == W && beta == zero {
                    to.cast::<[T; W]>().write(*sum);
                } else {
                    for (j, v) in sum.iter().enumerate().take(n) {
                        let to = to.offset(j as isize * sc.1);
                        *to = if beta == zero { *v } else { A::fma(beta, *to, *v) };
                    }
                }
            }
        }
        i += 4;
    }
}
