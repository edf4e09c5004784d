//! Reductions of a slice: the same bits on every instruction set.
//!
//! A sum runs in `L` independent lanes (element i in lane i mod L), which are added in a fixed tree;
//! blocks of 4096 elements are then added pairwise, so the rounding error grows like log n
//! (Higham, "Accuracy and Stability of Numerical Algorithms", §4.2) and does not depend on the
//! width of the vectors. Products are rounded before they are added, on every instruction set.

use super::drive::chunk;
use super::math::basic;
use super::real::{Plain, Real};

const BLOCK: usize = 4096;

/// Σ term(j), lanes and pairs as the module says; `term(i, m)` gives elements i … i+m, padded with 0.
#[inline(always)]
fn pairwise<T: Real>(n: usize, block: impl Fn(usize, usize) -> T) -> T {
    // A binary counter of partial sums: `partial[b]` holds the sum of 2^b blocks when bit b of
    // `blocks` is set.
    let mut partial = [T::of(0.0); usize::BITS as usize];
    let mut blocks = 0usize;
    let mut start = 0;
    while start < n {
        let len = (n - start).min(BLOCK);
        let mut sum = block(start, len);
        let mut b = 0;
        while blocks & (1 << b) != 0 {
            sum = partial[b] + sum;
            b += 1;
        }
        partial[b] = sum;
        blocks += 1;
        start += len;
    }
    let mut sum = T::of(0.0);
    let mut first = true;
    for (b, p) in partial.iter().enumerate() {
        if blocks & (1 << b) != 0 {
            sum = if first { *p } else { *p + sum };
            first = false;
        }
    }
    sum
}

#[inline(always)]
fn tree<T: Real, const L: usize>(mut lanes: [T; L], f: impl Fn(T, T) -> T) -> T {
    let mut width = L;
    while width > 1 {
        width /= 2;
        for j in 0..width {
            lanes[j] = f(lanes[j], lanes[j + width]);
        }
    }
    lanes[0]
}

/// Σ x[i]; 0 for n = 0.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub unsafe fn sum<T: Real, const L: usize>(x: *const T, n: usize) -> T {
    pairwise(n, |start, len| {
        let mut lanes = [T::of(0.0); L];
        let mut i = 0;
        while i < len {
            let mut padded = [T::of(0.0); L];
            // SAFETY: start + i + m ≤ n.
            unsafe {
                let source = chunk(x.add(start + i), (len - i).min(L), &mut padded);
                for (j, lane) in lanes.iter_mut().enumerate() {
                    *lane = *lane + *source.add(j);
                }
            }
            i += L;
        }
        tree(lanes, |a, b| a + b)
    })
}

/// Σ x[i]·y[i]; 0 for n = 0.
///
/// # Safety
/// `x` and `y` are readable for `n` elements.
#[inline(always)]
pub unsafe fn dot<T: Real, const L: usize>(x: *const T, y: *const T, n: usize) -> T {
    pairwise(n, |start, len| {
        let mut lanes = [T::of(0.0); L];
        let mut i = 0;
        while i < len {
            let mut px = [T::of(0.0); L];
            let mut py = [T::of(0.0); L];
            let m = (len - i).min(L);
            // SAFETY: start + i + m ≤ n.
            unsafe {
                let sx = chunk(x.add(start + i), m, &mut px);
                let sy = chunk(y.add(start + i), m, &mut py);
                for (j, lane) in lanes.iter_mut().enumerate() {
                    *lane = *lane + *sx.add(j) * *sy.add(j);
                }
            }
            i += L;
        }
        tree(lanes, |a, b| a + b)
    })
}

/// max x[i] or min x[i], NaN if any is NaN; −∞ or ∞ for n = 0.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub unsafe fn extreme<T: Real, const L: usize>(x: *const T, n: usize, largest: bool) -> T {
    if largest {
        // SAFETY: the caller's.
        unsafe { fold::<T, L>(x, n, -T::INFINITY, basic::max::<T, Plain>) }
    } else {
        // SAFETY: the caller's.
        unsafe { fold::<T, L>(x, n, T::INFINITY, basic::min::<T, Plain>) }
    }
}

/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
unsafe fn fold<T: Real, const L: usize>(
    x: *const T,
    n: usize,
    start: T,
    f: impl Fn(T, T) -> T,
) -> T {
    let mut lanes = [start; L];
    let mut i = 0;
    while i < n {
        let mut padded = [start; L];
        // SAFETY: i + m ≤ n.
        unsafe {
            let source = chunk(x.add(i), (n - i).min(L), &mut padded);
            for (j, lane) in lanes.iter_mut().enumerate() {
                *lane = f(*lane, *source.add(j));
            }
        }
        i += L;
    }
    tree(lanes, f)
}
