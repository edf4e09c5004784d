//! Products against plain loops, factorisations by their residuals, and the awkward matrices.

use riesz_cpu::linalg::*;
use riesz_cpu::simd::{Isa, Real};

/// Entries in [−1, 1) from a counter.
fn random<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    (0..n).map(|_| T::of(next())).collect()
}

fn epsilon<T: Real>() -> f64 {
    // The gap above 1.
    let mut e = 1.0;
    while (T::of(1.0) + T::of(e / 2.0)).wide() > 1.0 {
        e /= 2.0;
    }
    e
}

/// Row-major m×k times k×n in f64.
fn plain(m: usize, n: usize, k: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            c[i * n + j] = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
        }
    }
    c
}

fn wide<T: Real>(x: &[T]) -> Vec<f64> {
    x.iter().map(|v| v.wide()).collect()
}

fn transposed<T: Copy>(rows: usize, cols: usize, x: &[T]) -> Vec<T> {
    (0..rows * cols).map(|i| x[(i % rows) * cols + i / rows]).collect()
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    x.iter()
        .zip(y)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |m, d| if d > m || d.is_nan() { d } else { m })
}

const SHAPES: &[(usize, usize, usize)] = &[
    (0, 3, 2),
    (3, 0, 2),
    (3, 2, 0),
    (1, 1, 1),
    (1, 1, 0),
    (1, 7, 5),
    (7, 1, 5),
    (1, 1, 100),
    (5, 3, 1),
    (2, 3, 4),
    (4, 4, 4),
    (5, 9, 6),
    (8, 8, 8),
    (16, 16, 16),
    (13, 11, 15),
    (17, 3, 2),
    (3, 17, 20),
    (20, 20, 20),
    (1, 33, 70),
    (33, 1, 70),
    (33, 1, 9),
    (1, 40, 7),
    (64, 1, 64),
    (65, 1, 31),
    (37, 41, 29),
    (100, 4, 100),
    (70, 90, 80),
];

#[test]
fn products_match_plain_loops() {
    fn check<T: Scalar>() {
        let eps = epsilon::<T>();
        for isa in Isa::available() {
            for (case, &(m, n, k)) in SHAPES.iter().enumerate() {
                let (a, b, c0) =
                    (random::<T>(m * k, 1), random::<T>(k * n, 2), random::<T>(m * n, 3));
                let (at, bt) = (transposed(m, k, &a), transposed(k, n, &b));
                let exact = plain(m, n, k, &wide(&a), &wide(&b));
                for layout in 0..8 {
                    for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (-2.0, 0.25)] {
                        let av = if layout & 1 == 0 {
                            Mat::row_major(&a, m, k)
                        } else {
                            Mat::row_major(&at, k, m).t()
                        };
                        let bv = if layout & 2 == 0 {
                            Mat::row_major(&b, k, n)
                        } else {
                            Mat::row_major(&bt, n, k).t()
                        };
                        let mut c =
                            if layout & 4 == 0 { c0.clone() } else { transposed(m, n, &c0) };
                        if beta == 0.0 {
                            c.fill(<T as riesz_cpu::simd::Value>::NAN); // β = 0 must not read C
                        }
                        let mut cv = if layout & 4 == 0 {
                            MatMut::row_major(&mut c, m, n)
                        } else {
                            MatMut::new(&mut c, m, n, 1, m)
                        };
                        multiply(isa, T::of(alpha), av, bv, T::of(beta), &mut cv);
                        let c = if layout & 4 == 0 { c } else { transposed(n, m, &c) };
                        for (i, (got, e)) in c.iter().zip(&exact).enumerate() {
                            let old = if beta == 0.0 { 0.0 } else { beta * c0[i].wide() };
                            let want = alpha * e + old;
                            let error = (got.wide() - want).abs();
                            assert!(
                                error <= 4.0 * eps * (k as f64 + 2.0),
                                "case {case} {m}×{n}×{k}, layout {layout}, α {alpha} β {beta} on {isa:?}: {got:?} for {want}"
                            );
                        }
                    }
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn products_with_gaps_and_batches() {
    // Every second column of a 6×10 matrix, and every third row.
    let data = random::<f64>(60, 7);
    let a = Mat::new(&data, 2, 5, 30, 2);
    let dense: Vec<f64> = (0..10).map(|i| data[(i / 5) * 30 + (i % 5) * 2]).collect();
    let mut c = vec![0.0; 4];
    multiply(Isa::best(), 1.0, a, a.t(), 0.0, &mut MatMut::row_major(&mut c, 2, 2));
    assert!(distance(&c, &plain(2, 2, 5, &dense, &transposed(2, 5, &dense))) < 1e-15);
    let x = random::<f64>(20, 8);
    let mut y = vec![0.0; 40];
    multiply(
        Isa::best(),
        1.0,
        Mat::new(&data, 20, 1, 3, 1),
        Mat::new(&x, 1, 2, 0, 10),
        0.0,
        &mut MatMut::row_major(&mut y, 20, 2),
    );
    assert_eq!(y[39], data[57] * x[10]);

    // Three products, the second operand repeated.
    let (a, b) = (random::<f64>(3 * 6, 9), random::<f64>(12, 10));
    let mut c = vec![0.0; 3 * 8];
    let (pa, pb) =
        (MatPtr { at: a.as_ptr(), row: 3, col: 1 }, MatPtr { at: b.as_ptr(), row: 4, col: 1 });
    let pc = MatPtr { at: c.as_mut_ptr(), row: 4, col: 1 };
    // SAFETY: 3 matrices of 2×3, one of 3×4, 3 of 2×4, in slices of those sizes.
    unsafe { multiply_batched(Isa::best(), 3, (2, 4, 3), 1.0, (pa, 6), (pb, 0), 0.0, (pc, 8)) };
    for t in 0..3 {
        assert!(
            distance(&c[t * 8..(t + 1) * 8], &plain(2, 4, 3, &a[t * 6..(t + 1) * 6], &b)) < 1e-15
        );
    }

    // Infinities stay infinities in a masked tail.
    let mut row = vec![1.0; 19];
    row[15] = f64::INFINITY;
    let mut y = [0.0];
    multiply(
        Isa::best(),
        1.0,
        Mat::row_major(&row, 1, 19),
        Mat::row_major(&[1.0; 19], 19, 1),
        0.0,
        &mut MatMut::row_major(&mut y, 1, 1),
    );
    assert_eq!(y[0], f64::INFINITY);
}

#[test]
fn integer_products() {
    let (a, b) = ([1i32, -2, 3, 4, 5, -6], [7i32, 8, 9, 10, 11, 12]);
    let mut c = [0; 4];
    multiply_integers(
        Mat::row_major(&a, 2, 3),
        Mat::row_major(&b, 3, 2),
        &mut MatMut::row_major(&mut c, 2, 2),
    );
    assert_eq!(c, [7 - 18 + 33, 8 - 20 + 36, 28 + 45 - 66, 32 + 50 - 72]);
    let mut wrapped = [0i64];
    multiply_integers(
        Mat::row_major(&[i64::MAX], 1, 1),
        Mat::row_major(&[2], 1, 1),
        &mut MatMut::row_major(&mut wrapped, 1, 1),
    );
    assert_eq!(wrapped, [-2]);
}

/// Well conditioned: random plus 2·√n on the diagonal.
fn matrix<T: Real>(n: usize, seed: u64) -> Vec<T> {
    let mut a = random::<T>(n * n, seed);
    for i in 0..n {
        a[i * n + i] = a[i * n + i] + T::of(2.0 * (n as f64).sqrt());
    }
    a
}

const ORDERS: &[usize] = &[0, 1, 2, 3, 4, 7, 10, 16, 17, 31, 48, 64, 65, 100, 130];

#[test]
fn solve_and_inverse_have_small_residuals() {
    fn check<T: Scalar>() {
        let mut workspace = Workspace::new();
        for isa in Isa::available() {
            for &n in ORDERS {
                // Also without the diagonal, where pivoting matters.
                for a in [matrix::<T>(n, 5), random::<T>(n * n, 6)] {
                    let bound = 10.0 * (n as f64 + 1.0) * epsilon::<T>();
                    let norm_a = wide(&a).iter().map(|v| v * v).sum::<f64>().sqrt();
                    for k in [1, 3, 40] {
                        let b = random::<T>(n * k, 7);
                        let mut x = vec![T::of(0.0); n * k];
                        assert_eq!(solve(isa, n, &a, k, &b, &mut x, &mut workspace), Status::Done);
                        let size = wide(&x).iter().fold(1.0, |m: f64, v| m.max(v.abs()));
                        let residual = distance(&plain(n, k, n, &wide(&a), &wide(&x)), &wide(&b));
                        assert!(
                            residual <= bound * norm_a.max(1.0) * size,
                            "n {n} k {k}: {residual}"
                        );
                    }
                    let mut inv = vec![T::of(0.0); n * n];
                    assert_eq!(inverse(isa, n, &a, &mut inv, &mut workspace), Status::Done);
                    let size = wide(&inv).iter().fold(1.0, |m: f64, v| m.max(v.abs()));
                    let identity: Vec<f64> =
                        (0..n * n).map(|i| f64::from(i / n.max(1) == i % n.max(1))).collect();
                    let residual = distance(&plain(n, n, n, &wide(&a), &wide(&inv)), &identity);
                    assert!(
                        residual <= bound * norm_a.max(1.0) * size,
                        "inverse, n {n}: {residual}"
                    );
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn factors_multiply_back() {
    let mut workspace = Workspace::new();
    for &n in ORDERS {
        let a = random::<f64>(n * n, 21);
        let (mut packed, mut pivots) = (a.clone(), vec![0; n]);
        let (lu, status) = lu_factor(Isa::best(), n, &mut packed, &mut pivots, &mut workspace);
        assert_eq!(status, Status::Done);
        let l: Vec<f64> = (0..n * n)
            .map(|i| match (i / n).cmp(&(i % n)) {
                std::cmp::Ordering::Greater => lu.packed[i],
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Less => 0.0,
            })
            .collect();
        let u: Vec<f64> =
            (0..n * n).map(|i| if i / n <= i % n { lu.packed[i] } else { 0.0 }).collect();
        assert!(l.iter().all(|v| v.abs() <= 1.0), "partial pivoting keeps |L| ≤ 1");
        let permuted: Vec<f64> =
            lu.pivots.iter().flat_map(|p| a[p * n..(p + 1) * n].to_vec()).collect();
        assert!(distance(&plain(n, n, n, &l, &u), &permuted) <= 1e-14 * (n as f64 + 1.0));
        // Aᵀ·x = b
        let b = random::<f64>(n, 22);
        let (mut x, mut scratch) = (b.clone(), vec![0.0; n]);
        lu.solve_transposed(&mut x, &mut scratch);
        let size = x.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
        assert!(
            distance(&plain(n, 1, n, &transposed(n, n, &a), &x), &b)
                <= 1e-13 * (n as f64 + 1.0) * size
        );
    }
}

#[test]
fn determinants() {
    let mut ws = Workspace::new();
    let isa = Isa::best();
    assert_eq!(det(isa, 2, &[1.0, 2.0, 2.0, 4.0], &mut ws), 0.0);
    assert_eq!(slogdet(isa, 2, &[1.0, 2.0, 2.0, 4.0], &mut ws), (0.0, f64::NEG_INFINITY));
    assert_eq!(det::<f64>(isa, 0, &[], &mut ws), 1.0);
    assert_eq!(slogdet::<f64>(isa, 0, &[], &mut ws), (1.0, 0.0));
    assert_eq!(det(isa, 2, &[0.0f32, 1.0, 1.0, 0.0], &mut ws), -1.0);
    assert_eq!(det(isa, 3, &[0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 0.0, 5.0, 0.0], &mut ws), 30.0);
    assert!(det(isa, 2, &[f64::NAN, 1.0, 1.0, 1.0], &mut ws).is_nan());
    // 2·I of order 2000 overflows; its logarithm does not. diag(−1, 1, …) has sign −1, both code paths.
    for n in [30, 64, 65, 2000] {
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            a[i * n + i] = if i == 0 { -2.0 } else { 2.0 };
        }
        let (sign, log) = slogdet(isa, n, &a, &mut ws);
        assert_eq!(sign, -1.0);
        assert!((log - n as f64 * 2f64.ln()).abs() < 1e-12 * n as f64);
    }
    // The Vandermonde determinant Π (xⱼ − xᵢ), across the switch between the two codes.
    for n in [5usize, 12] {
        let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).cos() * 1.3).collect();
        let a: Vec<f64> = (0..n * n).map(|i| x[i / n].powi((i % n) as i32)).collect();
        let mut want = 1.0;
        for j in 0..n {
            for i in 0..j {
                want *= x[j] - x[i];
            }
        }
        let got = det(isa, n, &a, &mut ws);
        assert!((got - want).abs() <= 1e-9 * want.abs(), "{got} {want}");
    }
}

#[test]
fn swapping_rows_flips_the_determinant() {
    let mut ws = Workspace::new();
    for n in [2, 5, 64, 65, 80] {
        let mut a = random::<f64>(n * n, 31);
        let (s, l) = slogdet(Isa::best(), n, &a, &mut ws);
        for j in 0..n {
            a.swap(j, n + j);
        }
        let (t, m) = slogdet(Isa::best(), n, &a, &mut ws);
        assert_eq!(s, -t);
        assert!((l - m).abs() < 1e-10, "{l} {m}");
    }
}

#[test]
fn singular_matrices_are_reported() {
    let mut ws = Workspace::new();
    for isa in Isa::available() {
        let mut x = [0.0; 2];
        assert_eq!(
            solve(isa, 2, &[1.0, 2.0, 2.0, 4.0], 1, &[1.0, 1.0], &mut x, &mut ws),
            Status::Singular(1)
        );
        assert!(x.iter().all(|v: &f64| v.is_nan()));
        let mut inv = [0.0; 4];
        assert_eq!(inverse(isa, 2, &[1.0, 2.0, 2.0, 4.0], &mut inv, &mut ws), Status::Singular(1));
        for n in [1, 10, 64, 65, 100] {
            let mut inv = vec![0.0; n * n];
            assert_eq!(inverse(isa, n, &vec![0.0; n * n], &mut inv, &mut ws), Status::Singular(0));
            // One zero row.
            let mut a = matrix::<f64>(n, 3);
            a[(n / 2) * n..(n / 2 + 1) * n].fill(0.0);
            assert!(matches!(inverse(isa, n, &a, &mut inv, &mut ws), Status::Singular(_)));
            assert_eq!(det(isa, n, &a, &mut ws), 0.0);
            // NaN and infinity: no panic; NaN comes out.
            a[0] = f64::NAN;
            let _ = inverse(isa, n, &a, &mut inv, &mut ws);
            a[0] = f64::INFINITY;
            let _ = inverse(isa, n, &a, &mut inv, &mut ws);
        }
    }
}

#[test]
fn singular_value_decomposition() {
    fn check<T: Scalar>() {
        let mut ws = Workspace::new();
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
            let zero = T::of(0.0);
            let (mut u, mut s, mut vt, mut only) =
                (vec![zero; m * k], vec![zero; k], vec![zero; k * n], vec![zero; k]);
            assert_eq!(svd((m, n), &a, &mut u, &mut s, &mut vt, &mut ws), Status::Done);
            assert_eq!(singular_values((m, n), &a, &mut only, &mut ws), Status::Done);
            let bound = 10.0
                * (m.max(n) as f64 + 1.0)
                * epsilon::<T>()
                * s.first().map_or(1.0, |v| v.wide());
            assert!(distance(&wide(&s), &wide(&only)) <= bound);
            assert!(s.windows(2).all(|w| w[0] >= w[1]) && s.iter().all(|v| *v >= zero));
            let us: Vec<f64> = (0..m * k).map(|i| u[i].wide() * s[i % k].wide()).collect();
            assert!(distance(&plain(m, n, k, &us, &wide(&vt)), &wide(&a)) <= bound, "{m}×{n}");
            let identity: Vec<f64> = (0..k * k).map(|i| f64::from(i / k == i % k)).collect();
            assert!(
                distance(&plain(k, k, m, &wide(&transposed(m, k, &u)), &wide(&u)), &identity)
                    <= bound.max(1e-14)
            );
            assert!(
                distance(&plain(k, k, n, &wide(&vt), &wide(&transposed(k, n, &vt))), &identity)
                    <= bound.max(1e-14)
            );
        }
        let mut s = [T::of(0.0); 2];
        assert_eq!(
            singular_values(
                (2, 2),
                &[T::of(1.0), <T as riesz_cpu::simd::Value>::NAN, T::of(1.0), T::of(1.0)],
                &mut s,
                &mut ws
            ),
            Status::NotFinite
        );
        // diag(3, −4): singular values 4, 3.
        assert_eq!(
            singular_values(
                (2, 2),
                &[T::of(3.0), T::of(0.0), T::of(0.0), T::of(-4.0)],
                &mut s,
                &mut ws
            ),
            Status::Done
        );
        assert!((s[0].wide() - 4.0).abs() < 1e-6 && (s[1].wide() - 3.0).abs() < 1e-6);
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn symmetric_eigenvalues() {
    let mut ws = Workspace::new();
    for n in [0, 1, 2, 3, 10, 33, 90] {
        let b = random::<f64>(n * n, 51);
        let a: Vec<f64> = (0..n * n).map(|i| b[i] + b[(i % n) * n + i / n]).collect();
        let (mut w, mut v) = (vec![0.0; n], vec![0.0; n * n]);
        assert_eq!(eigh(n, &a, &mut w, &mut v, &mut ws), Status::Done);
        assert!(w.windows(2).all(|p| p[0] <= p[1]));
        let vw: Vec<f64> = (0..n * n).map(|i| v[i] * w[i % n]).collect();
        assert!(distance(&plain(n, n, n, &a, &v), &vw) <= 1e-13 * (n as f64 + 1.0));
    }
    // [[2, 1], [1, 2]]: 1 and 3; only the lower triangle is read.
    let (mut w, mut v) = ([0.0; 2], [0.0; 4]);
    assert_eq!(eigh(2, &[2.0, f64::NAN, 1.0, 2.0], &mut w, &mut v, &mut ws), Status::Done);
    assert!((w[0] - 1.0f64).abs() < 1e-15 && (w[1] - 3.0).abs() < 1e-15);
}

#[test]
fn cholesky_qr_and_triangles() {
    let mut ws = Workspace::new();
    let mut l = [0.0; 4];
    assert_eq!(cholesky(2, &[4.0, 9.0, 2.0, 5.0], &mut l, &mut ws), Status::Done);
    assert_eq!(l, [2.0, 0.0, 1.0, 2.0]);
    assert_eq!(cholesky(2, &[1.0, 2.0, 2.0, 1.0], &mut l, &mut ws), Status::NotPositiveDefinite(1));
    for n in [0, 1, 3, 24, 25, 80] {
        let b = random::<f64>(n * n, 61);
        let mut a = plain(n, n, n, &b, &transposed(n, n, &b));
        for i in 0..n {
            a[i * n + i] += 1.0;
        }
        let mut l = vec![0.0; n * n];
        assert_eq!(cholesky(n, &a, &mut l, &mut ws), Status::Done);
        assert!(
            distance(&plain(n, n, n, &l, &transposed(n, n, &l)), &a)
                <= 1e-14 * (n as f64 + 1.0) * (n as f64 + 1.0)
        );
        if n > 0 {
            a[n * n - 1] = -1.0;
            assert_eq!(cholesky(n, &a, &mut l, &mut ws), Status::NotPositiveDefinite(n - 1));
            a[n * n - 1] = f64::NAN;
            assert!(matches!(cholesky(n, &a, &mut l, &mut ws), Status::NotPositiveDefinite(_)));
        }
        for lower in [false, true] {
            for unit in [false, true] {
                for transpose in [false, true] {
                    let a = matrix::<f64>(n, 62);
                    let t: Vec<f64> = (0..n * n)
                        .map(|i| {
                            let (r, c) = (i / n, i % n);
                            if r == c && unit {
                                1.0
                            } else if r == c || (r > c) == lower {
                                a[i] / if unit { n as f64 } else { 1.0 }
                            } else {
                                0.0
                            }
                        })
                        .collect();
                    let packed: Vec<f64> = (0..n * n)
                        .map(|i| if (i / n == i % n && unit) || t[i] == 0.0 { 77.0 } else { t[i] })
                        .collect();
                    let b = random::<f64>(n * 3, 63);
                    let mut x = b.clone();
                    let which = Triangle { lower, unit, transposed: transpose };
                    assert_eq!(solve_triangular(n, &packed, which, 3, &mut x), Status::Done);
                    let op = if transpose { transposed(n, n, &t) } else { t };
                    let size = x.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
                    assert!(
                        distance(&plain(n, 3, n, &op, &x), &b) <= 1e-13 * size * (n as f64 + 1.0),
                        "{which:?} {n}"
                    );
                }
            }
        }
    }
    for (m, n) in [(0, 2), (1, 1), (3, 3), (7, 4), (4, 7), (50, 50), (90, 20)] {
        let k = m.min(n);
        let a = random::<f64>(m * n, 71);
        let (mut q, mut r) = (vec![0.0; m * k], vec![0.0; k * n]);
        assert_eq!(qr(m, n, &a, &mut q, &mut r, &mut ws), Status::Done);
        assert!(distance(&plain(m, n, k, &q, &r), &a) <= 1e-13, "{m}×{n}");
        let identity: Vec<f64> = (0..k * k).map(|i| f64::from(i / k == i % k)).collect();
        assert!(distance(&plain(k, k, m, &transposed(m, k, &q), &q), &identity) <= 1e-13);
        assert!((0..k).all(|i| (0..i).all(|j| r[i * n + j] == 0.0)));
    }
}
