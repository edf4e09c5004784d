//! The loops of a product of tensors: what each moves, which are one to memory, and which is left to a product of
//! matrices.

use crate::nest::{Access, Loops};
use smallvec::SmallVec;

/// A loop of a product: how often it runs, and the elements by which it moves x, y and the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// How often it runs.
    pub extent: usize,
    /// By how many elements it moves the first operand.
    pub x: isize,
    /// By how many elements it moves the second operand.
    pub y: isize,
    /// By how many elements it moves the result.
    pub z: isize,
}

pub(super) const ONCE: Loop = Loop { extent: 1, x: 0, y: 0, z: 0 };

/// Elements that fill a line of the cache, or nearly.
const LINE: usize = 8;

/// The most elements of a factor that are copied.
const COPIED: usize = 1 << 13;

impl Loop {
    /// The loops of a product, outermost first, as a routine has them.
    pub(super) fn all(loops: &[Loop], offset: [isize; 3], grain: usize) -> Loops {
        let access = |(i, by): (usize, fn(&Loop) -> isize)| {
            let strides = loops.iter().map(by).collect();
            Access { operand: i as u32, offset: offset[i], strides }
        };
        let moves: [fn(&Loop) -> isize; 3] = [|l| l.x, |l| l.y, |l| l.z];
        Loops {
            extents: loops.iter().map(|l| l.extent).collect(),
            accesses: moves.into_iter().enumerate().map(access).collect::<SmallVec<_>>(),
            grain,
        }
    }
}

/// Copies what loops over y read, one after the other, to where the second pointer moves along.
///
/// # Safety
/// The loops stay inside what `from` points to, and there is room for as many elements at `to`.
pub(super) unsafe fn copy_loops<T>(loops: &[Loop], from: *const T, to: &mut *mut T) {
    let Some((outer, inner)) = loops.split_first() else {
        // SAFETY: the caller's.
        unsafe {
            to.copy_from_nonoverlapping(from, 1);
            *to = to.add(1);
        }
        return;
    };
    for i in 0..outer.extent as isize {
        // SAFETY: the caller's.
        unsafe { copy_loops(inner, from.offset(i * outer.y), to) };
    }
}

/// Whether loops over columns (or rows) are several that would be one if their factor were copied, and few
/// enough.
pub(super) fn is_divided(loops: &[Loop], sums: &[Loop]) -> bool {
    let joined = |pair: &[Loop]| pair[0].z == pair[1].z * pair[1].extent as isize;
    loops.len() > 1
        && loops.windows(2).all(joined)
        && sums.len() == 1
        && (1..=COPIED).contains(&(size(loops) * sums[0].extent))
}

/// How often loops run.
pub(super) fn size(loops: &[Loop]) -> usize {
    loops.iter().map(|l| l.extent).product()
}

/// The offsets of x, y and z in an iteration of loops.
pub(super) fn moved(mut at: [isize; 3], loops: &[Loop], iteration: usize) -> [isize; 3] {
    let mut rest = iteration;
    for l in loops.iter().rev() {
        let i = (rest % l.extent) as isize;
        rest /= l.extent;
        at = [at[0] + i * l.x, at[1] + i * l.y, at[2] + i * l.z];
    }
    at
}

/// The loops over rows, over columns, that are summed over, and of a batch.
pub(super) fn kinds(loops: &[Loop]) -> [Vec<Loop>; 4] {
    [
        kind(loops, |l| l.z != 0 && l.y == 0),
        kind(loops, |l| l.z != 0 && l.x == 0 && l.y != 0),
        kind(loops, |l| l.z == 0),
        kind(loops, |l| l.z != 0 && l.x != 0 && l.y != 0),
    ]
}

/// The loops of a kind in the order of the result, with neighbours that are one to memory made one.
fn kind(loops: &[Loop], is: impl Fn(&Loop) -> bool) -> Vec<Loop> {
    let mut merged: Vec<Loop> = Vec::new();
    let mut loops: Vec<Loop> = loops.iter().filter(|l| l.extent != 1 && is(l)).copied().collect();
    loops.sort_by_key(|l| std::cmp::Reverse(l.z.unsigned_abs()));
    for l in &loops {
        let n = l.extent as isize;
        match merged.last_mut() {
            Some(outer) if (outer.x, outer.y, outer.z) == (l.x * n, l.y * n, l.z * n) => {
                *outer = Loop { extent: outer.extent * l.extent, ..*l };
            }
            _ => merged.push(*l),
        }
    }
    merged
}

/// The loop that is left to the product of matrices: the longest, but one that is `near` and not short before that, as
/// a matrix with no unit stride costs a line of the cache for each element.
pub(super) fn take(loops: &mut Vec<Loop>, near: impl Fn(&Loop) -> bool) -> Loop {
    let worth = |l: &Loop| (near(l) && l.extent >= LINE, l.extent);
    match (0..loops.len()).max_by_key(|&i| worth(&loops[i])) {
        Some(at) => loops.remove(at),
        None => ONCE,
    }
}
