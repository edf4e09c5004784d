//! Known minima are found.

use crate::cases::{Case, constrained, kinked, smooth};
use riesz::minimize::{Control, Status};
use riesz_lang::model::Model;
use std::path::Path;

/// Solves a case and complains of every digit that is missing.
fn complaints(case: &Case, accuracy: f64) -> Vec<String> {
    let name = case.name;
    let model = match Model::load(&case.text, Path::new("."), &[]) {
        Ok(model) => model,
        Err(error) => return vec![format!("{name}: {error}")],
    };
    let outcome = model.minimize(&model.options().unwrap(), &mut |_| Control::Continue).unwrap();
    let s = &outcome.solution;
    let error = (s.objective - case.optimum).abs() / case.optimum.abs().max(1.0);
    println!(
        "{name:34} {:22} {:5} iterations {:6} evaluations, error {error:8.1e}, violation {:7.1e}, {:.2} s",
        s.method.to_string(),
        s.iterations,
        s.evaluations,
        s.constraint_violation,
        s.seconds
    );
    let mut all = Vec::new();
    if s.status != Status::Converged {
        all.push(format!("{name}: {}: {}", s.status, s.reason));
    }
    if error > accuracy || s.constraint_violation > 1e-8 {
        all.push(format!("{name}: objective {} not {}", s.objective, case.optimum));
    }
    for (variable, expected) in &case.at {
        let found = outcome.variables.iter().find(|(n, _)| n == variable).unwrap().1.to_f64();
        let far = found.iter().zip(expected).any(|(a, b)| (a - b).abs() > 1e-6 * b.abs().max(1.0));
        if far || found.len() != expected.len() {
            all.push(format!("{name}: {variable} is {found:?}, not {expected:?}"));
        }
    }
    all
}

fn all_reach(cases: Vec<Case>, accuracy: f64) {
    let all: Vec<String> = cases.iter().flat_map(|c| complaints(c, accuracy)).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn smooth_problems_reach_their_minima() {
    all_reach(smooth(), 1e-8);
}

#[test]
fn constrained_problems_reach_their_minima() {
    all_reach(constrained(), 1e-8);
}

#[test]
fn problems_with_kinks_reach_their_minima() {
    all_reach(kinked(), 1e-8);
}
