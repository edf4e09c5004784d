//! The examples of the repository against minima computed by other means (examples/reference).

use riesz::minimize::{Control, Status};
use riesz_lang::model::Model;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// All numbers in nested arrays.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(parts) => parts.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn agrees(name: &str) {
    let text = std::fs::read_to_string(directory().join(format!("{name}.rz"))).unwrap();
    let expected = std::fs::read_to_string(directory().join("reference/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let expected = &expected[name];
    let model = Model::load(&text, &directory(), &[]).unwrap();
    let outcome = model.minimize(&model.options().unwrap(), &mut |_| Control::Continue).unwrap();
    let s = &outcome.solution;
    assert_eq!(s.status, Status::Converged, "{name}: {}", s.reason);
    let objective = expected["objective"].as_f64().unwrap();
    let error = (s.objective - objective).abs() / objective.abs().max(1.0);
    println!("{name}: {} in {} steps, error {error:.1e}", s.method, s.iterations);
    assert!(error <= 1e-8, "{name}: {} instead of {objective}", s.objective);
    if let Some(start) = expected["objective_at_start"].as_f64() {
        assert!((s.history[0].value - start).abs() <= 1e-12 * start.abs(), "{name} at the start");
    }
    for (variable, value) in &outcome.variables {
        let expected = numbers(&expected["variables"][variable]);
        let found = value.to_f64();
        assert_eq!(found.len(), expected.len(), "{name}: {variable}");
        let largest = expected.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("  {variable}: off by {off:.1e}");
        assert!(off <= 1e-8 * largest, "{name}: {variable} is off by {off}");
    }
}

#[test]
fn logistic_regression() {
    agrees("logistic");
}

#[test]
fn ridge_regression() {
    agrees("ridge");
}

#[test]
fn rosenbrock_in_a_hundred_variables() {
    agrees("rosenbrock");
}

#[test]
fn covariance_of_a_gaussian() {
    agrees("covariance");
}
