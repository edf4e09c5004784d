//! The solution, as JSON and for people.

use crate::{display, json};
use riesz::minimize::Method;
use riesz_core::counted;
use riesz_lang::model::Outcome;
use serde_json::{Map, Value, json};

/// One object, in one line.
pub fn json(outcome: &Outcome, notes: Value) -> String {
    let s = &outcome.solution;
    let variables: Map<String, Value> =
        outcome.variables.iter().map(|(name, t)| (name.clone(), json::tensor(t))).collect();
    let object = json!({
        "status": s.status.to_string(),
        "objective": json::number(s.objective),
        "gradient_norm": json::number(s.gradient_norm),
        "constraint_violation": json::number(s.constraint_violation),
        "iterations": s.iterations,
        "evaluations": s.evaluations,
        "seconds": json::number(s.seconds),
        "method": s.method.to_string(),
        "variables": variables,
        "notes": notes,
        "reason": s.reason,
    });
    format!("{object}\n")
}

/// Several lines.
pub fn text(outcome: &Outcome) -> String {
    let s = &outcome.solution;
    let line = |text: String, indent| display::wrapped(&text, indent) + "\n";
    let mut text = line(format!("{}: {}", s.status.to_string().replace('_', " "), s.reason), 2);
    text += &line(format!("method                {} ({})", s.method, s.method_reason), 22);
    text += &format!("objective             {}\n", display::short(s.objective, 16));
    text += &format!("gradient norm         {}\n", display::size(s.gradient_norm));
    if s.method == Method::AugmentedLagrangian {
        text += &format!("constraint violation  {}\n", display::size(s.constraint_violation));
    }
    text += &format!(
        "{}, {}, {}\n\n",
        counted(s.iterations, "iteration"),
        counted(s.evaluations, "evaluation"),
        display::duration(s.seconds)
    );
    for (name, value) in &outcome.variables {
        text += &format!("{name}, a {}\n", display::shape(value.shape()));
        text += &display::tensor(value);
    }
    text
}
