//! The results on ADBench's data against those of its own hand-written code.

use gradbench::adbench::{errors, sets};
use gradbench::evals::ba;
use gradbench::input::Input;
use serde_json::json;
use std::path::Path;

#[test]
fn the_jacobians_agree() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("adbench");
    let sets = sets(&folder).expect("the data are in the repository");
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let expected = [
        "ba/ba1_n49_m7776_p31843",
        "ba/test",
        "gmm/1k/gmm_d2_K5",
        "gmm/test",
        "hand/test",
        "hand/test_complicated",
        "lstm/lstm_l2_c1024",
    ];
    assert_eq!(names, expected);
    for set in &sets {
        let mut ready = set.prepare().expect("the data can be read");
        ready.objective.run().expect("it runs");
        ready.jacobian.run().expect("it runs");
        let (found, expected) = (ready.results(), set.reference());
        let (found, expected) = (found.expect("finite"), expected.expect("there"));
        // ADBench demands 1e-8 in the first measure.
        let (rho, relative) = errors(&found.jacobian, &expected.jacobian);
        assert!(rho < 1e-10 && relative < 1e-12, "{}: {rho:e}, {relative:e}", set.name);
        let (_, relative) = errors(&found.objective, &expected.objective);
        // Its π has twelve digits.
        assert!(relative < 1e-12, "{}: {relative:e}", set.name);
    }
}

/// The whole sparse matrix for two cameras, ten points, ten observations.
#[test]
fn the_sparse_jacobian_agrees_as_a_whole() {
    let text = include_str!("../../adbench/reference/ba/test/test.J.txt");
    let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>().expect("a number"));
    let mut list = |given: Option<usize>| -> Vec<f64> {
        let n = given.unwrap_or_else(|| numbers.next().expect("a length") as usize);
        numbers.by_ref().take(n).collect()
    };
    let shape = list(Some(2));
    let (rows, columns, values) = (list(None), list(None), list(Some(310)));
    assert_eq!(shape, [30.0, 62.0]);
    let input = json!({
        "n": 2, "m": 10, "p": 10,
        "cam": [1.797201, 0.590697, -0.635786, 90.85955, 29.361415, 28.777534, 211.628116,
                -0.284531, -14.762924, 0.058931, 0.069976],
        "x": [4.173048, 5.586898, 1.403869], "w": 0.417022, "feat": [-525.672849, 161.811929],
    });
    let found = ba::jacobian_of(&Input::new(&input)).expect("it runs");
    let whole = |list: &[i64]| list.iter().map(|&i| i as f64).collect::<Vec<_>>();
    assert_eq!((whole(&found.rows), whole(&found.columns)), (rows, columns));
    let (rho, relative) = errors(&found.values, &values);
    assert!(rho < 1e-12 && relative < 1e-13, "{rho:e}, {relative:e}");
}
