//! The inverse of a matrix from its factors.

use super::gram::BAND;
use super::scratch::{Scratch, room};
use super::substitute::{Corner, Sides, substitute};
use super::team::{Shared, Team};
use super::tile::{Entries, Even, Tiles};
use super::turn::turn;
use super::{Factors, Scalar, small};
use crate::simd::Isa;

/// Bytes of scratch that [`Factors::inverse`] needs.
pub fn inverse_room<T: Scalar>(n: usize) -> usize {
    room::<T>(n * n)
}

/// Rows that are permuted together.
const ROWS: usize = 64;

impl<T: Scalar> Factors<'_, T> {
    /// A⁻¹, row-major, with scratch for [`inverse_room`].
    pub fn inverse(&self, isa: Isa, team: Team, out: &mut [T], mut scratch: Scratch) {
        let n = self.order();
        assert!(out.len() == n * n, "inverse into a slice of the wrong length");
        if n <= small::MOST {
            let identity = scratch.numbers::<T>(n * n);
            (0..n).for_each(|i| identity[i * n + i] = T::of(1.0));
            return self.solve(isa, team, n, identity, out);
        }
        let team = self.team(team, n);
        let (w, out) = (Shared::new(scratch.raw::<T>(n * n)), Shared::new(out.as_mut_ptr()));
        let [(first, _), (second, _)] = self.triangles(false);
        // Bands of columns, two vectors wide.
        let band = 128 / size_of::<T>();
        let (first, second) = (Shared::new(first), Shared::new(second));
        team(n.div_ceil(band), &|piece| {
            let j = piece * band;
            let k = band.min(n - j);
            // SAFETY: the columns from j on of an n×n matrix, which no other piece uses; the factors are
            // only read.
            unsafe {
                identity_below(isa, first.get(), w.get(), j, k);
                if !self.is_cholesky() {
                    let at = w.get().add((n - 1) * n + j);
                    substitute(isa, second.get(), Sides { at, k, ld: -(n as isize) });
                }
            }
        });
        if self.is_cholesky() {
            team(n.div_ceil(BAND), &|piece| {
                // SAFETY: two n×n matrices that do not overlap; each piece writes rows of its own up to the
                // diagonal, and what mirrors them.
                unsafe { gram(isa, n, piece * BAND, w.get(), out.get()) }
            });
            return;
        }
        // A⁻¹ = U⁻¹·L⁻¹·P: column i of the product is column rows[i] of the inverse.
        let order = self.permutation();
        team(n.div_ceil(ROWS), &|piece| {
            for i in piece * ROWS..(piece * ROWS + ROWS).min(n) {
                // SAFETY: row i of two n×n matrices that do not overlap, in no other piece.
                let (from, to) = unsafe {
                    let (from, to) = (w.get().add(i * n), out.get().add(i * n));
                    (std::slice::from_raw_parts(from, n), std::slice::from_raw_parts_mut(to, n))
                };
                for (v, &column) in from.iter().zip(order) {
                    to[column as usize] = *v;
                }
            }
        });
    }
}

/// k columns of L⁻¹ from column j on: those of the identity, and L⁻¹ times them from their own rows on.
///
/// # Safety
/// The corner is an n×n lower triangle and `x` an n×n matrix, whose columns nobody else uses.
unsafe fn identity_below<T: Scalar>(isa: Isa, corner: Corner<T>, x: *mut T, j: usize, k: usize) {
    let n = corner.n;
    // SAFETY: the caller's: columns from j on, rows from j on.
    unsafe {
        for i in 0..n {
            x.add(i * n + j).write_bytes(0, k);
        }
        for i in j..j + k {
            *x.add(i * n + i) = T::of(1.0);
        }
        let sides = Sides { at: x.add(j * n + j), k, ld: n as isize };
        substitute(isa, corner.after(j), sides);
    }
}

/// Rows i … i + [`BAND`] of C = Wᵀ·W for a lower triangle W with zeros above, up to their diagonal, and
/// what mirrors them: symmetric to the bit.
///
/// # Safety
/// Two n×n matrices that do not overlap.
unsafe fn gram<T: Scalar>(isa: Isa, n: usize, i: usize, w: *const T, c: *mut T) {
    let (ld, m) = (n as isize, BAND.min(n - i));
    // SAFETY: the caller's: rows i … of C up to their diagonal; W has zeros above row i in column i.
    unsafe {
        Tiles {
            m,
            n: i + m,
            k: n - i,
            alpha: T::of(1.0),
            a: Entries { at: w.add(i * n + i), rows: Even(1), columns: Even(ld) },
            b: w.add(i * n),
            ldb: ld,
            beta: T::of(0.0),
            c: c.add(i * n),
            ldc: ld,
        }
        .run(isa);
        // The part before column i is not in the rows it is copied to.
        turn(isa, m, i, c.add(i * n), n, c.add(i), n);
        for r in i..i + m {
            for j in i..r {
                *c.add(j * n + r) = *c.add(r * n + j);
            }
        }
    }
}
