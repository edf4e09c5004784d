//! What does not fit says so, at the user's line.

use riesz::prelude::*;

#[track_caller]
fn says<T>(result: Result<T>, parts: &[&str]) {
    let text = result.err().map_or_else(|| "no error".to_string(), |e| e.to_string());
    for part in parts.iter().chain(&["errors.rs:"]) {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn a_choice_is_by_one_truth_value() {
    let x = Tensor::from([1.0, 2.0]);
    let f = |x: Var| cond(x.gt(0.0), || x, || -x);
    says(run(f, &x), &["cond", "one truth value", "bool[2]", "Var::select"]);
    let f = |x: Var| cond(x.sum(), || x, || -x);
    says(run(f, &x), &["cond", "one truth value", "f64[]"]);
}

#[test]
fn branches_agree() {
    let x = Tensor::from([1.0, 2.0]);
    let f = |x: Var| cond(x.sum().gt(0.0), || x, || x.sum());
    says(run(f, &x), &["cond", "f64[2]", "f64[]", "both branches"]);
    let f = |x: Var| cond(x.sum().gt(0.0), || vec![x], || vec![x, x]);
    says(run(f, &x), &["cond", "branches"]);
}

#[test]
fn what_is_carried_keeps_its_type() {
    let x = Tensor::from([1.0, 2.0]);
    let f = |x: Var| fori(3, |_, y: Var| y.sum(), x);
    says(run(f, &x), &["scan", "f64[2]", "f64[]", "keeps"]);
    let f = |x: Var| while_loop(|y: Var| y.sum().gt(1.0), |y| y.cast(DType::F32), x);
    says(run(f, &x), &["while", "f64[2]", "f32[2]", "keeps"]);
    let f = |x: Var| while_loop(|y: Var| y.gt(1.0), |y| 0.5 * y, x);
    says(run(f, &x), &["while", "condition", "bool[2]", "any"]);
    let f = |x: Var| fori(3, |_, y: Vec<Var>| [y, vec![x]].concat(), vec![x]);
    says(run(f, &x), &["fori", "structure"]);
}

#[test]
fn steps_are_counted_by_the_first_axis() {
    let (x, y) = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 2.0, 3.0]));
    let f =
        |(x, y): (Var, Var)| scan(|c: Var, (x, y): (Var, Var)| (c + x * y, c), x.at(0), (x, y)).0;
    says(run(f, &(x, y)), &["scan", "leaf 2", "3 parts", "2"]);
    let f = |x: Var| scan(|c: Var, x: Var| (c + x, c), x, x).0;
    says(run(f, &Tensor::from(1.0)), &["scan", "leaf 1", "no parts"]);
}

#[test]
fn an_error_inside_names_its_own_line() {
    let line = line!() + 1;
    let f = |x: Var| fori(3, |_, y: Var| y + Var::constant([1.0, 2.0, 3.0]), x);
    let at = format!("errors.rs:{line}:");
    says(run(f, &Tensor::from([1.0, 2.0])), &["add", "[2]", "[3]", &at]);
    let f = |x: Var| fori(x, |_, y: Var| y, x);
    says(run(f, &Tensor::from(3.0)), &["fori", "whole number", "f64[]"]);
}
