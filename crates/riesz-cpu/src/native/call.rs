//! Functions that generated code calls: one vector at a time, through memory.

use crate::nest::{Binary, Call, Unary};
use crate::simd::math::large;
use riesz_core::primitive::{Cast, Polygamma, Primitive, Sinc};
use riesz_core::{DType, Element, Tensor};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Helper {
    Unary(Unary, DType),
    Binary(Binary, DType),
    Polygamma(u32, DType),
    Sinc(u32, DType),
    Cast(DType, DType),
    /// sin, cos, tan where |x| is beyond what the inlined form is made for.
    Sin(DType),
    Cos(DType),
    Tan(DType),
}

impl Helper {
    /// The element type of the result.
    pub(super) fn result(self) -> DType {
        match self {
            Helper::Unary(_, ty)
            | Helper::Binary(_, ty)
            | Helper::Polygamma(_, ty)
            | Helper::Sinc(_, ty)
            | Helper::Cast(_, ty)
            | Helper::Sin(ty)
            | Helper::Cos(ty)
            | Helper::Tan(ty) => ty,
        }
    }
}

/// The functions that a piece of code calls. Their descriptions are at fixed addresses.
#[derive(Default)]
pub(super) struct Helpers {
    #[allow(clippy::vec_box)] // the code has the addresses
    list: Vec<Box<Helper>>,
}

impl Helpers {
    /// The number of a function.
    pub(super) fn number(&mut self, helper: Helper) -> u16 {
        let at = self.list.iter().position(|h| **h == helper).unwrap_or_else(|| {
            self.list.push(Box::new(helper));
            self.list.len() - 1
        });
        at as u16
    }

    /// What to call for that number, and its first argument.
    pub(super) fn address(&self, number: u16) -> (u64, u64) {
        let argument: *const Helper = &*self.list[number as usize];
        (apply as *const () as u64, argument as u64)
    }
}

/// out\[i\] = helper(a\[i\], b\[i\]) for i < lanes; how many of the results do not exist.
///
/// # Safety
/// `helper` is valid; `a`, `out`, and `b` if the helper has two arguments, hold `lanes` elements of
/// its types.
pub(super) unsafe extern "sysv64" fn apply(
    helper: *const Helper,
    a: *const u8,
    b: *const u8,
    out: *mut u8,
    lanes: u64,
) -> u64 {
    let n = lanes as usize;
    // SAFETY: the caller's.
    unsafe {
        match *helper {
            Helper::Unary(f, DType::F32) => {
                map(a, out, n, |x: f32| (f.row().value)(f64::from(x)) as f32)
            }
            Helper::Unary(f, _) => map(a, out, n, |x: f64| (f.row().value)(x)),
            Helper::Binary(f, DType::F32) => zip(a, b, out, n, |x: f32, y: f32| {
                Some((f.row().value)(f64::from(x), f64::from(y)) as f32)
            }),
            Helper::Binary(f, DType::F64) => {
                zip(a, b, out, n, |x: f64, y: f64| Some((f.row().value)(x, y)))
            }
            Helper::Binary(f, DType::I32) => zip(a, b, out, n, |x: i32, y: i32| {
                f.row().integer.and_then(|f| f(x.into(), y.into())).map(|z| z as i32)
            }),
            Helper::Binary(f, _) => {
                zip(a, b, out, n, |x: i64, y: i64| f.row().integer.and_then(|f| f(x, y)))
            }
            Helper::Polygamma(order, ty) => primitive(&Polygamma { n: order }, a, ty, out, ty, n),
            Helper::Sinc(order, ty) => primitive(&Sinc { order }, a, ty, out, ty, n),
            Helper::Cast(from, to) => primitive(&Cast { to }, a, from, out, to, n),
            Helper::Sin(DType::F32) => beyond::<f32>(a, out, n, large::sin),
            Helper::Sin(_) => beyond::<f64>(a, out, n, large::sin),
            Helper::Cos(DType::F32) => beyond::<f32>(a, out, n, large::cos),
            Helper::Cos(_) => beyond::<f64>(a, out, n, large::cos),
            Helper::Tan(DType::F32) => beyond::<f32>(a, out, n, large::tan),
            Helper::Tan(_) => beyond::<f64>(a, out, n, large::tan),
        }
    }
}

/// # Safety
/// `a` and `out` hold `n` elements; in the stack frame of generated code they are aligned.
unsafe fn map<T: Copy, U: Copy>(a: *const u8, out: *mut u8, n: usize, f: impl Fn(T) -> U) -> u64 {
    let (a, out) = (a.cast::<T>(), out.cast::<U>());
    for i in 0..n {
        // SAFETY: i < n.
        unsafe { *out.add(i) = f(*a.add(i)) };
    }
    0
}

/// # Safety
/// As for `map`.
unsafe fn zip<T: Copy>(
    a: *const u8,
    b: *const u8,
    out: *mut u8,
    n: usize,
    f: impl Fn(T, T) -> Option<T>,
) -> u64 {
    let (a, b, out) = (a.cast::<T>(), b.cast::<T>(), out.cast::<T>());
    let mut bad = 0;
    for i in 0..n {
        // SAFETY: i < n.
        unsafe {
            let (x, y) = (*a.add(i), *b.add(i));
            let z = f(x, y);
            bad += u64::from(z.is_none());
            *out.add(i) = z.unwrap_or(x);
        }
    }
    bad
}

/// The lanes beyond the limit of the inlined sine, cosine and tangent, again.
///
/// # Safety
/// As for `map`.
unsafe fn beyond<T: crate::simd::Real>(
    x: *const u8,
    y: *mut u8,
    n: usize,
    f: fn(f64) -> f64,
) -> u64 {
    let (x, y) = (x.cast::<T>(), y.cast::<T>());
    for i in 0..n {
        // SAFETY: i < n.
        unsafe {
            let v = *x.add(i);
            if v.magnitude() > T::TRIG_LIMIT {
                *y.add(i) = T::of(f(v.wide()));
            }
        }
    }
    0
}

/// The reference meaning of a primitive, on a vector as a tensor.
///
/// # Safety
/// As for `map`.
unsafe fn primitive(
    f: &impl Primitive,
    a: *const u8,
    from: DType,
    out: *mut u8,
    to: DType,
    n: usize,
) -> u64 {
    /// # Safety
    /// `a` holds `n` elements.
    unsafe fn read<T: Element>(a: *const u8, n: usize) -> Option<Tensor> {
        // SAFETY: the caller's.
        let v = (0..n).map(|i| unsafe { *a.cast::<T>().add(i) }).collect();
        Tensor::new(v, [n]).ok()
    }
    /// # Safety
    /// `out` has room for as many elements as `y` has.
    unsafe fn write<T: Element>(y: &Tensor, out: *mut u8) -> Option<()> {
        for (i, &y) in y.as_slice::<T>().ok()?.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { *out.cast::<T>().add(i) = y };
        }
        Some(())
    }
    let run = || {
        // SAFETY: the caller's.
        unsafe {
            let x = match from {
                DType::F32 => read::<f32>(a, n),
                DType::F64 => read::<f64>(a, n),
                DType::I32 => read::<i32>(a, n),
                DType::I64 => read::<i64>(a, n),
                DType::Bool => read::<bool>(a, n),
            };
            let y = f.eval(&[&x?]).ok()?;
            match to {
                DType::F32 => write::<f32>(&y[0], out),
                DType::F64 => write::<f64>(&y[0], out),
                DType::I32 => write::<i32>(&y[0], out),
                DType::I64 => write::<i64>(&y[0], out),
                DType::Bool => write::<bool>(&y[0], out),
            }
        }
    };
    if run().is_some() { 0 } else { n as u64 }
}

/// The library calls of a region, at the addresses its code has.
#[allow(clippy::vec_box)]
pub(super) type Calls = Vec<Box<Call>>;

/// Runs a library call of a region on the operands it names; whether it had a result.
///
/// # Safety
/// `call` is valid; `table` has an entry for each of its operands, as [`crate::nest::Routine::run`]
/// wants them.
pub(super) unsafe extern "sysv64" fn routine(call: *const Call, table: *const *mut u8) -> u64 {
    // SAFETY: the caller's.
    unsafe {
        let call = &*call;
        let addresses: smallvec::SmallVec<[*mut u8; 8]> =
            call.operands.iter().map(|&o| *table.add(o as usize)).collect();
        u64::from(call.function.run(&addresses))
    }
}
