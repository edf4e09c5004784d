//! The protocol as the driver sees it.

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs the executable on some lines and reads its answers until it ends.
fn session(lines: &[String]) -> Vec<Value> {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_gradbench"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let mut input = tool.stdin.take().expect("it has an input");
    input.write_all((lines.join("\n") + "\n").as_bytes()).expect("it reads");
    drop(input);
    let output = tool.wait_with_output().expect("it ends with its input");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_session_of_hello() {
    let evaluate = |id: u32, function: &str, x: Value| json!({ "id": id, "kind": "evaluate", "module": "hello", "function": function, "input": x });
    let messages = [
        json!({ "id": 0, "kind": "start", "eval": "hello", "config": { "any": [1] } }),
        json!({ "id": 1, "kind": "define", "module": "hello" }),
        evaluate(2, "square", json!(8.0)),
        evaluate(3, "double", json!(64)),
        json!({ "id": 4, "kind": "analysis", "of": 3, "valid": true }),
        json!({ "id": 5, "kind": "define", "module": "unheard" }),
        json!({ "id": 6, "kind": "something", "new": null }),
    ];
    let answers = session(&messages.map(|m| m.to_string()));
    let ids: Vec<u64> = answers.iter().filter_map(|a| a["id"].as_u64()).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(answers[0]["tool"], "riesz");
    assert_eq!((&answers[1]["success"], &answers[5]["success"]), (&json!(true), &json!(false)));
    assert_eq!((&answers[2]["output"], &answers[3]["output"]), (&json!(64.0), &json!(128.0)));
}

#[test]
fn each_run_is_timed_until_both_limits_are_reached() {
    let input = json!({ "x": [0.5, 0.25], "min_runs": 3, "min_seconds": 0 });
    let message = json!({
        "id": 1, "kind": "evaluate", "module": "lse", "function": "primal", "input": input,
        "description": "n=2", "new": 1,
    });
    let answers = session(&[message.to_string()]);
    let timings = answers[0]["timings"].as_array().expect("timings");
    let named = |name: &str| timings.iter().filter(|t| t["name"] == name).count();
    assert_eq!((named("prepare"), named("evaluate")), (1, 3));
    assert!(timings.iter().all(|t| t["nanoseconds"].is_u64()));
    let longer = json!({ "x": [0.5, 0.25], "min_runs": 1, "min_seconds": 0.01 });
    let message = json!({
        "id": 2, "kind": "evaluate", "module": "lse", "function": "primal", "input": longer,
    });
    let answers = session(&[message.to_string()]);
    let timings = answers[0]["timings"].as_array().expect("timings");
    let spent: u64 = timings[1..].iter().filter_map(|t| t["nanoseconds"].as_u64()).sum();
    assert!(spent >= 10_000_000);
}

#[test]
fn what_fails_is_said_and_the_session_goes_on() {
    let evaluate = |id: u32, module: &str, function: &str, input: Value| json!({ "id": id, "kind": "evaluate", "module": module, "function": function, "input": input });
    let messages = [
        evaluate(0, "unheard", "primal", json!(1)),
        evaluate(1, "lse", "cube", json!({ "x": [1] })),
        evaluate(2, "lse", "primal", json!({ "y": [1] })),
        evaluate(3, "lse", "primal", json!({ "x": ["a"] })),
        evaluate(4, "hello", "square", json!(1e300)),
        evaluate(5, "hello", "square", json!(3)),
    ];
    let answers = session(&messages.map(|m| m.to_string()));
    let expected = ["unheard", "cube", "input has no `x`", "input.x", "inf"];
    for (answer, part) in answers.iter().zip(expected) {
        assert_eq!(answer["success"], false);
        let error = answer["error"].as_str().expect("an error");
        assert!(error.contains(part), "{error} lacks {part}");
        assert!(answer.get("output").is_none());
    }
    assert_eq!((&answers[5]["success"], &answers[5]["output"]), (&json!(true), &json!(9.0)));
}
