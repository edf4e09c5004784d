//! Reductions of a slice: the same bits on every instruction set.
//!
//! A sum runs in `L` independent lanes (element i in lane i mod L), which are added in a fixed tree;
//! blocks of 4096 elements are then added pairwise, so the rounding error grows like log n
//! (Higham, "Accuracy and Stability of Numerical Algorithms", §4.2) and does not depend on the
//! width of the vectors. Products are rounded before they are added, on every instruction set.

use super::drive::{Zip, chunk};
use super::math::basic;
use super::real::Real;
use super::value::Plain;

const BLOCK: usize = 4096;

/// The sums of blocks, added pairwise.
///
/// A binary counter: `partial[b]` is the sum of 2^b blocks while bit b of `blocks` is set.
struct Pairwise<T> {
    partial: [T; usize::BITS as usize],
    blocks: usize,
}

impl<T: Real> Pairwise<T> {
    #[inline(always)]
    fn new() -> Self {
        Pairwise { partial: [T::of(0.0); usize::BITS as usize], blocks: 0 }
    }

    #[inline(always)]
    fn push(&mut self, mut sum: T) {
        let mut b = 0;
        while self.blocks & (1 << b) != 0 {
            sum = self.partial[b] + sum;
            b += 1;
        }
        self.partial[b] = sum;
        self.blocks += 1;
    }

    #[inline(always)]
    fn total(&self) -> T {
        let mut sum = T::of(0.0);
        let mut left = self.blocks;
        while left != 0 {
            let b = left.trailing_zeros() as usize;
            sum = self.partial[b] + sum;
            left &= left - 1;
        }
        sum
    }
}

#[inline(always)]
fn tree<T: Real, F: Zip<T, T>, const L: usize>(mut lanes: [T; L]) -> T {
    let mut width = L;
    while width > 1 {
        width /= 2;
        for j in 0..width {
            lanes[j] = F::call(lanes[j], lanes[j + width]);
        }
    }
    lanes[0]
}

struct Add;
impl<T: Real> Zip<T, T> for Add {
    #[inline(always)]
    fn call(x: T, y: T) -> T {
        x + y
    }
}
struct Max;
impl<T: Real> Zip<T, T> for Max {
    #[inline(always)]
    fn call(x: T, y: T) -> T {
        basic::max::<T, Plain>(x, y)
    }
}
struct Min;
impl<T: Real> Zip<T, T> for Min {
    #[inline(always)]
    fn call(x: T, y: T) -> T {
        basic::min::<T, Plain>(x, y)
    }
}

/// Σ x[i]; 0 for n = 0.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub unsafe fn sum<T: Real, const L: usize>(x: *const T, n: usize) -> T {
    let mut sums = Pairwise::new();
    let mut start = 0;
    while start < n {
        let len = (n - start).min(BLOCK);
        // SAFETY: start + len ≤ n.
        sums.push(unsafe { fold::<T, Add, L>(x.add(start), len, T::of(0.0)) });
        start += len;
    }
    sums.total()
}

/// Σ x[i]·y[i]; 0 for n = 0.
///
/// # Safety
/// `x` and `y` are readable for `n` elements.
#[inline(always)]
pub unsafe fn dot<T: Real, const L: usize>(x: *const T, y: *const T, n: usize) -> T {
    let mut sums = Pairwise::new();
    let mut start = 0;
    while start < n {
        let len = (n - start).min(BLOCK);
        let mut lanes = [T::of(0.0); L];
        let mut i = 0;
        while i < len {
            let (mut px, mut py) = ([T::of(0.0); L], [T::of(0.0); L]);
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
        sums.push(tree::<T, Add, L>(lanes));
        start += len;
    }
    sums.total()
}

/// max x[i] or min x[i], NaN if any is NaN; −∞ or ∞ for n = 0.
///
/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
pub unsafe fn extreme<T: Real, const L: usize>(x: *const T, n: usize, largest: bool) -> T {
    if largest {
        // SAFETY: the caller's.
        unsafe { fold::<T, Max, L>(x, n, -T::INFINITY) }
    } else {
        // SAFETY: the caller's.
        unsafe { fold::<T, Min, L>(x, n, T::INFINITY) }
    }
}

/// # Safety
/// `x` is readable for `n` elements.
#[inline(always)]
unsafe fn fold<T: Real, F: Zip<T, T>, const L: usize>(x: *const T, n: usize, start: T) -> T {
    let mut lanes = [start; L];
    let mut i = 0;
    while i < n {
        let mut padded = [start; L];
        // SAFETY: i + m ≤ n.
        unsafe {
            let source = chunk(x.add(i), (n - i).min(L), &mut padded);
            for (j, lane) in lanes.iter_mut().enumerate() {
                *lane = F::call(*lane, *source.add(j));
            }
        }
        i += L;
    }
    tree::<T, F, L>(lanes)
}
