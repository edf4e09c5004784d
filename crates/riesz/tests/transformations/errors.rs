//! Wrong uses are errors at the one fallible boundary, and say what, where and how to mend it.

use riesz::prelude::*;
use std::cell::Cell;

#[track_caller]
fn message<T>(result: Result<T>) -> String {
    result.err().map_or_else(|| "no error".to_string(), |e| e.to_string())
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn shapes_that_do_not_fit_name_operation_shapes_and_lines() {
    let here = line!();
    let f = |(a, x): (Var, Var)| {
        let twice = 2.0 * x;
        a.dot(twice)
    };
    let args = (Tensor::from([[1.0, 2.0, 3.0]]), Tensor::from([1.0, 2.0]));
    let text = message(run(f, &args));
    let (made, used) = (format!("errors.rs:{}:", here + 2), format!("errors.rs:{}:", here + 3));
    says(&text, &["dot", "f64[1,3]", "f64[2]", &used, "made at", &made, "help"]);
}

#[test]
fn an_error_deep_inside_transformations_still_names_its_line() {
    let f = |x: Var| vmap(grad(|y: Var| (y + Var::constant([1.0, 2.0, 3.0])).sum()))(x);
    let text = message(run(f, &Tensor::from([[1.0, 2.0]])));
    says(&text, &["add", "[2]", "[3]", "errors.rs:"]);
}

#[test]
fn a_gradient_of_several_numbers_is_an_error() {
    let text = message(run(grad(|x: Var| x), &Tensor::from([1.0, 2.0])));
    says(&text, &["f64[2]", "not one number", "jacobian"]);
}

#[test]
fn what_is_made_of_a_gradient_names_itself_and_the_line_that_made_it() {
    let x = Tensor::from([1.0, 2.0]);
    let twice = |x: Var| 2.0 * x;
    let options = riesz::minimize::Options::default();
    let here = line!();
    let texts = [
        ("grad", message(run(grad(twice), &x))),
        ("value_and_grad", message(run(value_and_grad(twice), &x))),
        ("hessian", message(run(hessian(twice), &x))),
        ("hvp", message(run(|x: Var| hvp(twice)(x, x), &x))),
        ("grad_in", message(run(|x: Var| grad_in(twice, metric::Diagonal(x))(x), &x))),
        ("sparse_hessian", message(run(sparse_hessian(twice), &x))),
        ("minimize", message(minimize(twice, &x, &options))),
    ];
    for (i, (name, text)) in texts.iter().enumerate() {
        let line = format!("errors.rs:{}:", here + 2 + i as u32);
        says(text, &[&format!("{name}: the function gives f64[2]"), &line]);
    }
}

#[test]
fn whole_numbers_have_no_derivative() {
    let text = message(run(grad(|x: Var| x.cast(DType::F64).sum()), &Tensor::from([1i64, 2])));
    says(&text, &["i64", "no derivative", "cast"]);
}

#[test]
fn element_types_are_not_mixed_silently() {
    let args = (Tensor::from([1.0f32]), Tensor::from([1.0f64]));
    says(&message(run(|(x, y): (Var, Var)| x + y, &args)), &["f32", "f64", "cast"]);
    let text = message(run(|x: Var| x + 0.5, &Tensor::from([1i32])));
    says(&text, &["0.5", "whole number"]);
}

#[test]
fn a_value_that_left_its_trace_is_an_error() {
    let kept = Cell::new(None);
    let first = run(
        |x: Var| {
            kept.set(Some(x));
            x
        },
        &Tensor::from(1.0),
    );
    assert!(first.is_ok());
    let text = message(run(|x: Var| x + kept.get().unwrap_or(x), &Tensor::from(1.0)));
    says(&text, &["outside the trace"]);
}

#[test]
fn instances_must_agree_in_number() {
    let args = (Tensor::from([1.0, 2.0]), Tensor::from([1.0, 2.0, 3.0]));
    says(&message(run(vmap(|(x, y): (Var, Var)| x * y), &args)), &["vmap", "3", "2"]);
    says(&message(run(vmap(|x: Var| x), &Tensor::from(1.0))), &["vmap", "no axis 0", "errors.rs:"]);
    let axes = |arguments: Vec<Option<usize>>, results: Vec<usize>| {
        message(run(vmap_axes(|(x, y): (Var, Var)| x * y, arguments, results), &args))
    };
    says(&axes(vec![None], vec![0]), &["vmap", "no leaf is mapped"]);
    says(&axes(vec![Some(0); 3], vec![0]), &["3 axes", "2 leaves", "one for all"]);
    says(&axes(vec![Some(0), None], vec![2]), &["result has 2 axes", "none is 2"]);
    says(&axes(vec![Some(0), None], vec![0, 0]), &["2 axes", "results of 1 leaves"]);
}

#[test]
fn numbers_without_a_result_name_the_operation_and_the_line() {
    let text = message(run(|a: Var| a.inverse(), &Tensor::from([[1.0, 2.0], [2.0, 4.0]])));
    says(&text, &["inverse", "singular", "errors.rs:"]);
    let take = |(x, i): (Var, Var)| x.take(i, 0);
    let text = message(run(take, &(Tensor::from([1.0, 2.0]), Tensor::from([0i64, 2]))));
    says(&text, &["gather", "index 2", "length 2", "errors.rs:"]);
}

#[test]
fn the_extreme_of_nothing_is_an_error() {
    let none = Tensor::from(Vec::<f64>::new());
    says(&message(run(|x: Var| x.max(), &none)), &["max", "no elements"]);
    assert!(run(|x: Var| x.sum(), &none).is_ok_and(|s| s == Tensor::from(0.0)));
}

#[test]
fn code_that_stumbles_over_a_failed_shape_reports_the_cause() {
    let f = |x: Var| {
        let bad = x + Var::constant([1.0, 2.0, 3.0]);
        // The failed value has no axes, so this index would panic by itself.
        bad * bad.shape()[0] as f64
    };
    let text = message(run(f, &Tensor::from([1.0, 2.0])));
    says(&text, &["add", "[2]", "[3]"]);
}

#[test]
fn a_direction_has_the_shape_of_its_argument() {
    let args = (Tensor::from([1.0, 2.0]), Tensor::from([1.0]));
    let f = |(x, v): (Var, Var)| jvp(|x: Var| x.sum(), x, v);
    says(&message(run(f, &args)), &["jvp", "direction", "f64[1]"]);
}
