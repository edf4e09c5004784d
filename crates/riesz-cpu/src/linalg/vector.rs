//! Vectors as wide as a register, for kernels whose sums have to stay in registers.
//!
//! Elsewhere loops over arrays are left to the compiler. A product of matrices is worth being explicit:
//! whether a tile of sums is kept in registers decides between the processor's peak and a twentieth.

use crate::simd::Value;
use crate::simd::real::Real;
#[cfg(any(test, not(target_arch = "x86_64")))]
use crate::simd::value::{Arith, Baseline};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register full of numbers.
///
/// # Safety
/// For every method: the processor has the instruction set of the type, and pointers are valid for the
/// lanes that are read or written.
#[allow(clippy::missing_safety_doc)]
pub(super) trait Vector: Copy {
    /// What is in a lane.
    type Number: Real;
    /// How many lanes there are.
    const LANES: usize;
    /// The same number in every lane.
    unsafe fn splat(x: Self::Number) -> Self;
    /// All lanes.
    unsafe fn load(from: *const Self::Number) -> Self;
    /// The first `n` lanes, of all or fewer; the others are 0 and not read.
    unsafe fn load_first(from: *const Self::Number, n: usize) -> Self;
    /// Writes all lanes.
    unsafe fn store(self, to: *mut Self::Number);
    /// Writes the first `n` lanes, all or fewer.
    unsafe fn store_first(self, to: *mut Self::Number, n: usize);
    /// Asks for the line of the cache at an address.
    #[inline(always)]
    fn prefetch(at: *const Self::Number) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: every processor of the target has it; any address may be asked for.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(at.cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = at;
    }
    /// self·b + c
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    /// c − self·b
    unsafe fn fnma(self, b: Self, c: Self) -> Self;
    /// self·b
    unsafe fn mul(self, b: Self) -> Self;
    /// self/b
    unsafe fn div(self, b: Self) -> Self;
    /// |self|
    unsafe fn magnitude(self) -> Self;
    /// The sum of all lanes.
    #[inline(always)]
    unsafe fn sum(self) -> Self::Number {
        let mut lanes = [Self::Number::of(0.0); 16];
        // SAFETY: the caller's; no vector has more lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut sum = Self::Number::of(0.0);
        for v in &lanes[..Self::LANES] {
            sum = sum + *v;
        }
        sum
    }
    /// The larger of each lane; of `b` where either is NaN.
    unsafe fn larger(self, b: Self) -> Self;
    /// The largest lane; if one is NaN, any.
    unsafe fn most(self) -> Self::Number;
    /// The first `n` lanes, of all or fewer, of `b`, the others its own.
    unsafe fn but_first(self, n: usize, b: Self) -> Self;
    /// The first lane.
    #[inline(always)]
    unsafe fn first(self) -> Self::Number {
        let mut lanes = [Self::Number::of(0.0); 16];
        // SAFETY: the caller's; no vector has more lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes[0]
    }
    /// What is in lane `l`, in every lane.
    #[inline(always)]
    unsafe fn lane(self, l: usize) -> Self {
        let mut lanes = [Self::Number::of(0.0); 16];
        // SAFETY: the caller's; no vector has more lanes.
        unsafe {
            self.store(lanes.as_mut_ptr());
            Self::splat(lanes[l])
        }
    }
    /// The first lane equal to `x`, or at least `LANES` if none is.
    unsafe fn first_equal(self, x: Self) -> usize;
}

/// The first `lanes` numbers at an address. Whole vectors without a mask: what a masked instruction has
/// stored is not read again before it is in the cache.
///
/// # Safety
/// They are readable.
#[inline(always)]
pub(super) unsafe fn some<V: Vector>(at: *const V::Number, lanes: usize) -> V {
    // SAFETY: the caller's.
    unsafe { if lanes == V::LANES { V::load(at) } else { V::load_first(at, lanes) } }
}

/// The reverse of `some`.
///
/// # Safety
/// They are writable.
#[inline(always)]
pub(super) unsafe fn put<V: Vector>(v: V, at: *mut V::Number, lanes: usize) {
    // SAFETY: the caller's.
    unsafe { if lanes == V::LANES { v.store(at) } else { v.store_first(at, lanes) } }
}

/// 1/x, if to multiply by it is as good as to divide by x: the inverse of a subnormal number may be infinite
/// where the quotient is not, and that of a very large one is subnormal and has lost digits.
#[inline(always)]
pub(super) fn inverse<T: Real>(x: T) -> Option<T> {
    let inverse = T::of(1.0) / x;
    let size = inverse.magnitude();
    if size >= T::TINY && size < T::INFINITY { Some(inverse) } else { None }
}

/// Calls a function that is generic over vectors with those of an instruction set, compiled for it.
macro_rules! with_registers {
    ($isa:expr, $f:ident::<$t:ident $(, $c:literal | $wide:literal)*>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
        unsafe fn avx512<$t: $crate::linalg::vector::Registers>($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's.
            unsafe { $f::<$t::Avx512 $(, $wide)*>($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<$t: $crate::linalg::vector::Registers>($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's.
            unsafe { $f::<$t::Avx2 $(, $c)*>($($arg),*) }
        }
        // SAFETY: an `Isa` exists only for instructions this processor has; the rest is the caller's.
        unsafe {
            match $isa.level() {
                #[cfg(target_arch = "x86_64")]
                $crate::simd::isa::Level::Avx512 => avx512::<$t>($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::simd::isa::Level::Avx2 => avx2::<$t>($($arg),*),
                _ => $f::<$t::Baseline $(, $c)*>($($arg),*),
            }
        }
    }};
}
pub(super) use with_registers;

/// The vectors of a number type, one for each level of [`crate::simd::Isa`].
pub trait Registers: Real + super::turn::Squares {
    /// On every processor.
    #[allow(private_bounds)]
    type Baseline: Vector<Number = Self>;
    /// With AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    #[allow(private_bounds)]
    type Avx2: Vector<Number = Self>;
    /// With AVX-512.
    #[cfg(target_arch = "x86_64")]
    #[allow(private_bounds)]
    type Avx512: Vector<Number = Self>;
}

impl Registers for f64 {
    #[cfg(target_arch = "x86_64")]
    type Baseline = __m128d;
    #[cfg(not(target_arch = "x86_64"))]
    type Baseline = Lanes<f64, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = __m256d;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = __m512d;
}

impl Registers for f32 {
    #[cfg(target_arch = "x86_64")]
    type Baseline = __m128;
    #[cfg(not(target_arch = "x86_64"))]
    type Baseline = Lanes<f32, 8>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = __m256;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = __m512;
}

/// Numbers side by side, for the compiler to put in whatever registers the target has.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
pub struct Lanes<T, const L: usize>([T; L]);

#[cfg(any(test, not(target_arch = "x86_64")))]
impl<T: Real, const L: usize> Vector for Lanes<T, L> {
    type Number = T;
    const LANES: usize = L;
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Lanes([x; L])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's; an array may lie at any address its elements may.
        Lanes(unsafe { from.cast::<[T; L]>().read() })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const T, n: usize) -> Self {
        let mut lanes = [T::of(0.0); L];
        for (l, lane) in lanes.iter_mut().enumerate().take(n) {
            // SAFETY: the caller's: n lanes.
            *lane = unsafe { *from.add(l) };
        }
        Lanes(lanes)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[T; L]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut T, n: usize) {
        for (l, lane) in self.0.into_iter().enumerate().take(n) {
            // SAFETY: the caller's: n lanes.
            unsafe { *to.add(l) = lane };
        }
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, mut c: Self) -> Self {
        for l in 0..L {
            c.0[l] = Baseline::fma(self.0[l], b.0[l], c.0[l]);
        }
        c
    }
    #[inline(always)]
    unsafe fn fnma(self, b: Self, mut c: Self) -> Self {
        for l in 0..L {
            c.0[l] = Baseline::fma(-self.0[l], b.0[l], c.0[l]);
        }
        c
    }
    #[inline(always)]
    unsafe fn mul(mut self, b: Self) -> Self {
        for l in 0..L {
            self.0[l] = self.0[l] * b.0[l];
        }
        self
    }
    #[inline(always)]
    unsafe fn div(mut self, b: Self) -> Self {
        for l in 0..L {
            self.0[l] = self.0[l] / b.0[l];
        }
        self
    }
    #[inline(always)]
    unsafe fn magnitude(mut self) -> Self {
        for l in 0..L {
            self.0[l] = self.0[l].magnitude();
        }
        self
    }
    #[inline(always)]
    unsafe fn larger(mut self, b: Self) -> Self {
        for l in 0..L {
            self.0[l] = if self.0[l] > b.0[l] { self.0[l] } else { b.0[l] };
        }
        self
    }
    #[inline(always)]
    unsafe fn most(self) -> T {
        self.0.into_iter().fold(self.0[0], |m, v| if v > m { v } else { m })
    }
    #[inline(always)]
    unsafe fn but_first(mut self, n: usize, b: Self) -> Self {
        for l in 0..L {
            self.0[l] = if l < n { b.0[l] } else { self.0[l] };
        }
        self
    }
    #[inline(always)]
    unsafe fn first_equal(self, x: Self) -> usize {
        (0..L).find(|&l| self.0[l] == x.0[l]).unwrap_or(L)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Value};

    /// Every method, on the first `n` lanes where it takes a number.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn check<V: Vector>() {
        let of = |f: fn(usize) -> f64| -> Vec<V::Number> {
            (0..2 * V::LANES).map(|i| V::Number::of(f(i))).collect()
        };
        let (x, y, z) = (
            of(|i| (i as f64 * 1.7).sin() * 3.0),
            of(|i| 2.0 - (i as f64 * 0.9).cos() * 2.5),
            of(|i| i as f64 - 3.5),
        );
        // SAFETY: twice as many numbers as lanes; the instruction set is the caller's.
        unsafe {
            let out = |v: V| {
                let mut lanes = vec![V::Number::of(0.0); V::LANES];
                v.store(lanes.as_mut_ptr());
                lanes
            };
            let expect = |v: V, f: &dyn Fn(usize) -> f64| {
                for (i, lane) in out(v).into_iter().enumerate() {
                    let (lane, want) = (lane.wide(), f(i));
                    assert!((lane - want).abs() <= 1e-5 * want.abs(), "lane {i}: {lane} {want}");
                }
            };
            let (a, b, c) = (V::load(x.as_ptr()), V::load(y.as_ptr()), V::load(z.as_ptr()));
            let at = |v: &[V::Number], i: usize| v[i].wide();
            expect(V::splat(y[1]), &|_| at(&y, 1));
            expect(a.fma(b, c), &|i| at(&x, i) * at(&y, i) + at(&z, i));
            expect(a.fnma(b, c), &|i| at(&z, i) - at(&x, i) * at(&y, i));
            expect(a.mul(b), &|i| at(&x, i) * at(&y, i));
            expect(a.div(b), &|i| at(&x, i) / at(&y, i));
            expect(c.magnitude(), &|i| at(&z, i).abs());
            expect(a.larger(b), &|i| at(&x, i).max(at(&y, i)));
            let most = (0..V::LANES).map(|i| at(&x, i)).fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(a.most().wide(), most);
            let sum: f64 = (0..V::LANES).map(|i| at(&x, i)).sum();
            assert!((a.sum().wide() - sum).abs() < 1e-5);
            assert_eq!(a.first().wide(), at(&x, 0));
            for l in 0..V::LANES {
                expect(a.lane(l), &|_| at(&x, l));
            }
            for n in 0..=V::LANES {
                expect(V::load_first(x.as_ptr(), n), &|i| if i < n { at(&x, i) } else { 0.0 });
                expect(a.but_first(n, b), &|i| if i < n { at(&y, i) } else { at(&x, i) });
                let mut some = z.clone();
                a.store_first(some.as_mut_ptr(), n);
                let kept = |i: usize| if i < n { x[i] } else { z[i] };
                assert!((0..some.len()).all(|i| some[i] == kept(i)));
            }
            assert_eq!(c.first_equal(V::splat(z[V::LANES - 1])), V::LANES - 1);
            assert!(c.first_equal(V::splat(z[V::LANES])) >= V::LANES);
            V::prefetch(x.as_ptr());
        }
    }

    #[test]
    fn every_vector_does_what_its_lanes_do() {
        // SAFETY: the instruction sets are there.
        unsafe {
            check::<Lanes<f64, 4>>();
            check::<Lanes<f32, 8>>();
            check::<<f64 as Registers>::Baseline>();
            check::<<f32 as Registers>::Baseline>();
            #[cfg(target_arch = "x86_64")]
            for isa in Isa::available() {
                match isa.level() {
                    crate::simd::isa::Level::Avx512 => {
                        check::<<f64 as Registers>::Avx512>();
                        check::<<f32 as Registers>::Avx512>();
                    }
                    crate::simd::isa::Level::Avx2 => {
                        check::<<f64 as Registers>::Avx2>();
                        check::<<f32 as Registers>::Avx2>();
                    }
                    crate::simd::isa::Level::Baseline => {}
                }
            }
        }
    }
}
