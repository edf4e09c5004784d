//! What is said about data that cannot be used: one message with the place, the reason and the fix.
//!
//! The texts are in `golden/data.txt`; run with `UPDATE=1` to rewrite them.

use crate::{json, riesz, scratch};
use std::path::Path;

/// Files that are wrong, and two that are not.
const FILES: &[(&str, &str)] = &[
    ("good.csv", "age,height,label\n30,1.8,1\n40,1.7,0\n50,1.6,1\n"),
    ("plain.csv", "1,2\n3,4\n5,6\n"),
    ("ragged.csv", "1,2,3\n4,5\n6,7,8\n"),
    ("words.csv", "age,height\n30,tall\n40,1.7\n"),
    ("comma.csv", "age;height\n30;1,8\n"),
    ("nan.csv", "age,height\n30,NaN\n"),
    ("infinite.csv", "1,2\n3,-inf\n"),
    ("gap.csv", "age,height\n30,\n"),
    ("empty.csv", ""),
    ("heading.csv", "age,height\n"),
    ("twice.csv", "age,age\n1,2\n"),
    ("short.npy", "\u{1}NUMPY"),
    ("skew.csv", "1,2\n3,4\n"),
    ("indefinite.csv", "1,2\n2,1\n"),
];

/// What the parameters say (the rest of the problem is always the same), and arguments.
const CASES: &[(&str, &str, &[&str])] = &[
    ("a missing file", "matrix[m,n] A = \"god.csv\"", &[]),
    ("a missing directory", "matrix[m,n] A = \"nowhere/good.csv\"", &[]),
    ("a directory", "matrix[m,n] A = \".\"", &[]),
    ("an empty file", "matrix[m,n] A = \"empty.csv\"", &[]),
    ("a heading alone", "matrix[m,n] A = \"heading.csv\"", &[]),
    ("a ragged file", "matrix[m,n] A = \"ragged.csv\"", &[]),
    ("a word", "matrix[m,n] A = \"words.csv\"", &[]),
    ("a decimal comma", "matrix[m,n] A = \"comma.csv\"", &[]),
    ("an empty cell", "matrix[m,n] A = \"gap.csv\"", &[]),
    ("not a number", "matrix[m,n] A = \"nan.csv\"", &[]),
    ("an infinite number", "matrix[m,n] A = \"infinite.csv\"", &[]),
    ("a column that is not there", "vector[m] A = \"plain.csv\"[:, 2]", &[]),
    ("rows that are not there", "matrix[m,n] A = \"plain.csv\"[2:9, :]", &[]),
    ("a heading that is not there", "vector[m] A = \"good.csv\"[:, \"hight\"]", &[]),
    ("a heading of two columns", "vector[m] A = \"twice.csv\"[:, \"age\"]", &[]),
    ("a heading where there are none", "vector[m] A = \"plain.csv\"[:, \"age\"]", &[]),
    ("a list of columns that is not there", "matrix[m,n] A = \"plain.csv\"[:, [0, 2]]", &[]),
    (
        "a list of headings that is not there",
        "matrix[m,n] A = \"good.csv\"[:, [\"age\", \"hight\"]]",
        &[],
    ),
    ("a list without its end", "matrix[m,n] A = \"plain.csv\"[:, [0, 1]", &[]),
    ("a damaged array", "matrix[m,n] A = \"short.npy\"", &[]),
    ("too many columns", "matrix[3,2] A = \"good.csv\"", &[]),
    ("a table for a vector", "vector[m] A = \"plain.csv\"", &[]),
    ("a list for a scalar", "scalar A = \"plain.csv\"[:, 0]", &[]),
    ("a table that is not square", "symmetric[n] A = \"plain.csv\"", &[]),
    (
        "one size, two lengths",
        "matrix[m,n] A = \"plain.csv\"\n  vector[n] b = \"plain.csv\"[:, 0]",
        &[],
    ),
    ("a literal of another length", "vector[n] A = [1,2]\n  vector[n] b = [1,2,3]", &[]),
    ("a matrix that is not symmetric", "symmetric[n] A = \"skew.csv\"", &[]),
    ("a matrix that is not positive definite", "spd[n] A = \"indefinite.csv\"", &[]),
    ("numbers that are not positive", "vector[n] A positive = [1,0]", &[]),
    ("no data", "matrix[m,n] A", &[]),
    ("data by an argument: missing", "scalar A", &["--data", "A=nowhere.csv"]),
    ("data by an argument: unknown", "scalar A = 1", &["--data", "B=plain.csv"]),
    ("data by an argument: a variable", "scalar A = 1", &["--data", "x=plain.csv"]),
    ("data by an argument: no file", "scalar A = 1", &["--data", "A"]),
    ("a name that is not declared", "scalar A = 2*alpha", &[]),
    ("a name that is declared later", "scalar A = 2*c\n  scalar c = 1", &[]),
];

#[test]
fn each_mistake_has_one_clear_message() {
    let directory = scratch("data");
    for (name, text) in FILES {
        std::fs::write(directory.join(name), text).expect("a file");
    }
    let here = format!("{}{}", directory.display(), std::path::MAIN_SEPARATOR);
    let problem = directory.join("problem.rz");
    let mut all = Vec::new();
    for (what, parameters, arguments) in CASES {
        let text = format!("parameters\n  {parameters}\nvariables\n  vector[2] x\nmin\n  x'*x\n");
        std::fs::write(&problem, text).expect("a problem");
        let file = problem.display().to_string();
        let args = [&["minimize", &file], *arguments].concat();
        let (code, out, err) = riesz(&args);
        assert_eq!((code, out.as_str()), (2, ""), "{what}: {err}");
        let (code, object) = json(&[args.as_slice(), &["--json"]].concat());
        let error = &object["error"];
        let message = error["message"].as_str().unwrap_or_default().replace(&here, "");
        assert!(code == 2 && !message.is_empty(), "{what}: {object}");
        let place = (error["line"].as_u64(), error["column"].as_u64());
        let err = err.replace(&here, "");
        match place {
            (Some(line), Some(column)) => {
                assert!(err.contains(&format!("problem.rz:{line}:{column} ")), "{what}: {err}");
            }
            _ => assert!(!err.contains("problem.rz:"), "{what}: {err}"),
        }
        all.push(format!("== {what}\n{err}{message}\n"));
    }
    golden("data.txt", &all.join("\n"));
}

/// Compares with the file, or writes it.
fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, text).expect("a golden file");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(text, kept, "in {name}; set UPDATE=1 to accept what is new");
}
