//! `fori`: a computation repeated for each number of a range.

use super::cond::remember;
use super::place;
use super::scan::keeps_structure;
use crate::tree::{VarTree, skeleton};
use riesz_core::control::{self, Steps};
use riesz_core::{DType, Error, Type, Var, current_source, fail};
use std::ops::Range;

/// The numbers a [`fori`] runs through: `n` for 0 to n, or a range; of numbers known when the function
/// is traced, or of values.
pub trait Bounds {
    /// The first number, and the one after the last.
    fn bounds(self) -> Range<Bound>;
}

/// One end of a range.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// Known when the function is traced.
    Number(usize),
    /// Known when it runs.
    Value(Var),
}

impl Bounds for usize {
    fn bounds(self) -> Range<Bound> {
        Bound::Number(0)..Bound::Number(self)
    }
}

impl Bounds for Var {
    fn bounds(self) -> Range<Bound> {
        Bound::Number(0)..Bound::Value(self)
    }
}

impl Bounds for Range<usize> {
    fn bounds(self) -> Range<Bound> {
        Bound::Number(self.start)..Bound::Number(self.end)
    }
}

impl Bounds for Range<Var> {
    fn bounds(self) -> Range<Bound> {
        Bound::Value(self.start)..Bound::Value(self.end)
    }
}

/// Repeats `step` for each number of a range, given the number, a whole one, and what is carried; the
/// last that was carried.
///
/// With numbers known when the function is traced this is a [`scan`](crate::scan), with values a
/// [`while_loop`](crate::while_loop); both are differentiated in either mode.
///
/// # Errors
/// Left in the trace when what is carried changes its tree, element types or shapes, or a bound is not
/// one whole number.
///
/// ```
/// use riesz::prelude::*;
/// // x^n by repeated multiplication, n being a value.
/// let power = |(x, n): (Var, Var)| fori(n, |_, y: Var| y * x, x.ones_like());
/// let f = compile(|(x, n): (Var, Var)| value_and_grad(|x| power((x, n)))(x));
/// let (y, dy) = f.call(&(Tensor::from(2.0), Tensor::from(5i64)))?;
/// assert_eq!((y, dy), (Tensor::from(32.0), Tensor::from(80.0)));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn fori<C: VarTree>(range: impl Bounds, step: impl Fn(Var, C) -> C, init: C) -> C {
    let source = current_source();
    let structure = skeleton(&init);
    let carry = init.leaves();
    let mut carried = None;
    let run = |i: Var, carry: &[Var], carried: &mut Option<C::Skeleton>| {
        remember(step(i, place(&structure, carry)), carried)
    };
    let Range { start, end } = range.bounds();
    let last = match (start, end) {
        (Bound::Number(start), Bound::Number(end)) => {
            let length = end.saturating_sub(start);
            let numbers = Var::iota(DType::I64, length);
            let numbers = if start == 0 { numbers } else { numbers + Var::constant(start as i64) };
            let steps = Steps::new(length);
            let body = |carry: &[Var], i: &[Var]| (run(i[0], carry, &mut carried), vec![]);
            control::scan(steps, &carry, &[numbers], body).0
        }
        (start, end) => {
            let ends = [&start, &end].map(|bound| match bound {
                Bound::Value(v) => Some(*v),
                Bound::Number(_) => None,
            });
            let dtype = ends.iter().flatten().next().map_or(DType::I64, |v| v.dtype());
            for end in ends.iter().flatten() {
                if end.ty() != Type::scalar(dtype) || !dtype.is_int() {
                    let message = format!("a bound is {}, not one whole number", end.ty());
                    fail(Error::shape(message).at("fori", source).help("use i32 or i64"));
                }
            }
            let [start, end] = [start, end].map(|bound| match bound {
                Bound::Value(v) => v,
                Bound::Number(n) => Var::constant(n as i64).cast(dtype),
            });
            control::fori(start, end, &carry, |i, carry| run(i, carry, &mut carried))
        }
    };
    keeps_structure::<C>("fori", &structure, carried, source);
    place(&structure, &last)
}
