//! Convolutions, as products of matrices that are never made.
//!
//! A row for each window of an image, a column for each kernel, a term for each element of a kernel: the
//! entry of a window and a term lies at the sum of an offset for each. The tiles of a product read their
//! first factor from just such offsets, so only the kernels are turned, a block of terms at a time. With too
//! few kernels to fill a vector, vectors lie along the windows, or along the terms.

use super::Scalar;
use super::scratch::{Scratch, room};
use super::tile::{Entries, Steps, Tiles};
use super::turn::turn;
use super::vector::{Registers, Vector, with_registers};
use crate::simd::{Isa, Value};
use std::ops::Range;

/// Offsets that are sums of two: of equal steps, and of an inner list.
#[derive(Clone, Debug)]
pub struct Offsets {
    /// How many steps.
    pub outer: usize,
    /// The step.
    pub step: i64,
    /// The inner list, run through for each step.
    pub inner: Vec<i64>,
}

impl Offsets {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.outer * self.inner.len()
    }

    /// How many follow each other from the first of the inner list on.
    fn run(&self) -> usize {
        run(&self.inner)
    }

    /// Those from number `first` on.
    fn write(&self, first: usize, to: &mut [i64]) {
        let n = self.inner.len();
        let (mut outer, mut inner) = (first / n, first % n);
        for to in to {
            *to = outer as i64 * self.step + self.inner[inner];
            inner += 1;
            if inner == n {
                (outer, inner) = (outer + 1, 0);
            }
        }
    }
}

/// How many offsets follow each other from the first on.
fn run(offsets: &[i64]) -> usize {
    let follow = offsets.windows(2).take_while(|pair| pair[1] == pair[0] + 1);
    offsets.len().min(1 + follow.count())
}

/// Offsets in a list.
#[derive(Clone, Copy)]
struct Listed(*const i64);

impl Steps for Listed {
    #[inline(always)]
    unsafe fn at(self, i: usize) -> isize {
        // SAFETY: the caller's: the list is as long as that side.
        unsafe { *self.0.add(i) as isize }
    }
}

/// The convolution of images with kernels that lie one after the other, term by term.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// Where windows begin: the images, and the positions in each.
    pub windows: Offsets,
    /// Where the terms lie from there: the channels, and the places of a kernel.
    pub terms: Offsets,
    /// How many kernels there are.
    pub kernels: usize,
}

/// Terms of a block.
const DEEP: usize = 256;
/// Kernels of a block.
const WIDE: usize = 128;
/// Windows of a piece, at least.
const WINDOWS: usize = 192;
/// Multiplications of a piece that has more.
const PIECE: usize = 1 << 18;
/// Fewer kernels than this are no vector.
const FEW: usize = 8;

/// What lies along a vector.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Kernels,
    Windows,
    Terms,
}

impl Convolution {
    fn way(&self) -> Way {
        if self.kernels >= FEW {
            Way::Kernels
        } else if self.windows.run() >= FEW {
            Way::Windows
        } else if self.terms.run() >= FEW {
            Way::Terms
        } else {
            Way::Kernels
        }
    }

    fn windows_of_a_piece(&self) -> usize {
        let each = self.terms.count() * self.kernels.clamp(1, WIDE);
        (PIECE / each.max(1)).clamp(WINDOWS, 8 * WINDOWS)
    }

    /// How many pieces there are.
    pub fn pieces(&self) -> usize {
        self.windows.count().div_ceil(self.windows_of_a_piece()) * self.kernels.div_ceil(WIDE)
    }

    /// Bytes of scratch for a piece.
    pub fn room<T>(&self) -> usize {
        let (windows, kernels) = (self.windows_of_a_piece(), self.kernels.min(WIDE));
        let lists = room::<i64>(windows) + room::<i64>(DEEP);
        lists + room::<T>(DEEP * kernels) + room::<T>(windows * kernels)
    }

    /// Computes a piece of the result: for each image, for each kernel, the positions.
    ///
    /// # Safety
    /// The offsets lie in the image at `x`, the kernels at `k`; all results are writable at `z` and overlap
    /// neither. `piece` is below the number of pieces.
    pub unsafe fn run_piece<T: Scalar>(
        &self,
        isa: Isa,
        piece: usize,
        (x, k, z): (*const T, *const T, *mut T),
        mut scratch: Scratch,
    ) {
        let blocks = self.kernels.div_ceil(WIDE);
        let part = |i: usize, each: usize, of: usize| i * each..((i + 1) * each).min(of);
        let windows = part(piece / blocks, self.windows_of_a_piece(), self.windows.count());
        let kernels = part(piece % blocks, WIDE, self.kernels);
        let (m, n, terms) = (windows.len(), kernels.len(), self.terms.count());
        let starts = scratch.indices(m);
        self.windows.write(windows.start, starts);
        let list = scratch.indices(DEEP);
        let turned = scratch.raw::<T>(DEEP * n);
        let sums = scratch.numbers::<T>(m * n);
        // SAFETY: the caller's: the kernels of the piece.
        let k = unsafe { k.add(kernels.start * terms) };
        let way = self.way();
        for first in (0..terms).step_by(DEEP) {
            let list = &mut list[..DEEP.min(terms - first)];
            self.terms.write(first, list);
            let block =
                Block { isa, x, k: k.wrapping_add(first), distance: terms, starts, terms: list };
            // SAFETY: the caller's: the offsets are those of the windows and terms of this block.
            unsafe {
                match way {
                    Way::Kernels => block.along_kernels(n, turned, sums),
                    Way::Windows => block.along_windows(n, sums),
                    Way::Terms => block.along_terms(n, sums),
                }
            }
        }
        // SAFETY: the caller's: the results of the piece.
        unsafe { self.spread(isa, windows, kernels, sums.as_ptr(), z) }
    }

    /// Puts sums, a row for each window, in their places.
    ///
    /// # Safety
    /// As for `run_piece`.
    unsafe fn spread<T: Registers>(
        &self,
        isa: Isa,
        windows: Range<usize>,
        kernels: Range<usize>,
        sums: *const T,
        z: *mut T,
    ) {
        let (positions, n) = (self.windows.inner.len(), kernels.len());
        let mut at = windows.start;
        while at < windows.end {
            let (image, position) = (at / positions, at % positions);
            let count = (positions - position).min(windows.end - at);
            // SAFETY: windows of one image, and the same positions of its results.
            unsafe {
                let from = sums.add((at - windows.start) * n);
                let to = z.add((image * self.kernels + kernels.start) * positions + position);
                turn(isa, count, n, from, n, to, positions);
            }
            at += count;
        }
    }
}

/// The windows and terms that are multiplied at a time.
struct Block<'a, T> {
    isa: Isa,
    x: *const T,
    k: *const T,
    /// From one kernel to the next.
    distance: usize,
    starts: &'a [i64],
    terms: &'a [i64],
}

impl<T: Scalar> Block<'_, T> {
    /// # Safety
    /// The entries are readable, and `turned` writable for each term of each of n kernels.
    unsafe fn along_kernels(&self, n: usize, turned: *mut T, sums: &mut [T]) {
        let (m, k, one) = (self.starts.len(), self.terms.len(), T::of(1.0));
        let (rows, columns) = (Listed(self.starts.as_ptr()), Listed(self.terms.as_ptr()));
        let a = Entries { at: self.x, rows, columns };
        // SAFETY: the caller's; there is a sum for each window and kernel.
        unsafe {
            turn(self.isa, n, k, self.k, self.distance, turned, n);
            let (b, ldb, c, ldc) = (turned, n as isize, sums.as_mut_ptr(), n as isize);
            Tiles { m, n, k, alpha: one, a, b, ldb, beta: one, c, ldc }.run(self.isa);
        }
    }

    /// # Safety
    /// As for `along_kernels`.
    unsafe fn along_windows(&self, n: usize, sums: &mut [T]) {
        let mut i = 0;
        while i < self.starts.len() {
            let count = run(&self.starts[i..]);
            for o in 0..n {
                // SAFETY: the caller's: windows that follow each other, and all terms of a kernel.
                let (x, k, sums) = unsafe {
                    let sums = sums.as_mut_ptr().add(i * n + o);
                    (self.x.offset(self.starts[i] as isize), self.k.add(o * self.distance), sums)
                };
                let (terms, isa) = (self.terms, self.isa);
                with_registers!(isa, filter::<T>(
                    x: *const T, k: *const T, terms: &[i64], sums: *mut T, count: usize, n: usize));
            }
            i += count;
        }
    }

    /// # Safety
    /// As for `along_kernels`.
    unsafe fn along_terms(&self, n: usize, sums: &mut [T]) {
        let mut l = 0;
        while l < self.terms.len() {
            let count = run(&self.terms[l..]);
            for (sums, start) in sums.chunks_exact_mut(n).zip(self.starts) {
                for (o, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: the caller's: terms that follow each other.
                    unsafe {
                        let x = self.x.offset((start + self.terms[l]) as isize);
                        *sum += T::dot(self.isa, x, self.k.add(o * self.distance + l), count);
                    }
                }
            }
            l += count;
        }
    }
}

/// sums\[i·n\] += Σ k\[l\]·x\[terms\[l\] + i\] for i below `count`.
///
/// # Safety
/// These are readable and writable.
#[inline(always)]
unsafe fn filter<V: Vector>(
    x: *const V::Number,
    k: *const V::Number,
    terms: &[i64],
    sums: *mut V::Number,
    count: usize,
    n: usize,
) {
    /// Vectors at a time.
    const N: usize = 4;
    let mut i = 0;
    while i < count {
        let left = (count - i).min(N * V::LANES);
        let lanes: [usize; N] =
            std::array::from_fn(|v| left.saturating_sub(v * V::LANES).min(V::LANES));
        // SAFETY: the lanes are those of windows below `count`.
        unsafe {
            let mut totals = [V::splat(V::Number::of(0.0)); N];
            for (l, &term) in terms.iter().enumerate() {
                let (weight, from) = (V::splat(*k.add(l)), x.offset(term as isize).add(i));
                for v in 0..N {
                    if lanes[v] > 0 {
                        let values = V::load_first(from.wrapping_add(v * V::LANES), lanes[v]);
                        totals[v] = weight.fma(values, totals[v]);
                    }
                }
            }
            for (v, total) in totals.into_iter().enumerate() {
                let mut out = [V::Number::of(0.0); 16];
                total.store_first(out.as_mut_ptr(), lanes[v]);
                for (j, out) in out.into_iter().enumerate().take(lanes[v]) {
                    let sum = sums.add((i + v * V::LANES + j) * n);
                    *sum = *sum + out;
                }
            }
        }
        i += left;
    }
}
