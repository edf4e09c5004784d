//! One instruction over a tile.

use crate::nest::{Inst, Op, Special};
use crate::simd::{self, Isa, Real, Source};
use crate::types::by_type;
use riesz_core::primitive::compare::Compare;
use riesz_core::primitive::logical::Logical;
use riesz_core::primitive::reduce::Reduction;
use riesz_core::primitive::{IntegerPower, Polygamma, Primitive, Sinc, binary};
use riesz_core::{DType, Element, Tensor};

/// A value of a tile: its elements, or (stride 0) one for all lanes.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The first element.
    pub at: *mut u8,
    /// 1, or 0 for one element.
    pub stride: isize,
    /// The element type.
    pub ty: DType,
}

impl Default for Value {
    fn default() -> Value {
        Value { at: std::ptr::null_mut(), stride: 0, ty: DType::Bool }
    }
}

impl Value {
    /// # Safety
    /// The value has elements of type `T`.
    unsafe fn source<T: Copy>(&self) -> Source<T> {
        match self.stride {
            // SAFETY: the caller's.
            0 => Source::Splat(unsafe { *self.at.cast::<T>() }),
            _ => Source::Buffer(self.at.cast::<T>()),
        }
    }

    /// # Safety
    /// The value has elements of type `T`, more than `i` unless it has one for all lanes.
    unsafe fn get<T: Copy>(&self, i: usize) -> T {
        // SAFETY: the caller's.
        unsafe { *self.at.cast::<T>().offset(i as isize * self.stride) }
    }
}

/// An instruction with its kernel looked up.
#[derive(Clone, Debug)]
pub struct Prepared {
    op: Op,
    ty: DType,
    /// The element type of the first argument.
    of: DType,
    unary: Option<simd::Unary>,
    binary: Option<simd::Binary>,
}

impl Prepared {
    /// Prepares an instruction of a body.
    pub fn new(inst: &Inst, body: &[Inst]) -> Prepared {
        let of = inst.op.arguments().first().map_or(inst.ty, |&a| body[a as usize].ty);
        let unary = match inst.op {
            Op::Unary(f, _) => simd::Unary::ALL.iter().copied().find(|u| u.name() == f.row().name),
            _ => None,
        };
        let binary = match inst.op {
            Op::Binary(f, ..) => {
                simd::Binary::ALL.iter().copied().find(|b| b.name() == f.row().name)
            }
            Op::Scale(..) => Some(simd::Binary::Scale),
            _ => None,
        };
        Prepared { op: inst.op.clone(), ty: inst.ty, of, unary, binary }
    }

    /// Computes `n` elements into `to`; false where an integer has no result.
    ///
    /// # Safety
    /// `values` has the arguments, with `n` elements each, and `to` is writable for `n` elements and
    /// overlaps none of them.
    pub unsafe fn run(&self, isa: Isa, values: &[Value], to: *mut u8, n: usize) -> bool {
        // SAFETY: the caller's; the types were checked when the nest was verified.
        unsafe {
            match self.of {
                DType::F32 => self.floats::<f32>(isa, values, to, n),
                DType::F64 => self.floats::<f64>(isa, values, to, n),
                DType::I32 => self.integers::<i32>(values, to, n),
                DType::I64 => self.integers::<i64>(values, to, n),
                DType::Bool => self.truths(values, to, n),
            }
        }
    }

    /// # Safety
    /// As for `run`, with first arguments of type `T`.
    unsafe fn floats<T: Real + Element + Number>(
        &self,
        isa: Isa,
        values: &[Value],
        to: *mut u8,
        n: usize,
    ) -> bool {
        let v = |r: u32| &values[r as usize];
        let out = to.cast::<T>();
        // SAFETY: the caller's.
        unsafe {
            match (&self.op, self.unary, self.binary) {
                (Op::Unary(_, a), Some(f), _) => match v(*a).source::<T>() {
                    Source::Buffer(x) => simd::unary_raw(isa, f, x, out, n),
                    Source::Splat(x) => simd::unary_raw(isa, f, &x, out, 1),
                },
                (Op::Unary(f, a), None, _) => {
                    let f = f.row().value;
                    each(out, n, |i| T::of(f(v(*a).get::<T>(i).wide())));
                }
                (Op::Binary(_, a, b) | Op::Scale(a, b), _, Some(f)) => {
                    simd::binary_raw(isa, f, v(*a).source::<T>(), v(*b).source::<T>(), out, n);
                }
                (Op::Binary(f, a, b), _, None) => {
                    let f = f.row().value;
                    let at = |i| (v(*a).get::<T>(i).wide(), v(*b).get::<T>(i).wide());
                    each(out, n, |i| T::of(f(at(i).0, at(i).1)));
                }
                (Op::Fma(a, b, c), ..) => {
                    use simd::Binary::{Add, Mul};
                    simd::binary_raw(isa, Mul, v(*a).source::<T>(), v(*b).source::<T>(), out, n);
                    simd::binary_raw(isa, Add, Source::Buffer(out), v(*c).source::<T>(), out, n);
                }
                (Op::Compare(f, a, b), ..) => {
                    let (x, y) = (v(*a).source::<T>(), v(*b).source::<T>());
                    simd::compare_raw(isa, comparison(*f), x, y, to.cast::<bool>(), n);
                }
                (Op::Power(p, a), ..) => {
                    return self.reference(IntegerPower { n: *p }, v(*a), to, n);
                }
                (Op::Special(Special::Polygamma(order), a), ..) => {
                    return self.reference(Polygamma { n: *order }, v(*a), to, n);
                }
                (Op::Special(Special::Sinc(order), a), ..) => {
                    return self.reference(Sinc { order: *order }, v(*a), to, n);
                }
                (Op::Cast(a), ..) => T::cast(v(*a), self.ty, to, n),
                (Op::Const(bits), ..) => {
                    self.constant(*bits, to);
                }
                _ => return false,
            }
        }
        true
    }

    /// # Safety
    /// As for `run`, with first arguments of type `T`.
    unsafe fn integers<T: Element + Number + Ord>(
        &self,
        values: &[Value],
        to: *mut u8,
        n: usize,
    ) -> bool {
        let v = |r: u32| &values[r as usize];
        let out = to.cast::<T>();
        // SAFETY: the caller's.
        unsafe {
            match &self.op {
                Op::Unary(f, a) => {
                    let Some(f) = f.row().integer else { return false };
                    each(out, n, |i| T::from_i64(f(v(*a).get::<T>(i).to_i64())));
                }
                Op::Binary(f, a, b) => {
                    let mut good = true;
                    each(out, n, |i| {
                        let (x, y) = (v(*a).get::<T>(i), v(*b).get::<T>(i));
                        let z = integer(*f, x.to_i64(), y.to_i64());
                        good &= z.is_some();
                        T::from_i64(z.unwrap_or(0))
                    });
                    return good;
                }
                Op::Compare(f, a, b) => {
                    each(to.cast::<bool>(), n, |i| f.holds(v(*a).get::<T>(i), v(*b).get::<T>(i)));
                }
                Op::Power(p, a) => return self.reference(IntegerPower { n: *p }, v(*a), to, n),
                Op::Cast(a) => T::cast(v(*a), self.ty, to, n),
                Op::Const(bits) => self.constant(*bits, to),
                _ => return false,
            }
        }
        true
    }

    /// # Safety
    /// As for `run`, with first arguments that are truth values.
    unsafe fn truths(&self, values: &[Value], to: *mut u8, n: usize) -> bool {
        let v = |r: u32| &values[r as usize];
        let out = to.cast::<bool>();
        // SAFETY: the caller's.
        unsafe {
            match &self.op {
                Op::Logical(f, a, b) => {
                    let at = |i| (v(*a).get::<bool>(i), v(*b).get::<bool>(i));
                    match f {
                        Logical::And => each(out, n, |i| at(i).0 & at(i).1),
                        Logical::Or => each(out, n, |i| at(i).0 | at(i).1),
                        Logical::Xor => each(out, n, |i| at(i).0 ^ at(i).1),
                        Logical::Not => each(out, n, |i| !at(i).0),
                    }
                }
                Op::Compare(f, a, b) => {
                    each(out, n, |i| f.holds(v(*a).get::<bool>(i), v(*b).get::<bool>(i)));
                }
                Op::Select(mask, a, b) => match self.ty {
                    DType::F32 => choose::<f32>(v(*mask), v(*a), v(*b), to, n),
                    DType::F64 => choose::<f64>(v(*mask), v(*a), v(*b), to, n),
                    DType::I32 => choose::<i32>(v(*mask), v(*a), v(*b), to, n),
                    DType::I64 => choose::<i64>(v(*mask), v(*a), v(*b), to, n),
                    DType::Bool => choose::<bool>(v(*mask), v(*a), v(*b), to, n),
                },
                Op::Cast(a) => bool::cast(v(*a), self.ty, to, n),
                Op::Const(bits) => self.constant(*bits, to),
                _ => return false,
            }
        }
        true
    }

    /// # Safety
    /// `to` is writable for one element.
    unsafe fn constant(&self, bits: u64, to: *mut u8) {
        // SAFETY: the caller's.
        unsafe {
            match self.ty {
                DType::F32 | DType::I32 => *to.cast::<u32>() = bits as u32,
                DType::F64 | DType::I64 => *to.cast::<u64>() = bits,
                DType::Bool => *to.cast::<bool>() = bits & 1 == 1,
            }
        }
    }

    /// The reference meaning of a primitive of one argument.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn reference(&self, prim: impl Primitive, x: &Value, to: *mut u8, n: usize) -> bool {
        let ty = riesz_core::Type::new(self.of, [n]);
        // SAFETY: the caller's.
        unsafe {
            let mut packed = vec![0u64; n];
            copy_strided(x.at, x.stride, packed.as_mut_ptr().cast(), 1, n, self.of.size());
            let x: Tensor = crate::routine::read(&ty, packed.as_ptr().cast());
            match prim.eval(&[&x]) {
                Ok(y) => {
                    crate::routine::write(&y[0], to);
                    true
                }
                Err(_) => false,
            }
        }
    }
}

/// A whole number from two; none where there is no result.
fn integer(f: binary::Binary, x: i64, y: i64) -> Option<i64> {
    f.row().integer.and_then(|f| f(x, y))
}

fn comparison(f: Compare) -> simd::Compare {
    match f {
        Compare::Lt => simd::Compare::Lt,
        Compare::Le => simd::Compare::Le,
        Compare::Gt => simd::Compare::Gt,
        Compare::Ge => simd::Compare::Ge,
        Compare::Eq => simd::Compare::Eq,
        Compare::Ne => simd::Compare::Ne,
    }
}

/// # Safety
/// `to` is writable for `n` elements.
unsafe fn each<T>(to: *mut T, n: usize, mut f: impl FnMut(usize) -> T) {
    for i in 0..n {
        // SAFETY: the caller's.
        unsafe { to.add(i).write(f(i)) };
    }
}

/// # Safety
/// As for [`Prepared::run`].
unsafe fn choose<T: Element>(mask: &Value, a: &Value, b: &Value, to: *mut u8, n: usize) {
    // SAFETY: the caller's.
    unsafe {
        each(
            to.cast::<T>(),
            n,
            |i| if mask.get::<bool>(i) { a.get::<T>(i) } else { b.get::<T>(i) },
        );
    }
}

/// Conversions, as the primitives make them.
trait Number: Copy {
    fn to_i64(self) -> i64;
    fn from_i64(x: i64) -> Self;
    /// # Safety
    /// As for [`Prepared::run`].
    unsafe fn cast(x: &Value, ty: DType, to: *mut u8, n: usize);
}

macro_rules! number {
    ($($t:ty, $zero:expr;)*) => {$(
        impl Number for $t {
            #[allow(clippy::unnecessary_cast)]
            fn to_i64(self) -> i64 {
                self as i64
            }
            #[allow(clippy::unnecessary_cast)]
            fn from_i64(i: i64) -> $t {
                i as $t
            }
            #[allow(clippy::unnecessary_cast)]
            unsafe fn cast(x: &Value, ty: DType, to: *mut u8, n: usize) {
                // SAFETY: the caller's.
                unsafe {
                    match ty {
                        DType::F32 => each(to.cast::<f32>(), n, |i| x.get::<$t>(i) as f32),
                        DType::F64 => each(to.cast::<f64>(), n, |i| x.get::<$t>(i) as f64),
                        DType::I32 => each(to.cast::<i32>(), n, |i| x.get::<$t>(i) as i32),
                        DType::I64 => each(to.cast::<i64>(), n, |i| x.get::<$t>(i) as i64),
                        DType::Bool => each(to.cast::<bool>(), n, |i| x.get::<$t>(i) != $zero),
                    }
                }
            }
        }
    )*};
}
number! {
    f32, 0.0;
    f64, 0.0;
    i32, 0;
    i64, 0;
}

impl Number for bool {
    fn to_i64(self) -> i64 {
        i64::from(self)
    }
    fn from_i64(i: i64) -> bool {
        i != 0
    }
    unsafe fn cast(x: &Value, ty: DType, to: *mut u8, n: usize) {
        // SAFETY: the caller's.
        unsafe {
            let at = |i| u8::from(x.get::<bool>(i));
            match ty {
                DType::F32 => each(to.cast::<f32>(), n, |i| f32::from(at(i))),
                DType::F64 => each(to.cast::<f64>(), n, |i| f64::from(at(i))),
                DType::I32 => each(to.cast::<i32>(), n, |i| i32::from(at(i))),
                DType::I64 => each(to.cast::<i64>(), n, |i| i64::from(at(i))),
                DType::Bool => each(to.cast::<bool>(), n, |i| x.get::<bool>(i)),
            }
        }
    }
}

/// Copies `n` elements of `size` bytes from every `from_stride`-th to every `to_stride`-th.
///
/// # Safety
/// The elements are readable and writable, and those written do not overlap those read, or are the same.
pub unsafe fn copy_strided(
    from: *const u8,
    from_stride: isize,
    to: *mut u8,
    to_stride: isize,
    n: usize,
    size: usize,
) {
    /// # Safety
    /// As for `copy_strided`.
    unsafe fn go<T: Copy>(from: *const u8, fs: isize, to: *mut u8, ts: isize, n: usize) {
        let (from, to) = (from.cast::<T>(), to.cast::<T>());
        // SAFETY: the caller's.
        unsafe {
            if fs == 1 && ts == 1 {
                // A result may lie where its argument did.
                return std::ptr::copy(from, to, n);
            }
            for i in 0..n as isize {
                *to.offset(i * ts) = *from.offset(i * fs);
            }
        }
    }
    // SAFETY: the caller's.
    unsafe {
        match size {
            8 => go::<u64>(from, from_stride, to, to_stride, n),
            4 => go::<u32>(from, from_stride, to, to_stride, n),
            _ => go::<u8>(from, from_stride, to, to_stride, n),
        }
    }
}

/// Collects the elements that indices name; false when one was out of range.
///
/// # Safety
/// With `(start, stride, by, bound)`, the elements `start + stride·i + by·j` are readable for every
/// lane i < `n` and index j < `bound`; `to` is writable for `n` elements.
pub unsafe fn gather(
    (start, stride, by, bound): (*const u8, isize, isize, usize),
    index: &Value,
    to: *mut u8,
    n: usize,
    size: usize,
) -> bool {
    let mut good = true;
    for i in 0..n {
        // SAFETY: the caller's; an index out of range is replaced by 0.
        unsafe {
            let j = match index.ty {
                DType::I32 => i64::from(index.get::<i32>(i)),
                _ => index.get::<i64>(i),
            };
            let within = j >= 0 && (j as u64) < bound as u64;
            good &= within;
            let j = if within { j as isize } else { 0 };
            let at = (stride * i as isize + by * j) * size as isize;
            std::ptr::copy_nonoverlapping(start.offset(at), to.add(i * size), size);
        }
    }
    good
}

/// start, start + step, …
///
/// # Safety
/// `to` is writable for `n` elements of the type.
pub unsafe fn count(start: i64, step: i64, to: *mut u8, n: usize, ty: DType) {
    let at = |i: usize| start.wrapping_add(step.wrapping_mul(i as i64));
    // SAFETY: the caller's.
    unsafe {
        match ty {
            DType::F32 => each(to.cast::<f32>(), n, |i| at(i) as f32),
            DType::F64 => each(to.cast::<f64>(), n, |i| at(i) as f64),
            DType::I32 => each(to.cast::<i32>(), n, |i| at(i) as i32),
            DType::I64 => each(to.cast::<i64>(), n, at),
            DType::Bool => each(to.cast::<bool>(), n, |i| at(i) != 0),
        }
    }
}

/// Folds each of `n` elements into its own place.
///
/// # Safety
/// The value has `n` elements; the places are readable and writable.
pub unsafe fn fold_into(op: Reduction, x: &Value, to: *mut u8, stride: isize, n: usize) {
    /// # Safety
    /// As for `fold_into`.
    unsafe fn go<T: Foldable>(op: Reduction, x: &Value, to: *mut u8, stride: isize, n: usize) {
        let to = to.cast::<T>();
        for i in 0..n {
            // SAFETY: the caller's.
            unsafe {
                let place = to.offset(i as isize * stride);
                *place = T::combine(op, *place, x.get::<T>(i));
            }
        }
    }
    // SAFETY: the caller's.
    unsafe { by_type!(x.ty, go(op, x, to, stride, n)) }
}

/// Folds `n` elements into one place.
///
/// # Safety
/// The value has `n` elements; the place is readable and writable.
pub unsafe fn fold_tile(isa: Isa, op: Reduction, x: &Value, to: *mut u8, n: usize) {
    /// # Safety
    /// As for `fold_tile`.
    unsafe fn go<T: Foldable>(isa: Isa, op: Reduction, x: &Value, to: *mut u8, n: usize) {
        let to = to.cast::<T>();
        // SAFETY: the caller's.
        unsafe {
            let whole = match x.stride {
                1 => T::fold(isa, op, x.at.cast::<T>(), n),
                _ => (1..n).fold(x.get::<T>(0), |sum, i| T::combine(op, sum, x.get::<T>(i))),
            };
            *to = T::combine(op, *to, whole);
        }
    }
    // SAFETY: the caller's.
    unsafe { by_type!(x.ty, go(isa, op, x, to, n)) }
}

/// Writes what a fold over nothing gives.
///
/// # Safety
/// `to` is writable for one element of the type.
pub unsafe fn identity_fill(op: Reduction, ty: DType, to: *mut u8) {
    /// # Safety
    /// As for `identity_fill`.
    unsafe fn go<T: Foldable>(op: Reduction, to: *mut u8) {
        // SAFETY: the caller's.
        unsafe { *to.cast::<T>() = T::identity(op) };
    }
    // SAFETY: the caller's.
    unsafe { by_type!(ty, go(op, to)) }
}

/// What can be folded.
trait Foldable: Element {
    fn identity(op: Reduction) -> Self;
    fn combine(op: Reduction, a: Self, b: Self) -> Self;
    /// # Safety
    /// `x` is readable for `n` elements, of which there is at least one.
    unsafe fn fold(_: Isa, op: Reduction, x: *const Self, n: usize) -> Self {
        // SAFETY: the caller's.
        unsafe { (1..n).fold(*x, |sum, i| Self::combine(op, sum, *x.add(i))) }
    }
}

macro_rules! foldable_floats {
    ($($t:ident)*) => {$(
        impl Foldable for $t {
            fn identity(op: Reduction) -> $t {
                match op {
                    Reduction::Sum => 0.0,
                    Reduction::Max => $t::NEG_INFINITY,
                    Reduction::Min => $t::INFINITY,
                }
            }
            fn combine(op: Reduction, a: $t, b: $t) -> $t {
                let wide = |f: binary::Binary| (f.row().value)(f64::from(a), f64::from(b)) as $t;
                match op {
                    Reduction::Sum => a + b,
                    Reduction::Max => wide(binary::Binary::Max),
                    Reduction::Min => wide(binary::Binary::Min),
                }
            }
            unsafe fn fold(isa: Isa, op: Reduction, x: *const $t, n: usize) -> $t {
                let op = match op {
                    Reduction::Sum => simd::Reduce::Sum,
                    Reduction::Max => simd::Reduce::Max,
                    Reduction::Min => simd::Reduce::Min,
                };
                // SAFETY: the caller's.
                unsafe { simd::reduce(isa, op, std::slice::from_raw_parts(x, n)) }
            }
        }
    )*};
}
foldable_floats!(f32 f64);

macro_rules! foldable_integers {
    ($($t:ident)*) => {$(
        impl Foldable for $t {
            fn identity(op: Reduction) -> $t {
                match op {
                    Reduction::Sum => 0,
                    Reduction::Max => $t::MIN,
                    Reduction::Min => $t::MAX,
                }
            }
            fn combine(op: Reduction, a: $t, b: $t) -> $t {
                match op {
                    Reduction::Sum => a.wrapping_add(b),
                    Reduction::Max => a.max(b),
                    Reduction::Min => a.min(b),
                }
            }
        }
    )*};
}
foldable_integers!(i32 i64);

impl Foldable for bool {
    fn identity(op: Reduction) -> bool {
        op == Reduction::Min
    }
    fn combine(op: Reduction, a: bool, b: bool) -> bool {
        if op == Reduction::Min { a & b } else { a | b }
    }
}
