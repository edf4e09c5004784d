//! Factorisations by blocks, in matrices that end where their memory ends.

use riesz_cpu::linalg::*;
use riesz_cpu::simd::Isa;

/// Numbers between −1 and 1 that follow no pattern.
fn numbers<T: Scalar>(count: usize) -> Vec<T> {
    (1..=count).map(|i| T::of((i as f64 * 12.9898).sin())).collect()
}

/// The product of m×k, of which `a` gives the entries, and k×n, of which `b` does.
fn product(
    (m, n, k): (usize, usize, usize),
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    let entry = |i: usize, j: usize| (0..k).map(|l| a(i, l) * b(l, j)).sum();
    (0..m * n).map(|i| entry(i / n, i % n)).collect()
}

/// Whether numbers are near others that are about 1.
fn are_near<T: Scalar>(given: impl IntoIterator<Item = f64>, wanted: &[f64]) -> bool {
    let near = |(x, y): (f64, &f64)| (x - y).abs() < 1e3 * T::EPSILON;
    given.into_iter().zip(wanted).all(near)
}

#[test]
fn elimination_of_wide_and_tall_matrices() {
    fn check<T: Scalar>(m: usize, n: usize) {
        let (k, a) = (m.min(n), numbers::<T>(m * n));
        let (mut l, mut u, mut rows) = (numbers::<T>(m * k), numbers::<T>(k * n), vec![0; m]);
        let mut workspace = Workspace::default();
        let scratch = workspace.scratch(lu_room::<T>(m, n));
        lu(Isa::best(), alone, (m, n), &a, &mut rows, &mut l, &mut u, scratch);
        let back = product((m, n, k), |i, j| l[i * k + j].wide(), |i, j| u[i * n + j].wide());
        let row = |i: usize| a[rows[i] as usize * n..][..n].iter().map(|v| v.wide());
        assert!(are_near::<T>((0..m).flat_map(row), &back), "{m}×{n}");
    }
    for (m, n) in [(3, 5), (5, 3), (9, 17), (17, 9)] {
        check::<f64>(m, n);
        check::<f32>(m, n);
    }
}

#[test]
fn one_right_hand_side_of_a_matrix_and_of_its_transpose() {
    fn check<T: Scalar>() {
        let (isa, n) = (Isa::best(), 19);
        let (mut a, b) = (numbers::<T>(n * n), numbers::<T>(n));
        // Well conditioned, and rows are exchanged all the same.
        (0..n).for_each(|i| a[(i * 7 % n) * n + i] = T::of(8.0));
        let (mut packed, mut rows) = (a.clone(), vec![0; n + 1]);
        let (mut x, mut y) = (b.clone(), b.clone());
        let mut workspace = Workspace::default();
        let scratch = workspace.scratch(factor_room::<T>(n));
        let (factors, status) = factor(isa, alone, n, &a, &mut packed, &mut rows, scratch);
        assert_eq!(status, Status::Done);
        factors.solve(isa, alone, 1, &b, &mut x);
        let scratch = workspace.scratch(solve_transposed_room::<T>(n, 1));
        factors.solve_transposed(isa, alone, 1, &b, &mut y, scratch);
        let at = |i: usize, j: usize| a[i * n + j].wide();
        let wide = |b: &[T]| -> Vec<f64> { b.iter().map(|v| v.wide()).collect() };
        let back = product((n, 1, n), at, |i, _| x[i].wide());
        assert!(are_near::<T>(wide(&b), &back));
        let back = product((n, 1, n), |i, j| at(j, i), |i, _| y[i].wide());
        assert!(are_near::<T>(wide(&b), &back));
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn the_root_of_a_positive_definite_matrix() {
    fn check<T: Scalar>() {
        let n = 19;
        // Sums of absolute values of the others in a row are below 2.
        let entry = |i: usize, j: usize| {
            if i == j { 2.5 } else { ((i * j) as f64).cos() / (1 + i.abs_diff(j).pow(2)) as f64 }
        };
        // What is above is not read.
        let given = |i: usize| if i % n > i / n { f64::NAN } else { entry(i / n, i % n) };
        let mut l: Vec<T> = (0..n * n).map(|i| T::of(given(i))).collect();
        let mut workspace = Workspace::default();
        let scratch = workspace.scratch(cholesky_room::<T>(n));
        assert_eq!(cholesky(Isa::best(), alone, n, &mut l, scratch), Status::Done);
        let at = |i: usize, j: usize| l[i * n + j].wide();
        let back = product((n, n, n), at, |i, j| at(j, i));
        assert!(are_near::<T>((0..n * n).map(|i| entry(i / n, i % n)), &back));
    }
    check::<f64>();
    check::<f32>();
}
