//! `cofactor` and `cofactor_tangent`: the first and second differential of the determinant.
//!
//! Of orders up to 3 they are written out. Beyond, cof(A) = det(A)·A⁻ᵀ where A is regular and well
//! conditioned, and its differential follows; elsewhere both are made of the singular values, as the
//! primitives say. All in f64.

use super::stack::{OnMatrices, Operands};
use crate::linalg::{self, Factors, MatPtr, Scalar, Scratch, Status, room};
use crate::run::pool;
use crate::simd::Isa;

/// Matrices with a larger condition number, in the norm of rows, are not inverted.
const WELL_CONDITIONED: f64 = 1e3;

/// `cofactor` of matrices of order n.
pub struct Cofactor {
    /// n
    pub n: usize,
}

/// `cofactor_tangent` of matrices of order n.
pub struct CofactorTangent {
    /// n
    pub n: usize,
}

impl OnMatrices for Cofactor {
    fn name(&self) -> String {
        format!("cofactor {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        self.n.pow(3)
    }
    fn room<T: Scalar>(&self) -> usize {
        Work::room(self.n) + 2 * room::<f64>(self.n * self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, mut scratch: Scratch) -> bool {
        let size = self.n * self.n;
        // SAFETY: the caller's: a matrix and its cofactors.
        let (a, out) = unsafe { (at.read::<T>(0, size), at.write::<T>(1, size)) };
        let (wide, c) = (widened(a, &mut scratch), scratch.numbers::<f64>(size));
        let mut work = Work { isa, n: self.n, a: wide };
        let done = match self.n {
            0..=3 => {
                small(self.n, wide, c);
                true
            }
            _ => work.cofactors(c, scratch),
        };
        out.iter_mut().zip(&*c).for_each(|(to, v)| *to = T::of(*v));
        done
    }
}

impl OnMatrices for CofactorTangent {
    fn name(&self) -> String {
        format!("cofactor_tangent {0}x{0}", self.n)
    }
    fn cost(&self) -> usize {
        3 * self.n.pow(3)
    }
    fn room<T: Scalar>(&self) -> usize {
        Work::room(self.n) + 3 * room::<f64>(self.n * self.n)
    }
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, mut scratch: Scratch) -> bool {
        let size = self.n * self.n;
        // SAFETY: the caller's: a matrix, a direction and the differential.
        let (a, x, out) =
            unsafe { (at.read::<T>(0, size), at.read::<T>(1, size), at.write::<T>(2, size)) };
        let (a, x) = (widened(a, &mut scratch), widened(x, &mut scratch));
        let c = scratch.numbers::<f64>(size);
        let done = match self.n {
            0..=3 => {
                small_tangent(self.n, a, x, c);
                true
            }
            n => Work { isa, n, a }.tangent(x, c, scratch),
        };
        out.iter_mut().zip(&*c).for_each(|(to, v)| *to = T::of(*v));
        done
    }
}

fn widened<'a, T: Scalar>(x: &[T], scratch: &mut Scratch<'a>) -> &'a [f64] {
    let wide = scratch.numbers::<f64>(x.len());
    wide.iter_mut().zip(x).for_each(|(to, v)| *to = v.wide());
    wide
}

/// Of orders up to 3: rows of cof(A) are cross products of the other rows of A.
fn small(n: usize, a: &[f64], c: &mut [f64]) {
    match n {
        1 => c[0] = 1.0,
        2 => c.copy_from_slice(&[a[3], -a[2], -a[1], a[0]]),
        3 => {
            for i in 0..3 {
                let (p, q) = (3 * ((i + 1) % 3), 3 * ((i + 2) % 3));
                c[3 * i..3 * i + 3].copy_from_slice(&cross(&a[p..p + 3], &a[q..q + 3]));
            }
        }
        _ => {}
    }
}

fn small_tangent(n: usize, a: &[f64], x: &[f64], c: &mut [f64]) {
    match n {
        1 => c[0] = 0.0,
        2 => small(2, x, c),
        3 => {
            for i in 0..3 {
                let (p, q) = (3 * ((i + 1) % 3), 3 * ((i + 2) % 3));
                let first = cross(&x[p..p + 3], &a[q..q + 3]);
                let second = cross(&a[p..p + 3], &x[q..q + 3]);
                (0..3).for_each(|j| c[3 * i + j] = first[j] + second[j]);
            }
        }
        _ => {}
    }
}

fn cross(x: &[f64], y: &[f64]) -> [f64; 3] {
    [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
}

/// A matrix of order n > 3.
struct Work<'a> {
    isa: Isa,
    n: usize,
    a: &'a [f64],
}

impl Work<'_> {
    fn room(n: usize) -> usize {
        let matrix = room::<f64>(n * n);
        let inverse = linalg::factor_room::<f64>(n) + linalg::inverse_room::<f64>(n);
        let own = 5 * matrix + 2 * room::<f64>(n + 1);
        let later =
            product_room(n).max(linalg::svd_room::<f64>(n, n)).max(linalg::det_room::<f64>(n));
        own + inverse.max(later)
    }

    /// The determinant and the inverse, if the matrix is well conditioned.
    fn inverse(&self, inverse: &mut [f64], mut scratch: Scratch) -> Option<f64> {
        let (isa, n) = (self.isa, self.n);
        let (packed, rows) = (scratch.numbers(n * n), scratch.indices(n + 1));
        let (factors, status): (Factors<f64>, _) =
            linalg::factor(isa, pool::run, n, self.a, packed, rows, scratch.again());
        if status != Status::Done {
            return None;
        }
        factors.inverse(isa, pool::run, inverse, scratch);
        let norm = |m: &[f64]| {
            let sums = m.chunks_exact(n).map(|row| row.iter().map(|v| v.abs()).sum::<f64>());
            sums.fold(0.0, |most: f64, v| if v > most || v.is_nan() { v } else { most })
        };
        (norm(self.a) * norm(inverse) <= WELL_CONDITIONED).then(|| factors.det())
    }

    fn cofactors(&mut self, c: &mut [f64], mut scratch: Scratch) -> bool {
        let n = self.n;
        let inverse = scratch.numbers::<f64>(n * n);
        if let Some(det) = self.inverse(inverse, scratch.again()) {
            (0..n * n).for_each(|i| c[i] = det * inverse[i % n * n + i / n]);
            return true;
        }
        self.rotated(c, scratch, |s, _, _, g, _, _| {
            (0..n).for_each(|i| g[i * n + i] = product_but(s, &[i]));
        })
    }

    /// With Y = A⁻¹: det(A)·(⟨Yᵀ, X⟩·Yᵀ − (Y·X·Y)ᵀ).
    fn tangent(&mut self, x: &[f64], c: &mut [f64], mut scratch: Scratch) -> bool {
        let n = self.n;
        let y = scratch.numbers::<f64>(n * n);
        if let Some(det) = self.inverse(y, scratch.again()) {
            let (half, whole) = (scratch.numbers::<f64>(n * n), scratch.numbers::<f64>(n * n));
            product(self.isa, n, (y, false), (x, false), half, scratch.again());
            product(self.isa, n, (half, false), (y, false), whole, scratch);
            let inner: f64 = (0..n * n).map(|i| y[i % n * n + i / n] * x[i]).sum();
            let at = |m: &[f64], i: usize| m[i % n * n + i / n];
            (0..n * n).for_each(|i| c[i] = det * (inner * at(y, i) - at(whole, i)));
            return true;
        }
        // With E = Uᵀ·X·V: on the diagonal Σⱼ Eⱼⱼ Π_{k≠i,j} sₖ, off it −Eⱼᵢ Π_{k≠i,j} sₖ.
        let isa = self.isa;
        self.rotated(c, scratch, |s, u, vt, g, e, mut scratch| {
            product(isa, n, (u, true), (x, false), g, scratch.again());
            product(isa, n, (g, false), (vt, true), e, scratch);
            g.fill(0.0);
            for i in 0..n {
                for j in (0..n).filter(|&j| j != i) {
                    let others = product_but(s, &[i, j]);
                    g[i * n + i] += e[j * n + j] * others;
                    g[i * n + j] = -e[j * n + i] * others;
                }
            }
        })
    }

    /// det(U)·det(V)·U·G·Vᵀ, where G is made from singular values and vectors: `g(s, U, Vᵀ, G, more, scratch)`.
    fn rotated(
        &self,
        c: &mut [f64],
        mut scratch: Scratch,
        g: impl FnOnce(&[f64], &[f64], &[f64], &mut [f64], &mut [f64], Scratch),
    ) -> bool {
        let (isa, n) = (self.isa, self.n);
        let mut matrix = || scratch.numbers::<f64>(n * n);
        let (u, vt, own, more) = (matrix(), matrix(), matrix(), matrix());
        let s = scratch.numbers::<f64>(n);
        match linalg::svd((n, n), self.a, u, s, vt, scratch.again()) {
            Status::Done => {}
            Status::NotFinite => {
                c.fill(f64::NAN);
                return true;
            }
            _ => return false,
        }
        let mut sign = |q: &[f64]| linalg::det(isa, pool::run, n, q, scratch.again()).signum();
        let turn = sign(u) * sign(vt);
        g(s, u, vt, own, more, scratch.again());
        product(isa, n, (u, false), (own, false), more, scratch.again());
        product(isa, n, (more, false), (vt, false), c, scratch);
        c.iter_mut().for_each(|c| *c *= turn);
        true
    }
}

/// Bytes of scratch for `product`.
fn product_room(n: usize) -> usize {
    let (rows, columns) = ((n as isize, 1), (1, n as isize));
    let room = |b| linalg::multiply_raw_room(size_of::<f64>(), (n, n, n), rows, b, rows);
    room(rows).max(room(columns))
}

/// C = A·B of n×n matrices, either transposed.
fn product(
    isa: Isa,
    n: usize,
    a: (&[f64], bool),
    b: (&[f64], bool),
    c: &mut [f64],
    scratch: Scratch,
) {
    let step = n as isize;
    let matrix = |(m, transposed): (&[f64], bool)| match transposed {
        false => MatPtr { at: m.as_ptr(), row: step, col: 1 },
        true => MatPtr { at: m.as_ptr(), row: 1, col: step },
    };
    let to = MatPtr { at: c.as_mut_ptr(), row: step, col: 1 };
    // SAFETY: three n×n matrices, the result borrowed exclusively.
    unsafe { linalg::multiply_raw(isa, (n, n, n), 1.0, matrix(a), matrix(b), 0.0, to, scratch) }
}

fn product_but(s: &[f64], but: &[usize]) -> f64 {
    s.iter().enumerate().filter(|(k, _)| !but.contains(k)).map(|(_, s)| s).product()
}
