//! Factorisations by what they multiply back to, solutions by their residuals, and the awkward matrices.

use crate::common::*;
use riesz_cpu::linalg::*;
use riesz_cpu::simd::{Isa, Real, Value};

const ORDERS: &[usize] = &[0, 1, 2, 3, 4, 7, 10, 16, 17, 31, 48, 64, 65, 100, 130, 200];

/// The functions with a workspace of their own, on one instruction set.
struct With(Isa, Workspace, Team);

impl With {
    fn best() -> With {
        With(Isa::best(), Workspace::default(), alone)
    }
    fn solve<T: Scalar>(&mut self, n: usize, a: &[T], k: usize, b: &[T]) -> (Vec<T>, Status) {
        let mut x = vec![T::of(0.0); n * k];
        let scratch = self.1.scratch(solve_room::<T>(n, k));
        let status = solve(self.0, self.2, n, a, k, b, &mut x, scratch);
        (x, status)
    }
    fn inverse<T: Scalar>(&mut self, n: usize, a: &[T]) -> (Vec<T>, Status) {
        let mut x = vec![T::of(0.0); n * n];
        let status = inverse(self.0, self.2, n, a, &mut x, self.1.scratch(invert_room::<T>(n)));
        (x, status)
    }
    fn det<T: Scalar>(&mut self, n: usize, a: &[T]) -> T {
        det(self.0, self.2, n, a, self.1.scratch(det_room::<T>(n)))
    }
    fn slogdet<T: Scalar>(&mut self, n: usize, a: &[T]) -> (T, T) {
        slogdet(self.0, self.2, n, a, self.1.scratch(det_room::<T>(n)))
    }
    fn cholesky<T: Scalar>(&mut self, n: usize, a: &[T]) -> (Vec<T>, Status) {
        let mut l = a.to_vec();
        let status = cholesky(self.0, self.2, n, &mut l, self.1.scratch(cholesky_room::<T>(n)));
        (l, status)
    }
}

/// Matrices for which pivoting does not matter, does, and for which there is a faster way.
fn matrices<T: Real>(n: usize) -> [Vec<T>; 3] {
    [matrix(n, 5), random(n * n, 6), positive(n, 8)]
}

fn norm<T: Real>(a: &[T]) -> f64 {
    wide(a).iter().map(|v| v * v).sum::<f64>().sqrt().max(1.0)
}

#[test]
fn solve_and_inverse_have_small_residuals() {
    fn check<T: Scalar>() {
        for isa in Isa::available() {
            let mut with = With(isa, Workspace::default(), alone);
            for &n in ORDERS {
                for (which, a) in matrices::<T>(n).iter().enumerate() {
                    let bound = 10.0 * (n as f64 + 1.0) * epsilon::<T>() * norm(a);
                    for k in [1, 3, 40] {
                        let b = random::<T>(n * k, 7);
                        let (x, status) = with.solve(n, a, k, &b);
                        assert_eq!(status, Status::Done);
                        let residual = distance(&plain(n, k, n, &wide(a), &wide(&x)), &wide(&b));
                        assert!(residual <= bound * size(&x), "{which}: n {n} k {k}: {residual}");
                    }
                    let (inv, status) = with.inverse(n, a);
                    assert_eq!(status, Status::Done);
                    let residual = distance(&plain(n, n, n, &wide(a), &wide(&inv)), &identity(n));
                    assert!(residual <= bound * size(&inv), "{which}: inverse, n {n}: {residual}");
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn the_inverse_of_a_symmetric_matrix_is_symmetric() {
    for n in [17, 64, 100] {
        let (inv, _) = With::best().inverse(n, &positive::<f64>(n, 9));
        assert_eq!(inv, transposed(n, n, &inv));
    }
}

#[test]
fn factors_are_used_again() {
    fn check<T: Scalar>(isa: Isa) {
        let (mut with, mut workspace) =
            (With(isa, Workspace::default(), alone), Workspace::default());
        for &n in ORDERS {
            let bound = 50.0 * epsilon::<T>() * (n as f64 + 1.0);
            for a in matrices::<T>(n) {
                let (mut packed, mut rows) = (vec![T::of(0.0); n * n], vec![0; n + 1]);
                let scratch = workspace.scratch(factor_room::<T>(n));
                let (_, status) = factor(isa, alone, n, &a, &mut packed, &mut rows, scratch);
                assert_eq!(status, Status::Done);
                let kept = Factors::kept(&packed, &rows);
                assert_eq!(kept.order(), n);
                let turned = transposed(n, n, &a);
                for k in [1, 2, 20] {
                    let b = random::<T>(n * k, 22);
                    let (mut x, mut y) = (b.clone(), b.clone());
                    kept.solve(isa, alone, k, &b, &mut x);
                    let scratch = workspace.scratch(solve_transposed_room::<T>(n, k));
                    kept.solve_transposed(isa, alone, k, &b, &mut y, scratch);
                    for (a, x) in [(&a, &x), (&turned, &y)] {
                        let residual = distance(&plain(n, k, n, &wide(a), &wide(x)), &wide(&b));
                        assert!(residual <= bound * norm(a) * size(x), "{n} {k}: {residual}");
                    }
                }
                let mut inv = vec![T::of(0.0); n * n];
                kept.inverse(isa, alone, &mut inv, workspace.scratch(inverse_room::<T>(n)));
                let residual = distance(&plain(n, n, n, &wide(&a), &wide(&inv)), &identity(n));
                assert!(residual <= bound * norm(&a) * size(&inv), "{n}: {residual}");
                assert_eq!(kept.slogdet(), with.slogdet(n, &a));
            }
        }
    }
    for isa in Isa::available() {
        check::<f64>(isa);
        check::<f32>(isa);
    }
}

#[test]
fn lu_multiplies_back() {
    fn check<T: Scalar>() {
        let mut workspace = Workspace::default();
        for isa in Isa::available() {
            let small = [(0, 2), (2, 0), (1, 1), (3, 5), (5, 3), (20, 20), (37, 37)];
            let large =
                [(90, 30), (30, 90), (100, 100), (101, 131), (131, 101), (150, 150), (430, 430)];
            for (m, n) in small.into_iter().chain(large) {
                let (k, zero) = (m.min(n), T::of(0.0));
                let a = random::<T>(m * n, 21);
                let (mut l, mut u, mut rows) = (vec![zero; m * k], vec![zero; k * n], vec![0; m]);
                let scratch = workspace.scratch(lu_room::<T>(m, n));
                lu(isa, alone, (m, n), &a, &mut rows, &mut l, &mut u, scratch);
                assert!(l.iter().all(|v| v.wide().abs() <= 1.0), "partial pivoting keeps |L| ≤ 1");
                for i in 0..m {
                    assert!((i..k).all(|j| l[i * k + j].wide() == f64::from(i == j)));
                }
                assert!((0..k).all(|i| (0..i).all(|j| u[i * n + j] == zero)));
                let permuted: Vec<f64> =
                    rows.iter().flat_map(|&p| wide(&a[p as usize * n..][..n])).collect();
                let error = distance(&plain(m, n, k, &wide(&l), &wide(&u)), &permuted);
                assert!(error <= 10.0 * epsilon::<T>() * (k as f64 + 1.0), "{m}×{n}: {error}");
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn determinants() {
    let mut with = With::best();
    assert_eq!(with.det(2, &[1.0, 2.0, 2.0, 4.0]), 0.0);
    assert_eq!(with.slogdet(2, &[1.0, 2.0, 2.0, 4.0]), (0.0, f64::NEG_INFINITY));
    assert_eq!(with.det::<f64>(0, &[]), 1.0);
    assert_eq!(with.slogdet::<f64>(0, &[]), (1.0, 0.0));
    assert_eq!(with.det(2, &[0.0f32, 1.0, 1.0, 0.0]), -1.0);
    assert_eq!(with.det(3, &[0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 0.0, 5.0, 0.0]), 30.0);
    assert!(with.det(2, &[f64::NAN, 1.0, 1.0, 1.0]).is_nan());
    // 2·I of order 2000 overflows; its logarithm does not. diag(−2, 2, …) has sign −1, diag(2, …) sign 1.
    for n in [30, 64, 65, 2000] {
        for first in [-2.0f64, 2.0] {
            let mut a = vec![0.0; n * n];
            (0..n).for_each(|i| a[i * n + i] = if i == 0 { first } else { 2.0 });
            let (sign, log) = with.slogdet(n, &a);
            assert_eq!(sign, first.signum());
            assert!((log - n as f64 * 2f64.ln()).abs() < 1e-12 * n as f64);
        }
    }
    // Subnormal pivots: log 2^(−1070 − 10).
    let tiny = [2f64.powi(-1070), 0.0, 0.0, 2f64.powi(-10)];
    assert!((with.slogdet(2, &tiny).1 + 1080.0 * 2f64.ln()).abs() < 1e-12);
    // The Vandermonde determinant Π (xⱼ − xᵢ).
    for n in [5usize, 12] {
        let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).cos() * 1.3).collect();
        let a: Vec<f64> = (0..n * n).map(|i| x[i / n].powi((i % n) as i32)).collect();
        let mut want = 1.0;
        for j in 0..n {
            for i in 0..j {
                want *= x[j] - x[i];
            }
        }
        let got = with.det(n, &a);
        assert!((got - want).abs() <= 1e-9 * want.abs(), "{got} {want}");
    }
    // det (B·Bᵀ + I) of the matrix with its first two rows exchanged is the negative.
    for n in [17, 40] {
        let mut a = positive::<f64>(n, 32);
        let (direct, log) = (with.det(n, &a), with.slogdet(n, &a).1);
        assert!((direct.ln() - log).abs() < 1e-11 * log.abs());
        (0..n).for_each(|j| a.swap(j, n + j));
        assert!((with.det(n, &a) + direct).abs() < 1e-10 * direct);
    }
}

/// Powers of four, whose products and roots are exact: the partial products of the pivots leave the range on both
/// sides, the determinant does not.
#[test]
fn determinants_whose_partial_products_are_out_of_range() {
    fn check<T: Scalar>(large: f64) {
        let mut with = With::best();
        for n in [4, 17, 64, 100] {
            let diagonal = |of: &[f64]| {
                let mut a = vec![T::of(0.0); n * n];
                (0..n).for_each(|i| a[i * n + i] = T::of(of.get(i).copied().unwrap_or(1.0)));
                a
            };
            let small = 1.0 / large;
            assert_eq!(with.det(n, &diagonal(&[large, large, 4.0 * small, small])).wide(), 4.0);
            assert_eq!(with.det(n, &diagonal(&[small, small, large, -large])).wide(), -1.0);
            assert_eq!(with.det(n, &diagonal(&[large, large, 0.0, large])).wide(), 0.0);
            assert_eq!(with.det(n, &diagonal(&[large, large, small])).wide(), large);
            assert_eq!(with.det(n, &diagonal(&[large, large])).wide(), f64::INFINITY);
            assert_eq!(with.det(n, &diagonal(&[small, small])).wide(), 0.0);
            assert!(with.det(n, &diagonal(&[large, f64::NAN])).wide().is_nan());
            // The same with the first two rows exchanged, which is not symmetric.
            let mut turned = diagonal(&[large, large, 4.0 * small, small]);
            (0..n).for_each(|j| turned.swap(j, n + j));
            assert_eq!(with.det(n, &turned).wide(), -4.0);
        }
    }
    check::<f64>(2f64.powi(700));
    check::<f32>(2f64.powi(100));
}

#[test]
fn swapping_rows_flips_the_determinant() {
    let mut with = With::best();
    for n in [2, 5, 64, 65, 80] {
        let mut a = random::<f64>(n * n, 31);
        let (s, l) = with.slogdet(n, &a);
        for j in 0..n {
            a.swap(j, n + j);
        }
        let (t, m) = with.slogdet(n, &a);
        assert_eq!(s, -t);
        assert!((l - m).abs() < 1e-10, "{l} {m}");
    }
}

#[test]
fn singular_matrices_are_reported() {
    for isa in Isa::available() {
        let mut with = With(isa, Workspace::default(), alone);
        let (x, status) = with.solve(2, &[1.0f64, 2.0, 2.0, 4.0], 1, &[1.0, 1.0]);
        assert_eq!(status, Status::Singular(1));
        assert!(x.iter().all(|v| v.is_nan()));
        assert_eq!(with.inverse(2, &[1.0, 2.0, 2.0, 4.0]).1, Status::Singular(1));
        for n in [1, 10, 64, 65, 100] {
            assert_eq!(with.inverse(n, &vec![0.0; n * n]).1, Status::Singular(0));
            // One zero row.
            let mut a = matrix::<f64>(n, 3);
            a[(n / 2) * n..(n / 2 + 1) * n].fill(0.0);
            assert!(matches!(with.inverse(n, &a).1, Status::Singular(_)));
            assert_eq!(with.det(n, &a), 0.0);
            // NaN and infinity: no panic; NaN comes out.
            for bad in [f64::NAN, f64::INFINITY] {
                a[0] = bad;
                let (inv, status) = with.inverse(n, &a);
                assert!(status != Status::Done || inv.iter().any(|v| v.is_nan() || *v == 0.0));
            }
        }
        // Symmetric matrices that are not positive definite, which Cholesky's factorisation finds at their end.
        for n in [20, 70, 150, 420] {
            let mut a = positive::<f64>(n, 4);
            a[n * n - 1] = -1.0;
            a[0] = 0.5;
            let b = random(n, 5);
            let (x, status) = with.solve(n, &a, 1, &b);
            assert_eq!(status, Status::Done);
            let residual = distance(&plain(n, 1, n, &a, &x), &b);
            assert!(residual <= 1e-12 * norm(&a) * size(&x), "{n}: {residual}");
        }
        // A symmetric matrix that is not positive definite, and one that is not even regular.
        for n in [20, 70] {
            let mut a = positive::<f64>(n, 4);
            a[1] = 1e3;
            a[n] = 1e3;
            let (inv, status) = with.inverse(n, &a);
            assert_eq!(status, Status::Done);
            let residual = distance(&plain(n, n, n, &a, &inv), &identity(n));
            assert!(residual <= 1e-12 * norm(&a) * size(&inv));
            assert_eq!(with.solve(n, &vec![1.0; n * n], 1, &vec![1.0; n]).1, Status::Singular(1));
        }
    }
}

#[test]
fn cholesky_multiplies_back() {
    let mut with = With::best();
    assert_eq!(with.cholesky(2, &[4.0, 9.0, 2.0, 5.0]), (vec![2.0, 0.0, 1.0, 2.0], Status::Done));
    assert_eq!(with.cholesky(2, &[1.0, 2.0, 2.0, 1.0]).1, Status::NotPositiveDefinite(1));
    fn check<T: Scalar>() {
        for isa in Isa::available() {
            let mut with = With(isa, Workspace::default(), alone);
            for n in [0, 1, 3, 12, 13, 24, 25, 40, 41, 80, 130, 200] {
                let mut a = positive::<T>(n, 61);
                let (l, status) = with.cholesky(n, &a);
                assert_eq!(status, Status::Done);
                assert!((0..n).all(|i| (i + 1..n).all(|j| l[i * n + j] == T::of(0.0))));
                let product = plain(n, n, n, &wide(&l), &wide(&transposed(n, n, &l)));
                let error = distance(&product, &wide(&a));
                assert!(
                    error <= 10.0 * epsilon::<T>() * (n as f64 + 1.0) * size(&a),
                    "{n}: {error}"
                );
                if n > 0 {
                    for bad in [T::of(-1.0), <T as Value>::NAN] {
                        a[n * n - 1] = bad;
                        let (l, status) = with.cholesky(n, &a);
                        assert_eq!(status, Status::NotPositiveDefinite(n - 1));
                        assert!(l.iter().all(|v| v.wide().is_nan()));
                    }
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn triangles() {
    fn check<T: Scalar>(isa: Isa, n: usize, k: usize, which: Triangle) {
        let a = matrix::<T>(n, 62);
        let own = |i: usize| {
            let (r, c) = (i / n, i % n);
            match r == c {
                true if which.unit => T::of(1.0),
                false if (r > c) != which.lower => T::of(0.0),
                _ if which.unit => a[i] / T::of(n as f64),
                _ => a[i],
            }
        };
        let t: Vec<T> = (0..n * n).map(own).collect();
        // What must not be read is something else.
        let unread = |i: usize| {
            let (r, c) = (i / n, i % n);
            (r == c && which.unit) || (r != c && (r > c) != which.lower)
        };
        let given: Vec<T> =
            (0..n * n).map(|i| if unread(i) { <T as Value>::NAN } else { t[i] }).collect();
        let b = random::<T>(n * k, 63);
        let mut x = b.clone();
        assert_eq!(solve_triangular(isa, n, &given, which, k, &mut x), Status::Done);
        let op = if which.transposed { transposed(n, n, &t) } else { t };
        let error = distance(&plain(n, k, n, &wide(&op), &wide(&x)), &wide(&b));
        let bound = 10.0 * epsilon::<T>() * size(&x) * size(&op) * (n as f64 + 1.0);
        assert!(error <= bound, "{which:?} {n} {k}: {error}");
    }
    for isa in Isa::available() {
        for n in [0, 1, 3, 8, 24, 25, 80] {
            for k in [0, 1, 3, 16, 17, 50] {
                for flags in 0..8 {
                    let [lower, unit, transposed] = [1, 2, 4].map(|bit| flags & bit != 0);
                    check::<f64>(isa, n, k, Triangle { lower, unit, transposed });
                    check::<f32>(isa, n, k, Triangle { lower, unit, transposed });
                }
            }
        }
        let lower = Triangle { lower: true, unit: false, transposed: false };
        let mut x = [1.0, 1.0];
        let zero = [1.0, 0.0, 1.0, 0.0];
        assert_eq!(solve_triangular(isa, 2, &zero, lower, 1, &mut x), Status::Singular(1));
        // A subnormal pivot has no finite inverse, but a finite quotient.
        let (tiny, mut x) = ([1e-310], [1e-311]);
        assert_eq!(solve_triangular(isa, 1, &tiny, lower, 1, &mut x), Status::Done);
        assert!((x[0] - 0.1f64).abs() < 1e-12);
    }
}
