//! The vectors of x86-64: 128 bits on every processor, 256 with AVX2, 512 with AVX-512.

use super::vector::Vector;
use std::arch::x86_64::*;

/// What is one instruction on every instruction set.
macro_rules! single_instructions {
    ($v:ident, $t:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident, $mul:ident, $div:ident,
     $max:ident) => {
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
        unsafe fn store(self, to: *mut $t) {
            // SAFETY: the caller's.
            unsafe { $store(to, self) }
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
        unsafe fn larger(self, b: $v) -> $v {
            // SAFETY: the caller's: the instruction set.
            unsafe { $max(self, b) }
        }
    };
}

/// Products and sums that are rounded once.
macro_rules! fused {
    ($v:ident, $fma:ident, $fnma:ident) => {
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
    };
}

/// What takes a detour where there are no masks for it: by way of memory, or of the bits of the sign.
macro_rules! by_lanes {
    ($v:ident, $t:ident, $lanes:literal, $splat:ident, $store:ident, $andnot:ident) => {
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
        unsafe fn magnitude(self) -> $v {
            // SAFETY: the caller's: the instruction set.
            unsafe { $andnot($splat(-0.0), self) }
        }
        #[inline(always)]
        unsafe fn most(self) -> $t {
            let mut lanes = [0.0; $lanes];
            // SAFETY: an array of all lanes.
            unsafe { $store(lanes.as_mut_ptr(), self) };
            lanes.into_iter().fold(lanes[0], |m, v| if v > m { v } else { m })
        }
    };
}

/// Of 128 bits, which every x86-64 processor has; products and sums are rounded apart.
macro_rules! sse2 {
    ($v:ident, $t:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
     $mul:ident, $div:ident, $max:ident, $andnot:ident, $movemask:ident, $cmp:ident) => {
        // Instructions that every processor of the target has are safe to use, but for their pointers.
        #[allow(unused_unsafe)]
        impl Vector for $v {
            single_instructions!($v, $t, $lanes, $splat, $load, $store, $mul, $div, $max);
            by_lanes!($v, $t, $lanes, $splat, $store, $andnot);
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

macro_rules! avx512 {
    ($v:ident, $t:ident, $mask:ident, $lanes:literal, $splat:ident, $load:ident, $load_first:ident,
     $store:ident, $store_first:ident, $fma:ident, $fnma:ident, $mul:ident, $div:ident, $max:ident, $abs:ident, $reduce:ident, $cmp:ident, $pick:ident, $number:ident,
     $permute:ident, $sum:ident) => {
        impl Vector for $v {
            single_instructions!($v, $t, $lanes, $splat, $load, $store, $mul, $div, $max);
            fused!($v, $fma, $fnma);
            #[inline(always)]
            unsafe fn sum(self) -> $t {
                // SAFETY: the caller's: the instruction set.
                unsafe { $sum(self) }
            }
            #[inline(always)]
            unsafe fn lane(self, l: usize) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $permute($number(l as _), self) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, n: usize) -> $v {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $load_first(((1u32 << n) - 1) as $mask, from) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $store_first(to, ((1u32 << n) - 1) as $mask, self) }
            }
            #[inline(always)]
            unsafe fn magnitude(self) -> $v {
                // SAFETY: the caller's: the instruction set.
                unsafe { $abs(self) }
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
    _mm512_mask_mov_pd,
    _mm512_set1_epi64,
    _mm512_permutexvar_pd,
    _mm512_reduce_add_pd
);
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
    _mm512_mask_mov_ps,
    _mm512_set1_epi32,
    _mm512_permutexvar_ps,
    _mm512_reduce_add_ps
);

macro_rules! avx2 {
    ($v:ident, $t:ident, $int:ident, $lanes:literal, $splat:ident, $load:ident, $load_first:ident,
     $store:ident, $fma:ident, $fnma:ident, $mul:ident, $div:ident, $max:ident, $andnot:ident, $movemask:ident, $cmp:ident, $pick:ident, $as_float:ident) => {
        impl Vector for $v {
            single_instructions!($v, $t, $lanes, $splat, $load, $store, $mul, $div, $max);
            fused!($v, $fma, $fnma);
            by_lanes!($v, $t, $lanes, $splat, $store, $andnot);
            #[inline(always)]
            unsafe fn load_first(from: *const $t, n: usize) -> $v {
                // SAFETY: the caller's: the mask has the first n lanes.
                unsafe { $load_first(from, first::<$int, { 2 * $lanes }, $lanes>(n)) }
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
#[inline(always)]
unsafe fn first<I: From<i8> + Copy, const TWICE: usize, const L: usize>(n: usize) -> __m256i {
    let mut list = [I::from(0); TWICE];
    for lane in list.iter_mut().take(L) {
        *lane = I::from(-1);
    }
    // SAFETY: L entries from L − n on are inside the list, since n ≤ L.
    unsafe { _mm256_loadu_si256(list.as_ptr().add(L - n).cast()) }
}

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
