//! Running sums, products, maxima and log Σ exp, and linear recurrences, along any axis.
//!
//! Single precision is carried in double, as sums are.

use super::lines::{Group, Lines};
use crate::nest::Routine;
use crate::simd::{Isa, dispatch::compiled};
use riesz_core::{
    DType, Type,
    primitive::{Running, log_add},
};

/// A running reduction.
pub struct Cumulative {
    op: Running,
    reverse: bool,
    lines: Lines,
    dtype: DType,
    isa: Isa,
}

impl Cumulative {
    /// Of a tensor of this type.
    pub fn new(op: Running, axis: usize, reverse: bool, ty: &Type) -> Cumulative {
        let lines = Lines::along(&ty.shape, axis);
        Cumulative { op, reverse, lines, dtype: ty.dtype, isa: Isa::best() }
    }
}

/// `recurrence`: yᵢ = aᵢ·yᵢ₋₁ + xᵢ.
pub struct Recurrence {
    reverse: bool,
    lines: Lines,
    dtype: DType,
    isa: Isa,
}

impl Recurrence {
    /// Of tensors of this type.
    pub fn new(axis: usize, reverse: bool, ty: &Type) -> Recurrence {
        let lines = Lines::along(&ty.shape, axis);
        Recurrence { reverse, lines, dtype: ty.dtype, isa: Isa::best() }
    }
}

/// An element and what it is carried in.
trait Carried: Copy + 'static {
    type State: Copy;
    const NONE: Self::State;
    fn start(self) -> Self::State;
    fn show(state: Self::State) -> Self;
    /// a·y + x.
    fn next(a: Self::State, y: Self::State, x: Self::State) -> Self::State;
}

/// How a state takes an element.
trait Step<T: Carried> {
    fn step(state: T::State, x: T) -> T::State;
}

struct Sum;
struct Product;
struct Max;
struct LogSumExp;

macro_rules! floats {
    ($($t:ident)*) => {$(
        impl Carried for $t {
            type State = f64;
            const NONE: f64 = 0.0;
            #[inline(always)]
            fn start(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn show(state: f64) -> $t {
                state as $t
            }
            /// A zero coefficient or a zero before gives zero, whatever the other is.
            #[inline(always)]
            fn next(a: f64, y: f64, x: f64) -> f64 {
                if a == 0.0 || y == 0.0 { x } else { a * y + x }
            }
        }
        impl Step<$t> for Sum {
            #[inline(always)]
            fn step(s: f64, x: $t) -> f64 {
                s + f64::from(x)
            }
        }
        impl Step<$t> for Product {
            #[inline(always)]
            fn step(s: f64, x: $t) -> f64 {
                s * f64::from(x)
            }
        }
        impl Step<$t> for Max {
            /// NaN from the first NaN on.
            #[inline(always)]
            fn step(s: f64, x: $t) -> f64 {
                let x = f64::from(x);
                if s.is_nan() || s >= x { s } else { x }
            }
        }
        impl Step<$t> for LogSumExp {
            #[inline(always)]
            fn step(s: f64, x: $t) -> f64 {
                log_add(s, f64::from(x))
            }
        }
    )*};
}

macro_rules! integers {
    ($($t:ident)*) => {$(
        impl Carried for $t {
            type State = $t;
            const NONE: $t = 0;
            #[inline(always)]
            fn start(self) -> $t {
                self
            }
            #[inline(always)]
            fn show(state: $t) -> $t {
                state
            }
            #[inline(always)]
            fn next(a: $t, y: $t, x: $t) -> $t {
                a.wrapping_mul(y).wrapping_add(x)
            }
        }
        impl Step<$t> for Sum {
            #[inline(always)]
            fn step(s: $t, x: $t) -> $t {
                s.wrapping_add(x)
            }
        }
        impl Step<$t> for Product {
            #[inline(always)]
            fn step(s: $t, x: $t) -> $t {
                s.wrapping_mul(x)
            }
        }
        impl Step<$t> for Max {
            #[inline(always)]
            fn step(s: $t, x: $t) -> $t {
                s.max(x)
            }
        }
    )*};
}

floats!(f64 f32);
integers!(i64 i32);

/// The elements of a group: how many, how far apart, and which way they are run through.
#[derive(Clone, Copy)]
struct Run {
    group: Group,
    n: usize,
    inner: usize,
    reverse: bool,
}

impl Run {
    fn new(lines: Lines, group: Group, reverse: bool) -> Run {
        Run { group, n: lines.n, inner: lines.inner, reverse }
    }

    /// Element k, in running order, of the first line.
    #[inline(always)]
    fn at(&self, k: usize) -> usize {
        let k = if self.reverse { self.n - 1 - k } else { k };
        self.group.first + k * self.inner
    }
}

/// # Safety
/// The elements of the group can be read at `x` and written at `y`.
#[inline(always)]
unsafe fn cumulate<T: Carried, S: Step<T>>(run: Run, x: *const T, y: *mut T) {
    let width = run.group.width;
    // SAFETY: the caller's.
    unsafe {
        if width == 1 {
            let mut state = T::NONE;
            for k in 0..run.n {
                let at = run.at(k);
                let v = *x.add(at);
                state = if k == 0 { v.start() } else { S::step(state, v) };
                *y.add(at) = T::show(state);
            }
            return;
        }
        let mut states = [T::NONE; Group::WIDEST];
        for k in 0..run.n {
            let at = run.at(k);
            for (j, state) in states.iter_mut().enumerate().take(width) {
                let v = *x.add(at + j);
                *state = if k == 0 { v.start() } else { S::step(*state, v) };
                *y.add(at + j) = T::show(*state);
            }
        }
    }
}

/// # Safety
/// The elements of the group can be read at `a` and `x` and written at `y`.
#[inline(always)]
unsafe fn recur<T: Carried>(run: Run, a: *const T, x: *const T, y: *mut T) {
    let width = run.group.width;
    // SAFETY: the caller's.
    unsafe {
        let mut states = [T::NONE; Group::WIDEST];
        for k in 0..run.n {
            let at = run.at(k);
            for (j, state) in states.iter_mut().enumerate().take(width) {
                let v = (*x.add(at + j)).start();
                *state = if k == 0 { v } else { T::next((*a.add(at + j)).start(), *state, v) };
                *y.add(at + j) = T::show(*state);
            }
        }
    }
}

impl Routine for Cumulative {
    fn name(&self) -> String {
        let name = match self.op {
            Running::Sum => "cumsum",
            Running::Product => "cumprod",
            Running::Max => "cummax",
            Running::LogSumExp => "cumlogsumexp",
        };
        format!("{name} of {} lines of {}", self.lines.count(), self.lines.n)
    }

    fn pieces(&self) -> usize {
        self.lines.pieces()
    }

    unsafe fn run_piece(&self, piece: usize, addresses: &[*mut u8]) -> bool {
        macro_rules! go {
            ($t:ident, $step:ident) => {{
                let (x, y) = (addresses[0].cast::<$t>().cast_const(), addresses[1].cast::<$t>());
                for group in self.lines.piece(piece) {
                    let run = Run::new(self.lines, group, self.reverse);
                    compiled!(self.isa, {cumulate::<$t, $step>}(
                        run: Run, x: *const $t, y: *mut $t));
                }
                true
            }};
        }
        macro_rules! number {
            ($t:ident) => {
                match self.op {
                    Running::Sum => go!($t, Sum),
                    Running::Product => go!($t, Product),
                    Running::Max => go!($t, Max),
                    // Refused by the shape rule of whole numbers.
                    Running::LogSumExp => false,
                }
            };
        }
        match (self.dtype, self.op) {
            (DType::F64, Running::LogSumExp) => go!(f64, LogSumExp),
            (DType::F32, Running::LogSumExp) => go!(f32, LogSumExp),
            (DType::F64, _) => number!(f64),
            (DType::F32, _) => number!(f32),
            (DType::I64, _) => number!(i64),
            (DType::I32, _) => number!(i32),
            (DType::Bool, _) => false,
        }
    }
}

impl Routine for Recurrence {
    fn name(&self) -> String {
        format!("recurrence of {} lines of {}", self.lines.count(), self.lines.n)
    }

    fn pieces(&self) -> usize {
        self.lines.pieces()
    }

    unsafe fn run_piece(&self, piece: usize, addresses: &[*mut u8]) -> bool {
        macro_rules! go {
            ($t:ident) => {{
                let [a, x, y] = [0, 1, 2].map(|i| addresses[i].cast::<$t>());
                for group in self.lines.piece(piece) {
                    let run = Run::new(self.lines, group, self.reverse);
                    let (a, x) = (a.cast_const(), x.cast_const());
                    compiled!(self.isa, {recur::<$t>}(
                        run: Run, a: *const $t, x: *const $t, y: *mut $t));
                }
                true
            }};
        }
        match self.dtype {
            DType::F64 => go!(f64),
            DType::F32 => go!(f32),
            DType::I64 => go!(i64),
            DType::I32 => go!(i32),
            DType::Bool => false,
        }
    }
}
