//! Problems in the ways people write them, GENO's among them, with minima known in closed form.

use riesz::minimize::{Control, Status};
use riesz_lang::model::Model;
use std::path::Path;

/// Solves a problem and compares the objective and one variable.
#[track_caller]
fn solves(text: &str, objective: f64, variable: &str, at: &[f64]) {
    let model = Model::load(text, Path::new("."), &[]).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let options = model.options().unwrap();
    let outcome = model.minimize(&options, &mut |_| Control::Continue).unwrap();
    let s = &outcome.solution;
    assert_eq!(s.status, Status::Converged, "{text}\n{}", s.reason);
    assert!((s.objective - objective).abs() < 1e-7, "{text}\n{} not {objective}", s.objective);
    let found = outcome.variables.iter().find(|(n, _)| n == variable).unwrap().1.to_f64();
    let near = found.iter().zip(at).all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near && found.len() == at.len(), "{text}\n{found:?} not {at:?}");
}

#[test]
fn strict_bounds_are_bounds() {
    let text = "parameters\n  vector b = [1,-2]\nvariables\n  vector x\nmin\n  norm2(x - b).^2\nst\n  x > 0";
    solves(text, 4.0, "x", &[1.0, 0.0]);
    let text = text.replace("x > 0", "0 < x\n  1/2 > x");
    solves(&text, 4.25, "x", &[0.5, 0.0]);
}

#[test]
fn declarations_may_share_a_line() {
    let text = "parameters matrix A = [[2,0],[0,4]] vector b, c = [1,1]";
    assert!(Model::load(text, Path::new("."), &[]).is_err());
    // min c'x with x ≥ 0 and x₁ + x₂ ≥ 1, 2x₁ ≤ 1: all weight on the cheaper second entry.
    let text = "parameters vector c = [3,2] scalar a = 2 vector b = [1,4]\nvariables vector x\n\
                min c'*x\nst x >= 0\n  sum(x) >= 1\n  a*x <= b";
    solves(text, 2.0, "x", &[0.0, 1.0]);
    let text = "parameters\n  Matrix K = [[2,0],[0,1]] symmetric\n  Scalar c = 1\nvariables\n  Vector a \
                Scalar q\nmin\n  0.5*a'*K*a - c*sum(a) + (q - 2)^2";
    assert!(Model::load(text, Path::new("."), &[]).is_err(), "facts stand before the data");
    let text =
        text.replace("Matrix K = [[2,0],[0,1]] symmetric", "Matrix K symmetric = [[2,0],[0,1]]");
    solves(&text, -0.75, "a", &[0.5, 1.0]);
}

#[test]
fn the_lines_of_an_objective_may_begin_with_a_sign() {
    let text = "parameters\n  vector b = [3,4]\nvariables\n  vector x\nmin\n  0.5*x'*x\n  - b'*x\n\n  + 2\nst\n  \
                -x >= -10\n  -3 <= x";
    // 25/2 - 25 + 2 at x = b.
    solves(text, -10.5, "x", &[3.0, 4.0]);
    let long = "variables\n  scalar p\nmin\n  p^2".to_owned() + &"\n  + 1 # one more".repeat(2000);
    solves(&long, 2000.0, "p", &[0.0]);
}

#[test]
fn powers_and_quotients_of_scalars_may_have_dots() {
    let text = "variables\n  scalar p\nmin\n  (p.^2 + 1)./2 - p.*3\n";
    solves(text, -4.0, "p", &[3.0]);
}

#[test]
fn variables_of_one_shape_start_apart() {
    // At U = V the product is positive semidefinite for ever, and diag(1, -1) out of reach.
    let text = "parameters\n  matrix A = [[1,0],[0,-1]]\nvariables\n  matrix[2,2] U, V\nmin\n  norm2(A - U*V')^2";
    let model = Model::load(text, Path::new("."), &[]).unwrap();
    let outcome = model.minimize(&model.options().unwrap(), &mut |_| Control::Continue).unwrap();
    assert!(outcome.solution.objective < 1e-12, "{}", outcome.solution.objective);
    // Nor can a quotient of u - v start where they are equal.
    let text = "parameters\n  vector y = [1,2]\nvariables\n  vector u, v\nmin\n  \
                -(y'*(u - v))/norm2(u - v) + norm2(u + v)^2";
    let model = Model::load(text, Path::new("."), &[]).unwrap();
    let outcome = model.minimize(&model.options().unwrap(), &mut |_| Control::Continue).unwrap();
    // Cauchy–Schwarz: -‖y‖, with u = -v along y.
    assert!(
        (outcome.solution.objective + 5f64.sqrt()).abs() < 1e-7,
        "{}",
        outcome.solution.objective
    );
}

#[test]
fn an_objective_may_have_definitions() {
    let text = "parameters\n  matrix A = [[2,0],[0,1]]\n  vector b = [2,3]\nvariables\n  vector x\nmin\n  \
                r'*r + c\n  where r = A*x - b; c = sum(r)\n  k = 2\nst\n  x >= 0\n";
    // Each r is -1/2 at the minimum r² + r = -1/4.
    solves(text, -0.5, "x", &[0.75, 2.5]);
    let notes = Model::load(text, Path::new("."), &[]).unwrap().notes().to_vec();
    assert_eq!(notes, ["`k` is defined and not used"]);
    let error = |text: &str| match Model::load(text, Path::new("."), &[]) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert!(error(&text.replace("x >= 0", "r >= 0")).contains("`r` is not declared"));
    assert!(error(&text.replace("k = 2", "x = 2")).contains("`x` is a variable already"));
    assert!(error("variables\n vector[2] x\nminimise\n sum(x)").contains("write min"));
    assert!(error("variables\n vector[2] x\nmin\n x'*x\nsubject to\n x >= 0").contains("word st"));
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    for text in [
        "variables\n  vector[900000000] x\nmin\n  x'*x",
        "parameters\n  vector b = vector(1, 90000)\n  matrix A = b*b'\nvariables\n  vector[2] x\nmin\n  x'*x",
        "variables\n  vector[90000] x\nmin\n  norm2(x*x')",
    ] {
        match Model::load(text, Path::new("."), &[]) {
            Ok(_) => panic!("{text} was accepted"),
            Err(error) => assert!(error.to_string().contains("GiB of memory"), "{text}: {error}"),
        }
    }
}

#[test]
fn constraints_may_have_lists_of_numbers() {
    let text =
        "parameters\n  vector b = [3,-4]\nvariables\n  vector x\nmin\n  norm2(x - b)^2\nst\n  ";
    // The nearest point of a box: entry by entry.
    for (constraints, objective, at) in [
        ("x <= [1,2]", 4.0, [1.0, -4.0]),
        ("[0,-1] <= x <= [1,2]", 13.0, [1.0, -1.0]),
        ("x in box([0,-1], [1,2])", 13.0, [1.0, -1.0]),
        ("x == [5,\n 6]", 104.0, [5.0, 6.0]),
    ] {
        solves(&format!("{text}{constraints}\n"), objective, "x", &at);
    }
    // 2x = (2, 6) is no bound; a matrix is written as rows.
    solves(&format!("{text}2*x == [2,6]\n"), 53.0, "x", &[1.0, 3.0]);
    let matrix =
        "variables\n  matrix[2,2] X\nmin\n  sum(X)\nst\n  X >= [[1,2],[3,4]]\n  X >= [[1,2],[3,4]]";
    solves(matrix, 10.0, "X", &[1.0, 2.0, 3.0, 4.0]);
    let model = Model::load(matrix, Path::new("."), &[]).unwrap();
    assert!(model.parameters().is_empty());
    let error =
        |constraint: &str| match Model::load(&format!("{text}{constraint}\n"), Path::new("."), &[])
        {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
    assert!(error("x >= [1,2,3]").contains("different shapes"));
    assert!(error("x >= 2*[1,2]").contains("found `[`"));
    assert!(error("x >= [[1,2],[3]]").contains("row 2 has 1 numbers"));
}
