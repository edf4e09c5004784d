//! `gather`, `scatter_add`, `scatter_set`, `scatter_max` and `scatter_min`.
//!
//! The axes are five runs: shared, before the indexed axis, the axis or the indices, and after it. So
//! what an index names is a row of neighbouring elements, and each shared index with each index before is
//! a *slab* with indices of its own.

use crate::nest::Routine;
use riesz_core::{DType, Type};

/// What happens where an index points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The elements are taken.
    Gather,
    /// The updates are added.
    Add,
    /// The updates replace the elements; the last stands.
    Set,
    /// The larger one stays, NaN if either is.
    Max,
    /// The smaller one stays, NaN if either is.
    Min,
}

/// Elements along an axis by index.
pub struct Indexed {
    action: Action,
    /// Of the elements, and of the indices.
    dtypes: (DType, DType),
    /// Slabs that share an index, and how many there are before the indexed axis in each.
    shared: usize,
    before: usize,
    /// The length of the indexed axis.
    axis: usize,
    /// How many indices a slab has.
    indices: usize,
    /// Elements that follow an index.
    row: usize,
    /// Slabs in a piece.
    piece: usize,
}

/// Elements that are worth a piece of their own.
const PIECE: usize = 1 << 15;

impl Indexed {
    /// For a tensor and indices of these types, the first `batch` axes of which are shared.
    pub fn new(action: Action, axis: usize, batch: usize, from: &Type, index: &Type) -> Indexed {
        let size = |axes: &[usize]| axes.iter().product::<usize>();
        let (indices, row) = (size(&index.shape[batch..]), size(&from.shape[axis + 1..]));
        let work = (indices.max(from.shape[axis]) * row).max(1);
        Indexed {
            action,
            dtypes: (from.dtype, index.dtype),
            shared: size(&from.shape[..batch]),
            before: size(&from.shape[batch..axis]),
            axis: from.shape[axis],
            indices,
            row,
            piece: (PIECE / work).max(1),
        }
    }

    fn slabs(&self) -> usize {
        self.shared * self.before
    }

    /// Runs `f` on each slab of a piece with its elements, its indices and its updates.
    ///
    /// # Safety
    /// `index` has the indices; the slabs of a piece are below the number of slabs.
    unsafe fn each<I: Copy>(
        &self,
        piece: usize,
        index: *const I,
        mut f: impl FnMut(usize, &[I], usize) -> bool,
    ) -> bool {
        let slabs = piece * self.piece..((piece + 1) * self.piece).min(self.slabs());
        for slab in slabs {
            let at = slab / self.before * self.indices;
            let indices = match self.indices {
                0 => &[],
                // SAFETY: the caller's: those of one shared index.
                n => unsafe { std::slice::from_raw_parts(index.add(at), n) },
            };
            if !f(slab * self.axis * self.row, indices, slab * self.indices * self.row) {
                return false;
            }
        }
        true
    }

    /// # Safety
    /// As for `run_piece`, with elements of `T` and indices of `I`.
    unsafe fn gather<T: Copy, I: Copy + Into<i64>>(&self, piece: usize, at: &[*mut u8]) -> bool {
        let (from, index, to) = (at[0].cast::<T>(), at[1].cast::<I>(), at[2].cast::<T>());
        // SAFETY: the caller's; every index is checked before it is used.
        unsafe {
            self.each(piece, index, |elements, indices, results| {
                let (from, mut to) = (from.add(elements), to.add(results));
                for &i in indices {
                    let Some(i) = within(i.into(), self.axis) else { return false };
                    copy_row(from.add(i * self.row), to, self.row);
                    to = to.add(self.row);
                }
                true
            })
        }
    }

    /// # Safety
    /// As for `run_piece`, with elements of `T` and indices of `I`.
    unsafe fn scatter<T: Copy, I: Copy + Into<i64>>(
        &self,
        piece: usize,
        at: &[*mut u8],
        combine: impl Fn(T, T) -> T,
    ) -> bool {
        let [x, updates, out] = [0, 2, 3].map(|i| at[i].cast::<T>());
        let index = at[1].cast::<I>();
        // SAFETY: the caller's; every index is checked before it is used.
        unsafe {
            self.each(piece, index, |elements, indices, put| {
                let (out, mut update) = (out.add(elements), updates.add(put));
                // In place there is nothing to copy.
                if !std::ptr::eq(x.add(elements), out) {
                    copy_row(x.add(elements), out, self.axis * self.row);
                }
                for &i in indices {
                    let Some(i) = within(i.into(), self.axis) else { return false };
                    let to = out.add(i * self.row);
                    for j in 0..self.row {
                        *to.add(j) = combine(*to.add(j), *update.add(j));
                    }
                    update = update.add(self.row);
                }
                true
            })
        }
    }
}

/// Copies n elements.
///
/// # Safety
/// They are readable and writable, and do not overlap.
#[inline(always)]
unsafe fn copy_row<T: Copy>(from: *const T, to: *mut T, n: usize) {
    // SAFETY: the caller's.
    unsafe {
        match n {
            1 => *to = *from,
            _ => to.copy_from_nonoverlapping(from, n),
        }
    }
}

/// The index, if it is in range.
#[inline(always)]
fn within(index: i64, bound: usize) -> Option<usize> {
    usize::try_from(index).ok().filter(|&i| i < bound)
}

/// The better of two by `better`; NaN, which is unequal to itself, wins and stays.
#[inline(always)]
fn extreme<T: PartialOrd + Copy>(old: T, new: T, better: bool) -> T {
    let is_nan = |v: T| v.partial_cmp(&v).is_none();
    if !is_nan(old) && (better || is_nan(new)) { new } else { old }
}

impl Routine for Indexed {
    fn name(&self) -> String {
        let name = match self.action {
            Action::Gather => "gather",
            Action::Add => "scatter_add",
            Action::Set => "scatter_set",
            Action::Max => "scatter_max",
            Action::Min => "scatter_min",
        };
        format!("{name} {} × {} rows of {}", self.slabs(), self.indices, self.row)
    }

    fn pieces(&self) -> usize {
        self.slabs().div_ceil(self.piece)
    }

    unsafe fn run_piece(&self, piece: usize, at: &[*mut u8]) -> bool {
        macro_rules! with_index {
            ($f:ident, $t:ty $(, $combine:expr)?) => {
                match self.dtypes.1 {
                    // SAFETY: the caller's.
                    DType::I32 => unsafe { self.$f::<$t, i32>(piece, at $(, $combine)?) },
                    // SAFETY: the caller's.
                    DType::I64 => unsafe { self.$f::<$t, i64>(piece, at $(, $combine)?) },
                    // Refused by the shape rule.
                    DType::F32 | DType::F64 | DType::Bool => false,
                }
            };
        }
        macro_rules! extremes {
            ($t:ty) => {
                match self.action {
                    Action::Max => with_index!(scatter, $t, |a: $t, b| extreme(a, b, b > a)),
                    _ => with_index!(scatter, $t, |a: $t, b| extreme(a, b, b < a)),
                }
            };
        }
        let dtype = self.dtypes.0;
        match self.action {
            // Elements are only moved: by size.
            Action::Gather => match dtype.size() {
                1 => with_index!(gather, u8),
                4 => with_index!(gather, u32),
                _ => with_index!(gather, u64),
            },
            Action::Set => match dtype.size() {
                1 => with_index!(scatter, u8, |_, b| b),
                4 => with_index!(scatter, u32, |_, b| b),
                _ => with_index!(scatter, u64, |_, b| b),
            },
            Action::Add => match dtype {
                DType::F32 => with_index!(scatter, f32, |a, b| a + b),
                DType::F64 => with_index!(scatter, f64, |a, b| a + b),
                DType::I32 => with_index!(scatter, i32, i32::wrapping_add),
                DType::I64 => with_index!(scatter, i64, i64::wrapping_add),
                DType::Bool => false,
            },
            Action::Max | Action::Min => match dtype {
                DType::F32 => extremes!(f32),
                DType::F64 => extremes!(f64),
                DType::I32 => extremes!(i32),
                DType::I64 => extremes!(i64),
                DType::Bool => false,
            },
        }
    }
}
