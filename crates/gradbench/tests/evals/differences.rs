//! Derivatives against differences of the plain loops: central differences of fourth order, whose
//! error here is a few 1e-11 of the largest entry.

use super::{assert_close, evaluate, flat, hands, plainly};
use gradbench::workloads;
use serde_json::{Value, json};

const STEP: f64 = 1e-3;
const TOLERANCE: f64 = 2e-9;

/// The derivatives of every number that the plain loops give by one number of the input.
fn differences(module: &str, input: &Value, place: &str) -> Vec<f64> {
    let at = |shift: f64| {
        let mut shifted = input.clone();
        let number = shifted.pointer_mut(place).expect("the place is in the input");
        *number = json!(number.as_f64().expect("a number") + shift);
        flat(&plainly(module, &shifted))
    };
    let (near, far) = ((at(STEP), at(-STEP)), (at(2.0 * STEP), at(-2.0 * STEP)));
    (0..near.0.len())
        .map(|i| (8.0 * (near.0[i] - near.1[i]) - (far.0[i] - far.1[i])) / (12.0 * STEP))
        .collect()
}

/// The places of all numbers below one.
fn places(input: &Value, place: &str) -> Vec<String> {
    match input.pointer(place) {
        Some(Value::Array(all)) => {
            (0..all.len()).flat_map(|i| places(input, &format!("{place}/{i}"))).collect()
        }
        _ => vec![place.to_owned()],
    }
}

/// One column for each number below a place.
fn columns(module: &str, input: &Value, place: &str) -> Vec<Vec<f64>> {
    places(input, place).iter().map(|place| differences(module, input, place)).collect()
}

#[test]
fn gradients() {
    let mut prior = workloads::gmm(3, 4, 6);
    prior["gamma"] = json!(1.5);
    prior["m"] = json!(2);
    let cases = [
        ("gmm", "jacobian", workloads::gmm(2, 3, 7), vec!["alpha", "l", "mu", "q"]),
        ("gmm", "jacobian", prior, vec!["alpha", "l", "mu", "q"]),
        ("lse", "gradient", workloads::lse(20), vec!["x"]),
        ("llsq", "gradient", workloads::llsq(9, 6), vec!["x"]),
        ("det", "gradient", workloads::det(6), vec!["A"]),
    ];
    for (module, function, input, names) in cases {
        let output = evaluate(module, function, &input);
        for name in names {
            let part = output.get(name).unwrap_or(&output);
            let expected = columns(module, &input, &format!("/{name}")).concat();
            assert_close(&flat(part), &expected, TOLERANCE);
        }
    }
}

/// Only the last component is differentiated.
#[test]
fn the_gradient_of_the_differential_equation() {
    for (n, steps) in [(3, 10), (4, 10), (5, 3)] {
        let input = workloads::ode(n, steps);
        let columns = columns("ode", &input, "/x");
        let expected: Vec<f64> = columns.iter().map(|column| column[n - 1]).collect();
        assert_close(&flat(&evaluate("ode", "gradient", &input)), &expected, TOLERANCE);
    }
}

#[test]
fn the_gradient_of_the_recurrent_model() {
    for (layers, characters) in [(1, 4), (2, 7)] {
        let input = workloads::lstm(layers, characters);
        let columns =
            ["/main_params", "/extra_params"].map(|place| columns("lstm", &input, place).concat());
        let found = flat(&evaluate("lstm", "jacobian", &input));
        assert_close(&found, &columns.concat(), TOLERANCE);
    }
}

#[test]
fn the_jacobian_of_bundle_adjustment() {
    for turned in [true, false] {
        let (n, m, p) = (1, 1, 2);
        let mut input = workloads::ba(n, m, p);
        if !turned {
            // Where the angle is 0 the plain loops take another branch, so only what is not the
            // rotation can be shifted.
            (0..3).for_each(|i| input["cam"][i] = json!(0.0));
        }
        // Two errors of the first observation for each number of the camera, the point, the weight.
        let columns = [
            columns("ba", &input, "/cam"),
            columns("ba", &input, "/x"),
            columns("ba", &input, "/w"),
        ]
        .concat();
        let values = flat(&evaluate("ba", "jacobian", &input)["vals"]);
        for row in 0..2 {
            let skip = if turned { 0 } else { 3 };
            let expected: Vec<f64> = columns[skip..].iter().map(|column| column[row]).collect();
            assert_close(&values[15 * row + skip..15 * row + 15], &expected, TOLERANCE);
        }
    }
}

#[test]
fn the_jacobian_of_hand_tracking() {
    for input in hands() {
        let output = evaluate("ht", "jacobian", &input);
        let rows: Vec<Vec<f64>> = output.as_array().expect("rows").iter().map(flat).collect();
        let by_pose = columns("ht", &input, "/theta");
        let own = flat(&input["us"]).len() / 3;
        for (i, row) in rows.iter().enumerate() {
            let mut expected: Vec<f64> = (0..own)
                .map(|k| differences("ht", &input, &format!("/us/{}/{k}", i / 3))[i])
                .collect();
            expected.extend(by_pose.iter().map(|column| column[i]));
            assert_close(row, &expected, TOLERANCE);
        }
    }
}
