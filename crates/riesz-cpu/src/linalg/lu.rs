//! Factors of a square matrix, and what follows from them: solve, inverse, determinant.
//!
//! P·A = L·U by elimination with partial pivoting; for a symmetric positive definite A, which is noticed,
//! A = L·Lᵀ, at half the cost. Either way they are packed in one row-major matrix beside a list of
//! whole numbers, so that they can be kept and used again.

use super::scratch::{Scratch, room};
use super::substitute::{Corner, Sides, substitute};
use super::team::{Shared, Team, alone};
use super::turn::turn;
use super::{Scalar, Status, cholesky, eliminate, fill_nan, inverse_room, small};
use crate::simd::Isa;
use riesz_core::primitive::det::product_in_range;

/// Symmetric matrices from this order on are tried with Cholesky's factorisation.
const TRIED: usize = small::MOST + 1;

/// Multiplications that are worth more than one thread, and those worth a piece of their own.
const SHARED: usize = 1 << 18;
const PIECE: usize = 1 << 16;

/// What the last entry of the list of rows says.
const EVEN: i64 = 0;
const ODD: i64 = 1;
const CHOLESKY: i64 = 2;

/// The factors of a matrix, in the caller's memory.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, T> {
    /// n×n, row-major. Of elimination: U in the upper triangle, L without its unit diagonal below. Of
    /// Cholesky: L in the lower triangle, and anything above.
    packed: &'a [T],
    /// n + 1 numbers: row i of P·A is row `rows[i]` of A; then one that says what the factors are.
    rows: &'a [i64],
}

/// Bytes of scratch that [`factor`] needs for a matrix of order n.
pub fn factor_room<T: Scalar>(n: usize) -> usize {
    if n <= small::MOST { 0 } else { eliminate::room::<T>(n, n) }
}

/// Factors the n×n row-major `a`: `packed` gets n² numbers, `rows` n + 1. With [`Status::Singular`] the factors
/// are complete and right, but U has a zero on its diagonal. NaN and infinities spread into the factors.
///
/// # Panics
/// If `a` and `packed` have not n² entries or `rows` not n + 1. So for all functions here.
pub fn factor<'a, T: Scalar>(
    isa: Isa,
    team: Team,
    n: usize,
    a: &[T],
    packed: &'a mut [T],
    rows: &'a mut [i64],
    mut scratch: Scratch,
) -> (Factors<'a, T>, Status) {
    let fits = a.len() == n * n && packed.len() == n * n && rows.len() == n + 1;
    assert!(fits, "factors of slices of wrong lengths");
    let (at, order) = (packed.as_mut_ptr(), rows.as_mut_ptr());
    let (singular, odd) = if n <= small::MOST {
        // SAFETY: n² numbers twice and n rows.
        unsafe { T::eliminate_small(isa, n, a.as_ptr(), at, order) }
    } else {
        if n >= TRIED && is_symmetric(isa, n, a) {
            packed.copy_from_slice(a);
            // SAFETY: n² numbers, and scratch as large as was asked for.
            let pivots = unsafe { cholesky::cholesky((isa, team), n, at, n, &mut scratch.again()) };
            if pivots == n {
                rows[n] = CHOLESKY;
                return (Factors { packed, rows }, Status::Done);
            }
        }
        // SAFETY: n² numbers twice, n rows, and scratch as large as was asked for.
        unsafe { eliminate::lu((isa, team), (n, n), a.as_ptr(), at, n, order, &mut scratch) }
    };
    rows[n] = if odd { ODD } else { EVEN };
    (Factors { packed, rows }, ended(n, singular))
}

/// How elimination ended, from the first zero pivot, or n.
fn ended(n: usize, singular: usize) -> Status {
    if singular < n { Status::Singular(singular) } else { Status::Done }
}

/// Whether a matrix is symmetric to the bit, with a positive diagonal.
fn is_symmetric<T: Scalar>(isa: Isa, n: usize, a: &[T]) -> bool {
    let zero = T::of(0.0);
    if (0..n).any(|i| a[i * n + i] <= zero) {
        return false;
    }
    // By squares, of which one is transposed.
    const B: usize = 16;
    let mut turned = [zero; B * B];
    (0..n).step_by(B).all(|i| {
        let rows = B.min(n - i);
        (0..=i).step_by(B).all(|j| {
            let columns = B.min(n - j);
            // SAFETY: rows from j on and columns from i on, as many as there are, and at most B².
            unsafe {
                let from = a.as_ptr().add(j * n + i);
                turn(isa, columns, rows, from, n, turned.as_mut_ptr(), B);
            }
            (0..rows).all(|r| {
                let row = &a[(i + r) * n + j..][..columns];
                let same = |same: bool, (x, y): (&T, &T)| same & (x == y);
                row.iter().zip(&turned[r * B..]).fold(true, same)
            })
        })
    })
}

impl<'a, T: Scalar> Factors<'a, T> {
    /// Factors that were kept: what [`factor`] left in its two slices.
    pub fn kept(packed: &'a [T], rows: &'a [i64]) -> Factors<'a, T> {
        let n = rows.len().saturating_sub(1);
        assert!(rows.len() == n + 1 && packed.len() == n * n, "factors in slices of wrong lengths");
        Factors { packed, rows }
    }

    /// n
    pub fn order(&self) -> usize {
        self.rows.len() - 1
    }

    /// Whether elimination found the matrix singular: U has a zero on its diagonal.
    pub fn is_singular(&self) -> bool {
        let n = self.order();
        !self.is_cholesky() && (0..n).any(|i| self.packed[i * n + i] == T::of(0.0))
    }

    /// Which row of A each row of P·A is; of elimination only.
    pub(super) fn permutation(&self) -> &[i64] {
        &self.rows[..self.order()]
    }

    pub(super) fn is_cholesky(&self) -> bool {
        self.rows[self.order()] == CHOLESKY
    }

    /// The triangles to substitute with, first and second, for A or for Aᵀ.
    pub(super) fn triangles(&self, transposed: bool) -> [(Corner<T>, isize); 2] {
        let (n, at) = (self.order(), self.packed.as_ptr());
        let step = n as isize;
        // SAFETY: an n×n matrix.
        unsafe {
            match (self.is_cholesky(), transposed) {
                (true, _) => [
                    (Corner::lower(n, at, step, 1, false), 1),
                    (Corner::upper(n, at, 1, step, false), -1),
                ],
                (false, false) => [
                    (Corner::lower(n, at, step, 1, true), 1),
                    (Corner::upper(n, at, step, 1, false), -1),
                ],
                (false, true) => [
                    (Corner::lower(n, at, 1, step, false), 1),
                    (Corner::upper(n, at, 1, step, true), -1),
                ],
            }
        }
    }

    /// The team, if n² multiplications for each of k columns are worth more than one thread.
    pub(super) fn team(&self, team: Team, k: usize) -> Team {
        if self.order().pow(2) * k >= SHARED { team } else { alone }
    }

    /// X := T⁻¹·(rows of B) for one triangle after the other: `rows(i)` is the row of B that is the ith, X n×k.
    fn substitute(
        &self,
        isa: Isa,
        team: Team,
        (transposed, k): (bool, usize),
        row: impl Fn(usize) -> usize + Sync,
        b: &[T],
        x: &mut [T],
    ) {
        let n = self.order();
        if n == 0 || k == 0 {
            return;
        }
        let (ld, triangles) = (k as isize, Shared::new(self.triangles(transposed)));
        let (b, x) = (Shared::new(b.as_ptr()), Shared::new(x.as_mut_ptr()));
        // A multiple of two vectors.
        let columns = (PIECE / (n * n)).next_multiple_of(128 / size_of::<T>()).max(1);
        self.team(team, k)(k.div_ceil(columns), &|piece| {
            let from = piece * columns;
            let count = columns.min(k - from);
            // SAFETY: columns below k of B and X, which are n×k and do not overlap each other nor the
            // factors; no other piece writes these. All rows are below n.
            unsafe {
                let x = x.get().add(from);
                for i in 0..n {
                    let from = b.get().add(row(i) * k + from);
                    x.add(i * k).copy_from_nonoverlapping(from, count);
                }
                for (corner, direction) in triangles.get() {
                    let first = if direction > 0 { 0 } else { (n - 1) * k };
                    let sides = Sides { at: x.add(first), k: count, ld: direction * ld };
                    substitute(isa, corner, sides);
                }
            }
        });
    }

    /// X = A⁻¹·B for n×k row-major B and X.
    ///
    /// With a singular A the result has infinite or NaN entries.
    pub fn solve(&self, isa: Isa, team: Team, k: usize, b: &[T], x: &mut [T]) {
        let n = self.order();
        assert!(b.len() == n * k && x.len() == n * k, "solve with a slice of the wrong length");
        if n <= small::MOST {
            let rows = self.rows.as_ptr();
            // SAFETY: n² numbers, n rows that are below n, and n×k numbers twice.
            unsafe {
                let packed = self.packed.as_ptr();
                return T::solve_small(isa, n, packed, rows, k, b.as_ptr(), x.as_mut_ptr());
            }
        }
        if self.is_cholesky() {
            self.substitute(isa, team, (false, k), |i| i, b, x);
        } else {
            let rows = self.permutation();
            self.substitute(isa, team, (false, k), |i| rows[i] as usize, b, x);
        }
    }

    /// X = A⁻ᵀ·B for n×k row-major B and X, with scratch for [`solve_transposed_room`].
    ///
    /// With a singular A the result has infinite or NaN entries.
    pub fn solve_transposed(
        &self,
        isa: Isa,
        team: Team,
        k: usize,
        b: &[T],
        x: &mut [T],
        mut scratch: Scratch,
    ) {
        let n = self.order();
        assert!(b.len() == n * k && x.len() == n * k, "solve with a slice of the wrong length");
        if self.is_cholesky() {
            return self.solve(isa, team, k, b, x);
        }
        // Aᵀ = Uᵀ·Lᵀ·P: what is found are the entries of P·x.
        let found = scratch.numbers(n * k);
        self.substitute(isa, team, (true, k), |i| i, b, found);
        for (i, &to) in self.permutation().iter().enumerate() {
            let to = to as usize * k;
            x[to..to + k].copy_from_slice(&found[i * k..(i + 1) * k]);
        }
    }

    /// det A; 1 for n = 0. It overflows or underflows only if the determinant does.
    pub fn det(&self) -> T {
        let n = self.order();
        let pivots = (0..n).map(|i| self.packed[i * n + i]);
        let det = match self.rows[n] {
            CHOLESKY => product(pivots.map(|p| (p * p).wide())),
            ODD => -product(pivots.map(|p| p.wide())),
            _ => product(pivots.map(|p| p.wide())),
        };
        T::of(det)
    }

    /// (sign of det A, log|det A|), without overflow; (0, −∞) if singular, (1, 0) for n = 0.
    pub fn slogdet(&self) -> (T, T) {
        let n = self.order();
        let pivots = (0..n).map(|i| self.packed[i * n + i]);
        if self.is_cholesky() {
            return (T::of(1.0), T::of(2.0 * logarithms(pivots).1));
        }
        let (sign, log) = logarithms(pivots);
        (T::of(if self.rows[n] == ODD { -sign } else { sign }), T::of(log))
    }
}

/// The product of numbers, in their order where that has no partial product out of range.
fn product(factors: impl Iterator<Item = f64> + Clone) -> f64 {
    let (mut product, mut in_range) = (1.0f64, true);
    for factor in factors.clone() {
        product *= factor;
        in_range &= product.is_normal();
    }
    if in_range { product } else { product_in_range(factors) }
}

/// The sign and the logarithm of the magnitude of a product.
fn logarithms<T: Scalar>(factors: impl Iterator<Item = T>) -> (f64, f64) {
    let (mut sign, mut log) = (1.0, 0.0);
    // Products of a few mantissas need one logarithm; exponents are added up.
    let (mut mantissas, mut exponents, mut count) = (1.0f64, 0i64, 0);
    for v in factors {
        let v = v.wide();
        sign *= if v == 0.0 { 0.0 } else { v.signum() };
        if v == 0.0 || !v.is_finite() {
            log += v.abs().ln();
            continue;
        }
        let (m, e) = parts(v.abs());
        (mantissas, exponents, count) = (mantissas * m, exponents + e, count + 1);
        if count % 512 == 0 {
            let (m, e) = parts(mantissas);
            (mantissas, exponents) = (m, exponents + e);
        }
    }
    (sign, log + mantissas.ln() + exponents as f64 * std::f64::consts::LN_2)
}

/// v = m·2^e with 1 ≤ m < 2, for positive v.
fn parts(v: f64) -> (f64, i64) {
    const SUBNORMAL: f64 = 18_014_398_509_481_984.0; // 2^54
    if v < f64::MIN_POSITIVE {
        let (m, e) = parts(v * SUBNORMAL);
        return (m, e - 54);
    }
    let bits = v.to_bits();
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    (mantissa, (bits >> 52) as i64 - 1023)
}

/// Bytes of scratch that [`Factors::solve_transposed`] needs.
pub fn solve_transposed_room<T: Scalar>(n: usize, k: usize) -> usize {
    room::<T>(n * k)
}

/// Bytes of scratch that a matrix, its factors and their scratch need.
fn own_room<T: Scalar>(n: usize) -> usize {
    room::<T>(n * n) + room::<i64>(n + 1) + factor_room::<T>(n)
}

/// Factors of a copy of a matrix.
fn factor_copy<'a, T: Scalar>(
    isa: Isa,
    team: Team,
    n: usize,
    a: &[T],
    scratch: &mut Scratch<'a>,
) -> (Factors<'a, T>, Status) {
    let (packed, rows) = (scratch.numbers(n * n), scratch.indices(n + 1));
    factor(isa, team, n, a, packed, rows, scratch.again())
}

/// Bytes of scratch that [`solve`] needs.
pub fn solve_room<T: Scalar>(n: usize, k: usize) -> usize {
    if n <= small::MOST && k == 1 { 0 } else { own_room::<T>(n) }
}

/// X with A·X = B, for row-major n×n A and n×k B and X. X is NaN if A is singular.
///
/// The solution of a system near A: the residual is a small multiple of n·ε·‖A‖·‖X‖ (Higham, *Accuracy and
/// Stability of Numerical Algorithms*, section 9.3).
#[allow(clippy::too_many_arguments)]
pub fn solve<T: Scalar>(
    isa: Isa,
    team: Team,
    n: usize,
    a: &[T],
    k: usize,
    b: &[T],
    x: &mut [T],
    mut scratch: Scratch,
) -> Status {
    assert!(
        a.len() == n * n && b.len() == n * k && x.len() == n * k,
        "solve with slices of wrong lengths"
    );
    let status = if n <= small::MOST && k == 1 {
        // SAFETY: n² numbers and n numbers twice.
        ended(n, unsafe { T::solve_one_small(isa, n, a.as_ptr(), b.as_ptr(), x.as_mut_ptr()) })
    } else {
        let (factors, status) = factor_copy(isa, team, n, a, &mut scratch);
        if status == Status::Done {
            factors.solve(isa, team, k, b, x);
        }
        status
    };
    if status != Status::Done {
        fill_nan(x);
    }
    status
}

/// Bytes of scratch that [`inverse`] needs.
pub fn invert_room<T: Scalar>(n: usize) -> usize {
    if n <= small::MOST { 0 } else { own_room::<T>(n) + inverse_room::<T>(n) }
}

/// A⁻¹, row-major; NaN if A is singular.
pub fn inverse<T: Scalar>(
    isa: Isa,
    team: Team,
    n: usize,
    a: &[T],
    out: &mut [T],
    mut scratch: Scratch,
) -> Status {
    assert!(a.len() == n * n && out.len() == n * n, "inverse of slices of wrong lengths");
    let status = if n <= small::MOST {
        // SAFETY: n² numbers twice.
        ended(n, unsafe { T::inverse_small(isa, n, a.as_ptr(), out.as_mut_ptr()) })
    } else {
        let (factors, status) = factor_copy(isa, team, n, a, &mut scratch);
        if status == Status::Done {
            factors.inverse(isa, team, out, scratch);
        }
        status
    };
    if status != Status::Done {
        fill_nan(out);
    }
    status
}

/// Bytes of scratch that [`det`] and [`slogdet`] need.
pub fn det_room<T: Scalar>(n: usize) -> usize {
    own_room::<T>(n)
}

/// det A: 0 for a matrix that elimination finds singular.
pub fn det<T: Scalar>(isa: Isa, team: Team, n: usize, a: &[T], mut scratch: Scratch) -> T {
    factor_copy(isa, team, n, a, &mut scratch).0.det()
}

/// (sign of det A, log|det A|); (0, −∞) for a matrix that elimination finds singular.
pub fn slogdet<T: Scalar>(isa: Isa, team: Team, n: usize, a: &[T], mut scratch: Scratch) -> (T, T) {
    factor_copy(isa, team, n, a, &mut scratch).0.slogdet()
}
