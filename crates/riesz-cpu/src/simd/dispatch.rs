//! From (instruction set, operation) to the compiled loop.
//!
//! Every loop is compiled three times, once per instruction set, from the same source: the bodies
//! below are `inline(always)` and generic over `Arith`, the functions with `#[target_feature]` only
//! call them.

use super::drive::{Map, Source, Zip, choose, map, map_plain, map_within, zip, zip_plain};
use super::isa::Isa;
use super::math::{basic, erf, exp, hyperbolic, inverse, large, log, pow, trig};
use super::real::Real;
use super::reduce;
use super::value::Arith;
use std::marker::PhantomData;

macro_rules! operations {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$item])* $variant,)* }

        impl $name {
            /// Every operation, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

operations! {
    /// A function of one number, applied to every element.
    Unary {
        /// −x
        Neg "neg",
        /// |x|
        Abs "abs",
        /// −1, 0, 1; ±0 and NaN stay
        Sign "sign",
        /// 1/x
        Recip "recip",
        /// x²
        Square "square",
        /// √x
        Sqrt "sqrt",
        /// e^x
        Exp "exp",
        /// 2^x
        Exp2 "exp2",
        /// e^x − 1
        Expm1 "expm1",
        /// ln x
        Log "log",
        /// log₂ x
        Log2 "log2",
        /// log₁₀ x
        Log10 "log10",
        /// ln(1 + x)
        Log1p "log1p",
        /// sin x (radians)
        Sin "sin",
        /// cos x (radians)
        Cos "cos",
        /// tan x (radians)
        Tan "tan",
        /// arc sine (radians)
        Asin "asin",
        /// arc cosine (radians)
        Acos "acos",
        /// arc tangent (radians)
        Atan "atan",
        /// hyperbolic sine
        Sinh "sinh",
        /// hyperbolic cosine
        Cosh "cosh",
        /// hyperbolic tangent
        Tanh "tanh",
        /// 1/(1 + e^(−x))
        Sigmoid "sigmoid",
        /// ln(1 + e^x)
        Softplus "softplus",
        /// the error function
        Erf "erf",
        /// the largest integer not above x
        Floor "floor",
        /// the smallest integer not below x
        Ceil "ceil",
        /// the nearest integer, ties to even
        Round "round",
        /// x without its fraction
        Trunc "trunc",
    }
}

operations! {
    /// A function of two numbers, applied element by element.
    Binary {
        /// x + y
        Add "add",
        /// x − y
        Sub "sub",
        /// x·y
        Mul "mul",
        /// x/y
        Div "div",
        /// the remainder of x/y, with the sign of x (C's fmod, Rust's `%`)
        Rem "rem",
        /// x^y
        Pow "pow",
        /// the larger one; NaN if either is
        Max "max",
        /// the smaller one; NaN if either is
        Min "min",
        /// the angle of (y, x): the first operand is the ordinate
        Atan2 "atan2",
        /// √(x² + y²)
        Hypot "hypot",
        /// x·y, and 0 where y is 0 even if x is infinite or NaN
        Scale "scale",
    }
}

operations! {
    /// A comparison, applied element by element; with NaN only `Ne` is true.
    Compare {
        /// x = y
        Eq "eq",
        /// x ≠ y
        Ne "ne",
        /// x < y
        Lt "lt",
        /// x ≤ y
        Le "le",
        /// x > y
        Gt "gt",
        /// x ≥ y
        Ge "ge",
    }
}

operations! {
    /// A reduction of a slice to one number.
    Reduce {
        /// Σ x; 0 for none
        Sum "sum",
        /// the largest; NaN if any is; −∞ for none
        Max "max",
        /// the smallest; NaN if any is; ∞ for none
        Min "min",
    }
}

/// The loops of one type, by raw pointers. Sealed: implemented for f64 and f32 here.
///
/// # Safety
/// In every method the buffers hold `n` elements; an input is the output or does not overlap it.
#[allow(missing_docs)]
pub trait Kernels: Sized {
    unsafe fn unary(isa: Isa, op: Unary, x: *const Self, y: *mut Self, n: usize);
    unsafe fn binary(
        isa: Isa,
        op: Binary,
        x: Source<Self>,
        y: Source<Self>,
        out: *mut Self,
        n: usize,
    );
    unsafe fn compare(
        isa: Isa,
        op: Compare,
        x: Source<Self>,
        y: Source<Self>,
        out: *mut bool,
        n: usize,
    );
    unsafe fn select(
        isa: Isa,
        mask: *const bool,
        x: Source<Self>,
        y: Source<Self>,
        out: *mut Self,
        n: usize,
    );
    unsafe fn reduce(isa: Isa, op: Reduce, x: *const Self, n: usize) -> Self;
    unsafe fn dot(isa: Isa, x: *const Self, y: *const Self, n: usize) -> Self;
}

/// One loop body, compiled per instruction set and chosen by `isa`; the numbers are its last constant
/// on processors without and with AVX-512.
macro_rules! compiled {
    ($isa:expr, $body:ident::<$t:ty, _, $lanes:literal>($($rest:tt)*) $(-> $ret:ty)?) => {
        $crate::simd::dispatch::compiled!($isa, $body::<$t, _, $lanes | $lanes>($($rest)*) $(-> $ret)?)
    };
    ($isa:expr, $body:ident::<$t:ty, _, $narrow:literal | $wide:literal>($($rest:tt)*) $(-> $ret:ty)?) => {
        $crate::simd::dispatch::compiled!(
            $isa,
            {
                $body::<$t, $crate::simd::value::Baseline, $narrow>,
                $body::<$t, $crate::simd::value::Fused, $narrow>,
                $body::<$t, $crate::simd::value::Fused, $wide>
            }($($rest)*) $(-> $ret)?
        )
    };
    ($isa:expr, {$body:expr}($($rest:tt)*) $(-> $ret:ty)?) => {
        $crate::simd::dispatch::compiled!($isa, {$body, $body, $body}($($rest)*) $(-> $ret)?)
    };
    ($isa:expr, {$baseline:expr, $avx2:expr, $avx512:expr}($($arg:ident: $ty:ty),* $(,)?)
     $(-> $ret:ty)?) => {{
        unsafe fn baseline($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's.
            unsafe { $baseline($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's.
            unsafe { $avx2($($arg),*) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl")]
        unsafe fn avx512($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's.
            unsafe { $avx512($($arg),*) }
        }
        // SAFETY: an `Isa` exists only for instructions this processor has; the rest is the caller's.
        unsafe {
            match $isa.level() {
                #[cfg(target_arch = "x86_64")]
                $crate::simd::isa::Level::Avx512 => avx512($($arg),*),
                #[cfg(target_arch = "x86_64")]
                $crate::simd::isa::Level::Avx2 => avx2($($arg),*),
                _ => baseline($($arg),*),
            }
        }
    }};
}
pub(crate) use compiled;

macro_rules! kernels {
    ($t:ident, $lanes:literal) => {
        impl Kernels for $t {
            unsafe fn unary(isa: Isa, op: Unary, x: *const $t, y: *mut $t, n: usize) {
                compiled!(isa, unary_body::<$t, _, $lanes>(op: Unary, x: *const $t, y: *mut $t, n: usize))
            }
            unsafe fn binary(
                isa: Isa,
                op: Binary,
                x: Source<$t>,
                y: Source<$t>,
                out: *mut $t,
                n: usize,
            ) {
                compiled!(isa, binary_body::<$t, _, $lanes>(
                    op: Binary, x: Source<$t>, y: Source<$t>, out: *mut $t, n: usize))
            }
            unsafe fn compare(
                isa: Isa,
                op: Compare,
                x: Source<$t>,
                y: Source<$t>,
                out: *mut bool,
                n: usize,
            ) {
                compiled!(isa, compare_body::<$t, _, $lanes>(
                    op: Compare, x: Source<$t>, y: Source<$t>, out: *mut bool, n: usize))
            }
            unsafe fn select(
                isa: Isa,
                mask: *const bool,
                x: Source<$t>,
                y: Source<$t>,
                out: *mut $t,
                n: usize,
            ) {
                compiled!(isa, select_body::<$t, _, $lanes>(
                    mask: *const bool, x: Source<$t>, y: Source<$t>, out: *mut $t, n: usize))
            }
            unsafe fn reduce(isa: Isa, op: Reduce, x: *const $t, n: usize) -> $t {
                compiled!(isa, reduce_body::<$t, _, $lanes>(op: Reduce, x: *const $t, n: usize) -> $t)
            }
            unsafe fn dot(isa: Isa, x: *const $t, y: *const $t, n: usize) -> $t {
                compiled!(isa, dot_body::<$t, _, $lanes>(x: *const $t, y: *const $t, n: usize) -> $t)
            }
        }
    };
}

kernels!(f64, 16);
kernels!(f32, 32);

#[inline(always)]
unsafe fn unary_body<T: Real, A: Arith, const L: usize>(
    op: Unary,
    x: *const T,
    y: *mut T,
    n: usize,
) {
    macro_rules! go {
        ($($f:ident)::+) => {{
            struct F<A>(PhantomData<A>);
            impl<T: Real, A: Arith> Map<T> for F<A> {
                #[inline(always)]
                fn call(x: T) -> T {
                    $($f)::+::<T, A>(x)
                }
            }
            // SAFETY: the caller's.
            unsafe { map::<T, F<A>, L>(x, y, n) }
        }};
        (plain $($f:ident)::+) => {{
            struct F<A>(PhantomData<A>);
            impl<T: Real, A: Arith> Map<T> for F<A> {
                #[inline(always)]
                fn call(x: T) -> T {
                    $($f)::+::<T, A>(x)
                }
            }
            // SAFETY: the caller's.
            unsafe { map_plain::<T, F<A>>(x, y, n) }
        }};
        ($($f:ident)::+, beyond $scalar:expr) => {{
            struct F<A>(PhantomData<A>);
            impl<T: Real, A: Arith> Map<T> for F<A> {
                #[inline(always)]
                fn call(x: T) -> T {
                    $($f)::+::<T, A>(x)
                }
            }
            // SAFETY: the caller's.
            unsafe { map_within::<T, F<A>, L>(x, y, n, T::TRIG_LIMIT, $scalar) }
        }};
    }
    match op {
        Unary::Neg => go!(plain basic::neg),
        Unary::Abs => go!(plain basic::abs),
        Unary::Sign => go!(plain basic::sign),
        Unary::Recip => go!(plain basic::recip),
        Unary::Square => go!(plain basic::square),
        Unary::Sqrt => go!(plain basic::sqrt),
        Unary::Exp => go!(exp::exp),
        Unary::Exp2 => go!(exp::exp2),
        Unary::Expm1 => go!(exp::expm1),
        Unary::Log => go!(log::log),
        Unary::Log2 => go!(log::log2),
        Unary::Log10 => go!(log::log10),
        Unary::Log1p => go!(log::log1p),
        Unary::Sin => go!(trig::sin, beyond large::sin),
        Unary::Cos => go!(trig::cos, beyond large::cos),
        Unary::Tan => go!(trig::tan, beyond large::tan),
        Unary::Asin => go!(inverse::asin),
        Unary::Acos => go!(inverse::acos),
        Unary::Atan => go!(inverse::atan),
        Unary::Sinh => go!(hyperbolic::sinh),
        Unary::Cosh => go!(hyperbolic::cosh),
        Unary::Tanh => go!(hyperbolic::tanh),
        Unary::Sigmoid => go!(exp::sigmoid),
        Unary::Softplus => go!(exp::softplus),
        Unary::Erf => go!(erf::erf),
        Unary::Floor => go!(plain basic::floor),
        Unary::Ceil => go!(plain basic::ceil),
        Unary::Round => go!(plain basic::round),
        Unary::Trunc => go!(plain basic::trunc),
    }
}

#[inline(always)]
unsafe fn binary_body<T: Real, A: Arith, const L: usize>(
    op: Binary,
    x: Source<T>,
    y: Source<T>,
    out: *mut T,
    n: usize,
) {
    macro_rules! go {
        (|$a:ident, $b:ident| $e:expr) => {{
            struct F<A>(PhantomData<A>);
            impl<T: Real, A: Arith> Zip<T, T> for F<A> {
                #[inline(always)]
                fn call($a: T, $b: T) -> T {
                    $e
                }
            }
            // SAFETY: the caller's.
            unsafe { zip::<T, T, F<A>, L>(x, y, out, n, T::of(0.0)) }
        }};
        (plain |$a:ident, $b:ident| $e:expr) => {{
            struct F<A>(PhantomData<A>);
            impl<T: Real, A: Arith> Zip<T, T> for F<A> {
                #[inline(always)]
                fn call($a: T, $b: T) -> T {
                    $e
                }
            }
            // SAFETY: the caller's.
            unsafe { zip_plain::<T, F<A>>(x, y, out, n) }
        }};
    }
    match op {
        Binary::Add => go!(plain | a, b | a + b),
        Binary::Sub => go!(plain | a, b | a - b),
        Binary::Mul => go!(plain | a, b | a * b),
        Binary::Div => go!(plain | a, b | a / b),
        Binary::Rem => go!(plain | a, b | a % b),
        Binary::Pow => go!(|a, b| pow::pow::<T, A>(a, b)),
        Binary::Max => go!(plain | a, b | basic::max::<T, A>(a, b)),
        Binary::Min => go!(plain | a, b | basic::min::<T, A>(a, b)),
        Binary::Atan2 => go!(|a, b| inverse::atan2::<T, A>(a, b)),
        Binary::Hypot => go!(|a, b| inverse::hypot::<T, A>(a, b)),
        Binary::Scale => go!(plain | a, b | basic::scale::<T, A>(a, b)),
    }
}

#[inline(always)]
unsafe fn compare_body<T: Real, A: Arith, const L: usize>(
    op: Compare,
    x: Source<T>,
    y: Source<T>,
    out: *mut bool,
    n: usize,
) {
    macro_rules! go {
        (|$a:ident, $b:ident| $e:expr) => {{
            struct F<A>(PhantomData<A>);
            impl<T: Real, A: Arith> Zip<T, bool> for F<A> {
                #[inline(always)]
                fn call($a: T, $b: T) -> bool {
                    $e
                }
            }
            // SAFETY: the caller's.
            unsafe { zip::<T, bool, F<A>, L>(x, y, out, n, false) }
        }};
    }
    match op {
        Compare::Eq => go!(|a, b| a == b),
        Compare::Ne => go!(|a, b| a != b),
        Compare::Lt => go!(|a, b| a < b),
        Compare::Le => go!(|a, b| a <= b),
        Compare::Gt => go!(|a, b| a > b),
        Compare::Ge => go!(|a, b| a >= b),
    }
}

#[inline(always)]
unsafe fn select_body<T: Real, A: Arith, const L: usize>(
    mask: *const bool,
    x: Source<T>,
    y: Source<T>,
    out: *mut T,
    n: usize,
) {
    // SAFETY: the caller's.
    unsafe { choose::<T, L>(mask, x, y, out, n) }
}

#[inline(always)]
unsafe fn reduce_body<T: Real, A: Arith, const L: usize>(op: Reduce, x: *const T, n: usize) -> T {
    // SAFETY: the caller's.
    unsafe {
        match op {
            Reduce::Sum => reduce::sum::<T, L>(x, n),
            Reduce::Max => reduce::extreme::<T, L>(x, n, true),
            Reduce::Min => reduce::extreme::<T, L>(x, n, false),
        }
    }
}

#[inline(always)]
unsafe fn dot_body<T: Real, A: Arith, const L: usize>(x: *const T, y: *const T, n: usize) -> T {
    // SAFETY: the caller's.
    unsafe { reduce::dot::<T, L>(x, y, n) }
}
