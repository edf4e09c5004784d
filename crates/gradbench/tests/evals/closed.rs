//! Derivatives against closed forms, to the last digits.

use super::{assert_close, evaluate, flat, plainly};
use gradbench::workloads;
use serde_json::json;

#[test]
fn hello_doubles() {
    assert_eq!(evaluate("hello", "square", &json!(3)), json!(9.0));
    assert_eq!(evaluate("hello", "double", &json!(16384)), json!(32768.0));
}

/// The gradient of log-sum-exp is the softmax.
#[test]
fn lse() {
    let input = workloads::lse(40);
    let x = flat(&input["x"]);
    let total: f64 = x.iter().map(|x| x.exp()).sum();
    let expected: Vec<f64> = x.iter().map(|x| x.exp() / total).collect();
    assert_close(&flat(&evaluate("lse", "gradient", &input)), &expected, 1e-15);
}

/// −Σᵢ rᵢ tᵢʲ for the residuals r; with an odd n one of the t is 0, where the sign is 0 too.
#[test]
fn llsq() {
    for n in [16, 33] {
        let input = workloads::llsq(n, 12);
        let x = flat(&input["x"]);
        let mut expected = vec![0.0; x.len()];
        for i in 0..n {
            let t = -1.0 + 2.0 * i as f64 / (n as f64 - 1.0);
            let sign = if t == 0.0 { 0.0 } else { t.signum() };
            let residual: f64 =
                sign - x.iter().enumerate().map(|(j, x)| x * t.powi(j as i32)).sum::<f64>();
            for (j, slope) in expected.iter_mut().enumerate() {
                *slope -= residual * t.powi(j as i32);
            }
        }
        assert_close(&flat(&evaluate("llsq", "gradient", &input)), &expected, 1e-14);
    }
}

/// The Newton direction of a centroid is its distance from the mean of the points nearest to it.
#[test]
fn kmeans() {
    for (k, n) in [(5, 60), (20, 20)] {
        let input = workloads::kmeans(k, n, 3);
        let rows =
            |name: &str| flat(&input[name]).chunks(3).map(<[f64]>::to_vec).collect::<Vec<_>>();
        let (points, centroids) = (rows("points"), rows("centroids"));
        let square =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let (mut sums, mut counts) = (vec![vec![0.0; 3]; k], vec![0.0; k]);
        for point in &points {
            let distance = |c: &&usize| square(point, &centroids[**c]);
            let all: Vec<usize> = (0..k).collect();
            let nearest =
                *all.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("some");
            counts[nearest] += 1.0;
            (0..3).for_each(|j| sums[nearest][j] += point[j]);
        }
        let expected: Vec<f64> = (0..k)
            .flat_map(|c| (0..3).map(move |j| (c, j)))
            .map(|(c, j)| centroids[c][j] - sums[c][j] / counts[c])
            .collect();
        let found = flat(&evaluate("kmeans", "dir", &input));
        // As differences of numbers up to 1, these have an absolute error.
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-15, "{a} {b}");
        }
    }
}

/// The gradient of the determinant is the matrix of cofactors.
#[test]
fn det() {
    let n = 7;
    let input = workloads::det(n);
    let a = flat(&input["A"]);
    let mut expected = Vec::new();
    for i in 0..n {
        for j in 0..n {
            let minor: Vec<f64> = (0..n * n)
                .filter(|place| place / n != i && place % n != j)
                .map(|place| a[place])
                .collect();
            let minor = flat(&plainly("det", &json!({ "ell": n - 1, "A": minor })))[0];
            expected.push(if (i + j).is_multiple_of(2) { minor } else { -minor });
        }
    }
    assert_close(&flat(&evaluate("det", "gradient", &input)), &expected, 1e-13);
}

/// The pattern of the sparse Jacobian for two cameras, three points, five observations.
#[test]
fn ba() {
    let input = workloads::ba(2, 3, 5);
    let output = evaluate("ba", "jacobian", &input);
    let rows = flat(&output["rows"]);
    assert_eq!(
        rows,
        [
            0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 105.0, 120.0, 135.0, 150.0, 151.0, 152.0,
            153.0, 154.0, 155.0, 155.0
        ]
    );
    let columns = flat(&output["cols"]);
    let block: Vec<f64> = (0..11).chain(22..25).chain([31]).map(f64::from).collect();
    assert_eq!(columns[..30], [block.clone(), block].concat());
    assert_eq!(columns[30], 35.0);
    assert_eq!(flat(&output["vals"])[30], -2.0 * 0.8);
}
