//! The loops around the kernels: chunks of 128 bytes, results gathered in a local array.
//!
//! Each loop reads a whole chunk before it writes the chunk's results, so input and output may be
//! the *same* buffer (not partly overlapping ones), and the compiler can vectorise without asking
//! whether they alias. The last, short chunk goes through a padded copy and the same code, so the
//! value of an element never depends on its place in the slice.

use super::real::Real;

/// An input of a kernel: one value per element, or the same value for all.
#[derive(Clone, Copy, Debug)]
pub enum Source<T> {
    /// As many values as the kernel has elements, from this address on.
    Buffer(*const T),
    /// One value.
    Splat(T),
}

/// A function of one number as a type, so that `inline(always)` carries it into the loop: a closure or
/// `fn` item may be left as a call, compiled without the loop's instruction set.
pub trait Map<T> {
    /// The function.
    fn call(x: T) -> T;
}

/// A function of two numbers as a type.
pub trait Zip<T, U> {
    /// The function.
    fn call(x: T, y: T) -> U;
}

/// A chunk of results on its way to memory; aligned, or each vector written to it would straddle two
/// cache lines.
#[repr(C, align(64))]
struct Local<T, const L: usize>([T; L]);

/// y[i] = F(x[i]).
///
/// # Safety
/// `x` is readable and `y` writable for `n` elements; they are equal or do not overlap.
#[inline(always)]
pub unsafe fn map<T: Real, F: Map<T>, const L: usize>(x: *const T, y: *mut T, n: usize) {
    let mut i = 0;
    let mut padded = [T::of(1.0); L];
    while i < n {
        let m = (n - i).min(L);
        // SAFETY: i + m ≤ n, and `padded` has L ≥ m elements.
        unsafe {
            let source = chunk(x.add(i), m, &mut padded);
            let mut out = Local([T::of(0.0); L]);
            for (j, out) in out.0.iter_mut().enumerate() {
                *out = F::call(*source.add(j));
            }
            store(&out.0, y.add(i), m);
        }
        i += L;
    }
}

/// `map` for a function that is only right while |x| ≤ `limit`: the lanes beyond it (not NaN) are
/// computed again, one at a time, with `scalar`.
///
/// # Safety
/// As for `map`.
#[inline(always)]
pub unsafe fn map_within<T: Real, F: Map<T>, const L: usize>(
    x: *const T,
    y: *mut T,
    n: usize,
    limit: T,
    scalar: fn(f64) -> f64,
) {
    let mut i = 0;
    let mut padded = [T::of(1.0); L];
    while i < n {
        let m = (n - i).min(L);
        // SAFETY: i + m ≤ n, and `padded` has L ≥ m elements.
        unsafe {
            let source = chunk(x.add(i), m, &mut padded);
            let mut out = Local([T::of(0.0); L]);
            let mut beyond = false;
            for (j, out) in out.0.iter_mut().enumerate() {
                let v = *source.add(j);
                *out = F::call(v);
                beyond |= v.magnitude() > limit;
            }
            if beyond {
                for (j, out) in out.0.iter_mut().enumerate() {
                    let v = *source.add(j);
                    if v.magnitude() > limit {
                        *out = T::of(scalar(v.wide()));
                    }
                }
            }
            store(&out.0, y.add(i), m);
        }
        i += L;
    }
}

/// `map` for functions of a few instructions, for which the way through the local array would cost
/// more than the work: one plain loop in place, one for disjoint buffers, where the compiler's own
/// overlap test succeeds.
///
/// # Safety
/// As for `map`.
#[inline(always)]
pub unsafe fn map_plain<T: Real, F: Map<T>>(x: *const T, y: *mut T, n: usize) {
    // SAFETY: the caller's, for every i < n.
    unsafe {
        if x == y.cast_const() {
            for i in 0..n {
                *y.add(i) = F::call(*y.add(i));
            }
        } else {
            for i in 0..n {
                *y.add(i) = F::call(*x.add(i));
            }
        }
    }
}

/// `zip` for functions of a few instructions.
///
/// # Safety
/// As for `zip`.
#[inline(always)]
pub unsafe fn zip_plain<T: Real, F: Zip<T, T>>(x: Source<T>, y: Source<T>, out: *mut T, n: usize) {
    let o = out.cast_const();
    macro_rules! each {
        ($i:ident, $x:expr, $y:expr) => {
            for $i in 0..n {
                // SAFETY: the caller's, for every i < n.
                unsafe { *out.add($i) = F::call($x, $y) };
            }
        };
    }
    match (x, y) {
        (Source::Buffer(x), Source::Buffer(y)) => match (x == o, y == o) {
            (false, false) => each!(i, *x.add(i), *y.add(i)),
            (true, false) => each!(i, *out.add(i), *y.add(i)),
            (false, true) => each!(i, *x.add(i), *out.add(i)),
            (true, true) => each!(i, *out.add(i), *out.add(i)),
        },
        (Source::Buffer(x), Source::Splat(b)) if x == o => each!(i, *out.add(i), b),
        (Source::Buffer(x), Source::Splat(b)) => each!(i, *x.add(i), b),
        (Source::Splat(a), Source::Buffer(y)) if y == o => each!(i, a, *out.add(i)),
        (Source::Splat(a), Source::Buffer(y)) => each!(i, a, *y.add(i)),
        (Source::Splat(a), Source::Splat(b)) => each!(i, a, b),
    }
}

/// out[i] = F(x[i], y[i]), for any type of result.
///
/// # Safety
/// The buffers hold `n` elements; an input is the output or does not overlap it.
#[inline(always)]
pub unsafe fn zip<T: Real, U: Copy, F: Zip<T, U>, const L: usize>(
    x: Source<T>,
    y: Source<T>,
    out: *mut U,
    n: usize,
    zero: U,
) {
    let mut i = 0;
    let mut px = [splat_or_one(x); L];
    let mut py = [splat_or_one(y); L];
    while i < n {
        let m = (n - i).min(L);
        // SAFETY: i + m ≤ n, and the padding has L ≥ m elements.
        unsafe {
            let sx = operand(x, i, m, &mut px);
            let sy = operand(y, i, m, &mut py);
            let mut result = Local([zero; L]);
            for (j, r) in result.0.iter_mut().enumerate() {
                *r = F::call(*sx.add(j), *sy.add(j));
            }
            store(&result.0, out.add(i), m);
        }
        i += L;
    }
}

/// out[i] = mask[i] ? x[i] : y[i].
///
/// # Safety
/// As for `zip`, and `mask` is readable for `n` elements and does not overlap `out`.
#[inline(always)]
pub unsafe fn choose<T: Real, const L: usize>(
    mask: *const bool,
    x: Source<T>,
    y: Source<T>,
    out: *mut T,
    n: usize,
) {
    let mut i = 0;
    let mut px = [splat_or_one(x); L];
    let mut py = [splat_or_one(y); L];
    let mut pm = [false; L];
    while i < n {
        let m = (n - i).min(L);
        // SAFETY: i + m ≤ n, and the padding has L ≥ m elements.
        unsafe {
            let sx = operand(x, i, m, &mut px);
            let sy = operand(y, i, m, &mut py);
            let sm = chunk(mask.add(i), m, &mut pm);
            let mut result = Local([T::of(0.0); L]);
            for (j, r) in result.0.iter_mut().enumerate() {
                let (a, b) = (*sx.add(j), *sy.add(j));
                *r = if *sm.add(j) { a } else { b };
            }
            store(&result.0, out.add(i), m);
        }
        i += L;
    }
}

/// Where L elements can be read whose first m are those at `x`.
///
/// # Safety
/// `x` is readable for `m` ≤ L elements.
#[inline(always)]
pub unsafe fn chunk<T: Copy, const L: usize>(
    x: *const T,
    m: usize,
    padded: &mut [T; L],
) -> *const T {
    if m == L {
        return x;
    }
    // SAFETY: m < L; a local array overlaps nothing.
    unsafe { std::ptr::copy_nonoverlapping(x, padded.as_mut_ptr(), m) };
    padded.as_ptr()
}

#[inline(always)]
unsafe fn operand<T: Copy, const L: usize>(
    x: Source<T>,
    i: usize,
    m: usize,
    padded: &mut [T; L],
) -> *const T {
    match x {
        // SAFETY: the caller's: the buffer is readable for i + m elements.
        Source::Buffer(x) => unsafe { chunk(x.add(i), m, padded) },
        Source::Splat(_) => padded.as_ptr(),
    }
}

#[inline(always)]
fn splat_or_one<T: Real>(x: Source<T>) -> T {
    match x {
        Source::Buffer(_) => T::of(1.0),
        Source::Splat(v) => v,
    }
}

/// # Safety
/// `y` is writable for `m` ≤ L elements.
#[inline(always)]
unsafe fn store<T: Copy, const L: usize>(out: &[T; L], y: *mut T, m: usize) {
    // SAFETY: the caller's; `out` is a local array and overlaps nothing. The constant length of the
    // first copy lets it become vector stores.
    unsafe {
        if m == L {
            std::ptr::copy_nonoverlapping(out.as_ptr(), y, L);
        } else {
            std::ptr::copy_nonoverlapping(out.as_ptr(), y, m);
        }
    }
}
