//! Arrangements of elements composed of slices, joins, repetitions and zeros.

use super::Operand;
use super::check::{all_composed, composed, expect};
use crate::error::{Error, Result};
use crate::primitive::support::expect_axis;
use crate::primitive::{Broadcast, Iota, Pad};
use crate::trace::{Var, apply1};
use crate::types::{DType, Shape, Type};

/// Repetitions.
impl Var {
    /// The whole value repeated along each axis; missing counts and missing axes come first, as in
    /// NumPy.
    #[track_caller]
    pub fn tile(self, counts: &[usize]) -> Var {
        composed("tile", &[self], || {
            let shape = self.shape();
            let rank = shape.rank().max(counts.len());
            let lead = |n: usize| std::iter::repeat_n(1, rank - n);
            let lengths: Vec<usize> = lead(shape.rank()).chain(shape.iter().copied()).collect();
            let counts: Vec<usize> = lead(counts.len()).chain(counts.iter().copied()).collect();
            let pairs: Shape = counts.iter().zip(&lengths).flat_map(|(&c, &n)| [c, n]).collect();
            let axes = (0..rank).map(|a| 2 * a + 1).collect();
            let whole = self.reshape(Shape::from(lengths.clone()));
            let out: Shape = checked(counts.iter().zip(&lengths).map(|(&c, &n)| c.checked_mul(n)))?;
            Ok(apply1(Broadcast { shape: pairs, axes }, &[whole]).reshape(out))
        })
    }

    /// Each part along an axis `n` times in a row.
    #[track_caller]
    pub fn repeat(self, n: usize, axis: usize) -> Var {
        composed("repeat", &[self], || {
            let mut shape = self.shape().to_vec();
            expect_axis(axis, &self.shape())?;
            let mut out = shape.clone();
            out[axis] = checked::<Vec<usize>>([n.checked_mul(shape[axis])])?[0];
            shape.insert(axis + 1, n);
            let axes = (0..shape.len()).filter(|&a| a != axis + 1).collect();
            Ok(apply1(Broadcast { shape: shape.into(), axes }, &[self]).reshape(out))
        })
    }
}

fn checked<C: FromIterator<usize>>(lengths: impl IntoIterator<Item = Option<usize>>) -> Result<C> {
    let all: Option<C> = lengths.into_iter().collect();
    all.ok_or_else(|| Error::shape("the result has more elements than can be counted"))
}

/// Parts.
impl Var {
    /// Every `step`-th element along an axis from `start` up to, not including, `stop`; backwards
    /// when the step is negative. Negative positions count from the end, and `None` is the end from
    /// which, or to which, the step leads. A position outside is an error.
    #[track_caller]
    pub fn strided(self, axis: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> Var {
        composed("slice", &[self], || {
            let shape = self.shape();
            expect_axis(axis, &shape)?;
            expect(step != 0, || "a step of 0 leads nowhere".to_string())?;
            let n = shape[axis] as i64;
            let place = |p: i64, last: i64| -> Result<i64> {
                let counted = if p < 0 { p.saturating_add(n) } else { p };
                expect((0..=last).contains(&counted), || {
                    format!("the position {p} does not lie in axis {axis} of shape {shape}")
                })?;
                Ok(counted)
            };
            if step > 0 {
                let start = start.map_or(Ok(0), |p| place(p, n))?;
                let stop = stop.map_or(Ok(n), |p| place(p, n))?.max(start);
                return Ok(self.slice_step(axis, start as usize, stop as usize, step as usize));
            }
            let start = start.map_or(Ok(n - 1), |p| place(p, n - 1))?;
            let stop = stop.map_or(Ok(-1), |p| place(p, n - 1))?.min(start);
            let back = step.unsigned_abs() as usize;
            let count = ((start - stop) as usize).div_ceil(back);
            if count == 0 {
                return Ok(self.slice_axis(axis, 0, 0));
            }
            let lowest = start as usize - (count - 1) * back;
            Ok(self.slice_step(axis, lowest, start as usize + 1, back).flip(&[axis]))
        })
    }

    /// Consecutive parts of the given lengths, which add up to the length of the axis.
    #[track_caller]
    pub fn split(self, lengths: &[usize], axis: usize) -> Vec<Var> {
        let parts = all_composed("split", &[self], || {
            let shape = self.shape();
            expect_axis(axis, &shape)?;
            let total = lengths.iter().fold(0usize, |sum, &n| sum.saturating_add(n));
            expect(total == shape[axis], || {
                format!(
                    "parts of lengths {lengths:?} make {total}, not the {} of axis {axis} of \
                     shape {shape}",
                    shape[axis]
                )
            })?;
            let mut at = 0;
            let mut parts = Vec::with_capacity(lengths.len());
            for &n in lengths {
                parts.push(self.slice_axis(axis, at, at + n));
                at += n;
            }
            Ok(parts)
        });
        // What failed has as many parts as were asked for, so that patterns still match.
        if parts.len() == lengths.len() { parts } else { vec![Var::poison(); lengths.len()] }
    }

    /// The elements along an axis moved by `shift` places towards the end; those that leave come
    /// in again at the other side.
    #[track_caller]
    pub fn roll(self, shift: i64, axis: usize) -> Var {
        composed("roll", &[self], || {
            let shape = self.shape();
            expect_axis(axis, &shape)?;
            let n = shape[axis];
            let by = if n == 0 { 0 } else { shift.rem_euclid(n as i64) as usize };
            if by == 0 {
                return Ok(self);
            }
            let (head, tail) = (self.slice_axis(axis, 0, n - by), self.slice_axis(axis, n - by, n));
            Ok(Var::concat(&[tail, head], axis))
        })
    }

    /// `value` around the elements and between them: for each axis how many before the first, after
    /// the last, and between neighbours. Negative counts before and after cut instead.
    #[track_caller]
    pub fn pad(self, widths: &[(i64, i64, usize)], value: f64) -> Var {
        composed("pad", &[self], || {
            let shape = self.shape();
            expect(widths.len() == shape.rank(), || {
                format!(
                    "needs widths for each of the {} axes of {shape}, not {}",
                    shape.rank(),
                    widths.len()
                )
            })?;
            let pad = Pad {
                low: widths.iter().map(|w| w.0).collect(),
                high: widths.iter().map(|w| w.1).collect(),
                interior: widths.iter().map(|w| w.2).collect(),
            };
            let dtype = self.dtype();
            if dtype == DType::Bool {
                let padded = self.cast(DType::I32).pad(widths, f64::from(value != 0.0));
                return Ok(padded.cast(DType::Bool));
            }
            let padded = apply1(pad.clone(), &[self]);
            if value == 0.0 || padded.is_poisoned() {
                return Ok(padded);
            }
            // The value may be infinite, so it is chosen, not added.
            let ones = Var::constant(1).broadcast_to(shape);
            Ok(Var::select(apply1(pad, &[ones]).ne(0), padded, value))
        })
    }

    /// The axes in another order, unless that is the order they have.
    #[track_caller]
    pub(super) fn transpose_unless_identity(self, order: &[usize]) -> Var {
        if order.iter().enumerate().all(|(i, &axis)| i == axis) {
            return self;
        }
        self.transpose(order)
    }
}

/// Numbers at equal distances.
impl Var {
    /// `n` numbers at equal distances along a new last axis, from `start` to `stop` exactly, both
    /// included; `start` alone for one.
    #[track_caller]
    pub fn linspace(start: impl Operand, stop: impl Operand, n: usize) -> Var {
        let like = match start.value().or(stop.value()) {
            Some(like) => like,
            None => Var::constant(0.0),
        };
        let (start, stop) = start.beside(like).broadcast_with(stop.beside(like));
        composed("linspace", &[start, stop], || {
            crate::primitive::support::expect_float(&start.ty())?;
            crate::primitive::support::expect_same(&start.ty(), &stop.ty())?;
            let axis = start.rank();
            let shape: Shape = start.shape().iter().copied().chain([n]).collect();
            let ty = Type::new(start.dtype(), shape);
            let number = apply1(Iota { ty, axis }, &[]);
            let (from, to) = (start.expand_dims(axis), stop.expand_dims(axis));
            let gaps = n.saturating_sub(1).max(1) as f64;
            let between = from + number * ((to - from) / gaps);
            // Rounding in the last step must not miss the end.
            let last = if n > 1 { number.eq(gaps) } else { number.lt(0.0) };
            let (last, to) = last.broadcast_with(to);
            Ok(Var::select(last, to, between))
        })
    }
}
