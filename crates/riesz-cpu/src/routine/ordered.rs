//! `argsort`, and the order that sorts whole numbers.
//!
//! An element becomes a whole number without sign that is ordered as it is: −0 as 0, NaN above all. Short
//! keys are sorted together with their index, so that equal ones keep their order; long ones by digits
//! where there are many (least significant first: Knuth, *Sorting and Searching*, section 5.2.5).

use super::lines::Lines;
use crate::linalg::room;
use crate::nest::Routine;
use riesz_core::{DType, Type};

/// `argsort`.
pub struct Argsort {
    descending: bool,
    lines: Lines,
    dtype: DType,
}

impl Argsort {
    /// Of a tensor of this type.
    pub fn new(axis: usize, descending: bool, ty: &Type) -> Argsort {
        Argsort { descending, lines: Lines::along(&ty.shape, axis), dtype: ty.dtype }
    }
}

/// A key and the index it came from.
type Keyed = (u64, u64);

/// From this many on, keys are sorted by digits.
const MANY: usize = 1 << 12;

/// Bytes of scratch that [`sort`] and its keys need for lines of n.
pub(super) fn sort_room(n: usize) -> usize {
    if n < MANY { room::<Keyed>(n) } else { room::<Keyed>(2 * n) }
}

/// Keys at the start of scratch for lines of n, and the rest.
///
/// # Safety
/// As many bytes as `sort_room` says are writable and used by nothing else.
pub(super) unsafe fn keys<'a>(scratch: *mut u8, n: usize) -> (&'a mut [Keyed], &'a mut [Keyed]) {
    if n == 0 {
        return (&mut [], &mut []);
    }
    let at = scratch.wrapping_add(scratch.align_offset(64)).cast::<Keyed>();
    let all = if n < MANY { n } else { 2 * n };
    // SAFETY: the caller's; zeros are keys.
    unsafe {
        at.write_bytes(0, all);
        std::slice::from_raw_parts_mut(at, all).split_at_mut(n)
    }
}

/// Sorts keys with indices that ascend; equal keys keep their order.
pub(super) fn sort(keys: &mut [Keyed], other: &mut [Keyed]) {
    if keys.len() < MANY {
        // The index makes every key another.
        keys.sort_unstable();
        return;
    }
    let mut counts = [[0usize; 256]; 8];
    for (key, _) in &*keys {
        for (digit, counts) in counts.iter_mut().enumerate() {
            counts[(key >> (8 * digit)) as usize & 255] += 1;
        }
    }
    let (mut from, mut to) = (keys, other);
    let mut swapped = false;
    for (digit, counts) in counts.iter_mut().enumerate() {
        // A digit that is the same everywhere sorts nothing.
        if counts.contains(&from.len()) {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for keyed in &*from {
            let place = &mut counts[(keyed.0 >> (8 * digit)) as usize & 255];
            to[*place] = *keyed;
            *place += 1;
        }
        (from, to) = (to, from);
        swapped = !swapped;
    }
    if swapped {
        to.copy_from_slice(from);
    }
}

/// Elements with an order.
trait Ordered: Copy {
    fn key(self) -> u64;
}

macro_rules! ordered {
    ($($t:ident: $key:expr;)*) => {$(
        impl Ordered for $t {
            #[inline(always)]
            fn key(self) -> u64 {
                let key: fn($t) -> u64 = $key;
                key(self)
            }
        }
    )*};
}

ordered! {
    f64: |x| {
        if x.is_nan() {
            return u64::MAX;
        }
        // −0 becomes 0; negative numbers are turned around.
        let bits = (x + 0.0).to_bits();
        bits ^ if bits >> 63 == 1 { u64::MAX } else { 1 << 63 }
    };
    f32: |x| {
        if x.is_nan() {
            return u64::from(u32::MAX);
        }
        let bits = (x + 0.0).to_bits();
        u64::from(bits ^ if bits >> 31 == 1 { u32::MAX } else { 1 << 31 })
    };
    i64: |x| x as u64 ^ 1 << 63;
    i32: |x| u64::from(x as u32 ^ 1 << 31);
    u8: |x| u64::from(x);
}

impl Argsort {
    /// # Safety
    /// As for `run_piece`, with elements of `T`.
    unsafe fn sort<T: Ordered>(&self, piece: usize, at: &[*mut u8]) -> bool {
        let (x, out, n) = (at[0].cast::<T>(), at[1].cast::<i64>(), self.lines.n);
        // SAFETY: the caller's.
        let (keys, other) = unsafe { keys(at[2], n) };
        for group in self.lines.piece(piece) {
            for first in group.first..group.first + group.width {
                for (k, keyed) in keys.iter_mut().enumerate() {
                    // SAFETY: the caller's: element k of a line.
                    let key = unsafe { *x.add(first + k * self.lines.inner) }.key();
                    *keyed = (if self.descending { !key } else { key }, k as u64);
                }
                sort(keys, other);
                for (k, keyed) in keys.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { *out.add(first + k * self.lines.inner) = keyed.1 as i64 };
                }
            }
        }
        true
    }
}

impl Routine for Argsort {
    fn name(&self) -> String {
        format!("argsort of {} lines of {}", self.lines.count(), self.lines.n)
    }

    fn scratch(&self) -> usize {
        sort_room(self.lines.n)
    }

    fn pieces(&self) -> usize {
        self.lines.pieces()
    }

    unsafe fn run_piece(&self, piece: usize, at: &[*mut u8]) -> bool {
        // SAFETY: the caller's; truth values are bytes 0 and 1.
        unsafe {
            match self.dtype {
                DType::F32 => self.sort::<f32>(piece, at),
                DType::F64 => self.sort::<f64>(piece, at),
                DType::I32 => self.sort::<i32>(piece, at),
                DType::I64 => self.sort::<i64>(piece, at),
                DType::Bool => self.sort::<u8>(piece, at),
            }
        }
    }
}
