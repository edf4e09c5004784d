//! Factors of a square matrix, and what follows from them: solve, inverse, determinant.
//!
//! P·A = L·U by elimination with partial pivoting; for a symmetric positive definite A, which is noticed,
//! A = L·Lᵀ, at half the cost. Either way they are packed in one row-major matrix beside a list of
//! whole numbers, so that they can be kept and used again.

use super::blocked;
use super::gram::BAND;
use super::scratch::{Scratch, room};
use super::small;
use super::substitute::{Corner, Sides, substitute};
use super::tile::{Entries, Even, Tiles};
use super::turn::turn;
use super::{Scalar, Status, fill_nan};
use crate::simd::Isa;

/// Symmetric matrices from this order on are tried with Cholesky's factorisation.
const TRIED: usize = small::MOST + 1;

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
    if n <= small::MOST { 0 } else { room::<T>(blocked::room(n, n)) + room::<T>(n) }
}

/// Factors the n×n row-major `a` in place; `rows` gets n + 1 numbers. With [`Status::Singular`] the factors
/// are complete and right, but U has a zero on its diagonal. NaN and infinities spread into the factors.
///
/// # Panics
/// If `a` has not n² entries or `rows` not n + 1. So for all functions here.
pub fn factor<'a, T: Scalar>(
    isa: Isa,
    n: usize,
    a: &'a mut [T],
    rows: &'a mut [i64],
    mut scratch: Scratch,
) -> (Factors<'a, T>, Status) {
    assert!(a.len() == n * n && rows.len() == n + 1, "factors of slices of wrong lengths");
    let at = a.as_mut_ptr();
    let (singular, odd) = if n <= small::MOST {
        // SAFETY: n² numbers and n rows; each number is read before one is written.
        unsafe { T::eliminate_small(isa, n, at, at, rows.as_mut_ptr()) }
    } else {
        if n >= TRIED && is_symmetric(isa, n, a) && cholesky_in_place(isa, n, a, scratch.again()) {
            rows[n] = CHOLESKY;
            return (Factors { packed: a, rows }, Status::Done);
        }
        let panel = scratch.raw::<T>(blocked::room(n, n));
        // SAFETY: n² numbers, n rows, and scratch as large as was asked for.
        unsafe { blocked::lu(isa, (n, n), at, n, rows.as_mut_ptr(), panel) }
    };
    rows[n] = if odd { ODD } else { EVEN };
    (Factors { packed: a, rows }, ended(n, singular))
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

/// Cholesky's factors in the lower triangle; if there are none, `a` is as it was.
fn cholesky_in_place<T: Scalar>(isa: Isa, n: usize, a: &mut [T], mut scratch: Scratch) -> bool {
    let diagonal = scratch.numbers::<T>(n);
    (0..n).for_each(|i| diagonal[i] = a[i * n + i]);
    let panel = scratch.raw::<T>(blocked::room(n, n));
    // SAFETY: n² numbers, and scratch as large as was asked for.
    if unsafe { blocked::cholesky(isa, n, a.as_mut_ptr(), n, panel) } == n {
        return true;
    }
    for i in 0..n {
        a[i * n + i] = diagonal[i];
        (0..i).for_each(|j| a[i * n + j] = a[j * n + i]);
    }
    false
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
    fn permutation(&self) -> &[i64] {
        &self.rows[..self.order()]
    }

    fn is_cholesky(&self) -> bool {
        self.rows[self.order()] == CHOLESKY
    }

    /// The triangles to substitute with, first and second, for A or for Aᵀ.
    fn triangles(&self, transposed: bool) -> [(Corner<T>, isize); 2] {
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

    /// X := T⁻¹·X for one triangle after the other.
    fn substitute(&self, isa: Isa, transposed: bool, k: usize, x: &mut [T]) {
        let n = self.order();
        if n == 0 || k == 0 {
            return;
        }
        let ld = k as isize;
        for (corner, direction) in self.triangles(transposed) {
            let first = if direction > 0 { 0 } else { (n - 1) * k };
            let at = x.as_mut_ptr().wrapping_add(first);
            // SAFETY: X is n×k, and does not overlap the factors, which are borrowed.
            unsafe { substitute(isa, corner, Sides { at, k, ld: direction * ld }) };
        }
    }

    /// X = A⁻¹·B for n×k row-major B and X.
    ///
    /// With a singular A the result has infinite or NaN entries.
    pub fn solve(&self, isa: Isa, k: usize, b: &[T], x: &mut [T]) {
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
            x.copy_from_slice(b);
        } else {
            for (i, &from) in self.permutation().iter().enumerate() {
                let from = from as usize * k;
                x[i * k..(i + 1) * k].copy_from_slice(&b[from..from + k]);
            }
        }
        self.substitute(isa, false, k, x);
    }

    /// X = A⁻ᵀ·B for n×k row-major B and X, with scratch for [`solve_transposed_room`].
    ///
    /// With a singular A the result has infinite or NaN entries.
    pub fn solve_transposed(&self, isa: Isa, k: usize, b: &[T], x: &mut [T], mut scratch: Scratch) {
        let n = self.order();
        assert!(b.len() == n * k && x.len() == n * k, "solve with a slice of the wrong length");
        if self.is_cholesky() {
            return self.solve(isa, k, b, x);
        }
        // Aᵀ = Uᵀ·Lᵀ·P: what is found are the entries of P·x.
        let found = scratch.copied(b);
        self.substitute(isa, true, k, found);
        for (i, &to) in self.permutation().iter().enumerate() {
            let to = to as usize * k;
            x[to..to + k].copy_from_slice(&found[i * k..(i + 1) * k]);
        }
    }

    /// A⁻¹, row-major, with scratch for [`inverse_room`].
    pub fn inverse(&self, isa: Isa, out: &mut [T], mut scratch: Scratch) {
        let n = self.order();
        assert!(out.len() == n * n, "inverse into a slice of the wrong length");
        let w = scratch.numbers::<T>(n * n);
        (0..n).for_each(|i| w[i * n + i] = T::of(1.0));
        if n <= small::MOST {
            return self.solve(isa, n, w, out);
        }
        let [first, second] = self.triangles(false);
        // SAFETY: three n×n matrices that do not overlap.
        unsafe { identity_below(isa, first.0, w.as_mut_ptr()) };
        if self.is_cholesky() {
            // SAFETY: as above.
            unsafe { gram(isa, n, w.as_ptr(), out.as_mut_ptr()) };
            return;
        }
        if n > 0 {
            let at = w.as_mut_ptr().wrapping_add((n - 1) * n);
            let sides = Sides { at, k: n, ld: -(n as isize) };
            // SAFETY: as above.
            unsafe { substitute(isa, second.0, sides) };
        }
        // A⁻¹ = U⁻¹·L⁻¹·P: column i of the product is column rows[i] of the inverse.
        let order = self.permutation();
        for (from, to) in w.chunks_exact(n.max(1)).zip(out.chunks_exact_mut(n.max(1))) {
            for (v, &to_column) in from.iter().zip(order) {
                to[to_column as usize] = *v;
            }
        }
    }

    /// det A; 1 for n = 0.
    pub fn det(&self) -> T {
        let n = self.order();
        let pivots = (0..n).map(|i| self.packed[i * n + i]);
        if self.is_cholesky() {
            return pivots.fold(T::of(1.0), |d, p| d * (p * p));
        }
        pivots.fold(T::of(if self.rows[n] == ODD { -1.0 } else { 1.0 }), |d, p| d * p)
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

/// X := L⁻¹·X where X is the identity: each band of columns, two vectors wide, from its own rows on.
///
/// # Safety
/// The corner is an n×n lower triangle and `x` an n×n matrix.
unsafe fn identity_below<T: Scalar>(isa: Isa, corner: Corner<T>, x: *mut T) {
    let n = corner.n;
    let band = 128 / size_of::<T>();
    for j in (0..n).step_by(band) {
        let k = band.min(n - j);
        // SAFETY: the caller's: columns from j on, rows from j on.
        unsafe {
            let sides = Sides { at: x.add(j * n + j), k, ld: n as isize };
            substitute(isa, corner.after(j), sides);
        }
    }
}

/// C = Wᵀ·W for a lower triangle W with zeros above: symmetric to the bit.
///
/// # Safety
/// Two n×n matrices that do not overlap.
unsafe fn gram<T: Scalar>(isa: Isa, n: usize, w: *const T, c: *mut T) {
    let ld = n as isize;
    for i in (0..n).step_by(BAND) {
        let m = BAND.min(n - i);
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
            mirror(isa, n, i, m, c);
        }
    }
}

/// Copies rows i … i + m of the lower triangle to the columns of the upper.
///
/// # Safety
/// An n×n matrix with these rows.
pub(super) unsafe fn mirror<T: Scalar>(isa: Isa, n: usize, i: usize, m: usize, c: *mut T) {
    // SAFETY: the caller's: the part before column i is not in the rows it is copied to.
    unsafe {
        turn(isa, m, i, c.add(i * n), n, c.add(i), n);
        for r in i..i + m {
            for j in i..r {
                *c.add(j * n + r) = *c.add(r * n + j);
            }
        }
    }
}

/// Bytes of scratch that [`Factors::inverse`] needs.
pub fn inverse_room<T: Scalar>(n: usize) -> usize {
    room::<T>(n * n)
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
    n: usize,
    a: &[T],
    scratch: &mut Scratch<'a>,
) -> (Factors<'a, T>, Status) {
    let (copy, rows) = (scratch.copied(a), scratch.indices(n + 1));
    factor(isa, n, copy, rows, scratch.again())
}

/// Bytes of scratch that [`solve`] needs.
pub fn solve_room<T: Scalar>(n: usize, k: usize) -> usize {
    if n <= small::MOST && k == 1 { 0 } else { own_room::<T>(n) }
}

/// X with A·X = B, for row-major n×n A and n×k B and X. X is NaN if A is singular.
///
/// The solution of a system near A: the residual is a small multiple of n·ε·‖A‖·‖X‖ (Higham, *Accuracy and
/// Stability of Numerical Algorithms*, section 9.3).
pub fn solve<T: Scalar>(
    isa: Isa,
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
        let (factors, status) = factor_copy(isa, n, a, &mut scratch);
        if status == Status::Done {
            factors.solve(isa, k, b, x);
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
        let (factors, status) = factor_copy(isa, n, a, &mut scratch);
        if status == Status::Done {
            factors.inverse(isa, out, scratch);
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
pub fn det<T: Scalar>(isa: Isa, n: usize, a: &[T], mut scratch: Scratch) -> T {
    factor_copy(isa, n, a, &mut scratch).0.det()
}

/// (sign of det A, log|det A|); (0, −∞) for a matrix that elimination finds singular.
pub fn slogdet<T: Scalar>(isa: Isa, n: usize, a: &[T], mut scratch: Scratch) -> (T, T) {
    factor_copy(isa, n, a, &mut scratch).0.slogdet()
}
