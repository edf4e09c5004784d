//! QR, singular values and eigenvalues by what they multiply back to.

use crate::common::*;
use riesz_cpu::linalg::*;
use riesz_cpu::simd::{Real, Value};

/// Whether the columns of an m×k matrix are orthonormal.
fn is_orthonormal<T: Real>(m: usize, k: usize, q: &[T]) -> bool {
    let q = wide(q);
    let product = plain(k, k, m, &transposed(m, k, &q), &q);
    distance(&product, &identity(k)) <= 10.0 * (m as f64 + 1.0) * epsilon::<T>()
}

/// Whether each column has a positive component of largest magnitude, the first of equals.
fn is_oriented<T: Real>(m: usize, k: usize, q: &[T]) -> bool {
    (0..k).all(|j| {
        let column: Vec<f64> = (0..m).map(|i| q[i * k + j].wide()).collect();
        let most = column.iter().fold(0.0, |a: f64, v| a.max(v.abs()));
        column.iter().find(|v| v.abs() == most).is_none_or(|v| *v >= 0.0)
    })
}

#[test]
fn singular_value_decomposition() {
    fn check<T: Scalar>() {
        let mut ws = Workspace::default();
        let zero = T::of(0.0);
        let mut svd_of = |m: usize, n: usize, a: &[T]| {
            let k = m.min(n);
            let (mut u, mut s, mut vt) = (vec![zero; m * k], vec![zero; k], vec![zero; k * n]);
            let scratch = ws.scratch(svd_room::<T>(m, n));
            let status = svd((m, n), a, &mut u, &mut s, &mut vt, scratch);
            (u, s, vt, status)
        };
        for (m, n) in [
            (0, 0),
            (0, 3),
            (1, 1),
            (3, 3),
            (5, 2),
            (2, 5),
            (20, 20),
            (64, 10),
            (10, 64),
            (120, 120),
        ] {
            let k = m.min(n);
            let a = random::<T>(m * n, 41);
            let (u, s, vt, status) = svd_of(m, n, &a);
            assert_eq!(status, Status::Done);
            let largest = s.first().map_or(1.0, |v| v.wide());
            let bound = 10.0 * (m.max(n) as f64 + 1.0) * epsilon::<T>() * largest;
            assert!(s.windows(2).all(|w| w[0] >= w[1]) && s.iter().all(|v| *v >= zero));
            let us: Vec<f64> = (0..m * k).map(|i| u[i].wide() * s[i % k].wide()).collect();
            assert!(distance(&plain(m, n, k, &us, &wide(&vt)), &wide(&a)) <= bound, "{m}×{n}");
            assert!(is_orthonormal(m, k, &u) && is_orthonormal(n, k, &transposed(k, n, &vt)));
            assert!(is_oriented(m, k, &u));
        }
        let [one, three, four] = [1.0, 3.0, 4.0].map(T::of);
        let (.., s, _, status) = svd_of(2, 2, &[one, <T as Value>::NAN, one, one]);
        assert!(status == Status::NotFinite && s.iter().all(|v| v.wide().is_nan()));
        // diag(3, −4): singular values 4, 3.
        let (.., s, _, _) = svd_of(2, 2, &[three, zero, zero, -four]);
        assert!((s[0].wide() - 4.0).abs() < 1e-6 && (s[1].wide() - 3.0).abs() < 1e-6);
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn symmetric_eigenvalues() {
    fn check<T: Scalar>() {
        let mut ws = Workspace::default();
        let zero = T::of(0.0);
        for n in [0, 1, 2, 3, 10, 33, 90] {
            let b = random::<T>(n * n, 51);
            let a: Vec<T> = (0..n * n).map(|i| b[i] + b[(i % n) * n + i / n]).collect();
            let (mut w, mut v) = (vec![zero; n], vec![zero; n * n]);
            let scratch = ws.scratch(eigh_room::<T>(n));
            assert_eq!(eigh(n, &a, &mut w, &mut v, scratch), Status::Done);
            assert!(w.windows(2).all(|p| p[0] <= p[1]));
            let vw: Vec<f64> = (0..n * n).map(|i| v[i].wide() * w[i % n].wide()).collect();
            let error = distance(&plain(n, n, n, &wide(&a), &wide(&v)), &vw);
            assert!(error <= 20.0 * (n as f64 + 1.0) * epsilon::<T>() * size(&w), "{n}: {error}");
            assert!(is_orthonormal(n, n, &v) && is_oriented(n, n, &v));
        }
        // [[2, 1], [1, 2]]: 1 and 3; only the lower triangle is read.
        let (mut w, mut v) = ([zero; 2], [zero; 4]);
        let a = [T::of(2.0), <T as Value>::NAN, T::of(1.0), T::of(2.0)];
        let scratch = ws.scratch(eigh_room::<T>(2));
        assert_eq!(eigh(2, &a, &mut w, &mut v, scratch), Status::Done);
        let near = |x: T, y: f64| (x.wide() - y).abs() < 4.0 * epsilon::<T>();
        assert!(near(w[0], 1.0) && near(w[1], 3.0));
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn qr_multiplies_back() {
    fn check<T: Scalar>() {
        let mut ws = Workspace::default();
        let zero = T::of(0.0);
        for (m, n) in [(0, 2), (1, 1), (3, 3), (7, 4), (4, 7), (50, 50), (90, 20)] {
            let k = m.min(n);
            let a = random::<T>(m * n, 71);
            let (mut q, mut r) = (vec![zero; m * k], vec![zero; k * n]);
            let scratch = ws.scratch(qr_room::<T>(m, n));
            assert_eq!(qr(m, n, &a, &mut q, &mut r, scratch), Status::Done);
            let error = distance(&plain(m, n, k, &wide(&q), &wide(&r)), &wide(&a));
            assert!(error <= 10.0 * (m as f64 + 1.0) * epsilon::<T>(), "{m}×{n}: {error}");
            assert!(is_orthonormal(m, k, &q));
            assert!((0..k).all(|i| (0..i).all(|j| r[i * n + j] == zero)));
            assert!((0..k).all(|i| r[i * n + i] >= zero));
        }
    }
    check::<f64>();
    check::<f32>();
}
