//! Vector kernels: elementary functions, arithmetic, comparisons and reductions over slices.
//!
//! Free functions; the caller owns memory and parallelism, nothing allocates. Each takes the
//! instruction set to run on ([`Isa::best`] unless a test asks otherwise), an operation, and slices
//! of equal length. Inputs and output may be the same buffer through the `_raw` functions, or by
//! [`unary_in_place`].
//!
//! What holds: the elementary functions are within 2 ulp of the exact value, with IEEE special
//! values; an element's result does not depend on its place in the slice or the slice's length;
//! arithmetic, comparisons and reductions give the same bits on every instruction set.
//!
//! What it does not do: threads, broadcasting beyond a scalar operand, integers.

pub(crate) mod dispatch;
mod drive;
pub(crate) mod isa;
pub(crate) mod math;
pub(crate) mod real;
mod reduce;
pub(crate) mod value;

pub use dispatch::{Binary, Compare, Reduce, Unary};
pub use drive::Source;
pub use isa::Isa;
pub use real::Real;
pub use value::{Mask, Value};

/// An input of a safe kernel: a slice as long as the output, or one value for all elements.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// One value per element.
    Slice(&'a [T]),
    /// The same value for every element.
    Splat(T),
}

impl<T: Real> Operand<'_, T> {
    fn source(&self, n: usize) -> Source<T> {
        match *self {
            Operand::Slice(x) => {
                assert_eq!(x.len(), n, "kernel operands have different lengths");
                Source::Buffer(x.as_ptr())
            }
            Operand::Splat(v) => Source::Splat(v),
        }
    }
}

impl<'a, T> From<&'a [T]> for Operand<'a, T> {
    fn from(x: &'a [T]) -> Self {
        Operand::Slice(x)
    }
}

/// y\[i\] = op(x\[i\]).
///
/// ```
/// use riesz_cpu::simd::{Isa, Unary, unary};
/// let mut y = [0.0; 3];
/// unary(Isa::best(), Unary::Exp, &[0.0, f64::INFINITY, f64::NEG_INFINITY], &mut y);
/// assert_eq!(y, [1.0, f64::INFINITY, 0.0]);
/// ```
///
/// # Panics
/// If the lengths differ: a defect of the caller, never of a user's data. So for all functions here.
pub fn unary<T: Real>(isa: Isa, op: Unary, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "kernel operands have different lengths");
    // SAFETY: equal lengths; a shared and an exclusive slice do not overlap.
    unsafe { T::unary(isa, op, x.as_ptr(), y.as_mut_ptr(), y.len()) }
}

/// x\[i\] = op(x\[i\]).
pub fn unary_in_place<T: Real>(isa: Isa, op: Unary, x: &mut [T]) {
    let p = x.as_mut_ptr();
    // SAFETY: input and output are the same buffer, which the loops allow.
    unsafe { T::unary(isa, op, p, p, x.len()) }
}

/// [`unary`] on raw buffers, which may be the same.
///
/// # Safety
/// `x` is readable and `y` writable for `n` elements; they are equal or do not overlap.
#[inline]
pub unsafe fn unary_raw<T: Real>(isa: Isa, op: Unary, x: *const T, y: *mut T, n: usize) {
    // SAFETY: the caller's.
    unsafe { T::unary(isa, op, x, y, n) }
}

/// out\[i\] = op(x\[i\], y\[i\]).
///
/// ```
/// use riesz_cpu::simd::{Binary, Isa, Operand, binary};
/// let (x, mut out) = ([1.0f32, 2.0, 3.0], [0.0f32; 3]);
/// binary(Isa::best(), Binary::Mul, Operand::Slice(&x), Operand::Splat(0.5), &mut out);
/// assert_eq!(out, [0.5, 1.0, 1.5]);
/// ```
pub fn binary<T: Real>(isa: Isa, op: Binary, x: Operand<T>, y: Operand<T>, out: &mut [T]) {
    let n = out.len();
    // SAFETY: `source` checked the lengths; shared and exclusive slices do not overlap.
    unsafe { T::binary(isa, op, x.source(n), y.source(n), out.as_mut_ptr(), n) }
}

/// [`binary`] on raw buffers; an input may be the output.
///
/// # Safety
/// The buffers hold `n` elements; an input is the output or does not overlap it.
#[inline]
pub unsafe fn binary_raw<T: Real>(
    isa: Isa,
    op: Binary,
    x: Source<T>,
    y: Source<T>,
    out: *mut T,
    n: usize,
) {
    // SAFETY: the caller's.
    unsafe { T::binary(isa, op, x, y, out, n) }
}

/// out\[i\] = x\[i\] ⋈ y\[i\].
pub fn compare<T: Real>(isa: Isa, op: Compare, x: Operand<T>, y: Operand<T>, out: &mut [bool]) {
    let n = out.len();
    // SAFETY: `source` checked the lengths; shared and exclusive slices do not overlap.
    unsafe { T::compare(isa, op, x.source(n), y.source(n), out.as_mut_ptr(), n) }
}

/// [`compare`] on raw buffers.
///
/// # Safety
/// The buffers hold `n` elements, and `out` overlaps no input.
#[inline]
pub unsafe fn compare_raw<T: Real>(
    isa: Isa,
    op: Compare,
    x: Source<T>,
    y: Source<T>,
    out: *mut bool,
    n: usize,
) {
    // SAFETY: the caller's.
    unsafe { T::compare(isa, op, x, y, out, n) }
}

/// out\[i\] = mask\[i\] ? x\[i\] : y\[i\].
pub fn select<T: Real>(isa: Isa, mask: &[bool], x: Operand<T>, y: Operand<T>, out: &mut [T]) {
    let n = out.len();
    assert_eq!(mask.len(), n, "kernel operands have different lengths");
    // SAFETY: the lengths are checked; shared and exclusive slices do not overlap.
    unsafe { T::select(isa, mask.as_ptr(), x.source(n), y.source(n), out.as_mut_ptr(), n) }
}

/// [`select`] on raw buffers; `x` or `y` may be the output.
///
/// # Safety
/// The buffers hold `n` elements; `mask` holds `bool`s and does not overlap `out`; `x` and `y` each
/// are the output or do not overlap it.
#[inline]
pub unsafe fn select_raw<T: Real>(
    isa: Isa,
    mask: *const bool,
    x: Source<T>,
    y: Source<T>,
    out: *mut T,
    n: usize,
) {
    // SAFETY: the caller's.
    unsafe { T::select(isa, mask, x, y, out, n) }
}

/// Sum, maximum or minimum of a slice; see [`Reduce`] for NaN and empty slices.
///
/// The bits depend on neither the instruction set nor the address; sums are pairwise.
///
/// ```
/// use riesz_cpu::simd::{Isa, Reduce, reduce};
/// assert_eq!(reduce(Isa::best(), Reduce::Sum, &[1.0, 2.0, 3.5]), 6.5);
/// assert!(reduce(Isa::best(), Reduce::Max, &[1.0, f64::NAN]).is_nan());
/// ```
pub fn reduce<T: Real>(isa: Isa, op: Reduce, x: &[T]) -> T {
    // SAFETY: a slice is readable.
    unsafe { T::reduce(isa, op, x.as_ptr(), x.len()) }
}

/// Σ x\[i\]·y\[i\], summed as [`reduce`] does.
pub fn dot<T: Real>(isa: Isa, x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len(), "kernel operands have different lengths");
    // SAFETY: equal lengths.
    unsafe { T::dot(isa, x.as_ptr(), y.as_ptr(), x.len()) }
}
