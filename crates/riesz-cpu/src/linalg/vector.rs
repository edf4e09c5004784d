//! Vectors as wide as a register, for kernels whose sums have to stay in registers.
//!
//! Elsewhere loops over arrays are left to the compiler. A product of matrices is worth being explicit:
//! whether a tile of sums is kept in registers decides between the processor's peak and a twentieth.

use crate::simd::real::Real;
use crate::simd::value::Arith;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::marker::PhantomData;

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
    /// The larger of each lane; of `b` where either is NaN.
    unsafe fn larger(self, b: Self) -> Self;
    /// The largest lane; if one is NaN, any.
    unsafe fn most(self) -> Self::Number;
    /// The first `n` lanes, of all or fewer, of `b`, the others its own.
    unsafe fn but_first(self, n: usize, b: Self) -> Self;
    /// The first lane equal to `x`, or at least `LANES` if none is.
    unsafe fn first_equal(self, x: Self) -> usize;
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
    type Baseline = Lanes<f64, Plain, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = __m256d;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = __m512d;
}

impl Registers for f32 {
    #[cfg(target_arch = "x86_64")]
    type Baseline = __m128;
    #[cfg(not(target_arch = "x86_64"))]
    type Baseline = Lanes<f32, Plain, 8>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = __m256;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = __m512;
}

/// Numbers side by side, for the compiler to put in whatever registers the target has.
#[derive(Clone, Copy)]
pub struct Lanes<T, A, const L: usize>([T; L], PhantomData<A>);

impl<T: Real, A: Arith, const L: usize> Vector for Lanes<T, A, L> {
    type Number = T;
    const LANES: usize = L;
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Lanes([x; L], PhantomData)
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's; an array may lie at any address its elements may.
        Lanes(unsafe { from.cast::<[T; L]>().read() }, PhantomData)
    }
    #[inline(always)]
    unsafe fn load_first(from: *const T, n: usize) -> Self {
        let mut lanes = [T::of(0.0); L];
        for (l, lane) in lanes.iter_mut().enumerate().take(n) {
            // SAFETY: the caller's: n lanes.
            *lane = unsafe { *from.add(l) };
        }
        Lanes(lanes, PhantomData)
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
            c.0[l] = A::fma(self.0[l], b.0[l], c.0[l]);
        }
        c
    }
    #[inline(always)]
    unsafe fn fnma(self, b: Self, mut c: Self) -> Self {
        for l in 0..L {
            c.0[l] = A::fma(-self.0[l], b.0[l], c.0[l]);
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

/// Of 128 bits, which every x86-64 processor has; products and sums are rounded apart.
#[cfg(target_arch = "x86_64")]
macro_rules! sse2 {
    ($v:ident, $t:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
     $mul:ident, $div:ident, $max:ident, $andnot:ident, $movemask:ident, $cmp:ident) => {
        // Instructions that every processor of the target has are safe to use, but for their pointers.
        #[allow(unused_unsafe)]
        impl Vector for $v {
            type Number = $t;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: $t) -> $v {
                // SAFETY: part of the target.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> $v {
                // SAFETY: the caller's.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, n: usize) -> $v {
                let mut lanes = [0.0; $lanes];
                for (l, lane) in lanes.iter_mut().enumerate().take(n) {
                    // SAFETY: the caller's: n lanes.
                    *lane = unsafe { *from.add(l) };
                }
                // SAFETY: an array of all lanes.
                unsafe { $load(lanes.as_ptr()) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                let mut lanes = [0.0; $lanes];
                // SAFETY: the caller's: n lanes, of an array of all.
                unsafe {
                    $store(lanes.as_mut_ptr(), self);
                    std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, n);
                }
            }
            #[inline(always)]
            unsafe fn fma(self, b: $v, c: $v) -> $v {
                // SAFETY: part of the target.
                unsafe { $add($mul(self, b), c) }
            }
            #[inline(always)]
            unsafe fn fnma(self, b: $v, c: $v) -> $v {
                // SAFETY: part of the target.
                unsafe { $sub(c, $mul(self, b)) }
            }
            #[inline(always)]
            unsafe fn mul(self, b: $v) -> $v {
                // SAFETY: part of the target.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn div(self, b: $v) -> $v {
                // SAFETY: part of the target.
                unsafe { $div(self, b) }
            }
            #[inline(always)]
            unsafe fn magnitude(self) -> $v {
                // SAFETY: part of the target.
                unsafe { $andnot($splat(-0.0), self) }
            }
            #[inline(always)]
            unsafe fn larger(self, b: $v) -> $v {
                // SAFETY: part of the target.
                unsafe { $max(self, b) }
            }
            #[inline(always)]
            unsafe fn most(self) -> $t {
                let mut lanes = [0.0; $lanes];
                // SAFETY: an array of all lanes.
                unsafe { $store(lanes.as_mut_ptr(), self) };
                lanes.into_iter().fold(lanes[0], |m, v| if v > m { v } else { m })
            }
            #[inline(always)]
            unsafe fn but_first(self, n: usize, b: $v) -> $v {
                let (mut own, mut other) = ([0.0; $lanes], [0.0; $lanes]);
                // SAFETY: arrays of all lanes.
                unsafe {
                    $store(own.as_mut_ptr(), self);
                    $store(other.as_mut_ptr(), b);
                    own[..n].copy_from_slice(&other[..n]);
                    $load(own.as_ptr())
                }
            }
            #[inline(always)]
            unsafe fn first_equal(self, x: $v) -> usize {
                // SAFETY: part of the target.
                unsafe { $movemask($cmp(self, x)).trailing_zeros() as usize }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
sse2!(
    __m128d,
    f64,
    2,
    _mm_set1_pd,
    _mm_loadu_pd,
    _mm_storeu_pd,
    _mm_add_pd,
    _mm_sub_pd,
    _mm_mul_pd,
    _mm_div_pd,
    _mm_max_pd,
    _mm_andnot_pd,
    _mm_movemask_pd,
    _mm_cmpeq_pd
);
#[cfg(target_arch = "x86_64")]
sse2!(
    __m128,
    f32,
    4,
    _mm_set1_ps,
    _mm_loadu_ps,
    _mm_storeu_ps,
    _mm_add_ps,
    _mm_sub_ps,
    _mm_mul_ps,
    _mm_div_ps,
    _mm_max_ps,
    _mm_andnot_ps,
    _mm_movemask_ps,
    _mm_cmpeq_ps
);

#[cfg(target_arch = "x86_64")]
macro_rules! avx512 {
    ($v:ident, $t:ident, $mask:ident, $lanes:literal, $splat:ident, $load:ident, $load_first:ident,
     $store:ident, $store_first:ident, $fma:ident, $fnma:ident, $mul:ident, $div:ident, $max:ident, $abs:ident, $reduce:ident, $cmp:ident, $pick:ident) => {
        impl Vector for $v {
            type Number = $t;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: $t) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> $v {
                // SAFETY: the caller's.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, n: usize) -> $v {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $load_first(((1u32 << n) - 1) as $mask, from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $store_first(to, ((1u32 << n) - 1) as $mask, self) }
            }
            #[inline(always)]
            unsafe fn fma(self, b: $v, c: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $fma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn fnma(self, b: $v, c: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $fnma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn mul(self, b: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn div(self, b: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $div(self, b) }
            }
            #[inline(always)]
            unsafe fn magnitude(self) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $abs(self) }
            }
            #[inline(always)]
            unsafe fn larger(self, b: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $max(self, b) }
            }
            #[inline(always)]
            unsafe fn most(self) -> $t {
                // SAFETY: the caller's: the instruction set.
                unsafe { $reduce(self) }
            }
            #[inline(always)]
            unsafe fn but_first(self, n: usize, b: $v) -> $v {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $pick(self, ((1u32 << n) - 1) as $mask, b) }
            }
            #[inline(always)]
            unsafe fn first_equal(self, x: $v) -> usize {
                // SAFETY: the caller's: the instruction set.
                unsafe { $cmp::<_CMP_EQ_OQ>(self, x).trailing_zeros() as usize }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
avx512!(
    __m512d,
    f64,
    __mmask8,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_storeu_pd,
    _mm512_mask_storeu_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_max_pd,
    _mm512_abs_pd,
    _mm512_reduce_max_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_mov_pd
);
#[cfg(target_arch = "x86_64")]
avx512!(
    __m512,
    f32,
    __mmask16,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_storeu_ps,
    _mm512_mask_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_max_ps,
    _mm512_abs_ps,
    _mm512_reduce_max_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_mov_ps
);

#[cfg(target_arch = "x86_64")]
macro_rules! avx2 {
    ($v:ident, $t:ident, $int:ident, $lanes:literal, $splat:ident, $load:ident, $load_first:ident,
     $store:ident, $fma:ident, $fnma:ident, $mul:ident, $div:ident, $max:ident, $andnot:ident, $movemask:ident, $cmp:ident, $pick:ident, $as_float:ident) => {
        impl Vector for $v {
            type Number = $t;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: $t) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> $v {
                // SAFETY: the caller's.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, n: usize) -> $v {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $load_first(from, first::<$int, { 2 * $lanes }, $lanes>(n)) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                let mut lanes = [0.0; $lanes];
                // A masked store takes tens of cycles on some processors.
                // SAFETY: the caller's; the copy has n of the lanes.
                unsafe {
                    $store(lanes.as_mut_ptr(), self);
                    std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, n);
                }
            }
            #[inline(always)]
            unsafe fn fma(self, b: $v, c: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $fma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn fnma(self, b: $v, c: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $fnma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn mul(self, b: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn div(self, b: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $div(self, b) }
            }
            #[inline(always)]
            unsafe fn magnitude(self) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $andnot($splat(-0.0), self) }
            }
            #[inline(always)]
            unsafe fn larger(self, b: $v) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $max(self, b) }
            }
            #[inline(always)]
            unsafe fn most(self) -> $t {
                let mut lanes = [0.0; $lanes];
                // SAFETY: an array of all lanes.
                unsafe { $store(lanes.as_mut_ptr(), self) };
                lanes.into_iter().fold(lanes[0], |m, v| if v > m { v } else { m })
            }
            #[inline(always)]
            unsafe fn but_first(self, n: usize, b: $v) -> $v {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $pick(self, b, $as_float(first::<$int, { 2 * $lanes }, $lanes>(n))) }
            }
            #[inline(always)]
            unsafe fn first_equal(self, x: $v) -> usize {
                // SAFETY: the caller's: the instruction set.
                unsafe { $movemask($cmp::<_CMP_EQ_OQ>(self, x)).trailing_zeros() as usize }
            }
        }
    };
}

/// −1 in the first n of L lanes: a window of a list of −1 and then 0.
///
/// # Safety
/// The processor has AVX; L integers are 32 bytes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn first<I: From<i8> + Copy, const TWICE: usize, const L: usize>(n: usize) -> __m256i {
    let mut list = [I::from(0); TWICE];
    for lane in list.iter_mut().take(L) {
        *lane = I::from(-1);
    }
    // SAFETY: L entries from L − n on are inside the list, since n ≤ L.
    unsafe { _mm256_loadu_si256(list.as_ptr().add(L - n).cast()) }
}

#[cfg(target_arch = "x86_64")]
avx2!(
    __m256d,
    f64,
    i64,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_maskload_pd,
    _mm256_storeu_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_max_pd,
    _mm256_andnot_pd,
    _mm256_movemask_pd,
    _mm256_cmp_pd,
    _mm256_blendv_pd,
    _mm256_castsi256_pd
);
#[cfg(target_arch = "x86_64")]
avx2!(
    __m256,
    f32,
    i32,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_maskload_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_max_ps,
    _mm256_andnot_ps,
    _mm256_movemask_ps,
    _mm256_cmp_ps,
    _mm256_blendv_ps,
    _mm256_castsi256_ps
);
