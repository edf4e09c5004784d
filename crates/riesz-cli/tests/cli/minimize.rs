//! `riesz minimize`: what it prints, and runs that are interrupted and go on.

use crate::{json, numbers, riesz, run, scratch};
use serde_json::Value;
use std::cell::Cell;
use std::path::Path;

const RIDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/ridge.rz");
const ROSENBROCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/rosenbrock.rz");

#[test]
fn gives_the_object_that_is_promised() {
    let (code, object) = json(&["minimize", RIDGE, "--json"]);
    assert_eq!((code, &object["status"]), (0, &Value::from("converged")));
    // The closed form: examples/reference/expected.json.
    let objective = object["objective"].as_f64().unwrap_or(f64::NAN);
    assert!((objective - 50.238_051_428_678_74).abs() < 1e-8, "{objective}");
    for key in ["gradient_norm", "constraint_violation", "iterations", "evaluations", "seconds"] {
        assert!(object[key].is_number(), "{key}: {object}");
    }
    assert!(object["method"].is_string());
    assert_eq!(numbers(&object["variables"]["w"]).len(), 12);
    let (code, stopped) = json(&["minimize", RIDGE, "--json", "--max-iter", "2"]);
    assert_eq!((code, &stopped["status"]), (1, &Value::from("max_iterations")));
}

#[test]
fn says_what_was_understood() {
    let (code, out, err) = riesz(&["minimize", RIDGE]);
    // Nothing follows the run where no terminal is watched.
    assert_eq!((code, err.as_str()), (0, ""));
    for line in [
        "  X: matrix[178,12]  from data/wine_standardised.csv[:, 1:13]\n",
        "  c: scalar          = 10\n",
        "  w: vector[12]  starts at vector(0)\n",
        "minimise\n  norm2(X*w + vector(b) - y)^2 + c*norm2(w)^2\n",
        "  by b  2*sum(X*w + vector(b) - y)\n",
        "converged: the gradient norm",
        "method                lbfgs (there are no constraints)\n",
        "\nw, a vector of 12\n[ ",
        "\nb, a number\n13.00061798\n",
    ] {
        assert!(out.contains(line), "no {line:?} in\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
}

/// Writes a problem file, and minimises.
fn problem(test: &str, text: &str, args: &[&str]) -> (u8, String, String) {
    let file = scratch(test).join("problem.rz");
    std::fs::write(&file, text).expect("a file");
    let file = file.display().to_string();
    riesz(&[&["minimize", &file], args].concat())
}

#[test]
fn the_object_has_the_remarks() {
    let text = "variables\n  vector[2] x\nmin\n  norm2(x)^2 + norm1(x)\n  where h = x\n";
    let (code, out, _) = problem("remarks", text, &["--json"]);
    let found: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, 0, "{found}");
    assert_eq!(found["notes"][0], "`h` is defined and not used");
    let kinks = found["notes"][1].as_str().unwrap_or_default();
    assert!(kinks.contains("norm1(x) has kinks: solved with more variables"), "{found}");
    let (_, out, _) = problem("remarks", text, &[]);
    assert!(out.contains("note: `h` is defined and not used\nnote: norm1(x) has kinks"), "{out}");
}

#[test]
fn columns_may_be_listed() {
    let table = scratch("columns").join("table.csv");
    std::fs::write(&table, "age,height,label\n3,5,1\n4,6,0\n").expect("a file");
    let data = "table.csv\"[:, [\"label\", 0]]".to_owned();
    let path = table.display().to_string().replace("table.csv", &data);
    let text = format!(
        "parameters\n  matrix[m,n] X = \"{path}\nvariables\n  vector[n] w\nmin\n  norm2(X*w - vector(1))^2\n"
    );
    let (code, out, err) = problem("listed", &text, &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("X: matrix[2,2]  from ") && out.contains("[:, [\"label\", 0]]\n"),
        "{out}"
    );
    // w₁ + 3w₂ = 1 and 4w₂ = 1.
    assert!(out.contains("[ 0.25  0.25 ]"), "{out}");
    let (code, _, err) = problem("listed", &text.replace("\"label\", 0", "\"lable\""), &[]);
    assert!(code == 2 && err.contains("is it `label`?"), "{err}");
}

#[test]
fn lists_of_numbers_in_constraints_are_no_parameters() {
    let text = "variables\n  vector x\nmin\n  x'*x\nst\n  x >= [1,-2]\n";
    let (code, out, err) = problem("lists", text, &[]);
    assert!(code == 0 && !out.contains("parameters") && out.contains("x >= [1,-2]"), "{out}{err}");
    assert!(out.contains("[ 1  0 ]"), "{out}");
    let (code, _, err) = problem("lists", text, &["--data", "[1,-2]=x.csv"]);
    assert!(code == 2 && err.contains("there are none"), "{err}");
}

#[test]
fn options_are_refused_with_what_they_may_be() {
    for (option, value, words) in [
        ("--tol", "-1", "a number above 0 is needed; the default is 1e-8"),
        ("--tol", "nan", "a number above 0 is needed"),
        ("--max-iter", "-3", "a whole number from 0 up is needed; the default is 10000"),
    ] {
        let (code, out, err) = riesz(&["minimize", RIDGE, option, value]);
        assert_eq!((code, out.as_str()), (2, ""), "{option}");
        assert!(err.contains(words), "{err}");
    }
}

#[test]
fn contradictory_bounds_are_shown_where_they_are_written() {
    let text = "variables\n  vector[2] x\nmin\n  x'*x\nst\n  x >= 3\n  x <= 1\n";
    let (code, out, err) = problem("contradiction", text, &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    for words in ["problem.rz:7:3", "x >= 3", "at least 3", "at most 1", "the entry [0] of `x`"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    // The bounds of a symmetric matrix are those of its entries.
    let text = "variables\n  symmetric[2] S\nmin\n  tr(S*S)\nst\n  2 <= S <= 1\n";
    let (_, _, err) = problem("symmetric", text, &[]);
    assert!(err.contains("at least 2 and at most 1"), "{err}");
}

/// As `eval` prints values.
#[test]
fn long_solutions_show_their_ends() {
    let text = "variables\n  vector[1500] x\n  vector[100] y\nmin\n  norm2(x - vector(2))^2 + norm2(y)^2\n";
    let (code, out, err) = problem("long", text, &[]);
    assert!(code == 0 && out.contains("\nx, a vector of 1500\n[ 2  2  2  …  2  2  2 ]\n"), "{out}");
    let (_, rest) = out.split_once("y, a vector of 100\n").expect("y");
    assert!(rest.matches('0').count() == 100 && !rest.contains('…'), "{rest}");
    assert!(err.contains("--json has all"), "{err}");
}

#[test]
fn a_minimum_on_the_boundary_of_the_cone_is_called_that() {
    // The nearest semidefinite matrix to C = diag(1, -1) is diag(1, 0), which is singular.
    let text = "parameters\n  matrix[2,2] C = [[1,0],[0,-1]]\nvariables\n  spd[2] X\n\
                min\n  norm2(X - C)^2\n";
    let (code, out, _) = problem("cone", text, &[]);
    assert_eq!(code, 1, "{out}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["failed: `X` came to the boundary", "it is singular", "L*L' for X", "logdet(X)"] {
        assert!(words.contains(part), "{part}: {out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    // What it advises: the semidefinite one, and its distance 1.
    let text = text.replace("spd[2] X", "matrix[2,2] L").replace("X - C", "L*L' - C");
    let (code, out, _) = problem("factor", &text, &["--json"]);
    let found: Value = serde_json::from_str(&out).expect("JSON");
    let objective = found["objective"].as_f64().unwrap_or(f64::NAN);
    assert!(code == 0 && (objective - 1.0).abs() < 1e-10, "{found}");
}

#[test]
fn draws_the_convergence() {
    let plot = scratch("minimize_plot").join("convergence.svg");
    let args = ["minimize", RIDGE, "--json", "--plot", &plot.display().to_string()];
    let (code, object) = json(&args);
    assert_eq!((code, &object["status"]), (0, &Value::from("converged")));
    let svg = std::fs::read_to_string(&plot).expect("a plot");
    assert!(svg.starts_with("<svg") && svg.contains(">ridge.rz: converged by lbfgs<"), "{svg}");
    let nowhere = ["minimize", RIDGE, "--plot", "no/such/directory/x.svg"];
    let (code, out, err) = riesz(&nowhere);
    assert!(code == 2 && out.is_empty() && err.contains("x.svg cannot be written"), "{out}{err}");
    // A run that fails leaves the picture of the one before.
    let args = ["minimize", "nowhere.rz", "--plot", &plot.display().to_string()];
    assert_eq!(riesz(&args).0, 2);
    assert_eq!(std::fs::read_to_string(&plot).expect("a plot"), svg);
}

/// Runs until the question whether to stop has been asked so many times.
fn interrupted_after(iterations: usize, args: &[&str]) -> (u8, String, String) {
    let asked = Cell::new(0);
    let interrupted = || {
        asked.set(asked.get() + 1);
        asked.get() > iterations
    };
    run(args, &interrupted)
}

/// What an object says of a solution, without the time it took.
fn timeless(text: &str) -> Value {
    let mut object: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    object["seconds"] = Value::Null;
    object
}

#[test]
fn an_interrupted_run_goes_on_as_if_nothing_had_been() {
    let file = scratch("minimize_resume").join("rosenbrock.run");
    let saved = file.display().to_string();
    let (_, whole, _) = riesz(&["minimize", ROSENBROCK, "--json"]);
    let first = ["minimize", ROSENBROCK, "--json", "--save", &saved];
    let (code, part, err) = interrupted_after(12, &first);
    let part = timeless(&part);
    assert_eq!((code, &part["status"]), (1, &Value::from("interrupted")));
    assert!(err.contains(&format!("to go on, add --resume {saved}")), "{err}");
    assert!(part["iterations"].as_u64() < timeless(&whole)["iterations"].as_u64());
    // Once more in the middle, then to the end.
    let again = ["minimize", ROSENBROCK, "--json", "--resume", &saved, "--save", &saved];
    let (code, middle, _) = interrupted_after(5, &again);
    assert_eq!((code, &timeless(&middle)["status"]), (1, &Value::from("interrupted")));
    let (code, rest, _) = riesz(&["minimize", ROSENBROCK, "--json", "--resume", &saved]);
    assert_eq!(code, 0);
    assert_eq!(timeless(&rest), timeless(&whole));
    assert!(!Path::new(&format!("{saved}.new")).exists());
}

#[test]
fn constraints_survive_an_interruption() {
    let directory = scratch("minimize_constraints");
    let (problem, saved) = (directory.join("disc.rz"), directory.join("disc.run"));
    let (problem, saved) = (problem.display().to_string(), saved.display().to_string());
    // P27 of the test problems: Rosenbrock's function in the unit disc.
    let text =
        "variables\n  scalar p, q\nmin\n  100*(q - p^2)^2 + (1 - p)^2\nst\n  p^2 + q^2 <= 1\n";
    std::fs::write(&problem, text).expect("a problem");
    let (_, whole, _) = riesz(&["minimize", &problem, "--json"]);
    let objective = timeless(&whole)["objective"].as_f64().unwrap_or(f64::NAN);
    assert!((objective - 0.045_674_808_72).abs() < 1e-9, "{objective}");
    let (code, ..) = interrupted_after(9, &["minimize", &problem, "--json", "--save", &saved]);
    assert_eq!(code, 1);
    // Comments, spaces and options may change; the objective may not.
    let same = text.replace("scalar p, q", "scalar   p, q # both") + "solve\n  max_iter = 5000\n";
    std::fs::write(&problem, same).expect("a problem");
    let (code, rest, _) = riesz(&["minimize", &problem, "--json", "--resume", &saved]);
    assert_eq!((code, timeless(&rest)), (0, timeless(&whole)));
    std::fs::write(&problem, text.replace("100", "10")).expect("a problem");
    let (code, _, err) = riesz(&["minimize", &problem, "--resume", &saved]);
    assert!(code == 2 && err.contains("another objective or other data"), "{err}");
}

#[test]
fn a_file_that_is_no_saved_run_is_refused() {
    let directory = scratch("minimize_refused");
    let file = directory.join("x.run").display().to_string();
    let resume = |text: &str| {
        std::fs::write(&file, text).expect("a file");
        let (code, out, err) = riesz(&["minimize", RIDGE, "--resume", &file]);
        assert!(code == 2 && !out.contains("converged"), "{text}: {out}");
        // What is no saved run at all is told before anything is done.
        assert!(out.is_empty() || text.contains("rows"), "{text}: {out}");
        err
    };
    assert!(resume("").contains("no saved run"));
    assert!(resume("{}").contains("does not say \"format\""));
    std::fs::remove_file(&file).expect("a file");
    let (code, ..) = riesz(&["minimize", RIDGE, "--max-iter", "3", "--save", &file]);
    assert_eq!(code, 1);
    let saved = std::fs::read_to_string(&file).expect("a saved run");
    assert!(resume(&saved[..saved.len() / 2]).contains("no saved run"));
    assert!(
        resume(&saved.replace("\"asked\":\"auto\"", "\"asked\":\"bfgs\"")).contains("no method")
    );
    assert!(resume(&saved.replace("\"at.x\"", "\"x\"")).contains("`at.x` is missing"));
    assert!(resume(&saved.replace("\"at.x\":[", "\"at.x\":[\"a\",")).contains("no row of numbers"));
    let (code, out, err) = riesz(&["minimize", RIDGE, "--resume", "nowhere.run"]);
    assert!(code == 2 && out.is_empty() && err.contains("nowhere.run cannot be read"), "{err}");
    std::fs::write(&file, &saved).expect("a file");
    let other = ["minimize", RIDGE, "--resume", &file, "--method", "newton-cg"];
    let (code, _, err) = riesz(&other);
    assert!(code == 2 && err.contains("begun with the method auto"), "{err}");
    let (code, out, err) = riesz(&["minimize", RIDGE, "--save", "no/such/directory/x.run"]);
    assert!(code == 2 && out.is_empty() && err.contains("x.run cannot be written"), "{err}");
}

#[test]
fn no_file_is_destroyed() {
    let directory = scratch("minimize_targets");
    let path = |name: &str| directory.join(name).display().to_string();
    let (data, notes, fresh) = (path("x.csv"), path("notes.txt"), path("fresh.run"));
    let text = "parameters\n  vector x = \"x.csv\"\nvariables\n  vector w\nmin\n  norm2(w - x)^2\n";
    let files =
        [("problem.rz", text), ("x.csv", "1\n2\n"), ("y.csv", "3\n4\n"), ("notes.txt", "keep")];
    for (name, content) in files {
        std::fs::write(directory.join(name), content).expect("a file");
    }
    let (problem, around) = (path("problem.rz"), path("../minimize_targets/problem.rz"));
    let (svg, override_) = (path("p.svg"), format!("x={}[:, 0]", path("y.csv")));
    for (args, words) in [
        (vec!["--save", &problem], "--save {}: this is the problem file"),
        (vec!["--plot", &problem], "--plot {}: this is the problem file"),
        (vec!["--save", &around], "this is the problem file"),
        (vec!["--save", &data], "this is a data file of the problem"),
        (vec!["--plot", &data, "--data", &override_], "this is a data file of the problem"),
        (vec!["--save", &path("y.csv"), "--data", &override_], "this is a data file"),
        (vec!["--save", &notes], "there already and is no saved run"),
        (vec!["--save", &svg, "--plot", &svg], "this is the file of --save too"),
        (vec!["--plot", &path("p.png")], "does not end in .svg"),
    ] {
        let (code, out, err) = riesz(&[&["minimize", &problem], args.as_slice()].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        let words = words.replace("{}", args[1]);
        assert!(err.contains(&words) && err.contains("Help: name a"), "{words}: {err}");
    }
    for (name, content) in files {
        assert_eq!(std::fs::read_to_string(directory.join(name)).expect("a file"), content);
    }
    assert_eq!(std::fs::read_dir(&directory).expect("a directory").count(), files.len());
    // A saved run, and a file that is empty, may be replaced; the run that goes on is no picture.
    std::fs::write(&fresh, "").expect("a file");
    for _ in 0..2 {
        assert_eq!(riesz(&["minimize", &problem, "--save", &fresh, "--plot", &svg]).0, 0);
    }
    let (code, _, err) = riesz(&["minimize", &problem, "--resume", &fresh, "--plot", &fresh]);
    assert!(code == 2 && err.contains("this is the file of --resume too"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_link_to_the_problem_is_the_problem() {
    let directory = scratch("minimize_links");
    let (problem, link) = (directory.join("problem.rz"), directory.join("link.svg"));
    let text = "variables\n  scalar a\nmin\n  a^2\n";
    std::fs::write(&problem, text).expect("a file");
    std::os::unix::fs::symlink(&problem, &link).expect("a link");
    for option in ["--save", "--plot"] {
        let (problem, link) = (problem.display().to_string(), link.display().to_string());
        let (code, _, err) = riesz(&["minimize", &problem, option, &link]);
        assert!(code == 2 && err.contains("this is the problem file"), "{err}");
    }
    assert_eq!(std::fs::read_to_string(&problem).expect("a file"), text);
}

#[test]
fn a_strict_bound_is_mentioned() {
    let text = "variables\n  scalar a, b\nmin\n  a + b\nst\n  a > 2\n  0 <= b < 1\n";
    let (code, out, _) = problem("strict", text, &["--json"]);
    let found: Value = serde_json::from_str(&out).expect("JSON");
    let note = "a > 2, 0 <= b < 1: < and > are read as <= and >=, so that the boundary counts";
    assert_eq!((code, &found["notes"][0]), (0, &Value::from(note)));
    let (_, out, _) = problem("strict", text, &[]);
    assert!(out.contains(&format!("note: {note}\n")), "{out}");
    let (_, out, _) = problem("strict", &text.replace('>', ">=").replace("b < 1", "b <= 1"), &[]);
    assert!(!out.contains("note:"), "{out}");
}

/// The JSON says why a run ended, whether it converged or not.
#[test]
fn json_gives_the_reason_of_the_end() {
    let ended = |name: &str, text: &str| {
        let (code, out, _) = problem(name, text, &["--json"]);
        let found: Value = serde_json::from_str(&out).expect("JSON");
        (code, found["status"].clone(), found["reason"].as_str().unwrap_or_default().to_owned())
    };
    let text = "variables\n  vector[3] x\nmin -sum(x)\nst\n  x >= 0\n";
    let (code, status, reason) = ended("downwards", text);
    assert!(code == 1 && status == "failed" && reason.contains("seems unbounded"), "{reason}");
    let (code, status, reason) = ended("lifted", "variables\n  scalar a\nmin 1e9 + (a-5)^2\n");
    assert!(code == 0 && status == "converged" && reason.contains("gradient norm"), "{reason}");
}
