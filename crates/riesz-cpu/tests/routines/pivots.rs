//! Pivots that are zero, hardly so, or no numbers, in every place where they are found another way; and the same
//! factors for every team.

use crate::common::*;
use riesz_cpu::linalg::*;
use riesz_cpu::simd::{Isa, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

/// N threads that go on with the next piece until none is left.
fn team<const N: usize>(count: usize, piece: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..N {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        i if i < count => piece(i),
                        _ => break,
                    }
                }
            });
        }
    });
}

const TEAMS: [Team; 4] = [alone, team::<2>, team::<3>, team::<8>];

/// The packed factors of a matrix, its rows, and how that ended.
fn factored<T: Scalar>(isa: Isa, team: Team, n: usize, a: &[T]) -> (Vec<T>, Vec<i64>, Status) {
    let (mut packed, mut rows) = (vec![<T as Value>::NAN; n * n], vec![0; n + 1]);
    let mut workspace = Workspace::default();
    let scratch = workspace.scratch(factor_room::<T>(n));
    let (_, status) = factor(isa, team, n, a, &mut packed, &mut rows, scratch);
    (packed, rows, status)
}

/// L and U of an m×n matrix, and its rows.
fn lower_upper<T: Scalar>(
    isa: Isa,
    team: Team,
    (m, n): (usize, usize),
    a: &[T],
) -> (Vec<T>, Vec<T>, Vec<i64>) {
    let k = m.min(n);
    let (mut l, mut u, mut rows) = (random::<T>(m * k, 1), random::<T>(k * n, 2), vec![0; m]);
    let mut workspace = Workspace::default();
    let scratch = workspace.scratch(lu_room::<T>(m, n));
    lu(isa, team, (m, n), a, &mut rows, &mut l, &mut u, scratch);
    (l, u, rows)
}

/// In a column of zeros elimination finds nothing but zeros, and goes on.
#[test]
fn the_first_zero_pivot_is_where_it_is() {
    fn check<T: Scalar>(isa: Isa, team: Team, n: usize, columns: &[usize]) {
        let regular = random::<T>(n * n, 71);
        assert_eq!(factored(isa, team, n, &regular).2, Status::Done);
        for &j in columns {
            let mut a = regular.clone();
            (0..n).for_each(|i| a[i * n + j] = T::of(0.0));
            let (packed, rows, status) = factored(isa, team, n, &a);
            assert_eq!(status, Status::Singular(j), "n {n}");
            let factors = Factors::kept(&packed, &rows);
            let none = (T::of(0.0), -<T as Value>::INFINITY);
            assert!(factors.is_singular() && factors.slogdet() == none);
            // With another zero pivot after it, the first counts.
            (0..n).for_each(|i| a[i * n + n - 1] = T::of(0.0));
            assert_eq!(factored(isa, team, n, &a).2, Status::Singular(j), "n {n}");
            // The factors are right all the same.
            let (l, u, rows) = lower_upper(isa, team, (n, n), &a);
            let exchanged: Vec<f64> =
                rows.iter().flat_map(|&p| wide(&a[p as usize * n..][..n])).collect();
            let error = distance(&plain(n, n, n, &wide(&l), &wide(&u)), &exchanged);
            assert!(error <= 10.0 * epsilon::<T>() * (n as f64 + 1.0), "n {n}, {j}: {error}");
        }
    }
    for isa in Isa::available() {
        // Panels of 8, 16 and 32 columns, in groups of four and steps of 16.
        for (n, columns) in [
            (37, &[0, 1, 6, 15, 33, 36][..]),
            (100, &[2, 17, 62, 97, 99]),
            (150, &[3, 18, 21, 63, 86, 129, 149]),
        ] {
            for team in [alone, team::<3>] {
                check::<f64>(isa, team, n, columns);
                check::<f32>(isa, team, n, columns);
            }
        }
    }
}

/// A pivot whose inverse is infinite or has lost digits, and what is divided by it.
fn extremes<T: Scalar>() -> [(T, T); 2] {
    // Beyond half the largest power of two an inverse is subnormal.
    let large = if size_of::<T>() == 8 { 2f64.powi(1023) } else { 2f64.powi(127) };
    let small = if size_of::<T>() == 8 { 2f64.powi(-1070) } else { 2f64.powi(-145) };
    let all = [(4.0 * small, 3.0 * small), (1.9 * large, 1.3 * large)];
    all.map(|(pivot, other)| {
        let (pivot, other) = (T::of(pivot), T::of(other));
        assert!(other * (T::of(1.0) / pivot) != other / pivot, "the inverse is as good");
        (pivot, other)
    })
}

/// Inside a whole block of unknowns and in the last, by rows, by columns, and with several right-hand sides.
#[test]
fn unknowns_are_divided_by_pivots_that_have_no_inverse() {
    fn check<T: Scalar>(isa: Isa, k: usize, which: Triangle, at: usize, (pivot, b): (T, T)) {
        let n = 19;
        let lower = which.lower != which.transposed;
        let mut t = matrix::<T>(n, 72);
        for (i, v) in t.iter_mut().enumerate() {
            let (r, c) = (i / n, i % n);
            if r == at || r != c && (r > c) != lower {
                *v = T::of(0.0);
            }
        }
        t[at * n + at] = pivot;
        let mut x = random::<T>(n * k, 73);
        x[at * k..(at + 1) * k].fill(b);
        let before = x.clone();
        let given = if which.transposed { transposed(n, n, &t) } else { t.clone() };
        assert_eq!(solve_triangular(isa, n, &given, which, k, &mut x), Status::Done);
        assert!(x[at * k..(at + 1) * k].iter().all(|v| *v == b / pivot), "{which:?} {k} {at}");
        // All others know of it.
        t[at * n..(at + 1) * n].fill(T::of(0.0));
        let mut wanted = wide(&before);
        wanted[at * k..(at + 1) * k].fill(0.0);
        let error = distance(&plain(n, k, n, &wide(&t), &wide(&x)), &wanted);
        assert!(error <= 1e3 * epsilon::<T>() * size(&x), "{which:?} {k} {at}: {error}");
    }
    fn all<T: Scalar>(isa: Isa) {
        for extreme in extremes::<T>() {
            for at in [0, 5, 12, 18] {
                for flags in 0..4 {
                    let [lower, transposed] = [1, 2].map(|bit| flags & bit != 0);
                    let which = Triangle { lower, unit: false, transposed };
                    for k in [1, 3, 40] {
                        check::<T>(isa, k, which, at, extreme);
                    }
                }
            }
        }
    }
    for isa in Isa::available() {
        all::<f64>(isa);
        all::<f32>(isa);
    }
}

#[test]
fn multipliers_are_quotients_where_a_pivot_has_no_inverse() {
    fn check<T: Scalar>(isa: Isa) {
        for (pivot, _) in extremes::<T>() {
            for n in [19, 100] {
                let mut a = random::<T>(n * n, 74);
                a.iter_mut().step_by(n).for_each(|v| *v *= pivot);
                a[7 * n] = pivot;
                let (l, u, rows) = lower_upper(isa, alone, (n, n), &a);
                assert!(rows[0] == 7 && u[0] == pivot);
                assert!((0..n).all(|i| l[i * n] == a[rows[i] as usize * n] / pivot));
                let rest = |x: &[T]| -> Vec<f64> { x[1..].iter().map(|v| v.wide()).collect() };
                let exchanged: Vec<f64> =
                    rows.iter().flat_map(|&p| rest(&a[p as usize * n..][..n])).collect();
                let u: Vec<f64> = (0..n).flat_map(|i| rest(&u[i * n..][..n])).collect();
                let error = distance(&plain(n, n - 1, n, &wide(&l), &u), &exchanged);
                assert!(error <= 10.0 * epsilon::<T>() * n as f64, "{n}: {error}");
            }
        }
    }
    for isa in Isa::available() {
        check::<f64>(isa);
        check::<f32>(isa);
    }
}

/// What is known before them is what it is without them, and all ends.
#[test]
fn no_numbers_in_the_last_panel_and_infinity_in_u() {
    fn check<T: Scalar>(isa: Isa, n: usize) {
        let mut regular = random::<T>(n * n, 75);
        // The first pivot is in the first row.
        regular[0] = T::of(2.0);
        let (wanted, order, _) = factored(isa, alone, n, &regular);
        for team in TEAMS {
            let mut a = regular.clone();
            a[n * n - 1] = <T as Value>::NAN;
            let (packed, rows, status) = factored(isa, team, n, &a);
            assert_eq!((status, &rows), (Status::Done, &order), "n {n}");
            for i in 0..n {
                assert_eq!(packed[i * n..][..n - 1], wanted[i * n..][..n - 1], "n {n}, row {i}");
            }
            assert!(packed[n * n - 1].wide().is_nan());
            // In a row of U beside the first panel, and beside one in the midst.
            for j in [40, n - 2] {
                let mut a = regular.clone();
                a[j] = <T as Value>::INFINITY;
                let (packed, rows, status) = factored(isa, team, n, &a);
                assert_eq!((status, &rows[..j]), (Status::Done, &order[..j]), "n {n}");
                for i in 0..j {
                    assert_eq!(packed[i * n..][..j], wanted[i * n..][..j], "n {n}, row {i}");
                }
                assert!(packed[j] == <T as Value>::INFINITY);
                assert!((1..n).all(|i| !packed[i * n + j].wide().is_finite()));
                assert!(packed[n * n - 1].wide().is_nan());
            }
        }
    }
    for isa in Isa::available() {
        for n in [150, 300] {
            check::<f64>(isa, n);
            check::<f32>(isa, n);
        }
    }
}

#[test]
fn every_team_finds_the_same_factors() {
    fn check<T: Scalar + PartialEq>(isa: Isa) {
        for n in [1, 16, 17, 40, 41, 100, 128, 129, 147, 150, 200, 256, 300] {
            let a = random::<T>(n * n, 76);
            let [first, others @ ..] = TEAMS.map(|team| factored(isa, team, n, &a));
            assert!(others.iter().all(|other| *other == first), "n {n}");
        }
        for shape @ (m, n) in [(120, 300), (300, 120), (33, 1000), (1000, 33), (161, 160)] {
            let a = random::<T>(m * n, 77);
            let [first, others @ ..] = TEAMS.map(|team| lower_upper(isa, team, shape, &a));
            assert!(others.iter().all(|other| *other == first), "{m}×{n}");
        }
    }
    for isa in Isa::available() {
        check::<f64>(isa);
        check::<f32>(isa);
    }
}
