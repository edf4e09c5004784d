//! Plays the driver: messages in, answers out, on small inputs. Primal values are held against plain
//! loops, derivatives against closed forms or against differences of the plain loops.

mod adbench;
mod closed;
mod differences;
mod nested;
mod protocol;
mod threads;

use gradbench::input::Input;
use gradbench::protocol::answer;
use gradbench::{plain, workloads};
use serde_json::{Value, json};

/// What the tool answers to one evaluation.
fn evaluate(module: &str, function: &str, input: &Value) -> Value {
    let message = json!({
        "id": 7, "kind": "evaluate", "module": module, "function": function, "input": input,
    });
    let answer = answer(&message);
    assert_eq!(answer["success"], true, "{module} {function}: {}", answer["error"]);
    assert_eq!(answer["id"], 7);
    answer["output"].clone()
}

/// What the plain loops give.
fn plainly(module: &str, input: &Value) -> Value {
    let prepare = plain::find(module).expect("the eval has a plain primal");
    let mut work = prepare(&Input::new(input)).expect("the input is good");
    work.run().and_then(|()| work.output()).expect("it runs")
}

/// Every number of a tree, in order.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Number(x) => vec![x.as_f64().expect("a number")],
        Value::Array(all) => all.iter().flat_map(flat).collect(),
        Value::Object(all) => all.values().flat_map(flat).collect(),
        other => panic!("{other} is no number"),
    }
}

/// Numbers that differ by at most a tolerance times the largest of them.
#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "entry {i}: {a:e}, not {b:e}, of {scale:e}");
    }
}

/// Hands with points at vertices; with fewer points than triangles, and more; and of both with more
/// vertices than corners, and fewer.
fn hands() -> Vec<Value> {
    let two_triangles = |vertices| {
        let mut hand = workloads::ht(3, vertices, false);
        let triangles = &mut hand["data"]["model"]["triangles"];
        *triangles = json!([triangles[0], triangles[1]]);
        hand["data"]["correspondences"] = json!([1, 0, 1]);
        hand
    };
    let [at_vertices, on_triangles] = [true, false].map(|simple| workloads::ht(3, 25, simple));
    vec![at_vertices, on_triangles, workloads::ht(3, 8, false), two_triangles(25), two_triangles(5)]
}

/// Small inputs of every eval that has a plain primal.
fn small() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let mut mirrored = workloads::ht(5, 30, false);
    mirrored["data"]["model"]["is_mirrored"] = json!(true);
    let mut unturned = workloads::ba(2, 3, 5);
    unturned["cam"][0] = json!(0);
    unturned["cam"][1] = json!(0);
    unturned["cam"][2] = json!(0.0);
    let mut prior = workloads::gmm(3, 4, 6);
    prior["gamma"] = json!(1.5);
    prior["m"] = json!(2);
    let hands = hands().into_iter().map(|hand| ("ht", "objective", "jacobian", hand));
    let others = vec![
        ("gmm", "objective", "jacobian", workloads::gmm(2, 3, 7)),
        ("gmm", "objective", "jacobian", prior),
        ("ba", "objective", "jacobian", workloads::ba(2, 3, 5)),
        ("ba", "objective", "jacobian", unturned),
        ("ht", "objective", "jacobian", mirrored),
        ("kmeans", "cost", "dir", workloads::kmeans(4, 30, 3)),
        ("lstm", "objective", "jacobian", workloads::lstm(1, 4)),
        ("lstm", "objective", "jacobian", workloads::lstm(3, 9)),
        ("ode", "primal", "gradient", workloads::ode(4, 10)),
        ("ode", "primal", "gradient", workloads::ode(3, 1)),
        ("lse", "primal", "gradient", workloads::lse(50)),
        ("llsq", "primal", "gradient", workloads::llsq(9, 6)),
        ("det", "primal", "gradient", workloads::det(3)),
        ("det", "primal", "gradient", workloads::det(7)),
    ];
    hands.chain(others).collect()
}

#[test]
fn primal_values_are_those_of_plain_loops() {
    for (module, primal, _, input) in small() {
        let found = flat(&evaluate(module, primal, &input));
        assert_close(&found, &flat(&plainly(module, &input)), 2e-14);
    }
}
