//! Blocked factorisations of row-major matrices: LU with partial pivoting and Cholesky's.

use super::Kernels as Vectors;
use super::gram::BAND;
use super::panel::Panel;
use super::substitute::{Corner, Sides, substitute};
use super::tile::{Entries, Even, Tiles};
use super::vector::{Registers, Vector, with_registers};
use crate::simd::Isa;

/// How many columns are factored together: more for larger matrices, whose products are then longer.
fn width(n: usize) -> usize {
    match n {
        0..=40 => 8,
        41..=128 => 16,
        129..=400 => 32,
        _ => WIDEST,
    }
}

/// The most columns that are factored together.
const WIDEST: usize = 64;

/// From one column of a panel to the next: not a power of two, or all would fall on the same lines of
/// the cache.
fn spacing(len: usize) -> usize {
    let ld = len.next_multiple_of(8);
    if ld.is_multiple_of(64) { ld + 8 } else { ld }
}

/// Scratch numbers that the factorisations of m×n need.
pub(super) fn room(m: usize, n: usize) -> usize {
    width(m.min(n)) * spacing(m)
}

/// P·A = L·U in place, for an m×n matrix with rows `ld` apart; row i of P·A is row `rows[i]` of A. Gives the first
/// zero pivot, or min(m, n), and whether P is odd.
///
/// # Safety
/// `a` is writable, `rows` has m entries, `scratch` as many numbers as `room` says.
pub(super) unsafe fn lu<T: Registers + Vectors>(
    isa: Isa,
    (m, n): (usize, usize),
    a: *mut T,
    ld: usize,
    rows: *mut i64,
    scratch: *mut T,
) -> (usize, bool) {
    let k = m.min(n);
    let (mut singular, mut odd) = (k, false);
    // SAFETY: everything below is inside the matrix, the list of rows or the panel.
    unsafe {
        for i in 0..m {
            *rows.add(i) = i as i64;
        }
        let step = width(k);
        let mut first = 0;
        while first < k {
            let w = step.min(k - first);
            let len = m - first;
            let panel = Panel { at: scratch, w, len, ld: spacing(len) };
            let corner = a.add(first * ld + first);
            panel.read(isa, corner, ld);
            let mut pivots = [0; WIDEST];
            let zero = panel.eliminate(isa, pivots.as_mut_ptr());
            if zero < w {
                singular = singular.min(first + zero);
            }
            for (c, &pivot) in pivots[..w].iter().enumerate() {
                if pivot != c {
                    let (i, j) = (first + c, first + pivot);
                    exchange(isa, a.add(i * ld), a.add(j * ld), first);
                    let right = first + w;
                    exchange(isa, a.add(i * ld + right), a.add(j * ld + right), n - right);
                    std::ptr::swap(rows.add(i), rows.add(j));
                    odd = !odd;
                }
            }
            panel.write(isa, corner, ld);
            let right = n - first - w;
            if right > 0 {
                let above = corner.add(w);
                let lower = Corner::lower(w, panel.at.cast_const(), 1, panel.ld as isize, true);
                substitute(isa, lower, Sides { at: above, k: right, ld: ld as isize });
                Tiles {
                    m: len - w,
                    n: right,
                    k: w,
                    alpha: T::of(-1.0),
                    a: Entries {
                        at: panel.at.add(w).cast_const(),
                        rows: Even(1),
                        columns: Even(panel.ld as isize),
                    },
                    b: above,
                    ldb: ld as isize,
                    beta: T::of(1.0),
                    c: above.add(w * ld),
                    ldc: ld as isize,
                }
                .run(isa);
            }
            first += w;
        }
    }
    (singular, odd)
}

/// Exchanges n numbers.
///
/// # Safety
/// They are writable and do not overlap.
unsafe fn exchange<T: Registers>(isa: Isa, x: *mut T, y: *mut T, n: usize) {
    /// # Safety
    /// As for `exchange`.
    #[inline(always)]
    unsafe fn by_vectors<V: Vector>(x: *mut V::Number, y: *mut V::Number, n: usize) {
        let mut i = 0;
        while i < n {
            let lanes = V::LANES.min(n - i);
            // SAFETY: the caller's: numbers below n.
            unsafe {
                let (x, y) = (x.add(i), y.add(i));
                let (u, v) = (V::load_first(x, lanes), V::load_first(y, lanes));
                v.store_first(x, lanes);
                u.store_first(y, lanes);
            }
            i += lanes;
        }
    }
    with_registers!(isa, by_vectors::<T>(x: *mut T, y: *mut T, n: usize))
}

/// A = L·Lᵀ in place in the lower triangle of a symmetric n×n matrix, of which nothing else is read or written.
/// Gives the first pivot that is not positive, or n.
///
/// # Safety
/// `a` is writable, `scratch` has as many numbers as `room` says.
pub(super) unsafe fn cholesky<T: Registers + Vectors>(
    isa: Isa,
    n: usize,
    a: *mut T,
    ld: usize,
    scratch: *mut T,
) -> usize {
    // SAFETY: everything below is inside the matrix or the panel.
    unsafe {
        let step = width(n);
        let mut first = 0;
        while first < n {
            let w = step.min(n - first);
            let len = n - first;
            let panel = Panel { at: scratch, w, len, ld: spacing(len) };
            let corner = a.add(first * ld + first);
            panel.read(isa, corner, ld);
            let bad = panel.cholesky(isa);
            if bad < w {
                return first + bad;
            }
            for i in 0..w {
                for j in 0..=i {
                    *corner.add(i * ld + j) = *panel.at.add(j * panel.ld + i);
                }
            }
            let below = len - w;
            let rest = Panel { at: panel.at.add(w), len: below, ..panel };
            rest.write(isa, corner.add(w * ld), ld);
            let mut i = 0;
            while i < below {
                let rows = BAND.min(below - i);
                Tiles {
                    m: rows,
                    n: i + rows,
                    k: w,
                    alpha: T::of(-1.0),
                    a: Entries {
                        at: rest.at.add(i).cast_const(),
                        rows: Even(1),
                        columns: Even(rest.ld as isize),
                    },
                    b: rest.at,
                    ldb: rest.ld as isize,
                    beta: T::of(1.0),
                    c: corner.add((w + i) * ld + w),
                    ldc: ld as isize,
                }
                .run(isa);
                i += rows;
            }
            first += w;
        }
    }
    n
}
