//! `riesz primitives`: the list, its JSON, and the page of the documentation that is made from it.

use crate::riesz;
use riesz_core::primitive::about;
use serde_json::{Value, json};

#[test]
fn the_page_of_the_documentation_is_current() -> std::io::Result<()> {
    let (code, page, _) = riesz(&["primitives", "--markdown"]);
    assert_eq!(code, 0);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/primitives.md");
    let kept = std::fs::read_to_string(file)?.replace("\r\n", "\n");
    assert!(kept == page, "docs/primitives.md is out of date: run `cargo xtask primitives`");
    Ok(())
}

#[test]
fn json_has_every_building_block() {
    let (code, out, _) = riesz(&["primitives", "--json"]);
    assert_eq!(code, 0);
    let all: Value = serde_json::from_str(&out).unwrap_or_default();
    let all = all["primitives"].as_array().cloned().unwrap_or_default();
    assert_eq!(all.len(), about::all().len());
    let find = |name: &str| all.iter().find(|p| p["name"] == name).cloned().unwrap_or_default();
    assert_eq!(
        find("sqrt"),
        json!({
            "name": "sqrt",
            "arity": 1,
            "arguments": ["x"],
            "meaning": "√x",
            "linear": false,
            "linear_in": [],
            "differential": "dx/(2*sqrt(x))",
            "transpose": "",
            "domain": "x >= 0",
            "kinks": "infinite at 0",
        })
    );
    let gather = find("gather");
    assert_eq!(gather["linear"], true);
    assert_eq!(gather["linear_in"], json!(["x"]));
    assert_eq!(gather["differential"], "gather(dx, index)");
    let solve = find("solve");
    assert_eq!((&solve["arity"], &solve["linear"]), (&json!(2), &json!(false)));
    assert_eq!(solve["linear_in"], json!(["B"]));
    assert_eq!(find("dot")["differential"], "dot(dx, y) + dot(x, dy)");
    assert_eq!(find("concat")["arity"], Value::Null);
    assert_eq!(find("iota")["arity"], 0);
}

#[test]
fn a_few_by_name() {
    let (code, out, _) = riesz(&["primitives", "abs", "solve"]);
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "abs(x)\n    |x|\n    differential  sign(x)*dx\n    domain        all\n    kinks         0 at 0\n\n\
         solve(A, B)\n    the X with A·X = B\n    differential  solve(A, dB - dA·X)\n    \
         transpose     for B: solve(Aᵀ, c)\n    domain        regular matrices A\n"
    );
    let (code, out, err) = riesz(&["primitives", "sqroot"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("there is no building block `sqroot`"), "{err}");
    let (code, _, err) = riesz(&["primitives", "relu"]);
    assert!(code == 2 && err.contains("made of others"), "{err}");
    let (code, _, err) = riesz(&["primitives", "sofplus"]);
    assert!(code == 2 && err.contains("is it `softplus`?"), "{err}");
}
