//! Products against plain loops.

use crate::common::{distance, epsilon, plain, random, transposed, wide};
use riesz_core::DType;
use riesz_cpu::linalg::*;
use riesz_cpu::nest::Routine;
use riesz_cpu::routine::{Loop, Product};
use riesz_cpu::simd::{Isa, Value};

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
    (40, 3, 12),
    (3, 290, 12),
    (5, 70, 300),
    (70, 5, 300),
    (20, 35, 2),
    (9, 17, 2100),
    (40, 70, 300),
    (300, 33, 130),
    (37, 130, 140),
    (129, 67, 400),
    (33, 97, 200),
    (20, 128, 256),
    (400, 530, 20),
];

#[test]
fn products_match_plain_loops() {
    fn check<T: Scalar>() {
        let eps = epsilon::<T>();
        let mut workspace = Workspace::default();
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
                            c.fill(<T as Value>::NAN); // β = 0 must not read C
                        }
                        let mut cv = if layout & 4 == 0 {
                            MatMut::row_major(&mut c, m, n)
                        } else {
                            MatMut::new(&mut c, m, n, 1, m)
                        };
                        let scratch = workspace.scratch(multiply_room(av, bv, &cv));
                        multiply(isa, T::of(alpha), av, bv, T::of(beta), &mut cv, scratch);
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

/// Several blocks in each direction, none whole; every order of rows and columns, and gaps between them.
#[test]
fn packed_products_match_plain_loops() {
    fn check<T: Scalar>() {
        let (m, n, k) = (395, 525, 391);
        let (a, b) = (random::<T>(m * k, 1), random::<T>(k * n, 2));
        let (at, bt) = (transposed(m, k, &a), transposed(k, n, &b));
        let exact = plain(m, n, k, &wide(&a), &wide(&b));
        let mut workspace = Workspace::default();
        for isa in Isa::available() {
            for layout in 0..12 {
                let av = match layout & 1 {
                    0 => Mat::row_major(&a, m, k),
                    _ => Mat::row_major(&at, k, m).t(),
                };
                let bv = match layout & 2 {
                    0 => Mat::row_major(&b, k, n),
                    _ => Mat::row_major(&bt, n, k).t(),
                };
                let (row, col) = [(n, 1), (1, m), (2 * n, 2)][layout / 4];
                let mut c = vec![<T as Value>::NAN; (m - 1) * row + (n - 1) * col + 1];
                for (beta, factor) in [(0.0, 1.0), (0.5, 1.5)] {
                    let mut cv = MatMut::new(&mut c, m, n, row, col);
                    let scratch = workspace.scratch(multiply_room(av, bv, &cv));
                    multiply(isa, T::of(1.0), av, bv, T::of(beta), &mut cv, scratch);
                    for (i, exact) in exact.iter().enumerate() {
                        let got = c[i / n * row + i % n * col].wide();
                        let error = (got - factor * exact).abs();
                        let bound = 4.0 * epsilon::<T>() * k as f64;
                        assert!(error <= bound, "entry {i}, layout {layout}, β {beta} on {isa:?}");
                    }
                }
                let gaps = c.iter().skip(1).step_by(2).filter(|v| v.wide().is_nan()).count();
                assert!(layout < 8 || gaps == c.len() / 2);
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

/// NaN and infinities go where they belong, and not from the ends of panels to other entries.
#[test]
fn packed_products_of_what_is_not_finite() {
    let (m, n, k) = (130, 150, 140);
    for isa in Isa::available() {
        for turned in [false, true] {
            let (mut a, mut b) = (vec![1.0f64; m * k], vec![1.0; k * n]);
            a[m * k - 1] = f64::NAN;
            b[k * n - 1] = f64::INFINITY;
            let (at, bt) = (transposed(m, k, &a), transposed(k, n, &b));
            let (av, bv) = match turned {
                false => (Mat::row_major(&a, m, k), Mat::row_major(&b, k, n)),
                true => (Mat::row_major(&at, k, m).t(), Mat::row_major(&bt, n, k).t()),
            };
            let mut c = vec![0.0; m * n];
            let mut cv = MatMut::row_major(&mut c, m, n);
            let mut workspace = Workspace::default();
            let scratch = workspace.scratch(multiply_room(av, bv, &cv));
            multiply(isa, 1.0, av, bv, 0.0, &mut cv, scratch);
            for (i, v) in c.into_iter().enumerate() {
                match (i / n == m - 1, i % n == n - 1) {
                    (true, _) => assert!(v.is_nan()),
                    (false, true) => assert_eq!(v, f64::INFINITY),
                    (false, false) => assert_eq!(v, k as f64),
                }
            }
        }
    }
}

/// Where entry (0, 0) of a matrix is, so that no entry has a negative place.
fn origin((rows, columns): (usize, usize), (row, col): Strides) -> usize {
    let before = |stride: isize, n: usize| stride.min(0).unsigned_abs() * (n - 1);
    before(row, rows) + before(col, columns)
}

/// Factors and results that run backwards, and factors whose rows or columns are one again and again.
#[test]
fn packed_products_in_any_direction() {
    fn check<T: Scalar>() {
        let (m, n, k) = (37, 140, 150);
        let [sm, sn, sk] = [m, n, k].map(|n| n as isize);
        let (x, y) = (random::<T>(m * k, 1), random::<T>(k * n, 2));
        let dense = |x: &[T], (rows, columns): (usize, usize), (row, col): Strides| {
            let first = origin((rows, columns), (row, col)) as isize;
            let place = |i| first + (i / columns) as isize * row + (i % columns) as isize * col;
            (0..rows * columns).map(|i| x[place(i) as usize].wide()).collect::<Vec<f64>>()
        };
        let left = [(sk, 1), (sk, -1), (-sk, 1), (1, sm), (-1, sm), (-1, -sm), (0, 1), (0, -1)];
        let right = [(sn, 1), (-sn, 1), (sn, -1), (-sn, -1), (1, sk), (-1, sk), (0, 1), (1, 0)];
        let all = left.map(|a| (a, (sn, 1))).into_iter().chain(right.map(|b| ((sk, 1), b)));
        let results = [(sn, 1), (-sn, 1), (1, sm), (1, -sm), (sn, -1), (-1, sm)];
        let mut workspace = Workspace::default();
        for (sa, sb) in all {
            let exact = plain(m, n, k, &dense(&x, (m, k), sa), &dense(&y, (k, n), sb));
            for (isa, sc) in Isa::available().flat_map(|isa| results.map(|c| (isa, c))) {
                let mut z = vec![<T as Value>::NAN; m * n];
                let scratch =
                    workspace.scratch(multiply_raw_room(size_of::<T>(), (m, n, k), sa, sb, sc));
                // SAFETY: the strides keep to the slices, from these origins.
                unsafe {
                    let a = x.as_ptr().add(origin((m, k), sa));
                    let b = y.as_ptr().add(origin((k, n), sb));
                    let c = z.as_mut_ptr().add(origin((m, n), sc));
                    let a = MatPtr { at: a, row: sa.0, col: sa.1 };
                    let b = MatPtr { at: b, row: sb.0, col: sb.1 };
                    let c = MatPtr { at: c, row: sc.0, col: sc.1 };
                    multiply_raw(isa, (m, n, k), T::of(1.0), a, b, T::of(0.0), c, scratch);
                }
                let bound = 4.0 * epsilon::<T>() * k as f64;
                let error = distance(&dense(&z, (m, n), sc), &exact);
                assert!(error <= bound, "{sa:?} {sb:?} {sc:?} on {isa:?}: {error}");
            }
        }
    }
    check::<f64>();
    check::<f32>();
}

/// A sum of no terms is 0, whatever the factors and the result look like, and needs no scratch.
#[test]
fn products_without_terms() {
    for (m, n) in [(1, 1), (1, 20), (20, 1), (3, 4), (20, 30), (300, 17)] {
        let [sm, sn] = [m, n].map(|n| n as isize);
        let results = [(sn, 1), (1, sm), (2 * sn, 2), (2, 2 * sm), (-sn, 1), (-2, -2 * sm)];
        for (sa, sb, sc) in [((0, 1), (sn, 1)), ((1, sm), (1, 0)), ((-5, 1), (1, -5))]
            .into_iter()
            .flat_map(|(a, b)| results.map(|c| (a, b, c)))
        {
            assert_eq!(multiply_raw_room(8, (m, n, 0), sa, sb, sc), 0);
            for (old, beta, new) in [(f64::NAN, 0.0, 0.0), (3.0, 0.5, 1.5), (3.0, 1.0, 3.0)] {
                let mut z = vec![old; 2 * m * n];
                let none: [f64; 0] = [];
                // SAFETY: no entries to read, and those of the result lie in its slice.
                unsafe {
                    let a = MatPtr { at: none.as_ptr(), row: sa.0, col: sa.1 };
                    let b = MatPtr { at: none.as_ptr(), row: sb.0, col: sb.1 };
                    let at = z.as_mut_ptr().add(origin((m, n), sc));
                    let c = MatPtr { at, row: sc.0, col: sc.1 };
                    let (isa, scratch) = (Isa::best(), Scratch::new(&mut []));
                    multiply_raw(isa, (m, n, 0), 1.0, a, b, beta, c, scratch);
                }
                let step = sc.0.abs().min(sc.1.abs()) as usize;
                for (i, v) in z.into_iter().enumerate() {
                    let written = i < m * n * step && i % step == 0;
                    match written {
                        true => assert_eq!(v, new, "{m}×{n}, {sc:?}, β {beta}"),
                        false => assert!(v == old || v.is_nan() && old.is_nan()),
                    }
                }
            }
        }
    }
}

#[test]
fn products_with_gaps() {
    // Every second column of a 6×10 matrix, and every third row.
    let data = random::<f64>(60, 7);
    let a = Mat::new(&data, 2, 5, 30, 2);
    let dense: Vec<f64> = (0..10).map(|i| data[(i / 5) * 30 + (i % 5) * 2]).collect();
    let mut c = vec![0.0; 4];
    let none = || Scratch::new(&mut []);
    multiply(Isa::best(), 1.0, a, a.t(), 0.0, &mut MatMut::row_major(&mut c, 2, 2), none());
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
        none(),
    );
    assert_eq!(y[39], data[57] * x[10]);

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
        none(),
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

/// Runs a product of f64, its last piece first, and compares it with plain loops.
#[track_caller]
fn check_product(loops: &[Loop], x: &[f64], y: &[f64], pieces: std::ops::RangeInclusive<usize>) {
    let same = std::ptr::eq(x, y);
    let product = Product::new(Isa::best(), DType::F64, [0; 3], loops, same);
    let last = |step: fn(&Loop) -> isize| -> usize {
        loops.iter().map(|l| step(l).unsigned_abs() * (l.extent - 1)).sum()
    };
    assert!(last(|l| l.x) < x.len() && last(|l| l.y) < y.len());
    let size = last(|l| l.z) + 1;
    let (mut z, mut expected) = (vec![f64::NAN; size], vec![0.0; size]);
    let mut scratch = vec![f64::NAN; product.scratch().div_ceil(8)];
    let operands =
        [x.as_ptr().cast_mut(), y.as_ptr().cast_mut(), z.as_mut_ptr(), scratch.as_mut_ptr()];
    let bytes: Vec<*mut u8> = operands.iter().map(|a| a.cast()).collect();
    assert!(pieces.contains(&product.pieces()), "{} in {}", product.name(), product.pieces());
    for piece in (0..product.pieces()).rev() {
        // SAFETY: the loops stay inside the operands, as was checked; the factors are only read.
        assert!(unsafe { product.run_piece(piece, &bytes) });
    }
    let count = loops.iter().map(|l| l.extent).product();
    for iteration in 0..count {
        let (mut rest, mut at) = (iteration, [0; 3]);
        for l in loops.iter().rev() {
            let i = (rest % l.extent) as isize;
            rest /= l.extent;
            at = [at[0] + i * l.x, at[1] + i * l.y, at[2] + i * l.z];
        }
        expected[at[2] as usize] += x[at[0] as usize] * y[at[1] as usize];
    }
    assert!(distance(&z, &expected) < 1e-11, "{}", product.name());
}

#[test]
fn products_in_pieces() {
    let of = |extent, x, y, z| Loop { extent, x, y, z };
    let (x, y) = (random::<f64>(60_000, 1), random::<f64>(60_000, 2));
    // One large product; one with many rows and few columns; one with few rows, column by column.
    let large = [of(300, 20, 0, 280), of(280, 0, 1, 1), of(20, 1, 280, 0)];
    check_product(&large, &x, &y, 2..=8);
    let tall = [of(30_000, 2, 0, 30), of(30, 0, 1, 1), of(2, 1, 30, 0)];
    check_product(&tall, &x, &y, 2..=20);
    let wide = [of(3, 1, 0, 20_000), of(20_000, 0, 3, 1), of(3, 3, 1, 0)];
    check_product(&wide, &x, &y, 1..=1);
    // Many small ones, with a sum around them.
    let many =
        [of(900, 60, 60, 25), of(5, 4, 0, 5), of(5, 0, 4, 1), of(3, 20, 20, 0), of(4, 1, 1, 0)];
    check_product(&many, &x, &y, 1..=4);
    let more = [of(40_000, 1, 1, 6), of(2, 7, 0, 3), of(3, 0, 8, 1), of(9, 1, 1, 0)];
    check_product(&more, &x, &y, 2..=8);
}

#[test]
fn packed_products_in_pieces() {
    let of = |extent, x, y, z| Loop { extent, x, y, z };
    let (x, y) = (random::<f64>(60_000, 1), random::<f64>(60_000, 2));
    let scratch =
        |loops: &[Loop]| Product::new(Isa::best(), DType::F64, [0; 3], loops, false).scratch();
    // Columns of two axes are copied to be one, and then packed.
    let columns = [of(400, 30, 0, 200), of(20, 0, 30, 10), of(10, 0, 600, 1), of(30, 1, 1, 0)];
    assert!(scratch(&columns) > 8 * 200 * 30);
    check_product(&columns, &x, &y, 2..=8);
    // A sum around products: all but the first add to what is there.
    let sums = [
        of(150, 130, 0, 140),
        of(140, 0, 1, 1),
        of(3, 150 * 130, 130 * 140, 0),
        of(130, 1, 140, 0),
    ];
    assert!(scratch(&sums) > 0);
    check_product(&sums, &x, &y, 2..=8);
    let turned = [
        of(150, 130, 0, 140),
        of(140, 0, 130, 1),
        of(3, 150 * 130, 130 * 140, 0),
        of(130, 1, 1, 0),
    ];
    assert!(scratch(&turned) > 0);
    check_product(&turned, &x, &y, 2..=8);
}

#[test]
fn columns_of_several_axes_are_one_product() {
    let of = |extent, x, y, z| Loop { extent, x, y, z };
    let (x, y) = (random::<f64>(60_000, 1), random::<f64>(60_000, 2));
    let name = |loops: &[Loop]| Product::new(Isa::best(), DType::F64, [0; 3], loops, false).name();
    // Columns of two axes in either order, one of few terms, and rows of two axes.
    let columns = [of(500, 12, 0, 12), of(4, 0, 36, 1), of(3, 0, 1, 4), of(12, 1, 3, 0)];
    check_product(&columns, &x, &y, 1..=1);
    assert_eq!(name(&columns), "product 500x12x12");
    let turned = [of(500, 12, 0, 12), of(4, 0, 36, 3), of(3, 0, 1, 1), of(12, 1, 3, 0)];
    check_product(&turned, &x, &y, 1..=1);
    assert_eq!(name(&turned), "product 500x12x12");
    let rows = [of(4, 36, 0, 1500), of(3, 1, 0, 500), of(500, 0, 12, 1), of(12, 3, 1, 0)];
    check_product(&rows, &x, &y, 1..=1);
    assert_eq!(name(&rows), "product 500x12x12");
    // An axis along which both factors are repeated is no row of either's, whichever way it is turned.
    check_product(
        &[of(64, 4, 0, 128), of(2, 0, 0, 64), of(64, 0, 1, 1), of(4, 1, 64, 0)],
        &x,
        &y,
        1..=2,
    );
    // In pieces, and a stack of them.
    let many = [of(29_000, 2, 0, 12), of(4, 0, 36, 1), of(3, 0, 1, 4), of(12, 1, 3, 0)];
    check_product(&many, &x, &y, 2..=8);
    let stack = [
        of(3, 900, 50, 6000),
        of(500, 12, 0, 12),
        of(4, 0, 36, 1),
        of(3, 0, 1, 4),
        of(12, 1, 3, 0),
    ];
    check_product(&stack, &x, &y, 1..=1);
    // Too much to copy, and not one to the result.
    let large = [of(500, 12, 0, 1000), of(40, 0, 1, 1), of(25, 0, 45, 40), of(12, 1, 2000, 0)];
    check_product(&large, &x, &y, 1..=8);
    let apart = [of(500, 12, 0, 20), of(4, 0, 36, 5), of(3, 0, 1, 1), of(12, 1, 3, 0)];
    let z_with_gaps = name(&apart);
    assert_eq!(z_with_gaps, "3 products 500x4x12");
}

#[test]
fn matrices_times_their_transposes() {
    let of = |extent, x, y, z| Loop { extent, x, y, z };
    let x = random::<f64>(60_000, 1);
    for n in [39, 40, 65, 128, 150, 200] {
        let s = n as isize;
        // A·Aᵀ, AᵀA, a stack of them, and sums of them.
        check_product(&[of(n, 90, 0, s), of(n, 0, 90, 1), of(90, 1, 1, 0)], &x, &x, 1..=8);
        check_product(&[of(n, 1, 0, s), of(n, 0, 1, 1), of(90, s, s, 0)], &x, &x, 1..=8);
        let stack = [of(3, 18_000, 18_000, s * s), of(n, 1, 0, s), of(n, 0, 1, 1), of(9, s, s, 0)];
        check_product(&stack, &x, &x, 1..=24);
        let sums = [of(n, 10, 0, s), of(n, 0, 10, 1), of(3, 18_000, 18_000, 0), of(10, 1, 1, 0)];
        check_product(&sums, &x, &x, 1..=8);
        // Two different parts of one tensor.
        check_product(&[of(n, 90, 0, s), of(n, 0, 45, 1), of(90, 1, 1, 0)], &x, &x, 1..=8);
    }
    // More terms than stay in the cache.
    let x = random::<f64>(350 * 300, 2);
    check_product(&[of(350, 1, 0, 350), of(350, 0, 1, 1), of(300, 350, 350, 0)], &x, &x, 6..=6);
}

/// A sum of no terms is 0, whatever was there before.
#[test]
fn a_matrix_without_columns_times_its_transpose_is_zero() {
    let m = 70;
    for (row, col) in [(1, m as isize), (1, 0), (0, 1)] {
        let mut c = vec![7.0; m * m];
        let a = MatPtr { at: c.as_ptr().wrapping_add(m * m), row, col };
        let to = MatPtr { at: c.as_mut_ptr(), row: m as isize, col: 1 };
        let mut workspace = Workspace::default();
        for panel in 0..gram_panels(m) {
            // SAFETY: m×m numbers; a matrix without entries.
            unsafe {
                let scratch = workspace.scratch(gram_room(8, (m, 0), (row, col), (m as isize, 1)));
                multiply_gram_panel(Isa::best(), panel, (m, 0), a, 0.0, to, scratch)
            };
        }
        assert!(c.iter().all(|&v| v == 0.0));
    }
}

#[test]
fn long_products_with_a_small_result_have_pieces() {
    for (m, n, k) in [(4, 256, 100_000), (7, 150, 100_000), (2, 200, 130_000), (1, 1, 1 << 30)] {
        let loops = [
            Loop { extent: m, x: k as isize, y: 0, z: n as isize },
            Loop { extent: n, x: 0, y: 1, z: 1 },
            Loop { extent: k, x: 1, y: n as isize, z: 0 },
        ];
        let product = Product::new(Isa::best(), DType::F64, [0; 3], &loops, false);
        assert!((1..=m * n).contains(&product.pieces()), "{m} {n} {k}");
    }
}

#[test]
fn a_factor_whose_rows_lie_in_two_loops_is_read_along_its_memory() {
    // y[k,d,e] = Σₙ x[k,n,d]·w[n,e]: one of k and d is a row, the other a loop around; d moves by one
    // element and k by many.
    let of = |extent, x, y, z| Loop { extent, x, y, z };
    let loops = [of(20, 480, 0, 80), of(16, 1, 0, 5), of(5, 0, 1, 1), of(30, 16, 5, 0)];
    let product = Product::new(Isa::best(), DType::F64, [0; 3], &loops, false);
    assert_eq!(product.name(), "20 products 16x5x30");
    let numbers = |n: usize| -> Vec<f64> { (0..n).map(|i| (i as f64).sin()).collect() };
    check_product(&loops, &numbers(20 * 480), &numbers(150), 1..=1);
}
