//! The problem as it was understood: names, shapes, where the numbers come from, and the gradient.

use riesz_lang::ast::Sense;
use riesz_lang::formula::{Request, derive};
use riesz_lang::model::Model;

/// Several lines, with an empty one at the end.
pub fn describe(model: &Model) -> String {
    let mut text = String::new();
    let parameters: Vec<(&str, String)> =
        model.parameters().iter().map(|p| (p.declaration.as_str(), p.source.clone())).collect();
    text += &section("parameters", &parameters);
    let start = |v: &riesz_lang::model::Variable| format!("starts at {}", v.start_source);
    let variables: Vec<(&str, String)> =
        model.variables().iter().map(|v| (v.declaration.as_str(), start(v))).collect();
    text += &section("variables", &variables);
    let problem = model.problem();
    let sense = match problem.sense {
        Sense::Min => "minimise",
        Sense::Max => "maximise",
    };
    let objective = model.text(problem.objective_span);
    text += &format!("{sense}\n{}", indented(objective));
    if !problem.constraints.is_empty() {
        text += "subject to\n";
    }
    for c in &problem.constraints {
        text += &indented(model.text(c.span));
    }
    // A formula is for reading; the solver uses the program's derivative in any case.
    let gradient = |name: &str| {
        let formula = derive(model.typed(), model.objective(), Request::First(name));
        formula.map_or_else(|e| format!("({})", e.message), |d| d.text)
    };
    let gradients: Vec<(String, String)> =
        model.variables().iter().map(|v| (format!("by {}", v.name), gradient(&v.name))).collect();
    text += &section("gradient", &gradients);
    for note in model.notes() {
        text += &format!("note: {note}\n");
    }
    text + "\n"
}

/// A heading, and under it two aligned columns; nothing without rows.
fn section<S: AsRef<str>>(heading: &str, rows: &[(S, String)]) -> String {
    let width = rows.iter().map(|(left, _)| left.as_ref().chars().count()).max();
    let Some(width) = width else { return String::new() };
    let row = |(left, right): &(S, String)| format!("  {:width$}  {right}\n", left.as_ref());
    format!("{heading}\n{}", rows.iter().map(row).collect::<String>())
}

/// The lines of a text as written, moved to the same margin.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}\n", line.trim())).collect()
}
